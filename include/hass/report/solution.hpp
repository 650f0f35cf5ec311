/// \file solution.hpp
/// What a search came to, as plain data: one `solution_report` per design, with every number that
/// is needed to recompute its throughput by hand. Tables, JSON and CSV are made from these.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/explore/evaluate.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// One stage of a design.
struct layer_report {
    std::string name;
    std::string_view kind;
    std::string engine;               ///< empty for rows without weights
    layer_threshold thresholds{};
    double weight_sparsity = 0.0;     ///< shares of zeros in [0, 1]; 0 for rows without weights
    double activation_sparsity = 0.0;
    double pair_sparsity = 0.0;       ///< padding counted as zeros: what the engine meets
    configuration chosen{};
    double interval_cycles = 0.0;     ///< for one image
    usage cost{};
};

/// One design, measured and costed. Throughput = mhz * 1e6 / interval_cycles; interval_cycles = the
/// largest of `layers`; resources = their sums.
struct solution_report {
    std::string label;                ///< "dense", "hardware-aware", ...
    double top1 = 0.0;                ///< share of images answered right, [0, 1]
    double top5 = 0.0;
    double weight_sparsity = 0.0;     ///< of all weights
    double activation_sparsity = 0.0; ///< of all inputs of compute rows
    double pair_sparsity = 0.0;       ///< of all multiply-accumulates
    double mhz = 0.0;
    estimate hardware{};
    std::string bottleneck;           ///< name of the slowest stage
    std::string limit;                ///< why it is not faster, in words
    std::vector<layer_report> layers; ///< one a row
};

/// Averages over a network. Weight sparsity counts weights, activation sparsity counts inputs, pair
/// sparsity counts multiply-accumulates (1 - "operation density" of HASS Figure 1).
struct average_sparsity {
    double weight = 0.0;
    double activation = 0.0;
    double pair = 0.0;
};

template <NetworkStatistics S>
average_sparsity average(const network_view& net, const S& statistics) {
    average_sparsity sum;
    double weights = 0.0;
    double inputs = 0.0;
    double macs = 0.0;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& row = net.rows[i];
        if (!is_compute(row)) continue;
        const layer_statistics& s = statistics.at(i);
        const auto w = static_cast<double>(weight_count(row));
        const auto x = static_cast<double>(row.in.volume());
        const auto m = static_cast<double>(mac_count(row));
        sum.weight += w * s.weight_sparsity, weights += w;
        sum.activation += x * s.activation_sparsity, inputs += x;
        sum.pair += m * s.pair_sparsity_padded, macs += m;
    }
    if (weights == 0.0) return {};
    return {sum.weight / weights, sum.activation / inputs, sum.pair / macs};
}

}  // namespace hass
