/// \file latency.hpp
/// The design that answers a single image soonest. With the interval I and the longest path Q
/// through the network,
///
///     latency = a(Q) I + sum over the rows of Q of d_i
///
/// where a is what the windows on the path wait for and the rest of its last map, in images
/// (`fill.hpp`), and d_i the `pixel_latency` of row i in its option. So for any path, and
/// for all designs with lo <= I <= hi,
///
///     latency >= a(Q) lo + min { sum over Q of d_i : no row over hi cycles, all within budget }
///
/// (where the board's link is what sets I, the budget is what images of that interval leave of it),
/// of which the minimum is a question to `chooser.hpp`, with d in the place of a resource. Ranges
/// of intervals are split, the least bound first, until no bound is below the best design found
/// (branch and bound). Paths are the longest ones of the designs that turn up. Most often all
/// designs have the same; where two are about equally long (branches, or an early map that takes
/// longer to end than the last one) no single path may prove the optimum, and the bound says how
/// far it could be.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>
#include <hass/explore/longest_path.hpp>
#include <hass/explore/policy.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// See the head of the file. Deterministic. Latencies are compared to 1e-9.
class latency_search {
  public:
    struct answer {
        selection options;   ///< one a row
        double least = 0.0;  ///< no design has a lower latency (cycles)
        bool proved = false;
    };

    /// \param problem     rows and budget; must outlive this, as `net` must
    /// \param delays      `pixel_latency` of every option of every row
    /// \param max_states  partial choices kept at once, see `chooser`
    /// \param max_ranges  ranges looked at before the gap is stated
    latency_search(const network_view& net, const allocation_problem& problem,
                   std::span<const std::vector<double>> delays, std::size_t max_states,
                   std::size_t max_ranges)
        : net_(net), problem_(problem), delays_(delays), max_ranges_(max_ranges) {
        chooser_.reset(problem.budget, max_states);
        chooser_.set_edges(problem.edges);
        chooser_.set_ascent_steps(400);
    }

    /// \param start     options of a design that fits
    /// \param interval  no design has a smaller one
    answer operator()(const selection& start, double interval) {
        best_ = start;
        best_latency_ = longest_path_of(start).cycles;
        const double widest = widest_interval(interval);
        offer(widest);
        residual_ = infinity;
        ranges_.assign(1, {interval, widest, path_.images, 0.0, false});
        for (std::size_t count = 0; !ranges_.empty() && count < max_ranges_; ++count) {
            const auto least = std::min_element(
                ranges_.begin(), ranges_.end(),
                [](const range& a, const range& b) { return a.bound() < b.bound(); });
            range r = *least;
            ranges_.erase(least);
            if (hopeless(r)) {
                ranges_.clear();  // all others are no better
                break;
            }
            if (!r.solved && !solve(r)) continue;
            if (!hopeless(r)) split(r);
        }
        for (const range& r : ranges_) residual_ = std::min(residual_, r.bound());
        return {best_, std::min(residual_, best_latency_), residual_ >= below(best_latency_)};
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// Designs of an interval within [low, high].
    struct range {
        double low, high;
        double images;  ///< a(Q) of the path of the bound
        double delay;   ///< bound of the sum of d over it
        bool solved;
        double bound() const { return images * low + delay; }
    };

    static double below(double latency) { return latency * (1.0 - 1e-9); }
    bool hopeless(const range& r) const { return r.bound() >= below(best_latency_); }

    network_path longest_path_of(const selection& options) const {
        std::vector<double> delay(options.size());
        for (std::size_t i = 0; i < options.size(); ++i) delay[i] = delays_[i][options[i]];
        return longest_path(net_, problem_.interval_of(options), delay);
    }

    /// A design of a larger interval is no better than `best_`. Also takes the path that is longest
    /// when every row is as fast as it gets.
    double widest_interval(double interval) {
        std::vector<double> least(net_.size());
        for (std::size_t i = 0; i < least.size(); ++i)
            least[i] = *std::min_element(delays_[i].begin(), delays_[i].end());
        path_ = longest_path(net_, interval, least);
        double sum = 0.0;
        for (std::size_t i = 0; i < least.size(); ++i) sum += path_.on[i] != 0 ? least[i] : 0.0;
        const double widest = path_.images > 0.0 ? (best_latency_ - sum) / path_.images : infinity;
        return std::max(widest, problem_.interval_of(best_));
    }

    /// Hands the chooser the options within `interval` that no other one beats in cycles, delay and
    /// all resources.
    void offer(double interval) {
        constexpr std::size_t look_back = 128;  // beaten ones that stay are harmless
        rows_.resize(net_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::span<const double> cycles = problem_.row(i).cycles;
            const std::vector<resource_vector>& costs = problem_.needs(i);
            std::vector<frontier_option>& points = rows_[i].options;
            points.clear();
            const port_rises* const rises = problem_.row(i).rises;
            for (std::uint32_t k = 0; k < costs.size(); ++k) {
                if (cycles[k] > interval) continue;
                const stream_port port = problem_.row(i).port(k);
                // none is faster than the link
                const double at_least = std::max(cycles[k], problem_.link_floor);
                const auto beats = [&](const frontier_option& other) {
                    return other.cycles <= at_least && as_good(other, costs[k], port, rises) &&
                           delays_[i][other.index] <= delays_[i][k];
                };
                const std::span<const frontier_option> kept = points;
                if (!is_beaten<look::newest_first>(kept, look_back, beats))
                    points.push_back({at_least, costs[k], k, port});
            }
            order_points(rows_[i]);
        }
        chooser_.bind(rows_);
    }

    /// Counts the delays of the rows on `p`.
    void follow(const network_path& p) {
        path_ = p;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            rows_[i].delay.assign(rows_[i].options.size(), 0.0);
            for (std::size_t k = 0; p.on[i] != 0 && k < rows_[i].options.size(); ++k)
                rows_[i].delay[k] = delays_[i][rows_[i].options[k].index];
        }
    }

    /// The offered points that are these options, or beat them.
    selection points_of(const selection& options) const {
        selection points(options.size(), 0);
        for (std::size_t i = 0; i < options.size(); ++i) {
            const std::vector<frontier_option>& mine = rows_[i].options;
            const auto k = options[i];
            const auto beats = [&](const frontier_option& p) {
                return p.cycles <= std::max(problem_.row(i).cycles[k], problem_.link_floor) &&
                       as_good(p, problem_.needs(i)[k], problem_.row(i).port(k),
                               problem_.row(i).rises) &&
                       delays_[i][p.index] <= delays_[i][k];
            };
            points[i] = static_cast<std::uint32_t>(std::find_if(mine.begin(), mine.end(), beats) -
                                                   mine.begin());
        }
        return points;
    }

    /// Bounds the range, and looks for better designs in it.
    /// \returns false when there is nothing in it, or nothing more can be said of it
    bool solve(range& r) {
        selection start;
        const resource_vector limits = problem_.limits_at(r.high);
        if (problem_.interval_of(best_) <= r.high) {
            start = points_of(best_);
        } else {
            const verdict any = chooser_.feasible(r.high, limits);
            if (any == verdict::no) return false;
            if (any == verdict::unknown) {
                residual_ = std::min(residual_, r.bound());
                return false;
            }
            start = chooser_.found();
        }
        constexpr int most_paths = 4;
        network_path next = path_;
        r.solved = true;
        for (int paths = 0; paths < most_paths; ++paths) {
            follow(next);
            double bound = 0.0;
            chooser_.minimise(objective::delay(), r.high, limits, start, bound);
            const selection options = options_at(rows_, chooser_.found());
            if (path_.images * r.low + bound >= r.bound()) r.images = path_.images, r.delay = bound;
            next = longest_path_of(options);
            if (next.cycles < best_latency_) best_latency_ = next.cycles, best_ = options;
            if (next.on == path_.on || hopeless(r)) break;
            start = chooser_.found();
        }
        return true;
    }

    /// Halves of a range; its bound is kept when no interval lies between its ends. Where the
    /// link's cycles depend on the design every interval may occur: then at the best design, if
    /// that is within.
    void split(const range& r) {
        if (problem_.coupled) {
            if (r.high <= r.low * (1.0 + 1e-12)) {
                residual_ = std::min(residual_, r.bound());
                return;
            }
            const double best = problem_.interval_of(best_);
            const bool within = r.low < best && best <= r.high;
            const double top = within ? best : 0.5 * (r.low + r.high);
            ranges_.push_back({r.low, std::nextafter(top, 0.0), r.images, r.delay, false});
            ranges_.push_back({top, r.high, r.images, r.delay, true});
            return;
        }
        const double first = next_candidate(rows_, std::nextafter(r.low, 0.0));
        const double last = last_candidate(rows_, r.high);
        if (!(first < last)) {
            residual_ = std::min(residual_, r.bound());
            return;
        }
        const double middle = std::max(
            first,
            last_candidate(rows_, std::min(0.5 * (first + last), std::nextafter(last, 0.0))));
        ranges_.push_back({first, middle, r.images, r.delay, false});
        ranges_.push_back({next_candidate(rows_, middle), last, r.images, r.delay, true});
    }

    network_view net_;
    linked_problem problem_;
    std::span<const std::vector<double>> delays_;
    std::size_t max_ranges_;
    chooser chooser_;
    network_path path_;  ///< whose delays are counted
    std::vector<frontier> rows_;
    std::vector<range> ranges_;
    selection best_;
    double best_latency_ = infinity;
    double residual_ = infinity;
};

}  // namespace hass::detail
