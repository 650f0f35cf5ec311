/// \file planes.hpp
/// Feature maps as a sliding window likes them: clipped, padded, and with the columns of a strided
/// layer sorted by phase, so that whatever the padding, stride and dilation one kernel tap of one
/// output row is a contiguous run. Convolution, pooling and mask counting all read from this form.
#pragma once

#include <algorithm>
#include <array>
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
    std::size_t rows = 1;      ///< of the padded map
    bool dense = true;  ///< the plane is the map as it is: nothing to pad, no columns to sort

    plane_layout() = default;
    /// Of a row's input.
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

/// Maps of a batch of images: channels x images x pixels, or images x pixels x channels.
struct map_batch {
    const float* values = nullptr;  ///< of all channels
    bool channels_last = false;     ///< the channels of a pixel stand side by side

    /// Channel by channel, unless said otherwise.
    map_batch(const float* v, bool last = false) : values(v), channels_last(last) {}
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

/// to[i] = clip(from[i], keep) for i < count. Where `available` values stand at `from`, more of
/// them than `count`, up to 15 further ones are written: vectors without a rest.
inline void clip_row(const float* from, std::size_t available, std::uint32_t keep,
                     std::size_t count, float* to) {
    constexpr std::size_t lanes = 16;
    std::size_t i = 0;
    for (; i < count && i + lanes <= available; i += lanes) {
        std::array<float, lanes> x;
        for (std::size_t k = 0; k < lanes; ++k) x[k] = clip(from[i + k], keep);
        std::copy_n(x.begin(), lanes, to + i);
    }
    for (; i < count; ++i) to[i] = clip(from[i], keep);
}

/// fill(stride) with a row's stride of columns: a constant where that is worth a function.
template <class Fill>
void with_stride(const layer_row& row, Fill fill) {
    if (row.stride_w == 1)
        fill(std::integral_constant<std::size_t, 1>());
    else if (row.stride_w == 2)
        fill(std::integral_constant<std::size_t, 2>());
    else
        fill(static_cast<std::size_t>(row.stride_w));
}

/// The rows of a plane that hold a map's, as runs of `layout.columns`, one a row and phase:
/// run(from, to, begin, count) where `to + begin + x`, counted from the first of them, is the map's
/// `from + x * stride` for x < count; what is left of the run lies outside of the map.
template <class Stride, class Run>
void for_each_run(const layer_row& row, const plane_layout& layout, Stride stride, Run run) {
    const auto width = static_cast<std::size_t>(row.in.width);
    const auto left = static_cast<std::size_t>(row.pad_left);
    const std::size_t size = width * static_cast<std::size_t>(row.in.height);
    std::size_t to = 0;
    for (std::size_t line = 0; line < size; line += width)
        for (std::size_t phase = 0; phase < stride; ++phase, to += layout.columns) {
            const std::size_t first = (phase + stride - left % stride) % stride;
            const std::size_t count = first < width ? (width - first + stride - 1) / stride : 0;
            run(line + first, to, (left + first) / stride, count);
        }
}

}  // namespace detail

/// Writes one map (row.in.height x row.in.width) as a plane. Values with |x| < keep become 0, what
/// lies outside of the map becomes `outside`.
inline void fill_plane(const layer_row& row, const plane_layout& layout, const float* map,
                       float keep, float outside, float* plane) {
    const std::uint32_t least = detail::magnitude_bits(keep);
    if (layout.dense) {
        for (std::size_t i = 0; i < layout.size(); ++i) plane[i] = detail::clip(map[i], least);
        return;
    }
    const auto top = static_cast<std::size_t>(row.pad_top);
    const auto height = static_cast<std::size_t>(row.in.height);
    // From the first to the last float: what a row of the map writes too far is written again.
    plane = std::fill_n(plane, top * layout.row_size, outside);
    const std::size_t size = height * static_cast<std::size_t>(row.in.width);
    detail::with_stride(row, [&](auto stride) {
        detail::for_each_run(
            row, layout, stride,
            [=, columns = layout.columns](std::size_t from, std::size_t to, std::size_t begin,
                                          std::size_t count) {
                float* const at = plane + to;
                for (std::size_t x = 0; x < begin; ++x) at[x] = outside;
                if (stride == 1)
                    detail::clip_row(map + from, size - from, least, count, at + begin);
                else
                    for (std::size_t x = 0; x < count; ++x)
                        at[begin + x] = detail::clip(map[from + x * stride], least);
                for (std::size_t x = begin + count; x < columns; ++x) at[x] = outside;
            });
    });
    plane += height * layout.row_size;
    std::fill_n(plane, (layout.rows - top - height) * layout.row_size, outside);
}

}  // namespace hass
