// CMA-ES, NSGA-II and Sobol search.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>
#include <vector>

#include <hass/search/cma_es.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/search/sobol.hpp>
#include <hass/search/study.hpp>

using Catch::Matchers::Contains;
using hass::outcome;

namespace {

hass::space cube(std::size_t dimensions, double low, double high) {
    std::vector<hass::axis> axes;
    for (std::size_t i = 0; i < dimensions; ++i)
        axes.push_back(hass::real_axis(std::string("x").append(std::to_string(i)), low, high));
    return hass::space(axes);
}

// An ellipsoid with axes from 1 to 1000, rotated against the coordinates by pairs.
outcome ellipsoid(std::span<const double> p) {
    double sum = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double x = p[i] - 0.7;
        const double y = p[(i + 1) % p.size()] - 0.7;
        const double weight = std::pow(1000.0, static_cast<double>(i) / 5.0);
        sum += weight * (x + 0.5 * y) * (x + 0.5 * y);
    }
    return outcome::ok(sum);
}

outcome zdt1(std::span<const double> p) {
    double g = 1.0;
    for (std::size_t i = 1; i < p.size(); ++i) g += 9.0 * p[i] / static_cast<double>(p.size() - 1);
    return outcome::ok({p[0], g * (1.0 - std::sqrt(p[0] / g))});
}

}  // namespace

TEST_CASE("CMA-ES converges on a rotated ellipsoid", "[cma_es]") {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        hass::study<hass::cma_es> study(cube(6, -3.0, 3.0), seed, {.trials = 2000});
        study.run(ellipsoid);
        CHECK(study.best()->result->values()[0] < 1e-12);
    }
}

TEST_CASE("CMA-ES finds optima on the box's faces and stays inside", "[cma_es]") {
    hass::study<hass::cma_es> study(cube(4, 0.0, 1.0), 2, {.trials = 600});
    study.run([](std::span<const double> p) {
        for (const double x : p) CHECK((x >= 0.0 && x <= 1.0));
        return outcome::ok(p[0] + p[1] - p[2] + (p[3] - 0.5) * (p[3] - 0.5));
    });
    CHECK(study.best()->result->values()[0] < -0.98);  // the corner has -1
}

TEST_CASE("CMA-ES restarts with twice the population", "[cma_es]") {
    hass::cma_es cma(cube(2, -1.0, 1.0), 1);
    const std::size_t first = cma.population();
    for (int i = 0; i < 4000 && cma.restarts() == 0; ++i) {
        const auto t = cma.ask();
        cma.tell(*t, outcome::ok(t->point[0] * t->point[0] + t->point[1] * t->point[1]));
    }
    CHECK(cma.restarts() == 1);
    CHECK(cma.population() == 2 * first);
    CHECK(cma.step() == 0.3);
}

TEST_CASE("CMA-ES handles constraints, failures, integers and late tells", "[cma_es]") {
    std::vector<hass::axis> axes{hass::real_axis("x", -1.0, 1.0), hass::integer_axis("n", 0, 40),
                                 hass::log_axis("y", 1e-3, 1e3)};
    hass::study<hass::cma_es> study(hass::space(axes), 4, {.trials = 800});
    while (true) {
        auto batch = study.ask_batch(13);  // more than a generation, told backwards
        if (batch.empty()) break;
        std::reverse(batch.begin(), batch.end());
        for (const auto& t : batch) {
            const auto& p = t.point;
            if (p[0] < -0.8) {
                study.tell(t, outcome::failed("left the bench"));
                continue;
            }
            const double f = p[0] * p[0] + std::fabs(p[1] - 33.0) + std::fabs(std::log(p[2] / 5.0));
            study.tell(t, outcome::constrained({f}, {0.25 - p[0]}));  // x >= 0.25
        }
    }
    CHECK(study.best()->point[0] == Approx(0.25).margin(0.02));
    CHECK(study.best()->point[1] == 33.0);
    CHECK(study.best()->point[2] == Approx(5.0).epsilon(0.1));
    CHECK_THROWS_WITH(hass::cma_es(hass::space({hass::categorical_axis("c", {"a", "b"})})),
                      Contains("axis 'c' is categorical"));
    hass::cma_es two(cube(2, 0.0, 1.0), 1);
    CHECK_THROWS_WITH(two.tell(*two.ask(), outcome::ok({1.0, 2.0})), Contains("one objective"));
    CHECK_THROWS_AS(hass::cma_es(cube(2, 0.0, 1.0), 1, {.start = {2.0, 0.0}}), hass::error);
}

TEST_CASE("CMA-ES suggests these very doubles on every compiler", "[cma_es]") {
    hass::cma_es cma(cube(3, -3.0, 3.0), 7);
    std::vector<double> last;
    for (int i = 0; i < 120; ++i) {
        const auto t = cma.ask();
        cma.tell(*t, ellipsoid(*t));
        last = t->point;
    }
    CHECK(last ==
          std::vector<double>{0.83210238673088899, 0.60178161262736829, 0.66927819421477963});
}

TEST_CASE("NSGA-II covers a front better than random draws", "[nsga2]") {
    const std::vector<double> reference{11.0, 11.0};
    double evolved = 0.0;
    double drawn = 0.0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        hass::nsga2 search(cube(10, 0.0, 1.0), seed);
        hass::random_search random(cube(10, 0.0, 1.0), seed);
        std::vector<std::vector<double>> a;
        std::vector<std::vector<double>> b;
        for (int i = 0; i < 200; ++i) {
            const auto t = search.ask();
            search.tell(*t, zdt1(*t));
            a.push_back(zdt1(*t).values());
            b.push_back(zdt1(*random.ask()).values());
        }
        evolved += hass::hypervolume(a, reference) / 5.0;
        drawn += hass::hypervolume(b, reference) / 5.0;
    }
    CHECK(evolved > 110.1);  // the best peer's median
    CHECK(drawn < 106.0);
}

TEST_CASE("NSGA-II handles axes of every kind, constraints and failures", "[nsga2]") {
    const hass::space where({hass::real_axis("x", 0.0, 1.0), hass::integer_axis("n", 1, 9),
                             hass::categorical_axis("c", {"a", "b", "c"}),
                             hass::log_axis("y", 1e-2, 1e2)});
    hass::study<hass::nsga2> study(
        where, 3,
        {.directions = {hass::direction::minimise, hass::direction::maximise}, .trials = 300});
    study.enqueue({0.5, 5.0, 1.0, 1.0});
    study.run([&](std::span<const double> p) {
        CHECK_NOTHROW(where.check(p));
        if (p[1] == 1.0) return outcome::failed("no");
        return outcome::constrained({p[0] + std::fabs(std::log(p[3])), p[0] * p[1] - p[2]},
                                    {p[1] - 7.5});
    });
    const auto front = study.front();
    REQUIRE(front.size() > 3);
    double most = 0.0;
    for (const auto& r : front) {
        CHECK(r.point[1] <= 7.0);
        most = std::max(most, r.result->values()[1]);
    }
    CHECK(most > 6.0);  // x = 1, n = 7, c = a gives 7
    CHECK_THROWS_AS(hass::nsga2(where, 1, {.population = 2}), hass::error);
}

TEST_CASE("scrambled Sobol points stratify every axis", "[sobol]") {
    const hass::sobol_sequence sequence(130, 5);
    for (std::size_t d = 0; d < sequence.dimensions(); ++d) {
        std::set<int> cells;
        for (std::uint64_t i = 0; i < 256; ++i) {
            const double x = sequence(i, d);
            REQUIRE(x >= 0.0);
            REQUIRE(x < 1.0);
            cells.insert(static_cast<int>(x * 256.0));
        }
        CHECK(cells.size() == 256);
    }
    // The first two dimensions are a (0, m, 2)-net: every elementary box holds one point.
    for (int bits = 0; bits <= 6; ++bits) {
        std::set<std::pair<int, int>> boxes;
        for (std::uint64_t i = 0; i < 64; ++i)
            boxes.insert({static_cast<int>(sequence(i, 0) * (1 << bits)),
                          static_cast<int>(sequence(i, 1) * (1 << (6 - bits)))});
        CHECK(boxes.size() == 64);
    }
}

TEST_CASE("scrambled Sobol points integrate better than random ones", "[sobol]") {
    const auto error = [](bool sobol) {
        double square = 0.0;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            const hass::sobol_sequence sequence(8, seed);
            hass::random_stream random(seed);
            double mean = 0.0;
            for (std::uint64_t i = 0; i < 1024; ++i) {
                double product = 1.0;
                for (std::size_t d = 0; d < 8; ++d) {
                    const double x = sobol ? sequence(i, d) : random.uniform();
                    product *= 1.0 + 0.5 * (x - 0.5);
                }
                mean += product / 1024.0;
            }
            square += (mean - 1.0) * (mean - 1.0) / 20.0;
        }
        return std::sqrt(square);
    };
    CHECK(error(true) < 0.1 * error(false));
    hass::sobol_search search(hass::space({hass::integer_axis("n", 0, 3)}), 1);
    std::vector<int> seen(4);
    for (int i = 0; i < 16; ++i) ++seen[static_cast<std::size_t>(search.ask()->point[0])];
    CHECK(seen == std::vector<int>(4, 4));
}
