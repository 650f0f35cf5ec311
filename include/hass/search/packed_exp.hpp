/// \file packed_exp.hpp
/// exp of several numbers at once, in whatever vectors the compiler offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hass/search/stable_math.hpp>

namespace hass {

namespace detail {

/// As many doubles as one register of the target holds, with arithmetic lane by lane. Which width
/// it is changes the speed, never a result.
#if defined(__GNUC__) && defined(__AVX512F__)
using pack = double __attribute__((vector_size(64)));
using pack_bits = std::int64_t __attribute__((vector_size(64)));
inline constexpr std::size_t candidates_together = 8;
#elif defined(__GNUC__) && defined(__AVX2__)
using pack = double __attribute__((vector_size(32)));
using pack_bits = std::int64_t __attribute__((vector_size(32)));
inline constexpr std::size_t candidates_together = 4;
#elif defined(__GNUC__)
using pack = double __attribute__((vector_size(16)));
using pack_bits = std::int64_t __attribute__((vector_size(16)));
inline constexpr std::size_t candidates_together = 2;
#else
using pack = double;
using pack_bits = std::int64_t;
inline constexpr std::size_t candidates_together = 1;
#endif

/// exp_flushed lane by lane, in place: the same operations, hence the same doubles.
inline void exp_flushed(pack& x) {
    constexpr double shifter = 6755399441055744.0;
    x = x < -707.0 ? pack{} - 707.0 : x;
    const pack shifted = x * 1.4426950408889634 + shifter;
    const pack k = shifted - shifter;
    const pack r = (x - k * ln2_high) - k * ln2_low;
    constexpr std::size_t last = exp_coefficients.size() - 1;
    pack sum = pack{} + exp_coefficients[last];
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((sum = sum * r + exp_coefficients[last - 1 - I]), ...);
    }
    (std::make_index_sequence<last>());
    pack_bits bits;
    std::memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 1023) << 52;
    pack scale;
    std::memcpy(&scale, &bits, sizeof(scale));
    x = (1.0 + (r + r * r * sum)) * scale;
}

}  // namespace detail

}  // namespace hass
