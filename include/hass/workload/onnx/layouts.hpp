/// \file layouts.hpp
/// Operators that say where values stand: no arithmetic, and a row only where values have to move.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

inline void transpose(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const int rank = x.rank;
    std::vector<std::int64_t> perm;
    if (const attribute_proto* a = op.find("perm"))
        perm = a->ints;
    else
        for (int k = rank; k-- > 0;) perm.push_back(k);
    std::vector<bool> seen(static_cast<std::size_t>(rank), false);
    std::vector<std::size_t> order;
    const auto wrong = [&] {
        return op.fail("perm " + dims_text(perm) + " does not permute " + describe(x));
    };
    if (perm.size() != seen.size()) throw wrong();
    for (const std::int64_t p : perm) {
        if (p < 0 || p >= rank || seen[static_cast<std::size_t>(p)]) throw wrong();
        seen[static_cast<std::size_t>(p)] = true;
        if (const auto group = group_of(x, static_cast<int>(p))) order.push_back(*group);
    }
    value turned = x;
    for (int k = 0; k < rank; ++k)
        if (perm[static_cast<std::size_t>(k)] == x.batch.axis) turned.batch.axis = k;
    op.give(as_value(turned, transposed(view_of(x), order)));
}

/// Positions of one axis: how many, from where, how far apart.
struct slice_part {
    std::size_t axis = 0;  ///< batch included
    std::int64_t start = 0, extent = 1, step = 1;
};

/// `start`, `end` and `step` of a Slice along an axis of `size`.
inline slice_part slice_part_of(const operation& op, std::size_t axis, std::int64_t size,
                                std::int64_t start, std::int64_t end, std::int64_t step) {
    if (step == 0) throw op.fail("a step of 0");
    const bool forward = step > 0;
    const auto place = [&](std::int64_t at) {
        if (at < 0) at = std::max(at, -size - 1) + size;
        return std::clamp<std::int64_t>(at, forward ? 0 : -1, forward ? size : size - 1);
    };
    const std::int64_t first = place(start);
    const std::int64_t last = !forward && end < -size ? -1 : place(end);
    const std::int64_t room = forward ? last - first : first - last;
    const std::int64_t by = forward ? step : -std::max(step, -(size + 1));
    if (room <= 0) throw op.fail(text_of({"leaves nothing of axis ", axis, " of ", size}));
    const std::int64_t extent = (room - 1) / by + 1;
    return {axis, first, extent, extent == 1 ? 1 : forward ? by : -by};
}

/// Parts of input 0 along different axes as a value; moved first where it is in an order that cannot
/// be cut so.
inline value parts_of(const operation& op, const std::vector<slice_part>& parts) {
    for (const bool moves : {false, true}) {
        const value& x = moves ? moved(op, 0) : viewed_anyhow(op, 0);
        std::optional<value_view> v = view_of(x);
        for (const slice_part& p : parts)
            if (v)
                v = sliced(*v, group_along(op, x, static_cast<int>(p.axis)), p.start, p.extent,
                           p.step);
        if (v) return as_value(x, std::move(*v));
    }
    throw op.fail("of " + describe(op.raw(0)) + " is not supported");
}

inline value slice_of(const operation& op, const slice_part& part) {
    return parts_of(op, {part});
}

inline void slice(const operation& op) {
    const auto listed = [&](std::string_view attribute, std::size_t i) {
        if (op.opset() >= 10 && op.has(i)) return op.integers(i, "a bound");
        const attribute_proto* a = op.opset() < 10 ? op.find(attribute) : nullptr;
        return a != nullptr ? a->ints : std::vector<std::int64_t>{};
    };
    const std::vector<std::int64_t> starts = listed("starts", 1), ends = listed("ends", 2);
    std::vector<std::int64_t> axes = listed("axes", 3), steps = listed("steps", 4);
    if (axes.empty())
        for (std::size_t k = 0; k < starts.size(); ++k)
            axes.push_back(static_cast<std::int64_t>(k));
    if (steps.empty()) steps.assign(starts.size(), 1);
    if (starts.empty() || ends.size() != starts.size() || axes.size() != starts.size() ||
        steps.size() != starts.size())
        throw op.fail("starts, ends, axes and steps are of different lengths");
    const value& x = viewed_anyhow(op, 0);
    const std::vector<std::int64_t> dims = full_dims(op, x);
    std::vector<slice_part> parts;
    std::vector<bool> done(dims.size(), false);
    for (std::size_t k = 0; k < starts.size(); ++k) {
        const auto axis =
            static_cast<std::size_t>(axis_of(op, axes[k], static_cast<int>(dims.size())));
        if (done[axis]) throw op.fail(text_of({"names axis ", axis, " twice"}));
        done[axis] = true;
        constexpr std::int64_t images = std::numeric_limits<std::int32_t>::max();
        const slice_part p =
            slice_part_of(op, axis, group_of(x, static_cast<int>(axis)) ? dims[axis] : images,
                          starts[k], ends[k], steps[k]);
        if (group_of(x, static_cast<int>(axis)))
            parts.push_back(p);
        else if (p.start != 0 || p.step != 1 || (p.extent < images && p.extent != dims[axis]))
            throw op.fail("cuts the batch");
    }
    op.give(parts_of(op, parts));
}

inline void split(const operation& op) {
    const value& x = viewed_anyhow(op, 0);
    const int axis = axis_of(op, op.integer("axis", 0), x.rank);
    if (!group_of(x, axis)) throw op.fail("splits the batch");
    const std::int64_t size = full_dims(op, x)[static_cast<std::size_t>(axis)];
    const auto parts = static_cast<std::int64_t>(op.node().outputs.size());
    std::vector<std::int64_t> sizes;
    if (op.opset() >= 13 && op.has(1))
        sizes = op.integers(1, "the sizes");
    else if (const attribute_proto* a = op.find("split"); a != nullptr && op.opset() < 13)
        sizes = a->ints;
    if (sizes.empty()) {
        const std::int64_t each = (size + parts - 1) / parts;
        for (std::int64_t k = 0; k < parts; ++k)
            sizes.push_back(std::min(each, size - std::min(size, k * each)));
    }
    std::int64_t first = 0;
    if (static_cast<std::int64_t>(sizes.size()) != parts)
        throw op.fail(text_of({"has ", sizes.size(), " sizes and ", parts, " outputs"}));
    for (std::size_t k = 0; k < sizes.size(); ++k) {
        if (sizes[k] < 1 || sizes[k] > size - first)
            throw op.fail(text_of({"sizes ", dims_text(sizes), " of axis ", axis, " of ", size}));
        op.give(slice_of(op, {static_cast<std::size_t>(axis), first, sizes[k], 1}), k);
        first += sizes[k];
    }
    if (first != size)
        throw op.fail(text_of({"sizes ", dims_text(sizes), " of axis ", axis, " of ", size}));
}

/// The block of DepthToSpace and SpaceToDepth, where it fits.
inline std::int64_t block_of(const operation& op, bool fits_channels, const value& x) {
    const std::int64_t b = op.integer("blocksize", 0);
    const bool fits = b >= 1 && b <= 32768 &&
                      (fits_channels ? x.shape.channels % (b * b) == 0
                                     : x.shape.height % b == 0 && x.shape.width % b == 0);
    if (!fits) throw op.fail(text_of({"blocksize ", b, " does not fit ", describe(x)}));
    return b;
}

inline void depth_to_space(const operation& op) {
    const value& x = op.map(0);
    const std::int64_t b = block_of(op, true, x);
    const std::string_view mode = op.text("mode", "DCR");
    if (mode != "DCR" && mode != "CRD")
        throw op.fail("mode " + quoted(mode) + " (known: DCR, CRD)");
    const std::int64_t c = x.shape.channels / (b * b), h = x.shape.height, w = x.shape.width;
    const bool columns_first = mode == "CRD";
    const std::vector<std::int64_t> dims =
        columns_first ? std::vector{c, b, b, h, w} : std::vector{b, b, c, h, w};
    const auto v = reshaped(view_of(x), dims);
    const std::vector<std::size_t> order = columns_first ? std::vector<std::size_t>{0, 3, 1, 4, 2}
                                                         : std::vector<std::size_t>{2, 3, 0, 4, 1};
    op.give(as_value(x, regrouped(transposed(*v, order), {1, 2, 2})));
}

inline void space_to_depth(const operation& op) {
    const value& x = op.map(0);
    const std::int64_t b = block_of(op, false, x);
    const std::int64_t c = x.shape.channels, h = x.shape.height / b, w = x.shape.width / b;
    const auto v = reshaped(view_of(x), {c, h, b, w, b});
    op.give(as_value(x, regrouped(transposed(*v, {2, 4, 0, 1, 3}), {3, 1, 1})));
}

}  // namespace hass::detail::onnx
