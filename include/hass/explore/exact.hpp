/// \file exact.hpp
/// The optimal policy: smallest interval, then the least sum of shares of all that the board has.
///
/// An interval is feasible if options that are fast enough fit the budget together, and a
/// larger one is feasible if a smaller one is, so the smallest is found by bisection over the
/// cycles that occur. To ask few and small questions:
///   1. bracket  every row is seen through a few price lists (`exact/ladder.hpp`). Sums over rows
///               reject intervals, and cheapest choices, where they fit, accept some: that brackets
///               the optimum, often to a point
///   2. narrow   options so dear that the others' cheapest would not fit beside them are left out;
///               a small problem moves both ends of the bracket (`exact/narrow.hpp`)
///   3. prove    bisection over what remains, each question decided exactly (`exact/prove.hpp`)
///   4. ties     of the choices of that interval the one that takes the least sum of shares of the
///               budget (`exact/ties.hpp`)
///
/// The board's link sets a floor of the interval (`link.hpp`). Where rows may read weights
/// off-chip, that floor depends on the choice: at an interval T weights may take no more than the
/// images leave (`weight_room`), which grows with T, so that what is feasible at T is so above.
///
/// What stands between rows (`priced_edges.hpp`) is >= 0, so that whatever is rejected without it
/// is so with it: steps 1 and 2 reject without it. Whatever is accepted fits with it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <hass/explore/exact/any_fit.hpp>
#include <hass/explore/exact/bracket.hpp>
#include <hass/explore/exact/candidates.hpp>
#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/exact/last_optimum.hpp>
#include <hass/explore/exact/narrow.hpp>
#include <hass/explore/exact/obstacle.hpp>
#include <hass/explore/exact/prove.hpp>
#include <hass/explore/exact/ties.hpp>
#include <hass/explore/exact/within.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>
#include <hass/explore/policy.hpp>

namespace hass {

/// See the head of the file. Deterministic. Needs are compared with a relative tolerance of 1e-12;
/// what is saved exactly where it is a multiple of 1/4, as DSPs are, sums of shares and LUTs to
/// 1e-9; what is returned is within the budget without any tolerance, and what is said not to fit may fit by no
/// more than 1e-12 of a resource.
class exact {
  public:
    /// \param max_states      partial choices kept at once before a proof of the interval is given
    ///                        up (the gap is stated then); at most 100 where the gap is below 1e-4
    /// \param max_tie_states  the same for the proof that no design of that interval takes less; 0:
    ///                        only what bounds and local search give
    explicit exact(std::size_t max_states = 2000, std::size_t max_tie_states = 8)
        : max_states_(max_states), break_ties_(max_tie_states) {}

    allocation_choice operator()(const allocation_problem& problem) {
        const detail::linked_problem p = look_at(problem);
        if (ladders_.floor() == infinity)  // weights leave the link nothing
            return nothing({infinity, {}, infinity, bandwidth_index});
        if (const auto interval = last_.holds(p, ladders_, chooser_)) {
            const auto chosen =
                break_ties_(p, within_, *interval, detail::all_shares, {}, chooser_);
            if (!chosen.options.empty()) return answer(p, *interval, *interval, chosen);
        }
        last_.forget();
        const detail::optimum fastest = find_fastest(p);
        if (fastest.options.empty()) return nothing(fastest);
        if (fastest.proved_interval >= fastest.interval)
            last_.remember(p, fastest.interval, chooser_.prices());
        return answer(p, fastest.interval, fastest.proved_interval,
                      break_ties_(p, within_, fastest.interval, detail::all_shares, fastest.options,
                                  chooser_));
    }

    /// The choice within `interval` cycles that needs least of resource `r` (an index into
    /// `resources`), then the least sum of shares.
    /// \returns found; `proved_interval` is `interval` then, otherwise infinite when it is proved
    /// that no choice is as fast, else the fastest row's bound; `least` and `minimal` of `r`
    allocation_choice minimise(const allocation_problem& problem, std::size_t r, double interval) {
        const detail::linked_problem p = look_at(problem);
        if (interval < ladders_.floor())
            return nothing({infinity, {}, infinity, interval < p.link_floor ? bandwidth_index : 0});
        const detail::optimum any = find_within(p, interval);
        if (any.options.empty()) return nothing(any);
        const auto chosen = break_ties_(p, within_, interval, r, any.options, chooser_);
        allocation_choice result;
        result.found = true;
        result.options = chosen.options;
        result.proved_interval = interval;
        result.least = chosen.least;
        result.minimal = chosen.minimal;
        return result;
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    detail::linked_problem look_at(const allocation_problem& problem) {
        const detail::linked_problem p(problem);
        chooser_.reset(problem.budget, max_states_);
        chooser_.set_edges(problem.edges);
        ladders_.climb(p);
        return p;
    }

    /// A choice of smallest interval. The chooser is left with the prices of the proof.
    detail::optimum find_fastest(const detail::linked_problem& p) {
        const double floor = ladders_.floor();
        detail::bracket b = detail::bracket_optimum(p, ladders_);
        if (b.low == infinity) return {infinity, {}, infinity, b.obstacle};
        if (b.high == infinity) {
            detail::optimum any = any_fit_(p, floor, within_, chooser_);
            if (any.options.empty()) return any;
            b.take(p, std::move(any.options));
        }
        if (b.high <= floor || (!p.coupled && detail::nothing_between(p, b, floor)))
            return {b.high, b.best, b.high};
        candidates_.collect(p, ladders_, b.high);
        b = narrow_(p, ladders_, std::move(b), candidates_, chooser_);
        const auto rows = candidates_.unbeaten(p, std::max(b.low, floor));
        return detail::prove(p, floor, rows, std::move(b), chooser_, max_states_);
    }

    /// Some choice within an interval.
    detail::optimum find_within(const detail::linked_problem& p, double interval) {
        if (auto cheap = detail::any_that_fits(p, ladders_, interval))
            return {interval, *std::move(cheap)};
        const std::span<const frontier> rows = within_(p, interval);
        chooser_.bind(rows);
        const detail::verdict any = chooser_.feasible(infinity, p.limits_at(interval));
        if (any == detail::verdict::yes)
            return {interval, detail::options_at(rows, chooser_.found())};
        const bool proved = any == detail::verdict::no;
        return {infinity, {}, proved ? infinity : ladders_.floor(), chooser_.obstacle()};
    }

    allocation_choice answer(const detail::linked_problem& p, double interval, double proved,
                             const detail::thrifty_choice& chosen) const {
        allocation_choice result;
        result.found = true;
        result.options = chosen.options;
        result.proved_interval = proved;
        result.least = chosen.least;
        result.minimal = chosen.minimal;
        result.obstacle = detail::obstacle_below(p, ladders_, interval);
        return result;
    }

    static allocation_choice nothing(const detail::optimum& none) {
        allocation_choice result;
        result.proved_interval = none.proved_interval;
        result.obstacle = none.obstacle;
        return result;
    }

    std::size_t max_states_;
    // kept between calls: rows that have not changed, the last answers, scratch memory
    detail::chooser chooser_;
    detail::ladders ladders_;
    detail::candidates candidates_;
    detail::rows_within within_;
    detail::any_fit any_fit_;
    detail::last_optimum last_;
    detail::narrowing narrow_;
    detail::tie_breaker break_ties_;
};

}  // namespace hass
