/// \file fold_arrays.hpp
/// Operators on constants of any number of axes, under NumPy's broadcasting: what exporters leave
/// of the arithmetic on shapes, positions and masks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/folding.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

using extents = std::vector<std::int64_t>;

/// Number of values of a result, counted against what the file may ask for.
inline std::size_t spend_on(const operation& op, const extents& dims) {
    constexpr std::size_t most_axes = 8;
    const auto count = element_count(dims, static_cast<std::size_t>(largest_map));
    if (!count || dims.size() > most_axes) throw op.fail("gives a constant " + dims_text(dims));
    op.spent().spend(*count);
    return *count;
}

inline extents broadcast(const operation& op, const extents& a, const extents& b) {
    extents out(std::max(a.size(), b.size()), 1);
    for (std::size_t i = 1; i <= out.size(); ++i) {
        const std::int64_t x = i <= a.size() ? a[a.size() - i] : 1;
        const std::int64_t y = i <= b.size() ? b[b.size() - i] : 1;
        if (x != y && x != 1 && y != 1)
            throw op.fail("of constants " + dims_text(a) + " and " + dims_text(b));
        out[out.size() - i] = x == 1 ? y : x;
    }
    return out;
}

/// Values of a tensor that is read with other strides: `steps` one an axis of `dims`.
inline std::vector<double> strided(const operation& op, const std::vector<double>& values,
                                   const extents& dims, const extents& steps) {
    const std::size_t count = spend_on(op, dims);
    std::vector<double> out;
    out.reserve(count);
    extents at(dims.size(), 0);
    std::int64_t from = 0;
    for (std::size_t n = 0; n < count; ++n) {
        out.push_back(values[static_cast<std::size_t>(from)]);
        for (std::size_t axis = dims.size(); axis-- > 0;) {
            from += steps[axis];
            if (++at[axis] < dims[axis]) break;
            from -= steps[axis] * dims[axis];
            at[axis] = 0;
        }
    }
    return out;
}

/// How far apart neighbours along each axis lie in C order.
inline extents steps_of(const extents& dims) {
    extents steps(dims.size(), 1);
    for (std::size_t i = dims.size(); i-- > 1;)  // beside an extent of 0 others may be anything
        steps[i - 1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(steps[i]) *
                                                 static_cast<std::uint64_t>(dims[i]));
    return steps;
}

/// Input `i` repeated along axes of extent 1 until it has the extents `dims`.
inline std::vector<double> spread(const operation& op, std::size_t i, const extents& dims) {
    const extents own = op.known(i, "an input").dims;
    const extents own_steps = steps_of(own);
    extents steps(dims.size(), 0);
    for (std::size_t k = 1; k <= own.size() && k <= dims.size(); ++k)
        if (own[own.size() - k] != 1) steps[dims.size() - k] = own_steps[own.size() - k];
    return strided(op, folded(op, i), dims, steps);
}

inline double checked(const operation& op, double v, bool floating) {
    if (!floating && !(std::abs(v) <= 0x1p53))
        throw op.fail("of constants leaves the range of integers");
    return v;
}

inline double modulo(const operation& op, double a, double b) {
    if (b == 0.0) throw op.fail("of constants divides by 0");
    const double rest = std::fmod(a, b);
    const bool as_c = op.integer("fmod", 0) != 0;
    return as_c || rest == 0.0 || (rest < 0.0) == (b < 0.0) ? rest : rest + b;
}

/// Operators of two constants by name.
inline double combine(const operation& op, double a, double b, bool floating) {
    const std::string_view type = op.type();
    if (type == "Add" || type == "Sum") return a + b;
    if (type == "Sub") return a - b;
    if (type == "Mul") return a * b;
    if (type == "Div") {
        if (!floating && b == 0.0) throw op.fail("of constants divides by 0");
        return floating ? a / b : std::trunc(a / b);
    }
    if (type == "Pow") return std::pow(a, b);
    if (type == "Mod") return modulo(op, a, b);
    if (type == "Min") return std::min(a, b);
    if (type == "Max") return std::max(a, b);
    if (type == "Equal") return a == b ? 1.0 : 0.0;
    if (type == "Less") return a < b ? 1.0 : 0.0;
    if (type == "LessOrEqual") return a <= b ? 1.0 : 0.0;
    if (type == "Greater") return a > b ? 1.0 : 0.0;
    if (type == "GreaterOrEqual") return a >= b ? 1.0 : 0.0;
    if (type == "And") return a != 0.0 && b != 0.0 ? 1.0 : 0.0;
    if (type == "Or") return a != 0.0 || b != 0.0 ? 1.0 : 0.0;
    throw op.fail("is not supported on constants");
}

/// Add, Equal, Max, ...: of all inputs, from the first.
inline void fold_binary(const operation& op) {
    if (op.inputs() < 1) throw op.fail("has no input");
    const std::string_view type = op.type();
    const bool compares = type == "Equal" || type.starts_with("Less") ||
                          type.starts_with("Greater") || type == "And" || type == "Or";
    constant out = recast(op, 0, op.known(0, "an input").dims);
    const bool floating = out.floating;
    for (std::size_t i = 1; i < op.inputs(); ++i) {
        const constant& b = op.known(i, "an input");
        if (b.floating != floating && type != "Pow")
            throw op.fail("of constants of different types");
        const extents dims = broadcast(op, out.dims, b.dims);
        const std::vector<double> right = spread(op, i, dims);
        extents steps(dims.size(), 0);
        const extents own = steps_of(out.dims);
        for (std::size_t k = 1; k <= own.size(); ++k)
            if (out.dims[own.size() - k] != 1) steps[dims.size() - k] = own[own.size() - k];
        out.values = strided(op, out.values, dims, steps);
        out.dims = dims;
        for (std::size_t n = 0; n < out.values.size(); ++n)
            out.values[n] = checked(op, combine(op, out.values[n], right[n], floating), floating);
    }
    out.floating = floating && !compares;
    give_constant(op, std::move(out));
}

inline double round_to_even(double x) {
    const double below = std::floor(x);
    if (x - below != 0.5) return std::round(x);
    return std::fmod(below, 2.0) == 0.0 ? below : below + 1.0;
}

/// Functions of one number by name.
inline void fold_unary(const operation& op) {
    const std::string_view type = op.type();
    constant out = recast(op, 0, op.known(0, "the data").dims);
    for (double& v : out.values) {
        if (type == "Neg")
            v = -v;
        else if (type == "Abs")
            v = std::abs(v);
        else if (type == "Sqrt")
            v = std::sqrt(v);
        else if (type == "Reciprocal")
            v = 1.0 / v;
        else if (type == "Exp")
            v = std::exp(v);
        else if (type == "Log")
            v = std::log(v);
        else if (type == "Erf")
            v = std::erf(v);
        else if (type == "Sin")
            v = std::sin(v);
        else if (type == "Cos")
            v = std::cos(v);
        else if (type == "Tanh")
            v = std::tanh(v);
        else if (type == "Sigmoid")
            v = 1.0 / (1.0 + std::exp(-v));
        else if (type == "Relu")
            v = std::max(v, 0.0);
        else if (type == "Ceil")
            v = std::ceil(v);
        else if (type == "Floor")
            v = std::floor(v);
        else if (type == "Round")
            v = round_to_even(v);
        else if (type == "Sign")
            v = v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : v;
        else if (type == "Not")
            v = v == 0.0 ? 1.0 : 0.0;
        else
            throw op.fail("is not supported on constants");
    }
    give_constant(op, std::move(out));
}

inline void fold_where(const operation& op) {
    const constant& yes = op.known(1, "an input");
    const constant& no = op.known(2, "an input");
    if (yes.floating != no.floating) throw op.fail("of constants of different types");
    constant out;
    out.floating = yes.floating;
    out.dims = broadcast(op, broadcast(op, op.known(0, "the condition").dims, yes.dims), no.dims);
    const std::vector<double> condition = spread(op, 0, out.dims);
    const std::vector<double> otherwise = spread(op, 2, out.dims);
    out.values = spread(op, 1, out.dims);
    for (std::size_t n = 0; n < condition.size(); ++n)
        if (condition[n] == 0.0) out.values[n] = otherwise[n];
    give_constant(op, std::move(out));
}

inline void fold_expand(const operation& op) {
    constant out;
    out.floating = op.known(0, "the data").floating;
    out.dims = broadcast(op, op.known(0, "the data").dims, op.integers(1, "the shape"));
    out.values = spread(op, 0, out.dims);
    give_constant(op, std::move(out));
}

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
    const std::string_view type = op.type();
    constant out = recast(op, 0, op.known(0, "the data").dims);
    const int rank = static_cast<int>(out.dims.size());
    std::vector<bool> gone(out.dims.size(), false);
    const auto axes = op.axes(1);
    const bool all = !axes || axes->empty();
    if (all && op.integer("noop_with_empty_axes", 0) != 0) return op.pass(0);
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
