/// \file affine.hpp
/// Constants added to data or multiplied with it, batch norms among them: scale * x + shift,
/// pending until it shows which row it becomes part of.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/settle.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

/// Whether a constant that is broadcast against `x` is one number, or one a position of `axis`.
inline bool is_along(const constant& c, const value& x, int axis) {
    const int rank = static_cast<int>(c.dims.size());
    if (rank > x.rank) return false;
    const std::vector<std::int64_t> dims = view_of(x).dims();
    for (int k = 0; k < rank; ++k) {
        const std::int64_t extent = c.dims[static_cast<std::size_t>(k)];
        const int at = x.rank - rank + k;
        if (extent != 1 && (at != axis || extent != dims[static_cast<std::size_t>(at - 1)]))
            return false;
    }
    return true;
}

/// Values of a constant operand; whole numbers, too, but for quotients, which would be cut.
inline std::vector<float> factors_of(const operation& op, std::size_t i) {
    const constant& c = op.known(i, "the constant");
    if (c.floating || op.type() == "Div") return op.weights(i, "the constant");
    if (c.file != nullptr && is_byte(c.file->type))
        throw op.fail("whole numbers of 8 bits, which wrap around, are not supported");
    std::vector<float> all;
    for (const double v : numbers(c, op.spent())) {
        constexpr double exact = 1 << 24;
        if (std::abs(v) > exact) throw op.fail("whole numbers above 2^24 are not supported");
        all.push_back(static_cast<float>(v));
    }
    return all;
}

/// One number, or one a channel, out of a constant that is broadcast against `x`.
inline std::vector<float> per_channel(const operation& op, std::size_t i, const value& x) {
    const constant& c = op.known(i, "the constant");
    if (!is_along(c, x, 1))
        throw op.fail("a constant of shape " + dims_text(c.dims) + " against " + describe(x) +
                      " is neither one number nor one a channel");
    return factors_of(op, i);
}

/// One number for each value of `x`, plain data, out of a constant that is broadcast against it.
inline std::vector<float> per_value(const operation& op, std::size_t i, const value& x) {
    const constant& c = op.known(i, "the constant");
    const std::array<std::int64_t, 4> whole{1, x.shape.channels, x.shape.height, x.shape.width};
    const std::size_t rank = c.dims.size();
    std::array<std::int64_t, 4> extent{1, 1, 1, 1}, stride{};
    bool fits = rank <= static_cast<std::size_t>(x.rank);
    std::int64_t apart = 1;
    for (std::size_t k = rank; fits && k-- > 0;) {
        const std::size_t at = static_cast<std::size_t>(x.rank) - rank + k;
        extent[at] = c.dims[k];
        stride[at] = extent[at] == 1 ? 0 : apart;
        apart *= extent[at];
        fits = extent[at] == 1 || extent[at] == whole[at];
    }
    if (!fits)
        throw op.fail("a constant of shape " + dims_text(c.dims) + " does not fit " + describe(x));
    const std::vector<float> values = factors_of(op, i);
    op.spent().spend(static_cast<std::size_t>(x.shape.volume()));
    std::vector<float> all;
    all.reserve(static_cast<std::size_t>(x.shape.volume()));
    for (std::int64_t ch = 0; ch < whole[1]; ++ch)
        for (std::int64_t y = 0; y < whole[2]; ++y)
            for (std::int64_t z = 0; z < whole[3]; ++z)
                all.push_back(values[static_cast<std::size_t>(ch * stride[1] + y * stride[2] +
                                                              z * stride[3])]);
    return all;
}

/// scale * x + shift on top of input `i`; vectors of 1 or channels.
inline void affine(const operation& op, std::size_t i, std::vector<float> scale,
                   std::vector<float> shift) {
    value& x = op.raw(i);
    const bool stacked = x.form == form::affine && op.alone(i);
    if (!stacked) op.data(i);
    value out = x;
    op.spent().spend(4 * std::max({scale.size(), shift.size(), x.scale.size()}));
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
        out.scaled = op.node().inputs[i];
    }
    out.gives = op.node().outputs[0];
    out.form = form::affine;
    out.non_negative = out.whole = out.boolean = false;
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

/// What a constant that is added, subtracted, multiplied or divided by means: its factors or, where
/// it is no factor, its summands.
inline std::vector<float> operand_of(const operation& op, std::size_t number,
                                     std::vector<float> values) {
    if (op.type() == "Div") {
        for (float& v : values) v = 1.0F / v;
        if (!std::all_of(values.begin(), values.end(), [](float f) { return std::isfinite(f); }))
            throw op.fail("divides by zero");
    }
    if (op.type() == "Mul" &&
        !std::all_of(values.begin(), values.end(), [](float f) { return std::isfinite(f); }))
        throw op.fail("multiplies by a constant that is not finite");
    if (op.type() == "Sub" && number == 1)
        for (float& v : values) v = -v;
    return values;
}

/// The same for every value on its own: a row that holds a map of constants.
inline void with_map(const operation& op, std::size_t data, std::size_t number, bool factor) {
    const value& x = op.data(data);
    int from = x.from;
    const hass::shape shape = x.shape;
    layer_parameters p;
    p.weights = operand_of(op, number, per_value(op, number, x));
    const int rank = x.rank;
    if (op.type() == "Sub" && number == 0) {  // constant - x
        layer_parameters negative;
        negative.function = value_function::negate;
        from = op.emit(elementwise(layer_kind::function, x.shape), {from}, negative).from;
    }
    value out = op.emit(elementwise(factor ? layer_kind::multiply_map : layer_kind::add_map, shape),
                        {from}, std::move(p));
    out.rank = rank;
    op.give(std::move(out));
}

/// All that a row gives, as `scale * x + shift` of it; one number a channel of the row, or one.
inline value scaled_below(const operation& op, const value& view, std::vector<float> scale,
                          std::vector<float> shift) {
    value below;
    below.from = view.from, below.shape = view_of(view).base, below.unread = view.unread;
    below.made_by = &op.node();
    op.spent().spend(2 * (scale.size() + shift.size()));
    below.scale = std::move(scale), below.shift = std::move(shift);
    return below;
}

/// Whether that row itself gives it now.
inline bool folds_below(const operation& op, const value& below) {
    const scale_and_shift map(below);
    if (!op.owns(below) || !map.folds_into(op.behind(below).row)) return false;
    draft& d = op.behind(below);
    map.fold_into(d, op.spent());
    require_finite(d.parameters, op.node());
    return true;
}

/// scale * x + shift on all that a row gives, whatever its order; folded into it, or a row.
inline value affine_below(const operation& op, value out, std::vector<float> scale,
                          std::vector<float> shift) {
    const value below = scaled_below(op, out, std::move(scale), std::move(shift));
    if (!folds_below(op, below)) {
        const scale_and_shift map(below);
        layer_row row = elementwise(layer_kind::convolution, below.shape);
        row.groups = below.shape.channels, row.bias = map.shifts();
        layer_parameters p = map.depthwise(op.spent());
        require_finite(p, op.node());
        out.from = op.emit(row, {out.from}, std::move(p)).from;
        op.behind(out).origin.derived = !map.scales();
    }
    out.non_negative = false;
    return out;
}

/// -x of all that a row gives; folded into it, or a row that needs no multiplication.
inline value negated_below(const operation& op, value out) {
    const value below = scaled_below(op, out, {-1.0F}, {0.0F});
    if (!folds_below(op, below)) {
        layer_parameters negative;
        negative.function = value_function::negate;
        out.from =
            op.emit(elementwise(layer_kind::function, below.shape), {out.from}, std::move(negative))
                .from;
    }
    out.non_negative = false;
    return out;
}

/// Add, Sub, Mul or Div of a view and a constant: one number a channel of the row behind it, or a
/// map of constants.
inline void constant_beside_view(const operation& op, std::size_t data, std::size_t number,
                                 bool factor) {
    value x = whole_of(op, data);
    const value_view v = view_of(x);
    const constant& c = op.known(number, "the constant");
    const auto axes = constant_axes(c.dims, x);
    const auto place = axes ? beside(v, *axes) : std::nullopt;
    if (!place)
        throw op.fail("a constant of shape " + dims_text(c.dims) + " does not fit " + describe(x));
    std::vector<float> values = operand_of(op, number, factors_of(op, number));
    const bool from_constant = op.type() == "Sub" && number == 0;  // constant - x
    std::vector<float> scale{from_constant ? -1.0F : 1.0F}, shift{0.0F};
    if (place->one_pixel) {
        op.spent().spend(static_cast<std::size_t>(volume_of(place->channels)));
        if (values.size() > 1) values = values_at(values, place->channels);
        (factor ? scale : shift) = std::move(values);
        const int before = x.from;
        const std::vector<float> factors = scale, summands = shift;
        value below = affine_below(op, std::move(x), std::move(scale), std::move(shift));
        if (below.from != before) {  // a row of its own
            row_origin& origin = op.behind(below).origin;
            origin.data = op.node().inputs[data], origin.node = op.node().outputs[0];
            origin.scales = true;
            origin.scale = factors, origin.shift = summands;
        }
        return op.give(std::move(below));
    }
    if (from_constant) x = negated_below(op, std::move(x));
    std::vector<order_axis> all = place->channels;
    append(all, place->pixels);
    op.spent().spend(static_cast<std::size_t>(volume_of(all)));
    layer_parameters p;
    p.weights = values_at(values, all);
    const layer_kind kind = factor ? layer_kind::multiply_map : layer_kind::add_map;
    value below;
    below.from = x.from, below.shape = v.base, below.unread = x.unread;
    if (x.from >= 0 && op.owns(below) && op.behind(x).row.kind == kind) {
        std::vector<float>& map = op.behind(x).parameters.weights;
        for (std::size_t k = 0; k < map.size(); ++k)
            map[k] = factor ? map[k] * p.weights[k] : map[k] + p.weights[k];
    } else {
        x.from = op.emit(elementwise(kind, v.base), {x.from}, std::move(p)).from;
    }
    x.non_negative = false;
    op.give(std::move(x));
}

/// Add, Sub, Mul or Div where one side is constant.
inline void with_constant(const operation& op) {
    const std::size_t number = op.is_constant(1) ? 1 : 0;
    const std::size_t data = 1 - number;
    const bool factor = op.type() == "Mul" || op.type() == "Div";
    if (op.type() == "Div" && number == 0)
        throw op.fail("a constant divided by data is not supported");
    if (factor && sixth(op, data, number, op.type() == "Div")) return;
    const constant& c = op.known(number, "the constant");
    if (op.raw(data).form == form::view) return constant_beside_view(op, data, number, factor);
    if (op.raw(data).form != form::affine) op.data(data);
    if (!is_along(c, op.raw(data), 1)) return with_map(op, data, number, factor);
    std::vector<float> scale{1.0F};
    std::vector<float> shift{0.0F};
    std::vector<float> values = operand_of(op, number, factors_of(op, number));
    if (op.type() == "Sub" && number == 0) scale[0] = -1.0F;
    (factor ? scale : shift) = std::move(values);
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

}  // namespace hass::detail::onnx
