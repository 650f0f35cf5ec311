/// \file spe_synthesis.hpp
/// An SPE of earlier RTL (spe_synth.json), which `fpgaconvnet::repaired` puts into the published model.
/// The one of rtl/modules is `crossbar_synthesis.hpp`'s.
#pragma once

#include <algorithm>

namespace hass {

/// That SPE: clipping, zero filter, arbiter, crossbar, N multipliers, accumulator and input FIFO. LUTs by relative least squares over 32 grid points: 3.9 % mean and 14 % worst error.
/// The width term rests on the two 8-bit points alone. FFs and DSPs are exact on the whole grid.
namespace spe_synthesis {

inline constexpr double lut_constant = 86.63268048335595;         ///< of an SPE, whatever its size
inline constexpr double lut_pair = 46.326906432924694;            ///< per M
inline constexpr double lut_mac = 44.94043492828648;              ///< per N
inline constexpr double lut_crossbar = 22.306469772968832;        ///< per M N
inline constexpr double lut_pair_width = 51.182159568320195;      ///< per M (W - 16) / 16
inline constexpr double lut_crossbar_width = 18.670255713465053;  ///< per M N (W - 16) / 16

/// LUTs of one SPE.
/// \param pairs  M, pairs taken in at once: fitted from 4 to 64
/// \param macs   N, multipliers: fitted from 1 to 16
/// \param width  W, bits of a weight and of an activation: fitted at 16, interpolated to 8
constexpr double lut(double pairs, double macs, double width) {
    const double w = (std::max(width, 2.0) - 16.0) / 16.0;
    return lut_constant + pairs * (lut_pair + lut_pair_width * w) + macs * lut_mac +
           pairs * macs * (lut_crossbar + lut_crossbar_width * w);
}

/// FFs of one SPE: 111 + (2 W + 2) M + 4 W N.
constexpr double ff(double pairs, double macs, double width) {
    return 111.0 + (2.0 * width + 2.0) * pairs + 4.0 * width * macs;
}

}  // namespace spe_synthesis

}  // namespace hass
