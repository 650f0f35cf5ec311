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

}  // namespace hass::detail::onnx
