/// \file resource_subset.hpp
/// Some of the resources: those that can run out, or those that are counted.
#pragma once

#include <array>
#include <cstddef>

#include <hass/explore/frontier.hpp>

namespace hass::detail {

/// Indices into `resources`, in the order in which they were added.
class resource_subset {
  public:
    void add(std::size_t r) { index_[size_++] = r; }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t operator[](std::size_t k) const { return index_[k]; }
    const std::size_t* begin() const { return index_.data(); }
    const std::size_t* end() const { return index_.data() + size_; }

  private:
    std::array<std::size_t, resources.size()> index_{};
    std::size_t size_ = 0;
};

}  // namespace hass::detail
