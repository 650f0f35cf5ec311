/// \file power.hpp
/// Whole powers, as constant expressions.
#pragma once

#include <cstdint>

namespace hass::detail {

/// x^n for n >= 0, by squaring.
constexpr double power(double x, std::int64_t n) {
    double result = 1.0;
    for (; n > 0; n /= 2, x *= x)
        if (n % 2 != 0) result *= x;
    return result;
}

}  // namespace hass::detail
