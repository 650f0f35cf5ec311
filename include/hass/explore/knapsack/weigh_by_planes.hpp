/// \file weigh_by_planes.hpp
/// Whether some choice fits, by the prices of sum 1 at which the cheapest choice is dearest: where
/// it costs more than 1 nothing fits. Found by cutting planes of all prices but one, which is what the others
/// leave of 1 and has to be more than 0: where it is not, the dearest takes its place. A dozen looks mostly reach the top,
/// where multiplicative weights (`weights.hpp`) take 40 to come near. Choices that are cheapest on the
/// way, repaired, and the rounded fractional one at the top are tried as answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

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
    /// no price. Where `trial` looks at each row on its own, no prices prove anything once rows fit
    /// without their streams, and the search ends.
    weighed operator()(const knapsack_problem& problem, option_table& table,
                       const resource_subset& scarce, const resource_vector& start,
                       cheapest_choice& trial) {
        if (scarce.empty()) return {verdict::unknown, start};
        weighed best{verdict::unknown, start};
        double highest = -1.0;
        resource_vector p = of_sum_one(start, scarce);
        planes_.clear();
        leave_out(dearest(p, scarce), scarce);
        fraction_.reset(axes_.size(), 1.0);
        for (int step = 0; step < steps; ++step) {
            trial.look(table, p);
            if (trial.price > 1.0 + share_rounding) return {verdict::no, p};
            if (problem.fits(trial.options)) return {verdict::yes, p, trial.options};
            if (trial.along == nullptr && no_more(problem.rows_total(trial.options), problem.caps))
                return {verdict::unknown, p};
            const double bound = trial.price;
            add_plane(p, trial);
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
            const double left = price_of_rest(p, best.prices, towards);
            p = of_sum_one(p, scarce);
            if (left <= 0.0) move_planes(dearest(p, scarce), scarce, trial.options.size());
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

    static std::size_t dearest(const resource_vector& p, const resource_subset& scarce) {
        std::size_t most = scarce[0];
        for (const std::size_t r : scarce)
            if (p[r] > p[most]) most = r;
        return most;
    }

    /// From now on the price of `rest` is what the others leave.
    void leave_out(std::size_t rest, const resource_subset& scarce) {
        rest_ = rest;
        axes_ = {};
        for (const std::size_t r : scarce)
            if (r != rest) axes_.add(r);
    }

    /// Moves `p` from the best prices towards the top. \returns what is left for `rest_`, maybe below 0
    double price_of_rest(resource_vector& p, const resource_vector& best, double towards) const {
        double left = 1.0;
        for (std::size_t a = 0; a < axes_.size(); ++a) {
            const double from = best[axes_[a]];
            p[axes_[a]] = from + towards * (fraction_.planes().top()[a] - from);
            left -= p[axes_[a]];
        }
        p[rest_] = std::max(0.0, left);
        return left;
    }

    /// What a choice needs of each resource, and what its price has beside.
    struct plane {
        resource_vector used;
        double beside;
    };

    /// In the prices of `axes_`.
    std::pair<double, resource_vector> seen(const plane& of) const {
        resource_vector slope{};
        for (std::size_t a = 0; a < axes_.size(); ++a)
            slope[a] = of.used[axes_[a]] - of.used[rest_];
        return {of.beside + of.used[rest_], slope};
    }

    void add_plane(const resource_vector& p, const cheapest_choice& trial) {
        planes_.push_back({trial.used, trial.price - dot(p, trial.used)});
        const auto [height, slope] = seen(planes_.back());
        fraction_.add(height, slope, trial.options);
    }

    void move_planes(std::size_t rest, const resource_subset& scarce, std::size_t rows) {
        leave_out(rest, scarce);
        std::size_t next = 0;
        fraction_.move(rows, axes_.size(), 1.0,
                       [&](const selection&) { return seen(planes_[next++]); });
    }

    std::size_t rest_ = 0;
    resource_subset axes_{};  ///< what is scarce, without `rest_`
    std::vector<plane> planes_{};
    fractional_choice fraction_;
};

}  // namespace hass::detail
