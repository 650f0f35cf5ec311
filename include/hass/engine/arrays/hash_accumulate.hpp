/// \file hash_accumulate.hpp
/// Row-wise sparse products whose partial products are merged in a hash table instead of by sorting
/// (SMASH, arXiv 2105.14156; NeuraChip, ISCA 2024). Slots are reached by column mod table size with
/// linear probing; each request holds the unit for 1 + floor((slots passed + 1) / comparators)
/// cycles (NeuraChip's simulator). A line knows how many contributions are still to come; with
/// rolling eviction it leaves as soon as there are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/storage/sparse_matrix.hpp>
#include <hass/error.hpp>
#include <hass/statistics/power.hpp>
#include <hass/text.hpp>

namespace hass {

/// Slots passed on the way to a line that is there, in a table filled at random to `load` in [0, 1)
/// (Knuth, The Art of Computer Programming 3, 6.4: linear probing).
constexpr double expected_passed_hit(double load) {
    return 0.5 * (1.0 + 1.0 / (1.0 - load)) - 1.0;
}
/// The same until a free slot is found for a new line.
constexpr double expected_passed_miss(double load) {
    return 0.5 * (1.0 + 1.0 / ((1.0 - load) * (1.0 - load))) - 1.0;
}

/// When a line leaves the table.
enum class eviction : std::uint8_t {
    at_end,   ///< all lines after the last request
    rolling,  ///< each line with its last contribution
};

/// What a sequence of requests took.
struct hash_run {
    std::int64_t requests = 0;  ///< contributions to a result
    std::int64_t lines = 0;     ///< distinct results
    std::int64_t passed = 0;    ///< occupied slots of other lines that requests passed
    std::int64_t cycles = 0;    ///< requests and evictions, one cycle an eviction
    std::int64_t peak = 0;      ///< most lines held at once

    /// One after the other: sums, and the larger peak.
    hash_run& operator+=(const hash_run& o) {
        requests += o.requests, lines += o.lines, passed += o.passed, cycles += o.cycles;
        peak = peak > o.peak ? peak : o.peak;
        return *this;
    }
};

/// One hash table. When a line leaves, the lines behind it are moved up (Knuth's algorithm 6.4 R),
/// so that none becomes unreachable; NeuraChip's simulator leaves gaps, in which a line can be
/// missed and made twice. Moving up takes no cycles here.
struct hash_pad {
    int slots = 256;                      ///< lines that it holds
    int comparators = 1;                  ///< slots that are looked at in a cycle
    eviction policy = eviction::rolling;  ///< when lines leave

    /// Cycles of a request that passes so many occupied slots.
    constexpr std::int64_t request_cycles(std::int64_t passed) const {
        return 1 + (passed + 1) / comparators;
    }

    /// Merges one output row.
    /// \param columns  of its partial products, each >= 0, in order
    /// \throws hass::error when the table is full and a line is missing
    hash_run accumulate(std::span<const int> columns) const {
        if (slots < 1 || comparators < 1)
            throw error(text_of({"hash pad: ", slots, " slots, ", comparators, " comparators"}));
        std::unordered_map<int, std::int64_t> remaining;
        for (const int c : columns) ++remaining[c];
        std::vector<int> table(static_cast<std::size_t>(slots), free_slot);
        hash_run run;
        std::int64_t held = 0;
        for (const int c : columns) {
            std::size_t at = home(c);
            std::int64_t passed = 0;
            while (table[at] != c && table[at] != free_slot) {
                if (++passed == slots)
                    throw error(text_of(
                        {"hash pad: ", slots, " slots are full and column ", c, " is missing"}));
                at = next(at);
            }
            if (table[at] == free_slot) {
                table[at] = c;
                ++run.lines;
                run.peak = ++held > run.peak ? held : run.peak;
            }
            ++run.requests;
            run.passed += passed;
            run.cycles += request_cycles(passed);
            if (policy == eviction::rolling && --remaining[c] == 0) {
                close_gap(table, at);
                --held;
                ++run.cycles;
            }
        }
        run.cycles += held;
        return run;
    }

    /// All rows of a b, one after another. \throws hass::error as above, or for unfit extents
    hash_run product(const sparse_matrix& a, const sparse_matrix& b) const {
        if (a.columns != b.rows)
            throw error(
                text_of({"sparse product: ", a.columns, " columns times ", b.rows, " rows"}));
        hash_run total;
        std::vector<int> columns;
        for (int r = 0; r < a.rows; ++r) {
            partial_products(a, b, r, columns);
            total += accumulate(columns);
        }
        return total;
    }

  private:
    static constexpr int free_slot = -1;

    std::size_t home(int c) const {
        return static_cast<std::size_t>(c) % static_cast<std::size_t>(slots);
    }
    std::size_t next(std::size_t at) const {
        return at + 1 == static_cast<std::size_t>(slots) ? 0 : at + 1;
    }
    void close_gap(std::vector<int>& table, std::size_t gap) const {
        table[gap] = free_slot;
        for (std::size_t at = next(gap); table[at] != free_slot; at = next(at)) {
            const std::size_t h = home(table[at]);
            // A line may move up unless that puts it before its home, on the ring.
            const bool stays = gap < at ? (gap < h && h <= at) : (gap < h || h <= at);
            if (stays) continue;
            table[gap] = table[at];
            table[at] = free_slot;
            gap = at;
        }
    }
};

/// Pads as one array for layers: each unit multiplies and merges a request at a time. Output rows
/// are cut into tiles of adjacent columns, as many as a pad has slots: for these, column mod slots
/// never collides, nothing is passed, and neither the size of the pad nor its eviction matters. A
/// layer needs requests x request_cycles(0) and one cycle a result.
struct hash_array {
    int units = 64;       ///< pads with a multiplier each
    int comparators = 1;  ///< of each pad, a cycle

    constexpr int multipliers() const { return units; }
    static constexpr std::optional<double> area_mm2() { return std::nullopt; }

    constexpr array_run run(const layer_row& row, const layer_statistics& s) const {
        detail::require_array("hash array", {units, comparators}, s);
        const matrix_product p = as_matrix_product(row);
        const double density = 1.0 - s.pair_sparsity_padded;
        const double requests = p.macs() * density;
        const double results =
            static_cast<double>(p.m * p.n * p.groups) * (1.0 - detail::power(1.0 - density, p.k));
        const auto request = static_cast<double>(hash_pad{1, comparators}.request_cycles(0));
        return {(requests * request + results) / units, requests, 0.0, {}};
    }
};

}  // namespace hass
