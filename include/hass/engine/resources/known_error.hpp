/// \file known_error.hpp
/// How far a resource model was off where it was held against designs that were built and measured.
/// A resource model that was has it as a static member `known_error`; reports say it beside every
/// estimate of the model (docs/measured.md has each design).
#pragma once

#include <string_view>

namespace hass {

/// Said / measured - 1, from the design that was most underestimated to the one that was least.
struct error_range {
    double least = 0.0;  ///< of the design most underestimated
    double most = 0.0;   ///< of the one least underestimated
};

/// Of whole designs at the foldings that were built, converters included, where the model was told
/// what was built (multipliers, scales); what it cannot be told it takes for granted.
struct known_error {
    std::string_view against;  ///< whose designs, measured where
    int designs = 0;           ///< that it was held against
    /// By resource.
    error_range dsp{}, lut{}, ff{}, bram18{};
    std::string_view beside;  ///< what else has to be known; may be empty
};

/// Designs of fpgaConvNet's authors in MLPerf Tiny v1.1, dense engines of 9 x 8 bits
/// (mlperf_tiny_designs.json): zedboard, zc706, zybo, cora-z7; Vivado 2019.1. One lists no BRAM, and
/// that of another contradicts its own weights.
inline constexpr std::string_view mlperf_tiny_boards =
    "fpgaConvNet's designs in MLPerf Tiny v1.1, measured on boards (4 of them in BRAM)";

}  // namespace hass
