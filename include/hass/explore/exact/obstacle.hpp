/// \file obstacle.hpp
/// Which resource forbids what is just faster than a choice.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/linked_problem.hpp>
#include <hass/pipeline/link_room.hpp>

namespace hass::detail {

/// The resource that forbids what is just below `interval`: the first that the rows' least needs
/// exceed, else the one they come closest to.
inline std::size_t obstacle_below(const linked_problem& p, const ladders& rows, double interval) {
    std::size_t obstacle = 0;
    if (interval <= rows.floor()) return obstacle;
    const double below = std::max(rows.floor(), std::nextafter(interval, 0.0));
    resource_vector share{};  // that the rows' least needs take
    for (std::size_t r = 0; r < share.size(); ++r) share[r] = rows.least_price(r, below);
    if (p.coupled) {  // of what the images leave
        const double left = weight_room(p.whole.link, below) / p.whole.budget[bandwidth_index];
        share[bandwidth_index] =
            left > 0.0 ? share[bandwidth_index] / left : std::numeric_limits<double>::max();
    }
    for (std::size_t r = 0; r < share.size() && share[obstacle] <= 1.0 + share_rounding; ++r)
        if (share[r] > share[obstacle]) obstacle = r;
    return obstacle;
}

}  // namespace hass::detail
