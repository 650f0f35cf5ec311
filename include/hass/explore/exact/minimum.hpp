/// \file minimum.hpp
/// The choice among offered points that takes least of a resource, and what is proved of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// See `chooser::minimise`.
struct minimum {
    selection points{};   ///< empty: none was found
    double bound = 0.0;   ///< no choice needs less
    bool proved = false;  ///< nor does this one need more
};

/// `chooser::minimise` as a value.
inline minimum minimum_of(chooser& c, std::size_t r, double interval, const resource_vector& caps,
                          const selection& start) {
    minimum m;
    m.proved = c.minimise(r, interval, caps, start, m.bound) == verdict::yes;
    m.points = c.found();
    return m;
}

/// What a design with these needs takes of a resource.
inline double taken(const allocation_problem& p, std::size_t r, const resource_vector& needs) {
    return r == lut_index ? p.lut(needs) : needs[r];
}

/// Whether block RAMs that are missing take LUTs.
inline bool builds_bram18(const allocation_problem& p, const resource_vector& needs) {
    return p.lut(needs) > needs[lut_index];
}

/// Limits under which at most `most` may be taken of a resource.
inline resource_vector capped(const allocation_problem& p, resource_vector caps, std::size_t r,
                              double most) {
    caps[r] = std::min(caps[r], most);
    if (r == lut_index && p.bram18_from_lut)
        caps[bram18_index] = std::min(caps[bram18_index], most + p.bram18(p.budget));
    return caps;
}

/// The choice within `interval` cycles and `caps`, among the points offered to the chooser, that
/// takes least of `r`. LUTs and those for missing block RAMs together are no sum over rows, so
/// choices with fewest LUTs of their own are found again and again, each within less of both than
/// the last one took, until there is none.
/// \param start  a choice that fits, or none (empty)
inline minimum minimise(const allocation_problem& p, chooser& c, std::size_t r, double interval,
                        const resource_vector& caps, const selection& start) {
    constexpr int rounds = 32;
    minimum best = minimum_of(c, r, interval, caps, start);
    if (best.points.empty()) return {start, best.bound, false};
    if (r != lut_index || !builds_bram18(p, c.total(best.points))) return best;
    best.proved = false;
    const auto take_if_less = [&](const selection& points) {
        if (taken(p, r, c.total(points)) < taken(p, r, c.total(best.points))) best.points = points;
    };
    if (!start.empty()) {  // which takes more LUTs of its own, but maybe not in all
        const selection found = best.points;
        best.points = start;
        take_if_less(found);
    }
    for (int round = 0; round < rounds; ++round) {
        const double reached = taken(p, r, c.total(best.points));
        const double less = reached - 1e-9 * (1.0 + std::abs(reached));
        const resource_vector tighter = capped(p, caps, r, less);
        const verdict any = c.feasible(interval, tighter);
        if (any == verdict::no) return {best.points, reached, true};
        if (any == verdict::unknown) return best;
        best.points = c.found();
        take_if_less(minimum_of(c, r, interval, tighter, best.points).points);
    }
    return best;
}

}  // namespace hass::detail
