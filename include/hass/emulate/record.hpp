/// \file record.hpp
/// Measures a network once, so that searches need neither images nor weights any more: natural
/// joint statistics, distributions, and the answers with each tensor alone clipped.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/error.hpp>
#include <hass/files/fnv1a.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// How finely to measure.
struct recording_options {
    /// Runs of a tensor, >= 1: step s of n clips it to s0 + (s/n)^1.5 (highest - s0) zeros where it
    /// has s0 by nature, so that steps are short where all tensors together must stay. A tensor's
    /// runs end at the first one that answers less than half as many images as the untouched one.
    int steps = 6;
    int between = 2;                        ///< thresholds of distributions a step, >= 1
    layer_thresholds highest = {0.9, 0.9};  ///< sparsity at the last step, in (0, 1]
    /// Threads and images of every run; with `products`, work of lanes and lists is recorded as well.
    /// Windows are recorded always.
    emulation_options run{};
    /// Budget of the activations kept from one run to the next (`evaluator`); results do not depend
    /// on it.
    std::size_t cache_bytes = std::size_t{512} << 20;
    /// What was measured before, of the same network, or nullptr: thresholds are taken from it, so
    /// that both can be `merged`; what it holds of these very images is not measured again.
    const recorded_network* known = nullptr;
    /// Called before each run with the runs done and the number of runs at most.
    std::function<void(std::size_t done, std::size_t total)> progress{};
    /// Called with what there is after each tensor, to be kept and gone on from.
    std::function<void(const recorded_network&)> checkpoint{};
};

namespace detail {

inline answers answers_of(const emulation& run) {
    // The loss in steps of 2^-20: rounding errors of a sum must not show.
    return {static_cast<std::uint32_t>(run.top1), static_cast<std::uint32_t>(run.top5),
            std::round(run.mean_loss() * 0x1p20) * 0x1p-20};
}

}  // namespace detail

/// A number that tells the parameters of one network from those of another.
inline std::uint64_t fingerprint(const hass::model& m) {
    detail::fnv1a f;
    for (const layer_parameters& p : m.parameters) {
        f.add(std::span(p.weights));
        f.add(std::span(p.bias));
    }
    return f.value();
}

/// The same for a set of labelled images.
inline std::uint64_t fingerprint(const image_set& images, std::span<const int> labels) {
    detail::fnv1a f;
    const std::size_t size =
        images.count * static_cast<std::size_t>(images.each.volume()) * size_of(images.pixels.type);
    f.add(std::span<const std::byte>(images.pixels.bytes).first(size));
    for (const int label : labels) f.add(static_cast<std::uint64_t>(label));
    return f.value();
}

/// Measures a network: one run with all statistics, then up to `steps` runs for the weights and for
/// the input of every convolution and linear layer.
/// \throws hass::error as `emulator::run`; for steps or between < 1; when `known` is of another
///         network, or of the same images but answered otherwise (another preprocessing)
inline recorded_network record_network(const emulator& network, const image_set& images,
                                       std::span<const int> labels,
                                       const recording_options& options = {}) {
    if (options.steps < 1 || options.between < 1)
        throw error(text_of({"measuring: steps = ", options.steps, ", between = ", options.between,
                             ", both at least 1"}));
    const network_view net = network.network();
    recorded_network m;
    m.name = std::filesystem::path(network.model().source).stem().string();
    m.net = network.model().net;
    m.weights = fingerprint(network.model());
    m.sources = {fingerprint(images, labels)};
    m.images = static_cast<std::uint32_t>(images.count);
    const recorded_network* known = options.known;
    if (known != nullptr) {
        known->check(net);
        if (known->weights != m.weights)
            throw error("statistics of '" + known->name + "' are of a network of other weights");
    }
    const bool same_images = known != nullptr && known->sources == m.sources;

    const network_thresholds zero(net.size());
    emulation_options everything = options.run;
    everything.statistics_images = all_images;
    everything.products.windows = true;  // predictions are made of them
    const emulation natural = network.run(images, labels, zero, everything);
    const network_magnitudes magnitudes = network.magnitudes(images, everything);
    emulation_options answers_only = options.run;
    answers_only.statistics_images = 0;
    const evaluator evaluate(network, images, labels, answers_only, options.cache_bytes);
    const auto judge = [&](const network_thresholds& tau) {
        return detail::answers_of(evaluate.run(tau));
    };
    m.untouched = judge(zero);
    if (same_images && !(known->untouched == m.untouched))
        throw error("statistics of '" + known->name +
                    "' are of these images, but were answered differently: another preprocessing?");

    // Ascending thresholds at every `every`th of steps x between places; none twice where values
    // tie.
    const auto places = [&](const MagnitudeDistribution auto& values, double highest, int every) {
        const threshold_axis axis{highest};
        const int count = options.steps * options.between;
        std::vector<float> all{0.0F};
        for (int i = every; i <= count; i += every) {
            const double x = std::pow(static_cast<double>(i) / count, 1.5);
            const auto tau = static_cast<float>(axis.threshold(values, x));
            if (tau > all.back()) all.push_back(tau);
        }
        return all;
    };
    const auto sampled = [&](const auto& whole, const auto& channels, double highest,
                             const sampled_magnitudes* before) {
        return sampled_magnitudes::of(whole, std::span(channels),
                                      before ? before->thresholds : places(whole, highest, 1));
    };
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!is_compute(net[i])) continue;
        const recorded_layer* before = known != nullptr ? &known->layers[m.layers.size()] : nullptr;
        const layer_magnitudes& values = magnitudes[i];
        recorded_layer layer;
        layer.place = i;
        layer.weights = sampled(values.weights, values.weight_channels, options.highest.weight,
                                before ? &before->weights : nullptr);
        layer.activations =
            sampled(values.activations, values.activation_channels, options.highest.activation,
                    before ? &before->activations : nullptr);
        layer.natural = natural.statistics[i];
        for (window_histogram& h : layer.natural.windows) detail::round_to_steps(h);
        for (list_lengths& l : layer.natural.lists) detail::round_to_steps(l);
        if (same_images) {
            layer.weight_curve = before->weight_curve;
            layer.activation_curve = before->activation_curve;
        }
        m.layers.push_back(std::move(layer));
    }

    const std::size_t steps = static_cast<std::size_t>(options.steps);
    const std::size_t total = 2 * m.layers.size() * steps;
    std::size_t done = 0;
    const auto measure = [&](std::size_t j, sensitivity_curve recorded_layer::*which,
                             const auto& values, double layer_thresholds::*clipped) {
        sensitivity_curve& curve = m.layers[j].*which;
        const std::size_t end = done + steps;
        if (curve.thresholds.empty()) {
            const bool given = known != nullptr && !(known->layers[j].*which).thresholds.empty();
            std::vector<float> wanted =
                given ? (known->layers[j].*which).thresholds
                      : places(values, options.highest.*clipped, options.between);
            if (!given) wanted.erase(wanted.begin());  // 0: the untouched network
            network_thresholds tau = zero;
            for (const float threshold : wanted) {
                if (options.progress) options.progress(std::min(done++, end), total);
                tau[m.layers[j].place].*clipped = threshold;
                curve.thresholds.push_back(threshold);
                curve.answered.push_back(judge(tau));
                if (!given && 2 * curve.answered.back().top1 < m.untouched.top1) break;
            }
            if (options.checkpoint) options.checkpoint(m);
        }
        done = end;
    };
    for (std::size_t j = 0; j < m.layers.size(); ++j) {
        const layer_magnitudes& values = magnitudes[m.layers[j].place];
        measure(j, &recorded_layer::activation_curve, values.activations,
                &layer_thresholds::activation);
        measure(j, &recorded_layer::weight_curve, values.weights, &layer_thresholds::weight);
    }
    if (options.progress) options.progress(total, total);
    return m;
}

}  // namespace hass
