/// \file pareto.hpp
/// Comparing points by several objectives, all minimised: who dominates whom, how much is covered,
/// which point to pick. A front is a list of points, each with one value per objective.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/explore/dominance.hpp>
#include <hass/text.hpp>

namespace hass {

/// True when `a` is nowhere worse than `b` and somewhere better.
inline bool dominates(std::span<const double> a, std::span<const double> b) {
    bool better = false;
    for (std::size_t j = 0; j < a.size(); ++j) {
        if (a[j] > b[j]) return false;
        better = better || a[j] < b[j];
    }
    return better;
}

namespace detail {

using objective_values = std::vector<double>;

inline void check_front(std::span<const objective_values> points) {
    for (std::size_t i = 0; i < points.size(); ++i)
        if (points[i].size() != points[0].size())
            throw error(text_of({"pareto: point ", i, " has ", points[i].size(),
                                 " objectives, point 0 has ", points[0].size()}));
}

/// Indices in lexicographic order of the points, equal ones in the order given.
inline std::vector<std::size_t> lexicographic(std::span<const objective_values> points) {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return points[a] != points[b] ? points[a] < points[b] : a < b;
    });
    return order;
}

/// Of `candidates` (in lexicographic order) those that no other candidate dominates.
inline std::vector<std::size_t> first_front(std::span<const objective_values> points,
                                            std::span<const std::size_t> candidates) {
    std::vector<std::size_t> front;
    const std::size_t dimensions = candidates.empty() ? 0 : points[candidates[0]].size();
    double best_second = std::numeric_limits<double>::infinity();
    for (const std::size_t i : candidates) {
        // What dominates a point precedes it lexicographically, so the front so far decides.
        bool beaten = false;
        if (dimensions == 2) {
            beaten = points[i][1] >= best_second &&
                     !(!front.empty() && points[front.back()] == points[i]);
            best_second = std::min(best_second, points[i][1]);
        } else {
            const auto beats = [&](std::size_t k) { return hass::dominates(points[k], points[i]); };
            beaten =
                is_beaten<look::newest_first>(std::span<const std::size_t>(front), at_all, beats);
        }
        if (!beaten) front.push_back(i);
    }
    return front;
}

/// Volume between a set of points and `reference`; the points lie below it. Sweep in two
/// dimensions, exclusive volumes by limited sets above (While, Bradstreet, Barone 2012).
inline double bounded_hypervolume(std::vector<objective_values> points,
                                  std::span<const double> reference) {
    if (points.empty()) return 0.0;
    const std::size_t dimensions = reference.size();
    if (dimensions == 1) {
        double best = points[0][0];
        for (const auto& p : points) best = std::min(best, p[0]);
        return reference[0] - best;
    }
    std::sort(points.begin(), points.end());
    if (dimensions == 2) {
        double volume = 0.0;
        double ceiling = reference[1];
        for (const auto& p : points) {
            if (p[1] >= ceiling) continue;
            volume += (reference[0] - p[0]) * (ceiling - p[1]);
            ceiling = p[1];
        }
        return volume;
    }
    double total = 0.0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        double own = 1.0;
        for (std::size_t j = 0; j < dimensions; ++j) own *= reference[j] - points[i][j];
        // What the later points share with this one lies in the box above both. The first
        // coordinate of all of these is the later point's own, hence no simplification is lost.
        std::vector<objective_values> limited;
        for (std::size_t k = i + 1; k < points.size(); ++k) {
            objective_values corner(dimensions);
            for (std::size_t j = 0; j < dimensions; ++j)
                corner[j] = std::max(points[i][j], points[k][j]);
            limited.push_back(std::move(corner));
        }
        std::sort(limited.begin(), limited.end());
        std::vector<std::size_t> order(limited.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::vector<objective_values> front;
        for (const std::size_t k : first_front(limited, order)) front.push_back(limited[k]);
        front.erase(std::unique(front.begin(), front.end()), front.end());
        total += own - bounded_hypervolume(std::move(front), reference);
    }
    return total;
}

}  // namespace detail

/// Indices, ascending, of the points that no other point dominates; equal points all stay.
/// \throws hass::error when the points differ in their number of objectives
inline std::vector<std::size_t> non_dominated(std::span<const std::vector<double>> points) {
    detail::check_front(points);
    const auto order = detail::lexicographic(points);
    auto front = detail::first_front(points, order);
    std::sort(front.begin(), front.end());
    return front;
}

/// Rank of each point: 0 on the front, 1 on the front of the rest, and so on.
/// \param enough  stop when this many points have a rank; the others get the next one
/// \throws hass::error when the points differ in their number of objectives
inline std::vector<std::size_t> non_domination_ranks(
    std::span<const std::vector<double>> points,
    std::size_t enough = std::numeric_limits<std::size_t>::max()) {
    detail::check_front(points);
    constexpr std::size_t unranked = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> ranks(points.size(), unranked);
    auto left = detail::lexicographic(points);
    std::size_t rank = 0;
    for (std::size_t done = 0; !left.empty() && done < enough; ++rank) {
        for (const std::size_t i : detail::first_front(points, left)) {
            ranks[i] = rank;
            ++done;
        }
        std::erase_if(left, [&](std::size_t i) { return ranks[i] != unranked; });
    }
    for (const std::size_t i : left) ranks[i] = rank;
    return ranks;
}

/// Volume that the points dominate below `reference`; points not below it in every objective count
/// for nothing. Exact in any number of dimensions; fast up to four.
/// \throws hass::error when points and reference differ in their number of objectives
inline double hypervolume(std::span<const std::vector<double>> points,
                          std::span<const double> reference) {
    detail::check_front(points);
    std::vector<std::vector<double>> inside;
    for (const auto& p : points) {
        if (p.size() != reference.size())
            throw error(text_of({"hypervolume: points of ", p.size(),
                                 " objectives against a reference of ", reference.size()}));
        bool below = true;
        for (std::size_t j = 0; j < p.size(); ++j) below = below && p[j] < reference[j];
        if (below) inside.push_back(p);
    }
    std::vector<std::vector<double>> front;
    for (const std::size_t i : non_dominated(inside)) front.push_back(inside[i]);
    return detail::bounded_hypervolume(std::move(front), reference);
}

/// What each point adds to the hypervolume of all: 0 for dominated and repeated points.
inline std::vector<double> hypervolume_contributions(std::span<const std::vector<double>> points,
                                                     std::span<const double> reference) {
    const double all = hypervolume(points, reference);
    std::vector<double> contributions(points.size(), 0.0);
    std::vector<std::vector<double>> others(points.begin(), points.end());
    for (const std::size_t i : non_dominated(points)) {
        // A point at the reference adds nothing: swapping it in removes point i.
        others[i].assign(reference.begin(), reference.end());
        contributions[i] = std::max(0.0, all - hypervolume(others, reference));
        others[i] = points[i];
    }
    return contributions;
}

/// `count` points chosen greedily for hypervolume, in the order chosen: each time the one that adds
/// most to those taken (at least 1 - 1/e of the best; Guerreiro, Fonseca, Paquete 2016). Repeated
/// points come last. First in lexicographic order on ties.
/// \param points  a front (or any points) below `reference`
inline std::vector<std::size_t> hypervolume_subset(std::span<const std::vector<double>> points,
                                                   std::span<const double> reference,
                                                   std::size_t count) {
    detail::check_front(points);
    std::vector<std::size_t> chosen;
    std::vector<std::size_t> repeated;
    std::vector<std::size_t> open;
    for (const std::size_t i : detail::lexicographic(points)) {
        (open.empty() || points[open.back()] != points[i] ? open : repeated).push_back(i);
    }
    count = std::min(count, points.size());
    if (reference.size() == 2) {
        // Each open point keeps the corner of the rectangle that is still its own.
        std::vector<std::vector<double>> corner(open.size(), {reference[0], reference[1]});
        while (chosen.size() < count && !open.empty()) {
            std::size_t best = 0;
            double most = -std::numeric_limits<double>::infinity();
            for (std::size_t k = 0; k < open.size(); ++k) {
                const auto& p = points[open[k]];
                const double own =
                    std::max(0.0, corner[k][0] - p[0]) * std::max(0.0, corner[k][1] - p[1]);
                if (own > most) {
                    most = own;
                    best = k;
                }
            }
            const auto taken = points[open[best]];
            chosen.push_back(open[best]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(best));
            corner.erase(corner.begin() + static_cast<std::ptrdiff_t>(best));
            for (std::size_t k = 0; k < open.size(); ++k) {
                if (k < best) corner[k][0] = std::min(corner[k][0], taken[0]);
                if (k >= best) corner[k][1] = std::min(corner[k][1], taken[1]);
            }
        }
    } else {
        std::vector<std::vector<double>> taken;
        double volume = 0.0;
        // A point's gain only shrinks as others are taken, so an old gain below the best is final.
        std::vector<double> gain(open.size(), std::numeric_limits<double>::infinity());
        while (chosen.size() < count && !open.empty()) {
            std::size_t best = 0;
            double most = -std::numeric_limits<double>::infinity();
            for (std::size_t k = 0; k < open.size(); ++k) {
                if (gain[k] <= most) continue;
                taken.push_back(points[open[k]]);
                gain[k] = hypervolume(taken, reference) - volume;
                taken.pop_back();
                if (gain[k] > most) {
                    most = gain[k];
                    best = k;
                }
            }
            taken.push_back(points[open[best]]);
            volume += most;
            chosen.push_back(open[best]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(best));
            gain.erase(gain.begin() + static_cast<std::ptrdiff_t>(best));
        }
    }
    for (std::size_t k = 0; chosen.size() < count; ++k) chosen.push_back(repeated[k]);
    return chosen;
}

/// Index of the knee: the non-dominated point farthest below the plane through the extremes, with
/// every objective scaled to [0, 1] over the front; nullopt for no points.
inline std::optional<std::size_t> knee_point(std::span<const std::vector<double>> points) {
    const auto front = non_dominated(points);
    if (front.empty()) return std::nullopt;
    std::vector<double> low = points[front[0]];
    std::vector<double> high = low;
    for (const std::size_t i : front)
        for (std::size_t j = 0; j < low.size(); ++j) {
            low[j] = std::min(low[j], points[i][j]);
            high[j] = std::max(high[j], points[i][j]);
        }
    std::size_t knee = front[0];
    double least = std::numeric_limits<double>::infinity();
    for (const std::size_t i : front) {
        double sum = 0.0;
        for (std::size_t j = 0; j < low.size(); ++j)
            if (high[j] > low[j]) sum += (points[i][j] - low[j]) / (high[j] - low[j]);
        if (sum < least) {
            least = sum;
            knee = i;
        }
    }
    return knee;
}

/// Additive epsilon indicator: how far `front` must be shifted to weakly dominate `target`; 0 or
/// less when it already does. Infinite for an empty front.
inline double additive_epsilon(std::span<const std::vector<double>> front,
                               std::span<const std::vector<double>> target) {
    double epsilon = -std::numeric_limits<double>::infinity();
    for (const auto& t : target) {
        double nearest = std::numeric_limits<double>::infinity();
        for (const auto& f : front) {
            double worst = -std::numeric_limits<double>::infinity();
            for (std::size_t j = 0; j < t.size(); ++j) worst = std::max(worst, f[j] - t[j]);
            nearest = std::min(nearest, worst);
        }
        epsilon = std::max(epsilon, nearest);
    }
    return epsilon;
}

/// IGD+: mean distance from the points of `target` to what `front` dominates (Ishibuchi 2015).
/// Infinite for an empty front, 0 for an empty target.
inline double inverted_generational_distance_plus(std::span<const std::vector<double>> front,
                                                  std::span<const std::vector<double>> target) {
    double sum = 0.0;
    for (const auto& t : target) {
        double nearest = std::numeric_limits<double>::infinity();
        for (const auto& f : front) {
            double square = 0.0;
            for (std::size_t j = 0; j < t.size(); ++j) {
                const double worse = std::max(0.0, f[j] - t[j]);
                square += worse * worse;
            }
            nearest = std::min(nearest, square);
        }
        sum += std::sqrt(nearest);
    }
    return target.empty() ? 0.0 : sum / static_cast<double>(target.size());
}

}  // namespace hass
