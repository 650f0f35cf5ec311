/// \file fold_arrays.hpp
/// Operators on constants of any number of axes, under NumPy's broadcasting: what exporters leave
/// of the arithmetic on shapes, positions and masks.
#pragma once

#include <algorithm>
#include <array>
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
    if (broadcast(op, own, dims) != dims)
        throw op.fail("of constants " + dims_text(own) + " and " + dims_text(dims));
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
    if (type == "Xor") return (a != 0.0) != (b != 0.0) ? 1.0 : 0.0;
    throw op.fail("is not supported on constants");
}

/// Add, Equal, Max, ...: of all inputs, from the first.
inline void fold_binary(const operation& op) {
    if (op.inputs() < 1) throw op.fail("has no input");
    const std::string_view type = op.type();
    const bool compares = type == "Equal" || type.starts_with("Less") ||
                          type.starts_with("Greater") || type == "And" || type == "Or" ||
                          type == "Xor";
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

/// A function of one number.
struct number_function {
    std::string_view op_type;
    double (*of)(double);
};

inline constexpr std::array number_functions{
    number_function{"Abs", [](double v) { return std::abs(v); }},
    number_function{"Acos", [](double v) { return std::acos(v); }},
    number_function{"Acosh", [](double v) { return std::acosh(v); }},
    number_function{"Asin", [](double v) { return std::asin(v); }},
    number_function{"Asinh", [](double v) { return std::asinh(v); }},
    number_function{"Atan", [](double v) { return std::atan(v); }},
    number_function{"Atanh", [](double v) { return std::atanh(v); }},
    number_function{"Ceil", [](double v) { return std::ceil(v); }},
    number_function{"Cos", [](double v) { return std::cos(v); }},
    number_function{"Cosh", [](double v) { return std::cosh(v); }},
    number_function{"Erf", [](double v) { return std::erf(v); }},
    number_function{"Exp", [](double v) { return std::exp(v); }},
    number_function{"Floor", [](double v) { return std::floor(v); }},
    number_function{"Log", [](double v) { return std::log(v); }},
    number_function{"Neg", [](double v) { return -v; }},
    number_function{"Not", [](double v) { return v == 0.0 ? 1.0 : 0.0; }},
    number_function{"Reciprocal", [](double v) { return 1.0 / v; }},
    number_function{"Relu", [](double v) { return std::max(v, 0.0); }},
    number_function{"Round", [](double v) { return round_to_even(v); }},
    number_function{"Sigmoid", [](double v) { return 1.0 / (1.0 + std::exp(-v)); }},
    number_function{"Sign", [](double v) { return v > 0.0   ? 1.0
                                                  : v < 0.0 ? -1.0
                                                            : v; }},
    number_function{"Sin", [](double v) { return std::sin(v); }},
    number_function{"Sinh", [](double v) { return std::sinh(v); }},
    number_function{"Sqrt", [](double v) { return std::sqrt(v); }},
    number_function{"Tan", [](double v) { return std::tan(v); }},
    number_function{"Tanh", [](double v) { return std::tanh(v); }},
};

inline void fold_unary(const operation& op) {
    for (const number_function& f : number_functions) {
        if (f.op_type != op.type()) continue;
        constant out = recast(op, 0, op.known(0, "the data").dims);
        for (double& v : out.values) v = f.of(v);
        return give_constant(op, std::move(out));
    }
    throw op.fail("is not supported on constants");
}

/// Which places of a matrix Trilu keeps: 1 there, else 0.
inline std::vector<float> triangle(const operation& op, std::int64_t rows, std::int64_t columns) {
    const bool upper = op.integer("upper", 1) != 0;
    const std::vector<std::int64_t> given = op.has(1) ? op.integers(1, "k") : extents{0};
    if (given.size() != 1) throw op.fail("k is not a single number");
    const std::int64_t k = std::clamp(given[0], -rows, columns);
    op.spent().spend(static_cast<std::size_t>(rows * columns));
    std::vector<float> keeps;
    for (std::int64_t y = 0; y < rows; ++y)
        for (std::int64_t x = 0; x < columns; ++x)
            keeps.push_back((upper ? x - y >= k : x - y <= k) ? 1.0F : 0.0F);
    return keeps;
}

/// Trilu: the upper or lower triangle of the last two axes, zeros elsewhere.
inline void fold_triangle(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    if (out.dims.size() < 2) throw op.fail("of a tensor of less than two axes");
    const std::vector<float> keeps = triangle(op, out.dims[out.dims.size() - 2], out.dims.back());
    for (std::size_t i = 0; i < out.values.size(); ++i)
        if (keeps[i % keeps.size()] == 0.0F) out.values[i] = 0.0;
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

/// ScatterND: slices of a copy of the data replaced, or changed, at places that indices list.
inline void fold_scatter(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    const constant& where = op.known(1, "the indices");
    const constant& with = op.known(2, "the updates");
    const std::string_view how = op.text("reduction", "none");
    constexpr std::array<std::string_view, 5> known{"none", "add", "mul", "min", "max"};
    if (std::find(known.begin(), known.end(), how) == known.end())
        throw op.fail("reduction " + quoted(how) + " (known: none, add, mul, min, max)");
    const auto depth = where.dims.empty() ? 0 : static_cast<std::size_t>(where.dims.back());
    if (where.dims.empty() || where.dims.back() < 1 || depth > out.dims.size())
        throw op.fail("indices of shape " + dims_text(where.dims) + " into data of shape " +
                      dims_text(out.dims));
    const auto split = out.dims.begin() + static_cast<std::ptrdiff_t>(depth);
    extents dims(where.dims.begin(), where.dims.end() - 1);
    dims.insert(dims.end(), split, out.dims.end());
    if (with.dims != dims || with.floating != out.floating)
        throw op.fail("updates of shape " + dims_text(with.dims) + " where " + dims_text(dims) +
                      " of the data's type are expected");
    const std::vector<std::int64_t> places = op.integers(1, "the indices");
    const std::vector<double> updates = folded(op, 2);
    const extents steps = steps_of(out.dims);
    const std::size_t slice = element_count({split, out.dims.end()}, out.values.size()).value_or(0);
    for (std::size_t n = 0; n * depth < places.size(); ++n) {
        std::size_t to = 0;
        for (std::size_t k = 0; k < depth; ++k) {
            const std::int64_t at = places[n * depth + k], size = out.dims[k];
            if (at < -size || at >= size) throw op.fail(text_of({"index ", at, " of ", size}));
            to += static_cast<std::size_t>((at < 0 ? at + size : at) * steps[k]);
        }
        for (std::size_t i = 0; i < slice; ++i) {
            double& v = out.values[to + i];
            const double u = updates[n * slice + i];
            if (how == "none")
                v = u;
            else if (how == "add")
                v = checked(op, v + u, out.floating);
            else if (how == "mul")
                v = checked(op, v * u, out.floating);
            else
                v = how == "min" ? std::min(v, u) : std::max(v, u);
        }
    }
    give_constant(op, std::move(out));
}

/// MatMul of two constants, as NumPy's: matrices side by side, a vector without its axis.
inline void fold_matmul(const operation& op) {
    extents a = op.known(0, "an input").dims, b = op.known(1, "an input").dims;
    const bool row = a.size() == 1, column = b.size() == 1;
    if (row) a.insert(a.begin(), 1);
    if (column) b.push_back(1);
    if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2])
        throw op.fail("of constants " + dims_text(a) + " and " + dims_text(b));
    const std::int64_t rows = a[a.size() - 2], inner = a.back(), columns = b.back();
    const extents outer = broadcast(op, {a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
    const auto spread_over = [&](std::size_t i, const extents& own, std::int64_t m,
                                 std::int64_t n) {
        extents dims = outer, steps(outer.size(), 0);
        const extents own_steps = steps_of(own);
        for (std::size_t k = 3; k <= own.size(); ++k)
            if (own[own.size() - k] != 1) steps[outer.size() + 2 - k] = own_steps[own.size() - k];
        dims.insert(dims.end(), {m, n}), steps.insert(steps.end(), {n, 1});
        return strided(op, folded(op, i), dims, steps);
    };
    constant out;
    out.floating = op.known(0, "an input").floating;
    if (out.floating != op.known(1, "an input").floating)
        throw op.fail("of constants of different types");
    const std::vector<double> left = spread_over(0, a, rows, inner);
    const std::vector<double> right = spread_over(1, b, inner, columns);
    extents dims = outer;
    dims.insert(dims.end(), {rows, columns});
    const std::size_t count = spend_on(op, dims);
    constexpr std::size_t products_a_number = 64;  // that are paid as one that is stored
    op.spent().spend(count / products_a_number * static_cast<std::size_t>(inner));
    out.values.assign(count, 0.0);
    const auto m = static_cast<std::size_t>(rows), k = static_cast<std::size_t>(inner),
               n = static_cast<std::size_t>(columns);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t matrix = i / (m * n), y = i / n % m, x = i % n;
        for (std::size_t at = 0; at < k; ++at)
            out.values[i] += left[(matrix * m + y) * k + at] * right[(matrix * k + at) * n + x];
        out.values[i] = checked(op, out.values[i], out.floating);
    }
    if (row) dims.erase(dims.end() - 2);
    if (column) dims.pop_back();
    out.dims = std::move(dims);
    give_constant(op, std::move(out));
}

}  // namespace hass::detail::onnx
