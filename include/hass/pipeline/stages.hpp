/// \file stages.hpp
/// Rows without weights: pools, activations, element-wise rows. They stream; `folding.in` is the
/// number of parallel streams, and divides the channels. Cycles after fpgaconvnet-model's layers,
/// except where noted.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Channels that the streams of a row split: of its output for concat; of both sides where values
/// move between channels; else of its input.
constexpr int stage_channels(const layer_row& row) {
    if (row.kind == layer_kind::concat || row.kind == layer_kind::embedding)
        return row.out.channels;
    if (row.kind == layer_kind::channel_max) return 1;
    if (moves(row.kind) || row.kind == layer_kind::pad)
        return std::gcd(row.in.channels, row.out.channels);
    return row.in.channels;
}

/// Cycles of a row without weights for one image, `c.folding.in` streams wide:
/// - pools: max of padded input pixels and output pixels, x channels a stream
/// - global pool: input pixels x channels a stream (the published model forgets the pixels)
/// - softmax, log softmax: three passes over the values: maximum, sum of exponentials, division (an
///   assumption)
/// - flatten, reshape, a function that is a wire: 0, they rename wires
/// - rows that move values, resize, pad, norms, grid_sample: all input words or all output words, whichever are
///   more; what they hold is replaced while it leaves (an assumption, as is all of `calibrated` for
///   them)
/// - lrn: as many, a word of squares a cycle
/// - layer and rms norm, embedding, and all others: output pixels x channels a stream
constexpr double stage_cycles(const layer_row& row, const row_option& c) {
    const auto channels = static_cast<double>(detail::ceil_div(stage_channels(row), c.folding.in));
    const auto in = static_cast<double>(row.in.pixels()) * channels;
    const auto out = static_cast<double>(row.out.pixels()) * channels;
    switch (row.kind) {
        case layer_kind::flatten:
        case layer_kind::reshape:
            return 0.0;
        case layer_kind::function:
            return renames(row) ? 0.0 : out;
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            return std::max(static_cast<double>(padded_height(row) * padded_width(row)) * channels,
                            out);
        case layer_kind::global_average_pool:
            return in;
        case layer_kind::softmax:
        case layer_kind::log_softmax:
            return 3.0 * in;
        case layer_kind::channel_max:
        case layer_kind::resize:
        case layer_kind::pad:
        case layer_kind::crop:
        case layer_kind::select_channels:
        case layer_kind::depth_to_space:
        case layer_kind::space_to_depth:
        case layer_kind::reorder:
        case layer_kind::grid_sample:
            return static_cast<double>(std::max(row.in.volume(), row.out.volume())) / c.folding.in;
        default:
            return out;
    }
}

/// Rows whose own memory may hold a map or much of one.
constexpr bool holds_much(layer_kind kind) {
    return kind == layer_kind::add_map || kind == layer_kind::multiply_map ||
           kind == layer_kind::group_norm || kind == layer_kind::embedding ||
           kind == layer_kind::reorder || kind == layer_kind::depth_to_space ||
           kind == layer_kind::space_to_depth || kind == layer_kind::grid_sample;
}

/// Calls visit(option) for every number of streams of a row without weights, ascending, and for
/// block RAM and URAM when the row holds inputs back, or may hold a map.
/// \param every_memory  for LUT-RAM too, and for the lines of pools as well
template <class Visit>
constexpr void for_each_stage(const layer_row& row, Visit&& visit,
                              std::span<const held_input> held = {}, bool every_memory = false) {
    const int most = renames(row) ? 1 : stage_channels(row);
    const bool buffers = !held.empty() || holds_much(row.kind) ||
                         (every_memory && (row.kind == layer_kind::max_pool ||
                                           row.kind == layer_kind::average_pool));
    for (const int streams : detail::divisors(most)) {
        const parallelism p{streams, 1, 1, 1, 1};
        visit(row_option{p, weight_memory::bram18, 0});
        if (buffers) visit(row_option{p, weight_memory::uram, 0});
        if (buffers && every_memory) visit(row_option{p, weight_memory::lutram, 0});
    }
}

/// Whether the engine's resource model offers every memory for what rows buffer; an `engine_list`
/// answers as its first engine does.
template <class E>
constexpr bool offers_every_memory(const E& engine) {
    if constexpr (requires { static_cast<bool>(engine.resources.every_memory); })
        return engine.resources.every_memory;
    else if constexpr (requires { engine.first(); })
        return offers_every_memory(engine.first());
    else
        return false;
}

/// Resources of a row without weights beside `engine`: its own `stage_cost`, or the calibrated
/// model's at default widths.
/// \param held  what the row holds back, as `network_skew` says
template <Engine E>
constexpr usage stage_cost(const E& engine, const layer_row& row, const row_option& c,
                           std::span<const held_input> held = {}) {
    if constexpr (requires { engine.stage_cost(row, c, held); })
        return engine.stage_cost(row, c, held);
    else
        return calibrated{}.stage(row, c, precision{}, held);
}

}  // namespace hass
