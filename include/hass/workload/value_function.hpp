/// \file value_function.hpp
/// Functions of one value that a row of kind `function` applies: in hardware one lookup table,
/// whatever the function.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hass {

/// As ONNX defines them; a and b are the numbers that a row gives along.
enum class value_function : std::uint8_t {
    identity,
    elu,               ///< x, below 0 a (exp(x) - 1)
    selu,              ///< b times elu
    celu,              ///< x, below 0 a (exp(x / a) - 1)
    softplus,          ///< log(exp(x) + 1)
    mish,              ///< x tanh(softplus(x))
    softsign,          ///< x / (1 + |x|)
    thresholded_relu,  ///< x, up to a: 0
    hardsigmoid,       ///< max(0, min(1, a x + b))
    negate,
    absolute,
    shrink,  ///< x - b above a, x + b below -a, else 0
    gated,   ///< x times its hardsigmoid
    erf,
    tanh,
    exponential,
    logarithm,
    square_root,
    reciprocal,
    power,      ///< x to the power of a
    equals,     ///< 1 where x is a, else 0
    differs,    ///< 0 where x is a, else 1
    gelu,       ///< x (1 + erf(x / sqrt 2)) / 2
    gelu_tanh,  ///< x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
    quantised,  ///< a times the nearest whole number to x / a within the row's bounds
    bipolar,    ///< a, below 0 -a
    truncated,  ///< a b times the whole number below that nearest to x / a, over b
    floor,
    ceiling,
    rounded,  ///< the nearest whole number, of two the even one
    sign,     ///< -1, 0 or 1
    sine,
    cosine,
    tangent,
    arcsine,
    arccosine,
    arctangent,
    sinh,
    cosh,
    arsinh,
    arcosh,
    artanh,
    below,     ///< 1 where x < a, else 0
    above,     ///< 1 where x > a, else 0
    at_most,   ///< 1 where x <= a, else 0
    at_least,  ///< 1 where x >= a, else 0
};

/// Whether f rounds to a grid or asks for equality, which exact sums are to decide. What is compared with a
/// threshold is no such thing: it is as thresholds of the emulator, and pruned files have both.
constexpr bool rounds(value_function f) {
    switch (f) {
        case value_function::equals:
        case value_function::differs:
        case value_function::quantised:
        case value_function::bipolar:
        case value_function::truncated:
        case value_function::floor:
        case value_function::ceiling:
        case value_function::rounded:
        case value_function::sign:
            return true;
        default:
            return false;
    }
}

inline constexpr std::array<std::string_view, 46> value_function_names{
    "identity",    "elu",         "selu",       "celu",
    "softplus",    "mish",        "softsign",   "thresholded_relu",
    "hardsigmoid", "negate",      "absolute",   "shrink",
    "gated",       "erf",         "tanh",       "exponential",
    "logarithm",   "square_root", "reciprocal", "power",
    "equals",      "differs",     "gelu",       "gelu_tanh",
    "quantised",   "bipolar",     "truncated",  "floor",
    "ceiling",     "rounded",     "sign",       "sine",
    "cosine",      "tangent",     "arcsine",    "arccosine",
    "arctangent",  "sinh",        "cosh",       "arsinh",
    "arcosh",      "artanh",      "below",      "above",
    "at_most",     "at_least"};

constexpr std::string_view name(value_function f) {
    return value_function_names[static_cast<std::size_t>(f)];
}

/// log(exp(x) + 1) without overflow.
inline float softplus(float x) {
    return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x)));
}

/// f(x); infinite or not a number where x is, or where the function has no value.
inline float apply(value_function f, float x, float a, float b) {
    switch (f) {
        case value_function::identity:
            return x;
        case value_function::elu:
            return x < 0.0F ? a * std::expm1(x) : x;
        case value_function::selu:
            return b * (x < 0.0F ? a * std::expm1(x) : x);
        case value_function::celu:
            return x < 0.0F ? a * std::expm1(x / a) : x;
        case value_function::softplus:
            return softplus(x);
        case value_function::mish:
            return x * std::tanh(softplus(x));
        case value_function::softsign:
            return x / (1.0F + std::abs(x));
        case value_function::thresholded_relu:
            return x <= a ? 0.0F : x;
        case value_function::hardsigmoid:
            return std::min(std::max(a * x + b, 0.0F), 1.0F);
        case value_function::negate:
            return -x;
        case value_function::absolute:
            return std::abs(x);
        case value_function::shrink:
            return x > a ? x - b : x < -a ? x + b : x - x;
        case value_function::gated:
            return x * std::min(std::max(a * x + b, 0.0F), 1.0F);
        case value_function::erf:
            return std::erf(x);
        case value_function::tanh:
            return std::tanh(x);
        case value_function::exponential:
            return std::exp(x);
        case value_function::logarithm:
            return std::log(x);
        case value_function::square_root:
            return std::sqrt(x);
        case value_function::reciprocal:
            return 1.0F / x;
        case value_function::power:
            return std::pow(x, a);
        case value_function::equals:
            return x == a ? 1.0F : x != x ? x : 0.0F;
        case value_function::differs:
            return x != a ? x != x ? x : 1.0F : 0.0F;
        case value_function::gelu:
            return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
        case value_function::gelu_tanh:
            return 0.5F * x * (1.0F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
        case value_function::quantised:
            return std::nearbyint(x / a) * a;  // `on_grid` knows its bounds
        case value_function::bipolar:
            return x < 0.0F ? -a : a;
        case value_function::truncated:
            return std::floor(std::nearbyint(x / a) / b) * (b * a);
        case value_function::floor:
            return std::floor(x);
        case value_function::ceiling:
            return std::ceil(x);
        case value_function::rounded:
            return std::nearbyint(x);
        case value_function::sign:
            return x > 0.0F ? 1.0F : x < 0.0F ? -1.0F : x;
        case value_function::sine:
            return std::sin(x);
        case value_function::cosine:
            return std::cos(x);
        case value_function::tangent:
            return std::tan(x);
        case value_function::arcsine:
            return std::asin(x);
        case value_function::arccosine:
            return std::acos(x);
        case value_function::arctangent:
            return std::atan(x);
        case value_function::sinh:
            return std::sinh(x);
        case value_function::cosh:
            return std::cosh(x);
        case value_function::arsinh:
            return std::asinh(x);
        case value_function::arcosh:
            return std::acosh(x);
        case value_function::artanh:
            return std::atanh(x);
        case value_function::below:
            return x < a ? 1.0F : x != x ? x : 0.0F;
        case value_function::above:
            return x > a ? 1.0F : x != x ? x : 0.0F;
        case value_function::at_most:
            return x <= a ? 1.0F : x != x ? x : 0.0F;
        case value_function::at_least:
            return x >= a ? 1.0F : x != x ? x : 0.0F;
    }
    return x;
}

/// The nearest of scale * (least .. most), whole numbers, to x: of two the even one. As onnxruntime
/// quantises: the quotient in float32, rounded to even, then bounded.
inline float on_grid(float x, float scale, float least, float most) {
    return std::min(std::max(std::nearbyint(x / scale), least), most) * scale;
}

}  // namespace hass
