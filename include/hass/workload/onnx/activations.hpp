/// \file activations.hpp
/// Operators on each value for itself: one input, the same shape.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

/// A row on each value of input `i`, whatever their order.
inline value each_of(const operation& op, layer_kind kind, layer_parameters parameters,
                     std::size_t i = 0) {
    if (op.raw(i).form == form::view) {
        value out = whole_of(op, i);
        const hass::shape base = view_of(out).base;
        out.from = op.emit(elementwise(kind, base), {out.from}, std::move(parameters)).from;
        out.whole = out.boolean = false;
        return out;
    }
    const value& x = op.data(i);
    const int rank = x.rank;
    value out = op.emit(elementwise(kind, x.shape), {x.from}, std::move(parameters));
    out.rank = rank;
    return out;
}

inline void unary(const operation& op, layer_kind kind, layer_parameters parameters = {},
                  std::size_t i = 0) {
    value out = each_of(op, kind, std::move(parameters), i);
    out.non_negative =
        kind == layer_kind::relu || kind == layer_kind::sigmoid || kind == layer_kind::hardsigmoid;
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

/// min(max(x, lower), upper) of input `i`, an infinite bound is none: also part of a hard sigmoid or
/// hard swish that exporters spell out.
inline void bounded(const operation& op, std::size_t i, float lower, float upper) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    if (i == 0 && lower <= 0.0F && upper == 6.0F && (lower == 0.0F ? plus3(op) : relu_plus3(op))) {
        value out = op.raw(0);
        out.form = form::relu6_plus3;
        return op.give(std::move(out));
    }
    if (lower == -infinity && upper == infinity) return op.pass(i);
    const value& x = op.data(i);
    if (lower <= 0.0F && upper >= 0.0F && op.owned(i)) {
        // exporters spell relu6 as a Relu and a Clip: one row
        draft& d = op.behind(x);
        if (d.row.kind == layer_kind::relu && d.parameters.lower == 0.0F) {
            if (upper < d.parameters.upper) d.parameters.upper = upper;
            if (upper != infinity) d.row.kind = layer_kind::relu6;
            return op.pass(i);
        }
    }
    layer_parameters p;
    p.lower = lower, p.upper = upper;
    unary(op, upper == infinity ? layer_kind::relu : layer_kind::relu6, p, i);
    op.given().non_negative = lower >= 0.0F;
}

inline void clip(const operation& op) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    constexpr double largest = std::numeric_limits<float>::max();
    const bool by_input = op.opset() >= 11;
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
    bounded(op, 0, lower, upper);
}

/// A row of kind `function`.
inline void function(const operation& op, value_function f, float a = 0.0F, float b = 0.0F) {
    if (!std::isfinite(a) || !std::isfinite(b)) throw op.fail("an attribute is not finite");
    layer_parameters p;
    p.function = f, p.alpha = a, p.beta = b;
    unary(op, layer_kind::function, p);
    op.given().non_negative = f == value_function::softplus || f == value_function::absolute ||
                              f == value_function::hardsigmoid ||
                              f == value_function::exponential || f == value_function::square_root;
}

inline void hard_sigmoid(const operation& op) {
    const float alpha = op.number("alpha", 0.2F);
    const float beta = op.number("beta", 0.5F);
    if (std::abs(alpha - 1.0F / 6.0F) < 1e-6F && beta == 0.5F)
        return unary(op, layer_kind::hardsigmoid);
    function(op, value_function::hardsigmoid, alpha, beta);
}

/// The slope below zero, one or one a channel: LeakyRelu and PRelu.
inline void leaky_relu(const operation& op) {
    layer_parameters p;
    if (op.type() == "LeakyRelu") {
        p.weights = {op.number("alpha", 0.01F)};
    } else {
        op.data(0);
        p.weights = per_channel(op, 1, op.raw(0));
    }
    const auto finite = [](float f) { return std::isfinite(f); };
    if (!std::all_of(p.weights.begin(), p.weights.end(), finite))
        throw op.fail("a slope is not finite");
    unary(op, layer_kind::leaky_relu, std::move(p));
}

inline void selu(const operation& op) {
    function(op, value_function::selu, op.number("alpha", 1.67326319F),
             op.number("gamma", 1.05070102F));
}

inline void celu(const operation& op) {
    const float alpha = op.number("alpha", 1.0F);
    if (alpha == 0.0F) throw op.fail("alpha is 0");
    function(op, value_function::celu, alpha);
}

}  // namespace hass::detail::onnx
