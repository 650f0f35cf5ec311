/// \file predicted_objective.hpp
/// What of HASS's objective needs no run of the network: sparsity and, where it counts, hardware.
///
///     hass::composite search(axes.where(), seed,
///                            hass::predicted_objective(predicted, hardware, objective));
#pragma once

#include <limits>
#include <span>
#include <utility>

#include <hass/search/candidate.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/predicted_statistics.hpp>

namespace hass {

/// The known part of `hass_objective` for a `composite` search (concept KnownPart): -f at accuracy
/// 0, by predicted statistics and, unless the objective ignores hardware, the design that the
/// allocator finds for them; infinite where none fits. Its own caches change at every call.
template <HardwareAllocator H>
class predicted_objective {
  public:
    /// \param hardware  must outlive this object
    predicted_objective(predicted_statistics predicted, H& hardware, hass_objective objective,
                        sparsity_metric metric = sparsity_metric::layers)
        : predicted_(std::move(predicted)),
          hardware_(&hardware),
          objective_(objective),
          metric_(metric) {}

    /// Part of hass::KnownPart.
    double operator()(std::span<const double> point) const {
        const predicted_statistics::view statistics = predicted_.at(point);
        const average_sparsity sparsity = average(predicted_.net(), statistics);
        measured_terms terms{0.0, sparsity_by(metric_, sparsity), 0.0, 0.0};
        if (objective_.weights().use_hardware()) {
            const allocation built = hardware_->solve(statistics);
            if (!built.fits) return std::numeric_limits<double>::infinity();
            terms.images_per_second = built.estimate.images_per_second;
            terms.dsp = built.estimate.total.dsp;
        }
        return -objective_.value(terms);
    }

  private:
    mutable predicted_statistics predicted_;
    H* hardware_;
    hass_objective objective_;
    sparsity_metric metric_;
};

}  // namespace hass
