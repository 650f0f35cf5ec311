/// \file sps.hpp
/// SPS (ISLPED 2022, arXiv 2207.00068): a systolic dataflow for periodic patterns. Reconstructed
/// from the abstract: every kernel keeps the same number of taps, so that all engines take the same
/// time and nothing is skipped at run time,
///
///     cycles = dense cycles x keep / taps
///
/// Its resources are not published: a `TimedEngine`. Nor can its published figures (4.49x energy
/// efficiency, 22,044x index memory) be derived from what is public.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/patterns/periodic.hpp>

namespace hass {

/// SPS: weights whose patterns of taps repeat from channel to channel, so that PEs share them.
struct sps {
    int taps = 9;    ///< of the kernels that have a pattern
    int keep = 4;    ///< taps that stay, 1..taps
    int period = 8;  ///< channels after which the patterns repeat

    /// The engine for a pattern type.
    template <int Taps, int Keep, int Period>
    static constexpr sps of(patterns::periodic<Taps, Keep, Period>) {
        return {Taps, Keep, Period};
    }

    /// Kernels of other shapes and layers with fewer input channels than a period (the first one,
    /// depthwise ones) run dense.
    constexpr bool has_pattern(const layer_row& row) const {
        return hass::taps(row) == taps && channels_per_group(row) >= period;
    }

    /// Multiplications for one image.
    constexpr double macs(const layer_row& row) const {
        return static_cast<double>(mac_count(row)) / hass::taps(row) * kept(row);
    }

    /// Input streams see a fixed set of patterns only if their number and the period divide one
    /// another.
    constexpr bool legal(const layer_row& row, const parallelism& p) const {
        return detail::legal_streams(row, p) && p.macs <= p.vector * kept(row) &&
               (!has_pattern(row) || period % p.in == 0 || p.in % period == 0);
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// max( pixels x blocks x filters x ceil(kept pairs / N), data movement ) for one image; the
    /// statistics are not read.
    /// \throws hass::error for a folding that does not exist
    constexpr double cycles(const layer_row& row, const layer_statistics&,
                            const row_option& c) const {
        const parallelism& p = c.folding;
        detail::require_legal(legal(row, p), row, p);
        const folded_row f(row, p);
        const std::int64_t window = detail::ceil_div(std::int64_t{p.vector} * kept(row), p.macs);
        return std::max(static_cast<double>(f.windows_per_engine(row) * window),
                        data_movement_cycles(row, p));
    }

    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        detail::for_each_streams(row, [&](parallelism p) {
            for (p.macs = 1; p.macs <= p.vector * kept(row); ++p.macs)
                if (legal(row, p)) visit(row_option{p, weight_memory::bram18, 0});
        });
    }

  private:
    constexpr int kept(const layer_row& row) const {
        return has_pattern(row) ? keep : hass::taps(row);
    }
};

}  // namespace hass
