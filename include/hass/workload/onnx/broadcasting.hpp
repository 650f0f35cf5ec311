/// \file broadcasting.hpp
/// Arithmetic of constants that are broadcast against each other.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/folding.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// Extents of several constants together.
inline std::vector<std::int64_t> broadcast_dims(const operation& op,
                                                const std::vector<std::vector<std::int64_t>>& all) {
    std::vector<std::int64_t> whole;
    for (const std::vector<std::int64_t>& dims : all) {
        if (dims.size() > 8) throw op.fail("of a constant of more than eight axes");
        if (dims.size() > whole.size()) whole.insert(whole.begin(), dims.size() - whole.size(), 1);
        for (std::size_t k = 0; k < dims.size(); ++k) {
            std::int64_t& to = whole[whole.size() - dims.size() + k];
            if (to != dims[k] && to != 1 && dims[k] != 1)
                throw op.fail("of constants " + dims_text(all[0]) + " and " + dims_text(dims));
            if (to == 1) to = dims[k];
        }
    }
    return whole;
}

/// Values of a constant of extents `dims` as one of extents `whole`.
inline std::vector<double> broadcast_to(const operation& op, const std::vector<double>& values,
                                        const std::vector<std::int64_t>& dims,
                                        const std::vector<std::int64_t>& whole) {
    const auto count = element_count(whole, static_cast<std::size_t>(largest_map));
    if (!count) throw op.fail("of shape " + dims_text(whole));
    op.spent().spend(*count);
    std::vector<std::int64_t> stride(whole.size(), 0);
    std::int64_t apart = 1;
    for (std::size_t k = dims.size(); k-- > 0;) {
        stride[whole.size() - dims.size() + k] = dims[k] == 1 ? 0 : apart;
        apart *= dims[k];
    }
    std::vector<double> out;
    out.reserve(*count);
    std::vector<std::int64_t> at(whole.size(), 0);
    std::int64_t from = 0;
    for (std::size_t n = 0; n < *count; ++n) {
        out.push_back(values[static_cast<std::size_t>(from)]);
        for (std::size_t k = whole.size(); k-- > 0;) {
            from += stride[k];
            if (++at[k] < whole[k]) break;
            from -= stride[k] * whole[k];
            at[k] = 0;
        }
    }
    return out;
}

/// One number of two, by the operator's name.
inline double of_two(std::string_view type, double l, double r, bool floating) {
    if (type == "Add") return l + r;
    if (type == "Sub") return l - r;
    if (type == "Mul") return l * r;
    if (type == "Div") return floating ? l / r : r == 0.0 ? HUGE_VAL : std::trunc(l / r);
    if (type == "Pow") return std::pow(l, r);
    if (type == "Max") return std::max(l, r);
    if (type == "Min") return std::min(l, r);
    if (type == "Equal") return l == r ? 1.0 : 0.0;
    if (type == "Less") return l < r ? 1.0 : 0.0;
    if (type == "LessOrEqual") return l <= r ? 1.0 : 0.0;
    if (type == "Greater") return l > r ? 1.0 : 0.0;
    if (type == "GreaterOrEqual") return l >= r ? 1.0 : 0.0;
    if (type == "And") return l != 0.0 && r != 0.0 ? 1.0 : 0.0;
    return l != 0.0 || r != 0.0 ? 1.0 : 0.0;  // Or
}

inline bool compares(std::string_view type) {
    return type == "Equal" || type.starts_with("Less") || type.starts_with("Greater") ||
           type == "And" || type == "Or";
}

inline void fold_arithmetic(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    const constant& a = op.known(0, "an input");
    const constant& b = op.known(1, "an input");
    if (a.floating != b.floating && op.type() != "Pow")
        throw op.fail("of constants " + dims_text(a.dims) + " and " + dims_text(b.dims));
    constant out;
    out.dims = broadcast_dims(op, {a.dims, b.dims});
    out.floating = a.floating && !compares(op.type());
    const std::vector<double> x = broadcast_to(op, folded(op, 0), a.dims, out.dims);
    const std::vector<double> y = broadcast_to(op, folded(op, 1), b.dims, out.dims);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double v = of_two(op.type(), x[i], y[i], a.floating);
        if (!out.floating && !(std::abs(v) <= 0x1p53))
            throw op.fail("of constants leaves the range of integers");
        out.values.push_back(v);
    }
    give_constant(op, std::move(out));
}

inline void fold_where(const operation& op) {
    const constant& a = op.known(1, "an input");
    const constant& b = op.known(2, "an input");
    constant out;
    out.dims = broadcast_dims(op, {op.known(0, "the condition").dims, a.dims, b.dims});
    out.floating = a.floating || b.floating;
    const std::vector<double> chosen =
        broadcast_to(op, folded(op, 0), op.known(0, "the condition").dims, out.dims);
    const std::vector<double> x = broadcast_to(op, folded(op, 1), a.dims, out.dims);
    const std::vector<double> y = broadcast_to(op, folded(op, 2), b.dims, out.dims);
    for (std::size_t i = 0; i < x.size(); ++i)
        out.values.push_back(chosen[i] != 0.0 ? x[i] : y[i]);
    give_constant(op, std::move(out));
}

inline void fold_expand(const operation& op) {
    const constant& in = op.known(0, "the data");
    std::vector<std::int64_t> wanted = op.integers(1, "the shape");
    constant out;
    out.floating = in.floating;
    out.dims = broadcast_dims(op, {in.dims, std::move(wanted)});
    out.values = broadcast_to(op, folded(op, 0), in.dims, out.dims);
    give_constant(op, std::move(out));
}

/// Functions of one number.
inline void fold_function(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    for (double& v : out.values) {
        if (op.type() == "Neg")
            v = -v;
        else if (op.type() == "Not")
            v = v == 0.0 ? 1.0 : 0.0;
        else if (op.type() == "Sqrt")
            v = std::sqrt(v);
        else if (op.type() == "Reciprocal")
            v = 1.0 / v;
        else
            v = std::exp(v);
    }
    give_constant(op, std::move(out));
}

inline void fold_range(const operation& op) {
    const double start = op.scalar(0, "the start"), limit = op.scalar(1, "the limit");
    const double step = op.scalar(2, "the step");
    const double count = std::ceil((limit - start) / step);
    if (!(count <= double(largest_map))) throw op.fail("has too many values, or a step of 0");
    constant out;
    out.floating = op.known(0, "the start").floating;
    op.spent().spend(static_cast<std::size_t>(std::max(count, 0.0)));
    for (double k = 0.0; k < count; ++k) out.values.push_back(start + k * step);
    out.dims = {static_cast<std::int64_t>(out.values.size())};
    give_constant(op, std::move(out));
}

}  // namespace hass::detail::onnx
