// The emulator against a naive reference, and what it promises on determinism and errors.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/statistics/tensor_statistics.hpp>

#include "../statistics/random_layers.hpp"
#include "naive.hpp"
#include "networks.hpp"

namespace {

using hass::layer_kind;
using test::plain;

/// Runs both on the same images; every answer must agree.
void compare(const hass::model& m, const hass::image_set& images,
             const hass::network_thresholds& thresholds) {
    const hass::emulator emulator(m);
    const std::vector<float> answers = emulator.logits(images, thresholds);
    const auto volume = static_cast<std::size_t>(images.each.volume());
    REQUIRE(answers.size() == images.count * emulator.classes());
    std::vector<float> raw(volume);
    for (std::size_t n = 0; n < images.count; ++n) {
        images.copy(n, 1, raw);
        const test::values expected =
            test::naive_run(m, {raw.begin(), raw.end()}, thresholds).back();
        for (std::size_t i = 0; i < expected.size(); ++i)
            REQUIRE(answers[n * expected.size() + i] == Approx(expected[i]).margin(2e-5));
    }
}

void compare(const hass::layer_row& row, hass::layer_thresholds tau = {}) {
    INFO(hass::name(row.kind) << " " << test::describe(row));
    std::mt19937 bits(23);
    const hass::model m = test::make_model(bits, {row});
    compare(m, test::float_images(bits, row.in, 5), {tau});
}

}  // namespace

TEST_CASE("convolutions of every structure agree with a naive one") {
    std::mt19937 bits(29);
    for (int i = 0; i < 120; ++i) {
        hass::layer_row row = test::random_row(bits);
        row.bias = i % 2 == 0;
        compare(row, i % 3 == 0 ? hass::layer_thresholds{} : hass::layer_thresholds{0.1, 0.4});
    }
    hass::layer_row wide = test::conv({40, 9, 31}, 21, 3, 1, 1);  // several blocks of depth
    compare(wide, {0.02, 0.2});
    compare(test::linear(130, 33), {0.01, 0.1});
}

TEST_CASE("thresholds may differ from channel to channel") {
    std::mt19937 bits(73);
    for (int i = 0; i < 60; ++i) {
        const hass::layer_row row = test::random_row(bits);
        hass::layer_thresholds tau{5.0, 5.0};  // not read beside those of the channels
        for (int c = 0; c < row.in.channels; ++c) {
            if (i % 3 != 0) tau.weight_channels.push_back(test::uniform(bits, 0.0F, 0.3F));
            if (i % 3 != 1) tau.activation_channels.push_back(test::uniform(bits, 0.0F, 0.8F));
        }
        if (tau.weight_channels.empty()) tau.weight = 0.1;
        if (tau.activation_channels.empty()) tau.activation = 0.3;
        compare(row, tau);

        // Statistics agree with those of tensors that were clipped by hand.
        hass::model m = test::make_model(bits, {row});
        const hass::image_set images = test::float_images(bits, row.in, 3);
        const std::vector<int> labels(3, 0);
        const auto s = hass::emulator(m).run(images, labels, {tau}).statistics.front();
        hass::emulation_options sparsities;
        sparsities.products = {.windows = false};
        auto without = s;
        without.windows.clear();
        CHECK(hass::emulator(m).run(images, labels, {tau}, sparsities).statistics.front() ==
              without);
        std::vector<float> pixels(3 * static_cast<std::size_t>(row.in.volume()));
        images.copy(0, 3, pixels);
        const auto area = static_cast<std::size_t>(row.in.pixels());
        for (std::size_t x = 0; x < pixels.size(); ++x) {
            const std::size_t c = x / area % static_cast<std::size_t>(row.in.channels);
            if (std::abs(pixels[x]) < static_cast<float>(tau.activation_of(c))) pixels[x] = 0.0F;
        }
        const auto per_group = static_cast<std::size_t>(hass::channels_per_group(row));
        const auto taps = static_cast<std::size_t>(hass::taps(row));
        std::vector<float>& w = m.parameters[0].weights;
        for (std::size_t x = 0; x < w.size(); ++x) {
            const std::size_t filter = x / taps / per_group;
            const std::size_t group =
                filter / static_cast<std::size_t>(hass::filters_per_group(row));
            const std::size_t c = group * per_group + x / taps % per_group;
            if (std::abs(w[x]) < static_cast<float>(tau.weight_of(c))) w[x] = 0.0F;
        }
        const std::vector<std::vector<float>> weights{w};
        const std::vector<std::vector<float>> inputs{pixels};
        const auto by_hand = hass::measure_tensors(m, weights, inputs).at({{}}).front();
        REQUIRE(s.weight_sparsity == by_hand.weight_sparsity);
        REQUIRE(s.activation_sparsity == by_hand.activation_sparsity);
        REQUIRE(s.pair_sparsity == by_hand.pair_sparsity);
        const auto measured = hass::measure_tensors(m, weights, inputs).at({tau}).front();
        REQUIRE(measured.pair_sparsity == by_hand.pair_sparsity);
    }
    const hass::model m = test::make_model(bits, {test::conv({2, 3, 3}, 4, 3)});
    const hass::image_set images = test::float_images(bits, {2, 3, 3}, 1);
    CHECK_THROWS_WITH(hass::emulator(m).logits(images, {{0.0, 0.0, {0.1}, {}}}),
                      "thresholds: layer 'row 0' has 1 for its 2 input channels");
    CHECK_THROWS_AS(hass::emulator(m).logits(images, {{0.0, 0.0, {}, {0.1, -1.0}}}), hass::error);
}

TEST_CASE("pools agree with naive ones, ceil mode and padding included") {
    for (const layer_kind kind : {layer_kind::max_pool, layer_kind::average_pool})
        for (const int kernel : {2, 3})
            for (const int stride : {1, 2, 3})
                for (const int pad : {0, 1})
                    for (const bool ceil : {false, true})
                        for (const bool include : {false, true}) {
                            hass::layer_row r = plain(kind, {3, 10, 21});
                            r.kernel_h = r.kernel_w = kernel, r.stride_h = r.stride_w = stride;
                            r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = pad;
                            r.ceil_mode = ceil;
                            r.out.height =
                                hass::window_extent(10, kernel, stride, pad, pad, 1, ceil);
                            r.out.width =
                                hass::window_extent(21, kernel, stride, pad, pad, 1, ceil);
                            INFO(test::describe(r) << ceil << include);
                            std::mt19937 bits(31);
                            hass::model m = test::make_model(bits, {r});
                            m.parameters[0].count_include_pad = include;
                            compare(m, test::float_images(bits, r.in, 3), {{}});
                        }
}

TEST_CASE("value-wise layers agree with naive ones") {
    for (const layer_kind kind :
         {layer_kind::relu, layer_kind::relu6, layer_kind::hardswish, layer_kind::hardsigmoid,
          layer_kind::sigmoid, layer_kind::swish, layer_kind::softmax, layer_kind::flatten,
          layer_kind::global_average_pool})
        compare(plain(kind, {5, 4, 3}));
    std::mt19937 bits(37);
    hass::model clip =
        test::make_model(bits, {test::conv({3, 4, 4}, 5, 1), plain(layer_kind::relu6, {5, 4, 4})});
    clip.parameters[1].lower = -0.25F;
    clip.parameters[1].upper = 0.5F;
    compare(clip, test::float_images(bits, {3, 4, 4}, 4), hass::network_thresholds(2));
}

TEST_CASE("branches are added, multiplied and joined; shared maps survive their first reader") {
    std::mt19937 bits(41);
    const hass::shape map{4, 5, 6};
    hass::layer_row join = plain(layer_kind::concat, map);
    join.out.channels = 11;
    const hass::model m =
        test::make_model(bits,
                         {test::conv({2, 5, 6}, 4, 3, 1, 1), plain(layer_kind::relu, map),
                          test::conv(map, 3, 1), plain(layer_kind::swish, map),
                          plain(layer_kind::add, map), join, plain(layer_kind::flatten, {11, 5, 6}),
                          test::linear(330, 6), plain(layer_kind::softmax, {6, 1, 1})},
                         {{-1, 0},
                          {0, 1},
                          {1, 2},
                          {1, 3},
                          {3, 4},
                          {0, 4},
                          {4, 4},
                          {1, 5},
                          {2, 5},
                          {4, 5},
                          {5, 6},
                          {6, 7},
                          {7, 8}});
    // Row 4 reading itself is no network; reading row 3 twice is.
    hass::model twice = m;
    twice.net.edges[6] = {3, 4};
    compare(twice, test::float_images(bits, {2, 5, 6}, 6),
            hass::network_thresholds(9, {0.05, 0.1}));
    compare(test::small_network(bits), test::float_images(bits, {3, 11, 12}, 9),
            hass::network_thresholds(15, {0.05, 0.1}));
}

TEST_CASE("a gate may be the first factor") {
    std::mt19937 bits(43);
    const hass::shape map{4, 5, 6};
    hass::layer_row gate = plain(layer_kind::multiply, {4, 1, 1});
    gate.out = map;
    hass::model m = test::make_model(
        bits,
        {plain(layer_kind::global_average_pool, map), plain(layer_kind::sigmoid, {4, 1, 1}),
         plain(layer_kind::relu, map), plain(layer_kind::multiply, map)},
        {{-1, 0}, {0, 1}, {-1, 2}, {2, 3}, {1, 3}});
    compare(m, test::float_images(bits, map, 3), hass::network_thresholds(4));
}

TEST_CASE("the same bits for any number of threads and any batch") {
    std::mt19937 bits(47);
    const hass::emulator emulator(test::small_network(bits));
    const hass::image_set images = test::float_images(bits, {3, 11, 12}, 37);
    std::vector<int> labels(37);
    for (int& l : labels) l = static_cast<int>(bits() % 7);
    const hass::network_thresholds tau(15, {0.05, 0.2});
    hass::emulation_options one;
    one.threads = 1, one.batch = 1;
    const std::vector<float> expected = emulator.logits(images, tau, one);
    const hass::emulation reference = emulator.run(images, labels, tau, one);
    const hass::network_magnitudes magnitudes = emulator.magnitudes(images, one);
    for (const int threads : {1, 2, 3})
        for (const int batch : {0, 1, 4, 7, 64}) {
            hass::emulation_options options;
            options.threads = threads, options.batch = batch;
            REQUIRE(emulator.logits(images, tau, options) == expected);
            const hass::emulation run = emulator.run(images, labels, tau, options);
            REQUIRE(run.top1 == reference.top1);
            REQUIRE(run.top5 == reference.top5);
            const hass::network_magnitudes again = emulator.magnitudes(images, options);
            for (std::size_t i = 0; i < run.statistics.size(); ++i) {
                const hass::layer_statistics& a = run.statistics[i];
                const hass::layer_statistics& b = reference.statistics[i];
                REQUIRE(a.activation_sparsity == b.activation_sparsity);
                REQUIRE(a.pair_sparsity == b.pair_sparsity);
                REQUIRE(a.windows.size() == b.windows.size());
                for (std::size_t w = 0; w < a.windows.size(); ++w)
                    REQUIRE(a.windows[w].share == b.windows[w].share);
                REQUIRE(again[i].activations == magnitudes[i].activations);
                REQUIRE(again[i].activation_channels == magnitudes[i].activation_channels);
            }
        }
}

TEST_CASE("statistics are those of the tensors that flow, images left out included") {
    std::mt19937 bits(53);
    const hass::model m = test::small_network(bits);
    const hass::emulator emulator(m);
    const hass::image_set images = test::float_images(bits, {3, 11, 12}, 8);
    const std::vector<int> labels(8, 3);
    const hass::network_thresholds tau(15, {0.05, 0.2});
    hass::emulation_options options;
    options.statistics_images = 3;
    options.batch = 2;
    const hass::emulation run = emulator.run(images, labels, tau, options);
    REQUIRE(run.images == 8);
    // The first layer's input is the image itself: measured on its own, it must give the same.
    std::vector<float> pixels(3 * 396);
    images.copy(0, 3, pixels);
    const hass::network first{{m.net.rows[0]}, {{-1, 0}}, {"first"}};
    const std::vector<std::vector<float>> w{m.parameters[0].weights};
    const std::vector<std::vector<float>> a{pixels};
    const hass::layer_statistics s = hass::measure_tensors(first, w, a).at({tau[0]}).front();
    CHECK(s.pair_sparsity == run.statistics[0].pair_sparsity);
    CHECK(s.activation_sparsity == run.statistics[0].activation_sparsity);
    CHECK(s.windows_of(1)->share == run.statistics[0].windows_of(1)->share);
    options.statistics_images = 0;
    CHECK(emulator.run(images, labels, tau, options).statistics.empty());
}

TEST_CASE("top-1 and top-5 count labels among the highest logits, ties by index") {
    std::mt19937 bits(59);
    const hass::emulator emulator(test::make_model(bits, {plain(layer_kind::flatten, {7, 1, 1})}));
    const std::vector<float> pixels{7, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1};
    const hass::image_set images =
        hass::to_images(hass::make_npy<float>({2, 7, 1, 1}, std::span<const float>(pixels)));
    const auto run = [&](int a, int b) {
        return emulator.run(images, std::vector<int>{a, b}, hass::network_thresholds(1));
    };
    CHECK(run(0, 0).top1 == 2);
    CHECK(run(4, 1).top1 == 0);
    CHECK(run(4, 4).top5 == 2);
    CHECK(run(5, 5).top5 == 0);
    CHECK(run(0, 6).top1_accuracy() == 0.5);
}

TEST_CASE("pixels become x = (pixel * scale - mean) / std") {
    std::mt19937 bits(61);
    const hass::model m = test::make_model(bits, {plain(layer_kind::flatten, {2, 1, 2})});
    const std::vector<std::uint8_t> pixels{0, 255, 128, 7};
    const hass::image_set images =
        hass::to_images(hass::make_npy<std::uint8_t>({1, 2, 1, 2}, pixels));
    const float scale = 1.0F / 255;
    const auto answers = hass::emulator(m, {scale, {0.5F, 0.25F}, {0.2F, 0.3F}}).logits(images);
    CHECK(answers ==
          std::vector<float>{(0.0F * scale - 0.5F) / 0.2F, (255.0F * scale - 0.5F) / 0.2F,
                             (128.0F * scale - 0.25F) / 0.3F, (7.0F * scale - 0.25F) / 0.3F});
    CHECK_THROWS_WITH(hass::emulator(m, {1.0F, {1.0F, 2.0F, 3.0F}, {}}),
                      "by hand: preprocessing: 3 values of 'mean' for images of 2 channels");
    CHECK_THROWS_AS(hass::emulator(m, {1.0F, {}, {0.0F}}), hass::error);
    CHECK(hass::emulator(m).logits(images) == std::vector<float>{0, 255, 128, 7});
}

TEST_CASE("bad input is refused by name") {
    std::mt19937 bits(67);
    const hass::model m = test::make_model(bits, {test::conv({2, 3, 3}, 4, 3)});
    const hass::emulator emulator(m);
    const hass::image_set images = test::float_images(bits, {2, 3, 3}, 3);
    const hass::network_thresholds zero(1);
    const std::vector<int> labels{0, 1, 3};
    CHECK_NOTHROW(emulator.run(images, labels, zero));
    CHECK_THROWS_WITH(emulator.run(images, std::vector<int>{1, 2}, zero), "labels: 2 for 3 images");
    CHECK_THROWS_WITH(emulator.run(images, std::vector<int>{1, 2, 4}, zero),
                      "labels: number 2 is 4, outside of the network's 4 classes");
    CHECK_THROWS_AS(emulator.run(images, std::vector<int>{1, -1, 0}, zero), hass::error);
    CHECK_THROWS_WITH(emulator.logits(test::float_images(bits, {2, 4, 3}, 1)),
                      "images: 2x4x3, but the network takes 2x3x3");
    CHECK_THROWS_WITH(emulator.logits(hass::image_set{}), "images: there are none");
    CHECK_THROWS_AS(emulator.run(images, labels, {}), hass::error);
    CHECK_THROWS_AS(emulator.run(images, labels, {{-0.1, 0.0}}), hass::error);
    CHECK_THROWS_AS(emulator.run(images, labels, {{0.0, std::numeric_limits<double>::quiet_NaN()}}),
                    hass::error);
    hass::model wrong = m;
    wrong.parameters[0].weights.pop_back();
    CHECK_THROWS_WITH(hass::emulator(wrong), "layer 'row 0': 71 weights, expected 72");
    wrong = m;
    wrong.parameters[0].bias.push_back(0.0F);
    CHECK_THROWS_AS(hass::emulator(wrong), hass::error);
    wrong = m;
    wrong.parameters.clear();
    CHECK_THROWS_AS(hass::emulator(wrong), hass::error);
}

TEST_CASE("one answer decides between two classes where it is a probability or a logit") {
    std::mt19937 bits(5);
    const hass::shape in{3, 4, 4};
    const std::vector<hass::layer_row> logit{test::plain(hass::layer_kind::flatten, in),
                                             test::linear(48, 1)};
    const hass::image_set images = test::float_images(bits, in, 40);
    const auto ending = [&](std::vector<hass::layer_kind> tail) {
        std::vector<hass::layer_row> rows = logit;
        for (const hass::layer_kind kind : tail) rows.push_back(test::plain(kind, {1, 1, 1}));
        std::mt19937 same(7);
        return hass::emulator(test::make_model(same, rows));
    };
    const hass::emulator plain = ending({});
    CHECK(plain.labels() == 2);
    const std::vector<float> logits = plain.logits(images);
    std::vector<int> labels(images.count);
    double loss = 0.0;
    for (std::size_t n = 0; n < images.count; ++n) {
        labels[n] = n % 4 == 3 ? 0 : 1;
        const double p = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[n])));
        loss -= std::log(labels[n] == 1 ? p : 1.0 - p);
    }
    std::size_t right = 0;
    for (std::size_t n = 0; n < images.count; ++n)
        right += (logits[n] > 0.0F) == (labels[n] == 1) ? 1U : 0U;
    REQUIRE(right > 0);
    REQUIRE(right < images.count);
    using hass::layer_kind;
    for (const auto& tail : {std::vector<layer_kind>{},
                             {layer_kind::flatten},
                             {layer_kind::sigmoid},
                             {layer_kind::sigmoid, layer_kind::flatten}}) {
        const hass::emulator network = ending(tail);
        const hass::network_thresholds zero(network.network().size());
        const hass::emulation run = network.run(images, labels, zero);
        CHECK(run.top1 == right);
        CHECK(run.loss == Approx(loss).epsilon(1e-5));
        const std::vector<int> never(images.count, 2);
        CHECK_THROWS_WITH(network.run(images, never, zero), Catch::Contains("2 classes"));
    }
    for (const layer_kind kind : {layer_kind::relu, layer_kind::softmax, layer_kind::hardswish}) {
        const hass::emulator network = ending({kind});
        CHECK_THROWS_WITH(
            network.run(images, labels, hass::network_thresholds(network.network().size())),
            Catch::Contains("there is no top-1"));
    }
}
