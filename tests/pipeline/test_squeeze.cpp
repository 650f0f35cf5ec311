// What stands between stages: converters where widths differ, movers, splits; all in the total.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/pipeline.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/fifos.hpp>
#include <hass/workload/layers.hpp>

namespace {

using namespace hass;
using net =
    sequential<input<3, 8, 8>, conv2d<3, 12, 3, pad<1>>, relu, residual<conv2d<12, 12, 3, pad<1>>>,
               global_average_pool, flatten, linear<12, 10>>;

// conv gives 4, relu 4, conv takes 6 and gives 3, add 2, pool 2, linear takes 3 x 2
const design chosen{{{1, 4, 1, 9, 1}, {}, 0}, {{4, 1, 1, 1, 1}, {}, 0}, {{6, 3, 1, 9, 1}, {}, 0},
                    {{2, 1, 1, 1, 1}, {}, 0}, {{2, 1, 1, 1, 1}, {}, 0}, {{1, 1, 1, 1, 1}, {}, 0},
                    {{3, 5, 1, 2, 2}, {}, 0}};

}  // namespace

TEST_CASE("squeezes stand where widths differ", "[squeeze]") {
    const network_view view = net{};
    const uniform_sparsity half(0.5);
    const sparse_dot<> spe;
    const estimate e = evaluate(view, half, spe, boards::u250{}, chosen);
    const auto one = [](int from, int to) { return calibrated::squeeze(from, to, 16); };
    // relu -> conv, conv -> add, relu -> add, and through flatten: pool -> linear
    // beside them the image comes in one value at a time, and five answers leave together
    const usage movers = calibrated::mover(1, 16) + calibrated::mover(5, 16);
    CHECK(e.between == one(4, 6) + one(3, 2) + one(4, 2) + one(2, 6) + movers);
    CHECK(calibrated::mover(1, 16) == usage{.lut = 18, .ff = 18, .bram18 = 1});
    CHECK(calibrated::mover(5, 16).bram18 == 3);  // 80 bits in columns of 36
    CHECK(one(4, 6) == usage{.lut = 6 * 16 * 1, .ff = 2 * 12 * 16});
    CHECK(one(1, 16).lut == 16 * 16);  // one of two sets
    usage sum = e.between;
    for (std::size_t i = 0; i < view.size(); ++i)
        sum += row_cost(spe, view[i], chosen[i], network_skew(view).held(i));
    sum.bandwidth = 16.0 * (3 * 8 * 8 + 10) * 250e-3 / e.interval_cycles;  // image and answers
    CHECK(e.total.bandwidth == Approx(sum.bandwidth).epsilon(1e-12));
    sum.bandwidth = e.total.bandwidth;
    CHECK(e.total == sum);

    const auto recorded = [](int from, int to) {
        return fpgaconvnet::squeeze_stage({12, 8, 8}, from, to, precision{}).cost;
    };
    const usage published_sum = recorded(4, 6) + recorded(3, 2) + recorded(4, 2) + recorded(2, 6);
    // relu is read by a convolution and by the addition; image and answers come for nothing
    const usage split = fpgaconvnet::split_stage({12, 8, 8}, 2, 4, precision{}).cost;
    const network_streams streams(view);
    CHECK(between_cost(sparse_dot<histogram_interval, fpgaconvnet::published>{}, view, streams,
                       chosen) == published_sum + split);
    const engine_list<fpgaconvnet::dense_dot<>, sparse_dot<>> list;
    // the first one speaks for all
    CHECK(between_cost(list, view, streams, chosen) == published_sum + split);
    sparse_dot<> bytes;
    bytes.widths.data = 8;
    CHECK(squeeze_cost(bytes, 4, 6) == calibrated::squeeze(4, 6, 8));
}

// A quantised file says how wide the words are that a row takes.
TEST_CASE("converters and FIFOs are as wide as their streams", "[squeeze]") {
    const network_view view = net{};
    network levels{
        {view.rows.begin(), view.rows.end()}, {view.edges.begin(), view.edges.end()}, {}};
    levels.rows[2].data_bits = 4;   // relu -> conv
    levels.rows[3].data_bits = 8;   // conv -> add, relu -> add
    levels.rows[6].data_bits = 24;  // pool -> linear, past flatten
    for (layer_row& row : levels.rows) row.widens = row.data_bits > 0 && !is_compute(row);
    const sparse_dot<> spe;
    const network_streams streams(levels);
    const usage movers = calibrated::mover(1, 16) + calibrated::mover(5, 16);
    CHECK(between_cost(spe, levels, streams, chosen) ==
          calibrated::squeeze(4, 6, 4) + calibrated::squeeze(3, 2, 8) +
              calibrated::squeeze(4, 2, 8) + calibrated::squeeze(2, 6, 24) + movers);
    // what an allocator adds up is what its design is then said to take
    const auto a = allocate(levels, uniform_sparsity(0.5), spe, boards::zedboard{}, exact{});
    REQUIRE(a.estimate.fits);
    CHECK(a.estimate.between == between_cost(spe, levels, streams, a.design));
    CHECK(a.estimate.total ==
          evaluate(levels, uniform_sparsity(0.5), spe, boards::zedboard{}, a.design).total);
    // a FIFO on one edge, four words wide
    fifo_depths deep = held_depths(levels);
    const usage none = fifo_cost(spe, levels, chosen, deep);
    CHECK(none == usage{});
    for (std::size_t k = 0; k < levels.edges.size(); ++k)
        if (levels.edges[k].to == 2) deep.edge[k] += 70;
    const held_input fifo{70 * 12, 0};
    CHECK(fifo_cost(spe, levels, chosen, deep) ==
          calibrated::hold(weight_memory::bram18, {&fifo, 1}, 4, 4));
}

TEST_CASE("streams of a network lead past flatten", "[squeeze]") {
    const network_view view = net{};
    const network_streams streams(view);
    const std::vector<stream_edge> expected{{0, 1}, {1, 2}, {1, 3}, {2, 3}, {3, 4}, {4, 6}};
    REQUIRE(streams.edges().size() == expected.size());
    for (const stream_edge& e : expected)
        CHECK(std::count(streams.edges().begin(), streams.edges().end(), e) == 1);
    CHECK(streams.ends(0) == stream_ends{1, 0, 1});
    CHECK(streams.ends(1) == stream_ends{0, 0, 2});
    CHECK(streams.ends(5) == stream_ends{});  // flatten
    CHECK(streams.ends(6) == stream_ends{0, 1, 1});

    // a part whose third row is also read behind the cut, and a network without edges
    const std::vector<char> leaves{0, 0, 1, 0, 0, 0, 0};
    CHECK(network_streams(view, leaves).ends(2) == stream_ends{0, 1, 2});
    const network_view chain{view.rows.first(2), {}, {}};
    CHECK(network_streams(chain).edges().size() == 1);
    CHECK(network_streams(chain).ends(0) == stream_ends{1, 0, 1});
    CHECK(network_streams(chain).ends(1) == stream_ends{0, 1, 1});
    // flatten in front: the image is what linear reads
    using flat = sequential<input<3, 8, 8>, flatten, linear<192, 10>>;
    CHECK(network_streams(network_view(flat{})).ends(1) == stream_ends{1, 1, 1});
    CHECK(network_streams(network_view(flat{})).edges().empty());
}

TEST_CASE("what stands between stages is in the estimate of an allocation", "[squeeze]") {
    const uniform_sparsity half(0.5);
    const allocation best = allocate(net{}, half, sparse_dot<>{}, boards::zcu104{});
    const estimate again = evaluate(net{}, half, sparse_dot<>{}, boards::zcu104{}, best.design);
    CHECK(best.estimate.between == again.between);
    CHECK(best.estimate.total == again.total);
    // none where widths agree, but for the image and the answers
    const design single(network_view(net{}).size());
    CHECK(evaluate(net{}, half, sparse_dot<>{}, boards::u250{}, single).between ==
          2.0 * calibrated::mover(1, 16));
    // a squeeze that is cheaper than nothing is no squeeze
    struct wrong : calibrated {
        static usage squeeze(int, int, int) { return {.lut = -1.0}; }
    };
    CHECK_THROWS_WITH(
        allocate(net{}, half, sparse_dot<histogram_interval, wrong>{}, boards::zcu104{}),
        Catch::Matchers::Contains("words costs -1 LUT"));
}
