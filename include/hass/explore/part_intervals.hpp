/// \file part_intervals.hpp
/// Consecutive rows of a network as a network of their own, and how fast each such part is on one
/// board: what `partition.hpp` compares cuts by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/device/validate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/policy.hpp>
#include <hass/explore/priced_edges.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// Words that cross the cut in front of row `at`, for one image: every value that is made before it
/// and read behind it, once.
inline double words_across(const network_view& net, std::size_t at) {
    const auto cut = static_cast<int>(at);
    double words = 0.0;
    if (at == 0 || at >= net.size()) return words;
    for (int from = network_input; from < cut; ++from) {
        const bool crosses = std::any_of(net.edges.begin(), net.edges.end(), [&](const edge& e) {
            return e.from == from && e.to >= cut;
        });
        if (!crosses) continue;
        words += static_cast<double>(from == network_input
                                         ? input_shape(net).volume()
                                         : net.rows[static_cast<std::size_t>(from)].out.volume());
    }
    return words;
}

/// Bits of the image that rows first .. last - 1 take and of the answers that they give.
template <Engine E>
double part_image_bits(const network_view& net, const E& engine, std::size_t first,
                       std::size_t last) {
    const double words = first == 0 ? static_cast<double>(input_shape(net).volume()) : 0.0;
    return data_bits(engine) * (words + answer_words(net, first, last));
}

/// Statistics of a network seen from row `first` on.
template <NetworkStatistics S>
struct statistics_from {
    const S* all;
    std::size_t first;
    decltype(auto) at(std::size_t i) const { return all->at(first + i); }
};

/// Rows first .. last - 1 as a network of their own: what crosses the cut in front is its image.
class network_slice {
  public:
    network_slice(const network_view& net, std::size_t first, std::size_t last)
        : rows_(net.rows.subspan(first, last - first)) {
        for (std::size_t i = first; i < last; ++i) names_.push_back(name_of(net, i));
        leaves_.assign(last - first, 0);
        for (const edge& e : net.edges) {
            const auto from = static_cast<std::size_t>(e.from);
            if (e.from != network_input && from >= first && from < last &&
                static_cast<std::size_t>(e.to) >= last)
                leaves_[from - first] = 1;
            if (static_cast<std::size_t>(e.to) >= first && static_cast<std::size_t>(e.to) < last)
                edges_.push_back({std::max(network_input, e.from - static_cast<int>(first)),
                                  e.to - static_cast<int>(first)});
        }
    }
    operator network_view() const { return {rows_, edges_, names_}; }
    /// Rows whose output leaves through the cut behind.
    const std::vector<char>& leaves() const { return leaves_; }

  private:
    std::vector<char> leaves_;
    std::span<const layer_row> rows_;
    std::vector<edge> edges_;
    std::vector<std::string> names_;
};

/// The parts of one network on one board: their intervals, without designs.
template <Engine E>
class part_intervals {
  public:
    template <NetworkStatistics S>
    part_intervals(const network_view& net, const S& s, const E& engine, const device& board,
                   std::size_t max_states)
        : net_(net),
          engine_(&engine),
          spills_(lut_per_missing_bram18(engine) > 0.0),
          budget_(to_needs(board.budget, lut_per_missing_bram18(engine))),
          board_(board),
          policy_(max_states, 0),
          variants_(net.size()),
          statistics_(net.size()) {
        validate(board);
        for (std::size_t i = 0; i < net.size(); ++i) {
            if (!is_compute(net[i])) continue;
            const layer_statistics& mine = s.at(i);
            validate(net, i, mine);
            statistics_[i] = mine;
        }
    }
    part_intervals(const part_intervals&) = delete;
    part_intervals& operator=(const part_intervals&) = delete;

    /// Cycles of some rows together; infinite when they do not fit.
    struct cycles {
        double compute;  ///< of the rows
        double whole;    ///< the board's link included
    };

    /// Whether rows first .. last - 1, and any more behind them, take at least so many cycles,
    /// whatever movers that more rows would do without: those of the rows alone.
    bool at_least(double interval, std::size_t first, std::size_t last) {
        const network_skew skew(network_slice(net_, first, last));
        std::vector<row_options> rows;
        for (std::size_t i = first; i < last; ++i) {
            rows.push_back(options_of_row(i, skew.held(i - first), {}));
            if (rows.back().options->size() == 0) return true;
        }
        const allocation_choice c = policy_({rows, budget_, spills_});
        return c.proved_interval >= interval;
    }

    /// \param image_bits  what the board's link carries for an image beside weights
    cycles operator()(std::size_t first, std::size_t last, double image_bits) {
        const network_slice part(net_, first, last);
        const network_skew skew(part);
        const network_streams streams(part, part.leaves());
        std::vector<row_options> rows;
        for (std::size_t i = first; i < last; ++i) {
            rows.push_back(options_of_row(i, skew.held(i - first), streams.ends(i - first)));
            if (rows.back().options->size() == 0) return {infinity, infinity};
        }
        const priced_edges edges(
            *engine_, part, streams,
            [&](std::size_t i) { return std::span(rows[i].options->options()); },
            lut_per_missing_bram18(*engine_), ++versions_);
        allocation_problem problem{rows, budget_, spills_};
        if (!edges.empty()) {
            problem.edges = &edges;
            for (std::size_t i = 0; i < rows.size(); ++i)
                rows[i].ports = edges.ports(i), rows[i].rises = &edges.rises(i);
        }
        const interval_and_weights alone = solve(problem);
        const image_link link = link_of(board_, image_bits);
        double whole = std::max(alone.interval, link.cycles(alone.weights));
        if (alone.interval == infinity) whole = infinity;
        // with fewer weights read off-chip the link may be faster
        if (whole > alone.interval && alone.interval < infinity && alone.weights > 0.0) {
            problem.link = link;
            whole = solve(problem).interval;
        }
        return {alone.interval, whole};
    }

    bool proved() const { return proved_; }
    const E& engine() const { return *engine_; }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    struct interval_and_weights {
        double interval;
        double weights;  // Gbit/s
    };

    interval_and_weights solve(const allocation_problem& problem) {
        const allocation_choice c = policy_(problem);
        if (!c.found) {
            proved_ = proved_ && c.proved_interval == infinity;
            return {infinity, 0.0};
        }
        double interval = 0.0;
        double weights = 0.0;
        for (std::size_t i = 0; i < problem.rows.size(); ++i) {
            const row_options& row = problem.rows[i];
            interval = std::max(interval, row.cycles[c.options[i]]);
            weights += row.options->costs()[c.options[i]][bandwidth_index];
        }
        interval = std::max(interval, problem.link.cycles(weights));
        proved_ = proved_ && c.proved_interval >= interval;
        return {interval < ruled_out ? interval : infinity, weights};
    }

    /// A row with what it holds back in some part, and what it has of streams: joins hold less when
    /// their branches are cut, and what is cut takes movers.
    struct variant {
        std::vector<held_input> held;
        stream_ends ends;
        priced_options options;
        std::vector<double> cycles{};
        std::uint64_t version = 0;
    };

    row_options options_of_row(std::size_t i, std::span<const held_input> held,
                               const stream_ends& ends) {
        for (const auto& v : variants_[i])
            if (v->ends == ends && std::ranges::equal(v->held, held))
                return {&v->options, v->cycles, v->version};
        return add_variant(i, held, ends);
    }

    row_options add_variant(std::size_t i, std::span<const held_input> held,
                            const stream_ends& ends) {
        variants_[i].push_back(std::make_unique<variant>(
            variant{{held.begin(), held.end()}, ends, options_of(*engine_, net_[i], held, ends)}));
        variant& v = *variants_[i].back();
        v.options.finish(budget_, budget_);
        cycles_of(*engine_, net_[i], statistics_[i], v.options.options(), v.cycles);
        v.version = ++versions_;
        return {&v.options, v.cycles, v.version};
    }

    network_view net_;
    const E* engine_;
    bool spills_;
    resource_vector budget_;
    device board_;
    exact policy_;
    std::vector<std::vector<std::unique_ptr<variant>>> variants_;  // of each row
    std::vector<layer_statistics> statistics_;
    std::uint64_t versions_ = 0;
    bool proved_ = true;
};
template <Engine E, NetworkStatistics S>
part_intervals(const network_view&, const S&, const E&, const device&, std::size_t)
    -> part_intervals<E>;

}  // namespace hass::detail
