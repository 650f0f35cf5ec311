// Statistics of a search point without a run of the network, against those of a run.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <hass/device/boards.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/predicted_statistics.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <string>
#include <vector>

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
