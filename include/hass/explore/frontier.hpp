/// \file frontier.hpp
/// What one row can be: its options with their cycles and needs, less those that another one beats
/// in everything. The allocator chooses one point a row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/port_rises.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/explore/stream_port.hpp>

namespace hass {

/// One way to build a row: cycles for one image, what it needs, and which option it is
/// (an index into `priced_options::options`) with which widths.
struct frontier_option {
    double cycles = 0.0;      ///< for one image
    resource_vector need{};   ///< by resource
    std::uint32_t index = 0;  ///< into `priced_options::options`
    stream_port port{};       ///< its widths
};

/// The points of a row that no other point beats or equals in cycles and all resources, whatever
/// its widths make of the streams at the row, fastest first. Never empty for a row that has an
/// option at all.
struct frontier {
    std::vector<frontier_option> options;  ///< fastest first
    /// least_needs[k][r]: least need of resource r among the k + 1 fastest points
    std::vector<resource_vector> least_needs;
    /// What each point adds to the latency of an image, cycles; empty where nobody asks
    std::vector<double> delay;

    /// Number of points that take at most `interval` cycles.
    std::size_t within(double interval) const {
        const auto slower = std::upper_bound(
            options.begin(), options.end(), interval,
            [](double limit, const frontier_option& p) { return limit < p.cycles; });
        return static_cast<std::size_t>(slower - options.begin());
    }
};

namespace detail {

/// Points by cycles, fastest first, and the running minima that `frontier` keeps.
inline void order_points(frontier& f) {
    std::sort(f.options.begin(), f.options.end(),
              [](const frontier_option& a, const frontier_option& b) {
                  return a.cycles != b.cycles ? a.cycles < b.cycles : a.index < b.index;
              });
    f.least_needs.resize(f.options.size());
    resource_vector least;
    least.fill(std::numeric_limits<double>::infinity());
    for (std::size_t k = 0; k < f.options.size(); ++k) {
        for (std::size_t r = 0; r < least.size(); ++r)
            least[r] = std::min(least[r], f.options[k].need[r]);
        f.least_needs[k] = least;
    }
}

/// Whether `a` needs no more than `b`, in whatever choice.
/// \param rises  of the row; nullptr: streams have no price
inline bool as_good(const frontier_option& a, const resource_vector& need, const stream_port& port,
                    const port_rises* rises) {
    return rises != nullptr ? rises->no_more(a.need, a.port, need, port) : no_more(a.need, need);
}

/// Adds an option unless one that is there beats or equals it in cycles and all resources. Those
/// that are there have to be put in order (`order_points`) when all have come.
/// \param look_back  see `is_beaten`
/// \param rises      as `as_good`
inline void add_unbeaten(frontier& f, const frontier_option& option, std::size_t look_back,
                         const port_rises* rises) {
    const auto beats = [&](const frontier_option& kept) {
        return kept.cycles <= option.cycles && as_good(kept, option.need, option.port, rises);
    };
    const std::span<const frontier_option> kept(f.options);
    if (!is_beaten<look::newest_first>(kept, look_back, beats)) f.options.push_back(option);
}

}  // namespace detail

}  // namespace hass
