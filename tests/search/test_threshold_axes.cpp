// Axes to thresholds, and how far axes should reach.
#include <catch2/catch.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/typical_reach.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/layers.hpp>
#include <vector>

namespace {

using two_layers = hass::sequential<hass::input<2, 4, 4>, hass::conv2d<2, 4, 3, hass::pad<1>>,
                                    hass::relu, hass::pointwise<4, 2>>;

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
    const hass::threshold_axes axes(two_layers{}, magnitudes, {0.8, 0.5});
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
    const hass::threshold_axes first(two_layers{}, magnitudes, {0.8, 0.5}, {false, {"first"}});
    CHECK(first.where().size() == 2);
    CHECK(first.where()[0].name == "convolution 2.weight");
    CHECK(first.at(first.diagonal(1.0))[0] == hass::layer_thresholds{});
    const hass::threshold_axes last(two_layers{}, magnitudes, {0.8, 0.5}, {false, {"last"}});
    CHECK(last.where()[0].name == "convolution 0.weight");
    CHECK_THROWS_WITH(
        hass::threshold_axes(two_layers{}, magnitudes, {0.8, 0.5}, {false, {"first", "last"}}),
        Catch::Contains("no layer that is not exempt"));
    const hass::threshold_axes named(two_layers{}, magnitudes, {0.8, 0.5},
                                     {false, {"convolution 2"}});
    CHECK(named.where()[0].name == "convolution 0.weight");
    CHECK_THROWS_WITH(
        hass::threshold_axes(two_layers{}, magnitudes, {0.8, 0.5}, {false, {"convolution 1"}}),
        Catch::Contains("unknown exempt layer 'convolution 1'; did you mean "
                        "'convolution 0'? (known: first, last, convolution 0,"));
    CHECK_THROWS_WITH(hass::threshold_axes(two_layers{}, magnitudes, {0.8, 0.5}, {true, {"first"}}),
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
    const hass::threshold_axes each(two_layers{}, magnitudes, {0.8, 0.5}, {true, {"first"}});
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
    const hass::threshold_axes axes(two_layers{}, magnitudes);
    CHECK_THROWS_WITH(axes.at(std::vector<double>(3)), Catch::Contains("3 values for 4 axes"));
    CHECK_THROWS_AS(axes.shortened(0.0), hass::error);
    CHECK_THROWS_AS(hass::threshold_axes(two_layers{}, magnitudes, {0.0, 0.5}), hass::error);
    const hass::network_magnitudes other(2);
    CHECK_THROWS_AS(hass::threshold_axes(two_layers{}, other), hass::error);
}

TEST_CASE("the typical reach puts random points at the limit") {
    const hass::network_magnitudes magnitudes = ramps();
    const hass::threshold_axes axes(two_layers{}, magnitudes, {1.0, 1.0});
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
    const hass::average_sparsity a = hass::average(two_layers{}, s);
    // 72 and 8 weights, 32 and 64 inputs, 1,152 and 128 multiply-accumulates
    CHECK(a.weight == Approx((72 * 0.5 + 8 * 0.1) / 80));
    CHECK(a.activation == Approx((32 * 0.2 + 64 * 0.4) / 96));
    CHECK(a.pair == Approx((1152 * 0.7 + 128 * 0.3) / 1280));
    CHECK(a.pair_of_layers == Approx(0.5));
}
