// What must hold of every engine, whatever its coefficients are.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/stages.hpp>

#include "rows.hpp"

namespace {

using hass::layer_row;
using hass::layer_statistics;
using hass::row_option;

layer_statistics binomial(double sparsity) {
    return {0.0, 0.0, sparsity, sparsity, {}};
}

// The expected cycles of the slowest stream, step by step as the model is told in words.
double slowest_by_hand(const hass::window_histogram& h, int streams, int macs,
                       bool in_order = false) {
    const auto width = static_cast<std::size_t>(h.length) + 1;
    std::vector<double> work;
    for (std::size_t b = 0; b < h.blocks(); ++b) {
        double sum = 0.0;
        for (std::size_t z = 0; z < width; ++z)
            sum += h.share[b * width + z] * std::max(1.0, std::ceil(static_cast<double>(z) / macs));
        work.push_back(sum);
    }
    if (!in_order) std::sort(work.rbegin(), work.rend());
    std::vector<double> stream(static_cast<std::size_t>(streams), 0.0);
    for (std::size_t i = 0; i < work.size(); ++i) {
        const std::size_t n = stream.size();
        stream[in_order || (i / n) % 2 == 0 ? i % n : n - 1 - i % n] += work[i];
    }
    return *std::max_element(stream.begin(), stream.end()) * streams /
           static_cast<double>(work.size());
}

}  // namespace

TEST_CASE("sparse engine: cycles are windows x the slowest stream", "[engine]") {
    draw::source from(1);
    for (const layer_row& row : draw::rows()) {
        const layer_statistics s = draw::statistics(row, from);
        for (const bool in_order : {false, true}) {
            const hass::sparse_dot<> engine{{.in_order = in_order}};
            const auto prepared = engine.prepare(row, s);
            for (const row_option& c : draw::options(engine, row)) {
                const hass::parallelism& p = c.folding;
                const auto* windows = s.windows_of(p.vector);
                if (windows == nullptr) continue;
                const double t = slowest_by_hand(*windows, p.in * p.group, p.macs, in_order);
                const double dot = static_cast<double>(row.out.pixels()) * row.in.channels /
                                   (p.vector * p.in * p.group) * row.out.channels /
                                   (row.groups * p.out) * t;
                const double in =
                    static_cast<double>(row.in.volume()) / (p.in * p.group * p.vector);
                const double out = static_cast<double>(row.out.volume()) / (p.out * p.group);
                const double cycles = std::max({dot, in, out});
                REQUIRE(engine.cycles(row, s, c) == Approx(cycles).epsilon(1e-12));
                REQUIRE(prepared.cycles(c) == Approx(cycles).epsilon(1e-12));
            }
        }
    }
}

TEMPLATE_TEST_CASE("prepared engines give the same cycles", "[engine]",
                   hass::sparse_dot<hass::histogram_interval>,
                   hass::sparse_dot<hass::mean_interval>, hass::sparse_dot<hass::paper_interval>,
                   hass::dense_dot<>, hass::fpgaconvnet::sparse_dot<>,
                   hass::fpgaconvnet::dense_dot<>,
                   (hass::engine_list<hass::sparse_dot<>, hass::dense_dot<>>)) {
    draw::source from(2);
    const TestType engine;
    for (const layer_row& row : draw::rows()) {
        for (const layer_statistics& s : {draw::statistics(row, from), binomial(0.4)}) {
            const auto ready = hass::prepared(engine, row, s);
            for (const row_option& c : draw::options(engine, row))
                REQUIRE(ready.cycles(c) == Approx(engine.cycles(row, s, c)).epsilon(1e-12));
        }
    }
}

TEMPLATE_TEST_CASE("cycles fall with sparsity and with multipliers", "[engine]",
                   hass::histogram_interval, hass::mean_interval, hass::paper_interval) {
    const hass::sparse_dot<TestType> engine;
    for (const layer_row& row : draw::rows())
        for (const row_option& c : draw::options(engine, row)) {
            if (c.memory != hass::weight_memory::bram18) continue;
            double before = 1e300;
            for (const double sparsity : {0.0, 0.2, 0.5, 0.8, 0.95, 1.0}) {
                const double now = engine.cycles(row, binomial(sparsity), c);
                REQUIRE(now <= before * (1 + 1e-12));
                before = now;
            }
            if (c.folding.macs == 1) continue;
            row_option fewer = c;
            --fewer.folding.macs;
            REQUIRE(engine.cycles(row, binomial(0.5), c) <=
                    engine.cycles(row, binomial(0.5), fewer) * (1 + 1e-12));
        }
}

TEST_CASE("cycles fall with multipliers and streams on measured windows too", "[engine]") {
    draw::source from(5);
    const hass::sparse_dot<> engine;
    for (const layer_row& row : draw::rows()) {
        const layer_statistics s = draw::statistics(row, from);
        const auto ready = engine.prepare(row, s);
        for (const row_option& c : draw::options(engine, row)) {
            row_option more = c;
            if (engine.legal(row, (++more.folding.macs, more.folding)))
                REQUIRE(ready.cycles(more) <= ready.cycles(c) * (1 + 1e-12));
            for (const int factor : {2, 3}) {
                more = c;
                more.folding.in *= factor;
                if (engine.legal(row, more.folding))
                    REQUIRE(ready.cycles(more) <= ready.cycles(c) * (1 + 1e-12));
            }
        }
    }
}

TEST_CASE("rounding every window never beats rounding none", "[engine]") {
    draw::source from(3);
    for (const layer_row& row : draw::rows()) {
        const auto windows = draw::windows(row, 1, from);
        layer_statistics s;
        s.windows.push_back(windows);
        double mean = 0.0;
        for (std::size_t i = 0; i < windows.share.size(); ++i)
            mean += windows.share[i] *
                    static_cast<double>(i % (static_cast<std::size_t>(windows.length) + 1));
        mean /= static_cast<double>(windows.blocks());
        for (int macs = 1; macs <= hass::taps(row); ++macs)
            REQUIRE(hass::window_cycles(hass::histogram_interval{0.0}, s, row.in.channels,
                                        hass::taps(row), 1, 1, macs) >= mean / macs - 1e-12);
    }
}

TEST_CASE("without zeros the sparse engine is as fast as the dense one, never faster", "[engine]") {
    const hass::sparse_dot<> sparse;
    const hass::dense_dot<> dense;
    for (const layer_row& row : draw::rows())
        for (const row_option& c : draw::options(dense, row)) {
            const double cycles = dense.cycles(row, binomial(0.9), c);
            REQUIRE(sparse.cycles(row, binomial(0.0), c) == cycles);
            REQUIRE(sparse.cycles(row, binomial(0.5), c) <= cycles);
        }
}

TEMPLATE_TEST_CASE("for_each visits exactly the legal foldings, each once per memory", "[engine]",
                   hass::sparse_dot<>, hass::dense_dot<>, hass::fpgaconvnet::sparse_dot<>,
                   hass::fpgaconvnet::dense_dot<>) {
    const TestType engine;
    for (const layer_row& row : draw::rows()) {
        const auto visited = draw::options(engine, row);
        std::size_t legal = 0;
        for (int vector = 1; vector <= 17; ++vector)
            for (int group = 1; group <= row.groups; ++group)
                for (int in = 1; in <= row.in.channels; ++in)
                    for (int out = 1; out <= row.out.channels; ++out)
                        for (int macs = 1; macs <= 65; ++macs)
                            legal += TestType::legal(row, {in, out, group, macs, vector});
        REQUIRE(visited.size() == 2 * legal);
        for (std::size_t i = 0; i < visited.size(); ++i) {
            REQUIRE(TestType::legal(row, visited[i].folding));
            REQUIRE(std::count(visited.begin(), visited.end(), visited[i]) == 1);
        }
    }
}

TEST_CASE("every knob changes cycles or cost, and all of them cost", "[engine]") {
    const layer_row row = hass::conv2d<32, 32, 3, hass::groups<4>>::row({32, 12, 12});
    const layer_row point = hass::pointwise<32, 32>::row({32, 12, 12});
    const auto differ = [](const auto& engine, const layer_row& r, const row_option& a,
                           const row_option& b, bool cycles) {
        const layer_statistics s = binomial(0.3);
        if (cycles) CHECK(engine.cycles(r, s, a) != engine.cycles(r, s, b));
        CHECK_FALSE(engine.cost(r, a) == engine.cost(r, b));
    };
    const auto knobs = [&](const auto& engine) {
        using hass::weight_memory;
        const row_option base{{2, 2, 2, 3, 1}, weight_memory::bram18, 0};
        differ(engine, row, base, {{4, 2, 2, 3, 1}, weight_memory::bram18, 0}, true);
        differ(engine, row, base, {{2, 4, 2, 3, 1}, weight_memory::bram18, 0}, true);
        differ(engine, row, base, {{2, 2, 4, 3, 1}, weight_memory::bram18, 0}, true);
        differ(engine, row, base, {{2, 2, 2, 9, 1}, weight_memory::bram18, 0}, true);
        differ(engine, row, base, {{2, 2, 2, 3, 1}, weight_memory::uram, 0}, false);
        differ(engine, point, {{2, 2, 1, 2, 2}, weight_memory::bram18, 0},
               {{2, 2, 1, 4, 4}, weight_memory::bram18, 0}, true);
        differ(engine, point, {{2, 2, 1, 2, 2}, weight_memory::bram18, 0},
               {{2, 2, 1, 2, 2}, weight_memory::uram, 0}, false);
    };
    knobs(hass::sparse_dot<>{});
    knobs(hass::dense_dot<>{});
    knobs(hass::sparse_dot<hass::histogram_interval, hass::fpgaconvnet::published>{});
    knobs(hass::dense_dot<hass::fpgaconvnet::published>{});
    knobs(hass::sparse_dot<hass::histogram_interval, hass::fpgaconvnet::repaired>{});
    const hass::sparse_dot<> engine;
    differ(engine, point, {{2, 2, 1, 2, 4}, hass::weight_memory::bram18, 0},
           {{2, 2, 1, 2, 8}, hass::weight_memory::bram18, 0}, true);
    CHECK(hass::sparse_dot<>{{}, {}, {8, 8, 24}}.cost(row, {}).lut < engine.cost(row, {}).lut);

    // what a row is built from, and the knobs of the default model
    using hass::multiplier;
    using hass::weight_memory;
    const layer_row wide = hass::conv2d<32, 128, 3, hass::pad<1>>::row({32, 28, 28});
    const auto built = [&](const auto& e) {
        const row_option base{{2, 1, 1, 3, 1}};
        row_option other = base;
        other.multipliers = multiplier::lut;
        differ(e, wide, base, other, false);
        for (const weight_memory m : {weight_memory::uram, weight_memory::lutram}) {
            other = base, other.maps = m;
            differ(e, wide, base, other, false);
            other = base, other.memory = m;
            differ(e, wide, base, other, false);
        }
    };
    built(hass::sparse_dot<>{});
    built(hass::dense_dot<>{});
    hass::calibrated scaled, zynq, apart;
    scaled.requantisation = hass::requantise::dsp;
    zynq.slice = hass::dsp_slice::dsp48e1;
    apart.packing = false;
    const auto cost = [&](const hass::calibrated& model, const hass::precision& widths) {
        return hass::dense_dot<>{model, widths}.cost(row, {{2, 2, 2, 3, 1}});
    };
    CHECK(cost(scaled, {}).dsp > cost({}, {}).dsp);
    CHECK(cost(zynq, {26, 16, 48}).dsp > cost({}, {26, 16, 48}).dsp);
    CHECK(cost(apart, {8, 8, 24}).dsp > cost({}, {8, 8, 24}).dsp);
}

TEST_CASE("more parallelism never costs fewer DSPs, LUTs or FFs", "[engine]") {
    const auto multiple = [](const hass::parallelism& a, const hass::parallelism& b) {
        return b.in % a.in == 0 && b.out % a.out == 0 && b.group % a.group == 0 &&
               b.vector % a.vector == 0 && b.macs >= a.macs;
    };
    // A window that spans all channels stores no partial sums: there, less is spent on purpose.
    const auto sums = [](const layer_row& row, const hass::parallelism& p) {
        return hass::folded_row(row, p).group_blocks > 1;
    };
    const auto check = [&](const auto& engine, const layer_row& row) {
        const auto found = draw::options(engine, row);
        std::vector<hass::usage> cost;
        for (const row_option& c : found) cost.push_back(engine.cost(row, c));
        for (std::size_t a = 0; a < found.size(); ++a) {
            REQUIRE((cost[a].dsp > 0) == (found[a].multipliers == hass::multiplier::dsp));
            REQUIRE(std::min({cost[a].lut, cost[a].ff, cost[a].bram18, cost[a].uram}) >= 0);
            for (std::size_t b = 0; b < found.size(); ++b) {
                if (found[a].memory != found[b].memory || found[a].maps != found[b].maps ||
                    found[a].multipliers != found[b].multipliers ||
                    !multiple(found[a].folding, found[b].folding))
                    continue;
                if (found[a].folding.vector != found[b].folding.vector &&
                    sums(row, found[a].folding) && !sums(row, found[b].folding))
                    continue;
                INFO(hass::detail::text(found[a].folding)
                     << " -> " << hass::detail::text(found[b].folding));
                REQUIRE(cost[b].dsp >= cost[a].dsp);
                REQUIRE(cost[b].lut >= cost[a].lut - 1e-9);
                REQUIRE(cost[b].ff >= cost[a].ff - 1e-9);
            }
        }
    };
    auto rows = draw::rows();
    rows.push_back(hass::conv2d<8, 512, 3, hass::pad<1>>::row({8, 7, 7}));
    rows.push_back(hass::pointwise<16, 1024>::row({16, 7, 7}));
    for (const layer_row& row : rows) {
        INFO(row.in.channels << " -> " << row.out.channels << " channels, " << hass::taps(row)
                             << " taps");
        check(hass::sparse_dot<>{}, row);
        check(hass::dense_dot<>{}, row);
        check(hass::dense_dot<>{{}, {8, 8, 24}}, row);
    }
    hass::calibrated choosing;
    choosing.lut_multipliers = true;
    choosing.requantisation = hass::requantise::dsp;
    hass::dense_dot<> dense{choosing, {9, 8, 24}};
    for (const layer_row& row : draw::rows())
        for (const row_option& c : draw::options(dense, row))
            if (c.multipliers == hass::multiplier::lut) REQUIRE(dense.cost(row, c).dsp > 0);
    choosing.lut_multipliers = false;
    for (const layer_row& row : rows) {
        check(hass::sparse_dot<>{{}, choosing, {}}, row);
        check(hass::dense_dot<>{choosing, {8, 8, 24}}, row);
    }
    choosing.lut_multipliers = true;
    choosing.requantisation = hass::requantise::shift;
    dense.resources = choosing;
    for (const layer_row& row : draw::rows()) {
        check(hass::sparse_dot<>{{}, choosing, {}}, row);
        check(dense, row);
    }
    choosing.lut_multipliers = false, choosing.every_memory = true;
    dense.resources = choosing;
    for (const layer_row& row : draw::rows()) check(dense, row);
}

TEST_CASE("weights are stored somewhere, whatever the folding", "[engine]") {
    const auto bits = [](const hass::usage& u) {
        return 18.0 * 1024 * u.bram18 + 288.0 * 1024 * u.uram + 64.0 * u.lut;
    };
    for (const layer_row& row : draw::rows()) {
        const double needed = 16.0 * static_cast<double>(hass::weight_count(row));
        hass::sparse_dot<>{}.for_each(row, [&](const row_option& c) {
            REQUIRE(bits(hass::sparse_dot<>{}.cost(row, c)) >= needed);
        });
        hass::dense_dot<>{}.for_each(row, [&](const row_option& c) {
            REQUIRE(bits(hass::dense_dot<>{}.cost(row, c)) >= needed);
        });
    }
}

TEST_CASE("an engine list dispatches on option::engine", "[engine]") {
    const hass::engine_list<hass::sparse_dot<>, hass::dense_dot<>> both;
    const layer_row row = draw::rows().front();
    const layer_statistics s = binomial(0.5);
    std::size_t dense = 0;
    both.for_each(row, [&](const row_option& c) {
        row_option alone = c;
        alone.engine = 0;
        if (c.engine == 0) {
            REQUIRE(both.cycles(row, s, c) == hass::sparse_dot<>{}.cycles(row, s, alone));
            REQUIRE(both.cost(row, c) == hass::sparse_dot<>{}.cost(row, alone));
        } else {
            ++dense;
            REQUIRE(both.cycles(row, s, c) == hass::dense_dot<>{}.cycles(row, s, alone));
            REQUIRE(both.cost(row, c) == hass::dense_dot<>{}.cost(row, alone));
        }
    });
    CHECK(dense == draw::options(hass::dense_dot<>{}, row).size());
    CHECK_THROWS_WITH(both.cost(row, {{}, hass::weight_memory::bram18, 2}),
                      "engine 2 of a list of 2");
}

TEST_CASE("wrong statistics and foldings are named", "[engine]") {
    using Catch::Matchers::Contains;
    const layer_row row = draw::rows().front();
    const hass::sparse_dot<> engine;
    const row_option c;
    draw::source from(4);
    const layer_statistics good = draw::statistics(row, from);
    const auto complaint = [&](const layer_statistics& s, const char* text) {
        CHECK_THROWS_WITH(engine.cycles(row, s, c), Contains(text));
        CHECK_THROWS_WITH(engine.prepare(row, s), Contains(text));
    };
    layer_statistics s = good;
    s.pair_sparsity_padded = 1.5;
    complaint(s, "pair_sparsity_padded = 1.5");
    s.pair_sparsity_padded = std::nan("");
    complaint(s, "pair_sparsity_padded = ");
    s = good;
    s.windows[0].length = 8;
    complaint(s, "length 8");
    s = good;
    s.windows[0].share.pop_back();
    complaint(s, "expected 16 blocks x 10");
    s = good;
    s.windows[0].share[3] += 0.1;
    complaint(s, "sum to 1.1");
    CHECK_THROWS_WITH(engine.cycles(row, good, {{3, 1, 1, 1, 1}, hass::weight_memory::bram18, 0}),
                      Contains("{in 3, out 1, group 1, macs 1, vector 1} does not exist"));
    CHECK_THROWS_WITH(
        hass::dense_dot<>{}.cycles(row, good, {{1, 1, 1, 2, 1}, hass::weight_memory::bram18, 0}),
        Contains("macs 2"));
}

TEST_CASE("stages: streams divide the channels, and cost and cycles follow", "[engine]") {
    using namespace hass;
    const shape at{16, 8, 8};
    const std::vector<layer_row> rows{relu::row(at),
                                      relu6::row(at),
                                      hardswish::row(at),
                                      hardsigmoid::row(at),
                                      sigmoid::row(at),
                                      swish::row(at),
                                      softmax::row(at),
                                      global_average_pool::row(at),
                                      max_pool<3, stride<2>, pad<1>>::row(at),
                                      average_pool<2, stride<2>>::row(at),
                                      hass::detail::plain_layer<layer_kind::add>::row(at),
                                      hass::detail::plain_layer<layer_kind::multiply>::row(at)};
    for (const layer_row& row : rows) {
        INFO(name(row.kind));
        double before = 1e300;
        int count = 0;
        usage cost;
        for_each_stage(row, [&](const row_option& c) {
            CHECK(stage_cycles(row, c) < before);
            before = stage_cycles(row, c);
            const usage now = stage_cost(sparse_dot<>{}, row, c);
            CHECK(now.lut + now.dsp + now.bram18 > cost.lut + cost.dsp + cost.bram18);
            cost = now;
            ++count;
        });
        CHECK(count == 5);
    }
    CHECK(stage_cycles(max_pool<3, stride<2>, pad<1>>::row(at), {}) == 10 * 10 * 16);
    CHECK(stage_cycles(global_average_pool::row(at), {}) == 8 * 8 * 16);
    CHECK(fpgaconvnet::stage_cycles(global_average_pool::row(at), 1) == 16);
    CHECK(stage_cycles(flatten::row(at), {}) == 0);
    CHECK(stage_cost(sparse_dot<>{}, flatten::row(at), {}) == usage{});
}
