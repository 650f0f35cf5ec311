/// \file acquisition.hpp
/// What a point is worth trying for, as a logarithm: a policy of the optimizer.
///
/// A class to be used as an acquisition looks like this; smaller objectives are better:
///
///     struct my_acquisition {
///         // `best`: the least value so far. The larger the value, the more the point is worth.
///         hass::acquisition_value operator()(double mean, double deviation, double best) const;
///     };
#pragma once

#include <cmath>
#include <concepts>

#include <hass/search/stable_math.hpp>
#include <hass/search/truncated_normal.hpp>

namespace hass {

/// A utility with its derivatives.
struct acquisition_value {
    double value;         ///< the utility
    double by_mean;       ///< d value / d mean
    double by_deviation;  ///< d value / d deviation
};

/// What is written on top.
template <class A>
concept Acquisition = requires(const A& a, double mean, double deviation, double best) {
    { a(mean, deviation, best) } -> std::same_as<acquisition_value>;
};

/// ln h(z), h(z) = phi(z) + z Phi(z): the expected improvement of a standard normal over z.
struct log_improvement {
    double value;         ///< ln h(z)
    double distribution;  ///< Phi(z) / h(z), which is d ln h / dz
    double density;       ///< phi(z) / h(z)
};

/// Exact to 1e-12 of the logarithm at every z: far in the lower tail h is phi(z) times
/// 1 - t M(t), t = -z, M Mills' ratio (Ament, Daulton, Eriksson, Balandat, Bakshy 2023), and its
/// asymptotic series where even that cancels.
constexpr log_improvement log_improvement_at(double z) {
    if (z > -1.0) {
        const double density = detail::inverse_sqrt_two_pi * stable_exp(-0.5 * z * z);
        const double distribution = z > 0.0 ? 1.0 - normal_upper_tail(z) : normal_upper_tail(-z);
        const double h = density + z * distribution;
        return {stable_log(h), distribution / h, density / h};
    }
    const double t = -z;
    double rest = 1.0 - t * mills_ratio(t);
    double mills = mills_ratio(t);
    if (t > 50.0) {
        const double u = 1.0 / (t * t);
        rest = u * (1.0 - u * (3.0 - u * (15.0 - u * (105.0 - u * 945.0))));
        mills = (1.0 - rest) / t;
    }
    return {-0.5 * t * t - detail::half_log_two_pi + stable_log(rest), mills / rest, 1.0 / rest};
}

/// Logarithm of the expected improvement.
struct log_expected_improvement {
    /// Of a normal, against the best value so far (minimised).
    constexpr acquisition_value operator()(double mean, double deviation, double best) const {
        const log_improvement h = log_improvement_at((best - mean) / deviation);
        return {stable_log(deviation) + h.value, -h.distribution / deviation,
                h.density / deviation};
    }
};

/// Minus the lower end of a confidence interval: optimism. `reach` deviations wide.
struct lower_confidence_bound {
    double reach = 2.0;  ///< deviations
    /// Of a normal.
    constexpr acquisition_value operator()(double mean, double deviation, double) const {
        return {reach * deviation - mean, -1.0, reach};
    }
};

/// ln of the probability that a value is at most 0.
struct log_feasibility {
    /// Of a normal.
    constexpr acquisition_value operator()(double mean, double deviation, double = 0.0) const {
        const double z = -mean / deviation;
        // phi / Phi, which is d ln Phi / dz
        const double slope = z < 0.0 ? 1.0 / mills_ratio(-z)
                                     : detail::inverse_sqrt_two_pi * stable_exp(-0.5 * z * z) /
                                           (1.0 - normal_upper_tail(z));
        const double value =
            z < 0.0 ? stable_log(mills_ratio(-z)) - 0.5 * z * z - detail::half_log_two_pi
                    : stable_log1p(-normal_upper_tail(z));
        return {value, -slope / deviation, -slope * z / deviation};
    }
};

static_assert(Acquisition<log_expected_improvement> && Acquisition<lower_confidence_bound> &&
              Acquisition<log_feasibility>);

}  // namespace hass
