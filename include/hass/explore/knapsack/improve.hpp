/// \file improve.hpp
/// A choice that fits is made better: row by row, what needs less and still fits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/minimisation.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/repair.hpp>
#include <hass/explore/knapsack/stream_needs.hpp>

namespace hass::detail {

/// The option of row `i` that takes least of the objective and fits when the others stay as they
/// are: those of `s`, whose needs are `sum`.
inline std::uint32_t best_beside(const minimisation& asked, const selection& s,
                                 const resource_vector& sum, const stream_needs& streams,
                                 std::size_t i) {
    const knapsack_problem& problem = asked.problem;
    const frontier& row = problem.rows[i];
    const resource_vector& mine = problem.need(i, s[i]);
    const double now = asked.wanted.of(row, s[i]);
    double gain = 0.0;
    std::uint32_t best = s[i];
    for (const table_option& o : asked.table.row(i)) {
        const resource_vector& more = streams.change(i, o.port);
        const double saved = now - asked.wanted.of(row, o.option) - asked.wanted.of(more);
        if (saved <= gain) continue;
        const resource_vector& need = problem.need(i, o.option);
        resource_vector u;
        for (std::size_t r = 0; r < u.size(); ++r) u[r] = sum[r] - mine[r] + need[r] + more[r];
        if (no_more(u, problem.caps)) gain = saved, best = o.option;
    }
    return best;
}

/// What a choice that fits becomes when its rows, a few times in turn, take less and still fit.
inline selection improved(const minimisation& asked, selection s) {
    constexpr int most_rounds = 4;
    const knapsack_problem& problem = asked.problem;
    resource_vector sum = problem.total(s);
    stream_needs streams(problem,
                         [&](std::size_t i) { return problem.rows[i].options[s[i]].port; });
    bool changed = true;
    for (int round = 0; round < most_rounds && changed; ++round) {
        changed = false;
        for (std::size_t i = 0; i < s.size(); ++i) {
            const std::uint32_t to = best_beside(asked, s, sum, streams, i);
            if (to == s[i]) continue;
            const resource_vector& mine = problem.need(i, s[i]);
            const resource_vector& need = problem.need(i, to);
            const stream_port port = problem.rows[i].options[to].port;
            const resource_vector& more = streams.change(i, port);
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r] - mine[r] + more[r];
            streams.move(i, port);
            s[i] = to;
            changed = true;
        }
    }
    return s;
}

/// The best choice so far.
struct incumbent {
    selection options;  ///< empty: none
    double need = std::numeric_limits<double>::infinity();

    bool found() const { return need < std::numeric_limits<double>::infinity(); }

    /// Takes `s`, which fits but for rounding, improved, when that is better.
    void offer(const minimisation& asked, selection s) {
        s = improved(asked, std::move(s));
        const double reached = asked.wanted.total(asked.problem, s);
        if (reached < need && asked.problem.fits(s)) need = reached, options = std::move(s);
    }

    /// The same for a choice that is cheap at `prices` and need not fit.
    void offer_repaired(const minimisation& asked, const resource_vector& prices,
                        const cheapest_choice& trial) {
        if (asked.problem.fits(trial.options)) return offer(asked, trial.options);
        if (auto s = repair(asked.problem, asked.table, asked.scarce, prices, trial, 1e6).run())
            offer(asked, std::move(*s));
    }
};

}  // namespace hass::detail
