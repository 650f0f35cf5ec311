/// \file importance.hpp
/// Which axes mattered: shares of the variance that a fitted model gives to each.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/search/additive_model.hpp>
#include <hass/search/study.hpp>
#include <hass/text.hpp>

namespace hass {

/// What a history says about its axes.
struct importance_result {
    /// What one axis explains.
    struct share {
        std::string axis;  ///< its name
        double variance;   ///< share of the model's variance over the box, [0, 1]; all add up to 1
    };
    std::vector<share> shares;  ///< largest first; settled and categorical axes are left out
    /// Share of the trials' variance that the model explains, at most 1: near 0, the shares mean
    /// nothing.
    double explained = 0.0;
};

/// Importance of each axis for one objective, as a functional analysis of variance of an additive
/// model (main effects of fANOVA, Hutter, Hoos, Leyton-Brown 2014) fitted to the measured trials.
/// \param records    of a study; those without values are left out
/// \param objective  which value
/// \throws hass::error with fewer than three measured trials, or no such objective
inline importance_result importance(const space& where, std::span<const trial_record> records,
                                    std::size_t objective = 0) {
    std::vector<std::size_t> axes;
    for (std::size_t i = 0; i < where.size(); ++i)
        if (!where[i].settled() && where[i].kind != axis_kind::categorical) axes.push_back(i);
    const auto unit_of = [&](const std::vector<double>& point) {
        std::vector<double> unit;
        for (const std::size_t i : axes) {
            const auto [low, high] = where[i].model_range();
            unit.push_back((where[i].to_model(point[i]) - low) / (high - low));
        }
        return unit;
    };
    additive_model model(axes.size());
    double mean = 0.0;
    std::vector<const trial_record*> measured;
    for (const trial_record& r : records) {
        if (!r.result || r.result->values().empty() || r.state() == trial_state::pruned) continue;
        if (objective >= r.result->values().size())
            throw error(text_of({"importance: there is no objective ", objective}));
        measured.push_back(&r);
        model.add(unit_of(r.point), r.result->values()[objective]);
        mean += r.result->values()[objective];
    }
    if (measured.size() < 3) throw error("importance: fewer than three measured trials");
    mean /= static_cast<double>(measured.size());

    const auto curve = model.mean();
    importance_result result;
    double all = 0.0;
    for (std::size_t d = 0; d < axes.size(); ++d) {
        // Variance of this axis' curve over the box, by the midpoint rule.
        constexpr int cells = 256;
        std::vector<double> unit(axes.size(), 0.0);
        double sum = 0.0;
        double square = 0.0;
        for (int i = 0; i < cells; ++i) {
            unit[d] = (i + 0.5) / cells;
            const double y = curve(unit) - curve.constant;
            sum += y / cells;
            square += y * y / cells;
        }
        const double variance = std::max(0.0, square - sum * sum);
        all += variance;
        result.shares.push_back({where[axes[d]].name, variance});
    }
    for (auto& share : result.shares) share.variance = all > 0.0 ? share.variance / all : 0.0;
    std::sort(result.shares.begin(), result.shares.end(), [](const auto& a, const auto& b) {
        return a.variance != b.variance ? a.variance > b.variance : a.axis < b.axis;
    });

    double spread = 0.0;
    double missed = 0.0;
    for (const trial_record* r : measured) {
        const double y = r->result->values()[objective];
        const double error = y - curve(unit_of(r->point));
        spread += (y - mean) * (y - mean);
        missed += error * error;
    }
    result.explained = spread > 0.0 ? 1.0 - missed / spread : 0.0;
    return result;
}

}  // namespace hass
