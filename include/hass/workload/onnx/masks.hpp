/// \file masks.hpp
/// Where with constants, as attention masks are written, and functions with a constant.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/activations.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

inline void gelu(const operation& op) {
    const std::string_view form = op.text("approximate", "none");
    if (form != "none" && form != "tanh")
        throw op.fail("approximate " + quoted(form) + " (known: none, tanh)");
    function(op, form == "tanh" ? value_function::gelu_tanh : value_function::gelu);
}

/// x to a constant exponent; a square is a product, and has no table.
inline void power(const operation& op) {
    if (op.is_constant(0) || !op.is_constant(1))
        throw op.fail("is supported with a constant exponent only");
    const double exponent = op.scalar(1, "the exponent");
    if (!(std::abs(exponent) <= 64.0)) throw op.fail(text_of({"an exponent of ", exponent}));
    if (exponent == 1.0) return op.pass(0);
    if (exponent == 0.5) return function(op, value_function::square_root);
    function(op, value_function::power, static_cast<float>(exponent));
}

/// Cast of data to bool.
inline void to_boolean(const operation& op) {
    if (op.raw(0).boolean) return op.pass(0);
    function(op, value_function::differs, 0.0F);
    op.given().boolean = op.given().non_negative = true;
}

/// Equal of data and one constant.
inline void equal(const operation& op) {
    const std::size_t number = op.is_constant(1) ? 1 : 0;
    if (!op.is_constant(number)) throw op.fail("of data and data is not supported");
    layer_parameters p;
    p.function = value_function::equals;
    p.alpha = static_cast<float>(op.scalar(number, "the constant"));
    if (!std::isfinite(p.alpha)) throw op.fail("to a number that is not finite");
    unary(op, layer_kind::function, p, 1 - number);
    op.given().boolean = op.given().non_negative = true;
}

/// Data less than a constant, one number or one a channel: where max(c - x, 0) is not 0.
inline void less(const operation& op) {
    if (op.is_constant(0) || !op.is_constant(1))
        throw op.fail("is supported with data in front of a constant only");
    const value& x = op.data(0);
    const int rank = x.rank;
    const auto channels = static_cast<std::size_t>(x.shape.channels);
    layer_parameters p, differs;
    op.spent().spend(2 * channels);
    p.weights.assign(channels, -1.0F);
    p.bias = per_channel(op, 1, x);
    p.bias.resize(channels, p.bias[0]);
    layer_row row = elementwise(layer_kind::convolution, x.shape);
    row.groups = x.shape.channels, row.bias = true;
    const value rest = op.emit(row, {x.from}, std::move(p));
    const value above = op.emit(elementwise(layer_kind::relu, row.out), {rest.from});
    differs.function = value_function::differs;
    value out = op.emit(elementwise(layer_kind::function, row.out), {above.from}, differs);
    out.rank = rank;
    out.boolean = out.non_negative = true;
    op.give(std::move(out));
}

/// Not of data.
inline void negation(const operation& op) {
    if (!op.raw(0).boolean) throw op.fail("is supported for comparisons and casts to bool only");
    function(op, value_function::equals, 0.0F);
    op.given().boolean = op.given().non_negative = true;
}

/// A number that may stand for minus infinity in float32.
inline float finite_number(const operation& op, std::size_t i) {
    constexpr double largest = std::numeric_limits<float>::max();
    const double v = op.scalar(i, "the constant");
    if (std::isnan(v)) throw op.fail("a constant is not a number");
    return static_cast<float>(std::clamp(v, -largest, largest));
}

/// Where(mask, x, number) or Where(mask, number, x) with a constant mask, as of attention that looks
/// back only: x times a map of ones and zeros, and a map of numbers added.
inline void choose(const operation& op) {
    if (!op.is_constant(0) && op.is_constant(1) && op.is_constant(2)) {
        // data chooses between two numbers: a line through them
        const float yes = finite_number(op, 1), no = finite_number(op, 2);
        if (!op.raw(0).boolean) throw op.fail("chooses by data that is not bool");
        value x = whole_of(op, 0);
        return op.give(affine_below(op, std::move(x), {yes - no}, {no}));
    }
    if (!op.is_constant(0) || op.is_constant(1) == op.is_constant(2))
        throw op.fail(
            "is supported with a constant mask and one number, or a mask of data and two numbers");
    const std::size_t number = op.is_constant(1) ? 1 : 2;
    const float filler = finite_number(op, number);
    const value x = whole_of(op, 3 - number);
    const value_view v = view_of(x);
    const constant& mask = op.known(0, "the mask");
    const auto axes = constant_axes(mask.dims, x);
    const auto place = axes ? beside(v, *axes) : std::nullopt;
    if (!place)
        throw op.fail("a mask of shape " + dims_text(mask.dims) + " does not fit " + describe(x));
    std::vector<float> keeps;
    for (const double m : numbers(mask, op.spent()))
        keeps.push_back((m != 0.0) == (number == 2) ? 1.0F : 0.0F);
    std::vector<order_axis> all = place->channels;
    append(all, place->pixels);
    op.spent().spend(2 * static_cast<std::size_t>(volume_of(all)));
    layer_parameters factors, summands;
    factors.weights = values_at(keeps, all);
    for (const float keep : factors.weights)
        summands.weights.push_back(keep != 0.0F ? 0.0F : filler);
    value out = x;
    out.from =
        op.emit(elementwise(layer_kind::multiply_map, v.base), {x.from}, std::move(factors)).from;
    out.from =
        op.emit(elementwise(layer_kind::add_map, v.base), {out.from}, std::move(summands)).from;
    out.non_negative = false;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
