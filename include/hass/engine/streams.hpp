/// \file streams.hpp
/// How blocks of channels with different work are dealt to parallel streams, and what the slowest
/// stream then takes. The pipeline of one layer runs at that stream's pace.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>

namespace hass {

/// Deals blocks to streams, slowest first, in boustrophedon order: forth in even rounds, back in
/// odd ones (fpgaconvnet-model, get_interleaving). Blocks of equal work stay in their order.
/// \param work     work of every block
/// \param streams  divides the number of blocks
/// \return the block that stream s gets in round r, at r * streams + s
constexpr std::vector<std::size_t> deal(std::span<const double> work, std::size_t streams) {
    std::vector<std::size_t> order(work.size(), 0);
    for (std::size_t b = 0; b < order.size(); ++b) order[b] = b;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return work[a] != work[b] ? work[a] > work[b] : a < b;
    });
    using distance = std::vector<std::size_t>::difference_type;
    for (std::size_t row = streams; row < order.size(); row += 2 * streams)
        std::reverse(order.begin() + static_cast<distance>(row),
                     order.begin() + static_cast<distance>(row + streams));
    return order;
}

/// Largest mean over streams of values dealt in boustrophedon order. O(values).
/// \param slowest_first  one value a block, in dealing order
/// \param streams        divides the number of values
/// \param sums           scratch space of at least `streams` values
constexpr double slowest_stream(std::span<const double> slowest_first, std::size_t streams,
                                std::span<double> sums) {
    const std::size_t rows = slowest_first.size() / streams;
    for (std::size_t s = 0; s < streams; ++s) sums[s] = 0.0;
    const double* row = slowest_first.data();
    std::size_t r = 0;
    for (; r + 1 < rows; r += 2, row += 2 * streams) {
        const double* const back = row + 2 * streams - 1;
        for (std::size_t s = 0; s < streams; ++s) sums[s] = (sums[s] + row[s]) + *(back - s);
    }
    if (r < rows)
        for (std::size_t s = 0; s < streams; ++s) sums[s] += row[s];
    double worst = 0.0;
    for (std::size_t s = 0; s < streams; ++s) worst = sums[s] > worst ? sums[s] : worst;
    return worst / static_cast<double>(rows);
}

/// Shares of windows with 0 .. length surviving pairs when each pair survives with probability
/// `density` on its own: the binomial distribution. `density` in [0, 1].
constexpr std::vector<double> binomial_window(int length, double density) {
    std::vector<double> share(static_cast<std::size_t>(length) + 1, 0.0);
    share[0] = 1.0;
    for (std::size_t pairs = 1; pairs < share.size(); ++pairs) {
        for (std::size_t z = pairs; z > 0; --z)
            share[z] = share[z] * (1.0 - density) + share[z - 1] * density;
        share[0] *= 1.0 - density;
    }
    return share;
}

/// Checks windows whose blocks are dealt to streams: as `validate`, and no block is cut short.
/// \throws hass::error as `validate`; for channels that are no multiple of the windows'
constexpr void validate_blocks(const window_histogram& windows, int channels, int taps) {
    validate(windows, channels, taps);
    if (channels % windows.channels != 0)
        throw error(text_of({"layer statistics: windows of ", windows.channels,
                             " channels do not divide the layer's ", channels}));
}

}  // namespace hass
