/// \file pointwise.hpp
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
enum class pointwise : std::uint8_t {
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
};

inline constexpr std::array<std::string_view, 27> pointwise_names{
    "identity",    "elu",         "selu",       "celu",
    "softplus",    "mish",        "softsign",   "thresholded_relu",
    "hardsigmoid", "negate",      "absolute",   "shrink",
    "gated",       "erf",         "tanh",       "exponential",
    "logarithm",   "square_root", "reciprocal", "power",
    "equals",      "differs",     "gelu",       "gelu_tanh",
    "quantised",   "bipolar",     "truncated"};

constexpr std::string_view name(pointwise f) {
    return pointwise_names[static_cast<std::size_t>(f)];
}

/// log(exp(x) + 1) without overflow.
inline float softplus(float x) {
    return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x)));
}

/// f(x); infinite or not a number where x is, or where the function has no value.
inline float apply(pointwise f, float x, float a, float b) {
    switch (f) {
        case pointwise::identity:
            return x;
        case pointwise::elu:
            return x < 0.0F ? a * std::expm1(x) : x;
        case pointwise::selu:
            return b * (x < 0.0F ? a * std::expm1(x) : x);
        case pointwise::celu:
            return x < 0.0F ? a * std::expm1(x / a) : x;
        case pointwise::softplus:
            return softplus(x);
        case pointwise::mish:
            return x * std::tanh(softplus(x));
        case pointwise::softsign:
            return x / (1.0F + std::abs(x));
        case pointwise::thresholded_relu:
            return x <= a ? 0.0F : x;
        case pointwise::hardsigmoid:
            return std::min(std::max(a * x + b, 0.0F), 1.0F);
        case pointwise::negate:
            return -x;
        case pointwise::absolute:
            return std::abs(x);
        case pointwise::shrink:
            return x > a ? x - b : x < -a ? x + b : x - x;
        case pointwise::gated:
            return x * std::min(std::max(a * x + b, 0.0F), 1.0F);
        case pointwise::erf:
            return std::erf(x);
        case pointwise::tanh:
            return std::tanh(x);
        case pointwise::exponential:
            return std::exp(x);
        case pointwise::logarithm:
            return std::log(x);
        case pointwise::square_root:
            return std::sqrt(x);
        case pointwise::reciprocal:
            return 1.0F / x;
        case pointwise::power:
            return std::pow(x, a);
        case pointwise::equals:
            return x == a ? 1.0F : x != x ? x : 0.0F;
        case pointwise::differs:
            return x != a ? x != x ? x : 1.0F : 0.0F;
        case pointwise::gelu:
            return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
        case pointwise::gelu_tanh:
            return 0.5F * x * (1.0F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
        case pointwise::quantised:
            return std::nearbyint(x / a) * a;  // `on_grid` knows its bounds
        case pointwise::bipolar:
            return x < 0.0F ? -a : a;
        case pointwise::truncated:
            return std::floor(std::nearbyint(x / a) / b) * (b * a);
    }
    return x;
}

/// The nearest of scale * (least .. most), whole numbers, to x: of two the even one. As onnxruntime
/// quantises: the quotient in float32, rounded to even, then bounded.
inline float on_grid(float x, float scale, float least, float most) {
    return std::min(std::max(std::nearbyint(x / scale), least), most) * scale;
}

}  // namespace hass
