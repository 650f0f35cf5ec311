/// \file measurement.hpp
/// What a search learns about a network at one set of thresholds.
#pragma once

#include <concepts>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// How the network answers at one set of thresholds.
struct measurement {
    double top1 = 0.0;  ///< share of images answered right, [0, 1]
    double top5 = 0.0;
    network_statistics statistics;
};

/// Runs a network with thresholds applied: an emulator, a table of measurements, or a lambda.
template <class M>
concept PrunedNetwork = requires(M& m, const network_thresholds& t) {
    { m(t) } -> std::convertible_to<measurement>;
};

}  // namespace hass
