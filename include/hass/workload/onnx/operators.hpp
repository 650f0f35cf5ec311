/// \file operators.hpp
/// What each ONNX operator (opset 9 to 17) becomes: a row, part of another row, or an error. The
/// two tables at the end list them all.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/importer.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

// ---------------------------------------------------------------------------------------- helpers

/// A row that maps each value on its own.
inline layer_row elementwise(layer_kind kind, const hass::shape& shape) {
    layer_row row;
    row.kind = kind, row.in = row.out = shape;
    return row;
}

/// An axis counted from the front; refused where the tensor has no such axis.
inline int axis_of(const operation& op, std::int64_t axis, int rank) {
    if (axis < -rank || axis >= rank)
        throw op.fail("axis " + std::to_string(axis) + " of a tensor with " + std::to_string(rank) +
                      " axes");
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

inline void unary(const operation& op, layer_kind kind, layer_parameters parameters = {}) {
    const value& in = op.data(0);
    value out = op.emit(elementwise(kind, in.shape), {in.from}, std::move(parameters));
    out.rank = in.rank;
    out.non_negative =
        kind == layer_kind::relu || kind == layer_kind::sigmoid || kind == layer_kind::hardsigmoid;
    op.give(std::move(out));
}

// -------------------------------------------------------------------- convolutions and the pools

/// Reads `count` integers of an attribute, each within `least`..32768.
inline std::array<int, 4> window_attribute(const operation& op, std::string_view name,
                                           std::size_t count, int otherwise, int least) {
    constexpr std::int64_t most = 32768;
    std::array<int, 4> out{};
    out.fill(otherwise);
    const attribute_proto* a = op.find(name);
    if (a == nullptr) return out;
    if (a->ints.size() != count)
        throw op.fail("attribute " + quoted(name) + " has " + std::to_string(a->ints.size()) +
                      " values where two-dimensional data needs " + std::to_string(count));
    for (std::size_t i = 0; i < count; ++i) {
        if (a->ints[i] < least || a->ints[i] > most)
            throw op.fail("attribute " + quoted(name) + " holds " + std::to_string(a->ints[i]) +
                          ", outside " + std::to_string(least) + ".." + std::to_string(most));
        out[i] = static_cast<int>(a->ints[i]);
    }
    return out;
}

/// The data a window slides over: zeros put around it by a Pad are still pending.
inline value& windowed_input(const operation& op) {
    value& x = op.raw(0);
    if (x.form != form::padded) return op.map(0);
    return x;
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
        throw op.fail("a window of " + std::to_string(kernel_h) + "x" + std::to_string(kernel_w) +
                      " does not fit into " + operation::describe(x));
    row.out = op.sound(out_channels, height, width);
    const auto empty = [](int in, int out, int span, int stride, int before) {
        return before >= span || std::int64_t{out - 1} * stride - before >= in;
    };
    if (kind != layer_kind::convolution &&
        (empty(row.in.height, height, row.dilation_h * (kernel_h - 1) + 1, row.stride_h,
               row.pad_top) ||
         empty(row.in.width, width, row.dilation_w * (kernel_w - 1) + 1, row.stride_w,
               row.pad_left)))
        throw op.fail("its padding leaves windows without data");
    return row;
}

inline void convolution(const operation& op) {
    const constant& w = op.known(1, "the weight");
    if (w.dims.size() != 4)
        throw op.fail("its weight " + dims_text(w.dims) + " makes it " +
                      std::to_string(std::max<std::size_t>(w.dims.size(), 2) - 2) +
                      "-dimensional; only two-dimensional convolutions are supported");
    constexpr std::int64_t largest_kernel = 32768;
    if (std::any_of(w.dims.begin(), w.dims.end(),
                    [](std::int64_t d) { return d < 1 || d > largest_map; }) ||
        w.dims[2] > largest_kernel || w.dims[3] > largest_kernel)
        throw op.fail("weight of shape " + dims_text(w.dims));
    const value& x = windowed_input(op);
    const std::int64_t groups = op.integer("group", 1);
    if (groups < 1 || groups > x.shape.channels || w.dims[1] * groups != x.shape.channels ||
        w.dims[0] % groups != 0)
        throw op.fail("weight " + dims_text(w.dims) + " with " + std::to_string(groups) +
                      " groups does not fit an input of " + operation::describe(x));
    const int kernel_h = static_cast<int>(w.dims[2]);
    const int kernel_w = static_cast<int>(w.dims[3]);
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
            throw op.fail("bias of " + std::to_string(p.bias.size()) + " values for " +
                          std::to_string(row.out.channels) + " filters");
    }
    op.give(op.emit(row, {x.from}, std::move(p), w.name));
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
    if (padded && row.ceil_mode) throw op.fail("ceil_mode behind a Pad is not supported");
    if (padded && kind == layer_kind::max_pool && !x.non_negative)
        throw op.fail(
            "zeros of a Pad would win against negative values; padding of the pool "
            "itself is supported");
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from}, p);
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

inline void reduce_mean(const operation& op) {
    const value& x = op.data(0);
    const auto axes = op.axes(1);
    if (!axes || axes->empty()) throw op.fail("a mean over the batch is not supported");
    bool rows = false;
    bool columns = false;
    for (const std::int64_t given : *axes) {
        const int axis = axis_of(op, given, x.rank);
        if (axis < 2)
            throw op.fail("a mean over axis " + std::to_string(axis) +
                          " is not supported, only over height and width");
        rows = rows || axis == 2;
        columns = columns || axis == 3;
    }
    const bool keeps = op.integer("keepdims", 1) != 0;
    const int rank = keeps ? x.rank : x.rank - (rows ? 1 : 0) - (columns ? 1 : 0);
    if (rows && !columns && !keeps && x.shape.width > 1)
        throw op.fail("a mean over height only must keep its axis");
    const bool all = (rows || x.shape.height == 1) && (columns || x.shape.width == 1);
    if (all)
        global_average(op, x, rank);
    else
        covering_pool(op, x, layer_kind::average_pool, rows, columns, rank);
}

// ------------------------------------------------------------------------------ fully connected

/// A linear row on `x`; `weights` out x in.
inline void linear(const operation& op, const value& x, std::int64_t outputs,
                   layer_parameters parameters, std::string_view weight_name) {
    layer_row row;
    row.kind = layer_kind::linear;
    row.in = x.shape;
    row.out = op.sound(outputs, 1, 1);
    row.bias = !parameters.bias.empty();
    value out = op.emit(row, {x.from}, std::move(parameters), weight_name);
    out.rank = 2;
    op.give(std::move(out));
}

/// The weight of a linear layer as out x in, and how many outputs.
inline std::pair<std::vector<float>, std::int64_t> linear_weight(const operation& op,
                                                                 const value& x, bool out_by_in) {
    const constant& w = op.known(1, "the weight");
    if (x.rank != 2)
        throw op.fail("expects N x features, not " + operation::describe(x) +
                      " (a Flatten before it is missing)");
    const bool fits = w.dims.size() == 2 && w.dims[0] >= 1 && w.dims[1] >= 1 &&
                      w.dims[out_by_in ? 1 : 0] == x.shape.channels;
    if (!fits)
        throw op.fail("weight " + dims_text(w.dims) + " does not fit an input of " +
                      operation::describe(x));
    std::vector<float> values = op.weights(1, "the weight");
    if (out_by_in) return {std::move(values), w.dims[0]};
    const auto in = static_cast<std::size_t>(w.dims[0]);
    const auto out = static_cast<std::size_t>(w.dims[1]);
    op.graph().spent().spend(values.size());
    std::vector<float> turned(values.size());
    for (std::size_t i = 0; i < in; ++i)
        for (std::size_t o = 0; o < out; ++o) turned[o * in + i] = values[i * out + o];
    return {std::move(turned), w.dims[1]};
}

inline void gemm(const operation& op) {
    if (op.integer("transA", 0) != 0) throw op.fail("transA is not supported");
    const value& x = op.data(0);
    const float alpha = op.number("alpha", 1.0F);
    const float beta = op.number("beta", 1.0F);
    layer_parameters p;
    auto [weights, outputs] = linear_weight(op, x, op.integer("transB", 0) != 0);
    p.weights = std::move(weights);
    if (alpha != 1.0F)
        for (float& w : p.weights) w *= alpha;
    if (op.has(2)) {
        const constant& c = op.known(2, "the bias");
        const bool row = c.dims.size() < 2 || (c.dims.size() == 2 && c.dims[0] == 1);
        const std::size_t count = c.count();
        if (!row || (count != 1 && count != static_cast<std::size_t>(outputs)))
            throw op.fail("bias " + dims_text(c.dims) + " does not fit " + std::to_string(outputs) +
                          " outputs");
        p.bias = op.weights(2, "the bias");
        for (float& b : p.bias) b *= beta;
        op.graph().spent().spend(static_cast<std::size_t>(outputs));
        if (count == 1) p.bias.assign(static_cast<std::size_t>(outputs), p.bias[0]);
    }
    const auto finite = [](float f) { return std::isfinite(f); };
    if (!std::all_of(p.weights.begin(), p.weights.end(), finite) ||
        !std::all_of(p.bias.begin(), p.bias.end(), finite))
        throw op.fail("alpha or beta makes weights that are not finite");
    linear(op, x, outputs, std::move(p), op.known(1, "the weight").name);
}

inline void matmul(const operation& op) {
    if (op.is_constant(0)) throw op.fail("its first input is constant; weights must be the second");
    const value& x = op.data(0);
    layer_parameters p;
    auto [weights, outputs] = linear_weight(op, x, false);
    p.weights = std::move(weights);
    linear(op, x, outputs, std::move(p), op.known(1, "the weight").name);
}

// ----------------------------------------------------------- constants added to and multiplied

/// One number, or one a channel, out of a constant that is broadcast against `x`.
inline std::vector<float> per_channel(const operation& op, std::size_t i, const value& x) {
    const constant& c = op.known(i, "the constant");
    const int rank = static_cast<int>(c.dims.size());
    bool fits = rank <= x.rank;
    for (int axis = 0; fits && axis < rank; ++axis) {
        const std::int64_t extent = c.dims[static_cast<std::size_t>(axis)];
        const bool channel = x.rank - rank + axis == 1;
        fits = extent == 1 || (channel && extent == x.shape.channels);
    }
    if (!fits)
        throw op.fail("a constant of shape " + dims_text(c.dims) + " against " +
                      operation::describe(x) + " is neither one number nor one a channel");
    return op.weights(i, "the constant");
}

/// Whether `x` is the same data as `y`, not yet touched by anything.
inline bool same_data(const value& x, const value& y) {
    return x.from == y.from && x.rank == y.rank && x.shape == y.shape;
}

/// scale * x + shift on top of input `i`; vectors of 1 or channels.
inline void affine(const operation& op, std::size_t i, std::vector<float> scale,
                   std::vector<float> shift) {
    value& x = op.raw(i);
    const bool stacked = x.form == form::affine && op.alone(i);
    if (!stacked) op.data(i);
    value out = x;
    op.graph().spent().spend(4 * std::max({scale.size(), shift.size(), x.scale.size()}));
    if (stacked) {
        const auto spread = [&](std::vector<float>& v) {
            if (v.size() == 1) v.resize(static_cast<std::size_t>(x.shape.channels), v[0]);
        };
        if (std::max({scale.size(), shift.size(), x.scale.size(), x.shift.size()}) > 1) {
            for (auto* v : {&scale, &shift, &out.scale, &out.shift}) spread(*v);
        }
        for (std::size_t c = 0; c < scale.size(); ++c) {
            out.scale[c] *= scale[c];
            out.shift[c] = out.shift[c] * scale[c] + shift[c];
        }
    } else {
        const bool computes =
            x.from >= 0 && is_compute(op.graph().rows()[static_cast<std::size_t>(x.from)].row);
        out.foldable = computes && op.alone(i);
        out.scale = std::move(scale), out.shift = std::move(shift);
    }
    out.form = form::affine;
    out.shared = out.non_negative = false;
    op.give(std::move(out));
}

/// min(max(x + 3, 0), 6), times x or not, divided by 6: the hard swish and hard sigmoid of exports
/// older than the operators themselves. Whether that is what this is.
inline bool sixth(const operation& op, std::size_t data, std::size_t number, bool divides) {
    const value& x = op.raw(data);
    if (x.form != form::times_relu6 && (x.form != form::relu6_plus3 || !op.alone(data)))
        return false;
    const double factor = op.scalar(number, "the constant");
    if (std::abs((divides ? 1.0 / factor : factor) - 1.0 / 6.0) > 1e-6) return false;
    const bool swish = x.form == form::times_relu6;
    const int rank = x.rank;
    value out = op.emit(
        elementwise(swish ? layer_kind::hardswish : layer_kind::hardsigmoid, x.shape), {x.from});
    out.rank = rank;
    out.non_negative = !swish;
    op.give(std::move(out));
    return true;
}

/// Add, Sub, Mul or Div where one side is constant.
inline void with_constant(const operation& op) {
    const std::size_t number = op.is_constant(1) ? 1 : 0;
    const std::size_t data = 1 - number;
    const bool multiplies = op.type() == "Mul";
    const bool divides = op.type() == "Div";
    if (divides && number == 0) throw op.fail("a constant divided by data is not supported");
    if ((multiplies || divides) && sixth(op, data, number, divides)) return;
    std::vector<float> scale{1.0F};
    std::vector<float> shift{0.0F};
    if (op.raw(data).form != form::affine) op.data(data);
    std::vector<float> values = per_channel(op, number, op.raw(data));
    if (multiplies || divides) {
        if (divides)
            for (float& v : values) v = 1.0F / v;
        scale = std::move(values);
        if (!std::all_of(scale.begin(), scale.end(), [](float f) { return std::isfinite(f); }))
            throw op.fail("divides by zero");
    } else {
        if (op.type() == "Sub" && number == 1)
            for (float& v : values) v = -v;
        if (op.type() == "Sub" && number == 0) scale[0] = -1.0F;
        shift = std::move(values);
    }
    affine(op, data, std::move(scale), std::move(shift));
}

inline void batch_normalization(const operation& op) {
    if (op.integer("training_mode", 0) != 0) throw op.fail("training_mode is not supported");
    if (op.raw(0).form != form::affine) op.data(0);
    const auto channels = static_cast<std::size_t>(op.raw(0).shape.channels);
    std::array<std::vector<float>, 4> p;
    constexpr std::array what{"the scale", "the bias", "the mean", "the variance"};
    for (std::size_t k = 0; k < 4; ++k) {
        p[k] = op.weights(k + 1, what[k]);
        if (p[k].size() != channels)
            throw op.fail(std::string(what[k]) + " has " + std::to_string(p[k].size()) +
                          " values for " + std::to_string(channels) + " channels");
    }
    const auto epsilon = static_cast<double>(op.number("epsilon", 1e-5F));
    for (std::size_t c = 0; c < channels; ++c) {
        const double variance = static_cast<double>(p[3][c]) + epsilon;
        if (!(variance > 0.0))
            throw op.fail("the variance of channel " + std::to_string(c) + " is not positive");
        const double scale = static_cast<double>(p[0][c]) / std::sqrt(variance);
        const double shift = static_cast<double>(p[1][c]) - static_cast<double>(p[2][c]) * scale;
        if (!(std::abs(scale) <= std::numeric_limits<float>::max() &&
              std::abs(shift) <= std::numeric_limits<float>::max()))
            throw op.fail("folding it gives weights that are not finite");
        p[0][c] = static_cast<float>(scale);
        p[1][c] = static_cast<float>(shift);
    }
    affine(op, 0, std::move(p[0]), std::move(p[1]));
}

// ------------------------------------------------------------------------------- two data inputs

inline value add_rows(const operation& op, const value& a, const value& b) {
    if (a.rank != b.rank || a.shape != b.shape)
        throw op.fail("adds " + operation::describe(a) + " and " + operation::describe(b));
    const bool non_negative = a.non_negative && b.non_negative;
    const int rank = a.rank;
    value out = op.emit(elementwise(layer_kind::add, a.shape), {a.from, b.from});
    out.rank = rank;
    out.non_negative = non_negative;
    return out;
}

inline void add(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return with_constant(op);
    if (op.type() != "Add") throw op.fail("is supported with a constant only");
    op.data(0), op.data(1);
    op.give(add_rows(op, op.raw(0), op.raw(1)));
}

inline void sum(const operation& op) {
    if (op.inputs() == 1) return op.pass(0);
    if (op.inputs() > 64) throw op.fail("has more than 64 inputs");
    value total = op.data(0);
    for (std::size_t i = 1; i < op.inputs(); ++i) total = add_rows(op, total, op.data(i));
    op.give(std::move(total));
}

/// x * gate(x) as one row, where input `gate` is sigmoid or hard sigmoid of input `x` and nobody
/// else reads it.
inline bool gated_by_itself(const operation& op, std::size_t x_at, std::size_t gate_at) {
    const value& x = op.raw(x_at);
    const value& gate = op.raw(gate_at);
    if (gate.from < 0 || gate.rank != x.rank || gate.shape != x.shape || !op.alone(gate_at))
        return false;
    draft& d = op.graph().rows()[static_cast<std::size_t>(gate.from)];
    if (d.from.empty() || d.from[0] != x.from) return false;
    if (d.row.kind == layer_kind::sigmoid)
        d.row.kind = layer_kind::swish;
    else if (d.row.kind == layer_kind::hardsigmoid)
        d.row.kind = layer_kind::hardswish;
    else
        return false;
    value out = gate;
    out.shared = out.non_negative = false;
    op.give(std::move(out));
    return true;
}

inline void multiply(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return with_constant(op);
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        if (op.raw(i).form != form::relu6_plus3 || op.raw(1 - i).form == form::relu6_plus3 ||
            !op.alone(i))
            continue;
        op.data(1 - i);
        if (!same_data(op.raw(i), op.raw(1 - i))) continue;
        value out = op.raw(i);
        out.form = form::times_relu6;
        out.shared = false;
        return op.give(std::move(out));
    }
    op.data(0), op.data(1);
    if (gated_by_itself(op, 0, 1) || gated_by_itself(op, 1, 0)) return;
    const value* a = &op.raw(0);
    const value* b = &op.raw(1);
    if (a->shape != b->shape && a->shape == hass::shape{b->shape.channels, 1, 1}) std::swap(a, b);
    if (a->rank != b->rank ||
        (a->shape != b->shape && b->shape != hass::shape{a->shape.channels, 1, 1}))
        throw op.fail("multiplies " + operation::describe(*a) + " and " + operation::describe(*b));
    const int rank = a->rank;
    const bool non_negative = a->non_negative && b->non_negative;
    value out = op.emit(elementwise(layer_kind::multiply, a->shape), {a->from, b->from});
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

inline void concatenate(const operation& op) {
    if (op.inputs() == 1 && op.has(0)) return op.pass(0);
    std::vector<int> from;
    std::int64_t channels = 0;
    bool non_negative = true;
    const value& first = op.data(0);
    const attribute_proto* axis = op.find("axis");
    if (axis == nullptr || !axis->i || axis_of(op, *axis->i, first.rank) != 1)
        throw op.fail("is supported along the channels only");
    for (std::size_t i = 0; i < op.inputs(); ++i) {
        const value& x = op.data(i);
        if (x.rank != first.rank || x.shape.height != first.shape.height ||
            x.shape.width != first.shape.width)
            throw op.fail("joins " + operation::describe(first) + " and " + operation::describe(x));
        from.push_back(x.from);
        channels += x.shape.channels;
        non_negative = non_negative && x.non_negative;
    }
    layer_row row = elementwise(layer_kind::concat, first.shape);
    row.out = op.sound(channels, first.shape.height, first.shape.width);
    const int rank = first.rank;
    value out = op.emit(row, std::move(from));
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

// ------------------------------------------------------------------------------------ activations

/// Whether input 0 is x + 3, which nothing else reads.
inline bool plus3(const operation& op) {
    const value& x = op.raw(0);
    return (x.form == form::affine || x.form == form::relu_plus3) && op.alone(0) &&
           x.scale == std::vector{1.0F} && x.shift == std::vector{3.0F};
}

/// Whether input 0 is max(x + 3, 0), which nothing else reads.
inline bool relu_plus3(const operation& op) {
    return op.raw(0).form == form::relu_plus3 && plus3(op);
}

inline void relu(const operation& op) {
    if (!plus3(op)) return unary(op, layer_kind::relu);
    value out = op.raw(0);
    out.form = form::relu_plus3;
    out.shared = false;
    op.give(std::move(out));
}

inline void clip(const operation& op) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    constexpr double largest = std::numeric_limits<float>::max();
    const auto bound = [&](std::size_t i, const char* attribute, double none) {
        double v = none;
        if (op.graph().opset() >= 11) {
            if (op.has(i)) v = op.scalar(i, "the bound");
        } else if (const attribute_proto* a = op.find(attribute); a != nullptr && a->f) {
            v = static_cast<double>(*a->f);
        }
        if (std::isnan(v)) throw op.fail("a bound is not a number");
        // float's largest number is how exporters write "no bound"
        return v >= largest ? infinity : v <= -largest ? -infinity : static_cast<float>(v);
    };
    const float lower = bound(1, "min", -std::numeric_limits<double>::infinity());
    const float upper = bound(2, "max", std::numeric_limits<double>::infinity());
    if (lower > upper || lower == infinity || upper == -infinity)
        throw op.fail("bounds " + std::to_string(lower) + " to " + std::to_string(upper));
    if (lower <= 0.0F && upper == 6.0F && (lower == 0.0F ? plus3(op) : relu_plus3(op))) {
        value out = op.raw(0);
        out.form = form::relu6_plus3;
        out.shared = false;
        return op.give(std::move(out));
    }
    if (lower == -infinity && upper == infinity) return op.pass(0);
    const value& x = op.data(0);
    if (lower <= 0.0F && upper >= 0.0F && x.from >= 0 && op.alone(0)) {
        // exporters spell relu6 as a Relu and a Clip: one row
        draft& d = op.graph().rows()[static_cast<std::size_t>(x.from)];
        if (d.row.kind == layer_kind::relu && d.parameters.lower == 0.0F) {
            if (upper < d.parameters.upper) d.parameters.upper = upper;
            if (upper != infinity) d.row.kind = layer_kind::relu6;
            return op.pass(0);
        }
    }
    layer_parameters p;
    p.lower = lower, p.upper = upper;
    const bool relu = lower == 0.0F && upper == infinity;
    unary(op, relu ? layer_kind::relu : layer_kind::relu6, p);
    op.graph().find(op.node().outputs[0], op).non_negative = lower >= 0.0F;
}

inline void hard_sigmoid(const operation& op) {
    const float alpha = op.number("alpha", 0.2F);
    const float beta = op.number("beta", 0.5F);
    if (!(std::abs(alpha - 1.0F / 6.0F) < 1e-6F && beta == 0.5F))
        throw op.fail("alpha " + std::to_string(alpha) + " and beta " + std::to_string(beta) +
                      " are not supported, only 1/6 and 0.5");
    unary(op, layer_kind::hardsigmoid);
}

inline void softmax(const operation& op) {
    const value& x = op.data(0);
    const std::int64_t given = op.integer("axis", op.graph().opset() >= 13 ? -1 : 1);
    const int axis = axis_of(op, given, x.rank);
    if (x.shape.pixels() != 1 || axis != 1)
        throw op.fail("over axis " + std::to_string(axis) + " of " + operation::describe(x) +
                      " is not supported, only over the classes of N x classes");
    unary(op, layer_kind::softmax);
    op.graph().find(op.node().outputs[0], op).non_negative = true;
}

inline void dropout(const operation& op) {
    if (op.has(2) && op.scalar(2, "training_mode") != 0.0)
        throw op.fail("training_mode is not supported");
    op.pass(0);
}

inline void cast(const operation& op) {
    if (op.integer("to", 0) != static_cast<std::int64_t>(data_type::float32))
        throw op.fail("to " + data_type_name(op.integer("to", 0)) + " is not supported");
    op.pass(0);
}

// ----------------------------------------------------------------------------- shapes of the data

/// Extents as ONNX sees them, batch included.
inline std::vector<std::int64_t> full_dims(const operation& op, const value& x) {
    std::vector<std::int64_t> dims{op.graph().batch(), x.shape.channels,
                                   std::int64_t{x.shape.height} + x.pads[0] + x.pads[2],
                                   std::int64_t{x.shape.width} + x.pads[1] + x.pads[3]};
    dims.resize(static_cast<std::size_t>(x.rank));
    return dims;
}

inline void flatten_row(const operation& op, const value& x) {
    layer_row row = elementwise(layer_kind::flatten, x.shape);
    row.out = {static_cast<int>(x.shape.volume()), 1, 1};
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from});
    out.rank = 2;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

/// Gives input 0 the extents `dims` (without the batch): nothing, a flatten, or an error.
inline void reshape_to(const operation& op, const std::vector<std::int64_t>& dims) {
    const value& x = op.data(0);
    std::array<std::int64_t, 3> padded{1, 1, 1};
    if (dims.empty() || dims.size() > 3)
        throw op.fail("gives a tensor of " + std::to_string(dims.size() + 1) +
                      " axes, where 2 to 4 are supported");
    std::copy(dims.begin(), dims.end(), padded.begin());
    const std::array<std::int64_t, 3> now{x.shape.channels, x.shape.height, x.shape.width};
    const bool flat = padded == std::array<std::int64_t, 3>{x.shape.volume(), 1, 1};
    const int rank = static_cast<int>(dims.size()) + 1;
    if (flat && (padded != now || (rank == 2 && x.rank > 2))) {
        flatten_row(op, x);
        op.graph().find(op.node().outputs[0], op).rank = rank;
    } else if (padded == now) {
        op.pass(0);
        op.graph().find(op.node().outputs[0], op).rank = rank;
    } else {
        throw op.fail("of " + operation::describe(x) + " to [N," + dims_text(dims).substr(1) +
                      " is not a flatten");
    }
}

inline void flatten(const operation& op) {
    const value& x = op.data(0);
    const std::int64_t axis = op.integer("axis", 1);
    if (axis != 1 && axis != 1 - x.rank)
        throw op.fail("axis " + std::to_string(axis) + " is not supported, only 1");
    reshape_to(op, {x.shape.volume()});
}

inline void reshape(const operation& op) {
    const value& x = op.data(0);
    const std::vector<std::int64_t> target = op.integers(1, "the shape");
    const std::vector<std::int64_t> now = full_dims(op, x);
    const auto impossible = [&] {
        return op.fail("of " + operation::describe(x) + " to " + dims_text(target) +
                       " does not keep the batch and the values of an image");
    };
    if (target.size() < 2 || target.size() > 4) throw impossible();
    const bool copies = op.integer("allowzero", 0) == 0;
    std::vector<std::int64_t> dims;
    std::int64_t known = 1;
    std::optional<std::size_t> open;
    for (std::size_t i = 1; i < target.size(); ++i) {
        std::int64_t extent = target[i];
        if (extent == 0 && copies && i < now.size()) extent = now[i];
        if (extent == -1 && !open)
            open = i - 1;
        else if (extent < 1 || extent > largest_map || (known *= extent) > largest_map)
            throw impossible();
        dims.push_back(extent);
    }
    const std::int64_t volume = x.shape.volume();
    const bool batch_first = target[0] == op.graph().batch() || target[0] == 1 ||
                             (target[0] == 0 && copies) || (target[0] == -1 && !open);
    if (!batch_first || volume % known != 0 || (!open && volume != known)) throw impossible();
    if (open) dims[*open] = volume / known;
    reshape_to(op, dims);
}

inline void squeeze(const operation& op) {
    const value& x = op.data(0);
    const auto axes = op.axes(1);
    if (!axes) throw op.fail("without axes would drop the batch");
    std::vector<std::int64_t> dims = full_dims(op, x);
    for (const std::int64_t given : *axes) {
        const auto axis = static_cast<std::size_t>(axis_of(op, given, x.rank));
        if (axis == 0 || (dims[axis] != 1 && dims[axis] != 0))
            throw op.fail("of axis " + std::to_string(axis) + " of " + operation::describe(x));
        dims[axis] = 0;
    }
    dims.erase(dims.begin());
    std::erase(dims, 0);
    reshape_to(op, dims);
}

inline void unsqueeze(const operation& op) {
    const value& x = op.data(0);
    const auto axes = op.axes(1);
    if (!axes || axes->empty() || axes->size() > 3) throw op.fail("needs one to three axes");
    const int rank = x.rank + static_cast<int>(axes->size());
    std::vector<bool> fresh(static_cast<std::size_t>(rank), false);
    for (const std::int64_t given : *axes)
        fresh[static_cast<std::size_t>(axis_of(op, given, rank))] = true;
    if (fresh[0]) throw op.fail("puts an axis before the batch");
    const std::vector<std::int64_t> now = full_dims(op, x);
    std::vector<std::int64_t> dims;
    std::size_t next = 1;
    for (std::size_t i = 1; i < fresh.size(); ++i) {
        if (!fresh[i] && next >= now.size()) throw op.fail("names an axis twice");
        dims.push_back(fresh[i] ? 1 : now[next++]);
    }
    reshape_to(op, dims);
}

inline void pad(const operation& op) {
    if (op.text("mode", "constant") != "constant")
        throw op.fail("mode " + quoted(op.text("mode", "")) + " is not supported, only zeros");
    const bool by_input = op.graph().opset() >= 11;
    double filler = static_cast<double>(op.number("value", 0.0F));
    if (by_input) filler = op.has(2) ? op.scalar(2, "the value") : 0.0;
    std::vector<std::int64_t> pads;
    if (by_input)
        pads = op.integers(1, "pads");
    else if (const attribute_proto* a = op.find("pads"))
        pads = a->ints;
    if (std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; }))
        return op.pass(0);
    if (filler != 0.0) throw op.fail("is supported with zeros only");
    if (op.raw(0).form != form::padded) op.map(0);
    value out = op.raw(0);
    constexpr std::int64_t most = 32768;
    if (pads.size() != 8) throw op.fail("needs 8 pads, not " + std::to_string(pads.size()));
    if (pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0)
        throw op.fail("of batch or channels is not supported");
    constexpr std::array<std::size_t, 4> place{2, 3, 6, 7};
    for (std::size_t side = 0; side < 4; ++side) {
        const std::int64_t p = pads[place[side]];
        if (p < 0 || p + out.pads[side] > most)
            throw op.fail("pads of " + std::to_string(p) + " are outside 0..32768");
        out.pads[side] += static_cast<int>(p);
    }
    out.form = form::padded;
    out.shared = false;
    op.give(std::move(out));
}

// -------------------------------------------------------------------- arithmetic on constants only

inline void give_constant(const operation& op, constant c) {
    value x;
    x.form = form::constant;
    c.name = op.node().outputs[0];
    x.number = std::make_shared<const constant>(std::move(c));
    op.give(std::move(x));
}

inline std::vector<double> folded(const operation& op, std::size_t i) {
    return numbers(op.known(i, "an input"), op.graph().spent());
}

/// A constant with the values of input `i` under other extents.
inline constant recast(const operation& op, std::size_t i, std::vector<std::int64_t> dims) {
    const constant& in = op.known(i, "an input");
    constant out;
    out.floating = in.floating;
    out.dims = std::move(dims);
    out.values = folded(op, i);
    if (element_count(out.dims, out.values.size()) != out.values.size())
        throw op.fail("of " + dims_text(in.dims) + " to " + dims_text(out.dims));
    return out;
}

inline void fold_constant(const operation& op) {
    constant c;
    if (const attribute_proto* a = op.find("value"); a != nullptr && a->t) {
        tensor_proto t = read_tensor(*a->t);
        if (t.name.empty()) t.name = op.node().outputs[0];
        c = file_constant(op.graph().keep(std::move(t)));
    } else if (const attribute_proto* number = op.find("value_float"); number && number->f) {
        c.values = {static_cast<double>(*number->f)}, c.floating = true;
    } else if (const attribute_proto* whole = op.find("value_int"); whole && whole->i) {
        c.values = {values_of::clamped(*whole->i)};
    } else if (const attribute_proto* many = op.find("value_floats")) {
        c.values.assign(many->floats.begin(), many->floats.end()), c.floating = true;
        c.dims = {static_cast<std::int64_t>(c.values.size())};
    } else if (const attribute_proto* wholes = op.find("value_ints")) {
        for (const std::int64_t v : wholes->ints) c.values.push_back(values_of::clamped(v));
        c.dims = {static_cast<std::int64_t>(c.values.size())};
    } else {
        throw op.fail("has no value of a supported type");
    }
    if (c.file == nullptr) return give_constant(op, std::move(c));
    value x;  // keeps the tensor's own name for messages and layer names
    x.form = form::constant;
    x.number = std::make_shared<const constant>(std::move(c));
    op.give(std::move(x));
}

/// Shape of data or of a constant: known either way.
inline void fold_shape(const operation& op) {
    const value& x = op.raw(0);
    std::vector<std::int64_t> dims = x.form == form::constant ? x.number->dims : full_dims(op, x);
    const auto rank = static_cast<std::int64_t>(dims.size());
    const auto place = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const std::int64_t start = place(std::max(op.integer("start", 0), -rank));
    const std::int64_t end = place(std::max(op.integer("end", rank), -rank));
    std::vector<double> values;
    for (std::int64_t i = start; i < end; ++i)
        values.push_back(static_cast<double>(dims[static_cast<std::size_t>(i)]));
    give_constant(op, integer_constant(std::move(values)));
}

inline void fold_gather(const operation& op) {
    const constant& in = op.known(0, "the data");
    const constant& at = op.known(1, "the indices");
    if (in.dims.size() != 1 || at.dims.size() > 1 || op.integer("axis", 0) > 0)
        throw op.fail("is supported on vectors of constants only");
    const std::vector<double> values = folded(op, 0);
    const auto size = static_cast<std::int64_t>(values.size());
    constant out;
    out.floating = in.floating;
    out.dims = at.dims;
    for (const std::int64_t index : op.integers(1, "the indices")) {
        if (index < -size || index >= size)
            throw op.fail("index " + std::to_string(index) + " of " + std::to_string(size));
        out.values.push_back(values[static_cast<std::size_t>(index < 0 ? index + size : index)]);
    }
    give_constant(op, std::move(out));
}

inline void fold_concat(const operation& op) {
    constant out;
    out.floating = op.known(0, "an input").floating;
    for (std::size_t i = 0; i < op.inputs(); ++i) {
        const constant& in = op.known(i, "an input");
        if (in.dims.size() != 1 || in.floating != out.floating)
            throw op.fail("of constants is supported for vectors of one type only");
        const std::vector<double> values = folded(op, i);
        out.values.insert(out.values.end(), values.begin(), values.end());
    }
    out.dims = {static_cast<std::int64_t>(out.values.size())};
    give_constant(op, std::move(out));
}

inline void fold_slice(const operation& op) {
    const constant& in = op.known(0, "the data");
    const std::size_t rank = in.dims.size();
    const auto listed = [&](std::string_view attribute, std::size_t i) {
        std::vector<std::int64_t> given;
        if (op.graph().opset() >= 10 && op.has(i))
            given = op.integers(i, "a bound");
        else if (const attribute_proto* a = op.find(attribute))
            given = a->ints;
        return given;
    };
    const std::vector<std::int64_t> starts = listed("starts", 1);
    const std::vector<std::int64_t> ends = listed("ends", 2);
    std::vector<std::int64_t> axes = listed("axes", 3);
    std::vector<std::int64_t> steps = listed("steps", 4);
    if (axes.empty())
        for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int>(i));
    if (steps.empty()) steps.assign(starts.size(), 1);
    if (rank > 8 || starts.size() > rank || ends.size() != starts.size() ||
        axes.size() != starts.size() || steps.size() != starts.size())
        throw op.fail("starts, ends, axes and steps do not fit " + dims_text(in.dims));
    constant out;
    out.floating = in.floating;
    out.dims = in.dims;
    std::vector<std::int64_t> first(rank, 0);
    std::vector<std::int64_t> step(rank, 1);
    for (std::size_t k = 0; k < starts.size(); ++k) {
        const auto axis = static_cast<std::size_t>(axis_of(op, axes[k], static_cast<int>(rank)));
        const std::int64_t size = in.dims[axis];
        const std::int64_t by = steps[k];
        if (by == 0) throw op.fail("a step of 0");
        const bool forward = by > 0;
        const auto place = [&](std::int64_t at) {
            if (at < 0) at = std::max(at, -size - 1) + size;
            return std::clamp<std::int64_t>(at, forward ? 0 : -1, forward ? size : size - 1);
        };
        const std::int64_t start = place(starts[k]);
        // an end before the front, in a backward slice, means the front itself is taken
        const std::int64_t end = !forward && ends[k] < -size ? -1 : place(ends[k]);
        const std::int64_t room = forward ? end - start : start - end;
        const std::int64_t width = forward ? by : -std::max(by, -(size + 1));
        first[axis] = start;
        step[axis] = forward ? width : -width;
        out.dims[axis] = room > 0 ? (room - 1) / width + 1 : 0;
    }
    const std::vector<double> values = folded(op, 0);
    const std::size_t count = element_count(out.dims, values.size()).value_or(0);
    out.values.reserve(count);
    std::vector<std::int64_t> at(rank, 0);
    for (std::size_t n = 0; n < count; ++n) {
        std::int64_t from = 0;
        for (std::size_t axis = 0; axis < rank; ++axis)
            from = from * in.dims[axis] + first[axis] + at[axis] * step[axis];
        out.values.push_back(values[static_cast<std::size_t>(from)]);
        for (std::size_t axis = rank; axis-- > 0;) {
            if (++at[axis] < out.dims[axis]) break;
            at[axis] = 0;
        }
    }
    give_constant(op, std::move(out));
}

inline void fold_reshape(const operation& op) {
    const constant& in = op.known(0, "the data");
    std::vector<std::int64_t> dims = op.integers(1, "the shape");
    const std::size_t count = in.count();
    std::optional<std::size_t> open;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        if (dims[i] == 0 && i < in.dims.size()) dims[i] = in.dims[i];
        if (dims[i] != -1) continue;
        if (open) throw op.fail("to " + dims_text(dims));
        open = i;
        dims[i] = 1;
    }
    if (open) {
        const std::size_t known = element_count(dims, count).value_or(0);
        if (known == 0 || count % known != 0) throw op.fail("to " + dims_text(dims));
        dims[*open] = static_cast<std::int64_t>(count / known);
    }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_flatten(const operation& op) {
    const constant& in = op.known(0, "the data");
    const int rank = static_cast<int>(in.dims.size());
    const std::int64_t given = op.integer("axis", 1);
    const auto axis = static_cast<std::size_t>(given == rank ? rank : axis_of(op, given, rank));
    std::int64_t front = 1;
    const auto count = static_cast<std::int64_t>(in.count());
    for (std::size_t i = 0; i < axis && count > 0; ++i) front *= in.dims[i];
    give_constant(op, recast(op, 0, {front, count / front}));
}

inline void fold_squeeze(const operation& op) {
    const constant& in = op.known(0, "the data");
    const auto axes = op.axes(1);
    std::vector<std::int64_t> dims = in.dims;
    const int rank = static_cast<int>(dims.size());
    if (!axes)
        std::erase(dims, 1);
    else {
        for (const std::int64_t given : *axes) {
            auto& extent = dims[static_cast<std::size_t>(axis_of(op, given, rank))];
            if (extent != 1) throw op.fail("of an axis that is not 1");
            extent = -1;
        }
        std::erase(dims, -1);
    }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_unsqueeze(const operation& op) {
    const constant& in = op.known(0, "the data");
    const auto axes = op.axes(1);
    if (!axes || axes->empty() || axes->size() + in.dims.size() > 8)
        throw op.fail("needs axes, eight in all");
    const std::size_t rank = in.dims.size() + axes->size();
    std::vector<std::int64_t> dims(rank, 0);
    for (const std::int64_t given : *axes)
        dims[static_cast<std::size_t>(axis_of(op, given, static_cast<int>(rank)))] = 1;
    std::size_t next = 0;
    for (std::int64_t& extent : dims)
        if (extent == 0) {
            if (next >= in.dims.size()) throw op.fail("names an axis twice");
            extent = in.dims[next++];
        }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_transpose(const operation& op) {
    const constant& in = op.known(0, "the data");
    const attribute_proto* perm = op.find("perm");
    if (perm != nullptr && perm->ints == std::vector<std::int64_t>{0, 1}) return op.pass(0);
    if (in.dims.size() != 2 || (perm != nullptr && perm->ints != std::vector<std::int64_t>{1, 0}))
        throw op.fail("of constants is supported for matrices only");
    const std::vector<double> values = folded(op, 0);
    const auto rows = static_cast<std::size_t>(in.dims[0]);
    const auto columns = static_cast<std::size_t>(in.dims[1]);
    constant out;
    out.floating = in.floating;
    out.dims = {in.dims[1], in.dims[0]};
    out.values.reserve(values.size());
    for (std::size_t c = 0; c < columns && !values.empty(); ++c)
        for (std::size_t r = 0; r < rows; ++r) out.values.push_back(values[r * columns + c]);
    give_constant(op, std::move(out));
}

inline void fold_cast(const operation& op) {
    const std::int64_t to = op.integer("to", 0);
    constant out = recast(op, 0, op.known(0, "the data").dims);
    switch (static_cast<data_type>(to)) {
        case data_type::float32:
        case data_type::float64:
            out.floating = true;
            break;
        case data_type::int32:
        case data_type::int64:
            for (double& v : out.values) {
                if (!(std::abs(v) <= 0x1p53)) throw op.fail("of a value that is no integer");
                v = std::trunc(v);
            }
            out.floating = false;
            break;
        case data_type::boolean:
            for (double& v : out.values) v = v != 0.0 ? 1.0 : 0.0;
            out.floating = false;
            break;
        default:
            throw op.fail("to " + data_type_name(to) + " is not supported");
    }
    give_constant(op, std::move(out));
}

inline void fold_arithmetic(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    const constant& a = op.known(0, "an input");
    const constant& b = op.known(1, "an input");
    const std::vector<double> x = folded(op, 0);
    const std::vector<double> y = folded(op, 1);
    if (a.floating != b.floating || x.empty() || y.empty() ||
        (a.dims != b.dims && x.size() != 1 && y.size() != 1))
        throw op.fail("of constants " + dims_text(a.dims) + " and " + dims_text(b.dims));
    constant out;
    out.floating = a.floating;
    out.dims = x.size() == 1 && b.dims.size() >= a.dims.size() ? b.dims : a.dims;
    if (y.size() > 1) out.dims = b.dims;
    for (std::size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
        const double l = x[x.size() == 1 ? 0 : i];
        const double r = y[y.size() == 1 ? 0 : i];
        double v = 0.0;
        if (op.type() == "Add")
            v = l + r;
        else if (op.type() == "Sub")
            v = l - r;
        else if (op.type() == "Mul")
            v = l * r;
        else
            v = out.floating ? l / r : std::trunc(l / r);
        if (!out.floating && !(std::abs(v) <= 0x1p53))
            throw op.fail("of constants leaves the range of integers");
        out.values.push_back(v);
    }
    give_constant(op, std::move(out));
}

inline void fold_floor(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    for (double& v : out.values) v = op.type() == "Ceil" ? std::ceil(v) : std::floor(v);
    give_constant(op, std::move(out));
}

inline void fold_fill(const operation& op) {
    constant out;
    out.floating = true;
    double filler = 0.0;
    if (const attribute_proto* a = op.find("value"); a != nullptr && a->t) {
        const tensor_proto t = read_tensor(*a->t);
        const constant c = file_constant(t);
        const std::vector<double> values = numbers(c, op.graph().spent());
        if (values.size() != 1) throw op.fail("attribute 'value' is not a single number");
        filler = values[0];
        out.floating = c.floating;
    }
    out.dims = op.integers(0, "the shape");
    const auto count = element_count(out.dims, static_cast<std::size_t>(largest_map));
    if (!count) throw op.fail("of shape " + dims_text(out.dims));
    op.graph().spent().spend(*count);
    out.values.assign(*count, filler);
    give_constant(op, std::move(out));
}

// ----------------------------------------------------------------------------------------- tables

inline void pass_first(const operation& op) {
    op.pass(0);
}

/// One line an operator: its name, and what it does.
struct table_entry {
    std::string_view op_type;
    handler run;
};

/// Operators on data of an image.
inline constexpr std::array table{
    table_entry{"Add", add},
    table_entry{"AveragePool", [](const operation& op) { pool(op, layer_kind::average_pool); }},
    table_entry{"BatchNormalization", batch_normalization},
    table_entry{"Cast", cast},
    table_entry{"Clip", clip},
    table_entry{"Concat", concatenate},
    table_entry{"Conv", convolution},
    table_entry{"Div", add},
    table_entry{"Dropout", dropout},
    table_entry{"Flatten", flatten},
    table_entry{"Gemm", gemm},
    table_entry{"GlobalAveragePool",
                [](const operation& op) {
                    const value& x = op.map(0);
                    global_average(op, x, x.rank);
                }},
    table_entry{"GlobalMaxPool",
                [](const operation& op) {
                    const value& x = op.map(0);
                    covering_pool(op, x, layer_kind::max_pool, true, true, x.rank);
                }},
    table_entry{"HardSigmoid", hard_sigmoid},
    table_entry{"HardSwish", [](const operation& op) { unary(op, layer_kind::hardswish); }},
    table_entry{"Identity", pass_first},
    table_entry{"MatMul", matmul},
    table_entry{"MaxPool", [](const operation& op) { pool(op, layer_kind::max_pool); }},
    table_entry{"Mul", multiply},
    table_entry{"Pad", pad},
    table_entry{"ReduceMean", reduce_mean},
    table_entry{"Relu", relu},
    table_entry{"Reshape", reshape},
    table_entry{"Shape", fold_shape},
    table_entry{"Sigmoid", [](const operation& op) { unary(op, layer_kind::sigmoid); }},
    table_entry{"Softmax", softmax},
    table_entry{"Squeeze", squeeze},
    table_entry{"Sub", add},
    table_entry{"Sum", sum},
    table_entry{"Unsqueeze", unsqueeze},
};

/// Operators whose inputs are all constant.
inline constexpr std::array fold_table{
    table_entry{"Add", fold_arithmetic},      table_entry{"Cast", fold_cast},
    table_entry{"Ceil", fold_floor},          table_entry{"Concat", fold_concat},
    table_entry{"Constant", fold_constant},   table_entry{"ConstantOfShape", fold_fill},
    table_entry{"Div", fold_arithmetic},      table_entry{"Flatten", fold_flatten},
    table_entry{"Floor", fold_floor},         table_entry{"Gather", fold_gather},
    table_entry{"Identity", pass_first},      table_entry{"Mul", fold_arithmetic},
    table_entry{"Reshape", fold_reshape},     table_entry{"Shape", fold_shape},
    table_entry{"Slice", fold_slice},         table_entry{"Squeeze", fold_squeeze},
    table_entry{"Sub", fold_arithmetic},      table_entry{"Transpose", fold_transpose},
    table_entry{"Unsqueeze", fold_unsqueeze},
};

inline handler find_handler(std::string_view op_type) {
    for (const table_entry& entry : table)
        if (entry.op_type == op_type) return entry.run;
    return nullptr;
}

inline handler find_folder(std::string_view op_type) {
    for (const table_entry& entry : fold_table)
        if (entry.op_type == op_type) return entry.run;
    return nullptr;
}

}  // namespace hass::detail::onnx
