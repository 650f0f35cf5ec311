// Small random allocation problems: tables of cycles and costs in the place of an engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/network.hpp>

namespace random_instances {

using hass::device;
using hass::layer_row;
using hass::layer_statistics;
using hass::row_option;
using hass::usage;

/// splitmix64: the same draws on every standard library.
struct draws {
    std::uint64_t state;
    std::uint64_t next() {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    int between(int low, int high) {
        return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
};

/// One entry of a table engine.
struct choice {
    double cycles;
    usage cost;
    int in = 1, out = 1;  ///< words at a time
};

/// What stands between stages, by words; nothing where a table ends.
struct table_prices {
    std::vector<std::vector<usage>> squeezes{};  ///< [from - 1][to - 1]
    std::vector<usage> movers{};                 ///< [words - 1]
    usage copy{};                                ///< of one word, beyond the first

    usage squeeze(int from, int to, int /*bits*/) const {
        if (squeezes.empty()) return {};
        return squeezes.at(static_cast<std::size_t>(from - 1)).at(static_cast<std::size_t>(to - 1));
    }
    usage mover(int words, int /*bits*/) const {
        return movers.empty() ? usage{} : movers.at(static_cast<std::size_t>(words - 1));
    }
    usage split(int words, int copies, int /*bits*/) const {
        return double(words * (copies - 1)) * copy;
    }
};

/// An engine whose cycles and costs stand in tables, one a row; the row is told by its number of
/// input channels. Pairs that are zero save cycles down to the floor of one half.
struct table_engine {
    std::vector<std::vector<choice>> tables;
    double lut_per_missing_bram18 = 0.0;
    int data_bits = 16;
    table_prices resources{};

    const choice& at(const layer_row& row, const row_option& c) const {
        return tables[static_cast<std::size_t>(row.in.channels - 1)]
                     [static_cast<std::size_t>(c.folding.macs - 1)];
    }
    double cycles(const layer_row& row, const layer_statistics& s, const row_option& c) const {
        return at(row, c).cycles * std::max(0.5, 1.0 - s.pair_sparsity);
    }
    usage cost(const layer_row& row, const row_option& c) const { return at(row, c).cost; }
    template <class Visit>
    void for_each(const layer_row& row, Visit visit) const {
        const auto& table = tables[static_cast<std::size_t>(row.in.channels - 1)];
        for (std::size_t k = 0; k < table.size(); ++k) {
            row_option c;
            c.folding.macs = static_cast<int>(k) + 1;
            c.folding.in = table[k].in, c.folding.out = table[k].out;
            visit(c);
        }
    }
};

struct instance {
    hass::network net;
    table_engine engine;
    device board;
    hass::network_statistics statistics;

    /// Whether no row reads row `i`.
    bool answers(std::size_t i) const {
        return std::none_of(net.edges.begin(), net.edges.end(),
                            [&](const hass::edge& e) { return e.from == static_cast<int>(i); });
    }
    /// Bits of an image and its answers, counted by hand.
    double image_bits() const {
        double words = static_cast<double>(net.rows.front().in.volume());
        for (std::size_t i = 0; i < net.rows.size(); ++i)
            if (answers(i)) words += static_cast<double>(net.rows[i].out.volume());
        return double(engine.data_bits) * words;
    }
    /// What stands between the stages of a design, counted by hand.
    usage between(const std::vector<std::size_t>& design) const {
        const auto at = [&](std::size_t i) -> const choice& { return engine.tables[i][design[i]]; };
        const table_prices& prices = engine.resources;
        std::vector<int> readers(design.size(), 0);
        usage sum{};
        for (const hass::edge& e : net.edges) {
            const choice& to = at(static_cast<std::size_t>(e.to));
            if (e.from < 0) {
                sum += prices.mover(to.in, 0);
                continue;
            }
            const auto from = static_cast<std::size_t>(e.from);
            ++readers[from];
            if (at(from).out != to.in) sum += prices.squeeze(at(from).out, to.in, 0);
        }
        for (std::size_t i = 0; i < design.size(); ++i) {
            if (readers[i] == 0) sum += prices.mover(at(i).out, 0);
            if (readers[i] > 1) sum += prices.split(at(i).out, readers[i], 0);
        }
        return sum;
    }
    /// What a design's needs, before block RAMs are built from LUTs, and its images at `interval`
    /// take of the board: the sum of shares, counted by hand.
    double shares(const usage& total, double interval) const {
        const usage& b = board.budget;
        const double lut_each = engine.lut_per_missing_bram18;
        const auto share = [](double need, double have) { return have > 0.0 ? need / have : 0.0; };
        return share(total.dsp, b.dsp) + share(total.lut, b.lut) + share(total.ff, b.ff) +
               (lut_each > 0.0
                    ? share(total.lut + lut_each * total.bram18, b.lut + lut_each * b.bram18)
                    : share(total.bram18, b.bram18)) +
               share(total.uram, b.uram) +
               share(total.bandwidth + image_bits() * board.mhz / 1000.0 / interval, b.bandwidth);
    }
    /// Cycles between images that the link allows beside this many Gbit/s of weights.
    double link_cycles(double weights) const {
        return image_bits() * board.mhz / 1000.0 / (board.budget.bandwidth - weights);
    }
    /// Whether the link carries anything beside them, and the interval with it.
    bool carries(double weights) const { return weights < board.budget.bandwidth; }
};

/// 2 to 6 layers with up to 7 options, drawn so that up to three resources bind at once.
inline instance draw_instance(std::uint64_t seed) {
    draws d{seed};
    instance x;
    const int layers = d.between(2, 6);
    const bool whole = d.between(0, 1) == 0;   // integer needs, many ties
    const bool folded = d.between(0, 1) == 0;  // cost grows as cycles fall, like real engines
    const bool credits = d.between(0, 3) == 0;
    const auto amount = [&](double most) {
        const double v = most * d.uniform();
        return whole ? std::floor(v) : v;
    };
    usage all{};
    for (int i = 0; i < layers; ++i) {
        layer_row row;
        row.in = row.out = {i + 1, 1, 1};
        x.net.rows.push_back(row);
        x.net.edges.push_back({i - 1, i});
        const int options = d.between(1, layers > 4 ? 5 : 7);
        std::vector<choice> table;
        const double work = 50.0 + std::floor(500.0 * d.uniform());
        for (int k = 0; k < options; ++k) {
            const int fold = d.between(1, 12);
            choice c;
            c.cycles = folded ? std::ceil(work / fold) : std::floor(1.0 + 40.0 * d.uniform());
            c.cost.dsp =
                folded ? std::floor(fold * (0.5 + d.uniform())) + 1 : std::floor(amount(20));
            c.cost.lut = (folded ? 40.0 * fold : 0.0) + amount(300);
            c.cost.ff = 1.0;
            c.cost.bram18 = folded ? std::floor(fold * d.uniform()) : std::floor(amount(10));
            c.cost.uram = std::floor(amount(3));
            c.cost.bandwidth = d.between(0, 3) == 0 ? amount(2) : 0.0;
            // the published model gives credits: layers that cost less than nothing
            if (credits && d.between(0, 3) == 0) c.cost.lut = -amount(100), c.cost.ff = -5.0;
            table.push_back(c);
            all += c.cost;
        }
        x.engine.tables.push_back(table);
        layer_statistics s;
        s.pair_sparsity = d.uniform();
        x.statistics.push_back(s);
    }
    // budgets between starving and plenty; resources that do not bind get all there is
    const double tightness = 0.1 + 0.5 * d.uniform();
    x.board.name = "drawn";
    x.board.budget = all + usage{1, 5000, 500, 0, 0, 0};
    usage& b = x.board.budget;
    b.dsp = 1.0 + std::floor(all.dsp * tightness * (0.5 + d.uniform()));
    if (d.between(0, 2) != 0) b.lut = 1.0 + std::abs(all.lut) * tightness * (0.5 + d.uniform());
    if (d.between(0, 1) != 0) b.bram18 = std::floor(all.bram18 * tightness * (0.5 + d.uniform()));
    if (d.between(0, 3) == 0) b.uram = std::floor(all.uram * tightness);
    // in every second, block RAMs that are missing are built from LUTs, cheap or dear
    if (seed % 2 == 0) x.engine.lut_per_missing_bram18 = d.between(1, 40);
    // in two of three the board's link may set the interval, alone or with weights that it reads
    if (seed % 3 != 0)  // what needs little memory reads its weights off-chip
        for (std::vector<choice>& table : x.engine.tables)
            for (choice& c : table)
                if (c.cost.bram18 < 2.0 && c.cost.bandwidth == 0.0)
                    c.cost.bandwidth = 0.125 * d.between(1, 16);
    x.engine.data_bits = d.between(0, 2) == 0 ? 8 : 16;
    const double weights = d.between(0, 1) == 0 ? 0.0 : 0.7 * b.bandwidth * d.uniform();
    const double images = x.image_bits() * x.board.mhz / 1000.0 / d.between(1, 60);
    if (d.between(0, 2) != 0)
        b.bandwidth = weights + images;
    else
        b.bandwidth += 100.0 * images;
    return x;
}

/// The same with widths, branches in two of three, and prices of what stands between stages, drawn
/// so that converters bind.
inline instance draw_streams(std::uint64_t seed) {
    instance x = draw_instance(seed);
    draws d{seed ^ 0x57ea5};
    while (x.net.rows.size() > 5) {  // few enough designs to try them all
        x.net.rows.pop_back(), x.engine.tables.pop_back(), x.statistics.pop_back();
    }
    const int layers = static_cast<int>(x.net.rows.size());
    if (d.between(0, 2) != 0) {
        x.net.edges.clear();
        for (int i = 0; i < layers; ++i) {
            const bool second = i > 0 && d.between(0, 1) == 0;
            if (second) x.net.edges.push_back({d.between(-1, std::max(-1, i - 2)), i});
            if (!second || d.between(0, 2) != 0) x.net.edges.push_back({i - 1, i});
        }
    } else {
        x.net.edges.resize(static_cast<std::size_t>(layers));
    }
    // few widths, so that some agree, and more or less tied to how fast an option is
    const int widths = d.between(2, 4);
    for (std::vector<choice>& table : x.engine.tables)
        for (choice& c : table) c.in = d.between(1, widths), c.out = d.between(1, widths);
    // prices in shares of what a row may take
    const bool whole = d.between(0, 1) == 0;
    const usage& b = x.board.budget;
    const double dear = (0.02 + 0.6 * d.uniform()) / layers;
    const auto amount = [&](double budget) {
        const double v = dear * budget * d.uniform();
        return whole ? std::floor(v) : v;
    };
    const int kind = d.between(0, 5);
    const auto price = [&](int from, int to) {
        usage u;
        if (from == to || d.between(0, 7) == 0) return u;
        u.lut = amount(b.lut), u.ff = amount(b.ff);
        if (kind == 0) u.bram18 = std::floor(3.0 * dear * b.bram18 * d.uniform());
        if (kind == 1) u.dsp = std::floor(3.0 * dear * b.dsp * d.uniform());
        if (kind == 2) u.uram = std::floor(2.0 * dear * b.uram * d.uniform());
        return u;
    };
    table_prices& prices = x.engine.resources;
    for (int from = 1; from <= widths; ++from) {
        prices.squeezes.emplace_back();
        for (int to = 1; to <= widths; ++to) prices.squeezes.back().push_back(price(from, to));
        prices.movers.push_back(d.between(0, 2) == 0 ? usage{} : price(from, 0));
    }
    if (d.between(0, 1) == 0) prices.copy = {.lut = 0.1 * amount(b.lut)};
    return x;
}

}  // namespace random_instances
