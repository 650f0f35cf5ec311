/// \file truncated_normal.hpp
/// Mass and inverse distribution function of the standard normal between two bounds.
///
/// Both keep 1e-12 relative accuracy where subtracting two values of Phi keeps none: far in a tail,
/// and in cells so narrow that the two values agree. Tails go through Mills' ratio
/// M(x) = Q(x) / phi(x), one polynomial on [0, inf); narrow cells through Gauss-Legendre
/// quadrature.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include <hass/search/stable_math.hpp>

namespace hass {

namespace detail {

inline constexpr double half_log_two_pi = 0.91893853320467274178;  // ln sqrt(2 pi)
inline constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;

/// M(x) (x + 1) as a polynomial in (x - 4) / (x + 4), x >= 0; relative error 6e-17.
inline constexpr std::array<double, 25> mills_coefficients{
    1.1832619145678034,      -0.24239967052180816,    0.035091880234748345,
    0.071690481201440726,    -0.080708009679067785,   0.044959129076984398,
    -0.012539103620118907,   -0.00071595090426228682, 0.0017418487711201582,
    -0.00023670176561751564, -0.00022021556122589934, 5.3266998522765402e-05,
    3.4158763380516596e-05,  -8.6062598553365269e-06, -6.5532360713538229e-06,
    1.0196122279244076e-06,  1.3905788437143398e-06,  -3.238458448879413e-09,
    -2.8674105075603825e-07, -4.4852920833198979e-08, 5.0655119607601913e-08,
    1.3684620474785319e-08,  -6.5161401284812291e-09, -1.6886238691550213e-09,
    4.4040925724540144e-10};

/// First guess of the normal quantile: z = (v - v0) P(t), v = sqrt(-2 ln q), t = (v - 3) / (v + 3);
/// absolute error 2e-5 for q >= 1e-340.
inline constexpr std::array<double, 13> quantile_coefficients{
    1.2545995377326544,   -0.37411263086094992,  0.20692316705350278,   -0.14719285055579798,
    0.11049547956174377,  -0.088790758526514232, 0.066389549106636456,  -0.065291728606589342,
    0.09844690275116158,  -0.086702920256871541, -0.015059950023649118, 0.073050366390913377,
    -0.032751240390204966};
inline constexpr double quantile_origin = 1.1774100225154747;  // sqrt(2 ln 2): v where q = 1/2

/// Abscissae and weights of the 8-point Gauss-Legendre rule on [0, 1].
inline constexpr std::array<double, 8> gauss_nodes{
    0.019855071751231884, 0.10166676129318664, 0.2372337950418355,  0.40828267875217511,
    0.59171732124782489,  0.7627662049581645,  0.89833323870681336, 0.98014492824876812};
inline constexpr std::array<double, 8> gauss_weights{
    0.050614268145188129, 0.1111905172266872,  0.15685332293894363, 0.18134189168918099,
    0.18134189168918099,  0.15685332293894363, 0.1111905172266872,  0.050614268145188129};

/// Integral of exp(-(x^2 - a^2) / 2) over [a, a + width], for widths where the integrand falls by
/// less than a factor of about e.
constexpr double narrow_integral(double a, double width) {
    double sum = 0.0;
    for (std::size_t i = 0; i < gauss_nodes.size(); ++i) {
        const double t = width * gauss_nodes[i];
        sum += gauss_weights[i] * stable_exp(-t * (a + 0.5 * t));
    }
    return sum * width;
}

}  // namespace detail

/// Mills' ratio of the normal distribution, (1 - Phi(x)) / phi(x), for x >= 0.
constexpr double mills_ratio(double x) {
    return detail::polynomial(detail::mills_coefficients, (x - 4.0) / (x + 4.0)) / (x + 1.0);
}

/// 1 - Phi(x) for x >= 0; relative error below x^2 * 1e-16.
constexpr double normal_upper_tail(double x) {
    if (x > 38.6) return 0.0;  // below the smallest double
    return detail::inverse_sqrt_two_pi * stable_exp(-0.5 * x * x) * mills_ratio(x);
}

namespace detail {

/// True where the interval [a, b], 0 <= a, is so narrow that the difference of tails would cancel.
constexpr bool narrow(double a, double width) {
    return width * (a > 1.0 ? a : 1.0) < 1.0;
}

/// The z >= 0 with M(z) exp(-(z^2 - a^2) / 2) = exp(log_target), given z >= a >= 0.
///
/// Halley's method on the logarithm, whose slope is -1 / M(z): from the polynomial's guess one step
/// reaches 1e-14, the second is there for the far tail where the guess is poor.
inline double solve_tail(double a, double log_target) {
    const double log_q = log_target - 0.5 * a * a - half_log_two_pi;
    const double v = std::sqrt(log_q < -0.69314718055994529 ? -2.0 * log_q : 1.3862943611198906);
    double z = (v - quantile_origin) * polynomial(quantile_coefficients, (v - 3.0) / (v + 3.0));
    if (z < a) z = a;
    for (int step = 0; step < 8; ++step) {
        const double m = mills_ratio(z);
        const double excess = stable_log(m) - 0.5 * (z - a) * (z + a) - log_target;
        const double newton = m * excess;
        // f' = -1/M, f'' = (z M - 1) / M^2
        const double next = z + newton / (1.0 + 0.5 * newton * (z * m - 1.0) / m);
        const double moved = next - z;
        z = next < 0.0 ? 0.0 : next;
        if (moved < 1e-5 && moved > -1e-5) break;
    }
    return z;
}

/// Quantile of the standard normal truncated to [a, b], 0 <= a < b, at u in [0, 1]; `rest` = 1 - u,
/// given apart because a mirrored caller knows it exactly.
inline double upper_quantile(double a, double b, double u, double rest) {
    const double width = b - a;
    if (narrow(a, width)) {
        const double target = u * narrow_integral(a, width);
        double t = u * width;
        for (int step = 0; step < 8; ++step) {
            const double moved = (target - narrow_integral(a, t)) * stable_exp(t * (a + 0.5 * t));
            t += moved;
            if (moved <= 1e-8 * width && moved >= -1e-8 * width) break;
        }
        return a + t;
    }
    const double far = b < std::numeric_limits<double>::infinity()
                           ? mills_ratio(b) * stable_exp(-0.5 * width * (b + a))
                           : 0.0;
    return solve_tail(a, stable_log(rest * mills_ratio(a) + u * far));
}

}  // namespace detail

/// ln(Phi(b) - Phi(a)), a < b, either may be infinite; -inf when a >= b.
///
/// Relative error below 1e-12 everywhere, tails included.
constexpr double log_normal_mass(double a, double b) {
    using namespace detail;
    if (!(a < b)) return -std::numeric_limits<double>::infinity();
    if (b <= 0.0) {  // mirror into the upper tail
        const double t = -a;
        a = -b;
        b = t;
    }
    const double width = b - a;
    if (a >= 0.0) {
        if (narrow(a, width))
            return stable_log(narrow_integral(a, width)) - 0.5 * a * a - half_log_two_pi;
        const double far = b < std::numeric_limits<double>::infinity()
                               ? mills_ratio(b) * stable_exp(-0.5 * width * (b + a))
                               : 0.0;
        return stable_log(mills_ratio(a) - far) - 0.5 * a * a - half_log_two_pi;
    }
    if (width < 1.0) {
        const double mass = narrow_integral(0.0, b) + narrow_integral(0.0, -a);
        return stable_log(mass) - half_log_two_pi;
    }
    const double outside =
        (b < std::numeric_limits<double>::infinity() ? normal_upper_tail(b) : 0.0) +
        (a > -std::numeric_limits<double>::infinity() ? normal_upper_tail(-a) : 0.0);
    return stable_log1p(-outside);
}

/// The z in [a, b] with Phi(z) - Phi(a) = u (Phi(b) - Phi(a)): inverse distribution function of the
/// standard normal truncated to [a, b] at u in [0, 1]. a < b, either may be infinite.
///
/// Relative error below 1e-12 in the tails. A draw is one uniform number and one call.
inline double truncated_normal_quantile(double a, double b, double u) {
    using namespace detail;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (u <= 0.0) return a;
    if (u >= 1.0) return b;
    double z = 0.0;
    if (a >= 0.0) {
        z = upper_quantile(a, b, u, 1.0 - u);
    } else if (b <= 0.0) {
        z = -upper_quantile(-b, -a, 1.0 - u, u);
    } else if (b - a < 1.0) {
        // Both bounds near the middle: locate the side, then solve in the half interval.
        const double left = narrow_integral(0.0, -a);
        const double right = narrow_integral(0.0, b);
        const double target = u * (left + right);
        z = target < left
                ? -upper_quantile(0.0, -a, (left - target) / left, target / left)
                : upper_quantile(0.0, b, (target - left) / right, 1.0 - (target - left) / right);
    } else {
        const double below = a > -infinity ? normal_upper_tail(-a) : 0.0;
        const double above = b < infinity ? normal_upper_tail(b) : 0.0;
        const double mass = 1.0 - below - above;
        const double p = below + u * mass;
        const double q = above + (1.0 - u) * mass;
        z = p < q ? -solve_tail(0.0, stable_log(p) + half_log_two_pi)
                  : solve_tail(0.0, stable_log(q) + half_log_two_pi);
    }
    return z < a ? a : z > b ? b : z;
}

}  // namespace hass
