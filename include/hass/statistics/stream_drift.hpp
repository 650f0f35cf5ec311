/// \file stream_drift.hpp
/// How far parallel streams drift apart in time: each stream meets windows with many zeros and
/// windows with few, and a buffer in front of it is what keeps the others from waiting.
///
/// Source: PASS (FPL 2023), buffer_sizing.py of its sparseCNN repository: zero counts of each
/// stream's windows minus their mean, moving average over n windows, mean over time of the largest
/// minus the smallest. n plays the part of the depth of the buffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Zero activations in the window of each input channel at each output position, padding counted as
/// zero: in.channels x out.pixels, positions in raster order.
/// \param image  in.channels x in.height x in.width
/// \param tau    values with |x| < tau count as zero
inline std::vector<double> window_zeros(const layer_row& row, std::span<const float> image,
                                        double tau = 0.0) {
    if (image.size() != static_cast<std::size_t>(row.in.volume()))
        throw error(text_of(
            {"window zeros: ", image.size(), " values for an input of ", detail::text(row.in)}));
    const plane_layout layout(row);
    std::vector<float> plane(layout.size());
    std::vector<double> zeros;
    zeros.reserve(static_cast<std::size_t>(row.in.channels * row.out.pixels()));
    for (int c = 0; c < row.in.channels; ++c) {
        fill_plane(row, layout, image.data() + c * row.in.pixels(), detail::keep_from(tau), 0.0F,
                   plane.data());
        for (int y = 0; y < row.out.height; ++y)
            for (int x = 0; x < row.out.width; ++x) {
                int count = 0;
                for (int ky = 0; ky < row.kernel_h; ++ky)
                    for (int kx = 0; kx < row.kernel_w; ++kx)
                        count +=
                            plane[layout.at(row, y, ky, kx) + static_cast<std::size_t>(x)] == 0.0F
                                ? 1
                                : 0;
                zeros.push_back(count);
            }
    }
    return zeros;
}

/// Mean over time of the largest minus the smallest of the streams' moving averages over `window`
/// steps, each stream's mean taken off. O(values).
/// \param series   streams x steps
/// \param window   1..steps; only whole windows count
/// \throws hass::error for series of unequal length or a window that does not fit
inline double stream_drift(std::span<const double> series, std::size_t streams,
                           std::size_t window) {
    if (streams == 0 || series.empty() || series.size() % streams != 0)
        throw error(
            text_of({"stream drift: ", series.size(), " values for ", streams, " streams"}));
    const std::size_t steps = series.size() / streams;
    if (window == 0 || window > steps)
        throw error(text_of({"stream drift: a window of ", window, " in ", steps, " steps"}));
    const std::size_t places = steps - window + 1;
    std::vector<double> largest(places);
    std::vector<double> smallest(places);
    for (std::size_t s = 0; s < streams; ++s) {
        const double* z = series.data() + s * steps;
        double mean = 0.0;
        for (std::size_t t = 0; t < steps; ++t) mean += z[t];
        mean /= static_cast<double>(steps);
        double sum = 0.0;
        for (std::size_t t = 0; t < window; ++t) sum += z[t] - mean;
        for (std::size_t t = 0; t < places; ++t) {
            if (t > 0) sum += z[t + window - 1] - z[t - 1];
            const double average = sum / static_cast<double>(window);
            largest[t] = s == 0 ? average : std::max(largest[t], average);
            smallest[t] = s == 0 ? average : std::min(smallest[t], average);
        }
    }
    double sum = 0.0;
    for (std::size_t t = 0; t < places; ++t) sum += largest[t] - smallest[t];
    return sum / static_cast<double>(places);
}

/// Smallest power of two of windows over which the streams stay within `most` of each other, as a
/// depth of the buffers in front of them; the number of steps when none does.
/// \throws hass::error as `stream_drift`
inline std::size_t buffer_depth(std::span<const double> series, std::size_t streams, double most) {
    std::size_t depth = 1;
    for (; stream_drift(series, streams, depth) > most; depth *= 2)
        if (2 * depth * streams > series.size()) return series.size() / streams;
    return depth;
}

}  // namespace hass
