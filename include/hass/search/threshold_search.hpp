/// \file threshold_search.hpp
/// The loop of HASS: an optimizer suggests a point, the point becomes thresholds, these are
/// measured, the allocator builds the best hardware for what was measured, the objective judges.
///
///     hass::threshold_axes axes(net, magnitudes);
///     hass::allocator hardware(net, hass::sparse_dot<>{}, board);
///     auto measure = [&](const hass::network_thresholds& t) -> hass::measurement { ... };
///     const hass::network_thresholds zero(net.size());
///     const auto dense = hass::make_candidate(net, zero, measure(zero), dense_hardware);
///     hass::hass_objective objective(dense.terms(), board.budget.dsp, {5, 5, 5},
///                                    hass::accuracy_floor(0.85));
///     hass::tpe<> optimizer(axes.where(), /*seed*/ 1);
///     const auto found = hass::search_thresholds(axes, measure, hardware, optimizer, objective);
///     if (const auto* best = found.best()) use(best->candidate);
///     say(found.conclusion);
///
/// `pareto_objective` judges by several values; `predicted_objective` makes the optimizer a
/// `composite` one. Trials that are judged several at a time, or elsewhere: `threshold_search`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/candidate.hpp>
#include <hass/search/measurement.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/study.hpp>
#include <hass/search/threshold_axes.hpp>

namespace hass {

/// One trial and all that was found out about it.
struct judged_trial {
    std::uint64_t number = 0;   ///< from 0
    std::vector<double> point;  ///< on the axes
    hass::candidate candidate;  ///< thresholds, what was measured, the design
    double objective = 0.0;     ///< in one number, also where the optimizer is told several
    outcome result;             ///< what the optimizer was told

    /// Whether it counts.
    bool feasible() const { return result.is_ok(); }
};

/// What a search came to.
struct threshold_search_result {
    std::vector<judged_trial> trials;  ///< all of them, by number
    /// Of the feasible trial of highest objective, the earliest on ties.
    std::optional<std::size_t> best_index;
    std::string conclusion;  ///< in one line; empty while the search goes on
    /// What more trials may still gain, at most, in units of the objective, as the optimizer says
    /// at the end; nullopt when it does not. See study::may_be_left.
    std::optional<double> may_be_left;

    /// nullptr: no trial is feasible.
    const judged_trial* best() const { return best_index ? &trials[*best_index] : nullptr; }
};

/// Settings of a search.
struct threshold_search_options {
    std::size_t trials = 96;                             ///< the first of them with nothing clipped
    sparsity_metric sparsity = sparsity_metric::layers;  ///< average that the objective takes
    /// Called after every trial that has an answer, which is the last of `so_far.trials`; no trial
    /// is asked for any more when it returns false.
    std::function<bool(const threshold_search_result& so_far)> after_trial{};
    /// The search ends when no more than this may be left; only some optimizers can say so.
    std::optional<double> stop_when{};
    /// Points to judge after the first, before what the optimizer suggests; they count as trials.
    std::vector<std::vector<double>> known{};
    /// Trials that may be judged at a time, see `threshold_search`. At least 1.
    std::size_t at_a_time = 1;
};

/// The trial `asked` whose candidate is known, judged.
template <TermsObjective Objective>
judged_trial judged(const trial& asked, candidate made, const Objective& objective,
                    sparsity_metric sparsity = sparsity_metric::layers) {
    const measured_terms terms = made.terms(sparsity);
    outcome result = made.hardware.fits ? objective(terms)
                                        : outcome::infeasible({}, made.hardware.certificate.reason);
    return {asked.number, asked.point, std::move(made), objective.value(terms), std::move(result)};
}

/// The trial `asked`: measured, built, judged.
template <MeasuringFunction Measure, HardwareAllocator Hardware, TermsObjective Objective>
judged_trial judge(const trial& asked, const threshold_axes& axes, Measure& measure,
                   Hardware& hardware, const Objective& objective,
                   sparsity_metric sparsity = sparsity_metric::layers) {
    const network_thresholds thresholds = axes.at(asked);
    return judged(asked, make_candidate(axes.net(), thresholds, measure(thresholds), hardware),
                  objective, sparsity);
}

/// The search as a loop of one's own, for trials that are judged elsewhere or several at a time:
///
///     hass::threshold_search search(axes, optimizer, objective, options);
///     while (true) {
///         while (const auto asked = search.ask()) judge(*asked);  // hand it to whoever is free
///         if (nobody_is_busy()) break;
///         search.take(next_answer());                             // a judged_trial, in any order
///     }
///     const hass::threshold_search_result found = search.finish();
///
/// Whoever is quicker changes nothing: answers are told to the optimizer in order of number, and
/// trial k is asked for when those of all trials up to k - at_a_time are told and no later one is.
template <Optimizer O, TermsObjective Objective>
class threshold_search {
  public:
    /// \param axes  of the space that `optimizer` searches
    /// \throws hass::error when the optimizer's space is not that of the axes, or at_a_time is 0
    threshold_search(const threshold_axes& axes, O optimizer, const Objective& objective,
                     threshold_search_options options = {})
        : options_(std::move(options)),
          trials_(std::move(optimizer), {objective.directions(), options_.trials}) {
        if (options_.at_a_time == 0) throw error("threshold search: no trial at a time");
        trials_.enqueue(axes.diagonal(0.0));
        for (std::vector<double>& point : options_.known) trials_.enqueue(std::move(point));
    }

    /// The next trial to judge; nullopt: none before an answer is there, or none at all.
    std::optional<trial> ask() {
        while (asked_ < options_.at_a_time && ask_one()) {
        }
        if (ready_.empty()) return std::nullopt;
        trial next = std::move(ready_.front());
        ready_.pop_front();
        return next;
    }

    /// Takes the answer to a trial that was asked for; one that has failed has no candidate and
    /// does not become one of the result's trials.
    void take(judged_trial t) {
        const std::uint64_t number = t.number;
        answers_.insert_or_assign(number, std::move(t));
        for (auto next = answers_.find(told_); next != answers_.end();
             next = answers_.find(told_)) {
            tell(std::move(next->second));
            answers_.erase(next);
            ask_one();
        }
    }

    /// The trial as the study has it. \throws hass::error when it was never asked for
    trial_record record(std::uint64_t number) const { return trials_.record(number); }

    /// What the search came to; when nothing is left to ask or to take.
    threshold_search_result finish() {
        found_.conclusion = trials_.conclusion();
        found_.may_be_left = trials_.may_be_left();
        if (found_.may_be_left)
            found_.conclusion +=
                "; at most " + detail::number_text(*found_.may_be_left) + " may be left";
        return std::move(found_);
    }

  private:
    bool ask_one() {
        if (over_) return false;
        std::optional<trial> next = trials_.ask();
        if (!next) return false;
        ready_.push_back(std::move(*next));
        ++asked_;
        return true;
    }

    void tell(judged_trial t) {
        trials_.tell(t.number, t.result);
        ++told_;
        if (t.result.state() == trial_state::failed) return;
        found_.trials.push_back(std::move(t));
        const judged_trial& last = found_.trials.back();
        if (last.feasible() && (!found_.best() || last.objective > found_.best()->objective))
            found_.best_index = found_.trials.size() - 1;
        if (options_.after_trial && !options_.after_trial(found_)) over_ = true;
        if (over_ || !options_.stop_when) return;
        const auto left = trials_.may_be_left();
        if (left && *left <= *options_.stop_when) over_ = true;
    }

    threshold_search_options options_;
    study<O> trials_;
    threshold_search_result found_;
    std::deque<trial> ready_;                        // asked of the study, not handed out
    std::map<std::uint64_t, judged_trial> answers_;  // that wait for those before them
    std::uint64_t asked_ = 0;
    std::uint64_t told_ = 0;
    bool over_ = false;
};

/// Searches thresholds together with the hardware for them.
/// \param axes       of the space that `optimizer` searches
/// \param measure    see MeasuringFunction; what it throws ends the search
/// \param hardware   see HardwareAllocator
/// \param objective  see TermsObjective; thresholds for which no hardware fits are infeasible
/// \throws hass::error when the optimizer's space is not that of the axes
template <MeasuringFunction Measure, HardwareAllocator Hardware, Optimizer O,
          TermsObjective Objective>
threshold_search_result search_thresholds(const threshold_axes& axes, Measure&& measure,
                                          Hardware& hardware, O optimizer,
                                          const Objective& objective,
                                          const threshold_search_options& options = {}) {
    threshold_search<O, Objective> search(axes, std::move(optimizer), objective, options);
    while (const auto asked = search.ask())
        search.take(judge(*asked, axes, measure, hardware, objective, options.sparsity));
    return search.finish();
}

}  // namespace hass
