/// \file orders.hpp
/// Values laid out as the rows of token networks want them: a token is a pixel, its features are
/// channels, heads are groups of channels. Nothing is moved that stands so already.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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

namespace hass::detail::onnx {

inline std::int64_t volume_of(const std::vector<order_axis>& axes) {
    std::int64_t product = 1;
    for (const order_axis& a : axes) product *= a.extent;
    return product;
}

inline void append(std::vector<order_axis>& to, const std::vector<order_axis>& axes) {
    to.insert(to.end(), axes.begin(), axes.end());
}

/// All axes of a tensor but those of [first, last], one behind the other.
inline std::vector<order_axis> other_axes(const std::vector<std::vector<order_axis>>& groups,
                                          std::size_t first, std::size_t last) {
    std::vector<order_axis> others;
    for (std::size_t k = 0; k < groups.size(); ++k)
        if (k < first || k > last) append(others, groups[k]);
    return others;
}

/// A tensor whose axes lie one behind the other, the last one's neighbours `unit` apart.
inline std::vector<std::vector<order_axis>> dense_groups(std::span<const std::int64_t> dims,
                                                         std::int64_t unit) {
    std::vector<std::vector<order_axis>> groups(dims.size());
    for (std::size_t k = dims.size(); k-- > 0;) {
        if (dims[k] > 1) groups[k] = {{dims[k], unit}};
        unit *= dims[k];
    }
    return groups;
}

/// Whether axes are some or all channels of a row's output, each with all its pixels left out.
inline bool are_channels(const std::vector<order_axis>& axes, const hass::shape& base) {
    return std::all_of(axes.begin(), axes.end(), [&](const order_axis& a) {
        return a.stride > 0 && a.stride % base.pixels() == 0;
    });
}

/// What a view looks at as a map of its own: `channels` x `pixels` (x 1), each axes of the row
/// behind it, the outermost first. The row's own map where it is that already.
/// \param flat  the map has to be of width 1
inline value laid_out(const operation& op, const value& x, const std::vector<order_axis>& channels,
                      const std::vector<order_axis>& pixels, bool flat = false) {
    const value_view now = view_of(x);
    value_view v = joined(now.base, now.order.first, {channels, pixels, {}});
    value y = x;
    y.form = form::plain, y.view = {}, y.rank = 4;
    y.batch = {};
    y.shape = op.sound(volume_of(channels), volume_of(pixels), 1);
    if (in_order(v) && y.shape.channels == now.base.channels && (!flat || now.base.width == 1)) {
        y.shape = now.base;
        return y;
    }
    const layer_row row = moving_row(v, y.shape);
    layer_parameters p;
    op.spent().spend(v.order.axes.size());
    p.order = std::move(v.order);
    value moved = op.emit(row, {x.from}, std::move(p));
    moved.non_negative = x.non_negative;
    return moved;
}

/// Data whose features, one axis of the tensor or several, are channels of a row: all of them, or
/// `groups` groups of adjacent ones.
struct featured {
    value x;                      ///< the row's map
    int groups = 1;               ///< of channels, each has all features
    std::vector<std::size_t> at;  ///< channel, within its group, of each feature
    value_view view;              ///< the tensor on that map
    batch_place batch;            ///< of the tensor
};

/// Whether the last axis of a tensor is channels of the row behind it, as of tokens.
inline bool is_tokens(const value_view& v) {
    const std::vector<order_axis> along = merged(grouped(v).back());
    return v.base.pixels() > 1 && !along.empty() && are_channels(along, v.base);
}

/// Some channels of a row with all their pixels as a row of their own, which the tensor then views;
/// nothing where it is not that.
inline std::optional<value> channels_of(const operation& op, const value& x) {
    const hass::shape base = x.view.base;
    const std::int64_t pixels = base.pixels();
    auto groups = grouped(x.view);
    std::vector<order_axis*> channels;
    std::vector<order_axis> map;
    for (std::vector<order_axis>& axes : groups)
        for (order_axis& a : axes)
            if (a.stride > 0 && a.stride % pixels == 0)
                channels.push_back(&a);
            else
                map.push_back(a);
    map = merged(map);
    const bool whole_map = pixels == 1 ? map.empty() : map == std::vector{order_axis{pixels, 1}};
    if (!whole_map || x.view.order.first % pixels != 0) return std::nullopt;
    std::stable_sort(
        channels.begin(), channels.end(),
        [](const order_axis* a, const order_axis* b) { return a->stride > b->stride; });
    layer_parameters p;
    p.order.first = x.view.order.first;
    for (const order_axis* a : channels) p.order.axes.push_back(*a);
    const std::int64_t count = volume_of(p.order.axes);
    if (pixels > 1) p.order.axes.push_back({pixels, 1});
    layer_row row = elementwise(layer_kind::select_channels, base);
    row.out = op.sound(count, base.height, base.width);
    std::int64_t unit = pixels;
    for (std::size_t k = channels.size(); k-- > 0;) {
        channels[k]->stride = unit;
        unit *= channels[k]->extent;
    }
    value out = x;
    out.from = op.emit(row, {x.from}, std::move(p)).from;
    return as_value(out, joined(row.out, 0, groups));
}

/// Input `i` with axes [first, last] of the tensor, the batch left out, as features.
inline featured features_of(const operation& op, std::size_t i, std::size_t first,
                            std::size_t last) {
    if (viewed_anyhow(op, i).form == form::view && !is_whole(op.raw(i).view))
        if (auto part = channels_of(op, op.raw(i))) op.replace(i, std::move(*part));
    const value& x = op.raw(i);
    featured f;
    f.batch = x.batch;
    f.view = view_of(x);
    const std::vector<std::int64_t> dims = f.view.dims();
    const auto groups = grouped(f.view);
    std::vector<order_axis> along;
    for (std::size_t k = first; k <= last; ++k) append(along, groups[k]);
    along = merged(along);
    const hass::shape base = f.view.base;
    const std::int64_t pixels = base.pixels();
    const std::int64_t count = volume_of(along);
    const bool adjacent = along.size() == 1 && along[0].stride == pixels;
    const bool all = are_channels(along, base) && count == base.channels;
    if (is_whole(f.view) && (all || adjacent || (count == 1 && base.channels == 1))) {
        f.x = x;
        f.x.form = form::plain, f.x.view = {}, f.x.shape = base, f.x.rank = 4;
        f.x.batch = {};
        f.groups = static_cast<int>(base.channels / count);
    } else {
        const std::vector<order_axis> others = other_axes(groups, first, last);
        f.x = laid_out(op, x, along, others);
        std::vector<std::int64_t> outer, inner;
        for (std::size_t k = 0; k < dims.size(); ++k)
            (k < first || k > last ? outer : inner).push_back(dims[k]);
        const auto around = dense_groups(outer, 1);
        const auto within = dense_groups(inner, f.x.shape.pixels());
        std::vector<std::vector<order_axis>> now;
        for (std::size_t k = 0, o = 0, n = 0; k < dims.size(); ++k)
            now.push_back(k < first || k > last ? around[o++] : within[n++]);
        f.view = joined(f.x.shape, 0, now);
        along = {{count, f.x.shape.pixels()}};
    }
    op.spent().spend(static_cast<std::size_t>(count));
    f.at = {0};
    for (const order_axis& a : along) {
        std::vector<std::size_t> next;
        for (const std::size_t at : f.at)
            for (std::int64_t k = 0; k < a.extent; ++k)
                next.push_back(at + static_cast<std::size_t>(k * a.stride / f.x.shape.pixels()));
        f.at = std::move(next);
    }
    return f;
}

/// The tensor of `f` after a row on its map: the same view of what the row gives.
inline value seen_through(const featured& f, value out) {
    out.shape = f.x.shape;
    out.batch = f.batch;
    value_view v = f.view;
    v.base = f.x.shape;
    return as_value(out, std::move(v));
}

/// Input `i` as all that some row gives, whatever its order. A part is moved out: channels as they
/// are, part of a map as a map, else with its last axis as channels.
inline value whole_of(const operation& op, std::size_t i) {
    const value& x = viewed_anyhow(op, i);
    if (x.form == form::plain || is_whole(x.view)) return x;
    if (auto part = channels_of(op, x)) {
        op.replace(i, std::move(*part));
        return op.raw(i);
    }
    if (x.rank <= 4 && batch_first(x) && !is_tokens(x.view)) return op.data(i);
    const std::size_t last = x.view.groups.size() - 1;
    const featured f = features_of(op, i, last, last);
    value out = seen_through(f, f.x);
    out.unread = 0;
    return out;
}

/// An axis of one tensor beside the same axis of another one.
struct axis_pair {
    order_axis one, other;
};

/// Both lists of axes cut alike; an `other` of one value is repeated. Nothing where they do not fit.
inline std::optional<std::vector<axis_pair>> cut_alike(std::vector<order_axis> one,
                                                       std::vector<order_axis> other) {
    std::vector<axis_pair> pairs;
    const bool repeated = volume_of(other) == 1;
    while (!one.empty()) {
        order_axis& a = one.back();
        if (a.extent == 1) {
            one.pop_back();
            continue;
        }
        if (repeated) {
            pairs.push_back({a, {a.extent, 0}});
            one.pop_back();
            continue;
        }
        while (!other.empty() && other.back().extent == 1) other.pop_back();
        if (other.empty()) return std::nullopt;
        order_axis& b = other.back();
        const std::int64_t each = std::min(a.extent, b.extent);
        if (a.extent % each != 0 || b.extent % each != 0) return std::nullopt;
        pairs.push_back({{each, a.stride}, {each, b.stride}});
        a = {a.extent / each, a.stride * each};
        b = {b.extent / each, b.stride * each};
    }
    std::reverse(pairs.begin(), pairs.end());
    return pairs;
}

/// Axes of which none is both channels and pixels of a map.
inline std::optional<std::vector<order_axis>> cut_at_pixels(const std::vector<order_axis>& axes,
                                                            const hass::shape& base) {
    const std::int64_t pixels = base.pixels();
    std::vector<order_axis> out;
    for (const order_axis& a : axes) {
        if (a.stride >= pixels || a.stride * (a.extent - 1) < pixels) {
            out.push_back(a);
            continue;
        }
        if (a.stride <= 0 || pixels % a.stride != 0) return std::nullopt;
        const std::int64_t inner = pixels / a.stride;
        if (a.extent % inner != 0) return std::nullopt;
        out.push_back({a.extent / inner, pixels});
        if (inner > 1) out.push_back({inner, a.stride});
    }
    return out;
}

/// Axes of a second tensor, in the order of the map that the first one, which is whole, views.
struct beside_map {
    std::vector<order_axis> channels, pixels;
    bool one_channel = true, one_pixel = true;  ///< the same for all channels, for all pixels
};

/// \param other  axes of the second tensor, an axis each as in `v`
inline std::optional<beside_map> beside(const value_view& v,
                                        const std::vector<std::vector<order_axis>>& other) {
    const auto groups = grouped(v);
    if (!is_whole(v) || other.size() != groups.size()) return std::nullopt;
    std::vector<axis_pair> all;
    for (std::size_t k = 0; k < groups.size(); ++k) {
        const auto cut = cut_at_pixels(merged(groups[k]), v.base);
        if (!cut) return std::nullopt;
        const auto pairs = cut_alike(*cut, merged(other[k]));
        if (!pairs) return std::nullopt;
        all.insert(all.end(), pairs->begin(), pairs->end());
    }
    std::stable_sort(all.begin(), all.end(), [](const axis_pair& a, const axis_pair& b) {
        return a.one.stride > b.one.stride;
    });
    beside_map m;
    for (const axis_pair& p : all) {
        const bool channel = p.one.stride >= v.base.pixels();
        (channel ? m.channels : m.pixels).push_back(p.other);
        (channel ? m.one_channel : m.one_pixel) &= p.other.stride == 0;
    }
    return m;
}

/// Axes of a constant that is broadcast against `x`, an axis each of its view; nothing where it has
/// more axes, or values for each image of a batch.
inline std::optional<std::vector<std::vector<order_axis>>> constant_axes(
    std::vector<std::int64_t> dims, const value& x) {
    const auto rank = view_of(x).groups.size() + (x.batch.merged ? 0 : 1);
    while (dims.size() > rank && dims[0] == 1) dims.erase(dims.begin());
    if (dims.size() > rank) return std::nullopt;
    if (std::any_of(dims.begin(), dims.end(), [](std::int64_t d) { return d < 1; }))
        return std::nullopt;
    const std::size_t missing = rank - dims.size();
    auto groups = dense_groups(dims, 1);
    groups.insert(groups.begin(), missing, {});
    if (x.batch.merged) return groups;
    const auto batch = static_cast<std::size_t>(x.batch.axis);
    if (!groups[batch].empty()) return std::nullopt;
    groups.erase(groups.begin() + x.batch.axis);
    return groups;
}

/// Places of values along `axes`, the outermost first.
inline std::vector<std::size_t> places_of(const std::vector<order_axis>& axes) {
    std::vector<std::size_t> places{0};
    for (const order_axis& a : axes) {
        std::vector<std::size_t> next;
        next.reserve(places.size() * static_cast<std::size_t>(a.extent));
        for (const std::size_t at : places)
            for (std::int64_t k = 0; k < a.extent; ++k)
                next.push_back(at + static_cast<std::size_t>(k * a.stride));
        places = std::move(next);
    }
    return places;
}

/// Values that stand at the places of `axes`.
inline std::vector<float> values_at(const std::vector<float>& values,
                                    const std::vector<order_axis>& axes) {
    std::vector<float> out;
    for (const std::size_t at : places_of(axes)) out.push_back(values[at]);
    return out;
}

}  // namespace hass::detail::onnx
