/// \file automatic.hpp
/// The optimizer for who does not want to choose one: a Gaussian process while it is affordable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/any_optimizer.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/gaussian_process.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/tpe.hpp>
#include <hass/text.hpp>

namespace hass {

/// Up to where a Gaussian process is taken.
struct automatic_options {
    std::size_t trials = 500;    ///< finished ones; a suggestion takes a quarter of a second then
    std::size_t columns = 1000;  ///< axes, and choices of categorical ones
    std::size_t objectives = 3;  ///< whose hypervolume improvement is known exactly
};

/// Which optimizer the rules take, and why.
struct optimizer_choice {
    std::string name;    ///< as in `built_in_optimizer_names`
    std::string reason;  ///< for people, one line
};

/// The rules, in order; the first that holds decides:
///
/// 1. more objectives than options.objectives: nsga2
/// 2. fewer than options.trials finished trials and at most options.columns columns:
///    gaussian-process
/// 3. several objectives: nsga2
/// 4. an axis of choices: tpe
/// 5. else cma-es, from the best point so far
///
/// What has a known cheap part goes to `composite` before any of these: only its owner can say so.
inline optimizer_choice choose_optimizer(const space& where, std::size_t objectives,
                                         std::size_t finished, automatic_options options = {}) {
    bool choices = false;
    for (const axis& a : where.axes())
        choices = choices || (a.kind == axis_kind::categorical && !a.settled());
    const std::size_t columns = unit_columns(where).size();
    if (objectives > options.objectives)
        return {"nsga2", text_of({objectives, " objectives, more than ", options.objectives})};
    if (finished < options.trials && columns <= options.columns)
        return {"gaussian-process", text_of({"fewer than ", options.trials, " trials, ", columns,
                                             columns == 1 ? " column" : " columns"})};
    const std::string beyond = columns > options.columns
                                   ? text_of({columns, " columns, more than ", options.columns})
                                   : text_of({options.trials, " trials or more"});
    if (objectives > 1) return {"nsga2", beyond + ", several objectives"};
    if (choices) return {"tpe", beyond + ", an axis of choices"};
    return {"cma-es", beyond + ", axes of numbers"};
}

/// Follows choose_optimizer() as trials come in; minimises. When the choice changes, the next
/// optimizer is told all trials so far (CMA-ES begins at the best of them); trials that were running
/// then are told to it as points of somebody else's.
class automatic {
  public:
    explicit automatic(space where, std::uint64_t seed = 0, automatic_options options = {})
        : where_(std::move(where)),
          seed_(seed),
          options_(options),
          choice_(choose_optimizer(where_, 1, 0, options_)),
          held_(make(choice_.name)) {}

    std::optional<trial> ask() {
        follow();
        std::optional<trial> inner = held_.ask();
        if (!inner) return std::nullopt;
        return note(std::move(*inner));
    }

    /// Counts a point that somebody else chose as running. \throws hass::error on an illegal point
    trial adopt(std::vector<double> point) {
        where_.check(point);
        return note(held_.adopt(std::move(point)));
    }

    /// \throws hass::error when the number of objectives changes, or on an illegal point
    void tell(const trial& told, const outcome& result) {
        trial inner{trial::foreign, told.point};
        if (told.number < inner_.size() && inner_[told.number].first == generation_)
            inner.number = inner_[told.number].second;
        held_.tell(inner, result);
        if (!result.values().empty() && result.state() != trial_state::pruned)
            objectives_ = result.values().size();
        told_.emplace_back(told.point, result);
    }

    const space& where() const { return where_; }

    /// The optimizer that suggests now, and why it.
    const optimizer_choice& choice() const { return choice_; }

    /// As the present optimizer says.
    std::optional<double> may_be_left() { return held_.may_be_left(); }

  private:
    trial note(trial inner) {
        inner_.emplace_back(generation_, inner.number);
        inner.number = inner_.size() - 1;
        return inner;
    }

    any_optimizer make(const std::string& name) const {
        if (name == "gaussian-process") return gaussian_process<>(where_, seed_);
        if (name == "nsga2") return nsga2(where_, seed_);
        if (name == "tpe") return tpe<>(where_, seed_);
        cma_es_options options;
        const std::pair<std::vector<double>, outcome>* best = nullptr;
        for (const auto& t : told_)
            if (t.second.is_ok() &&
                (best == nullptr || t.second.values()[0] < best->second.values()[0]))
                best = &t;
        if (best != nullptr) {
            options.start = best->first;
            options.step = 0.05;  // what is good is known already
        }
        return cma_es(where_, seed_, std::move(options));
    }

    void follow() {
        const std::size_t objectives = std::max<std::size_t>(1, objectives_);
        optimizer_choice now = choose_optimizer(where_, objectives, told_.size(), options_);
        if (now.name == choice_.name) return;
        choice_ = std::move(now);
        held_ = make(choice_.name);
        ++generation_;
        for (const auto& [point, result] : told_) held_.tell({trial::foreign, point}, result);
    }

    space where_;
    std::uint64_t seed_;
    automatic_options options_;
    std::size_t objectives_ = 0;
    std::size_t generation_ = 0;                                // how often the optimizer changed
    std::vector<std::pair<std::size_t, std::uint64_t>> inner_;  // by number: generation, its number
    std::vector<std::pair<std::vector<double>, outcome>> told_;
    optimizer_choice choice_;
    any_optimizer held_;
};

static_assert(AdoptingOptimizer<automatic> && AssessingOptimizer<automatic>);

}  // namespace hass
