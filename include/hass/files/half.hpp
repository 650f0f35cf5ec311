/// \file half.hpp
/// Floats of 16 bits as they lie in files, widened exactly.
#pragma once

#include <bit>
#include <cstdint>

namespace hass::detail {

/// IEEE 754 half precision..
constexpr float half_to_float(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t{bits} << 16 & 0x80000000U;
    const std::uint32_t exponent = bits >> 10 & 0x1fU;
    const std::uint32_t fraction = bits & 0x3ffU;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | fraction << 13);
    if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
}

/// bfloat16: the upper half of a float32.
constexpr float brain_to_float(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

/// The bits of a half as .npy files hold them.
struct half {
    std::uint16_t bits = 0;
};

}  // namespace hass::detail
