/// \file partial_choices.hpp
/// Options of the first few rows, as the dynamic program keeps them. Of two of the same rows the
/// one that has less of the objective and of every resource that is counted, and the same open
/// widths, is as good in whatever follows; the other one is dropped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

/// Of the shares of partial choices: the same options in another order.
inline constexpr double sum_rounding = 1e-14;

struct partial_choice {
    resource_vector used;  ///< shares
    double objective;
    double bound;             ///< price of whatever it becomes at least
    double taken;             ///< shares of all resources together
    std::uint32_t parent;     ///< index of the choice for a row less
    std::uint32_t option;     ///< of the last row, index into the table
    std::uint32_t state = 0;  ///< widths that are open, see `messages.hpp`
};

/// Drops all but the `count` of least bound. \returns the least bound that was dropped, or infinity
inline double keep_best(std::vector<partial_choice>& choices, std::size_t count) {
    double dropped = std::numeric_limits<double>::infinity();
    if (choices.size() <= count) return dropped;
    const auto cut = choices.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(choices.begin(), cut, choices.end(),
                     [](const partial_choice& a, const partial_choice& b) {
                         if (a.bound != b.bound) return a.bound < b.bound;
                         return a.parent != b.parent ? a.parent < b.parent : a.option < b.option;
                     });
    for (auto s = cut; s != choices.end(); ++s) dropped = std::min(dropped, s->bound);
    choices.erase(cut, choices.end());
    return dropped;
}

/// \name Of choices with ascending objective, state by state: drops those that an earlier one beats
/// @{

/// Where one resource is counted, or none.
inline void keep_falling(std::vector<partial_choice>& choices, const resource_subset& counted) {
    std::size_t kept = 0;
    double least = std::numeric_limits<double>::infinity();
    for (const partial_choice& s : choices) {
        if (kept > 0 && choices[kept - 1].state != s.state)
            least = std::numeric_limits<double>::infinity();
        const double used = counted.empty() ? 0.0 : s.used[counted[0]];
        if (used >= least) continue;
        least = used;
        choices[kept++] = s;
    }
    choices.resize(kept);
}

/// Where two are.
inline void keep_stairs(std::vector<partial_choice>& choices, const resource_subset& counted) {
    std::size_t kept = 0;
    std::map<double, double> stairs;  // need of one resource -> least need of the other
    for (const partial_choice& s : choices) {
        if (kept > 0 && choices[kept - 1].state != s.state) stairs.clear();
        const double x = s.used[counted[0]];
        const double y = s.used[counted[1]];
        auto after = stairs.upper_bound(x);
        if (after != stairs.begin() && std::prev(after)->second <= y) continue;
        while (after != stairs.end() && after->second >= y) after = stairs.erase(after);
        stairs[x] = y;
        choices[kept++] = s;
    }
    choices.resize(kept);
}

/// Where any number are: compares with the last `look_back` only; beaten ones that stay are
/// harmless. Rows that are alike in other orders make sums that differ by rounding alone.
inline void keep_unbeaten(std::vector<partial_choice>& choices, const resource_subset& counted,
                          std::size_t look_back) {
    std::size_t kept = 0;
    for (const partial_choice& s : choices) {
        const auto beats = [&](const partial_choice& other) {
            bool uses_no_more = other.state == s.state;
            for (const std::size_t r : counted)
                uses_no_more = uses_no_more && other.used[r] <= s.used[r] + sum_rounding;
            return uses_no_more;
        };
        const std::span<const partial_choice> so_far(choices.data(), kept);
        if (!is_beaten<look::newest_first>(so_far, look_back, beats)) choices[kept++] = s;
    }
    choices.resize(kept);
}
/// @}

/// Drops choices that another one beats, then the worst ones beyond `most`.
/// \returns the least bound among the latter, or infinity
inline double thin(std::vector<partial_choice>& choices, const resource_subset& counted,
                   std::size_t most) {
    const double before = keep_best(choices, 4 * most);
    std::sort(choices.begin(), choices.end(),
              [&](const partial_choice& a, const partial_choice& b) {
                  if (a.state != b.state) return a.state < b.state;
                  if (a.objective != b.objective) return a.objective < b.objective;
                  for (const std::size_t r : counted)
                      if (a.used[r] != b.used[r]) return a.used[r] < b.used[r];
                  if (a.taken != b.taken) return a.taken < b.taken;
                  return a.parent != b.parent ? a.parent < b.parent : a.option < b.option;
              });
    constexpr std::size_t look_back = 128;
    if (counted.size() <= 1)
        keep_falling(choices, counted);
    else if (counted.size() == 2 && choices.size() > look_back)
        keep_stairs(choices, counted);
    else
        keep_unbeaten(choices, counted, look_back);
    return std::min(before, keep_best(choices, most));
}

}  // namespace hass::detail
