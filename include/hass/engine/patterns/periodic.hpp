/// \file periodic.hpp
/// Periodic pattern-based sparsity (PPS, from SPS, ISLPED 2022): all kernels of a layer keep the
/// same number of taps, and which taps repeats with a fixed period, so no weight needs an index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/engine/patterns/structured.hpp>

namespace hass::patterns {

/// Of `Taps` kernel taps `Keep` stay; input channel c uses pattern c mod `Period`, the same for all
/// filters of the layer. The paper's abstract fixes the period but not the axis; along the input
/// channels, all filters that share an activation window also share its taps.
/// Kernels with another number of taps (1x1 beside 3x3) are left alone.
template <int Taps, int Keep, int Period>
struct periodic {
    static_assert(1 <= Keep && Keep <= Taps, "periodic<Taps, Keep, Period>: 1 <= Keep <= Taps");
    static_assert(Period >= 1, "periodic<Taps, Keep, Period>: Period >= 1");
    static constexpr int taps = Taps;      ///< of the kernel
    static constexpr int keep = Keep;      ///< of which stay
    static constexpr int period = Period;  ///< channels after which patterns repeat

    static constexpr fraction exact_density() { return {Keep, Taps}; }
    static constexpr double density() { return exact_density().value(); }
    static constexpr std::int64_t degrees(weight_extents) { return 1; }
    static constexpr bool applies(weight_extents e) { return e.taps == Taps; }

    static bool conforms(weight_extents e, std::span<const float> w) {
        detail::check(e, w.size());
        if (!applies(e)) return true;
        for (int p = 0; p < Period; ++p) {
            int used = 0;
            for (const double s : tap_scores(e, w, p)) used += s != 0.0 ? 1 : 0;
            if (used > Keep) return false;
        }
        return true;
    }

    /// Each pattern keeps the taps with the largest sum of squares over its kernels.
    static void project(weight_extents e, std::span<float> w) {
        detail::check(e, w.size());
        if (!applies(e)) return;
        std::vector<std::size_t> order;
        for (int p = 0; p < Period; ++p) {
            detail::order_largest(tap_scores(e, w, p), Keep, order);
            for (std::size_t k = Keep; k < order.size(); ++k)
                for (int f = 0; f < e.filters; ++f)
                    for (int c = p; c < e.channels; c += Period)
                        w[detail::at(e, f, c, static_cast<int>(order[k]))] = 0.0F;
        }
    }

    static constexpr std::int64_t stored_values(weight_extents e) {
        return applies(e) ? e.size() / Taps * Keep : e.size();
    }
    /// One table a layer: Period patterns of Keep tap numbers.
    static constexpr std::int64_t metadata_bits(weight_extents e) {
        return applies(e) ? std::int64_t{Period} * Keep * rank{Keep, Taps}.offset_bits() : 0;
    }

  private:
    /// Sum of squares of each tap over the kernels of pattern p.
    static std::vector<double> tap_scores(weight_extents e, std::span<const float> w, int p) {
        std::vector<double> score(Taps, 0.0);
        for (int f = 0; f < e.filters; ++f)
            for (int c = p; c < e.channels; c += Period)
                for (int t = 0; t < Taps; ++t)
                    score[static_cast<std::size_t>(t)] += detail::square(w[detail::at(e, f, c, t)]);
        return score;
    }
};

}  // namespace hass::patterns
