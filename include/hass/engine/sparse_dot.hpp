/// \file sparse_dot.hpp
/// The sparse vector dot-product engine of HASS (arXiv 2406.03088, figure 3): clipping units set
/// small weights and activations to zero, a zero filter drops pairs with a zero, an arbiter hands
/// the rest to N multipliers.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/statistics/validate.hpp>

namespace hass {

/// A layer at one operating point, ready to be asked for the cycles of many options.
class prepared_sparse_dot {
  public:
    /// Expects the windows of every option once. \param interval  cycles of a window.
    template <Interval I>
    constexpr prepared_sparse_dot(const I& interval, const layer_row& row,
                                  const layer_statistics& s, bool runs)
        : runs_(runs),
          windows_(static_cast<double>(row.out.pixels()) * row.in.channels *
                   filters_per_group(row)),
          in_(static_cast<double>(row.in.volume())),
          out_(static_cast<double>(row.out.volume())) {
        validate(s);
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            const int vector = detail::vector_lengths.value[i];
            if (!detail::legal_streams(row, {1, 1, 1, 1, vector})) continue;
            const int pairs = vector * taps(row);
            tables_[i] = interval_table(interval, s, row.in.channels, taps(row), vector,
                                        std::min(pairs, detail::largest_window));
        }
    }

    /// Cycles for one image. `c` must be legal for the row: it is not checked again.
    constexpr double cycles(const row_option& c) const {
        if (!runs_) return ruled_out;
        const parallelism& p = c.folding;
        const int streams = p.in * p.group;
        const auto& table =
            tables_[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(p.vector)))];
        const double lanes = static_cast<double>(streams) * p.vector;
        const double work = windows_ / (lanes * p.out) * table(streams, p.macs);
        return std::max({work, in_ / lanes, out_ / (static_cast<double>(p.out) * p.group)});
    }

  private:
    bool runs_;
    double windows_;  // pixels x channels x filters of a group
    double in_, out_;
    std::array<interval_table, 5> tables_{};
};

/// The HASS SPE as an engine. A layer is folded onto `in x out x group` SPEs of `macs` multipliers;
/// it takes
///
///     max( pixels x blocks x filters x t,  H_i W_i C / (streams_in vector),  H_o W_o F /
///     streams_out )
///
/// cycles, where t is the interval policy's cycles per window in the slowest input stream
/// [HASS eqs 1-2]. A window is one channel's K taps; for single-tap kernels (pointwise, linear) it
/// may span 2, 4, 8 or 16 adjacent channels, without which there is nothing to skip. Blocks are
/// dealt to streams across groups.
///
/// \tparam I  interval policy
/// \tparam R  resource policy
template <Interval I = histogram_interval, ResourceModel R = calibrated>
struct sparse_dot {
    I interval{};
    R resources{};
    precision widths{};

    /// Whether the SPE can be folded so: streams divide what they split, macs <= min(M, 64), and
    /// windows that span channels have at most 64 pairs.
    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return detail::legal_streams(row, p) &&
               p.macs <= std::min(p.vector * taps(row), detail::largest_window);
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// Expected cycles for one image; `ruled_out` when the weights do not fit their memory.
    /// \throws hass::error for a folding that does not exist, or statistics that do not fit the row
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        const parallelism& p = c.folding;
        detail::require_legal(legal(row, p), row, p);
        const bool runs = detail::weights_fit(resources, s.weight_sparsity);
        const folded_row f(row, p);
        const double window =
            window_cycles(interval, s, row.in.channels, taps(row), p.vector, f.streams_in, p.macs);
        return runs ? std::max(static_cast<double>(f.windows_per_engine(row)) * window,
                               data_movement_cycles(row, p))
                    : ruled_out;
    }

    /// The layer's resources; `c` must be legal.
    /// \throws hass::error for an option that the resource model has no price for
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        detail::require_priced(resources, c);
        return resources.sparse(row, c, stated(row, widths));
    }

    /// Resources of a row without weights.
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, stated(row, widths), held);
    }

    /// Every legal option, in a fixed order.
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        detail::for_each_streams(row, [&](parallelism p) {
            const int most = std::min(p.vector * taps(row), detail::largest_window);
            for (p.macs = 1; p.macs <= most; ++p.macs) {
                detail::visit_built(resources, row, p, stated(row, widths), p.vector * taps(row),
                                    visit);
            }
        });
    }

    /// Tables for asking `cycles` many times. \throws hass::error as `cycles` does for statistics
    constexpr prepared_sparse_dot prepare(const layer_row& row, const layer_statistics& s) const {
        return {interval, row, s, detail::weights_fit(resources, s.weight_sparsity)};
    }
};

}  // namespace hass
