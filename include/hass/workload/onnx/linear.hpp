/// \file linear.hpp
/// Fully connected layers: Gemm and MatMul with a constant weight.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// A linear row on `x`; `weights` out x in, in the file in x out where they are `turned`.
/// \param places  in the row, of each input; empty: in order
inline void linear(const operation& op, const value& x, std::int64_t outputs, bool turned,
                   std::vector<std::size_t> places, layer_parameters parameters,
                   std::string_view weight_name) {
    layer_row row;
    row.kind = layer_kind::linear;
    row.in = x.shape;
    row.out = op.sound(outputs, 1, 1);
    row.bias = !parameters.bias.empty();
    value out = op.emit(row, {x.from}, std::move(parameters), weight_name);
    row_origin& origin = op.trace(out, 0, 1);
    origin.turned = turned;
    if (places.empty()) origin.pixel_axes = 0;
    origin.input = std::move(places);
    out.rank = 2;
    op.give(std::move(out));
}

/// The data of a linear layer. A map that was flattened in another order than its own stays as it is
/// and is flattened in that one; what it is multiplied with changes places instead (`in_row_order`).
inline value features(const operation& op, std::vector<std::size_t>& places) {
    const value& given = op.raw(0);
    if (given.form != form::view || given.rank != 2 || !is_whole(given.view) ||
        given.view.base.pixels() == 1)
        return op.data(0);
    const value_order& order = given.view.order;
    op.spent().spend(static_cast<std::size_t>(given.view.volume()));
    places = {static_cast<std::size_t>(order.first)};
    for (const order_axis& a : order.axes) {
        std::vector<std::size_t> next;
        for (const std::size_t at : places)
            for (std::int64_t k = 0; k < a.extent; ++k)
                next.push_back(at + static_cast<std::size_t>(k * a.stride));
        places = std::move(next);
    }
    value x = given;
    x.form = form::plain, x.shape = given.view.base, x.rank = 4;
    layer_row row = elementwise(layer_kind::flatten, x.shape);
    row.out = {static_cast<int>(x.shape.volume()), 1, 1};
    value flat = op.emit(row, {x.from});
    flat.rank = 2;
    return flat;
}

/// Weights out x in with each input at its place in the row.
inline void in_row_order(std::vector<float>& weights, const std::vector<std::size_t>& places) {
    if (places.empty()) return;
    std::vector<float> row(places.size());
    for (std::size_t first = 0; first < weights.size(); first += row.size()) {
        for (std::size_t k = 0; k < row.size(); ++k) row[places[k]] = weights[first + k];
        std::copy(row.begin(), row.end(), weights.begin() + static_cast<std::ptrdiff_t>(first));
    }
}

/// The weight of a linear layer as out x in, and how many outputs.
inline std::pair<std::vector<float>, std::int64_t> linear_weight(const operation& op,
                                                                 const value& x, bool out_by_in) {
    const constant& w = op.known(1, "the weight");
    if (x.rank != 2)
        throw op.fail("expects N x features, not " + describe(x) +
                      (op.type() == "MatMul" ? ", of which it would multiply the last axis alone"
                                             : " (a Flatten before it is missing)"));
    const bool fits = w.dims.size() == 2 && w.dims[0] >= 1 && w.dims[1] >= 1 &&
                      w.dims[out_by_in ? 1 : 0] == x.shape.channels;
    if (!fits)
        throw op.fail("weight " + dims_text(w.dims) + " does not fit an input of " + describe(x));
    std::vector<float> values = op.weights(1, "the weight");
    if (out_by_in) return {std::move(values), w.dims[0]};
    const auto in = static_cast<std::size_t>(w.dims[0]);
    const auto out = static_cast<std::size_t>(w.dims[1]);
    op.spent().spend(values.size());
    std::vector<float> turned(values.size());
    for (std::size_t i = 0; i < in; ++i)
        for (std::size_t o = 0; o < out; ++o) turned[o * in + i] = values[i * out + o];
    return {std::move(turned), w.dims[1]};
}

inline void gemm(const operation& op) {
    if (op.integer("transA", 0) != 0) throw op.fail("transA is not supported");
    std::vector<std::size_t> places;
    const value x = features(op, places);
    const float alpha = op.number("alpha", 1.0F);
    const float beta = op.number("beta", 1.0F);
    layer_parameters p;
    const bool turned = op.integer("transB", 0) == 0;
    auto [weights, outputs] = linear_weight(op, x, !turned);
    p.weights = std::move(weights);
    in_row_order(p.weights, places);
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
        op.spent().spend(static_cast<std::size_t>(outputs));
        if (count == 1) p.bias.assign(static_cast<std::size_t>(outputs), p.bias[0]);
    }
    const auto finite = [](float f) { return std::isfinite(f); };
    if (!std::all_of(p.weights.begin(), p.weights.end(), finite) ||
        !std::all_of(p.bias.begin(), p.bias.end(), finite))
        throw op.fail("alpha or beta makes weights that are not finite");
    linear(op, x, outputs, turned, std::move(places), std::move(p), op.known(1, "the weight").name);
}

inline void matmul(const operation& op) {
    if (op.is_constant(0)) throw op.fail("its first input is constant; weights must be the second");
    std::vector<std::size_t> places;
    const value x = features(op, places);
    layer_parameters p;
    auto [weights, outputs] = linear_weight(op, x, false);
    p.weights = std::move(weights);
    in_row_order(p.weights, places);
    linear(op, x, outputs, true, std::move(places), std::move(p), op.known(1, "the weight").name);
}

}  // namespace hass::detail::onnx
