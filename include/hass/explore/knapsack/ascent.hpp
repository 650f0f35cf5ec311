/// \file ascent.hpp
/// The least objective, from below and from above: prices at which the Lagrangian bound
///
///     L(p) = min over choices of (objective + p . share)  -  sum of p
///
/// is highest are found by cutting planes. On the way options are struck out whose reduced cost no
/// answer can afford, and at the end the cheapest choice and the rounded fractional one, repaired,
/// are tried as answers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/fractional_choice.hpp>
#include <hass/explore/knapsack/improve.hpp>
#include <hass/explore/knapsack/minimisation.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

class price_ascent {
  public:
    /// What is proved.
    struct top {
        bool nothing_fits = false;
        resource_vector prices{};
        double at_prices = 0.0;  ///< the bound at these prices ...
        double bound = 0.0;      ///< ... and the highest that is known
        double scale = 1.0;      ///< a little more than any choice takes of the objective; 1 when
                                 ///< nothing is to be least
    };

    void set_steps(int steps) { steps_ = steps; }

    /// Strikes out what cannot be part of an answer, ties excepted.
    /// \param bound  that is known
    /// \param best   is made better
    /// \param trial  is left with the rows' least prices at the top
    top operator()(const minimisation& asked, double bound, incumbent& best,
                   cheapest_choice& trial) {
        top t = begin(asked, bound);
        fraction_.reset(asked.scarce.size(), 16.0 * t.scale);
        return climb(asked, {}, best, trial, t);
    }

    /// The same after rows have been looked at without their streams, which `trial` looks along
    /// now: begins at the top of what the choices of that ascent take with them.
    top along(const minimisation& asked, double bound, incumbent& best, cheapest_choice& trial) {
        top t = begin(asked, bound);
        const knapsack_problem& problem = asked.problem;
        fraction_.move(problem.rows.size(), asked.scarce.size(), 16.0 * t.scale,
                       [&](const selection& s) {
                           const resource_vector total = problem.total(s);
                           resource_vector slope{};
                           for (std::size_t a = 0; a < asked.scarce.size(); ++a) {
                               const std::size_t r = asked.scarce[a];
                               slope[a] = total[r] * problem.share[r] - 1.0;
                           }
                           return std::pair{asked.wanted.total(problem, s), slope};
                       });
        resource_vector start{};
        if (!fraction_.empty())
            for (std::size_t a = 0; a < asked.scarce.size(); ++a)
                start[asked.scarce[a]] = fraction_.planes().top()[a];
        return climb(asked, start, best, trial, t);
    }

  private:
    top begin(const minimisation& asked, double bound) const {
        top t;
        t.bound = bound;
        t.scale = (asked.table.largest_objective() + asked.wanted.most_between(asked.problem)) *
                  (1.0 + 1e-9);
        return t;
    }

    top climb(const minimisation& asked, const resource_vector& start, incumbent& best,
              cheapest_choice& trial, top t) {
        looked_at_top_ = false;
        find_top(asked, start, best, trial, t);
        if (t.nothing_fits) return t;
        if (!looked_at_top_) trial.look(asked.table, t.prices);
        t.at_prices = trial.price - sum_of(t.prices);
        t.bound = std::max(t.bound, t.at_prices);
        if (t.bound <= asked.better.below(best.need)) {
            best.offer_repaired(asked, t.prices, trial);
            if (!fraction_.empty()) offer_rounded(asked, t.prices, best, trial);
        }
        if (!trial.beyond_proof(asked.streams_add))
            trial.strike(asked.table, t.prices, std::max(0.0, affords(asked, best) - t.at_prices));
        return t;
    }

    /// What a better choice than the best has of the objective at most.
    static double affords(const minimisation& asked, const incumbent& best) {
        return improvement::tie(asked.wanted.is_none() ? 0.0 : best.need);
    }

    /// Sets `prices`, `bound` and `nothing_fits` of `t`.
    void find_top(const minimisation& asked, const resource_vector& start, incumbent& best,
                  cheapest_choice& trial, top& t) {
        const cutting_planes<resources.size()>& planes = fraction_.planes();
        // along streams striking takes as long as looking
        const double worth = trial.along != nullptr ? 0.5 : 1.0;
        double struck = std::numeric_limits<double>::infinity();
        resource_vector p = start;
        double highest = -std::numeric_limits<double>::infinity();
        for (int step = 0; step < steps_; ++step) {
            trial.look(asked.table, p);
            const double at_p = trial.price - sum_of(p);
            looked_at_top_ = at_p > highest;
            if (looked_at_top_) {
                highest = at_p;
                t.prices = p;
                t.bound = std::max(t.bound, at_p);
                t.nothing_fits = t.bound > (asked.wanted.is_none() ? 1e-9 : t.scale);
                if (t.nothing_fits) return;
            }
            add_plane(asked.scarce, p, at_p, trial);
            if (looked_at_top_ && planes.height() - at_p > tolerance(asked, planes.height())) {
                const double slack = std::max(0.0, affords(asked, best) - at_p);
                if (slack < worth * struck) {
                    struck = slack;
                    looked_at_top_ = false;
                    if (!trial.strike(asked.table, p, slack) && !best.found()) {
                        t.nothing_fits = true;
                        return;
                    }
                }
            }
            if (t.bound > asked.better.below(best.need)) return;
            const double height = planes.height();
            if (!best.found() && height - at_p <= 0.02 * std::abs(height)) {
                offer_rounded(asked, p, best, trial);
                if (t.bound > asked.better.below(best.need)) return;
            }
            if (height - highest <= tolerance(asked, height)) return;
            // the top of few planes may be far off: not all the way there, but for every fourth
            // time
            const double towards = step % 4 == 3 ? 1.0 : 0.6;
            for (std::size_t a = 0; a < asked.scarce.size(); ++a) {
                const std::size_t r = asked.scarce[a];
                p[r] = t.prices[r] + towards * (planes.top()[a] - t.prices[r]);
            }
        }
    }

    /// The plane on which the bound at prices `p` lies: it falls by what `trial` leaves.
    void add_plane(const resource_subset& scarce, const resource_vector& p, double at_p,
                   const cheapest_choice& trial) {
        resource_vector slope{};
        double height = at_p;
        for (std::size_t a = 0; a < scarce.size(); ++a) {
            slope[a] = trial.used[scarce[a]] - 1.0;
            height -= slope[a] * p[scarce[a]];
        }
        fraction_.add(height, slope, trial.options);
    }

    /// How far from its top the bound may stay.
    static double tolerance(const minimisation& asked, double height) {
        return std::max(1e-5 * std::abs(height), 0.05 * asked.better.quantum());
    }

    void offer_rounded(const minimisation& asked, const resource_vector& p, incumbent& best,
                       cheapest_choice& trial) {
        looked_at_top_ = false;
        trial.options = fraction_.rounded(asked.problem, std::move(trial.options));
        best.offer_repaired(asked, p, trial);
    }

    int steps_ = 80;
    bool looked_at_top_ = false;  // whether the trial is the cheapest choice at the top
    fractional_choice fraction_;
};

}  // namespace hass::detail
