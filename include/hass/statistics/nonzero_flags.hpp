/// \file nonzero_flags.hpp
/// Which values of a map are not zero, as bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hass/statistics/planes.hpp>

namespace hass::detail {

/// flags[i] = all bits set where |values[i]| >= least (as `magnitude_bits`), so that a flag becomes
/// any bit of a mask by a single `and`, and -1 when it is summed up.
/// \returns  how many are set
inline std::uint64_t flag_nonzero(const float* values, std::size_t size, std::uint32_t least,
                                  std::uint8_t* flags) {
    std::uint64_t all = 0;
    constexpr std::size_t step = 4096;  // short sums fit narrow, fast integers
    for (std::size_t first = 0; first < size; first += step) {
        const std::size_t last = std::min(size, first + step);
        for (std::size_t i = first; i < last; ++i)
            flags[i] = magnitude_bits(values[i]) >= least ? 0xff : 0;
        std::uint16_t nonzero = 0;
        for (std::size_t i = first; i < last; ++i)
            nonzero = static_cast<std::uint16_t>(nonzero + (flags[i] & 1U));
        all += nonzero;
    }
    return all;
}

}  // namespace hass::detail
