/// \file integer_arithmetic.hpp
/// What integers become between the layers of an accelerator, bit for bit as the modules of
/// `rtl/modules` compute it.
///
///     const int y = hass::requantised(sum, {.bias = 40, .multiplier = 1 << 14, .shift = 22}, {0, 127});
#pragma once

#include <algorithm>
#include <cstdint>

namespace hass {

/// The values that a stream can hold. With `low` = 0, saturation is a ReLU.
struct integer_range {
    std::int64_t low = -128;  ///< least value
    std::int64_t high = 127;  ///< largest value

    /// All of two's complement. \param bits  1..32
    static constexpr integer_range of(int bits) {
        const std::int64_t half = std::int64_t{1} << (bits - 1);
        return {-half, half - 1};
    }
};

/// The value within the range that is nearest to x (`hass_saturate`).
constexpr std::int64_t saturate(std::int64_t x, const integer_range& to) {
    return std::clamp(x, to.low, to.high);
}

/// x / 2^shift rounded to the nearest integer, halves to the even one (`hass_round`).
/// \param shift  0..62
constexpr std::int64_t shift_half_even(std::int64_t x, int shift) {
    const std::int64_t below = x >> shift;  // towards minus infinity, since C++20
    const std::int64_t twice = 2 * (x - (below << shift));
    const std::int64_t one = std::int64_t{1} << shift;
    return below + (twice > one || (twice == one && below % 2 != 0) ? 1 : 0);
}

/// Zero where |x| <= threshold (`hass_clip`). \param threshold  0 or more
constexpr std::int64_t clip(std::int64_t x, std::int64_t threshold) {
    return x <= threshold && x >= -threshold ? 0 : x;
}

/// How the sums of one channel become values of the next layer's scale.
struct requantisation {
    std::int64_t bias = 0;        ///< added to the sum first
    std::int64_t multiplier = 1;  ///< then multiplied
    int shift = 0;                ///< 0..62
};

/// (sum + bias) * multiplier / 2^shift, halves to even, saturated (`hass_requantise`). The product
/// must be less than 2^62: sums of 43 bits and multipliers of 18 are.
constexpr std::int64_t requantised(std::int64_t sum, const requantisation& by,
                                   const integer_range& to) {
    return saturate(shift_half_even((sum + by.bias) * by.multiplier, by.shift), to);
}

/// (a a_multiplier + b b_multiplier) / 2^shift, halves to even, saturated (`hass_add`).
constexpr std::int64_t scaled_sum(std::int64_t a, std::int64_t a_multiplier, std::int64_t b,
                                  std::int64_t b_multiplier, int shift, const integer_range& to) {
    return saturate(shift_half_even(a * a_multiplier + b * b_multiplier, shift), to);
}

}  // namespace hass
