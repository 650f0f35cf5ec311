#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/statistics/depthwise_windows.hpp>
#include <hass/statistics/tap_counts.hpp>

/// What a unit's own packs count in the same maps.
struct packs_counts {
    std::size_t pack = 0;        ///< bytes
    std::uint64_t pairs = 0;     ///< that survive
    double pair_sparsity = 0.0;  ///< of windows
    std::vector<double> windows;
    bool operator==(const packs_counts&) const = default;
};

namespace {

/// A depthwise row of 40 channels, an odd width and padding, where most values are zero.
packs_counts count_with_packs() {
    hass::layer_row row;
    row.kind = hass::layer_kind::convolution;
    row.in = {40, 9, 11};
    row.out = {40, 9, 11};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = 1;
    row.groups = 40;
    std::uint32_t state = 1;
    const auto values = [&](std::size_t count) {
        std::vector<float> all(count);
        for (float& x : all) {
            state = state * 1664525U + 1013904223U;
            x = state >> 30 == 0 ? 1.0F : 0.0F;
        }
        return all;
    };
    const std::vector<float> weights = values(40 * 9), maps = values(40 * 2 * 99);
    hass::depthwise_windows windows(row, weights);
    hass::tap_counts taps(row, weights);
    windows.add(maps.data(), 2, {});
    taps.add(maps.data(), 2, {});
    const hass::layer_statistics s = windows.statistics();
    return {sizeof(hass::detail::flag_pack), taps.pairs(), s.pair_sparsity, s.windows.at(0).share};
}

}  // namespace
