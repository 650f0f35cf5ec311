/// \file dominance.hpp
/// The filter that leaves what nothing else beats: items come one by one, none of them beaten by a
/// later one, and stay unless one that has stayed beats them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace hass::detail {

/// Where to look first for what beats an item. The answer is the same, the time is not.
enum class look : std::uint8_t { newest_first, oldest_first };

/// Look back at all that has stayed.
inline constexpr std::size_t at_all = std::numeric_limits<std::size_t>::max();

/// Whether one of `kept` beats an item.
/// \param look_back  looks at so many of those that came last; for filters in which items that
///                   are beaten by older ones may stay
/// \param beats      beats(one of `kept`): whether that one beats the item
template <look Order, class T, class Beats>
constexpr bool is_beaten(std::span<const T> kept, std::size_t look_back, const Beats& beats) {
    const std::size_t stop = kept.size() > look_back ? kept.size() - look_back : 0;
    if constexpr (Order == look::newest_first) {
        for (std::size_t j = kept.size(); j-- > stop;)
            if (beats(kept[j])) return true;
    } else {
        for (std::size_t j = stop; j < kept.size(); ++j)
            if (beats(kept[j])) return true;
    }
    return false;
}

}  // namespace hass::detail
