// Designs that fpgaConvNet's authors submitted to MLPerf Tiny and measured, beside those that the
// allocator finds for the same networks on the same boards at the same clocks, both priced and
// timed by models that were held against the measurements. Ours were not built.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/error.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/network.hpp>

#include "../mlperf_tiny.hpp"

namespace {

using namespace hass;

layer_kind kind_of(const mlperf_tiny::layer& l) {
    if (l.type == "CONVOLUTION") return layer_kind::convolution;
    if (l.type == "INNER_PRODUCT") return layer_kind::linear;
    if (l.type == "AVERAGE_POOLING") return layer_kind::global_average_pool;
    if (l.type == "ELTWISE") return layer_kind::add;
    if (l.type == "ACTIVATION") return layer_kind::relu;
    throw error("a layer of a kind that was not there before: " + l.type);
}

// Behind global pools the file calls channels columns.
shape map_of(const shape& s) {
    return s.channels == 1 && s.height == 1 ? shape{s.width, 1, 1} : s;
}

layer_row row_of(const mlperf_tiny::layer& l) {
    layer_row r;
    r.kind = kind_of(l);
    r.in = map_of(l.in), r.out = map_of(l.out);
    r.kernel_h = l.kernel_rows, r.kernel_w = l.kernel_cols;
    r.stride_h = l.stride_rows, r.stride_w = l.stride_cols;
    r.pad_top = l.pad_top, r.pad_bottom = l.pad_bottom;
    r.pad_left = l.pad_left, r.pad_right = l.pad_right;
    r.groups = l.groups, r.bias = l.has_bias;
    return r;
}

// The network without what a design adds to it: squeezes, splits, and requantisers, which are part
// of our rows.
network network_of(const mlperf_tiny::design& d) {
    network net;
    std::map<std::string, int> gives;  // whose output each layer's is
    for (const mlperf_tiny::layer& l : d.layers) {
        const auto source = [&](const std::string& from) {
            return from == l.name ? network_input : gives.at(from);
        };
        if (l.type == "SQUEEZE" || l.type == "SPLIT" || l.type == "BATCH_NORM") {
            gives[l.name] = source(l.from.front());
            continue;
        }
        const auto i = static_cast<int>(net.rows.size());
        net.rows.push_back(row_of(l));
        net.names.push_back(l.name);
        for (const std::string& from : l.from) net.edges.push_back({source(from), i});
        gives[l.name] = i;
    }
    return net;
}

}  // namespace

TEST_CASE("designs of the allocator beside submitted ones", "[golden]") {
    const auto designs = mlperf_tiny::designs();
    if (!designs) {
        WARN("skipped: no mlperf_tiny_designs.json in HASS_GOLDEN_DIR");
        return;
    }
    const dense_dot<fpgaconvnet::measured> engine{{}, {9, 8, 24}};
    std::printf("one image, us   submitted      ours   times   at most   DSP    LUT   BRAM18\n");
    for (const mlperf_tiny::design& d : *designs) {
        INFO(d.name());
        device board = boards::find(d.board);
        board.mhz = d.mhz;
        const network net = network_of(d);
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
        std::printf("%-14s %10.1f %9.1f %7.2f %9.2f %5.0f %6.0f %8.0f\n", d.name().c_str(),
                    submitted, ours, submitted / ours, submitted / least, taken.dsp, taken.lut,
                    taken.bram18);
    }
}
