/// \file list_resources.hpp
/// What a layer of lists takes (`engine/list_dot.hpp`). The engine is fitted to RTL that was
/// synthesised (Yosys 0.23 for UltraScale+, kernels of 1 and 9 taps, 16 to 128 channels, 2 to 64
/// filters at a time, 8 and 16 bits); its memories are counted as Vivado builds them, and what
/// follows it as `calibrated` counts it for other engines. Term by term:
///
///     engine             LUT, FF        fitted: fill, tap scanners, walkers, sequencer, adders
///     lengths of lists   LUT-RAM        counted; a word a pixel and list
///     multipliers        DSP            one a filter, list and pixel
///     line buffer        a ring of lists, each slot as long as a pixel without a zero
///     weights            a memory a list and replica, as wide as all filters at a time
///     zero test          LUT, FF        as of lanes; a word of the input each
///     results            a chain of DSPs shifts out up to 8 sums: bias and requantisation are of
///                        so many words fewer; replicas have a FIFO of two pixels each
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
#include <hass/engine/resources/placed_memory.hpp>
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

/// The synthesised lists, of one replica. LUTs without LUT-RAM by least squares over 16 points, 2.3
/// % mean and 9.3 % worst error (each left out in turn: 3.8 % mean); FFs 1.7 % and 5.5 %.
namespace list_synthesis {

/// Sums of lists are added behind the chains: two inputs take a LUT a bit, more of them 1.3.
/// \param taps    of the kernel; one needs no scanner
/// \param lists   of a pixel, P
/// \param chains  words of results, G
/// \param bits    of a sum
constexpr double lut(int taps, int lists, int chains, int bits) {
    const double adders = static_cast<double>(lists - 1) * chains * bits;
    return 30.74 + (taps > 1 ? 31.77 : 0.0) + 47.26 * lists + (lists > 2 ? 1.30 : 1.00) * adders;
}
/// FFs of such an engine.
constexpr double ff(int taps, int lists, int chains, int bits) {
    return 44.92 + (taps > 1 ? 17.48 : 0.0) + 60.69 * lists + 0.98 * chains * bits;
}

/// LUTs of the lengths of one list of every pixel: a RAM64M8 holds 7 bits of 64 words in 8 LUTs, a
/// RAM64M of 7-series parts 3 in 4. Exact at all 16 points.
constexpr double lengths_lut(std::int64_t slots, int bits, dsp_slice slice) {
    const std::int64_t each =
        slice == dsp_slice::dsp48e2 ? 8 * detail::ceil_div(bits, 7) : 4 * detail::ceil_div(bits, 3);
    return static_cast<double>(each * detail::ceil_div(slots, 64));
}

/// Pixels that the ring of lists has slots for: the kernel's rows but one, and some.
constexpr std::int64_t slots(const layer_row& row) {
    const int span_h = row.dilation_h * (row.kernel_h - 1) + 1;
    const int span_w = row.dilation_w * (row.kernel_w - 1) + 1;
    const std::int64_t pixels = std::int64_t{span_h - 1} * row.in.width + span_w + 1;
    return static_cast<std::int64_t>(
        std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(pixels, 4))));
}

}  // namespace list_synthesis

/// Pixels in the ring of lists: `list_synthesis::slots`, more where replicas work on several windows,
/// and what comes in while strides leave no window to work on.
constexpr std::int64_t list_ring(const layer_row& row, int replicas) {
    const std::int64_t least = std::int64_t{row.kernel_h - 1} * row.in.width + row.kernel_w +
                               std::int64_t{replicas} * row.stride_w;
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
        const int chains = p.out / drain_chain(p.out);
        const std::int64_t terms = std::int64_t{taps(row)} * row.in.channels;
        const int sum_bits = width.data + width.weight + detail::bits_for(terms);
        usage each;  // of a replica
        each.lut = list_synthesis::lut(taps(row), p.in, chains, sum_bits);
        each.ff = list_synthesis::ff(taps(row), p.in, chains, sum_bits);
        each.dsp = static_cast<double>(p.in) * p.out *
                   static_cast<double>(multiplier_dsp(width.data, width.weight, around.slice));
        each += double(p.in) * (line_buffer(row, c, width) + weights(row, c, width));
        each += results(row, c, chains, width);
        usage u = double(p.pixels) * each;
        u.lut += lane_synthesis::test_lut * p.in;
        u.ff += lane_synthesis::test_ff * p.in;
        if (p.pixels > 1)
            u.lut += static_cast<double>(chains * width.data * detail::ceil_div(p.pixels - 1, 3));
        return u;
    }

    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        return around.stage(row, c, width, held);
    }

  private:
    /// Bits of an address among `n`, which may have holes.
    static constexpr int bits(std::int64_t n) { return std::max(1, detail::bits_for(n)); }

    /// One list's share of it, with lengths.
    constexpr usage line_buffer(const layer_row& row, const row_option& c,
                                const precision& width) const {
        const std::int64_t slots = list_ring(row, c.folding.pixels);
        const int index = bits(row.in.channels / c.folding.in);
        usage u = buffer_memory(c.maps, slots << index, width.data + index);
        u.lut += list_synthesis::lengths_lut(slots, index + 1, around.slice);
        return u;
    }

    /// One list's: an address is tap, channel and set of filters side by side.
    static constexpr usage weights(const layer_row& row, const row_option& c,
                                   const precision& width) {
        const std::int64_t sets = row.out.channels / c.folding.out;
        const std::int64_t channels = row.in.channels / c.folding.in;
        const std::int64_t set_room = sets == 1 ? 1 : std::int64_t{1} << bits(sets);
        const std::int64_t tap_room = std::int64_t{1} << bits(channels);
        const std::int64_t depth = ((taps(row) - 1) * tap_room + channels) * set_room;
        return read_memory(c.memory, depth, std::int64_t{c.folding.out} * width.weight);
    }

    /// Bias, requantisation and, of several replicas, a FIFO.
    constexpr usage results(const layer_row& row, const row_option& c, int chains,
                            const precision& width) const {
        folded_row f(row, {1, chains, 1, 1, 1});
        usage u = around.output(c.maps, row, f, drain_chain(c.folding.out), width);
        if (c.folding.pixels > 1) {
            const std::int64_t depth = 2 * std::int64_t{row.out.channels} / chains;
            const double counters = 2.0 * detail::bits_for(depth);
            u += buffer_memory(c.maps, depth, std::int64_t{chains} * width.data);
            u.lut += counters, u.ff += counters;
        }
        return u;
    }
};

}  // namespace hass
