// Engines of lanes and lists against RTL that was simulated and synthesised
// (tests/data/lane_and_list_rtl.json) and lanes against a simulation cycle by cycle.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/statistics/lane_plan.hpp>
#include <hass/statistics/tensor_statistics.hpp>
#include <nlohmann/json.hpp>

#include "../statistics/random_layers.hpp"
#include "lane_simulation.hpp"

namespace {

using hass::layer_row;
using hass::parallelism;
using hass::row_option;

using line = std::map<std::string, double>;

/// Rows of one table, by column.
std::vector<line> measured(const char* table) {
    std::ifstream file(std::string(HASS_TEST_DATA) + "/lane_and_list_rtl.json");
    const auto t = nlohmann::json::parse(file).at(table);
    std::vector<line> lines;
    for (const auto& row : t.at("rows")) {
        line l;
        for (std::size_t i = 0; i < row.size(); ++i) l[t.at("columns")[i]] = row[i];
        lines.push_back(l);
    }
    return lines;
}

int whole(const line& l, const char* column) {
    return static_cast<int>(l.at(column));
}

/// Mean and largest magnitude of relative errors.
struct errors {
    double sum = 0.0, worst = 0.0;
    int count = 0;

    void add(double said, double real) {
        const double e = std::abs(said / real - 1.0);
        sum += e, worst = std::max(worst, e), ++count;
    }
    double mean() const { return sum / count; }
};

/// The values that the testbench of the lanes drew (tb.cpp): 64-bit Mersenne twister, uniform draws
/// as 64 bits / 2^64.
struct testbench {
    std::mt19937_64 bits{4242};
    int width;

    double uniform() { return static_cast<double>(bits()) * 0x1p-64; }
    void value() {  // only its draws matter
        const std::uint64_t limit = std::uint64_t{1} << (width - 1);
        for (;;) {
            const std::uint64_t v = bits() % (2 * limit);
            if ((bits() & 15U) == 0) {
                bits();
                return;
            }
            if (v != limit) return;
        }
    }
};

/// Cycles a window of one line of `lane_cycles`, fed as the testbench fed it.
double simulated(const line& l) {
    const auto positions = static_cast<std::size_t>(l.at("positions"));
    const auto lanes = static_cast<std::size_t>(l.at("lanes"));
    const auto filters = static_cast<std::size_t>(l.at("filters"));
    const auto windows = static_cast<std::size_t>(l.at("windows"));
    testbench draw{.width = whole(l, "width")};
    // exact densities, which stand rounded in the table
    const double pw = l.at("weight_zeros");
    double pa = l.at("activation_zeros");
    if (pa == 0.1667) pa = 1.0 - 0.75 / 0.9;
    if (pa == 0.2857) pa = 1.0 - 0.5 / 0.7;
    std::vector<std::uint64_t> weights(windows, 0);
    for (std::size_t f = 0; f < filters; ++f)
        for (std::size_t c = 0; c < windows; ++c)
            for (std::size_t m = 0; m < positions; ++m)
                if (!(draw.uniform() < pw)) draw.value(), weights[c] |= std::uint64_t{1} << m;
    const auto asked = static_cast<std::size_t>(l.at("measured_windows"));
    const std::size_t counted = asked - asked % windows;
    const std::size_t warm = windows * std::max<std::size_t>(2, 128 / windows);
    // as they were then: an empty window that ends a dot product is stored, and takes a cycle
    test::lane_simulation engine(lanes, static_cast<std::size_t>(l.at("fifo")), false);
    std::size_t made = 0, ended = 0;
    std::vector<std::uint64_t> masks(lanes);
    bool have = false;
    long begin = 0;
    for (long cycle = 0;; ++cycle) {
        if (!have && made < warm + counted) {
            std::fill(masks.begin(), masks.end(), 0);
            for (std::size_t m = 0; m < positions; ++m) {
                const bool nonzero = draw.uniform() < 1.0 - pa;
                draw.value();
                if (nonzero && (weights[made % windows] >> m & 1U) != 0)
                    masks[m % lanes] |= std::uint64_t{1} << (m / lanes);
            }
            ++made, have = true;
        }
        const bool pushed = have && engine.ready();
        if (engine.step(pushed ? &masks : nullptr, made % windows == 0)) {
            ++ended;
            if (ended * windows == warm) begin = cycle;
            if (ended * windows == warm + counted)
                return static_cast<double>(cycle - begin) / static_cast<double>(counted);
        }
        if (pushed) have = false;
    }
}

layer_row convolution(int channels, int size, int filters, int kernel, int pad, int stride = 1) {
    layer_row r;
    r.in = {channels, size, size};
    r.kernel_h = r.kernel_w = kernel;
    r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = pad;
    r.stride_h = r.stride_w = stride;
    const int out = hass::window_extent(size, kernel, stride, pad, pad);
    r.out = {filters, out, out};
    return r;
}

}  // namespace

TEST_CASE("the simulation of lanes takes as long as their RTL") {
    errors e;
    for (const line& l : measured("lane_cycles")) {
        const double cycles = simulated(l);
        INFO("M " << l.at("positions") << " N " << l.at("lanes") << " O " << l.at("filters")
                  << " depth " << l.at("fifo") << " zeros " << l.at("weight_zeros") << " "
                  << l.at("activation_zeros"));
        e.add(cycles, l.at("cycles_a_window"));
        CHECK(cycles == Approx(l.at("cycles_a_window")).epsilon(2e-3));
    }
    CHECK(e.count == 160);
    CHECK(e.mean() < 2e-4);
}

TEST_CASE("lanes of independent zeros take as long as their RTL") {
    // one drawn set of weights each: where pairs are skipped its luck is in it, up to 9 %
    errors shared, pairs;
    for (const line& l : measured("lane_cycles")) {
        if (l.at("fifo") != 8.0 || l.at("positions") == 27.0) continue;
        const int windows = whole(l, "windows"), filters = whole(l, "filters");
        layer_row row = l.at("positions") == 9.0 ? convolution(windows, 3, filters, 3, 0)
                                                 : convolution(16 * windows, 1, filters, 1, 0);
        hass::layer_statistics s;
        s.weight_sparsity = l.at("weight_zeros");
        s.activation_sparsity = l.at("activation_zeros");
        s.pair_sparsity = s.pair_sparsity_padded =
            1.0 - (1.0 - s.weight_sparsity) * (1.0 - s.activation_sparsity);
        const parallelism p{1, filters, 1, whole(l, "lanes"), row.in.height == 1 ? 16 : 1, filters};
        if (!hass::lane_dot<>::legal(row, p)) continue;  // 6 lanes of 9 positions
        // of that day, see above
        const double kept = hass::kept_pairs(s, filters > hass::most_masked ? 0 : filters);
        const double stored =
            hass::detail::power(1.0 - kept, row.in.height == 1 ? 16 / p.macs : 9 / p.macs);
        const double dot =
            stored + hass::independent_lane_cycles(row, s, hass::detail::lanes_of(p));
        const double said = std::max(1.0, dot / windows);
        (filters > 1 ? shared : pairs).add(said, l.at("cycles_a_window"));
    }
    CHECK(shared.count == 20);
    CHECK(shared.mean() < 0.005);
    CHECK(shared.worst < 0.02);
    CHECK(pairs.count == 70);
    CHECK(pairs.mean() < 0.03);
    CHECK(pairs.worst < 0.14);
}

TEST_CASE("lanes' cycles of a layer are those of a simulation cycle by cycle") {
    std::mt19937 bits(3);
    errors alone, together;
    for (int i = 0; i < 6; ++i) {
        const layer_row row = i % 3 == 2 ? convolution(64, 4, 8, 1, 0)
                                         : convolution(16 << (i % 2), 5, 8, 3, 1, 1 + i / 3);
        const auto draw = [&](std::size_t n, unsigned zeros) {
            std::vector<float> x(n);
            for (float& v : x) v = bits() % 100 < zeros ? 0.0F : 1.0F;
            return x;
        };
        const auto weights = draw(static_cast<std::size_t>(hass::weight_count(row)), 30);
        auto activations = draw(4 * static_cast<std::size_t>(row.in.volume()), 40);
        for (std::size_t n = 0; n < activations.size(); ++n)  // whole pixels apart in density
            if (n % 7 < 2 && bits() % 3 != 0) activations[n] = 0.0F;
        hass::network net;
        net.rows.push_back(row);
        auto s = hass::measure_tensors(net, std::array{std::span(weights)},
                                       std::array{std::span(activations)})
                     .at({{0.0, 0.0}}, {true, false})
                     .front();
        s.rows.clear();  // windows are always there: inputs of skipped rows are not simulated
        const hass::lane_plan plan(row, weights);
        const hass::lane_dot<> engine;
        const auto prepared = engine.prepare(row, s);
        const int k = hass::taps(row), channels = row.in.channels;
        engine.for_each(row, [&](const row_option& c) {
            const parallelism& p = c.folding;
            if (c.memory != hass::weight_memory::bram18 || bits() % 5 != 0) return;
            const hass::lane_layout l = hass::detail::lanes_of(p);
            const auto& bases = plan.bases(l.shared);
            const auto base = std::find_if(bases.begin(), bases.end(), [&](const auto& b) {
                return b.vector == p.vector && b.in == p.in && b.macs == p.macs;
            });
            // in which window, lane and bit each position comes
            const int windows = channels / (p.vector * p.in);
            const auto lanes = static_cast<std::size_t>(p.in * p.macs);
            std::vector<std::vector<std::pair<int, int>>> order(lanes);  // channel, tap
            for (std::size_t n = 0; n < lanes; ++n) {
                std::vector<std::pair<int, int>> first, last;
                for (const int cell : base->cells[n])
                    for (int ch = 0; ch < channels; ++ch) {
                        const auto at = static_cast<std::size_t>(ch);
                        if (static_cast<int>(plan.stream_of(at)) != cell / k) continue;
                        const bool ends = plan.bit_of(at) + 1 == plan.cell_bits() &&
                                          std::find(base->window[n].begin(), base->window[n].end(),
                                                    cell) != base->window[n].end();
                        (ends ? last : first).emplace_back(ch, cell % k);
                    }
                if (k > 1)  // a window is a channel
                    std::stable_sort(first.begin(), first.end(), [&](auto a, auto b) {
                        return plan.bit_of(static_cast<std::size_t>(a.first)) <
                               plan.bit_of(static_cast<std::size_t>(b.first));
                    });
                order[n] = first;
                order[n].insert(order[n].end(), last.begin(), last.end());
            }
            const int set = l.shared == 0 ? row.out.channels : l.shared;
            const int sets = l.shared == 0 ? 1 : row.out.channels / set;
            const auto engines = static_cast<std::size_t>(l.engines);
            test::lane_simulation simulation(lanes * engines, 8);
            std::size_t ended = 0, products = 0;
            long cycles = 0;
            std::vector<std::uint64_t> masks(lanes * engines);
            const auto clock = [&](const std::vector<std::uint64_t>* window, bool last) {
                ended += simulation.step(window, last) ? 1U : 0U, ++cycles;
            };
            const auto volume = static_cast<std::size_t>(row.in.volume());
            for (std::size_t n = 0; n < activations.size() / volume; ++n)
                for (int pixel = 0; pixel < row.out.pixels(); ++pixel)
                    for (int first = 0; first < sets; first += l.engines, ++products)
                        for (int w = 0; w < windows; ++w) {
                            std::fill(masks.begin(), masks.end(), 0);
                            for (std::size_t e = 0; e < engines; ++e)
                                for (std::size_t lane = 0; lane < lanes; ++lane) {
                                    const std::size_t each =
                                        order[lane].size() / static_cast<std::size_t>(windows);
                                    for (std::size_t b = 0; b < each; ++b) {
                                        const auto [ch, t] =
                                            order[lane][static_cast<std::size_t>(w) * each + b];
                                        const float* a = test::input_at(
                                            row, activations.data() + n * volume, ch,
                                            pixel / row.out.width, pixel % row.out.width,
                                            t / row.kernel_w, t % row.kernel_w);
                                        bool kept = l.shared == 0;
                                        for (int f = 0; f < set && !kept; ++f) {
                                            const int filter =
                                                (first + static_cast<int>(e)) * set + f;
                                            kept = weights[static_cast<std::size_t>(
                                                       (filter * channels + ch) * k + t)] != 0.0F;
                                        }
                                        if (kept && a != nullptr && *a != 0.0F)
                                            masks[e * lanes + lane] |= std::uint64_t{1} << b;
                                    }
                                }
                            while (!simulation.ready()) clock(nullptr, false);
                            clock(&masks, w + 1 == windows);
                        }
            while (ended < products) clock(nullptr, false);
            // filters of the layer that are not shared take turns with all of them
            const double of_layer = static_cast<double>(cycles) /
                                    (static_cast<double>(activations.size() / volume)) *
                                    (l.shared == 0 ? row.out.channels / p.out : 1);
            const double said = prepared.cycles(c);
            // only where lanes decide, and not the rate of inputs or answers
            if (said == hass::data_movement_cycles(row, p)) return;
            (engines == 1 ? alone : together).add(said, of_layer);
        });
    }
    // worst where lanes take about a cycle a window: then either may be the slower one
    CHECK(alone.count > 40);
    CHECK(alone.mean() < 0.01);
    CHECK(alone.worst < 0.08);
    CHECK(together.count > 40);
    CHECK(together.mean() < 0.03);
    CHECK(together.worst < 0.12);
}

TEST_CASE("DSPs and line buffers of lists are those of their synthesis") {
    int count = 0;
    for (const line& l : measured("list_synthesis")) {
        const int channels = whole(l, "channels"), lists = whole(l, "lists");
        CHECK(whole(l, "out") * lists == whole(l, "dsp"));
        const layer_row row = convolution(channels, 56, whole(l, "filters"), 3, 1);
        const std::int64_t slots = hass::list_synthesis::slots(row);
        const int index = hass::detail::bits_for(channels / lists), w = whole(l, "width");
        CHECK(slots == 128);
        CHECK(lists *
                  hass::list_synthesis::lengths_lut(slots, index + 1, hass::dsp_slice::dsp48e2) ==
              l.at("lutram"));
        // Vivado takes half a block for the last bits of a word where Yosys took a whole one
        const auto blocks = lists * hass::vivado_bram18(slots << index, w + index);
        CHECK(static_cast<double>(blocks) <= 2.0 * l.at("bram36"));
        CHECK(static_cast<double>(blocks + (lists > 1 ? lists : 0)) >= 2.0 * l.at("bram36"));
        ++count;
    }
    CHECK(count == 16);
}

TEST_CASE("lists take as long as their RTL") {
    const hass::list_dot<> engine{.start = 4.0};  // of the RTL that these were measured on
    errors e;
    std::mt19937 bits(5);
    for (const line& l : measured("list_cycles")) {
        const int kernel = whole(l, "kernel");
        layer_row row =
            convolution(whole(l, "channels"), 6, whole(l, "filters"), kernel, kernel / 2);
        row.in.width = row.out.width = whole(l, "width");
        row.in.height = row.out.height = whole(l, "height");
        const int lists = whole(l, "lists"), out = whole(l, "out");
        if (hass::drain_chain(out) != whole(l, "chain")) continue;  // shifted out otherwise
        // zeros as they were drawn for the RTL: each by itself
        const double zeros = l.at("activation_zeros");
        std::vector<float> activations(8 * static_cast<std::size_t>(row.in.volume()));
        for (float& x : activations)
            x = static_cast<double>(bits() % 1000) < 1000.0 * zeros ? 0.0F : 1.0F;
        const std::vector<float> weights(static_cast<std::size_t>(hass::weight_count(row)), 1.0F);
        hass::network net;
        net.rows.push_back(row);
        const auto s = hass::measure_tensors(net, std::array{std::span(weights)},
                                             std::array{std::span(activations)})
                           .at({{0.0, 0.0}}, {false, true})
                           .front();
        const parallelism p{lists, out, 1, 1, 1, out};
        const double said = engine.cycles(row, s, p) / static_cast<double>(row.out.pixels());
        INFO("C " << row.in.channels << " o " << out << " lists " << lists << " zeros " << zeros
                  << ": " << said);
        // with less than an entry a tap the scanner of taps decides, in more than a cycle a tap
        if (row.in.channels * (1.0 - zeros) / lists < 3.0)
            CHECK(said < 1.05 * l.at("cycles_a_pixel"));
        else
            e.add(said, l.at("cycles_a_pixel"));
    }
    CHECK(e.count == 20);
    CHECK(e.mean() < 0.014);
    CHECK(e.worst < 0.07);  // one replay a pixel of short lists, which overlaps with the next

    const layer_row row = convolution(64, 56, 64, 3, 1);
    const double inside = static_cast<double>(hass::inside_mac_count(row)) /
                          static_cast<double>(hass::mac_count(row));
    for (const line& l : measured("list_layers")) {
        hass::layer_statistics s;
        s.activation_sparsity = s.pair_sparsity = l.at("activation_zeros");
        s.pair_sparsity_padded = 1.0 - inside * (1.0 - s.activation_sparsity);
        const int out = whole(l, "out");
        const parallelism p{whole(l, "lists"), out, 1, 1, 1, out, whole(l, "pixels")};
        CHECK(engine.cycles(row, s, p) == Approx(l.at("cycles")).epsilon(0.03));
    }
}

TEST_CASE("what lanes and lists cannot run is refused") {
    const hass::lane_dot<> lanes;
    const hass::list_dot<> lists;
    const layer_row row = convolution(16, 6, 8, 3, 1);
    layer_row depthwise = convolution(16, 6, 16, 3, 1);
    depthwise.groups = 16;
    const hass::layer_statistics s = hass::uniform_sparsity(0.5).at(0);
    CHECK_THROWS_WITH(lanes.cycles(row, s, parallelism{1, 8, 1, 5, 1}),
                      Catch::Contains("does not exist"));
    CHECK_THROWS_WITH(lanes.cycles(row, s, parallelism{1, 8, 1, 3, 1, 3}),
                      Catch::Contains("shared 3"));
    CHECK_THROWS_WITH(lists.cycles(depthwise, s, parallelism{}), Catch::Contains("16 groups"));
    CHECK_THROWS_WITH(lists.cycles(row, s, parallelism{1, 8, 1, 1, 1}),
                      Catch::Contains("does not exist"));
    CHECK_THROWS_AS(lanes.cost(row, {{}, hass::weight_memory::bram18, 0, hass::multiplier::lut}),
                    hass::error);
    CHECK_THROWS_AS(lanes.cost(row, {{}, hass::weight_memory::off_chip}), hass::error);
    CHECK_THROWS_AS(lists.cost(row, {{}, hass::weight_memory::off_chip}), hass::error);
    CHECK(lists.legal(depthwise).empty());
    CHECK(lists.legal(convolution(1, 6, 8, 3, 1)).empty());
    CHECK(!lanes.legal(depthwise).empty());
    for (const row_option& c : lanes.legal(depthwise)) CHECK(lanes.legal(depthwise, c.folding));
    for (const row_option& c : lanes.legal(row)) CHECK(lanes.legal(row, c.folding));
    for (const row_option& c : lists.legal(row)) CHECK(lists.legal(row, c.folding));
    hass::layer_statistics other = s;
    other.lanes.push_back({{7, 1, 1, 1, 1, 1}, 3.0});
    CHECK_THROWS_WITH(lanes.cycles(row, other, parallelism{}), Catch::Contains("know nothing of"));
    other.lists.push_back({1, {1.0}});
    CHECK_THROWS_WITH(lists.cycles(row, other, parallelism{}), Catch::Contains("lengths"));
}

TEST_CASE("every knob of lanes and lists changes a cost, and cycles as prepared") {
    const layer_row row = convolution(32, 8, 16, 3, 1);
    const hass::layer_statistics s = hass::uniform_sparsity(0.6).at(0);
    const hass::lane_dot<> lanes;
    const hass::list_dot<> lists;
    const auto check = [&](const auto& engine, const parallelism& p, const parallelism& q) {
        INFO(hass::detail::text(p) << " against " << hass::detail::text(q));
        CHECK(engine.cycles(row, s, q) < engine.cycles(row, s, p));
        const hass::usage a = engine.cost(row, p), b = engine.cost(row, q);
        CHECK(b.lut > a.lut);
        CHECK(b.ff > a.ff);
        CHECK(b.dsp > a.dsp);
    };
    check(lanes, {1, 8, 1, 2, 1, 8}, {1, 8, 1, 3, 1, 8});
    check(lanes, {1, 8, 1, 2, 1, 8}, {2, 8, 1, 2, 1, 8});
    check(lanes, {1, 2, 1, 2, 1, 2}, {1, 4, 1, 2, 1, 2});
    check(lanes, {1, 8, 1, 2, 1, 8}, {1, 16, 1, 2, 1, 16});
    check(lists, {1, 4, 1, 1, 1, 4}, {2, 4, 1, 1, 1, 4});
    check(lists, {1, 8, 1, 1, 1, 8, 1}, {1, 8, 1, 1, 1, 8, 2});
    // sharing costs cycles and spares LUTs
    const row_option alone = parallelism{1, 4, 1, 3, 1, 1}, shared = parallelism{1, 4, 1, 3, 1, 4};
    CHECK(lanes.cycles(row, s, shared) > lanes.cycles(row, s, alone));
    CHECK(lanes.cost(row, shared).lut < lanes.cost(row, alone).lut);
    // a DSP48E1 needs an adder behind a cascade
    hass::lane_dot<> older;
    older.resources.around.slice = hass::dsp_slice::dsp48e1;
    CHECK(older.cost(row, shared).lut > lanes.cost(row, shared).lut);
    for (const row_option& c : lanes.legal(row))
        CHECK(lanes.prepare(row, s).cycles(c) == lanes.cycles(row, s, c));

    using all = hass::engine_list<hass::dense_dot<>, hass::sparse_dot<>, hass::lane_dot<>,
                                  hass::list_dot<>>;
    static_assert(hass::Engine<all>);
    row_option c = parallelism{1, 16, 1, 1, 1, 16};
    c.engine = 3;
    CHECK(all{}.words_out(row, c) == 2);  // two chains of 8
    c.engine = 2;
    CHECK(all{}.words_out(row, c) == 16);
    CHECK(hass::words_out(all{}, row, c) == 16);
}

TEST_CASE("a cascade spares a dense engine its adders") {
    const layer_row row = convolution(32, 8, 16, 3, 1);
    hass::dense_dot<> tree, cascade;
    cascade.resources.cascade = true;
    for (const row_option& c : tree.legal(row)) {
        const hass::usage a = tree.cost(row, c), b = cascade.cost(row, c);
        // where filters take turns, windows that come again stand in for partial sums
        if (c.folding.macs > 1 && c.folding.out == 16) CHECK(b.lut < a.lut);
        CHECK(b.dsp == a.dsp);
    }
}
