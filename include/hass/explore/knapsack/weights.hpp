/// \file weights.hpp
/// Whether some choice fits, by prices p >= 0 of shares that sum to 1: when the cheapest choice
/// costs more than 1, nothing fits. Prices are found by multiplicative weights,
///
///     p_r  <-  p_r exp(rate (used_r - 1))  /  sum
///
/// what the cheapest choice overspends becomes dearer; choices that are cheapest on the way, and
/// repaired, are tried as answers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/repair.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

/// Prices of shares that change with what is overspent.
class multiplicative_weights {
  public:
    /// Starts near `start`, with every price above zero.
    explicit multiplicative_weights(const resource_vector& start) : prices_(start) {
        for (double& v : prices_) v = std::max(v, 1e-3);
        normalise();
    }

    const resource_vector& prices() const { return prices_; }

    /// \param used  what the cheapest choice takes, shares
    void step(const resource_vector& used) {
        const double rate = 4.0 / (2.0 + steps_++);
        for (std::size_t r = 0; r < prices_.size(); ++r)
            prices_[r] *= std::exp(rate * (used[r] - 1.0));
        normalise();
    }

  private:
    void normalise() {
        const double sum = sum_of(prices_);
        for (double& v : prices_) v /= sum;
    }

    resource_vector prices_;
    int steps_ = 0;
};

/// What prices say of a problem.
struct weighed {
    verdict answer = verdict::unknown;
    resource_vector prices{};  ///< no: that prove it; yes: of the choice; else the best known
    std::optional<selection> found{};  ///< when yes
};

/// Looks for prices that prove that nothing fits, or for a choice that does, of rows without streams between
/// them (with streams: `weigh_by_planes.hpp`).
/// \param table  of which what cannot be part of an answer is struck out
/// \param start  prices whose cheapest choice costs `bound`
/// \param trial  looks at each row on its own
inline weighed weigh(const knapsack_problem& problem, option_table& table,
                     const resource_subset& scarce, const resource_vector& start, double bound,
                     cheapest_choice& trial) {
    constexpr int steps = 40;
    multiplicative_weights weights(start);
    resource_vector best_prices = start;
    double best_bound = bound;
    for (int step = 0; step < steps; ++step) {
        const resource_vector& p = weights.prices();
        trial.look(table, p);
        if (trial.price > 1.0 + share_rounding) return {verdict::no, p};
        if (problem.fits(trial.options)) return {verdict::yes, p, trial.options};
        if (auto s = repair(problem, table, scarce, p, trial, 1e-3).run())
            return {verdict::yes, p, std::move(s)};
        if (trial.price > best_bound || step == 0) {
            best_bound = trial.price, best_prices = p;
            if (!trial.strike(table, p, 1.0 + share_rounding - trial.price))
                return {verdict::no, p};
        }
        weights.step(trial.used);
    }
    return {verdict::unknown, best_prices};
}

}  // namespace hass::detail
