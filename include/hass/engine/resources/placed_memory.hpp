/// \file placed_memory.hpp
/// What a memory takes where it is placed: LUT-RAM, block RAM or URAM.
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/vivado_memory.hpp>
#include <hass/error.hpp>

namespace hass {

/// Words up to which a memory goes to LUTs unless it is asked for elsewhere: what a LUT6 holds a
/// bit.
inline constexpr std::int64_t lutram_words = 64;

namespace detail {

/// LUTs that choose among the outputs of `parts` LUT-RAMs, a bit: a 4:1 multiplexer is a LUT6.
constexpr std::int64_t part_multiplexers(std::int64_t parts) {
    return ceil_div(parts - 1, 3);
}

/// LUTs of a memory that is only read: one a bit holds 64 words.
constexpr std::int64_t lutrom(std::int64_t depth, std::int64_t bits) {
    const std::int64_t parts = ceil_div(depth, 64);
    return bits * (parts + part_multiplexers(parts));
}

/// LUTs of a memory that is written and read, in parts of 64 words: one LUT holds a bit of 64 words,
/// or two bits of 32, and up to seven share one more for the write address (UG474, UG574: RAM64M8,
/// RAM32M16). The buffers of 11 sliding windows that FINN built from LUT-RAM (finn_synthesis.json,
/// 52 x 32 to 1,728 x 2 bits) leave 137 to 229 LUTs for control after this, 12 more for each bit of
/// the address and within 30 of that line.
constexpr std::int64_t lutram(std::int64_t depth, std::int64_t bits) {
    const auto part = [](std::int64_t luts) { return luts + ceil_div(luts, 7); };
    const std::int64_t rest = depth % 64;
    return depth / 64 * part(bits) +
           (rest > 32  ? part(bits)
            : rest > 0 ? part(ceil_div(bits, 2))
                       : 0) +
           bits * part_multiplexers(ceil_div(depth, 64));
}

/// A memory in blocks: URAM blocks are 72 bits x 4,096 words.
/// \throws hass::error for a memory off-chip
constexpr usage in_blocks(weight_memory kind, std::int64_t depth, std::int64_t bits) {
    if (kind == weight_memory::bram18)
        return {.bram18 = static_cast<double>(vivado_bram18(depth, bits))};
    if (kind == weight_memory::uram)
        return {.uram = static_cast<double>(ceil_div(bits, 72) * ceil_div(depth, 4096))};
    throw error("calibrated: what a row buffers cannot be off-chip");
}

}  // namespace detail

/// A memory of `depth` words of `bits` bits that is only read. Up to 64 words it goes to LUTs
/// unless URAM is asked for.
/// \throws hass::error for a memory off-chip
constexpr usage read_memory(weight_memory kind, std::int64_t depth, std::int64_t bits) {
    if (kind == weight_memory::lutram || (kind == weight_memory::bram18 && depth <= lutram_words))
        return {.lut = static_cast<double>(detail::lutrom(depth, bits))};
    return detail::in_blocks(kind, depth, bits);
}

/// A memory of `depth` words of `bits` bits that is written and read: a FIFO, a line, partial sums.
/// Up to 64 words it goes to LUT-RAM, whatever is asked for; a single word is a register.
/// \throws hass::error for a memory off-chip
constexpr usage buffer_memory(weight_memory kind, std::int64_t depth, std::int64_t bits) {
    if (depth <= 1) return {};
    if (kind == weight_memory::lutram || depth <= lutram_words)
        return {.lut = static_cast<double>(detail::lutram(depth, bits))};
    return detail::in_blocks(kind, depth, bits);
}

}  // namespace hass
