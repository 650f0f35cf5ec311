/// \file dense_dot.hpp
/// The dense baseline: dot products of N pairs a cycle, whether they are zero or not.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>

namespace hass {

/// A layer on dense engines, ready to be asked for the cycles of many options.
class prepared_dense_dot {
  public:
    /// Of a row; `runs`: a dense_dot executes it.
    constexpr prepared_dense_dot(const layer_row& row, bool runs)
        : runs_(runs),
          macs_(static_cast<double>(mac_count(row))),
          in_(static_cast<double>(row.in.volume())),
          out_(static_cast<double>(row.out.volume())) {}

    constexpr bool operator==(const prepared_dense_dot&) const = default;

    /// Cycles for one image. `c` must be legal for the row: it is not checked again.
    constexpr double cycles(const row_option& c) const {
        if (!runs_) return ruled_out;
        const parallelism& p = c.folding;
        const double streams_in = static_cast<double>(p.in) * p.group;
        const double streams_out = static_cast<double>(p.out) * p.group;
        return std::max({macs_ / (streams_in * p.out * p.macs), in_ / (streams_in * p.vector),
                         out_ / streams_out});
    }

  private:
    bool runs_;
    double macs_, in_, out_;
};

/// Dense vector-dot engine. `macs` divides the K taps of a channel; for single-tap kernels
/// (pointwise, linear) a dot product spans `vector` = 1, 2, 4, 8 or 16 adjacent channels and
/// `macs` = `vector`, fewer would only idle the word. Cycles do not depend on statistics.
/// \tparam R  resource policy
template <ResourceModel R = calibrated>
struct dense_dot {
    R resources{};
    precision widths{};

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return detail::legal_streams(row, p) &&
               (single_tap(row) ? p.macs == p.vector : taps(row) % p.macs == 0);
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// max( pixels x blocks x filters x M / N, data movement ) for one image, exact; `ruled_out`
    /// when the weights do not fit their memory.
    /// \throws hass::error for a folding that does not exist
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        const parallelism& p = c.folding;
        detail::require_legal(legal(row, p), row, p);
        if (!detail::weights_fit(resources, s.weight_sparsity)) return ruled_out;
        const folded_row f(row, p);
        return std::max(static_cast<double>(f.windows_per_engine(row) * (f.pairs / p.macs)),
                        data_movement_cycles(row, p));
    }

    constexpr prepared_dense_dot prepare(const layer_row& row, const layer_statistics& s) const {
        return {row, detail::weights_fit(resources, s.weight_sparsity)};
    }

    /// The layer's resources; `c` must be legal.
    /// \throws hass::error for an option that the resource model has no price for
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        detail::require_priced(resources, c);
        return resources.dense(row, c, stated(row, widths));
    }

    /// Resources of a row without weights.
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, stated(row, widths), held);
    }

    /// Every legal option, in a fixed order.
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        const detail::int_list macs = detail::divisors(taps(row));
        detail::for_each_streams(row, [&](parallelism p) {
            for (const int n : macs) {
                p.macs = single_tap(row) ? p.vector : n;
                detail::visit_built(resources, row, p, stated(row, widths), p.macs, visit);
            }
        });
    }
};

}  // namespace hass
