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
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
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
        out.non_negative = non_negative;
    }
    out.rank = x.rank;
    return out;
}

inline void reduce(const operation& op) {
    const auto given = op.axes(1);
    if (!given || given->empty())
        throw op.fail(op.type() == "ReduceMean" ? "a mean over the batch is not supported"
                                                : "over the batch is not supported");
    const value& raw = viewed(op, 0);
    const std::vector<std::int64_t> dims = view_of(raw).dims();
    std::vector<bool> axes(dims.size(), false);
    for (const std::int64_t a : *given) {
        const int axis = axis_of(op, a, raw.rank);
        if (axis == 0) throw op.fail("over axis 0, the batch, is not supported");
        axes[static_cast<std::size_t>(axis) - 1] = true;
    }
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
    std::vector<std::int64_t> left;
    const bool keeps = op.integer("keepdims", 1) != 0;
    for (std::size_t k = 0; k < dims.size(); ++k) {
        if (axes[k]) count *= dims[k];
        if (axes[k] && !keeps) continue;
        left.push_back(axes[k] ? 1 : dims[k]);
    }
    if (left.empty()) left.push_back(1);
    const bool sums = op.type() == "ReduceSum";
    const bool in_place = keeps && out.rank == static_cast<int>(left.size()) + 1;
    if (sums && count > 1) {
        out.form = form::affine, out.made_by = &op.node();
        out.scale = {static_cast<float>(count)}, out.shift = {0.0F};
        if (in_place) return op.give(std::move(out));
        out = op.settled(std::move(out));
    }
    if (in_place) return op.give(std::move(out));
    op.give(as_value(out, *reshaped(view_of(out), left)));
}

}  // namespace hass::detail::onnx
