/// \file measurement.hpp
/// What a search learns about a network at one set of thresholds.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// How the network answers at one set of thresholds.
struct measurement {
    double score = 0.0;            ///< by `metric`, up is better
    std::optional<double> top5{};  ///< share of images, [0, 1], where labels are those of classes
    network_statistics statistics{};  ///< one entry a row
    metric_unit metric{};             ///< what `score` is: top-1 unless it says otherwise
    /// The same of the network in integers, which is what hardware computes; nullopt: not asked.
    std::optional<double> score_in_integers{};
};

/// Runs a network with thresholds applied: an emulator, a table of measurements, or a lambda.
template <class M>
concept MeasuringFunction = std::invocable<M&, const network_thresholds&> &&
    std::convertible_to<std::invoke_result_t<M&, const network_thresholds&>, measurement>;

}  // namespace hass
