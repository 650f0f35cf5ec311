/// \file arithmetic.hpp
/// Constant-expression integer and rounding helpers that the standard library does not offer in C++20.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hass::detail {

/// ceil(a / b) for a >= 0, b >= 1.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    // unsigned: a constant divides in fewer steps
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a + b - 1) /
                                     static_cast<std::uint64_t>(b));
}

/// Smallest whole number >= x, for |x| < 2^62.
constexpr double ceil(double x) {
    const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole < x ? whole + 1.0 : whole;
}

/// x without its fraction, for |x| < 2^62.
constexpr double trunc(double x) {
    return static_cast<double>(static_cast<std::int64_t>(x));
}

/// ceil(log2 n) for n >= 1: the bits that count to n.
constexpr int bits_for(std::int64_t n) {
    return n <= 1 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
}

/// Sum of ceil(log2 k) over k = 1 .. n, for n >= 0 (n b - 2^b + 1 with b = ceil(log2 n)).
constexpr std::int64_t bits_up_to(std::int64_t n) {
    if (n < 1) return 0;
    const int bits = bits_for(n);
    return n * bits - (std::int64_t{1} << bits) + 1;
}

/// A short list on the stack.
struct int_list {
    std::array<int, 256> value{};
    std::size_t count = 0;

    constexpr const int* begin() const { return value.data(); }
    constexpr const int* end() const { return value.data() + count; }
};

/// Divisors of n >= 1, ascending (no int below 10^6 has more than 240).
constexpr int_list divisors(int n) {
    int_list small;
    int_list large;
    for (int d = 1; d <= n / d; ++d) {
        if (n % d != 0) continue;
        small.value[small.count++] = d;
        if (d != n / d) large.value[large.count++] = n / d;
    }
    while (large.count > 0) small.value[small.count++] = large.value[--large.count];
    return small;
}

}  // namespace hass::detail
