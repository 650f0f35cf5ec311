/// \file firing.hpp
/// A stage works in firings: each gives one output pixel, but rows that add up a whole map (global
/// pool, flatten) fire once an input pixel and give their only output with the last. Pixels come in
/// raster order; what a firing waits for and what it lets go follow from the row's window.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/pipeline/fill.hpp>
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

namespace detail {

/// The first and last pixel of an input of the row's own size that firing `r` looks at.
inline window_span looked_at(const layer_row& row, std::int64_t r) {
    if (row.kind == layer_kind::reorder) return {0, row.in.pixels() - 1};
    if (row.kind == layer_kind::group_norm) return {r, row.in.pixels() - 1};
    if (!looks_around(row.kind)) return {r, r};
    const auto along = [&](std::int64_t at, int in, int out, int kernel, int stride, int dilation,
                           int pad) {
        if (row.kind == layer_kind::pad)
            return span_of(at - (kernel - 1) / 2, in, kernel, 1, 1, pad);
        if (scales(row.kind)) return span_of(at * in / out, in, kernel, 1, 1, pad);
        return span_of(at, in, kernel, stride, dilation, pad);
    };
    const window_span y = along(r / row.out.width, row.in.height, row.out.height, row.kernel_h,
                                row.stride_h, row.dilation_h, row.pad_top);
    const window_span x = along(r % row.out.width, row.in.width, row.out.width, row.kernel_w,
                                row.stride_w, row.dilation_w, row.pad_left);
    return {y.first * row.in.width + x.first, y.last * row.in.width + x.last};
}

/// The pixel of a stack's part that begins at `first` (a row, or a column) of which firing `r` is the
/// last or, between its pixels, the next one; beyond the part: its end.
inline std::int64_t stacked(const layer_row& row, const shape& part, std::int64_t first,
                            std::int64_t r) {
    if (part.width == row.out.width)  // below one another
        return std::clamp<std::int64_t>(r - first * row.out.width, 0, part.pixels());
    const std::int64_t y = r / row.out.width, x = r % row.out.width - first;
    return y * part.width + std::clamp<std::int64_t>(x, 0, part.width);
}

}  // namespace detail

/// What `row` does with an input of shape `from`: a map of the row's own size, or one pixel that
/// holds for the whole map (a gate).
/// \param first  stack: row, or column, at which the input begins
inline input_firings firings_of(const layer_row& row, const shape& from, std::int64_t first = 0) {
    input_firings f;
    f.pixels = from.pixels();
    const auto count = static_cast<std::size_t>(firing_count(row));
    f.needed.resize(count);
    f.released.resize(count);
    for (std::size_t r = 0; r < count; ++r) {
        const auto at = static_cast<std::int64_t>(r);
        detail::window_span span = detail::looked_at(row, at);
        if (row.kind == layer_kind::stack) {
            // one that does not look at this input needs what those before it did
            span = {detail::stacked(row, from, first, at),
                    detail::stacked(row, from, first, at + 1) - 1};
        } else if (takes_second(row)) {  // both inputs whole
            span = {0, f.pixels - 1};
        } else if (f.pixels == 1) {
            span = {0, 0};
        }
        // firings go in order, so that each waits for what those before it have waited for
        f.needed[r] = static_cast<std::int32_t>(
            std::max(span.last + 1, r > 0 ? std::int64_t{f.needed[r - 1]} : 0));
        if (r > 0) f.released[r - 1] = static_cast<std::int32_t>(span.first);
    }
    f.released[count - 1] = static_cast<std::int32_t>(f.pixels);
    for (std::size_t r = count - 1; r-- > 0;)
        f.released[r] = std::min(f.released[r], f.released[r + 1]);
    for (std::size_t r = 0; r < count; ++r) {
        f.window = std::max(
            f.window, std::int64_t{f.needed[r]} - (r > 0 ? std::int64_t{f.released[r - 1]} : 0));
        f.early = std::max(f.early, std::int64_t{f.released[r]} - f.needed[r]);
    }
    if (row.kind == layer_kind::reorder || takes_second(row))
        f.window *= 2;  // one fills while the other empties
    return f;
}

/// Where input `k` of a stack begins: rows, or columns, of the inputs before it.
/// \param inputs  extents of all inputs, in their order
inline std::int64_t stack_offset(const layer_row& row, std::span<const shape> inputs,
                                 std::size_t k) {
    if (row.kind != layer_kind::stack) return 0;
    std::int64_t first = 0;
    for (const shape& before : inputs.first(k))
        first += row.in.width == row.out.width ? before.height : before.width;
    return first;
}

}  // namespace hass
