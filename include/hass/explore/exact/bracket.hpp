/// \file bracket.hpp
/// Between which intervals the optimum lies, as far as the ladders show: their sums reject
/// intervals, and their cheapest choices, where they fit, accept some.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// low < the optimum <= high.
struct bracket {
    double low = 0.0;  ///< every interval up to it is infeasible; infinite: all are
    double high = std::numeric_limits<double>::infinity();  ///< of `best`; infinite: none is known
    selection best{};                                       ///< options of a choice that fits
    std::size_t obstacle = 0;  ///< where `low` is infinite: the resource in the way

    void take(const linked_problem& p, selection options) {
        best = std::move(options);
        high = p.interval_of(best);
    }
};

/// Bisects, in ratios, between an interval that is rejected and one that need not be.
/// \returns the largest one found that is rejected, once no more than a factor is between them
template <class Rejects>
double last_rejected(double bad, double good, double factor, const Rejects& rejects) {
    while (good > factor * bad) {
        const double middle = std::sqrt(bad * good);
        (rejects(middle) ? bad : good) = middle;
    }
    return bad;
}

/// The cheapest choice of an order within an interval, if it fits and the link takes at most `link`
/// cycles.
inline std::optional<selection> cheapest_that_fits(const linked_problem& p, const ladders& rows,
                                                   std::size_t order, double interval,
                                                   double link) {
    selection options = rows.cheapest(order, interval);
    const resource_vector sum = p.total(options);
    if (!no_more(sum, p.whole.budget)) return std::nullopt;
    if (p.coupled && !(p.whole.link.cycles(sum[bandwidth_index]) <= link)) return std::nullopt;
    return options;
}

/// The first of the cheapest choices of several orders that fits.
inline std::optional<selection> any_that_fits(const linked_problem& p, const ladders& rows,
                                              double interval, double link) {
    for (const std::size_t order :
         {priced_options::everything, priced_options::dsp_and_lut, lut_index, ladder::natural})
        if (auto options = cheapest_that_fits(p, rows, order, interval, link)) return options;
    if (!p.coupled) return std::nullopt;
    return cheapest_that_fits(p, rows, bandwidth_index, interval, link);
}
inline std::optional<selection> any_that_fits(const linked_problem& p, const ladders& rows,
                                              double interval) {
    return any_that_fits(p, rows, interval, interval);
}

/// The resource that takes most of the prices of a list.
constexpr std::size_t dearest(std::size_t list) {
    const resource_vector& prices = priced_options::prices[list];
    return static_cast<std::size_t>(
        std::distance(prices.begin(), std::max_element(prices.begin(), prices.end())));
}

/// What the ladders alone show.
inline bracket bracket_optimum(const linked_problem& p, const ladders& rows) {
    bracket b;
    b.low = std::nextafter(rows.floor(), 0.0);
    const double top = rows.top();
    for (std::size_t list = 0; list < priced_options::lists; ++list) {
        const auto rejects = [&](double interval) { return rows.reject(list, interval); };
        const double bottom = std::max(b.low, rows.floor());
        if (!rejects(bottom)) continue;
        if (rejects(top)) {
            b.low = std::numeric_limits<double>::infinity();
            b.obstacle = dearest(list);
            return b;
        }
        b.low = last_rejected(bottom, top, 1.00005, rejects);
    }
    // an interval little above that one of the cheapest choices meets
    double bad = std::max(b.low, rows.floor());
    if (auto options = any_that_fits(p, rows, bad)) {
        b.take(p, *std::move(options));
        return b;
    }
    constexpr double slow_link = std::numeric_limits<double>::max();
    auto slow = any_that_fits(p, rows, top, slow_link);
    if (!slow) return b;
    b.take(p, *std::move(slow));
    while (b.high > bad * 1.0005) {
        const double middle = std::sqrt(bad * std::min(b.high, 1.5 * bad));
        if (auto options = any_that_fits(p, rows, middle))
            b.take(p, *std::move(options));
        else
            bad = middle;
    }
    return b;
}

/// Whether neither a row nor the link has an interval within the bracket: `high` is the optimum,
/// where what the link takes does not depend on the choice.
inline bool nothing_between(const linked_problem& p, const bracket& b, double floor) {
    if (b.low < floor && floor < b.high) return false;
    for (const row_options& row : p.whole.rows) {
        bool between = false;
        for (const double c : row.cycles) between |= c > b.low && c < b.high;
        if (between) return false;
    }
    return true;
}

}  // namespace hass::detail
