/// \file json.hpp
/// solution.json: everything a search came to, with the figures from which it can be checked.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <hass/report/solution.hpp>

namespace hass {

/// JSON whose keys stand in the order in which they were written.
using report_json = nlohmann::ordered_json;

/// One stage: thresholds, sparsities, parallelism, cycles, resources.
inline report_json to_json(const layer_report& l) {
    const parallelism& p = l.chosen.folding;
    report_json stage{{"name", l.name},
                      {"kind", l.kind},
                      {"engine", l.engine},
                      {"tau_w", l.thresholds.weight},
                      {"tau_a", l.thresholds.activation},
                      {"weight_sparsity", l.weight_sparsity},
                      {"activation_sparsity", l.activation_sparsity},
                      {"pair_sparsity", l.pair_sparsity},
                      {"parallelism",
                       {{"in", p.in},
                        {"out", p.out},
                        {"group", p.group},
                        {"vector", p.vector},
                        {"macs", p.macs}}},
                      {"weight_memory", name(l.chosen.memory)},
                      {"interval_cycles", l.interval_cycles},
                      {"fill_cycles", l.fill_cycles},
                      {"dsp", l.cost.dsp},
                      {"lut", l.cost.lut},
                      {"ff", l.cost.ff},
                      {"bram18", l.cost.bram18},
                      {"uram", l.cost.uram},
                      {"bandwidth_gbps", l.cost.bandwidth}};
    if (!l.thresholds.weight_channels.empty())
        stage["tau_w_channels"] = l.thresholds.weight_channels;
    if (!l.thresholds.activation_channels.empty())
        stage["tau_a_channels"] = l.thresholds.activation_channels;
    return stage;
}

/// One design: throughput_images_per_s = mhz * 1e6 / interval_cycles, interval_cycles = the largest
/// of the layers' and link_cycles, in which the board's link carries an image and its answers;
/// resources = the layers' sums, except that bandwidth_gbps has images_gbps for these beside the
/// weights that layers read off-chip, and that bram18_from_lut of the block RAMs stand in
/// LUTs instead; fill_cycles and latency_cycles = from the first pixel of one image to the first
/// and to the last one of its result.
inline report_json to_json(const solution_report& d) {
    report_json layers = report_json::array();
    for (const layer_report& l : d.layers) layers.push_back(to_json(l));
    return {{"top1", d.top1},
            {"top5", d.top5},
            {"weight_sparsity", d.weight_sparsity},
            {"activation_sparsity", d.activation_sparsity},
            {"pair_sparsity", d.pair_sparsity},
            {"throughput_images_per_s", d.hardware.images_per_second},
            {"interval_cycles", d.hardware.interval_cycles},
            {"fill_cycles", d.hardware.fill_cycles},
            {"latency_cycles", d.hardware.latency_cycles},
            {"mhz", d.mhz},
            {"dsp", d.hardware.total.dsp},
            {"lut", d.hardware.total.lut},
            {"ff", d.hardware.total.ff},
            {"bram18", d.hardware.total.bram18},
            {"bram18_from_lut", d.hardware.bram18_from_lut},
            {"uram", d.hardware.total.uram},
            {"bandwidth_gbps", d.hardware.total.bandwidth},
            {"images_gbps", d.hardware.image_gbit_s},
            {"link_cycles", d.hardware.link_cycles},
            {"squeezes",
             {{"lut", d.hardware.squeezes.lut},
              {"ff", d.hardware.squeezes.ff},
              {"bram18", d.hardware.squeezes.bram18}}},
            {"efficiency_images_per_cycle_per_dsp", d.hardware.efficiency()},
            {"bottleneck", d.bottleneck},
            {"limit", d.limit},
            {"layers", std::move(layers)}};
}

/// What a device has.
inline report_json to_json(const device& d) {
    return {{"name", d.name},
            {"dsp", d.budget.dsp},
            {"lut", d.budget.lut},
            {"ff", d.budget.ff},
            {"bram18", d.budget.bram18},
            {"uram", d.budget.uram},
            {"bandwidth_gbps", d.budget.bandwidth},
            {"mhz", d.mhz},
            {"reconfiguration_s", d.reconfiguration_s}};
}

}  // namespace hass
