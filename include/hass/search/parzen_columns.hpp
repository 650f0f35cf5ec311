/// \file parzen_columns.hpp
/// Where the observations of a Parzen mixture are kept: by slot, which stays, and on each axis in
/// order of the coordinate, so that neighbours are found when one comes or goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <hass/search/parzen_blocks.hpp>
#include <hass/search/parzen_cell.hpp>

namespace hass::detail {

/// Which observation lives in which slot. Slot 0 is the prior's; one that is left is used again.
class parzen_slots {
  public:
    /// Gives observation `id` a slot.
    std::uint32_t add(std::size_t id) {
        std::uint32_t slot = static_cast<std::uint32_t>(id_of_.size());
        if (free_.empty()) {
            id_of_.push_back(id);
        } else {
            slot = free_.back();
            free_.pop_back();
            id_of_[slot] = id;
        }
        if (slot_of_.size() <= id) slot_of_.resize(id + 1, none);
        slot_of_[id] = slot;
        members_.insert(std::lower_bound(members_.begin(), members_.end(), id), id);
        return slot;
    }

    void remove(std::size_t id) {
        const std::uint32_t slot = slot_of_[id];
        slot_of_[id] = none;
        id_of_[slot] = nobody;
        members_.erase(std::lower_bound(members_.begin(), members_.end(), id));
        free_.push_back(slot);
    }

    /// Observations, in order of time.
    const std::vector<std::size_t>& members() const { return members_; }
    /// Slots ever used, the prior's included.
    std::size_t used() const { return id_of_.size(); }
    std::uint32_t of(std::size_t id) const { return slot_of_[id]; }
    /// Slot of the k-th observation in order of time; behind the last one the prior's.
    std::uint32_t at(std::size_t k) const { return k < members_.size() ? of(members_[k]) : 0; }
    /// Who lives in a slot; of the prior's and of a free one, nobody.
    std::size_t id(std::uint32_t slot) const { return id_of_[slot]; }
    bool taken(std::uint32_t slot) const { return id_of_[slot] != nobody; }

  private:
    static constexpr std::uint32_t none = 0xffffffffU;
    static constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

    std::vector<std::size_t> members_;
    std::vector<std::uint32_t> slot_of_;         // by observation; `none`: not a member
    std::vector<std::size_t> id_of_ = {nobody};  // by slot
    std::vector<std::uint32_t> free_;
};

/// One axis of all observations. What is kept by position, in order of the coordinate (of time on
/// ties), fills whole blocks, with zeros behind the last observation.
struct parzen_column {
    std::vector<parzen_cell> cells;    ///< by slot
    std::vector<double> x;             ///< by position
    std::vector<std::uint32_t> slot;   ///< by position
    std::vector<std::uint32_t> moved;  ///< slots whose neighbours changed since the last fit
    bool marginal = false;             ///< whether what follows is kept
    std::vector<double> scale;         ///< by position
    std::vector<double> height;        ///< by position
    std::vector<double> weight;        ///< by position
    std::vector<std::pair<double, double>> reach;  ///< by block: where it counts
    std::vector<double> choice_weight;             ///< by choice

    /// Puts an observation at `where` among `count` others, of which `slots` knows.
    void insert(const parzen_slots& slots, std::uint32_t its, double where, std::size_t count) {
        cells[its] = {where, 0.0, 0.0, 0.0, 0.0};
        const std::size_t at = position(slots, its, count);
        if (at > 0) moved.push_back(slot[at - 1]);
        if (at < count) moved.push_back(slot[at]);
        moved.push_back(its);
        insert_at(x, count, at, where);
        insert_at(slot, count, at, its);
        if (!marginal) return;
        insert_at(scale, count, at, 0.0);
        insert_at(height, count, at, 0.0);
    }

    /// Takes the observation in slot `its` out of `count`.
    void erase(const parzen_slots& slots, std::uint32_t its, std::size_t count) {
        const std::size_t at = position(slots, its, count);
        if (at > 0) moved.push_back(slot[at - 1]);
        if (at + 1 < count) moved.push_back(slot[at + 1]);
        erase_at(x, count, at);
        erase_at(slot, count, at);
        if (!marginal) return;
        erase_at(scale, count, at);
        erase_at(height, count, at);
    }

    /// Where the observation in slot `its` stands, or would stand, among `count`.
    std::size_t position(const parzen_slots& slots, std::uint32_t its, std::size_t count) const {
        const auto [first, last] = std::equal_range(
            x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count), cells[its].mean);
        const auto same = slot.begin() + (first - x.begin());
        const auto at = std::lower_bound(
            same, same + (last - first), slots.id(its),
            [&slots](std::uint32_t one, std::size_t id) { return slots.id(one) < id; });
        return static_cast<std::size_t>(at - slot.begin());
    }

  private:
    /// Puts `value` before position `at` of `count` used ones.
    template <class T>
    static void insert_at(std::vector<T>& items, std::size_t count, std::size_t at, T value) {
        if (count == items.size()) items.resize(count + kernel_lanes, T{});
        const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = items.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy_backward(first, last, last + 1);
        *first = value;
    }
    template <class T>
    static void erase_at(std::vector<T>& items, std::size_t count, std::size_t at) {
        const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = items.begin() + static_cast<std::ptrdiff_t>(count);
        *std::copy(first + 1, last, first) = T{};
    }
};

}  // namespace hass::detail
