/// \file pass.hpp
/// PASS (arXiv 2307.07821, FPL 2023): the predecessor of the HASS SPE. It skips zero activations of
/// a window and takes every weight as it is.
#pragma once

#include <algorithm>

#include <hass/engine/array.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/resources/published.hpp>
#include <hass/engine/sparse_dot.hpp>

namespace hass {

/// Cycles of a window of M pairs, mean form of early 2023: max(1, M (1 - S_a) / N) x share of
/// windows that are not all zero. Where the weights are not pruned, the measured windows are
/// activation windows and the slowest stream counts; otherwise activation zeros are taken as
/// independent. Resources are those of the published sparse dot product, of which the same tool
/// flow is the source. \tparam R  resource policy
template <ResourceModel R = published>
struct pass {
    R resources{};
    precision widths{};

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return sparse_dot<mean_interval, R>::legal(row, p);
    }

    /// Expected cycles for one image. \throws hass::error as `sparse_dot`
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const configuration& c) const {
        const parallelism& p = c.folding;
        detail::require_legal(legal(row, p), row, p);
        const folded_row f(row, p);
        return std::max(static_cast<double>(f.windows_per_engine(row)) * window(row, s, f, p),
                        data_movement_cycles(row, p));
    }

    constexpr usage cost(const layer_row& row, const configuration& c) const {
        return resources.sparse(row, c, widths);
    }
    constexpr usage stage_cost(const layer_row& row, const configuration& c) const {
        return resources.stage(row, c, widths);
    }
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        sparse_dot<mean_interval, R>{}.for_each(row, visit);
    }

  private:
    static constexpr double window(const layer_row& row, const layer_statistics& s,
                                   const folded_row& f, const parallelism& p) {
        if (s.weight_sparsity == 0.0 && s.windows_of(p.vector) != nullptr)
            return window_cycles(mean_interval{}, s, row.in.channels, taps(row), p.vector,
                                 f.streams_in, p.macs);
        const double density = (1.0 - s.activation_sparsity) * inside_share(s);
        double empty = 1.0;
        for (int i = 0; i < f.pairs; ++i) empty *= 1.0 - density;
        return mean_interval{}.mean(f.pairs * density, empty, p.macs);
    }
};

}  // namespace hass
