/// \file reuse_factor.hpp
/// Which reuse factors hls4ml has for a matrix of n_in x n_out (fastmachinelearning/hls4ml,
/// Apache-2.0, ef92ebdf, v1.3.0-17: hls4ml/backends/fpga/fpga_backend.py, _validate_reuse_factor).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass::hls4ml {

/// How a matrix product is built.
enum class strategy : std::uint8_t { latency, resource, resource_unrolled };
inline constexpr std::array<std::string_view, 3> strategy_names{"Latency", "Resource",
                                                                "resource_unrolled"};
constexpr std::string_view name(strategy s) {
    return strategy_names[static_cast<std::size_t>(s)];
}

/// Whether the strategy Resource takes `reuse`: it divides n_in, or is n_in t with t a divisor of
/// n_out.
/// \param n_in, n_out  >= 1
constexpr bool legal_reuse(std::int64_t n_in, std::int64_t n_out, std::int64_t reuse) {
    if (reuse < 1) return false;
    const std::int64_t multiplied = std::min(n_in, reuse);
    const std::int64_t limit = detail::ceil_div(n_in * n_out, multiplied);
    return (limit % n_out == 0 || reuse >= n_in) && (reuse % n_in == 0 || reuse < n_in) &&
           n_in * n_out % reuse == 0;
}

/// Every legal reuse factor, ascending. Of `latency`, which takes any, those that divide n_in n_out:
/// others take as many multipliers as the next smaller one of these at more cycles, or waste some.
constexpr std::vector<std::int64_t> legal_reuse_factors(std::int64_t n_in, std::int64_t n_out,
                                                        strategy how = strategy::resource) {
    std::vector<std::int64_t> small, large;
    const std::int64_t all = n_in * n_out;
    for (std::int64_t r = 1; r <= all / r; ++r) {
        if (all % r != 0) continue;
        const auto take = [&](std::int64_t reuse, std::vector<std::int64_t>& list) {
            if (how == strategy::latency || legal_reuse(n_in, n_out, reuse)) list.push_back(reuse);
        };
        take(r, small);
        if (r != all / r) take(all / r, large);
    }
    small.insert(small.end(), large.rbegin(), large.rend());
    if (how == strategy::resource_unrolled) {  // neither 1 nor the largest
        if (!small.empty()) small.pop_back();
        if (!small.empty() && small.front() == 1) small.erase(small.begin());
    }
    return small;
}

/// What hls4ml takes instead of `wanted`: the nearest legal one, the smaller on ties.
/// \throws hass::error for a reuse factor below 1; where the strategy has none for this matrix
constexpr std::int64_t nearest_reuse(std::int64_t n_in, std::int64_t n_out, std::int64_t wanted,
                                     strategy how = strategy::resource) {
    if (wanted < 1) throw error(text_of({"reuse factor ", wanted, " must be at least 1"}));
    if (how == strategy::latency) return wanted;
    const std::vector<std::int64_t> legal = legal_reuse_factors(n_in, n_out, how);
    if (legal.empty())
        throw error(
            text_of({"strategy ", name(how), " has no reuse factor for ", n_in, " x ", n_out}));
    std::int64_t best = legal.front();
    for (const std::int64_t r : legal) {
        const std::int64_t off = r > wanted ? r - wanted : wanted - r;
        if (off < (best > wanted ? best - wanted : wanted - best)) best = r;
    }
    return best;
}

/// The reuse factor of a target in cycles: (T - 6 N) / N, not yet a legal one.
/// \param n  outputs of a dense layer, output positions of a convolution
/// \throws hass::error for a target below 6 N
constexpr std::int64_t reuse_of_target(std::int64_t target, std::int64_t n) {
    if (n < 1 || target < 6 * n)
        throw error(
            text_of({"a target of ", target, " cycles is below ", 6 * n, " for ", n, " outputs"}));
    return (target - 6 * n) / n;
}

}  // namespace hass::hls4ml
