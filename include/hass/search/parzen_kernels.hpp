/// \file parzen_kernels.hpp
/// Policies of a Parzen mixture: its axes, how wide the kernel of an observation is, and how much
/// it weighs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/random_stream.hpp>
#include <hass/search/space.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// One axis as the mixture sees it.
struct parzen_axis {
    double low = 0.0;         ///< range, half a step beyond the end values on stepped axes
    double high = 1.0;        ///< see `low`
    double step = 0.0;        ///< 0: continuous; otherwise probability of the cell around a value
    std::size_t choices = 0;  ///< > 0: categorical, coordinates are indices

    /// From an axis of a space.
    explicit parzen_axis(const axis& a)
        : step(a.log || a.kind == axis_kind::categorical ? 0.0 : a.step),
          choices(a.kind == axis_kind::categorical ? a.choices.size() : 0) {
        const auto range = a.model_range();
        low = range.first;
        high = range.second;
    }
    /// Of the range.
    double width() const { return high - low; }
};

/// Where an observation lies among the others of its set, on one axis.
struct parzen_neighbours {
    double left;             ///< distance to the next smaller observation, or to the low end
    double right;            ///< distance to the next larger observation, or to the high end
    bool first;              ///< no smaller observation
    bool last;               ///< no larger observation
    std::size_t count;       ///< observations in the set
    std::size_t dimensions;  ///< axes sampled together
    double range;            ///< width of the axis
};

/// Bandwidth = the larger gap to a neighbour; the outermost observations look inwards only.
/// Optuna 5.0; univariate also 4.9.
struct neighbour_gap_bandwidth {
    /// Depends on the neighbours alone: other observations may come and go.
    static constexpr bool local = true;

    /// Of one kernel.
    constexpr double operator()(const parzen_neighbours& n) const {
        if (n.count > 1 && n.first) return n.right;
        if (n.count > 1 && n.last) return n.left;
        return n.left > n.right ? n.left : n.right;
    }
};

/// Bandwidth = range / 5 * count^(-1 / (dimensions + 4)), Scott's rule: the same for every
/// observation. Optuna 4.9 and before, multivariate.
struct scott_bandwidth {
    /// Of one kernel.
    constexpr double operator()(const parzen_neighbours& n) const {
        const double count = n.count > 0 ? static_cast<double>(n.count) : 1.0;
        return 0.2 * n.range *
               stable_exp(-stable_log(count) / static_cast<double>(n.dimensions + 4));
    }
};

/// Weights of `count` observations in time order: 1 for the newest 25, older ones on a ramp from
/// 1/count to 1. The prior kernel weighs 1.
struct recency_weights {
    /// Writes one an observation, oldest first.
    void operator()(std::span<double> weights) const {
        const std::size_t count = weights.size();
        std::fill(weights.begin(), weights.end(), 1.0);
        if (count <= 25) return;
        const std::size_t ramp = count - 25;
        const double first = 1.0 / static_cast<double>(count);
        const double slope = ramp > 1 ? (1.0 - first) / static_cast<double>(ramp - 1) : 0.0;
        for (std::size_t i = 0; i < ramp; ++i) weights[i] = first + slope * static_cast<double>(i);
        if (ramp > 1) weights[ramp - 1] = 1.0;
    }
};

/// All observations weigh the same.
struct equal_weights {
    /// Writes one an observation.
    void operator()(std::span<double> weights) const {
        std::fill(weights.begin(), weights.end(), 1.0);
    }
};

}  // namespace hass
