/// \file solution.hpp
/// What a search came to, as plain data: one `solution_report` per design, with every number that
/// is needed to recompute its throughput by hand. Tables, JSON and CSV are made from these.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/explore/certificate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/search/candidate.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// One stage of a design.
struct layer_report {
    std::string name;                  ///< of the layer
    std::string_view kind;             ///< see `layer_kind_names`
    std::string engine;                ///< empty for rows without weights
    layer_thresholds thresholds{};     ///< as (weight, activation) magnitudes
    double weight_sparsity = 0.0;      ///< shares of zeros in [0, 1]; 0 for rows without weights
    double activation_sparsity = 0.0;  ///< share of zeros of its input
    double pair_sparsity = 0.0;        ///< padding counted as zeros: what the engine meets
    int weight_bits = 0;               ///< as a quantised network states them; 0: as the engine has
    int data_bits = 0;                 ///< as `weight_bits`
    std::string_view form;         ///< of functions, see `function_form_names`; empty: another row
    row_option chosen{};           ///< how it is built
    double interval_cycles = 0.0;  ///< for one image
    double fill_cycles = 0.0;      ///< from its first input pixel to its first output pixel
    usage cost{};                  ///< without what stands between stages
    std::vector<int> inputs;  ///< the rows that feed it, in order; `network_input`: the image does
};

/// Where a stage buffers lines, partial sums or what it holds back, when that is too much for LUTs.
constexpr weight_memory buffers_in(const layer_report& l) {
    return l.engine.empty() ? l.chosen.memory : l.chosen.maps;
}

/// What a report calls the board's link where that is slower than every stage.
inline constexpr std::string_view link_name = "board's bandwidth";

/// One design, measured and costed. Throughput = mhz * 1e6 / interval_cycles; interval_cycles = the
/// largest of `layers`, or the link's; resources = their sums, and bandwidth for images and
/// answers.
struct solution_report {
    std::string label;             ///< "dense", "hardware-aware", ...
    double score = 0.0;            ///< by `metric`
    metric_unit metric{};          ///< what `score` is
    std::optional<double> top5{};  ///< share of images, [0, 1]; nullopt for other metrics
    /// By `metric`, of the network in integers, bit for bit the hardware's; nullopt: not asked for.
    std::optional<double> score_in_integers{};
    double weight_sparsity = 0.0;      ///< of all weights
    double activation_sparsity = 0.0;  ///< of all inputs of compute rows
    double pair_sparsity = 0.0;        ///< of all multiply-accumulates
    double mhz = 0.0;                  ///< clock of the board
    estimate hardware{};               ///< interval, resources, latency
    std::string bottleneck;            ///< name of the slowest stage, or `link_name`
    std::string limit;                 ///< why it is not faster, in words
    std::string binding;               ///< the resource that forbids more, if one does
    /// No design is faster than this (images/s), and by how much that is above this one, minus 1.
    double upper_bound = 0.0;
    double gap = 0.0;                  ///< 0: proved optimal
    std::vector<layer_report> layers;  ///< one a row
};

/// All about one candidate. Its hardware must fit (`require_fit`).
/// \param engine_names  one a `row_option::engine`
inline solution_report describe(std::string label, const network_view& net, const candidate& c,
                                std::span<const std::string> engine_names, const device& board) {
    solution_report d;
    d.label = std::move(label);
    d.score = c.measured.score, d.top5 = c.measured.top5, d.metric = c.measured.metric;
    d.score_in_integers = c.measured.score_in_integers;
    d.weight_sparsity = c.sparsity.weight;
    d.activation_sparsity = c.sparsity.activation;
    d.pair_sparsity = c.sparsity.pair;
    d.mhz = board.mhz;
    d.hardware = require_fit(c.hardware).estimate;
    d.bottleneck =
        d.hardware.link_binds() ? std::string(link_name) : name_of(net, d.hardware.bottleneck);
    d.limit = c.hardware.certificate.reason;
    d.upper_bound = c.hardware.certificate.upper_bound_images_per_second;
    d.gap = c.hardware.certificate.gap;
    if (c.hardware.certificate.binding) d.binding = resources[*c.hardware.certificate.binding].name;
    for (std::size_t i = 0; i < net.size(); ++i) {
        layer_report l;
        l.name = name_of(net, i);
        l.kind = name(net.rows[i].kind);
        l.chosen = c.hardware.design[i];
        if (is_compute(net.rows[i])) {
            const layer_statistics& s = c.measured.statistics.at(i);
            l.engine = engine_names[static_cast<std::size_t>(l.chosen.engine)];
            l.thresholds = c.thresholds[i];
            l.weight_sparsity = s.weight_sparsity;
            l.activation_sparsity = s.activation_sparsity;
            l.pair_sparsity = s.pair_sparsity_padded;
        }
        const stage_estimate& stage = c.hardware.stages[i];
        l.interval_cycles = stage.cycles;
        l.fill_cycles =
            fill_cycles(net.rows[i], l.chosen, stage.cycles, d.hardware.interval_cycles);
        l.cost = stage.cost;
        l.weight_bits = net.rows[i].weight_bits, l.data_bits = net.rows[i].data_bits;
        if (net.rows[i].kind == layer_kind::function) l.form = name(net.rows[i].form);
        for (const edge& e : net.edges)
            if (static_cast<std::size_t>(e.to) == i) l.inputs.push_back(e.from);
        d.layers.push_back(std::move(l));
    }
    return d;
}

}  // namespace hass
