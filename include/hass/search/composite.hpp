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
/// chosen by the evidence; so is how far from the best trial the model need not fit, since
/// accuracies bend and level off. A candidate is the optimum, by CMA-ES, of the known part plus, in
/// turn, a draw from the posterior (Thompson sampling), its mean, and its mean near the best trial.
#pragma once

#include <algorithm>
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

#include <hass/search/additive_model.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/text.hpp>

namespace hass {

/// The known part of an objective: what it adds at a point, in the units of the objective and to be
/// minimised (a study that maximises f passes -f on, so give the negative there). A value that is
/// not finite rules the point out.
template <class K>
concept KnownPart = std::invocable<const K&, std::span<const double>> &&
                    std::convertible_to < std::invoke_result_t<const K&, std::span<const double>>,
double > ;

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
            throw error(text_of({"composite: one objective only, not ", result.values().size()}));
        if (result.state() == trial_state::failed || result.state() == trial_state::pruned) return;
        std::vector<double> unit;
        for (const std::size_t i : active_) unit.push_back(to_unit(where_[i], told.point[i]));
        const double known = known_(std::span<const double>(told.point));
        if (!result.values().empty() && known - known == 0.0)
            models_[0].add(unit, result.values()[0] - known);
        for (std::size_t j = 0; j < result.constraints().size(); ++j) {
            while (models_.size() < j + 2) {
                models_.emplace_back(active_.size());
                models_.back().focus_on(0.0);  // where it begins to bind
            }
            models_[j + 1].add(unit, result.constraints()[j]);
        }
        if (result.values().empty()) return;
        const double violation = result.violation();
        if (best_.empty() || violation < best_violation_ ||
            (violation == best_violation_ && result.values()[0] < best_value_)) {
            best_ = told.point;
            best_violation_ = violation;
            best_value_ = result.values()[0];
            models_[0].focus_on(best_value_ - known);
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

    /// The space cut to a box around the best point: half a range down to a fiftieth, on a log
    /// scale.
    space around_best(random_stream& random) const {
        const double reach = 0.5 * stable_exp(-3.2 * random.uniform());
        std::vector<axis> axes = where_.axes();
        for (const std::size_t i : active_) {
            axis& a = axes[i];
            if (a.step > 0.0) continue;
            const auto [low, high] = a.model_range();
            const double centre = a.to_model(best_[i]);
            const double below = where_[i].from_model(centre - reach * (high - low));
            a.high = where_[i].from_model(centre + reach * (high - low));
            a.low = below;
        }
        return space(std::move(axes));
    }

    std::vector<double> suggest(random_stream& random) {
        // In turn: a draw, the mean (draws alone explore too much with many axes), and the mean in
        // a box around the best point, of random size: where the model is wrong far out, it can
        // still be right nearby.
        const bool explore = asked_ % 3 == 0;
        const bool nearby = asked_ % 3 == 2 && !best_.empty();
        const space within = nearby ? around_best(random) : where_;
        std::vector<additive_model::function> drawn;
        for (additive_model& m : models_)
            if (m.size() > 0) drawn.push_back(explore ? m.draw(random) : m.mean());
        cma_es_options inner;
        inner.start = best_.empty() ? options_.start : best_;
        inner.step = 0.1;
        cma_es search(within, random.next(), inner);
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
