/// \file option_table.hpp
/// The options that are still possible, row by row, with their needs as shares of the caps. An
/// option leaves the table when another one of its row needs no more of anything, or when
/// its reduced cost, what choices with it are dearer than the cheapest at least, is more than any
/// answer can afford.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/knapsack/objective.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>

namespace hass::detail {

/// An option as the table holds it.
struct table_option {
    resource_vector share;     ///< need / cap
    double objective = 0.0;    ///< what is to be least
    std::uint32_t option = 0;  ///< index into the row's frontier
    stream_port port{};

    /// objective + prices . share
    double price(const resource_vector& prices) const { return objective + dot(prices, share); }
};

class option_table {
  public:
    /// Fills the table, without an objective, with the options that `keep(row, option)` admits of
    /// those within the interval (asked in their order), less dominated ones.
    template <class Keep>
    void load_if(const knapsack_problem& problem, Keep keep) {
        clear();
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            for (std::uint32_t k = 0; k < problem.within[i]; ++k)
                if (keep(i, k)) add(problem, i, k, 0.0);
            drop_dominated(problem, i, false);
            if (problem.edges != nullptr) group_by_port();
            end_row();
        }
    }

    /// Fills the table with all options within the interval; where the objective is the delay, less
    /// dominated ones: in needs alone few options of a frontier are.
    void load(const knapsack_problem& problem, const objective& wanted) {
        clear();
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            for (std::uint32_t k = 0; k < problem.within[i]; ++k)
                add(problem, i, k, wanted.of(problem.rows[i], k));
            if (wanted.is_delay()) drop_dominated(problem, i, true);
            if (problem.edges != nullptr) group_by_port();
            end_row();
        }
    }

    std::size_t rows() const { return first_.size() - 1; }
    /// Of all rows.
    std::size_t size() const { return options_.size(); }
    std::span<const table_option> row(std::size_t i) const {
        return {options_.data() + first_[i], first_[i + 1] - first_[i]};
    }

    bool every_row_has_one() const {
        for (std::size_t i = 0; i < rows(); ++i)
            if (first_[i] == first_[i + 1]) return false;
        return true;
    }

    /// Drops options whose reduced cost is over `slack`.
    /// \param low  low(row): the price, or a function of a port that gives the price, of an option
    ///             of that row whose reduced cost is 0
    /// \returns false when a row has nothing left
    template <class Low>
    bool strike(const resource_vector& prices, const Low& low_of, double slack) {
        const resource_vector p = prices;  // in registers
        table_option* const options = options_.data();
        std::uint32_t kept = 0;
        std::uint32_t begin = 0;
        bool all = true;
        for (std::size_t i = 0; i < rows(); ++i) {
            const std::uint32_t end = first_[i + 1];
            const std::uint32_t start = kept;
            const auto low = low_of(i);
            for (std::uint32_t k = begin; k < end; ++k) {
                double free = 0.0;
                if constexpr (requires { low(options[k].port); })
                    free = low(options[k].port);
                else
                    free = low;
                if (!(options[k].price(p) - free <= slack)) continue;
                if (kept != k) options[kept] = options[k];  // most stay where they are
                ++kept;
            }
            all = all && kept > start;
            begin = end;
            first_[i + 1] = kept;
        }
        options_.resize(kept);
        return all;
    }

    /// Resources that can run out at all.
    resource_subset scarce(const knapsack_problem& problem) const {
        resource_vector most{};
        if (problem.edges != nullptr)
            for (std::size_t r = 0; r < most.size(); ++r)
                most[r] = problem.edges->most()[r] * problem.share[r];
        for (std::size_t i = 0; i < rows(); ++i)
            for (std::size_t r = 0; r < most.size(); ++r) {
                double largest = -std::numeric_limits<double>::infinity();
                for (const table_option& o : row(i)) largest = std::max(largest, o.share[r]);
                most[r] += largest;
            }
        resource_subset some;
        for (std::size_t r = 0; r < most.size(); ++r)
            if (most[r] > 1.0 - share_rounding) some.add(r);
        return some;
    }

    /// What the rows of a choice take of the objective at most; at least 1.
    double largest_objective() const {
        double sum = 0.0;
        for (std::size_t i = 0; i < rows(); ++i) {
            double largest = 0.0;
            for (const table_option& o : row(i)) largest = std::max(largest, std::abs(o.objective));
            sum += largest;
        }
        return std::max(sum, 1.0);
    }

  private:
    void clear() {
        options_.clear();
        first_.assign(1, 0);
    }

    void add(const knapsack_problem& problem, std::size_t i, std::uint32_t k, double objective) {
        const resource_vector& need = problem.need(i, k);
        table_option o;
        for (std::size_t r = 0; r < need.size(); ++r) {
            if (need[r] > 0.0 && problem.caps[r] <= 0.0) return;  // a share of nothing
            o.share[r] = need[r] * problem.share[r];
        }
        o.objective = objective;
        o.option = k;
        o.port = problem.rows[i].options[k].port;
        options_.push_back(o);
    }

    void end_row() { first_.push_back(static_cast<std::uint32_t>(options_.size())); }

    /// Of the row that is being filled: options of one port together.
    void group_by_port() {
        std::stable_sort(
            options_.begin() + static_cast<std::ptrdiff_t>(first_.back()), options_.end(),
            [](const table_option& a, const table_option& b) { return a.port < b.port; });
    }

    /// Of the row that is being filled: drops options that need no less than another one in
    /// everything that counts.
    void drop_dominated(const knapsack_problem& problem, std::size_t i, bool by_objective) {
        const auto row = options_.begin() + static_cast<std::ptrdiff_t>(first_.back());
        std::sort(row, options_.end(), [&](const table_option& a, const table_option& b) {
            if (by_objective && a.objective != b.objective) return a.objective < b.objective;
            if (a.share != b.share) return a.share < b.share;
            return a.option < b.option;
        });
        auto kept = row;
        const port_rises* const rises =
            problem.edges != nullptr ? &problem.edges->rises(i) : nullptr;
        for (auto k = row; k != options_.end(); ++k) {
            const std::span<const table_option> so_far(row, kept);
            const auto beats = [&](const table_option& o) {
                if (!no_more(o.share, k->share)) return false;
                return rises == nullptr || rises->no_more(problem.need(i, o.option), o.port,
                                                          problem.need(i, k->option), k->port);
            };
            if (!is_beaten<look::oldest_first>(so_far, at_all, beats)) *kept++ = *k;
        }
        options_.erase(kept, options_.end());
    }

    std::vector<table_option> options_;    ///< row behind row
    std::vector<std::uint32_t> first_{0};  ///< of each row, and the end
};

/// What a table held at some time, as indices into the rows' frontiers.
class survivors {
  public:
    void keep(const option_table& table) {
        options_.clear();
        first_.assign(1, 0);
        for (std::size_t i = 0; i < table.rows(); ++i) {
            for (const table_option& o : table.row(i)) options_.push_back(o.option);
            first_.push_back(static_cast<std::uint32_t>(options_.size()));
        }
    }

    bool contains(std::size_t i, std::uint32_t option) const {
        const auto begin = options_.begin() + first_[i];
        const auto end = options_.begin() + first_[i + 1];
        return std::find(begin, end, option) != end;
    }

  private:
    selection options_;
    std::vector<std::uint32_t> first_;
};

}  // namespace hass::detail
