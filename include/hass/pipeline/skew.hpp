/// \file skew.hpp
/// Branches that meet again: the row that joins them (add, multiply, concat) holds back what comes
/// on the shorter ones until the longest has filled. Without room for it the branches block each
/// other for good; with the room given here every stage can keep the pace of the interval.
///
/// The bound is the same for all options, so that rows can be configured one by one. In a
/// pipeline that keeps pace (`fill.hpp`) input k waits, in images of its own map,
///
///     max over other inputs of  sum over the branch of (window lag + one pixel)
///                             - sum over its own branch of window lag
///
/// where branches start at the row behind which they part, and "one pixel" is what a stage may take
/// for it, 1 / P_out of an interval or what its slowest option needs. That one is taken as
/// one multiplication, or one word, a cycle; and the interval as no shorter than a cycle for each
/// pixel of the largest map. What a `stack` puts behind other maps waits for these, too. A branch that starts at the image waits in off-chip memory instead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace detail {

/// Cycles of a row in its slowest option, as far as a bound is needed.
constexpr double slowest_cycles(const layer_row& row) {
    if (!is_compute(row)) return stage_cycles(row, {});
    return static_cast<double>(std::max({mac_count(row), row.in.volume(), row.out.volume()}));
}

/// How far behind the point where branches part a row's output is.
struct branch_delay {
    bool reached = false;
    double most = 0.0;        ///< images, of any option
    double least = 0.0;       ///< images, of every option
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

}  // namespace detail

/// What every row of a network holds back.
class network_skew {
  public:
    /// O(rows + edges) for each join, over the rows since its branches part.
    /// \throws hass::error when the edges are out of order
    constexpr explicit network_skew(const network_view& net);

    /// What row `i` holds back of its inputs, in their order; empty: nothing.
    constexpr std::span<const held_input> held(std::size_t i) const {
        return {held_.data() + first_[i], static_cast<std::size_t>(count_[i])};
    }
    /// The last row, or the image, that all data of row `i` has passed before.
    constexpr int since(std::size_t i) const { return since_[i]; }

  private:
    constexpr void hold(const network_view& net, std::size_t i, double shortest_interval,
                        std::vector<detail::branch_delay>& delay);

    std::vector<int> first_, count_, since_;  // of each row: edges that lead to it, inputs held
    std::vector<held_input> held_;            // of each edge
};

constexpr network_skew::network_skew(const network_view& net)
    : first_(net.size() + 1, 0),
      count_(net.size(), 0),
      since_(net.size(), network_input),
      held_(net.edges.size()) {
    double shortest_interval = 1.0;
    std::size_t k = 0;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const shape &in = net.rows[i].in, &out = net.rows[i].out;
        const auto pixels = static_cast<double>(std::max(in.pixels(), out.pixels()));
        shortest_interval = std::max(shortest_interval, pixels);
        first_[i] = static_cast<int>(k);
        for (; k < net.edges.size() && net.edges[k].to == static_cast<int>(i); ++k) {
            int from = net.edges[k].from;
            if (from < network_input || from >= net.edges[k].to) break;
            if (static_cast<int>(k) > first_[i])
                while (from != since_[i])
                    (from > since_[i] ? from : since_[i]) =
                        since_[static_cast<std::size_t>(std::max(from, since_[i]))];
            since_[i] = from;
        }
    }
    first_[net.size()] = static_cast<int>(k);
    if (k < net.edges.size())
        throw error(
            text_of({"edge ", net.edges[k].from, " -> ", net.edges[k].to, " is out of order"}));
    std::vector<detail::branch_delay> delay;
    for (std::size_t i = 0; i < net.size(); ++i)
        if (first_[i + 1] - first_[i] > 1 && since_[i] != network_input)
            hold(net, i, shortest_interval, delay);
}

constexpr void network_skew::hold(const network_view& net, std::size_t i, double shortest_interval,
                                  std::vector<detail::branch_delay>& delay) {
    const auto edges_of = [&](std::size_t row) {
        return net.edges.subspan(static_cast<std::size_t>(first_[row]),
                                 static_cast<std::size_t>(first_[row + 1] - first_[row]));
    };
    const auto since = static_cast<std::size_t>(since_[i]);
    const auto of = [&](const edge& e) -> detail::branch_delay& {
        return delay[static_cast<std::size_t>(e.from) - since];
    };
    delay.assign(i - since, {});
    delay[0].reached = true;
    for (std::size_t row = since + 1; row < i; ++row) {
        detail::branch_delay& here = delay[row - since];
        for (const edge& e : edges_of(row))
            if (e.from >= since_[i]) here.join(of(e));
        if (here.reached) here.pass(net.rows[row], shortest_interval);
    }
    std::int64_t passed = 0;  // pixels of a stack's inputs in front of this one
    for (std::size_t k = static_cast<std::size_t>(first_[i]); const edge& mine : edges_of(i)) {
        detail::branch_delay others;
        for (const edge& other : edges_of(i))
            if (&other != &mine) others.join(of(other));
        const shape& map = net.rows[static_cast<std::size_t>(mine.from)].out;
        held_input& h = held_[k++];
        double images = std::max(0.0, others.most - of(mine).least);
        if (net.rows[i].kind == layer_kind::stack) {  // and until those before it have left
            images += window_lag(net.rows[i]) +
                      static_cast<double>(passed) / static_cast<double>(net.rows[i].out.pixels());
            passed += net.rows[i].in.width == net.rows[i].out.width ? map.pixels() : map.width;
        }
        if (images > 0.0) {
            const double pixels = detail::ceil(images * static_cast<double>(map.pixels()));
            h.words = (static_cast<std::int64_t>(pixels) + 1) * map.channels;
            h.cycles = others.cycles;
        }
        if (map.pixels() == 1 && net.rows[i].in.pixels() > 1)  // a gate, for the whole map
            h.words = std::max<std::int64_t>(h.words, map.channels);
        if (h.words > 0) count_[i] = first_[i + 1] - first_[i];
    }
}

}  // namespace hass
