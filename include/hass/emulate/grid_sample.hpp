/// \file grid_sample.hpp
/// Maps sampled at places that another map, or the row's own numbers, say: GridSample as ONNX 1.11 (opset
/// 16) to 1.19 define it and their reference computes it (onnx/reference/ops/op_grid_sample.py). onnxruntime
/// differs where cubic reads are padded by the border: it moves both axes of a place of which one is outside.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <hass/emulate/more_kernels.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>

namespace hass::detail {

/// `x` thrown back at both ends until it lies between them.
inline float reflected(float x, float least, float most) {
    const float range = most - least;
    if (range <= 0.0F) return least;
    const float beyond = std::fmod(std::abs(x - least), 2.0F * range);
    return least + std::min(beyond, 2.0F * range - beyond);
}

/// The inputs along one axis that a place is made of; -1: the border's zero.
struct sampled_axis {
    std::array<int, 4> index{};
    std::array<float, 4> weight{};
};

/// One axis of a map, and how places on it are understood.
struct sampling_axis {
    int extent, taps;  ///< taps: 1 nearest, 2 linear, 4 cubic (Keys, -0.75)
    map_border border;
    bool align_corners;

    float beyond() const { return align_corners ? 0.0F : 0.5F; }
    float last() const { return static_cast<float>(extent - 1); }
    /// A place outside of the map, whose first and last half pixels are inside, is brought back to it.
    float inside(float x) const {
        const float least = -beyond(), most = last() + beyond();
        if (border == map_border::zeros || (x >= least && x <= most)) return x;
        return border == map_border::edge ? std::clamp(x, 0.0F, last()) : reflected(x, least, most);
    }
    /// A whole number, which may lie anywhere.
    int pixel(float at) const {
        if (border == map_border::zeros)
            return at < 0.0F || at > last() ? -1 : static_cast<int>(at);
        return static_cast<int>(std::clamp(std::nearbyint(inside(at)), 0.0F, last()));
    }
    /// \param place  -1 .. 1 along the map; finite
    sampled_axis at(float place) const {
        const auto n = static_cast<float>(extent);
        float x =
            align_corners ? (place + 1.0F) / 2.0F * (n - 1.0F) : ((place + 1.0F) * n - 1.0F) / 2.0F;
        constexpr float far_off = 1e9F;
        x = std::clamp(x, -far_off, far_off);
        sampled_axis a;
        if (taps == 1) {
            a.index[0] = pixel(std::nearbyint(inside(std::nearbyint(x))));
            a.weight[0] = 1.0F;
            return a;
        }
        x = inside(x);
        const float low = std::floor(x), t = x - low, s = 1.0F - t;
        a.weight = {s, t};
        if (taps == 4) {
            constexpr float c = -0.75F;
            const auto near = [](float d) { return ((c + 2) * d - (c + 3)) * d * d + 1; };
            const auto far = [](float d) { return ((c * d - 5 * c) * d + 8 * c) * d - 4 * c; };
            a.weight = {far(t + 1), near(t), near(s), far(s + 1)};
        }
        const float first = taps == 4 ? low - 1.0F : low;
        for (int k = 0; k < taps; ++k)
            a.index[static_cast<std::size_t>(k)] = pixel(first + static_cast<float>(k));
        return a;
    }
};

/// \param grid     places: those of an image, x first, or the row's own of all images
/// \param grid_at  how they lie
inline void grid_sample(const layer_row& row, const layer_parameters& p, std::size_t size,
                        const batch_layout& in_at, const batch_layout& grid_at,
                        const batch_layout& out_at, const float* in, const float* grid,
                        float* out) {
    const sampling_axis across{row.in.width, row.kernel_w, p.border, p.align_corners};
    const sampling_axis down{row.in.height, row.kernel_h, p.border, p.align_corners};
    const auto width = static_cast<std::size_t>(row.in.width);
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t i = 0; i < static_cast<std::size_t>(row.out.pixels()); ++i) {
            const float* place = grid + n * grid_at.image + i * grid_at.pixel;
            const float px = place[0], py = place[grid_at.channel];
            float* to = out + n * out_at.image + i * out_at.pixel;
            const bool nowhere = !std::isfinite(px) || !std::isfinite(py);
            const sampled_axis x = across.at(nowhere ? 0.0F : px), y = down.at(nowhere ? 0.0F : py);
            for (std::size_t c = 0; c < static_cast<std::size_t>(row.out.channels); ++c) {
                const float* map = in + n * in_at.image + c * in_at.channel;
                float sum = nowhere ? px - px + py - py : 0.0F;  // not a number
                for (int j = 0; j < down.taps; ++j) {
                    const auto r = static_cast<std::size_t>(j);
                    if (y.index[r] < 0) continue;
                    float line = 0.0F;
                    for (int k = 0; k < across.taps; ++k) {
                        const auto q = static_cast<std::size_t>(k);
                        if (x.index[q] < 0) continue;
                        line += x.weight[q] * map[(static_cast<std::size_t>(y.index[r]) * width +
                                                   static_cast<std::size_t>(x.index[q])) *
                                                  in_at.pixel];
                    }
                    sum += y.weight[r] * line;
                }
                to[c * out_at.channel] = sum;
            }
        }
}

}  // namespace hass::detail
