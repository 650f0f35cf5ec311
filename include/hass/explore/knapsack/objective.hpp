/// \file objective.hpp
/// What is to be least: the sum over rows of the need of one resource, or of what the options add
/// to the delay of an image.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

/// Index of a resource, or `delay`.
struct objective {
    static constexpr std::size_t delay = resources.size();

    std::size_t index = 0;

    bool is_delay() const { return index == delay; }

    /// What an option of a row needs, or adds to the delay.
    double of(const frontier& row, std::size_t option) const {
        return is_delay() ? row.delay[option] : row.options[option].need[index];
    }

    double total(const knapsack_problem& problem, const selection& s) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < s.size(); ++i) sum += of(problem.rows[i], s[i]);
        return sum;
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

/// How much less counts as less.
class improvement {
  public:
    /// Needs that are multiples of 1/4 are told apart by their greatest common divisor, others by
    /// 1e-9.
    improvement(const knapsack_problem& problem, const objective& wanted)
        : quantum_(quantum(problem, wanted)) {}

    /// Greatest common divisor of the needs; 0: there is none.
    double quantum() const { return quantum_; }

    /// What is better than `v` has at most this.
    double below(double v) const {
        return v - (quantum_ > 0.0 ? 0.75 * quantum_ : 1e-9 * (1.0 + std::abs(v)));
    }

    /// As good as `v`, but for rounding.
    static double tie(double v) { return v + 1e-9 * (1.0 + std::abs(v)); }

  private:
    static double quantum(const knapsack_problem& problem, const objective& wanted) {
        if (wanted.is_delay()) return 0.0;
        std::int64_t g = 0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i)
            for (std::size_t k = 0; k < problem.within[i]; ++k) {
                const double quarters = 4.0 * problem.need(i, k)[wanted.index];
                if (quarters != std::floor(quarters) || quarters > 1e15) return 0.0;
                g = std::gcd(g, static_cast<std::int64_t>(quarters));
                if (g == 1) return 0.25;
            }
        return static_cast<double>(g) / 4.0;
    }

    double quantum_;
};

}  // namespace hass::detail
