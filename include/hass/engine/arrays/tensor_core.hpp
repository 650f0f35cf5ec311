/// \file tensor_core.hpp
/// The tensor-core family of the Sparseloop artifact (MICRO 2022, figure 15): 1,024 multipliers of
/// 8 bits whose speed-up from 2:H weights ends where the shared memory's 42 words a cycle end. The
/// cycles of all 80 published designs follow from one formula, within 2 cycles:
///
///     ideal  = ceil(M / 64) ceil(K / (8 H)) N
///     words  = 8 (1 + m / 8) + b,   b = 8 H, or 8 H d_B + H when activations are compressed
///     cycles = ideal max(1, words / 42)
#pragma once

#include <cstdint>
#include <optional>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/arrays/array.hpp>

namespace hass {

/// A tensor core whose weights are 2:H structured along K, H one of 2 (dense), 4, 6, 8. It runs the
/// sparsest of its structures that the layer's weight density allows (2/H >= density): the weights
/// are taken to conform to it.
struct tensor_core {
    int largest_h = 2;                  ///< 2, 4, 6 or 8
    bool run_length_metadata = false;   ///< offsets as run lengths: 2 bits up to 2:6
    bool compress_activations = false;  ///< with a bitmask, in shared memory and DRAM
    /// Words a cycle from shared memory; nullopt: enough.
    std::optional<double> words_per_cycle = 42.0;
    std::optional<double> area{};  ///< mm2

    static constexpr int tile_m = 64;   ///< filters at a time
    static constexpr int tile_n = 128;  ///< positions for which a weight stays in its register
    static constexpr int tile_k = 8;    ///< 2:H groups of K at a time; 2 x 8 x 64 multipliers
    static constexpr int words_per_row = 64;  ///< of shared memory; also its metadata's bits

    static constexpr int multipliers() { return 2 * tile_k * tile_m; }
    constexpr std::optional<double> area_mm2() const { return area; }

    /// The structure that weights of that density run with.
    /// \param density  in [0, 1]
    constexpr int structure(double density) const {
        int h = 2;
        // 1e-9: a third written as 1 - 2/3 is a third.
        while (h + 2 <= largest_h && (h + 2) * density <= 2.0 + 1e-9) h += 2;
        return h;
    }

    /// Metadata bits of one kept weight: offsets in fields of a power of two.
    constexpr int metadata_bits(int h) const {
        if (h == 2) return 0;
        if (h == 4 || (run_length_metadata && h == 6)) return 2;
        return 4;
    }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        detail::require_array("tensor core", {largest_h}, s);
        const matrix_product p = as_matrix_product(row);
        const int h = structure(1.0 - s.weight_sparsity);
        const double m_bits = metadata_bits(h);
        const double d_b = 1.0 - s.activation_sparsity;
        const std::int64_t k_steps = detail::ceil_div(p.k, std::int64_t{tile_k} * h);
        const auto k = static_cast<double>(k_steps * tile_k * h);  // padded to whole steps
        const auto m = static_cast<double>(p.m);
        const auto n = static_cast<double>(p.n);
        const auto groups = static_cast<double>(p.groups);

        const double ideal =
            static_cast<double>(detail::ceil_div(p.m, tile_m) * k_steps) * n * groups;
        const double a_words = tile_k * (1.0 + m_bits / 8.0);
        const double b_words = compress_activations ? tile_k * h * d_b + h : tile_k * h;

        const double stored_a = m * k * 2.0 / h;
        const double stored_b = k * n * (compress_activations ? d_b : 1.0);
        const double macs = m * n * k * 2.0 / h;
        const double a_reads = stored_a * n / tile_n;
        const double a_metadata = m_bits / words_per_row;
        const double b_metadata = compress_activations ? k * n / words_per_row : 0.0;
        const double updates = m * n * static_cast<double>(k_steps);

        memory_accesses x;
        x.operand_register = (1.0 + m_bits / 8.0) * (macs + a_reads);
        x.accumulator_read = updates - m * n;
        x.accumulator_write = updates + m * n;
        x.buffer_read = (a_reads + stored_b * m / tile_m) / words_per_row;
        x.buffer_write = (stored_a + stored_b) / words_per_row;
        x.metadata_read = a_reads * a_metadata + b_metadata * m / tile_m;
        x.metadata_write = stored_a * a_metadata + b_metadata;
        x.dram = stored_a + stored_b + m * n;
        for (double memory_accesses::*field :
             {&memory_accesses::operand_register, &memory_accesses::accumulator_read,
              &memory_accesses::accumulator_write, &memory_accesses::buffer_read,
              &memory_accesses::buffer_write, &memory_accesses::metadata_read,
              &memory_accesses::metadata_write, &memory_accesses::dram})
            x.*field *= groups;
        return {ideal * throttle(a_words + b_words, words_per_cycle), macs * groups, 0.0, x};
    }
};

/// The designs of figure 15; areas of the first two are published.
namespace tensor_cores {
inline constexpr tensor_core dense{2, false, false, 42.0, 4.54};   ///< no structure
inline constexpr tensor_core sparse{4, false, false, 42.0, 3.14};  ///< 2:4
inline constexpr tensor_core flexible{8, false, false, 42.0, {}};  ///< 2:4, 2:6, 2:8
/// the same, with run-length offsets.
inline constexpr tensor_core flexible_run_length{8, true, false, 42.0, {}};
/// zero activations skipped as well.
inline constexpr tensor_core dual_compressed{8, true, true, 42.0, {}};
}  // namespace tensor_cores

}  // namespace hass
