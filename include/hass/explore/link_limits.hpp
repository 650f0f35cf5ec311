/// \file link_limits.hpp
/// What the board's link (`link.hpp`) asks of a choice of options: with W Gbit/s for weights no
/// interval is smaller than link.cycles(W), so that an interval leaves weights `weight_room`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <hass/explore/frontier.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/link_room.hpp>

namespace hass::detail {

struct link_limits {
    image_link link{};
    double floor = 0.0;    ///< cycles that it takes beside the least weights
    bool coupled = false;  ///< whether what it takes depends on the choice

    /// \param least   Gbit/s of the least weights, summed over rows
    /// \param varies  whether some row has options with more than its least
    constexpr link_limits(const image_link& of, double least, bool varies)
        : link(of),
          floor(of.cycles(least)),
          coupled(varies && of.bits > 0.0 && of.gbit_s < std::numeric_limits<double>::infinity()) {}

    /// The budget of choices that the link carries within `interval` cycles.
    resource_vector budget_at(resource_vector budget, double interval) const {
        if (coupled) budget[bandwidth_index] = weight_room(link, interval);
        return budget;
    }

    /// Cycles in which the link carries an image beside the weights of these options, one a row.
    double cycles(std::span<const row_choice> rows, std::span<const std::uint32_t> options) const {
        if (!coupled) return floor;
        double weights = 0.0;
        for (std::size_t i = 0; i < options.size(); ++i)
            weights += rows[i].options->costs()[options[i]][bandwidth_index];
        return link.cycles(weights);
    }

    /// Cycles between images with these options: the slowest row's, or the link's.
    double interval(std::span<const row_choice> rows,
                    std::span<const std::uint32_t> options) const {
        double interval = cycles(rows, options);
        for (std::size_t i = 0; i < options.size(); ++i)
            interval = std::max(interval, rows[i].cycles[options[i]]);
        return interval;
    }
};

/// The limits of a problem, by a look at every option.
inline link_limits limits_of_link(const allocation_problem& problem) {
    double least = 0.0;
    bool varies = false;
    for (const row_choice& row : problem.rows) {
        const auto [low, high] =
            std::minmax_element(row.options->costs().begin(), row.options->costs().end(),
                                [](const resource_vector& a, const resource_vector& b) {
                                    return a[bandwidth_index] < b[bandwidth_index];
                                });
        least += (*low)[bandwidth_index];
        varies = varies || (*low)[bandwidth_index] != (*high)[bandwidth_index];
    }
    return {problem.link, least, varies};
}

}  // namespace hass::detail
