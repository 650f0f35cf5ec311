/// \file level_sums.hpp
/// Rows of quantised networks as kernels on integers compute them: data and weights are whole numbers of
/// steps (levels), so that sums are exact below 2^24 whatever their order, and what is made of a sum is
/// multiplied once and rounded once, in float32 (onnxruntime's MlasRequantizeOutput, MlasQLinearAdd).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail {

/// step * (lower .. upper); a file's integers are these whole numbers + zero.
struct level_grid {
    float step = 1.0F, lower = 0.0F, upper = 0.0F, zero = 0.0F;

    /// What a sum of `z` steps becomes.
    float at(float z) const { return std::min(std::max(std::nearbyint(z), lower), upper) * step; }
    bool operator==(const level_grid&) const = default;
};

/// How a row is computed with levels; `inputs` empty: with numbers, as any other.
struct level_sums {
    std::vector<level_grid> inputs;  ///< one an input
    std::vector<float> weights;      ///< compute rows: step of each filter's
    std::vector<float> bias;         ///< ... and its bias in steps of the sum; empty: none
    std::vector<float> by;  ///< steps of `out` a unit of the sum is: of each filter, or input
    level_grid out;

    explicit operator bool() const { return !inputs.empty(); }
};

/// Finds the rows of a model that are computed with levels: sums of products, additions, products and
/// means between a grid and a grid.
class level_rows {
  public:
    explicit level_rows(const model& m)
        : m_(m), rows_(m.net.rows), grids_(rows_.size() + 1), targets_(rows_.size() + 1) {
        from_.resize(rows_.size()), to_.resize(rows_.size() + 1);
        for (const edge& e : m.net.edges) {
            from_[static_cast<std::size_t>(e.to)].push_back(static_cast<std::size_t>(e.from + 1));
            to_[static_cast<std::size_t>(e.from + 1)].push_back(static_cast<std::size_t>(e.to));
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) grids_[i + 1] = grid_of(i);
        for (std::size_t i = rows_.size(); i-- > 0;) targets_[i + 1] = target_of(i + 1);
    }

    /// Of row i.
    level_sums operator[](std::size_t i) const {
        level_sums s;
        for (const std::size_t source : from_[i])
            if (grids_[source]) s.inputs.push_back(*grids_[source]);
        const auto& out = targets_[i + 1];
        if (!out || s.inputs.size() != from_[i].size()) return {};
        s.out = *out;
        if (!complete(i, s)) return {};
        // steps so far apart that float32 does not hold their ratio
        const auto normal = [](float f) { return std::isnormal(f); };
        return std::all_of(s.by.begin(), s.by.end(), normal) ? s : level_sums{};
    }

  private:
    static bool quantises(const layer_row& row, const layer_parameters& p) {
        return row.kind == layer_kind::function && p.function == value_function::quantised;
    }

    /// The grid that a row's output is on, as far as it says so itself.
    std::optional<level_grid> grid_of(std::size_t i) const {
        const layer_parameters& p = m_.parameters[i];
        const layer_kind kind = rows_[i].kind;
        if (quantises(rows_[i], p)) {
            constexpr float most = 0x1p16F;  // wider levels are no whole numbers of float32
            if (std::max({-p.lower, p.upper, std::abs(p.beta)}) > most) return std::nullopt;
            return level_grid{p.alpha, p.lower, p.upper, p.beta};
        }
        const bool clips = kind == layer_kind::function &&
                           ((p.function == value_function::shrink && p.beta == 0.0F) ||
                            p.function == value_function::thresholded_relu);
        const bool keeps = clips || kind == layer_kind::max_pool || kind == layer_kind::flatten ||
                           kind == layer_kind::concat || kind == layer_kind::stack ||
                           (kind == layer_kind::relu && p.lower == 0.0F && std::isinf(p.upper)) ||
                           moves(kind);
        if (!keeps) return std::nullopt;
        const auto first = grids_[from_[i].front()];
        for (const std::size_t source : from_[i])
            if (grids_[source] != first) return std::nullopt;
        return first;
    }

    /// The grid that all readers round a stream to, activations that clip in between; those of rows
    /// behind it are known.
    std::optional<level_grid> target_of(std::size_t stream) const {
        std::optional<level_grid> all;
        for (const std::size_t i : to_[stream]) {
            const bool clips =
                rows_[i].kind == layer_kind::relu || rows_[i].kind == layer_kind::relu6;
            const bool rounds = quantises(rows_[i], m_.parameters[i]);
            const auto one = clips ? targets_[i + 1] : rounds ? grids_[i + 1] : std::nullopt;
            if (!one || (all && *all != *one)) return std::nullopt;
            all = one;
        }
        return all;
    }

    bool complete(std::size_t i, level_sums& s) const {
        const layer_row& row = rows_[i];
        switch (row.kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
                return products(row, m_.parameters[i], s);
            case layer_kind::global_average_pool:
                s.by = {s.inputs[0].step / (s.out.step * static_cast<float>(row.in.pixels()))};
                return true;
            case layer_kind::add:
                for (const level_grid& g : s.inputs) s.by.push_back(g.step / s.out.step);
                return s.inputs.size() == 2;
            case layer_kind::multiply:
                if (s.inputs.size() != 2) return false;
                s.by = {s.inputs[0].step * s.inputs[1].step / s.out.step};
                return true;
            default:
                return false;
        }
    }

    /// Whether weights and bias are whole numbers of their steps, as the file said before anything was
    /// folded into them.
    static bool products(const layer_row& row, const layer_parameters& p, level_sums& s) {
        const auto filters = static_cast<std::size_t>(row.out.channels);
        if (p.weight_steps.empty()) return false;
        const std::size_t each = p.weights.size() / filters;
        for (std::size_t f = 0; f < filters; ++f) {
            const float step = p.weight_steps[p.weight_steps.size() == 1 ? 0 : f];
            for (std::size_t k = f * each; k < (f + 1) * each; ++k)
                if (std::nearbyint(p.weights[k] / step) * step != p.weights[k]) return false;
            const float unit = s.inputs[0].step * step;
            if (!std::isnormal(unit)) return false;
            s.weights.push_back(step);
            s.by.push_back(unit / s.out.step);
            if (p.bias.empty()) continue;
            const float level = std::nearbyint(p.bias[f] / unit);
            const float off = std::abs(level * unit - p.bias[f]);
            constexpr float of_unit = 0.01F, of_bias = 1.2e-7F;  // float32 of a product
            if (!(off <= of_unit * unit + of_bias * std::abs(p.bias[f]))) return false;
            s.bias.push_back(level);
        }
        return true;
    }

    const model& m_;
    const std::vector<layer_row>& rows_;
    std::vector<std::optional<level_grid>> grids_;    // of streams: the image, then rows
    std::vector<std::optional<level_grid>> targets_;  // ... as far as all readers round them
    std::vector<std::vector<std::size_t>> from_;      // streams that a row reads
    std::vector<std::vector<std::size_t>> to_;        // rows that read a stream
};

/// Weights of a row, clipped, as levels.
inline void to_levels(const level_sums& s, std::span<float> weights) {
    const std::size_t each = weights.size() / s.weights.size();
    for (std::size_t k = 0; k < weights.size(); ++k)
        weights[k] = std::nearbyint(weights[k] / s.weights[k / each]);
}

}  // namespace hass::detail
