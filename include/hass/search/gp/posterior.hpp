/// \file posterior.hpp
/// A Gaussian process given data: what it expects at a point, and how sure it is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/gp/cholesky.hpp>
#include <hass/search/gp/fit.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// What a process expects at a point, and what is needed for its slopes there.
struct gp_prediction {
    double mean = 0.0;                ///< of the function
    double deviation = 1.0;           ///< of the function, without the noise; above 0
    bool certain = false;             ///< the deviation is the least one and has no slope
    std::vector<double> covariances;  ///< with the data
    std::vector<double> weights;      ///< L^-1 times those
};

/// A Gaussian process of settled hyperparameters, given data (Rasmussen, Williams 2006, algorithm
/// 2.1). Points that are believed (running trials) narrow the deviation and leave the mean.
template <Covariance C>
class gp_posterior {
  public:
    /// \param variance  of the noise
    gp_posterior(C covariance, double variance, gp_data data)
        : covariance_(std::move(covariance)), noise_(variance), data_(std::move(data)) {
        factor_ = factorised(covariance_, noise_, data_);
        measured_ = factor_.size();
        data_.points.resize(measured_ * data_.columns);
        set_values(data_.values);
    }

    /// Rows of data that are used: all, unless their covariance became singular.
    std::size_t size() const { return measured_; }
    /// With its hyperparameters settled.
    const C& covariance() const { return covariance_; }

    /// Appends a point. \returns false, and leaves it out, when it makes the covariance singular
    bool append(std::span<const double> point) {
        std::vector<double> row(factor_.size() + 1);
        const std::size_t n = factor_.size();
        for (std::size_t j = 0; j < n; ++j) row[j] = covariance_(point.data(), data_.row(j));
        row[n] = covariance_(point.data(), point.data()) + noise_;
        if (!factor_.append(row)) return false;
        data_.points.insert(data_.points.end(), point.begin(), point.end());
        return true;
    }

    /// Counts the appended points as measured, with these values of all.
    void set_values(std::span<const double> values) {
        measured_ = std::min(values.size(), factor_.size());
        data_.values.assign(values.begin(),
                            values.begin() + static_cast<std::ptrdiff_t>(measured_));
        factor_.shrink(measured_);
        data_.points.resize(measured_ * data_.columns);
        means_ = data_.values;
        factor_.solve_lower(means_);
        factor_.solve_upper(means_);
    }

    /// What is expected at the i-th point of the data: its value less what is taken for noise.
    double smoothed(std::size_t i) const { return data_.values[i] - noise_ * means_[i]; }

    /// Forgets the points that were appended since set_values().
    void forget() {
        factor_.shrink(measured_);
        data_.points.resize(measured_ * data_.columns);
    }

    /// Writes mean and deviation at x.
    void predict(const double* x, gp_prediction& at) const {
        const std::size_t n = factor_.size();
        at.covariances.resize(n);
        for (std::size_t i = 0; i < n; ++i) at.covariances[i] = covariance_(x, data_.row(i));
        at.mean = detail::dot(at.covariances.data(), means_.data(), measured_);
        at.weights = at.covariances;
        factor_.solve_lower(at.weights);
        const double prior = covariance_(x, x);
        const double variance = prior - detail::dot(at.weights.data(), at.weights.data(), n);
        at.certain = !(variance > 1e-12 * prior);
        at.deviation = std::sqrt(at.certain ? 1e-12 * prior : variance);
    }

    /// slopes += by_mean d mean / dx + by_deviation d deviation / dx, at the point of predict().
    void add_slopes(const double* x, gp_prediction& at, double by_mean, double by_deviation,
                    std::span<double> slopes) const {
        const std::size_t n = factor_.size();
        const double pull = at.certain ? 0.0 : -by_deviation / at.deviation;
        factor_.solve_upper(at.weights);
        for (std::size_t i = 0; i < n; ++i) {
            const double weight =
                (i < measured_ ? by_mean * means_[i] : 0.0) + pull * at.weights[i];
            covariance_.add_point_slopes(x, data_.row(i), weight, slopes.data());
        }
        // and what k(x, x) adds where the kernel is not stationary, half from each argument
        if (!at.certain)
            covariance_.add_point_slopes(x, x, by_deviation / at.deviation, slopes.data());
    }

  private:
    C covariance_;
    double noise_;
    gp_data data_;
    std::size_t measured_ = 0;
    cholesky_factor factor_;
    std::vector<double> means_;  // K^-1 times the values
};

}  // namespace hass
