/// \file longest_path.hpp
/// The path from the image to a result that takes longest. With the interval I, a path Q takes
///
///     latency = a(Q) I + sum over the rows of Q of d_i
///
/// where a is what the windows on the path wait for and the rest of its last map, in images
/// (`fill.hpp`), and d_i the delay of row i.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/pipeline/fill.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

struct network_path {
    std::vector<char> on;  ///< one a row
    double images = 0.0;   ///< a(Q)
    double cycles = 0.0;   ///< its latency
};

/// \param delay  of each row, cycles
inline network_path longest_path(const network_view& net, double interval,
                                 std::span<const double> delay) {
    const std::size_t n = net.size();
    std::vector<double> first(n, 0.0);   // cycles to each row's first output pixel
    std::vector<double> images(n, 0.0);  // the part of it that is paid in intervals
    std::vector<int> from(n, network_input);
    network_path longest;
    longest.cycles = -std::numeric_limits<double>::infinity();
    std::size_t end = 0;
    std::size_t k = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const layer_row& row = net.rows[i];
        for (; k < net.edges.size() && static_cast<std::size_t>(net.edges[k].to) == i; ++k) {
            const int source = net.edges[k].from;
            if (source == network_input) continue;
            const auto s = static_cast<std::size_t>(source);
            if (from[i] == network_input || first[s] > first[i])
                first[i] = first[s], images[i] = images[s], from[i] = source;
        }
        const double lag = window_lag(row);
        const double rest = 1.0 - 1.0 / static_cast<double>(row.out.pixels());
        first[i] += interval * lag + delay[i];
        images[i] += lag;
        const double last = first[i] + interval * rest;
        if (last > longest.cycles)
            longest.cycles = last, longest.images = images[i] + rest, end = i;
    }
    longest.on.assign(n, 0);
    for (int i = static_cast<int>(end); i != network_input; i = from[static_cast<std::size_t>(i)])
        longest.on[static_cast<std::size_t>(i)] = 1;
    return longest;
}

}  // namespace hass::detail
