// Thinned window histograms against sums over binomial coefficients.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <hass/statistics/prediction.hpp>
#include <random>
#include <vector>

namespace {

double uniform(std::mt19937& bits) {
    return static_cast<double>(bits()) / 4294967296.0;
}

std::vector<double> random_shares(std::mt19937& bits, std::size_t length) {
    std::vector<double> share(length + 1);
    double sum = 0.0;
    for (double& s : share) sum += s = uniform(bits);
    for (double& s : share) s /= sum;
    return share;
}

long double binomial(std::size_t n, std::size_t k, long double p) {
    const auto choose = std::exp(std::lgamma(static_cast<long double>(n) + 1) -
                                 std::lgamma(static_cast<long double>(k) + 1) -
                                 std::lgamma(static_cast<long double>(n - k) + 1));
    return choose * std::pow(p, static_cast<long double>(k)) *
           std::pow(1 - p, static_cast<long double>(n - k));
}

}  // namespace

TEST_CASE("thinning a count is a mixture of binomials") {
    std::mt19937 bits(5);
    for (const std::size_t length : {0U, 1U, 9U, 36U, 64U})
        for (const double keep : {0.0, 0.013, 0.5, 0.97, 1.0}) {
            const std::vector<double> share = random_shares(bits, length);
            const std::vector<double> thin = hass::thinned_counts(share, keep);
            REQUIRE(thin.size() == share.size());
            for (std::size_t k = 0; k <= length; ++k) {
                long double sum = 0;
                for (std::size_t n = k; n <= length; ++n)
                    sum += static_cast<long double>(share[n]) *
                           binomial(n, k, static_cast<long double>(keep));
                CHECK(thin[k] == Approx(static_cast<double>(sum)).epsilon(1e-11).margin(1e-15));
            }
            // Twice is once with the product.
            const std::vector<double> twice = hass::thinned_counts(thin, 0.6);
            const std::vector<double> once = hass::thinned_counts(share, 0.6 * keep);
            for (std::size_t k = 0; k <= length; ++k)
                CHECK(twice[k] == Approx(once[k]).epsilon(1e-11).margin(1e-15));
        }
    CHECK(hass::thinned_counts(std::vector<double>{}, 0.5).empty());
}

TEST_CASE("a layer is thinned block by block, as its channels are clipped") {
    std::mt19937 bits(6);
    // Three channels of a 1x2 kernel; windows of one channel and of two, the last one cut short.
    hass::layer_statistics natural{0.0, 0.3, 0.3, 0.4, {}};
    natural.windows.push_back({1, 2, {}});
    natural.windows.push_back({2, 4, {}});
    for (hass::window_histogram& w : natural.windows)
        for (int b = 0; b < (w.channels == 1 ? 3 : 2); ++b)
            for (const double s : random_shares(bits, static_cast<std::size_t>(w.length)))
                w.share.push_back(s);
    const hass::layer_density before{{1.0, {1.0, 1.0, 1.0}}, {0.7, {0.6, 0.8, 0.0}}};
    const hass::layer_density after{{0.8, {0.9, 0.7, 0.8}}, {0.5, {0.3, 0.8, 0.0}}};
    const hass::layer_statistics s = hass::predicted_layer(natural, before, after);
    CHECK(s.weight_sparsity == Approx(0.2));
    CHECK(s.activation_sparsity == Approx(0.5));
    const double all = (0.9 * 0.3 + 0.7 * 0.8) / (0.6 + 0.8);
    CHECK(1.0 - s.pair_sparsity == Approx(0.7 * all));
    CHECK(1.0 - s.pair_sparsity_padded == Approx(0.6 * all));
    const auto block = [&](std::size_t w, std::size_t b, double keep) {
        const std::size_t bins = static_cast<std::size_t>(natural.windows[w].length) + 1;
        const std::vector<double> expected =
            hass::thinned_counts(std::span(natural.windows[w].share).subspan(b * bins, bins), keep);
        for (std::size_t z = 0; z < bins; ++z)
            CHECK(s.windows[w].share[b * bins + z] == Approx(expected[z]));
    };
    block(0, 0, 0.45);
    block(0, 1, 0.7);
    block(0, 2, 1.0);  // nothing was alive there
    block(1, 0, all);
    block(1, 1, 1.0);
    // Nothing clipped: nothing changes.
    const hass::layer_statistics same = hass::predicted_layer(natural, before, before);
    for (std::size_t w = 0; w < 2; ++w) CHECK(same.windows[w].share == natural.windows[w].share);
    // Without channels the whole tensors decide.
    const hass::layer_statistics whole =
        hass::predicted_layer(natural, {{1.0}, {0.7}}, {{0.5}, {0.7}});
    CHECK(1.0 - whole.pair_sparsity == Approx(0.35));
}
