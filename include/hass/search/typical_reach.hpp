/// \file typical_reach.hpp
/// How long the axes of a search should be for the accuracy that may be lost.
#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <hass/search/random.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/space.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// How far axes should reach so that points drawn at random cost about as much accuracy as may be
/// lost: by bisection the largest r in (0, 1] at which `draws` points, uniform on axes shortened to
/// r, still answer as well as `floor` on average. `draws` x `steps` measurements; at least
/// 2^-steps.
/// \param accuracy accuracy(thresholds) -> share of right answers
template <class Accuracy>
requires std::invocable<Accuracy&, const network_thresholds&>
double typical_reach(const threshold_axes& axes, Accuracy&& accuracy, double floor,
                     std::uint64_t seed, int draws = 3, int steps = 6) {
    // the same directions at every step, so that only the length changes
    random_stream random(seed);
    const space where = axes.where();
    std::vector<std::vector<double>> directions;
    for (int k = 0; k < draws; ++k) directions.push_back(uniform_point(where, random));
    double holds = 0.0;
    double fails = 1.0;
    for (int step = 0; step < steps; ++step) {
        const double r = 0.5 * (holds + fails);
        const threshold_axes shorter = axes.shortened(r);
        double sum = 0.0;
        for (const std::vector<double>& point : directions) sum += accuracy(shorter.at(point));
        (sum >= floor * draws ? holds : fails) = r;
    }
    return holds > 0.0 ? holds : fails;
}

}  // namespace hass
