// Engines against dot products of integers, and their cycles against what they state.
#include <algorithm>
#include <cstdio>

#include "Vbench_engines.h"
#include "bench.hpp"

#include <hass/emulate/integer_arithmetic.hpp>

using namespace rtl_test;

namespace {

constexpr std::size_t many = 10000;  // windows

struct shape {
    std::size_t slot;
    int data, weight, positions, multipliers, filters, words, dots, sum = 48;
};

std::string numbered(const std::string& name, int n) {
    return name + "_" + std::to_string(n / 10) + std::to_string(n % 10) + ".mem";
}

/// Weights of an engine, a share of them zero, and the files that it reads.
struct engine_weights {
    shape s;
    std::vector<std::vector<word>> of;  // [window of all dot products][filter][position]

    engine_weights(const shape& its, double zeros) : s(its) {
        random_values random(static_cast<unsigned>(its.slot + 50));
        for (int w = 0; w < s.words * s.dots; ++w)
            of.push_back(
                random.words(static_cast<std::size_t>(s.filters), s.positions, s.weight, zeros));
    }

    bool any(std::size_t window, std::size_t position) const {
        return std::any_of(of[window].begin(), of[window].end(),
                           [&](const word& filter) { return filter[position] != 0; });
    }

    /// A file a lane: line window x steps + k has the filters' weights of position k lanes + lane.
    engine_weights write_lanes(const std::string& name) const {
        const int steps = (s.positions + s.multipliers - 1) / s.multipliers;
        for (int n = 0; n < s.multipliers; ++n) {
            std::vector<word> lines;
            for (const auto& window : of)
                for (int k = 0; k < steps; ++k) {
                    const int p = k * s.multipliers + n;
                    lines.emplace_back();
                    for (const word& filter : window)
                        lines.back().push_back(p < s.positions ? filter[static_cast<std::size_t>(p)]
                                                               : 0);
                }
            write_memory(numbered(name, n), lines, s.weight);
        }
        std::vector<word> masks;
        for (std::size_t w = 0; w < of.size(); ++w) {
            masks.emplace_back();
            for (std::size_t p = 0; p < static_cast<std::size_t>(s.positions); ++p)
                masks.back().push_back(any(w, p) ? 1 : 0);
        }
        write_memory(name + ".mem", masks, 1);
        return *this;
    }

    /// A file a filter: line window has the weights of its positions.
    engine_weights write_filters(const std::string& name) const {
        for (int f = 0; f < s.filters; ++f) {
            std::vector<word> lines;
            for (const auto& window : of) lines.push_back(window[static_cast<std::size_t>(f)]);
            write_memory(numbered(name, f), lines, s.weight);
        }
        return *this;
    }
};

/// Dot products of the windows, a word each.
std::vector<word> dot_products(const std::vector<word>& windows, const engine_weights& weights,
                               std::int64_t threshold = 0) {
    const std::size_t words = static_cast<std::size_t>(weights.s.words);
    std::vector<word> out(windows.size() / words,
                          word(static_cast<std::size_t>(weights.s.filters), 0));
    for (std::size_t i = 0; i < windows.size(); ++i)
        for (std::size_t f = 0; f < out[i / words].size(); ++f)
            for (std::size_t p = 0; p < windows[i].size(); ++p)
                out[i / words][f] +=
                    hass::clip(windows[i][p], threshold) * weights.of[i % weights.of.size()][f][p];
    return out;
}

std::vector<word> random_windows(const shape& s, double zeros) {
    const std::size_t words = static_cast<std::size_t>(s.words);
    return random_values(static_cast<unsigned>(s.slot))
        .words(many / words * words, s.positions, s.data, zeros);
}

/// What comes at full speed.
arrivals dots_of(const engine_weights& weights, const std::vector<word>& windows,
                 const std::vector<word>& sums) {
    const shape& s = weights.s;
    INFO("engine on slot " << s.slot);
    return check<Vbench_engines>({{s.slot, s.data, windows}}, {{s.slot, s.sum, sums}}).front();
}

/// Cycles a window at full speed, measured between the first and the last dot product.
double cycles_a_window(const engine_weights& weights, const std::vector<word>& windows,
                       const std::vector<word>& sums) {
    return dots_of(weights, windows, sums).cycles_a_word() / weights.s.words;
}

const engine_weights dense[] = {
    engine_weights({0, 16, 16, 9, 3, 2, 4, 3}, 0.0).write_lanes("dense_0"),
    engine_weights({1, 8, 8, 9, 4, 1, 1, 5, 20}, 0.0).write_lanes("dense_1"),
    engine_weights({2, 8, 8, 4, 4, 4, 3, 1}, 0.0).write_lanes("dense_2"),
    engine_weights({3, 16, 16, 1, 1, 1, 7, 2}, 0.0).write_lanes("dense_3"),
    engine_weights({4, 16, 8, 9, 1, 1, 1, 1}, 0.0).write_lanes("dense_4"),
};
const engine_weights lanes[] = {
    engine_weights({10, 16, 16, 9, 3, 1, 16, 2}, 0.3).write_lanes("lanes_0"),
    engine_weights({11, 16, 16, 9, 1, 4, 8, 3}, 0.3).write_lanes("lanes_1"),
    engine_weights({12, 8, 8, 9, 4, 1, 1, 6}, 0.5).write_lanes("lanes_2"),
    engine_weights({13, 8, 8, 18, 6, 2, 5, 2}, 0.7).write_lanes("lanes_3"),
    engine_weights({14, 16, 16, 1, 1, 8, 12, 2}, 0.0).write_lanes("lanes_4"),
};
const engine_weights spes[] = {
    engine_weights({20, 16, 16, 9, 3, 1, 8, 2}, 0.3).write_filters("spes_0"),
    engine_weights({21, 8, 8, 9, 2, 3, 4, 2}, 0.3).write_filters("spes_1"),
    engine_weights({22, 8, 8, 4, 1, 1, 1, 1, 20}, 0.0).write_filters("spes_2"),
    engine_weights({23, 8, 8, 9, 9, 1, 3, 1}, 0.5).write_filters("spes_3"),
};

/// Engines side by side. A window has `taps` x groups x streams x vector positions; what an engine
/// computes has weights at those of its group and stream alone.
struct array {
    shape s;  // positions of a whole window, filters of all groups, multipliers of an engine
    int groups = 1, streams = 1, vector = 1, sets = 1;
    double zeros = 0.3;

    int ways() const { return groups * streams; }
    int way_of(int position) const { return position / vector % ways(); }
    int positions() const { return s.positions / ways(); }
    /// Position p of a way in the whole window.
    int place(int way, int p) const { return (p / vector * ways() + way) * vector + p % vector; }

    engine_weights weights() const {
        engine_weights w(s, zeros);
        for (auto& window : w.of)
            for (int f = 0; f < s.filters; ++f)
                for (int p = 0; p < s.positions; ++p)
                    if (way_of(p) / streams != f / (s.filters / groups))
                        window[static_cast<std::size_t>(f)][static_cast<std::size_t>(p)] = 0;
        return w;
    }
    /// The weights of some filters at the positions of a way.
    engine_weights part(const engine_weights& all, int way, int first, int filters) const {
        shape one = s;
        one.positions = positions(), one.filters = filters;
        engine_weights w(one, 0.0);
        for (std::size_t i = 0; i < all.of.size(); ++i)
            for (int f = 0; f < filters; ++f)
                for (int p = 0; p < one.positions; ++p)
                    w.of[i][static_cast<std::size_t>(f)][static_cast<std::size_t>(p)] =
                        all.of[i][static_cast<std::size_t>(first + f)]
                              [static_cast<std::size_t>(place(way, p))];
        return w;
    }
    engine_weights write_lane_engines(const std::string& name) const {
        const engine_weights all = weights();
        const int each = s.filters / (groups * sets);
        for (int e = 0; e < groups * sets; ++e) {
            const std::string engine = name + "_0" + std::to_string(e);
            part(all, e / sets, e * each, each).write_lanes(engine);
            std::rename((engine + ".mem").c_str(), (engine + "_masks.mem").c_str());
        }
        return all;
    }
    engine_weights write_spes(const std::string& name) const {
        const engine_weights all = weights();
        const int of_group = s.filters / groups;
        for (int e = 0; e < s.filters * streams; ++e) {
            const int filter = e / streams;
            part(all, filter / of_group * streams + e % streams, filter, 1).write_filters("one");
            std::rename("one_00.mem", numbered(name, e).c_str());
        }
        return all;
    }
};

const array lane_arrays[] = {
    {.s = {15, 8, 8, 9, 3, 4, 4, 2, 24}, .sets = 2},
    {.s = {16, 8, 8, 27, 2, 3, 1, 4, 24}, .groups = 3},
};
const array spe_arrays[] = {
    {.s = {24, 8, 8, 18, 2, 2, 4, 2, 24}, .streams = 2},
    {.s = {25, 8, 8, 12, 1, 6, 1, 3, 24}, .groups = 3},
    {.s = {26, 16, 16, 16, 2, 1, 3, 2}, .streams = 4, .vector = 4},
};
const engine_weights lane_array_weights[] = {lane_arrays[0].write_lane_engines("lanes_5"),
                                             lane_arrays[1].write_lane_engines("lanes_6")};
const engine_weights spe_array_weights[] = {spe_arrays[0].write_spes("spes_4"),
                                            spe_arrays[1].write_spes("spes_5"),
                                            spe_arrays[2].write_spes("spes_6")};

}  // namespace

TEST_CASE("hass_dense: every pair, ceil(positions / multipliers) cycles a window", "[rtl]") {
    for (const engine_weights& w : dense) {
        const std::vector<word> windows = random_windows(w.s, 0.3);
        const arrivals a = dots_of(w, windows, dot_products(windows, w));
        const int steps = (w.s.positions + w.s.multipliers - 1) / w.s.multipliers;
        CHECK(a.cycles_a_word() == steps * w.s.words);
        CHECK(a.cycles.front() == steps * w.s.words - 1 + w.s.multipliers + 4);
    }
}

TEST_CASE("hass_lanes: only what is not zero", "[rtl]") {
    for (const engine_weights& w : lanes)
        for (const double zeros : {0.0, 0.5, 0.9}) {
            const std::vector<word> windows = random_windows(w.s, zeros);
            const double cycles = cycles_a_window(w, windows, dot_products(windows, w));

            // The most that any lane has to do in each dot product but the first. Queues let dot
            // products with little to do make up for others, down to a window a cycle.
            std::int64_t level = 0, uneven = 0;
            std::vector<int> sums(static_cast<std::size_t>(w.s.multipliers), 0);
            const std::size_t words = static_cast<std::size_t>(w.s.words);
            for (std::size_t i = 0; i < windows.size(); ++i) {
                for (std::size_t p = 0; p < windows[i].size(); ++p)
                    sums[p % sums.size()] += windows[i][p] != 0 && w.any(i % w.of.size(), p);
                if (i % words != words - 1) continue;
                const int most = *std::max_element(sums.begin(), sums.end());
                if (i >= words) {
                    level += std::max(1, most);
                    uneven += std::max(w.s.words, most);
                }
                std::fill(sums.begin(), sums.end(), 0);
            }
            const double count = static_cast<double>(windows.size() - words);
            INFO("lanes on slot " << w.s.slot << ", zeros " << zeros);
            CHECK(cycles >= 0.999 * std::max(1.0, static_cast<double>(level) / count));
            CHECK(cycles <= 1.02 * static_cast<double>(uneven) / count);
        }
}

TEST_CASE("hass_spes: the pairs without a zero", "[rtl]") {
    for (const engine_weights& w : spes)
        for (const double zeros : {0.0, 0.5, 0.9}) {
            const std::int64_t threshold = w.s.slot == 21 ? 9 : 0;
            const std::vector<word> windows = random_windows(w.s, zeros);
            const double cycles = cycles_a_window(w, windows, dot_products(windows, w, threshold));

            double expected = 0.0;
            for (std::size_t i = static_cast<std::size_t>(w.s.words); i < windows.size(); ++i) {
                int most = 0;
                for (const word& filter : w.of[i % w.of.size()]) {
                    int pairs = 0;
                    for (std::size_t p = 0; p < filter.size(); ++p)
                        pairs += filter[p] != 0 && hass::clip(windows[i][p], threshold) != 0;
                    most = std::max(most, (pairs + w.s.multipliers - 1) / w.s.multipliers);
                }
                expected += std::max(1, most);
            }
            expected /= static_cast<double>(windows.size() - static_cast<std::size_t>(w.s.words));
            if (w.s.filters == 1)
                CHECK(cycles == Approx(expected).epsilon(0.001));
            else
                CHECK(cycles <= 1.001 * expected);  // the FIFOs even out what filters differ in
        }
}

TEST_CASE("hass_lane_array, hass_spes: engines side by side", "[rtl]") {
    for (std::size_t i = 0; i < 5; ++i)
        for (const double zeros : {0.0, 0.5, 0.9}) {
            const bool spe = i > 1;
            const array& a = spe ? spe_arrays[i - 2] : lane_arrays[i];
            const engine_weights& w = spe ? spe_array_weights[i - 2] : lane_array_weights[i];
            const std::int64_t threshold = w.s.slot == 25 ? 20 : 0;
            const std::vector<word> windows = random_windows(w.s, zeros);
            const double cycles = cycles_a_window(w, windows, dot_products(windows, w, threshold));

            // No slower than if all waited for each other at every window.
            const int steps = (a.positions() + w.s.multipliers - 1) / w.s.multipliers;
            INFO("engines on slot " << w.s.slot << ", zeros " << zeros);
            CHECK(cycles <= steps);
            CHECK(cycles >= 1.0);
            if (zeros > 0.8) CHECK(cycles < 0.7 * steps + 0.3);
        }
}
