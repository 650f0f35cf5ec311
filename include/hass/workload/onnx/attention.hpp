/// \file attention.hpp
/// Matrix products of two activations: a 1x1 convolution of the first one whose filters are the
/// second one, a group for each head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/linear.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/settle.hpp>
#include <hass/workload/onnx/tokens.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Axes in front of the two that a product multiplies, the batch left out; one of one value holds for
/// all of the other's.
struct head_axes {
    std::vector<std::int64_t> extents;
    std::vector<order_axis> a, b;  ///< of the two factors
};

/// Nothing where they do not fit.
inline std::optional<head_axes> head_axes_of(const std::vector<std::vector<order_axis>>& a,
                                             const std::vector<std::vector<order_axis>>& b) {
    head_axes h;
    std::int64_t heads = 1;
    for (std::size_t k = 0; k + 2 < a.size(); ++k) {
        const std::int64_t l = volume_of(a[k]), r = volume_of(b[k]);
        const std::int64_t extent = std::max(l, r);
        if ((l != r && l != 1 && r != 1) || extent > largest_map / heads) return std::nullopt;
        heads *= extent;
        append(h.a, l == extent ? a[k] : std::vector{order_axis{extent, 0}});
        append(h.b, r == extent ? b[k] : std::vector{order_axis{extent, 0}});
        h.extents.push_back(extent);
    }
    return h;
}

/// Axes of the two factors of a product, ... x M x K and ... x K x N; those in front are heads.
struct product_axes {
    head_axes heads;
    std::vector<order_axis> m, a_k, b_k, n;
};

inline product_axes product_axes_of(const operation& op, const value& a, const value& b) {
    const auto left = grouped(view_of(a)), right = grouped(view_of(b));
    const auto wrong = [&] {
        return op.fail("of " + describe(a) + " and " + describe(b) +
                       " is not supported: both need the batch, the same axes in front, and K "
                       "columns beside K rows");
    };
    const std::size_t rank = left.size();
    if (rank < 2 || right.size() != rank) throw wrong();
    product_axes p;
    p.m = left[rank - 2], p.a_k = left[rank - 1], p.b_k = right[rank - 2], p.n = right[rank - 1];
    const auto heads = head_axes_of(left, right);
    if (volume_of(p.a_k) != volume_of(p.b_k) || !heads) throw wrong();
    p.heads = *heads;
    return p;
}

/// Whether channels x pixels of a view are the map of its row as it stands.
inline bool stands_so(const value& x, const std::vector<order_axis>& channels,
                      const std::vector<order_axis>& pixels) {
    const value_view now = view_of(x);
    return in_order(joined(now.base, now.order.first, {channels, pixels})) &&
           volume_of(channels) == now.base.channels;
}

inline std::vector<order_axis> joined_axes(std::vector<order_axis> a,
                                           const std::vector<order_axis>& b) {
    append(a, b);
    return a;
}

inline void product_of_data(const operation& op) {
    const value &a = viewed_anyhow(op, 0), &b = viewed_anyhow(op, 1);
    if (a.batch.axis != b.batch.axis || a.batch.merged != b.batch.merged ||
        a.batch.axis + 2 >= a.rank)
        throw op.fail("of " + describe(a) + " and " + describe(b) +
                      ": the batch has to stand alike, among the axes in front");
    const product_axes p = product_axes_of(op, a, b);
    const auto rows = joined_axes(p.heads.b, p.b_k), columns = joined_axes(p.heads.b, p.n);
    const bool transposed = stands_so(b, rows, p.n) ||
                            (!stands_so(b, columns, p.b_k) && !are_channels(p.n, view_of(b).base));
    const value first = laid_out(op, a, joined_axes(p.heads.a, p.a_k), p.m);
    const value second = transposed ? laid_out(op, b, rows, p.n) : laid_out(op, b, columns, p.b_k);
    layer_row row = elementwise(layer_kind::matmul, first.shape);
    const std::int64_t heads = volume_of(p.heads.a), outputs = volume_of(p.n);
    row.out = op.sound(heads * outputs, first.shape.height, first.shape.width);
    row.groups = static_cast<int>(heads);
    row.transposed = transposed;
    layer_parameters parameters;
    parameters.alpha = 1.0F;
    value out = op.emit(row, {first.from, second.from}, std::move(parameters));
    op.trace(out, 0, 1);
    out.batch = a.batch;
    const std::int64_t pixels = row.out.pixels();
    auto groups = dense_groups(p.heads.extents, outputs * pixels);
    groups.push_back({{row.out.pixels(), 1}});
    groups.push_back({{outputs, pixels}});
    op.give(as_value(out, joined(row.out, 0, groups)));
}

/// Data times a constant that has a matrix for each head: a 1x1 convolution of as many groups.
/// \param weight  which of the inputs is constant
inline void product_by_heads(const operation& op, std::size_t weight) {
    const value& x = viewed_anyhow(op, 1 - weight);
    const constant& c = op.known(weight, "the weight");
    const auto left = grouped(view_of(x));
    const auto right = constant_axes(c.dims, x);
    const bool behind = weight == 1;
    const auto wrong = [&] {
        return op.fail("weight " + dims_text(c.dims) + " does not fit " + describe(x));
    };
    const std::size_t rank = left.size();
    if (c.count() == 0 || !right || rank < 2 || x.batch.axis + 2 >= x.rank) throw wrong();
    const std::size_t k = behind ? rank - 1 : rank - 2, m = behind ? rank - 2 : rank - 1;
    const auto& inputs = (*right)[behind ? rank - 2 : rank - 1];
    const auto& filters = (*right)[behind ? rank - 1 : rank - 2];
    const auto heads = head_axes_of(left, *right);
    if (volume_of(inputs) != volume_of(left[k]) || !heads) throw wrong();
    const value map = laid_out(op, x, joined_axes(heads->a, left[k]), left[m]);
    const std::int64_t groups = volume_of(heads->b), outputs = volume_of(filters);
    layer_row row = elementwise(layer_kind::convolution, map.shape);
    row.out = op.sound(groups * outputs, map.shape.height, map.shape.width);
    row.groups = static_cast<int>(groups);
    op.spent().spend(static_cast<std::size_t>(groups * outputs * volume_of(inputs)));
    const auto places = places_of(joined_axes(joined_axes(heads->b, filters), inputs));
    const std::vector<float> values = op.weights(weight, "the weight");
    layer_parameters p;
    std::vector<std::int32_t> element;
    for (const std::size_t at : places) {
        p.weights.push_back(values[at]);
        element.push_back(static_cast<std::int32_t>(at));
    }
    value out = op.emit(row, {map.from}, std::move(p), c.name);
    op.trace(out, 1 - weight, weight).element = std::move(element);
    out.batch = x.batch;
    const std::int64_t pixels = row.out.pixels();
    auto axes = dense_groups(heads->extents, outputs * pixels);
    const std::vector<order_axis> features{{outputs, pixels}}, tokens{{pixels, 1}};
    axes.push_back(behind ? tokens : features);
    axes.push_back(behind ? features : tokens);
    op.give(as_value(out, joined(row.out, 0, axes)));
}

/// The constant factor of a MatMul as outputs x inputs; `behind` where it is the second factor.
inline std::vector<float> matrix_of(const operation& op, std::size_t i, bool behind,
                                    std::int64_t inputs, std::int64_t& outputs) {
    const constant& w = op.known(i, "the weight");
    std::vector<std::int64_t> dims = w.dims;
    while (dims.size() > 2 && dims[0] == 1) dims.erase(dims.begin());
    if (dims.size() != 2 || dims[0] < 1 || dims[1] < 1 || dims[behind ? 0 : 1] != inputs)
        throw op.fail("weight " + dims_text(w.dims) + " does not fit " + describe(op.raw(1 - i)));
    outputs = dims[behind ? 1 : 0];
    std::vector<float> values = op.weights(i, "the weight");
    if (!behind) return values;
    op.spent().spend(values.size());
    std::vector<float> turned(values.size());
    const auto in = static_cast<std::size_t>(dims[0]), out = static_cast<std::size_t>(dims[1]);
    for (std::size_t k = 0; k < in; ++k)
        for (std::size_t o = 0; o < out; ++o) turned[o * in + k] = values[k * out + o];
    return turned;
}

/// MatMul: of two activations, or a linear layer on the last axis but one or the last.
inline void matrix_product(const operation& op) {
    if (!op.is_constant(0) && !op.is_constant(1)) return product_of_data(op);
    const std::size_t weight = op.is_constant(1) ? 1 : 0;
    const value& x = viewed_anyhow(op, 1 - weight);
    const bool features = x.rank == 2 && weight == 1 && batch_first(x);
    if (features) return matmul(op);  // N x F
    if (x.rank < (weight == 1 ? 2 : 3))
        throw op.fail("its first input is constant; weights must be the second");
    const std::vector<std::int64_t>& given = op.known(weight, "the weight").dims;
    if (given.size() > 2 &&
        std::any_of(given.begin(), given.end() - 2, [](std::int64_t d) { return d != 1; }))
        return product_by_heads(op, weight);
    const std::vector<std::int64_t> dims = view_of(x).dims();
    const std::size_t axis = group_along(op, x, x.rank - (weight == 1 ? 1 : 2));
    layer_parameters p;
    std::int64_t outputs = 0;
    p.weights = matrix_of(op, weight, weight == 1, dims[axis], outputs);
    token_linear(op, 1 - weight, axis, outputs, weight == 1, std::move(p),
                 op.known(weight, "the weight").name);
}

/// Gemm: of N x F, or of tokens whose axis the batch is part of.
inline void token_gemm(const operation& op) {
    if (op.is_constant(0) || batch_first(viewed_anyhow(op, 0))) return gemm(op);
    const value& x = op.raw(0);
    if (op.integer("transA", 0) != 0) throw op.fail("transA is not supported");
    if (x.rank != 2) throw op.fail("expects two axes, not " + describe(x));
    const std::size_t axis = group_along(op, x, 1);
    const bool behind = op.integer("transB", 0) == 0;
    layer_parameters p;
    std::int64_t outputs = 0;
    p.weights = matrix_of(op, 1, behind, view_of(x).dims()[axis], outputs);
    const float alpha = op.number("alpha", 1.0F), beta = op.number("beta", 1.0F);
    for (float& w : p.weights) w *= alpha;
    if (op.has(2)) {
        p.bias = op.weights(2, "the bias");
        if (p.bias.size() != 1 && p.bias.size() != static_cast<std::size_t>(outputs))
            throw op.fail(text_of({"bias of ", p.bias.size(), " values for ", outputs}));
        p.bias.resize(static_cast<std::size_t>(outputs), p.bias[0]);
        for (float& b : p.bias) b *= beta;
    }
    require_finite(p, op.node());
    token_linear(op, 0, axis, outputs, behind, std::move(p), op.known(1, "the weight").name);
}

}  // namespace hass::detail::onnx
