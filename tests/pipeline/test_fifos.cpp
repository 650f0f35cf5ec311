// Plans of FIFOs keep what they say, on pipelines that they were made for, and cost something.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include <hass/engine/resources/placed_memory.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/fifos.hpp>

#include "random_pipelines.hpp"

using namespace hass;

namespace {

design smallest(const network& net) {
    return design(net.rows.size());
}

// Three maps of a backbone, the deepest enlarged and joined with the others one by one, and all the
// way down again: the long skips of a detector's neck.
class neck_builder {
  public:
    network operator()(int side) {
        at_ = {4, side, side};
        const int a = halved(network_input), b = halved(a), c = halved(b);
        const int d = window(joined({doubled(c), b}), 3, 1), e = joined({doubled(d), a});
        const int f = joined({halved(window(e, 3, 1)), d}), g = joined({halved(f), c});
        window(g, 5, 1);
        validate(net_);
        return std::move(net_);
    }

  private:
    int append(const layer_row& r, const std::vector<int>& inputs) {
        for (const int i : inputs) net_.edges.push_back({i, static_cast<int>(net_.rows.size())});
        net_.rows.push_back(r);
        return static_cast<int>(net_.rows.size()) - 1;
    }
    layer_row row(int from) const {
        layer_row r;
        r.in = r.out = from == network_input ? at_ : net_.rows[static_cast<std::size_t>(from)].out;
        return r;
    }
    int window(int from, int kernel, int stride) {
        layer_row r = row(from);
        r.kernel_h = r.kernel_w = kernel, r.stride_h = r.stride_w = stride;
        r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = kernel / 2;
        r.out = {4, (r.in.height + stride - 1) / stride, (r.in.width + stride - 1) / stride};
        return append(r, {from});
    }
    int halved(int from) { return window(from, 3, 2); }
    int doubled(int from) {
        layer_row r = row(from);
        r.kind = layer_kind::resize;
        r.out.height *= 2, r.out.width *= 2;
        return append(r, {from});
    }
    int joined(const std::vector<int>& parts) {
        layer_row r = row(parts[0]);
        r.kind = layer_kind::concat;
        r.out.channels = 0;
        for (const int p : parts) r.out.channels += row(p).out.channels;
        return append(r, parts);
    }

    network net_;
    shape at_{};
};

}  // namespace

TEST_CASE("planned FIFOs of a detector's neck never block, whatever the data", "[fifos]") {
    draw::source from(73);
    for (const int side : {16, 24, 40}) {
        const network net = neck_builder()(side);
        const auto services = test::random_services(net, 2, from);
        const fifo_plan plan =
            plan_fifos(net, services, sparse_dot<>{}, smallest(net), {0.95, 8, 4, 500});
        CHECK(plan.kept() >= 0.95);
        // which outputs wait for which does not depend on the data, so that other images pass too
        for (int round = 0; round < 20; ++round) {
            const auto others = test::random_services(net, 2, from);
            const simulation s = simulate(net, others, plan.depths, {4});
            REQUIRE(s.ends.size() == 4);
            REQUIRE(s.depths == plan.depths);
        }
        // the long skips are what takes the room
        fifo_depths short_skips = plan.depths;
        for (std::size_t k = 0; k < net.edges.size(); ++k)
            if (net.edges[k].to - net.edges[k].from > 2) short_skips.edge[k] = 0;
        CHECK_THROWS_WITH(simulate(net, services, short_skips, {4}), Catch::Contains("block"));
    }
}

TEST_CASE("a plan keeps its share, and no less than the pipeline without it", "[fifos]") {
    draw::source from(71);
    std::size_t lost = 0;
    for (int round = 0; round < 250; ++round) {
        const network net = test::pipeline_builder(from)();
        const auto services = test::random_services(net, 2, from);
        const double best = best_interval(net, services);
        if (best == 0.0) continue;
        const fifo_options options{0.9 + 0.09 * from.unit(), 40, 20, 500};
        const fifo_plan plan = plan_fifos(net, services, sparse_dot<>{}, smallest(net), options);
        INFO("round " << round);
        const auto endless = fifo_depths::all(net, unlimited, unlimited);
        const simulation free = simulate(net, services, endless, {40, 0.0});
        REQUIRE(plan.best_cycles == free.interval(20));
        REQUIRE(plan.kept() >= options.keep);
        REQUIRE(plan.kept() >= plan.kept_without() - 1e-12);
        const simulation again = simulate(net, services, plan.depths, {40, 0.0});
        REQUIRE(again.interval(20) == plan.interval_cycles);
        REQUIRE(again.ends.back() >= free.ends.back());
        if (plan.kept_without() >= options.keep) {
            REQUIRE(plan.rounds == 1);
            continue;
        }
        REQUIRE(plan.rounds > 1);
        ++lost;
        // one simulation's bound: enough as well
        const fifo_depths enough = enough_depths(net, services, options);
        REQUIRE(best >= options.keep * simulate(net, services, enough, {40, 0.0}).interval(20) *
                            (1 - 1e-9));
    }
    CHECK(lost > 75);
}

TEST_CASE("FIFOs cost memory beyond what a design has", "[fifos]") {
    using block = sequential<
        input<4, 9, 7>, pointwise<4, 16>,
        residual<sequential<conv2d<16, 16, 3, pad<1>>, relu, conv2d<16, 16, 3, pad<1>>>>>;
    const network_view net = block{};
    design chosen(net.size());
    chosen[1].folding = {4, 2, 1, 2, 1};
    const sparse_dot<> engine;
    const fifo_depths held = held_depths(net);
    CHECK(held.edge[1] == 0);
    CHECK(held.edge.back() > 15);
    CHECK(fifo_cost(engine, net, chosen, held) == usage{});
    for (std::size_t k = 0; k < net.edges.size(); ++k) {
        fifo_depths deeper = held;
        deeper.edge[k] += 40;
        const usage u = fifo_cost(engine, net, chosen, deeper);
        if (net.edges[k].from == network_input)
            CHECK(u == usage{});  // images wait in memory
        else
            CHECK(u.lut + 100 * u.bram18 > 0.0);
        CHECK(u.dsp == 0.0);
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
        fifo_depths deeper = held;
        deeper.ahead[i] = 3;
        CHECK((fifo_cost(engine, net, chosen, deeper).lut > 0.0) == is_compute(net[i]));
    }
    // 8 engines with 8 filters in turn each: partial sums of two more pixels, 16 words of 32 bits
    fifo_depths ahead = held;
    ahead.ahead[1] = 3;
    CHECK(fifo_cost(engine, net, chosen, ahead).lut ==
          8 * (buffer_memory(weight_memory::bram18, 16, 32).lut + 2.0 * detail::bits_for(16)));
    // 100 pixels of 16 channels, 4 words of 16 bits side by side
    fifo_depths edge = held;
    edge.edge[1] = 100;
    CHECK(fifo_cost(engine, net, chosen, edge).bram18 ==
          buffer_memory(weight_memory::bram18, 1600, 16).bram18);
    chosen[0].folding.out = 4;
    CHECK(fifo_cost(engine, net, chosen, edge).bram18 ==
          buffer_memory(weight_memory::bram18, 400, 64).bram18);
    CHECK(fifo_cost(engine, net, chosen, edge, weight_memory::uram).uram == 1.0);
}

TEST_CASE("a plan says why there is none", "[fifos]") {
    draw::source from(72);
    {
        network two;
        service_trace moody{0.0, 0.0, 1, {}};
        for (int k = 0; k < 64; ++k) moody.cycles.push_back(from.below(2) == 0 ? 1.0F : 20.0F);
        const service_trace other{0.0, 0.0, 1, {moody.cycles.rbegin(), moody.cycles.rend()}};
        two.rows.assign(2, pointwise<4, 4>::row({4, 8, 8}));
        two.edges = {{-1, 0}, {0, 1}};
        const std::vector both{moody, other};
        CHECK_THROWS_WITH(plan_fifos(two, both, sparse_dot<>{}, smallest(two), {0.99, 4, 2, 1}),
                          Catch::Contains("fifos: 1 simulations, and only 0."));
        CHECK(plan_fifos(two, both, sparse_dot<>{}, smallest(two), {0.99, 4, 2, 50}).rounds > 1);
    }
    const network net = test::pipeline_builder(from)();
    const auto services = test::random_services(net, 1, from);
    for (const double keep : {0.0, 1.0, -1.0})
        CHECK_THROWS_WITH(
            plan_fifos(net, services, sparse_dot<>{}, smallest(net), {keep, 4, 2, 10}),
            Catch::Contains("must be within (0, 1)"));
}
