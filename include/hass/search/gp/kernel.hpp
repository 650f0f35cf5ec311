/// \file kernel.hpp
/// How alike two points are: the covariance of a Gaussian process, a policy of the optimizer.
///
/// A class to be used as a kernel looks like this; points are columns in [0, 1], see encoding.hpp:
///
///     struct my_kernel {
///         // The hyperparameters, all of them logarithms: where a fit begins, and its bounds.
///         std::vector<hass::parameter_range> parameters(std::size_t columns) const;
///         // ln of their prior density up to a constant; adds its slopes to `slopes`.
///         double log_prior(std::span<const double> parameters, std::span<double> slopes) const;
///         // The covariance at these hyperparameters.
///         my_covariance at(std::span<const double> parameters) const;
///     };
///     struct my_covariance {
///         double operator()(const double* x, const double* y) const;
///         // slopes[p] += weight * d k(x, y) / d parameter p
///         void add_parameter_slopes(const double* x, const double* y, double weight,
///                                   double* slopes) const;
///         // slopes[d] += weight * d k(x, y) / d x_d
///         void add_point_slopes(const double* x, const double* y, double weight,
///                               double* slopes) const;
///         // If there is one: the length scale of every column, which shapes trust regions.
///         std::vector<double> lengths() const;
///     };
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/search/stable_math.hpp>

namespace hass {

/// A hyperparameter, as a logarithm: where a fit begins, and the bounds it keeps to.
struct parameter_range {
    double start;  ///< ln, of a fit
    double low;    ///< ln, least
    double high;   ///< ln, largest
};

/// A covariance with its hyperparameters settled.
template <class C>
concept Covariance = requires(const C& c, const double* x, double weight, double* slopes) {
    { c(x, x) } -> std::convertible_to<double>;
    c.add_parameter_slopes(x, x, weight, slopes);
    c.add_point_slopes(x, x, weight, slopes);
};

/// A family of covariances with a prior on its hyperparameters: what is written on top.
template <class K>
concept Kernel = requires(const K& k, std::size_t columns, std::span<const double> parameters,
                          std::span<double> slopes) {
    { k.parameters(columns) } -> std::convertible_to<std::vector<parameter_range>>;
    { k.log_prior(parameters, slopes) } -> std::convertible_to<double>;
    { k.at(parameters) } -> Covariance;
};

/// ln of a normal density up to a constant; adds its slope.
inline double normal_log_prior(double x, double mean, double deviation, double& slope) {
    const double z = (x - mean) / deviation;
    slope -= z / deviation;
    return -0.5 * z * z;
}

/// How often a function of a Gaussian process with Matern's covariance can be differentiated: once
/// (three halves) or twice (five halves).
enum class smoothness { three_halves, five_halves };

/// Matern's covariance with one length scale a column, r^2 = sum_d (x_d - y_d)^2 / l_d^2:
/// smoothness 5/2: k = a (1 + s + s^2 / 3) exp(-s), s^2 = 5 r^2; 3/2: k = a (1 + s) exp(-s),
/// s^2 = 3 r^2 (Rasmussen, Williams 2006, equation 4.17).
class matern_covariance {
  public:
    /// \param parameters  ln a, then ln l_d of every column
    matern_covariance(std::span<const double> parameters, smoothness order)
        : order_(order), amplitude_(stable_exp(parameters[0])) {
        for (const double p : parameters.subspan(1))
            rates_.push_back(halves() * stable_exp(-2.0 * p));
    }

    /// k(x, y).
    double operator()(const double* x, const double* y) const {
        const double s = std::sqrt(square(x, y));
        return amplitude_ * polynomial(s) * detail::exp_flushed(-s);
    }

    /// slopes[p] += weight d k / d parameter p.
    void add_parameter_slopes(const double* x, const double* y, double weight,
                              double* slopes) const {
        const double s = std::sqrt(square(x, y));
        const double e = weight * amplitude_ * detail::exp_flushed(-s);
        slopes[0] += e * polynomial(s);
        const double pull = descent(e, s);
        for (std::size_t d = 0; d < rates_.size(); ++d)
            slopes[1 + d] += pull * (rates_[d] * ((x[d] - y[d]) * (x[d] - y[d])));
    }

    /// slopes[d] += weight d k / d x_d.
    void add_point_slopes(const double* x, const double* y, double weight, double* slopes) const {
        const double s = std::sqrt(square(x, y));
        const double pull = descent(weight * amplitude_ * detail::exp_flushed(-s), s);
        for (std::size_t d = 0; d < rates_.size(); ++d)
            slopes[d] -= pull * (rates_[d] * (x[d] - y[d]));
    }

    /// Length scales of the columns, in ranges: what a trust region is shaped by.
    std::vector<double> lengths() const {
        std::vector<double> all;
        for (const double r : rates_) all.push_back(std::sqrt(halves() / r));
        return all;
    }

  private:
    double halves() const { return order_ == smoothness::three_halves ? 3.0 : 5.0; }
    /// k = a polynomial(s) exp(-s).
    double polynomial(double s) const {
        return order_ == smoothness::three_halves ? 1.0 + s : 1.0 + s + s * s * (1.0 / 3.0);
    }
    /// -2 dk / d(s^2), of e = a exp(-s).
    double descent(double e, double s) const {
        return order_ == smoothness::three_halves ? e : e * (1.0 + s) * (1.0 / 3.0);
    }
    double square(const double* x, const double* y) const {
        constexpr std::size_t lanes = 4;
        std::array<double, lanes> sums{};
        const std::size_t n = rates_.size();
        std::size_t d = 0;
        for (; d + lanes <= n; d += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                const double apart = x[d + l] - y[d + l];
                sums[l] += rates_[d + l] * (apart * apart);
            }
        double rest = 0.0;
        for (; d < n; ++d) rest += rates_[d] * ((x[d] - y[d]) * (x[d] - y[d]));
        return rest + ((sums[0] + sums[2]) + (sums[1] + sums[3]));
    }

    smoothness order_;
    double amplitude_;
    std::vector<double> rates_;  // 3 / l_d^2 or 5 / l_d^2
};

/// Matern's covariance with a prior that expects longer scales the more columns there are: distances
/// in the unit cube grow with the root of their number (Hvarfner, Hellsten, Nardi 2024).
///
/// Smoothness 5/2; 3/2 with many columns. Few trials of many axes look smooth whatever the function
/// is: a kink such as that of the slowest of many stages is crossed between any two of them, and a
/// smooth model is surer of it than it may be (docs/search.md).
struct matern {
    std::size_t rough = 20;  ///< columns from which on the smoothness is 3/2
    double scale = 0.5;      ///< median length scale of one column, in ranges
    double spread = 1.0;     ///< deviation of ln l_d
    double amplitude = 1.5;  ///< deviation of ln a, around 1

    /// Its hyperparameters, one a column and more.
    std::vector<parameter_range> parameters(std::size_t columns) const {
        const double middle = typical(columns);
        std::vector<parameter_range> ranges{{0.0, -6.0, 8.0}};
        ranges.insert(ranges.end(), columns, {middle, -4.6, middle + 6.0});
        return ranges;
    }

    /// ln of their prior; adds its slopes.
    double log_prior(std::span<const double> parameters, std::span<double> slopes) const {
        double sum = normal_log_prior(parameters[0], 0.0, amplitude, slopes[0]);
        const double middle = typical(parameters.size() - 1);
        for (std::size_t d = 1; d < parameters.size(); ++d)
            sum += normal_log_prior(parameters[d], middle, spread, slopes[d]);
        return sum;
    }

    /// With these settled.
    matern_covariance at(std::span<const double> parameters) const {
        return {parameters, parameters.size() - 1 >= rough ? smoothness::three_halves
                                                           : smoothness::five_halves};
    }

  private:
    double typical(std::size_t columns) const {
        return stable_log(scale) + 0.5 * stable_log(static_cast<double>(columns));
    }
};

static_assert(Kernel<matern>);

}  // namespace hass
