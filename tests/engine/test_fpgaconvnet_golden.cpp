// The published cost model against figures recorded from running it: every layer, every module.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <hass/engine/fpgaconvnet/dot.hpp>

#include "golden.hpp"

namespace {

using golden::json;
using hass::weight_memory;
using hass::fpgaconvnet::stage_kind;

void check_module(const json& modules, const char* name, const hass::modules::module_cost& cost,
                  const hass::fpgaconvnet::module_timing& timing) {
    if (!modules.contains(name)) return;
    const json& m = modules.at(name);
    INFO("module " << name);
    const json& rsc = m.at("rsc");
    CHECK(cost.lut == rsc.at("LUT").get<double>());
    CHECK(cost.ff == rsc.at("FF").get<double>());
    CHECK(cost.dsp == rsc.at("DSP").get<double>());
    CHECK(cost.bram18 == rsc.at("BRAM").get<double>());
    if (rsc.contains("Logic_LUT")) {
        CHECK(cost.logic_lut == rsc.at("Logic_LUT").get<double>());
        CHECK(cost.lut_ram == rsc.at("LUT_RAM").get<double>());
        CHECK(cost.lut_sr == rsc.at("LUT_SR").get<double>());
    }
    CHECK(std::abs(timing.latency - m.at("latency").get<double>()) <= 1.0);
    CHECK(timing.depth == m.at("pipeline_depth").get<double>());
}

void check_usage(const hass::usage& u, const json& expected) {
    CHECK(u.lut == expected.at("LUT").get<double>());
    CHECK(u.ff == expected.at("FF").get<double>());
    CHECK(u.dsp == expected.at("DSP").get<double>());
    CHECK(u.bram18 == expected.at("BRAM").get<double>());
    CHECK(u.uram == expected.at("URAM").get<double>());
}

void check_weights(const hass::fpgaconvnet::layer_cost& layer, const json& out,
                   const hass::usage& bram) {
    CHECK(layer.weight_blocks(weight_memory::bram18) == out.at("weights_ram_usage_bram"));
    CHECK(layer.weight_blocks(weight_memory::uram) == out.at("weights_ram_usage_uram"));
    CHECK(layer.line_buffer_blocks() == out.at("inputs_ram_usage").at(0));
    const json& array = out.at("weight_array");
    CHECK(layer.weight_depth() == array.at("depth"));
    CHECK(layer.weight_arrays() == array.at("num"));
    CHECK(layer.weight_width() * layer.weight_arrays() == array.at("total_width"));
    const hass::memory_shape shape = layer.weight_shape(weight_memory::bram18);
    CHECK(shape.depth == array.at("unit_depth"));
    CHECK(shape.width == array.at("unit_width"));
    if (!out.contains("stream50")) return;
    const json& half = out.at("stream50");
    const std::int64_t blocks = layer.streamed_blocks(weight_memory::bram18, 0.5);
    const auto streamed = layer.stream(weight_memory::bram18, blocks);
    CHECK(blocks == half.at("stream_weights"));
    CHECK(layer.stream_unit(weight_memory::bram18) == half.at("stream_unit"));
    CHECK(streamed.words_on_chip == half.at("on_chip_addr_range"));
    CHECK(streamed.bits_per_cycle ==
          Approx(half.at("stream_bw_bits_per_cycle").get<double>()).epsilon(1e-12));
    hass::usage u = bram;
    u.bram18 +=
        static_cast<double>(streamed.blocks_left - layer.weight_blocks(weight_memory::bram18));
    check_usage(u, half.at("resource"));
}

void check_layer(hass::fpgaconvnet::stage_kind kind, const json& c,
                 const hass::fpgaconvnet::sparse_rates& rates) {
    const hass::layer_row row = golden::row(c.at("in"));
    const hass::parallelism p = golden::folding(c.at("in"));
    const hass::precision width = golden::precision(c.at("in"));
    const json& out = c.at("out");
    CHECK(row.out.height == out.at("rows_out"));
    CHECK(row.out.width == out.at("cols_out"));
    const hass::fpgaconvnet::layer_cost layer(kind, row, p, width);
    const hass::fpgaconvnet::layer_timing t =
        hass::fpgaconvnet::module_timings(kind, row, p, rates);
    const json& modules = out.at("modules");
    check_module(modules, "pad", layer.pad(), t.pad);
    check_module(modules, "sliding_window", layer.sliding_window(), t.sliding_window);
    check_module(modules, "squeeze", layer.squeeze(), t.squeeze);
    check_module(modules, "fork", layer.fork(), t.fork);
    check_module(modules, "vector_dot", layer.vector_dot(), t.vector_dot);
    check_module(modules, "accum", layer.accumulator(), t.accumulator);
    check_module(modules, "glue", layer.glue(), t.glue);
    check_module(modules, "bias", layer.bias(), t.bias);
    CHECK(t.depth() == out.at("pipeline_depth").get<double>());
    if (!out.at("rate_in").is_null())
        CHECK(t.rate_in() == Approx(out.at("rate_in").get<double>()).epsilon(1e-9));
    const hass::usage bram = layer.total(weight_memory::bram18, false);
    check_usage(bram, out.at("resource_bram_weights"));
    check_usage(layer.total(weight_memory::uram, false), out.at("resource_uram_weights"));
    check_weights(layer, out, bram);
}

void check_latency(double ours, const json& theirs) {
    CHECK(std::abs(ours - theirs.get<double>()) <= 1.0);
}

// Recorded histograms count zeros, 0 .. K; ours count survivors.
hass::window_histogram windows(const json& in) {
    const json& counts = in.at("hist_counts");
    hass::window_histogram h{
        1, in.at("kernel_rows").get<int>() * in.at("kernel_cols").get<int>(), {}};
    for (const json& channel : counts) {
        double sum = 0.0;
        for (const json& n : channel) sum += n.get<double>();
        for (auto n = channel.rbegin(); n != channel.rend(); ++n)
            h.share.push_back(n->get<double>() / sum);
    }
    return h;
}

}  // namespace

TEST_CASE("published model: sparse layers as recorded", "[golden]") {
    const json file = golden::read("fpgaconvnet_layers.json");
    REQUIRE_FALSE(file.at("sparse").empty());
    for (const json& c : file.at("sparse")) {
        INFO("sparse case " << c.at("id"));
        const json& in = c.at("in");
        const json& out = c.at("out");
        const hass::parallelism p = golden::folding(in);
        const hass::layer_row row = golden::row(in);
        const bool skip = in.at("skip_all_zero_window");
        hass::layer_statistics s;
        s.windows.push_back(windows(in));
        // Channels of equal work may stand in any order: the recorded one must have the same work
        // in every place, and decides which empty windows meet in a stream.
        const std::vector<double> work =
            hass::fpgaconvnet::channel_cycles(s.windows[0], p.macs, skip);
        const auto ours = hass::deal(work, static_cast<std::size_t>(p.in * p.group));
        const auto order = out.at("interleave_indices").get<std::vector<std::size_t>>();
        REQUIRE(order.size() == ours.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            CHECK(work[ours[i]] == Approx(work.at(order[i])).epsilon(1e-12));
        const auto rates =
            hass::fpgaconvnet::rates_of(s.windows[0], order, p.in * p.group, p.macs, skip);
        check_layer(hass::fpgaconvnet::stage_kind::sparse, c, rates);
        CHECK(rates.accumulator ==
              Approx(out.at("accum_rate_sparsity").get<double>()).epsilon(1e-9));
        CHECK(1.0 / rates.window_cycles ==
              Approx(out.at("vector_dot_rate_kernel_sparsity").get<double>()).epsilon(1e-9));
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, rates.window_cycles),
                      out.at("latency"));
        std::vector<std::size_t> natural(order.size());
        std::iota(natural.begin(), natural.end(), std::size_t{0});
        const auto naive =
            hass::fpgaconvnet::rates_of(s.windows[0], natural, p.in * p.group, p.macs, skip);
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, naive.window_cycles),
                      out.at("latency_naive_interleave"));
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, 1.0), out.at("latency_min"));
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, hass::taps(row)),
                      out.at("latency_max"));
        const hass::fpgaconvnet::sparse_dot<> engine{{}, {}, skip ? 0.0 : 1.0};
        const hass::row_option chosen{p, weight_memory::bram18, 0};
        check_latency(engine.cycles(row, s, chosen), out.at("latency"));
    }
}

TEST_CASE("published model: dense layers as recorded", "[golden]") {
    const json file = golden::read("fpgaconvnet_layers.json");
    REQUIRE_FALSE(file.at("dense").empty());
    for (const json& c : file.at("dense")) {
        INFO("dense case " << c.at("id"));
        check_layer(hass::fpgaconvnet::stage_kind::dense, c, {});
        const hass::row_option chosen{golden::folding(c.at("in")), weight_memory::bram18, 0};
        check_latency(hass::fpgaconvnet::dense_dot<>{}.cycles(golden::row(c.at("in")), {}, chosen),
                      c.at("out").at("latency"));
    }
}

TEST_CASE("published model: pointwise layers as recorded", "[golden]") {
    const json file = golden::read("fpgaconvnet_layers.json");
    REQUIRE_FALSE(file.at("pointwise_sparse").empty());
    for (const json& c : file.at("pointwise_sparse")) {
        INFO("pointwise case " << c.at("id"));
        check_layer(hass::fpgaconvnet::stage_kind::pointwise, c, {});
        const json& out = c.at("out");
        const hass::layer_row row = golden::row(c.at("in"));
        const hass::parallelism p = golden::folding(c.at("in"));
        const auto sparsity = c.at("in").at("channel_sparsity_avg").get<std::vector<double>>();
        const int streams = p.in * p.group;
        check_latency(hass::fpgaconvnet::sparse_latency(
                          row, p, hass::fpgaconvnet::pointwise_cycles(sparsity, streams)),
                      out.at("latency"));
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, 1.0), out.at("latency_min"));
        check_latency(hass::fpgaconvnet::sparse_latency(row, p, streams), out.at("latency_max"));
        hass::layer_statistics s;
        s.windows.push_back({1, 1, {}});
        for (const double zero : sparsity)
            s.windows[0].share.insert(s.windows[0].share.end(), {zero, 1.0 - zero});
        check_latency(
            hass::fpgaconvnet::sparse_dot<>{}.cycles(row, s, {p, weight_memory::bram18, 0}),
            out.at("latency"));
    }
}
