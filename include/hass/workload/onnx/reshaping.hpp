/// \file reshaping.hpp
/// Operators that change the shape of data: what amounts to a flatten, and padding.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Extents as ONNX sees them, batch included.
inline std::vector<std::int64_t> full_dims(const operation& op, const value& x) {
    if (x.form == form::view) {
        std::vector<std::int64_t> dims = x.view.dims();
        if (!x.batch.merged) dims.insert(dims.begin() + x.batch.axis, op.batch());
        return dims;
    }
    std::vector<std::int64_t> dims{op.batch(), x.shape.channels,
                                   std::int64_t{x.shape.height} + x.pads[0] + x.pads[2],
                                   std::int64_t{x.shape.width} + x.pads[1] + x.pads[3]};
    dims.resize(static_cast<std::size_t>(x.rank));
    return dims;
}

inline void flatten_row(const operation& op, const value& x) {
    layer_row row = elementwise(layer_kind::flatten, x.shape);
    row.out = {static_cast<int>(x.shape.volume()), 1, 1};
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from});
    out.rank = 2;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

/// Input `i` as plain data or a view of it, wherever its batch stands.
inline value& viewed_anyhow(const operation& op, std::size_t i) {
    value& x = op.raw(i);
    return x.form == form::view ? x : op.data(i);
}

/// The same with its batch as the first axis.
inline value& viewed(const operation& op, std::size_t i) {
    value& x = viewed_anyhow(op, i);
    if (!batch_first(x))
        throw op.fail("of data whose batch is not the first axis (" + describe(x) +
                      ") is not supported");
    return x;
}

/// The axis of a view that `axis` of the tensor is.
/// \throws hass::error for the batch
inline std::size_t group_along(const operation& op, const value& x, int axis) {
    const auto group = group_of(x, axis);
    if (!group || (x.batch.merged && axis == x.batch.axis))
        throw op.fail(text_of({"over axis ", axis, ", the batch, is not supported"}));
    return *group;
}

/// Input `i` with its values in the order of its axes, of any number.
inline value& moved(const operation& op, std::size_t i) {
    value& x = op.raw(i);
    if (x.form != form::view || x.rank <= 4) return op.data(i);
    const std::vector<std::int64_t> dims = x.view.dims();
    x = as_value(x, regrouped(x.view, {1, 1, dims.size() - 2}));
    op.data(i);
    x = as_value(x, *reshaped(view_of(x), dims));
    return x;
}

/// Gives input 0 the extents `dims` (without the batch): nothing, a flatten, or a view.
inline void reshape_to(const operation& op, const std::vector<std::int64_t>& dims) {
    constexpr std::size_t most = 8;
    if (dims.empty() || dims.size() > most)
        throw op.fail(
            text_of({"gives a tensor of ", dims.size() + 1, " axes, where 2 to 9 are supported"}));
    const value& x = viewed(op, 0);
    const int rank = static_cast<int>(dims.size()) + 1;
    if (x.form == form::plain && rank <= 4) {
        std::array<std::int64_t, 3> padded{1, 1, 1};
        std::copy(dims.begin(), dims.end(), padded.begin());
        const std::array<std::int64_t, 3> now{x.shape.channels, x.shape.height, x.shape.width};
        const bool flat = padded == std::array<std::int64_t, 3>{x.shape.volume(), 1, 1};
        if (flat && (padded != now || (rank == 2 && x.rank > 2))) {
            flatten_row(op, x);
            op.given().rank = rank;
            return;
        }
        if (padded == now) {
            op.pass(0);
            op.given().rank = rank;
            return;
        }
    }
    auto v = reshaped(view_of(x), dims);
    if (!v) v = reshaped(view_of(moved(op, 0)), dims);
    op.give(as_value(op.raw(0), std::move(*v)));
}

inline void flatten(const operation& op) {
    const value& x = viewed(op, 0);
    const std::int64_t axis = op.integer("axis", 1);
    if (axis != 1 && axis != 1 - x.rank)
        throw op.fail(text_of({"axis ", axis, " is not supported, only 1"}));
    reshape_to(op, {view_of(x).volume()});
}

/// Where a batch with `before` values in front of it stands among axes that count it as 1: an axis of
/// its own, the front of one, or inside of one; never in the last axis, which is the features' own.
inline std::optional<batch_place> batch_among(const std::vector<std::int64_t>& dims,
                                              std::int64_t before) {
    const auto axes = static_cast<int>(dims.size());
    const auto extent = [&](int k) { return dims[static_cast<std::size_t>(k)]; };
    std::optional<batch_place> found;
    std::int64_t front = 1;
    for (int k = 0; k < axes; front *= extent(k++)) {
        if (front == before && extent(k) == 1) return batch_place{k};
        const bool inside = front < before && before < front * extent(k) && before % front == 0;
        if (!found && (front == before || inside)) found = {k, true, before / front};
    }
    if (found && found->axis + 1 == axes && axes > 1) {
        if (found->within > 1) return std::nullopt;
        found = {axes - 2, true, extent(axes - 2)};
    }
    return found;
}

/// Reshapes that move the batch, or make it part of another axis and an axis of its own again, as
/// files for a batch of 1, or of any, state them. The batch goes with what stands in front of it.
/// \returns whether this is one
inline bool reshape_with_batch(const operation& op, std::vector<std::int64_t> target) {
    const value& x = op.raw(0);
    if (op.batch() != 1 || target.empty() || target.size() > 8) return false;
    const value_view v = view_of(x);
    const std::vector<std::int64_t> now = full_dims(op, x), own = v.dims();
    const bool copies = op.integer("allowzero", 0) == 0;
    std::int64_t known = 1;
    std::optional<std::size_t> open;
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] == 0 && copies && i < now.size()) target[i] = now[i];
        if (target[i] == -1 && !open)
            open = i;
        else if (target[i] < 1 || target[i] > largest_map || (known *= target[i]) > largest_map)
            return false;
    }
    const std::int64_t volume = v.volume();
    if (volume % known != 0 || (!open && known != volume)) return false;
    if (open) target[*open] = volume / known;
    if (batch_first(x) && target[0] == 1) return false;  // as any reshape of an image
    std::int64_t before = x.batch.within;
    for (int k = 0; k < x.batch.axis; ++k) before *= own[static_cast<std::size_t>(k)];
    const auto there_now = batch_among(target, before);
    if (!there_now) return false;
    if (!there_now->merged) target.erase(target.begin() + there_now->axis);
    auto there = reshaped(v, target);
    if (!there && batch_first(x)) there = reshaped(view_of(moved(op, 0)), target);
    if (!there) return false;
    value given = op.raw(0);
    given.batch = *there_now;
    op.give(as_value(given, std::move(*there)));
    return true;
}

inline void reshape(const operation& op) {
    const std::vector<std::int64_t> target = op.integers(1, "the shape");
    viewed_anyhow(op, 0);
    if (reshape_with_batch(op, target)) return;
    const value& x = viewed(op, 0);
    const std::vector<std::int64_t> now = full_dims(op, x);
    const auto impossible = [&] {
        return op.fail("of " + describe(x) + " to " + dims_text(target) +
                       " does not keep the batch and the values of an image");
    };
    if (target.size() < 2 || target.size() > 9)
        throw op.fail(text_of({"of ", describe(x), " to ", dims_text(target), " gives a tensor of ",
                               target.size(), " axes, where 2 to 9 are supported"}));
    const bool copies = op.integer("allowzero", 0) == 0;
    std::vector<std::int64_t> dims;
    std::int64_t known = 1;
    std::optional<std::size_t> open;
    for (std::size_t i = 1; i < target.size(); ++i) {
        std::int64_t extent = target[i];
        if (extent == 0 && copies && i < now.size()) extent = now[i];
        if (extent == -1 && !open)
            open = i - 1;
        else if (extent < 1 || extent > largest_map || (known *= extent) > largest_map)
            throw impossible();
        dims.push_back(extent);
    }
    const std::int64_t volume = view_of(x).volume();
    const bool batch_first = target[0] == op.batch() || target[0] == 1 ||
                             (target[0] == 0 && copies) || (target[0] == -1 && !open);
    if (!batch_first || volume % known != 0 || (!open && volume != known)) throw impossible();
    if (open) dims[*open] = volume / known;
    reshape_to(op, dims);
}

/// Takes away axes of one value, or puts some in, of data whose batch is not the first axis.
/// \param fresh  ascending, of the result
inline void regroup_axes(const operation& op, const std::vector<int>& gone,
                         const std::vector<int>& fresh) {
    value x = op.raw(0);
    const value_view v = view_of(x);
    const auto groups = grouped(v);
    int batch = x.batch.axis;
    std::vector<std::vector<order_axis>> left;
    for (int axis = 0; axis < x.rank; ++axis) {
        const bool drops = std::find(gone.begin(), gone.end(), axis) != gone.end();
        const auto group = group_of(x, axis);
        if (!drops && group) left.push_back(groups[*group]);
        if (drops && (!group || !merged(groups[*group]).empty() || axis == x.batch.axis))
            throw op.fail(text_of({"of axis ", axis, " of ", describe(x)}));
        if (drops && axis < x.batch.axis) --batch;
    }
    for (const int axis : fresh) {
        if (axis <= batch) ++batch;
        const int at = x.batch.merged || axis < batch ? axis : axis - 1;
        if (at < 0 || at > static_cast<int>(left.size())) throw op.fail("names an axis twice");
        left.insert(left.begin() + at, std::vector<order_axis>{});
    }
    x.batch.axis = batch;
    op.give(as_value(x, joined(v.base, v.order.first, left)));
}

inline void squeeze(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const auto axes = op.axes(1);
    if (!axes) throw op.fail("without axes would drop the batch");
    if (!batch_first(x)) {
        std::vector<int> gone;
        for (const std::int64_t given : *axes) gone.push_back(axis_of(op, given, x.rank));
        return regroup_axes(op, gone, {});
    }
    std::vector<std::int64_t> dims = full_dims(op, x);
    for (const std::int64_t given : *axes) {
        const auto axis = static_cast<std::size_t>(axis_of(op, given, x.rank));
        if (axis == 0 || (dims[axis] != 1 && dims[axis] != 0))
            throw op.fail(text_of({"of axis ", axis, " of ", describe(x)}));
        dims[axis] = 0;
    }
    dims.erase(dims.begin());
    std::erase(dims, 0);
    reshape_to(op, dims);
}

inline void unsqueeze(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const auto axes = op.axes(1);
    if (!axes || axes->empty() || axes->size() > 6) throw op.fail("needs one to six axes");
    const int rank = x.rank + static_cast<int>(axes->size());
    std::vector<bool> fresh(static_cast<std::size_t>(rank), false);
    for (const std::int64_t given : *axes)
        fresh[static_cast<std::size_t>(axis_of(op, given, rank))] = true;
    if (!batch_first(x) || fresh[0]) {
        std::vector<int> places;
        for (int k = 0; k < rank; ++k)
            if (fresh[static_cast<std::size_t>(k)]) places.push_back(k);
        return regroup_axes(op, {}, places);
    }
    const std::vector<std::int64_t> now = full_dims(op, x);
    std::vector<std::int64_t> dims;
    std::size_t next = 1;
    for (std::size_t i = 1; i < fresh.size(); ++i) {
        if (!fresh[i] && next >= now.size()) throw op.fail("names an axis twice");
        dims.push_back(fresh[i] ? 1 : now[next++]);
    }
    reshape_to(op, dims);
}

/// What each position along a padded axis holds: an input, or -1 for what the border is filled
/// with.
inline axis_taps pad_taps(int in, int before, int after, std::string_view mode) {
    axis_taps taps;
    taps.each = 1;
    for (int at = -before; at < in + after; ++at) {
        int from = at;
        if (mode == "edge")
            from = std::clamp(at, 0, in - 1);
        else if (mode == "reflect")
            from = at < 0 ? -at : at >= in ? 2 * (in - 1) - at : at;
        else if (mode == "wrap")
            from = (at + in) % in;
        taps.index.push_back(from >= 0 && from < in ? from : -1);
    }
    return taps;
}

/// A row that puts a border around `x`, and channels beside it.
inline void border(const operation& op, const value& x, std::string_view mode,
                   const std::array<int, 6>& pads, float fill) {
    const auto [front, top, left, back, bottom, right] = pads;
    if (mode != "constant" && (front > 0 || back > 0))
        throw op.fail("mode " + quoted(mode) + " along the channels is not supported");
    const int deepest = std::max({top, bottom, 1 - x.shape.height});
    const int widest = std::max({left, right, 1 - x.shape.width});
    if ((mode == "reflect" && (deepest >= x.shape.height || widest >= x.shape.width)) ||
        (mode == "wrap" && (deepest > x.shape.height || widest > x.shape.width)))
        throw op.fail("mode " + quoted(mode) + " of more than " + describe(x) + " holds");
    layer_row row = elementwise(layer_kind::pad, x.shape);
    row.pad_top = top, row.pad_left = left, row.pad_bottom = bottom, row.pad_right = right;
    row.out = op.sound(std::int64_t{x.shape.channels} + front + back,
                       std::int64_t{x.shape.height} + top + bottom,
                       std::int64_t{x.shape.width} + left + right);
    if (mode == "reflect") row.kernel_h = 4 * deepest + 1, row.kernel_w = 4 * widest + 1;
    if (mode == "wrap") row.kernel_h = 2 * x.shape.height + 1, row.kernel_w = 2 * x.shape.width + 1;
    layer_parameters p;
    op.spent().spend(static_cast<std::size_t>(row.out.height) +
                     static_cast<std::size_t>(row.out.width));
    p.rows = pad_taps(x.shape.height, top, bottom, mode);
    p.columns = pad_taps(x.shape.width, left, right, mode);
    p.first_channel = front, p.fill = fill;
    const bool non_negative = x.non_negative && fill >= 0.0F;
    const int rank = x.rank;
    value out = op.emit(row, {x.from}, std::move(p));
    out.rank = rank, out.non_negative = non_negative;
    op.give(std::move(out));
}

/// Zeros around a map wait for the window that may take them as its padding; any other border is a
/// row.
inline void pad(const operation& op) {
    const std::string_view mode = op.text("mode", "constant");
    if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
        throw op.fail("mode " + quoted(mode) + " (known: constant, reflect, edge, wrap)");
    const bool by_input = op.opset() >= 11;
    double filler = static_cast<double>(op.number("value", 0.0F));
    if (by_input) filler = op.has(2) ? op.scalar(2, "the value") : 0.0;
    std::vector<std::int64_t> given;
    if (by_input)
        given = op.integers(1, "pads");
    else if (const attribute_proto* a = op.find("pads"))
        given = a->ints;
    if (std::all_of(given.begin(), given.end(), [](std::int64_t p) { return p == 0; }))
        return op.pass(0);
    if (op.raw(0).form != form::padded) op.data(0);
    const auto rank = static_cast<std::size_t>(op.raw(0).rank);
    std::vector<std::int64_t> axes;
    if (by_input && op.has(3)) axes = op.integers(3, "axes");
    if (axes.empty())
        for (std::size_t k = 0; k < rank; ++k) axes.push_back(static_cast<std::int64_t>(k));
    if (given.size() != 2 * axes.size())
        throw op.fail(text_of({"needs ", 2 * axes.size(), " pads, not ", given.size()}));
    std::array<int, 8> pads{};  // before, then after: batch, channels, height, width
    constexpr std::int64_t most = 32768;
    for (std::size_t k = 0; k < axes.size(); ++k) {
        const auto axis = static_cast<std::size_t>(axis_of(op, axes[k], op.raw(0).rank));
        for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
            const std::int64_t p = given[k + side * axes.size()];
            if (p < 0 || p > most) throw op.fail(text_of({"pads of ", p, " are outside 0..32768"}));
            pads[axis + 4 * side] = static_cast<int>(p);
        }
    }
    if (pads[0] != 0 || pads[4] != 0) throw op.fail("of the batch is not supported");
    const bool pending = mode == "constant" && filler == 0.0 && pads[1] == 0 && pads[5] == 0;
    if (!pending) {
        if (!std::isfinite(static_cast<float>(filler))) throw op.fail("the value is not finite");
        const value& x = op.data(0);
        return border(op, x, mode, {pads[1], pads[2], pads[3], pads[5], pads[6], pads[7]},
                      static_cast<float>(filler));
    }
    value out = op.raw(0);
    const std::array<int, 4> more{pads[2], pads[3], pads[6], pads[7]};
    for (std::size_t side = 0; side < 4; ++side) {
        if (more[side] + out.pads[side] > most)
            throw op.fail(text_of({"pads of ", more[side], " more are outside 0..32768"}));
        out.pads[side] += more[side];
    }
    out.form = form::padded;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
