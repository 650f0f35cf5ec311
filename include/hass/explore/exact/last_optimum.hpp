/// \file last_optimum.hpp
/// The last optimum and the prices that prove it, for rows that change one by one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <hass/explore/exact/ladder.hpp>
#include <hass/explore/exact/within.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// See the head of the file.
class last_optimum {
  public:
    void forget() { interval_ = 0.0; }

    /// Keeps the proof that nothing is faster than `interval`.
    /// \param prices  that the proof uses, a share of the budget each
    void remember(const linked_problem& p, double interval, const resource_vector& prices) {
        interval_ = interval;
        budget_ = p.whole.budget;
        link_ = p.whole.link;
        prices_ = prices;
        price_ = p.per_need(prices);
        versions_.resize(p.size());
        for (std::size_t i = 0; i < p.size(); ++i) versions_[i] = p.row(i).version;
        priced_.assign(p.size(), 0);
        least_.assign(p.size(), 0.0);
    }

    /// The interval that was remembered, if few rows have changed since the last call and nothing
    /// is faster still: by a sum over rows at the prices of that proof, or, where streams have a
    /// price too, by one question that starts at them. Whether it is known depends on earlier calls,
    /// what it is does not.
    /// \param c  is asked, and left with the prices of the proof
    std::optional<double> holds(const linked_problem& p, const ladders& rows, chooser& c) {
        if (interval_ == 0.0 || interval_ < rows.floor() || versions_.size() != p.size() ||
            budget_ != p.whole.budget || link_ != p.whole.link)
            return std::nullopt;
        std::size_t changed = 0;
        for (std::size_t i = 0; i < p.size(); ++i)
            changed += versions_[i] != p.row(i).version ? 1 : 0;
        if (8 * changed > p.size() + 7) return std::nullopt;
        for (std::size_t i = 0; i < p.size(); ++i) versions_[i] = p.row(i).version;
        if (!nothing_faster(p, rows) && !nothing_faster_fits(p, rows, c)) return std::nullopt;
        return interval_;
    }

  private:
    bool nothing_faster(const linked_problem& p, const ladders& rows) {
        if (interval_ == rows.floor()) return true;
        const double below = std::max(rows.floor(), std::nextafter(interval_, 0.0));
        for (std::size_t list = 0; list < priced_options::lists; ++list)
            if (rows.reject(list, below)) return true;
        double sum = 0.0;
        for (std::size_t i = 0; i < p.size(); ++i) {
            if (priced_[i] != p.row(i).version) {
                least_[i] = least_faster(p, i);
                priced_[i] = p.row(i).version;
            }
            sum += least_[i];
        }
        return sum > 1.0 + share_rounding;
    }

    /// The same of all that is faster, streams included.
    bool nothing_faster_fits(const linked_problem& p, const ladders& rows, chooser& c) {
        if (p.whole.edges == nullptr) return false;
        const double sooner = std::nextafter(interval_, 0.0);
        c.bind(faster_(p, std::max(rows.floor(), sooner)));
        if (!c.nothing_fits(p.limits_at(sooner), prices_)) return false;
        prices_ = c.prices();
        return true;
    }

    /// Least price of an option of row `i` that is faster than the interval.
    double least_faster(const linked_problem& p, std::size_t i) const {
        const std::vector<resource_vector>& needs = p.needs(i);
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t k = 0; k < needs.size(); ++k)
            if (p.row(i).cycles[k] < interval_) least = std::min(least, dot(price_, needs[k]));
        return least;
    }

    double interval_ = 0.0;  // 0: none
    resource_vector budget_{};
    image_link link_{};
    resource_vector prices_{};             // a share of the budget each ...
    resource_vector price_{};              // ... and a unit of need
    std::vector<std::uint64_t> versions_;  // of the rows at the last call
    std::vector<double> least_;            // least price of a faster option, row by row ...
    std::vector<std::uint64_t> priced_;    // ... of that version of the row
    rows_within faster_;                   // what is faster than the interval
};

}  // namespace hass::detail
