/// \file intervals.hpp
/// The intervals that can occur: the cycles of the rows' options.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include <hass/explore/frontier.hpp>

namespace hass::detail {

/// Smallest cycles of an option slower than `t`; infinity when there is none.
inline double next_candidate(std::span<const frontier> rows, double t) {
    double next = std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k < f.options.size())
            next = std::min(next, f.options[k].cycles);
    return next;
}

/// Largest cycles of an option that takes at most `t`; -infinity when there is none.
inline double last_candidate(std::span<const frontier> rows, double t) {
    double last = -std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k > 0)
            last = std::max(last, f.options[k - 1].cycles);
    return last;
}

}  // namespace hass::detail
