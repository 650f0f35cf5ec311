/// \file prediction.hpp
/// Statistics at other thresholds without running the network again: those of the untouched
/// network, with every surviving pair kept by the share of values that the thresholds leave.
///
/// Exact where nothing is clipped, and it keeps what natural zeros have in common from tap to tap
/// and from channel to channel. An approximation beyond: clipped values are taken as independent of
/// each other within a channel, and a layer's input as it was before earlier layers were clipped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <hass/statistics/independent_dots.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Distribution of a count of which every unit survives independently with chance `keep`.
/// \param share  chances of 0, 1, ... units, summing to 1
/// \param keep  in [0, 1]
///
/// With G the generating function of `share` it is the one of G(1 - keep + keep s), by Horner's
/// rule.
inline std::vector<double> thinned_counts(std::span<const double> share, double keep) {
    std::vector<double> result(share.size(), 0.0);
    for (std::size_t z = share.size(); z-- > 0;) {
        for (std::size_t k = share.size() - z; k-- > 1;)
            result[k] = result[k] * (1.0 - keep) + result[k - 1] * keep;
        if (!result.empty()) result[0] = result[0] * (1.0 - keep) + share[z];
    }
    return result;
}

/// Shares of a tensor's values that are not zero at some threshold, in [0, 1].
struct tensor_density {
    double whole = 1.0;              ///< share of values that are kept, over the tensor
    std::vector<double> channels{};  ///< by input channel; may be empty: all as `whole`
};

/// \param whole, channels  magnitudes of a tensor and of its channels
/// \param tau              threshold of all channels, or
/// \param tau_channels     one each; channels hold equally many values
template <MagnitudeDistribution Whole, MagnitudeDistribution Channel>
tensor_density density(const Whole& whole, const std::vector<Channel>& channels, double tau,
                       const std::vector<double>& tau_channels = {}) {
    tensor_density d{1.0 - whole.sparsity(tau)};
    for (std::size_t c = 0; c < channels.size(); ++c)
        d.channels.push_back(1.0 -
                             channels[c].sparsity(tau_channels.empty() ? tau : tau_channels[c]));
    if (!tau_channels.empty())
        d.whole = std::accumulate(d.channels.begin(), d.channels.end(), 0.0) /
                  static_cast<double>(d.channels.size());
    return d;
}

/// The two tensors of a layer.
struct layer_density {
    tensor_density weight;      ///< of its weights
    tensor_density activation;  ///< of its input
};

/// Statistics of one layer when its tensors are as dense as `after`.
/// \param natural  measured when they were as dense as `before`
inline layer_statistics predicted_layer(const layer_statistics& natural,
                                        const layer_density& before, const layer_density& after) {
    const auto channels = [](const layer_density& d) {
        return std::min(d.weight.channels.size(), d.activation.channels.size());
    };
    const std::size_t count = std::min(channels(before), channels(after));
    // Chance that both values of a pair are alive.
    const auto pair = [&](const layer_density& d, std::size_t c) {
        return count == 0 ? d.weight.whole * d.activation.whole
                          : d.weight.channels[c] * d.activation.channels[c];
    };
    // Of the pairs of channels [first, last) that were alive, the share that still is.
    const auto kept = [&](std::size_t first, std::size_t last) {
        if (count == 0) first = 0, last = 1;
        double was = 0.0;
        double is = 0.0;
        for (std::size_t c = first; c < last && (c < count || count == 0); ++c)
            was += pair(before, c), is += pair(after, c);
        return was > 0.0 ? std::min(is / was, 1.0) : 1.0;
    };

    layer_statistics s;
    s.weight_sparsity = 1.0 - after.weight.whole;
    s.activation_sparsity = 1.0 - after.activation.whole;
    const double all = kept(0, count);
    s.pair_sparsity = 1.0 - (1.0 - natural.pair_sparsity) * all;
    s.pair_sparsity_padded = 1.0 - (1.0 - natural.pair_sparsity_padded) * all;
    for (const window_histogram& w : natural.windows) {
        window_histogram h{w.channels, w.length, {}};
        const std::size_t bins = static_cast<std::size_t>(w.length) + 1;
        const auto wide = static_cast<std::size_t>(w.channels);
        for (std::size_t b = 0; b < w.blocks(); ++b) {
            const auto block = thinned_counts(std::span(w.share).subspan(b * bins, bins),
                                              kept(b * wide, (b + 1) * wide));
            h.share.insert(h.share.end(), block.begin(), block.end());
        }
        s.windows.push_back(std::move(h));
    }
    return s;
}

/// Work of whole dot products of a layer at `s`, put there, as far as it was measured at `natural`:
/// less by the factor by which it would be less if zeros were independent. What zeros have in common
/// stays in it, and so do the spread that was measured and the share of each row of windows.
inline void predict_dots(const layer_row& row, const layer_statistics& natural,
                         layer_statistics& s) {
    const auto factor = [](double was, double is) {
        return was > 0.0 ? std::min(is / was, 1.0) : 1.0;
    };
    s.lanes = natural.lanes;
    for (lane_work& w : s.lanes)
        w.cycles *= factor(independent_lane_cycles(row, natural, w.layout),
                           independent_lane_cycles(row, s, w.layout));
    const auto mean = [](const list_lengths& lengths) {
        double sum = 0.0;
        for (std::size_t z = 0; z < lengths.share.size(); ++z)
            sum += static_cast<double>(z) * lengths.share[z];
        return sum;
    };
    s.rows = natural.rows;
    s.lists.clear();
    for (const list_lengths& was : natural.lists) {
        const double kept = factor(mean(independent_lists(row, natural, was.lanes)),
                                   mean(independent_lists(row, s, was.lanes)));
        list_lengths& is = s.lists.emplace_back(
            list_lengths{was.lanes, std::vector<double>(was.share.size(), 0.0)});
        for (std::size_t z = 0; z < was.share.size(); ++z) {  // between two whole lengths
            const double length = kept * static_cast<double>(z);
            const auto down = static_cast<std::size_t>(length);
            const double rest = length - static_cast<double>(down);
            is.share[down] += was.share[z] * (1.0 - rest);
            if (rest > 0.0) is.share[down + 1] += was.share[z] * rest;
        }
    }
}

}  // namespace hass
