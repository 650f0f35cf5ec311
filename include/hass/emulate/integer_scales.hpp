/// \file integer_scales.hpp
/// Real scales and thresholds as the integers of modules, and which rows have modules.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/integer_network.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/model.hpp>

namespace hass::detail {

/// The real numbers `ratio` as multipliers / 2^shift: the shift is the largest at which all of them
/// fit into a multiplier, but at most `most`, where all products round to zero anyway.
/// \throws hass::error naming the layer: a ratio that no multiplier reaches
inline std::pair<std::vector<std::int64_t>, int> multipliers_of(std::span<const double> ratios,
                                                                int most, const network_view& net,
                                                                std::size_t i) {
    constexpr double highest = (1 << (multiplier_bits - 1)) - 1;
    const double largest = *std::max_element(ratios.begin(), ratios.end());
    const auto scaled = [](double ratio, int by) { return std::nearbyint(std::ldexp(ratio, by)); };
    int shift = std::min(most, 62);
    while (shift >= 0 && scaled(largest, shift) > highest) --shift;
    require(shift >= 0, net, i,
            text_of({"its output's scale is ", largest,
                     " times finer than its sums', out of the reach of a multiplier of ",
                     multiplier_bits, " bits"}));
    std::vector<std::int64_t> multipliers;
    for (const double r : ratios)
        multipliers.push_back(static_cast<std::int64_t>(scaled(r, shift)));
    return {std::move(multipliers), shift};
}

/// The largest integer whose magnitude counts as zero under a threshold, in float32 as
/// `in_fixed_point` compares them.
inline std::int64_t integer_threshold(double tau, double step, int bits) {
    const auto below = [&](std::int64_t q) {
        return static_cast<float>(q) * static_cast<float>(step) < static_cast<float>(tau);
    };
    const std::int64_t levels = integer_range::of(bits).high;
    auto q = static_cast<std::int64_t>(std::min(tau / step, static_cast<double>(levels)));
    while (q < levels && below(q + 1)) ++q;
    while (q > 0 && !below(q)) --q;
    return q;
}

/// Values that every window of an average pool averages; 0 where they differ.
inline int window_values(const layer_row& r, bool padding) {
    const auto all = [](int out, const std::vector<float>& counts) {
        const bool equal = std::all_of(counts.begin(), counts.begin() + out,
                                       [&](float c) { return c == counts.front(); });
        return equal ? static_cast<int>(counts.front()) : 0;
    };
    return all(r.out.height, window_counts(r.out.height, r.in.height, r.kernel_h, r.stride_h,
                                           r.dilation_h, r.pad_top, r.pad_bottom, padding)) *
           all(r.out.width, window_counts(r.out.width, r.in.width, r.kernel_w, r.stride_w,
                                          r.dilation_w, r.pad_left, r.pad_right, padding));
}

/// \throws hass::error naming the first row, and its kind, that no module computes
inline void require_modules(const model& m) {
    const network_view net = m.net;
    if (m.channels_last_input || m.channels_last_output)
        throw error((m.source.empty() ? "" : m.source + ": ") +
                    "images or answers come height x width x channels, which integer networks do "
                    "not; export with channels first");
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_kind kind = net[i].kind;
        const auto wants = [&](bool holds, const std::string& what) {
            if (!holds)
                throw error((m.source.empty() ? "" : m.source + ": ") + "layer '" +
                            name_of(net, i) + "' (" + std::string(name(kind)) + "): " + what);
        };
        wants(kind < layer_kind::softmax, "no module computes it");
        const std::size_t inputs = inputs_of(net, i).size();
        for (const int from : inputs_of(net, i)) {
            if (from < 0 || !combines(kind)) continue;
            const shape& given = net[static_cast<std::size_t>(from)].out;
            wants(given.channels == net[i].out.channels,
                  "one channel stands for all of them, but the module takes as many");
        }
        if (kind == layer_kind::add || kind == layer_kind::multiply)
            wants(inputs == 2, text_of({"has ", inputs, " inputs, but the module takes two"}));
        if (kind == layer_kind::average_pool)
            wants(
                window_values(net[i], m.parameters[i].count_include_pad) > 0,
                "windows at the edges average fewer values, but the module divides by one number");
    }
}

}  // namespace hass::detail
