/// \file lane_dot.hpp
/// Sparse dot products in lanes that drift apart. An engine deals the positions of a window to N
/// lanes, each with a FIFO of masks, a ring of windows and a priority encoder: a lane hands one pair
/// a cycle that is not skipped to its multiplier, products go down a cascade of DSPs into one sum,
/// and lanes wait for each other only at the end of a dot product. There is no crossbar, windows
/// without a pair cost nothing, and several filters share an engine's lanes for no LUT at all. RTL,
/// 8 million verified windows and syntheses: `shared/rtl/lane_engines`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/lane_resources.hpp>
#include <hass/error.hpp>
#include <hass/statistics/independent_dots.hpp>
#include <hass/statistics/lane_layouts.hpp>
#include <hass/statistics/row_work.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>

namespace hass {

/// Anything that prices lanes.
template <class R>
concept LaneResources = requires(const R& r, const layer_row& row, const row_option& c,
                                 const precision& width, std::span<const held_input> held) {
    { r.lanes(row, c, width) } -> std::same_as<usage>;
    { r.stage(row, c, width, held) } -> std::same_as<usage>;
    r.for_each_memory(row, c.folding, [](weight_memory, weight_memory) {});
};

namespace detail {

/// The lanes of a folding.
constexpr lane_layout lanes_of(const parallelism& p) {
    const bool masked = p.shared <= most_masked;
    return {p.in, p.group, p.macs, p.vector, masked ? p.shared : 0, masked ? p.out / p.shared : 1};
}

/// Cycles of a folding whose dot products take `dot` cycles each.
/// \param rows  of windows, as `layer_statistics::rows`
constexpr double lane_cycles(const layer_row& row, const parallelism& p, double dot,
                             std::span<const double> rows) {
    const folded_row f(row, p);
    const auto products =
        static_cast<double>(row.out.pixels() * f.filters * (row.groups / p.group));
    return longer_of_rows(rows, products * std::max(dot, static_cast<double>(f.group_blocks)),
                          data_movement_cycles(row, p));
}

}  // namespace detail

/// A layer at one operating point, ready to be asked for the cycles of many options.
class prepared_lane_dot {
  public:
    /// \throws hass::error for statistics that are out of range
    constexpr prepared_lane_dot(const layer_row& row, const layer_statistics& s)
        : row_(row), rows_(s.rows) {
        validate(s);
        if (!s.lanes.empty()) {
            for (const lane_work& w : s.lanes) dots_.emplace_back(key(w.layout), w.cycles);
        } else {
            for_each_lane_layout(row, [&](const lane_layout& l) {
                dots_.emplace_back(key(l), independent_lane_cycles(row, s, l));
            });
        }
        std::sort(dots_.begin(), dots_.end());
    }

    /// Cycles for one image. `c` must be legal for the row.
    /// \throws hass::error where the statistics were counted for other lanes
    constexpr double cycles(const row_option& c) const {
        const std::uint64_t wanted = key(detail::lanes_of(c.folding));
        const auto at = std::lower_bound(
            dots_.begin(), dots_.end(), wanted,
            [](const std::pair<std::uint64_t, double>& a, std::uint64_t b) { return a.first < b; });
        if (at == dots_.end() || at->first != wanted)
            throw error("lanes: the statistics know nothing of parallelism " +
                        detail::text(c.folding));
        return detail::lane_cycles(row_, c.folding, at->second, rows_);
    }

  private:
    static constexpr std::uint64_t key(const lane_layout& l) {
        const auto bits = [](int x, int shift) { return static_cast<std::uint64_t>(x) << shift; };
        return bits(l.engines, 42) | bits(l.group, 21) | bits(l.in, 14) | bits(l.vector, 9) |
               bits(l.macs, 4) | bits(l.shared, 0);
    }

    layer_row row_;
    std::vector<double> rows_;
    std::vector<std::pair<std::uint64_t, double>> dots_{};
};

/// Engines of lanes. A layer is folded onto `out / shared x group` engines, each of `in * macs`
/// lanes and `shared` multipliers a lane; it takes
///
///     max( pixels x filters in turn x E[max(windows, fullest lane)],  data movement )
///
/// cycles, where a dot product has C / (g in vector) windows, taken in one a cycle, and the mean is
/// over images, positions and filters, of the pairs in the fullest lane of all engines that a stream
/// of windows feeds (`lane_work`): they wait for each other. Without measured
/// work it is that of independent zeros.
///
/// Up to 4 filters that share an engine skip what is zero for all of them, and one alone every pair
/// with a zero; more of them, which are then all `out` filters, skip zero activations.
///
/// Rows of up to 64 positions a window; grouped rows, of which depthwise ones are the usual, have
/// one window and one filter of a group at a time.
///
/// Against RTL within 2.7 % at dot products of 32 windows and FIFOs of 8; against a simulation cycle
/// by cycle of small layers (16 windows) within 1 % in the mean and 8 % at worst for one engine, 3 %
/// and 12 % for engines that share windows, as measured when lanes and windows were compared by their
/// means.
/// \tparam R  resource policy
template <LaneResources R = lane_resources>
struct lane_dot {
    R resources{};
    precision widths{};

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        if (!has_weights(row) || p.in < 1 || p.out < 1 || p.group < 1 || p.macs < 1 ||
            p.vector < 1 || p.shared < 1 || p.pixels != 1 || row.groups % p.group != 0 ||
            filters_per_group(row) % p.out != 0 || p.out % p.shared != 0)
            return false;
        if (row.groups > 1 ? p.out != 1 : p.group != 1) return false;
        const bool masked = p.shared == 1 || p.shared == 2 || p.shared == most_masked;
        return (masked || (p.shared > most_masked && p.shared == p.out)) &&
               has_lanes(row, p.vector, p.in, p.macs);
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// Expected cycles for one image.
    /// \throws hass::error for a folding that does not exist, or statistics that do not fit the row
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        detail::require_legal(legal(row, c.folding), row, c.folding);
        if (!s.lanes.empty()) return prepare(row, s).cycles(c);
        validate(s);
        return detail::lane_cycles(
            row, c.folding, independent_lane_cycles(row, s, detail::lanes_of(c.folding)), s.rows);
    }

    /// The layer's resources; `c` must be legal.
    /// \throws hass::error for multipliers of LUTs, or weights off-chip
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        if (c.multipliers != multiplier::dsp)
            throw error("lanes: sums go down a cascade of DSPs, multipliers of LUTs have none");
        return resources.lanes(row, c, stated(row, widths));
    }

    /// Resources of a row without weights.
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, stated(row, widths), held);
    }

    /// Every legal option, in a fixed order.
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        const auto built = [&](const parallelism& p) {
            resources.for_each_memory(row, p, [&](weight_memory memory, weight_memory maps) {
                visit(row_option{p, memory, 0, multiplier::dsp, maps});
            });
        };
        for_each_lane_window(row, [&](int vector, int in) {
            for_each_lane_count(vector * taps(row), [&](int macs) {
                if (row.groups > 1) {
                    for (const int group : detail::divisors(row.groups))
                        built({in, 1, group, macs, vector, 1, 1});
                    return;
                }
                for (const int out : detail::divisors(row.out.channels)) {
                    for (int shared = 1; shared <= most_masked; shared *= 2)
                        if (out % shared == 0) built({in, out, 1, macs, vector, shared, 1});
                    if (out > most_masked) built({in, out, 1, macs, vector, out, 1});
                }
            });
        });
    }

    /// Tables for asking `cycles` many times. \throws hass::error as `cycles` does for statistics
    constexpr prepared_lane_dot prepare(const layer_row& row, const layer_statistics& s) const {
        return {row, s};
    }
};

}  // namespace hass
