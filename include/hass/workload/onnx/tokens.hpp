/// \file tokens.hpp
/// Operators of token networks: linear layers on the last axis, norms and softmax over features,
/// and lookups.
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
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/layouts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reductions.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Sums of products along axis `axis` of input `i`, the batch left out: a 1x1 convolution, whose
/// filters take the place of the features. `p.weights` are outputs x inputs.
/// \param at  becomes the place in the row of each input
inline value token_products(const operation& op, std::size_t i, std::size_t axis,
                            std::int64_t outputs, layer_parameters p, std::string_view weight_name,
                            std::vector<std::size_t>& at) {
    featured f = features_of(op, i, axis, axis);
    if (f.groups > 1) {  // of some features of each token: they have to be all channels
        const value& x = viewed_anyhow(op, i);
        const auto groups = grouped(view_of(x));
        const std::vector<std::int64_t> dims = view_of(x).dims();
        f.x = laid_out(op, x, groups[axis], other_axes(groups, axis, axis));
        std::vector<std::int64_t> outer = dims;
        outer[axis] = 1;
        auto now = dense_groups(outer, 1);
        now[axis] = {{dims[axis], f.x.shape.pixels()}};
        f.view = joined(f.x.shape, 0, now);
        f.groups = 1;
        for (std::size_t k = 0; k < f.at.size(); ++k) f.at[k] = k;
    }
    at = f.at;
    std::vector<float> row(at.size());
    for (std::size_t first = 0; first < p.weights.size(); first += row.size()) {
        for (std::size_t k = 0; k < row.size(); ++k) row[at[k]] = p.weights[first + k];
        std::copy(row.begin(), row.end(), p.weights.begin() + static_cast<std::ptrdiff_t>(first));
    }
    layer_row r = elementwise(layer_kind::convolution, f.x.shape);
    if (f.x.shape.pixels() == 1) r.kind = layer_kind::linear;
    r.out = op.sound(outputs, f.x.shape.height, f.x.shape.width);
    r.bias = !p.bias.empty();
    value out = op.emit(r, {f.x.from}, std::move(p), weight_name);
    out.batch = f.batch;
    auto groups = grouped(f.view);
    groups[axis] = {{outputs, r.out.pixels()}};
    return as_value(out, joined(r.out, 0, groups));
}

/// A linear layer on axis `axis` of input `i`.
/// \param turned  whether the file has its weights inputs x outputs
inline void token_linear(const operation& op, std::size_t i, std::size_t axis, std::int64_t outputs,
                         bool turned, layer_parameters p, std::string_view weight_name) {
    std::vector<std::size_t> at;
    value out = token_products(op, i, axis, outputs, std::move(p), weight_name, at);
    row_origin& origin = op.trace(out, i, 1 - i);
    origin.turned = turned;
    origin.input = std::move(at);
    op.give(std::move(out));
}

/// CumSum: products with a triangle of ones.
inline void running_sum(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const auto axis = axis_of(op, static_cast<std::int64_t>(op.scalar(1, "the axis")), x.rank);
    if (axis == x.batch.axis) throw op.fail("over the batch is not supported");
    const bool whole = x.whole || x.boolean, non_negative = x.non_negative;
    const std::size_t group = group_along(op, x, axis);
    const std::int64_t n = view_of(x).dims()[group];
    const bool without = op.integer("exclusive", 0) != 0, backward = op.integer("reverse", 0) != 0;
    op.spent().spend(static_cast<std::size_t>(n * n));
    layer_parameters p;
    for (std::int64_t to = 0; to < n; ++to)
        for (std::int64_t from = 0; from < n; ++from) {
            const std::int64_t behind = backward ? from - to : to - from;
            p.weights.push_back(behind > 0 || (behind == 0 && !without) ? 1.0F : 0.0F);
        }
    std::vector<std::size_t> at;
    value out = token_products(op, 0, group, n, std::move(p), {}, at);
    op.behind(out).origin.derived = true;
    out.whole = whole, out.non_negative = non_negative;
    op.give(std::move(out));
}

/// Softmax or LogSoftmax: over one axis or, before opset 13, over all from one on.
inline void token_softmax(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const bool flattens = op.opset() < 13;
    const int axis = axis_of(op, op.integer("axis", flattens ? 1 : -1), x.rank);
    const std::size_t first = group_along(op, x, axis);
    const std::size_t last = flattens ? group_along(op, x, x.rank - 1) : first;
    const featured f = features_of(op, 0, first, last);
    const bool logs = op.type() == "LogSoftmax";
    layer_row row = elementwise(logs ? layer_kind::log_softmax : layer_kind::softmax, f.x.shape);
    row.groups = f.groups;
    value out = seen_through(f, op.emit(row, {f.x.from}));
    out.non_negative = !logs;
    op.give(std::move(out));
}

/// One value a channel of a gain or bias that is given one a feature.
inline std::vector<float> of_features(const operation& op, std::size_t i, const char* what,
                                      const featured& f) {
    const std::vector<float> given = op.weights(i, what);
    if (given.size() != f.at.size() && given.size() != 1)
        throw op.fail(
            text_of({what, " has ", given.size(), " values for ", f.at.size(), " features"}));
    const auto channels = static_cast<std::size_t>(f.x.shape.channels);
    op.spent().spend(channels);
    std::vector<float> all(channels);
    const std::size_t each = channels / static_cast<std::size_t>(f.groups);
    for (std::size_t c = 0; c < channels; c += each)
        for (std::size_t k = 0; k < f.at.size(); ++k)
            all[c + f.at[k]] = given[given.size() == 1 ? 0 : k];
    return all;
}

/// LayerNormalization, and RMSNormalization, which has no mean and no bias.
inline void layer_normalization(const operation& op) {
    for (std::size_t k = 1; k < op.node().outputs.size(); ++k)
        if (!op.node().outputs[k].empty() && op.reads_of_output(k) > 0)
            throw op.fail(text_of({"its output ", k, " is not supported, only the first"}));
    const value& x = viewed_anyhow(op, 0);
    const int axis = axis_of(op, op.integer("axis", -1), x.rank);
    const std::size_t first = group_along(op, x, axis);
    const bool single = op.integer("single_axis", 0) != 0;  // see `patterns.hpp`
    const std::size_t last = single ? first : group_along(op, x, x.rank - 1);
    const featured f = features_of(op, 0, first, last);
    const bool mean = op.type() != "RMSNormalization";
    layer_row row = elementwise(mean ? layer_kind::layer_norm : layer_kind::rms_norm, f.x.shape);
    row.groups = f.groups;
    layer_parameters p;
    if (op.has(1)) p.weights = of_features(op, 1, "the scale", f);
    if (op.has(2)) p.bias = of_features(op, 2, "the bias", f);
    p.alpha = op.number("epsilon", 1e-5F);
    if (!(p.alpha >= 0.0F && std::isfinite(p.alpha))) throw op.fail("epsilon is not positive");
    row.bias = !p.bias.empty();
    op.give(seen_through(f, op.emit(row, {f.x.from}, std::move(p))));
}

/// ReduceMean or ReduceSum over the features of tokens: a linear layer with one output; `reduce` for
/// all else.
inline void token_reduce(const operation& op) {
    if (op.reduces_nothing()) return op.pass(0);
    const value& x = viewed(op, 0);
    const auto given = op.axes(1);
    const bool tokens =
        x.form == form::view && given && given->size() == 1 && op.type() != "ReduceMax";
    if (!tokens) return reduce(op);
    const value_view v = view_of(x);
    const auto axis = static_cast<std::size_t>(axis_of(op, (*given)[0], x.rank)) - 1;
    if (axis >= v.groups.size() || channel_axis(v) != axis || v.base.pixels() == 1)
        return reduce(op);
    layer_row row = elementwise(layer_kind::convolution, v.base);
    row.out.channels = 1;
    layer_parameters p;
    const auto count = static_cast<std::size_t>(v.base.channels);
    op.spent().spend(count);
    p.weights.assign(count, op.type() == "ReduceSum" ? 1.0F : 1.0F / static_cast<float>(count));
    const value out = op.emit(row, {x.from}, std::move(p));
    op.behind(out).origin.derived = true;
    auto groups = grouped(v);
    groups[axis].clear();
    if (op.integer("keepdims", 1) == 0)
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(axis));
    op.give(as_value(out, joined(row.out, 0, groups)));
}

/// Rows of a table, looked up by data: input `i`.
/// \param features  a row's values
/// \param axis      of the result, the batch left out, along which they lie; -1: the last
inline void looked_up(const operation& op, std::size_t i, std::int64_t rows, std::int64_t features,
                      layer_parameters p, std::string_view name, std::int64_t axis = -1) {
    const value& x = viewed(op, i);
    const value_view ids = view_of(x);
    const std::vector<std::int64_t> dims = ids.dims();
    const value map = laid_out(op, x, {}, other_axes(grouped(ids), dims.size(), dims.size()));
    layer_row row = elementwise(layer_kind::embedding, map.shape);
    row.out = op.sound(features, map.shape.height, map.shape.width);
    row.kernel_h = static_cast<int>(rows);
    const value out = op.emit(row, {map.from}, std::move(p), name);
    auto groups = dense_groups(dims, 1);
    groups.insert(axis < 0 ? groups.end() : groups.begin() + axis,
                  std::vector<order_axis>{{features, row.out.pixels()}});
    op.give(as_value(out, joined(row.out, 0, groups)));
}

/// OneHot of data: a table that is on where its rows meet its columns, and off elsewhere.
inline void one_hot(const operation& op) {
    constexpr std::int64_t most = 4096;
    const double depth = op.scalar(1, "the depth");
    const std::vector<double> levels = numbers(op.known(2, "the values"), op.spent());
    if (!(depth >= 1.0 && depth <= static_cast<double>(most)) || levels.size() != 2)
        throw op.fail(text_of({"of a depth of ", depth, " and ", levels.size(), " values"}));
    const int axis = axis_of(op, op.integer("axis", -1), viewed(op, 0).rank + 1);
    if (axis == 0) throw op.fail("along the batch is not supported");
    const auto n = static_cast<std::int64_t>(depth);
    layer_parameters p;
    p.fill = static_cast<float>(levels[0]);
    p.lower = op.opset() < 11 ? 0.0F : static_cast<float>(-n);  // before, none counts from the end
    op.spent().spend(static_cast<std::size_t>(n * n));
    p.weights.assign(static_cast<std::size_t>(n * n), static_cast<float>(levels[0]));
    for (std::int64_t k = 0; k < n; ++k)
        p.weights[static_cast<std::size_t>(k * n + k)] = static_cast<float>(levels[1]);
    looked_up(op, 0, n, n, std::move(p), {}, axis - 1);
}

/// Rows of a constant table, looked up by data.
inline void embedding(const operation& op) {
    const constant& table = op.known(0, "the table");
    if (op.integer("axis", 0) != 0 || table.dims.size() != 2 || table.dims[0] < 1 ||
        table.dims[1] < 1 || table.dims[1] > largest_map)
        throw op.fail("by data is supported for the rows of a constant matrix only, not " +
                      dims_text(table.dims));
    layer_parameters p;
    p.weights = op.weights(0, "the table");
    p.fill = std::numeric_limits<float>::quiet_NaN();
    p.lower = static_cast<float>(-table.dims[0]);
    looked_up(op, 1, table.dims[0], table.dims[1], std::move(p), table.name);
}

/// Gather: rows of a table by data, or constant places of an axis of data.
inline void gather(const operation& op) {
    if (op.is_constant(0)) return embedding(op);
    if (!op.is_constant(1))
        throw op.fail("of data by data is not supported; one of the two has to be constant");
    const value& x = viewed_anyhow(op, 0);
    const int axis = axis_of(op, op.integer("axis", 0), x.rank);
    const std::vector<std::int64_t> at = op.integers(1, "the indices");
    const std::size_t index_axes = op.known(1, "the indices").dims.size();
    const auto k = static_cast<std::size_t>(axis);
    const std::size_t group = group_along(op, x, axis);
    const std::vector<std::int64_t> dims = full_dims(op, x);
    const std::int64_t size = dims[k];
    std::vector<std::int64_t> places = at;
    for (std::int64_t& p : places) {
        if (p < 0) p += size;
        if (p < 0 || p >= size) throw op.fail(text_of({"index ", p, " of ", size}));
    }
    const std::int64_t step = places.size() > 1 ? places[1] - places[0] : 1;
    for (std::size_t j = 1; j < places.size(); ++j)
        if (places[j] - places[j - 1] != step || step == 0) places.clear();
    if (places.empty() || index_axes > 1)
        throw op.fail("is supported for places at equal distances along one axis only");
    value out = slice_of(op, {k, places[0], static_cast<std::int64_t>(places.size()), step});
    if (index_axes == 0) {
        value_view v = view_of(out);
        auto groups = grouped(v);
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(group));
        if (groups.empty()) throw op.fail("leaves no axis but the batch");
        if (axis < out.batch.axis) --out.batch.axis;
        out = as_value(out, joined(v.base, v.order.first, groups));
    }
    op.give(std::move(out));
}

/// Numpy's broadcast of data to larger extents.
inline void expand(const operation& op) {
    const value& x = viewed(op, 0);
    std::vector<std::int64_t> wanted = op.integers(1, "the shape");
    const value_view v = view_of(x);
    const auto rank = static_cast<std::size_t>(x.rank);
    if (wanted.size() > rank) throw op.fail("adds axes, which only Unsqueeze may");
    wanted.insert(wanted.begin(), rank - wanted.size(), 1);
    const std::vector<std::int64_t> dims = v.dims();
    auto groups = grouped(v);
    if (wanted[0] != 1 && wanted[0] != op.batch()) throw op.fail("repeats the batch");
    std::int64_t volume = 1;
    for (std::size_t k = 1; k < rank; ++k) {
        const std::int64_t to = std::max(wanted[k], dims[k - 1]);
        if (wanted[k] < 1 || (wanted[k] != 1 && dims[k - 1] != 1 && wanted[k] != dims[k - 1]) ||
            to > largest_map / volume)
            throw op.fail("of " + describe(x) + " to " + dims_text(wanted));
        volume *= to;
        if (to != dims[k - 1]) groups[k - 1] = {{to, 0}};
    }
    op.give(as_value(x, joined(v.base, v.order.first, groups)));
}

/// Data repeated along some of its axes.
inline void tile(const operation& op) {
    const value& x = viewed(op, 0);
    const std::vector<std::int64_t> repeats = op.integers(1, "the repeats");
    const value_view v = view_of(x);
    if (repeats.size() != static_cast<std::size_t>(x.rank))
        throw op.fail(text_of({"has ", repeats.size(), " repeats for ", x.rank, " axes"}));
    if (repeats[0] != 1) throw op.fail("repeats the batch");
    auto groups = grouped(v);
    std::int64_t volume = v.volume();
    for (std::size_t k = 0; k < groups.size(); ++k) {
        const std::int64_t times = repeats[k + 1];
        if (times < 1 || times > largest_map / volume)
            throw op.fail("of " + describe(x) + " by " + dims_text(repeats));
        volume *= times;
        if (times > 1) groups[k].insert(groups[k].begin(), {times, 0});
    }
    op.give(as_value(x, joined(v.base, v.order.first, groups)));
}

}  // namespace hass::detail::onnx
