/// \file ties.hpp
/// Which of the choices within an interval: the one that takes the least sum of shares of all that
/// the board has, so that nothing scarce is spent to save a little of what is plenty; or the one
/// that needs least of one resource, and of those the one of the least sum. At the interval that is
/// optimal a row has a dozen options that no other one beats; `chooser` decides among these.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/exact/minimum.hpp>
#include <hass/explore/exact/within.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// A choice that spends little, and what is proved of it.
struct thrifty_choice {
    selection options{};   ///< empty: no choice was found
    double least = 0.0;    ///< no choice within the interval takes less of what is saved ...
    bool minimal = false;  ///< ... nor does this one take more
};

/// See the head of the file. The last answer is kept as long as the same is asked.
class tie_breaker {
  public:
    /// \param max_tie_states  partial choices of the proofs
    explicit tie_breaker(std::size_t max_tie_states) : max_tie_states_(max_tie_states) {}

    /// \param within  what is offered
    /// \param saved   see `all_shares`
    /// \param known   a choice within the interval, or none (empty)
    thrifty_choice operator()(const linked_problem& p, rows_within& within, double interval,
                              std::size_t saved, const selection& known, chooser& c) {
        const std::span<const frontier> rows = within(p, interval);
        const question asked{
            within.generation(),     saved,
            p.whole.budget,          p.limits_at(interval),
            p.whole.bram18_from_lut, p.whole.edges != nullptr ? p.whole.edges->version() : 0};
        if (last_.options.empty() || !(asked == asked_)) {
            thrifty_choice answer = choose(p, rows, interval, asked, known, c);
            if (answer.options.empty()) return answer;
            last_ = std::move(answer);
            asked_ = asked;
        }
        return last_;
    }

  private:
    /// All that an answer depends on, but for what is known already.
    struct question {
        std::uint64_t offered = 0;  ///< generation of the rows
        std::size_t saved = all_shares;
        resource_vector budget{};
        resource_vector limits{};
        bool builds_bram18 = false;
        std::uint64_t edges = 0;  ///< version of what stands between the rows

        bool operator==(const question&) const = default;
    };

    thrifty_choice choose(const linked_problem& p, std::span<const frontier> rows, double interval,
                          const question& asked, const selection& known, chooser& c) {
        c.bind(rows);
        const objective wanted = objective_of(p.whole, asked.saved);
        const selection leanest = least_of_each(rows, wanted);
        const resource_vector least = c.total(leanest);
        if (asked.saved == all_shares && no_more(least, asked.limits) &&
            c.between(leanest) == resource_vector{})
            return {options_at(rows, leanest), wanted.of(least), true};
        c.reset(p.whole.budget, max_tie_states_);
        minimum best = minimise(p.whole, c, asked.saved, interval, asked.limits, {});
        if (best.points.empty()) {
            const selection start = any_start(p, rows, asked.limits, known, c);
            if (start.empty()) return {};
            c.set_max_states(max_tie_states_);
            best = minimise(p.whole, c, asked.saved, interval, asked.limits, start);
        }
        const double reached = taken(p.whole, asked.saved, c.total(best.points));
        const double bound = best.proved ? reached : std::min(reached, best.bound);
        selection options = options_at(rows, best.points);
        if (asked.saved == all_shares) return {std::move(options), bound, best.proved};
        // of what is left, the least sum of shares
        const bool all = asked.saved == lut_index && p.whole.bram18_from_lut;
        const resource_vector caps = capped(p.whole, asked.limits, asked.saved, reached);
        offer_survivors(rows, best.points, all, c);
        if (!best.proved) c.set_max_states(0);
        const minimum of_shares =
            minimise(p.whole, c, all_shares, interval, caps, points_of(p, survivors_, options));
        return {options_at(survivors_, of_shares.points), bound, best.proved};
    }

    /// Of every row the point that takes least, the first on ties.
    static selection least_of_each(std::span<const frontier> rows, const objective& wanted) {
        selection s(rows.size(), 0);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            double least = wanted.of(rows[i], 0);
            for (std::uint32_t k = 1; k < rows[i].options.size(); ++k)
                if (const double v = wanted.of(rows[i], k); v < least) least = v, s[i] = k;
        }
        return s;
    }

    /// Points of a choice that fits, or none. Without partial choices: where that is not enough a choice is
    /// known, or the whole has to be looked at again.
    selection any_start(const linked_problem& p, std::span<const frontier> rows,
                        const resource_vector& limits, const selection& known, chooser& c) const {
        c.set_max_states(0);
        if (c.feasible(chooser::infinity, limits) == verdict::yes) return c.found();
        return known.empty() ? selection{} : points_of(p, rows, known);
    }

    /// Hands the chooser what its last minimum left over of `rows`, or everything, and the choice
    /// `s` of that in any case.
    void offer_survivors(std::span<const frontier> rows, const selection& s, bool all, chooser& c) {
        survivors_.resize(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            survivors_[i].options.clear();
            for (std::uint32_t k = 0; k < rows[i].options.size(); ++k)
                if (all || k == s[i] || c.left(i, k))
                    survivors_[i].options.push_back(rows[i].options[k]);
            order_points(survivors_[i]);
        }
        c.bind(survivors_);
    }

    std::size_t max_tie_states_;
    thrifty_choice last_;  // of `asked_`; empty: none
    question asked_;
    std::vector<frontier> survivors_;  // scratch
};

}  // namespace hass::detail
