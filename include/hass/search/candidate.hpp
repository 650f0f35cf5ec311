/// \file candidate.hpp
/// One set of thresholds with all that follows from it: how the network answers, how sparse it is,
/// and the best accelerator for it.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include <hass/explore/certificate.hpp>
#include <hass/search/measurement.hpp>
#include <hass/search/objective.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Finds the hardware for statistics: an `allocator`, or a class of one's own.
template <class H>
concept HardwareAllocator = requires(H& hardware, const network_statistics& s) {
    { hardware.solve(s) } -> std::convertible_to<allocation>;
};

/// How the sparsities of layers become one number.
enum class sparsity_metric : std::uint8_t {
    layers,  ///< every layer alike, as a search by software metrics sees it
    macs     ///< every multiply-accumulate alike
};

/// The average that the metric names.
constexpr double sparsity_by(sparsity_metric metric, const average_sparsity& s) {
    return metric == sparsity_metric::macs ? s.pair : s.pair_of_layers;
}

/// One set of thresholds, measured and built.
struct candidate {
    network_thresholds thresholds;  ///< one pair a compute layer
    measurement measured;           ///< accuracy and statistics with these thresholds
    average_sparsity sparsity;      ///< over the network
    allocation hardware;            ///< the best design for them

    /// What the objectives look at (concept MeasuredTerms).
    measured_terms terms(sparsity_metric metric = sparsity_metric::layers) const {
        return {measured.score, sparsity_by(metric, sparsity), hardware.estimate.images_per_second,
                hardware.estimate.total.dsp};
    }
};

/// The candidate of thresholds that were measured.
template <HardwareAllocator H>
candidate make_candidate(const network_view& net, network_thresholds thresholds,
                         measurement measured, H& hardware) {
    const average_sparsity sparsity = average(net, measured.statistics);
    allocation built = hardware.solve(measured.statistics);
    return {std::move(thresholds), std::move(measured), sparsity, std::move(built)};
}

}  // namespace hass
