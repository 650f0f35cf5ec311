/// \file balanced.hpp
/// The heuristic of the paper [HASS, section on design space exploration: rate balancing and
/// incrementing] as a policy, for comparison with `exact`:
///   1. every row starts with its smallest option
///   2. incrementing: the slowest row takes the cheapest option that is faster and fits,
///      until it has none, or until the board's link is no faster
///   3. rate balancing: every row takes the option with fewest DSPs (then LUTs) that does
///      not slow the pipeline down
///
/// What it misses: a row that has grown never gives anything back while incrementing, so a choice
/// that was cheap early (weights in the memory that runs out later, many LUTs for few DSPs) stays;
/// only one row changes at a time, so no trade between two rows is found; and it proves nothing,
/// its bound is that of the fastest option of the slowest row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <hass/explore/policy.hpp>

namespace hass {

namespace detail {

/// A choice that grows option by option, with its total.
class growing_choice {
  public:
    explicit growing_choice(const allocation_problem& problem)
        : problem_(&problem), chosen(problem.rows.size(), 0) {}

    const row_options& row(std::size_t i) const { return problem_->rows[i]; }
    double cycles(std::size_t i) const { return row(i).cycles[chosen[i]]; }

    std::size_t slowest() const {
        std::size_t at = 0;
        for (std::size_t i = 1; i < chosen.size(); ++i)
            if (cycles(i) > cycles(at)) at = i;
        return at;
    }

    resource_vector total() const { return problem_->total(chosen); }

    /// Cycles in which the board's link carries an image beside the weights.
    double link_cycles() const { return problem_->link.cycles(total()[bandwidth_index]); }
    /// Cycles between images: the slowest row's, or the link's.
    double interval() const { return std::max(cycles(slowest()), link_cycles()); }

    /// Whether everything fits, and the link carries an image within `most` cycles.
    bool fits(double most = std::numeric_limits<double>::max()) const {
        const resource_vector sum = total();
        return no_more(sum, problem_->budget) &&
               problem_->link.cycles(sum[bandwidth_index]) <= most;
    }

    /// Takes option `k` for row `i` if everything fits then and the link is within `most` cycles.
    bool take(std::size_t i, std::uint32_t k, double most = std::numeric_limits<double>::max()) {
        const std::uint32_t before = chosen[i];
        chosen[i] = k;
        if (fits(most)) return true;
        chosen[i] = before;
        return false;
    }

    allocation_choice result() const {
        allocation_choice c;
        for (std::size_t i = 0; i < chosen.size(); ++i)
            c.proved_interval = std::max(
                c.proved_interval, *std::min_element(row(i).cycles.begin(), row(i).cycles.end()));
        c.found = fits();
        const resource_vector sum = total();
        c.obstacle = tightest(to_usage(sum), to_usage(problem_->budget));
        c.options = chosen;
        return c;
    }

  private:
    const allocation_problem* problem_;

  public:
    std::vector<std::uint32_t> chosen;
};

}  // namespace detail

/// See the head of the file.
struct balanced {
    allocation_choice operator()(const allocation_problem& problem) const {
        detail::growing_choice d(problem);
        start_small(d);
        if (d.fits()) {
            while (increment(d)) continue;
            balance(d);
        }
        return d.result();
    }

  private:
    /// The cheapest option of each row, all resources priced together.
    static void start_small(detail::growing_choice& d) {
        for (std::size_t i = 0; i < d.chosen.size(); ++i)
            d.chosen[i] = d.row(i).options->list(priced_options::everything).option.front();
    }

    static bool increment(detail::growing_choice& d) {
        const std::size_t i = d.slowest();
        const double now = d.cycles(i);
        if (d.link_cycles() >= now) return false;
        for (const std::uint32_t k : d.row(i).options->list(priced_options::everything).option)
            if (d.row(i).cycles[k] < now && d.take(i, k, now)) return true;
        return false;
    }

    static void balance(detail::growing_choice& d) {
        const double interval = d.interval();
        for (std::size_t i = 0; i < d.chosen.size(); ++i)
            for (std::uint32_t k = 0; k < d.chosen[i]; ++k)  // fewest DSPs, then LUTs, first
                if (d.row(i).cycles[k] <= interval && d.take(i, k, interval)) break;
    }
};

}  // namespace hass
