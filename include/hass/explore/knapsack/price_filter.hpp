/// \file price_filter.hpp
/// Prices as a filter for many intervals at once: of every row the least price among its k + 1
/// fastest options is kept for all k, so that the cheapest choice within an interval is a sum of
/// look-ups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

class price_filter {
  public:
    /// \param prices  of shares of the problem's caps, summing to 1
    void build(const knapsack_problem& problem, const resource_vector& prices) {
        const resource_vector q = problem.per_need(prices);
        first_.clear();
        cheapest_.clear();
        for (const frontier& row : problem.rows) {
            first_.push_back(static_cast<std::uint32_t>(cheapest_.size()));
            priced best{std::numeric_limits<double>::infinity(), 0};
            for (std::uint32_t k = 0; k < row.options.size(); ++k) {
                const double v = dot(q, row.options[k].need);
                if (v < best.price) best = {v, k};
                cheapest_.push_back(best);
            }
        }
    }

    struct cheapest {
        selection options;
        double price = 0.0;  ///< over 1: nothing within the interval fits
    };

    /// The cheapest choice within the problem's interval.
    cheapest within(const knapsack_problem& problem) const {
        cheapest c;
        c.options.resize(problem.rows.size());
        for (std::size_t i = 0; i < c.options.size(); ++i) {
            const priced& best = cheapest_[first_[i] + problem.within[i] - 1];
            c.price += best.price;
            c.options[i] = best.option;
        }
        return c;
    }

  private:
    struct priced {
        double price;
        std::uint32_t option;
    };

    std::vector<std::uint32_t> first_;  ///< of each row
    std::vector<priced> cheapest_;      ///< among the fastest ones up to there, row behind row
};

}  // namespace hass::detail
