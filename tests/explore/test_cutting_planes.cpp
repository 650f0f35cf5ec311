// Cutting planes: where the lowest of all planes is highest, by its certificate (linear programs
// are optimal when their dual is), and what they converge to, by a grid.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/explore/cutting_planes.hpp>

namespace {

using planes = hass::detail::cutting_planes<3>;
using point = planes::vector;

struct plane {
    double height;
    point slope;
    double at(const point& p) const {
        return height + slope[0] * p[0] + slope[1] * p[1] + slope[2] * p[2];
    }
};

double lowest(const std::vector<plane>& all, const point& p) {
    double least = std::numeric_limits<double>::infinity();
    for (const plane& a : all) least = std::min(least, a.at(p));
    return least;
}

}  // namespace

TEST_CASE("the top of random planes is proved by their weights", "[cutting_planes]") {
    std::mt19937 random(20261121);
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    std::uniform_int_distribution<int> coarse(-2, 2);
    for (int round = 0; round < 2000; ++round) {
        const auto n = static_cast<std::size_t>(1 + round % 3);
        const double most = round % 2 == 0 ? 5.0 : 100.0;
        planes top;
        top.reset(n, most);
        std::vector<plane> all;
        for (int k = 0; k < 12; ++k) {
            plane a{round % 5 == 0 ? coarse(random) : 10.0 * uniform(random), {}};
            for (std::size_t i = 0; i < n; ++i)
                a.slope[i] = round % 5 == 0 ? coarse(random) : uniform(random);
            all.push_back(a);
            top.add(a.height, a.slope);

            const point p = top.top();
            double sum = 0.0;
            point slope{};
            top.supporting([&](std::size_t j, double weight) {
                REQUIRE(weight >= 0.0);
                REQUIRE(std::abs(all[j].at(p) - top.height()) < 1e-7);
                sum += weight;
                for (std::size_t i = 0; i < n; ++i) slope[i] += weight * all[j].slope[i];
            });
            REQUIRE(sum == Approx(1.0));
            REQUIRE(lowest(all, p) == Approx(top.height()).margin(1e-7));
            for (std::size_t i = 0; i < n; ++i) {
                REQUIRE(p[i] >= 0.0);
                REQUIRE(p[i] <= most);
                if (p[i] > 1e-7) REQUIRE(slope[i] > -1e-7);
                if (p[i] < most - 1e-7) REQUIRE(slope[i] < 1e-7);
            }
        }
    }
}

TEST_CASE("planes at the top close in on the maximum", "[cutting_planes]") {
    // f(p) = sum over rows of the least of its lines, less p . 1: a Lagrangian bound
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::vector<plane>> rows(6);
        for (auto& row : rows)
            for (int k = 0; k < 5; ++k)
                row.push_back({uniform(random), {uniform(random), uniform(random), 0.0}});
        const auto f = [&](const point& p) {
            plane sum{0.0, {-1.0, -1.0, 0.0}};
            for (const auto& row : rows) {
                const auto least = std::min_element(
                    row.begin(), row.end(),
                    [&](const plane& a, const plane& b) { return a.at(p) < b.at(p); });
                sum.height += least->height;
                for (std::size_t i = 0; i < 3; ++i) sum.slope[i] += least->slope[i];
            }
            return sum;
        };
        planes top;
        top.reset(2, 20.0);
        point p{};
        double best = -std::numeric_limits<double>::infinity();
        for (int step = 0; step < 100; ++step) {
            const plane here = f(p);
            best = std::max(best, here.at(p));
            top.add(here.height, here.slope);
            p = top.top();
            if (top.height() - best < 1e-9) break;
        }
        CHECK(top.height() - best < 1e-9);
        double on_grid = -std::numeric_limits<double>::infinity();
        for (int x = 0; x <= 100; ++x)
            for (int y = 0; y <= 100; ++y) {
                const point q{0.2 * x, 0.2 * y, 0.0};
                on_grid = std::max(on_grid, f(q).at(q));
            }
        CHECK(best >= on_grid - 1e-9);
    }
}
