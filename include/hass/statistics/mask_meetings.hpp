/// \file mask_meetings.hpp
/// How many bits two masks have in common, for every mask of one set that meets every mask of
/// another.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <hass/statistics/mask_counts.hpp>

namespace hass::detail {

/// Numbers of activation masks whose lower bits have z bits in common with a mask of weights, for
/// all masks of so many lower bits at once: one linear transform a bit (Yates), of the generating
/// function sum_a A[a] x^popcount(a & w), which factors into [[1, 1], [1, x]] per bit.
class low_meetings {
  public:
    /// Masks' upper parts that are worked on side by side: as many as fill vectors, and no more
    /// than leave the numbers in the second cache.
    static constexpr std::size_t together = 64;

    /// \param bits  of the lower part
    explicit low_meetings(std::size_t bits)
        : bits_(bits),
          counts_(std::make_unique_for_overwrite<std::uint32_t[]>((std::size_t{1} << bits) *
                                                                  (bits + 1) * together)) {}

    /// \param table  counts of masks, by upper and lower part
    /// \param first  upper part that stands first
    void transform(std::span<const std::uint32_t> table, std::size_t first) {
        const std::size_t masks = std::size_t{1} << bits_;
        for (std::size_t mask = 0; mask < masks; ++mask)
            for (std::size_t k = 0; k < together; ++k) {
                const std::size_t from = ((first + k) << bits_) + mask;
                at(mask, 0)[k] = from < table.size() ? table[from] : 0;
            }
        for (std::size_t b = 0; b < bits_; ++b)
            for (std::size_t mask = 0; mask < masks; ++mask)
                if ((mask >> b & 1U) == 0) meet(mask, mask | std::size_t{1} << b, b);
    }

    /// Those with z common bits, one an upper part.
    std::uint32_t* at(std::size_t mask, std::size_t z) {
        return counts_.get() + (mask * (bits_ + 1) + z) * together;
    }

  private:
    /// \param b  bits that both have met, of b + 1 numbers each
    void meet(std::size_t mask_without, std::size_t mask_with, std::size_t b) {
        std::uint32_t* without = at(mask_without, b + 1);
        std::uint32_t* with = at(mask_with, b + 1);
        std::fill_n(without, together, 0U);
        std::copy_n(with - together, together, with);
        for (std::size_t z = b + 1; z-- > 0;) {
            // Descending, since term z of one side needs term z - 1 of the other.
            without -= together, with -= together;
            const std::uint32_t* below = z > 0 ? with - together : nullptr;
            for (std::size_t k = 0; k < together; ++k) {
                const std::uint32_t old_without = without[k];
                without[k] += with[k];
                with[k] = old_without + (below != nullptr ? below[k] : 0U);
            }
        }
    }

    std::size_t bits_;
    std::unique_ptr<std::uint32_t[]> counts_;  ///< masks x (bits + 1) x together
};

/// Adds what all lower parts have in common with one mask's to the terms of its upper part's.
/// \param rows  of every upper part, by common lower bits
inline void add_high_meetings(std::span<const std::array<std::uint32_t, 16>> rows,
                              std::size_t first, std::size_t high, std::uint64_t times,
                              std::span<std::uint64_t> counts) {
    std::array<std::array<std::uint32_t, 16>, 9> sums{};  // by common upper bits
    for (std::size_t k = 0; k < rows.size(); ++k) {
        auto& sum = sums[static_cast<std::size_t>(std::popcount((first + k) & high))];
        for (std::size_t z = 0; z < sum.size(); ++z) sum[z] += rows[k][z];
    }
    for (std::size_t p = 0; p < sums.size(); ++p)
        for (std::size_t z = 0; z <= 8; ++z)
            if (sums[p][z] != 0) counts[p + z] += times * sums[p][z];
}

/// By a transform of the masks' lower half, which each distinct mask of weights meets with its
/// upper half.
/// \param bits  of a mask, up to 16
inline void add_joint_counts_transformed(const mask_list& activations, mask_list weights,
                                         std::size_t bits, std::span<std::uint64_t> counts) {
    const std::size_t low = bits / 2;
    const std::size_t highs = std::size_t{1} << (bits - low);
    std::vector<std::uint32_t> table(std::size_t{1} << bits, 0U);
    for (const auto& [mask, times] : activations) table[mask] = times;
    const std::uint64_t lower = (std::uint64_t{1} << low) - 1;
    std::sort(weights.begin(), weights.end(),
              [&](const auto& x, const auto& y) { return (x.first & lower) < (y.first & lower); });
    low_meetings met(low);
    std::array<std::array<std::uint32_t, 16>, low_meetings::together> rows{};
    for (std::size_t first = 0; first < highs; first += low_meetings::together) {
        met.transform(table, first);
        const std::size_t parts = std::min(low_meetings::together, highs - first);
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const std::uint64_t mask = weights[i].first;
            if (i == 0 || (weights[i - 1].first & lower) != (mask & lower))
                for (std::size_t z = 0; z <= low; ++z)
                    for (std::size_t k = 0; k < parts; ++k) rows[k][z] = met.at(mask & lower, z)[k];
            add_high_meetings(std::span(rows).first(parts), first, mask >> low, weights[i].second,
                              counts);
        }
    }
}

/// One by one.
inline void add_joint_counts_directly(const mask_list& activations, const mask_list& weights,
                                      std::span<std::uint64_t> counts) {
    std::array<std::array<std::uint64_t, 65>, 4> sums;  // the next one never waits for the last
    for (const auto& [weight, filters] : weights) {
        for (auto& sum : sums) std::fill_n(sum.begin(), counts.size(), std::uint64_t{0});
        for (std::size_t i = 0; i < activations.size(); ++i)
            sums[i % 4][static_cast<std::size_t>(std::popcount(activations[i].first & weight))] +=
                activations[i].second;
        for (std::size_t z = 0; z < counts.size(); ++z)
            counts[z] += filters * (sums[0][z] + sums[1][z] + sums[2][z] + sums[3][z]);
    }
}

/// Adds to counts[z] the number of (activation mask, weight mask) meetings with z common bits.
/// \param counts  one more than masks have bits
inline void add_joint_counts(const mask_list& activations, const mask_list& weights,
                             std::span<std::uint64_t> counts) {
    const std::size_t bits = counts.size() - 1, low = bits / 2;
    const std::uint64_t direct = std::uint64_t{activations.size()} * weights.size();
    // What a transform takes, in meetings one by one: eight numbers of its first part are added in
    // the time of one, and as many rows as there are upper halves for every mask of weights.
    if (bits <= 16 && direct > ((low * (low + 3)) << bits) / 16 + (weights.size() << (bits - low)))
        add_joint_counts_transformed(activations, weights, bits, counts);
    else
        add_joint_counts_directly(activations, weights, counts);
}

/// Bits [first, first + bits) of every mask, each part once.
inline mask_list part_of(const mask_list& masks, int first, int bits) {
    std::vector<std::uint32_t> counts(std::size_t{1} << bits, 0U);
    for (const auto& [mask, times] : masks) counts[(mask >> first) & (counts.size() - 1)] += times;
    mask_list parts;
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != 0) parts.emplace_back(i, counts[i]);
    return parts;
}

}  // namespace hass::detail
