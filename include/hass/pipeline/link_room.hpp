/// \file link_room.hpp
/// The other way round from `link.hpp`: what an interval leaves of the board's link for weights.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include <hass/pipeline/link.hpp>

namespace hass {

/// The most Gbit/s that weights may take at an interval: the largest W with
/// link.cycles(W) <= interval, to the last bit, so that both agree on what fits; -1 when there is
/// none.
constexpr double weight_room(const image_link& link, double interval) {
    constexpr double most = std::numeric_limits<double>::max();
    const auto fits = [&](double weights) {
        return link.cycles(weights) <= std::min(interval, most);
    };
    if (fits(link.gbit_s)) return link.gbit_s;
    if (!fits(0.0)) return -1.0;
    // doubles >= 0 are ordered as their bits are
    auto low = std::bit_cast<std::uint64_t>(0.0);
    auto high = std::bit_cast<std::uint64_t>(link.gbit_s);
    while (high - low > 1) {
        const std::uint64_t middle = low + (high - low) / 2;
        (fits(std::bit_cast<double>(middle)) ? low : high) = middle;
    }
    return std::bit_cast<double>(low);
}

}  // namespace hass
