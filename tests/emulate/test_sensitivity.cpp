// The measured table of a small network against its emulator.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include <hass/emulate/sensitivity.hpp>

#include "networks.hpp"

static_assert(hass::AccuracyModel<hass::measured_table>);

TEST_CASE("a table agrees with the emulator wherever one tensor alone is clipped") {
    std::mt19937 bits(73);
    const hass::emulator emulator(test::small_network(bits));
    const hass::network_view net = emulator.network();
    const hass::image_set images = test::float_images(bits, {3, 11, 12}, 24);
    // The network's own answers as labels, so that clipping costs accuracy.
    const std::vector<float> answers = emulator.logits(images);
    std::vector<int> labels;
    for (std::size_t n = 0; n < images.count; ++n) {
        const auto first = answers.begin() + static_cast<std::ptrdiff_t>(7 * n);
        labels.push_back(static_cast<int>(std::max_element(first, first + 7) - first));
    }
    hass::sensitivity_options options;
    options.steps = 3;
    std::size_t calls = 0;
    options.progress = [&](std::size_t done, std::size_t total) {
        CHECK(done == calls++);
        CHECK(total == 2 * 6 * 3);
    };
    const hass::measured_table table = hass::measure_sensitivity(emulator, images, labels, options);
    CHECK(calls == 2 * 6 * 3 + 1);
    CHECK(table.top1 == 1.0);
    CHECK(table.images == 24);
    CHECK_NOTHROW(table.check(net));
    REQUIRE(table.layers.size() == 6);
    CHECK(hass::parse_table(hass::format_table(table), "again") == table);
    for (std::size_t j = 0; j < table.layers.size(); ++j) {
        const std::size_t i = table.places[j];
        INFO(table.layers[j].name);
        for (const bool weights : {true, false}) {
            const hass::tensor_sensitivity& t =
                weights ? table.layers[j].weight : table.layers[j].activation;
            hass::network_thresholds tau(net.size());
            (weights ? tau[i].weight : tau[i].activation) = t.thresholds.back();
            const hass::emulation run = emulator.run(images, labels, tau);
            CHECK(table.accuracy(tau) == Approx(run.top1_accuracy()).margin(1e-5));
            const hass::layer_statistics predicted = table.statistics(tau)[i];
            const hass::layer_statistics& s = run.statistics[i];
            CHECK(predicted.weight_sparsity == Approx(s.weight_sparsity).margin(1e-5));
            CHECK(predicted.activation_sparsity == Approx(s.activation_sparsity).margin(0.01));
            CHECK(predicted.pair_sparsity == Approx(s.pair_sparsity).margin(0.05));
            REQUIRE(predicted.windows.size() == s.windows.size());
            for (std::size_t w = 0; w < s.windows.size(); ++w)
                CHECK(predicted.windows[w].share.size() == s.windows[w].share.size());
        }
    }
    options.steps = 0;
    CHECK_THROWS_AS(hass::measure_sensitivity(emulator, images, labels, options), hass::error);
}
