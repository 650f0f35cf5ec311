// 3x3 convolutions in Winograd's tiles: against direct sums in double precision, the same bits for any
// batch and number of threads, and not where values are rounded to grids.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/winograd.hpp>

#include "naive.hpp"
#include "networks.hpp"

namespace {

using hass::layer_kind;

std::size_t size(int x) {
    return static_cast<std::size_t>(x);
}

/// A 3x3 convolution with paddings of 0 to 2, of odd and even maps and any number of channels.
hass::layer_row random_row(std::mt19937& bits) {
    const auto from = [&](int low, int high) {
        return low + static_cast<int>(bits() % static_cast<unsigned>(high - low + 1));
    };
    hass::layer_row r = test::conv({from(1, 37), from(3, 19), from(3, 23)}, from(1, 37), 3);
    r.pad_top = from(0, 2), r.pad_bottom = from(0, 2);
    r.pad_left = from(0, 2), r.pad_right = from(0, 2);
    r.out.height = r.in.height + r.pad_top + r.pad_bottom - 2;
    r.out.width = r.in.width + r.pad_left + r.pad_right - 2;
    return r;
}

/// `images` at once, from maps channels x images x pixels.
template <std::size_t M>
std::vector<float> in_tiles(const hass::layer_row& r, const hass::layer_parameters& p,
                            const std::vector<float>& maps, std::size_t images,
                            const std::vector<double>& keep, const hass::detail::clamp& bounds) {
    const auto filters = hass::detail::winograd_filters<M>(p.weights, size(r.out.channels));
    hass::detail::winograd_scratch scratch;
    hass::detail::gemm_scratch products;
    std::vector<float> out(images * size(static_cast<int>(r.out.volume())));
    hass::detail::winograd<M>(r, images).run(
        filters, maps.data(), [&](std::size_t c) { return static_cast<float>(keep[c]); }, p.bias,
        bounds, out.data(), scratch, products);
    return out;
}

/// Image n of maps channels x images x pixels.
std::vector<float> image_of(const std::vector<float>& maps, std::size_t images, std::size_t n,
                            const hass::shape& s) {
    const std::size_t pixels = size(static_cast<int>(s.pixels()));
    std::vector<float> one;
    for (std::size_t c = 0; c < size(s.channels); ++c)
        for (std::size_t x = 0; x < pixels; ++x) one.push_back(maps[(c * images + n) * pixels + x]);
    return one;
}

template <std::size_t M>
void compare(const hass::layer_row& r, std::size_t images, double tolerance, std::mt19937& bits) {
    const hass::model m = test::make_model(bits, {r});
    const hass::layer_parameters& p = m.parameters[0];
    std::vector<float> maps(images * size(static_cast<int>(r.in.volume())));
    for (float& x : maps) x = test::uniform(bits, -1.5F, 1.5F);
    hass::layer_thresholds tau;
    for (int c = 0; c < r.in.channels; ++c)
        tau.activation_channels.push_back(static_cast<double>(test::uniform(bits, 0.0F, 0.6F)));
    const hass::detail::clamp bounds{-0.5F, 0.75F};
    const std::vector<float> out = in_tiles<M>(r, p, maps, images, tau.activation_channels, bounds);
    for (std::size_t n = 0; n < images; ++n) {
        const std::vector<float> image = image_of(maps, images, n, r.in);
        const std::vector<float> got = image_of(out, images, n, r.out);
        // alone: the same bits
        REQUIRE(in_tiles<M>(r, p, image, 1, tau.activation_channels, bounds) == got);
        const test::values sums =
            test::naive_row(r, p, {test::values(image.begin(), image.end())}, tau);
        double worst = 0.0;
        for (std::size_t i = 0; i < sums.size(); ++i)
            worst = std::max(
                worst, std::abs(std::clamp(sums[i], -0.5, 0.75) - static_cast<double>(got[i])));
        REQUIRE(worst < tolerance);
    }
}

/// Tiles of 4 x 4, of 2 x 2, and a direct product.
hass::model in_both_tiles(std::mt19937& bits) {
    const hass::shape large{24, 13, 15};
    hass::layer_row pool = test::plain(layer_kind::max_pool, large);
    pool.kernel_h = pool.kernel_w = pool.stride_h = pool.stride_w = 2;
    pool.out = {24, 6, 7};
    return test::make_model(
        bits, {test::conv({3, 13, 15}, 24, 3, 1, 1), test::plain(layer_kind::relu, large),
               test::conv(large, 24, 3, 1, 1), test::plain(layer_kind::relu, large), pool,
               test::conv({24, 6, 7}, 48, 3, 1, 2), test::plain(layer_kind::relu, {48, 8, 9}),
               test::conv({48, 8, 9}, 49, 3, 1, 1),
               test::plain(layer_kind::global_average_pool, {49, 8, 9}),
               test::plain(layer_kind::flatten, {49, 1, 1}), test::linear(49, 7)});
}

}  // namespace

TEST_CASE("convolutions in tiles agree with direct sums in double precision") {
    std::mt19937 bits(211);
    for (int i = 0; i < 60; ++i) {
        const hass::layer_row r = random_row(bits);
        const std::size_t images = 1 + bits() % 4;
        INFO(i << ": " << r.in.channels << "x" << r.in.height << "x" << r.in.width << " to "
               << r.out.channels << ", pads " << r.pad_top << r.pad_left << r.pad_bottom
               << r.pad_right << ", " << images << " images");
        compare<2>(r, images, 2e-6, bits);
        compare<4>(r, images, 6e-6, bits);
    }
    // several blocks of tiles, their ends within an image
    compare<2>(test::conv({70, 9, 61}, 66, 3, 1, 1), 3, 4e-6, bits);
    compare<4>(test::conv({70, 30, 29}, 66, 3, 1, 1), 3, 1e-5, bits);
}

TEST_CASE("which convolutions are computed in tiles") {
    const auto tile = [](int in, int out, int height, int width) {
        return hass::detail::winograd_tile(test::conv({in, height, width}, out, 3, 1, 1), false);
    };
    CHECK(tile(64, 64, 56, 56) == 4);
    CHECK(tile(512, 512, 7, 7) == 2);
    CHECK(tile(16, 16, 24, 24) == 4);
    CHECK(tile(16, 16, 24, 23) == 0);
    CHECK(tile(24, 24, 12, 12) == 4);
    CHECK(tile(48, 48, 11, 30) == 2);
    CHECK(tile(47, 48, 11, 30) == 0);
    CHECK(tile(512, 512, 6, 6) == 0);
    CHECK(tile(3, 64, 56, 56) == 0);
    const auto changed = [](auto change) {
        hass::layer_row r = test::conv({64, 28, 28}, 64, 3, 1, 1);
        change(r);
        return hass::detail::winograd_tile(r, false);
    };
    CHECK(changed([](auto&) {}) == 4);
    CHECK(changed([](auto& r) { r.stride_h = 2; }) == 0);
    CHECK(changed([](auto& r) { r.stride_w = 2; }) == 0);
    CHECK(changed([](auto& r) { r.dilation_h = 2; }) == 0);
    CHECK(changed([](auto& r) { r.dilation_w = 2; }) == 0);
    CHECK(changed([](auto& r) { r.kernel_h = 1; }) == 0);
    CHECK(changed([](auto& r) { r.kernel_w = 5; }) == 0);
    CHECK(changed([](auto& r) { r.groups = 2; }) == 0);
    CHECK(changed([](auto& r) { r.kind = layer_kind::max_pool; }) == 0);
    CHECK(hass::detail::winograd_tile(test::conv({64, 28, 28}, 64, 3, 1, 1), true) == 2);
    CHECK(hass::detail::winograd_tile(test::conv({32, 28, 28}, 32, 3, 1, 1), true) == 0);
}

TEST_CASE("what sees zeros alone comes out as zero") {
    std::mt19937 bits(229);
    for (const int channels : {32, 64}) {
        hass::model m;
        m.net.rows = {test::conv({channels, 28, 28}, channels, 3, 1, 1)};
        m.net.edges = {{-1, 0}};
        m.parameters.resize(1);
        m.parameters[0].weights.resize(static_cast<std::size_t>(hass::weight_count(m.net.rows[0])));
        for (float& w : m.parameters[0].weights) w = test::uniform(bits, -1.0F, 1.0F);
        const auto size = static_cast<std::size_t>(m.net.rows[0].in.volume());
        std::vector<float> pixels(size);
        for (std::size_t k = 0; k < size; ++k)  // blank squares
            if ((k / 28 % 28 / 7 + k % 28 / 7) % 2 != 0)
                pixels[k] = test::uniform(bits, -1.0F, 1.0F);
        const std::vector<float> out = hass::emulator(m).logits(hass::to_images(
            hass::make_npy<float>({1, static_cast<std::size_t>(channels), 28, 28}, pixels)));
        std::size_t zeros = 0;
        for (std::size_t k = 0; k < size; ++k) {
            const int y = static_cast<int>(k / 28 % 28), x = static_cast<int>(k % 28);
            bool blank = true;
            for (int dy = -1; dy <= 1; ++dy)
                for (int dx = -1; dx <= 1; ++dx) {
                    const int v = y + dy, u = x + dx;
                    if (v >= 0 && u >= 0 && v < 28 && u < 28)
                        blank = blank && (v / 7 + u / 7) % 2 == 0;
                }
            if (!blank) continue;
            REQUIRE(out[k] == 0.0F);
            ++zeros;
        }
        CHECK(zeros > 5000);
    }
}

TEST_CASE("a network in tiles: the same bits for any batch and number of threads") {
    std::mt19937 bits(223);
    const hass::model m = in_both_tiles(bits);
    const hass::emulator network(m);
    const hass::image_set images = test::float_images(bits, {3, 13, 15}, 19);
    std::vector<int> labels(19);
    for (int& l : labels) l = static_cast<int>(bits() % 7);
    hass::network_thresholds tau(11, {0.02, 0.2});
    tau[7].activation_channels.assign(48, 0.1);
    hass::emulation_options one;
    one.threads = 1, one.batch = 1;
    const std::vector<float> expected = network.logits(images, tau, one);
    const hass::emulation reference = network.run(images, labels, tau, one);
    const hass::network_magnitudes magnitudes = network.magnitudes(images, one);
    for (const int threads : {1, 3})
        for (const int batch : {0, 1, 4, 7, 64}) {
            hass::emulation_options options;
            options.threads = threads, options.batch = batch;
            REQUIRE(network.logits(images, tau, options) == expected);
            const hass::emulation run = network.run(images, labels, tau, options);
            REQUIRE(run.loss == reference.loss);
            const hass::network_magnitudes again = network.magnitudes(images, options);
            for (std::size_t i = 0; i < run.statistics.size(); ++i) {
                REQUIRE(run.statistics[i].pair_sparsity == reference.statistics[i].pair_sparsity);
                REQUIRE(run.statistics[i].windows == reference.statistics[i].windows);
                REQUIRE(again[i].activations == magnitudes[i].activations);
            }
        }
    // Without thresholds: no step that a sum in float32 may fall on the other side of.
    const std::vector<float> plain = network.logits(images);
    for (std::size_t n = 0; n < 3; ++n) {
        std::vector<float> pixels(3 * 195);
        images.copy(n, 1, pixels);
        const auto results = test::naive_run(m, test::values(pixels.begin(), pixels.end()),
                                             hass::network_thresholds(11));
        for (std::size_t k = 0; k < 7; ++k)
            REQUIRE(static_cast<double>(plain[n * 7 + k]) ==
                    Approx(results.back()[k]).margin(5e-6));
    }
    // What is remembered gives the same bits.
    const hass::evaluator evaluator(network, images, labels, {}, 10'000'000);
    for (int trial = 0; trial < 12; ++trial) {
        const std::size_t row = std::array<std::size_t, 5>{0, 2, 5, 7, 10}[bits() % 5];
        tau[row] = {0.05 * static_cast<double>(bits() % 3), 0.2 * static_cast<double>(bits() % 3)};
        REQUIRE(evaluator.run(tau).loss == network.run(images, labels, tau).loss);
    }
    CHECK(evaluator.rows_run() < evaluator.rows_asked());
}

TEST_CASE("no tiles where values are rounded to grids") {
    std::mt19937 bits(227);
    hass::model m = in_both_tiles(bits);
    const auto tiles_of = [](const hass::emulator& network, std::size_t i) {
        return network.backend().prepare(i, network.model().parameters[i].weights).places.size();
    };
    const hass::emulator with_numbers(m);
    CHECK(tiles_of(with_numbers, 0) == 0);
    CHECK(tiles_of(with_numbers, 2) == 36);
    CHECK(tiles_of(with_numbers, 7) == 16);
    const hass::image_set images = test::float_images(bits, {3, 13, 15}, 4);
    CHECK(tiles_of(hass::in_fixed_point(with_numbers, images, {8, 8}), 2) == 0);
    for (std::size_t k = 0; k < hass::value_function_names.size(); ++k) {
        const auto f = static_cast<hass::value_function>(k);
        if (!hass::rounds(f)) continue;
        m.net.rows[6].kind = layer_kind::function;
        m.parameters[6].function = f;
        m.parameters[6].alpha = 0.125F, m.parameters[6].beta = 1.0F;
        m.parameters[6].lower = -8.0F, m.parameters[6].upper = 7.0F;
        const hass::emulator rounded(m);
        CHECK(tiles_of(rounded, 2) == 0);
        CHECK(tiles_of(rounded, 7) == 0);
    }
}
