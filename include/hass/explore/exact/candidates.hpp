/// \file candidates.hpp
/// The options that can be part of the optimum. One so dear that the others' cheapest would not fit
/// beside it is left out, and so is one that another one beats: a few dozen a row remain.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// How far back options of one row are compared; beaten ones that stay are harmless.
inline constexpr std::size_t few_back = 128;

/// Makes `f` the frontier of these options of a row (indices, ascending); those within `clamp`
/// cycles count as equally fast.
inline void keep_unbeaten(const row_options& row, std::span<const std::uint32_t> options,
                          double clamp, frontier& f) {
    f.options.clear();
    for (const std::uint32_t k : options)
        add_unbeaten(f, {std::max(row.cycles[k], clamp), row.options->costs()[k], k, row.port(k)},
                     few_back, row.rises);
    order_points(f);
}

/// See the head of the file.
class candidates {
  public:
    /// Collects the options that can be part of a choice within `interval` cycles that fits.
    void collect(const linked_problem& p, const ladders& rows, double interval) {
        constexpr std::size_t lists = priced_options::lists;
        list_array slack{};
        for (std::size_t l = 0; l < lists; ++l) {
            slack[l] = 1.0 + 2.0 * share_rounding - rows.least_price(l, interval);
            per_need_[l] = p.per_need(priced_options::prices[l]);
        }
        options_.clear();
        first_.assign(1, 0);
        for (std::size_t i = 0; i < p.size(); ++i) {
            const priced_options& options = *p.row(i).options;
            const std::span<const double> cycles = p.row(i).cycles;
            list_array limit{};
            std::size_t narrowest = 0;
            std::size_t count = options.size() + 1;
            for (std::size_t l = 0; l < lists; ++l) {
                limit[l] = rows[i].at(l, interval).price + slack[l];
                const std::vector<double>& price = options.list(l).price;
                const auto end = std::upper_bound(price.begin(), price.end(), limit[l]);
                const auto n = static_cast<std::size_t>(end - price.begin());
                if (n < count) count = n, narrowest = l;
            }
            const resource_vector most = limits_of_needs(p.whole.budget, limit);
            for (std::size_t k = 0; k < count; ++k) {
                const std::uint32_t option = options.list(narrowest).option[k];
                if (cycles[option] <= interval && no_more(options.costs()[option], most) &&
                    within_mixes(options.costs()[option], limit))
                    options_.push_back(option);
            }
            first_.push_back(options_.size());
        }
    }

    /// Strikes out those that cannot be part of a choice that fits, by the bound at these prices, a
    /// share of the budget each.
    void strike(const linked_problem& p, const resource_vector& prices) {
        const resource_vector q = p.per_need(prices);
        price_.resize(options_.size());
        least_.assign(p.size(), std::numeric_limits<double>::infinity());
        double sum = 0.0;
        for (const double price : prices) sum -= price;
        for (std::size_t i = 0; i < p.size(); ++i) {
            const std::vector<resource_vector>& needs = p.needs(i);
            for (std::size_t k = first_[i]; k < first_[i + 1]; ++k) {
                price_[k] = dot(q, needs[options_[k]]);
                least_[i] = std::min(least_[i], price_[k]);
            }
            sum += least_[i];
        }
        const double slack = 1e-9 - sum;
        keep_if([&](std::size_t i, std::size_t k) { return price_[k] - least_[i] <= slack; });
    }

    /// Drops those that take longer.
    void keep_within(const linked_problem& p, double interval) {
        keep_if(
            [&](std::size_t i, std::size_t k) { return p.row(i).cycles[options_[k]] <= interval; });
    }

    /// Those of row `i`.
    std::span<const std::uint32_t> of(std::size_t i) const {
        return {options_.data() + first_[i], first_[i + 1] - first_[i]};
    }

    /// Those that no other one beats, row by row; those within `clamp` cycles count as equally
    /// fast. Valid until the next call.
    std::span<const frontier> unbeaten(const linked_problem& p, double clamp) {
        frontiers_.resize(p.size());
        for (std::size_t i = 0; i < frontiers_.size(); ++i) {
            const auto row = options_.begin();
            std::sort(row + static_cast<std::ptrdiff_t>(first_[i]),
                      row + static_cast<std::ptrdiff_t>(first_[i + 1]));
            keep_unbeaten(p.row(i), of(i), clamp, frontiers_[i]);
        }
        return frontiers_;
    }

  private:
    using list_array = std::array<double, priced_options::lists>;

    /// Price limits of single resources as limits of their needs.
    static resource_vector limits_of_needs(const resource_vector& budget, const list_array& limit) {
        resource_vector most{};
        for (std::size_t r = 0; r < most.size(); ++r)
            most[r] = limit[r] * budget[r] * (1.0 + share_rounding);
        return most;
    }

    /// Whether a need is within the limits of the lists that price several resources together.
    bool within_mixes(const resource_vector& need, const list_array& limit) const {
        bool within = true;
        for (std::size_t l = resources.size(); l < priced_options::lists; ++l)
            within = within && dot(per_need_[l], need) <= limit[l] + share_rounding;
        return within;
    }

    /// \param keep  keep(row, position): whether that one stays
    template <class Keep>
    void keep_if(const Keep& keep) {
        std::size_t kept = 0;
        std::size_t begin = 0;
        for (std::size_t i = 0; i + 1 < first_.size(); ++i) {
            for (std::size_t k = begin; k < first_[i + 1]; ++k)
                if (keep(i, k)) options_[kept++] = options_[k];
            begin = first_[i + 1];
            first_[i + 1] = kept;
        }
        options_.resize(kept);
    }

    std::vector<std::uint32_t> options_;  // row behind row
    std::vector<std::size_t> first_;      // of each row, and the end
    // scratch
    std::array<resource_vector, priced_options::lists> per_need_{};
    std::vector<double> price_;
    std::vector<double> least_;
    std::vector<frontier> frontiers_;
};

}  // namespace hass::detail
