/// \file quantised.hpp
/// Quantised networks: QuantizeLinear and DequantizeLinear, QONNX's Quant, BipolarQuant and Trunc.
/// Constants become the numbers that their levels stand for. Data keep to their grid: a row of kind
/// `function` rounds to levels and gives scale * (level - zero point), so that what follows computes
/// with the numbers that the integers stand for.
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
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/activations.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/fold_arrays.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

/// Whole numbers of so many bits.
struct levels {
    int bits = 8;
    double least = 0.0, most = 255.0;

    static levels of(int bits, bool is_signed, bool narrow = false) {
        const double half = std::ldexp(1.0, bits - 1);
        if (!is_signed) return {bits, 0.0, 2.0 * half - (narrow ? 2.0 : 1.0)};
        return {bits, narrow ? 1.0 - half : -half, half - 1.0};
    }
};

/// The levels of an integer type; refused for others.
inline levels levels_of_type(const operation& op, std::int64_t type) {
    const std::size_t bits = bits_of(type);
    switch (static_cast<data_type>(type)) {
        case data_type::uint4:
        case data_type::uint8:
        case data_type::uint16:
            return levels::of(static_cast<int>(bits), false);
        case data_type::int4:
        case data_type::int8:
        case data_type::int16:
        case data_type::int32:
            return levels::of(static_cast<int>(bits), true);
        default:
            throw op.fail("levels of type " + data_type_name(type) +
                          " are not supported, only integers of 4, 8, 16 and 32 bits");
    }
}

/// Scale of data or constants: positive, finite.
inline std::vector<double> scales(const operation& op, std::size_t i) {
    std::vector<double> all = folded(op, i);
    for (const double s : all)
        if (!(s > 0.0 && s <= static_cast<double>(std::numeric_limits<float>::max())))
            throw op.fail(text_of({"a scale of ", s}));
    if (all.empty()) throw op.fail("has no scale");
    return all;
}

/// The levels that QuantizeLinear gives: those of its zero point's type, or `output_dtype`.
inline levels target_levels(const operation& op) {
    const std::int64_t stated = op.integer("output_dtype", 0);
    if (op.has(2)) {
        const constant& zero = op.known(2, "the zero point");
        if (zero.file != nullptr) return levels_of_type(op, zero.file->type);
        if (stated == 0) throw op.fail("the type of its zero point is not known");
    }
    return stated == 0 ? levels::of(8, false) : levels_of_type(op, stated);
}

inline double zero_point(const operation& op, std::size_t i) {
    return op.has(i) ? op.scalar(i, "the zero point") : 0.0;
}

/// Input 0 on a grid: the nearest of scale * (least .. most), of two the even one.
/// \param zero  what the file's integers are more than these whole numbers
inline void to_grid(const operation& op, double scale, double least, double most, double zero) {
    layer_parameters p;
    p.function = value_function::quantised;
    p.alpha = static_cast<float>(scale);
    p.lower = static_cast<float>(least), p.upper = static_cast<float>(most);
    p.beta = static_cast<float>(zero);
    if (!(p.alpha > 0.0F) || !std::isfinite(p.alpha) || !(p.lower <= p.upper))
        throw op.fail("its grid is empty");
    unary(op, layer_kind::function, p);
    op.given().non_negative = least >= 0.0;
}

/// One scale for all data of an image.
inline double one_scale(const operation& op, std::size_t i) {
    const std::vector<double> all = scales(op, i);
    if (std::any_of(all.begin(), all.end(), [&](double s) { return s != all[0]; }))
        throw op.fail("one scale a channel is supported for constants only; data need one for all");
    return all[0];
}

inline void quantize_linear(const operation& op) {
    const double scale = one_scale(op, 1);
    const levels l = target_levels(op);
    const double zero = zero_point(op, 2);
    if (op.ends())
        throw op.fail("the network ends with levels; a DequantizeLinear behind makes them numbers");
    to_grid(op, scale, l.least - zero, l.most - zero, zero);
}

/// Operators through which levels pass as they are.
inline bool keeps_levels(std::string_view type) {
    constexpr std::array<std::string_view, 13> kept{
        "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze",   "Identity",
        "Slice",   "Split",   "Concat",  "Dropout",   "Resize",  "DepthToSpace"};
    return std::find(kept.begin(), kept.end(), type) != kept.end();
}

/// Whether levels of input 0 were made by a QuantizeLinear with this scale and zero point.
inline bool made_with(const operation& op, double scale, double zero) {
    std::vector<std::string_view> open{op.node().inputs[0]};
    constexpr std::size_t most = 64;
    for (std::size_t seen = 0; seen < open.size(); ++seen) {
        const node_proto* by = op.producer(open[seen]);
        if (by == nullptr || open.size() > most) return false;
        if (by->op_type == "QuantizeLinear") {
            const std::vector<double> s = op.numbers_of(by->inputs.at(1));
            const std::vector<double> z = by->inputs.size() > 2 && !by->inputs[2].empty()
                                              ? op.numbers_of(by->inputs[2])
                                              : std::vector{0.0};
            if (s.size() != 1 || s[0] != scale || z.size() != 1 || z[0] != zero) return false;
        } else if (keeps_levels(by->op_type)) {
            const std::size_t data = by->op_type == "Concat" ? by->inputs.size() : 1;
            for (std::size_t i = 0; i < data && i < by->inputs.size(); ++i)
                open.push_back(by->inputs[i]);
        } else {
            return false;
        }
    }
    return true;
}

/// Data are what their levels stand for already; levels that come from outside are multiplied.
inline void dequantize_linear(const operation& op) {
    const double scale = one_scale(op, 1);
    const double zero = zero_point(op, 2);
    if (op.producer(op.node().inputs[0]) == nullptr)
        return affine(op, 0, {static_cast<float>(scale)}, {static_cast<float>(-zero * scale)});
    if (!made_with(op, scale, zero))
        throw op.fail(
            "its data were not made by QuantizeLinear with the same scale and zero point; "
            "requantise between them");
    op.pass(0);
}

/// Which scale a value of a constant has: one for all, one along an axis, or one a block of it.
struct scale_places {
    extents steps;  ///< of the scale along each axis of the constant
    std::int64_t block = 1;
    std::size_t axis = 0;

    scale_places(const operation& op, const extents& dims, const constant& scale)
        : steps(dims.size(), 0) {
        if (scale.count() == 1) return;
        const int rank = static_cast<int>(dims.size());
        axis = static_cast<std::size_t>(axis_of(op, op.integer("axis", 1), rank));
        block = std::max<std::int64_t>(1, op.integer("block_size", 0));
        if (scale.dims.size() == 1 && block == 1 && scale.dims[0] == dims[axis]) {
            steps[axis] = 1;
            return;
        }
        extents blocks = dims;
        blocks[axis] = (dims[axis] + block - 1) / block;
        if (scale.dims != blocks)
            throw op.fail("scales " + dims_text(scale.dims) + " do not fit " + dims_text(dims));
        steps = steps_of(blocks);
    }

    std::size_t at(const extents& place) const {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < steps.size(); ++i)
            sum += steps[i] * (i == axis ? place[i] / block : place[i]);
        return static_cast<std::size_t>(sum);
    }
};

/// Calls f(value, scale, zero) for each value of constant input 0, which becomes what f returns.
template <class F>
constant each_level(const operation& op, F f) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    const std::vector<double> scale = scales(op, 1);
    const scale_places where(op, out.dims, op.known(1, "the scale"));
    std::vector<double> zero(scale.size(), 0.0);
    if (op.has(2)) {
        zero = folded(op, 2);
        if (zero.size() == 1) zero.resize(scale.size(), zero[0]);
        if (zero.size() != scale.size()) throw op.fail("zero points do not fit the scales");
    }
    extents at(out.dims.size(), 0);
    for (double& v : out.values) {
        const std::size_t k = scale.size() == 1 ? 0 : where.at(at);
        v = f(v, scale[k], zero[k]);
        for (std::size_t axis = at.size(); axis-- > 0;) {
            if (++at[axis] < out.dims[axis]) break;
            at[axis] = 0;
        }
    }
    return out;
}

inline void fold_quantize(const operation& op) {
    const levels l = target_levels(op);
    constant out = each_level(op, [&](double v, double scale, double zero) {
        return std::clamp(round_to_even(v / scale) + zero, l.least, l.most);
    });
    out.floating = false, out.bits = l.bits;
    give_constant(op, std::move(out));
}

inline void fold_dequantize(const operation& op) {
    const constant& in = op.known(0, "the data");
    const int bits = in.file != nullptr ? static_cast<int>(bits_of(in.file->type)) : in.bits;
    // products of float32, as runtimes have them
    constant out = each_level(op, [](double v, double scale, double zero) {
        return static_cast<double>(static_cast<float>(v - zero) * static_cast<float>(scale));
    });
    out.floating = true, out.bits = bits;
    const scale_places where(op, out.dims, op.known(1, "the scale"));
    const std::vector<double> scale = scales(op, 1);
    if (scale.size() == 1 ||
        (where.block == 1 && scale.size() == static_cast<std::size_t>(out.dims[where.axis]))) {
        out.steps.assign(scale.begin(), scale.end());
        out.steps_axis = where.axis;
    }
    give_constant(op, std::move(out));
}

// QONNX (qonnx.custom_op.general): values stay numbers all the time.

/// How a quotient becomes whole.
inline double rounded(const operation& op, double x, std::string_view otherwise) {
    std::string mode(op.text("rounding_mode", otherwise));
    for (char& c : mode)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (mode == "ROUND" || mode == "HALF_EVEN") return round_to_even(x);
    if (mode == "FLOOR") return std::floor(x);
    if (mode == "CEIL") return std::ceil(x);
    if (mode == "ROUND_TO_ZERO" || mode == "DOWN") return std::trunc(x);
    if (mode == "UP") return x < 0.0 ? std::floor(x) : std::ceil(x);
    if (mode == "HALF_UP") return std::copysign(std::floor(std::abs(x) + 0.5), x);
    if (mode == "HALF_DOWN") return std::copysign(std::ceil(std::abs(x) - 0.5), x);
    throw op.fail("rounding_mode " + onnx::quoted(mode) +
                  " (known: ROUND, FLOOR, CEIL, ROUND_TO_ZERO, UP, DOWN, HALF_EVEN, HALF_UP, "
                  "HALF_DOWN)");
}

inline levels quant_levels(const operation& op, std::size_t width) {
    const double bits = op.scalar(width, "the bit width");
    if (!(bits >= 1.0 && bits <= 32.0) || bits != std::trunc(bits))
        throw op.fail(text_of({"a width of ", bits, " bits is not supported, only 1 to 32"}));
    const bool is_signed = op.integer("signed", 1) != 0;
    if (bits == 1.0 && is_signed) throw op.fail("one signed bit is BipolarQuant's; say so");
    return levels::of(static_cast<int>(bits), is_signed, op.integer("narrow", 0) != 0);
}

/// Values of a constant scale or zero point, spread over the constant that they belong to.
inline void fold_quant(const operation& op) {
    const levels l = quant_levels(op, 3);
    constant out = recast(op, 0, op.known(0, "the data").dims);
    scales(op, 1);
    const std::vector<double> scale = spread(op, 1, out.dims);
    const std::vector<double> zero = spread(op, 2, out.dims);
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        const double level =
            rounded(op, std::clamp(out.values[i] / scale[i] + zero[i], l.least, l.most), "ROUND");
        out.values[i] = (level - zero[i]) * scale[i];
    }
    out.bits = l.bits;
    give_constant(op, std::move(out));
}

inline void quant(const operation& op) {
    const levels l = quant_levels(op, 3);
    const double zero = op.scalar(2, "the zero point");
    if (zero != std::trunc(zero)) throw op.fail("a zero point that is no whole number, of data");
    const std::string_view mode = op.text("rounding_mode", "ROUND");
    if (mode != "ROUND" && mode != "HALF_EVEN")
        throw op.fail("rounding_mode " + quoted(mode) + " of data is not supported, only ROUND");
    to_grid(op, one_scale(op, 1), l.least - zero, l.most - zero, zero);
}

inline void fold_bipolar(const operation& op) {
    constant out = recast(op, 0, op.known(0, "the data").dims);
    scales(op, 1);
    const std::vector<double> scale = spread(op, 1, out.dims);
    for (std::size_t i = 0; i < out.values.size(); ++i)
        out.values[i] = out.values[i] >= 0.0 ? scale[i] : -scale[i];
    out.bits = 1;
    give_constant(op, std::move(out));
}

inline void bipolar(const operation& op) {
    const double scale = one_scale(op, 1);
    layer_parameters p;
    p.function = value_function::bipolar;
    p.alpha = static_cast<float>(scale);
    p.lower = -1.0F, p.upper = 1.0F;
    unary(op, layer_kind::function, p);
}

/// The levels of input 0 without their lowest bits, on the grid of all of them.
inline void trunc_levels(const operation& op) {
    const double from = op.scalar(3, "the width of the input");
    const double to = op.scalar(4, "the width of the output");
    const std::string_view mode = op.text("rounding_mode", "FLOOR");
    if (!(from >= to && to >= 1.0 && from <= 32.0)) throw op.fail("its widths");
    if (op.scalar(2, "the zero point") != 0.0 || (mode != "FLOOR" && mode != "ROUND"))
        throw op.fail("is supported with zero point 0 and rounding_mode FLOOR or ROUND only");
    // round(x / s) is whole: floor of it over 2^k is that of x / s over 2^k, moved by half a level
    layer_parameters p;
    p.function = mode == "FLOOR" ? value_function::truncated : value_function::quantised;
    const double scale = one_scale(op, 1);
    p.alpha = static_cast<float>(scale);
    p.beta = static_cast<float>(std::ldexp(1.0, static_cast<int>(from - to)));
    if (mode == "ROUND") throw op.fail("rounding_mode ROUND is not supported, only FLOOR");
    unary(op, layer_kind::function, p);
}

}  // namespace hass::detail::onnx
