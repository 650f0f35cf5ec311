/// \file needed_input.hpp
/// How far a row's input has to be for each place in its output: the least concave function that is
/// nowhere below it, as the knots between its straight parts.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <hass/pipeline/fill.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// Places as shares of a map: output `output` needs the input up to and with `input`.
struct knot {
    double output = 0.0;
    double input = 0.0;
};

/// A row's knots, from its first output to its last one.
struct knot_list {
    std::array<knot, 16> at{};
    std::size_t count = 0;

    constexpr void add(double output, double input) { at[count++] = {output, input}; }
};

/// The positions where `last_needed` of an axis may bend down, and its ends; ascending.
struct axis_bends {
    std::array<std::int64_t, 4> at{};
    std::size_t count = 0;

    constexpr explicit axis_bends(const window_axis& a) {
        for (const std::int64_t p : {std::int64_t{0}, a.edge(), a.edge() + 1, a.out - 1})
            if (p < a.out && (count == 0 || p > at[count - 1])) at[count++] = p;
    }
    constexpr const std::int64_t* begin() const { return at.data(); }
    constexpr const std::int64_t* end() const { return at.data() + count; }
};

/// The knots of a window. Between bends of both axes the input that is needed is linear in
/// the output, so it is enough to be above it there.
constexpr knot_list needed_by_window(const layer_row& row) {
    const window_axes axes(row);
    const window_axis& rows = axes.rows;
    const window_axis& columns = axes.columns;
    struct pixel {
        std::int64_t output, input;
    };
    std::array<pixel, 16> hull{};
    std::size_t n = 0;
    const axis_bends across(columns);
    for (const std::int64_t y : axis_bends(rows))
        for (const std::int64_t x : across) {
            const pixel p{y * columns.out + x, rows.bound(y) * columns.in + columns.bound(x)};
            while (n > 1 &&
                   (hull[n - 1].input - hull[n - 2].input) * (p.output - hull[n - 2].output) <=
                       (p.input - hull[n - 2].input) * (hull[n - 1].output - hull[n - 2].output))
                --n;
            hull[n++] = p;
        }
    const auto out = static_cast<double>(row.out.pixels());
    const auto in = static_cast<double>(row.in.pixels());
    knot_list knots;
    for (std::size_t k = 0; k < n; ++k)
        knots.add(static_cast<double>(hull[k].output) / out,
                  static_cast<double>(hull[k].input) / in);
    return knots;
}

/// The knots of a row.
constexpr knot_list needed_input(const layer_row& row) {
    knot_list knots;
    const double last = 1.0 - 1.0 / static_cast<double>(row.in.pixels());
    if (looks_around(row.kind)) return needed_by_window(row);
    // a global pool takes the pixels one by one; a stack is taken to wait for all of its inputs
    const bool all = row.kind == layer_kind::reorder || row.kind == layer_kind::group_norm ||
                     row.kind == layer_kind::stack || takes_second(row) || row.out.pixels() == 1;
    if (all && row.kind != layer_kind::global_average_pool) {
        knots.add(0.0, last);
        return knots;
    }
    knots.add(0.0, 0.0), knots.add(last, last);
    return knots;
}

}  // namespace hass::detail
