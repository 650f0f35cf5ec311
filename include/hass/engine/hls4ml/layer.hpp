/// \file layer.hpp
/// Cycles and multipliers of hls4ml's layers (templates/vivado/nnet_utils of ef92ebdf). hls4ml has no
/// resource model: LUT, FF and BRAM are what HLS makes of it, and are not `known` here.
///
/// Checked against 122 networks of two dense layers (io_parallel, Resource, 2 to 16 bits, 5 ns,
/// 2023.2): R1 + R2 + 3 cycles in 121, one is a cycle faster; M1 + M2 DSPs from 8 bits on and none at
/// 2, 4 and 6 bits in all; 25 of three layers: sum of R + 5 in 23, + 4 in two.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/hls4ml/reuse_factor.hpp>
#include <hass/engine/modelled_usage.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass::hls4ml {

/// Whether layers hand on whole maps or a pixel at a time.
enum class io_type : std::uint8_t { parallel, stream };
inline constexpr std::array<std::string_view, 2> io_type_names{"io_parallel", "io_stream"};
constexpr std::string_view name(io_type t) {
    return io_type_names[static_cast<std::size_t>(t)];
}

/// A matrix product for each output position, and how it is built.
struct layer {
    std::int64_t n_in = 1;              ///< inputs of a dot product: C kh kw
    std::int64_t n_out = 1;             ///< outputs of a position
    std::int64_t positions = 1;         ///< of the output; 1 of a dense layer
    std::int64_t in_positions = 1;      ///< of the input, padding included
    bool convolution = false;           ///< of a convolution; else of a dense layer
    strategy how = strategy::resource;  ///< how its products are built
    io_type io = io_type::parallel;     ///< how its data come
    std::int64_t reuse = 1;             ///< R
    std::int64_t parallelization = 1;   ///< positions at once: convolutions, io_parallel
    /// Of values.
    int data_bits = 16, weight_bits = 16;
    std::int64_t words_in = 1, words_out = 1;  ///< a packet: dense layers, io_stream

    /// Multipliers of one position.
    constexpr std::int64_t multipliers() const { return detail::ceil_div(n_in * n_out, reuse); }

    /// Cycles that one image occupies the layer: exact for dense layers (io_parallel, Resource), for
    /// the others without what HLS adds to fill and empty a loop.
    constexpr std::int64_t cycles() const {
        const bool in_turn = how != strategy::latency;
        if (!convolution) {
            if (io == io_type::stream) return n_in / words_in + reuse + n_out / words_out;
            return in_turn ? reuse + 2 : reuse;
        }
        if (io == io_type::parallel) return positions / parallelization * reuse;
        return in_turn ? in_positions + positions * reuse : in_positions * reuse;
    }

    /// DSPs: a whole one for each multiplication of operands from 8 bits on, more above the ports of a
    /// slice; none below 7 bits; 7 bits have not been seen. Constant and zero weights, which HLS leaves
    /// out under Latency, are not looked at.
    constexpr modelled_usage needs(dsp_slice slice = dsp_slice::dsp48e2) const {
        const modelled_usage none =
            modelled_usage{}.without(lut_index, ff_index, bram18_index, uram_index);
        const int narrow = std::min(data_bits, weight_bits);
        if (narrow <= 6) return none;
        if (narrow == 7) return none.without(dsp_index);
        modelled_usage u = none;
        const std::int64_t side_by_side =
            convolution && io == io_type::parallel ? parallelization : 1;
        u.value.dsp = static_cast<double>(multipliers() * side_by_side *
                                          multiplier_dsp(data_bits, weight_bits, slice));
        return u;
    }

    /// Why hls4ml does not build it; empty: it does.
    std::string refusal() const {
        if (reuse < 1) return text_of({"ReuseFactor ", reuse, " must be at least 1"});
        if (how != strategy::latency) {
            const auto legal = legal_reuse_factors(n_in, n_out, how);
            if (!std::binary_search(legal.begin(), legal.end(), reuse))
                return text_of({"ReuseFactor ", reuse, " is not legal for ", n_in, " x ", n_out});
            if (convolution && io == io_type::parallel && reuse > n_in)
                return text_of({"ReuseFactor ", reuse, " is above the ", n_in,
                                " inputs of a convolution's dot product"});
        }
        if (parallelization < 1 || positions % parallelization != 0)
            return text_of({"ParallelizationFactor ", parallelization, " does not divide the ",
                            positions, " output positions"});
        if (parallelization > 1 && !(convolution && io == io_type::parallel))
            return "ParallelizationFactor is for convolutions with io_parallel";
        return {};
    }
};

/// The layer of a compute row without groups.
/// \throws hass::error for other rows: hls4ml's depthwise layers have other loops
inline layer layer_of(const layer_row& row) {
    if (!has_weights(row) || row.groups != 1)
        throw error(text_of(
            {"hls4ml: a ", name(row.kind), " with ", row.groups, " groups is not modelled"}));
    layer l;
    l.n_in = std::int64_t{row.in.channels} * taps(row), l.n_out = row.out.channels;
    l.positions = row.out.pixels();
    l.in_positions = (std::int64_t{row.in.height} + row.pad_top + row.pad_bottom) *
                     (std::int64_t{row.in.width} + row.pad_left + row.pad_right);
    l.convolution = row.kind == layer_kind::convolution;
    return l;
}

/// Cycles between images of a whole network.
constexpr std::int64_t interval(std::span<const layer> layers) {
    // one pipeline (io_parallel and Latency throughout, nothing partitioned), or a dataflow of layers:
    // either way what is slowest
    std::int64_t most = 0;
    for (const layer& l : layers) most = std::max(most, l.cycles());
    return most;
}

/// Cycles from an image to its answer: dense layers, io_parallel, Resource, sum of R + 2 layers - 1;
/// of anything else HLS decides.
constexpr std::optional<std::int64_t> latency(std::span<const layer> layers) {
    std::int64_t sum = -1;
    for (const layer& l : layers) {
        if (l.convolution || l.io != io_type::parallel || l.how != strategy::resource)
            return std::nullopt;
        sum += l.cycles();
    }
    return layers.empty() ? std::nullopt : std::optional(sum);
}

}  // namespace hass::hls4ml
