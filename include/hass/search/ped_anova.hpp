/// \file ped_anova.hpp
/// Which axes mattered for being good: where the best trials lie apart from all the others.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/search/importance.hpp>
#include <hass/search/study.hpp>
#include <hass/search/truncated_normal.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

/// Density of unit coordinates over equal cells: a normal with Scott's bandwidth around each,
/// truncated to [0, 1], and one uniform part. Adds up to 1.
inline std::array<double, 50> cell_masses(std::vector<double> units) {
    std::array<double, 50> masses{};
    const double cells = static_cast<double>(masses.size());
    const double n = static_cast<double>(units.size());
    std::sort(units.begin(), units.end());
    const double spread = units[static_cast<std::size_t>(0.75 * (n - 1.0))] -
                          units[static_cast<std::size_t>(0.25 * (n - 1.0))];
    double sum = 0.0, square = 0.0;
    for (const double u : units) sum += u, square += u * u;
    const double deviation = std::sqrt(std::max(0.0, square / n - sum / n * (sum / n)));
    const double width = std::max(
        0.3 / cells, 1.059 * std::min(deviation, spread / 1.34) * stable_exp(-0.2 * stable_log(n)));
    for (double& m : masses) m = 1.0 / cells / (n + 1.0);
    for (const double u : units) {
        const double inside = log_normal_mass(-u / width, (1.0 - u) / width);
        for (std::size_t c = 0; c < masses.size(); ++c) {
            const double low = static_cast<double>(c) / cells;
            masses[c] +=
                stable_exp(log_normal_mass((low - u) / width, (low + 1.0 / cells - u) / width) -
                           inside) /
                (n + 1.0);
        }
    }
    return masses;
}

/// Shares of choices, each counted with a part of one trial more.
inline std::vector<double> choice_masses(std::span<const double> values, std::size_t choices) {
    std::vector<double> masses(choices, 1.0 / static_cast<double>(choices));
    for (const double v : values) masses[static_cast<std::size_t>(v)] += 1.0;
    for (double& m : masses) m /= static_cast<double>(values.size() + 1);
    return masses;
}

inline double pearson_divergence(std::span<const double> top, std::span<const double> all) {
    double sum = 0.0;
    for (std::size_t c = 0; c < all.size(); ++c)
        sum += all[c] * (top[c] / all[c] - 1.0) * (top[c] / all[c] - 1.0);
    return sum;
}

}  // namespace detail

/// Importance of each axis for being among the best tenth, by PED-ANOVA (Watanabe, Bansal, Hutter
/// 2023): Pearson's divergence of the axis' density among the best trials from that among all.
/// Other than importance() it needs no model, takes categorical axes, and asks what matters near the
/// optimum, not over the box.
/// \param records    of a study; those without values are left out
/// \param towards    of the objective
/// \returns shares that add up to 1, largest first; all 0 when the best lie as all do
/// \throws hass::error with fewer than four measured trials, or no such objective
inline std::vector<importance_result::share> ped_anova(const space& where,
                                                       std::span<const trial_record> records,
                                                       direction towards = direction::minimise,
                                                       std::size_t objective = 0) {
    std::vector<const trial_record*> measured;
    for (const trial_record& r : records) {
        if (!r.result || r.result->values().empty() || r.state() == trial_state::pruned) continue;
        if (objective >= r.result->values().size())
            throw error(text_of({"ped_anova: there is no objective ", objective}));
        measured.push_back(&r);
    }
    if (measured.size() < 4) throw error("ped_anova: fewer than four measured trials");
    std::stable_sort(measured.begin(), measured.end(),
                     [&](const trial_record* a, const trial_record* b) {
                         const double x = a->result->values()[objective];
                         const double y = b->result->values()[objective];
                         return towards == direction::minimise ? x < y : x > y;
                     });
    const std::size_t top = std::max<std::size_t>(2, (measured.size() + 9) / 10);
    std::vector<importance_result::share> shares;
    double all = 0.0;
    for (std::size_t i = 0; i < where.size(); ++i) {
        const axis& a = where[i];
        if (a.settled()) continue;
        std::vector<double> values;
        for (const trial_record* r : measured) {
            const auto [low, high] = a.model_range();
            values.push_back(a.kind == axis_kind::categorical
                                 ? r->point[i]
                                 : (a.to_model(r->point[i]) - low) / (high - low));
        }
        const std::vector<double> best(values.begin(),
                                       values.begin() + static_cast<std::ptrdiff_t>(top));
        const double divergence =
            a.kind == axis_kind::categorical
                ? detail::pearson_divergence(detail::choice_masses(best, a.choices.size()),
                                             detail::choice_masses(values, a.choices.size()))
                : detail::pearson_divergence(detail::cell_masses(best),
                                             detail::cell_masses(values));
        all += divergence;
        shares.push_back({a.name, divergence});
    }
    for (auto& share : shares) share.variance = all > 0.0 ? share.variance / all : 0.0;
    std::sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
        return a.variance != b.variance ? a.variance > b.variance : a.axis < b.axis;
    });
    return shares;
}

}  // namespace hass
