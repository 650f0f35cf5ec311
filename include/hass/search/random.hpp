/// \file random.hpp
/// Random search: independent uniform draws, on a log scale for log axes.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>

namespace hass {

/// A uniform draw of one point; consumes one number per axis that is not settled.
inline std::vector<double> uniform_point(const space& where, random_stream& random) {
    std::vector<double> point(where.size());
    for (std::size_t i = 0; i < where.size(); ++i)
        point[i] = where[i].settled() ? where[i].settled_value() : where[i].at(random.uniform());
    return point;
}

/// Random search. Never exhausted; learns nothing.
class random_search {
  public:
    explicit random_search(space where, std::uint64_t seed = 0)
        : where_(std::move(where)), seed_(seed) {}

    std::optional<trial> ask() {
        random_stream random(seed_, asked_);
        return trial{asked_++, uniform_point(where_, random)};
    }
    void tell(const trial&, const outcome&) {}
    const space& where() const { return where_; }

  private:
    space where_;
    std::uint64_t seed_;
    std::uint64_t asked_ = 0;
};

static_assert(Optimizer<random_search>);

}  // namespace hass
