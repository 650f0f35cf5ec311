/// \file ladder.hpp
/// Every row seen through a few price lists: the cheapest option within an interval is one binary
/// search. Sums over rows of the least prices reject intervals: what is dearer than the budget
/// cannot fit.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <hass/explore/linked_problem.hpp>
#include <hass/explore/policy.hpp>

namespace hass::detail {

/// For one row and each order of its options: those that are faster than all cheaper ones, cheapest
/// first, down to the first that is within `floor` cycles.
struct ladder {
    struct step {
        double cycles;
        double price;
        std::uint32_t option;
    };
    /// Orders are the price lists and, behind them, the order of the options themselves: fewest
    /// DSPs, then LUTs, ...
    static constexpr std::size_t natural = priced_options::lists;
    static constexpr std::size_t orders = natural + 1;

    std::vector<step> steps;
    std::array<std::uint32_t, orders + 1> first{};  ///< step of each order, and the end
    double fastest = 0.0;                           ///< cycles
    double floor = 0.0;
    std::uint64_t version = 0;
    bool built = false;

    void build(const row_options& row, double down_to) {
        steps.clear();
        floor = down_to;
        const auto n = static_cast<std::uint32_t>(row.options->size());
        for (std::size_t order = 0; order < orders; ++order) {
            first[order] = static_cast<std::uint32_t>(steps.size());
            double best = std::numeric_limits<double>::infinity();
            const auto look = [&](double price, std::uint32_t k) {
                if (row.cycles[k] < best) {
                    best = row.cycles[k];
                    steps.push_back({best, price, k});
                }
                return best > floor;
            };
            if (order == natural) {
                for (std::uint32_t k = 0; k < n && look(0.0, k); ++k) continue;
            } else {
                const priced_options::price_list& list = row.options->list(order);
                for (std::uint32_t k = 0; k < n && look(list.price[k], list.option[k]); ++k)
                    continue;
            }
        }
        first[orders] = static_cast<std::uint32_t>(steps.size());
        version = row.version;
        built = true;
    }

    /// The cheapest option within `interval` cycles (>= floor and >= fastest).
    const step& at(std::size_t order, double interval) const {
        const auto begin = steps.begin() + first[order];
        const auto end = steps.begin() + first[order + 1];
        return *std::lower_bound(begin, end, interval,
                                 [](const step& s, double limit) { return s.cycles > limit; });
    }

    /// Cycles of the cheapest option of all.
    double cheapest(std::size_t order) const { return steps[first[order]].cycles; }
};

/// The ladders of all rows. Those of rows that have not changed are kept from call to call.
class ladders {
  public:
    /// Brings the ladders up to date.
    void climb(const linked_problem& p) {
        rows_.resize(p.size());
        floor_ = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            ladder& l = rows_[i];
            if (!l.built || l.version != p.row(i).version) {
                l.built = false;
                l.fastest = *std::min_element(p.row(i).cycles.begin(), p.row(i).cycles.end());
            }
            floor_ = std::max(floor_, l.fastest);
        }
        floor_ = std::max(floor_, p.link_floor);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            ladder& l = rows_[i];
            // a little deeper than needed now, so that the next floor needs no new ladder
            if (!l.built || l.floor > floor_) l.build(p.row(i), 0.8 * floor_);
        }
    }

    std::size_t size() const { return rows_.size(); }
    const ladder& operator[](std::size_t i) const { return rows_[i]; }

    /// No choice has a smaller interval: that of the slowest row's fastest option, or what the link
    /// takes beside the least weights.
    double floor() const { return floor_; }

    /// At this interval every row may take its cheapest option, in whatever order.
    double top() const {
        double top = floor_;
        for (const ladder& row : rows_)
            for (std::size_t order = 0; order < ladder::orders; ++order)
                top = std::max(top, row.cheapest(order));
        return top;
    }

    /// Sum over rows of the least price of a list within an interval.
    double least_price(std::size_t list, double interval) const {
        double sum = 0.0;
        for (const ladder& row : rows_) sum += row.at(list, interval).price;
        return sum;
    }

    /// Whether the prices of a list show that nothing within an interval fits.
    bool reject(std::size_t list, double interval) const {
        return least_price(list, interval) > 1.0 + share_rounding;
    }

    /// The cheapest choice within an interval.
    selection cheapest(std::size_t order, double interval) const {
        selection options(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i)
            options[i] = rows_[i].at(order, interval).option;
        return options;
    }

  private:
    std::vector<ladder> rows_;
    double floor_ = 0.0;
};

}  // namespace hass::detail
