/// \file minimisation.hpp
/// The second question: of the options that are left, the choice that fits and has least of an
/// objective.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>

#include <hass/explore/knapsack/objective.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

/// How much less counts as less.
class improvement {
  public:
    /// Needs that are multiples of 1/4 are told apart by their greatest common divisor, others by
    /// 1e-9.
    improvement(const knapsack_problem& problem, const objective& wanted)
        : quantum_(quantum(problem, wanted)) {}

    /// Greatest common divisor of the needs; 0: there is none.
    double quantum() const { return quantum_; }

    /// What is better than `v` has at most this.
    double below(double v) const {
        if (v == std::numeric_limits<double>::infinity()) return v;  // anything
        return v - (quantum_ > 0.0 ? 0.75 * quantum_ : 1e-9 * (1.0 + std::abs(v)));
    }

    /// As good as `v`, but for rounding.
    static double tie(double v) { return v + 1e-9 * (1.0 + std::abs(v)); }

  private:
    static double quantum(const knapsack_problem& problem, const objective& wanted) {
        if (!wanted.has_streams()) return 0.0;
        std::int64_t g = 0;
        const auto add = [&g](double need) {
            const double quarters = 4.0 * need;
            if (quarters != std::floor(quarters) || quarters > 1e15) return false;
            g = std::gcd(g, static_cast<std::int64_t>(quarters));
            return true;
        };
        if (wanted.most_between(problem) > 0.0)
            for (const priced_edge& e : problem.edges->edges())
                for (const resource_vector& need : e.needs)
                    if (!add(wanted.of(need))) return 0.0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i)
            for (std::size_t k = 0; k < problem.within[i]; ++k) {
                if (!add(wanted.of(problem.rows[i], k))) return 0.0;
                if (g == 1) return 0.25;
            }
        return static_cast<double>(g) / 4.0;
    }

    double quantum_;
};

/// What the steps of a minimisation share.
struct minimisation {
    const knapsack_problem& problem;
    option_table& table;  ///< of which what cannot be part of an answer is struck out
    objective wanted;
    improvement better;      ///< how much less of it counts
    resource_subset scarce;  ///< resources that can run out
    bool streams_add;        ///< whether streams between rows add to it

    minimisation(const knapsack_problem& of, option_table& options, const objective& least)
        : problem(of),
          table(options),
          wanted(least),
          better(of, least),
          scarce(options.scarce(of)),
          streams_add(least.most_between(of) > 0.0) {}
};

}  // namespace hass::detail
