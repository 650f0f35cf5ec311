/// \file objective.hpp
/// What is to be least: the sum over rows of the need of one resource, or of what the options add
/// to the delay of an image.
#pragma once

#include <algorithm>
#include <cstddef>

#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

/// Index of a resource, or `delay`, or nothing at all.
struct objective {
    static constexpr std::size_t delay = resources.size();

    /// Nothing is to be least: whatever fits will do.
    static constexpr objective none() { return {delay + 1}; }
    /// Whether streams between rows add to it.
    constexpr bool has_streams() const { return index < delay; }

    std::size_t index = 0;

    bool is_delay() const { return index == delay; }
    constexpr bool is_none() const { return index > delay; }

    /// What an option of a row needs, or adds to the delay.
    double of(const frontier& row, std::size_t option) const {
        if (is_none()) return 0.0;
        return is_delay() ? row.delay[option] : row.options[option].need[index];
    }

    double total(const knapsack_problem& problem, const selection& s) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < s.size(); ++i) sum += of(problem.rows[i], s[i]);
        if (problem.edges != nullptr && has_streams()) sum += problem.between(s)[index];
        return sum;
    }

    /// What streams between rows add at most.
    double most_between(const knapsack_problem& problem) const {
        return problem.edges != nullptr && has_streams() ? problem.edges->most()[index] : 0.0;
    }

    /// Of all rows at their least: no choice has less.
    double least_total(const knapsack_problem& problem) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            const auto delays = problem.rows[i].delay.begin();
            sum += is_delay() ? *std::min_element(
                                    delays, delays + static_cast<std::ptrdiff_t>(problem.within[i]))
                              : problem.least(i)[index];
        }
        return sum;
    }
};

}  // namespace hass::detail
