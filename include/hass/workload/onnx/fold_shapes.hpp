/// \file fold_shapes.hpp
/// Operators that put constants together and take them apart: Gather, Concat, Split, Tile, sums over
/// axes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/fold_arrays.hpp>
#include <hass/workload/onnx/folding.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// Input 0 as slabs: so many in front of `axis`, along it, and behind.
struct slabs {
    constant source;
    std::size_t axis = 0;
    std::size_t before = 1, along = 1, behind = 1;

    slabs(const operation& op, std::size_t input, std::int64_t given)
        : source(recast(op, input, op.known(input, "the data").dims)) {
        const extents& dims = source.dims;
        axis = static_cast<std::size_t>(axis_of(op, given, static_cast<int>(dims.size())));
        if (dims.size() > 8) throw op.fail("of a constant " + dims_text(dims));
        for (std::size_t i = 0; i < dims.size(); ++i)
            (i < axis ? before : i == axis ? along : behind) *= static_cast<std::size_t>(dims[i]);
    }

    void copy(std::size_t front, std::size_t at, std::vector<double>& out) const {
        const auto first =
            source.values.begin() + static_cast<std::ptrdiff_t>((front * along + at) * behind);
        out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(behind));
    }
};

inline void fold_gather_axis(const operation& op) {
    const slabs in(op, 0, op.integer("axis", 0));
    const extents places = op.integers(1, "the indices");
    const auto size = static_cast<std::int64_t>(in.along);
    constant out;
    out.floating = in.source.floating;
    out.dims = in.source.dims;
    const extents& shape = op.known(1, "the indices").dims;
    const auto at = out.dims.erase(out.dims.begin() + static_cast<std::ptrdiff_t>(in.axis));
    out.dims.insert(at, shape.begin(), shape.end());
    const std::size_t count = spend_on(op, out.dims);
    out.values.reserve(count);
    for (std::size_t front = 0; count > 0 && front < in.before; ++front)
        for (const std::int64_t index : places) {
            if (index < -size || index >= size)
                throw op.fail(text_of({"index ", index, " of ", size}));
            in.copy(front, static_cast<std::size_t>(index < 0 ? index + size : index), out.values);
        }
    give_constant(op, std::move(out));
}

inline void fold_concat_axis(const operation& op) {
    std::vector<slabs> parts;
    for (std::size_t i = 0; i < op.inputs(); ++i) parts.emplace_back(op, i, op.integer("axis", 0));
    if (parts.empty()) throw op.fail("has no input");
    constant out;
    out.floating = parts[0].source.floating;
    out.dims = parts[0].source.dims;
    std::int64_t along = 0;
    for (const slabs& part : parts) {
        extents dims = part.source.dims;
        if (dims.size() == out.dims.size()) dims[part.axis] = out.dims[part.axis];
        if (dims != out.dims || part.source.floating != out.floating)
            throw op.fail("of constants that differ in type or shape");
        along += static_cast<std::int64_t>(part.along);
    }
    out.dims[parts[0].axis] = along;
    const std::size_t count = spend_on(op, out.dims);
    out.values.reserve(count);
    for (std::size_t front = 0; count > 0 && front < parts[0].before; ++front)
        for (const slabs& part : parts)
            for (std::size_t at = 0; at < part.along; ++at) part.copy(front, at, out.values);
    give_constant(op, std::move(out));
}

inline void fold_transpose_axes(const operation& op) {
    const constant& in = op.known(0, "the data");
    const std::size_t rank = in.dims.size();
    extents order(rank);
    for (std::size_t i = 0; i < rank; ++i) order[i] = static_cast<std::int64_t>(rank - 1 - i);
    if (const attribute_proto* perm = op.find("perm")) order = perm->ints;
    std::vector<char> seen(rank, 0);
    if (order.size() != rank) throw op.fail("perm does not fit " + dims_text(in.dims));
    constant out;
    out.floating = in.floating, out.bits = in.bits;
    extents steps;
    const extents own = steps_of(in.dims);
    for (const std::int64_t axis : order) {
        if (axis < 0 || static_cast<std::size_t>(axis) >= rank ||
            std::exchange(seen[static_cast<std::size_t>(axis)], 1) != 0)
            throw op.fail("perm " + dims_text(order) + " is no order of axes");
        out.dims.push_back(in.dims[static_cast<std::size_t>(axis)]);
        steps.push_back(own[static_cast<std::size_t>(axis)]);
    }
    out.values = strided(op, folded(op, 0), out.dims, steps);
    give_constant(op, std::move(out));
}

inline void fold_split(const operation& op) {
    const slabs in(op, 0, op.integer("axis", 0));
    const std::size_t outputs = op.node().outputs.size();
    extents sizes;
    if (op.has(1))
        sizes = op.integers(1, "the split");
    else if (const attribute_proto* a = op.find("split"))
        sizes = a->ints;
    else
        for (std::size_t k = 0, each = (in.along + outputs - 1) / outputs; k < outputs; ++k)
            sizes.push_back(
                static_cast<std::int64_t>(std::min(each, in.along - std::min(in.along, k * each))));
    std::int64_t sum = 0;
    for (const std::int64_t size : sizes) {
        if (size < 0 || size > static_cast<std::int64_t>(in.along)) throw op.fail("splits wrongly");
        sum += size;
    }
    if (sizes.size() != outputs || sum != static_cast<std::int64_t>(in.along))
        throw op.fail("of " + dims_text(in.source.dims) + " into " + dims_text(sizes));
    for (std::size_t k = 0, first = 0; k < outputs; ++k) {
        constant out;
        out.floating = in.source.floating;
        out.dims = in.source.dims;
        out.dims[in.axis] = sizes[k];
        const auto size = static_cast<std::size_t>(sizes[k]);
        const std::size_t count = spend_on(op, out.dims);
        out.values.reserve(count);
        for (std::size_t front = 0; count > 0 && front < in.before; ++front)
            for (std::size_t at = 0; at < size; ++at) in.copy(front, first + at, out.values);
        first += size;
        out.name = op.node().outputs[k];
        op.give(constant_value(std::move(out)), k);
    }
}

inline void fold_range(const operation& op) {
    constant out;
    out.floating = op.known(0, "the start").floating;
    const double start = op.scalar(0, "the start");
    const double step = op.scalar(2, "the step");
    const double count = std::ceil((op.scalar(1, "the end") - start) / step);
    if (!(std::abs(count) <= static_cast<double>(largest_map))) throw op.fail("has no end");
    out.dims = {count > 0.0 ? static_cast<std::int64_t>(count) : 0};
    const std::size_t values = spend_on(op, out.dims);
    for (std::size_t n = 0; n < values; ++n)
        out.values.push_back(start + static_cast<double>(n) * step);
    give_constant(op, std::move(out));
}

/// Where a constant is not zero: an index along each axis, of each such value.
inline void fold_nonzero(const operation& op) {
    const extents dims = op.known(0, "the data").dims;
    const std::vector<double> values = folded(op, 0);
    std::vector<std::size_t> found;
    for (std::size_t n = 0; n < values.size(); ++n)
        if (values[n] != 0.0) found.push_back(n);
    constant out;
    out.floating = false;
    out.dims = {static_cast<std::int64_t>(dims.size()), static_cast<std::int64_t>(found.size())};
    spend_on(op, out.dims);
    std::size_t unit = values.size();
    for (const std::int64_t extent : dims) {
        const auto n = static_cast<std::size_t>(extent);
        unit /= std::max<std::size_t>(n, 1);
        for (const std::size_t at : found)
            out.values.push_back(static_cast<double>(at / std::max<std::size_t>(unit, 1) % n));
    }
    give_constant(op, std::move(out));
}

inline void fold_tile(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    const extents repeats = op.integers(1, "the repeats");
    if (repeats.size() != out.dims.size()) throw op.fail("repeats do not fit");
    for (std::size_t axis = out.dims.size(); axis-- > 0;) {
        if (repeats[axis] < 0) throw op.fail("repeats a negative number of times");
        if (repeats[axis] == 1) continue;
        if (repeats[axis] > largest_map / std::max<std::int64_t>(out.dims[axis], 1))
            throw op.fail("repeats too often");
        // an axis of extent 1 in front of this one, repeated, runs together with it
        extents dims = out.dims;
        extents steps = steps_of(dims);
        dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), repeats[axis]);
        steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(axis), 0);
        out.values = strided(op, out.values, dims, steps);
        out.dims[axis] *= repeats[axis];
    }
    give_constant(op, std::move(out));
}

/// ReduceSum, ReduceProd, ReduceMax, ReduceMin, ReduceMean of constants.
inline void fold_reduce(const operation& op) {
    if (op.reduces_nothing()) return op.pass(0);
    const std::string_view type = op.type();
    constant out = recast(op, 0, op.known(0, "the data").dims);
    const int rank = static_cast<int>(out.dims.size());
    std::vector<bool> gone(out.dims.size(), false);
    const auto axes = op.axes(1);
    const bool all = !axes || axes->empty();
    for (std::size_t i = 0; i < gone.size(); ++i) gone[i] = all;
    if (axes)
        for (const std::int64_t axis : *axes)
            gone[static_cast<std::size_t>(axis_of(op, axis, rank))] = true;
    for (std::size_t axis = out.dims.size(); axis-- > 0;) {
        if (!gone[axis]) continue;
        std::size_t before = 1, behind = 1;
        for (std::size_t i = 0; i < out.dims.size(); ++i)
            if (i != axis) (i < axis ? before : behind) *= static_cast<std::size_t>(out.dims[i]);
        const auto along = static_cast<std::size_t>(out.dims[axis]);
        if (along == 0) throw op.fail("of nothing");
        std::vector<double> reduced;
        for (std::size_t f = 0; f < before; ++f)
            for (std::size_t b = 0; b < behind; ++b) {
                double v = out.values[f * along * behind + b];
                for (std::size_t a = 1; a < along; ++a) {
                    const double x = out.values[(f * along + a) * behind + b];
                    v = type == "ReduceProd"  ? v * x
                        : type == "ReduceMax" ? std::max(v, x)
                        : type == "ReduceMin" ? std::min(v, x)
                                              : v + x;
                }
                reduced.push_back(type == "ReduceMean" ? v / static_cast<double>(along) : v);
            }
        out.values = std::move(reduced);
        out.dims[axis] = 1;
    }
    for (const double v : out.values) checked(op, v, out.floating);
    if (op.integer("keepdims", 1) == 0)
        for (std::size_t axis = out.dims.size(); axis-- > 0;)
            if (gone[axis]) out.dims.erase(out.dims.begin() + static_cast<std::ptrdiff_t>(axis));
    give_constant(op, std::move(out));
}

/// Number of values of data or of a constant.
inline void fold_size(const operation& op) {
    const value& x = op.raw(0);
    double count = 1.0;
    for (const std::int64_t d : x.form == form::constant ? x.number->dims : full_dims(op, x))
        count *= static_cast<double>(d);
    constant out = integer_constant({count});
    out.dims = {};
    give_constant(op, std::move(out));
}

}  // namespace hass::detail::onnx
