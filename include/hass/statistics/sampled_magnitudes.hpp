/// \file sampled_magnitudes.hpp
/// How the magnitudes of a tensor are distributed, kept at some thresholds only, and how shares are
/// kept as integers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// Shares are kept as integers, in steps of 1 / share_steps: what is read back is what was written,
/// and a share is off by at most half a step (7.7e-6).
inline constexpr int share_steps = 65535;

namespace detail {

inline std::uint16_t to_steps(double share) {
    return static_cast<std::uint16_t>(std::lround(std::clamp(share, 0.0, 1.0) * share_steps));
}
constexpr double from_steps(std::uint16_t steps) {
    return static_cast<double>(steps) / share_steps;
}

/// The last of `grid` (ascending) that is not above `x`, and how far x is on the way to the next;
/// the first or last one outside of the grid.
inline std::pair<std::size_t, double> place(std::span<const float> grid, double x) {
    const auto next = std::upper_bound(grid.begin(), grid.end(), x);
    if (next == grid.begin()) return {0, 0.0};
    const auto i = static_cast<std::size_t>(next - grid.begin()) - 1;
    if (next == grid.end()) return {i, 0.0};
    return {i, (x - grid[i]) / (double{grid[i + 1]} - double{grid[i]})};
}

/// Shares of a window's blocks in steps, each block's sum exactly `share_steps`: rounded down, and
/// what is missing is given to the largest remainders. Off by less than one step.
inline std::vector<std::uint16_t> window_steps(const window_histogram& windows) {
    const auto width = static_cast<std::size_t>(windows.length) + 1;
    std::vector<std::uint16_t> steps(windows.share.size());
    std::vector<std::size_t> order(width);
    std::vector<double> rest(width);
    for (std::size_t first = 0; first < steps.size(); first += width) {
        int missing = share_steps;
        for (std::size_t z = 0; z < width; ++z) {
            // a share that was in steps before must not fall by a rounding error
            const double exact = std::max(0.0, windows.share[first + z]) * share_steps;
            const double down = std::floor(exact + 1e-6);
            rest[z] = exact - down;
            steps[first + z] = static_cast<std::uint16_t>(down);
            missing -= static_cast<int>(down);
        }
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
        for (std::size_t i = 0; missing > 0; i = (i + 1) % width, --missing)
            ++steps[first + order[i]];
    }
    return steps;
}

inline void round_to_steps(window_histogram& windows) {
    const std::vector<std::uint16_t> steps = window_steps(windows);
    for (std::size_t i = 0; i < steps.size(); ++i) windows.share[i] = from_steps(steps[i]);
}

/// The same of lists, whose lengths are one such block.
inline std::vector<std::uint16_t> list_steps(const list_lengths& lists) {
    return window_steps({1, static_cast<int>(lists.share.size()) - 1, lists.share});
}
inline void round_to_steps(list_lengths& lists) {
    const std::vector<std::uint16_t> steps = list_steps(lists);
    for (std::size_t z = 0; z < steps.size(); ++z) lists.share[z] = from_steps(steps[z]);
}

}  // namespace detail

/// |x| of one tensor: shares of zeros at ascending thresholds, the first of them 0.
struct sampled_magnitudes {
    std::vector<float> thresholds;        ///< ascending, the first 0
    std::vector<std::uint16_t> whole;     ///< of the tensor, in steps, one a threshold
    std::vector<std::uint16_t> channels;  ///< of each input channel: thresholds x in.channels

    /// Samples distributions of a layer and its channels at these thresholds.
    template <MagnitudeDistribution Whole, MagnitudeDistribution Channel>
    static sampled_magnitudes of(const Whole& whole, std::span<const Channel> channels,
                                 std::vector<float> thresholds) {
        sampled_magnitudes s;
        s.thresholds = std::move(thresholds);
        for (const float tau : s.thresholds) {
            s.whole.push_back(detail::to_steps(whole.sparsity(tau)));
            for (const Channel& c : channels)
                s.channels.push_back(detail::to_steps(c.sparsity(tau)));
        }
        return s;
    }

    /// Share of zeros under threshold `tau`: linear between thresholds, the last one beyond.
    double sparsity(double tau) const {
        return interpolated(whole, 0, 1, detail::place(thresholds, tau));
    }
    /// The same of input channel `c`.
    double channel_sparsity(std::size_t c, double tau) const {
        return interpolated(channels, c, channels.size() / thresholds.size(),
                            detail::place(thresholds, tau));
    }

    /// Values whose shares below each threshold are the sampled ones; what is never zeroed is
    /// spread above the last threshold, up to twice its value.
    std::vector<float> resampled() const {
        constexpr int count = 16384;
        std::vector<float> values;
        for (int i = 0; i < count; ++i) {
            const double share = (i + 0.5) / count;
            const auto above = std::upper_bound(whole.begin(), whole.end(), share * share_steps);
            const auto k = static_cast<std::size_t>(above - whole.begin());
            if (k == 0) {
                values.push_back(0.0F);
                continue;
            }
            const bool last = k == whole.size();
            const double low = thresholds[k - 1];
            const double high = last ? 2.0 * low + 1e-6 : double{thresholds[k]};
            const double from = detail::from_steps(whole[k - 1]);
            const double to = last ? 1.0 : detail::from_steps(whole[k]);
            values.push_back(static_cast<float>(low + (share - from) / (to - from) * (high - low)));
        }
        return values;
    }

    bool operator==(const sampled_magnitudes&) const = default;

  private:
    static double interpolated(std::span<const std::uint16_t> samples, std::size_t column,
                               std::size_t columns, std::pair<std::size_t, double> at) {
        const double here = detail::from_steps(samples[at.first * columns + column]);
        if (at.second == 0.0) return here;
        return here +
               at.second * (detail::from_steps(samples[(at.first + 1) * columns + column]) - here);
    }
};

}  // namespace hass
