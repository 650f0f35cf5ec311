// The oneDNN backend answers as the naive reference and the default backend do.
#include <catch2/catch.hpp>

#include <hass/emulate/onednn.hpp>

#ifndef HASS_WITH_ONEDNN

TEST_CASE("oneDNN backend") {
    WARN("skipped: built without oneDNN");
}

#else

#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>

#include "../statistics/random_layers.hpp"
#include "naive.hpp"
#include "networks.hpp"

namespace {

using hass::layer_kind;
using test::plain;
using onednn_emulator = hass::basic_emulator<hass::onednn_backend>;

void compare(const hass::model& m, const hass::network_thresholds& tau, std::mt19937& bits) {
    const hass::image_set images = test::float_images(bits, hass::input_shape(m.net), 5);
    hass::emulation_options options;
    options.batch = 3, options.threads = 2;
    const std::vector<float> answers = onednn_emulator(m).logits(images, tau, options);
    std::vector<float> raw(static_cast<std::size_t>(images.each.volume()));
    for (std::size_t n = 0; n < images.count; ++n) {
        images.copy(n, 1, raw);
        const test::values expected = test::naive_run(m, {raw.begin(), raw.end()}, tau).back();
        for (std::size_t i = 0; i < expected.size(); ++i)
            REQUIRE(answers[n * expected.size() + i] == Approx(expected[i]).margin(5e-5));
    }
}

}  // namespace

TEST_CASE("oneDNN: convolutions of every structure agree with a naive one") {
    std::mt19937 bits(83);
    for (int i = 0; i < 60; ++i) {
        hass::layer_row row = test::random_row(bits);
        row.bias = i % 2 == 0;
        INFO(test::describe(row));
        hass::layer_thresholds tau;
        if (i % 3 == 1) tau = {0.1, 0.4};
        if (i % 3 == 2)
            for (int c = 0; c < row.in.channels; ++c)
                tau.activation_channels.push_back(test::uniform(bits, 0.0F, 0.8F));
        compare(test::make_model(bits, {row}), {tau}, bits);
    }
    compare(test::make_model(bits, {test::linear(130, 33)}), {{0.01, 0.1}}, bits);
}

TEST_CASE("oneDNN: the other rows agree with naive ones") {
    std::mt19937 bits(89);
    for (const layer_kind kind : {layer_kind::relu, layer_kind::hardswish, layer_kind::softmax,
                                  layer_kind::flatten, layer_kind::global_average_pool})
        compare(test::make_model(bits, {plain(kind, {5, 4, 3})}), {{}}, bits);
    for (const layer_kind kind : {layer_kind::max_pool, layer_kind::average_pool})
        for (const bool ceil : {false, true})
            for (const bool include : {false, true}) {
                hass::layer_row r = plain(kind, {3, 10, 21});
                r.kernel_h = r.kernel_w = 3, r.stride_h = r.stride_w = 2;
                r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = 1;
                r.ceil_mode = ceil;
                r.out.height = hass::window_extent(10, 3, 2, 1, 1, 1, ceil);
                r.out.width = hass::window_extent(21, 3, 2, 1, 1, 1, ceil);
                hass::model m = test::make_model(bits, {r});
                m.parameters[0].count_include_pad = include;
                compare(m, {{}}, bits);
            }
    hass::layer_row join = plain(layer_kind::concat, {4, 5, 6});
    join.out.channels = 7;
    compare(test::make_model(bits,
                             {test::conv({2, 5, 6}, 4, 3, 1, 1), test::conv({4, 5, 6}, 3, 1), join,
                              plain(layer_kind::flatten, {7, 5, 6}), test::linear(210, 6)},
                             {{-1, 0}, {0, 1}, {0, 2}, {1, 2}, {2, 3}, {3, 4}}),
            hass::network_thresholds(5, {0.05, 0.1}), bits);
    compare(test::small_network(bits), hass::network_thresholds(15, {0.05, 0.1}), bits);
}

TEST_CASE("oneDNN: statistics of the first row are the same counts, in fixed point as well") {
    std::mt19937 bits(97);
    for (int i = 0; i < 20; ++i) {
        const hass::layer_row row = test::random_row(bits);
        const hass::model m = test::make_model(bits, {row});
        const hass::image_set images = test::float_images(bits, row.in, 7);
        const std::vector<int> labels(7, 0);
        hass::layer_thresholds tau{0.1, 0.3};
        if (i % 2 == 0)
            tau.activation_channels.assign(static_cast<std::size_t>(row.in.channels), 0.4);
        const auto same = [&](const auto& a, const auto& b) {
            const auto x = a.run(images, labels, {tau}).statistics.front();
            const auto y = b.run(images, labels, {tau}).statistics.front();
            REQUIRE(x.activation_sparsity == y.activation_sparsity);
            REQUIRE(x.pair_sparsity == y.pair_sparsity);
            REQUIRE(x.windows == y.windows);
            REQUIRE(a.magnitudes(images)[0].activations == b.magnitudes(images)[0].activations);
        };
        const hass::emulator eigen(m);
        const onednn_emulator onednn(m);
        same(eigen, onednn);
        same(hass::in_fixed_point(eigen, images, {8, 8}),
             hass::in_fixed_point(onednn, images, {8, 8}));
    }
}

TEST_CASE("oneDNN: what is remembered gives the same bits") {
    std::mt19937 bits(103);
    const onednn_emulator network(test::small_network(bits));
    const hass::image_set images = test::float_images(bits, {3, 11, 12}, 23);
    const std::vector<int> labels(23, 2);
    const hass::basic_evaluator<hass::onednn_backend> evaluator(network, images, labels, {},
                                                                1'000'000);
    hass::network_thresholds now(15);
    for (int trial = 0; trial < 30; ++trial) {
        now[std::vector<std::size_t>{0, 2, 4, 7, 10, 14}[bits() % 6]] = {
            0.05 * static_cast<double>(bits() % 3), 0.2 * static_cast<double>(bits() % 3)};
        const hass::emulation a = evaluator.run(now);
        const hass::emulation b = network.run(images, labels, now);
        REQUIRE(a.top1 == b.top1);
        for (std::size_t i = 0; i < 15; ++i)
            REQUIRE(a.statistics[i].pair_sparsity == b.statistics[i].pair_sparsity);
    }
    CHECK(evaluator.rows_run() < evaluator.rows_asked());
}

TEST_CASE("oneDNN: what is not a number is not hidden by an activation or a pool") {
    std::mt19937 bits(104);
    const hass::shape map{4, 6, 6};
    for (const layer_kind kind : {layer_kind::relu, layer_kind::relu6, layer_kind::max_pool}) {
        hass::layer_row second = plain(kind, map);
        if (kind == layer_kind::max_pool)
            second.kernel_h = second.kernel_w = 6, second.out = {4, 1, 1};
        hass::model m =
            test::make_model(bits, {test::conv({3, 6, 6}, 4, 3, 1, 1), test::conv(map, 4, 1),
                                    second, test::conv(second.out, 2, 1)});
        m.parameters[1].weights.assign(16, 1.0F);
        // Infinite, of either sign by filter; their sum is not a number: because of large weights, or
        // of large images.
        for (const bool images_are : {false, true}) {
            const float large = images_are ? 10.0F : 3e38F;
            for (std::size_t i = 0; i < m.parameters[0].weights.size(); ++i)
                m.parameters[0].weights[i] = i / 27 % 2 == 0 ? large : -large;
            const onednn_emulator emulator(m);
            const hass::image_set images = hass::to_images(hass::make_npy<float>(
                {2, 3, 6, 6}, std::vector<float>(216, images_are ? 3e38F : 20.0F)));
            const auto refused =
                Catch::Matchers::Contains("layer 'row 0' (convolution): image 0: ");
            const std::vector<int> labels{0, 1};
            CHECK_THROWS_WITH(emulator.run(images, labels, hass::network_thresholds(4)), refused);
            CHECK_THROWS_AS(emulator.logits(images), hass::error);
        }
    }
}

TEST_CASE("weights are prepared once for thresholds that stay, and anew for others") {
    std::mt19937 bits(106);
    const hass::model m = test::small_network(bits);
    const hass::emulator kept(m);
    const hass::image_set images = test::float_images(bits, hass::input_shape(m.net), 3);
    const std::size_t rows = m.net.rows.size();
    const auto weights = [&](std::size_t row, double tau) {
        return kept.weights().of(kept.program(), kept.backend(), row, {tau, 0.0});
    };
    const auto first = weights(0, 0.1), second = weights(0, 0.1), third = weights(0, 0.2);
    CHECK(first == second);
    CHECK(first != third);
    for (const double tau : {0.0, 0.3, 0.3, 0.0, 0.5}) {
        hass::network_thresholds all(rows);
        for (std::size_t i = 0; i < rows; i += 2) all[i].weight = tau;
        CHECK(kept.logits(images, all) == hass::emulator(m).logits(images, all));
    }
}

#endif
