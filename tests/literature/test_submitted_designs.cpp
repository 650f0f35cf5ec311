// Designs that fpgaConvNet's authors submitted to MLPerf Tiny and measured, beside those that the
// allocator finds for the same networks on the same boards at the same clocks, both priced and
// timed by models that were held against the measurements. Ours were not built.
#include <catch2/catch.hpp>
#include <cstdio>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/network.hpp>

#include "../mlperf_tiny.hpp"
#include "../mlperf_tiny_network.hpp"

using namespace hass;

TEST_CASE("designs of the allocator beside submitted ones", "[golden]") {
    const auto designs = mlperf_tiny::designs();
    if (!designs) {
        WARN("skipped: no mlperf_tiny_designs.json in HASS_GOLDEN_DIR");
        return;
    }
    const dense_dot<fpgaconvnet::measured> engine{{}, {9, 8, 24}};
    std::printf(
        "one image, us   measured  modelled     ours   times  at most   DSP    LUT  BRAM18\n");
    for (const mlperf_tiny::design& d : *designs) {
        INFO(d.name());
        device board = boards::find(d.board);
        board.mhz = d.mhz;
        const auto [net, built] = mlperf_tiny::submitted(d);
        const double said =
            evaluate(net, dense_statistics{}, engine, board, built).single_image_cycles / d.mhz;
        allocator search(net, engine, board);
        const allocation fastest = search.solve(dense_statistics{});
        REQUIRE(fastest.fits);
        const allocation soonest = search.lowest_latency(pace::own);
        REQUIRE(soonest.fits);
        const usage& taken = soonest.estimate.total;
        CHECK(fits(taken, board.budget));
        const double ours = soonest.estimate.single_image_cycles / d.mhz;
        const double least = soonest.certificate.least_latency_cycles / d.mhz;
        CHECK(ours <= fastest.estimate.single_image_cycles / d.mhz * (1.0 + 1e-9));
        CHECK(least <= ours * (1.0 + 1e-9));
        const double submitted = 1e6 / d.measured.inferences_per_s;
        CHECK(ours <= said * (1.0 + 1e-9));
        std::printf("%-14s %9.1f %9.1f %9.1f %7.2f %8.2f %5.0f %6.0f %7.0f\n", d.name().c_str(),
                    submitted, said, ours, said / ours, said / least, taken.dsp, taken.lut,
                    taken.bram18);
    }
}
