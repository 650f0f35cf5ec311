/// \file sdpe.hpp
/// Sparse dot-product engines (FLAASH, arXiv 2404.16317): a tensor contraction as one dot product a
/// pair of compressed fibres; each engine merges two sorted coordinate lists and multiplies where
/// they meet. The cycles of a merge are reconstructed from the published description ("zip two
/// sorted lists"):
///
///     cycles(job) = startup + nnz_l + nnz_r - |L and R|      MACs = |L and R|
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/arrays/array.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// When a merge ends.
enum class merge_end : std::uint8_t {
    both_exhausted,   ///< when both lists are read: one step a distinct coordinate
    first_exhausted,  ///< when one list is read, nothing more can meet
};

/// Work of one dot product.
struct merge_work {
    double cycles = 0.0;  ///< of the merge
    double macs = 0.0;    ///< pairs that meet
};

/// Merge steps and multiplications of two fibres.
/// \param left, right  coordinates of the non-zeros, strictly ascending
inline merge_work merge(std::span<const int> left, std::span<const int> right, double startup,
                        merge_end end) {
    std::size_t l = 0;
    std::size_t r = 0;
    std::size_t meet = 0;
    while (l < left.size() && r < right.size()) {
        const int a = left[l];
        const int b = right[r];
        meet += a == b ? 1U : 0U;
        l += a <= b ? 1U : 0U;
        r += b <= a ? 1U : 0U;
    }
    if (end == merge_end::both_exhausted) l = left.size(), r = right.size();
    return {startup + static_cast<double>(l + r - meet), static_cast<double>(meet)};
}

/// The same in the mean, for positions spread at random over `length` places.
/// \param meet  expected |L and R|; left x right / length when the two are independent
constexpr merge_work expected_merge(double left, double right, double meet, double length,
                                    double startup, merge_end end) {
    double steps = left + right - meet;
    if (end == merge_end::first_exhausted) {
        // What a list still holds behind the last coordinate of the other is never read:
        // of R, right (length - left) / (length (left + 1)) in the mean.
        steps -= right * (length - left) / (length * (left + 1.0));
        steps -= left * (length - right) / (length * (right + 1.0));
    }
    return {startup + std::max(steps, 0.0), meet};
}

/// How jobs reach engines.
enum class dispatch_order : std::uint8_t {
    round_robin,  ///< job j to engine j mod E, which keeps a queue
    first_free,   ///< to the engine that is free first
};

/// What a set of jobs takes on several engines.
struct schedule {
    double makespan = 0.0;   ///< cycle at which the last job ends
    double imbalance = 1.0;  ///< busiest engine / mean engine, >= 1
};

/// Deals jobs in order. Job j can start when it has been generated, at (j + 1) generate_cycles.
/// \param cycles           of each job, >= 0
/// \param engines          >= 1
/// \param generate_cycles  between jobs, >= 0
/// \throws hass::error without engines
inline schedule dispatch(std::span<const double> cycles, int engines, double generate_cycles,
                         dispatch_order order) {
    if (engines < 1) throw error(text_of({"dispatch: ", engines, " engines"}));
    std::vector<double> free_at(static_cast<std::size_t>(engines), 0.0);
    std::vector<double> busy(free_at.size(), 0.0);
    for (std::size_t j = 0; j < cycles.size(); ++j) {
        const std::size_t e =
            order == dispatch_order::round_robin
                ? j % free_at.size()
                : static_cast<std::size_t>(std::min_element(free_at.begin(), free_at.end()) -
                                           free_at.begin());
        const double generated = static_cast<double>(j + 1) * generate_cycles;
        free_at[e] = std::max(free_at[e], generated) + cycles[j];
        busy[e] += cycles[j];
    }
    double total = 0.0;
    for (const double b : busy) total += b;
    const double most = *std::max_element(busy.begin(), busy.end());
    return {*std::max_element(free_at.begin(), free_at.end()),
            total > 0.0 ? most * engines / total : 1.0};
}

/// Engines as one array: m x n dot products of length k a layer.
struct sdpe_array {
    int engines = 64;                           ///< one multiplier each
    double startup = 1.0;                       ///< cycles of a job before its merge
    double generate_cycles = 0.0;               ///< between jobs; 0: the generator never limits
    merge_end end = merge_end::both_exhausted;  ///< when a merge ends
    /// Words (a value and its coordinate) a cycle from tensor memory; nullopt: enough.
    std::optional<double> words_per_cycle{};

    constexpr int multipliers() const { return engines; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    /// max(rounds of jobs, generation, words / bandwidth), all jobs alike.
    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        detail::require_array("SDPE array", {engines}, s);
        const matrix_product p = as_matrix_product(row);
        const auto k = static_cast<double>(p.k);
        const double left = k * (1.0 - s.weight_sparsity);
        const double right = k * (1.0 - s.activation_sparsity) * inside_share(s);
        const double meet = k * (1.0 - s.pair_sparsity_padded);
        const merge_work job = expected_merge(left, right, meet, k, startup, end);
        const std::int64_t jobs = p.m * p.n * p.groups;
        double cycles = static_cast<double>(detail::ceil_div(jobs, engines)) * job.cycles;
        cycles = std::max(cycles, static_cast<double>(jobs) * generate_cycles);
        if (words_per_cycle)
            cycles =
                std::max(cycles, static_cast<double>(jobs) * (left + right) / *words_per_cycle);
        return {cycles, static_cast<double>(jobs) * job.macs, 0.0, {}};
    }
};

}  // namespace hass
