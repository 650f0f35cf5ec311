/// \file weigh_by_planes.hpp
/// Whether some choice fits, by the prices of sum 1 at which the cheapest choice is dearest: where
/// it costs more than 1 nothing fits. Found by cutting planes, the last price being what the others
/// leave of 1: a dozen looks, and the top itself, where multiplicative weights (`weights.hpp`) take 40
/// to come near. Choices that are cheapest on the way, repaired, and the rounded fractional one at the
/// top are tried as answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/fractional_choice.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/repair.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>
#include <hass/explore/knapsack/weights.hpp>

namespace hass::detail {

/// See the head of the file. Keeps its memory.
class plane_weighing {
  public:
    /// The parameters and what comes back are those of `weigh`; resources that cannot run out get
    /// no price.
    weighed operator()(const knapsack_problem& problem, option_table& table,
                       const resource_subset& scarce, const resource_vector& start,
                       cheapest_choice& trial) {
        if (scarce.empty()) return {verdict::unknown, start};
        const std::size_t last = scarce[scarce.size() - 1];
        fraction_.reset(scarce.size() - 1, 1.0);
        weighed best{verdict::unknown, start};
        double highest = -1.0;
        resource_vector p = of_sum_one(start, scarce);
        for (int step = 0; step < steps; ++step) {
            trial.look(table, p);
            if (trial.price > 1.0 + share_rounding) return {verdict::no, p};
            if (problem.fits(trial.options)) return {verdict::yes, p, trial.options};
            if (trial.along == nullptr && no_more(problem.rows_total(trial.options), problem.caps))
                return {verdict::unknown, p, std::nullopt, true};
            const double bound = trial.price;
            add_plane(scarce, p, trial);
            const double top = fraction_.planes().height();
            if (top - bound <= near) {
                if (auto s = repair(problem, table, scarce, p, trial, care).run())
                    return {verdict::yes, p, std::move(s)};
            }
            if (bound > highest) {
                highest = bound, best.prices = p;
                if (!trial.strike(table, p, 1.0 + share_rounding - bound)) return {verdict::no, p};
            }
            if (top - highest <= tolerance) break;
            // the top of few planes may be far off: not all the way there, but for every fourth time
            const double towards = step % 4 == 3 ? 1.0 : 0.6;
            for (std::size_t a = 0; a + 1 < scarce.size(); ++a) {
                const double from = best.prices[scarce[a]];
                p[scarce[a]] = from + towards * (fraction_.planes().top()[a] - from);
            }
            p[last] = 0.0;
            p[last] = std::max(0.0, 1.0 - sum_of(p));
            p = of_sum_one(p, scarce);
        }
        trial.options = fraction_.rounded(problem, std::move(trial.options));
        if (problem.fits(trial.options)) return {verdict::yes, best.prices, trial.options};
        if (auto s = repair(problem, table, scarce, best.prices, trial, care).run())
            return {verdict::yes, best.prices, std::move(s)};
        return best;
    }

  private:
    static constexpr int steps = 40;
    static constexpr double tolerance = 2e-6;  // of the bound
    static constexpr double near = 1e-3;       // of its top: worth a repair
    static constexpr double care = 1e3;        // of repairs

    /// Prices of what is scarce.
    static resource_vector of_sum_one(const resource_vector& p, const resource_subset& scarce) {
        double sum = 0.0;
        for (const std::size_t r : scarce) sum += p[r];
        resource_vector q{};
        for (const std::size_t r : scarce)
            q[r] = sum > 0.0 ? p[r] / sum : 1.0 / static_cast<double>(scarce.size());
        return q;
    }

    /// In all prices but the last one.
    void add_plane(const resource_subset& scarce, const resource_vector& p,
                   const cheapest_choice& trial) {
        resource_vector slope{};
        double height = trial.price;
        for (std::size_t a = 0; a + 1 < scarce.size(); ++a) {
            slope[a] = trial.used[scarce[a]] - trial.used[scarce[scarce.size() - 1]];
            height -= slope[a] * p[scarce[a]];
        }
        fraction_.add(height, slope, trial.options);
    }

    fractional_choice fraction_;
};

}  // namespace hass::detail
