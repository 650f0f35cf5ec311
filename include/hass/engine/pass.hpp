/// \file pass.hpp
/// PASS (arXiv 2307.07821, FPL 2023): the predecessor of the HASS SPE. It skips zero activations of
/// a window and takes every weight as it is.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/statistics/power.hpp>
#include <hass/statistics/validate.hpp>

namespace hass {

/// Cycles of a window with M (1 - S) survivors in the mean when empty windows are skipped,
///
///     max(1, M (1 - S) / ((1 - P(empty)) N)) (1 - P(empty)) = max(1 - P(empty), M (1 - S) / N)
///
/// `mean_interval` is the published form, without the inner division: it counts empty windows twice
/// and lets multipliers do more than they can (102 % on ResNet-18).
struct nonempty_interval {
    constexpr double mean(double mean_survivors, double empty_share, int macs) const {
        return std::max(1.0 - empty_share, mean_survivors / macs);
    }
};

/// Cycles of a window as the interval policy says, of activation zeros alone. Where the weights are
/// not pruned, the measured windows are activation windows and the slowest stream counts; otherwise
/// activation zeros are taken as independent. Resources are those of the published sparse dot
/// product, of which the same tool flow is the source.
/// \tparam I  interval policy; `mean_interval` for the published mean form
/// \tparam R  resource policy
template <Interval I = nonempty_interval, ResourceModel R = fpgaconvnet::published>
struct pass {
    I interval{};
    R resources{};
    precision widths{};

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return sparse_dot<I, R>::legal(row, p);
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// Expected cycles for one image. \throws hass::error as `sparse_dot`
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        const parallelism& p = c.folding;
        detail::require_legal(legal(row, p), row, p);
        const folded_row f(row, p);
        return std::max(static_cast<double>(f.windows_per_engine(row)) * window(row, s, f, p),
                        data_movement_cycles(row, p));
    }

    constexpr usage cost(const layer_row& row, const row_option& c) const {
        detail::require_priced(resources, c);
        return resources.sparse(row, c, stated(row, widths));
    }
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, stated(row, widths), held);
    }
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        sparse_dot<I, R>{{}, resources, widths}.for_each(row, visit);
    }

  private:
    constexpr double window(const layer_row& row, const layer_statistics& s, const folded_row& f,
                            const parallelism& p) const {
        const auto slowest = [&](const layer_statistics& activations) {
            return window_cycles(interval, activations, row.in.channels, taps(row), p.vector,
                                 f.streams_in, p.macs);
        };
        if (s.weight_sparsity == 0.0 && s.windows_of(p.vector) != nullptr) return slowest(s);
        validate(s);
        const double density = (1.0 - s.activation_sparsity) * inside_share(s);
        if constexpr (detail::MeanInterval<I>) {
            const double empty = detail::power(1.0 - density, f.pairs);
            return interval.mean(f.pairs * density, empty, p.macs);
        } else {
            return slowest(independent_statistics(0.0, 1.0 - density));
        }
    }
};

}  // namespace hass
