/// \file cheapest.hpp
/// The cheapest choice at prices p >= 0 of shares. Rows separate,
///
///     L(p) = sum over rows of min over options of (objective + p . share)  -  sum of p
///
/// and whatever fits has an objective of at least L(p): the Lagrangian bound. Where streams between
/// rows have a price, they may be left out of the sum, and it still is a bound; or rows are chosen
/// along them (`messages.hpp`), and it is a higher one.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/knapsack/messages.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

struct cheapest_choice {
    selection options;          ///< one a row, the first on ties
    std::vector<double> least;  ///< its price, row by row
    double price = 0.0;         ///< the sum of these
    resource_vector used{};     ///< shares that it takes
    /// Along which rows are chosen, bound to the table; nullptr: each on its own
    stream_messages* along = nullptr;

    /// Of the options of a table.
    void look(const option_table& table, const resource_vector& prices) {
        if (along != nullptr) return look_along(table, prices);
        const std::size_t rows = table.rows();
        options.resize(rows);
        least.resize(rows);
        // in registers: what is written in between could be them, for all the compiler knows
        const resource_vector p = prices;
        resource_vector taken{};
        double sum = 0.0;
        for (std::size_t i = 0; i < rows; ++i) {
            const std::span<const table_option> row = table.row(i);
            double low = std::numeric_limits<double>::infinity();
            std::size_t at = 0;
            for (std::size_t k = 0; k < row.size(); ++k)
                if (const double v = row[k].price(p); v < low) low = v, at = k;
            least[i] = low;
            options[i] = row[at].option;
            for (std::size_t r = 0; r < taken.size(); ++r) taken[r] += row[at].share[r];
            sum += low;
        }
        used = taken;
        price = sum;
    }

    /// Drops what is dearer than this choice by more than `slack`, in whatever choice it is.
    /// \param prices  of the last look
    /// \returns false when a row of the table has nothing left
    bool strike(option_table& table, const resource_vector& prices, double slack) const {
        if (along == nullptr)
            return table.strike(
                prices, [&](std::size_t i) { return least[i]; }, slack);
        along->look_forward();
        return table.strike(
            prices,
            [&](std::size_t i) {
                return [this, i](const stream_port& port) { return along->low(i, port); };
            },
            slack);
    }

    /// Whether no proof can be had: streams that are left out add to what is to be least.
    bool beyond_proof(bool streams_add) const {
        return streams_add && along != nullptr && !along->complete();
    }

    /// Prices of the rows without their signs.
    double magnitude() const {
        double sum = 0.0;
        for (const double v : least) sum += std::abs(v);
        return sum;
    }

  private:
    void look_along(const option_table& table, const resource_vector& prices) {
        price = along->look(table, prices);
        at_.resize(table.rows());
        along->cheapest(at_);
        options.resize(at_.size());
        least.resize(at_.size());
        used = along->between(table, at_);
        for (std::size_t i = 0; i < at_.size(); ++i) {
            const table_option& o = table.row(i)[at_[i]];
            options[i] = o.option;
            least[i] = o.price(prices);
            for (std::size_t r = 0; r < used.size(); ++r) used[r] += o.share[r];
        }
    }

    selection at_;  // positions in the table's rows
};

/// One look at every option within the interval, before there is a table.
struct price_survey {
    std::vector<double> price;  ///< of every option within the interval, row behind row
    std::vector<double> least;  ///< of each row
    selection cheapest;         ///< the choice of these
    double bound = 0.0;         ///< its price; over 1: nothing fits, where the prices sum to 1

    void look(const knapsack_problem& problem, const resource_vector& prices) {
        const resource_vector q = problem.per_need(prices);
        cheapest.resize(problem.rows.size());
        least.resize(problem.rows.size());
        price.clear();
        bound = 0.0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            const frontier_option* const options = problem.rows[i].options.data();
            double low = std::numeric_limits<double>::infinity();
            for (std::uint32_t k = 0; k < problem.within[i]; ++k) {
                const double v = dot(q, options[k].need);
                price.push_back(v);
                if (v < low) low = v, cheapest[i] = k;
            }
            least[i] = low;
            bound += low;
        }
    }

    /// Fills `table` with the options that are within `slack` of their row's least; others cannot
    /// be part of a choice that fits.
    void load(const knapsack_problem& problem, double slack, option_table& table) const {
        auto at = price.begin();
        table.load_if(problem,
                      [&](std::size_t i, std::uint32_t) { return *at++ - least[i] <= slack; });
    }
};

}  // namespace hass::detail
