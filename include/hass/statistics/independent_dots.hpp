/// \file independent_dots.hpp
/// Work of whole dot products where none was measured: as if every weight and every activation were
/// zero by itself, with the layer's sparsities. Real activations vary together, so that this is a
/// lower bound in the mean (within 2 % of lanes in RTL that were fed such values; 5 to 15 % below
/// them where densities vary from window to window).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/statistics/dot_work.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/power.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

namespace detail {

/// sqrt(x) for x >= 0, by Newton's rule.
constexpr double square_root(double x) {
    if (!(x > 0.0)) return 0.0;
    double root = x > 1.0 ? x : 1.0;
    for (double next = 0.5 * (root + x / root); next < root; next = 0.5 * (root + x / root))
        root = next;
    return root;
}

/// Expected maximum of n >= 1 independent standard normals: at powers of two by numerical
/// integration, linear in log2 n between them (within 0.05).
constexpr double normal_maximum(std::int64_t n) {
    constexpr std::array<double, 17> at{0.0,    0.5642, 1.0294, 1.4236, 1.7660, 2.0697,
                                        2.3437, 2.5946, 2.8269, 3.0439, 3.2482, 3.4418,
                                        3.6261, 3.8023, 3.9714, 4.1341, 4.2911};
    const auto k = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(n)) - 1);
    if (k + 1 >= at.size()) return at.back();
    const auto power = static_cast<double>(std::int64_t{1} << k);
    // between 2^k and 2^(k+1): log2(1 + x) within 0.01 by a parabola
    const double x = static_cast<double>(n) / power - 1.0;
    return at[k] + (at[k + 1] - at[k]) * x * (1.34 - 0.34 * x);
}

}  // namespace detail

/// Share of pairs, padding counted as zeros, that are not skipped when `shared` filters skip alike
/// (0: weights are not looked at).
constexpr double kept_pairs(const layer_statistics& s, int shared) {
    const double weights = 1.0 - s.weight_sparsity;
    const double pairs = 1.0 - s.pair_sparsity_padded;
    if (shared == 1) return pairs;
    const double activations = weights > 0.0 ? std::min(1.0, pairs / weights) : 0.0;
    return shared == 0 ? activations
                       : activations * (1.0 - detail::power(s.weight_sparsity, shared));
}

/// `lane_work::cycles` of independent zeros: the expected maximum of normals with the mean n d and
/// the variance n d (1 - d) of the binomials of n positions in a lane and the share d of pairs kept;
/// longer lanes alone, or all of them as short ones, whichever is more.
constexpr double independent_lane_cycles(const layer_row& row, const layer_statistics& s,
                                         const lane_layout& l) {
    const double d = kept_pairs(s, l.shared);
    const int positions = l.vector * taps(row);
    const std::int64_t windows = channels_per_group(row) / (l.vector * l.in);
    const std::int64_t copies = std::int64_t{l.in} * l.group * l.engines;
    const auto maximum = [&](int length, std::int64_t lanes) {
        const double n = static_cast<double>(windows * length);
        const double most =
            n * d + detail::normal_maximum(lanes) * detail::square_root(n * d * (1.0 - d));
        return std::min(most, std::max(n, 1.0));
    };
    const int shorter = positions / l.macs, longer = positions % l.macs;
    const double all = std::max(static_cast<double>(windows), maximum(shorter, l.macs * copies));
    return longer == 0 ? all : std::max(all, maximum(shorter + 1, longer * copies));
}

/// `list_lengths` of independent zeros: the maximum of `lanes` binomials.
constexpr list_lengths independent_lists(const layer_row& row, const layer_statistics& s,
                                         int lanes) {
    const double d = kept_pairs(s, 0);
    const auto n = static_cast<std::size_t>(taps(row) * row.in.channels / lanes);
    list_lengths lengths{lanes, std::vector<double>(n + 1, 0.0)};
    if (d >= 1.0 || d <= 0.0) {
        lengths.share[d >= 1.0 ? n : 0] = 1.0;
        return lengths;
    }
    // from the mode both ways, where terms do not vanish, then scaled to one
    const auto mode = std::min(n, static_cast<std::size_t>(static_cast<double>(n + 1) * d));
    std::vector<double>& p = lengths.share;
    const double odds = d / (1.0 - d);
    p[mode] = 1.0;
    for (std::size_t z = mode; z < n; ++z)
        p[z + 1] = p[z] * static_cast<double>(n - z) / static_cast<double>(z + 1) * odds;
    for (std::size_t z = mode; z > 0; --z)
        p[z - 1] = p[z] * static_cast<double>(z) / static_cast<double>(n - z + 1) / odds;
    double sum = 0.0;
    for (const double x : p) sum += x;
    double below = 0.0, before = 0.0;
    for (double& x : p) {
        below = std::min(1.0, below + x / sum);
        const double power = detail::power(below, lanes);
        x = power - before, before = power;
    }
    return lengths;
}

}  // namespace hass
