/// \file quantizer.hpp
/// Rounding to fixed point.
#pragma once

#include <algorithm>

namespace hass {

/// Values q * step for whole |q| <= levels: symmetric fixed point.
struct quantizer {
    float step = 0.0F;    ///< 0: all values become 0
    float levels = 0.0F;  ///< steps on either side of 0

    /// The grid of so many bits that ends at `largest`.
    static quantizer of(float largest, int bits) {
        const auto levels = static_cast<float>((1 << (bits - 1)) - 1);
        return {largest / levels, levels};
    }
    /// The q of the value of the grid that is nearest, of two the even one; beyond its end the last.
    float level(float x) const {
        if (step == 0.0F) return 0.0F;
        // Adding 1.5 2^23 leaves no place for a fraction: rounds to even, and vectorises.
        constexpr float no_fraction = 12582912.0F;
        return (std::clamp(x / step, -levels, levels) + no_fraction) - no_fraction;
    }
    /// The nearest value of the grid.
    float round(float x) const { return level(x) * step; }
};

}  // namespace hass
