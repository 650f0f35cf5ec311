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
/// `composite` one. For asks and tells in another order write the loop with a `study`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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
    /// Called after every trial, which is the last of `so_far.trials`; the search ends when it
    /// returns false.
    std::function<bool(const threshold_search_result& so_far)> after_trial{};
    /// The search ends when no more than this may be left; only some optimizers can say so.
    std::optional<double> stop_when{};
};

/// The trial `asked`: measured, built, judged.
template <MeasuringFunction Measure, HardwareAllocator Hardware, TermsObjective Objective>
judged_trial judge(const trial& asked, const threshold_axes& axes, Measure& measure,
                   Hardware& hardware, const Objective& objective,
                   sparsity_metric sparsity = sparsity_metric::layers) {
    const network_thresholds thresholds = axes.at(asked);
    candidate made = make_candidate(axes.net(), thresholds, measure(thresholds), hardware);
    const measured_terms terms = made.terms(sparsity);
    outcome result = made.hardware.fits ? objective(terms)
                                        : outcome::infeasible({}, made.hardware.certificate.reason);
    return {asked.number, asked.point, std::move(made), objective.value(terms), std::move(result)};
}

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
    study<O> trials(std::move(optimizer), {objective.directions(), options.trials});
    trials.enqueue(axes.diagonal(0.0));
    threshold_search_result found;
    while (const auto asked = trials.ask()) {
        found.trials.push_back(judge(*asked, axes, measure, hardware, objective, options.sparsity));
        const judged_trial& last = found.trials.back();
        trials.tell(*asked, last.result);
        if (last.feasible() && (!found.best() || last.objective > found.best()->objective))
            found.best_index = found.trials.size() - 1;
        if (options.after_trial && !options.after_trial(found)) break;
        if (!options.stop_when) continue;
        const auto left = trials.may_be_left();
        if (left && *left <= *options.stop_when) break;
    }
    found.conclusion = trials.conclusion();
    found.may_be_left = trials.may_be_left();
    if (found.may_be_left)
        found.conclusion += "; at most " + detail::number_text(*found.may_be_left) + " may be left";
    return found;
}

}  // namespace hass
