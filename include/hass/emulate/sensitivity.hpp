/// \file sensitivity.hpp
/// Accuracy against threshold of each tensor alone: the table that stands in for images.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/error.hpp>
#include <hass/statistics/store.hpp>

namespace hass {

/// How finely to measure.
struct sensitivity_options {
    int steps = 8;                          ///< thresholds a tensor besides 0, >= 1
    layer_thresholds highest = {0.9, 0.9};  ///< sparsity at the last step, in (0, 1]
    emulation_options run{};
    /// Budget of the activations kept from one run to the next (`evaluator`); results do not depend
    /// on it.
    std::size_t cache_bytes = std::size_t{512} << 20;
    /// Called before each run with the runs done and their number.
    std::function<void(std::size_t done, std::size_t total)> progress{};
};

/// Clips one tensor at a time, at thresholds that move its sparsity in equal steps from the natural
/// one to `highest`, and runs all images each time: 2 x steps x compute rows runs.
/// \throws hass::error as `emulator::run`, or for steps < 1
inline measured_table measure_sensitivity(const emulator& network, const image_set& images,
                                          std::span<const int> labels,
                                          sensitivity_options options = {}) {
    if (options.steps < 1)
        throw error("sensitivity: steps = " + std::to_string(options.steps) + ", at least 1");
    const network_view net = network.network();
    const network_magnitudes magnitudes = network.magnitudes(images, options.run);
    options.run.statistics_images = 0;
    const evaluator evaluate(network, images, labels, options.run, options.cache_bytes);
    const emulation untouched = evaluate.run(network_thresholds(net.size()));
    measured_table table;
    table.network = std::filesystem::path(network.model().source).filename().string();
    table.images = untouched.images;
    table.top1 = untouched.top1_accuracy();
    table.top5 = untouched.top5_accuracy();
    table.rows = net.size();
    for (std::size_t i = 0; i < net.size(); ++i)
        if (is_compute(net[i])) table.places.push_back(i);

    std::size_t done = 0;
    const std::size_t total = 2 * table.places.size() * static_cast<std::size_t>(options.steps);
    // Measures one tensor; `set` puts its threshold, the others stay 0.
    const auto sweep = [&](const MagnitudeDistribution auto& whole, const auto& channels,
                           double highest, std::size_t row, double layer_thresholds::*which) {
        tensor_sensitivity t;
        const threshold_axis axis{highest};
        network_thresholds tau(net.size());
        for (int step = 0; step <= options.steps; ++step) {
            const double x = static_cast<double>(step) / options.steps;
            // A float is what the emulator compares with, and what a file gives back unchanged.
            const auto value = static_cast<double>(static_cast<float>(axis.threshold(whole, x)));
            if (step > 0) {
                if (options.progress) options.progress(done, total);
                ++done;
                if (!(value > t.thresholds.back())) continue;  // ties: nothing new is zeroed
            }
            tau[row].*which = value;
            t.thresholds.push_back(value);
            t.sparsity.push_back(whole.sparsity(value));
            t.top1.push_back(step == 0 ? table.top1 : evaluate.accuracy(tau));
            for (const auto& c : channels) t.channels.push_back(c.sparsity(value));
        }
        return t;
    };
    for (const std::size_t i : table.places) {
        const layer_magnitudes& m = magnitudes[i];
        table.layers.push_back(
            {name_of(net, i), net[i],
             sweep(m.weights, m.weight_channels, options.highest.weight, i,
                   &layer_thresholds::weight),
             sweep(m.activations, m.activation_channels, options.highest.activation, i,
                   &layer_thresholds::activation)});
    }
    if (options.progress) options.progress(total, total);
    // As a file would give it back, so that a table is the same before and after it was stored.
    return parse_table(format_table(table), table.network);
}

}  // namespace hass
