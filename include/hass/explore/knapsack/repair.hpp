/// \file repair.hpp
/// A choice that is over the caps somewhere is made to fit: one row at a time takes the option that
/// lowers the overrun most for what it adds to the price.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <hass/explore/knapsack/cheapest.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>
#include <hass/explore/knapsack/stream_needs.hpp>

namespace hass::detail {

class repair {
  public:
    /// \param trial   a choice of the table's options that is cheap at `prices`, with the rows'
    ///                least prices
    /// \param care    > 0; the trial's price / care is what a swap costs at least
    repair(const knapsack_problem& problem, const option_table& table,
           const resource_subset& scarce, const resource_vector& prices,
           const cheapest_choice& trial, double care)
        : problem_(problem),
          table_(table),
          scarce_(scarce),
          prices_(prices),
          per_need_(problem.per_need(prices)),
          little_((1e-300 + trial.magnitude()) / care),
          at_(table.rows(), 0) {
        for (std::size_t i = 0; i < at_.size(); ++i) {
            const std::span<const table_option> row = table_.row(i);
            while (at_[i] + 1 < row.size() && row[at_[i]].option != trial.options[i]) ++at_[i];
            for (std::size_t r = 0; r < used_.size(); ++r) used_[r] += row[at_[i]].share[r];
        }
        if (problem_.edges != nullptr)
            streams_ = stream_needs(problem_,
                                    [this](std::size_t i) { return table_.row(i)[at_[i]].port; });
        for (std::size_t r = 0; r < used_.size(); ++r)
            used_[r] += streams_.sum()[r] * problem_.share[r];
    }

    /// The choice that fits after a few swaps; nullopt: there is none.
    std::optional<selection> run() {
        constexpr int most_swaps = 8;
        double over = overrun();
        for (int k = 0; k < most_swaps && over > 0.0; ++k) {
            const swap best = best_swap(over);
            if (best.row == at_.size()) return std::nullopt;
            const std::span<const table_option> row = table_.row(best.row);
            const resource_vector more = streams_.change(best.row, row[best.to].port);
            for (std::size_t r = 0; r < used_.size(); ++r)
                used_[r] += row[best.to].share[r] - row[at_[best.row]].share[r] +
                            more[r] * problem_.share[r];
            streams_.move(best.row, row[best.to].port);
            at_[best.row] = best.to;
            over = overrun();
        }
        if (!(over <= share_rounding)) return std::nullopt;
        selection s(at_.size());
        for (std::size_t i = 0; i < s.size(); ++i) s[i] = table_.row(i)[at_[i]].option;
        if (!problem_.fits(s)) return std::nullopt;
        return s;
    }

  private:
    /// A row and the option of the table that it is to take.
    struct swap {
        std::size_t row;
        std::uint32_t to = 0;
    };

    double overrun() const {
        double sum = 0.0;
        for (const std::size_t r : scarce_) sum += std::max(0.0, used_[r] - 1.0);
        return sum;
    }

    /// The resource that is most overspent.
    std::size_t worst() const {
        std::size_t worst = scarce_[0];
        for (const std::size_t r : scarce_)
            if (used_[r] > used_[worst]) worst = r;
        return worst;
    }

    swap best_swap(double over) const {
        const std::size_t most = worst();
        double best = 0.0;
        swap of_best{at_.size()};
        for (std::size_t i = 0; i < at_.size(); ++i) {
            const std::span<const table_option> row = table_.row(i);
            const table_option& mine = row[at_[i]];
            const double mine_costs = mine.price(prices_);
            for (std::uint32_t k = 0; k < row.size(); ++k) {
                const resource_vector& more = streams_.change(i, row[k].port);
                const auto streams = [&](std::size_t r) { return more[r] * problem_.share[r]; };
                if (row[k].share[most] + streams(most) >= mine.share[most]) continue;
                double less = over;
                for (const std::size_t r : scarce_)
                    less -= std::max(0.0,
                                     used_[r] - 1.0 + row[k].share[r] - mine.share[r] + streams(r));
                if (less <= 0.0) continue;
                const double dearer = row[k].price(prices_) - mine_costs + dot(per_need_, more);
                const double costs = std::max(dearer, 0.0) + little_;
                if (less > best * costs) best = less / costs, of_best = {i, k};
            }
        }
        return of_best;
    }

    const knapsack_problem& problem_;
    stream_needs streams_;
    const option_table& table_;
    const resource_subset& scarce_;
    const resource_vector& prices_;
    resource_vector per_need_;
    double little_;
    std::vector<std::uint32_t> at_;  ///< one a row, indices into the table
    resource_vector used_{};
};

}  // namespace hass::detail
