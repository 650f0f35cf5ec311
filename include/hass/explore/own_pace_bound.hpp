/// \file own_pace_bound.hpp
/// What no design can be below in the latency of a single image (`own_pace_latency.hpp`). With c_i
/// the cycles of row i and d_i what a pixel takes beside them, any mean of paths with shares a, and
/// any prices q >= 0 of what there is to spend, bound all designs:
///
///     latency >= sum over the rows of min over their options of ( a_i c_i + d_i + q . need )
///                - q . budget + a x cycles of the image
///
/// (Lagrange). Shares and prices rise along subgradients: towards the longest path of the options
/// that are the minimum, and of what these spend too much; as far as it would take to reach the best
/// design known (Polyak), and half as far from the best bound whenever that does not help.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/path_means.hpp>
#include <hass/pipeline/own_pace.hpp>

namespace hass::detail {

/// Rows held to windows of their options, fastest to slowest, and what is known of the designs in
/// them.
struct option_windows {
    /// Of a row's points [begin, end).
    struct window {
        std::uint32_t begin, end;
        std::uint32_t size() const { return end - begin; }
    };
    static constexpr std::size_t any = std::numeric_limits<std::size_t>::max();

    std::vector<window> rows;
    std::size_t slowest = any;       ///< row that no other one is slower than
    double image = 0.0;              ///< least cycles of the image
    double bound = 0.0;              ///< of their latency
    std::vector<path_share> mean{};  ///< and prices of shares of the budget that give a bound
    resource_vector prices{};
    selection choice{};  ///< points that are the minimum there

    std::size_t points() const {
        std::size_t sum = 0;
        for (const window& w : rows) sum += w.size();
        return sum;
    }
};

/// The best design known. Latencies are compared to 1e-9.
struct lowest_known {
    selection options;
    double latency = std::numeric_limits<double>::infinity();

    bool reached_by(double bound) const { return bound >= latency * (1.0 - 1e-9); }
};

/// See the head of the file.
class own_pace_bound {
  public:
    /// \param offered  points of every row, with delays; looked at, as `limits` and `best` are
    own_pace_bound(own_pace& pace, std::span<const frontier> offered, const resource_vector& limits,
                   const lowest_known& best)
        : pace_(pace), offered_(offered), limits_(limits), best_(best), paces_(offered.size()) {}

    path_means& paths() { return paths_; }
    std::size_t work() const { return work_; }  ///< options looked at so far

    /// The mean that bounds windows.
    image_path mean(const option_windows& n) const { return paths_.mean(n.mean); }

    /// Raises the bound of windows.
    /// \param consider  called with points that fit, but for what stands between rows
    /// \returns false when there is no better design in them
    template <class Consider>
    bool raise(option_windows& n, int steps, Consider&& consider) {
        find_scarce(n);
        std::vector<path_share> parts = n.mean;
        resource_vector prices{};
        for (const std::size_t r : scarce_) prices[r] = n.prices[r];
        double length = 1.0;
        double highest = -std::numeric_limits<double>::infinity();
        int idle = 0;
        for (int step = 0; step < steps && length >= 1e-3; ++step) {
            minimise(n, paths_.mean(parts), prices);
            n.bound = std::max(n.bound, bound_);
            if (best_.reached_by(n.bound)) return false;
            if (no_more(need_, limits_)) consider(points_);
            if (bound_ > highest) {
                highest = bound_, idle = 0;
                n.mean = parts, n.prices = prices, n.choice = points_;
            } else if (++idle == patience) {
                length *= 0.5, idle = 0;
                parts = n.mean, prices = n.prices;
                continue;
            }
            rise(n, parts, prices, length);
        }
        std::erase_if(n.mean, [](const path_share& p) { return p.share <= 0.0; });
        return true;
    }

    /// Ends windows, right after `raise`, where an option alone takes more than the bound leaves.
    /// \returns false when nothing is left
    bool trim(option_windows& n) const {
        const image_path along = mean(n);
        resource_vector each{};
        double base = along.of_image * n.image;
        for (const std::size_t r : scarce_) each[r] = n.prices[r] / limits_[r], base -= n.prices[r];
        const auto taken = [&](std::size_t i, std::uint32_t k) {
            const frontier_option& p = offered_[i].options[k];
            double sum = along.images[i] * p.cycles + along.on[i] * offered_[i].delay[k];
            for (const std::size_t r : scarce_) sum += each[r] * p.need[r];
            return sum;
        };
        for (std::size_t i = 0; i < n.rows.size(); ++i) base += taken(i, n.choice[i]);
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            option_windows::window& w = n.rows[i];
            const double others = base - taken(i, n.choice[i]);
            while (w.size() > 0 && best_.reached_by(others + taken(i, w.end - 1))) --w.end;
            while (w.size() > 0 && best_.reached_by(others + taken(i, w.begin))) ++w.begin;
            if (w.size() == 0) return false;
        }
        return true;
    }

  private:
    static constexpr int patience = 5;  ///< steps without a better bound

    /// The resources that choices in the windows can take too much of.
    void find_scarce(const option_windows& n) {
        resource_vector most{};
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            resource_vector row = offered_[i].options[n.rows[i].begin].need;
            for (std::uint32_t k = n.rows[i].begin + 1; k < n.rows[i].end; ++k)
                for (std::size_t r = 0; r < row.size(); ++r)
                    row[r] = std::max(row[r], offered_[i].options[k].need[r]);
            for (std::size_t r = 0; r < row.size(); ++r) most[r] += row[r];
        }
        scarce_.clear();
        for (std::size_t r = 0; r < most.size(); ++r)
            if (limits_[r] > 0.0 && most[r] > limits_[r]) scarce_.push_back(r);
    }

    /// The options that are the minimum, and what they come to.
    void minimise(const option_windows& n, const image_path& mean, const resource_vector& prices) {
        resource_vector each{};  // of a unit
        bound_ = along_ = mean.of_image * n.image;
        for (const std::size_t r : scarce_) each[r] = prices[r] / limits_[r], bound_ -= prices[r];
        need_ = {};
        points_.resize(n.rows.size());
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            const frontier& row = offered_[i];
            const double images = mean.images[i], on = mean.on[i];
            double least = std::numeric_limits<double>::infinity();
            for (std::uint32_t k = n.rows[i].begin; k < n.rows[i].end; ++k) {
                const frontier_option& p = row.options[k];
                double sum = images * p.cycles + on * row.delay[k];
                for (const std::size_t r : scarce_) sum += each[r] * p.need[r];
                if (sum < least) least = sum, points_[i] = k;
            }
            const frontier_option& p = row.options[points_[i]];
            bound_ += least;
            along_ += images * p.cycles + on * row.delay[points_[i]];
            for (std::size_t r = 0; r < need_.size(); ++r) need_[r] += p.need[r];
            paces_[i] = {p.cycles, row.delay[points_[i]]};
            work_ += n.rows[i].size();
        }
    }

    /// A step along the subgradient.
    void rise(const option_windows& n, std::vector<path_share>& parts, resource_vector& prices,
              double length) {
        const double latency = pace_(paces_, n.image);
        double longest = 0.0;
        std::vector<double> gain;
        for (const path_share& p : parts) {
            gain.push_back(paths_[p.path].along(paces_, n.image));
            longest = std::max(longest, gain.back());
        }
        if (longest < latency * (1.0 - 1e-9))
            parts.push_back({paths_.add(pace_), 0.0}), gain.push_back(latency);
        double square = 0.0;
        for (std::size_t k = 0; k < parts.size(); ++k) {
            gain[k] = (gain[k] - along_) / best_.latency;
            if (gain[k] < 0.0 && parts[k].share == 0.0) gain[k] = 0.0;
            square += gain[k] * gain[k];
        }
        resource_vector over{};
        for (const std::size_t r : scarce_) {
            over[r] = need_[r] / limits_[r] - 1.0;
            if (over[r] < 0.0 && prices[r] == 0.0) over[r] = 0.0;
            square += over[r] * over[r];
        }
        if (!(square > 0.0)) return;
        const double step = length * (best_.latency - bound_) / square;
        for (std::size_t k = 0; k < parts.size(); ++k)
            parts[k].share += step / best_.latency * gain[k];
        make_mean(parts);
        for (const std::size_t r : scarce_) prices[r] = std::max(0.0, prices[r] + step * over[r]);
    }

    own_pace& pace_;
    std::span<const frontier> offered_;
    const resource_vector& limits_;
    const lowest_known& best_;
    path_means paths_;
    std::vector<std::size_t> scarce_;
    std::size_t work_ = 0;
    // the minimum: what it comes to with the prices and along the mean, its needs, points and paces
    double bound_ = 0.0, along_ = 0.0;
    resource_vector need_{};
    selection points_;
    std::vector<stage_pace> paces_;
};

}  // namespace hass::detail
