// Pipeline fill against a simulation that moves pixels one by one through the stages.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/zoo.hpp>

#include "pixels.hpp"

using namespace pixels;

// 57 of 3136 pixels: one row and one pixel in front of the first 3x3 window.
static_assert(window_lag(conv2d<8, 8, 3, pad<1>>::row({8, 56, 56})) == 1.0 / 56 + 1.0 / 3136);
static_assert(window_lag(pointwise<8, 8>::row({8, 56, 56})) == 0.0);
static_assert(window_lag(global_average_pool::row({8, 4, 4})) == 15.0 / 16.0);
static_assert(fill_cycles(linear<8, 10>::row({8, 1, 1}), {{4, 1, 1, 8, 1}, {}, 0}, 50, 1000) ==
              50.0 + 1 + 3 + 2);

TEST_CASE("a window waits for just what its outputs need", "[fill]") {
    draw::source from(31);
    for (int round = 0; round < 3000; ++round) {
        const layer_row row = random_row({8, 1 + from.below(12), 1 + from.below(12)}, from);
        double lag = 0.0;  // smallest delay of a steady output behind a steady input
        for (int y = 0; y < row.out.height; ++y)
            for (int x = 0; x < row.out.width; ++x)
                for (const std::size_t k : needed(row, y, x))
                    lag =
                        std::max(lag, static_cast<double>(k) / double(row.in.pixels()) -
                                          double(y * row.out.width + x) / double(row.out.pixels()));
        // Taps beyond the image count as its edge: the window moves on with the stream.
        REQUIRE(window_lag(row) >= lag - 1e-12);
        if (proper(row)) REQUIRE(window_lag(row) == Approx(lag).margin(1e-12));
    }
}

TEST_CASE("no pixel leaves the pipeline later than the estimate says", "[fill]") {
    draw::source from(32);
    double tightest = 0.0, loosest = 1.0;
    for (int round = 0; round < 1000; ++round) {
        const network net = random_network(from);
        const double interval = 500.0 + from.below(5000);
        const auto stages = random_stages(net, interval, from);
        const estimate e = pipeline(net, stages);
        pixel_simulation steady{net, stages}, at_once{net, stages};
        for (int image = 0; image < 3; ++image) {
            const auto out = steady.run(paced(net, image * interval, interval));
            REQUIRE(out.back().front() <= (image * interval + e.fill_cycles) * slack);
            REQUIRE(end_of(out) <= (image * interval + e.latency_cycles) * slack);
            if (image == 0) {
                tightest = std::max(tightest, end_of(out) / e.latency_cycles);
                loosest = std::min(loosest, end_of(out) / e.latency_cycles);
            }
        }
        const auto out = at_once.run(paced(net, 0, 0));
        REQUIRE(out.back().front() <= e.fill_cycles * slack);
        REQUIRE(end_of(out) <= e.latency_cycles * slack);
    }
    INFO(loosest << " .. " << tightest);
    CHECK(tightest == Approx(1.0));
    CHECK(loosest > 0.3);
}

TEST_CASE("fill is exact where windows keep the shape and stages the pace", "[fill]") {
    draw::source from(33);
    using block = residual<sequential<conv2d<8, 8, 3, pad<1>>, relu, conv2d<8, 8, 5, pad<2>>>>;
    using net_type =
        sequential<input<8, 9, 7>, conv2d<8, 8, 3, pad<1>>, block, relu,
                   gated<sequential<global_average_pool, pointwise<8, 8>, hardsigmoid>>,
                   conv2d<8, 8, 3, pad<1>>, global_average_pool, flatten, linear<8, 4>>;
    const network_view view = net_type{};
    const network net{
        {view.rows.begin(), view.rows.end()}, {view.edges.begin(), view.edges.end()}, {}};
    for (int round = 0; round < 100; ++round) {
        const double interval = 500.0 + from.below(5000);
        auto stages = random_stages(net, interval, from);
        for (std::size_t i = 0; i < stages.size(); ++i)
            if (window_lag(net.rows[i]) > 0.0 || net.rows[i].kind == layer_kind::multiply)
                stages[i].cycles = interval;  // what could catch up keeps the pace instead
        const estimate e = pipeline(net, stages);
        const auto out = pixel_simulation{net, stages}.run(paced(net, 0, interval));
        CHECK(out.back().front() == Approx(e.fill_cycles).epsilon(1e-12));
        CHECK(out.back().back() == Approx(e.latency_cycles).epsilon(1e-12));
    }
}

TEST_CASE("fill falls with parallelism and is the allocator's too", "[fill]") {
    const network_view net = zoo::resnet18;
    const uniform_sparsity half(0.5);
    const sparse_dot<> spe;
    design chosen(net.size());
    const estimate small = evaluate(net, half, spe, boards::u250{}, chosen);
    chosen.back().folding.out = 10;  // the classifier alone: nothing but the fill changes
    const estimate wide = evaluate(net, half, spe, boards::u250{}, chosen);
    CHECK(wide.interval_cycles == small.interval_cycles);
    CHECK(wide.fill_cycles < small.fill_cycles);
    CHECK(small.latency_cycles == small.fill_cycles);  // a single pixel comes out
    const allocation best = allocate(net, half, spe, boards::u250{});
    const estimate again = evaluate(net, half, spe, boards::u250{}, best.design);
    CHECK(best.estimate.fill_cycles == Approx(again.fill_cycles).epsilon(1e-12));
    CHECK(best.estimate.fill_cycles > best.estimate.interval_cycles);  // the pool sees a whole map
}

TEST_CASE("edges out of order are named", "[fill]") {
    network net{{relu::row({1, 2, 2}), relu::row({1, 2, 2})}, {{0, 1}, {-1, 0}}, {}};
    CHECK_THROWS_WITH(pipeline(net, std::vector<stage_estimate>(2)),
                      "evaluate: edge -1 -> 0 is out of order");
}
