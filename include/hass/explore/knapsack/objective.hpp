/// \file objective.hpp
/// What is to be least: a weighted sum of what all rows need, or of what the options add to the
/// delay of an image.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

/// Needs with a weight each, or the delay, or nothing at all.
class objective {
  public:
    /// Weights >= 0, of a unit of need: a weight of 1 for one resource, or `share_weights`.
    static constexpr objective needs(const resource_vector& weight) {
        return {kind::needs, weight};
    }
    /// The need of resource `r`.
    static constexpr objective need_of(std::size_t r) {
        resource_vector one{};
        one[r] = 1.0;
        return needs(one);
    }
    static constexpr objective delay() { return {kind::delay, {}}; }
    /// Nothing is to be least: whatever fits will do.
    static constexpr objective none() { return {kind::none, {}}; }

    constexpr objective() = default;
    constexpr bool operator==(const objective&) const = default;

    /// Whether streams between rows add to it.
    constexpr bool has_streams() const { return kind_ == kind::needs; }
    constexpr bool is_delay() const { return kind_ == kind::delay; }
    constexpr bool is_none() const { return kind_ == kind::none; }

    /// Of what something needs, which may be infinite; 0 where needs do not count.
    constexpr double of(const resource_vector& need) const {
        double sum = 0.0;
        for (std::size_t r = 0; r < need.size(); ++r)
            sum += weight_[r] == 0.0 ? 0.0 : weight_[r] * need[r];
        return sum;
    }

    /// What an option of a row needs, or adds to the delay.
    double of(const frontier& row, std::size_t option) const {
        return is_delay() ? row.delay[option] : of(row.options[option].need);
    }

    double total(const knapsack_problem& problem, const selection& s) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < s.size(); ++i) sum += of(problem.rows[i], s[i]);
        if (problem.edges != nullptr && has_streams()) sum += of(problem.between(s));
        return sum;
    }

    /// What streams between rows add at most.
    double most_between(const knapsack_problem& problem) const {
        return problem.edges != nullptr ? of(problem.edges->most()) : 0.0;
    }

    /// No choice has less than this: of all rows at their least, resource by resource.
    double least_total(const knapsack_problem& problem) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            const auto delays = problem.rows[i].delay.begin();
            sum += is_delay() ? *std::min_element(
                                    delays, delays + static_cast<std::ptrdiff_t>(problem.within[i]))
                              : of(problem.least(i));
        }
        return sum;
    }

  private:
    enum class kind : std::uint8_t { needs, delay, none };

    constexpr objective(kind what, const resource_vector& weight) : kind_(what), weight_(weight) {}

    kind kind_ = kind::none;
    resource_vector weight_{};
};

}  // namespace hass::detail
