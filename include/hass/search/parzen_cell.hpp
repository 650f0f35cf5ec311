/// \file parzen_cell.hpp
/// One kernel of a Parzen mixture on one axis: a normal cut off at the ends of the axis.
#pragma once

#include <hass/search/parzen_kernels.hpp>
#include <hass/search/stable_math.hpp>
#include <hass/search/truncated_normal.hpp>

namespace hass::detail {

inline constexpr double sqrt_two = 1.4142135623730951;

/// On a categorical axis `mean` is the index of its own choice, and nothing else counts.
struct parzen_cell {
    double mean = 0.0;
    double sigma = 0.0;
    double scale = 0.0;     ///< 1 / (sqrt(2) sigma)
    double log_norm = 0.0;  ///< ln of what the kernel integrates to; stepped: ln mass of the axis
    double height = 0.0;    ///< exp(-log_norm), marginal use only

    void place(const parzen_axis& a, double at, double width) {
        mean = at;
        sigma = width;
        scale = 1.0 / (sigma * sqrt_two);
        if (a.choices > 0) return;
        log_norm = log_normal_mass((a.low - mean) / sigma, (a.high - mean) / sigma);
        if (a.step <= 0.0) log_norm += stable_log(sigma) + half_log_two_pi;
    }

    /// ln of the normal mass of the step around x; the normaliser is not in it.
    double log_mass(const parzen_axis& a, double x) const {
        return log_normal_mass((x - 0.5 * a.step - mean) / sigma,
                               (x + 0.5 * a.step - mean) / sigma);
    }
};

}  // namespace hass::detail
