/// \file vivado_memory.hpp
/// How many 18 Kbit blocks Vivado builds a memory from. It rounds the depth up to a power of two
/// and takes the shape of RAMB36 that is so deep: deep memories take more blocks than their bits
/// need. 18,432 x 32 is 64 blocks, where packing by area would make 36.
///
/// Measured: FINN's weight memories after synthesis (xc7z020 by Vivado 2022.1, and xczu3eg;
/// finn_synthesis.json), 36 to 147,456 words deep: 21 of 23 exact, the other two one block too few
/// (64 x 27 and 5,120 x 1 took a RAMB36 where half of it would do).
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>

namespace hass {

/// 18 Kbit blocks of a memory of `depth` words of `width` bits that is put into block RAM; 0 for an
/// empty one. A RAMB36 counts as two. Columns of RAMB36, each as deep as the power of two from 512
/// that holds the depth, and a RAMB18 for a rest that is narrow enough; above 32,768 words
/// ceil(depth / 32,768) RAMB36 a bit.
/// Whether a memory is put into block RAM is not its question: Vivado did so with 36 x 48 bits, and
/// builds others from LUTs.
constexpr std::int64_t vivado_bram18(std::int64_t depth, std::int64_t width) {
    if (depth <= 0 || width <= 0) return 0;
    if (depth > 32768) return 2 * detail::ceil_div(depth, 32768) * width;
    // ceil(2 width / column): a RAMB36 of 2^k words is 9 << (12 - k) bits wide, or 1 << (15 - k), a RAMB18
    // half of it, rounded down
    const int k = depth <= 512 ? 9 : detail::bits_for(depth);
    const int shift = (k <= 12 ? 12 : 15) - k;
    const std::int64_t shifted = (2 * width + (std::int64_t{1} << shift) - 1) >> shift;
    return k <= 12 ? detail::ceil_div(shifted, 9) : shifted;
}

}  // namespace hass
