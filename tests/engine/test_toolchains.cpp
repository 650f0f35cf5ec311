// FINN's estimates against figures recorded from its own functions, and against builds; hls4ml's
// reuse factors, cycles and multipliers.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <hass/engine/hls4ml/layer.hpp>

#include "finn_json.hpp"

namespace {

using golden::json;
using namespace hass::finn;

void check_estimate(const golden::finn_node& node, const json& c) {
    std::visit(
        [&](const auto& n) {
            CHECK(n.cycles() == c.at("cycles").get<double>());
            for (std::size_t d = 0; d < dsp_block_names.size(); ++d) {
                const hass::modelled_usage u = n.needs(policy::published, dsp_block(d));
                CHECK(u.value.dsp == c.at("dsp").at(std::string(dsp_block_names[d])).get<double>());
                CHECK(u.value.lut == c.at("lut").get<double>());
                CHECK(u.value.bram18 == c.at("bram").get<double>());
                CHECK(u.value.uram == c.at("uram").get<double>());
                CHECK_FALSE(u.at(hass::ff_index).has_value());
            }
            if (!c.contains("stream_bits")) return;
            CHECK(n.bits_in() == c.at("stream_bits").at("in").get<std::int64_t>());
            CHECK(n.bits_out() == c.at("stream_bits").at("out").get<std::int64_t>());
        },
        node);
    if (c.contains("wmem")) {
        const double words = c.at("wmem").get<double>();
        if (const auto* m = std::get_if<mvau>(&node)) CHECK(m->wmem() == words);
        if (const auto* v = std::get_if<vvau>(&node))
            CHECK(static_cast<double>(v->wmem()) == words);
    }
    if (const auto* w = std::get_if<sliding_window>(&node)) {
        CHECK(w->buffer_depth() == c.at("buffer_depth").get<std::int64_t>());
        CHECK((w->parallel() ? "parallel" : "default") == c.at("impl_style").get<std::string>());
    }
}

}  // namespace

TEST_CASE("FINN's estimates are exact, and what it refuses is refused", "[golden][finn]") {
    const json file = golden::read("finn_layers.json");
    REQUIRE_FALSE(file.at("cases").empty());
    for (const json& c : file.at("cases")) {
        INFO(c.dump());
        const golden::finn_node node = golden::node_of(c.at("op"), c.at("attributes"));
        const std::string refusal = std::visit([](const auto& n) { return n.refusal(); }, node);
        CHECK(refusal.empty() != c.contains("refused"));
        if (c.contains("cycles")) check_estimate(node, c);
    }
}

namespace {

/// The MVAU of a synthesised design.
mvau built_mvau(const json& l) {
    mvau u;
    u.mw = l.at("MW"), u.mh = l.at("MH"), u.pe = l.at("PE"), u.simd = l.at("SIMD");
    for (const json& n : l.at("numInputVectors")) u.vectors *= n.get<std::int64_t>();
    const int w = l.at("weight_bits"), a = l.at("activation_bits");
    u.weight = w == 1 ? bipolar : int_type(w);
    u.input = a == 1 ? bipolar : uint_type(a);
    u.output = u.accumulator;
    u.res_type = l.at("resType") == "dsp" ? res_type::dsp : res_type::lut;
    u.activation = l.value("thresholds", std::string("embedded")).starts_with("embedded");
    return u;
}

sliding_window built_window(const json& l) {
    sliding_window w;
    w.channels = l.at("channels"), w.simd = l.at("SIMD");
    w.kernel_h = l.at("kernel")[0], w.kernel_w = l.at("kernel")[1];
    w.stride_h = l.at("stride")[0], w.stride_w = l.at("stride")[1];
    w.height = l.at("in_dim")[0], w.width = l.at("in_dim")[1];
    w.out_height = l.at("out_dim")[0], w.out_width = l.at("out_dim")[1];
    w.input = uint_type(l.at("bits"));
    w.parallel_window = l.at("parallel_window") != 0;
    w.ram_style = ram_style::distributed;
    return w;
}

}  // namespace

TEST_CASE("FINN's estimates against synthesised designs: errors as the headers say",
          "[golden][finn]") {
    const json file = golden::read("finn_synthesis.json");
    int units = 0, published_exact = 0, repaired_exact = 0, windows = 0;
    int dsp_units = 0, dsp_repaired = 0;
    double lut_error = 0.0, lut_absolute = 0.0, window_error = 0.0;
    for (const json& design : file.at("designs"))
        for (const json& l : design.at("layers")) {
            INFO(l.dump());
            const json& measured = l.at("measured");
            if (l.at("op") == "ConvolutionInputGenerator_rtl" && l.contains("kernel")) {
                ++windows;
                window_error +=
                    built_window(l).needs(policy::published, dsp_block::dsp48e1).value.lut /
                        measured.at("lut").get<double>() -
                    1.0;
            }
            if (l.at("op") == "MVAU_hls" && l.contains("MW")) {
                const mvau u = built_mvau(l);
                CHECK(u.refusal().empty());
                CHECK(u.cycles() == l.at("cycles_formula").get<double>());
                const hass::usage p = u.needs(policy::published, dsp_block::dsp48e1).value;
                const hass::usage r = u.needs(policy::repaired, dsp_block::dsp48e1).value;
                const double bram = 2.0 * measured.at("bram_36k").get<double>() +
                                    measured.at("bram_18k").get<double>();
                ++units;
                published_exact += p.bram18 == bram, repaired_exact += r.bram18 == bram;
                const double off = p.lut / measured.at("lut").get<double>() - 1.0;
                lut_error += off, lut_absolute += std::abs(off);
                if (u.res_type == res_type::dsp) {
                    ++dsp_units;
                    dsp_repaired += r.dsp == measured.at("dsp").get<double>();
                }
            }
        }
    WARN("MVAU_hls: " << units << ", LUT " << 100 * lut_error / units << " %, absolute "
                      << 100 * lut_absolute / units << " %, BRAM18 exact " << published_exact
                      << " published, " << repaired_exact << " repaired; DSP exact " << dsp_repaired
                      << " of " << dsp_units << "; " << windows << " sliding windows: LUT "
                      << 100 * window_error / windows << " %");
    CHECK(dsp_repaired == dsp_units);
    CHECK(repaired_exact >= published_exact);
    if (units != 29 || windows != 11) return;  // other designs than those that the headers speak of
    CHECK(std::abs(lut_error / units - 0.36) < 0.005);
    CHECK(std::abs(lut_absolute / units - 0.60) < 0.005);
    CHECK(std::abs(window_error / windows - 0.58) < 0.005);
    CHECK(published_exact == 20);
    CHECK(repaired_exact == 21);
}

TEST_CASE("hls4ml: legal reuse factors", "[hls4ml]") {
    using namespace hass::hls4ml;
    for (int n_in = 1; n_in <= 24; ++n_in)
        for (int n_out = 1; n_out <= 24; ++n_out) {
            std::vector<std::int64_t> expected;  // R divides n_in, or R = n_in t with t | n_out
            for (int r = 1; r <= n_in * n_out; ++r)
                if (n_in % r == 0 || (r % n_in == 0 && n_out % (r / n_in) == 0))
                    expected.push_back(r);
            REQUIRE(legal_reuse_factors(n_in, n_out) == expected);
            const auto unrolled = legal_reuse_factors(n_in, n_out, strategy::resource_unrolled);
            for (const std::int64_t r : unrolled) {
                CHECK(r != 1);
                CHECK(r != expected.back());
            }
        }
    CHECK_FALSE(legal_reuse(12, 6, 9));    // 9 divides 72, but not 12
    CHECK(nearest_reuse(16, 64, 3) == 2);  // 2 and 4 are as near
    CHECK(nearest_reuse(16, 64, 7) == 8);
    CHECK(nearest_reuse(16, 64, 5000) == 1024);
    CHECK(nearest_reuse(16, 64, 7, strategy::latency) == 7);
    CHECK_THROWS_WITH(nearest_reuse(16, 64, 0), "reuse factor 0 must be at least 1");
    CHECK(reuse_of_target(700, 64) == (700 - 6 * 64) / 64);
    CHECK_THROWS_WITH(reuse_of_target(383, 64), Catch::Contains("below 384"));
}

TEST_CASE("hls4ml: cycles and multipliers", "[hls4ml]") {
    using namespace hass::hls4ml;
    const auto dense = [](std::int64_t n_in, std::int64_t n_out, std::int64_t reuse, int bits) {
        layer l;
        l.n_in = n_in, l.n_out = n_out, l.reuse = reuse, l.data_bits = l.weight_bits = bits;
        REQUIRE(l.refusal().empty());
        return l;
    };
    for (const int bits : {2, 4, 6, 8, 12, 16})
        for (const std::int64_t r1 : {1, 2, 16, 32})
            for (const std::int64_t r2 : {1, 8, 64}) {
                const std::array two{dense(16, 64, r1, bits), dense(64, 32, r2, bits)};
                CHECK(latency(two) == r1 + r2 + 3);
                for (const layer& l : two)
                    CHECK(l.needs().at(hass::dsp_index) ==
                          (bits < 8 ? 0.0 : static_cast<double>(l.n_in * l.n_out / l.reuse)));
            }
    const std::array three{dense(80, 64, 5, 4), dense(64, 8, 64, 4), dense(8, 2, 16, 4)};
    CHECK(latency(three) == 5 + 64 + 16 + 5);
    CHECK(interval(three) == 66);
    layer l = dense(16, 64, 4, 7);
    const hass::modelled_usage u = l.needs();
    for (const std::size_t r :
         {hass::dsp_index, hass::lut_index, hass::ff_index, hass::bram18_index, hass::uram_index})
        CHECK_FALSE(u.at(r).has_value());
    l.reuse = 3;
    CHECK(l.refusal() == "ReuseFactor 3 is not legal for 16 x 64");
    l.how = strategy::latency;
    CHECK(l.refusal().empty());
    CHECK_FALSE(latency(std::array{l}).has_value());
    hass::layer_row row;
    row.in = {16, 12, 12}, row.out = {32, 12, 12};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    layer c = layer_of(row);
    c.reuse = 288;
    CHECK(c.refusal() == "ReuseFactor 288 is above the 144 inputs of a convolution's dot product");
    c.io = io_type::stream;
    CHECK(c.refusal().empty());
    CHECK(c.cycles() == 14 * 14 + 144 * 288);
    c.how = strategy::latency, c.reuse = 2;
    CHECK(c.cycles() == 14 * 14 * 2);
    c.io = io_type::parallel, c.parallelization = 12;
    CHECK(c.cycles() == 12 * 2);
    CHECK(c.needs().value.dsp == 144 * 32 / 2 * 12);
    c.parallelization = 7;
    CHECK(c.refusal() == "ParallelizationFactor 7 does not divide the 144 output positions");
    row.groups = 16;
    CHECK_THROWS_WITH(layer_of(row), "hls4ml: a convolution with 16 groups is not modelled");
}
