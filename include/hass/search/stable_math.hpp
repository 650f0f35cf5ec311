/// \file stable_math.hpp
/// exp, log and log1p that return the same double on every compiler and C library.
///
/// std::exp and std::log differ in the last bit between C libraries, and one bit is enough to send
/// a search another way. These use only IEEE additions, multiplications and divisions in a fixed
/// order, so a seed means the same trials everywhere. They hold as long as the compiler keeps to
/// the language: no -ffast-math and no contraction (-ffp-contract=off; g++ contracts by default
/// where the target has FMA). Accurate to 2 units in the last place. The polynomials are Chebyshev
/// interpolants on the reduced ranges.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace hass {

namespace detail {

/// Horner's rule; coefficients from the constant term upwards.
template <std::size_t N>
constexpr double polynomial(const std::array<double, N>& coefficients, double x) {
    double sum = coefficients[N - 1];
    for (std::size_t i = N - 1; i-- > 0;) sum = sum * x + coefficients[i];
    return sum;
}

inline constexpr double ln2_high = 6.93147180369123816490e-01;  // 32 trailing bits are zero
inline constexpr double ln2_low = 1.90821492927058770002e-10;

/// (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2, relative error of exp 2e-17.
inline constexpr std::array<double, 10> exp_coefficients{
    0.50000000000000011,    0.16666666666666669,    0.041666666666624129,   0.0083333333333300615,
    0.0013888888917213717,  0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06,
    2.7620088445409746e-07, 2.510038549551032e-08};

/// exp for x in [-707, 709]: no branch, no table, so that loops over it vectorise.
constexpr double exp_core(double x) {
    constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
    const double shifted = x * 1.4426950408889634 + shifter;
    const double k = shifted - shifter;
    const double r = (x - k * ln2_high) - k * ln2_low;
    const double e = 1.0 + (r + r * r * polynomial(exp_coefficients, r));
    // The low bits of `shifted` hold k; moved into the exponent field they are 2^k.
    const auto scale = (std::bit_cast<std::uint64_t>(shifted) + 1023U) << 52U;
    return e * std::bit_cast<double>(scale);
}

/// exp(x) for x <= 0, with everything below -707 (1e-307) flushed to that value.
constexpr double exp_flushed(double x) {
    return exp_core(x < -707.0 ? -707.0 : x);
}

}  // namespace detail

/// e^x; 0 below -745.2, inf above 709.78, NaN for NaN.
constexpr double stable_exp(double x) {
    if (x != x) return x;
    if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
    if (x < -745.2) return 0.0;
    if (x < -700.0) return detail::exp_core(x + 80.0) * 1.8048513878454153e-35;
    if (x > 709.0) return detail::exp_core(x - 1.0) * 2.718281828459045;
    return detail::exp_core(x);
}

/// Natural logarithm; -inf for 0, NaN below, subnormals included.
constexpr double stable_log(double x) {
    if (x != x || x < 0.0) return std::numeric_limits<double>::quiet_NaN();
    if (x == 0.0) return -std::numeric_limits<double>::infinity();
    if (x == std::numeric_limits<double>::infinity()) return x;
    int exponent = 0;
    if (x < std::numeric_limits<double>::min()) {
        x *= 18014398509481984.0;  // 2^54
        exponent = -54;
    }
    auto bits = std::bit_cast<std::uint64_t>(x);
    // Shift the mantissa range to [sqrt(1/2), sqrt(2)) so that f is small on both sides of 1.
    bits += 0x3ff0000000000000ULL - 0x3fe6a09e667f3bcdULL;
    exponent += static_cast<int>(bits >> 52U) - 1023;
    bits = (bits & 0x000fffffffffffffULL) + 0x3fe6a09e667f3bcdULL;
    const double f = std::bit_cast<double>(bits) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    constexpr std::array<double, 9> coefficients{
        0.66666666666666663, 0.39999999999999991, 0.28571428571435409,
        0.22222222219844232, 0.18181818595769064, 0.15384574966460907,
        0.13335645841949378, 0.11687962997542156, 0.1188345239410786};
    const double rest = z * detail::polynomial(coefficients, z);
    const double half_square = 0.5 * f * f;
    const double k = exponent;
    return k * detail::ln2_high -
           ((half_square - (s * (half_square + rest) + k * detail::ln2_low)) - f);
}

/// ln(1 + x), accurate for small x.
constexpr double stable_log1p(double x) {
    const double u = 1.0 + x;
    if (u == 1.0) return x;
    if (!(u > 0.0) || u == std::numeric_limits<double>::infinity()) return stable_log(u);
    return stable_log(u) - ((u - 1.0) - x) / u;
}

}  // namespace hass
