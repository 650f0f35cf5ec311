/// \file views.hpp
/// Data in another order. Transposes, reshapes and slices only change how a row's values are looked
/// at; what has to be moved shows when somebody wants them as a map, and is often nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// Axes without those of one value, and those that lie side by side made one.
inline std::vector<order_axis> merged(const std::vector<order_axis>& axes) {
    std::vector<order_axis> out;
    for (const order_axis& a : axes) {
        if (a.extent == 1) continue;
        if (!out.empty() && out.back().stride == a.stride * a.extent)
            out.back() = {out.back().extent * a.extent, a.stride};
        else
            out.push_back(a);
    }
    return out;
}

/// Plain data as a view of itself.
inline value_view view_of(const value& x) {
    if (x.form == form::view) return x.view;
    value_view v;
    v.base = x.shape;
    const std::int64_t pixels = x.shape.pixels();
    v.order.axes = {
        {x.shape.channels, pixels}, {x.shape.height, x.shape.width}, {x.shape.width, 1}};
    v.order.axes.resize(static_cast<std::size_t>(x.rank - 1));
    v.groups.assign(v.order.axes.size(), 1);
    return v;
}

/// Whether a view has every value of its row, in the row's own order.
inline bool in_order(const value_view& v) {
    const std::vector<order_axis> axes = merged(v.order.axes);
    return v.order.first == 0 && v.volume() == v.base.volume() &&
           (axes.empty() || (axes.size() == 1 && axes[0].stride == 1));
}

/// Whether a view has every value of its row once.
inline bool is_whole(const value_view& v) {
    if (v.volume() != v.base.volume() || v.order.first != 0) return false;
    std::vector<order_axis> axes = v.order.axes;
    std::stable_sort(axes.begin(), axes.end(),
                     [](const order_axis& a, const order_axis& b) { return a.stride > b.stride; });
    const std::vector<order_axis> all = merged(axes);
    return all.empty() || (all.size() == 1 && all[0].stride == 1);
}

/// The same values in the same order under other extents; nothing where that takes moving them.
inline std::optional<value_view> reshaped(const value_view& v,
                                          const std::vector<std::int64_t>& dims) {
    value_view out{v.base, {{}, v.order.first}, {}};
    std::vector<order_axis> left = merged(v.order.axes);
    std::size_t next = 0;
    for (std::int64_t need : dims) {
        std::size_t count = 0;
        for (; need > 1; ++count) {
            if (next == left.size()) return std::nullopt;
            order_axis& a = left[next];
            if (need % a.extent == 0) {
                out.order.axes.push_back(a);
                need /= a.extent, ++next;
            } else if (a.extent % need == 0) {
                const std::int64_t rest = a.extent / need;
                out.order.axes.push_back({need, a.stride * rest});
                a.extent = rest, need = 1;
            } else {
                return std::nullopt;
            }
        }
        out.groups.push_back(count);
    }
    if (next != left.size()) return std::nullopt;
    return out;
}

/// The axes of each axis of the tensor.
inline std::vector<std::vector<order_axis>> grouped(const value_view& v) {
    std::vector<std::vector<order_axis>> all;
    auto next = v.order.axes.begin();
    for (const std::size_t count : v.groups) {
        const auto end = next + static_cast<std::ptrdiff_t>(count);
        all.emplace_back(next, end);
        next = end;
    }
    return all;
}

inline value_view joined(const hass::shape& base, std::int64_t first,
                         const std::vector<std::vector<order_axis>>& groups) {
    value_view v{base, {{}, first}, {}};
    for (const auto& group : groups) {
        v.order.axes.insert(v.order.axes.end(), group.begin(), group.end());
        v.groups.push_back(group.size());
    }
    return v;
}

/// Adjacent axes made one, `counts` of them each.
inline value_view regrouped(const value_view& v, const std::vector<std::size_t>& counts) {
    value_view out{v.base, v.order, {}};
    auto next = v.groups.begin();
    for (const std::size_t count : counts) {
        out.groups.push_back(0);
        for (std::size_t k = 0; k < count; ++k) out.groups.back() += *next++;
    }
    return out;
}

/// Axis k of the result is axis `order[k]`, batch left out.
inline value_view transposed(const value_view& v, const std::vector<std::size_t>& order) {
    const auto now = grouped(v);
    std::vector<std::vector<order_axis>> groups;
    for (const std::size_t k : order) groups.push_back(now[k]);
    return joined(v.base, v.order.first, groups);
}

/// `extent` positions of one axis from `start` on, `step` apart; nothing where that takes moving.
inline std::optional<value_view> sliced(const value_view& v, std::size_t axis, std::int64_t start,
                                        std::int64_t extent, std::int64_t step) {
    auto groups = grouped(v);
    const std::vector<order_axis> along = merged(groups[axis]);
    std::int64_t first = v.order.first;
    if (along.size() > 1) {
        // whole outer positions, as an offset in a tensor of several axes that was reshaped
        const std::int64_t inner = v.dims()[axis] / along[0].extent;
        if (step != 1 || start % inner != 0 || extent % inner != 0) return std::nullopt;
        groups[axis] = along;
        groups[axis][0].extent = extent / inner;
        first += start / inner * along[0].stride;
    } else if (along.empty()) {
        groups[axis].clear();
    } else {
        groups[axis] = {{extent, along[0].stride * step}};
        first += start * along[0].stride;
    }
    return joined(v.base, first, groups);
}

/// A view as a value; plain where it is what the row gives.
inline value as_value(const value& x, value_view v) {
    value out = x;
    const std::vector<std::int64_t> dims = v.dims();
    out.rank = static_cast<int>(dims.size()) + (x.batch.merged ? 0 : 1);
    out.shape = {static_cast<int>(v.volume()), 1, 1};
    if (dims.size() <= 3) {
        const auto extent = [&](std::size_t k) {
            return k < dims.size() ? static_cast<int>(dims[k]) : 1;
        };
        out.shape = {extent(0), extent(1), extent(2)};
    }
    const bool plain = dims.size() <= 3 && out.shape == v.base && in_order(v) && batch_first(x);
    out.form = plain ? form::plain : form::view;
    out.view = plain ? value_view{} : std::move(v);
    return out;
}

/// Which axis of the tensor is the row's channels while the others are its pixels, in their order:
/// 0 for N x C x ..., the last one for N x ... x C, as of tokens; nothing for any other order.
inline std::optional<std::size_t> channel_axis(const value_view& v) {
    if (!is_whole(v)) return std::nullopt;
    const auto groups = grouped(v);
    std::vector<order_axis> pixels;
    std::optional<std::size_t> at;
    for (std::size_t k = 0; k < groups.size(); ++k) {
        const std::vector<order_axis> along = merged(groups[k]);
        const bool channels =
            along.size() == 1 && along[0] == order_axis{v.base.channels, v.base.pixels()};
        if (channels && !at)
            at = k;
        else
            pixels.insert(pixels.end(), along.begin(), along.end());
    }
    const std::vector<order_axis> whole = merged(pixels);
    const bool ordered =
        whole.empty() ? v.base.pixels() == 1 : whole.size() == 1 && whole[0].stride == 1;
    return ordered ? at : std::nullopt;
}

namespace movement {

/// What one axis of an output map is, of a row's channels, rows and columns: positions `step` apart
/// in the map, each of which gives `block` of them out of other channels.
struct along_map {
    std::int64_t extent = 1, step = 1, block = 1;
};

/// Axes of an output's height or width, where `unit` is how far apart neighbours are; nothing where
/// they mix in another way.
inline std::optional<along_map> along(const std::vector<order_axis>& axes, std::int64_t unit,
                                      std::int64_t limit, std::int64_t pixels) {
    along_map m;
    bool blocks = false;
    for (std::size_t k = 0; k < axes.size(); ++k) {
        const order_axis& a = axes[k];
        if (a.stride > 0 && a.stride % pixels == 0) {
            m.block *= a.extent, blocks = true;
        } else if (k == 0 && !blocks && a.stride > 0 && a.stride % unit == 0 && a.stride < limit) {
            m.extent = a.extent, m.step = a.stride / unit;
        } else {
            return std::nullopt;
        }
    }
    return m;
}

/// How far a window over the map reaches, of which an output's channels are taken.
struct window_reach {
    std::int64_t rows = 1, columns = 1;
};
inline std::optional<window_reach> reach_of(const std::vector<order_axis>& axes,
                                            const hass::shape& base) {
    window_reach r;
    for (const order_axis& a : axes) {
        if (a.stride <= 0) return std::nullopt;
        if (a.stride % base.pixels() == 0) continue;
        if (a.stride % base.width == 0)
            r.rows += (a.extent - 1) * a.stride / base.width;
        else
            r.columns += (a.extent - 1) * a.stride;
    }
    return r;
}

}  // namespace movement

/// The row that gives `out` from a view, the cheapest of its kind.
inline layer_row moving_row(const value_view& v, const hass::shape& out) {
    layer_row row;
    row.in = v.base, row.out = out;
    const bool same_order = in_order(v);
    row.kind = layer_kind::reorder;
    if (same_order && out == hass::shape{static_cast<int>(out.volume()), 1, 1}) {
        row.kind = layer_kind::flatten;
        return row;
    }
    if (same_order && out.channels == v.base.channels) {
        row.kind = layer_kind::reshape;
        return row;
    }
    const std::int64_t pixels = v.base.pixels();
    auto groups = grouped(v);
    groups.resize(3);
    // some channels, each with all its pixels
    std::vector<order_axis> map = groups[1];
    map.insert(map.end(), groups[2].begin(), groups[2].end());
    map = merged(map);
    const std::vector<order_axis> channels = merged(groups[0]);
    const bool whole_map = pixels == 1 ? map.empty() : map == std::vector{order_axis{pixels, 1}};
    const bool by_channel = std::all_of(channels.begin(), channels.end(), [&](const order_axis& a) {
        return a.stride % pixels == 0;
    });
    if (whole_map && by_channel && v.order.first % pixels == 0) {
        row.kind = layer_kind::select_channels;
        return row;
    }
    const std::int64_t width = v.base.width;
    const auto rows = movement::along(merged(groups[1]), width, pixels, pixels);
    const auto columns = movement::along(merged(groups[2]), 1, width, pixels);
    const auto reach = movement::reach_of(channels, v.base);
    if (!rows || !columns || !reach) return row;
    const std::int64_t y = v.order.first % pixels / width;
    const std::int64_t x = v.order.first % pixels % width;
    const bool blocks = rows->block * columns->block > 1;
    const bool one_to_one = rows->step == 1 && columns->step == 1 && y == 0 && x == 0 &&
                            rows->extent == v.base.height && columns->extent == width;
    const bool tall = reach->rows == 1 && reach->columns == 1;
    if (blocks) {
        if (!tall || !one_to_one) return row;
        row.kind = layer_kind::depth_to_space;
        row.stride_h = static_cast<int>(rows->block);
        row.stride_w = static_cast<int>(columns->block);
        return row;
    }
    if (y + (rows->extent - 1) * rows->step + reach->rows > v.base.height ||
        x + (columns->extent - 1) * columns->step + reach->columns > width)
        return row;
    row.kind = tall ? layer_kind::crop : layer_kind::space_to_depth;
    row.kernel_h = static_cast<int>(reach->rows), row.kernel_w = static_cast<int>(reach->columns);
    row.stride_h = static_cast<int>(rows->step), row.stride_w = static_cast<int>(columns->step);
    row.pad_top = static_cast<int>(-y), row.pad_left = static_cast<int>(-x);
    // what lies behind the last window is cut off
    row.pad_bottom =
        static_cast<int>((rows->extent - 1) * rows->step + reach->rows + y - v.base.height);
    row.pad_right =
        static_cast<int>((columns->extent - 1) * columns->step + reach->columns + x - width);
    return row;
}

}  // namespace hass::detail::onnx
