/// \file list_synthesis.hpp
/// `hass_lists` of rtl/modules as Yosys 0.23 synthesises it for UltraScale+: counted from the module, what
/// is left of the LUTs is fitted. Of 23 points (1 to 8 lists, 8 and 16 bits, 1 and 9 taps, strides 1 and
/// 2, rings of powers of two and others; tests/data/rtl_synthesis.csv) 16 are within 3.2 % in the
/// mean, 10.3 % at worst, 7 held out from the fit within 3.6 and 10.1 %, LUT-RAM included. FFs: 1.4 % at worst.
/// 5 of `hass_list_array`: 7.3 and 14.5 %.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/workload/layer.hpp>

namespace hass::list_synthesis {

/// What one replica of lists spans.
struct extents {
    int lists;   ///< of a pixel
    int chains;  ///< words of results
    int sum;     ///< bits of a result
    int data;    ///< bits of an activation
    int word;    ///< bits of a channel's number in its list
    int slot;    ///< bits of a slot's number
    bool wraps;  ///< the ring is no power of two
    int reach;   ///< bits of distances in pixels
    int x, y;    ///< bits of coordinates
    int base;    ///< bits of a tap's first weight's address that are not always 0
    int need;    ///< bits of how many pixels a window needs
    std::array<std::int64_t, 4> counters;  ///< words, slots, blocks, links
    int kernel_h, kernel_w;                ///< taps

    /// \param p      filters at a time, lists, replicas
    /// \param slots  of the ring
    /// \param links  of a chain
    constexpr extents(const layer_row& row, const parallelism& p, const precision& width,
                      std::int64_t slots, int links)
        : lists(p.in),
          chains(p.out / links),
          sum(width.data + width.weight +
              detail::bits_for(std::int64_t{taps(row)} * row.in.channels)),
          data(width.data),
          word(std::max(1, detail::bits_for(row.in.channels / p.in))),
          slot(detail::bits_for(slots)),
          wraps(!std::has_single_bit(static_cast<std::uint64_t>(slots))),
          reach(1 + detail::bits_for(slots + 2 * farthest(row))),
          x(1 + detail::bits_for(row.in.width + row.kernel_w + row.stride_w)),
          y(1 + detail::bits_for(row.in.height + row.kernel_h + row.stride_h)),
          base(base_bits(row, p)),
          need(need_bits(row)),
          counters{row.in.channels / p.in, slots, row.out.channels / p.out, links},
          kernel_h(row.kernel_h),
          kernel_w(row.kernel_w) {}

  private:
    /// Pixels between the corners of two windows at most.
    static constexpr std::int64_t farthest(const layer_row& row) {
        return std::max(row.in.pixels(), std::int64_t{row.stride_h} * row.in.width -
                                             std::int64_t{row.out.width - 1} * row.stride_w);
    }
    static constexpr int base_bits(const layer_row& row, const parallelism& p) {
        const std::int64_t words = row.in.channels / p.in;
        const std::int64_t depth = words * taps(row) * (row.out.channels / p.out);
        const int address = std::max(1, detail::bits_for(depth));
        return address - std::min(address, std::countr_zero(static_cast<std::uint64_t>(words)));
    }
    /// Bits that differ between r WIDTH + s, r < KERNEL_H, s <= KERNEL_W.
    static constexpr int need_bits(const layer_row& row) {
        const int rows = row.kernel_h - 1;
        const std::int64_t last = std::int64_t{rows} * row.in.width;
        const int alike = std::countr_zero(static_cast<unsigned>(row.in.width));
        if (rows == 0 || detail::bits_for(row.kernel_w + 1) > alike)
            return detail::bits_for(last + row.kernel_w + 1);
        return detail::bits_for(row.kernel_w + 1) + detail::bits_for(last + 1) - alike;
    }
};

/// LUTs of `words` words of sums of `terms` values each: carry-save adders of 1.45 LUTs a bit and value
/// from the third on.
constexpr double adders_lut(int terms, int words, int bits) {
    if (terms < 2) return 0.0;
    return (1.0 + 1.45 * (terms - 2)) * words * bits;
}

/// LUTs of filling and of windows (`hass_list_windows`), which replicas share. Counted: counters, the
/// comparison with the pixels that have come. Fitted: a bit of coordinates, and of slots where the ring is no
/// power of two.
constexpr double windows_lut(const extents& e) {
    const int counted =
        e.reach + synthesised::counter_lut(e.counters[0]) + synthesised::counter_lut(e.counters[1]);
    return counted + 3.88 * (e.x + e.y) + (e.wraps ? 1.13 * e.slot : 0.0);
}

/// FFs of filling and of windows.
constexpr double windows_ff(const extents& e) {
    const int filling = e.reach + detail::bits_for(e.counters[0]) + detail::bits_for(e.counters[1]);
    return filling + 2 + 2 * e.slot + e.x + e.y + e.need + e.kernel_h + e.kernel_w;
}

/// LUTs of a `hass_list_engine` without its memories. Counted: counters, sums of lists, and of each list the
/// mask of its value, its walk and its addresses. Fitted: a list, a bit of its slots, and of a ring that is
/// no power of two a bit of each of its 2 lists.
constexpr double engine_lut(const extents& e) {
    int counted = synthesised::counter_lut(e.counters[2]) + synthesised::counter_lut(e.counters[3]);
    counted += e.lists * (e.data + 2 * e.base + 2 * e.word);
    const int slots = e.lists * e.slot;
    return counted + adders_lut(e.lists, e.chains, e.sum) + 13.67 * e.lists + 5.97 * slots +
           (e.wraps ? 2 * 1.13 * slots : 0.0);
}

/// FFs of a `hass_list_engine`.
/// \param in_lutram  lists are kept in LUT-RAM, whose output is registered outside of it
constexpr double engine_ff(const extents& e, bool in_lutram) {
    int n = 7 + e.chains * e.sum;  // sequencer
    n += detail::bits_for(e.counters[2]) + detail::bits_for(e.counters[3]);
    const int row = std::max(1, detail::bits_for(e.kernel_h));
    const int column = std::max(1, detail::bits_for(e.kernel_w));
    const int scanner = 2 + row + column + 4 * e.slot + 2 * e.base + e.word;
    const int walker = 2 + e.slot + 2 * e.base + e.word;
    const int filling = 1 + e.word;
    n += e.lists * (scanner + walker + filling + (in_lutram ? e.data + e.word - e.slot : 0));
    return static_cast<double>(n);
}

/// What `ways` replicas need beside filling, windows, engines and the FIFOs of their sums: what each works on
/// and has ended, the order in which windows were begun, pixels that are held, and turns. Counted, but for 10
/// LUTs a replica.
/// \param words  of sums of a pixel
constexpr usage sharing(const extents& e, int ways, std::int64_t words) {
    const int under_way = 2 * ways + 2, way = detail::bits_for(ways);
    const int ended = detail::bits_for(under_way + 2);
    usage each{.lut = 13.0 + 2.0 * ended,
               .ff = static_cast<double>(1 + ended + e.slot + e.kernel_h + e.kernel_w)};
    usage u = double(ways) * each;
    u += {.lut = 2.0 * e.reach, .ff = static_cast<double>(e.reach)};
    u += synthesised::fifo(weight_memory::lutram, under_way, way + e.reach);
    u += synthesised::fifo(weight_memory::lutram, under_way, way);
    return u + synthesised::turns(ways, words, std::int64_t{e.chains} * e.sum);
}

/// LUTs of the lengths of one list of every pixel: a RAM64M8 holds 7 bits of 64 words in 8 LUTs, a RAM32M16
/// 14 bits of 32; a RAM64M of 7-series parts 3 in 4. Exact at all points.
constexpr double lengths_lut(std::int64_t slots, int bits, dsp_slice slice) {
    if (slice == dsp_slice::dsp48e1)
        return static_cast<double>(4 * detail::ceil_div(bits, 3) * detail::ceil_div(slots, 64));
    if (slots <= 32) return static_cast<double>(8 * detail::ceil_div(bits, 14));
    return static_cast<double>(8 * detail::ceil_div(bits, 7) * detail::ceil_div(slots, 64));
}

}  // namespace hass::list_synthesis
