/// \file frontier.hpp
/// What one row can be: every legal option with its cycles and its cost, less those that
/// another one beats in everything. The allocator chooses one point a row.
///
/// Costs do not depend on data, so they are computed and ordered once (`priced_options`); for new
/// statistics only cycles are computed (`cycles_of`).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/statistics/layer_statistics.hpp>

namespace hass {

/// Resources as a vector, in the order of `resources`.
using resource_vector = std::array<double, resources.size()>;

constexpr resource_vector to_vector(const usage& u) {
    resource_vector v{};
    for (std::size_t r = 0; r < v.size(); ++r) v[r] = u.*resources[r].field;
    return v;
}

constexpr usage to_usage(const resource_vector& v) {
    usage u;
    for (std::size_t r = 0; r < v.size(); ++r) u.*resources[r].field = v[r];
    return u;
}

/// Index of block RAMs in `resources`.
inline constexpr std::size_t bram18_index = 3;
/// Index of the bandwidth, of weights alone wherever rows are summed.
inline constexpr std::size_t bandwidth_index = 5;

/// What a row needs, or a device has, in the form that sums and budgets of the allocator take. A
/// block RAM that is missing may cost `lut_each` LUTs (0: it may not be missing). That
///
///     bram18 - x <= B and lut + lut_each x <= L     for some x >= 0
///
/// is the same as lut <= L and lut + lut_each bram18 <= L + lut_each B; the latter two are sums
/// over rows, and the second takes the place of block RAMs.
constexpr resource_vector to_needs(const usage& u, double lut_each) {
    resource_vector v = to_vector(u);
    if (lut_each > 0.0) v[bram18_index] = u.lut + lut_each * u.bram18;
    return v;
}

/// One way to build a row: cycles for one image, what it needs, and which option it is
/// (an index into `priced_options::options`).
struct frontier_option {
    double cycles = 0.0;
    resource_vector need{};
    std::uint32_t index = 0;
};

/// The points of a row that no other point beats or equals in cycles and all resources, fastest
/// first. Never empty for a row that has a option at all.
struct frontier {
    std::vector<frontier_option> options;
    /// least[k][r]: least need of resource r among the k + 1 fastest points
    std::vector<resource_vector> least;
    /// What each point adds to the latency of an image, cycles; empty where nobody asks
    std::vector<double> delay;

    /// Number of points that take at most `interval` cycles.
    std::size_t within(double interval) const {
        const auto slower = std::upper_bound(
            options.begin(), options.end(), interval,
            [](double limit, const frontier_option& p) { return limit < p.cycles; });
        return static_cast<std::size_t>(slower - options.begin());
    }
};

namespace detail {

constexpr bool no_more(const resource_vector& a, const resource_vector& b) {
    bool holds = true;
    for (std::size_t r = 0; r < a.size(); ++r) holds = holds && a[r] <= b[r];
    return holds;
}

constexpr double dot(const resource_vector& a, const resource_vector& b) {
    // fixed association, so that compilers agree and lanes can be used
    return (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3]) + (a[4] * b[4] + a[5] * b[5]);
}

/// Points by cycles, fastest first, and the running minima that `frontier` keeps.
inline void order_points(frontier& f) {
    std::sort(f.options.begin(), f.options.end(),
              [](const frontier_option& a, const frontier_option& b) {
                  return a.cycles != b.cycles ? a.cycles < b.cycles : a.index < b.index;
              });
    f.least.resize(f.options.size());
    resource_vector least;
    least.fill(std::numeric_limits<double>::infinity());
    for (std::size_t k = 0; k < f.options.size(); ++k) {
        for (std::size_t r = 0; r < least.size(); ++r)
            least[r] = std::min(least[r], f.options[k].need[r]);
        f.least[k] = least;
    }
}

}  // namespace detail

/// Every legal option of one row with its cost, fewest DSPs (then LUTs, ...) first.
class priced_options {
  public:
    /// Prices at which options are looked at: each resource on its own, memories together,
    /// DSPs and LUTs together, everything together. In shares of the budget.
    static constexpr std::array<resource_vector, 9> prices{{{1, 0, 0, 0, 0, 0},
                                                            {0, 1, 0, 0, 0, 0},
                                                            {0, 0, 1, 0, 0, 0},
                                                            {0, 0, 0, 1, 0, 0},
                                                            {0, 0, 0, 0, 1, 0},
                                                            {0, 0, 0, 0, 0, 1},
                                                            {0, 0, 0, 0.5, 0.5, 0},
                                                            {0.5, 0.5, 0, 0, 0, 0},
                                                            {0.2, 0.4, 0.0, 0.2, 0.2, 0}}};

    /// Configurations in the order of their price.
    struct price_list {
        std::vector<double> price;          ///< ascending
        std::vector<std::uint32_t> option;  ///< which option that is
    };

    /// Takes options and their costs as they come; `finish` orders them.
    void add(const row_option& c, const resource_vector& cost) {
        options_.push_back(c);
        costs_.push_back(cost);
    }

    /// Drops options that need more than `within` in any resource, orders the others, and
    /// prices them in shares of `budget`.
    void finish(const resource_vector& within, const resource_vector& budget) {
        std::vector<std::uint32_t> order;
        for (std::uint32_t k = 0; k < options_.size(); ++k) {
            if (detail::no_more(costs_[k], within))
                order.push_back(k);
            else
                dropped_.push_back(options_[k]), dropped_costs_.push_back(costs_[k]);
        }
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return costs_[a] != costs_[b] ? costs_[a] < costs_[b] : a < b;
        });
        std::vector<row_option> options;
        std::vector<resource_vector> costs;
        options.reserve(order.size()), costs.reserve(order.size());
        for (const std::uint32_t k : order)
            options.push_back(options_[k]), costs.push_back(costs_[k]);
        options_.swap(options), costs_.swap(costs);
        for (std::size_t l = 0; l < prices.size(); ++l) make_price_list(l, budget);
        finished_ = true;
    }

    bool finished() const { return finished_; }
    std::size_t size() const { return options_.size(); }
    const std::vector<row_option>& options() const { return options_; }
    const std::vector<resource_vector>& costs() const { return costs_; }
    const price_list& list(std::size_t l) const { return lists_[l]; }
    /// Configurations that `finish` dropped, with their costs.
    const std::vector<row_option>& dropped() const { return dropped_; }
    const std::vector<resource_vector>& dropped_costs() const { return dropped_costs_; }

  private:
    void make_price_list(std::size_t l, const resource_vector& budget) {
        resource_vector p{};
        for (std::size_t r = 0; r < p.size(); ++r)
            p[r] = budget[r] > 0.0 ? prices[l][r] / budget[r] : 0.0;
        std::vector<std::pair<double, std::uint32_t>> sorted(size());
        for (std::uint32_t k = 0; k < size(); ++k) sorted[k] = {detail::dot(p, costs_[k]), k};
        std::sort(sorted.begin(), sorted.end());
        for (const auto& [price, k] : sorted)
            lists_[l].price.push_back(price), lists_[l].option.push_back(k);
    }

    bool finished_ = false;
    std::vector<row_option> options_;
    std::vector<resource_vector> costs_;
    std::vector<row_option> dropped_;
    std::vector<resource_vector> dropped_costs_;
    std::array<price_list, prices.size()> lists_;
};

/// Calls visit(option) for every option that exists for the row: those of the engine
/// for compute rows, those of the plain stage for the others.
template <Engine E, class Visit>
constexpr void for_each_option(const E& engine, const layer_row& row, Visit visit,
                               std::span<const held_input> held = {}) {
    if (is_compute(row))
        engine.for_each(row, visit);
    else
        for_each_stage(row, visit, held);
}

/// Every option of the row with its cost (`to_needs`); call `finish` before use.
/// \param held  what the row holds back, as `network_skew` says
template <Engine E>
priced_options options_of(const E& engine, const layer_row& row,
                          std::span<const held_input> held = {}) {
    priced_options options;
    const double lut_each = lut_per_missing_bram18(engine);
    usage in_bram18;
    for_each_option(
        engine, row,
        [&](const row_option& c) {
            const usage cost = row_cost(engine, row, c, held);
            // where FIFOs are not counted or small enough for LUTs, their memory is no choice
            if (!is_compute(row) && c.memory == weight_memory::uram && cost == in_bram18) return;
            in_bram18 = cost;
            options.add(c, to_needs(cost, lut_each));
        },
        held);
    return options;
}

/// Cycles of each option of the row.
template <Engine E>
void cycles_of(const E& engine, const layer_row& row, const layer_statistics& s,
               const std::vector<row_option>& options, std::vector<double>& cycles) {
    cycles.resize(options.size());
    if (is_compute(row)) {
        const auto ready = prepared(engine, row, s);
        for (std::size_t k = 0; k < cycles.size(); ++k)
            cycles[k] = static_cast<double>(ready.cycles(options[k]));
    } else {
        for (std::size_t k = 0; k < cycles.size(); ++k) cycles[k] = stage_cycles(row, options[k]);
    }
}

/// The frontier of one row: every option that no other one beats. For figures and tests; the
/// allocator looks at the part that matters only.
template <Engine E>
frontier frontier_of(const E& engine, const layer_row& row, const layer_statistics& s,
                     const priced_options& options) {
    const std::vector<resource_vector>& costs = options.costs();
    std::vector<double> cycles;
    cycles_of(engine, row, s, options.options(), cycles);
    frontier f;
    for (std::uint32_t k = 0; k < options.size(); ++k) {
        // of options that cost the same (they are neighbours) only the fastest one counts
        std::uint32_t fastest = k;
        for (; k + 1 < options.size() && costs[k + 1] == costs[k]; ++k)
            if (cycles[k + 1] < cycles[fastest]) fastest = k + 1;
        bool beaten = false;
        for (std::size_t j = f.options.size(); j-- > 0 && !beaten;)
            beaten = f.options[j].cycles <= cycles[fastest] &&
                     detail::no_more(f.options[j].need, costs[fastest]);
        if (!beaten) f.options.push_back({cycles[fastest], costs[fastest], fastest});
    }
    detail::order_points(f);
    return f;
}

}  // namespace hass
