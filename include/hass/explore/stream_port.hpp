/// \file stream_port.hpp
/// Where an option stands among the widths of its row: which of them it takes and gives.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace hass {

/// Indices into the widths of a row, ascending; 0 where no stream on that side has a price.
struct stream_port {
    std::uint16_t in = 0;   ///< words a cycle of each input
    std::uint16_t out = 0;  ///< words a cycle that it gives

    constexpr bool operator==(const stream_port&) const = default;
    constexpr auto operator<=>(const stream_port&) const = default;
};

/// How many widths a row has on its sides; 0 where no stream has a price.
struct row_widths {
    std::size_t in = 0;   ///< of the inputs
    std::size_t out = 0;  ///< of the output
    bool same = false;    ///< each width in comes with one width out, and the other way round
};

}  // namespace hass
