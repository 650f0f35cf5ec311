/// \file mask_counts.hpp
/// How often each mask of zeros occurs: what joint statistics are counted from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/error.hpp>

namespace hass {

/// Masks that occur, each once, with their counts; in no particular order.
using mask_list = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

/// How often each mask of up to 64 bits occurs. A table of all masks where they have up to 16 bits;
/// above 12, masks wait until there are many of them, since a table of that size is fetched into
/// the cache for each visit. A hash table for more bits. At most 2^32 - 1 masks can be counted.
class mask_counts {
  public:
    /// \param bits in a mask, 1..64
    explicit mask_counts(int bits = 1) : bits_(bits) {
        if (bits_ <= small_table) counts_.assign(table_size(), 0);
    }

    /// Of a mask.
    int bits() const { return bits_; }
    /// Masks counted.
    std::uint64_t total() const { return total_; }

    /// Counts one.
    void add(std::uint64_t mask, std::uint32_t times = 1) {
        grow_total(times);
        if (bits_ > large_table) {
            insert(mask, times);
            return;
        }
        if (counts_.empty() && times == 1) {
            wait(std::span<const std::uint64_t>(&mask, 1));
            return;
        }
        if (counts_.empty()) count_waiting();
        counts_[mask] += times;
    }
    /// Counts each of `masks`.
    template <class Mask>
    void add(std::span<const Mask> masks) {
        grow_total(masks.size());
        if (bits_ > large_table) {
            for (const Mask mask : masks) insert(mask, 1);
        } else if (bits_ <= small_table || masks.size() > most_waiting) {
            if (counts_.empty()) count_waiting();
            count_in(counts_, masks);
        } else {
            wait(masks);
        }
    }
    /// Adds what the other has counted.
    void merge(const mask_counts& other) {
        if (bits_ > large_table) {
            other.for_each([this](std::uint64_t mask, std::uint32_t times) { add(mask, times); });
            return;
        }
        grow_total(other.total_);
        if (counts_.empty() && !other.counts_.empty()) count_waiting();
        for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
        wait(std::span<const std::uint16_t>(other.waiting_));
    }

    /// Calls visit(mask, count) for every mask that occurs, in no particular order.
    template <class Visit>
    void for_each(Visit visit) const {
        const auto each = [&](const std::vector<std::uint32_t>& counts) {
            for (std::size_t i = 0; i < counts.size(); ++i)
                if (counts[i] != 0) visit(keys_.empty() ? std::uint64_t{i} : keys_[i], counts[i]);
        };
        if (waiting_.empty()) {
            each(counts_);
            return;
        }
        std::vector<std::uint32_t> counts = counts_;
        counts.resize(table_size(), 0);
        count_in(counts, std::span<const std::uint16_t>(waiting_));
        each(counts);
    }

    /// The masks that occur, with their counts.
    /// \param table  to count in: zeros, or empty, before and afterwards
    mask_list list(std::vector<std::uint32_t>& table) const {
        if (!counts_.empty() || waiting_.empty()) return list();
        if (table.size() < table_size()) table.resize(table_size(), 0);
        mask_list all;
        for (const std::uint16_t mask : waiting_)
            if (table[mask]++ == 0) all.emplace_back(mask, 0);
        for (auto& [mask, times] : all) times = std::exchange(table[mask], 0U);
        return all;
    }
    /// ... where that is needed once.
    mask_list list() const {
        mask_list all;
        for_each([&](std::uint64_t mask, std::uint32_t times) { all.emplace_back(mask, times); });
        return all;
    }

  private:
    static constexpr int small_table = 12;
    static constexpr int large_table = 16;
    static constexpr std::size_t most_waiting = 16384;
    static constexpr std::size_t most_without_table = 65536;  ///< in half the memory of a table

    std::size_t table_size() const { return std::size_t{1} << bits_; }

    void grow_total(std::uint64_t times) {
        total_ += times;
        if (total_ > std::numeric_limits<std::uint32_t>::max())
            throw error("statistics: more than 2^32 - 1 windows of one channel; use fewer images");
    }

    /// A run of one mask, as maps without zeros give, is counted at once: otherwise each count
    /// waits for the one before.
    template <class Mask>
    static void count_in(std::vector<std::uint32_t>& table, std::span<const Mask> masks) {
        std::uint32_t* const counts = table.data();
        while (!masks.empty()) {
            const auto some = masks.first(std::min<std::size_t>(masks.size(), 128));
            masks = masks.subspan(some.size());
            Mask other = 0;
            for (const Mask mask : some) other = static_cast<Mask>(other | (mask ^ some[0]));
            if (other == 0)
                counts[some[0]] += static_cast<std::uint32_t>(some.size());
            else
                for (const Mask mask : some) ++counts[mask];
        }
    }

    template <class Mask>
    void wait(std::span<const Mask> masks) {
        const std::size_t most = counts_.empty() ? most_without_table : most_waiting;
        const std::size_t size = waiting_.size() + masks.size();
        if (size > most) {
            count_waiting();
        } else if (size > waiting_.capacity()) {
            waiting_.reserve(std::min(most, std::max(size, 2 * waiting_.capacity())));
        }
        if constexpr (sizeof(Mask) == sizeof(std::uint16_t))
            waiting_.insert(waiting_.end(), masks.begin(), masks.end());
        else
            for (const Mask mask : masks) waiting_.push_back(static_cast<std::uint16_t>(mask));
    }

    void count_waiting() {
        counts_.resize(table_size(), 0);
        count_in(counts_, std::span<const std::uint16_t>(waiting_));
        if (waiting_.size() > most_waiting) waiting_ = {};
        waiting_.clear();
    }

    static std::size_t hash(std::uint64_t mask) {
        mask *= 0x9e3779b97f4a7c15ULL;  // Fibonacci hashing; the high bits are the good ones
        return static_cast<std::size_t>(mask >> 32);
    }

    void insert(std::uint64_t mask, std::uint32_t times) {
        if (2 * (unique_ + 1) > keys_.size()) rehash();
        std::size_t i = hash(mask) & (keys_.size() - 1);
        while (counts_[i] != 0 && keys_[i] != mask) i = (i + 1) & (keys_.size() - 1);
        if (counts_[i] == 0) ++unique_;
        keys_[i] = mask;
        counts_[i] += times;
    }

    void rehash() {
        const mask_list present = list();
        const std::size_t size = keys_.empty() ? 64 : 2 * keys_.size();
        keys_.assign(size, 0);
        counts_.assign(size, 0);
        unique_ = 0;
        for (const auto& [mask, times] : present) insert(mask, times);
    }

    int bits_;
    std::uint64_t total_ = 0;
    std::size_t unique_ = 0;              ///< hash: entries in use
    std::vector<std::uint64_t> keys_;     ///< hash: masks, a power of two of them; table: empty
    std::vector<std::uint32_t> counts_;   ///< of each mask or key; of 13 to 16 bits maybe empty
    std::vector<std::uint16_t> waiting_;  ///< of 13 to 16 bits: masks that are not in `counts_`
};

}  // namespace hass
