/// \file lane_layouts.hpp
/// Which lanes exist for a row: those that engines are built with (`engine/lane_dot.hpp`) and that
/// statistics are counted for (`lane_maxima.hpp`).
#pragma once

#include <cstdint>

#include <hass/statistics/dot_work.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Positions that lanes take in at once, at most: up to 27 have been synthesised.
inline constexpr int widest_lane_window = 32;
/// Positions of a dot product, at most.
inline constexpr int longest_lane = 32766;
/// Lanes of one window, at most.
inline constexpr int most_lanes = 16;
/// Up to so many filters of an engine, weights that are zero for all of them are skipped. Of more,
/// hardly any are, and no mask of weights is stored.
inline constexpr int most_masked = 4;

/// Calls visit(n) for the numbers of lanes of a window of `positions`: its divisors, and powers of
/// two up to half of it. Ascending.
template <class Visit>
constexpr void for_each_lane_count(int positions, Visit visit) {
    for (int n = 1; n <= positions && n <= most_lanes; ++n)
        if (positions % n == 0 || (2 * n <= positions && (n & (n - 1)) == 0)) visit(n);
}

/// Calls visit(vector, in) for the windows of a row, one of them or more side by side: powers of
/// two that divide its channels, of at most `widest_lane_window` positions. Rows of one tap widen
/// `vector` up to 16 first, since that is the same lanes; grouped rows have one window, and rows of
/// more than `longest_lane` positions a filter have none.
template <class Visit>
constexpr void for_each_lane_window(const layer_row& row, Visit visit) {
    const int channels = channels_per_group(row), k = taps(row);
    if (!is_compute(row) || std::int64_t{channels} * k > longest_lane) return;
    for (int vector = 1; vector <= (k == 1 ? 16 : 1) && channels % vector == 0; vector *= 2) {
        const bool widest = k > 1 || vector == 16 || channels % (2 * vector) != 0;
        for (int in = 1; in * vector * k <= widest_lane_window && channels % (in * vector) == 0;
             in *= 2) {
            visit(vector, in);
            if (!widest || row.groups > 1) break;
        }
    }
}

/// Calls visit(n) for the divisors of n >= 1, ascending.
template <class Visit>
constexpr void for_each_divisor(int n, Visit visit) {
    for (int d = 1; d <= n; ++d)
        if (n % d == 0) visit(d);
}

/// Calls visit(layout) for every layout of a row's lanes, in a fixed order. Grouped rows fold over
/// groups, others over filters.
template <class Visit>
constexpr void for_each_lane_layout(const layer_row& row, Visit visit) {
    for_each_lane_window(row, [&](int vector, int in) {
        for_each_lane_count(vector * taps(row), [&](int macs) {
            if (row.groups > 1) {
                for_each_divisor(row.groups, [&](int group) {
                    visit(lane_layout{in, group, macs, vector, 1, 1});
                });
                return;
            }
            visit(lane_layout{in, 1, macs, vector, 0, 1});
            for (int shared = 1; shared <= most_masked && row.out.channels % shared == 0;
                 shared *= 2)
                for_each_divisor(row.out.channels / shared, [&](int engines) {
                    visit(lane_layout{in, 1, macs, vector, shared, engines});
                });
        });
    });
}

/// Whether a row has such windows and lanes; what they are shared by is not looked at.
constexpr bool has_lanes(const layer_row& row, int vector, int in, int macs) {
    bool window = false, lanes = false;
    for_each_lane_window(row, [&](int v, int i) { window = window || (v == vector && i == in); });
    if (window) for_each_lane_count(vector * taps(row), [&](int n) { lanes = lanes || n == macs; });
    return lanes;
}

}  // namespace hass
