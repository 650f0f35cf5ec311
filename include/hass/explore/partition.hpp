/// \file partition.hpp
/// Networks that do not fit at once, or fit badly: cut into consecutive parts, each with a design
/// of its own. Either the parts are loaded one after another onto one board (`partition`), or each
/// has a board of a chain (`chain`). Cuts are optimal: dynamic programming over cut positions, with
/// the exact allocator for every part.
///
///     one board   seconds for a batch = sum over parts of (batch x interval / clock + reloading),
///                 no reloading when there is one part only; fill and drain are not counted
///     chain       interval = the slowest part's, links included
///
/// Data that crosses a cut leaves the chip. On one board it goes through the off-chip link, which
/// it shares with weights that are read off-chip, the image (first part) and the answers; in a
/// chain it goes through the links between boards, and each board's own carries its weights, the
/// image and the answers. Wherever a stream is cut both of its ends pay for a mover instead of what
/// stood between them (`squeeze.hpp`).
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/error.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/part_intervals.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Rows `first` .. `last - 1` and their design.
struct network_part {
    std::size_t first = 0;         ///< row
    std::size_t last = 0;          ///< one behind the last row
    allocation best;               ///< of these rows alone
    double crossing_bits = 0.0;    ///< for one image, into and out of this part through cuts
    double interval_cycles = 0.0;  ///< of the part: of `best`, or of the chain's link if slower
};

/// A network in parts.
struct partitioning {
    bool fits = false;  ///< false: some layer fits nowhere on its own, `reason` says which
    std::vector<network_part> parts;  ///< in order
    double images_per_second = 0.0;   ///< of the slowest part
    double seconds_per_batch = 0.0;   ///< one board only
    /// Whether every allocation that was compared is proved optimal; the cuts are optimal then.
    bool proved = false;
    std::string reason;  ///< in words
};

/// How a network is partitioned on one board.
struct partition_settings {
    double batch = 256.0;            ///< images between two reconfigurations, >= 1
    std::optional<int> data_bits{};  ///< of a word that crosses a cut, >= 1; nullopt: the engine's
    std::size_t max_states = 5000;   ///< of the exact allocator while cuts are compared
};

namespace detail {

/// Positions where cutting can help: in front of compute rows, and the two ends.
inline std::vector<std::size_t> cut_positions(const network_view& net) {
    std::vector<std::size_t> cuts{0};
    for (std::size_t i = 1; i < net.size(); ++i)
        if (is_compute(net[i])) cuts.push_back(i);
    cuts.push_back(net.size());
    return cuts;
}

/// The allocation of rows first .. last - 1 with all its proofs.
/// \param crossing_bits  of the words that cross the cuts, for one image
/// \param link_bits      what the board's link carries for an image beside weights
template <Engine E, NetworkStatistics S>
network_part make_part(const network_view& net, const S& s, const E& engine, const device& board,
                       std::size_t first, std::size_t last, double crossing_bits,
                       double link_bits) {
    const network_slice part(net, first, last);
    network_part p;
    p.first = first, p.last = last;
    p.best = allocator<E>(part, engine, board, exact{}, network_cut{link_bits, part.leaves()})
                 .solve(statistics_from<S>{&s, first});
    p.crossing_bits = crossing_bits;
    p.interval_cycles = p.best.estimate.interval_cycles;
    return p;
}

/// The first row that has no option within the budget.
template <Engine E>
std::string no_part_fits(const network_view& net, const device& board,
                         part_intervals<E>& intervals) {
    for (std::size_t i = 0; i < net.size(); ++i)
        if (intervals(i, i + 1, part_image_bits(net, intervals.engine(), i, i + 1)).whole ==
            std::numeric_limits<double>::infinity())
            return "layer '" + name_of(net, i) + "' does not fit device '" +
                   std::string(board.name) + "' on its own";
    return "no cut gives parts that fit";
}

}  // namespace detail

/// The network in parts that are loaded onto one board in turn: the cuts with the highest
/// throughput, one part if that is best. Cuts are tried in front of compute rows.
/// \throws hass::error for bad input, as `allocate`; batch < 1; data_bits < 1
template <Engine E, NetworkStatistics S, Device D>
partitioning partition(const network_view& net, const S& statistics, const E& engine, const D& on,
                       const partition_settings& settings = {}) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (net.size() == 0) throw error("partition: the network has no layers");
    if (!(settings.batch >= 1.0))
        throw error(text_of({"partition: batch is ", settings.batch, ", must be >= 1"}));
    const int word_bits = settings.data_bits.value_or(data_bits(engine));
    if (word_bits < 1) throw error("partition: data_bits must be >= 1");
    const device& board = on.limits();
    detail::part_intervals intervals(net, statistics, engine, board, settings.max_states);
    const double hz = board.mhz * 1e6;
    const auto crossing_bits = [&](std::size_t first, std::size_t last) {
        return word_bits * (detail::words_across(net, first) + detail::words_across(net, last));
    };
    const auto link_bits = [&](std::size_t first, std::size_t last) {
        return crossing_bits(first, last) + detail::part_image_bits(net, engine, first, last);
    };
    const auto seconds = [&](double interval) { return settings.batch * interval / hz; };

    const std::vector<std::size_t> cuts = detail::cut_positions(net);
    const std::size_t n = cuts.size();
    // one part needs no reloading
    const double whole = seconds(intervals(0, net.size(), link_bits(0, net.size())).whole);
    std::vector<double> best(n, infinity);
    std::vector<std::size_t> from(n, 0);
    best[0] = 0.0;
    for (std::size_t a = 0; a + 1 < n; ++a) {
        if (best[a] == infinity) continue;
        for (std::size_t b = a + 1; b < n; ++b) {
            if (a == 0 && b + 1 == n) continue;  // that is `whole`
            const auto part = intervals(cuts[a], cuts[b], link_bits(cuts[a], cuts[b]));
            if (part.compute == infinity) continue;
            const double total = best[a] + seconds(part.whole) + board.reconfiguration_s;
            if (total < best[b]) best[b] = total, from[b] = a;
            const double limit = std::min(whole, best[n - 1]);
            // adding rows never makes a part's rows faster
            if (best[a] + seconds(part.compute) >= limit &&
                intervals.at_least((limit - best[a]) * hz / settings.batch, cuts[a], cuts[b]))
                break;
        }
    }

    partitioning result;
    result.seconds_per_batch = std::min(whole, best[n - 1]);
    result.proved = intervals.proved();
    if (result.seconds_per_batch == infinity) {
        result.reason = detail::no_part_fits(net, board, intervals);
        return result;
    }
    std::vector<std::size_t> ends{n - 1};
    if (whole > best[n - 1])
        while (from[ends.back()] != 0) ends.push_back(from[ends.back()]);
    std::size_t first = 0;
    for (auto end = ends.rbegin(); end != ends.rend(); first = cuts[*end], ++end) {
        result.parts.push_back(detail::make_part(net, statistics, engine, board, first, cuts[*end],
                                                 crossing_bits(first, cuts[*end]),
                                                 link_bits(first, cuts[*end])));
    }
    result.fits = true;
    result.images_per_second = settings.batch / result.seconds_per_batch;
    result.reason = text_of(
        {result.parts.size(), (result.parts.size() == 1 ? " part" : " parts, loaded in turn")});
    return result;
}

/// The network on a chain of boards, at most one part a board, in their order: the cuts with the
/// highest throughput. Boards that are not needed stay empty (their part has no rows).
/// \param link_gbit_s  of the links between neighbours, > 0
/// \param data_bits    of a word that crosses a cut, >= 1; nullopt: the engine's
/// \throws hass::error for bad input, as `allocate`; no boards; a link without bandwidth
template <Engine E, NetworkStatistics S>
partitioning chain(const network_view& net, const S& statistics, const E& engine,
                   std::span<const device> boards, double link_gbit_s,
                   std::optional<int> data_bits = {}, std::size_t max_states = 5000) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (net.size() == 0) throw error("chain: the network has no layers");
    if (boards.empty()) throw error("chain: no boards");
    if (!(link_gbit_s > 0.0)) throw error(text_of({"chain: link of ", link_gbit_s, " Gbit/s"}));
    const int word_bits = data_bits.value_or(hass::data_bits(engine));
    if (word_bits < 1) throw error("chain: data_bits must be >= 1");
    const std::vector<std::size_t> cuts = detail::cut_positions(net);
    const std::size_t n = cuts.size();

    // best[k][b]: least seconds an image of the rows in front of cut b on the first k boards
    std::vector<std::vector<double>> best(boards.size() + 1, std::vector<double>(n, infinity));
    std::vector<std::vector<std::size_t>> from(boards.size() + 1, std::vector<std::size_t>(n, 0));
    best[0][0] = 0.0;
    partitioning result;
    result.proved = true;
    std::string shortage;
    for (std::size_t k = 0; k < boards.size(); ++k) {
        detail::part_intervals intervals(net, statistics, engine, boards[k], max_states);
        const double hz = boards[k].mhz * 1e6;
        for (std::size_t a = 0; a < n; ++a) {
            if (best[k][a] == infinity) continue;
            if (best[k][a] < best[k + 1][a]) best[k + 1][a] = best[k][a], from[k + 1][a] = a;
            for (std::size_t b = a + 1; b < n; ++b) {
                const auto part = intervals(cuts[a], cuts[b],
                                            detail::part_image_bits(net, engine, cuts[a], cuts[b]));
                const double link =
                    word_bits * detail::words_across(net, cuts[b]) / (link_gbit_s * 1e9);
                const double slowest = std::max({best[k][a], part.whole / hz, link});
                if (slowest < best[k + 1][b]) best[k + 1][b] = slowest, from[k + 1][b] = a;
                if (part.compute / hz >= best[k + 1][n - 1] &&
                    intervals.at_least(best[k + 1][n - 1] * hz, cuts[a], cuts[b]))
                    break;
            }
        }
        result.proved = result.proved && intervals.proved();
        if (shortage.empty() && best[k + 1][n - 1] == infinity)
            shortage = detail::no_part_fits(net, boards[k], intervals);
    }
    const double slowest = best[boards.size()][n - 1];
    if (slowest == infinity) {
        result.reason =
            text_of({"the chain of ", boards.size(), " boards is too small: ", shortage});
        return result;
    }
    result.parts.resize(boards.size());
    std::size_t end = n - 1;
    for (std::size_t k = boards.size(); k > 0; --k) {
        const std::size_t start = from[k][end];
        network_part& p = result.parts[k - 1];
        p.first = cuts[start], p.last = cuts[end];
        if (start != end) {
            p = detail::make_part(net, statistics, engine, boards[k - 1], cuts[start], cuts[end],
                                  word_bits * (detail::words_across(net, cuts[start]) +
                                               detail::words_across(net, cuts[end])),
                                  detail::part_image_bits(net, engine, cuts[start], cuts[end]));
            const double link = word_bits * detail::words_across(net, cuts[end]) /
                                (link_gbit_s * 1e9) * boards[k - 1].mhz * 1e6;
            p.interval_cycles = std::max(p.interval_cycles, link);
        }
        end = start;
    }
    result.fits = true;
    result.images_per_second = 1.0 / slowest;
    result.reason = text_of({"a chain of ", boards.size(), " boards"});
    return result;
}

}  // namespace hass
