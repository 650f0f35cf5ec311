/// \file synthesised_modules.hpp
/// Small modules of rtl/modules as Yosys 0.23 synthesises them for UltraScale+, counted from their text and
/// held to tests/data/rtl_synthesis.csv. LUTs of logic and of shift registers; memories are counted
/// as elsewhere (`placed_memory.hpp`).
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/placed_memory.hpp>

namespace hass::synthesised {

/// LUTs of a counter: a bit each, and the comparison with its end. Exact at ten points.
constexpr int counter_lut(std::int64_t count) {
    const int bits = detail::bits_for(count);
    return bits < 2 ? 0 : bits < 5 ? bits : bits < 11 ? bits + 1 : bits + 2;
}

/// LUTs of up to 32 words that are written and read: a RAM32M16 holds 14 bits in 8 LUTs, a RAM32M of
/// 7-series parts 6 in 4.
constexpr std::int64_t lutram_32(std::int64_t bits, dsp_slice slice) {
    return slice == dsp_slice::dsp48e2 ? 8 * detail::ceil_div(bits, 14)
                                       : 4 * detail::ceil_div(bits, 6);
}

/// `hass_fork`: a flip-flop a way, its valid and what it has taken.
constexpr usage fork(int ways) {
    return {.lut = 2.0 * ways + 1.0, .ff = static_cast<double>(ways)};
}

/// `hass_turns`: `ways` streams of words of `bits` take turns, `words` words each: a 4:1 multiplexer is a
/// LUT6. Within a LUT of 16 points.
constexpr usage turns(int ways, std::int64_t words, std::int64_t bits) {
    const std::int64_t levels = detail::ceil_div(ways - 1, 3);
    return {
        .lut = static_cast<double>((bits + 6) * levels + counter_lut(words) + counter_lut(ways)),
        .ff = static_cast<double>(detail::bits_for(words) + detail::bits_for(ways))};
}

/// `hass_fifo` of `depth` words of `bits`: two pointers, the fill level, an output register that a block
/// RAM has inside.
constexpr usage fifo(weight_memory kind, std::int64_t depth, std::int64_t bits) {
    usage u = buffer_memory(kind, depth, bits);
    const int level = detail::bits_for(depth + 1);
    u.lut += 2.0 * counter_lut(depth) + 2.0 * level + 3.0;
    u.ff += 2.0 * detail::bits_for(depth) + level + 2.0;
    if (u.bram18 == 0.0 && u.uram == 0.0) u.ff += static_cast<double>(bits);
    return u;
}

/// `hass_replay` of `words` words of `bits`, `times` times: a memory of two pixels, and its counters.
constexpr usage replay(weight_memory kind, std::int64_t words, std::int64_t times,
                       std::int64_t bits) {
    usage u = buffer_memory(kind, 2 * words, bits);
    u.lut += 2.0 * counter_lut(words) + counter_lut(times) + 12.0;
    u.ff += 2.0 * detail::bits_for(words) + detail::bits_for(times) + 5.0;
    if (u.bram18 == 0.0 && u.uram == 0.0) u.ff += static_cast<double>(bits);
    return u;
}

}  // namespace hass::synthesised
