/// \file own_pace_latency.hpp
/// The design that answers a single image soonest when every stage goes at its own pace
/// (`own_pace.hpp`; `latency.hpp` has the one at the pace of the interval). With c_i the cycles of
/// row i and d_i what a pixel takes beside them, a design's latency is the largest of
///
///     sum over the rows of a path of ( a_i(Q) c_i + d_i )  +  a(Q) x cycles of the image
///
/// over paths Q, whose shares a(Q) do not depend on the design. So any path and any mean of paths,
/// with any prices q >= 0 of what there is to spend, bounds all designs:
///
///     latency >= sum over the rows of min over their options of ( a_i c_i + d_i + q . need )
///                - q . budget
///
/// (Lagrange). Means and prices rise along subgradients: towards the longest path of the options
/// that are the minimum, and of what they spend too much. Rows are held to windows of their options,
/// fastest to slowest. First one row is said to be the slowest, so that no other is slower than its
/// window; then windows are split, the least bound first, until no bound is below the best design
/// found (branch and bound), or the bound says how far it could be. Designs come from `chooser.hpp`,
/// asked for the least along the mean of paths, and from windows of one option. What stands between
/// rows is counted by the chooser and in designs, and left out of the other bounds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>
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

    /// \param problem    rows and budget; must outlive this, as `net` must
    /// \param delays     d of every option of every row
    /// \param max_work  options looked at before the gap is stated
    own_pace_search(const network_view& net, const allocation_problem& problem,
                    std::span<const std::vector<double>> delays, std::size_t max_states,
                    std::size_t max_work)
        : problem_(problem),
          delays_(delays),
          max_work_(max_work),
          pace_(net),
          paces_(net.size()),
          limits_(problem_.limits_at(infinity)) {
        chooser_.reset(problem.budget, max_states);
        chooser_.set_edges(problem.edges);
        chooser_.set_ascent_steps(60);
    }

    /// \param start     options of a design that fits
    /// \param interval  no design has a smaller one
    answer operator()(const selection& start, double interval) {
        best_ = start;
        best_latency_ = latency_of(start);
        offer();
        plant(interval);
        std::size_t count = 0;
        while (!open_.empty() && !hopeless(open_.front().bound) && work_ < max_work_) {
            ++count;
            std::pop_heap(open_.begin(), open_.end(), later);
            node n = std::move(open_.back());
            open_.pop_back();
            if (!narrow(n) || !bound(n, 50) || !trim(n)) continue;
            if ((count % 32 == 1 || points(n) <= 2000) && !ask_chooser(n)) continue;
            if (points(n) == n.rows.size())
                consider_only(n);
            else
                split(n);
        }
        const double least = open_.empty() ? infinity : open_.front().bound;
        return {best_, std::min(least, best_latency_), hopeless(least)};
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// Of a row's offered points [begin, end).
    struct window {
        std::uint32_t begin, end;
    };
    /// A path or a mean of some: how often the rows' cycles, their delays and the image are in it.
    struct path {
        std::vector<double> images, on;
        double of_image = 0.0;
    };
    /// One of `paths_` and its share of a mean.
    struct part {
        std::size_t path;
        double share;
    };
    struct node {
        std::vector<window> rows;
        std::size_t slowest = 0;  ///< row that no other one is slower than
        double bound = 0.0;
        std::vector<part> mean{};  ///< and prices of shares of the budget that give the bound
        resource_vector prices{};
        selection choice{};  ///< points that are the minimum there
    };

    static bool later(const node& a, const node& b) { return a.bound > b.bound; }
    static double below(double latency) { return latency * (1.0 - 1e-9); }
    bool hopeless(double bound) const { return bound >= below(best_latency_); }

    double latency_of(const selection& options) {
        for (std::size_t i = 0; i < options.size(); ++i)
            paces_[i] = {problem_.row(i).cycles[options[i]], delays_[i][options[i]]};
        const double image =
            problem_.coupled ? problem_.whole.link.cycles(problem_.total(options)[bandwidth_index])
                             : problem_.link_floor;
        return pace_(paces_, image);
    }

    void consider(const selection& options) {
        const double latency = latency_of(options);
        if (latency < best_latency_) best_latency_ = latency, best_ = options;
    }

    /// The options that no other one beats in cycles, delay and all resources, fastest first.
    void offer() {
        constexpr std::size_t look_back = 128;  // beaten ones that stay are harmless
        offered_.assign(paces_.size(), {});
        rows_.assign(paces_.size(), {});
        for (std::size_t i = 0; i < offered_.size(); ++i) {
            const std::span<const double> cycles = problem_.row(i).cycles;
            const std::vector<resource_vector>& costs = problem_.needs(i);
            std::vector<frontier_option>& points = offered_[i].options;
            const port_rises* const rises = problem_.row(i).rises;
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
            offered_[i].delay.clear();
            for (const frontier_option& p : points)
                offered_[i].delay.push_back(delays_[i][p.index]);
        }
    }

    double cycles(std::size_t i, std::uint32_t point) const {
        return offered_[i].options[point].cycles;
    }

    /// Opens a node for each row that may be the slowest.
    void plant(double interval) {
        node root;
        for (const frontier& row : offered_)
            root.rows.push_back({0, static_cast<std::uint32_t>(row.options.size())});
        latency_of(best_);
        root.mean = {{longest(), 1.0}};
        open_.clear();
        if (!narrow(root) || !bound(root, 500)) return;
        if (!ask_chooser(root) || !trim(root)) return;
        // the slowest row is no faster than any row's fastest option, and if the link is faster
        // than the smallest interval, no faster than that
        double least = problem_.coupled || problem_.link_floor >= interval ? 0.0 : interval;
        for (std::size_t i = 0; i < offered_.size(); ++i) least = std::max(least, cycles(i, 0));
        for (std::size_t i = 0; i < offered_.size(); ++i) {
            node n = root;
            n.slowest = i;
            window& w = n.rows[i];
            while (w.begin < w.end && cycles(i, w.begin) < least) ++w.begin;
            if (w.begin < w.end) push(std::move(n));
        }
    }

    void push(node n) {
        open_.push_back(std::move(n));
        std::push_heap(open_.begin(), open_.end(), later);
    }

    /// Ends windows where a row is slower than the slowest one, or alone too slow, the others at
    /// their fastest.
    /// \returns false when nothing is left
    bool narrow(node& n) {
        const double slowest = cycles(n.slowest, n.rows[n.slowest].end - 1);
        double weights = 0.0;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            window& w = n.rows[i];
            if (!open_.empty() || n.bound > 0.0)
                while (w.end > w.begin && cycles(i, w.end - 1) > slowest) --w.end;
            if (w.end == w.begin) return false;
            const auto delays = offered_[i].delay.begin();
            paces_[i] = {cycles(i, w.begin), *std::min_element(delays + w.begin, delays + w.end)};
            double lightest = infinity;
            for (std::uint32_t k = w.begin; k < w.end; ++k)
                lightest = std::min(lightest, offered_[i].options[k].need[bandwidth_index]);
            weights += lightest;
        }
        image_ = problem_.coupled ? problem_.whole.link.cycles(weights) : problem_.link_floor;
        if (image_ == infinity) return false;
        const double floor = pace_(paces_, image_);
        n.bound = std::max(n.bound, floor);
        if (hopeless(floor)) return false;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            window& w = n.rows[i];
            const double fastest = paces_[i].cycles;
            // a cycle more of one row is no more than a cycle of latency
            if (!hopeless(floor + cycles(i, w.end - 1) - fastest)) continue;
            const auto slow = [&](std::uint32_t point) {
                paces_[i].cycles = cycles(i, point);
                return hopeless(pace_(paces_, image_));
            };
            if (slow(w.end - 1)) {
                std::uint32_t in = w.begin, out = w.end - 1;
                while (out - in > 1) {
                    const std::uint32_t middle = in + (out - in) / 2;
                    (slow(middle) ? out : in) = middle;
                }
                w.end = out;
            }
            paces_[i].cycles = fastest;
        }
        return true;
    }

    /// Remembers the longest path of the last latency.
    std::size_t longest() {
        path p;
        p.of_image = pace_.path(p.images, on_);
        p.on.assign(on_.begin(), on_.end());
        paths_.push_back(std::move(p));
        return paths_.size() - 1;
    }

    /// What a path takes of `paces_`.
    double along(const path& p) const {
        double sum = p.of_image * image_;
        for (std::size_t i = 0; i < paces_.size(); ++i)
            sum += p.images[i] * paces_[i].cycles + p.on[i] * paces_[i].delay;
        return sum;
    }

    path mean_of(std::span<const part> parts) const {
        path mean{std::vector<double>(paces_.size()), std::vector<double>(paces_.size()), 0.0};
        for (const part& a : parts) {
            const path& p = paths_[a.path];
            for (std::size_t i = 0; i < paces_.size(); ++i)
                mean.images[i] += a.share * p.images[i], mean.on[i] += a.share * p.on[i];
            mean.of_image += a.share * p.of_image;
        }
        return mean;
    }

    /// The nearest shares >= 0 that sum to 1.
    static void make_mean(std::vector<part>& parts) {
        std::vector<double> shares;
        for (const part& a : parts) shares.push_back(a.share);
        std::sort(shares.begin(), shares.end(), std::greater<>());
        double sum = 0.0, cut = 0.0;
        for (std::size_t k = 0; k < shares.size(); ++k) {
            sum += shares[k];
            const double next = (sum - 1.0) / static_cast<double>(k + 1);
            if (shares[k] > next) cut = next;
        }
        for (part& a : parts) a.share = std::max(0.0, a.share - cut);
    }

    /// What the options that are the minimum come to.
    struct minimum {
        double bound = 0.0;  ///< with the prices
        double along = 0.0;  ///< along the mean of paths
        resource_vector need{};
        selection points;
    };

    /// The resources that a node's choices can take too much of.
    void find_scarce(const node& n) {
        resource_vector most{};
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            resource_vector row;
            row.fill(-infinity);
            for (std::uint32_t k = n.rows[i].begin; k < n.rows[i].end; ++k)
                for (std::size_t r = 0; r < row.size(); ++r)
                    row[r] = std::max(row[r], offered_[i].options[k].need[r]);
            for (std::size_t r = 0; r < row.size(); ++r) most[r] += row[r];
        }
        scarce_.clear();
        for (std::size_t r = 0; r < most.size(); ++r)
            if (limits_[r] > 0.0 && most[r] > limits_[r]) scarce_.push_back(r);
    }

    void minimise(const node& n, const path& mean, const resource_vector& prices) {
        minimum& m = at_;
        resource_vector each{};  // of a unit
        m.bound = m.along = mean.of_image * image_;
        for (const std::size_t r : scarce_) each[r] = prices[r] / limits_[r], m.bound -= prices[r];
        m.need = {};
        m.points.resize(n.rows.size());
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            const frontier& row = offered_[i];
            const double images = mean.images[i], on = mean.on[i];
            double least = infinity;
            for (std::uint32_t k = n.rows[i].begin; k < n.rows[i].end; ++k) {
                const frontier_option& p = row.options[k];
                double sum = images * p.cycles + on * row.delay[k];
                for (const std::size_t r : scarce_) sum += each[r] * p.need[r];
                if (sum < least) least = sum, m.points[i] = k;
            }
            const frontier_option& p = row.options[m.points[i]];
            m.bound += least;
            m.along += images * p.cycles + on * row.delay[m.points[i]];
            for (std::size_t r = 0; r < each.size(); ++r) m.need[r] += p.need[r];
            paces_[i] = {p.cycles, row.delay[m.points[i]]};
            work_ += n.rows[i].end - n.rows[i].begin;
        }
    }

    /// Bounds a node; designs on the way may be the best.
    /// \returns false when it has no better one
    bool bound(node& n, int steps) {
        find_scarce(n);
        std::vector<part> parts = n.mean;
        resource_vector prices{};
        for (const std::size_t r : scarce_) prices[r] = n.prices[r];
        double length = 1.0;
        double highest = -infinity;
        int idle = 0;
        for (int step = 0; step < steps; ++step) {
            minimise(n, mean_of(parts), prices);
            n.bound = std::max(n.bound, at_.bound);
            if (hopeless(n.bound)) return false;
            if (no_more(at_.need, limits_)) consider_if_it_fits(at_.points);
            if (at_.bound > highest) {
                highest = at_.bound, idle = 0;
                n.mean = parts, n.prices = prices, n.choice = at_.points;
            } else if (++idle == 5) {
                length *= 0.5, idle = 0;
                if (length < 1e-3) break;
                parts = n.mean, prices = n.prices;
                continue;
            }
            rise(parts, prices, length);
        }
        std::erase_if(n.mean, [](const part& a) { return a.share <= 0.0; });
        return true;
    }

    /// A step along the subgradient, as long as it would take to reach the best design (Polyak).
    void rise(std::vector<part>& parts, resource_vector& prices, double length) {
        for (std::size_t i = 0; i < paces_.size(); ++i)
            paces_[i] = {cycles(i, at_.points[i]), offered_[i].delay[at_.points[i]]};
        const double latency = pace_(paces_, image_);
        std::vector<double> gain;
        double longest_known = 0.0;
        for (const part& a : parts) gain.push_back(along(paths_[a.path]));
        for (const double g : gain) longest_known = std::max(longest_known, g);
        if (longest_known < latency * (1.0 - 1e-9)) {
            parts.push_back({longest(), 0.0});
            gain.push_back(along(paths_[parts.back().path]));
        }
        double square = 0.0;
        for (std::size_t k = 0; k < parts.size(); ++k) {
            gain[k] = (gain[k] - at_.along) / best_latency_;
            if (gain[k] < 0.0 && parts[k].share == 0.0) gain[k] = 0.0;
            square += gain[k] * gain[k];
        }
        resource_vector over{};
        for (const std::size_t r : scarce_) {
            over[r] = at_.need[r] / limits_[r] - 1.0;
            if (over[r] < 0.0 && prices[r] == 0.0) over[r] = 0.0;
            square += over[r] * over[r];
        }
        if (!(square > 0.0)) return;
        const double step = length * (best_latency_ - at_.bound) / square;
        for (std::size_t k = 0; k < parts.size(); ++k)
            parts[k].share += step / best_latency_ * gain[k];
        make_mean(parts);
        for (const std::size_t r : scarce_) prices[r] = std::max(0.0, prices[r] + step * over[r]);
    }

    /// Ends windows where an option alone takes more than the bound leaves.
    /// \returns false when nothing is left
    bool trim(node& n) const {
        const path mean = mean_of(n.mean);
        resource_vector each{};
        double base = mean.of_image * image_;
        for (const std::size_t r : scarce_) each[r] = n.prices[r] / limits_[r], base -= n.prices[r];
        const auto taken = [&](std::size_t i, std::uint32_t k) {
            const frontier_option& p = offered_[i].options[k];
            double sum = mean.images[i] * p.cycles + mean.on[i] * offered_[i].delay[k];
            for (std::size_t r = 0; r < each.size(); ++r) sum += each[r] * p.need[r];
            return sum;
        };
        for (std::size_t i = 0; i < n.rows.size(); ++i) base += taken(i, n.choice[i]);
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            window& w = n.rows[i];
            const double others = base - taken(i, n.choice[i]);
            while (w.begin < w.end && hopeless(others + taken(i, w.end - 1))) --w.end;
            while (w.begin < w.end && hopeless(others + taken(i, w.begin))) ++w.begin;
            if (w.begin == w.end) return false;
        }
        return true;
    }

    static std::size_t points(const node& n) {
        std::size_t sum = 0;
        for (const window& w : n.rows) sum += w.end - w.begin;
        return sum;
    }

    /// Bounds a node by what fits together, and looks for a better design in it: the least along
    /// its mean of paths.
    /// \returns false when it has no better one
    bool ask_chooser(node& n) {
        const path mean = mean_of(n.mean);
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            const auto [begin, end] = n.rows[i];
            frontier& row = rows_[i];
            row.options.assign(offered_[i].options.begin() + begin,
                               offered_[i].options.begin() + end);
            order_points(row);
            row.delay.clear();
            for (const frontier_option& p : row.options)
                row.delay.push_back(mean.images[i] * p.cycles + mean.on[i] * delays_[i][p.index]);
        }
        chooser_.bind(rows_);
        work_ += 300 * points(n);
        const verdict any = chooser_.feasible(infinity, limits_);
        if (any != verdict::yes) return any != verdict::no;
        const selection start = chooser_.found();
        double least = 0.0;
        chooser_.minimise(chooser::delay, infinity, limits_, start, least);
        n.bound = std::max(n.bound, least + mean.of_image * image_);
        consider(options_at(rows_, chooser_.found()));
        return !hopeless(n.bound);
    }

    /// Looks at the only choice of a node.
    void consider_only(const node& n) {
        selection points;
        for (const window& w : n.rows) points.push_back(w.begin);
        consider_if_it_fits(points);
    }

    void consider_if_it_fits(const selection& points) {
        const selection options = options_at(offered_, points);
        if (no_more(problem_.total(options), limits_)) consider(options);
    }

    /// Two nodes in the place of one, which has a row of several options.
    void split(const node& n) {
        for (std::size_t i = 0; i < n.rows.size(); ++i)
            paces_[i] = {cycles(i, n.choice[i]), offered_[i].delay[n.choice[i]]};
        pace_(paces_, image_);
        const path p = paths_[longest()];
        paths_.pop_back();
        const auto has_two = [&](std::size_t i) { return n.rows[i].end - n.rows[i].begin > 1; };
        // the row whose cycles weigh most above its fastest, or else on the path
        std::size_t row = n.rows.size();
        double most = -1.0, most_above = 0.0, slowest = 0.0, middle = 0.0;
        for (std::size_t i = 0; i < n.rows.size(); ++i) {
            slowest = std::max(slowest, paces_[i].cycles);
            if (!has_two(i)) continue;
            const double fastest = cycles(i, n.rows[i].begin);
            const double above = p.images[i] * (paces_[i].cycles - fastest);
            if (above > most_above || (most_above == 0.0 && p.images[i] > most)) {
                row = i, middle = 0.5 * (fastest + paces_[i].cycles);
                most = p.images[i], most_above = std::max(above, 0.0);
            }
        }
        const std::size_t s = n.slowest;
        if (slowest > paces_[s].cycles && cycles(s, n.rows[s].end - 1) > paces_[s].cycles &&
            has_two(s))
            row = s, middle = 0.5 * (paces_[s].cycles + slowest);
        const window w = n.rows[row];
        std::uint32_t k = w.begin + 1;
        while (k + 1 < w.end && cycles(row, k) <= middle) ++k;
        node fast = n, slow = n;
        fast.rows[row].end = slow.rows[row].begin = k;
        push(std::move(fast));
        push(std::move(slow));
    }

    linked_problem problem_;
    std::span<const std::vector<double>> delays_;
    std::size_t max_work_;
    own_pace pace_;
    std::vector<stage_pace> paces_;
    resource_vector limits_;
    double image_ = 0.0;  ///< cycles of the image beside the lightest weights of a node
    std::vector<char> on_;
    std::vector<frontier> offered_;  ///< every point
    std::vector<frontier> rows_;     ///< those that the chooser is asked about
    chooser chooser_;
    minimum at_;
    std::vector<std::size_t> scarce_;
    std::vector<path> paths_;
    std::size_t work_ = 0;  ///< options looked at
    std::vector<node> open_;
    selection best_;
    double best_latency_ = infinity;
};

}  // namespace hass::detail
