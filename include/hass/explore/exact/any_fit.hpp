/// \file any_fit.hpp
/// Whether anything fits at all, where no ladder offers a choice that does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/exact/prove.hpp>
#include <hass/explore/exact/within.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>
#include <hass/explore/policy.hpp>

namespace hass::detail {

/// What has no choice that fits is not looked at again: that does not depend on cycles.
class any_fit {
  public:
    /// Some choice that fits; or none, and whether that is proved: an infinite `proved_interval`.
    /// \param floor   no choice has a smaller interval
    /// \param within  what is offered
    optimum operator()(const linked_problem& p, double floor, rows_within& within, chooser& c) {
        if (is_hopeless(p.whole)) return none(floor);
        const std::span<const frontier> rows = within(p, infinity);
        c.bind(rows);
        const verdict any = c.feasible(infinity, p.limits_at(infinity));
        if (any == verdict::yes) {
            optimum found;
            found.options = options_at(rows, c.found());
            found.interval = p.interval_of(found.options);
            found.proved_interval = floor;
            return found;
        }
        hopeless_ = {{}, p.whole.budget, p.whole.link, c.obstacle(), any == verdict::no};
        hopeless_.edges = edges_of(p.whole);
        for (const row_options& row : p.whole.rows) hopeless_.rows.push_back(row.options);
        return none(floor);
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// Rows of which no choice fits, as far as is known.
    struct hopeless {
        std::vector<const priced_options*> rows;
        resource_vector budget{};
        image_link link{};
        std::size_t obstacle = 0;
        bool proved = false;
        std::uint64_t edges = 0;  // version of what stands between the rows
    };

    static std::uint64_t edges_of(const allocation_problem& p) {
        return p.edges != nullptr ? p.edges->version() : 0;
    }

    bool is_hopeless(const allocation_problem& p) const {
        return hopeless_.budget == p.budget && hopeless_.link == p.link &&
               hopeless_.edges == edges_of(p) &&
               std::equal(
                   hopeless_.rows.begin(), hopeless_.rows.end(), p.rows.begin(), p.rows.end(),
                   [](const priced_options* a, const row_options& b) { return a == b.options; });
    }

    optimum none(double floor) const {
        return {infinity, {}, hopeless_.proved ? infinity : floor, hopeless_.obstacle};
    }

    hopeless hopeless_;
};

}  // namespace hass::detail
