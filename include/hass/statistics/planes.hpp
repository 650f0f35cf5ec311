/// \file planes.hpp
/// Feature maps as a sliding window likes them: clipped, padded, and with the columns of a strided
/// layer sorted by phase, so that whatever the padding, stride and dilation one kernel tap of one
/// output row is a contiguous run. Convolution, pooling and mask counting all read from this form.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <hass/workload/layer.hpp>

namespace hass {

/// Where things lie in one channel of one image. Element (y, x) of the padded map stands at
///     y * row_size + (x mod stride_w) * columns + x / stride_w.
struct plane_layout {
    std::size_t columns = 1;   ///< a row and phase
    std::size_t row_size = 1;  ///< floats a padded row, all phases
    std::size_t rows = 1;
    bool dense = true;  ///< the plane is the map as it is: nothing to pad, no columns to sort

    plane_layout() = default;
    explicit plane_layout(const layer_row& r) {
        const int reach_h = (r.out.height - 1) * r.stride_h + r.dilation_h * (r.kernel_h - 1) + 1;
        const int reach_w = (r.out.width - 1) * r.stride_w + r.dilation_w * (r.kernel_w - 1) + 1;
        const int height = std::max(r.pad_top + r.in.height, reach_h);
        const int width = std::max(r.pad_left + r.in.width, reach_w);
        columns = static_cast<std::size_t>((width + r.stride_w - 1) / r.stride_w);
        row_size = columns * static_cast<std::size_t>(r.stride_w);
        rows = static_cast<std::size_t>(height);
        dense = r.stride_w == 1 && height == r.in.height && width == r.in.width;
    }

    std::size_t size() const { return rows * row_size; }

    /// Offset of the first column that tap (ky, kx) meets in output row y.
    std::size_t at(const layer_row& r, int y, int ky, int kx) const {
        const int x = kx * r.dilation_w;
        return static_cast<std::size_t>(y * r.stride_h + ky * r.dilation_h) * row_size +
               static_cast<std::size_t>(x % r.stride_w) * columns +
               static_cast<std::size_t>(x / r.stride_w);
    }
};

namespace detail {

/// |x| as an integer of the same order: comparing these never branches and vectorises everywhere.
constexpr std::uint32_t magnitude_bits(float x) {
    return std::bit_cast<std::uint32_t>(x) & 0x7fffffffU;
}

/// 0 where |x| < keep, x otherwise; `keep` as `magnitude_bits`.
constexpr float clip(float x, std::uint32_t keep) {
    const std::uint32_t kept = magnitude_bits(x) < keep ? 0U : ~0U;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & kept);
}

}  // namespace detail

/// Writes one map (row.in.height x row.in.width) as a plane. Values with |x| < keep become 0, what
/// lies outside of the map becomes `outside`.
inline void fill_plane(const layer_row& row, const plane_layout& layout, const float* map,
                       float keep, float outside, float* plane) {
    const auto clipped = [least = detail::magnitude_bits(keep)](float x) {
        return detail::clip(x, least);
    };
    if (layout.dense) {
        for (std::size_t i = 0; i < layout.size(); ++i) plane[i] = clipped(map[i]);
        return;
    }
    const auto width = static_cast<std::size_t>(row.in.width);
    const auto left = static_cast<std::size_t>(row.pad_left);
    const auto top = static_cast<std::size_t>(row.pad_top);
    const auto height = static_cast<std::size_t>(row.in.height);
    // Columns of one phase, between what is padded; strides of 1 and 2 vectorise as constants.
    const auto fill_row = [&](const float* source, float* to, auto stride) {
        for (std::size_t phase = 0; phase < stride; ++phase, to += layout.columns) {
            const std::size_t first = (phase + stride - left % stride) % stride;
            const std::size_t begin = (left + first) / stride;
            const std::size_t count = first < width ? (width - first + stride - 1) / stride : 0;
            std::fill_n(to, begin, outside);
            for (std::size_t i = 0; i < count; ++i)
                to[begin + i] = clipped(source[first + i * stride]);
            std::fill(to + begin + count, to + layout.columns, outside);
        }
    };
    for (std::size_t y = 0; y < layout.rows; ++y, plane += layout.row_size) {
        if (y < top || y >= top + height) {
            std::fill_n(plane, layout.row_size, outside);
            continue;
        }
        const float* source = map + (y - top) * width;
        if (row.stride_w == 1)
            fill_row(source, plane, std::integral_constant<std::size_t, 1>());
        else if (row.stride_w == 2)
            fill_row(source, plane, std::integral_constant<std::size_t, 2>());
        else
            fill_row(source, plane, static_cast<std::size_t>(row.stride_w));
    }
}

}  // namespace hass
