// Network, engine and board as one type: budgets checked while compiling.
#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/accelerator.hpp>
#include <hass/workload/zoo.hpp>

namespace {

using tiny_net =
    hass::sequential<hass::input<3, 16, 16>, hass::conv2d<3, 8, 3, hass::pad<1>>, hass::relu,
                     hass::global_average_pool, hass::flatten, hass::linear<8, 10>>;
using accel = hass::accelerator<tiny_net, hass::dense_dot<>, hass::boards::zedboard>;

static_assert(accel::evaluate(hass::uniform_sparsity(0.5), accel::start).fits);

}  // namespace

TEST_CASE("an accelerator evaluates and allocates", "[accelerator]") {
    const hass::uniform_sparsity statistics(0.5);
    const hass::allocation a = hass::allocate(accel{}, statistics);
    REQUIRE(a.fits);
    REQUIRE(a.certificate.gap == 0.0);
    const hass::estimate start = accel::evaluate(statistics, accel::start);
    const hass::estimate best = accel::evaluate(statistics, a.design);
    CHECK(best.fits);
    CHECK(best.interval_cycles == a.estimate.interval_cycles);
    CHECK(best.interval_cycles < start.interval_cycles);
}
