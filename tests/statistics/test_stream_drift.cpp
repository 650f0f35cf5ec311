// Stream drift against its definition and against what independent streams must give.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include <hass/statistics/stream_drift.hpp>

#include "random_layers.hpp"

namespace {

/// The definition, step by step.
double spread_by_definition(const std::vector<double>& series, std::size_t streams,
                            std::size_t window) {
    const std::size_t steps = series.size() / streams;
    long double sum = 0;
    for (std::size_t t = 0; t + window <= steps; ++t) {
        std::vector<long double> averages;
        for (std::size_t s = 0; s < streams; ++s) {
            long double mean = 0;
            for (std::size_t i = 0; i < steps; ++i) mean += series[s * steps + i];
            long double average = 0;
            for (std::size_t i = t; i < t + window; ++i)
                average += series[s * steps + i] - mean / static_cast<long double>(steps);
            averages.push_back(average / static_cast<long double>(window));
        }
        const auto [low, high] = std::minmax_element(averages.begin(), averages.end());
        sum += *high - *low;
    }
    return static_cast<double>(sum / static_cast<long double>(steps - window + 1));
}

/// A sum of twelve uniform numbers: mean 0, deviation 1, close to normal.
double normal(std::mt19937& bits) {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += (static_cast<double>(bits() % 1000000U) + 0.5) / 1e6;
    return sum;
}

}  // namespace

TEST_CASE("stream drift is the definition's") {
    std::mt19937 bits(91);
    for (int round = 0; round < 60; ++round) {
        const std::size_t streams = 1 + bits() % 6;
        const std::size_t steps = 1 + bits() % 40;
        std::vector<double> series(streams * steps);
        for (double& z : series) z = static_cast<double>(bits() % 10);
        const std::size_t window = 1 + bits() % steps;
        const double spread = hass::stream_drift(series, streams, window);
        CHECK(spread == Approx(spread_by_definition(series, streams, window)).margin(1e-12));
        if (streams == 1) CHECK(spread == 0.0);
        for (double& z : series) z += 7.5;  // a mean does not count
        CHECK(hass::stream_drift(series, streams, window) == Approx(spread).margin(1e-12));
    }
}

TEST_CASE("streams of independent windows drift apart as the range of normal numbers") {
    // Mean range of s normal numbers in deviations: the factor d2 of control charts.
    const std::pair<std::size_t, double> ranges[] = {
        {2, 1.128}, {4, 2.059}, {8, 2.847}, {16, 3.532}};
    std::mt19937 bits(92);
    constexpr std::size_t steps = 40000;
    for (const auto& [streams, d2] : ranges) {
        std::vector<double> series(streams * steps);
        for (double& z : series) z = 5.0 + 1.5 * normal(bits);
        for (const std::size_t n : {1U, 4U, 16U, 64U}) {
            INFO(streams << " streams, moving average over " << n);
            const double spread = hass::stream_drift(series, streams, n);
            const double one = 1.5 / std::sqrt(static_cast<double>(n));
            CHECK(spread == Approx(d2 * one).epsilon(0.05));
            // The closed form sigma sqrt(2 ln s) / sqrt(n) is the largest of s numbers, not their
            // range: between 0.9 times it (s = 2) and twice it (s -> infinity).
            const double closed = one * std::sqrt(2.0 * std::log(static_cast<double>(streams)));
            CHECK((spread > 0.9 * closed && spread < 2.0 * closed));
        }
        const std::size_t depth = hass::buffer_depth(series, streams, 0.5 * d2);
        CHECK(hass::stream_drift(series, streams, depth) <= 0.5 * d2);
        CHECK(depth == 16);  // (1.5 / 0.5)^2 = 9 windows, the next power of two
    }
}

TEST_CASE("a buffer that never suffices is as deep as the series") {
    const std::vector<double> series{0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0};
    CHECK(hass::buffer_depth(series, 2, -1.0) == 6);
    CHECK(hass::buffer_depth(series, 2, 10.0) == 1);
    CHECK_THROWS_AS(hass::stream_drift(series, 5, 1), hass::error);
    CHECK_THROWS_AS(hass::stream_drift(series, 0, 1), hass::error);
    CHECK_THROWS_AS(hass::stream_drift(series, 2, 7), hass::error);
    CHECK_THROWS_AS(hass::stream_drift(series, 2, 0), hass::error);
    CHECK_THROWS_AS(hass::stream_drift({}, 2, 1), hass::error);
}

TEST_CASE("zeros of windows are counted where the taps lie") {
    std::mt19937 bits(93);
    for (int round = 0; round < 60; ++round) {
        const hass::layer_row row = test::random_row(bits);
        INFO(test::describe(row));
        const auto image = test::random_values(bits, static_cast<std::size_t>(row.in.volume()));
        const float tau = round % 2 == 0 ? 0.0F : 0.4F;
        const std::vector<double> zeros = hass::window_zeros(row, image, tau);
        std::size_t at = 0;
        std::size_t wrong = 0;
        for (int c = 0; c < row.in.channels; ++c)
            for (int y = 0; y < row.out.height; ++y)
                for (int x = 0; x < row.out.width; ++x) {
                    int count = 0;
                    for (int t = 0; t < hass::taps(row); ++t) {
                        const float* a = test::input_at(row, image.data(), c, y, x,
                                                        t / row.kernel_w, t % row.kernel_w);
                        count += a == nullptr || !test::survives(*a, tau) ? 1 : 0;
                    }
                    wrong += zeros.at(at++) != count ? 1U : 0U;
                }
        CHECK(wrong == 0);
        CHECK(at == zeros.size());
    }
    CHECK_THROWS_AS(hass::window_zeros(test::random_row(bits), {}), hass::error);
}
