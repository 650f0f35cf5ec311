// Thresholds and sparsities in both directions, against sorting.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>

#include "random_layers.hpp"

namespace {

double share_below(const std::vector<float>& values, double tau) {
    std::size_t count = 0;
    for (const float x : values) count += test::survives(x, static_cast<float>(tau)) ? 0U : 1U;
    return static_cast<double>(count) / static_cast<double>(values.size());
}

std::vector<float> activations(std::mt19937& bits, std::size_t count) {
    std::vector<float> values(count);
    for (float& x : values)
        x = bits() % 5 < 2
                ? 0.0F
                : static_cast<float>(std::exp(static_cast<double>(bits() % 1000000) / 1e5 - 7.0));
    return values;
}

}  // namespace

TEST_CASE("magnitudes kept whole are exact in both directions") {
    std::mt19937 bits(1);
    const std::vector<float> values = test::random_values(bits, 1001);
    const hass::exact_magnitudes m(values);
    CHECK(m.zeros() == share_below(values, 0.0));
    for (const double tau : {0.0, 1e-4, 0.01, 0.25, 0.5, 0.7001, 1.0, 2.0})
        CHECK(m.sparsity(tau) == share_below(values, tau));
    for (const float x : values)  // strict: a value equal to the threshold stays
        REQUIRE(m.sparsity(std::abs(static_cast<double>(x))) ==
                share_below(values, std::abs(static_cast<double>(x))));
    for (double share = 0.0; share <= 1.0; share += 0.01) {
        const double reached = share_below(values, m.threshold(share));
        REQUIRE(reached >= share - 1e-9);
        REQUIRE(reached <= std::max(share, m.zeros()) + 4.0 / 1001.0);  // the values have ties
    }
    CHECK(m.threshold(m.zeros()) == 0.0);
    CHECK(m.threshold(0.0) == 0.0);
    CHECK(hass::exact_magnitudes().sparsity(1.0) == 0.0);
    CHECK(hass::exact_magnitudes().threshold(0.5) == 0.0);
}

TEST_CASE("binned magnitudes stay within their stated error") {
    std::mt19937 bits(2);
    const std::vector<float> values = activations(bits, 50000);
    hass::magnitude_histogram m;
    m.add(values);
    CHECK(m.total() == values.size());
    CHECK(m.zeros() == share_below(values, 0.0));
    for (int e = -8; e < 3; ++e)  // bin edges
        for (const double step : {1.0, 1.03125, 1.5, 1.96875})
            CHECK(m.sparsity(std::ldexp(step, e)) ==
                  Approx(share_below(values, std::ldexp(step, e))).margin(1e-12));
    for (double tau = 0.001; tau < 20.0; tau *= 1.1) {
        const double bin = share_below(values, tau * 33 / 32) - share_below(values, tau * 31 / 32);
        CHECK(std::abs(m.sparsity(tau) - share_below(values, tau)) <= bin + 1e-12);
    }
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    for (double share = 0.45; share < 1.0; share += 0.01) {
        const auto exact = static_cast<double>(
            sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size()))]);
        CHECK(m.threshold(share) == Approx(exact).epsilon(1.0 / 32));
        CHECK(m.sparsity(m.threshold(share)) == Approx(share).margin(1e-9));
    }
    CHECK(m.threshold(0.1) == 0.0);
}

TEST_CASE("binned magnitudes merge to the same counts in any order") {
    std::mt19937 bits(3);
    const std::vector<float> values = activations(bits, 3000);
    hass::magnitude_histogram whole;
    std::array<hass::magnitude_histogram, 3> parts;
    for (std::size_t i = 0; i < values.size(); ++i) {
        whole.add(values[i]);
        parts[i % 3].add(-values[i]);
    }
    hass::magnitude_histogram forwards;
    hass::magnitude_histogram backwards;
    for (std::size_t i = 0; i < 3; ++i) {
        forwards.merge(parts[i]);
        backwards.merge(parts[2 - i]);
    }
    CHECK(forwards == whole);
    CHECK(backwards == whole);
}

TEST_CASE("values outside of the bins are kept in the first and last one") {
    hass::magnitude_histogram m;
    m.add(std::vector<float>{0.0F, 1e-30F, 1e-7F, 1.0F, 1e30F});
    CHECK(m.zeros() == Approx(0.2));
    CHECK(m.sparsity(0.5) == Approx(0.6));
    CHECK(m.sparsity(2.0) == Approx(0.8));
}

TEST_CASE("a threshold axis begins at the natural sparsity and has no flat part") {
    std::mt19937 bits(4);
    const std::vector<float> values = activations(bits, 20000);
    hass::magnitude_histogram m;
    m.add(values);
    const hass::threshold_axis axis{0.9};
    CHECK(axis.threshold(m, 0.0) == 0.0);
    double previous = 0.0;
    for (double x = 0.05; x <= 1.0; x += 0.05) {
        const double tau = axis.threshold(m, x);
        CHECK(tau > previous);
        CHECK(share_below(values, tau) == Approx(m.zeros() + x * (0.9 - m.zeros())).margin(0.005));
        CHECK(axis.position(m, tau) == Approx(x).margin(1e-9));
        previous = tau;
    }
    CHECK(hass::threshold_axis{0.1}.threshold(m, 1.0) == 0.0);
}

TEST_CASE("a threshold axis leaves what is largest, however much of it is alike") {
    for (const double x : {0.1, 0.5, 1.0}) {
        CHECK(hass::threshold_axis{0.9}.threshold(hass::exact_magnitudes({0.5F, -0.5F}), x) == 0.0);
        const hass::exact_magnitudes levels({0.0F, 1.0F, -1.0F, 2.0F, 2.0F, 2.0F, -2.0F, 2.0F});
        const double tau = hass::threshold_axis{0.9}.threshold(levels, x);
        CHECK(tau > 1.0);
        CHECK(levels.sparsity(tau) == 3.0 / 8.0);
    }
    CHECK(hass::threshold_axis{1.0}.threshold(hass::exact_magnitudes({0.5F, -0.5F}), 1.0) > 0.5);
}

TEST_CASE("weights of a channel are those of every filter that sees it") {
    hass::layer_row row;
    row.in = {4, 1, 1};
    row.out = {4, 1, 1};
    row.groups = 2;
    const std::vector<float> weights{1, 2, 3, 4, 5, 6, 7, 8};
    const hass::layer_magnitudes m = hass::weight_magnitudes(row, weights);
    REQUIRE(m.weight_channels.size() == 4);
    CHECK(m.weight_channels[0].threshold(1.0) == Approx(3.0));
    CHECK(m.weight_channels[1].threshold(1.0) == Approx(4.0));
    CHECK(m.weight_channels[2].threshold(0.5) == Approx(5.0));
    CHECK(m.weight_channels[3].threshold(0.5) == Approx(6.0));
    CHECK(m.weights.size() == 8);
}
