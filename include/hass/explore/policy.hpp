/// \file policy.hpp
/// How an allocator chooses: from every row's options, their costs and their cycles, one option a
/// row. The policies are `exact` (the default), `balanced` and `greedy`.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/explore/priced_edges.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/link.hpp>

namespace hass {

/// The options of one row, as a policy sees them.
struct row_options {
    const priced_options* options = nullptr;  ///< finished, not empty
    std::span<const double> cycles;           ///< of each option, for one image
    std::uint64_t version = 0;                ///< changes whenever `cycles` does
    std::span<const stream_port> ports{};     ///< of each option; empty: all the same
    const port_rises* rises = nullptr;        ///< where there are ports

    /// Widths of option `k`.
    stream_port port(std::size_t k) const { return ports.empty() ? stream_port{} : ports[k]; }
};

/// What a policy chooses from.
struct allocation_problem {
    std::span<const row_options> rows;  ///< one a row of the network
    resource_vector budget{};           ///< by resource
    /// Missing block RAMs are built from LUTs: their column holds LUTs and block RAMs together, see
    /// `to_needs`.
    bool bram18_from_lut = false;
    /// What the board's link carries beside weights: a choice whose weights take W Gbit/s has no
    /// smaller interval than `link.cycles(W)`, and fits only where that is finite.
    image_link link{};
    /// What stands between rows and depends on both; nullptr: nothing.
    const priced_edges* edges = nullptr;

    /// What a choice (one option a row) needs: its rows, and what stands between them.
    resource_vector total(std::span<const std::uint32_t> options) const {
        resource_vector sum{};
        for (std::size_t i = 0; i < options.size(); ++i) {
            const resource_vector& need = rows[i].options->costs()[options[i]];
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r];
        }
        if (edges == nullptr) return sum;
        const resource_vector between =
            edges->total([&](std::size_t i) { return rows[i].port(options[i]); });
        for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += between[r];
        return sum;
    }

    /// Block RAMs that `v` stands for, up to a factor that is the same for needs and budget.
    double bram18(const resource_vector& v) const {
        return bram18_from_lut ? v[bram18_index] - v[lut_index] : v[bram18_index];
    }
    /// LUTs that a design with the needs `sum` takes, those for missing block RAMs included.
    double lut(const resource_vector& sum) const {
        return bram18_from_lut ? std::max(sum[lut_index], sum[bram18_index] - bram18(budget))
                               : sum[lut_index];
    }
};

/// What a policy has chosen and proved.
struct allocation_choice {
    bool found = false;                  ///< false: none is within the budget
    std::vector<std::uint32_t> options;  ///< one a row
    double proved_interval = 0.0;        ///< no choice has a smaller interval (cycles); infinite
                                         ///< when it is proved that nothing fits
    /// No choice within the interval takes less: of `exact` the sum of the shares of the budget, of
    /// `exact::minimise` the need of the resource.
    double least = 0.0;
    bool minimal = false;      ///< nor does this one take more
    std::size_t obstacle = 0;  ///< resource that forbids the next smaller interval
};

/// Chooses one option a row within the budget. May remember what it likes between calls for the
/// same rows, but the answer must not depend on earlier calls.
template <class P>
concept AllocationPolicy = requires(P& p, const allocation_problem& problem) {
    { p(problem) } -> std::same_as<allocation_choice>;
};

}  // namespace hass
