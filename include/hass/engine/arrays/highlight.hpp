/// \file highlight.hpp
/// HighLight (MICRO 2023, arXiv 2305.12718): weights with two ranks of G:H structure; empty blocks
/// of rank 1 are never fetched, rank 0 selects within a block. Activations are compressed, and
/// their zeros gate a multiplier without saving its cycle.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/arrays/array.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/statistics/power.hpp>

namespace hass {

/// What the zeros of the operand without structure do.
enum class zero_operand : std::uint8_t {
    gate,  ///< the multiplier holds still, the cycle passes
    skip,  ///< pairs that advance together are left out when all are zero
};

/// 1,024 multipliers as `rows` filters x `lanes1 lanes0` pairs x `columns` positions. The split
/// over rows and columns is not published. For a GEMM whose K is whole blocks
///
///     cycles = ceil(M / rows) ceil(K G1 G0 / (H1 H0 lanes1 lanes0)) ceil(N / columns)
///
/// times the throttle. Weights are taken to conform; lanes above G1 G0 are idle. Layers with
/// less than a block of input channels, or that the structure does not make faster, run dense.
/// Accesses are not published: energy of compute only.
struct highlight {
    patterns::rank rank1{4, 4};                     ///< of the weights, outer: G1 of H1 blocks
    patterns::rank rank0{2, 2};                     ///< inner: G0 of H0 channels
    zero_operand activations = zero_operand::gate;  ///< what a zero activation does
    int rows = 16;                                  ///< of the array
    int columns = 8;                                ///< of the array
    int lanes1 = 4;                                 ///< blocks at a time
    int lanes0 = 2;                                 ///< pairs of a block at a time
    int skip_pairs = 8;  ///< pairs that advance together: what `skip` needs to be all zero
    /// Activation words a cycle; nullopt: enough. A step needs G1 H0 words a column, compressed.
    std::optional<double> words_per_cycle{};

    /// The engine for weights of that pattern.
    template <class R1, class R0>
    static constexpr highlight of(patterns::hss<R1, R0>) {
        return {{R1::keep, R1::of}, {R0::keep, R0::of}};
    }

    constexpr int multipliers() const { return rows * columns * lanes1 * lanes0; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        using detail::ceil_div;
        detail::require_array(
            "HighLight",
            {rank1.keep, rank1.of, rank0.keep, rank0.of, rows, columns, lanes1, lanes0, skip_pairs},
            s);
        const matrix_product p = as_matrix_product(row);
        const double density = (1.0 - s.activation_sparsity) * inside_share(s);
        const std::int64_t block = std::int64_t{rank1.of} * rank0.of;
        const std::int64_t blocks = ceil_div(channels_per_group(row), block) * taps(row);
        const std::int64_t structured =
            blocks * ceil_div(rank1.keep, lanes1) * ceil_div(rank0.keep, lanes0);
        const std::int64_t dense = ceil_div(p.k, std::int64_t{lanes1} * lanes0);
        const bool runs_dense = channels_per_group(row) < block || dense <= structured;
        const double words =
            (runs_dense ? lanes1 * lanes0 : rank1.keep * rank0.of) * density * columns;
        const double tiles = static_cast<double>(ceil_div(p.m, rows) * ceil_div(p.n, columns)) *
                             static_cast<double>(p.groups);

        double cycles = tiles * static_cast<double>(runs_dense ? dense : structured);
        double slots = p.macs() * (runs_dense ? 1.0 : (rank1.density() * rank0.density()).value());
        if (activations == zero_operand::skip) {
            const double all_zero = detail::power(1.0 - density, skip_pairs);
            cycles *= 1.0 - all_zero;
            slots *= 1.0 - all_zero;
        }
        cycles *= throttle(words, words_per_cycle);
        const double macs = std::min(slots, p.macs() * (1.0 - s.pair_sparsity_padded));
        return {cycles, macs, slots - macs, {}};
    }
};

}  // namespace hass
