/// \file measurement.hpp
/// What a search learns about a network at one set of thresholds.
#pragma once

#include <concepts>
#include <type_traits>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// How the network answers at one set of thresholds.
struct measurement {
    double top1 = 0.0;  ///< share of images answered right, [0, 1]
    double top5 = 0.0;
    network_statistics statistics;  ///< one entry a row
};

/// Runs a network with thresholds applied: an emulator, a table of measurements, or a lambda.
template <class M>
concept MeasuringFunction = std::invocable<M&, const network_thresholds&> &&
    std::convertible_to<std::invoke_result_t<M&, const network_thresholds&>, measurement>;

}  // namespace hass
