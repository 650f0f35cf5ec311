/// \file pair_counts.hpp
/// Counts of surviving pairs of weights and activations, and what they say of a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

namespace detail {

/// Output positions along one axis at which a tap lies inside the map.
inline std::int64_t inside(int out, int in, int stride, int pad, int offset) {
    std::int64_t count = 0;
    for (int o = 0; o < out; ++o) {
        const int i = o * stride + offset - pad;
        count += i >= 0 && i < in ? 1 : 0;
    }
    return count;
}

}  // namespace detail

/// Multiply-accumulates of one image whose tap lies inside the map, padding left out.
inline std::int64_t inside_mac_count(const layer_row& row) {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    for (int k = 0; k < row.kernel_h; ++k)
        rows += detail::inside(row.out.height, row.in.height, row.stride_h, row.pad_top,
                               k * row.dilation_h);
    for (int k = 0; k < row.kernel_w; ++k)
        columns += detail::inside(row.out.width, row.in.width, row.stride_w, row.pad_left,
                                  k * row.dilation_w);
    return rows * columns * row.out.channels * channels_per_group(row);
}

/// Counts of surviving pairs, before they are divided by anything.
struct pair_counts {
    std::uint64_t pairs = 0;  ///< with both factors non-zero, over all images
    /// By number of channels in a window, ascending: blocks x (length + 1) counts of windows.
    struct histogram {
        int channels = 1;                    ///< adjacent channels of a window
        int length = 1;                      ///< pairs of a window
        std::vector<std::uint64_t> windows;  ///< blocks x (length + 1)
    };
    std::vector<histogram> histograms;  ///< by number of channels ascending

    /// Adds the counts of other images of the same row.
    void merge(const pair_counts& other) {
        pairs += other.pairs;
        if (histograms.empty()) histograms.resize(other.histograms.size());
        for (std::size_t h = 0; h < other.histograms.size(); ++h) {
            const histogram& from = other.histograms[h];
            histogram& to = histograms[h];
            to.channels = from.channels, to.length = from.length;
            to.windows.resize(from.windows.size(), 0);
            for (std::size_t k = 0; k < from.windows.size(); ++k) to.windows[k] += from.windows[k];
        }
    }
};

/// What an engine may know of a row whose pairs were counted over `images`.
/// \param nonzero_weights  of one image
inline layer_statistics statistics_of(const layer_row& row, const pair_counts& counts,
                                      std::size_t image_count, std::uint64_t nonzero_inputs,
                                      double nonzero_weights) {
    const auto images = static_cast<double>(image_count);
    const auto share_of_zeros = [](double nonzero, double of) {
        return of > 0.0 ? 1.0 - nonzero / of : 0.0;
    };
    layer_statistics s;
    s.weight_sparsity = share_of_zeros(nonzero_weights, static_cast<double>(weight_count(row)));
    s.activation_sparsity = share_of_zeros(static_cast<double>(nonzero_inputs),
                                           static_cast<double>(row.in.volume()) * images);
    const auto pairs = static_cast<double>(counts.pairs);
    s.pair_sparsity = share_of_zeros(pairs, static_cast<double>(inside_mac_count(row)) * images);
    s.pair_sparsity_padded = share_of_zeros(pairs, static_cast<double>(mac_count(row)) * images);
    const double windows = images * static_cast<double>(row.out.pixels()) * filters_per_group(row);
    for (const pair_counts::histogram& h : counts.histograms) {
        window_histogram measured{h.channels, h.length, {}};
        measured.share.reserve(h.windows.size());
        for (const std::uint64_t n : h.windows)
            measured.share.push_back(static_cast<double>(n) / windows);
        s.windows.push_back(std::move(measured));
    }
    return s;
}

}  // namespace hass
