/// \file chooser.hpp
/// The problem inside the allocator: choose one option a row so that the needs of all rows together
/// stay within a budget of several resources (`problem.hpp`). Two questions are answered, both
/// exactly:
///
///     feasible(I)     is there a choice in which no row takes more than I cycles?
///     minimise(f, I)  which of those choices has least of an objective f (`objective.hpp`)?
///
/// Method, from cheap to expensive; each step is a proof and the first that decides ends it:
///   1. sums of least needs, resource by resource
///   2. Lagrangian bound: for prices p >= 0 the rows separate, and
///      sum_i min_k p.need_ik <= p.budget holds for whatever fits. The best prices are found by
///      multiplicative weights (feasible, `weights.hpp`) or cutting planes (feasible with streams,
///      `weigh_by_planes.hpp`; minimise, `ascent.hpp`); choices that are cheapest on the way,
///      rounded and repaired row by row, are tried as answers
///   3. options that cannot be part of an answer because of that bound are struck out
///      (`option_table.hpp`)
///   4. dynamic programming over the rows that are left (`dynamic_program.hpp`); partial choices
///      are dropped when the bound or another partial choice beats them. At first only resources
///      that have a price count: what is proved with less to observe holds all the more
/// Where streams between rows have a price, steps 1 and 2 leave them out at first, which they may:
/// bounds hold all the more. When that decides nothing, steps 2 to 4 choose rows along the streams
/// (`messages.hpp`). Whatever is an answer fits with its streams.
/// Step 4 keeps at most `max_states` partial choices; when that is not enough the answer is
/// `unknown` (or comes with a bound) instead of wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/ascent.hpp>
#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/dynamic_program.hpp>
#include <hass/explore/knapsack/improve.hpp>
#include <hass/explore/knapsack/intervals.hpp>
#include <hass/explore/knapsack/messages.hpp>
#include <hass/explore/knapsack/minimisation.hpp>
#include <hass/explore/knapsack/objective.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/price_filter.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>
#include <hass/explore/knapsack/weigh_by_planes.hpp>
#include <hass/explore/knapsack/weights.hpp>

namespace hass::detail {

/// See the head of the file. Rows are looked at, not owned. Deterministic.
class chooser {
  public:
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    static constexpr double rounding = share_rounding;

    /// Forgets everything but its memory.
    void reset(const resource_vector& budget, std::size_t max_states) {
        budget_ = budget;
        max_states_ = max_states;
        goal_ = until::fits;
        obstacle_ = 0;
        prices_.fill(1.0 / static_cast<double>(resources.size()));
    }

    void bind(std::span<const frontier> rows) { problem_.rows = rows; }
    /// What stands between the rows from now on; nullptr: nothing.
    void set_edges(const priced_edges* edges) { problem_.edges = edges; }
    void set_max_states(std::size_t max_states) { max_states_ = max_states; }
    /// Whether `feasible` gives up once there are more partial choices than may be kept, instead of going on
    /// with the most promising.
    void set_proof_only(bool proof_only) { goal_ = proof_only ? until::unproved : until::fits; }
    void set_ascent_steps(int steps) { ascent_.set_steps(steps); }

    /// Whether some choice has every row within `interval` cycles; the choice is `found()`.
    verdict feasible(double interval) { return feasible(interval, budget_); }

    /// The same within `caps` (<= budget).
    verdict feasible(double interval, const resource_vector& caps) {
        problem_.set_caps(caps);
        if (!problem_.set_interval(interval)) return verdict::no;
        if (const auto r = problem_.exceeded_by_least()) return reject(*r);
        // one look at every option, at the prices of the last question
        survey_.look(problem_, prices_);
        if (survey_.bound > 1.0 + rounding) return reject_at(prices_);
        if (problem_.fits(survey_.cheapest)) return accept(survey_.cheapest);
        if (problem_.credits_nothing()) return verdict::unknown;
        survey_.load(problem_, 1.0 + rounding - survey_.bound, table_);
        if (!table_.every_row_has_one()) return reject_at(prices_);
        return feasible_in_table();
    }

    /// The choice within `interval` cycles, which every row has, that takes least of `wanted`, given
    /// one that fits `caps` (<= budget) or none (empty); on return `found()` is the best one, or
    /// empty. `bound` is a proven lower bound of the objective.
    /// \returns yes: proved minimal; no: nothing fits
    verdict minimise(const objective& wanted, double interval, const resource_vector& caps,
                     const selection& start, double& bound) {
        problem_.set_caps(caps);
        problem_.set_interval(interval);
        incumbent best{start, start.empty() ? infinity : wanted.total(problem_, start)};
        table_.load(problem_, wanted);
        left_.keep(table_);
        proof p{verdict::unknown, wanted.least_total(problem_)};
        if (!problem_.credits_nothing()) {
            if (table_.every_row_has_one())
                p = least_in_table({problem_, table_, wanted}, p.bound, best);
            else if (!best.found())
                p.answer = verdict::no;
        }
        found_ = std::move(best.options);
        bound = p.bound;
        return p.answer;
    }

    const selection& found() const { return found_; }

    /// After `minimise`: whether a choice that needs no more than `found()` can have this option of
    /// row `i`.
    bool left(std::size_t i, std::uint32_t option) const { return left_.contains(i, option); }

    /// After `no`: the resource that is in the way: the one whose least needs alone are over the
    /// budget, or the one that takes most of the prices.
    std::size_t obstacle() const { return obstacle_; }

    /// Prices of the last infeasibility proof or bound, per share of the budget; they sum to 1.
    const resource_vector& prices() const { return prices_; }
    /// Whether nothing within `caps` fits, asked first at prices, of sum 1, that may well prove it.
    bool nothing_fits(const resource_vector& caps, const resource_vector& prices) {
        prices_ = prices;
        known_prices_ = true;
        const verdict any = feasible(infinity, caps);
        known_prices_ = false;
        return any == verdict::no;
    }

    resource_vector total(const selection& s) const { return problem_.total(s); }
    /// Of that, what stands between rows.
    resource_vector between(const selection& s) const { return problem_.between(s); }

    /// Makes the current prices a filter for `glance`.
    void price_all() {
        problem_.set_caps(budget_);
        filter_.build(problem_, prices_);
    }

    /// Cheap test of an interval with the prices of `price_all`: no, yes (`found()`), or unknown.
    verdict glance(double interval) {
        problem_.set_caps(budget_);
        if (!problem_.set_interval(interval)) return verdict::no;
        if (problem_.exceeded_by_least()) return verdict::no;
        const price_filter::cheapest cheapest = filter_.within(problem_);
        if (cheapest.price > 1.0 + rounding) return verdict::no;
        return problem_.fits(cheapest.options) ? accept(cheapest.options) : verdict::unknown;
    }

  private:
    struct proof {
        verdict answer;
        double bound;
    };

    verdict reject(std::size_t r) {
        obstacle_ = r;
        return verdict::no;
    }

    verdict reject_at(const resource_vector& p) {
        prices_ = p;
        return reject(dearest());
    }

    verdict accept(const selection& s) {
        found_ = s;
        return verdict::yes;
    }

    /// The resource that takes most of the current prices.
    std::size_t dearest() const {
        return static_cast<std::size_t>(
            std::distance(prices_.begin(), std::max_element(prices_.begin(), prices_.end())));
    }

    /// Whether something fits among the options that are left.
    verdict feasible_in_table() {
        const resource_subset scarce = table_.scarce(problem_);
        if (known_prices_ && problem_.edges != nullptr) {
            along_.bind(problem_, objective::none(), table_);
            if (along_.look(table_, prices_) > 1.0 + rounding) return reject(dearest());
        }
        trial_.along = nullptr;
        weighed w = problem_.edges != nullptr
                        ? weigh_by_planes_(problem_, table_, scarce, prices_, trial_)
                        : weigh(problem_, table_, scarce, prices_, survey_.bound, trial_);
        if (w.answer == verdict::unknown && problem_.edges != nullptr) {
            along_.bind(problem_, objective::none(), table_);
            trial_.along = &along_;
            w = weigh_by_planes_(problem_, table_, scarce, w.prices, trial_);
        }
        prices_ = w.prices;
        if (w.answer == verdict::no) return reject(dearest());
        if (w.found) return accept(*w.found);
        if (max_states_ == 0) return verdict::unknown;
        dynamic_program::question about{.goal = goal_, .max_choices = max_states_};
        const auto count = [&](double least_price) {
            about.counted = {};
            for (const std::size_t r : scarce)
                if (prices_[r] >= least_price) about.counted.add(r);
            about.everything_counts = about.counted.size() == scarce.size();
            about.prices = of_counted(prices_, about.counted);
            about.limit = sum_of(about.prices) + rounding;
        };
        count(1e-9);  // what has no price may not matter at all
        dynamic_program::outcome end = program_(problem_, table_, about, bound_along());
        if (end.answer == verdict::unknown && end.rejected && !end.found) {
            count(0.0);
            end = program_(problem_, table_, about, bound_along());
        }
        if (end.answer == verdict::no) return reject(dearest());
        return end.found ? accept(*end.found) : end.answer;
    }

    /// The best choice among the options that are left.
    proof least_in_table(const minimisation& asked, double bound, incumbent& best) {
        trial_.along = nullptr;
        price_ascent::top top = ascent_(asked, bound, best, trial_);  // without streams
        if (top.nothing_fits) return {verdict::no, top.bound};
        if (problem_.edges != nullptr && !(top.bound > asked.better.below(best.need))) {
            along_.bind(problem_, asked.wanted, table_);
            trial_.along = &along_;
            top = ascent_.along(asked, top.bound, best, trial_);
            if (top.nothing_fits) return {verdict::no, top.bound};
        }
        left_.keep(table_);
        const double below = asked.better.below(best.need);
        if (top.bound > below) return {verdict::yes, top.bound};
        if (trial_.beyond_proof(asked.streams_add)) return {verdict::unknown, top.bound};
        if (!trial_.strike(table_, top.prices, below - top.at_prices))
            return {verdict::yes, best.need};
        if (max_states_ == 0) return {verdict::unknown, top.bound};
        return least_by_program(asked, top, best);
    }

    /// The same by the dynamic program, with the bound at the top.
    proof least_by_program(const minimisation& asked, const price_ascent::top& top,
                           incumbent& best) {
        const double below = asked.better.below(best.need);
        dynamic_program::question about{
            .objective_limit = below,
            .goal = asked.wanted.is_delay() ? until::end : until::unproved,
            .max_choices = max_states_};
        const auto count = [&](double least_price) {
            about.counted = {};
            for (const std::size_t r : asked.scarce)
                if (top.prices[r] >= least_price) about.counted.add(r);
            about.everything_counts = about.counted.size() == asked.scarce.size();
            about.prices = of_counted(top.prices, about.counted);
            about.limit = below + sum_of(about.prices);
        };
        count(1e-9 * top.scale);  // what costs nothing at these prices may not matter at all
        dynamic_program::outcome end = program_(problem_, table_, about, bound_along());
        if (end.found) best.options = *end.found;
        if (end.answer == verdict::unknown && end.rejected) {
            count(0.0);
            end = program_(problem_, table_, about, bound_along());
            if (end.found) best.options = *end.found;
        }
        best.need = best.options.empty() ? infinity : asked.wanted.total(problem_, best.options);
        // streams that were left out add to what was found, maybe less to something else
        if (end.answer == verdict::yes && end.objective < below &&
            best.need > improvement::tie(end.objective))
            return {verdict::unknown, std::max(top.bound, end.objective)};
        if (end.answer != verdict::unknown)
            return {best.found() ? verdict::yes : verdict::no, best.need};
        const double dropped = end.dropped - sum_of(about.prices);
        const double bound = std::max(top.bound, std::min(dropped, best.need));
        if (best.found()) best.offer(asked, best.options);
        return {verdict::unknown, bound};
    }

    /// Prices without those of what is not counted: bounds look at the resources that choices are compared by,
    /// else a choice that beats another could be dropped for what the other does not need.
    static resource_vector of_counted(const resource_vector& prices,
                                      const resource_subset& counted) {
        resource_vector p{};
        for (const std::size_t r : counted) p[r] = prices[r];
        return p;
    }

    /// Along which rows are chosen, bound to what the table has now; nullptr: each on its own.
    stream_messages* bound_along() {
        if (trial_.along != nullptr) along_.bind(problem_, along_.wanted(), table_);
        return trial_.along;
    }

    resource_vector budget_{};
    std::size_t max_states_ = 1;
    until goal_ = until::fits;  // of `feasible`
    resource_vector prices_{};
    bool known_prices_ = false;  // whether these may prove what is asked
    std::size_t obstacle_ = 0;
    selection found_;
    survivors left_;
    knapsack_problem problem_;
    price_filter filter_;
    // the steps of the method, which keep their memory
    price_survey survey_;
    option_table table_;
    stream_messages along_;
    cheapest_choice trial_;
    price_ascent ascent_;
    plane_weighing weigh_by_planes_;
    dynamic_program program_;
};

}  // namespace hass::detail
