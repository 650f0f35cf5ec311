/// \file reshaping.hpp
/// Operators that change the shape of data: what amounts to a flatten, and padding.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// Extents as ONNX sees them, batch included.
inline std::vector<std::int64_t> full_dims(const operation& op, const value& x) {
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

/// Gives input 0 the extents `dims` (without the batch): nothing, a flatten, or an error.
inline void reshape_to(const operation& op, const std::vector<std::int64_t>& dims) {
    const value& x = op.data(0);
    std::array<std::int64_t, 3> padded{1, 1, 1};
    if (dims.empty() || dims.size() > 3)
        throw op.fail(
            text_of({"gives a tensor of ", dims.size() + 1, " axes, where 2 to 4 are supported"}));
    std::copy(dims.begin(), dims.end(), padded.begin());
    const std::array<std::int64_t, 3> now{x.shape.channels, x.shape.height, x.shape.width};
    const bool flat = padded == std::array<std::int64_t, 3>{x.shape.volume(), 1, 1};
    const int rank = static_cast<int>(dims.size()) + 1;
    if (flat && (padded != now || (rank == 2 && x.rank > 2))) {
        flatten_row(op, x);
        op.given().rank = rank;
    } else if (padded == now) {
        op.pass(0);
        op.given().rank = rank;
    } else {
        throw op.fail("of " + describe(x) + " to [N," + dims_text(dims).substr(1) +
                      " is not a flatten");
    }
}

inline void flatten(const operation& op) {
    const value& x = op.data(0);
    const std::int64_t axis = op.integer("axis", 1);
    if (axis != 1 && axis != 1 - x.rank)
        throw op.fail(text_of({"axis ", axis, " is not supported, only 1"}));
    reshape_to(op, {x.shape.volume()});
}

inline void reshape(const operation& op) {
    const value& x = op.data(0);
    const std::vector<std::int64_t> target = op.integers(1, "the shape");
    const std::vector<std::int64_t> now = full_dims(op, x);
    const auto impossible = [&] {
        return op.fail("of " + describe(x) + " to " + dims_text(target) +
                       " does not keep the batch and the values of an image");
    };
    if (target.size() < 2 || target.size() > 4)
        throw op.fail(text_of({"of ", describe(x), " to ", dims_text(target), " gives a tensor of ",
                               target.size(), " axes, where 2 to 4 are supported"}));
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
    const std::int64_t volume = x.shape.volume();
    const bool batch_first = target[0] == op.batch() || target[0] == 1 ||
                             (target[0] == 0 && copies) || (target[0] == -1 && !open);
    if (!batch_first || volume % known != 0 || (!open && volume != known)) throw impossible();
    if (open) dims[*open] = volume / known;
    reshape_to(op, dims);
}

inline void squeeze(const operation& op) {
    const value& x = op.data(0);
    const auto axes = op.axes(1);
    if (!axes) throw op.fail("without axes would drop the batch");
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
    const value& x = op.data(0);
    const auto axes = op.axes(1);
    if (!axes || axes->empty() || axes->size() > 3) throw op.fail("needs one to three axes");
    const int rank = x.rank + static_cast<int>(axes->size());
    std::vector<bool> fresh(static_cast<std::size_t>(rank), false);
    for (const std::int64_t given : *axes)
        fresh[static_cast<std::size_t>(axis_of(op, given, rank))] = true;
    if (fresh[0]) throw op.fail("puts an axis before the batch");
    const std::vector<std::int64_t> now = full_dims(op, x);
    std::vector<std::int64_t> dims;
    std::size_t next = 1;
    for (std::size_t i = 1; i < fresh.size(); ++i) {
        if (!fresh[i] && next >= now.size()) throw op.fail("names an axis twice");
        dims.push_back(fresh[i] ? 1 : now[next++]);
    }
    reshape_to(op, dims);
}

inline void pad(const operation& op) {
    if (op.text("mode", "constant") != "constant")
        throw op.fail("mode " + quoted(op.text("mode", "")) + " is not supported, only zeros");
    const bool by_input = op.opset() >= 11;
    double filler = static_cast<double>(op.number("value", 0.0F));
    if (by_input) filler = op.has(2) ? op.scalar(2, "the value") : 0.0;
    std::vector<std::int64_t> pads;
    if (by_input)
        pads = op.integers(1, "pads");
    else if (const attribute_proto* a = op.find("pads"))
        pads = a->ints;
    if (std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; }))
        return op.pass(0);
    if (filler != 0.0) throw op.fail("is supported with zeros only");
    if (op.raw(0).form != form::padded) op.map(0);
    value out = op.raw(0);
    constexpr std::int64_t most = 32768;
    if (pads.size() != 8) throw op.fail(text_of({"needs 8 pads, not ", pads.size()}));
    if (pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0)
        throw op.fail("of batch or channels is not supported");
    constexpr std::array<std::size_t, 4> place{2, 3, 6, 7};
    for (std::size_t side = 0; side < 4; ++side) {
        const std::int64_t p = pads[place[side]];
        if (p < 0 || p + out.pads[side] > most)
            throw op.fail(text_of({"pads of ", p, " are outside 0..32768"}));
        out.pads[side] += static_cast<int>(p);
    }
    out.form = form::padded;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
