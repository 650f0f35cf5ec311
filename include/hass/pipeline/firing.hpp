/// \file firing.hpp
/// A stage works in firings: each gives one output pixel, but rows that add up a whole map (global
/// pool, flatten) fire once an input pixel and give their only output with the last. Pixels come in
/// raster order; what a firing waits for and what it lets go follow from the row's window.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/workload/layer.hpp>

namespace hass {

/// Firings of a row for one image.
constexpr std::int64_t firing_count(const layer_row& row) {
    const bool adds_up =
        row.kind == layer_kind::global_average_pool || row.kind == layer_kind::flatten;
    return adds_up ? row.in.pixels() : row.out.pixels();
}

/// What the firings of a row do with one of its inputs, in pixels of one image.
struct input_firings {
    std::vector<std::int32_t> needed;    ///< pixels that have to be there before firing r
    std::vector<std::int32_t> released;  ///< pixels that no firing after r looks at
    std::int64_t pixels = 0;             ///< of the input's map
    /// Pixels that the row's own line buffer holds: without so many no firing could begin.
    std::int64_t window = 1;
    std::int64_t early = 0;  ///< pixels at most that are let go before they come: strides pass them
};

namespace detail {

/// First and last of `in` positions that output position `at` of a window needs along one axis;
/// taps beyond the map count as its edge, as in `window_lag`.
struct window_span {
    std::int64_t first, last;
};
constexpr window_span span_of(std::int64_t at, int in, int kernel, int stride, int dilation,
                              int pad) {
    const std::int64_t first = at * stride - pad;
    return {std::clamp<std::int64_t>(first, 0, in - 1),
            std::clamp<std::int64_t>(first + std::int64_t{dilation} * (kernel - 1), 0, in - 1)};
}

}  // namespace detail

/// What `row` does with an input of shape `from`: a map of the row's own size, or one pixel that
/// holds for the whole map (a gate).
inline input_firings firings_of(const layer_row& row, const shape& from) {
    input_firings f;
    f.pixels = from.pixels();
    const auto count = static_cast<std::size_t>(firing_count(row));
    f.needed.resize(count);
    f.released.resize(count);
    const bool windowed = row.kind == layer_kind::convolution || row.kind == layer_kind::max_pool ||
                          row.kind == layer_kind::average_pool;
    for (std::size_t r = 0; r < count; ++r) {
        std::int64_t first = static_cast<std::int64_t>(r), last = first;
        if (f.pixels == 1) {
            first = last = 0;
        } else if (windowed) {
            const auto y = detail::span_of(first / row.out.width, row.in.height, row.kernel_h,
                                           row.stride_h, row.dilation_h, row.pad_top);
            const auto x = detail::span_of(last % row.out.width, row.in.width, row.kernel_w,
                                           row.stride_w, row.dilation_w, row.pad_left);
            first = y.first * row.in.width + x.first;
            last = y.last * row.in.width + x.last;
        }
        // firings go in order, so that each waits for what those before it have waited for
        f.needed[r] = static_cast<std::int32_t>(
            std::max(last + 1, r > 0 ? std::int64_t{f.needed[r - 1]} : 0));
        if (r > 0) f.released[r - 1] = static_cast<std::int32_t>(first);
    }
    f.released[count - 1] = static_cast<std::int32_t>(f.pixels);
    for (std::size_t r = count - 1; r-- > 0;)
        f.released[r] = std::min(f.released[r], f.released[r + 1]);
    for (std::size_t r = 0; r < count; ++r) {
        f.window = std::max(
            f.window, std::int64_t{f.needed[r]} - (r > 0 ? std::int64_t{f.released[r - 1]} : 0));
        f.early = std::max(f.early, std::int64_t{f.released[r]} - f.needed[r]);
    }
    return f;
}

}  // namespace hass
