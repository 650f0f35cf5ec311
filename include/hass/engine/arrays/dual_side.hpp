/// \file dual_side.hpp
/// Dual-side sparse tensor core (DSTC, ISCA 2021), as the Sparseloop artifact parametrises it:
/// outer products of condensed columns. In each step of K a tile takes
///
///     ceil(nnz_a / lanes_a) ceil(nnz_b / lanes_b)   cycles
///
/// and not less than its partial sums need to reach the buffer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/arrays/array.hpp>
#include <hass/error.hpp>
#include <hass/statistics/power.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

/// Longest side of a tile.
inline constexpr int largest_tile = 64;

/// C(n, k) as doubles for n up to 64: the coefficients of binomial probabilities.
inline constexpr auto binomial_coefficients = [] {
    std::array<std::array<double, largest_tile + 1>, largest_tile + 1> c{};
    for (std::size_t n = 0; n < c.size(); ++n) {
        c[n][0] = 1.0;
        for (std::size_t k = 1; k <= n; ++k)
            c[n][k] = c[n - 1][k - 1] + (k < n ? c[n - 1][k] : 0.0);
    }
    return c;
}();

/// E[ceil(z / lanes)] for z ~ binomial(length, density); length <= largest_tile. The probabilities
/// are terms of a polynomial in the smaller of the two odds, a chain of products a round.
constexpr double expected_rounds(int length, double density, int lanes) {
    const auto& choices = binomial_coefficients[static_cast<std::size_t>(length)];
    const bool dense = density > 0.5;
    const double odds = dense ? (1.0 - density) / density : density / (1.0 - density);
    double sum = 0.0;
    for (int rounds = 1, low = 1; low <= length; ++rounds, low += lanes) {
        const int high = std::min(low + lanes - 1, length);
        const int first = dense ? length - high : low;
        const int last = dense ? length - low : high;
        double share = 0.0;
        for (int k = last; k >= first; --k)
            share = share * odds + choices[static_cast<std::size_t>(k)];
        sum += rounds * share * power(odds, first);
    }
    return sum * power(dense ? density : 1.0 - density, length);
}

}  // namespace detail

/// One core of tiles_a x tiles_b tiles side by side.
struct dual_side_core {
    int tile_a = 32;   ///< weights' side of a tile, 1..64
    int tile_b = 32;   ///< activations' side, 1..64
    int lanes_a = 8;   ///< multipliers are lanes_a x lanes_b a tile
    int lanes_b = 16;  ///< see `lanes_a`
    int tiles_a = 1;   ///< side by side along the weights
    int tiles_b = 1;   ///< side by side along the activations
    /// Partial sums a cycle and tile that reach the accumulation buffer; nullopt: enough.
    std::optional<double> buffer_words = 116.0;

    constexpr int multipliers() const { return lanes_a * lanes_b * tiles_a * tiles_b; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    /// Mean cycles of one step of one tile, zeros independent. The throttle is applied to the
    /// means.
    /// \param d_a, d_b  densities in [0, 1]
    constexpr double step_cycles(double d_a, double d_b) const {
        const double rounds = detail::expected_rounds(tile_a, d_a, lanes_a) *
                              detail::expected_rounds(tile_b, d_b, lanes_b);
        const double sums = tile_a * d_a * tile_b * d_b;
        return buffer_words ? std::max(rounds, sums / *buffer_words) : rounds;
    }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        using detail::ceil_div;
        detail::require_array("dual-side core",
                              {tile_a, tile_b, lanes_a, lanes_b, tiles_a, tiles_b}, s);
        if (const int side = std::max(tile_a, tile_b); side > detail::largest_tile)
            throw error(
                text_of({"dual-side core: a tile of ", side, ", at most ", detail::largest_tile}));
        const matrix_product p = as_matrix_product(row);
        const double steps = static_cast<double>(ceil_div(p.m, std::int64_t{tile_a} * tiles_a) *
                                                 ceil_div(p.n, std::int64_t{tile_b} * tiles_b)) *
                             static_cast<double>(p.k * p.groups);
        const double d_a = 1.0 - s.weight_sparsity;
        const double d_b = 1.0 - s.activation_sparsity;
        return {steps * step_cycles(d_a, d_b), p.macs() * d_a * d_b, 0.0, {}};
    }

    /// Exact cycles of given masks, one tile after another, without throttle.
    /// \param a  m x k, true: not zero
    /// \param b  k x n
    /// \throws hass::error when the sizes do not fit
    std::int64_t cycles(const std::vector<bool>& a, const std::vector<bool>& b, std::size_t m,
                        std::size_t k, std::size_t n) const {
        if (a.size() != m * k || b.size() != k * n)
            throw error(text_of({"dual_side_core: masks of ", a.size(), " and ", b.size(), " for ",
                                 m, " x ", k, " x ", n}));
        // Rounds of all tiles of one side add up before they multiply: sum_i sum_j r_i r_j.
        std::int64_t total = 0;
        for (std::size_t step = 0; step < k; ++step) {
            const auto rounds = [&](std::size_t length, int tile, int lanes, auto nonzero) {
                std::int64_t sum = 0;
                for (std::size_t first = 0; first < length;
                     first += static_cast<std::size_t>(tile)) {
                    std::int64_t nnz = 0;
                    for (std::size_t i = first;
                         i < std::min(length, first + static_cast<std::size_t>(tile)); ++i)
                        nnz += nonzero(i) ? 1 : 0;
                    sum += detail::ceil_div(nnz, lanes);
                }
                return sum;
            };
            total += rounds(m, tile_a, lanes_a, [&](std::size_t i) { return a[i * k + step]; }) *
                     rounds(n, tile_b, lanes_b, [&](std::size_t j) { return b[step * n + j]; });
        }
        return total;
    }
};

namespace dual_side_cores {
/// Figure 13 of the Sparseloop artifact: 128 multipliers.
inline constexpr dual_side_core single{};
/// Figure 15: 1,024 multipliers in four sub-partitions, their tiles long along the weights or along
/// the activations. The 16 published cycle counts lie between, -18 % to +34 % off the first form
/// and -19 % to +44 % off the second: no closed form for them is known.
inline constexpr dual_side_core four_tall{64, 32, 16, 16, 1, 4, {}};
/// As `four_tall`, along the activations.
inline constexpr dual_side_core four_wide{32, 64, 16, 16, 2, 2, {}};
}  // namespace dual_side_cores

}  // namespace hass
