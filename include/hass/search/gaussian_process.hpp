/// \file gaussian_process.hpp
/// Bayesian optimization: a Gaussian process learns the objective from the trials, and the next
/// point is the one that promises most by it. For trials that cost minutes: few of them go far.
///
/// After Jones, Schonlau, Welch (1998), with what is known since: Matern 5/2 (Snoek, Larochelle,
/// Adams 2012), length scales that grow with the dimension (Hvarfner et al. 2024), expected
/// improvement in logarithms (Ament et al. 2023), constraints by their probability (Gardner et al.
/// 2014), hypervolume improvement for two and three objectives (Emmerich 2005), random weights
/// above (Knowles 2006), running trials believed at their mean (Ginsbourger et al. 2010).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/gp/acquisition.hpp>
#include <hass/search/gp/gaussian_model.hpp>
#include <hass/search/gp/hypervolume_improvement.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/gp/unit_columns.hpp>
#include <hass/search/gp/utility_search.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/search/sobol.hpp>
#include <hass/text.hpp>

namespace hass {

/// Settings of a Gaussian process search.
struct gaussian_process_options {
    std::size_t startup = 10;  ///< quasi-random points until this many trials have finished
    utility_search_options search;
    gaussian_model_options model;
};

/// Gaussian process search; minimises. Axes of every kind, any number of objectives.
///
/// - Points it did not suggest are data like its own.
/// - Constraints told with outcome::constrained are learnt one by one; a suggestion counts with the
///   probability that all hold. Infeasible by an unknown amount, and failed: where that happens is
///   learnt as one more constraint, 1 there and -1 elsewhere.
/// - Pruned trials count with their last value, or with the median of the measured if that is worse.
/// - Running trials are believed to give what the model expects.
/// - Nothing is suggested twice while there is anything else.
///
/// A suggestion after n trials on D axes takes O(n (n + D)) for each of some hundred points, and
/// O(n^2 (n + D)) where hyperparameters are fitted anew: every time up to 16 trials, then whenever
/// a sixteenth more have come.
///
/// \tparam K  how alike points are, see gp/kernel.hpp
/// \tparam A  what a point is worth, see gp/acquisition.hpp; for one objective
template <Kernel K = matern52, Acquisition A = log_expected_improvement>
class gaussian_process {
  public:
    explicit gaussian_process(space where, std::uint64_t seed = 0,
                              gaussian_process_options options = {}, K kernel = {},
                              A acquisition = {})
        : where_(std::move(where)),
          seed_(seed),
          options_(options),
          kernel_(std::move(kernel)),
          acquisition_(std::move(acquisition)),
          columns_(where_),
          sobol_(columns_.axes().size(), seed) {}

    /// The next point; never exhausted.
    std::optional<trial> ask() {
        random_stream random(seed_, asked_);
        if (finished_ < options_.startup || columns_.size() == 0) return adopt(startup_point());
        const std::uint64_t index = asked_++;
        return adopt(suggest(index, random));
    }

    /// Counts a point that somebody else chose as running. \throws hass::error on an illegal point
    trial adopt(std::vector<double> point) {
        where_.check(point);
        rows_.push_back({point, true});
        seen_.insert(point);
        return {rows_.size() - 1, std::move(point)};
    }

    /// Learns the outcome of a trial: of a running one by its number, otherwise as a new one.
    /// \throws hass::error when the number of objectives changes, or on an illegal point
    void tell(const trial& told, const outcome& result) {
        const bool measured = !result.values().empty() && result.state() != trial_state::pruned;
        if (measured && objectives_ != 0 && result.values().size() != objectives_)
            throw error(text_of({"gaussian-process: ", result.values().size(),
                                 " objective values, earlier trials had ", objectives_}));
        std::size_t row =
            told.number < rows_.size() ? static_cast<std::size_t>(told.number) : rows_.size();
        if (row == rows_.size() || !rows_[row].running)
            row = static_cast<std::size_t>(adopt(told.point).number);
        rows_[row].running = false;
        ++finished_;
        const std::vector<double> x = columns_.of(where_, rows_[row].point);
        learn_refusal(x, result);
        learn_constraints(x, result);
        if (result.state() == trial_state::infeasible && result.violation() < violation_) {
            violation_ = result.violation();
            nearest_ = rows_[row].point;
        }
        if (measured) {
            objectives_ = result.values().size();
            measured_.push_back({rows_[row].point, x, result.values(), result.is_ok()});
            value_rows_.push_back(values_.empty() ? 0 : values_[0].size());
            for (std::size_t j = 0; j < objectives_; ++j) add_value(j, x, result.values()[j]);
        } else if (result.state() == trial_state::pruned && objectives_ <= 1) {
            add_value(0, x, std::max(result.values()[0], median_value()));
        }
    }

    const space& where() const { return where_; }

    /// Number of finished trials it has learnt from.
    std::size_t finished() const { return finished_; }

    /// The model of objective j, with all that was told; nullptr before there is any value.
    const gaussian_model<K>* model(std::size_t j = 0) {
        if (j >= values_.size()) return nullptr;
        values_[j].refresh();
        return &values_[j];
    }

    /// What may still be gained, in units of the objective: an upper bound that holds as far as the
    /// model does. The pessimistic end of the best trial's interval less the optimistic end of any
    /// point's (Makarova et al. 2022), with the width of Optuna's terminator; points that a
    /// constraint rules out with the same confidence do not count.
    /// \returns nullopt with several objectives, and while it has not learnt from startup trials
    std::optional<double> may_be_left() {
        if (objectives_ != 1 || finished_ < options_.startup || columns_.size() == 0 ||
            std::none_of(measured_.begin(), measured_.end(),
                         [](const measurement_row& m) { return m.ok; }))
            return std::nullopt;
        model_type& model = values_[0];
        model.refresh();
        for (model_type& m : constraints_) m.refresh();
        const double n = static_cast<double>(model.size());
        const double width = 2.0 / 5.0 *
                             stable_log(static_cast<double>(columns_.size()) * n * n *
                                        (9.8696044010893586 / 6.0) / 0.1);
        const lower_confidence_bound bound{std::sqrt(width)};
        gp_prediction at;
        double pessimistic = std::numeric_limits<double>::infinity();
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < measured_.size(); ++i) {
            if (!measured_[i].ok) continue;
            model.posterior().predict(measured_[i].columns.data(), at);
            pessimistic = std::min(pessimistic, at.mean + bound.reach * at.deviation);
            order.emplace_back(measured_[i].values[0], i);
        }
        std::sort(order.begin(), order.end());
        std::vector<std::vector<double>> around;
        for (std::size_t k = 0; k < order.size() && k < 4; ++k)
            around.push_back(measured_[order[k].second].point);
        const auto optimism = [&](const double* x, std::span<double> slopes) {
            const auto add = [&](const model_type& m, double weight, double limit) {
                m.posterior().predict(x, at);
                const acquisition_value a = bound(at.mean - limit, at.deviation, 0.0);
                if (a.value >= 0.0 && weight > 1.0) return 0.0;  // it may hold
                if (!slopes.empty())
                    m.posterior().add_slopes(x, at, weight * a.by_mean, weight * a.by_deviation,
                                             slopes);
                return weight * a.value;
            };
            double sum = add(model, 1.0, 0.0);
            for (const model_type& m : constraints_) sum += add(m, 1e3, m.warp()(0.0));
            return sum;
        };
        random_stream random(~seed_, finished_);
        const auto found = search_utility(where_, columns_, optimism, sobol_, finished_, random,
                                          std::span<const std::vector<double>>(around),
                                          options_.search);
        const double optimistic = std::min(pessimistic, -found.front().utility);
        return model.warp().inverse(pessimistic) - model.warp().inverse(optimistic);
    }

  private:
    struct handed_out {
        std::vector<double> point;
        bool running;
    };
    struct measurement_row {
        std::vector<double> point;
        std::vector<double> columns;
        std::vector<double> values;
        bool ok;
    };
    using model_type = gaussian_model<K>;

    model_type new_model(bool warp) const {
        gaussian_model_options options = options_.model;
        options.warp = options.warp && warp;
        return model_type(columns_.size(), kernel_, options);
    }

    std::vector<double> startup_point() {
        std::vector<double> point(where_.size());
        const std::uint64_t index = asked_++;
        for (std::size_t i = 0; i < where_.size(); ++i)
            if (where_[i].settled()) point[i] = where_[i].settled_value();
        // With more axes than such a start can tell apart, every other point moves all of them alike.
        const bool alike = columns_.axes().size() >= 2 * options_.startup && index % 2 == 1;
        const double level = static_cast<double>(index / 2) /
                             static_cast<double>(std::max<std::size_t>(1, options_.startup / 2 - 1));
        for (std::size_t s = 0; s < columns_.axes().size(); ++s) {
            const axis& a = where_[columns_.axes()[s].axis];
            double& to = point[columns_.axes()[s].axis];
            if (alike && columns_.axes()[s].choices == 0) {
                const auto [low, high] = a.model_range();
                to = a.from_model(low + (high - low) * std::min(level, 1.0));
            } else {
                to = a.at(sobol_(index & 0xffffffffULL, s));
            }
        }
        return point;
    }

    void add_value(std::size_t j, const std::vector<double>& x, double value) {
        while (values_.size() <= j) values_.push_back(new_model(true));
        values_[j].add(x, value);
    }

    void learn_refusal(const std::vector<double>& x, const outcome& result) {
        const bool refused =
            result.state() == trial_state::failed ||
            (result.state() == trial_state::infeasible && result.constraints().empty());
        if (refused && !refusals_) {
            refusals_.emplace(new_model(false));
            for (const auto& [columns, value] : accepted_) refusals_->add(columns, value);
        }
        if (refusals_)
            refusals_->add(x, refused ? 1.0 : -1.0);
        else
            accepted_.emplace_back(x, -1.0);
    }

    void learn_constraints(const std::vector<double>& x, const outcome& result) {
        while (constraints_.size() < result.constraints().size())
            constraints_.push_back(new_model(false));
        for (std::size_t j = 0; j < result.constraints().size(); ++j)
            constraints_[j].add(x, result.constraints()[j]);
    }

    double median_value() const {
        std::vector<double> values;
        for (const measurement_row& m : measured_) values.push_back(m.values[0]);
        if (values.empty()) return -1e300;
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }

    /// Up to date, and with the running trials believed.
    void prepare(model_type& model) const {
        model.refresh();
        for (const handed_out& r : rows_)
            if (r.running) model.posterior().append(columns_.of(where_, r.point));
    }

    std::vector<double> suggest(std::uint64_t index, random_stream& random) {
        for (model_type& m : constraints_) prepare(m);
        if (refusals_) prepare(*refusals_);
        bool feasible = false;
        for (const measurement_row& m : measured_) feasible = feasible || m.ok;
        std::vector<proposal> found;
        if (!feasible && constraints_.empty() && !refusals_) {
            return uniform_point(where_, random);  // nothing is known yet
        } else if (!feasible) {
            const std::vector<std::vector<double>> around{nearest_};
            found = proposals([](const double*, std::span<double>) { return 0.0; }, index, random,
                              std::span(around).first(nearest_.empty() ? 0 : 1));
        } else if (objectives_ == 1) {
            found = by_improvement(values_[0], value_rows_, index, random);
        } else if (objectives_ <= 3) {
            found = by_hypervolume(index, random);
        } else {
            model_type weighted = scalarised(random);
            std::vector<std::size_t> rows(measured_.size());
            std::iota(rows.begin(), rows.end(), std::size_t{0});
            found = by_improvement(weighted, rows, index, random);
        }
        for (proposal& p : found)
            if (!seen_.contains(p.point)) return std::move(p.point);
        for (int attempt = 0; attempt < 1000; ++attempt) {
            std::vector<double> point = uniform_point(where_, random);
            if (!seen_.contains(point)) return point;
        }
        return found.front().point;
    }

    /// Adds what the constraints say to a utility, and looks for its maximum.
    template <class Utility>
    std::vector<proposal> proposals(Utility&& utility, std::uint64_t index, random_stream& random,
                                    std::span<const std::vector<double>> around) {
        std::vector<model_type*> limits;
        for (model_type& m : constraints_) limits.push_back(&m);
        if (refusals_) limits.push_back(&*refusals_);
        gp_prediction at;
        const auto total = [&](const double* x, std::span<double> slopes) {
            double sum = utility(x, slopes);
            for (const model_type* m : limits) {
                m->posterior().predict(x, at);
                // warps of constraints are linear
                const acquisition_value a =
                    log_feasibility{}(at.mean - m->warp()(0.0), at.deviation);
                sum += a.value;
                if (!slopes.empty())
                    m->posterior().add_slopes(x, at, a.by_mean, a.by_deviation, slopes);
            }
            return sum;
        };
        return search_utility(where_, columns_, total, sobol_,
                              index + options_.startup / options_.search.global + 1, random, around,
                              options_.search);
    }

    /// \param rows  of the model, one for every measured trial
    std::vector<proposal> by_improvement(model_type& model, std::span<const std::size_t> rows,
                                         std::uint64_t index, random_stream& random) {
        prepare(model);
        // The least that is expected at a trial: luck with noise is no record to beat.
        const auto& posterior = model.posterior();
        double best = std::numeric_limits<double>::infinity();
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < measured_.size(); ++i) {
            if (!measured_[i].ok) continue;
            const double value = model.values()[rows[i]];
            best = std::min(best, rows[i] < posterior.size() ? posterior.smoothed(rows[i])
                                                             : model.warp()(value));
            order.emplace_back(value, i);
        }
        std::sort(order.begin(), order.end());
        std::vector<std::vector<double>> around;
        for (std::size_t k = 0; k < order.size() && k < 4; ++k)
            around.push_back(measured_[order[k].second].point);
        gp_prediction at;
        return proposals(
            [&](const double* x, std::span<double> slopes) {
                posterior.predict(x, at);
                const acquisition_value a = acquisition_(at.mean, at.deviation, best);
                if (!slopes.empty())
                    posterior.add_slopes(x, at, a.by_mean, a.by_deviation, slopes);
                return a.value;
            },
            index, random, around);
    }

    std::vector<proposal> by_hypervolume(std::uint64_t index, random_stream& random) {
        std::vector<std::vector<double>> points;
        std::vector<std::size_t> rows;
        for (model_type& m : values_) prepare(m);
        for (std::size_t i = 0; i < measured_.size(); ++i) {
            if (!measured_[i].ok) continue;
            std::vector<double> warped;
            for (std::size_t j = 0; j < objectives_; ++j)
                warped.push_back(values_[j].warp()(measured_[i].values[j]));
            points.push_back(std::move(warped));
            rows.push_back(i);
        }
        std::vector<double> reference(objectives_);
        for (std::size_t j = 0; j < objectives_; ++j) {
            double least = points[0][j], most = points[0][j];
            for (const auto& p : points) {
                least = std::min(least, p[j]);
                most = std::max(most, p[j]);
            }
            reference[j] = most + 0.1 * (most - least) + 1e-9;
        }
        std::vector<std::vector<double>> front, around;
        for (const std::size_t k : non_dominated(points)) {
            front.push_back(points[k]);
            around.push_back(measured_[rows[k]].point);
        }
        random.shuffle(around);
        const open_region region(front, reference);
        std::vector<gp_prediction> at(objectives_);
        return proposals(
            [&](const double* x, std::span<double> slopes) {
                std::array<double, 3> means{}, deviations{};
                for (std::size_t j = 0; j < objectives_; ++j) {
                    values_[j].posterior().predict(x, at[j]);
                    means[j] = at[j].mean;
                    deviations[j] = at[j].deviation;
                }
                const log_hypervolume_improvement v =
                    expected_improvement_of(region, means, deviations);
                if (!slopes.empty())
                    for (std::size_t j = 0; j < objectives_; ++j)
                        values_[j].posterior().add_slopes(x, at[j], v.by_mean[j],
                                                          v.by_deviation[j], slopes);
                return v.value;
            },
            index, random, around);
    }

    /// Augmented Chebyshev norm of the objectives by random weights, as one objective.
    model_type scalarised(random_stream& random) const {
        std::vector<double> weights(objectives_), low(objectives_), high(objectives_);
        double sum = 0.0;
        for (double& w : weights) sum += w = -stable_log(random.uniform_open());
        for (std::size_t j = 0; j < objectives_; ++j) {
            low[j] = high[j] = measured_[0].values[j];
            for (const measurement_row& m : measured_) {
                low[j] = std::min(low[j], m.values[j]);
                high[j] = std::max(high[j], m.values[j]);
            }
        }
        model_type model = new_model(true);
        for (const measurement_row& m : measured_) {
            double worst = 0.0, all = 0.0;
            for (std::size_t j = 0; j < objectives_; ++j) {
                const double range = high[j] > low[j] ? high[j] - low[j] : 1.0;
                const double share = weights[j] / sum * (m.values[j] - low[j]) / range;
                worst = std::max(worst, share);
                all += share;
            }
            model.add(m.columns, worst + 0.05 * all);
        }
        return model;
    }

    space where_;
    std::uint64_t seed_;
    gaussian_process_options options_;
    K kernel_;
    A acquisition_;
    unit_columns columns_;
    sobol_sequence sobol_;
    std::uint64_t asked_ = 0;
    std::size_t finished_ = 0;
    std::size_t objectives_ = 0;
    double violation_ = std::numeric_limits<double>::infinity();  // the least so far
    std::vector<double> nearest_;                                 // where it was
    std::vector<handed_out> rows_;                   // every trial, by number
    std::set<std::vector<double>> seen_;      // their points
    std::vector<measurement_row> measured_;   // trials with values
    std::vector<model_type> values_;          // of each objective
    std::vector<std::size_t> value_rows_;     // of the first, one for every measured trial
    std::vector<model_type> constraints_;
    std::optional<model_type> refusals_;      // made when there is one
    std::vector<std::pair<std::vector<double>, double>> accepted_;  // until then
};

static_assert(AdoptingOptimizer<gaussian_process<>>);

}  // namespace hass
