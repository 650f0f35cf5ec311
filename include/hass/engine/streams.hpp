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

namespace hass {

/// Deals blocks to streams, slowest first, in boustrophedon order: forth in even rounds, back in
/// odd ones (fpgaconvnet-model, get_interleaving). Blocks of equal work stay in their order. \param
/// work     work of every block \param streams  divides the number of blocks \return the block that
/// stream s gets in round r, at r * streams + s
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

/// Checks a measured histogram against the layer that it is used for.
/// \param windows   the histogram
/// \param channels  input channels of the layer
/// \param taps      kernel taps of the layer
/// \throws hass::error naming the field: wrong width, wrong number of blocks, shares that are
///         negative, not a number, or do not sum to 1 within 1e-6
constexpr void validate(const window_histogram& windows, int channels, int taps) {
    if (windows.channels < 1 || channels % windows.channels != 0 ||
        windows.length != windows.channels * taps)
        throw error("window histogram: length " + std::to_string(windows.length) + " for " +
                    std::to_string(windows.channels) + " channels, but the layer's kernel has " +
                    std::to_string(taps) + " taps");
    const auto width = static_cast<std::size_t>(windows.length) + 1;
    const auto blocks = static_cast<std::size_t>(channels / windows.channels);
    if (windows.share.size() != blocks * width)
        throw error("window histogram: share has " + std::to_string(windows.share.size()) +
                    " values, expected " + std::to_string(blocks) + " blocks x " +
                    std::to_string(width));
    for (std::size_t b = 0; b < blocks; ++b) {
        double sum = 0.0;
        double smallest = 0.0;
        for (std::size_t z = 0; z < width; ++z) {
            const double share = windows.share[b * width + z];
            sum += share;
            smallest = share < smallest ? share : smallest;
        }
        if (!(sum > 1.0 - 1e-6 && sum < 1.0 + 1e-6 && smallest > -1e-9))
            throw error("window histogram: shares of block " + std::to_string(b) + " sum to " +
                        std::to_string(sum) + ", not to 1");
    }
}

/// \throws hass::error when a sparsity is not within [0, 1] (or not a number)
constexpr void validate(const layer_statistics& s) {
    const auto share = [](double value, const char* field) {
        if (!(value >= 0.0 && value <= 1.0))
            throw error(std::string("layer statistics: ") + field + " = " + std::to_string(value) +
                        " is not within [0, 1]");
    };
    share(s.weight_sparsity, "weight_sparsity");
    share(s.activation_sparsity, "activation_sparsity");
    share(s.pair_sparsity, "pair_sparsity");
    share(s.pair_sparsity_padded, "pair_sparsity_padded");
}

}  // namespace hass
