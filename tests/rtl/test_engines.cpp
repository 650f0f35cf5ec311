// Engines against dot products of integers, and their cycles against what they state.
#include <algorithm>

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
