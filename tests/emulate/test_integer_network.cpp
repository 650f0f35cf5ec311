// Networks of integers: against a reference of a few lines a kind of row, bit for bit, and against
// the emulator of real numbers.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <hass/emulate/integer_emulator.hpp>
#include <hass/emulate/make_integer_network.hpp>
#include <hass/workload/onnx.hpp>

#include "../statistics/random_layers.hpp"
#include "naive_integers.hpp"
#include "networks.hpp"

namespace {

using hass::layer_kind;

int draw(std::mt19937& bits, int low, int high) {
    return low + static_cast<int>(bits() % static_cast<unsigned>(high - low + 1));
}

hass::layer_row pool(layer_kind kind, hass::shape in, int kernel, int stride, int pad) {
    hass::layer_row r = test::conv(in, in.channels, kernel, stride, pad);
    r.kind = kind, r.bias = false;
    return r;
}

/// A network with a row of every kind that has a module, everything else drawn.
hass::model every_kind(std::mt19937& bits) {
    const int c = 2 * draw(bits, 1, 10), k = draw(bits, 1, 24);
    const hass::shape map{c, draw(bits, 4, 8), draw(bits, 4, 8)};
    hass::layer_row wide = test::conv(map, c, 3, 1, 2, draw(bits, 0, 1) == 0 ? c : 1);
    wide.dilation_h = wide.dilation_w = 2, wide.out = map;
    const hass::layer_row strided = test::conv(map, k, draw(bits, 2, 3), 2, 1);
    const hass::layer_row lookup =
        test::plain(draw(bits, 0, 1) == 0 ? layer_kind::swish : layer_kind::hardswish, strided.out);
    const hass::layer_row highest = pool(layer_kind::max_pool, lookup.out, 3, 2, 1);
    const hass::layer_row mean = pool(layer_kind::average_pool, highest.out, 3, 1, 1);
    hass::layer_row joined = test::plain(layer_kind::concat, highest.out);
    joined.out.channels = 3 * k;
    const hass::shape end = joined.out;
    const hass::layer_row gate = test::plain(
        draw(bits, 0, 1) == 0 ? layer_kind::sigmoid : layer_kind::hardsigmoid, {c, 1, 1});
    hass::model m = test::make_model(
        bits,
        {test::conv(map, c, 3, 1, 1),                                       // 0
         test::plain(layer_kind::relu, map),                                // 1, folded
         wide,                                                              // 2
         test::plain(layer_kind::relu6, map),                               // 3, folded
         test::conv(map, c, 1, 1, 0, 2),                                    // 4
         test::plain(layer_kind::add, map),                                 // 5
         test::plain(layer_kind::relu, map),                                // 6, folded
         test::plain(layer_kind::global_average_pool, map),                 // 7
         test::conv({c, 1, 1}, c, 1),                                       // 8
         gate,                                                              // 9
         test::plain(layer_kind::multiply, map),                            // 10
         strided,                                                           // 11
         lookup,                                                            // 12
         highest,                                                           // 13
         mean,                                                              // 14
         test::plain(layer_kind::relu6, highest.out),                       // 15, of its own
         joined,                                                            // 16
         test::conv(end, end.channels, 1, 1, 0, end.channels),              // 17
         test::plain(layer_kind::multiply, end),                            // 18
         test::plain(layer_kind::flatten, end),                             // 19
         test::linear(static_cast<int>(end.volume()), draw(bits, 2, 40))},  // 20
        {{-1, 0},  {0, 1},   {1, 2},   {2, 3},   {3, 4},   {4, 5},   {1, 5},   {5, 6},   {6, 7},
         {7, 8},   {8, 9},   {6, 10},  {9, 10},  {10, 11}, {11, 12}, {12, 13}, {13, 14}, {13, 15},
         {14, 16}, {15, 16}, {13, 16}, {16, 17}, {16, 18}, {17, 18}, {18, 19}, {19, 20}});
    m.parameters[14].count_include_pad = true;
    if (draw(bits, 0, 1) == 0) m.parameters[15].lower = -0.1F, m.parameters[15].upper = 0.2F;
    m.input = hass::preprocessing{0.5F, {0.1F}, {0.7F}};
    return m;
}

/// What stands in a stream of height x width x channels, as the reference has it.
test::integers by_channel(const std::vector<std::int16_t>& stream, const hass::shape& s) {
    test::integers out;
    for (std::size_t c = 0; c < static_cast<std::size_t>(s.channels); ++c)
        for (std::size_t p = 0; p < static_cast<std::size_t>(s.pixels()); ++p)
            out.push_back(stream[p * static_cast<std::size_t>(s.channels) + c]);
    return out;
}

/// Every stream of every image, and the answers of any number of threads and size of batches.
void check_bits(const hass::integer_emulator& hardware, const hass::image_set& images) {
    const hass::integer_network& n = hardware.network();
    const std::vector<std::int16_t> answers = hardware.logits(images, {2, 3});
    REQUIRE(answers == hardware.logits(images, {1, 1}));
    REQUIRE(answers == hardware.logits(images));
    for (std::size_t image = 0; image < images.count; ++image) {
        const auto streams = hardware.streams(images, image);
        const auto expected = test::naive_integers(n, by_channel(streams[0], images.each));
        for (std::size_t i = 0; i < n.net.rows.size(); ++i) {
            INFO("row " << i << ", " << name(n.net.rows[i].kind) << ", image " << image);
            REQUIRE(by_channel(streams[i + 1], n.net.rows[i].out) == expected[i + 1]);
            for (const std::int64_t x : expected[i + 1])
                REQUIRE(hass::saturate(x, n.rows[i].range) == x);
        }
        const auto classes = static_cast<std::ptrdiff_t>(hardware.classes());
        const auto first = answers.begin() + static_cast<std::ptrdiff_t>(image) * classes;
        REQUIRE(test::integers(first, first + classes) == expected.back());
    }
}

struct shipped {
    hass::model model = hass::load_onnx(HASS_EXAMPLES_DATA "/fashion.onnx");
    hass::image_set images = hass::read_images(HASS_EXAMPLES_DATA "/fashion_images.npy");
    std::vector<int> labels = hass::read_labels(HASS_EXAMPLES_DATA "/fashion_labels.npy");
};

}  // namespace

TEST_CASE("networks of all kinds of rows are run in integers, bit for bit") {
    std::mt19937 bits(41);
    for (int trial = 0; trial < 60; ++trial) {
        const hass::model m = every_kind(bits);
        const hass::emulator real(m);
        const hass::image_set images = test::float_images(bits, input_shape(m.net), 5);
        hass::integer_format f;
        f.weight_bits = draw(bits, 2, 16), f.data_bits = draw(bits, 2, 16);
        f.logit_bits = draw(bits, 2, 16);
        if (trial % 3 == 0) f.weight_bits = f.data_bits = trial % 2 == 0 ? 16 : 8;
        if (trial % 4 == 0) f.weights = hass::scale_of::tensor;
        hass::network_thresholds tau(m.net.rows.size());
        if (trial % 2 == 0) tau = uniform_thresholds(m.net, {0.05, 0.1});
        INFO("trial " << trial << ", bits " << f.weight_bits << ", " << f.data_bits);
        check_bits(hass::integer_emulator(hass::make_integer_network(real, images, tau, f)),
                   images);
    }
}

TEST_CASE("convolutions of every structure are run in integers, bit for bit") {
    std::mt19937 bits(43);
    for (int trial = 0; trial < 150; ++trial) {
        hass::layer_row row = test::random_row(bits);
        row.bias = trial % 2 == 0;
        const hass::model m = test::make_model(bits, {row});
        const hass::image_set images = test::float_images(bits, row.in, 3);
        const int width = trial % 3 == 0 ? 8 : 16;
        INFO(test::describe(row));
        check_bits(hass::integer_emulator(hass::make_integer_network(hass::emulator(m), images,
                                                                     {{0.1, 0.2}}, {width, width})),
                   images);
    }
}

TEST_CASE("sums that leave 24 bits, and products that leave 53, are exact") {
    std::mt19937 bits(47);
    hass::model m = test::make_model(bits, {test::linear(3000, 37)});
    for (float& w : m.parameters[0].weights) w = bits() % 8 == 0 ? w : 0.2F;
    const hass::image_set images = test::float_images(bits, {3000, 1, 1}, 4);
    const hass::integer_network n =
        hass::make_integer_network(hass::emulator(m), images, {{}}, {16, 16});
    CHECK(hass::largest_sum(n, 0) > std::int64_t{1} << 40);
    CHECK(hass::accumulator_bits(n, 0) >= 42);
    check_bits(hass::integer_emulator(n), images);
}

TEST_CASE("sums in floating point are requantised as integers are") {
    std::mt19937_64 bits(53);
    for (int trial = 0; trial < 20000; ++trial) {
        const int width = static_cast<int>(bits() % 44);
        const auto signed_value = [&](int b) {
            const auto x = static_cast<std::int64_t>(bits() % (std::uint64_t{1} << b));
            return bits() % 2 == 0 ? x : -x;
        };
        std::vector<hass::requantisation> by(5);
        std::vector<double> sums;
        const int shift = static_cast<int>(bits() % 52);
        for (hass::requantisation& q : by) {
            // of a power of two many results lie half way between integers
            q = {signed_value(width),
                 bits() % 2 == 0 ? std::int64_t{1} << bits() % 17 : signed_value(17), shift};
            sums.push_back(static_cast<double>(signed_value(width)));
        }
        const hass::integer_range to =
            bits() % 2 == 0 ? hass::integer_range{0, 32767} : hass::integer_range{-127, 127};
        const hass::detail::requantiser fast(by, to, std::int64_t{1} << width);
        std::vector<std::int16_t> out(5);
        fast(sums.data(), 0, 5, out.data());
        for (std::size_t k = 0; k < 5; ++k)
            REQUIRE(out[k] == hass::requantised(static_cast<std::int64_t>(sums[k]), by[k], to));
    }
}

TEST_CASE("one of a stream is worth its step") {
    std::mt19937 bits(59);
    for (int trial = 0; trial < 60; ++trial) {
        const hass::layer_row row = test::random_row(bits);
        const hass::model m = test::make_model(bits, {row});
        const hass::emulator real(m);
        const hass::image_set images = test::float_images(bits, row.in, 3);
        const int width = trial % 2 == 0 ? 8 : 16;
        const hass::network_thresholds tau{trial % 3 == 0 ? hass::layer_thresholds{}
                                                          : hass::layer_thresholds{0.1, 0.4}};
        // Two ways to the same rounded and clipped operands: one adds them up in float32.
        const std::vector<float> expected =
            hass::in_fixed_point(real, images, {width, width}).logits(images, tau);
        const hass::integer_emulator hardware(
            hass::make_integer_network(real, images, tau, {width, width, 16}));
        const std::vector<std::int16_t> answers = hardware.logits(images);
        const hass::integer_row& q = hardware.network().rows[0];
        for (std::size_t k = 0; k < expected.size(); ++k) {
            const std::size_t pixels = static_cast<std::size_t>(row.out.pixels());
            const auto channel = k / pixels % static_cast<std::size_t>(row.out.channels);
            const auto multiplier = static_cast<double>(q.by[channel].multiplier);
            // half a step each of the answer and the bias, and what the multiplier is off
            const double off = 0.5 + 0.5 * std::ldexp(multiplier, -q.shift) +
                               0.5 * std::abs(answers[k]) / multiplier + 2e-5 / q.step;
            INFO(test::describe(row) << "value " << k);
            const double wanted =
                std::clamp(static_cast<double>(expected[k]) / q.step, -32767.0, 32767.0);
            REQUIRE(std::abs(answers[k] - wanted) <= off);
        }
    }
}

TEST_CASE("clipping is the threshold, in integers") {
    std::mt19937 bits(61);
    const hass::layer_row row = test::conv({6, 7, 7}, 9, 3, 1, 1);
    const hass::model m = test::make_model(bits, {row});
    const hass::program p(m);
    // Pixels on the grid of 8 bits that ends at 127/64, so that rounding changes none.
    std::vector<float> pixels(4 * 6 * 49);
    for (float& x : pixels) x = static_cast<float>(draw(bits, -127, 127)) / 64.0F;
    const std::vector<float> largest{127.0F / 64.0F, 3.0F};
    const auto set = [](const std::vector<float>& values) {
        return hass::to_images(hass::make_npy<float>({4, 6, 7, 7}, values));
    };
    const hass::integer_network open = hass::make_integer_network(p, largest, {{}}, {8, 8});
    CHECK(open.input_step == 1.0 / 64.0);
    for (const double tau : {1e-9, 0.5 / 64, 1.0 / 64, 20.0 / 64, 20.25 / 64, 1.9, 5.0}) {
        const hass::integer_network shut =
            hass::make_integer_network(p, largest, {{0.0, tau}}, {8, 8});
        CHECK(shut.rows[0].threshold ==
              std::min(std::int64_t{127}, static_cast<std::int64_t>(std::ceil(tau * 64)) - 1));
        std::vector<float> clipped = pixels;
        for (float& x : clipped)
            if (static_cast<double>(std::abs(x)) < tau) x = 0.0F;
        CHECK(hass::integer_emulator(shut).logits(set(pixels)) ==
              hass::integer_emulator(open).logits(set(clipped)));
    }
    const hass::integer_network light =
        hass::make_integer_network(p, largest, {{0.1, 0.0}}, {8, 8});
    std::size_t zeros = 0;
    for (std::size_t w = 0; w < light.rows[0].weights.size(); ++w) {
        const bool small = std::abs(m.parameters[0].weights[w]) < 0.1F;
        zeros += light.rows[0].weights[w] == 0 ? 1U : 0U;
        if (light.rows[0].weights[w] != 0)
            CHECK(light.rows[0].weights[w] == open.rows[0].weights[w]);
        else if (!small)  // rounded to below the threshold
            CHECK(std::abs(m.parameters[0].weights[w]) < 0.102F);
    }
    CHECK(zeros > 100);
    CHECK(light.rows[0].by[3].multiplier == open.rows[0].by[3].multiplier);
}

TEST_CASE("activations are folded into rows that saturate, answers are wide") {
    std::mt19937 bits(67);
    const hass::model m = every_kind(bits);
    const hass::image_set images = test::float_images(bits, input_shape(m.net), 5);
    const hass::integer_network n = hass::make_integer_network(
        hass::emulator(m), images, hass::network_thresholds(m.net.rows.size()), {8, 8});
    for (const std::size_t i : {1U, 3U, 6U, 19U}) CHECK(n.rows[i].passes);
    for (const std::size_t i : {0U, 5U}) {
        CHECK(n.rows[i].range.low == 0);
        CHECK(n.rows[i].range.high == 127);
    }
    CHECK_FALSE(n.rows[15].passes);
    // A relu6 ends at 6, or where its values do.
    CHECK(n.rows[2].range.high == std::min(127L, std::lround(6.0 / n.rows[2].step)));
    // What is joined has one scale, and rows that choose or bound keep it.
    for (const std::size_t i : {12U, 14U, 15U, 16U}) CHECK(n.rows[i].step == n.rows[13].step);
    for (std::size_t i = 0; i < 20; ++i) CHECK(n.rows[i].bits == 8);
    CHECK(n.rows[20].bits == 16);
    CHECK(n.rows[20].range.high == 32767);
    CHECK(n.rows[9].table.size() == 256);
    CHECK(n.rows[7].by.size() == static_cast<std::size_t>(m.net.rows[7].out.channels));
}

TEST_CASE("a filter of zeros, or of a large bias, keeps its bias") {
    std::mt19937 bits(71);
    hass::model m = test::make_model(bits, {test::conv({4, 5, 5}, 3, 1)});
    std::fill_n(m.parameters[0].weights.begin(), 4, 0.0F);
    std::fill_n(m.parameters[0].weights.begin() + 4, 4, 1e-12F);
    m.parameters[0].bias = {0.75F, -1.25F, 0.5F};
    const hass::image_set images = test::float_images(bits, {4, 5, 5}, 3);
    for (const int width : {8, 16}) {
        const hass::integer_emulator hardware(
            hass::make_integer_network(hass::emulator(m), images, {{}}, {width, width}));
        CHECK(hass::bias_bits(hardware.network(), 0) <= 32);
        const std::vector<std::int16_t> answers = hardware.logits(images);
        for (std::size_t p = 0; p < 25; ++p) {
            CHECK(answers[p] * hardware.logit_step() == Approx(0.75).epsilon(0.01));
            CHECK(answers[25 + p] * hardware.logit_step() == Approx(-1.25).epsilon(0.01));
        }
        check_bits(hardware, images);
    }
}

TEST_CASE("what no module computes is refused by name, before anything else") {
    std::mt19937 bits(73);
    using Catch::Matchers::Contains;
    const hass::shape map{2, 5, 5};
    const auto refused = [&](std::vector<hass::layer_row> rows,
                             std::vector<hass::edge> edges = {}) {
        const hass::model m = test::make_model(bits, std::move(rows), std::move(edges));
        // images that would be refused as well
        const hass::image_set wrong = test::float_images(bits, {1, 1, 1}, 1);
        hass::make_integer_network(m, {}, wrong, {}, {1, 99});
    };
    CHECK_THROWS_WITH(refused({test::conv(map, 2, 1), test::plain(layer_kind::softmax, map)}),
                      "by hand: layer 'row 1' (softmax): no module computes it");
    CHECK_THROWS_WITH(refused({test::conv(map, 2, 1), test::plain(layer_kind::add, map)},
                              {{-1, 0}, {-1, 1}, {0, 1}, {0, 1}}),
                      Contains("'row 1' (add): has 3 inputs, but the module takes two"));
    CHECK_THROWS_WITH(refused({pool(layer_kind::average_pool, map, 3, 1, 1)}),
                      Contains("'row 0' (average_pool): windows at the edges"));

    const hass::model m = test::make_model(bits, {test::conv(map, 2, 1)});
    const hass::program p(m);
    const std::vector<float> largest{1.0F, 1.0F};
    CHECK_THROWS_WITH(hass::make_integer_network(p, largest, {{}}, {8, 17}),
                      "integer network: 17 bits, must be within 2 and 16");
    CHECK_THROWS_WITH(hass::make_integer_network(p, largest, {{}}, {8, 8, 1}), Contains("1 bits"));
    CHECK_THROWS_WITH(hass::make_integer_network(p, std::vector<float>{1.0F}, {{}}, {8, 8}),
                      "integer network: 1 largest values for 2 streams");
    CHECK_THROWS_WITH(hass::make_integer_network(p, largest, {{0.0, 0.0, {}, {0.1, 0.2}}}, {8, 8}),
                      Contains("layer 'row 0': a threshold of activations a channel"));
    CHECK_NOTHROW(
        hass::make_integer_network(p, largest, {{0.0, 0.0, {0.1, 0.2}, {0.1, 0.1}}}, {8, 8}));
    CHECK_THROWS_WITH(hass::make_integer_network(p, std::vector<float>{1.0F, 1e-9F}, {{}}, {8, 8}),
                      Contains("layer 'row 0'") && Contains("multiplier of 18 bits"));
    const hass::image_set images = test::float_images(bits, {1, 2, 2}, 1);
    CHECK_THROWS_WITH(
        hass::integer_emulator(hass::make_integer_network(p, largest, {{}}, {8, 8})).logits(images),
        Contains("1x2x2") && Contains("2x5x5"));
}

TEST_CASE("the shipped network answers alike in integers") {
    const shipped s;
    const hass::emulator real(s.model);
    const hass::network_thresholds zero(s.model.net.rows.size());
    const std::vector<float> largest = hass::largest_values(real, s.images);
    const std::vector<float> expected = real.logits(s.images, zero);
    const std::size_t classes = real.classes();
    const auto agreeing = [&](int width) {
        const hass::integer_emulator hardware(
            hass::make_integer_network(real.program(), largest, zero, {width, width}));
        const std::vector<std::int16_t> answers = hardware.logits(s.images);
        std::size_t count = 0;
        for (std::size_t n = 0; n < s.images.count; ++n) {
            const auto best = [&](const auto& of) {
                const auto first = of.begin() + static_cast<std::ptrdiff_t>(n * classes);
                return std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) -
                       first;
            };
            count += best(answers) == best(expected) ? 1U : 0U;
        }
        const hass::emulation e = hardware.run(s.images, s.labels);
        CHECK(e.images == 2000);
        CHECK(hardware.accuracy(s.images, s.labels) == e.top1_accuracy());
        return std::pair(count, e.top1);
    };
    const auto [same16, right16] = agreeing(16);
    const auto [same8, right8] = agreeing(8);
    INFO("of 2000: 16 bits " << same16 << " alike, " << right16 << " right; 8 bits " << same8
                             << " alike, " << right8 << " right; 1885 in real numbers");
    CHECK(same16 >= 1999);
    CHECK(right16 >= 1884);
    CHECK(same8 >= 1980);
    CHECK(right8 >= 1875);
}

TEST_CASE("the shipped network's first images, bit for bit") {
    const shipped s;
    std::vector<float> pixels(3 * 784);
    s.images.copy(100, 3, pixels);
    const hass::image_set few = hass::to_images(hass::make_npy<float>({3, 1, 28, 28}, pixels));
    const hass::emulator real(s.model);
    for (const int width : {8, 16})
        check_bits(hass::integer_emulator(hass::make_integer_network(
                       real, s.images, uniform_thresholds(s.model.net, {0.01, 0.02}),
                       {width, width}, {0, 0, 50})),
                   few);
}
