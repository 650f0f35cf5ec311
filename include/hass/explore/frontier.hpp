/// \file frontier.hpp
/// What one row can be: every legal configuration with its cycles and its cost, less those that
/// another one beats in everything. The allocator chooses one point a row.
///
/// Costs do not depend on data, so they are computed, ordered and compared once (`row_options`);
/// for new statistics only cycles are computed and pruned (`frontier_of`), in time linear in the
/// number of configurations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/stages.hpp>
#include <hass/explore/evaluate.hpp>
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

/// One way to build a row: cycles for one image, what it needs, and which configuration it is
/// (an index into `row_options::configurations`).
struct operating_point {
    double cycles = 0.0;
    resource_vector need{};
    std::uint32_t option = 0;
};

/// The points of a row that no other point beats or equals in cycles and all resources, fastest
/// first. Never empty for a row that has a configuration at all.
struct frontier {
    std::vector<operating_point> points;
    /// least[k][r]: least need of resource r among the k + 1 fastest points
    std::vector<resource_vector> least;

    /// Number of points that take at most `interval` cycles.
    std::size_t within(double interval) const {
        const auto slower = std::upper_bound(
            points.begin(), points.end(), interval,
            [](double limit, const operating_point& p) { return limit < p.cycles; });
        return static_cast<std::size_t>(slower - points.begin());
    }
};

namespace detail {

constexpr bool no_more(const resource_vector& a, const resource_vector& b) {
    bool holds = true;
    for (std::size_t r = 0; r < a.size(); ++r) holds = holds && a[r] <= b[r];
    return holds;
}

/// The parent of a class of configurations in the order of cost: `first` .. `last` of `edges`.
struct edge_range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

}  // namespace detail

/// Every legal configuration of one row with its cost, cheapest DSPs (then LUTs, ...) first, and
/// for each the closest configurations that cost no more in any resource.
class row_options {
  public:
    row_options() = default;

    /// Takes configurations and their costs as they come; `finish` orders them.
    void add(const configuration& c, const usage& cost) {
        configurations_.push_back(c);
        costs_.push_back(to_vector(cost));
    }

    /// Drops configurations that need more than `within` in any resource, orders the others.
    void finish(const resource_vector& within) {
        std::vector<std::uint32_t> order;
        for (std::uint32_t k = 0; k < configurations_.size(); ++k) {
            if (detail::no_more(costs_[k], within))
                order.push_back(k);
            else
                dropped_.push_back(configurations_[k]), dropped_costs_.push_back(costs_[k]);
        }
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return costs_[a] != costs_[b] ? costs_[a] < costs_[b] : a < b;
        });
        std::vector<configuration> configurations;
        std::vector<resource_vector> costs;
        configurations.reserve(order.size()), costs.reserve(order.size());
        for (const std::uint32_t k : order)
            configurations.push_back(configurations_[k]), costs.push_back(costs_[k]);
        configurations_.swap(configurations), costs_.swap(costs);
        link();
        finished_ = true;
    }

    bool finished() const { return finished_; }
    std::size_t size() const { return configurations_.size(); }
    const std::vector<configuration>& configurations() const { return configurations_; }
    const std::vector<resource_vector>& costs() const { return costs_; }
    /// Configurations over the budget on their own, with their costs.
    const std::vector<configuration>& dropped() const { return dropped_; }
    const std::vector<resource_vector>& dropped_costs() const { return dropped_costs_; }

    /// The frontier for the given cycles, one a configuration in the order of `configurations`.
    /// A configuration is dropped when one that costs no more in any resource is as fast.
    void prune(const std::vector<double>& cycles, std::vector<double>& scratch, frontier& f) const {
        f.points.clear();
        scratch.resize(size());
        for (std::uint32_t k = 0; k < size(); ++k) {
            double rival = std::numeric_limits<double>::infinity();
            for (std::uint32_t e = edges_of_[k].first; e < edges_of_[k].last; ++e)
                rival = std::min(rival, scratch[edges_[e]]);
            if (cycles[k] < rival) f.points.push_back({cycles[k], costs_[k], k});
            scratch[k] = std::min(rival, cycles[k]);
        }
        std::sort(f.points.begin(), f.points.end(),
                  [](const operating_point& a, const operating_point& b) {
                      return a.cycles < b.cycles || (a.cycles == b.cycles && a.option < b.option);
                  });
        f.least.resize(f.points.size());
        resource_vector least;
        least.fill(std::numeric_limits<double>::infinity());
        for (std::size_t k = 0; k < f.points.size(); ++k) {
            for (std::size_t r = 0; r < least.size(); ++r)
                least[r] = std::min(least[r], f.points[k].need[r]);
            f.least[k] = least;
        }
    }

  private:
    static constexpr std::uint32_t look_back = 4096;  // bounds the time to link n configurations

    /// Cheaper configurations of each one, without those that follow from others: a configuration
    /// costs no more than another exactly if a chain of links leads from one to the other.
    void link() {
        const auto n = static_cast<std::uint32_t>(size());
        edges_.clear();
        edges_of_.assign(n, {});
        const std::size_t words = (n + 63) / 64;
        std::vector<std::uint64_t> reached(words * n, 0);  // bit i of row k: i costs no more than k
        for (std::uint32_t k = 0; k < n; ++k) {
            std::uint64_t* const mine = reached.data() + words * k;
            edges_of_[k].first = static_cast<std::uint32_t>(edges_.size());
            const std::uint32_t stop = k > look_back ? k - look_back : 0;
            for (std::uint32_t i = k; i-- > stop;) {
                if (mine[i / 64] >> (i % 64) & 1U || !detail::no_more(costs_[i], costs_[k]))
                    continue;
                edges_.push_back(i);
                const std::uint64_t* const his = reached.data() + words * i;
                for (std::size_t w = 0; w <= i / 64; ++w) mine[w] |= his[w];
                mine[i / 64] |= std::uint64_t{1} << (i % 64);
            }
            edges_of_[k].last = static_cast<std::uint32_t>(edges_.size());
        }
    }

    bool finished_ = false;
    std::vector<configuration> configurations_;
    std::vector<resource_vector> costs_;
    std::vector<configuration> dropped_;
    std::vector<resource_vector> dropped_costs_;
    std::vector<std::uint32_t> edges_;
    std::vector<detail::edge_range> edges_of_;
};

/// Calls visit(configuration) for every configuration that exists for the row: those of the engine
/// for compute rows, those of the plain stage for the others.
template <Engine E, class Visit>
constexpr void for_each_configuration(const E& engine, const layer_row& row, Visit visit) {
    if (is_compute(row))
        engine.for_each(row, visit);
    else
        for_each_stage(row, visit);
}

/// Every configuration of the row with its cost; call `finish` before use.
template <Engine E>
row_options options_of(const E& engine, const layer_row& row) {
    row_options options;
    for_each_configuration(
        engine, row, [&](const configuration& c) { options.add(c, row_cost(engine, row, c)); });
    return options;
}

/// Cycles of each configuration of the row.
template <Engine E>
void cycles_of(const E& engine, const layer_row& row, const layer_statistics& s,
               const std::vector<configuration>& configurations, std::vector<double>& cycles) {
    cycles.resize(configurations.size());
    if (is_compute(row)) {
        const auto ready = prepared(engine, row, s);
        for (std::size_t k = 0; k < cycles.size(); ++k)
            cycles[k] = static_cast<double>(ready.cycles(configurations[k]));
    } else {
        for (std::size_t k = 0; k < cycles.size(); ++k)
            cycles[k] = stage_cycles(row, configurations[k]);
    }
}

/// The frontier of one row at one operating point, from scratch. `allocator` keeps the options.
template <Engine E>
frontier frontier_of(const E& engine, const layer_row& row, const layer_statistics& s,
                     const row_options& options) {
    std::vector<double> cycles;
    std::vector<double> scratch;
    frontier f;
    cycles_of(engine, row, s, options.configurations(), cycles);
    options.prune(cycles, scratch, f);
    return f;
}

}  // namespace hass
