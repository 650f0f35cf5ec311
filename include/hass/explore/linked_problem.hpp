/// \file linked_problem.hpp
/// An allocation problem with what the board's link makes of it: what a choice takes, and what an
/// interval leaves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/link_room.hpp>

namespace hass::detail {

/// Looks at the problem, which has to outlive it.
struct linked_problem {
    const allocation_problem& whole;
    double link_floor = 0.0;  ///< cycles that the link takes beside the least weights
    bool coupled = false;     ///< whether what the link takes depends on the choice

    explicit linked_problem(const allocation_problem& problem) : whole(problem) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (!(whole.link.bits > 0.0) || whole.link.gbit_s == infinity) return;
        double least = 0.0;
        for (const row_options& row : whole.rows) {
            const std::vector<std::uint32_t>& order = row.options->list(bandwidth_index).option;
            const double lightest = row.options->costs()[order.front()][bandwidth_index];
            const double heaviest = row.options->costs()[order.back()][bandwidth_index];
            least += lightest;
            coupled = coupled || heaviest != lightest;
        }
        link_floor = whole.link.cycles(least);
    }

    std::size_t size() const { return whole.rows.size(); }
    const row_options& row(std::size_t i) const { return whole.rows[i]; }
    /// What the options of row `i` need.
    const std::vector<resource_vector>& needs(std::size_t i) const {
        return whole.rows[i].options->costs();
    }

    /// The budget of choices that the link carries within `interval` cycles.
    resource_vector limits_at(double interval) const {
        resource_vector limits = whole.budget;
        if (coupled) limits[bandwidth_index] = weight_room(whole.link, interval);
        return limits;
    }

    /// Prices a share of the budget as prices a unit.
    resource_vector per_need(const resource_vector& prices) const {
        resource_vector q{};
        for (std::size_t r = 0; r < q.size(); ++r)
            q[r] = whole.budget[r] > 0.0 ? prices[r] / whole.budget[r] : 0.0;
        return q;
    }

    /// What a choice (one option a row) needs.
    resource_vector total(const selection& options) const { return whole.total(options); }

    /// Cycles between images of a choice: its slowest row's, or the link's.
    double interval_of(const selection& options) const {
        double interval = 0.0;
        for (std::size_t i = 0; i < options.size(); ++i)
            interval = std::max(interval, row(i).cycles[options[i]]);
        if (!coupled) return std::max(interval, link_floor);
        return std::max(interval, whole.link.cycles(total(options)[bandwidth_index]));
    }
};

/// The options that points of `rows` stand for.
inline selection options_at(std::span<const frontier> rows, const selection& points) {
    selection options(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) options[i] = rows[i].options[points[i]].index;
    return options;
}

/// The points of `rows` that are these options, or beat them.
inline selection points_of(const linked_problem& p, std::span<const frontier> rows,
                           const selection& options) {
    selection points(options.size(), 0);
    for (std::size_t i = 0; i < options.size(); ++i) {
        const resource_vector& need = p.needs(i)[options[i]];
        const stream_port port = p.row(i).port(options[i]);
        while (!as_good(rows[i].options[points[i]], need, port, p.row(i).rises)) ++points[i];
    }
    return points;
}

}  // namespace hass::detail
