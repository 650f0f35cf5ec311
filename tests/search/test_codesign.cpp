// Axes to thresholds, and how far axes should reach.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <hass/device/boards.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/codesign.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/onnx.hpp>
#include <string>
#include <vector>

namespace {

using net = hass::sequential<hass::input<2, 4, 4>, hass::conv2d<2, 4, 3, hass::pad<1>>, hass::relu,
                             hass::pointwise<4, 2>>;

/// Magnitudes 1/n, 2/n, ... 1 for every tensor: the threshold of a sparsity is the sparsity.
hass::network_magnitudes ramps() {
    std::vector<float> ramp;
    for (int k = 1; k <= 1000; ++k) ramp.push_back(static_cast<float>(k) / 1000.0F);
    hass::network_magnitudes all(3);
    for (const std::size_t i : {0U, 2U}) {
        all[i].weights = hass::exact_magnitudes(ramp);
        all[i].activations.add(ramp);
    }
    return all;
}

}  // namespace

TEST_CASE("threshold axes name two axes a compute row and reach the sparsity asked for") {
    const hass::network_magnitudes magnitudes = ramps();
    const hass::threshold_axes axes(net{}, magnitudes, {0.8, 0.5});
    const hass::space where = axes.where();
    REQUIRE(where.size() == 4);
    CHECK(where[0].name == "convolution 0.weight");
    CHECK(where[3].name == "convolution 2.activation");

    CHECK(axes.at(axes.diagonal(0.0)) == hass::network_thresholds(3));
    const hass::network_thresholds end = axes.at(axes.diagonal(1.0));
    CHECK(magnitudes[0].weights.sparsity(end[0].weight) == Approx(0.8).margin(1e-3));
    CHECK(magnitudes[2].activations.sparsity(end[2].activation) == Approx(0.5).margin(2e-3));
    CHECK(end[1] == hass::layer_thresholds{});  // nothing is searched where there are no weights

    const hass::network_thresholds half = axes.shortened(0.5).at(axes.diagonal(1.0));
    CHECK(half[0].weight == axes.at(axes.diagonal(0.5))[0].weight);
    CHECK(half[0].weight < end[0].weight);
}

TEST_CASE("a normaliser in front of the first layer is exempt with it") {
    // what Sub and Div by one number a channel become, then the first and the last layer
    using normalised = hass::sequential<hass::input<2, 4, 4>, hass::depthwise<2, 1>,
                                        hass::conv2d<2, 4, 3, hass::pad<1>>, hass::pointwise<4, 2>>;
    const hass::network_magnitudes ramp = ramps();
    const hass::network_magnitudes magnitudes(3, ramp[0]);
    const hass::threshold_axes axes(normalised{}, magnitudes, {0.8, 0.5}, {false, {"first"}});
    CHECK(axes.rows() == std::vector<std::size_t>{2});
    CHECK(hass::threshold_axes(normalised{}, magnitudes, {0.8, 0.5}, {}).rows().size() == 3);
}

TEST_CASE("exempt rows have no axes, and a threshold a channel reaches the same sparsity in each") {
    hass::network_magnitudes magnitudes = ramps();
    const hass::threshold_axes first(net{}, magnitudes, {0.8, 0.5}, {false, {"first"}});
    CHECK(first.where().size() == 2);
    CHECK(first.where()[0].name == "convolution 2.weight");
    CHECK(first.at(first.diagonal(1.0))[0] == hass::layer_thresholds{});
    const hass::threshold_axes last(net{}, magnitudes, {0.8, 0.5}, {false, {"last"}});
    CHECK(last.where()[0].name == "convolution 0.weight");
    CHECK_THROWS_WITH(
        hass::threshold_axes(net{}, magnitudes, {0.8, 0.5}, {false, {"first", "last"}}),
        Catch::Contains("no layer that is not exempt"));
    const hass::threshold_axes named(net{}, magnitudes, {0.8, 0.5}, {false, {"convolution 2"}});
    CHECK(named.where()[0].name == "convolution 0.weight");
    CHECK_THROWS_WITH(
        hass::threshold_axes(net{}, magnitudes, {0.8, 0.5}, {false, {"convolution 1"}}),
        Catch::Contains("unknown exempt layer 'convolution 1'; did you mean "
                        "'convolution 0'? (known: first, last, convolution 0,"));
    CHECK_THROWS_WITH(hass::threshold_axes(net{}, magnitudes, {0.8, 0.5}, {true, {"first"}}),
                      Catch::Contains("has no magnitudes of single channels"));

    // Channel c holds the ramp scaled by c + 1, so its threshold is c + 1 times as high.
    std::vector<float> ramp;
    for (int k = 1; k <= 1000; ++k) ramp.push_back(static_cast<float>(k) / 1000.0F);
    for (int c = 1; c <= 4; ++c) {
        std::vector<float> scaled = ramp;
        for (float& x : scaled) x *= static_cast<float>(c);
        magnitudes[2].weight_channels.emplace_back(scaled);
        magnitudes[2].activation_channels.emplace_back().add(scaled);
    }
    const hass::threshold_axes each(net{}, magnitudes, {0.8, 0.5}, {true, {"first"}});
    const hass::layer_thresholds end = each.at(each.diagonal(1.0))[2];
    REQUIRE(end.weight_channels.size() == 4);
    REQUIRE(end.activation_channels.size() == 4);
    for (std::size_t c = 0; c < 4; ++c) {
        const double scale = static_cast<double>(c + 1);
        CHECK(end.weight_of(c) == Approx(0.8 * scale).epsilon(2e-3));
        CHECK(end.activation_of(c) == Approx(0.5 * scale).epsilon(2e-2));
    }
    CHECK(each.at(each.diagonal(0.0)) == hass::network_thresholds(3));
}

TEST_CASE("threshold axes refuse what does not fit") {
    const hass::network_magnitudes magnitudes = ramps();
    const hass::threshold_axes axes(net{}, magnitudes);
    CHECK_THROWS_WITH(axes.at(std::vector<double>(3)), Catch::Contains("3 values for 4 axes"));
    CHECK_THROWS_AS(axes.shortened(0.0), hass::error);
    CHECK_THROWS_AS(hass::threshold_axes(net{}, magnitudes, {0.0, 0.5}), hass::error);
    const hass::network_magnitudes other(2);
    CHECK_THROWS_AS(hass::threshold_axes(net{}, other), hass::error);
}

TEST_CASE("the typical reach puts random points at the limit") {
    const hass::network_magnitudes magnitudes = ramps();
    const hass::threshold_axes axes(net{}, magnitudes, {1.0, 1.0});
    // Accuracy falls with the sum of the weights' thresholds: twice the length, twice the loss.
    const auto accuracy = [](const hass::network_thresholds& t) {
        return 1.0 - 0.1 * (t[0].weight + t[2].weight);
    };
    const double reach = hass::typical_reach(axes, accuracy, 0.97, 1, 5, 8);
    // The same points at the length found and a step beyond it, computed apart.
    hass::random_stream random(1);
    double inside = 0.0;
    double outside = 0.0;
    for (int k = 0; k < 5; ++k) {
        const std::vector<double> u = hass::uniform_point(axes.where(), random);
        inside += accuracy(axes.shortened(reach).at(u)) / 5;
        outside += accuracy(axes.shortened(reach + 1.0 / 256).at(u)) / 5;
    }
    CHECK(inside >= 0.97);
    CHECK(outside < 0.97);
    // No loss bearable: the shortest axes.
    CHECK(hass::typical_reach(axes, accuracy, 1.1, 1, 2, 4) == 1.0 / 16);
}

TEST_CASE("averages weigh weights, inputs and multiply-accumulates") {
    hass::network_statistics s(3);
    s[0] = {0.5, 0.2, 0.6, 0.7, {}};
    s[2] = {0.1, 0.4, 0.3, 0.3, {}};
    const hass::average_sparsity a = hass::average(net{}, s);
    // 72 and 8 weights, 32 and 64 inputs, 1,152 and 128 multiply-accumulates
    CHECK(a.weight == Approx((72 * 0.5 + 8 * 0.1) / 80));
    CHECK(a.activation == Approx((32 * 0.2 + 64 * 0.4) / 96));
    CHECK(a.pair == Approx((1152 * 0.7 + 128 * 0.3) / 1280));
    CHECK(a.pair_of_layers == Approx(0.5));
}

TEST_CASE(
    "predicted statistics are the measured ones where nothing is clipped, and near elsewhere") {
    const std::string data = HASS_EXAMPLES_DATA;
    const hass::emulator emulator(hass::load_onnx(data + "/fashion.onnx"),
                                  {1.0F / 255.0F, {0.286041F}, {0.353024F}});
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    images.count = 40;
    const std::vector<int> labels(images.count);
    const hass::network_view compute = emulator.network();
    const hass::network_magnitudes magnitudes = emulator.magnitudes(images);
    const auto measured = [&](const hass::network_thresholds& t) {
        return emulator.run(images, labels, t).statistics;
    };
    const hass::threshold_axes axes =
        hass::threshold_axes(compute, magnitudes, {0.9, 0.9}).shortened(0.25);
    const hass::network_statistics natural = measured(hass::network_thresholds(compute.size()));
    hass::predicted_statistics predicted(axes, magnitudes, natural);
    hass::allocator hardware(compute, hass::sparse_dot<>{}, hass::boards::zedboard{});
    // Total variation between two sets of window histograms, averaged over blocks.
    const auto apart = [](const hass::window_histogram& a, const hass::window_histogram& b) {
        REQUIRE(a.share.size() == b.share.size());
        double sum = 0.0;
        for (std::size_t k = 0; k < a.share.size(); ++k)
            sum += 0.5 * std::abs(a.share[k] - b.share[k]);
        return sum / static_cast<double>(a.blocks());
    };
    for (const double x : {0.0, 0.5, 1.0}) {
        const std::vector<double> point = axes.diagonal(x);
        const auto guess = predicted.at(point);
        const hass::network_statistics truth = measured(axes.at(point));
        double off = 0.0;
        double off_natural = 0.0;
        for (const std::size_t i : axes.rows()) {
            INFO(x << ", layer " << hass::name_of(compute, i));
            CHECK(guess.at(i).weight_sparsity == Approx(truth[i].weight_sparsity).margin(1e-12));
            CHECK(guess.at(i).pair_sparsity_padded ==
                  Approx(truth[i].pair_sparsity_padded).margin(0.06 * x + 1e-12));
            REQUIRE(guess.at(i).windows.size() == truth[i].windows.size());
            for (std::size_t w = 0; w < truth[i].windows.size(); ++w) {
                off += apart(guess.at(i).windows[w], truth[i].windows[w]);
                off_natural += apart(natural[i].windows[w], truth[i].windows[w]);
            }
        }
        // What it is for: the throughput of the design, and windows far better than unclipped ones.
        const double fast = hardware.solve(guess).estimate.images_per_second;
        const double measured_fast = hardware.solve(truth).estimate.images_per_second;
        INFO(x << ": " << fast << " images/s predicted, " << measured_fast << " measured");
        CHECK(fast == Approx(measured_fast).epsilon(0.05 * x + 1e-12));
        if (x == 0.0)
            CHECK(off < 1e-9);
        else
            CHECK(off < 0.5 * off_natural);
    }
    CHECK_THROWS_WITH(predicted.at(std::vector<double>(3)), Catch::Contains("3 values"));
    CHECK_THROWS_WITH(hass::predicted_statistics(axes, magnitudes, {}),
                      Catch::Contains("0 entries for the magnitudes of"));
    CHECK_THROWS_WITH(hass::predicted_statistics(axes, magnitudes, natural, 0),
                      Catch::Contains("steps = 0"));
}

TEST_CASE("predicted statistics know thresholds of single channels") {
    const std::string data = HASS_EXAMPLES_DATA;
    const hass::emulator emulator(hass::load_onnx(data + "/fashion.onnx"),
                                  {1.0F / 255.0F, {0.286041F}, {0.353024F}});
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    images.count = 20;
    const std::vector<int> labels(images.count);
    const hass::network_view net = emulator.network();
    const hass::network_magnitudes magnitudes = emulator.magnitudes(images);
    const hass::network_statistics natural =
        emulator.run(images, labels, hass::network_thresholds(net.size())).statistics;
    const hass::threshold_axes whole(net, magnitudes);
    const hass::threshold_axes each(net, magnitudes, {0.9, 0.9}, {true});
    hass::predicted_statistics predicted_whole(whole, magnitudes, natural);
    hass::predicted_statistics predicted(each, magnitudes, natural);
    // One layer at a time, so that its input is the one whose magnitudes are known; not the first,
    // since half of the pixels are black, and a histogram cannot tell on which side of a threshold.
    for (std::size_t k = 1; k < each.rows().size(); ++k) {
        const std::size_t i = each.rows()[k];
        std::vector<double> point = each.diagonal(0.0);
        point[2 * k] = point[2 * k + 1] = 0.5;
        const hass::layer_statistics guess = predicted.at(point).at(i);
        const hass::layer_statistics truth =
            emulator.run(images, labels, each.at(point)).statistics[i];
        INFO(hass::name_of(net, i));
        CHECK(guess.weight_sparsity == Approx(truth.weight_sparsity).margin(1e-12));
        CHECK(guess.activation_sparsity == Approx(truth.activation_sparsity).margin(0.03));
        CHECK(guess.pair_sparsity_padded == Approx(truth.pair_sparsity_padded).margin(0.03));
        // What differs from one threshold for all channels is predicted, not only the average.
        if (net[i].in.channels > 1)
            CHECK(guess.weight_sparsity != predicted_whole.at(point).at(i).weight_sparsity);
    }
}
