/// \file minimum.hpp
/// The choice among offered points that takes least of a resource, or of all of the budget, and
/// what is proved of it.
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
inline minimum minimum_of(chooser& c, const objective& wanted, double interval,
                          const resource_vector& caps, const selection& start) {
    minimum m;
    m.proved = c.minimise(wanted, interval, caps, start, m.bound) == verdict::yes;
    m.points = c.found();
    return m;
}

/// What may be saved: a resource, by its index into `resources`, or this: the sum of the shares that
/// a design takes of everything there is.
inline constexpr std::size_t all_shares = resources.size();

inline objective objective_of(const allocation_problem& p, std::size_t saved) {
    return saved == all_shares ? objective::needs(share_weights(p.budget))
                               : objective::need_of(saved);
}

/// What a design with these needs takes of it.
inline double taken(const allocation_problem& p, std::size_t saved, const resource_vector& needs) {
    return saved == lut_index ? p.lut(needs) : objective_of(p, saved).of(needs);
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
/// takes least of what is saved. LUTs and those for missing block RAMs together are no sum over rows, so
/// choices with fewest LUTs of their own are found again and again, each within less of both than
/// the last one took, until there is none.
/// \param start  a choice that fits, or none (empty)
inline minimum minimise(const allocation_problem& p, chooser& c, std::size_t saved, double interval,
                        const resource_vector& caps, const selection& start) {
    constexpr int rounds = 32;
    const objective wanted = objective_of(p, saved);
    minimum best = minimum_of(c, wanted, interval, caps, start);
    if (best.points.empty()) return {start, best.bound, false};
    if (saved != lut_index || !builds_bram18(p, c.total(best.points))) return best;
    best.proved = false;
    const auto take_if_less = [&](const selection& points) {
        if (taken(p, saved, c.total(points)) < taken(p, saved, c.total(best.points)))
            best.points = points;
    };
    if (!start.empty()) {  // which takes more LUTs of its own, but maybe not in all
        const selection found = best.points;
        best.points = start;
        take_if_less(found);
    }
    for (int round = 0; round < rounds; ++round) {
        const double reached = taken(p, saved, c.total(best.points));
        const double less = reached - 1e-9 * (1.0 + std::abs(reached));
        const resource_vector tighter = capped(p, caps, saved, less);
        const verdict any = c.feasible(interval, tighter);
        if (any == verdict::no) return {best.points, reached, true};
        if (any == verdict::unknown) return best;
        best.points = c.found();
        take_if_less(minimum_of(c, wanted, interval, tighter, best.points).points);
    }
    return best;
}

}  // namespace hass::detail
