/// \file time_ring.hpp
/// Time stamps of a stream's last words.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace hass::detail {

/// Time stamps of the last words of a stream, by number.
class time_ring {
  public:
    void reserve(std::int64_t words) {
        const auto size = std::bit_ceil(static_cast<std::size_t>(words));
        if (size <= at_.size()) return;
        std::vector<double> larger(size, 0.0);
        for (std::int64_t k =
                 std::max<std::int64_t>(0, end_ - static_cast<std::int64_t>(at_.size()));
             k < end_; ++k)
            larger[static_cast<std::size_t>(k) & (size - 1)] = (*this)[k];
        at_ = std::move(larger);
    }
    void push(double time) { at_[static_cast<std::size_t>(end_++) & (at_.size() - 1)] = time; }
    double operator[](std::int64_t k) const {
        return at_[static_cast<std::size_t>(k) & (at_.size() - 1)];
    }
    std::int64_t count() const { return end_; }

  private:
    std::vector<double> at_ = std::vector<double>(1, 0.0);
    std::int64_t end_ = 0;
};

}  // namespace hass::detail
