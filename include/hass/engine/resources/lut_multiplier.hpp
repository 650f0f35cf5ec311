/// \file lut_multiplier.hpp
/// A multiplier that is built from LUTs instead of DSP slices.
///
/// The level is measured: 45 LUTs at 9 x 8 bits, from the regression over eight designs of
/// fpgaConvNet's HDL back end on boards, 576 such multipliers in one of them
/// (mlperf_tiny_designs.json; Vivado 2019.1). The growth with widths is that of an array
/// multiplier, the number of partial product bits. FINN's estimate of the same thing,
/// (2 ceil((A + W) / 6) - 1) (A + W), brought to the same level, is within a third of it from 4 x 4
/// to 16 x 16 bits; as it stands it is 1.9 times as many, and 60 % off on average where it was held
/// against synthesis. Measured at one width: the wider, the less certain.
#pragma once

#include <algorithm>

namespace hass::lut_multiplier {

/// LUTs of a multiplier as measured,
inline constexpr double measured_lut = 45.0;
/// And the product of its two widths in bits.
inline constexpr double measured_bits = 9.0 * 8.0;

/// Bits of the wider operand up to which a price is offered: the short port of a DSP slice.
inline constexpr int widest = 18;

/// LUTs of a multiplier of `a` by `b` bits.
constexpr double lut(int a, int b) {
    return measured_lut / measured_bits * (static_cast<double>(a) * b);
}

/// FFs: the product's register, which a DSP slice has inside.
constexpr double ff(int a, int b) {
    return static_cast<double>(a) + b;
}

}  // namespace hass::lut_multiplier
