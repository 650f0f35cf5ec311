/// \file problem.hpp
/// The question: one option a row so that the needs of all rows together stay within caps,
///
///     sum over rows of need + sum over streams of need <= cap    in every resource
///
/// where a stream's need depends on the widths of the two options at its ends, and may be nothing.
/// In a row's frontier the fastest options stand first, so that a limit of the interval leaves the
/// first few of each row. (In the literature: the multi-dimensional multiple-choice knapsack
/// problem.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <hass/explore/frontier.hpp>
#include <hass/explore/priced_edges.hpp>

namespace hass::detail {

enum class verdict : std::uint8_t { yes, no, unknown };

/// One option a row, as indices into the rows' frontiers.
using selection = std::vector<std::uint32_t>;

/// Of sums of shares; answers are checked without it.
inline constexpr double share_rounding = 1e-12;

inline double sum_of(const resource_vector& v) {
    double sum = 0.0;
    for (const double x : v) sum += x;
    return sum;
}

struct knapsack_problem {
    std::span<const frontier> rows;       ///< looked at, not owned
    const priced_edges* edges = nullptr;  ///< what stands between them; nullptr: nothing
    resource_vector caps{};               ///< what all rows together may need
    resource_vector share{};              ///< 1 / cap, by which needs become shares; 0 of nothing
    std::vector<std::size_t> within;      ///< how many of a row's options lie within the interval

    void set_caps(const resource_vector& most) {
        caps = most;
        for (std::size_t r = 0; r < caps.size(); ++r)
            share[r] = caps[r] > 0.0 ? 1.0 / caps[r] : 0.0;
    }

    /// \returns false when some row has no option within `interval` cycles
    bool set_interval(double interval) {
        within.resize(rows.size());
        bool all = true;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            within[i] = rows[i].within(interval);
            all = all && within[i] > 0;
        }
        return all;
    }

    const resource_vector& need(std::size_t i, std::size_t option) const {
        return rows[i].options[option].need;
    }

    /// Least need of row `i`, resource by resource, within the interval.
    const resource_vector& least(std::size_t i) const { return rows[i].least_needs[within[i] - 1]; }

    /// Of the rows alone.
    resource_vector rows_total(const selection& s) const {
        resource_vector sum{};
        for (std::size_t i = 0; i < rows.size(); ++i)
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need(i, s[i])[r];
        return sum;
    }

    /// Of the streams between them.
    resource_vector between(const selection& s) const {
        if (edges == nullptr) return {};
        return edges->total([&](std::size_t i) { return rows[i].options[s[i]].port; });
    }

    resource_vector total(const selection& s) const {
        resource_vector sum = rows_total(s);
        if (edges == nullptr) return sum;
        const resource_vector more = between(s);
        for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += more[r];
        return sum;
    }

    bool fits(const selection& s) const { return no_more(total(s), caps); }

    /// The first resource of which the rows' least needs alone exceed the cap.
    std::optional<std::size_t> exceeded_by_least() const {
        for (std::size_t r = 0; r < caps.size(); ++r) {
            double sum = 0.0;
            for (std::size_t i = 0; i < rows.size(); ++i) sum += least(i)[r];
            if (sum > caps[r] * (1.0 + share_rounding)) return r;
        }
        return std::nullopt;
    }

    /// Whether some row gives back (needs less than 0) of a resource of which all together may take
    /// nothing: then others may take some, which shares of nothing cannot express.
    bool credits_nothing() const {
        for (std::size_t r = 0; r < caps.size(); ++r)
            for (std::size_t i = 0; caps[r] <= 0.0 && i < rows.size(); ++i)
                if (least(i)[r] < 0.0) return true;
        return false;
    }

    /// Prices a share as prices a unit of need.
    resource_vector per_need(const resource_vector& prices) const {
        resource_vector q{};
        for (std::size_t r = 0; r < q.size(); ++r) q[r] = prices[r] * share[r];
        return q;
    }
};

}  // namespace hass::detail
