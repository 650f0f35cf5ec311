/// \file resource_vector.hpp
/// Needs and budgets as vectors, in the order of `resources`: what the allocator sums and compares.
#pragma once

#include <array>
#include <cstddef>

#include <hass/engine/usage.hpp>

namespace hass {

/// Resources as a vector, in the order of `resources`.
using resource_vector = std::array<double, resources.size()>;

/// In the order of `resources`.
constexpr resource_vector to_vector(const usage& u) {
    resource_vector v{};
    for (std::size_t r = 0; r < v.size(); ++r) v[r] = u.*resources[r].field;
    return v;
}

/// The other way.
constexpr usage to_usage(const resource_vector& v) {
    usage u;
    for (std::size_t r = 0; r < v.size(); ++r) u.*resources[r].field = v[r];
    return u;
}

/// What a row needs, or a device has, in the form that sums and budgets of the allocator take. A
/// block RAM that is missing may cost `lut_each` LUTs (0: it may not be missing). That
///
///     bram18 - x <= B and lut + lut_each x <= L     for some x >= 0
///
/// is the same as lut <= L and lut + lut_each bram18 <= L + lut_each B; the latter two are sums
/// over rows, and the second takes the place of block RAMs.
constexpr resource_vector to_needs(const usage& u, double lut_each) {
    resource_vector v = to_vector(u);
    if (lut_each > 0.0) v[bram18_index] = u.lut + lut_each * u.bram18;
    return v;
}

/// Which share of the budget a unit of each resource is; 0 where there is none.
constexpr resource_vector share_weights(const resource_vector& budget) {
    resource_vector w{};
    for (std::size_t r = 0; r < w.size(); ++r) w[r] = budget[r] > 0.0 ? 1.0 / budget[r] : 0.0;
    return w;
}

namespace detail {

/// Whether `a` needs no more than `b` of anything.
constexpr bool no_more(const resource_vector& a, const resource_vector& b) {
    bool holds = true;
    for (std::size_t r = 0; r < a.size(); ++r) holds = holds && a[r] <= b[r];
    return holds;
}

constexpr double dot(const resource_vector& a, const resource_vector& b) {
    // fixed association, so that compilers agree and lanes can be used
    return (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3]) + (a[4] * b[4] + a[5] * b[5]);
}

}  // namespace detail

}  // namespace hass
