/// \file narrow.hpp
/// Moves both ends of a bracket together through a small problem, what the ladders offer: its
/// answers lower the upper end; the prices at which it has none raise the lower one, if they reject
/// the whole problem too, and strike out candidates in any case.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/exact/bracket.hpp>
#include <hass/explore/exact/candidates.hpp>
#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// Of each row the least price of its candidates within an interval, as stairs over intervals above
/// `low`.
class price_stairs {
  public:
    /// \param prices  a share of the budget each
    void build(const linked_problem& p, const candidates& all, const resource_vector& prices,
               double low) {
        const resource_vector q = p.per_need(prices);
        steps_.clear();
        first_.assign(1, 0);
        for (std::size_t i = 0; i < p.size(); ++i) {
            const std::span<const double> cycles = p.row(i).cycles;
            const std::vector<resource_vector>& needs = p.needs(i);
            const std::size_t first = steps_.size();
            double base = infinity;
            for (const std::uint32_t k : all.of(i))
                if (cycles[k] <= low) base = std::min(base, dot(q, needs[k]));
            steps_.push_back({-infinity, base});
            for (const std::uint32_t k : all.of(i))
                if (cycles[k] > low) {
                    const double price = dot(q, needs[k]);
                    if (price < base) steps_.push_back({cycles[k], price});
                }
            std::sort(steps_.begin() + static_cast<std::ptrdiff_t>(first), steps_.end());
            for (std::size_t k = first + 1; k < steps_.size(); ++k)
                steps_[k].second = std::min(steps_[k].second, steps_[k - 1].second);
            first_.push_back(steps_.size());
        }
    }

    /// Whether these prices show that nothing within an interval fits.
    bool reject(double interval) const {
        double sum = 0.0;
        for (std::size_t i = 0; i + 1 < first_.size(); ++i) {
            const auto begin = steps_.begin() + static_cast<std::ptrdiff_t>(first_[i]);
            const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(first_[i + 1]);
            const auto slower =
                std::upper_bound(begin, end, interval,
                                 [](double limit, const auto& step) { return limit < step.first; });
            sum += std::prev(slower)->second;
        }
        return sum > 1.0 + share_rounding;
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    std::vector<std::pair<double, double>> steps_;  // cycles, least price from there on
    std::vector<std::size_t> first_;                // step of each row, and the end
};

/// See the head of the file.
class narrowing {
  public:
    /// \param b    its upper end is finite
    /// \param all  collected at that end; those that are struck out are gone afterwards
    /// \param c    asked without a search: it keeps the prices of the last question
    bracket operator()(const linked_problem& p, const ladders& rows, bracket b, candidates& all,
                       chooser& c) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        c.set_max_states(0);
        double low = b.low;  // infeasible, or not decided here
        for (int round = 0; round < 16 && b.high > 1.0005 * low; ++round) {
            const double middle = std::max(rows.floor(), std::sqrt(low * b.high));
            const std::span<const frontier> small = rungs(p, rows, middle);
            c.bind(small);
            if (c.feasible(infinity, p.limits_at(middle)) == verdict::yes) {
                b.take(p, options_at(small, c.found()));
                all.keep_within(p, b.high);
                continue;
            }
            all.strike(p, c.prices());
            stairs_.build(p, all, c.prices(), b.low);
            b.low = last_rejected(b.low, b.high, 1.0002,
                                  [&](double interval) { return stairs_.reject(interval); });
            low = std::max(middle, b.low);
        }
        return b;
    }

  private:
    /// What the ladders offer within `interval`: a small problem whose answers are good ones of the
    /// whole.
    std::span<const frontier> rungs(const linked_problem& p, const ladders& rows, double interval) {
        rungs_.resize(p.size());
        for (std::size_t i = 0; i < rungs_.size(); ++i) {
            std::array<std::uint32_t, ladder::orders> options{};
            for (std::size_t order = 0; order < options.size(); ++order)
                options[order] = rows[i].at(order, interval).option;
            std::sort(options.begin(), options.end());
            keep_unbeaten(p.row(i), options, interval, rungs_[i]);
        }
        return rungs_;
    }

    // scratch
    std::vector<frontier> rungs_;
    price_stairs stairs_;
};

}  // namespace hass::detail
