// The SPE against an engine that was simulated in RTL and synthesised.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

#include <hass/engine/interval.hpp>
#include <hass/engine/resources/spe_synthesis.hpp>

#include "golden.hpp"

using golden::json;

TEST_CASE("interval policies agree with the cycles of an SPE simulated in RTL", "[golden]") {
    const json points = golden::read("spe_cycles.json");
    REQUIRE_FALSE(points.empty());
    for (const json& p : points) {
        const int pairs = p.at("M");
        const int macs = p.at("N");
        const double sparsity = p.at("S");
        const double measured = p.at("cyc");
        INFO("M " << pairs << ", N " << macs << ", S " << sparsity << ", " << p.at("mode"));
        // E[max(1, ceil(nnz / N))] over the simulated windows is what the simulation took.
        CHECK(p.at("hist_model").get<double>() == Approx(measured).epsilon(1e-3));

        hass::layer_statistics s;
        s.pair_sparsity_padded = sparsity;
        const auto cycles = [&](const auto& interval) {
            return hass::window_cycles(interval, s, 1, pairs, 1, 1, macs);
        };
        const double binomial = cycles(hass::histogram_interval{});
        CHECK(binomial == Approx(p.at("binom_max1").get<double>()).epsilon(1e-6));
        CHECK(cycles(hass::histogram_interval{0.0}) ==
              Approx(p.at("binom_plain").get<double>()).epsilon(2e-6));
        CHECK(cycles(hass::paper_interval{}) == p.at("ceil_mean").get<double>());
        CHECK(cycles(hass::mean_interval{}) ==
              Approx(p.at("ratio").get<double>() * (1.0 - std::pow(sparsity, pairs))));
        // Independent zeros are binomial up to the 20,000 windows' sampling error ...
        if (p.at("mode") == "iid") CHECK(binomial == Approx(measured).epsilon(5e-3));
        // ... but clustered ones are not, which is why windows are measured.
    }
}

TEST_CASE("a measured histogram gives the mean over its windows", "[engine]") {
    // Two channels, windows of 4 pairs, 8 windows each.
    const std::array<std::array<int, 8>, 2> survivors{{{0, 0, 0, 4, 4, 1, 2, 3},  //
                                                       {4, 4, 4, 4, 0, 3, 3, 2}}};
    hass::layer_statistics s;
    s.windows.push_back({1, 4, std::vector<double>(10, 0.0)});
    std::array<double, 2> cycles{};
    for (std::size_t c = 0; c < 2; ++c)
        for (const int z : survivors[c]) {
            s.windows[0].share[5 * c + static_cast<std::size_t>(z)] += 1.0 / 8.0;
            cycles[c] += (z == 0 ? 1.0 : std::ceil(z / 3.0)) / 8.0;
        }
    const hass::histogram_interval interval;
    CHECK(hass::window_cycles(interval, s, 2, 4, 1, 1, 3) == Approx((cycles[0] + cycles[1]) / 2.0));
    CHECK(hass::window_cycles(interval, s, 2, 4, 1, 2, 3) ==
          Approx(std::max(cycles[0], cycles[1])));
}

namespace {

// Solves the normal equations of `rows` x = 1 by Gauss elimination with pivoting.
template <std::size_t N>
std::array<long double, N> least_squares(const std::vector<std::array<long double, N>>& rows) {
    std::array<std::array<long double, N + 1>, N> a{};
    for (const auto& r : rows)
        for (std::size_t i = 0; i < N; ++i) {
            for (std::size_t j = 0; j < N; ++j) a[i][j] += r[i] * r[j];
            a[i][N] += r[i];
        }
    for (std::size_t i = 0; i < N; ++i) {
        std::size_t pivot = i;
        for (std::size_t k = i; k < N; ++k)
            if (std::abs(a[k][i]) > std::abs(a[pivot][i])) pivot = k;
        std::swap(a[i], a[pivot]);
        for (std::size_t k = 0; k < N; ++k) {
            if (k == i) continue;
            const long double factor = a[k][i] / a[i][i];
            for (std::size_t j = i; j <= N; ++j) a[k][j] -= factor * a[i][j];
        }
    }
    std::array<long double, N> x{};
    for (std::size_t i = 0; i < N; ++i) x[i] = a[i][N] / a[i][i];
    return x;
}

}  // namespace

TEST_CASE("the SPE of earlier RTL is the relative least-squares fit to its synthesis", "[golden]") {
    const json grid = golden::read("spe_synth.json");
    namespace spe = hass::spe_synthesis;
    std::vector<std::array<long double, 6>> rows;
    double worst = 0.0;
    double sum = 0.0;
    for (const json& p : grid) {
        const double m = p.at("M");
        const double n = p.at("N");
        const double w = p.at("W");
        const double lut = p.at("lut");
        CHECK(spe::ff(m, n, w) == p.at("ff").get<double>());
        CHECK(p.at("dsp") == p.at("N"));
        // Wide multiplexers disturb the mapper: only the runs without them are fitted.
        if (p.at("flags") != "-nowidelut") continue;
        const long double narrow = (w - 16.0L) / 16.0L;
        std::array<long double, 6> row{1.0L, m, n, m * n, m * narrow, m * n * narrow};
        for (long double& x : row) x /= lut;
        rows.push_back(row);
        const double error = std::abs(spe::lut(m, n, w) / lut - 1.0);
        worst = std::max(worst, error);
        sum += error;
    }
    REQUIRE(rows.size() == 32);
    CHECK(sum / static_cast<double>(rows.size()) < 0.039);
    CHECK(worst < 0.14);
    const auto x = least_squares(rows);
    const std::array header{spe::lut_constant, spe::lut_pair,       spe::lut_mac,
                            spe::lut_crossbar, spe::lut_pair_width, spe::lut_crossbar_width};
    for (std::size_t i = 0; i < x.size(); ++i) {
        INFO("coefficient " << i);
        CHECK(header[i] == Approx(static_cast<double>(x[i])).epsilon(1e-9));
    }
}
