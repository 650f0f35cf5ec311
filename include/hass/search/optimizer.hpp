/// \file optimizer.hpp
/// The two concepts of a search: an Objective says what a point is worth, an Optimizer which point
/// to try next. Anything with the right three members is an Optimizer; a lambda is an Objective.
///
/// A class to be used as an optimizer looks like this:
///
///     class my_search {
///       public:
///         std::optional<hass::trial> ask();                        // nullopt: exhausted
///         void tell(const hass::trial&, const hass::outcome&);     // any order, any trial
///         const hass::space& where() const;
///     };
///
/// Optimizers minimise every objective: `study` flips the sign of those to be maximised. They may
/// have many trials outstanding, and are told of trials they never asked for (enqueued points).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/space.hpp>
#include <hass/text.hpp>

namespace hass {

/// A point to try. `number` identifies it to whoever handed it out.
struct trial {
    /// Number of a trial that the told optimizer never handed out.
    static constexpr std::uint64_t foreign = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t number = foreign;  ///< from 0, by the optimizer
    std::vector<double> point;       ///< one value per axis, see space.hpp

    /// So that f(trial) reads well.
    operator std::span<const double>() const { return point; }  // so that f(trial) reads well
};

/// Where a trial stands.
enum class trial_state {
    running,     ///< asked, not told
    ok,          ///< measured, all constraints hold
    infeasible,  ///< measured or refused: a constraint is violated
    failed,      ///< no answer
    pruned       ///< stopped early
};

/// Whether less or more is better.
enum class direction { minimise, maximise };

/// What came out of a trial. Holds only finite numbers: a NaN or an infinity among the values or
/// constraints makes it `failed`, with the reason.
class outcome {
  public:
    /// `ok(value)`, so that an objective may give a plain number.
    outcome(double value) : outcome(ok(value)) {}

    /// All objectives measured, no constraint violated.
    static outcome ok(std::vector<double> values) { return constrained(std::move(values), {}); }
    /// One value.
    static outcome ok(double value) { return ok(std::vector<double>{value}); }

    /// Measured under constraints: c_j <= 0 holds, c_j > 0 is violated by that much. `ok` when all
    /// hold, otherwise `infeasible`.
    static outcome constrained(std::vector<double> values, std::vector<double> constraints,
                               std::string reason = {}) {
        outcome made(trial_state::ok, std::move(reason));
        if (auto bad = not_finite("objective value", values)) return failed(std::move(*bad));
        if (auto bad = not_finite("constraint", constraints)) return failed(std::move(*bad));
        made.values_ = std::move(values);
        made.constraints_ = std::move(constraints);
        for (std::size_t j = 0; j < made.constraints_.size(); ++j) {
            const double c = made.constraints_[j];
            if (c <= 0.0) continue;
            made.state_ = trial_state::infeasible;
            if (made.reason_.empty())
                made.reason_ =
                    text_of({"constraint ", j, " is violated by ", detail::number_text(c)});
        }
        if (made.state_ == trial_state::ok && made.values_.empty())
            return failed("no objective value was given");
        return made;
    }

    /// No legal answer, e.g. not even the smallest design fits: the violated constraints (may be
    /// empty when their amount is unknown) and why.
    static outcome infeasible(std::vector<double> constraints, std::string reason) {
        outcome made = constrained({}, std::move(constraints), reason);
        if (made.state_ == trial_state::infeasible) return made;
        if (made.constraints_.empty() && made.reason_ == "no objective value was given") {
            outcome unknown(trial_state::infeasible, std::move(reason));
            return unknown;
        }
        return made;  // NaN constraints, or none of them violated: failed, with that reason
    }

    /// The objective could not be computed.
    static outcome failed(std::string reason) { return {trial_state::failed, std::move(reason)}; }

    /// Stopped after `step` steps with the intermediate `value`.
    static outcome pruned(std::int64_t step, double value, std::string reason = {}) {
        std::vector<double> one{value};
        if (auto bad = not_finite("intermediate value", one)) return failed(std::move(*bad));
        outcome made(trial_state::pruned, std::move(reason));
        made.values_ = std::move(one);
        made.step_ = step;
        return made;
    }

    /// Ok, infeasible, pruned or failed.
    trial_state state() const { return state_; }
    /// Whether it has values and no constraint is violated.
    bool is_ok() const { return state_ == trial_state::ok; }
    /// One per objective; empty when failed, possibly empty when infeasible.
    const std::vector<double>& values() const { return values_; }
    /// c_j <= 0 holds.
    const std::vector<double>& constraints() const { return constraints_; }
    /// Why it is not ok; empty when it is.
    const std::string& reason() const { return reason_; }
    /// Steps done before pruning; 0 otherwise.
    std::int64_t step() const { return step_; }

    /// Sum of the violated constraints' amounts: 0 when ok, infinite when infeasible by an unknown
    /// amount.
    double violation() const {
        if (state_ == trial_state::infeasible && constraints_.empty())
            return std::numeric_limits<double>::infinity();
        double sum = 0.0;
        for (const double c : constraints_) sum += c > 0.0 ? c : 0.0;
        return sum;
    }

    /// The same outcome with the values of maximised objectives negated, and back.
    outcome flipped(std::span<const direction> directions) const {
        outcome made = *this;
        for (std::size_t j = 0; j < made.values_.size() && j < directions.size(); ++j)
            if (directions[j] == direction::maximise) made.values_[j] = -made.values_[j];
        return made;
    }

  private:
    outcome(trial_state state, std::string reason) : state_(state), reason_(std::move(reason)) {}

    static std::optional<std::string> not_finite(const char* what,
                                                 const std::vector<double>& numbers) {
        for (std::size_t j = 0; j < numbers.size(); ++j)
            if (numbers[j] - numbers[j] != 0.0)
                return text_of({what, " ", j, " is ", detail::number_text(numbers[j])});
        return std::nullopt;
    }

    trial_state state_;
    std::string reason_;
    std::vector<double> values_;
    std::vector<double> constraints_;
    std::int64_t step_ = 0;
};

/// Says what a point is worth: an outcome, or a plain number.
template <class F>
concept Objective = std::invocable<F&, std::span<const double>> &&
    std::convertible_to<std::invoke_result_t<F&, std::span<const double>>, outcome>;

/// The objective at a point; a std::exception that it throws becomes outcome::failed.
template <Objective F>
outcome outcome_at(F& objective, std::span<const double> point) {
    try {
        return objective(point);
    } catch (const std::exception& thrown) {
        return outcome::failed(thrown.what());
    }
}

/// Says which point to try next; learns from what it is told.
template <class O>
concept Optimizer = requires(O& optimizer, const O& constant, const trial& t, const outcome& r) {
    { optimizer.ask() } -> std::same_as<std::optional<trial>>;
    optimizer.tell(t, r);
    { constant.where() } -> std::convertible_to<const space&>;
};

/// An optimizer that also counts, as running, points which somebody else chose. Optional: without
/// it such points are told as trial::foreign.
template <class O>
concept AdoptingOptimizer = Optimizer<O> && requires(O& optimizer, std::vector<double> point) {
    { optimizer.adopt(std::move(point)) } -> std::same_as<trial>;
};

/// An optimizer that also says what may still be gained, in units of the objective: an upper bound,
/// nullopt when it cannot tell. Optional; `study::may_be_left` passes it on.
template <class O>
concept AssessingOptimizer = Optimizer<O> && requires(O& optimizer) {
    { optimizer.may_be_left() } -> std::same_as<std::optional<double>>;
};

}  // namespace hass
