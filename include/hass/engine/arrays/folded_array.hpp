/// \file folded_array.hpp
/// A pipeline engine as an array: as many multipliers as allowed, refolded for each layer.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/timed_engine.hpp>

namespace hass {

/// Every layer runs in the fastest folding that has at most `size` multipliers, the dense engine,
/// the SPE, PASS and SPS beside the arrays. Accesses are not counted.
/// \tparam E  the engine
/// \tparam M  callable as (row, statistics) -> double: multiplications that switch for one image
template <TimedEngine E, class M>
requires std::is_invocable_r_v<double, const M&, const layer_row&, const layer_statistics&>
struct folded_array {
    E engine;         ///< what folds
    M executed;       ///< what switches
    int size = 1024;  ///< >= 1

    constexpr int multipliers() const { return size; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        double best = std::numeric_limits<double>::infinity();
        const auto fastest = [&](auto&& cycles) {
            engine.for_each(row, [&](const row_option& c) {
                if (c.memory != weight_memory::bram18) return;  // the same speed again
                if (static_cast<double>(engine_count(c.folding)) * c.folding.macs <= size)
                    if (const double t = cycles(c); t < best) best = t;
            });
        };
        if constexpr (requires { engine.prepare(row, s); }) {
            const auto prepared = engine.prepare(row, s);
            fastest([&](const row_option& c) { return prepared.cycles(c); });
        } else {
            fastest([&](const row_option& c) { return engine.cycles(row, s, c); });
        }
        return {best, executed(row, s), 0.0, {}};
    }
};

/// Makes a folded_array. \param size  multipliers, >= 1.
template <TimedEngine E, class M>
constexpr folded_array<E, M> fold(E engine, M executed, int size) {
    return {std::move(engine), std::move(executed), size};
}

/// Multiplications that switch in an engine that skips nothing.
struct all_pairs {
    /// Multiplications for one image.
    constexpr double operator()(const layer_row& row, const layer_statistics&) const {
        return static_cast<double>(mac_count(row));
    }
};
/// ... that skips zero activations.
struct activation_pairs {
    /// Multiplications for one image.
    constexpr double operator()(const layer_row& row, const layer_statistics& s) const {
        return static_cast<double>(mac_count(row)) * (1.0 - s.activation_sparsity) *
               inside_share(s);
    }
};
/// ... that skips every pair with a zero.
struct surviving_pairs {
    /// Multiplications for one image.
    constexpr double operator()(const layer_row& row, const layer_statistics& s) const {
        return static_cast<double>(mac_count(row)) * (1.0 - s.pair_sparsity_padded);
    }
};

}  // namespace hass
