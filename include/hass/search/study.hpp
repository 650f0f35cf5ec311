/// \file study.hpp
/// A study: an optimizer, its history, and the rules that hold whatever the optimizer is.
///
///     hass::study<hass::tpe<>> study(space, /*seed*/ 1);
///     while (auto trial = study.ask()) study.tell(*trial, objective(*trial));
///     if (auto best = study.best()) use(best->point, best->value);
///     else say(study.conclusion());
///
/// or, in place of the loop, study.run(100, [](std::span<const double> x) { return x[0]; });
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/text.hpp>

namespace hass {

/// Settings of a study.
struct study_options {
    /// One per objective.
    std::vector<direction> directions = {direction::minimise};
    /// ask() hands out this many trials, enqueued ones included; nullopt: no limit. The default is
    /// what HASS spends.
    std::optional<std::size_t> trials = 96;
};

/// A trial and what is known about it.
struct trial_record {
    std::uint64_t number = 0;       ///< from 0, in order of ask()
    std::vector<double> point;      ///< in the space's own coordinates
    std::optional<outcome> result;  ///< nullopt while running; values in the user's own signs
    bool enqueued = false;          ///< the point was enqueued, not suggested
    std::size_t told_before = 0;    ///< results known when it was asked: fixes the suggestion

    /// Ok, infeasible, pruned, failed, or running without a result.
    trial_state state() const { return result ? result->state() : trial_state::running; }
};

/// The best trial of a study with one objective.
struct best_trial : trial_record {
    double value = 0.0;  ///< of the objective, in the user's own sign
};

/// Owns an optimizer and every trial. All members may be called from several threads.
///
/// - Many trials may be outstanding; they are told in any order, each once.
/// - Enqueued points come first.
/// - A point that failed is not suggested again.
/// - best() and front() hold feasible trials only.
/// - The same seed, and the same order of asks and tells, gives the same suggestions.
template <Optimizer O>
class study {
  public:
    /// Makes the optimizer from a space and a seed.
    explicit study(space where, std::uint64_t seed = 0, study_options options = {}) requires
        std::constructible_from<O, space, std::uint64_t>
        : study(O(std::move(where), seed), std::move(options)) {}

    /// With an optimizer of one's own.
    explicit study(O optimizer, study_options options = {})
        : optimizer_(std::move(optimizer)), options_(std::move(options)) {
        if (options_.directions.empty()) throw error("study: no direction, so no objective");
    }

    /// Puts a point in line: the next ask() that finds none before it returns it.
    /// \throws hass::error when the space does not have the point
    void enqueue(std::vector<double> point) {
        const std::scoped_lock lock(mutex_);
        optimizer_.where().check(point);
        queue_.push_back(std::move(point));
    }

    /// The next trial; nullopt when the trials are spent, the optimizer is exhausted, or no point
    /// can be found that has not failed.
    std::optional<trial> ask() {
        const std::scoped_lock lock(mutex_);
        return next_within_limit();
    }

    /// Up to `count` trials at once; fewer when there are no more. For a batch whose result must
    /// not depend on threads: ask all, evaluate anyhow, tell in order of number.
    std::vector<trial> ask_batch(std::size_t count) {
        const std::scoped_lock lock(mutex_);
        std::vector<trial> batch;
        while (batch.size() < count) {
            auto one = next_within_limit();
            if (!one) break;
            batch.push_back(std::move(*one));
        }
        return batch;
    }

    /// Records what came out of a trial.
    /// \throws hass::error when the study never handed it out, was told before, or the number of
    ///         values is not the number of objectives
    void tell(std::uint64_t number, const outcome& result) {
        const std::scoped_lock lock(mutex_);
        record_result(number, result);
    }
    void tell(const trial& told, const outcome& result) { tell(told.number, result); }

    /// Asks, evaluates and tells until nothing is left. An objective that throws a std::exception
    /// fails that trial only.
    template <Objective F>
    void run(F&& objective) {
        while (auto one = ask()) tell(*one, outcome_at(objective, one->point));
    }

    /// The same for `count` trials more, whatever the limit was: it then lies behind them.
    template <Objective F>
    void run(std::size_t count, F&& objective) {
        {
            const std::scoped_lock lock(mutex_);
            options_.trials = records_.size() + count;
        }
        run(objective);
    }

    /// Answers a call with something that is no objective: says what one is.
    template <class... F>
    requires(!(Objective<F> || ...)) void run(F&&...) {
        static_assert((Objective<F> || ...),
                      "hass: an objective takes a point as std::span<const double> and gives a "
                      "number or a hass::outcome; study.run(objective) or study.run(count, "
                      "objective)");
    }

    /// The best feasible trial, the earliest on ties; nullopt when there is none.
    /// \throws hass::error with several objectives: use front()
    std::optional<best_trial> best() const {
        const std::scoped_lock lock(mutex_);
        return best_record();
    }

    /// What may still be gained, in units of the objective, as the optimizer says (an upper bound as
    /// far as its model holds): for a loop that ends when more trials are not worth it.
    /// \returns nullopt when it cannot tell
    std::optional<double> may_be_left() {
        const std::scoped_lock lock(mutex_);
        if constexpr (AssessingOptimizer<O>) return optimizer_.may_be_left();
        return std::nullopt;
    }

    /// The non-dominated feasible trials, by number.
    std::vector<trial_record> front() const {
        const std::scoped_lock lock(mutex_);
        std::vector<const trial_record*> measured;
        std::vector<std::vector<double>> points;
        for (const trial_record& r : records_)
            if (r.state() == trial_state::ok) {
                measured.push_back(&r);
                points.push_back(r.result->flipped(options_.directions).values());
            }
        std::vector<trial_record> result;
        for (const std::size_t i : non_dominated(points)) result.push_back(*measured[i]);
        return result;
    }

    /// Every trial handed out so far, by number.
    std::vector<trial_record> history() const {
        const std::scoped_lock lock(mutex_);
        return records_;
    }

    /// One trial by number. \throws hass::error when it was never asked for
    trial_record record(std::uint64_t number) const {
        const std::scoped_lock lock(mutex_);
        if (number >= records_.size())
            throw error(text_of({"study: trial ", number, " was never asked for"}));
        return records_[number];
    }

    /// Number of trials in a state.
    std::size_t count(trial_state state) const {
        const std::scoped_lock lock(mutex_);
        return counted(state);
    }

    /// What the study came to, in one line; says plainly when there is no usable result, and why.
    std::string conclusion() const {
        const std::scoped_lock lock(mutex_);
        const std::size_t ok = counted(trial_state::ok);
        const std::size_t infeasible = counted(trial_state::infeasible);
        const std::size_t failed = counted(trial_state::failed);
        const std::size_t pruned = counted(trial_state::pruned);
        std::string told =
            text_of({told_, (told_ == 1 ? " trial (" : " trials ("), ok, " ok, ", infeasible,
                     " infeasible, ", failed, " failed, ", pruned, " pruned)"});
        if (told_ == 0) return "no result: no trial has finished";
        if (ok > 0) {
            if (options_.directions.size() > 1)
                return text_of({front_size(), " non-dominated of ", told});
            const auto best = best_record();
            return text_of({"best of ", told, ": ", detail::number_text(best->value), " at trial ",
                            best->number});
        }
        if (infeasible > 0) {
            const trial_record* least = nullptr;
            for (const trial_record& r : records_)
                if (r.state() == trial_state::infeasible &&
                    (least == nullptr || r.result->violation() < least->result->violation()))
                    least = &r;
            return "no feasible result in " + told + ": nearest is trial " +
                   std::to_string(least->number) + ", violation " +
                   detail::number_text(least->result->violation()) + ": " + least->result->reason();
        }
        const trial_record* last = nullptr;
        for (const trial_record& r : records_)
            if (r.result) last = &r;
        return "no result in " + told + ": last, trial " + std::to_string(last->number) + ": " +
               last->result->reason();
    }

    /// One an objective.
    const std::vector<direction>& directions() const { return options_.directions; }
    const space& where() const { return optimizer_.where(); }
    /// The optimizer; not to be used while other threads ask or tell.
    O& optimizer() { return optimizer_; }
    /// See above.
    const O& optimizer() const { return optimizer_; }

    /// Takes up a study where an earlier process left it, before the first ask(): replays its asks
    /// and tells, so that the optimizer ends in the same state and goes on with the same random
    /// numbers. Enqueue first what the earlier process enqueued. Trials that were asked for but not
    /// told are handed out again.
    /// \param told  finished trials in the order they were told
    /// \returns how many of the points are not what this optimizer suggests (another seed, another
    ///          program); they are learnt from all the same
    /// \throws hass::error after the first ask(), on a point the space does not have, or on a
    /// number
    ///         that occurs twice
    std::size_t resume(std::span<const trial_record> told) {
        const std::scoped_lock lock(mutex_);
        if (!records_.empty()) throw error("study: resume() after the first ask()");
        std::map<std::uint64_t, const trial_record*> known;
        for (const trial_record& r : told) {
            optimizer_.where().check(r.point);
            if (!r.result) throw error("study: resume() with a trial that has no result");
            if (!known.emplace(r.number, &r).second)
                throw error(text_of({"study: trial ", r.number, " occurs twice"}));
        }
        std::size_t differing = 0;
        const auto ask_again = [&] {
            const std::uint64_t number = records_.size();
            const auto at = known.find(number);
            std::optional<trial> again;
            if (differing == 0 || at == known.end()) again = next();
            if (at == known.end()) return again.has_value();
            const std::vector<double>& point = at->second->point;
            if (!again) {
                hand_out(number, adopted(point), point, at->second->enqueued);
                ++differing;
            } else if (again->point != point) {
                optimizer_.tell(trial{inner_.back(), again->point}, outcome::failed("not tried"));
                inner_.back() = adopted(point);
                records_.back().point = point;
                ++differing;
            }
            return true;
        };
        for (const trial_record& r : told) {
            // Everything that was asked for before this result was known, lost trials included.
            for (auto at = known.lower_bound(records_.size());
                 at != known.end() && (at->second->told_before <= told_ || at->first <= r.number) &&
                 ask_again();
                 at = known.lower_bound(records_.size())) {
            }
            record_result(r.number, *r.result);
        }
        for (const trial_record& r : records_)
            if (!r.result) lost_.push_back(r.number);
        return differing;
    }

  private:
    void record_result(std::uint64_t number, const outcome& result) {
        if (number >= records_.size())
            throw error(text_of({"study: trial ", number, " was never asked for"}));
        trial_record& r = records_[number];
        if (r.result) throw error(text_of({"study: trial ", number, " was told before"}));
        if (result.state() == trial_state::ok ||
            (result.state() == trial_state::infeasible && !result.values().empty())) {
            if (result.values().size() != options_.directions.size())
                throw error(text_of({"study: trial ", number, " has ", result.values().size(),
                                     " values for ", options_.directions.size(), " objectives"}));
        }
        optimizer_.tell(trial{inner_[number], r.point}, result.flipped(options_.directions));
        if (result.state() == trial_state::failed) failed_.insert(r.point);
        r.result = result;
        ++told_;
    }

    std::optional<trial> next_within_limit() {
        if (!lost_.empty()) {
            const std::uint64_t number = lost_.front();
            lost_.pop_front();
            return trial{number, records_[number].point};
        }
        if (options_.trials && records_.size() >= *options_.trials) return std::nullopt;
        return next();
    }

    std::optional<trial> next() {
        const std::uint64_t number = records_.size();
        if (!queue_.empty()) {
            std::vector<double> point = std::move(queue_.front());
            queue_.pop_front();
            const std::uint64_t inner = adopted(point);
            return hand_out(number, inner, std::move(point), true);
        }
        for (int attempt = 0; attempt < 100; ++attempt) {
            std::optional<trial> suggested = optimizer_.ask();
            if (!suggested) return std::nullopt;
            if (!failed_.contains(suggested->point))
                return hand_out(number, suggested->number, std::move(suggested->point), false);
            optimizer_.tell(*suggested, outcome::failed("this point failed before"));
        }
        // An optimizer on few discrete values may insist on a point that failed; then any other.
        random_stream random(number);
        for (int attempt = 0; attempt < 1000; ++attempt) {
            std::vector<double> point = uniform_point(optimizer_.where(), random);
            if (failed_.contains(point)) continue;
            const std::uint64_t inner = adopted(point);
            return hand_out(number, inner, std::move(point), false);
        }
        return std::nullopt;
    }

    /// The optimizer's number for a point it did not suggest.
    std::uint64_t adopted(const std::vector<double>& point) {
        if constexpr (AdoptingOptimizer<O>) return optimizer_.adopt(point).number;
        return trial::foreign;
    }

    trial hand_out(std::uint64_t number, std::uint64_t inner, std::vector<double> point,
                   bool enqueued) {
        records_.push_back({number, point, std::nullopt, enqueued, told_});
        inner_.push_back(inner);
        return {number, std::move(point)};
    }

    std::size_t counted(trial_state state) const {
        return static_cast<std::size_t>(
            std::count_if(records_.begin(), records_.end(),
                          [&](const trial_record& r) { return r.state() == state; }));
    }

    std::optional<best_trial> best_record() const {
        if (options_.directions.size() > 1)
            throw error("study: best() with several objectives; use front()");
        const trial_record* best = nullptr;
        const double sign = options_.directions[0] == direction::maximise ? -1.0 : 1.0;
        for (const trial_record& r : records_)
            if (r.state() == trial_state::ok &&
                (best == nullptr ||
                 sign * r.result->values()[0] < sign * best->result->values()[0]))
                best = &r;
        if (best == nullptr) return std::nullopt;
        return best_trial{*best, best->result->values()[0]};
    }

    std::size_t front_size() const {
        std::vector<std::vector<double>> points;
        for (const trial_record& r : records_)
            if (r.state() == trial_state::ok)
                points.push_back(r.result->flipped(options_.directions).values());
        return non_dominated(points).size();
    }

    mutable std::mutex mutex_;
    O optimizer_;
    study_options options_;
    std::vector<trial_record> records_;      // by number
    std::vector<std::uint64_t> inner_;       // the optimizer's number of each
    std::deque<std::vector<double>> queue_;  // enqueued points
    std::set<std::vector<double>> failed_;   // points not to be suggested again
    std::deque<std::uint64_t> lost_;         // of an earlier process, to be handed out again
    std::size_t told_ = 0;
};

}  // namespace hass
