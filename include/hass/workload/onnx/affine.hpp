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
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

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
        throw op.fail("a constant of shape " + dims_text(c.dims) + " against " + describe(x) +
                      " is neither one number nor one a channel");
    return op.weights(i, "the constant");
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

}  // namespace hass::detail::onnx
