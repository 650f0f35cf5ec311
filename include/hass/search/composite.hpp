/// \file composite.hpp
/// For objectives of which only one part is expensive:   f(x) = black_box(x) + known(x).
///
/// In a hardware-aware search the accuracy of a candidate takes a run of the network, while its
/// throughput and resources come exactly and for almost nothing from the allocator. So: learn the
/// black box alone from the trials, and search the sum over thousands of candidates in between.
///
/// The model of the black box (and of each constraint) is additive over axes: a Bayesian linear
/// regression on powers of each axis' coordinate, with a part shared by all axes, so that the first
/// few trials already say how sensitive an average axis is. Which powers, and how much noise, is
/// chosen by the evidence. A candidate is the optimum, by CMA-ES, of the known part plus a draw
/// from the posterior (Thompson sampling), or plus its mean every other time.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hass/search/cma_es.hpp"
#include "hass/search/optimizer.hpp"
#include "hass/search/random_stream.hpp"

namespace hass {

/// The known part of an objective: what it adds at a point, in the units of the objective and to be
/// minimised (a study that maximises f passes -f on, so give the negative there). A value that is
/// not finite rules the point out.
template <class K>
concept KnownPart = std::invocable<const K&, std::span<const double>> &&
                    std::convertible_to < std::invoke_result_t<const K&, std::span<const double>>,
double > ;

/// An additive regression y(x) = sum over axes of a polynomial in that axis, with uncertainty.
///
/// Coordinates are in [0, 1]. For up to a few hundred observations: O(n^3 + n^2 axes).
class additive_model {
  public:
    explicit additive_model(std::size_t axes) : axes_(axes) {}

    std::size_t size() const { return targets_.size(); }

    /// Adds an observation.
    void add(std::span<const double> unit, double y) {
        units_.emplace_back(unit.begin(), unit.end());
        targets_.push_back(y);
        fitted_ = false;
    }

    /// One weight per axis and power, the shared ones folded in: what value() reads.
    struct function {
        double constant = 0.0;
        std::span<const int> powers;
        std::vector<double> weights;  // [axis][power]

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
            rest[i] = targets_[i] - mean_ - std::sqrt(scale_ * noise_) * normal();
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
        const std::size_t width = features();
        factor_.assign(n * n, 0.0);
        double log_determinant = 0.0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double sum = gram_[i * n + j] + (i == j ? noise_ : 0.0);
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
        static_cast<void>(width);
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
            double best = -std::numeric_limits<double>::infinity();
            const std::array<std::span<const int>, 7> choices{linear, square, cubic, quintic,
                                                              bent,   steep,  free};
            for (const auto& powers : choices) {
                powers_ = powers;
                tabulate();
                make_gram();
                for (const double noise : {1e-6, 1e-4, 1e-3, 1e-2, 1e-1}) {
                    noise_ = noise;
                    const double evidence = factorise();
                    if (evidence <= best) continue;
                    best = evidence;
                    best_powers = powers;
                    best_noise = noise;
                }
            }
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
    double scale_ = 1.0;
    double mean_ = 0.0;
    std::vector<double> table_;
    std::vector<double> gram_;
    std::vector<double> factor_;
    std::vector<double> solved_;
};

/// Settings of a composite search.
struct composite_options {
    std::size_t startup = 8;         ///< draws around `start` before the model is used
    std::size_t evaluations = 3000;  ///< of model + known part, per suggestion
    /// The point to start from, where the black box is at its best, e.g. all thresholds 0; empty:
    /// the low end of every axis.
    std::vector<double> start;
};

/// Searches black box + known part; minimises. Real and integer axes; one objective.
///
/// - tell() gets the whole objective; what is known is subtracted before learning.
/// - Constraints told with outcome::constrained are learnt like the black box, one by one; a
///   suggestion keeps to their model.
/// - Learns from points it did not suggest; failed ones teach nothing.
///
/// \tparam Known  see KnownPart; called from ask() and tell() only
template <KnownPart Known>
class composite {
  public:
    /// \throws hass::error on a categorical axis that is not fixed, or a start outside the space
    composite(space where, std::uint64_t seed, Known known, composite_options options = {})
        : where_(std::move(where)),
          seed_(seed),
          known_(std::move(known)),
          options_(std::move(options)) {
        for (std::size_t i = 0; i < where_.size(); ++i) {
            if (where_[i].settled()) continue;
            if (where_[i].kind == axis_kind::categorical)
                throw error("composite: axis '" + where_[i].name +
                            "' is categorical: fix it or use tpe");
            active_.push_back(i);
        }
        if (options_.start.empty())
            for (const axis& a : where_.axes())
                options_.start.push_back(a.settled() ? a.settled_value() : a.low);
        where_.check(options_.start);
        models_.emplace_back(active_.size());
    }

    /// The next point; never exhausted.
    std::optional<trial> ask() {
        random_stream random(seed_, asked_);
        std::vector<double> point = models_[0].size() < options_.startup || active_.empty()
                                        ? around_start(random)
                                        : suggest(random);
        return trial{asked_++, std::move(point)};
    }

    /// \throws hass::error on several objectives
    void tell(const trial& told, const outcome& result) {
        if (result.values().size() > 1)
            throw error("composite: one objective only, not " +
                        std::to_string(result.values().size()));
        if (result.state() == trial_state::failed || result.state() == trial_state::pruned) return;
        std::vector<double> unit;
        for (const std::size_t i : active_) unit.push_back(to_unit(where_[i], told.point[i]));
        const double known = known_(std::span<const double>(told.point));
        if (!result.values().empty() && known - known == 0.0)
            models_[0].add(unit, result.values()[0] - known);
        for (std::size_t j = 0; j < result.constraints().size(); ++j) {
            while (models_.size() < j + 2) models_.emplace_back(active_.size());
            models_[j + 1].add(unit, result.constraints()[j]);
        }
        if (result.values().empty()) return;
        const double violation = result.violation();
        if (best_.empty() || violation < best_violation_ ||
            (violation == best_violation_ && result.values()[0] < best_value_)) {
            best_ = told.point;
            best_violation_ = violation;
            best_value_ = result.values()[0];
        }
    }

    const space& where() const { return where_; }

    /// The model of the black box.
    const additive_model& black_box() const { return models_[0]; }

  private:
    static double to_unit(const axis& a, double value) {
        const auto [low, high] = a.model_range();
        return (a.to_model(value) - low) / (high - low);
    }

    /// Uniform between the start and a random point, nearer to the start more often: far out a
    /// black box such as an accuracy may say nothing any more.
    std::vector<double> around_start(random_stream& random) const {
        const double reach = random.uniform();
        std::vector<double> point = options_.start;
        for (const std::size_t i : active_) {
            const axis& a = where_[i];
            const auto [low, high] = a.model_range();
            const double from = to_unit(a, options_.start[i]);
            const double unit = from + reach * (random.uniform() - from);
            point[i] = a.from_model(low + (high - low) * unit);
        }
        return point;
    }

    std::vector<double> suggest(random_stream& random) {
        // Every other suggestion trusts the mean: draws alone explore too much with many axes.
        const bool explore = asked_ % 2 == 0;
        std::vector<additive_model::function> drawn;
        for (additive_model& m : models_)
            if (m.size() > 0) drawn.push_back(explore ? m.draw(random) : m.mean());
        cma_es_options inner;
        inner.start = best_.empty() ? options_.start : best_;
        inner.step = 0.1;
        cma_es search(where_, random.next(), inner);
        std::vector<double> unit(active_.size());
        std::vector<double> best = inner.start;
        double best_value = std::numeric_limits<double>::infinity();
        double best_violation = std::numeric_limits<double>::infinity();
        for (std::size_t e = 0; e < options_.evaluations; ++e) {
            const trial candidate = *search.ask();
            for (std::size_t d = 0; d < active_.size(); ++d)
                unit[d] = to_unit(where_[active_[d]], candidate.point[active_[d]]);
            const double value = drawn[0](unit) + known_(std::span<const double>(candidate.point));
            std::vector<double> constraints;
            for (std::size_t j = 1; j < drawn.size(); ++j) constraints.push_back(drawn[j](unit));
            const outcome result = outcome::constrained({value}, std::move(constraints));
            search.tell(candidate, result);
            if (result.state() == trial_state::failed) continue;  // ruled out by the known part
            const double violation = result.violation();
            if (violation < best_violation || (violation == best_violation && value < best_value)) {
                best_violation = violation;
                best_value = value;
                best = candidate.point;
            }
        }
        return best;
    }

    space where_;
    std::uint64_t seed_;
    Known known_;
    composite_options options_;
    std::vector<std::size_t> active_;
    std::uint64_t asked_ = 0;
    std::vector<additive_model> models_;  // the black box, then the constraints
    std::vector<double> best_;
    double best_value_ = 0.0;
    double best_violation_ = 0.0;
};

}  // namespace hass
