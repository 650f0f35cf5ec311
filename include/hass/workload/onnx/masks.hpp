/// \file masks.hpp
/// Comparisons and what is made of them: logic, Where, triangles; functions with a constant.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/activations.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/arithmetic.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/fold_arrays.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reshaping.hpp>
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

/// What a comparison is of data beside a number: 1 or 0. The first operand is the data.
inline value_function comparison_of(std::string_view op_type, bool turned) {
    if (op_type == "Equal") return value_function::equals;
    const bool less = op_type.starts_with("Less") != turned;
    if (op_type.ends_with("OrEqual"))
        return less ? value_function::at_most : value_function::at_least;
    return less ? value_function::below : value_function::above;
}

/// Input `i` times a constant of extents `dims`, and another one added: rows that hold a map each,
/// none where it is all ones, or zeros.
inline value mapped(const operation& op, std::size_t i, const std::vector<std::int64_t>& dims,
                    const std::vector<float>& factors, const std::vector<float>& summands) {
    value out = whole_of(op, i);
    const value_view v = view_of(out);
    const auto axes = constant_axes(dims, out);
    const auto place = axes ? beside(v, *axes) : std::nullopt;
    if (!place || element_count(dims, largest_map) == 0)
        throw op.fail("a constant of shape " + dims_text(dims) + " does not fit " + describe(out));
    std::vector<order_axis> all = place->channels;
    append(all, place->pixels);
    const auto row = [&](layer_kind kind, const std::vector<float>& values, float nothing) {
        if (std::all_of(values.begin(), values.end(), [=](float f) { return f == nothing; }))
            return;
        op.spent().spend(static_cast<std::size_t>(volume_of(all)));
        layer_parameters p;
        p.weights = values_at(values, all);
        out.from = op.emit(elementwise(kind, v.base), {out.from}, std::move(p)).from;
        out.non_negative = false;
    };
    row(layer_kind::multiply_map, factors, 1.0F);
    row(layer_kind::add_map, summands, 0.0F);
    return out;
}

/// 1 where `f` of `x`, all that a row gives, and `number` holds, else 0.
inline void give_truth(const operation& op, value x, value_function f, float number) {
    layer_parameters p;
    p.function = f, p.alpha = number;
    if (!std::isfinite(number)) throw op.fail("with a number that is not finite");
    const hass::shape map = view_of(x).base;
    x.from = op.emit(elementwise(layer_kind::function, map), {x.from}, std::move(p)).from;
    x.boolean = x.non_negative = true, x.whole = false;
    op.give(std::move(x));
}

/// Equal, Less, Greater, ...: of data and a number, or of data and other constants or data, when the
/// difference is compared with 0.
inline void compare(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    const bool first = op.is_constant(0), second = op.is_constant(1);
    const value_function f = comparison_of(op.type(), first);
    if (!first && !second) return give_truth(op, combine(op, layer_kind::subtract, 0, 1), f, 0.0F);
    const std::size_t number = second ? 1 : 0;
    if (op.known(number, "the constant").count() == 1)
        return give_truth(op, whole_of(op, 1 - number), f,
                          static_cast<float>(op.scalar(number, "the constant")));
    const constant& c = op.known(number, "the constant");
    std::vector<float> less = op.weights(number, "the constant");
    for (float& v : less) v = -v;
    const std::vector<float> ones(less.size(), 1.0F);
    give_truth(op, mapped(op, 1 - number, c.dims, ones, less), f, 0.0F);
}

/// Not of data.
inline void negation(const operation& op) {
    if (!op.raw(0).boolean) throw op.fail("is supported for comparisons and casts to bool only");
    give_truth(op, whole_of(op, 0), value_function::equals, 0.0F);
}

/// And, Or, Xor of data and a constant, both 0 or 1.
inline void logic_with_constant(const operation& op) {
    const std::size_t number = op.is_constant(1) ? 1 : 0;
    if (!op.raw(1 - number).boolean) throw op.fail("of data that are not bool");
    const constant& c = op.known(number, "the constant");
    std::vector<float> factors, summands;
    for (const double v : numbers(c, op.spent())) {
        const float one = v != 0.0 ? 1.0F : 0.0F;
        const bool both = op.type() == "And";
        factors.push_back(both ? one : op.type() == "Or" ? 1.0F - one : 1.0F - 2.0F * one);
        summands.push_back(both ? 0.0F : one);
    }
    value out = mapped(op, 1 - number, c.dims, factors, summands);
    out.boolean = out.non_negative = true, out.whole = false;
    op.give(std::move(out));
}

/// And, Or, Xor of data that are 0 or 1: product, maximum, and where the two differ.
inline void logic(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return logic_with_constant(op);
    if (!op.raw(0).boolean || !op.raw(1).boolean) throw op.fail("of data that are not bool");
    const layer_kind kind = op.type() == "And"  ? layer_kind::multiply
                            : op.type() == "Or" ? layer_kind::maximum
                                                : layer_kind::subtract;
    value out = combine(op, kind, 0, 1);
    out.boolean = true, out.whole = false;
    if (op.type() == "Xor") return give_truth(op, std::move(out), value_function::differs, 0.0F);
    op.give(std::move(out));
}

/// A number that may stand for minus infinity in float32.
inline float finite_number(const operation& op, std::size_t i) {
    constexpr double largest = std::numeric_limits<float>::max();
    const double v = op.scalar(i, "the constant");
    if (std::isnan(v)) throw op.fail("a constant is not a number");
    return static_cast<float>(std::clamp(v, -largest, largest));
}

/// Where with a constant mask, as of attention that looks back only, or of two numbers; what else it
/// may be, `composites.hpp` has spelled out.
inline void choose(const operation& op) {
    if (op.inputs() != 3) throw op.fail("needs three inputs");
    if (!op.is_constant(0) && op.is_constant(1) && op.is_constant(2)) {
        // data chooses between two numbers: a line through them
        const float yes = finite_number(op, 1), no = finite_number(op, 2);
        if (!op.raw(0).boolean) throw op.fail("chooses by data that is not bool");
        value x = whole_of(op, 0);
        return op.give(affine_below(op, std::move(x), {yes - no}, {no}));
    }
    if (!op.is_constant(0) || op.is_constant(1) == op.is_constant(2))
        throw op.fail(
            "is supported with a constant mask and one number, or a mask of data that is bool");
    const std::size_t number = op.is_constant(1) ? 1 : 2;
    const float filler = finite_number(op, number);
    const constant& mask = op.known(0, "the mask");
    std::vector<float> keeps, fillers;
    for (const double m : numbers(mask, op.spent())) {
        const bool keep = (m != 0.0) == (number == 2);
        keeps.push_back(keep ? 1.0F : 0.0F), fillers.push_back(keep ? 0.0F : filler);
    }
    op.give(mapped(op, 3 - number, mask.dims, keeps, fillers));
}

/// Trilu of data.
inline void triangle_of_data(const operation& op) {
    const std::vector<std::int64_t> dims = full_dims(op, viewed_anyhow(op, 0));
    if (dims.size() < 2) throw op.fail("of less than two axes");
    const std::int64_t rows = dims[dims.size() - 2], columns = dims.back();
    group_along(op, op.raw(0), static_cast<int>(dims.size()) - 2);  // not the batch
    op.give(mapped(op, 0, {rows, columns}, triangle(op, rows, columns), {}));
}

}  // namespace hass::detail::onnx
