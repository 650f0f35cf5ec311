/// \file transposed_convolution.hpp
/// ConvTranspose as what hardware builds of it: output pixels y = s q + r of one phase r are an
/// ordinary convolution of stride 1, so that a convolution of s_h s_w times as many filters and
/// pixels side by side (`depth_to_space`) give the same. Every pair of weight and input that meets
/// in the one meets in the other; taps that a phase lacks are weights of zero.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/layouts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/onnx/windows.hpp>

namespace hass::detail::onnx {

/// One axis of a transposed convolution, and of the convolution that it becomes.
struct transposed_axis {
    int in = 1, kernel = 1, stride = 1, dilation = 1, pad = 0, out = 1;
    int window = 1, before = 0, after = 0, positions = 1;

    /// The phase that tap `k` belongs to, and which input it sees there, from the one of the same
    /// place on.
    int phase(int k) const {
        const int r = (k * dilation - pad) % stride;
        return r < 0 ? r + stride : r;
    }
    int offset(int k) const { return (phase(k) + pad - k * dilation) / stride; }

    /// Works out the window over all phases.
    void place() {
        int least = 0, most = 0;
        for (int k = 0; k < kernel; ++k)
            least = std::min(least, offset(k)), most = std::max(most, offset(k));
        window = most - least + 1, before = -least;
        positions = (out - 1) / stride + 1;
        after = std::max(0, positions - in - before + window - 1);
        positions = in + before + after - window + 1;  // more than asked for is cut off again
    }
};

/// Strides, pads and extents of both axes.
inline std::array<transposed_axis, 2> transposed_axes(const operation& op, const value& x,
                                                      const constant& w) {
    const auto strides = window_attribute(op, "strides", 2, 1, 1);
    const auto dilations = window_attribute(op, "dilations", 2, 1, 1);
    const auto extra = window_attribute(op, "output_padding", 2, 0, 0);
    std::array<int, 4> pads{};
    const std::string_view automatic = op.text("auto_pad", "NOTSET");
    const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    if (automatic == "NOTSET" || automatic.empty())
        pads = window_attribute(op, "pads", 4, 0, 0);
    else if (!same && automatic != "VALID")
        throw op.fail("auto_pad " + quoted(automatic) +
                      " (known: NOTSET, SAME_UPPER, SAME_LOWER, VALID)");
    std::array<transposed_axis, 2> axes;
    const attribute_proto* shape = op.find("output_shape");
    if (shape != nullptr && shape->ints.size() < 2)
        throw op.fail("output_shape " + dims_text(shape->ints));
    for (std::size_t a = 0; a < 2; ++a) {
        transposed_axis& t = axes[a];
        t.in = a == 0 ? x.shape.height : x.shape.width;
        t.kernel = static_cast<int>(w.dims[2 + a]);
        t.stride = strides[a], t.dilation = dilations[a];
        const std::int64_t whole = std::int64_t{t.in - 1} * t.stride + extra[a] +
                                   std::int64_t{t.kernel - 1} * t.dilation + 1;
        if (whole > largest_map) throw op.fail(text_of({"gives an extent of ", whole}));
        std::int64_t out = whole - pads[a] - pads[a + 2];
        t.pad = pads[a];
        if (shape != nullptr || same) {
            out = shape != nullptr ? shape->ints[shape->ints.size() - 2 + a]
                                   : std::int64_t{t.in} * t.stride;
            const std::int64_t total = std::max<std::int64_t>(0, whole - out);
            t.pad = static_cast<int>(automatic == "SAME_UPPER" ? total / 2 : total - total / 2);
        }
        if (out < 1 || out > 32768 || out > whole + t.stride || t.pad >= whole)
            throw op.fail(text_of({"gives an extent of ", out, " out of ", t.in}));
        t.out = static_cast<int>(out);
        t.place();
        if (t.window > 32768 || t.before > 32768) throw op.fail("its window is too large");
    }
    return axes;
}

inline void transposed_convolution(const operation& op) {
    const constant& w = op.known(1, "the weight");
    if (w.dims.size() != 4)
        throw op.fail("its weight " + dims_text(w.dims) +
                      " is not of two dimensions; only two-dimensional ones are supported");
    const value& x = op.map(0);
    const std::int64_t groups = op.integer("group", 1);
    const bool sound = std::all_of(w.dims.begin(), w.dims.end(),
                                   [](std::int64_t d) { return d >= 1 && d <= largest_map; }) &&
                       w.dims[2] <= 32768 && w.dims[3] <= 32768;
    if (!sound || groups < 1 || w.dims[0] != x.shape.channels || w.dims[0] % groups != 0 ||
        w.dims[1] > largest_map / groups)
        throw op.fail(text_of({"weight ", dims_text(w.dims), " with ", groups,
                               " groups does not fit an input of ", describe(x)}));
    const auto [rows, columns] = transposed_axes(op, x, w);
    const int phases = rows.stride * columns.stride;
    const std::int64_t filters = w.dims[1] * groups;
    layer_row row;
    row.in = x.shape;
    row.kernel_h = rows.window, row.kernel_w = columns.window;
    row.pad_top = rows.before, row.pad_bottom = rows.after;
    row.pad_left = columns.before, row.pad_right = columns.after;
    row.groups = static_cast<int>(groups);
    row.bias = op.has(2);
    row.out = op.sound(filters * phases, rows.positions, columns.positions);

    const std::vector<float> given = op.weights(1, "the weight");
    layer_parameters p;
    if (double(row.out.channels) * channels_per_group(row) * hass::taps(row) > 0x1p40)
        throw op.fail("has far more weights and phases than the file holds");
    const std::size_t volume = static_cast<std::size_t>(weight_count(row));
    op.spent().spend(2 * volume);
    p.weights.assign(volume, 0.0F);
    std::vector<std::int32_t> element(volume, -1);
    const auto per_group = static_cast<std::size_t>(x.shape.channels / groups);
    const auto of_group = static_cast<std::size_t>(w.dims[1]);
    const auto taps =
        static_cast<std::size_t>(row.kernel_h) * static_cast<std::size_t>(row.kernel_w);
    const auto kernel = static_cast<std::size_t>(rows.kernel * columns.kernel);
    const auto by_phase = static_cast<std::size_t>(phases);
    for (std::size_t f = 0; f < static_cast<std::size_t>(filters); ++f)
        for (std::size_t c = 0; c < per_group; ++c) {
            const std::size_t from = (f / of_group * per_group + c) * of_group + f % of_group;
            for (int ky = 0; ky < rows.kernel; ++ky)
                for (int kx = 0; kx < columns.kernel; ++kx) {
                    const auto phase = static_cast<std::size_t>(rows.phase(ky) * columns.stride +
                                                                columns.phase(kx));
                    const auto tap =
                        static_cast<std::size_t>((rows.offset(ky) + rows.before) * row.kernel_w +
                                                 columns.offset(kx) + columns.before);
                    const std::size_t to = ((f * by_phase + phase) * per_group + c) * taps + tap;
                    const std::size_t at =
                        from * kernel + static_cast<std::size_t>(ky * columns.kernel + kx);
                    p.weights[to] = given[at];
                    element[to] = static_cast<std::int32_t>(at);
                }
        }
    if (row.bias) {
        const std::vector<float> bias = op.weights(2, "the bias");
        if (bias.size() != static_cast<std::size_t>(filters))
            throw op.fail(text_of({"bias of ", bias.size(), " values for ", filters, " filters"}));
        op.spent().spend(bias.size() * static_cast<std::size_t>(phases));
        for (const float b : bias) p.bias.insert(p.bias.end(), static_cast<std::size_t>(phases), b);
    }
    value out = op.emit(row, {x.from}, std::move(p), w.name);
    row_origin& origin = op.trace(out, 0, 1);
    origin.pixel_axes = 2;
    origin.element = std::move(element);
    out.made_by = &op.node();
    if (phases > 1) {
        const std::int64_t f = filters, h = rows.positions, v = columns.positions;
        const auto apart = reshaped(view_of(out), {f, rows.stride, columns.stride, h, v});
        const auto together = regrouped(transposed(*apart, {0, 3, 1, 4, 2}), {1, 2, 2});
        out = op.settled(as_value(out, together));
    }
    // what the last positions give beyond the output
    value_view v = view_of(out);
    v = *sliced(v, 1, 0, rows.out, 1);
    v = *sliced(v, 2, 0, columns.out, 1);
    op.give(as_value(out, std::move(v)));
}

}  // namespace hass::detail::onnx
