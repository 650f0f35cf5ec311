/// \file json.hpp
/// solution.json: everything a search came to, with the figures from which it can be checked.
#pragma once

#include <hass/files/json.hpp>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/report/solution.hpp>

namespace hass {

/// What a report is written as.
using report_json = ordered_json;

namespace detail {

/// A key and its number. A plain struct: what JSON makes of a braced list costs much to compile.
struct json_number {
    const char* key;
    double value;
};

inline void add_numbers(report_json& to, std::initializer_list<json_number> numbers) {
    for (const json_number& n : numbers) to[n.key] = n.value;
}

inline report_json to_json(const parallelism& p) {
    report_json folding;
    folding["in"] = p.in;
    folding["out"] = p.out;
    folding["group"] = p.group;
    folding["vector"] = p.vector;
    folding["macs"] = p.macs;
    folding["shared"] = p.shared;
    folding["pixels"] = p.pixels;
    return folding;
}

}  // namespace detail

/// One stage: places in `layers` of what feeds it (-1: the image), thresholds, sparsities, parallelism, what it is built from, cycles, resources.
inline report_json to_json(const layer_report& l) {
    report_json stage;
    stage["name"] = l.name;
    stage["kind"] = l.kind;
    stage["engine"] = l.engine;
    stage["inputs"] = l.inputs;
    detail::add_numbers(stage, {{"tau_w", l.thresholds.weight},
                                {"tau_a", l.thresholds.activation},
                                {"weight_sparsity", l.weight_sparsity},
                                {"activation_sparsity", l.activation_sparsity},
                                {"pair_sparsity", l.pair_sparsity}});
    if (l.weight_bits > 0) stage["weight_bits"] = l.weight_bits;
    if (l.data_bits > 0) stage["data_bits"] = l.data_bits;
    if (!l.form.empty()) stage["form"] = l.form;
    stage["parallelism"] = detail::to_json(l.chosen.folding);
    stage["multipliers"] = name(l.chosen.multipliers);
    stage["weight_memory"] = name(l.chosen.memory);
    stage["buffer_memory"] = name(buffers_in(l));
    detail::add_numbers(stage, {{"interval_cycles", l.interval_cycles},
                                {"fill_cycles", l.fill_cycles},
                                {"dsp", l.cost.dsp},
                                {"lut", l.cost.lut},
                                {"ff", l.cost.ff},
                                {"bram18", l.cost.bram18},
                                {"uram", l.cost.uram},
                                {"bandwidth_gbps", l.cost.bandwidth}});
    if (!l.thresholds.weight_channels.empty())
        stage["tau_w_channels"] = l.thresholds.weight_channels;
    if (!l.thresholds.activation_channels.empty())
        stage["tau_a_channels"] = l.thresholds.activation_channels;
    return stage;
}

/// One design: throughput_images_per_s = mhz * 1e6 / interval_cycles, interval_cycles = the largest
/// of the layers' and link_cycles, in which the board's link carries an image and its answers;
/// resources = the layers' sums and what stands between them (`between`: squeezes, movers of images
/// and answers, splits), except that bandwidth_gbps has images_gbps for these beside the
/// weights that layers read off-chip, and that bram18_from_lut of the block RAMs stand in
/// LUTs instead; fill_cycles and latency_cycles = from the first pixel of one image to the first
/// and to the last one of its result, behind other images; single_image_cycles = to the last one,
/// alone in the pipeline; binding = the resource that forbids a faster design, null where none does;
/// upper_bound_images_per_s = proved for all designs, gap = how far that is above this one.
inline report_json to_json(const solution_report& d) {
    const estimate& e = d.hardware;
    report_json all;
    all[d.metric.name] = d.score;
    if (d.top5) all["top5"] = *d.top5;
    if (d.score_in_integers) all[d.metric.name + "_in_integers"] = *d.score_in_integers;
    detail::add_numbers(all, {{"weight_sparsity", d.weight_sparsity},
                              {"activation_sparsity", d.activation_sparsity},
                              {"pair_sparsity", d.pair_sparsity},
                              {"throughput_images_per_s", e.images_per_second},
                              {"interval_cycles", e.interval_cycles},
                              {"fill_cycles", e.fill_cycles},
                              {"latency_cycles", e.latency_cycles},
                              {"single_image_cycles", e.single_image_cycles},
                              {"mhz", d.mhz},
                              {"dsp", e.total.dsp},
                              {"lut", e.total.lut},
                              {"ff", e.total.ff},
                              {"bram18", e.total.bram18},
                              {"bram18_from_lut", e.bram18_from_lut},
                              {"uram", e.total.uram},
                              {"bandwidth_gbps", e.total.bandwidth},
                              {"images_gbps", e.image_gbit_s},
                              {"link_cycles", e.link_cycles}});
    report_json between;
    detail::add_numbers(between, {{"dsp", e.between.dsp},
                                  {"lut", e.between.lut},
                                  {"ff", e.between.ff},
                                  {"bram18", e.between.bram18},
                                  {"uram", e.between.uram}});
    all["between"] = std::move(between);
    all["efficiency_images_per_cycle_per_dsp"] = e.efficiency();
    all["bottleneck"] = d.bottleneck;
    all["limit"] = d.limit;
    all["binding"] = d.binding.empty() ? report_json() : report_json(d.binding);
    detail::add_numbers(all, {{"upper_bound_images_per_s", d.upper_bound}, {"gap", d.gap}});
    report_json layers = report_json::array();
    for (const layer_report& l : d.layers) layers.push_back(to_json(l));
    all["layers"] = std::move(layers);
    return all;
}

/// What a device has.
inline report_json to_json(const device& d) {
    report_json board;
    board["name"] = d.name;
    detail::add_numbers(board, {{"dsp", d.budget.dsp},
                                {"lut", d.budget.lut},
                                {"ff", d.budget.ff},
                                {"bram18", d.budget.bram18},
                                {"uram", d.budget.uram},
                                {"bandwidth_gbps", d.budget.bandwidth},
                                {"mhz", d.mhz},
                                {"reconfiguration_s", d.reconfiguration_s}});
    board["dsp_slice"] = name(d.dsp_slice);
    return board;
}

}  // namespace hass
