/// \file array.hpp
/// Engines that are not stages of a pipeline on an FPGA but arrays of a fixed number of multipliers
/// that run the layers one after another: tensor cores, Eyeriss v2, HighLight and the like. None
/// has published FPGA resources, so they are not `Engine`s and no allocator can take them for free
/// ones:
///
///     Engine        cycles, cost in `usage`, foldings         -> allocate on a board
///     ArrayEngine   run(row, statistics), multipliers, area   -> compare at one array size
///
/// Pipeline engines without a published resource model offer cycles and foldings only
/// (`TimedEngine`, `timed_engine.hpp`) and become `Engine`s with a resource model of the user's.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/streams.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// A compute row as matrix products: weights m x k times activations k x n, `groups` times.
struct matrix_product {
    std::int64_t m = 1;       ///< filters of a group
    std::int64_t k = 1;       ///< C / g x taps
    std::int64_t n = 1;       ///< output pixels
    std::int64_t groups = 1;  ///< such products, on channels of their own

    /// Multiply-accumulates of all groups.
    constexpr double macs() const {
        return static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n) *
               static_cast<double>(groups);
    }
};

/// A compute row as matrix products.
constexpr matrix_product as_matrix_product(const layer_row& row) {
    return {filters_per_group(row), std::int64_t{channels_per_group(row)} * taps(row),
            row.out.pixels(), row.groups};
}

/// A matrix product as a row: m filters of k inputs over n positions. All >= 1 and within int.
constexpr layer_row as_row(int m, int k, int n) {
    layer_row row;
    row.in = {k, 1, n};
    row.out = {m, 1, n};
    return row;
}

/// Statistics of tensors whose zeros are independent of each other.
/// \param weight, activation  sparsities in [0, 1]
constexpr layer_statistics independent_statistics(double weight, double activation) {
    const double pair = 1.0 - (1.0 - weight) * (1.0 - activation);
    return {weight, activation, pair, pair, {}};
}

/// Share of multiply-accumulates whose tap lies inside the image, as the statistics imply it;
/// padding thins out the activations that an engine meets by this factor. 1 where no pair survives.
constexpr double inside_share(const layer_statistics& s) {
    return s.pair_sparsity < 1.0 ? (1.0 - s.pair_sparsity_padded) / (1.0 - s.pair_sparsity) : 1.0;
}

/// Accesses above the multipliers for one image, in words unless said otherwise. A row of a buffer
/// is as wide as one access of it.
struct memory_accesses {
    double operand_register = 0.0;   ///< words, metadata counted as the share of a word it fills
    double accumulator_read = 0.0;   ///< words
    double accumulator_write = 0.0;  ///< words
    double buffer_read = 0.0;        ///< rows
    double buffer_write = 0.0;       ///< rows
    double metadata_read = 0.0;      ///< rows
    double metadata_write = 0.0;     ///< rows
    double dram = 0.0;               ///< words
};

/// One row on an array, for one image.
struct array_run {
    double cycles = 0.0;      ///< from first to last
    double macs = 0.0;        ///< multiplications that switch
    double gated_macs = 0.0;  ///< slots that pass with a multiplier held still
    /// nullopt: the accesses of this engine are not published.
    std::optional<memory_accesses> memory{};
};

/// Anything that runs compute rows one after another:
///
///     run(row, statistics) -> array_run
///     multipliers() -> int
///     area_mm2() -> optional<double>       nullopt where none is published
///
/// Engines here throw hass::error for extents below 1 and for sparsities outside [0, 1].
template <class E>
concept ArrayEngine = requires(const E& e, const layer_row& row, const layer_statistics& s) {
    { e.run(row, s) } -> std::same_as<array_run>;
    { e.multipliers() } -> std::convertible_to<int>;
    { e.area_mm2() } -> std::same_as<std::optional<double>>;
};

/// Share of multiplier slots that hold a multiplication, gated ones left out; within [0, 1].
constexpr double utilisation(const array_run& run, int multipliers) {
    return run.cycles > 0.0 ? run.macs / (run.cycles * multipliers) : 0.0;
}

/// max(1, words needed / words available) a cycle; 1 where nothing limits.
constexpr double throttle(double words_needed, std::optional<double> words_available) {
    return words_available ? std::max(1.0, words_needed / *words_available) : 1.0;
}

namespace detail {

/// \throws hass::error for an extent of an engine below 1, or sparsities that are no shares
constexpr void require_array(std::string_view engine, std::initializer_list<int> extents,
                             const layer_statistics& s) {
    for (const int e : extents)
        if (e < 1) throw error(text_of({engine, ": an extent of ", e, ", must be at least 1"}));
    validate(s);
}

}  // namespace detail

/// An array without any support for zeros: the baseline of the same size. Weights m x k and
/// activations k x n meet in tiles of `rows` x `depth` x `columns` a cycle.
struct dense_array {
    int rows = 16;     ///< of weights a cycle
    int depth = 4;     ///< of pairs a multiplier tree adds
    int columns = 16;  ///< of activations a cycle

    constexpr int multipliers() const { return rows * depth * columns; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        using detail::ceil_div;
        detail::require_array("dense array", {rows, depth, columns}, s);
        const matrix_product p = as_matrix_product(row);
        const double cycles = static_cast<double>(ceil_div(p.m, rows) * ceil_div(p.k, depth)) *
                              static_cast<double>(ceil_div(p.n, columns) * p.groups);
        return {cycles, p.macs(), 0.0, {}};
    }
};

}  // namespace hass
