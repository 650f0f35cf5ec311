/// \file additive_model.hpp
/// A Bayesian regression that is a sum of one-dimensional curves: what each axis does, and how sure
/// one can be.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/random_stream.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// An additive regression y(x) = sum over axes of a polynomial in that axis, with uncertainty.
///
/// Coordinates are in [0, 1]. For up to a few hundred observations: O(n^3 + n^2 axes).
class additive_model {
  public:
    /// Nothing observed yet.
    explicit additive_model(std::size_t axes) : axes_(axes) {}

    std::size_t size() const { return targets_.size(); }

    /// Adds an observation.
    void add(std::span<const double> unit, double y) {
        units_.emplace_back(unit.begin(), unit.end());
        targets_.push_back(y);
        fitted_ = false;
    }

    /// Says which value of y matters most: with curvature that the model cannot follow, it fits
    /// there and lets go elsewhere, as far as the evidence asks for it.
    void focus_on(double y) {
        focus_ = y;
        fitted_ = false;
    }

    /// One weight per axis and power, the shared ones folded in: what value() reads.
    struct function {
        double constant = 0.0;        ///< added to all
        std::span<const int> powers;  ///< the same for each axis
        std::vector<double> weights;  ///< [axis][power]

        /// Its value at a point of the unit cube.
        double operator()(std::span<const double> unit) const {
            double sum = constant;
            const double* w = weights.data();
            for (const double u : unit)
                for (const int p : powers) sum += *w++ * raised(u, p);
            return sum;
        }
    };

    /// The posterior mean.
    function mean() {
        fit();
        return from_prior(std::vector<double>(features(), 0.0), solved_);
    }

    /// A draw from the posterior (Matheron's rule: a draw from the prior, corrected by the data).
    function draw(random_stream& random) {
        fit();
        normal_draws normal(random);
        std::vector<double> prior(features());
        for (std::size_t k = 0; k < prior.size(); ++k)
            prior[k] = std::sqrt(scale_ * variance(k)) * normal();
        const std::size_t n = size();
        std::vector<double> rest(n);
        for (std::size_t i = 0; i < n; ++i) {
            rest[i] = targets_[i] - mean_ - std::sqrt(scale_ * noise_of(i)) * normal();
            for (std::size_t k = 0; k < prior.size(); ++k) rest[i] -= prior[k] * feature(i, k);
        }
        return from_prior(prior, solve(std::move(rest)));
    }

    /// Powers that the evidence chose; empty before the first fit.
    std::span<const int> powers() const { return powers_; }

  private:
    static double raised(double u, int power) {
        double result = u;
        for (int i = 1; i < power; ++i) result *= u;
        return result;
    }

    /// The constant, one shared feature per power, one per axis and power.
    std::size_t features() const { return 1 + powers_.size() * (1 + axes_); }

    double feature(std::size_t i, std::size_t k) const { return table_[i * features() + k]; }

    /// Prior variance of a weight, in units of scale_.
    double variance(std::size_t k) const {
        if (k == 0) return 100.0;
        return (k <= powers_.size() ? 4.0 : 1.0) / static_cast<double>(powers_.size());
    }

    /// Noise variance of an observation, in units of scale_: more the farther y is from the focus.
    double noise_of(std::size_t i) const {
        if (!focus_ || reach_ <= 0.0) return noise_;
        const double far = (targets_[i] - *focus_) / reach_;
        return noise_ * (1.0 + far * far);
    }

    void tabulate() {
        const std::size_t width = features();
        const double share = 1.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(1, axes_)));
        table_.assign(size() * width, 0.0);
        for (std::size_t i = 0; i < size(); ++i) {
            double* row = table_.data() + i * width;
            row[0] = 1.0;
            for (std::size_t d = 0; d < axes_; ++d)
                for (std::size_t p = 0; p < powers_.size(); ++p) {
                    const double x = raised(units_[i][d], powers_[p]);
                    // Scaled so that all axes together have unit prior variance.
                    row[1 + p] += x;
                    row[1 + powers_.size() + d * powers_.size() + p] = x * share;
                }
            for (std::size_t p = 0; p < powers_.size(); ++p) row[1 + p] *= share * share;
        }
    }

    /// Cholesky factor of the kernel matrix + noise, and the log evidence with the best scale.
    double factorise() {
        const std::size_t n = size();
        factor_.assign(n * n, 0.0);
        double log_determinant = 0.0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double sum = gram_[i * n + j] + (i == j ? noise_of(i) : 0.0);
                for (std::size_t k = 0; k < j; ++k) sum -= factor_[i * n + k] * factor_[j * n + k];
                if (i == j) {
                    sum = std::sqrt(std::max(sum, 1e-300));
                    factor_[i * n + i] = sum;
                    log_determinant += 2.0 * stable_log(sum);
                } else {
                    factor_[i * n + j] = sum / factor_[j * n + j];
                }
            }
        std::vector<double> centred(n);
        for (std::size_t i = 0; i < n; ++i) centred[i] = targets_[i] - mean_;
        solved_ = solve(centred);
        double fit = 0.0;
        for (std::size_t i = 0; i < n; ++i) fit += centred[i] * solved_[i];
        const double count = static_cast<double>(n);
        scale_ = std::max(fit / count, 1e-30);
        return -0.5 * (count * stable_log(scale_) + log_determinant);
    }

    std::vector<double> solve(std::vector<double> x) const {
        const std::size_t n = size();
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t k = 0; k < i; ++k) x[i] -= factor_[i * n + k] * x[k];
            x[i] /= factor_[i * n + i];
        }
        for (std::size_t i = n; i-- > 0;) {
            for (std::size_t k = i + 1; k < n; ++k) x[i] -= factor_[k * n + i] * x[k];
            x[i] /= factor_[i * n + i];
        }
        return x;
    }

    void make_gram() {
        const std::size_t n = size();
        const std::size_t width = features();
        gram_.assign(n * n, 0.0);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double sum = 0.0;
                for (std::size_t k = 0; k < width; ++k)
                    sum += variance(k) * feature(i, k) * feature(j, k);
                gram_[i * n + j] = sum;
            }
    }

    void fit() {
        if (fitted_) return;
        fitted_ = true;
        mean_ = 0.0;
        for (const double y : targets_) mean_ += y / static_cast<double>(size());
        static constexpr std::array<int, 1> linear{1};
        static constexpr std::array<int, 1> square{2};
        static constexpr std::array<int, 1> cubic{3};
        static constexpr std::array<int, 1> quintic{5};
        static constexpr std::array<int, 2> bent{1, 2};
        static constexpr std::array<int, 2> steep{2, 4};
        static constexpr std::array<int, 3> free{1, 2, 3};
        // The choice is made anew when there is a sixth more to go by.
        if (powers_.empty() || 6 * size() >= 7 * chosen_at_) {
            chosen_at_ = size();
            std::span<const int> best_powers = linear;
            double best_noise = 1e-2;
            double best_reach = 0.0;
            double spread = 0.0;
            for (const double y : targets_)
                spread += (y - mean_) * (y - mean_) / static_cast<double>(size());
            spread = std::sqrt(spread);
            double best = -std::numeric_limits<double>::infinity();
            const std::array<std::span<const int>, 7> choices{linear, square, cubic, quintic,
                                                              bent,   steep,  free};
            for (const auto& powers : choices) {
                powers_ = powers;
                tabulate();
                make_gram();
                for (const double noise : {1e-6, 1e-4, 1e-3, 1e-2, 1e-1})
                    for (const double reach : {0.0, 0.3, 0.1, 0.03}) {
                        if (reach > 0.0 && !focus_) continue;
                        noise_ = noise;
                        reach_ = reach * spread;
                        const double evidence = factorise();
                        if (evidence <= best) continue;
                        best = evidence;
                        best_powers = powers;
                        best_noise = noise_;
                        best_reach = reach_;
                    }
            }
            reach_ = best_reach;
            powers_ = best_powers;
            noise_ = best_noise;
        }
        tabulate();
        make_gram();
        factorise();
    }

    /// Prior weights + (prior covariance) features^T `dual`, folded into one function.
    function from_prior(const std::vector<double>& prior, const std::vector<double>& dual) const {
        const std::size_t count = powers_.size();
        std::vector<double> w = prior;
        for (std::size_t k = 0; k < w.size(); ++k)
            for (std::size_t i = 0; i < size(); ++i) w[k] += variance(k) * feature(i, k) * dual[i];
        const double share = 1.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(1, axes_)));
        function made;
        made.constant = mean_ + w[0];
        made.powers = powers_;
        made.weights.resize(axes_ * count);
        for (std::size_t d = 0; d < axes_; ++d)
            for (std::size_t p = 0; p < count; ++p)
                made.weights[d * count + p] =
                    share * share * w[1 + p] + share * w[1 + count + d * count + p];
        return made;
    }

    std::size_t axes_;
    std::vector<std::vector<double>> units_;
    std::vector<double> targets_;
    bool fitted_ = false;
    std::size_t chosen_at_ = 0;
    std::span<const int> powers_;
    double noise_ = 1e-2;  // relative to scale_
    double reach_ = 0.0;   // distance from the focus at which the noise has doubled; 0: everywhere
    std::optional<double> focus_;
    double scale_ = 1.0;
    double mean_ = 0.0;
    std::vector<double> table_;
    std::vector<double> gram_;
    std::vector<double> factor_;
    std::vector<double> solved_;
};

}  // namespace hass
