/// \file channels_last.hpp
/// Maps that lie images x height x width x channels: as maps that lie channel by channel, and pooled.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include <hass/emulate/gemm.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// Images x height x width x channels as images x channels x height x width.
inline void to_channels_first(const shape& s, const float* in, float* out, std::size_t size) {
    const auto pixels = static_cast<std::size_t>(s.pixels());
    const auto channels = static_cast<std::size_t>(s.channels);
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < pixels; ++p) *out++ = in[(n * pixels + p) * channels + c];
}

/// places x channels as channels x places, a square of packets at a time; the last ones of each
/// overlap those before.
inline void transpose(const float* in, std::size_t places, std::size_t channels, float* out) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    constexpr std::size_t lanes = gemm_tile::lanes;
    if (places < lanes || channels < lanes) {
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < places; ++p) out[c * places + p] = in[p * channels + c];
        return;
    }
    for (std::size_t first = 0; first < places; first += lanes) {
        const std::size_t p = std::min(first, places - lanes);
        for (std::size_t channel = 0; channel < channels; channel += lanes) {
            const std::size_t c = std::min(channel, channels - lanes);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // may_alias, which nobody needs here
            PacketBlock<packet, static_cast<int>(lanes)> square;
#pragma GCC diagnostic pop
            for (std::size_t k = 0; k < lanes; ++k)
                square.packet[k] = ploadu<packet>(in + (p + k) * channels + c);
            ptranspose(square);
            for (std::size_t k = 0; k < lanes; ++k)
                pstoreu(out + (c + k) * places + p, square.packet[k]);
        }
    }
}

/// out = combine over the window's taps inside the map, from `start` on, over divisor(y, x).
template <class Combine, class Divisor>
void pool_channels_last(const layer_row& r, const float* in, std::size_t size, float* out,
                        float start, Combine combine, Divisor divisor) {
    const auto channels = static_cast<std::size_t>(r.in.channels);
    for (std::size_t n = 0; n < size; ++n, in += r.in.volume())
        for (int y = 0; y < r.out.height; ++y)
            for (int x = 0; x < r.out.width; ++x, out += channels) {
                std::fill_n(out, channels, start);
                for (int ky = 0; ky < r.kernel_h; ++ky)
                    for (int kx = 0; kx < r.kernel_w; ++kx) {
                        const int iy = y * r.stride_h + ky * r.dilation_h - r.pad_top;
                        const int ix = x * r.stride_w + kx * r.dilation_w - r.pad_left;
                        if (iy < 0 || ix < 0 || iy >= r.in.height || ix >= r.in.width) continue;
                        const float* at =
                            in + static_cast<std::size_t>(iy * r.in.width + ix) * channels;
                        for (std::size_t c = 0; c < channels; ++c) out[c] = combine(out[c], at[c]);
                    }
                const float by = divisor(static_cast<std::size_t>(y), static_cast<std::size_t>(x));
                for (std::size_t c = 0; c < channels; ++c) out[c] /= by;
            }
}

}  // namespace hass::detail
