/// \file ties.hpp
/// Which of the choices within an interval: the one that needs least of one resource, and then of
/// another. At the interval that is optimal a row has a dozen options that no other one beats;
/// `chooser` decides among these.
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

/// What is to be saved, as indices into `resources`.
struct savings {
    std::size_t first = dsp_index;
    std::size_t second = lut_index;

    bool operator==(const savings&) const = default;
};

/// A choice that spends little, and what is proved of it.
struct thrifty_choice {
    selection options{};      ///< empty: no choice was found
    bool first = false;       ///< nothing within the interval needs less of the first resource
    bool second = false;      ///< ... and, as little of the first, less of the second
    double least_need = 0.0;  ///< no choice within the interval needs less of the first
};

/// See the head of the file. The last answer is kept as long as the same is asked.
class tie_breaker {
  public:
    /// \param max_states      of the search for a choice that fits
    /// \param max_tie_states  of the proofs
    tie_breaker(std::size_t max_states, std::size_t max_tie_states)
        : max_states_(max_states), max_tie_states_(max_tie_states) {}

    /// \param within  what is offered
    /// \param known   a choice within the interval, or none (empty)
    thrifty_choice operator()(const linked_problem& p, rows_within& within, double interval,
                              const savings& wanted, const selection& known, chooser& c) {
        const std::span<const frontier> rows = within(p, interval);
        const question asked{within.generation(), wanted, p.limits_at(interval),
                             p.whole.bram18_from_lut,
                             p.whole.edges != nullptr ? p.whole.edges->version() : 0};
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
        savings wanted{};
        resource_vector limits{};
        bool builds_bram18 = false;
        std::uint64_t edges = 0;  ///< version of what stands between the rows

        bool operator==(const question&) const = default;
    };

    thrifty_choice choose(const linked_problem& p, std::span<const frontier> rows, double interval,
                          const question& asked, const selection& known, chooser& c) {
        c.bind(rows);
        const auto [first, second] = asked.wanted;
        thrifty_choice answer;
        const selection leanest(rows.size(), 0);  // fewest DSPs, then LUTs, row by row
        const resource_vector least = c.total(leanest);
        if (asked.wanted == savings{} && no_more(least, asked.limits) &&
            !builds_bram18(p.whole, least) && c.between(leanest) == resource_vector{}) {
            answer = {options_at(rows, leanest), true, true, 0.0};
            answer.least_need = p.total(answer.options)[first];
            return answer;
        }
        c.reset(p.whole.budget, max_tie_states_);
        minimum of_first = minimise(p.whole, c, first, interval, asked.limits, {});
        if (of_first.points.empty()) {
            const selection start = any_start(p, rows, asked.limits, known, c);
            if (start.empty()) return answer;
            c.set_max_states(max_tie_states_);
            of_first = minimise(p.whole, c, first, interval, asked.limits, start);
        }
        const double reached = taken(p.whole, first, c.total(of_first.points));
        answer.first = of_first.proved;
        answer.least_need = of_first.proved ? reached : std::min(reached, of_first.bound);
        answer.options = options_at(rows, of_first.points);
        // of what is left, the least of the second
        const bool all = first == lut_index && p.whole.bram18_from_lut;
        const resource_vector caps = capped(p.whole, asked.limits, first, reached);
        offer_survivors(rows, of_first.points, all, c);
        if (!of_first.proved) c.set_max_states(0);
        const minimum of_second =
            minimise(p.whole, c, second, interval, caps, points_of(p, survivors_, answer.options));
        answer.second = of_first.proved && of_second.proved;
        answer.options = options_at(survivors_, of_second.points);
        return answer;
    }

    /// Points of a choice that fits, or none.
    selection any_start(const linked_problem& p, std::span<const frontier> rows,
                        const resource_vector& limits, const selection& known, chooser& c) const {
        c.set_max_states(max_states_);
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

    std::size_t max_states_;
    std::size_t max_tie_states_;
    thrifty_choice last_;  // of `asked_`; empty: none
    question asked_;
    std::vector<frontier> survivors_;  // scratch
};

}  // namespace hass::detail
