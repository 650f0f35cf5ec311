/// \file grid.hpp
/// Grid search that never holds the grid: a keyed permutation of 0 .. size-1 gives the k-th point.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>

namespace hass {

/// A random one-to-one map of 0 .. size-1 onto itself, in constant memory.
///
/// Six Feistel rounds on the smallest even number of bits that holds `size`, repeated while the
/// result lies outside (cycle walking; Black and Rogaway 2002): on average fewer than four times.
class random_permutation {
  public:
    /// \param size  number of elements, at least 1
    random_permutation(std::uint64_t size, std::uint64_t seed) : size_(size) {
        const auto bits = static_cast<unsigned>(std::bit_width(size > 1 ? size - 1 : 1));
        half_ = (bits + 1) / 2;
        mask_ = (std::uint64_t{1} << half_) - 1;
        for (auto& key : keys_) key = split_mix(seed);
    }

    std::uint64_t size() const { return size_; }

    /// Image of `index` < size().
    std::uint64_t operator()(std::uint64_t index) const {
        do {
            std::uint64_t left = index >> half_;
            std::uint64_t right = index & mask_;
            for (const std::uint64_t key : keys_) {
                std::uint64_t mixed = right ^ key;
                const std::uint64_t next = (left ^ split_mix(mixed)) & mask_;
                left = right;
                right = next;
            }
            index = (left << half_) | right;
        } while (index >= size_);
        return index;
    }

  private:
    std::uint64_t size_;
    unsigned half_ = 1;
    std::uint64_t mask_ = 1;
    std::array<std::uint64_t, 6> keys_{};
};

/// Every point of a discrete space once, in random order, then exhausted.
///
/// Continuous axes are divided: `divisions` values from low to high, evenly on their own scale.
class grid_search {
  public:
    /// \param divisions  values on a continuous axis, at least 2
    /// \throws hass::error when `divisions` < 2 or the grid has more than 2^62 points
    explicit grid_search(space where, std::uint64_t seed = 0, std::uint64_t divisions = 5)
        : where_(std::move(where)),
          counts_(count(where_, divisions)),
          order_(product(where_, counts_), seed) {}

    /// The next point; nullopt when all have been handed out.
    std::optional<trial> ask() {
        if (exhausted()) return std::nullopt;
        std::uint64_t rest = order_(asked_);
        std::vector<double> point(where_.size());
        for (std::size_t i = 0; i < where_.size(); ++i) {
            point[i] = value(i, rest % counts_[i]);
            rest /= counts_[i];
        }
        return trial{asked_++, std::move(point)};
    }
    void tell(const trial&, const outcome&) {}
    const space& where() const { return where_; }

    /// Number of points of the whole grid.
    std::uint64_t size() const { return order_.size(); }
    /// Whether every point was asked for.
    bool exhausted() const { return asked_ >= order_.size(); }

  private:
    static std::vector<std::uint64_t> count(const space& where, std::uint64_t divisions) {
        if (divisions < 2) throw error("grid: a continuous axis needs at least 2 divisions");
        std::vector<std::uint64_t> counts;
        for (const axis& a : where.axes()) {
            const std::uint64_t own = a.cardinality();
            counts.push_back(own == 0 ? divisions : own);
        }
        return counts;
    }

    static std::uint64_t product(const space& where, const std::vector<std::uint64_t>& counts) {
        constexpr std::uint64_t most = std::uint64_t{1} << 62U;
        std::uint64_t size = 1;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (size > most / counts[i])
                throw error("grid: more than 2^62 points (reached at axis '" + where[i].name +
                            "'); fix axes or use fewer divisions");
            size *= counts[i];
        }
        return size;
    }

    double value(std::size_t i, std::uint64_t index) const {
        const axis& a = where_[i];
        if (a.settled()) return a.settled_value();
        if (a.cardinality() != 0) return a.low + a.step * static_cast<double>(index);
        if (index + 1 == counts_[i]) return a.high;
        const auto [low, high] = a.model_range();
        return a.from_model(low + (high - low) * static_cast<double>(index) /
                                      static_cast<double>(counts_[i] - 1));
    }

    space where_;
    std::vector<std::uint64_t> counts_;
    random_permutation order_;
    std::uint64_t asked_ = 0;
};

static_assert(Optimizer<grid_search>);

}  // namespace hass
