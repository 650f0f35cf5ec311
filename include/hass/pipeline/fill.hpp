/// \file fill.hpp
/// How long a pipeline takes to fill. Images flow at the pace of the interval I: a map of P pixels
/// passes an edge pixel by pixel, one every I / P cycles, whatever the map. A stage may then give
/// its output at the same steady pace, delayed by its fill, and never be ahead of its input:
///
///     fill = I x max over output pixels r of ( last input pixel that r needs / P_in - r / P_out )
///            + cycles of one pixel + adder tree
///
/// The first term is what the window has to wait for, the same for every folding; the second is the
/// stage's own: all blocks of channels pass the accumulators before a pixel is complete. It is at
/// most I / P_out, because no stage is slower than the interval. A stage passes a pixel on when it
/// has all of its channels (store and forward); stages that work word by word are at most one pixel
/// faster. The published model's depth (`engine/fpgaconvnet/pipeline.hpp`) counts the same window
/// and accumulator, for the first output pixel alone.
#pragma once

#include <algorithm>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

namespace detail {

/// Along one axis of a window: the last of `in` positions that output position `at` needs. Rows that
/// scale move by in / out positions, which is `stride` / `by`.
struct window_axis {
    std::int64_t in, out, stride, reach;  ///< reach: last position that output 0 needs, may be < 0
    std::int64_t by = 1;

    constexpr std::int64_t last_needed(std::int64_t at) const {
        return std::clamp<std::int64_t>(at * stride / by + reach, 0, in - 1);
    }
    /// The same, what is rounded off counted as needed: never below, and without steps in between.
    constexpr std::int64_t bound(std::int64_t at) const {
        return std::clamp<std::int64_t>((at * stride + by - 1) / by + reach, 0, in - 1);
    }
    /// The first position that needs the far edge, or one before it.
    constexpr std::int64_t edge() const {
        return reach >= in - 1 ? 0 : (in - 1 - reach) * by / stride;
    }
    /// Largest bound(at) / pace_in - at / pace_out over the outputs. Between the clamps the
    /// difference is linear, so it is largest at an end or where the far edge is met.
    constexpr double largest_lead(std::int64_t pace_in, std::int64_t pace_out) const {
        std::int64_t most = 0;
        for (const std::int64_t at : {std::int64_t{0}, edge(), edge() + 1, out - 1})
            if (at < out) most = std::max(most, bound(at) * pace_out - at * pace_in);
        return static_cast<double>(most) / static_cast<double>(pace_in * pace_out);
    }
};

/// Rows whose outputs need a window of their inputs.
constexpr bool looks_around(layer_kind kind) {
    return slides(kind) || scales(kind) || kind == layer_kind::pad;
}

/// Both axes of such a row: its height, then its width.
struct window_axes {
    window_axis rows, columns;

    constexpr explicit window_axes(const layer_row& r)
        : rows(of(r.kind, r.in.height, r.out.height, r.stride_h, r.kernel_h, r.dilation_h,
                  r.pad_top)),
          columns(of(r.kind, r.in.width, r.out.width, r.stride_w, r.kernel_w, r.dilation_w,
                     r.pad_left)) {}

  private:
    static constexpr window_axis of(layer_kind kind, int in, int out, int stride, int kernel,
                                    int dilation, int pad) {
        if (scales(kind)) return {in, out, in, std::int64_t{kernel} - 1 - pad, out};
        if (kind == layer_kind::pad)  // a border of values from within needs as far on either side
            return {in, out, 1, std::int64_t{kernel - 1} / 2 - pad};
        return {in, out, stride, std::int64_t{dilation} * (kernel - 1) - pad};
    }
};

/// Rows that need all of their input for their first output.
constexpr bool needs_all(layer_kind kind) {
    return kind == layer_kind::global_average_pool || kind == layer_kind::flatten ||
           kind == layer_kind::reorder || kind == layer_kind::group_norm ||
           kind == layer_kind::matmul || kind == layer_kind::grid_sample;
}

}  // namespace detail

/// What a stage waits for before its first output, in images: the first term of `fill_cycles` for
/// an interval of one. In [0, 1), the same for every option.
/// - windows: the rows and columns up to the far corner of the window, less its padding
/// - global pool, flatten, reorder, group norm: all pixels but the first
/// - matmul, grid_sample: the same of both inputs, of which the second one are filters, or places
/// - stack: what its first input is behind the whole
/// - all others: nothing, they need a pixel to give it
constexpr double window_lag(const layer_row& row) {
    if (takes_second(row)) {
        const std::int64_t most = std::max(row.in.pixels(), second_input(row).pixels());
        return 1.0 - 1.0 / static_cast<double>(most);
    }
    if (detail::needs_all(row.kind)) return 1.0 - 1.0 / static_cast<double>(row.in.pixels());
    if (row.kind == layer_kind::stack) {
        // its first input leaves at the pace of the whole, and is slower
        const auto first = static_cast<double>(row.in.pixels());
        return (1.0 - 1.0 / first) - (first - 1.0) / static_cast<double>(row.out.pixels());
    }
    if (!detail::looks_around(row.kind)) return 0.0;
    const detail::window_axes axes(row);
    return axes.rows.largest_lead(row.in.height, row.out.height) +
           axes.columns.largest_lead(row.in.pixels(), row.out.pixels());
}

/// Cycles from the last input of an output pixel to that pixel, the part of a fill that depends on
/// the option: the stage's cycles for a pixel (global pools and flatten add up while pixels
/// arrive, so what is left is an input pixel; of several pixels at a time each takes as many times
/// as long), and in compute rows the multiplier and a cycle a
/// level of the adder trees behind the multipliers of an engine and behind the input streams.
/// \param cycles  of the stage for one image, as `row_cycles`
constexpr double pixel_latency(const layer_row& row, const row_option& c, double cycles) {
    const auto pixels = static_cast<double>(std::max(
        row.out.pixels(), row.kind == layer_kind::global_average_pool ? row.in.pixels() : 1));
    const double tree =
        is_compute(row) ? 1.0 + detail::bits_for(c.folding.macs) + detail::bits_for(c.folding.in)
                        : 0.0;
    return cycles * (is_compute(row) ? c.folding.pixels : 1) / pixels + tree;
}

/// Cycles from a stage's first input pixel to its first output pixel: see the head of the file.
/// \param cycles    of the stage for one image, <= interval
/// \param interval  cycles between images
constexpr double fill_cycles(const layer_row& row, const row_option& c, double cycles,
                             double interval) {
    return interval * window_lag(row) + pixel_latency(row, c, cycles);
}

}  // namespace hass
