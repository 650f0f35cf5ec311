/// \file exponential.hpp
/// exp in float32 without a call or a branch, so that loops over it become vectors: sigmoids and
/// softmax took half of a detector's forward pass with the library's.
#pragma once

#include <bit>
#include <cstdint>

namespace hass::detail {

/// e^x within 2 units in the last place; 0 below -104, infinite above 88.72, and not a number for
/// what is none. As Cephes' expf (Moshier): x = n ln 2 + r, a polynomial of r, times 2^n in two
/// steps, since n itself may be more than an exponent holds.
inline float exponential(float x) {
    constexpr std::uint32_t least = std::bit_cast<std::uint32_t>(104.0F);
    constexpr std::uint32_t most = std::bit_cast<std::uint32_t>(89.0F);
    constexpr std::uint32_t infinite = 0x7f800000U, sign = 0x80000000U;
    constexpr float round = 12582912.0F;  // 1.5 * 2^23: sums with it are whole numbers
    // Bounds on the bits: comparisons of floats may trap, which keeps compilers from vectors.
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t magnitude = bits & ~sign;
    const std::uint32_t bound = (bits & sign) != 0 ? least : most;
    const std::uint32_t bounded = magnitude > bound ? bound : magnitude;
    x = std::bit_cast<float>((magnitude > infinite ? magnitude : bounded) | (bits & sign));
    const float shifted = x * 1.44269504F + round;
    const float n = shifted - round;
    const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float y = 1.9875691500e-4F;
    y = y * r + 1.3981999507e-3F;
    y = y * r + 8.3334519073e-3F;
    y = y * r + 4.1665795894e-2F;
    y = y * r + 1.6666665459e-1F;
    y = y * r + 5.0000001201e-1F;
    y = y * (r * r) + r + 1.0F;
    const std::int32_t whole =
        std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(round);
    const std::int32_t half = whole >> 1;
    const auto power_of_two = [](std::int32_t exponent) {
        return std::bit_cast<float>((exponent + 127) << 23);
    };
    return y * power_of_two(half) * power_of_two(whole - half);
}

}  // namespace hass::detail
