/// \file skew.hpp
/// Branches that meet again: the row that joins them (add, multiply, concat) holds back what comes
/// on the shorter ones until the longest has filled. Without room for it the branches block each
/// other for good; with the room given here every stage can keep the pace of the interval.
///
/// The bound is the same for all configurations, so that rows can be configured one by one. In a
/// pipeline that keeps pace (`fill.hpp`) input k waits, in images of its own map,
///
///     max over other inputs of  sum over the branch of (window lag + one pixel)
///                             - sum over its own branch of window lag
///
/// where branches start at the row behind which they part, and "one pixel" is what a stage may take
/// for it, 1 / P_out of an interval or what its slowest configuration needs. That one is taken as
/// one multiplication, or one word, a cycle; and the interval as no shorter than a cycle for each
/// pixel of the largest map. A branch that starts at the image waits in off-chip memory instead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/fill.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/stages.hpp>
#include <hass/error.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What one row holds back.
struct row_skew {
    int since = network_input;         ///< row behind which the branches part
    std::vector<held_input> inputs{};  ///< one an input; empty: nothing is held back

    constexpr bool operator==(const row_skew&) const = default;
};

namespace detail {

/// Cycles of a row in its slowest configuration, as far as a bound is needed.
constexpr double slowest_cycles(const layer_row& row) {
    if (!is_compute(row)) return stage_cycles(row, {});
    return static_cast<double>(std::max({mac_count(row), row.in.volume(), row.out.volume()}));
}

/// How far behind the point where branches part a row's output is.
struct branch_delay {
    bool reached = false;
    double most = 0.0;        ///< images, of any configuration
    double least = 0.0;       ///< images, of every configuration
    std::int64_t cycles = 0;  ///< beside them, at most: adder trees

    constexpr void join(const branch_delay& o) {
        if (!o.reached) return;
        reached = true;
        most = std::max(most, o.most), least = std::max(least, o.least);
        cycles = std::max(cycles, o.cycles);
    }
    /// \param shortest_interval  cycles
    constexpr void pass(const layer_row& row, double shortest_interval) {
        const double lag = window_lag(row);
        const double pixel = pixel_latency(row, {}, 1.0) - pixel_latency(row, {}, 0.0);
        most += lag + pixel * std::min(1.0, slowest_cycles(row) / shortest_interval);
        least += lag;
        if (is_compute(row))
            cycles += 1 + bits_for(std::min(row.in.channels * taps(row), largest_window)) +
                      bits_for(channels_per_group(row));
    }
};

/// Edges by the row that they lead to: those of row i are `edges[first[i]] .. edges[first[i + 1]]`.
/// \throws hass::error when they are out of order
constexpr std::vector<std::size_t> first_edges(const network_view& net) {
    std::vector<std::size_t> first(net.size() + 1, 0);
    for (std::size_t k = 0; k < net.edges.size(); ++k) {
        const edge& e = net.edges[k];
        if (e.to < 0 || static_cast<std::size_t>(e.to) >= net.size() || e.from >= e.to ||
            e.from < network_input || (k > 0 && e.to < net.edges[k - 1].to))
            throw error("edge " + std::to_string(e.from) + " -> " + std::to_string(e.to) +
                        " is out of order");
        first[static_cast<std::size_t>(e.to) + 1] = k + 1;
    }
    for (std::size_t i = 0; i < net.size(); ++i) first[i + 1] = std::max(first[i + 1], first[i]);
    return first;
}

}  // namespace detail

/// What every row holds back. O(rows + edges) for each join, over the rows since its branches part.
/// \throws hass::error when the edges are out of order
constexpr std::vector<row_skew> skews(const network_view& net) {
    const std::vector<std::size_t> first = detail::first_edges(net);
    const auto inputs = [&](std::size_t i) {
        return net.edges.subspan(first[i], first[i + 1] - first[i]);
    };
    double shortest_interval = 1.0;
    for (const layer_row& row : net.rows)
        shortest_interval = std::max(
            shortest_interval, static_cast<double>(std::max(row.in.pixels(), row.out.pixels())));

    // passes[i]: the last row, or the image, that all data of row i has passed before
    std::vector<int> passes(net.size(), network_input);
    std::vector<row_skew> held(net.size());
    std::vector<detail::branch_delay> delay;
    for (std::size_t i = 0; i < net.size(); ++i) {
        int common = network_input;
        for (bool start = true; const edge& e : inputs(i)) {
            int from = e.from;
            if (!start)
                while (from != common)
                    (from > common ? from : common) =
                        passes[static_cast<std::size_t>(std::max(from, common))];
            common = from, start = false;
        }
        passes[i] = common;
        held[i].since = common;
        if (inputs(i).size() < 2 || common == network_input) continue;

        const auto since = static_cast<std::size_t>(common);
        delay.assign(i - since, {});
        delay[0].reached = true;
        for (std::size_t k = since + 1; k < i; ++k) {
            detail::branch_delay& here = delay[k - since];
            for (const edge& e : inputs(k))
                if (e.from >= common) here.join(delay[static_cast<std::size_t>(e.from - common)]);
            if (here.reached) here.pass(net.rows[k], shortest_interval);
        }
        bool any = false;
        for (const edge& mine : inputs(i)) {
            detail::branch_delay others;
            for (const edge& other : inputs(i))
                if (&other != &mine)
                    others.join(delay[static_cast<std::size_t>(other.from - common)]);
            const detail::branch_delay& own = delay[static_cast<std::size_t>(mine.from - common)];
            const shape& map = net.rows[static_cast<std::size_t>(mine.from)].out;
            held_input h;
            const double images = others.most - own.least;
            if (images > 0.0) {
                const double pixels = detail::ceil(images * static_cast<double>(map.pixels()));
                h.words = (static_cast<std::int64_t>(pixels) + 1) * map.channels;
                h.cycles = others.cycles;
            }
            if (map.pixels() == 1 && net.rows[i].in.pixels() > 1)  // a gate, for the whole map
                h.words = std::max<std::int64_t>(h.words, map.channels);
            any = any || h.words > 0;
            held[i].inputs.push_back(h);
        }
        if (!any) held[i].inputs.clear();
    }
    return held;
}

}  // namespace hass
