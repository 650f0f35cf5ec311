// Converters between stages of different width: reported, and not in the total.
#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/pipeline.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
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
    CHECK(e.squeezes == one(4, 6) + one(3, 2) + one(4, 2) + one(2, 6));
    CHECK(one(4, 6) == usage{.lut = 6 * 16 * 1, .ff = 2 * 12 * 16});
    CHECK(one(1, 16).lut == 16 * 16);  // one of two sets
    usage sum;
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
    CHECK(squeeze_cost(sparse_dot<histogram_interval, fpgaconvnet::published>{}, view, chosen) ==
          published_sum);
    const engine_list<fpgaconvnet::dense_dot<>, sparse_dot<>> list;
    CHECK(squeeze_cost(list, view, chosen) == published_sum);  // the first one speaks for all
}

TEST_CASE("squeezes of an allocation are reported, none where widths agree", "[squeeze]") {
    const uniform_sparsity half(0.5);
    const allocation best = allocate(net{}, half, sparse_dot<>{}, boards::zcu104{});
    const estimate again = evaluate(net{}, half, sparse_dot<>{}, boards::zcu104{}, best.design);
    CHECK(best.estimate.squeezes == again.squeezes);
    const design single(network_view(net{}).size());
    CHECK(evaluate(net{}, half, sparse_dot<>{}, boards::u250{}, single).squeezes == usage{});
}
