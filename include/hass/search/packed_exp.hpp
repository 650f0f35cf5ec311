/// \file packed_exp.hpp
/// exp of several numbers at once, in whatever vectors the compiler offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <hass/pack_width.hpp>
#include <hass/search/stable_math.hpp>

namespace hass::detail {
inline namespace HASS_PACKS {

/// As many doubles as one register of the target holds, with arithmetic lane by lane.
#if defined(__GNUC__)
using pack = double __attribute__((vector_size(pack_bytes)));
using pack_bits = std::int64_t __attribute__((vector_size(pack_bytes)));
#else
using pack = double;
using pack_bits = std::int64_t;
#endif
inline constexpr std::size_t candidates_together = sizeof(pack) / sizeof(double);

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

}  // namespace HASS_PACKS
}  // namespace hass::detail
