/// \file windows.hpp
/// Operators that slide a window over a map: convolutions, pools, means.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// Reads `count` integers of an attribute, each within `least`..32768; of data of one axis half as
/// many, which becomes the height of a map of width 1.
inline std::array<int, 4> window_attribute(const operation& op, std::string_view name,
                                           std::size_t count, int otherwise, int least) {
    constexpr std::int64_t most = 32768;
    std::array<int, 4> out{};
    out.fill(otherwise);
    const attribute_proto* a = op.find(name);
    if (a == nullptr) return out;
    const bool one_axis = op.raw(0).rank == 3;
    const std::size_t wanted = one_axis ? count / 2 : count;
    if (a->ints.size() != wanted)
        throw op.fail(
            text_of({"attribute ", quoted(name), " has ", a->ints.size(), " values where ",
                     one_axis ? "one" : "two", "-dimensional data needs ", wanted}));
    if (one_axis) out.fill(count == 4 ? 0 : 1);
    for (std::size_t i = 0; i < wanted; ++i) {
        if (a->ints[i] < least || a->ints[i] > most)
            throw op.fail(text_of({"attribute ", quoted(name), " holds ", a->ints[i], ", outside ",
                                   least, "..", most}));
        out[one_axis ? 2 * i : i] = static_cast<int>(a->ints[i]);
    }
    return out;
}

/// The data that a pool of all pixels takes.
inline value& pooled_input(const operation& op) {
    value& map = op.data(0);
    if (map.rank < 3) throw op.fail("expects N x C x H x W or N x C x L, not " + describe(map));
    return map;
}

/// The data a window slides over: zeros put around it by a Pad are still pending.
inline value& windowed_input(const operation& op) {
    value& x = op.raw(0);
    return x.form == form::padded ? x : pooled_input(op);
}

/// Padding before and after one axis for auto_pad = SAME_*: as many windows as in / stride, rounded
/// up; the odd zero goes to the end (SAME_UPPER) or the front.
inline std::pair<int, int> same_padding(int in, int kernel, int stride, int dilation, bool upper) {
    const int windows = (in - 1) / stride + 1;
    const int span = dilation * (kernel - 1) + 1;
    const int total = std::max(0, (windows - 1) * stride + span - in);
    return upper ? std::pair{total / 2, total - total / 2}
                 : std::pair{total - total / 2, total / 2};
}

/// Whether a window along one axis has no tap inside the map: all of them lie in the padding, or
/// the gaps of a dilated one span the map.
inline bool leaves_empty(int in, int out, int kernel, int stride, int dilation, int before) {
    for (int o = 0; o < out; ++o) {
        const int first = o * stride - before;
        const int outside = first < 0 ? (-first - 1) / dilation + 1 : 0;  // taps before the map
        if (outside >= kernel || first + outside * dilation >= in) return true;
    }
    return false;
}

/// Strides, dilations, padding and extents of a window of kernel_h x kernel_w over `x`.
inline layer_row window(const operation& op, const value& x, layer_kind kind, int kernel_h,
                        int kernel_w, int out_channels) {
    layer_row row;
    row.kind = kind, row.in = x.shape;
    row.kernel_h = kernel_h, row.kernel_w = kernel_w;
    const auto strides = window_attribute(op, "strides", 2, 1, 1);
    const auto dilations = window_attribute(op, "dilations", 2, 1, 1);
    row.stride_h = strides[0], row.stride_w = strides[1];
    row.dilation_h = dilations[0], row.dilation_w = dilations[1];
    const std::string_view automatic = op.text("auto_pad", "NOTSET");
    std::array<int, 4> pads{};
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
        const bool upper = automatic == "SAME_UPPER";
        const auto [top, bottom] = same_padding(x.shape.height + x.pads[0] + x.pads[2], kernel_h,
                                                row.stride_h, row.dilation_h, upper);
        const auto [left, right] = same_padding(x.shape.width + x.pads[1] + x.pads[3], kernel_w,
                                                row.stride_w, row.dilation_w, upper);
        pads = {top, left, bottom, right};
    } else if (automatic == "NOTSET" || automatic.empty()) {
        pads = window_attribute(op, "pads", 4, 0, 0);
    } else if (automatic != "VALID") {
        throw op.fail("auto_pad " + quoted(automatic) +
                      " (known: NOTSET, SAME_UPPER, SAME_LOWER, VALID)");
    }
    row.pad_top = pads[0], row.pad_left = pads[1];
    row.pad_bottom = pads[2], row.pad_right = pads[3];
    if (kind != layer_kind::convolution) {
        row.ceil_mode = op.integer("ceil_mode", 0) != 0 && automatic != "SAME_UPPER" &&
                        automatic != "SAME_LOWER";
    }
    row.pad_top += x.pads[0], row.pad_left += x.pads[1];
    row.pad_bottom += x.pads[2], row.pad_right += x.pads[3];
    const int height = window_extent(row.in.height, kernel_h, row.stride_h, row.pad_top,
                                     row.pad_bottom, row.dilation_h, row.ceil_mode);
    const int width = window_extent(row.in.width, kernel_w, row.stride_w, row.pad_left,
                                    row.pad_right, row.dilation_w, row.ceil_mode);
    if (height < 1 || width < 1)
        throw op.fail(
            text_of({"a window of ", kernel_h, "x", kernel_w, " does not fit into ", describe(x)}));
    row.out = op.sound(out_channels, height, width);
    if (kind != layer_kind::convolution &&
        (leaves_empty(row.in.height, height, kernel_h, row.stride_h, row.dilation_h, row.pad_top) ||
         leaves_empty(row.in.width, width, kernel_w, row.stride_w, row.dilation_w, row.pad_left)))
        throw op.fail("its padding leaves windows without data");
    return row;
}

inline void convolution(const operation& op) {
    const constant& w = op.known(1, "the weight");
    if (w.dims.size() != 4 && w.dims.size() != 3)
        throw op.fail(text_of({"its weight ", dims_text(w.dims), " makes it ",
                               std::max<std::size_t>(w.dims.size(), 2) - 2,
                               "-dimensional; only convolutions along one axis or two are "
                               "supported"}));
    constexpr std::int64_t largest_kernel = 32768;
    if (std::any_of(w.dims.begin(), w.dims.end(),
                    [](std::int64_t d) { return d < 1 || d > largest_map; }) ||
        w.dims[2] > largest_kernel || w.dims.back() > largest_kernel)
        throw op.fail("weight of shape " + dims_text(w.dims));
    const value& x = windowed_input(op);
    if (static_cast<int>(w.dims.size()) != x.rank)
        throw op.fail("weight " + dims_text(w.dims) + " does not fit an input of " + describe(x));
    const std::int64_t groups = op.integer("group", 1);
    if (groups < 1 || groups > x.shape.channels || w.dims[1] * groups != x.shape.channels ||
        w.dims[0] % groups != 0)
        throw op.fail(text_of({"weight ", dims_text(w.dims), " with ", groups,
                               " groups does not fit an input of ", describe(x)}));
    const int kernel_h = static_cast<int>(w.dims[2]);
    const int kernel_w = x.rank == 3 ? 1 : static_cast<int>(w.dims[3]);
    const auto stated = window_attribute(op, "kernel_shape", 2, 0, 1);
    if (op.find("kernel_shape") != nullptr && (stated[0] != kernel_h || stated[1] != kernel_w))
        throw op.fail("kernel_shape does not match the weight " + dims_text(w.dims));
    layer_row row =
        window(op, x, layer_kind::convolution, kernel_h, kernel_w, static_cast<int>(w.dims[0]));
    row.groups = static_cast<int>(groups);
    row.bias = op.has(2);
    layer_parameters p;
    p.weights = op.weights(1, "the weight");
    if (row.bias) {
        p.bias = op.weights(2, "the bias");
        if (p.bias.size() != static_cast<std::size_t>(row.out.channels))
            throw op.fail(
                text_of({"bias of ", p.bias.size(), " values for ", row.out.channels, " filters"}));
    }
    const int rank = x.rank;
    value out = op.emit(row, {x.from}, std::move(p), w.name);
    op.trace(out, 0, 1).pixel_axes = x.rank - 2;
    out.rank = rank;
    op.give(std::move(out));
}

inline void pool(const operation& op, layer_kind kind) {
    const value& x = windowed_input(op);
    const bool padded = x.form == form::padded;
    if (op.find("kernel_shape") == nullptr) throw op.fail("attribute 'kernel_shape' is missing");
    const auto kernel = window_attribute(op, "kernel_shape", 2, 1, 1);
    const layer_row row = window(op, x, kind, kernel[0], kernel[1], x.shape.channels);
    layer_parameters p;
    if (kind == layer_kind::average_pool) {
        p.count_include_pad = op.integer("count_include_pad", 0) != 0;
        const bool own = row.pad_top + row.pad_left + row.pad_bottom + row.pad_right >
                         std::accumulate(x.pads.begin(), x.pads.end(), 0);
        if (padded && own && !p.count_include_pad)
            throw op.fail("zeros of a Pad count in the mean but its own padding does not");
        p.count_include_pad = p.count_include_pad || padded;
    }
    if (padded && row.ceil_mode) {
        // to the pool what the Pad gives is the map: its last window may start further back
        const int height = window_extent(row.in.height + x.pads[0] + x.pads[2], row.kernel_h,
                                         row.stride_h, row.pad_top - x.pads[0],
                                         row.pad_bottom - x.pads[2], row.dilation_h, true);
        const int width = window_extent(row.in.width + x.pads[1] + x.pads[3], row.kernel_w,
                                        row.stride_w, row.pad_left - x.pads[1],
                                        row.pad_right - x.pads[3], row.dilation_w, true);
        if (height != row.out.height || width != row.out.width)
            throw op.fail("ceil_mode makes a window of what a Pad gives alone");
    }
    if (padded && kind == layer_kind::max_pool && !x.non_negative)
        throw op.fail(
            "zeros of a Pad would win against negative values; padding of the pool "
            "itself is supported");
    const bool non_negative = x.non_negative;
    const int rank = x.rank;
    value out = op.emit(row, {x.from}, p);
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

inline void global_average(const operation& op, const value& x, int rank) {
    layer_row row = elementwise(layer_kind::global_average_pool, x.shape);
    row.out = {x.shape.channels, 1, 1};
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from});
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

/// A pool whose window covers the map along one axis or both.
inline void covering_pool(const operation& op, const value& x, layer_kind kind, bool rows,
                          bool columns, int rank) {
    layer_row row = elementwise(kind, x.shape);
    if (rows) row.kernel_h = x.shape.height, row.out.height = 1;
    if (columns) row.kernel_w = x.shape.width, row.out.width = 1;
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from});
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
