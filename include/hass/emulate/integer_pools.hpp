/// \file integer_pools.hpp
/// Pools of integers, images x pixels x channels, as `integer_emulator` runs them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/emulate/integer_arithmetic.hpp>
#include <hass/emulate/integer_kernels.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// step(pixel of the input, of all images) for every value of a window that lies in the map.
template <class Step>
void each_tap(const layer_row& r, std::size_t n, int y, int x, Step step) {
    for (int ky = 0; ky < r.kernel_h; ++ky)
        for (int kx = 0; kx < r.kernel_w; ++kx) {
            const int iy = y * r.stride_h - r.pad_top + ky * r.dilation_h;
            const int ix = x * r.stride_w - r.pad_left + kx * r.dilation_w;
            if (iy < 0 || iy >= r.in.height || ix < 0 || ix >= r.in.width) continue;
            step(n * static_cast<std::size_t>(r.in.pixels()) +
                 static_cast<std::size_t>(iy * r.in.width + ix));
        }
}
template <class Visit>
void each_window(const layer_row& r, std::size_t images, Visit visit) {
    for (std::size_t n = 0; n < images; ++n)
        for (int y = 0; y < r.out.height; ++y)
            for (int x = 0; x < r.out.width; ++x) visit(n, y, x);
}

/// Outside of the map stands the least value of the stream's width.
inline void integer_max_pool(const layer_row& r, const std::vector<std::int16_t>& in,
                             std::size_t size, int bits, std::int16_t* out) {
    const auto channels = static_cast<std::size_t>(r.in.channels);
    const auto least = static_cast<std::int16_t>(integer_range::of(bits).low);
    each_window(r, size, [&](std::size_t n, int y, int x) {
        std::fill_n(out, channels, least);
        each_tap(r, n, y, x, [&](std::size_t pixel) {
            const std::int16_t* from = in.data() + pixel * channels;
            for (std::size_t c = 0; c < channels; ++c) out[c] = std::max(out[c], from[c]);
        });
        out += channels;
    });
}

/// \param sums  scratch
inline void integer_average_pool(const layer_row& r, const std::vector<std::int16_t>& in,
                                 std::size_t size, const requantiser& to, std::vector<double>& sums,
                                 std::int16_t* out) {
    const auto channels = static_cast<std::size_t>(r.in.channels);
    each_window(r, size, [&](std::size_t n, int y, int x) {
        sums.assign(channels, 0.0);
        each_tap(r, n, y, x, [&](std::size_t pixel) {
            const std::int16_t* from = in.data() + pixel * channels;
            for (std::size_t c = 0; c < channels; ++c) sums[c] += from[c];
        });
        to(sums.data(), 0, channels, out);
        out += channels;
    });
}

/// \param sums  scratch
inline void integer_global_average(const layer_row& r, const std::vector<std::int16_t>& in,
                                   std::size_t size, const requantiser& to,
                                   std::vector<double>& sums, std::int16_t* out) {
    const auto channels = static_cast<std::size_t>(r.in.channels);
    const std::int16_t* from = in.data();
    for (std::size_t n = 0; n < size; ++n, out += channels) {
        sums.assign(channels, 0.0);
        for (std::int64_t p = 0; p < r.in.pixels(); ++p, from += channels)
            for (std::size_t c = 0; c < channels; ++c) sums[c] += from[c];
        to(sums.data(), 0, channels, out);
    }
}

}  // namespace hass::detail
