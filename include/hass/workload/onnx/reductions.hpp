/// \file reductions.hpp
/// Means, sums and maxima over pixels and channels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/arithmetic.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/onnx/windows.hpp>

namespace hass::detail::onnx {

/// Mean, sum or maximum along which of the axes of a map.
struct reduction {
    bool most = false;  ///< the maximum, else the mean
    bool channels = false, rows = false, columns = false;
};

/// What is left of `x`, plain, with the reduced extents 1.
inline value reduced(const operation& op, const reduction& r, const value& x) {
    value out = x;
    if (r.rows || r.columns) {
        const bool all = (r.rows || x.shape.height == 1) && (r.columns || x.shape.width == 1);
        layer_row row = elementwise(r.most ? layer_kind::max_pool
                                    : all  ? layer_kind::global_average_pool
                                           : layer_kind::average_pool,
                                    x.shape);
        if (r.rows) row.out.height = 1;
        if (r.columns) row.out.width = 1;
        if (row.kind != layer_kind::global_average_pool) {
            if (r.rows) row.kernel_h = x.shape.height;
            if (r.columns) row.kernel_w = x.shape.width;
        }
        out = op.emit(row, {x.from});
        out.non_negative = x.non_negative;
    }
    if (r.channels) {
        layer_row row =
            elementwise(r.most ? layer_kind::channel_max : layer_kind::convolution, out.shape);
        row.out.channels = 1;
        layer_parameters p;
        if (!r.most) {
            op.spent().spend(static_cast<std::size_t>(out.shape.channels));
            p.weights.assign(static_cast<std::size_t>(out.shape.channels),
                             1.0F / static_cast<float>(out.shape.channels));
        }
        const bool non_negative = out.non_negative;
        out = op.emit(row, {out.from}, std::move(p));
        op.behind(out).origin.derived = !r.most;
        out.non_negative = non_negative;
    }
    out.rank = x.rank;
    return out;
}

/// Which axes, the batch left out, are reduced of input 0, which is looked at.
inline std::vector<bool> reduced_axes(const operation& op) {
    const auto given = op.axes(1);
    if (!given || given->empty())
        throw op.fail(op.type() == "ReduceMean" ? "a mean over the batch is not supported"
                                                : "over the batch is not supported");
    const value& x = viewed(op, 0);
    std::vector<bool> axes(view_of(x).dims().size(), false);
    for (const std::int64_t a : *given) {
        const int axis = axis_of(op, a, x.rank);
        if (axis == 0) throw op.fail("over axis 0, the batch, is not supported");
        axes[static_cast<std::size_t>(axis) - 1] = true;
    }
    return axes;
}

/// What a reduction leaves of `dims`.
inline std::vector<std::int64_t> left_of(const operation& op, const std::vector<std::int64_t>& dims,
                                         const std::vector<bool>& axes) {
    const bool keeps = op.integer("keepdims", 1) != 0;
    std::vector<std::int64_t> left;
    for (std::size_t k = 0; k < dims.size(); ++k)
        if (!axes[k] || keeps) left.push_back(axes[k] ? 1 : dims[k]);
    if (left.empty()) left.push_back(1);
    return left;
}

inline void reduce(const operation& op) {
    if (op.reduces_nothing()) return op.pass(0);
    const std::vector<bool> axes = reduced_axes(op);
    const value& raw = op.raw(0);
    const std::vector<std::int64_t> dims = view_of(raw).dims();
    reduction r;
    r.most = op.type() == "ReduceMax";
    value x = raw;
    const auto at = raw.form == form::view ? channel_axis(raw.view) : std::nullopt;
    bool others = true;  // all pixels, and no channel, of an order that has them apart
    for (std::size_t k = 0; at && k < axes.size(); ++k) others = others && axes[k] == (k != *at);
    if (at && others) {
        x.form = form::plain, x.shape = raw.view.base, x.rank = 4;
        r.rows = r.columns = true;
    } else {
        x = op.data(0);
        r.channels = axes[0];
        r.rows = axes.size() > 1 && axes[1];
        r.columns = axes.size() > 2 && axes[2];
    }
    value out = reduced(op, r, x);
    std::int64_t count = 1;
    for (std::size_t k = 0; k < dims.size(); ++k) count *= axes[k] ? dims[k] : 1;
    const std::vector<std::int64_t> left = left_of(op, dims, axes);
    const bool sums = op.type() == "ReduceSum";
    const bool in_place =
        op.integer("keepdims", 1) != 0 && out.rank == static_cast<int>(left.size()) + 1;
    if (sums && count > 1) {
        out.form = form::affine, out.made_by = &op.node();
        out.scale = {static_cast<float>(count)}, out.shift = {0.0F};
        if (in_place) return op.give(std::move(out));
        out = op.settled(std::move(out));
    }
    if (in_place) return op.give(std::move(out));
    op.give(as_value(out, *reshaped(view_of(out), left)));
}

/// ReduceProd: what is multiplied becomes channels, of which half are multiplied by the others until one
/// is left.
inline void reduce_product(const operation& op) {
    if (op.reduces_nothing()) return op.pass(0);
    const std::vector<bool> axes = reduced_axes(op);
    const value_view v = view_of(op.raw(0));
    const auto groups = grouped(v);
    std::vector<order_axis> channels, pixels;
    for (std::size_t k = 0; k < axes.size(); ++k) append(axes[k] ? channels : pixels, groups[k]);
    value y = laid_out(op, op.raw(0), channels, pixels);
    const auto some = [&](const value& of, std::int64_t first, std::int64_t count) {
        const std::int64_t all = of.shape.pixels();
        value_view part = view_of(of);
        part.order.first = first * all;
        value x = of;
        x.form = form::view, x.view = part;
        return laid_out(op, x, {{count, all}}, {{all, 1}});
    };
    std::vector<value> odd;
    for (std::int64_t n = y.shape.channels; n > 1; n /= 2) {
        if (n % 2 != 0) odd.push_back(some(y, n - 1, 1));
        const value half = some(y, 0, n / 2), other = some(y, n / 2, n / 2);
        y = combine(op, layer_kind::multiply, half, other);
    }
    for (const value& x : odd) y = combine(op, layer_kind::multiply, y, x);
    const auto left = dense_groups(left_of(op, v.dims(), axes), 1);
    op.give(as_value(y, joined(y.shape, 0, left)));
}

}  // namespace hass::detail::onnx
