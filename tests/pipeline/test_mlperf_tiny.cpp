// The latency of one image against accelerators that fpgaConvNet's authors measured on boards, at
// the very foldings that were built: mlperf_tiny_designs.json, whatever designs it holds.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/stages.hpp>

#include "../mlperf_tiny.hpp"

namespace {

using namespace hass;

// Behind global pools the file calls channels columns.
shape map_of(const shape& s) {
    return s.channels == 1 && s.height == 1 ? shape{s.width, 1, 1} : s;
}

layer_row row_of(const mlperf_tiny::layer& l) {
    const std::map<std::string, layer_kind> kinds{
        {"CONVOLUTION", layer_kind::convolution},
        {"INNER_PRODUCT", layer_kind::linear},
        {"POOLING", layer_kind::max_pool},
        {"AVERAGE_POOLING", layer_kind::global_average_pool},
        {"ELTWISE", layer_kind::add},
        {"ACTIVATION", layer_kind::relu},
        {"BATCH_NORM", layer_kind::relu},  // these stream words, as an activation does
        {"SQUEEZE", layer_kind::relu},
        {"SPLIT", layer_kind::relu}};
    layer_row r;
    r.kind = kinds.at(l.type);
    r.in = map_of(l.in), r.out = map_of(l.out);
    r.kernel_h = l.kernel_rows, r.kernel_w = l.kernel_cols;
    r.stride_h = l.stride_rows, r.stride_w = l.stride_cols;
    r.pad_top = l.pad_top, r.pad_bottom = l.pad_bottom;
    r.pad_left = l.pad_left, r.pad_right = l.pad_right;
    r.groups = l.groups, r.bias = l.has_bias;
    return r;
}

// The slowest module of a layer (fpgaconvnet_formulas.md, section 4); rows without weights pass a
// word of each stream a cycle.
double cycles_of(const mlperf_tiny::layer& l, const layer_row& row, const row_option& c) {
    using fpgaconvnet::stage_kind;
    if (is_compute(row))
        return fpgaconvnet::module_timings(
                   row.kind == layer_kind::linear ? stage_kind::inner_product : stage_kind::dense,
                   row, c.folding)
            .slowest_module();
    row_option narrow = c;
    if (l.type == "SQUEEZE") narrow.folding.in = std::min(l.coarse_in, l.coarse_out);
    return stage_cycles(row, narrow);
}

struct latency {
    double own_pace, at_interval, interval;  // us
};

latency modelled(const mlperf_tiny::design& d) {
    network net;
    design chosen;
    std::vector<stage_estimate> stages;
    std::map<std::string, int> index;
    for (const mlperf_tiny::layer& l : d.layers) {
        const auto i = static_cast<int>(net.rows.size());
        net.rows.push_back(row_of(l));
        chosen.push_back(
            {{l.coarse_in, l.coarse_out, l.coarse_group, l.fine, 1}, weight_memory::bram18, 0});
        stages.push_back({cycles_of(l, net.rows.back(), chosen.back()), {}});
        for (const std::string& from : l.from)
            net.edges.push_back({from == l.name ? network_input : index.at(from), i});
        index[l.name] = i;
    }
    // the image comes a word of each stream a cycle
    const double words =
        static_cast<double>(net.rows.front().in.volume()) / d.layers.front().coarse_in;
    const double own = single_image_cycles(net, chosen, stages, words);
    const estimate e = evaluate_pipeline(net, chosen, stages, boards::zedboard{}, 0.0, 0.0);
    return {own / d.mhz, e.latency_cycles / d.mhz, e.interval_cycles / d.mhz};
}

}  // namespace

TEST_CASE("one image's latency of the designs measured on boards", "[golden]") {
    const auto designs = mlperf_tiny::designs();
    if (!designs) {
        WARN("skipped: no mlperf_tiny_designs.json in HASS_GOLDEN_DIR");
        return;
    }
    std::printf("one image, us  measured  own pace   error   at interval   error   interval\n");
    double sum = 0.0;
    int counted = 0;
    for (const mlperf_tiny::design& d : *designs) {
        const double measured = 1e6 / d.measured.inferences_per_s;
        const latency m = modelled(d);
        const double error = m.own_pace / measured - 1.0;
        // its latency and BRAM contradict the file that it is said to be built from
        const bool excused = d.name() == "zybo/kws";
        std::printf("%-13s %9.1f %9.1f %+6.1f %% %11.1f %+7.1f %% %9.1f%s\n", d.name().c_str(),
                    measured, m.own_pace, 100.0 * error, m.at_interval,
                    100.0 * (m.at_interval / measured - 1.0), m.interval,
                    excused ? "  (excused)" : "");
        INFO(d.name() << " measured " << measured << " us, modelled " << m.own_pace);
        CHECK(m.interval < m.own_pace);
        CHECK(m.own_pace < m.at_interval);
        if (excused) continue;
        CHECK(error < 0.03);
        CHECK(error > -0.16);
        sum += std::abs(error), ++counted;
    }
    REQUIRE(counted >= 5);
    std::printf("mean of %d: %.1f %%\n", counted, 100.0 * sum / counted);
}
