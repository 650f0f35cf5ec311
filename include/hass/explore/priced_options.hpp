/// \file priced_options.hpp
/// Every option of one row with what it needs, looked at through a few price lists. Needs do not
/// depend on data, so they are computed and ordered once; for new statistics only cycles are
/// computed (`cycles_of`).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/statistics/layer_statistics.hpp>

namespace hass {

/// Every legal option of one row with its cost, fewest DSPs (then LUTs, ...) first.
class priced_options {
  public:
    /// \name Price lists
    /// A price list orders options by what they take of the budget: of each resource alone, under
    /// the resource's own index, or of several together, under these.
    /// @{

    /// Block RAM and URAM together.
    static constexpr std::size_t memories = resources.size();
    /// DSPs and LUTs together.
    static constexpr std::size_t dsp_and_lut = memories + 1;
    /// All of the budget.
    static constexpr std::size_t everything = memories + 2;
    /// How many lists there are.
    static constexpr std::size_t lists = memories + 3;
    /// @}

    /// Prices of the lists, in shares of the budget.
    static constexpr std::array<resource_vector, lists> prices = [] {
        std::array<resource_vector, lists> p{};
        for (std::size_t r = 0; r < resources.size(); ++r) p[r][r] = 1.0;
        p[memories] = to_vector({.bram18 = 0.5, .uram = 0.5});
        p[dsp_and_lut] = to_vector({.dsp = 0.5, .lut = 0.5});
        p[everything] = to_vector({.dsp = 0.2, .lut = 0.4, .bram18 = 0.2, .uram = 0.2});
        return p;
    }();

    /// Options in the order of their price.
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
        for (std::size_t l = 0; l < lists; ++l) make_price_list(l, budget);
    }

    std::size_t size() const { return options_.size(); }
    /// By what they need.
    const std::vector<row_option>& options() const { return options_; }
    /// Of each option.
    const std::vector<resource_vector>& costs() const { return costs_; }
    /// One of them.
    const price_list& list(std::size_t l) const { return lists_[l]; }
    /// Options that `finish` dropped, with their costs.
    const std::vector<row_option>& dropped() const { return dropped_; }
    /// See dropped().
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

    std::vector<row_option> options_;
    std::vector<resource_vector> costs_;
    std::vector<row_option> dropped_;
    std::vector<resource_vector> dropped_costs_;
    std::array<price_list, lists> lists_;
};

/// Calls visit(option) for every option that exists for the row: those of the engine
/// for compute rows, those of the plain stage for the others.
template <Engine E, class Visit>
constexpr void for_each_option(const E& engine, const layer_row& row, Visit visit,
                               std::span<const held_input> held = {}) {
    if (row.kind == layer_kind::matmul)  // its filters come from the stage before
        engine.for_each(row, [&](const row_option& c) {
            if (c.memory != weight_memory::off_chip) visit(c);
        });
    else if (is_compute(row))
        engine.for_each(row, visit);
    else
        for_each_stage(row, visit, held, offers_every_memory(engine));
}

/// Every option of the row with its cost (`to_needs`); call `finish` before use.
/// \param held  what the row holds back, as `network_skew` says
/// \param ends  what it has of streams to pay for by itself, as `network_streams` says
template <Engine E>
priced_options options_of(const E& engine, const layer_row& row,
                          std::span<const held_input> held = {}, const stream_ends& ends = {}) {
    priced_options options;
    const double lut_each = lut_per_missing_bram18(engine);
    usage in_bram18;
    for_each_option(
        engine, row,
        [&](const row_option& c) {
            const usage cost = row_cost(engine, row, c, held);
            // where buffers are not counted or small enough for LUTs, their memory is no choice
            if (c.memory == weight_memory::bram18)
                in_bram18 = cost;
            else if (!is_compute(row) && cost == in_bram18)
                return;
            options.add(c, to_needs(cost + ends_cost(engine, row, c, ends), lut_each));
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

}  // namespace hass
