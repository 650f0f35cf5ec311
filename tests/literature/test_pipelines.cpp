// PASS, SPS and HighLight: cycles by counting, and engines without a resource model.
#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/arrays/highlight.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/sps.hpp>
#include <hass/engine/timed_engine.hpp>

#include "layers.hpp"

namespace {

static_assert(hass::Engine<hass::pass<>>);
static_assert(hass::TimedEngine<hass::sps> && !hass::Engine<hass::sps>);
static_assert(hass::ArrayEngine<hass::highlight> && !hass::TimedEngine<hass::highlight>);

}  // namespace

TEST_CASE("PASS reads activations only", "[pipelines]") {
    const hass::pass<hass::mean_interval> engine;
    const hass::pass<hass::histogram_interval> histogram;
    const hass::sparse_dot<hass::mean_interval, hass::fpgaconvnet::published> spe;
    const hass::sparse_dot<hass::histogram_interval, hass::fpgaconvnet::published> histogram_spe;
    const auto row = test::convolution(16, 32, 14, 3);
    for (const hass::parallelism p :
         {hass::parallelism{1, 1, 1, 1, 1}, {4, 8, 1, 2, 1}, {16, 2, 1, 9, 1}}) {
        const hass::row_option c{p, hass::weight_memory::bram18, 0};
        for (const double zeros : {0.0, 0.3, 0.7, 1.0}) {
            // Unpruned weights: what the SPE with the mean interval takes
            const auto unpruned = hass::independent_statistics(0.0, zeros);
            CHECK(engine.cycles(row, unpruned, c) == Approx(spe.cycles(row, unpruned, c)));
            CHECK(histogram.cycles(row, hass::independent_statistics(0.6, zeros), c) ==
                  Approx(histogram_spe.cycles(row, unpruned, c)));
            // Pruned weights change nothing
            CHECK(engine.cycles(row, hass::independent_statistics(0.6, zeros), c) ==
                  Approx(engine.cycles(row, unpruned, c)));
        }
        CHECK(engine.cost(row, c) == spe.cost(row, c));
    }
    // Measured windows of unpruned weights: two channels, one all zero, one dense
    const auto two = test::convolution(2, 1, 4, 3);
    hass::layer_statistics s = hass::independent_statistics(0.0, 0.5);
    s.windows = {{1, 9, std::vector<double>(20, 0.0)}};
    s.windows[0].share[0] = s.windows[0].share[19] = 1.0;
    CHECK(engine.cycles(two, s, {{2, 1, 1, 3, 1}}) == 16.0 * 3.0);
    CHECK(engine.cycles(two, s, {{1, 1, 1, 3, 1}}) == Approx(32.0));  // data movement
    CHECK_THROWS_WITH(engine.cycles(two, s, {{3, 1, 1, 1, 1}}), Catch::Contains("does not exist"));
}

TEST_CASE("padding thins out what PASS meets", "[pipelines]") {
    hass::layer_statistics s;
    s.activation_sparsity = 0.2;
    s.pair_sparsity = 0.2;
    s.pair_sparsity_padded = 0.6;
    CHECK(hass::inside_share(s) == Approx(0.5));
    const auto row = test::convolution(8, 8, 2, 3);
    const hass::row_option c{{1, 1, 1, 1, 1}, hass::weight_memory::bram18, 0};
    CHECK(hass::pass<>{}.cycles(row, s, c) == Approx(4 * 64 * 9 * 0.4));
    // Hardly anything left: each window that is not empty takes its cycle
    const hass::row_option wide{{1, 1, 1, 9, 1}, hass::weight_memory::bram18, 0};
    CHECK(hass::pass<>{}.cycles(row, hass::independent_statistics(0.0, 0.9), wide) ==
          Approx(4 * 64 * (1.0 - std::pow(0.9, 9))));
    CHECK(hass::pass<hass::mean_interval>{}.cycles(row, s, c) ==
          Approx(4 * 64 * 9 * 0.4 * (1.0 - std::pow(0.6, 9))));
}

TEST_CASE("SPS takes keep of taps, whatever the data", "[pipelines]") {
    const auto engine = hass::sps::of(hass::patterns::periodic<9, 4, 8>{});
    const auto row = test::convolution(16, 32, 14, 3);
    const hass::dense_dot<> dense;
    const auto zeros = hass::independent_statistics(0.5, 0.5);
    const hass::row_option one{{2, 4, 1, 1, 1}, hass::weight_memory::bram18, 0};
    CHECK(engine.cycles(row, zeros, one) * 9.0 == dense.cycles(row, zeros, one) * 4.0);
    hass::row_option three = one;
    three.folding.macs = 3;
    CHECK(engine.cycles(row, zeros, three) == engine.cycles(row, zeros, one) / 2.0);  // ceil(4/3)
    // Pointwise kernels have no pattern
    const auto pointwise = test::convolution(16, 32, 14, 1);
    CHECK(engine.cycles(pointwise, zeros, one) == dense.cycles(pointwise, zeros, one));
    // Streams and period divide one another
    hass::sps five = engine;
    five.period = 5;
    CHECK_FALSE(five.legal(row, one.folding));
    int visited = 0;
    engine.for_each(row, [&](const hass::row_option& c) {
        ++visited;
        REQUIRE(engine.legal(row, c.folding));
    });
    CHECK(visited == 5 * 6 * 4);
}

TEST_CASE("a timed engine becomes an engine with a resource model", "[pipelines]") {
    const auto mine =
        hass::with_resources(hass::sps{}, [](const hass::layer_row&, const hass::row_option& c) {
            return hass::usage{.dsp = 1.0 * hass::engine_count(c.folding) * c.folding.macs};
        });
    static_assert(hass::Engine<decltype(mine)>);
    const auto row = test::convolution(8, 8, 8, 3);
    const hass::row_option c{{2, 4, 1, 3, 1}, hass::weight_memory::bram18, 0};
    CHECK(mine.cost(row, c).dsp == 24.0);
    CHECK(mine.cycles(row, {}, c) == hass::sps{}.cycles(row, {}, c));
}

TEST_CASE("HighLight: cycles of whole blocks are K times the density", "[pipelines]") {
    namespace p = hass::patterns;
    const auto dense = hass::independent_statistics(0.0, 0.0);
    const hass::layer_row row = hass::as_row(64, 840, 32);
    const auto tiles = 64.0 / 16 * (32.0 / 8);
    CHECK(hass::highlight{}.multipliers() == 1024);
    CHECK(hass::highlight{}.run(row, dense).cycles == tiles * 840 / 8);
    CHECK(hass::highlight::of(p::hss<p::gh<4, 7>, p::gh<2, 4>>{}).run(row, dense).cycles ==
          tiles * 840 / 8 * (4.0 / 7) * (2.0 / 4));
    CHECK(hass::highlight::of(p::hss<p::gh<4, 5>, p::gh<2, 3>>{}).run(row, dense).cycles ==
          tiles * 840 / 8 * (4.0 / 5) * (2.0 / 3));
    // Fewer non-zeros a block than lanes leave lanes idle: no faster than 4:7
    CHECK(hass::highlight::of(p::hss<p::gh<2, 7>, p::gh<2, 4>>{}).run(row, dense).cycles ==
          tiles * 840 / 8 * (4.0 / 7) * (2.0 / 4));
    // More than lanes take turns
    CHECK(hass::highlight::of(p::hss<p::gh<5, 7>, p::gh<2, 4>>{}).run(row, dense).cycles ==
          tiles * 840 / 28 * 2);
    CHECK(hass::highlight::of(p::hss<p::gh<4, 7>, p::gh<3, 10>>{}).run(row, dense).cycles ==
          tiles * 840 / 70 * 2);
    // 16 input channels are no block of 24, although one would be faster
    const auto narrow = test::convolution(16, 16, 8, 3);
    CHECK(hass::highlight::of(p::hss<p::gh<4, 6>, p::gh<2, 4>>{}).run(narrow, dense).cycles ==
          hass::highlight{}.run(narrow, dense).cycles);
    // Three input channels have no blocks of 16: dense
    const auto first = test::convolution(3, 16, 8, 3);
    CHECK(hass::highlight::of(p::hss<p::gh<4, 4>, p::gh<2, 4>>{}).run(first, dense).cycles ==
          hass::highlight{}.run(first, dense).cycles);
}

TEST_CASE("HighLight: activations gate or skip", "[pipelines]") {
    namespace p = hass::patterns;
    auto engine = hass::highlight::of(p::hss<p::gh<4, 6>, p::gh<2, 4>>{});
    const hass::layer_row row = hass::as_row(64, 480, 32);
    const auto s = hass::independent_statistics(2.0 / 3, 0.5);
    const auto gated = engine.run(row, s);
    CHECK(gated.cycles == engine.run(row, hass::independent_statistics(2.0 / 3, 0.0)).cycles);
    CHECK(gated.macs == Approx(gated.gated_macs));
    CHECK(hass::utilisation(gated, engine.multipliers()) == Approx(0.5));
    engine.activations = hass::zero_operand::skip;
    CHECK(engine.run(row, s).cycles == Approx(gated.cycles * (1.0 - 1.0 / 256)));
    engine.skip_pairs = 1;
    CHECK(engine.run(row, s).cycles == Approx(gated.cycles / 2));
    engine.words_per_cycle = 32.0;  // 4 x 4 words a column, half of them, 8 columns: 64 needed
    CHECK(engine.run(row, s).cycles == Approx(gated.cycles));
}
