/// \file utility_search.hpp
/// The point of a space that is worth most by a cheap smooth utility: many candidates, then ascent
/// along gradients from the best, and neighbours on axes that have steps or choices.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/gp/box_descent.hpp>
#include <hass/search/gp/unit_columns.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/sobol.hpp>
#include <hass/search/space.hpp>

namespace hass {

/// How hard is looked for the best point.
struct utility_search_options {
    std::size_t global = 128;      ///< quasi-random candidates over the space
    std::size_t nearby = 128;      ///< candidates around points that are good already
    std::size_t ascents = 4;       ///< candidates from which ascents begin
    std::size_t evaluations = 40;  ///< of an ascent
};

/// A worthwhile point.
struct proposal {
    std::vector<double> point;  ///< in the space's own coordinates
    double utility;             ///< of the acquisition there
};

/// Looks for the point of the largest utility.
/// \param utility  columns -> value; adds its gradient to a span that may be empty (not wanted)
/// \param around   good points, best first, may be empty
/// \param within   where it has to lie; steps of an axis may leave it by half of one
/// \param index    which call this is: another stretch of the quasi-random sequence
/// \returns where the ascents ended, best first; legal points
template <class Utility>
std::vector<proposal> search_utility(const space& where, const unit_columns& columns,
                                     Utility&& utility, const sobol_sequence& sobol,
                                     std::uint64_t index, random_stream& random,
                                     std::span<const std::vector<double>> around,
                                     const unit_box& within,
                                     const utility_search_options& options) {
    std::vector<proposal> candidates;
    std::vector<double> scratch;
    const auto judge = [&](const std::vector<double>& point) {
        scratch = columns.of(where, point);
        return utility(scratch.data(), std::span<double>());
    };
    std::vector<double> point(where.size());
    for (std::size_t i = 0; i < where.size(); ++i)
        if (where[i].settled()) point[i] = where[i].settled_value();
    for (std::size_t c = 0; c < options.global; ++c) {
        const std::uint64_t which = (index * options.global + c) & 0xffffffffULL;
        for (std::size_t s = 0; s < columns.axes().size(); ++s) {
            const std::size_t i = columns.axes()[s].axis;
            const std::size_t d = columns.axes()[s].column;
            const double u = sobol(which, s);
            point[i] = where[i].at(columns.axes()[s].choices > 0
                                       ? u
                                       : within.low[d] + (within.high[d] - within.low[d]) * u);
        }
        candidates.push_back({point, judge(point)});
    }
    normal_draws normal(random);
    // A few axes at a time, by steps of every size (Regis, Shoemaker 2013; Eriksson et al. 2019).
    const double axes = static_cast<double>(columns.axes().size());
    for (std::size_t c = 0; c < options.nearby && !around.empty(); ++c) {
        point = around[c % around.size()];
        const std::size_t kind = c / around.size() % 3;  // few axes, all, or all alike
        const double share = kind == 0 ? std::min(1.0, 3.0 / axes) : 1.0;
        const double reach = 0.3 * stable_exp(-5.0 * random.uniform());
        const double together = normal();
        const std::size_t always = static_cast<std::size_t>(random.below(columns.axes().size()));
        for (std::size_t s = 0; s < columns.axes().size(); ++s) {
            const unit_columns::searched& a = columns.axes()[s];
            const bool stays = s != always && random.uniform() >= share;
            const axis& along = where[a.axis];
            if (a.choices > 0) {
                if (!stays) point[a.axis] = along.at(random.uniform());
                continue;
            }
            const auto [low, high] = along.model_range();
            const double range = high - low;
            const double by = stays ? 0.0 : range * reach * (kind == 2 ? together : normal());
            const double from = low + range * within.low[a.column];
            const double to = low + range * within.high[a.column];
            const double at = along.to_model(point[a.axis]);
            if (!stays || at < from || at > to)
                point[a.axis] = along.from_model(std::clamp(at + by, from, to));
        }
        candidates.push_back({point, judge(point)});
    }
    const std::size_t kept = std::min(options.ascents, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                      candidates.end(), [](const proposal& a, const proposal& b) {
                          return a.utility != b.utility ? a.utility > b.utility : a.point < b.point;
                      });
    candidates.resize(kept);
    for (proposal& p : candidates) climb(where, columns, utility, p, within, options.evaluations);
    std::sort(candidates.begin(), candidates.end(), [](const proposal& a, const proposal& b) {
        return a.utility != b.utility ? a.utility > b.utility : a.point < b.point;
    });
    return candidates;
}

/// Improves a proposal: gradients on the continuous axes, trial and error on the others, in turn
/// until neither helps.
template <class Utility>
void climb(const space& where, const unit_columns& columns, Utility& utility, proposal& from,
           const unit_box& within, std::size_t evaluations) {
    std::vector<double> x = columns.of(where, from.point);
    bool stepped = false;
    bool smooth = false;
    std::vector<double> low = x;
    std::vector<double> high = x;
    for (const unit_columns::searched& s : columns.axes()) {
        stepped = stepped || !s.continuous;
        if (!s.continuous) continue;
        smooth = true;
        low[s.column] = within.low[s.column];
        high[s.column] = within.high[s.column];
    }
    const auto cost = [&](std::span<const double> at, std::span<double> gradient) {
        std::fill(gradient.begin(), gradient.end(), 0.0);
        const double value = utility(at.data(), gradient);
        for (double& g : gradient) g = -g;
        return -value;
    };
    for (int round = 0; round < 3; ++round) {
        const double before = from.utility;
        if (smooth) {
            descend_in_box(cost, x, low, high, {evaluations, 1e-7, 0.05});
            for (const unit_columns::searched& s : columns.axes())
                if (s.continuous) from.point[s.axis] = unit_columns::value(where, s, x.data());
        }
        if (!stepped) break;
        x = columns.of(where, from.point);
        from.utility = utility(x.data(), std::span<double>());
        for (const unit_columns::searched& s : columns.axes()) {
            if (s.continuous) continue;
            const axis& a = where[s.axis];
            const double start = from.point[s.axis];
            // every value where they are few, else steps of doubling size to both sides
            std::vector<double> tries;
            const std::uint64_t count = a.cardinality();
            if (count <= 8) {
                for (std::uint64_t k = 0; k < count; ++k)
                    tries.push_back(a.snap(a.low + a.step * static_cast<double>(k)));
            } else {
                for (double far = 1.0; far < static_cast<double>(count); far *= 2.0) {
                    tries.push_back(a.snap(start - far * a.step));
                    tries.push_back(a.snap(start + far * a.step));
                }
            }
            for (const double value : tries) {
                if (value == from.point[s.axis]) continue;
                columns.write(where, s, value, x.data());
                if (s.choices == 0 &&
                    (x[s.column] < within.low[s.column] || x[s.column] > within.high[s.column]))
                    continue;
                const double worth = utility(x.data(), std::span<double>());
                if (worth > from.utility) {
                    from.utility = worth;
                    from.point[s.axis] = value;
                }
            }
            columns.write(where, s, from.point[s.axis], x.data());
            if (s.choices == 0) low[s.column] = high[s.column] = x[s.column];
            for (std::size_t c = 0; c < s.choices; ++c)
                low[s.column + c] = high[s.column + c] = x[s.column + c];
        }
        if (!(from.utility > before) || !smooth) break;
    }
    if (!stepped) {
        x = columns.of(where, from.point);
        from.utility = utility(x.data(), std::span<double>());
    }
}

}  // namespace hass
