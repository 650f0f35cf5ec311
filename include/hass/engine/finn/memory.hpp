/// \file memory.hpp
/// How many blocks FINN says a memory takes: by a ladder of shapes for weights and FIFOs, by another
/// one for sliding windows, by least waste for thresholds. Depths may be fractions: FINN divides
/// before it asks whether a folding is legal.
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>

namespace hass::finn {

namespace detail {

using hass::detail::ceil;
using hass::detail::ceil_div;

/// BRAM18 of `depth` words of `width` bits (matrixvectoractivation.py; the ladder of VVAU divides
/// by 8, 16 and 32 where this one divides by 9, 18 and 36).
/// \param parity  whether words have the parity bits of a block
constexpr double ladder_bram18(double depth, double width, bool parity = true) {
    const double nine = parity ? 9.0 : 8.0;
    if (width == 1.0) return ceil(depth / 16384.0);
    if (width == 2.0) return ceil(depth / 8192.0);
    if (width <= 4.0) return ceil(depth / 4096.0) * ceil(width / 4.0);
    if (width <= nine) return ceil(depth / 2048.0) * ceil(width / nine);
    if (width <= 2.0 * nine || depth > 512.0)
        return ceil(depth / 1024.0) * ceil(width / (2.0 * nine));
    return ceil(depth / 512.0) * ceil(width / (4.0 * nine));
}

constexpr double ladder_uram(double depth, double width) {
    return ceil(width / 72.0) * ceil(depth / 4096.0);
}

/// Bits of a BRAM18 word where a sliding window of this depth is held.
constexpr std::int64_t window_ram_width(std::int64_t depth) {
    return depth <= 512    ? 36
           : depth <= 1024 ? 18
           : depth <= 2048 ? 9
           : depth <= 4096 ? 4
           : depth <= 8192 ? 2
                           : 1;
}

/// BRAM18 of one buffer of a sliding window (convolutioninputgenerator_rtl.py).
constexpr std::int64_t window_bram18(std::int64_t depth, std::int64_t bits) {
    const std::int64_t across = ceil_div(bits, window_ram_width(depth));
    std::int64_t blocks = ceil_div(depth, 16384) * across;
    if (depth > 16384) blocks -= across - ceil_div(bits, window_ram_width(depth % 16384));
    return blocks;
}

/// What a memory of thresholds is put into.
struct threshold_memory {
    std::int64_t uram = 0, bram18 = 0, lutram = 0;
};

/// The primitive that wastes fewest bits, the first one on ties (thresholding_rtl.py).
/// \param bram_trigger, uram_trigger  depths from which block RAM or URAM is forced; 0, 0: none is
constexpr threshold_memory place_thresholds(std::int64_t bits, std::int64_t words,
                                            std::int64_t bram_trigger, std::int64_t uram_trigger) {
    struct primitive {
        std::int64_t threshold_memory::*kind;
        std::int64_t width, depth;
    };
    constexpr primitive primitives[] = {
        {&threshold_memory::uram, 72, 4096},  {&threshold_memory::uram, 36, 8192},
        {&threshold_memory::uram, 18, 16384}, {&threshold_memory::uram, 9, 32768},
        {&threshold_memory::bram18, 36, 512}, {&threshold_memory::bram18, 18, 1024},
        {&threshold_memory::bram18, 9, 2048}, {&threshold_memory::lutram, 1, 64}};
    const bool forced = bram_trigger != 0 || uram_trigger != 0;
    const bool uram_only = forced && words >= uram_trigger;
    const bool bram_only = forced && !uram_only && words >= bram_trigger;
    threshold_memory best;
    std::int64_t least = -1;
    for (const primitive& p : primitives) {
        if ((uram_only && p.kind != &threshold_memory::uram) ||
            (bram_only && p.kind != &threshold_memory::bram18))
            continue;
        const std::int64_t blocks = ceil_div(bits, p.width) * ceil_div(words, p.depth);
        const std::int64_t waste = blocks * p.width * p.depth - bits * words;
        if (least >= 0 && waste >= least) continue;
        least = waste, best = {};
        best.*p.kind = blocks;
    }
    return best;
}

}  // namespace detail

}  // namespace hass::finn
