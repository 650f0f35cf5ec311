/// \file trial_models.hpp
/// What a Gaussian process search knows: every trial, and a model of each quantity told about them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/gp/gaussian_model.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/gp/unit_columns.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/text.hpp>

namespace hass {

/// Trials by number, and models of their objectives, their constraints, and where they are refused.
/// See gaussian_process for what is learnt from which outcome.
template <Kernel K>
class trial_models {
  public:
    /// Of one objective or constraint.
    using model_type = gaussian_model<K>;

    /// What is known of a finished trial.
    struct measurement {
        std::vector<double> point;    ///< as it was suggested
        std::vector<double> columns;  ///< the same as a model sees it
        std::vector<double> values;   ///< objectives, then constraints
        bool ok;                      ///< all constraints hold
        std::size_t row;              ///< in the model of the first objective
    };

    /// Nothing finished yet.
    trial_models(space where, K kernel, gaussian_model_options options)
        : where_(std::move(where)),
          columns_(where_),
          kernel_(std::move(kernel)),
          options_(options) {}

    const space& where() const { return where_; }
    /// How points become columns.
    const unit_columns& columns() const { return columns_; }
    /// Trials that have finished.
    std::size_t finished() const { return finished_; }
    /// How many; 0 before the first result.
    std::size_t objectives() const { return objectives_; }
    /// Finished trials with values.
    const std::vector<measurement>& measured() const { return measured_; }
    /// Whether the point was tried.
    bool seen(const std::vector<double>& point) const { return seen_.contains(point); }
    /// Whether one of them holds all constraints.
    bool any_feasible() const {
        return std::any_of(measured_.begin(), measured_.end(),
                           [](const measurement& m) { return m.ok; });
    }
    /// Where the violation was least; empty when none had an amount.
    const std::vector<double>& nearest() const { return nearest_; }
    /// The models of the objectives.
    std::vector<model_type>& values() { return values_; }

    /// A trial that runs. \throws hass::error on an illegal point
    trial adopt(std::vector<double> point) {
        where_.check(point);
        rows_.push_back({point, true});
        seen_.insert(point);
        return {rows_.size() - 1, std::move(point)};
    }

    /// \throws hass::error when the number of objectives changes, or on an illegal point
    void learn(const trial& told, const outcome& result) {
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
            measured_.push_back({rows_[row].point, x, result.values(), result.is_ok(),
                                 values_.empty() ? 0 : values_[0].size()});
            for (std::size_t j = 0; j < objectives_; ++j) add_value(j, x, result.values()[j]);
        } else if (result.state() == trial_state::pruned && objectives_ <= 1) {
            add_value(0, x, std::max(result.values()[0], median_value()));
        }
    }

    /// Up to date, and with the running trials believed.
    void prepare(model_type& model) const {
        model.refresh();
        for (const handed_out& r : rows_)
            if (r.running) model.posterior().append(columns_.of(where_, r.point));
    }

    /// What has to hold: the models of the constraints, and of refusals.
    std::vector<model_type*> limits() {
        std::vector<model_type*> all;
        for (model_type& m : constraints_) all.push_back(&m);
        if (refusals_) all.push_back(&*refusals_);
        return all;
    }

    /// Columns of the running trials that are expected to be feasible: records to beat, like the
    /// measured, or else the next suggestion would be the same point.
    std::vector<std::vector<double>> believed() {
        std::vector<std::vector<double>> all;
        gp_prediction at;
        for (const handed_out& r : rows_) {
            if (!r.running) continue;
            std::vector<double> x = columns_.of(where_, r.point);
            bool holds = true;
            for (const model_type* m : limits()) {
                m->posterior().predict(x.data(), at);
                holds = holds && at.mean <= m->warp()(0.0);
            }
            if (holds) all.push_back(std::move(x));
        }
        return all;
    }

    /// The points of the best `count` feasible trials by a value each, best first.
    template <class Value>
    std::vector<std::vector<double>> best_points(std::size_t count, Value&& value) const {
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < measured_.size(); ++i)
            if (measured_[i].ok) order.emplace_back(value(i), i);
        std::sort(order.begin(), order.end());
        std::vector<std::vector<double>> points;
        for (std::size_t k = 0; k < order.size() && k < count; ++k)
            points.push_back(measured_[order[k].second].point);
        return points;
    }

    /// Augmented Chebyshev norm of the objectives by random weights, as one objective; its rows are
    /// measured() in order.
    model_type scalarised(random_stream& random) const {
        std::vector<double> weights(objectives_), low(objectives_), high(objectives_);
        double sum = 0.0;
        for (double& w : weights) sum += w = -stable_log(random.uniform_open());
        for (std::size_t j = 0; j < objectives_; ++j) {
            low[j] = high[j] = measured_[0].values[j];
            for (const measurement& m : measured_) {
                low[j] = std::min(low[j], m.values[j]);
                high[j] = std::max(high[j], m.values[j]);
            }
        }
        model_type model = limit_model();  // made anew for every suggestion: no warps to try
        for (const measurement& m : measured_) {
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

  private:
    struct handed_out {
        std::vector<double> point;
        bool running;
    };

    /// Without a warp: as of a constraint, whose 0 has to stay where it is.
    model_type limit_model() const {
        gaussian_model_options options = options_;
        options.warp = false;
        return model_type(columns_.size(), kernel_, options);
    }

    void add_value(std::size_t j, const std::vector<double>& x, double value) {
        while (values_.size() <= j) values_.emplace_back(columns_.size(), kernel_, options_);
        values_[j].add(x, value);
    }

    void learn_refusal(const std::vector<double>& x, const outcome& result) {
        const bool refused =
            result.state() == trial_state::failed ||
            (result.state() == trial_state::infeasible && result.constraints().empty());
        if (refused && !refusals_) {
            refusals_.emplace(limit_model());
            for (const std::vector<double>& columns : accepted_) refusals_->add(columns, -1.0);
        }
        if (refusals_)
            refusals_->add(x, refused ? 1.0 : -1.0);
        else
            accepted_.push_back(x);
    }

    void learn_constraints(const std::vector<double>& x, const outcome& result) {
        while (constraints_.size() < result.constraints().size())
            constraints_.push_back(limit_model());
        for (std::size_t j = 0; j < result.constraints().size(); ++j)
            constraints_[j].add(x, result.constraints()[j]);
    }

    double median_value() const {
        std::vector<double> values;
        for (const measurement& m : measured_) values.push_back(m.values[0]);
        if (values.empty()) return std::numeric_limits<double>::lowest();
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }

    space where_;
    unit_columns columns_;
    K kernel_;
    gaussian_model_options options_;
    std::size_t finished_ = 0;
    std::size_t objectives_ = 0;
    std::vector<handed_out> rows_;        // every trial, by number
    std::set<std::vector<double>> seen_;  // their points
    std::vector<measurement> measured_;   // trials with values
    std::vector<model_type> values_;      // of each objective
    std::vector<model_type> constraints_;
    std::optional<model_type> refusals_;                          // made when there is one
    std::vector<std::vector<double>> accepted_;                   // until then
    double violation_ = std::numeric_limits<double>::infinity();  // the least so far
    std::vector<double> nearest_;                                 // where it was
};

}  // namespace hass
