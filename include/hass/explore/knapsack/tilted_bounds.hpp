/// \file tilted_bounds.hpp
/// Bounds of partial choices at prices around the best ones: one resource dearer or cheaper. The best prices
/// are those of the whole; a choice of some rows that has spent much of one resource leaves the others a
/// problem in which that one is dearer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/knapsack/messages.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/partial_choices.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

/// See the head of the file. Of the levels of one dynamic program.
class tilted_bounds {
  public:
    void forget() { tilts_.clear(); }
    bool empty() const { return tilts_.empty(); }

    /// Looks at the rows to come, level by level, at each of the prices.
    /// \param order       rows, level by level, those from `along_from` on along the streams
    /// \param along       bound to the table and, before and after, at `prices`; nullptr: no streams
    void look(const option_table& table, std::span<const std::size_t> order, std::size_t along_from,
              stream_messages* along, const resource_vector& prices,
              const resource_subset& counted) {
        along_from_ = along_from;
        for (const std::size_t r : counted)
            for (const double factor : {step, 1.0 / step}) {
                tilt t{prices};
                t.prices[r] *= factor;
                t.beyond = sum_of(t.prices) - sum_of(prices);
                if (along != nullptr) along->look(table, t.prices), t.along = along->kept();
                t.alone.assign(order.size() + 1, 0.0);
                for (std::size_t level = order.size(); level-- > 0;) {
                    double low = std::numeric_limits<double>::infinity();
                    for (const table_option& o : table.row(order[level]))
                        low = std::min(low, o.price(t.prices));
                    t.alone[level] = t.alone[level + 1] + low;
                    if (level == along_from) t.alone[level] = along->to_come(0, 0);
                }
                tilts_.push_back(std::move(t));
            }
        if (along != nullptr) along->look(table, prices);
    }

    /// Raises the bounds of choices of the first `level` rows to the highest at any of the prices, and drops
    /// those whose bound is over `limit`.
    void strike(std::size_t level, std::vector<partial_choice>& choices,
                const stream_messages* along, double limit) const {
        std::erase_if(choices, [&](partial_choice& c) {
            for (const tilt& t : tilts_) {
                const double to_come = level > along_from_
                                           ? along->to_come(t.along, level - along_from_, c.state)
                                           : t.alone[level];
                c.bound =
                    std::max(c.bound, c.objective + dot(t.prices, c.used) + to_come - t.beyond);
                if (c.bound > limit) return true;
            }
            return false;
        });
    }

  private:
    static constexpr double step = 1.15;

    struct tilt {
        resource_vector prices{};
        double beyond = 0.0;  // the sum of prices over that of the best ones
        std::vector<double> alone{};
        stream_messages::all_to_come along{};
    };

    std::vector<tilt> tilts_;
    std::size_t along_from_ = 0;
};

}  // namespace hass::detail
