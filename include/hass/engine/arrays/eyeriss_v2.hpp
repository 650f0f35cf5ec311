/// \file eyeriss_v2.hpp
/// The processing element of Eyeriss v2 as the Sparseloop artifact models it (MICRO 2022, figure
/// 12): both operands compressed, one multiplication a cycle for every pair of non-zeros, nothing
/// else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <hass/engine/arrays/array.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// Pairs of non-zeros of a pointwise layer, sum over channels of nnz(activations) nnz(weights):
/// exact, because within a channel every activation meets every weight.
/// \param activations, weights  non-zeros of each input channel, over positions and filters
/// \throws hass::error when the two differ in length
inline std::int64_t joint_nonzeros(std::span<const int> activations, std::span<const int> weights) {
    if (activations.size() != weights.size())
        throw error(text_of({"joint_nonzeros: activations of ", activations.size(),
                             " channels, weights of ", weights.size()}));
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < activations.size(); ++c)
        sum += std::int64_t{activations[c]} * weights[c];
    return sum;
}

/// Cycles are the pairs that survive. With measured statistics this is the exact count; with
/// `independent_statistics` it is the uniform model M E F C R S d_in d_w, 1-7 % below on the
/// published layers because the non-zeros of weights and activations are correlated by channel.
struct eyeriss_v2_pe {
    int macs_per_cycle = 1;  ///< pairs that the PEs multiply in a cycle

    constexpr int multipliers() const { return macs_per_cycle; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        detail::require_array("Eyeriss v2 PE", {macs_per_cycle}, s);
        const double pairs = as_matrix_product(row).macs() * (1.0 - s.pair_sparsity_padded);
        return {pairs / macs_per_cycle, pairs, 0.0, {}};
    }
};

}  // namespace hass
