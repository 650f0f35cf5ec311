/// \file fractional_choice.hpp
/// At the best prices the Lagrangian bound is a mean of a few choices, weighted so that together
/// they take just the caps: a choice of fractions of options. It is rounded to a whole one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <hass/explore/cutting_planes.hpp>
#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

/// The cutting planes of the bound, and the choice that each of them stands for.
class fractional_choice {
  public:
    /// \param most  the highest price
    void reset(std::size_t prices, double most) {
        planes_.reset(prices, most);
        options_.clear();
    }

    /// Adds the plane height + slope . prices, on which `s` lies.
    void add(double height, const resource_vector& slope, const selection& s) {
        planes_.add(height, slope);
        options_.insert(options_.end(), s.begin(), s.end());
    }

    /// The same choices on other planes.
    /// \param rows   that a choice has
    /// \param most   the highest price
    /// \param plane  plane(choice): the height and the slope of its new one
    template <class Plane>
    void move(std::size_t rows, std::size_t prices, double most, const Plane& plane) {
        const selection choices = std::move(options_);
        reset(prices, most);
        for (auto at = choices.begin(); at != choices.end();) {
            const auto end = at + static_cast<std::ptrdiff_t>(rows);
            const selection s(at, end);
            const auto [height, slope] = plane(s);
            add(height, slope, s);
            at = end;
        }
    }

    bool empty() const { return options_.empty(); }
    const cutting_planes<resources.size()>& planes() const { return planes_; }

    /// Row by row what one of the choices that meet at the top takes, such that the sum exceeds
    /// theirs least; streams count with the later of their rows.
    /// \param s  takes its place; as long as the problem has rows
    selection rounded(const knapsack_problem& problem, selection s) {
        supports_.clear();
        planes_.supporting([&](std::size_t plane, double weight) {
            if (weight > 0.0) supports_.push_back({plane, weight});
        });
        const std::size_t rows = problem.rows.size();
        const resource_vector share = problem.share;
        resource_vector error{};
        for (std::size_t i = 0; i < rows; ++i) {
            const auto option = [&](std::size_t plane, std::size_t row) {
                return options_[plane * rows + row];
            };
            // what the fractional choice takes of this row
            resource_vector mean{};
            for (const auto& [plane, weight] : supports_) {
                const std::size_t of = plane;
                const resource_vector n = with_streams(
                    problem, i, option(plane, i), [&](std::size_t row) { return option(of, row); });
                for (std::size_t r = 0; r < mean.size(); ++r) mean[r] += weight * n[r] * share[r];
            }
            double least = std::numeric_limits<double>::infinity();
            resource_vector error_of_least{};
            for (const auto& [plane, weight] : supports_) {
                const resource_vector n = with_streams(problem, i, option(plane, i),
                                                       [&](std::size_t row) { return s[row]; });
                resource_vector e = error;
                double over = 0.0;
                for (std::size_t r = 0; r < e.size(); ++r) {
                    e[r] += n[r] * share[r] - mean[r];
                    over += std::max(0.0, e[r]);
                }
                if (over < least)
                    least = over, error_of_least = e, s[i] = options_[plane * rows + i];
            }
            error = error_of_least;
        }
        return s;
    }

  private:
    /// What row `i` needs at an option, with its streams to and from rows before it.
    template <class Chosen>
    static resource_vector with_streams(const knapsack_problem& problem, std::size_t i,
                                        std::uint32_t option, const Chosen& chosen) {
        resource_vector need = problem.need(i, option);
        if (problem.edges == nullptr) return need;
        const auto port = [&](std::size_t row, std::uint32_t k) -> const stream_port& {
            return problem.rows[row].options[k].port;
        };
        for (const std::size_t e : problem.edges->of(i)) {
            const priced_edge& edge = problem.edges->edges()[e];
            const std::size_t other = edge.from == i ? edge.to : edge.from;
            if (other > i) continue;
            const stream_port& here = port(i, option);
            const stream_port& there = port(other, chosen(other));
            const resource_vector& more =
                edge.from == i ? edge.need(here, there) : edge.need(there, here);
            for (std::size_t r = 0; r < need.size(); ++r) need[r] += more[r];
        }
        return need;
    }

    cutting_planes<resources.size()> planes_;
    selection options_;  ///< of all planes, one choice behind the other
    // scratch: planes that meet at the top, and their weights
    std::vector<std::pair<std::size_t, double>> supports_;
};

}  // namespace hass::detail
