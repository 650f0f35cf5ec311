/// \file own_pace_latency.hpp
/// The design that answers a single image soonest when every stage goes at its own pace
/// (`own_pace.hpp`; `latency.hpp` has the one at the pace of the interval). Branch and bound:
///
///   - a node holds every row to a window of its options, fastest to slowest. First one row is said
///     to be the slowest, so that no other is slower than its window
///   - windows end where a row alone, the others at their fastest, takes as long as the best design
///     known, or more than the bound leaves
///   - nodes are bounded along means of paths (`own_pace_bound.hpp`); where that leaves few options,
///     also by `chooser.hpp`, which says what fits together. Both turn up designs. What stands
///     between rows is counted in designs and by the chooser, not by the bounds along paths
///   - the node of least bound is split in two, until no bound is below the best design: at the
///     window of the slowest row if others are slower in the options that bound it, else at the row
///     whose cycles weigh most on their longest path. Or the bound says how far it could be.
#pragma once

#include <algorithm>
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
#include <hass/explore/own_pace_bound.hpp>
#include <hass/explore/path_means.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/own_pace.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// See the head of the file. Deterministic. Latencies are compared to 1e-9.
class own_pace_search {
  public:
    struct answer {
        selection options;   ///< one a row
        double least = 0.0;  ///< no design has a lower latency (cycles)
        bool proved = false;
    };

    /// \param problem     rows and budget; must outlive this, as `net` must
    /// \param delays      `pixel_latency` without cycles of every option of every row
    /// \param max_states  partial choices kept at once, see `chooser`
    /// \param max_work    options looked at before the gap is stated, about
    own_pace_search(const network_view& net, const allocation_problem& problem,
                    std::span<const std::vector<double>> delays, std::size_t max_states,
                    std::size_t max_work)
        : problem_(problem),
          delays_(delays),
          max_work_(max_work),
          pace_(net),
          paces_(net.size()),
          limits_(problem_.limits_at(infinity)),
          offered_(net.size()),
          rows_(net.size()),
          bound_(pace_, offered_, limits_, best_) {
        chooser_.reset(problem.budget, max_states);
        chooser_.set_edges(problem.edges);
        chooser_.set_ascent_steps(60);
        for (std::size_t i = 0; i < net.size(); ++i) offer(i);
    }
    own_pace_search(const own_pace_search&) = delete;
    own_pace_search& operator=(const own_pace_search&) = delete;

    /// \param start     options of a design that fits
    /// \param interval  no design has a smaller one
    answer operator()(const selection& start, double interval) {
        best_ = {start, latency_of(start)};
        plant(interval);
        for (std::size_t count = 0; !open_.empty() && !best_.reached_by(open_.front().bound) &&
                                    bound_.work() + asked_ < max_work_;
             ++count) {
            std::pop_heap(open_.begin(), open_.end(), later);
            option_windows n = std::move(open_.back());
            open_.pop_back();
            if (!narrow(n) || !raise(n, 50) || !bound_.trim(n)) continue;
            const std::size_t points = n.points();
            if (points == n.rows.size())
                consider_only(n);
            else if ((count % 32 != 0 && points > few_points) || ask_chooser(n))
                split(n);
        }
        const double least = open_.empty() ? infinity : open_.front().bound;
        return {best_.options, std::min(least, best_.latency), best_.reached_by(least)};
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    static constexpr std::size_t few_points = 2000;  ///< for which the chooser is always asked

    static bool later(const option_windows& a, const option_windows& b) {
        return a.bound > b.bound;
    }
    void push(option_windows n) {
        open_.push_back(std::move(n));
        std::push_heap(open_.begin(), open_.end(), later);
    }

    double cycles(std::size_t i, std::uint32_t point) const {
        return offered_[i].options[point].cycles;
    }
    double image_cycles(double weights) const {
        return problem_.coupled ? problem_.whole.link.cycles(weights) : problem_.link_floor;
    }
    double latency_of(const selection& options) {
        for (std::size_t i = 0; i < options.size(); ++i)
            paces_[i] = {problem_.row(i).cycles[options[i]], delays_[i][options[i]]};
        return pace_(paces_, image_cycles(problem_.total(options)[bandwidth_index]));
    }
    /// Takes a choice that fits if it is the best so far.
    void consider(const selection& options) {
        if (!no_more(problem_.total(options), limits_)) return;
        const double latency = latency_of(options);
        if (latency < best_.latency) best_ = {options, latency};
    }

    /// The options of a row that no other one beats in cycles, delay and all resources.
    void offer(std::size_t i) {
        constexpr std::size_t look_back = 128;  // beaten ones that stay are harmless
        const std::span<const double> cycles = problem_.row(i).cycles;
        const std::vector<resource_vector>& costs = problem_.needs(i);
        const port_rises* const rises = problem_.row(i).rises;
        std::vector<frontier_option>& points = offered_[i].options;
        for (std::uint32_t k = 0; k < costs.size(); ++k) {
            if (!(cycles[k] < ruled_out)) continue;
            const stream_port port = problem_.row(i).port(k);
            const auto beats = [&](const frontier_option& other) {
                return other.cycles <= cycles[k] && as_good(other, costs[k], port, rises) &&
                       delays_[i][other.index] <= delays_[i][k];
            };
            const std::span<const frontier_option> kept = points;
            if (!is_beaten<look::newest_first>(kept, look_back, beats))
                points.push_back({cycles[k], costs[k], k, port});
        }
        order_points(offered_[i]);
        for (const frontier_option& p : points) offered_[i].delay.push_back(delays_[i][p.index]);
    }

    /// Opens a node for each row that may be the slowest.
    void plant(double interval) {
        open_.clear();
        option_windows root;
        for (const frontier& row : offered_)
            root.rows.push_back({0, static_cast<std::uint32_t>(row.options.size())});
        root.mean = {{bound_.paths().add(pace_), 1.0}};
        if (!narrow(root) || !raise(root, 500) || !ask_chooser(root) || !bound_.trim(root)) return;
        // the slowest row is no faster than any row at its fastest, and if the link is faster than
        // the smallest interval, no faster than that
        const bool by_rows = !problem_.coupled && problem_.link_floor < interval;
        double least = by_rows ? interval * (1.0 - 1e-12) : 0.0;
        for (std::size_t i = 0; i < offered_.size(); ++i) least = std::max(least, cycles(i, 0));
        for (std::size_t i = 0; i < offered_.size(); ++i) {
            option_windows n = root;
            n.slowest = i;
            option_windows::window& w = n.rows[i];
            while (w.size() > 0 && cycles(i, w.begin) < least) ++w.begin;
            if (w.size() > 0) push(std::move(n));
        }
    }

    /// Ends windows where a row is slower than the slowest one, or alone too slow, the others at
    /// their fastest.
    /// \returns false when nothing is left
    bool narrow(option_windows& n) {
        const double slowest = n.slowest == option_windows::any
                                   ? infinity
                                   : cycles(n.slowest, n.rows[n.slowest].end - 1);
        double weights = 0.0;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            option_windows::window& w = n.rows[i];
            while (w.size() > 0 && cycles(i, w.end - 1) > slowest) --w.end;
            if (w.size() == 0) return false;
            double delay = infinity, lightest = infinity;
            for (std::uint32_t k = w.begin; k < w.end; ++k) {
                delay = std::min(delay, offered_[i].delay[k]);
                lightest = std::min(lightest, offered_[i].options[k].need[bandwidth_index]);
            }
            paces_[i] = {cycles(i, w.begin), delay};
            weights += lightest;
        }
        n.image = image_cycles(weights);
        if (n.image == infinity) return false;
        const double floor = pace_(paces_, n.image);
        n.bound = std::max(n.bound, floor);
        if (best_.reached_by(floor)) return false;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            option_windows::window& w = n.rows[i];
            const double fastest = paces_[i].cycles;
            // a cycle more of one row is no more than a cycle of latency
            if (!best_.reached_by(floor + cycles(i, w.end - 1) - fastest)) continue;
            std::uint32_t in = w.begin, out = w.end;
            while (out - in > 1) {
                const std::uint32_t middle = in + (out - in) / 2;
                paces_[i].cycles = cycles(i, middle);
                (best_.reached_by(pace_(paces_, n.image)) ? out : in) = middle;
            }
            w.end = out;
            paces_[i].cycles = fastest;
        }
        return true;
    }

    bool raise(option_windows& n, int steps) {
        return bound_.raise(
            n, steps, [this](const selection& points) { consider(options_at(offered_, points)); });
    }

    /// Bounds a node by what fits together, and looks for a better design in it: the least along
    /// its mean of paths.
    /// \returns false when it has no better one
    bool ask_chooser(option_windows& n) {
        const image_path mean = bound_.mean(n);
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            const auto all = offered_[i].options.begin();
            frontier& row = rows_[i];
            row.options.assign(all + n.rows[i].begin, all + n.rows[i].end);
            order_points(row);
            row.delay.clear();
            for (const frontier_option& p : row.options)
                row.delay.push_back(mean.images[i] * p.cycles + mean.on[i] * delays_[i][p.index]);
        }
        constexpr std::size_t work_a_point = 300;  // about
        asked_ += work_a_point * n.points();
        chooser_.bind(rows_);
        const verdict any = chooser_.feasible(infinity, limits_);
        if (any != verdict::yes) return any != verdict::no;
        const selection start = chooser_.found();
        double least = 0.0;
        chooser_.minimise(objective::delay(), infinity, limits_, start, least);
        n.bound = std::max(n.bound, least + mean.of_image * n.image);
        consider(options_at(rows_, chooser_.found()));
        return !best_.reached_by(n.bound);
    }

    /// Looks at the only choice of a node.
    void consider_only(const option_windows& n) {
        selection points;
        for (const option_windows::window& w : n.rows) points.push_back(w.begin);
        consider(options_at(offered_, points));
    }

    /// Two nodes in the place of one, which has a row of several options.
    void split(const option_windows& n) {
        for (std::size_t i = 0; i < n.rows.size(); ++i)
            paces_[i] = {cycles(i, n.choice[i]), offered_[i].delay[n.choice[i]]};
        pace_(paces_, n.image);
        image_path longest;
        pace_.path(longest.images, longest.on);
        // the row whose cycles weigh most above its fastest, or else on the path
        std::size_t row = n.rows.size();
        double most = -1.0, most_above = 0.0, slowest = 0.0, middle = 0.0;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            slowest = std::max(slowest, paces_[i].cycles);
            if (n.rows[i].size() < 2) continue;
            const double fastest = cycles(i, n.rows[i].begin);
            const double share = longest.images[i];
            const double above = share * (paces_[i].cycles - fastest);
            if (above > most_above || (most_above == 0.0 && share > most)) {
                row = i, middle = 0.5 * (fastest + paces_[i].cycles);
                most = share, most_above = std::max(above, 0.0);
            }
        }
        const std::size_t s = n.slowest;
        if (n.rows[s].size() > 1 && slowest > paces_[s].cycles &&
            cycles(s, n.rows[s].end - 1) > paces_[s].cycles)
            row = s, middle = 0.5 * (paces_[s].cycles + slowest);
        const option_windows::window w = n.rows[row];
        std::uint32_t k = w.begin + 1;
        while (k + 1 < w.end && cycles(row, k) <= middle) ++k;
        option_windows fast = n, slow = n;
        fast.rows[row].end = slow.rows[row].begin = k;
        push(std::move(fast));
        push(std::move(slow));
    }

    linked_problem problem_;
    std::span<const std::vector<double>> delays_;
    std::size_t max_work_;
    std::size_t asked_ = 0;  ///< work of the chooser
    own_pace pace_;
    std::vector<stage_pace> paces_;
    resource_vector limits_;
    std::vector<frontier> offered_;  ///< every point, fastest first
    std::vector<frontier> rows_;     ///< those that the chooser is asked about
    lowest_known best_;
    own_pace_bound bound_;
    chooser chooser_;
    std::vector<option_windows> open_;
};

}  // namespace hass::detail
