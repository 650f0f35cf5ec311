/// \file list_resources.hpp
/// What a layer of lists takes (`engine/list_dot.hpp`). The engine, and what joins its replicas, are those
/// of rtl/modules, synthesised by Yosys 0.23 for UltraScale+; memories are counted as Vivado builds
/// them, and what follows is as `calibrated` counts it for other engines. Term by term:
///
///     engine             LUT, FF        counted from the module; what is left is fitted
///     lengths of lists   LUT-RAM        counted; a word a pixel and list
///     multipliers        DSP            one a filter, list and pixel
///     line buffer        a ring of lists, each slot as long as a pixel without a zero
///     weights            a memory a list and replica, as wide as all filters at a time
///     clipping           LUT, FF        as of lanes; a word of the input each
///     results            a chain of DSPs shifts out up to 8 sums: bias and requantisation are of
///                        so many words fewer
///     replicas           LUT, FF        filling and windows once; behind each a FIFO of two pixels of
///                        sums, which leave in the order of the pixels
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/lane_resources.hpp>
#include <hass/engine/resources/list_synthesis.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Longest chain of DSPs that sums are shifted out through.
inline constexpr int longest_chain = 8;

/// Chain of `out` filters: their largest divisor up to `longest_chain`.
constexpr int drain_chain(int out) {
    int chain = std::min(out, longest_chain);
    while (out % chain != 0) --chain;
    return chain;
}

/// Windows come in the slots of pixels, one in each at most: longest run of slots without one.
constexpr std::int64_t slots_without_window(const layer_row& row) {
    const std::int64_t to_row =
        std::int64_t{row.stride_h} * row.in.width - std::int64_t{row.out.width - 1} * row.stride_w;
    const std::int64_t spanned = std::int64_t{row.out.height - 1} * row.stride_h * row.in.width +
                                 std::int64_t{row.out.width - 1} * row.stride_w;
    const std::int64_t to_image = row.in.pixels() - spanned;
    const std::int64_t longest = std::max(row.out.height > 1 ? to_row : 0, to_image);
    return std::max<std::int64_t>(0, std::max<std::int64_t>(longest, row.stride_w) - 1);
}

namespace list_synthesis {

/// Pixels that the ring of lists has slots for: the kernel's rows but one, and some.
constexpr std::int64_t slots(const layer_row& row) {
    const int span_h = row.dilation_h * (row.kernel_h - 1) + 1;
    const int span_w = row.dilation_w * (row.kernel_w - 1) + 1;
    const std::int64_t pixels = std::int64_t{span_h - 1} * row.in.width + span_w + 1;
    return static_cast<std::int64_t>(
        std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(pixels, 4))));
}

}  // namespace list_synthesis

/// Pixels in the ring of lists: `list_synthesis::slots`, more where replicas work on several windows, as many
/// again that one is ahead of another, and what comes in while strides leave no window to work on.
constexpr std::int64_t list_ring(const layer_row& row, int replicas) {
    const int windows = replicas > 1 ? 2 * replicas : 1;
    const std::int64_t least = std::int64_t{row.kernel_h - 1} * row.in.width + row.kernel_w +
                               std::int64_t{windows} * row.stride_w;
    return std::max(list_synthesis::slots(row), least) + slots_without_window(row);
}

/// Resource policy of `list_dot`.
struct list_resources {
    /// What stands around lists; `stored`, `off_chip_mhz` and `lut_multipliers` are not for them:
    /// their weights are read in no fixed order, and DSPs hold the sums.
    calibrated around{};

    /// Calls `visit` with every memory of the row's weights and buffers.
    template <class Visit>
    constexpr void for_each_memory(const layer_row& row, const parallelism& p, Visit visit) const {
        lane_resources{around}.for_each_memory(row, p, visit);
    }

    /// Words a cycle at most: sums leave through chains.
    static constexpr int words_out(const layer_row& row, const row_option& c) {
        return is_compute(row) ? c.folding.out / drain_chain(c.folding.out) : c.folding.in;
    }

    /// A layer; `c` must be legal.
    constexpr usage lists(const layer_row& row, const row_option& c, const precision& width) const {
        const parallelism& p = c.folding;
        const std::int64_t slots = list_ring(row, p.pixels);
        const list_synthesis::extents e(row, p, width, slots, drain_chain(p.out));
        const std::int64_t entries = slots << e.word;
        usage each;  // of a replica
        each.lut = list_synthesis::engine_lut(e);
        each.ff = list_synthesis::engine_ff(
            e, c.maps == weight_memory::lutram || entries <= lutram_words);
        each.dsp = static_cast<double>(p.in) * p.out *
                   static_cast<double>(multiplier_dsp(width.data, width.weight, around.slice));
        usage list = buffer_memory(c.maps, entries, width.data + e.word) + weights(row, c, width);
        list.lut += list_synthesis::lengths_lut(slots, e.word + 1, around.slice);
        each += double(p.in) * list;
        usage u = double(p.pixels) * each;
        u += {.lut = list_synthesis::windows_lut(e), .ff = list_synthesis::windows_ff(e)};
        u += synthesised::clip(p.in, width.data);
        if (p.pixels > 1) u += replicas(row, c, e);
        // modules requantise all chains at once
        const int period = around.requantisation == requantise::rtl ? 1 : drain_chain(p.out);
        return u +
               around.output(c.maps, row, folded_row(row, {1, e.chains, 1, 1, 1}), period, width);
    }

    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        return around.stage(row, c, width, held);
    }

  private:
    /// One list's: all taps, channels and sets of filters.
    static constexpr usage weights(const layer_row& row, const row_option& c,
                                   const precision& width) {
        const std::int64_t depth = std::int64_t{row.out.channels / c.folding.out} * taps(row) *
                                   (row.in.channels / c.folding.in);
        return read_memory(c.memory, depth, std::int64_t{c.folding.out} * width.weight);
    }

    /// What joins them, and of each a FIFO of two pixels of sums.
    static constexpr usage replicas(const layer_row& row, const row_option& c,
                                    const list_synthesis::extents& e) {
        const int ways = c.folding.pixels;
        const std::int64_t words = row.out.channels / e.chains,
                           wide = std::int64_t{e.chains} * e.sum;
        return list_synthesis::sharing(e, ways, words) +
               double(ways) * synthesised::fifo(c.maps, 2 * words, wide);
    }
};

}  // namespace hass
