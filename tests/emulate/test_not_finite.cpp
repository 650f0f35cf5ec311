// Answers that are not finite end the run with the layer that began it, on every path that counts
// answers or magnitudes.
#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/record.hpp>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "networks.hpp"

using Catch::Matchers::Contains;

namespace {

using hass::layer_kind;
constexpr float infinite = std::numeric_limits<float>::infinity();
constexpr float no_number = std::numeric_limits<float>::quiet_NaN();

/// Conv, relu, conv, relu, max pool, flatten, linear. From row `from` on some weights are huge, of
/// both signs: sums become infinite and then not a number.
hass::model overflowing(std::size_t from) {
    std::mt19937 bits(3);
    const hass::shape map{4, 6, 6};
    hass::layer_row pool = test::plain(layer_kind::max_pool, map);
    pool.kernel_h = pool.kernel_w = 2, pool.stride_h = pool.stride_w = 2, pool.out = {4, 3, 3};
    hass::model m = test::make_model(
        bits, {test::conv({3, 6, 6}, 4, 3, 1, 1), test::plain(layer_kind::relu, map),
               test::conv(map, 4, 3, 1, 1), test::plain(layer_kind::relu, map), pool,
               test::plain(layer_kind::flatten, {4, 3, 3}), test::linear(36, 5)});
    if (from < m.parameters.size())
        for (float& w : m.parameters[from].weights) w *= 3e38F;
    return m;
}

/// Images as a program may make them that does not go through `to_images`.
hass::image_set unchecked(const std::vector<float>& pixels, std::size_t count, hass::shape each) {
    return {count, each, hass::make_npy<float>({pixels.size()}, pixels)};
}

hass::image_set images_of(std::size_t count, float special = 0.0F, std::size_t place = 0) {
    std::mt19937 bits(4);
    std::vector<float> pixels(count * 3 * 36);
    for (float& x : pixels) x = test::uniform(bits, 0.5F, 30.0F);
    if (special != 0.0F) pixels[place * 3 * 36 + 7] = special;
    return unchecked(pixels, count, {3, 6, 6});
}

template <class Run>
std::string message(Run run) {
    try {
        run();
    } catch (const hass::error& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("answers that are not finite name the layer and the image", "[emulator]") {
    const std::vector<int> labels(6, 0);
    for (const std::size_t row : {std::size_t{0}, std::size_t{2}, std::size_t{6}}) {
        const hass::emulator emulator(overflowing(row));
        const hass::image_set images = images_of(6);
        const hass::network_thresholds none(7);
        const std::string expected = "by hand: layer 'row " + std::to_string(row) + "' (" +
                                     (row == 6 ? "linear" : "convolution") +
                                     "): image 0: a value is not finite, nor is the answer";
        for (const int threads : {1, 3}) {
            const hass::emulation_options options{.threads = threads, .batch = 2};
            CHECK(message([&] { emulator.run(images, labels, none, options); }) == expected);
            CHECK(message([&] { emulator.logits(images, options); }) == expected);
            const hass::evaluator evaluator(emulator, images, labels, options, 1U << 20);
            CHECK(message([&] { evaluator.accuracy(none); }) == expected);
            CHECK(message([&] { evaluator.run(none); }) == expected);
            hass::evaluator limited(emulator, images, labels, options);
            CHECK(message([&] { limited.limit({.floor = 0.5}); }) == expected);
        }
        CHECK_THAT(message([&] {
                       hass::in_fixed_point(emulator, images, {8, 8});
                   }),
                   Contains("not finite"));
        CHECK_THAT(message([&] { emulator.magnitudes(images); }), Contains("not finite"));
        CHECK_THAT(message([&] { emulator.largest_inputs(images); }), Contains("not finite"));
        CHECK_THAT(message([&] { hass::record_network(emulator, images, labels); }),
                   Contains("not finite"));
    }
}

TEST_CASE("the first bad image is named, whoever runs it", "[emulator]") {
    const hass::emulator emulator(overflowing(99));
    const hass::network_thresholds none(7);
    for (const float special : {no_number, infinite, -infinite})
        for (const int threads : {1, 4})
            for (const int batch : {1, 3, 16})
                CHECK_THAT(message([&] {
                               emulator.run(images_of(20, special, 11), std::vector<int>(20, 0),
                                            none, {.threads = threads, .batch = batch});
                           }),
                           Contains("image 11: ") && Contains("images: "));
}

TEST_CASE("what is infinite on its way may come out finite", "[emulator]") {
    std::mt19937 bits(3);
    const hass::shape map{2, 3, 3};
    hass::model m =
        test::make_model(bits, {test::conv({1, 3, 3}, 2, 1), test::plain(layer_kind::relu6, map),
                                test::plain(layer_kind::flatten, map), test::linear(18, 3)});
    m.parameters[0].weights = {3e38F, -3e38F};
    const hass::emulator emulator(std::move(m));
    const hass::image_set images =
        hass::to_images(hass::make_npy<float>({1, 1, 3, 3}, std::vector<float>(9, 5.0F)));
    CHECK(hass::detail::all_finite(emulator.logits(images)));
    hass::model gate =
        test::make_model(bits, {test::conv({1, 3, 3}, 2, 1), test::plain(layer_kind::sigmoid, map),
                                test::conv(map, 2, 1)});
    gate.parameters[0].weights = {3e38F, -3e38F};
    CHECK(hass::detail::all_finite(hass::emulator(std::move(gate)).logits(images)));
}

TEST_CASE("what is not a number survives pools, clips and thresholds", "[emulator]") {
    std::mt19937 bits(3);
    const hass::shape map{1, 4, 4};
    for (const layer_kind kind :
         {layer_kind::max_pool, layer_kind::average_pool, layer_kind::relu, layer_kind::relu6,
          layer_kind::hardsigmoid, layer_kind::softmax, layer_kind::global_average_pool}) {
        hass::layer_row row = test::plain(kind, map);
        if (kind == layer_kind::max_pool || kind == layer_kind::average_pool)
            row.kernel_h = row.kernel_w = 4, row.out = {1, 1, 1};
        const hass::emulator emulator(test::make_model(bits, {test::conv(map, 1, 1), row}));
        for (std::size_t place = 0; place < 16; ++place) {
            std::vector<float> pixels(16, 0.25F);
            pixels[place] = no_number;
            const hass::image_set images = unchecked(pixels, 1, map);
            INFO(hass::name(kind) << ", place " << place);
            CHECK_THAT(message([&] {
                           emulator.logits(images, {{0.0, 0.5}, {}});
                       }),
                       Contains("not finite"));
        }
    }
}

TEST_CASE("what is not a number is never the right answer", "[emulator]") {
    using hass::detail::rank;
    const auto at = [](std::vector<float> answer, std::size_t label) {
        return rank(answer, label);
    };
    CHECK(at({no_number, no_number, no_number}, 0) == 3);
    CHECK(at({no_number}, 0) == 1);
    CHECK(at({1.0F, no_number, 2.0F}, 1) == 3);
    CHECK(at({1.0F, no_number, 2.0F}, 2) == 1);
    CHECK(at({1.0F, 3.0F, 2.0F}, 2) == 1);
    CHECK(at({2.0F, 2.0F, 2.0F}, 1) == 1);
    CHECK(at({5.0F}, 0) == 0);
}

TEST_CASE("a preprocessing that leaves nothing finite is refused", "[emulator]") {
    const auto with = [](float scale, std::vector<float> mean, std::vector<float> std) {
        return message([&] {
            hass::emulator emulator(overflowing(99), {scale, std::move(mean), std::move(std)});
        });
    };
    CHECK(with(1.0F / 255.0F, {0.5F}, {0.25F, 0.2F, 0.3F}) == "no error");
    CHECK(with(-1.0F, {-127.5F}, {127.5F}) == "no error");
    for (const float bad : {no_number, infinite, -infinite, 0.0F})
        CHECK_THAT(with(bad, {}, {}), Contains("scale must be finite and not 0"));
    for (const float bad : {no_number, infinite, -infinite})
        CHECK_THAT(with(1.0F, {0.0F, bad, 0.0F}, {}), Contains("mean must be finite"));
    for (const float bad : {no_number, infinite, -infinite, 0.0F})
        CHECK_THAT(with(1.0F, {}, {1.0F, 1.0F, bad}), Contains("std must be finite and not 0"));
    CHECK_THAT(with(1.0F, {}, {1e-45F}), Contains("too small to divide by, but is 1e-45"));
    CHECK_THAT(with(1.0F, {}, {1.0F, 1e-37F, 1.0F}),
               Contains("too small to divide by, but is 1e-37"));
    CHECK_THAT(with(3e38F, {}, {}), Contains("scale must keep pixels finite, but is 3e+38"));
    CHECK_THAT(with(1.0F, {1e38F}, {0.1F}), Contains("too small to divide by, but is 0.1"));
    CHECK_THAT(with(1e-45F, {}, {}), Contains("scale must be finite and not 0, but is 1e-45"));
}

TEST_CASE("weights that are not finite are refused", "[emulator]") {
    for (const float bad : {no_number, infinite}) {
        hass::model m = overflowing(99);
        m.parameters[2].weights[5] = bad;
        CHECK_THAT(message([&] { hass::emulator emulator(std::move(m)); }),
                   Contains("'row 2'") && Contains("must be finite"));
        hass::model b = overflowing(99);
        b.parameters[6].bias[1] = bad;
        CHECK_THAT(message([&] { hass::emulator emulator(std::move(b)); }),
                   Contains("'row 6'") && Contains("must be finite"));
    }
}
