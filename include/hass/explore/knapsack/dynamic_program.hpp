/// \file dynamic_program.hpp
/// Dynamic programming over the rows of a table: every partial choice of the first rows is
/// continued by every option of the next one, and kept while
///
///     objective + prices . used + (least of the rows to come)  <=  limit
///     objective                 + (least of the rows to come)  <=  objective_limit
///     used                      + (least of the rows to come)  <=  1  in what is counted
///
/// and no other one beats it. Where streams have a price, rows are taken along them
/// (`row_order.hpp`), what the streams cost is added when both ends are known, and the least price
/// to come is that of the widths that are open. At most `max_choices` are kept; what is dropped beyond leaves a
/// bound. Where there are more, those first go that other prices reject (`tilted_bounds.hpp`), and then those that
/// come closest to it: at one price alone a choice that has spent all of one resource looks as good as a balanced one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/knapsack/messages.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/partial_choices.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/resource_subset.hpp>
#include <hass/explore/knapsack/tilted_bounds.hpp>

namespace hass::detail {

/// When the program may stop: at any choice that fits (or when there is none), when there will be
/// no proof that what it finds is best, or at the end.
enum class until : std::uint8_t { fits, unproved, end };

class dynamic_program {
  public:
    struct question {
        resource_vector prices{};  ///< 0 for what is not counted, see `chooser::of_counted`
        double limit = 0.0;
        double objective_limit = std::numeric_limits<double>::infinity();
        until goal = until::end;
        resource_subset counted{};      ///< resources to be observed on the way
        bool everything_counts = true;  ///< whether no other one can run out
        std::size_t max_choices = 1;
    };
    struct outcome {
        verdict answer = verdict::unknown;
        std::optional<selection> found{};  ///< of least objective among what was kept
        /// Least bound of what was dropped for want of room; infinite: nothing was.
        double dropped = std::numeric_limits<double>::infinity();
        bool rejected = false;   ///< some choice of all rows was over what was not counted
        double objective = 0.0;  ///< of what was found, as far as streams were counted
    };

    /// \param along  bound to the table, where streams have a price; else nullptr
    outcome operator()(const knapsack_problem& problem, const option_table& table,
                       const question& asked, stream_messages* along) {
        along_ = along;
        begin(table, asked.prices);
        outcome result;
        room_ = asked.max_choices;
        tilted_.forget();
        for (std::size_t level = 0; level < order_.size(); ++level) {
            result.dropped = std::min(result.dropped, extend(level, table, asked));
            // no proof any more, and going on seldom finds anything better
            if (asked.goal == until::unproved && result.dropped < infinity) {
                result.dropped = least_.front().price;
                return result;
            }
            // along streams many are needed for a proof, and few find what there is
            if (along_ != nullptr && asked.goal == until::fits && result.dropped < infinity)
                room_ = std::min<std::size_t>(asked.max_choices, 400);
        }
        pick(problem, table, asked, result);
        if (asked.goal == until::fits && result.found)
            result.answer = verdict::yes;
        else if (result.dropped == infinity)
            result.answer = result.found ? verdict::yes : verdict::no;
        return result;
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    static constexpr std::size_t few = 64;  ///< choices that are not worth a look at other prices

    /// What the rows from a level on need at least.
    struct rest {
        resource_vector share{};
        double price = 0.0;
        double objective = 0.0;
    };

    /// Orders the rows, those with few options first, and sets what is left to come at each level.
    void begin(const option_table& table, const resource_vector& prices) {
        const std::size_t n = table.rows();
        order_.resize(n);
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
            const std::size_t of_a = table.row(a).size();
            const std::size_t of_b = table.row(b).size();
            return of_a != of_b ? of_a < of_b : a < b;
        });
        along_from_ = n;
        if (along_ != nullptr) {  // rows on their own first
            const auto first = std::stable_partition(
                order_.begin(), order_.end(), [&](std::size_t i) { return !along_->has(i); });
            std::copy(along_->rows().begin(), along_->rows().end(), first);
            along_from_ = static_cast<std::size_t>(first - order_.begin());
            along_->look(table, prices);
        }
        least_.assign(n + 1, {});
        for (std::size_t level = n; level-- > 0;) {
            const std::span<const table_option> row = table.row(order_[level]);
            rest low{row[0].share, infinity, infinity};
            for (const table_option& o : row) {
                low.objective = std::min(low.objective, o.objective);
                for (std::size_t r = 0; r < low.share.size(); ++r)
                    low.share[r] = std::min(low.share[r], o.share[r]);
                low.price = std::min(low.price, o.price(prices));
            }
            const rest& next = least_[level + 1];
            rest& here = least_[level];
            for (std::size_t r = 0; r < low.share.size(); ++r)
                here.share[r] = next.share[r] + low.share[r];
            here.price = next.price + low.price;
            if (level == along_from_) here.price = along_->to_come(0, 0);
            here.objective = next.objective + low.objective;
        }
        levels_.resize(std::max(levels_.size(), n + 1));
        for (std::size_t level = 0; level <= n; ++level) levels_[level].clear();
        levels_[0].push_back({{}, 0.0, least_[0].price, 0.0, 0, 0, 0});
    }

    /// Continues the choices of a level by every option of the next row.
    /// \returns the least bound that was dropped for want of room
    double extend(std::size_t level, const option_table& table, const question& asked) {
        const std::span<const table_option> row = table.row(order_[level]);
        const rest& rest_of = least_[level + 1];
        std::vector<partial_choice>& next = levels_[level + 1];
        double dropped = infinity;
        const bool along = level >= along_from_;
        stream_messages::move move;
        for (std::uint32_t s = 0; s < levels_[level].size(); ++s) {
            const partial_choice& from = levels_[level][s];
            for (std::uint32_t k = 0; k < row.size(); ++k) {
                partial_choice to;
                bool fit = true;
                for (std::size_t r = 0; r < to.used.size(); ++r)
                    to.used[r] = from.used[r] + row[k].share[r];
                if (along) {
                    if (k == 0 || row[k].port != row[k - 1].port)
                        move = along_->advance(level - along_from_, from.state, row[k].port);
                    for (std::size_t r = 0; r < to.used.size(); ++r)
                        to.used[r] += move.paid.share[r];
                    to.state = static_cast<std::uint32_t>(move.state);
                }
                for (const std::size_t r : asked.counted)
                    fit = fit && to.used[r] + rest_of.share[r] <= 1.0 + share_rounding;
                if (!fit) continue;
                to.objective = from.objective + row[k].objective + move.paid.objective;
                if (to.objective + rest_of.objective > asked.objective_limit) continue;
                const double to_come =
                    along ? along_->to_come(level + 1 - along_from_, move.state) : rest_of.price;
                to.bound = to.objective + dot(asked.prices, to.used) + to_come;
                if (to.bound > asked.limit) continue;
                to.taken = sum_of(to.used);
                to.parent = s, to.option = k;
                next.push_back(to);
            }
            if (next.size() > 8 * room_)
                dropped = std::min(dropped, keep_few(level + 1, table, asked));
        }
        return std::min(dropped, keep_few(level + 1, table, asked));
    }

    /// Drops choices of a level that are beaten, and what there is no room for.
    /// \returns the least bound of the latter
    double keep_few(std::size_t level, const option_table& table, const question& asked) {
        std::vector<partial_choice>& choices = levels_[level];
        if (choices.size() > std::min(few, room_)) {
            if (tilted_.empty())
                tilted_.look(table, order_, along_from_, along_, asked.prices, asked.counted);
            tilted_.strike(level, choices, along_, asked.limit);
        }
        return thin(choices, asked.counted, room_);
    }

    /// Of the choices of all rows, the first that fits.
    void pick(const knapsack_problem& problem, const option_table& table, const question& asked,
              outcome& result) {
        std::vector<partial_choice>& last = levels_[order_.size()];
        std::sort(last.begin(), last.end(), [](const partial_choice& a, const partial_choice& b) {
            return a.objective != b.objective ? a.objective < b.objective : a.used < b.used;
        });
        for (std::uint32_t k = 0; k < last.size(); ++k) {
            selection s = trace(table, k);
            if (problem.fits(s)) {
                result.found = std::move(s);
                result.objective = last[k].objective;
                return;
            }
            // where not everything was counted, something that was beaten might have fitted
            if (!asked.everything_counts || (along_ != nullptr && !along_->complete()))
                result.dropped = std::min(result.dropped, last[k].bound), result.rejected = true;
        }
    }

    /// The options of the last level's choice `at`.
    selection trace(const option_table& table, std::uint32_t at) const {
        selection s(order_.size());
        for (std::size_t level = order_.size(); level > 0; --level) {
            const partial_choice& here = levels_[level][at];
            s[order_[level - 1]] = table.row(order_[level - 1])[here.option].option;
            at = here.parent;
        }
        return s;
    }

    stream_messages* along_ = nullptr;
    std::size_t room_ = 0;        ///< for choices
    std::size_t along_from_ = 0;  ///< the level of the first row that has streams
    std::vector<std::size_t> order_;
    std::vector<rest> least_;
    tilted_bounds tilted_;
    std::vector<std::vector<partial_choice>> levels_;  ///< a row more each
};

}  // namespace hass::detail
