/// \file arithmetic.hpp
/// Operators on values: fully connected layers, activations, sums, products, concatenations, and
/// constants added to or multiplied with data.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/importer.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/windows.hpp>

namespace hass::detail::onnx {

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
                      (op.type() == "MatMul" ? ", of which it would multiply the last axis alone"
                                             : " (a Flatten before it is missing)"));
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
            throw op.fail(
                text_of({"bias ", dims_text(c.dims), " does not fit ", outputs, " outputs"}));
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
        out.scale = std::move(scale), out.shift = std::move(shift);
    }
    out.form = form::affine;
    out.non_negative = false;
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
            throw op.fail(
                text_of({what[k], " has ", p[k].size(), " values for ", channels, " channels"}));
    }
    const auto epsilon = static_cast<double>(op.number("epsilon", 1e-5F));
    for (std::size_t c = 0; c < channels; ++c) {
        const double variance = static_cast<double>(p[3][c]) + epsilon;
        if (!(variance > 0.0))
            throw op.fail(text_of({"the variance of channel ", c, " is not positive"}));
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
    if (gate.from < 0 || gate.rank != x.rank || gate.shape != x.shape || !op.owned(gate_at))
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
    out.non_negative = false;
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
    op.give(std::move(out));
}

inline void clip(const operation& op) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    constexpr double largest = std::numeric_limits<float>::max();
    const bool by_input = op.graph().opset() >= 11;
    if (by_input ? op.find("min") != nullptr || op.find("max") != nullptr : op.inputs() > 1)
        throw op.fail(by_input ? "bounds are inputs from opset 11 on, not attributes"
                               : "bounds are attributes before opset 11, not inputs");
    const auto bound = [&](std::size_t i, const char* attribute, float none) {
        const double v = !by_input   ? static_cast<double>(op.number(attribute, none))
                         : op.has(i) ? op.scalar(i, "the bound")
                                     : static_cast<double>(none);
        if (std::isnan(v)) throw op.fail("a bound is not a number");
        return v > largest ? infinity : v < -largest ? -infinity : static_cast<float>(v);
    };
    // float's largest number is how exporters write "no bound"
    float lower = bound(1, "min", -infinity);
    if (lower == std::numeric_limits<float>::lowest()) lower = -infinity;
    float upper = bound(2, "max", infinity);
    if (upper == std::numeric_limits<float>::max()) upper = infinity;
    if (lower > upper) lower = upper;  // min(max(x, lower), upper)
    if (lower == infinity || upper == -infinity)
        throw op.fail(text_of({"bounds ", lower, " to ", upper}));
    if (lower <= 0.0F && upper == 6.0F && (lower == 0.0F ? plus3(op) : relu_plus3(op))) {
        value out = op.raw(0);
        out.form = form::relu6_plus3;
        return op.give(std::move(out));
    }
    if (lower == -infinity && upper == infinity) return op.pass(0);
    const value& x = op.data(0);
    if (lower <= 0.0F && upper >= 0.0F && op.owned(0)) {
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
    unary(op, upper == infinity ? layer_kind::relu : layer_kind::relu6, p);
    op.graph().find(op.node().outputs[0], op).non_negative = lower >= 0.0F;
}

inline void hard_sigmoid(const operation& op) {
    const float alpha = op.number("alpha", 0.2F);
    const float beta = op.number("beta", 0.5F);
    if (!(std::abs(alpha - 1.0F / 6.0F) < 1e-6F && beta == 0.5F))
        throw op.fail(
            text_of({"alpha ", alpha, " and beta ", beta, " are not supported, only 1/6 and 0.5"}));
    unary(op, layer_kind::hardsigmoid);
}

inline void softmax(const operation& op) {
    const value& x = op.data(0);
    const std::int64_t given = op.integer("axis", op.graph().opset() >= 13 ? -1 : 1);
    const int axis = axis_of(op, given, x.rank);
    if (x.shape.pixels() != 1 || axis != 1)
        throw op.fail(text_of({"over axis ", axis, " of ", operation::describe(x),
                               " is not supported, only over the classes of N x classes"}));
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

}  // namespace hass::detail::onnx
