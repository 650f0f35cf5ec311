/// \file cma_es.hpp
/// Covariance matrix adaptation evolution strategy: follows one region downhill, learning its
/// shape.
///
/// (mu/mu_w, lambda)-CMA-ES with negative weights, constants and restarts after Hansen, "The CMA
/// evolution strategy: a tutorial" (2016) and Auger, Hansen, "A restart CMA evolution strategy with
/// increasing population size" (2005). The covariance is factored by Cholesky (Krause, Arbones,
/// Igel 2016): no eigenvectors, hence the same doubles everywhere.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/text.hpp>

namespace hass {

/// Settings of a CMA-ES.
struct cma_es_options {
    /// Points per generation; 0: 4 + 3 ln(axes). Doubled at every restart.
    std::size_t population = 0;
    /// First step size, as a share of each axis' range.
    double step = 1.0 / 6.0;
    /// Where to start, one value per axis; empty: the middle of the box.
    std::vector<double> start;
};

/// CMA-ES on a box, for one objective; minimises. Works on real and integer axes (rounded); axes on
/// a log scale are searched on it.
///
/// - A draw outside the box is repeated three times, then evaluated at the nearest point of the
/// box;
///   the mean stays inside.
/// - Constraints: feasible points rank first, infeasible ones by violation.
/// - Failed points and points it did not suggest itself teach nothing.
/// - When a run has converged, or its covariance degenerates, the next starts from a random point
///   with twice the population.
/// - More points than a generation may be outstanding; late ones of a finished generation are
///   dropped.
class cma_es {
  public:
    /// \throws hass::error on a categorical axis that is not fixed, a start outside the space, or a
    ///         step that is not above 0
    explicit cma_es(space where, std::uint64_t seed = 0, cma_es_options options = {})
        : where_(std::move(where)), seed_(seed), options_(std::move(options)) {
        for (std::size_t i = 0; i < where_.size(); ++i) {
            if (where_[i].settled()) continue;
            if (where_[i].kind == axis_kind::categorical)
                throw error("cma-es: axis '" + where_[i].name +
                            "' is categorical: fix it or use tpe");
            active_.push_back(i);
        }
        if (!(options_.step > 0.0)) throw error("cma-es: the step is not above 0");
        std::vector<double> mean(active_.size(), 0.5);
        if (!options_.start.empty()) {
            where_.check(options_.start);
            for (std::size_t d = 0; d < active_.size(); ++d)
                mean[d] = to_unit(d, options_.start[active_[d]]);
        }
        const double n = static_cast<double>(std::max<std::size_t>(1, active_.size()));
        population_ = options_.population != 0 ? std::max<std::size_t>(4, options_.population)
                                               : 4 + static_cast<std::size_t>(3.0 * stable_log(n));
        begin_run(std::move(mean), options_.step);
    }

    /// The next point; never exhausted.
    std::optional<trial> ask() {
        random_stream random(seed_, asked_);
        const std::size_t n = active_.size();
        std::vector<double> unit(n);
        for (int attempt = 0;; ++attempt) {
            normal_draws normal(random);
            std::vector<double> z(n);
            for (double& x : z) x = normal();
            bool inside = true;
            for (std::size_t i = 0; i < n; ++i) {
                double sum = 0.0;
                for (std::size_t j = 0; j <= i; ++j) sum += factor_[i * n + j] * z[j];
                unit[i] = mean_[i] + sigma_ * sum;
                inside = inside && unit[i] >= 0.0 && unit[i] <= 1.0;
            }
            if (inside || attempt == 3) break;
        }
        std::vector<double> point(where_.size());
        for (std::size_t i = 0; i < where_.size(); ++i)
            if (where_[i].settled()) point[i] = where_[i].settled_value();
        for (std::size_t d = 0; d < n; ++d) {
            const auto [low, high] = where_[active_[d]].model_range();
            point[active_[d]] =
                where_[active_[d]].from_model(low + (high - low) * std::clamp(unit[d], 0.0, 1.0));
        }
        waiting_.push_back({asked_, generation_, std::move(unit)});
        return trial{asked_++, std::move(point)};
    }

    /// Learns an outcome; a full generation moves the distribution.
    /// \throws hass::error on several objectives
    void tell(const trial& told, const outcome& result) {
        if (result.values().size() > 1)
            throw error(text_of({"cma-es: one objective only, not ", result.values().size()}));
        const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                     [&](const suggestion& s) { return s.number == told.number; });
        if (at == waiting_.end()) return;
        suggestion done = std::move(*at);
        waiting_.erase(at);
        if (result.state() == trial_state::failed || done.generation != generation_) return;
        results_.push_back({done.number, std::move(done.unit), result});
        if (results_.size() >= population_) advance();
    }

    const space& where() const { return where_; }
    /// Points per generation now.
    std::size_t population() const { return population_; }
    /// Restarts so far.
    std::size_t restarts() const { return restarts_; }
    /// Overall step size, as a share of the ranges.
    double step() const { return sigma_; }

  private:
    struct suggestion {
        std::uint64_t number;
        std::size_t generation;
        std::vector<double> unit;  // the draw; the box is [0, 1]^n
    };
    struct evaluated {
        std::uint64_t number;
        std::vector<double> unit;
        outcome result;
    };

    double to_unit(std::size_t d, double value) const {
        const axis& a = where_[active_[d]];
        const auto [low, high] = a.model_range();
        return (a.to_model(value) - low) / (high - low);
    }

    /// Feasible by value, then pruned (later steps first), then infeasible by violation; earlier
    /// trials first on ties.
    static bool better(const evaluated& a, const evaluated& b) {
        const auto tier = [](const outcome& r) {
            return r.is_ok() ? 0 : r.state() == trial_state::pruned ? 1 : 2;
        };
        if (tier(a.result) != tier(b.result)) return tier(a.result) < tier(b.result);
        if (tier(a.result) == 2)
            return a.result.violation() != b.result.violation()
                       ? a.result.violation() < b.result.violation()
                       : a.number < b.number;
        if (tier(a.result) == 1 && a.result.step() != b.result.step())
            return a.result.step() > b.result.step();
        if (a.result.values()[0] != b.result.values()[0])
            return a.result.values()[0] < b.result.values()[0];
        return a.number < b.number;
    }

    void begin_run(std::vector<double> mean, double step) {
        const std::size_t count = active_.size();
        const double n = static_cast<double>(std::max<std::size_t>(1, count));
        mean_ = std::move(mean);
        sigma_ = step;
        covariance_.assign(count * count, 0.0);
        for (std::size_t i = 0; i < count; ++i) covariance_[i * count + i] = 1.0;
        factor_ = covariance_;
        step_path_.assign(count, 0.0);
        shape_path_.assign(count, 0.0);
        updates_ = 0;
        best_values_.clear();

        const std::size_t parents = population_ / 2;
        weights_.resize(population_);
        double sum = 0.0, square = 0.0, negative = 0.0, negative_square = 0.0;
        for (std::size_t i = 0; i < population_; ++i) {
            const double w = stable_log((static_cast<double>(population_) + 1.0) / 2.0) -
                             stable_log(static_cast<double>(i + 1));
            weights_[i] = w;
            (i < parents ? sum : negative) += w;
            (i < parents ? square : negative_square) += w * w;
        }
        const double mu = sum * sum / square;
        const double mu_negative = negative * negative / negative_square;
        mu_ = mu;
        shape_decay_ = (4.0 + mu / n) / (n + 4.0 + 2.0 * mu / n);
        step_decay_ = (mu + 2.0) / (n + mu + 5.0);
        rank_one_ = 2.0 / ((n + 1.3) * (n + 1.3) + mu);
        rank_mu_ =
            std::min(1.0 - rank_one_, 2.0 * (mu - 2.0 + 1.0 / mu) / ((n + 2.0) * (n + 2.0) + mu));
        damping_ = 1.0 + step_decay_ + 2.0 * std::max(0.0, std::sqrt((mu - 1.0) / (n + 1.0)) - 1.0);
        expected_length_ = std::sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        const double most_negative =
            std::min({1.0 + rank_one_ / rank_mu_, 1.0 + 2.0 * mu_negative / (mu + 2.0),
                      (1.0 - rank_one_ - rank_mu_) / (n * rank_mu_)});
        for (std::size_t i = 0; i < population_; ++i)
            weights_[i] *= i < parents ? 1.0 / sum : -most_negative / negative;
    }

    /// One generation: mean, step size, covariance.
    void advance() {
        const std::size_t n = active_.size();
        const double dimensions = static_cast<double>(std::max<std::size_t>(1, n));
        std::sort(results_.begin(), results_.end(), better);
        const std::size_t parents = population_ / 2;
        std::vector<std::vector<double>> moves(population_, std::vector<double>(n));
        std::vector<double> step(n, 0.0);
        for (std::size_t i = 0; i < population_; ++i)
            for (std::size_t d = 0; d < n; ++d) {
                moves[i][d] = (results_[i].unit[d] - mean_[d]) / sigma_;
                if (i < parents) step[d] += weights_[i] * moves[i][d];
            }
        for (std::size_t d = 0; d < n; ++d)
            mean_[d] = std::clamp(mean_[d] + sigma_ * step[d], 0.0, 1.0);

        const std::vector<double> white = whitened(step);
        const double push = std::sqrt(step_decay_ * (2.0 - step_decay_) * mu_);
        double square = 0.0;
        for (std::size_t d = 0; d < n; ++d) {
            step_path_[d] = (1.0 - step_decay_) * step_path_[d] + push * white[d];
            square += step_path_[d] * step_path_[d];
        }
        const double length = std::sqrt(square);
        ++updates_;
        const double warm = 1.0 - power(1.0 - step_decay_, 2 * updates_);
        const bool steady =
            length / std::sqrt(warm) < (1.4 + 2.0 / (dimensions + 1.0)) * expected_length_;
        const double lift = std::sqrt(shape_decay_ * (2.0 - shape_decay_) * mu_);
        for (std::size_t d = 0; d < n; ++d)
            shape_path_[d] =
                (1.0 - shape_decay_) * shape_path_[d] + (steady ? lift * step[d] : 0.0);

        // Negative weights are scaled so that the covariance stays positive definite.
        std::vector<double> used(population_);
        double sum = 0.0;
        for (std::size_t i = 0; i < population_; ++i) {
            used[i] = weights_[i];
            sum += weights_[i];
            if (weights_[i] >= 0.0) continue;
            double norm = 1e-16;
            for (const double w : whitened(moves[i])) norm += w * w;
            used[i] *= dimensions / norm;
        }
        const double missing = steady ? 0.0 : rank_one_ * shape_decay_ * (2.0 - shape_decay_);
        const double keep = 1.0 + missing - rank_one_ - rank_mu_ * sum;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double outer = 0.0;
                for (std::size_t k = 0; k < population_; ++k)
                    outer += used[k] * moves[k][i] * moves[k][j];
                const double c = keep * covariance_[i * n + j] +
                                 rank_one_ * shape_path_[i] * shape_path_[j] + rank_mu_ * outer;
                covariance_[i * n + j] = covariance_[j * n + i] = c;
            }
        sigma_ *=
            stable_exp(std::min(1.0, step_decay_ / damping_ * (length / expected_length_ - 1.0)));

        if (results_[0].result.is_ok()) best_values_.push_back(results_[0].result.values()[0]);
        const double range =
            results_[0].result.is_ok() && results_.back().result.is_ok()
                ? results_.back().result.values()[0] - results_[0].result.values()[0]
                : 1.0;
        results_.clear();
        ++generation_;
        if (!factorise() || converged(range)) restart();
    }

    /// Lower triangular L with C = L L^T; false when C is not positive definite any more.
    bool factorise() {
        const std::size_t n = active_.size();
        double least = 1e300, most = 0.0;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double sum = covariance_[i * n + j];
                for (std::size_t k = 0; k < j; ++k) sum -= factor_[i * n + k] * factor_[j * n + k];
                if (i != j) {
                    factor_[i * n + j] = sum / factor_[j * n + j];
                } else {
                    if (!(sum > 0.0)) return false;
                    factor_[i * n + i] = std::sqrt(sum);
                    least = std::min(least, sum);
                    most = std::max(most, sum);
                }
            }
        return most < 1e14 * least;
    }

    /// L^-1 x.
    std::vector<double> whitened(const std::vector<double>& x) const {
        const std::size_t n = active_.size();
        std::vector<double> white(n);
        for (std::size_t i = 0; i < n; ++i) {
            double sum = x[i];
            for (std::size_t k = 0; k < i; ++k) sum -= factor_[i * n + k] * white[k];
            white[i] = sum / factor_[i * n + i];
        }
        return white;
    }

    bool converged(double range) {
        const std::size_t n = active_.size();
        double widest = 0.0;
        for (std::size_t i = 0; i < n; ++i)
            widest = std::max(widest, sigma_ * std::sqrt(covariance_[i * n + i]));
        if (n > 0 && !(widest > 1e-11)) return true;
        const std::size_t window = 10 + 30 * n / population_;
        while (best_values_.size() > window) best_values_.pop_front();
        if (best_values_.size() < window) return false;
        const auto [low, high] = std::minmax_element(best_values_.begin(), best_values_.end());
        return *high - *low < 1e-12 && range < 1e-12;
    }

    void restart() {
        ++restarts_;
        population_ *= 2;
        random_stream random(~seed_, restarts_);
        std::vector<double> mean(active_.size());
        for (double& x : mean) x = random.uniform();
        begin_run(std::move(mean), 0.3);
    }

    static double power(double base, std::size_t exponent) {
        double result = 1.0;
        for (; exponent > 0; exponent /= 2, base *= base)
            if (exponent % 2 == 1) result *= base;
        return result;
    }

    space where_;
    std::uint64_t seed_;
    cma_es_options options_;
    std::vector<std::size_t> active_;  // axes that are searched
    std::uint64_t asked_ = 0;
    std::size_t population_ = 0;
    std::size_t generation_ = 0;
    std::size_t updates_ = 0;  // in this run
    std::size_t restarts_ = 0;
    std::vector<suggestion> waiting_;
    std::vector<evaluated> results_;  // of this generation
    std::deque<double> best_values_;  // of the last generations

    std::vector<double> mean_;  // in [0, 1]^n, as everything below
    double sigma_ = 0.0;
    std::vector<double> covariance_;
    std::vector<double> factor_;
    std::vector<double> step_path_;
    std::vector<double> shape_path_;
    std::vector<double> weights_;
    double mu_ = 1.0;
    double shape_decay_ = 0.0;
    double step_decay_ = 0.0;
    double rank_one_ = 0.0;
    double rank_mu_ = 0.0;
    double damping_ = 1.0;
    double expected_length_ = 1.0;
};

static_assert(Optimizer<cma_es>);

}  // namespace hass
