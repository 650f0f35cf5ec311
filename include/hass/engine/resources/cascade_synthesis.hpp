/// \file cascade_synthesis.hpp
/// `hass_dense` of rtl/modules as Yosys 0.23 synthesises it for UltraScale+ (tests/data/rtl_synthesis.csv):
/// dense dot products whose products go down a cascade of DSPs, the last of which accumulates. Each
/// multiplier comes a cycle after the one before it, and what it multiplies with it. Filters share
/// all of it: they have DSPs and weights of their own, nothing else.
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>

namespace hass::cascade_synthesis {

/// What an engine spans.
struct extents {
    int positions;       ///< of a window
    int multipliers;     ///< of a filter, <= positions
    int data;            ///< bits of an activation
    std::int64_t words;  ///< windows of a dot product
    std::int64_t dots;   ///< until the weights start again

    /// Positions that a multiplier takes in turn.
    constexpr std::int64_t steps() const { return detail::ceil_div(positions, multipliers); }
    /// Weights of a multiplier and filter.
    constexpr std::int64_t weights() const { return steps() * words * dots; }
};

/// LUTs, shift registers included: multiplexers in front of the multipliers, counters, and a shift register a
/// bit of activations that come more than two cycles later; what is left is control. Of 24 points (1
/// to 36 positions on 1 to 16 multipliers, 8 and 16 bits, up to 16 filters) none is off by more than
/// 4 LUTs but one, by 10; 2.4 % in the mean, 10.5 % at worst.
constexpr double lut(const extents& e) {
    const std::int64_t steps = e.steps();
    std::int64_t counted = e.multipliers * e.data * detail::ceil_div(steps - 1, 3) +
                           synthesised::counter_lut(steps) + synthesised::counter_lut(e.words) +
                           synthesised::counter_lut(e.weights());
    if (e.multipliers > 3) counted += (e.multipliers - 3) * e.data;
    return static_cast<double>(counted) + (steps > 4 ? 12.0 : 6.0);
}

/// FFs, exact at all 24 points: an activation a multiplier, and again where it comes one or two cycles later;
/// addresses, which come later one by one; where the last product is.
constexpr double ff(const extents& e) {
    const int n = e.multipliers, late = n > 2 ? 3 : n > 1 ? 1 : 0;
    const int address = detail::bits_for(e.weights());
    return static_cast<double>((n + late) * e.data + n * (address > 1 ? address : 1) + n + 4 +
                               detail::bits_for(e.steps()) + detail::bits_for(e.words) + address);
}

}  // namespace hass::cascade_synthesis
