/// \file folding.hpp
/// Operators on constants only: the shape arithmetic that exporters leave around reshapes and pads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/proto_reader.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

inline void give_constant(const operation& op, constant c) {
    c.name = op.node().outputs[0];
    op.give(constant_value(std::move(c)));
}

inline std::vector<double> folded(const operation& op, std::size_t i) {
    return numbers(op.known(i, "an input"), op.spent());
}

/// A constant with the values of input `i` under other extents.
inline constant recast(const operation& op, std::size_t i, std::vector<std::int64_t> dims) {
    const constant& in = op.known(i, "an input");
    constant out;
    out.floating = in.floating, out.bits = in.bits;
    out.dims = std::move(dims);
    out.values = folded(op, i);
    if (element_count(out.dims, out.values.size()) != out.values.size())
        throw op.fail("of " + dims_text(in.dims) + " to " + dims_text(out.dims));
    return out;
}

inline void fold_constant(const operation& op) {
    constant c;
    if (const attribute_proto* a = op.find("value"); a != nullptr && a->t) {
        tensor_proto t = read_tensor(*a->t);
        if (t.name.empty()) t.name = op.node().outputs[0];
        c = file_constant(op.keep(std::move(t)));
    } else if (const attribute_proto* number = op.find("value_float"); number && number->f) {
        c.values = {static_cast<double>(*number->f)}, c.floating = true;
    } else if (const attribute_proto* whole = op.find("value_int"); whole && whole->i) {
        c.values = {values_of::clamped(*whole->i)};
    } else if (const attribute_proto* many = op.find("value_floats")) {
        c.values.assign(many->floats.begin(), many->floats.end()), c.floating = true;
        c.dims = {static_cast<std::int64_t>(c.values.size())};
    } else if (const attribute_proto* wholes = op.find("value_ints")) {
        for (const std::int64_t v : wholes->ints) c.values.push_back(values_of::clamped(v));
        c.dims = {static_cast<std::int64_t>(c.values.size())};
    } else {
        throw op.fail("has no value of a supported type");
    }
    if (c.file == nullptr) return give_constant(op, std::move(c));
    op.give(constant_value(std::move(c)));  // under the tensor's own name, for messages and layers
}

/// Shape of data or of a constant: known either way.
inline void fold_shape(const operation& op) {
    const value& x = op.raw(0);
    std::vector<std::int64_t> dims = x.form == form::constant ? x.number->dims : full_dims(op, x);
    const auto rank = static_cast<std::int64_t>(dims.size());
    const auto place = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
    };
    const std::int64_t start = place(std::max(op.integer("start", 0), -rank));
    const std::int64_t end = place(std::max(op.integer("end", rank), -rank));
    std::vector<double> values;
    for (std::int64_t i = start; i < end; ++i)
        values.push_back(static_cast<double>(dims[static_cast<std::size_t>(i)]));
    give_constant(op, integer_constant(std::move(values)));
}

inline void fold_slice(const operation& op) {
    const constant& in = op.known(0, "the data");
    const std::size_t rank = in.dims.size();
    const auto listed = [&](std::string_view attribute, std::size_t i) {
        std::vector<std::int64_t> given;
        if (op.opset() >= 10 && op.has(i))
            given = op.integers(i, "a bound");
        else if (const attribute_proto* a = op.find(attribute))
            given = a->ints;
        return given;
    };
    const std::vector<std::int64_t> starts = listed("starts", 1);
    const std::vector<std::int64_t> ends = listed("ends", 2);
    std::vector<std::int64_t> axes = listed("axes", 3);
    std::vector<std::int64_t> steps = listed("steps", 4);
    if (axes.empty())
        for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int>(i));
    if (steps.empty()) steps.assign(starts.size(), 1);
    if (rank > 8 || starts.size() > rank || ends.size() != starts.size() ||
        axes.size() != starts.size() || steps.size() != starts.size())
        throw op.fail("starts, ends, axes and steps do not fit " + dims_text(in.dims));
    constant out;
    out.floating = in.floating;
    out.dims = in.dims;
    std::vector<std::int64_t> first(rank, 0);
    std::vector<std::int64_t> step(rank, 1);
    for (std::size_t k = 0; k < starts.size(); ++k) {
        const auto axis = static_cast<std::size_t>(axis_of(op, axes[k], static_cast<int>(rank)));
        const std::int64_t size = in.dims[axis];
        const std::int64_t by = steps[k];
        if (by == 0) throw op.fail("a step of 0");
        const bool forward = by > 0;
        const auto place = [&](std::int64_t at) {
            if (at < 0) at = std::max(at, -size - 1) + size;
            return std::clamp<std::int64_t>(at, forward ? 0 : -1, forward ? size : size - 1);
        };
        const std::int64_t start = place(starts[k]);
        // an end before the front, in a backward slice, means the front itself is taken
        const std::int64_t end = !forward && ends[k] < -size ? -1 : place(ends[k]);
        const std::int64_t room = forward ? end - start : start - end;
        const std::int64_t width = forward ? by : -std::max(by, -(size + 1));
        first[axis] = start;
        step[axis] = forward ? width : -width;
        out.dims[axis] = room > 0 ? (room - 1) / width + 1 : 0;
    }
    const std::vector<double> values = folded(op, 0);
    const std::size_t count = element_count(out.dims, values.size()).value_or(0);
    out.values.reserve(count);
    std::vector<std::int64_t> at(rank, 0);
    for (std::size_t n = 0; n < count; ++n) {
        std::int64_t from = 0;
        for (std::size_t axis = 0; axis < rank; ++axis)
            from = from * in.dims[axis] + first[axis] + at[axis] * step[axis];
        out.values.push_back(values[static_cast<std::size_t>(from)]);
        for (std::size_t axis = rank; axis-- > 0;) {
            if (++at[axis] < out.dims[axis]) break;
            at[axis] = 0;
        }
    }
    give_constant(op, std::move(out));
}

inline void fold_reshape(const operation& op) {
    const constant& in = op.known(0, "the data");
    std::vector<std::int64_t> dims = op.integers(1, "the shape");
    const std::size_t count = in.count();
    std::optional<std::size_t> open;
    for (std::size_t i = 0; i < dims.size(); ++i) {
        if (dims[i] == 0 && i < in.dims.size()) dims[i] = in.dims[i];
        if (dims[i] != -1) continue;
        if (open) throw op.fail("to " + dims_text(dims));
        open = i;
        dims[i] = 1;
    }
    if (open) {
        const std::size_t known = element_count(dims, count).value_or(0);
        if (known == 0 || count % known != 0) throw op.fail("to " + dims_text(dims));
        dims[*open] = static_cast<std::int64_t>(count / known);
    }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_flatten(const operation& op) {
    const constant& in = op.known(0, "the data");
    const int rank = static_cast<int>(in.dims.size());
    const std::int64_t given = op.integer("axis", 1);
    const auto axis = static_cast<std::size_t>(given == rank ? rank : axis_of(op, given, rank));
    std::int64_t front = 1;
    const auto count = static_cast<std::int64_t>(in.count());
    for (std::size_t i = 0; i < axis && count > 0; ++i) front *= in.dims[i];
    give_constant(op, recast(op, 0, {front, count / front}));
}

inline void fold_squeeze(const operation& op) {
    const constant& in = op.known(0, "the data");
    const auto axes = op.axes(1);
    std::vector<std::int64_t> dims = in.dims;
    const int rank = static_cast<int>(dims.size());
    if (!axes)
        std::erase(dims, 1);
    else {
        for (const std::int64_t given : *axes) {
            auto& extent = dims[static_cast<std::size_t>(axis_of(op, given, rank))];
            if (extent != 1) throw op.fail("of an axis that is not 1");
            extent = -1;
        }
        std::erase(dims, -1);
    }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_unsqueeze(const operation& op) {
    const constant& in = op.known(0, "the data");
    const auto axes = op.axes(1);
    if (!axes || axes->empty() || axes->size() + in.dims.size() > 8)
        throw op.fail("needs axes, eight in all");
    const std::size_t rank = in.dims.size() + axes->size();
    std::vector<std::int64_t> dims(rank, 0);
    for (const std::int64_t given : *axes)
        dims[static_cast<std::size_t>(axis_of(op, given, static_cast<int>(rank)))] = 1;
    std::size_t next = 0;
    for (std::int64_t& extent : dims)
        if (extent == 0) {
            if (next >= in.dims.size()) throw op.fail("names an axis twice");
            extent = in.dims[next++];
        }
    give_constant(op, recast(op, 0, std::move(dims)));
}

inline void fold_cast(const operation& op) {
    const std::int64_t to = op.integer("to", 0);
    constant out = recast(op, 0, op.known(0, "the data").dims);
    switch (static_cast<data_type>(to)) {
        case data_type::float32:
        case data_type::float64:
        case data_type::float16:
        case data_type::bfloat16:
            out.floating = true;
            break;
        case data_type::int8:
        case data_type::uint8:
        case data_type::int16:
        case data_type::uint16:
        case data_type::int32:
        case data_type::uint32:
        case data_type::int64:
        case data_type::uint64:
            for (double& v : out.values) {
                if (!(std::abs(v) <= 0x1p53)) throw op.fail("of a value that is no integer");
                v = std::trunc(v);
            }
            out.floating = false;
            break;
        case data_type::boolean:
            for (double& v : out.values) v = v != 0.0 ? 1.0 : 0.0;
            out.floating = false;
            break;
        default:
            throw op.fail("to " + data_type_name(to) + " is not supported");
    }
    give_constant(op, std::move(out));
}

inline void fold_fill(const operation& op) {
    constant out;
    out.floating = true;
    double filler = 0.0;
    if (const attribute_proto* a = op.find("value"); a != nullptr && a->t) {
        const tensor_proto t = read_tensor(*a->t);
        const constant c = file_constant(t);
        const std::vector<double> values = numbers(c, op.spent());
        if (values.size() != 1) throw op.fail("attribute 'value' is not a single number");
        filler = values[0];
        out.floating = c.floating;
    }
    out.dims = op.integers(0, "the shape");
    const auto count = element_count(out.dims, static_cast<std::size_t>(largest_map));
    if (!count) throw op.fail("of shape " + dims_text(out.dims));
    op.spent().spend(*count);
    out.values.assign(*count, filler);
    give_constant(op, std::move(out));
}

}  // namespace hass::detail::onnx
