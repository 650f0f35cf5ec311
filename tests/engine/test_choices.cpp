// What a layer is built from: multipliers in DSPs or in LUTs, products that share a DSP, scales,
// and memories; against what was measured, and every choice against every other.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/workload/layers.hpp>

#include "../mlperf_tiny.hpp"
#include "rows.hpp"

namespace {

using namespace hass;
using Catch::Matchers::Contains;

constexpr precision measured_widths{9, 8, 24};

/// As fpgaConvNet's HDL back end builds on a Zynq.
calibrated as_measured() {
    calibrated c;
    c.requantisation = requantise::dsp;
    c.slice = dsp_slice::dsp48e1;
    c.packing = false;
    return c;
}

calibrated with_every_choice() {
    calibrated c;
    c.lut_multipliers = c.every_memory = true;
    return c;
}

bool is_convolution(const mlperf_tiny::layer& l) {
    return l.type == "CONVOLUTION" || l.type == "INNER_PRODUCT";
}

layer_row row_of(const mlperf_tiny::layer& l) {
    layer_row row;
    row.in = l.in, row.out = l.out;
    row.kernel_h = l.kernel_rows, row.kernel_w = l.kernel_cols;
    row.groups = l.groups;
    if (is_convolution(l))
        row.kind = layer_kind::convolution;
    else if (l.type == "ELTWISE")
        row.kind = layer_kind::add;
    else if (l.type == "AVERAGE_POOLING")
        row.kind = layer_kind::global_average_pool;
    return row;
}

row_option option_of(const mlperf_tiny::layer& l) {
    row_option o{{l.coarse_in, l.coarse_out, l.coarse_group, l.fine, 1}};
    o.multipliers = l.use_dsp ? multiplier::dsp : multiplier::lut;
    return o;
}

/// DSPs of the multipliers of a layer, without those of its scales.
double multiplier_dsps(const mlperf_tiny::layer& l) {
    calibrated c = as_measured();
    c.requantisation = requantise::shift;
    return c.dense(row_of(l), option_of(l), measured_widths).dsp;
}

}  // namespace

TEST_CASE("DSPs of the designs measured on boards", "[choices][golden]") {
    const auto designs = mlperf_tiny::designs();
    if (!designs) {
        WARN("skipped: HASS_GOLDEN_DIR has no mlperf_tiny_designs.json");
        return;
    }
    // Scales at the full pace of their layers: the designs share them further where the pipeline is
    // slower than a layer, which a layer alone cannot know.
    const std::vector<std::pair<std::string, double>> more{
        {"cora-z7/kws", 0.0},   {"zc706/ic", 2.0},     {"zedboard/ic", 0.0},
        {"zedboard/kws", 24.0}, {"zedboard/vww", 0.0}, {"zybo/kws", 0.0}};
    for (const mlperf_tiny::design& d : *designs) {
        double dsp = 0.0, at_full_pace = 0.0;
        for (const mlperf_tiny::layer& l : d.layers) {
            const row_option streams{{l.coarse_in, 1, 1, 1, 1}};
            if (is_convolution(l)) {
                dsp += multiplier_dsps(l);
                at_full_pace += as_measured().dense(row_of(l), option_of(l), measured_widths).dsp;
            } else if (l.type == "BATCH_NORM") {  // the scale of a layer, or of the pool
                dsp +=
                    l.coarse_in * static_cast<double>(multiplier_dsp(24, 24, as_measured().slice));
            } else if (l.type == "ELTWISE") {
                const double add = as_measured().stage(row_of(l), streams, measured_widths).dsp;
                dsp += add, at_full_pace += add;
            } else if (l.type == "AVERAGE_POOLING") {
                calibrated c = as_measured();
                c.requantisation = requantise::shift;  // its scale is one of the above
                dsp += c.stage(row_of(l), streams, measured_widths).dsp;
                at_full_pace += as_measured().stage(row_of(l), streams, measured_widths).dsp;
            }
        }
        INFO(d.name());
        CHECK(dsp == d.measured.dsp);
        for (const auto& [name, excess] : more)
            if (name == d.name()) CHECK(at_full_pace == d.measured.dsp + excess);
    }
}

TEST_CASE("as RTL, the fewest words that keep up are requantised", "[choices]") {
    const layer_row row = conv2d<16, 24, 3, pad<1>>::row({16, 14, 10});
    const row_option c{{2, 4, 1, 9, 1}};      // results of a stream every 8 cycles
    const row_option fast{{16, 4, 1, 9, 1}};  // every cycle
    calibrated rtl;
    rtl.requantisation = requantise::rtl;
    const calibrated shifts;
    for (const auto& [width, each] :
         {std::pair{precision{8, 8, 20}, 1}, {precision{16, 16, 38}, 2}}) {
        const auto more = [&, &w = width](const row_option& o) {
            return rtl.dense(row, o, w).dsp - shifts.dense(row, o, w).dsp;
        };
        CHECK(more(c) == each);
        CHECK(more(fast) == 4 * each);
        CHECK(rtl.sparse(row, c, width).lut != shifts.sparse(row, c, width).lut);
        layer_row add = row;
        add.kind = layer_kind::add, add.out = add.in;
        CHECK(rtl.stage(add, {{2, 1, 1, 1, 1}}, width).dsp == 4);  // two inputs, two words
        layer_row gate = add, table = add;
        gate.kind = layer_kind::multiply, table.kind = layer_kind::sigmoid;
        CHECK(rtl.stage(gate, {{2, 1, 1, 1, 1}}, width).dsp == 2 * (1 + each));
        // a table of all values a stream
        CHECK(rtl.stage(table, {{2, 1, 1, 1, 1}}, width).bram18 == (width.data == 8 ? 2 : 128));
    }
}

TEST_CASE("as RTL, tables have a line a number of 16 bits at most, joins a module a further input",
          "[choices]") {
    calibrated rtl;
    rtl.requantisation = requantise::rtl;
    const row_option c = parallelism{2, 1, 1, 1, 1};
    const auto table = [&](int bits, bool widens = false, int data = 0) {
        layer_row row{.kind = layer_kind::sigmoid, .in = {8, 4, 4}, .out = {8, 4, 4}};
        row.data_bits = data, row.widens = widens;
        return rtl.stage(row, c, {bits, 16, 32}, {});
    };
    // a block RAM holds 1,024 words of 16 bits, or 2,048 of 8
    CHECK(table(8).bram18 == 2.0);
    CHECK(table(16).bram18 == 2.0 * 64.0);
    CHECK(table(16, true, 8).bram18 == 2.0);  // 256 words of 16 bits
    calibrated plain;
    for (const int bits : {17, 24, 32, 64})
        CHECK(table(bits) ==
              plain.stage({.kind = layer_kind::sigmoid, .in = {8, 4, 4}, .out = {8, 4, 4}}, c,
                          {bits, 16, 32}, {}));

    const layer_row join{.kind = layer_kind::concat, .in = {8, 4, 4}, .out = {24, 4, 4}};
    const auto joined = [&](std::size_t inputs) {
        return rtl.stage(join, c, {8, 8, 32}, std::vector<held_input>(inputs));
    };
    const usage one = joined(0);
    CHECK((one.lut > 0.0 && joined(2) == one));
    CHECK(joined(3) == one + one);
    CHECK(joined(4) == one + one + one);
}

TEST_CASE("a scale takes a multiplication of the accumulator's width", "[choices]") {
    const layer_row row = conv2d<16, 24, 3, pad<1>>::row({16, 14, 10});
    const row_option c{{2, 4, 1, 9, 1}};      // results of a stream every 8 cycles
    const row_option fast{{16, 4, 1, 9, 1}};  // every cycle
    calibrated scaled;
    scaled.requantisation = requantise::dsp;
    for (const precision& width : {measured_widths, precision{8, 8, 16}, precision{16, 16, 32}}) {
        const double each = static_cast<double>(
            multiplier_dsp(width.accumulator, width.accumulator, dsp_slice::dsp48e2));
        const auto scales = [&](const row_option& o) {
            CHECK(scaled.sparse(row, o, width).dsp - calibrated{}.sparse(row, o, width).dsp ==
                  scaled.dense(row, o, width).dsp - calibrated{}.dense(row, o, width).dsp);
            return scaled.dense(row, o, width).dsp - calibrated{}.dense(row, o, width).dsp;
        };
        CHECK(scales(c) == each);
        CHECK(scales(fast) == 4 * each);
        layer_row add = row;
        add.kind = layer_kind::add, add.out = add.in;
        CHECK(scaled.stage(add, {{2, 1, 1, 1, 1}}, width).dsp == 6 * each);
        CHECK(calibrated{}.stage(add, {{2, 1, 1, 1, 1}}, width).dsp == 0);
    }
    CHECK(multiplier_dsp(24, 24, dsp_slice::dsp48e1) == 2);
    CHECK(multiplier_dsp(24, 24, dsp_slice::dsp48e2) == 2);
}

TEST_CASE("a mean over a power of two pixels is a shift", "[choices]") {
    const auto pool = [](int size) {
        return calibrated{}.stage(global_average_pool::row({16, size, size}), {{4, 1, 1, 1, 1}},
                                  {});
    };
    CHECK(pool(8).dsp == 0);
    CHECK(pool(7).dsp == 4 * multiplier_dsp(16, 32, dsp_slice::dsp48e2));
    CHECK(pool(8).lut == pool(7).lut);
    CHECK(calibrated{}.stage(average_pool<2, stride<2>>::row({16, 8, 8}), {}, {}).dsp == 0);
    CHECK(calibrated{}.stage(average_pool<3, stride<3>>::row({16, 9, 9}), {}, {}).dsp == 1);
}

TEST_CASE("slices of wide multipliers, by the sizes of their ports", "[choices]") {
    const auto e1 = dsp_slice::dsp48e1, e2 = dsp_slice::dsp48e2;
    CHECK(multiplier_dsp(18, 25, e1) == 1);
    CHECK(multiplier_dsp(25, 18, e1) == 1);
    CHECK(multiplier_dsp(18, 27, e1) == 2);
    CHECK(multiplier_dsp(18, 27, e2) == 1);
    CHECK(multiplier_dsp(19, 28, e2) == 2);  // 19 by the longer port, 28 in two pieces
    CHECK(multiplier_dsp(28, 28, e2) == 4);
    CHECK(multiplier_dsp(16, 32, e2) == 2);
    for (const dsp_slice slice : {e1, e2})
        for (int a = 1; a <= 64; ++a)
            for (int b = 1; b <= 64; ++b) {
                REQUIRE(multiplier_dsp(a, b, slice) == multiplier_dsp(b, a, slice));
                REQUIRE(multiplier_dsp(a, b, slice) <= multiplier_dsp(a + 1, b, slice));
                REQUIRE(multiplier_dsp(a, b, e2) <= multiplier_dsp(a, b, e1));
            }
}

TEST_CASE("products share a DSP as FINN's RTL packs them", "[choices]") {
    const auto e1 = dsp_slice::dsp48e1, e2 = dsp_slice::dsp48e2;
    const auto full = weight_range::full, narrow = weight_range::narrow;
    struct packed {
        int data, weight;
        dsp_slice slice;
        weight_range range;
        int products;
    };
    // finn-rtllib/mvu of dev: 4 x 4 bits four, 8 x 8 and 8 x 9 two; beyond 8 (9) bits it is not
    // built, nor on a DSP48E1 with weights that may be the most negative value
    for (const packed& p : {packed{4, 4, e1, narrow, 4},
                            {4, 4, e2, narrow, 4},
                            {4, 4, e2, full, 4},
                            {8, 8, e1, narrow, 2},
                            {8, 8, e2, narrow, 2},
                            {8, 8, e2, full, 2},
                            {9, 8, e1, narrow, 2},
                            {9, 8, e2, narrow, 2},
                            {9, 8, e2, full, 2},
                            {2, 2, e2, narrow, 4},
                            {8, 4, e2, narrow, 3},
                            {8, 8, e1, full, 1},
                            {10, 8, e2, narrow, 1},
                            {9, 9, e2, narrow, 1},
                            {16, 16, e2, narrow, 1}}) {
        INFO(p.data << " x " << p.weight << " on " << name(p.slice));
        CHECK(products_per_dsp(p.data, p.weight, p.slice, p.range) == p.products);
    }
    // what fits side by side: all products but the last leave W + A - 1 bits, the last is W wide
    for (const dsp_slice slice : {e1, e2})
        for (int a = 4; a <= 9; ++a)
            for (int w = 4; w <= 8; ++w) {
                const int n = products_per_dsp(a, w, slice);
                REQUIRE((n - 1) * (w + a - 1) + w <= long_port(slice));
                REQUIRE(n * (w + a - 1) + w > long_port(slice));
            }
}

TEST_CASE("DSPs as FINN's RTL takes them", "[choices]") {
    // matrix-vector units of finn_layers.json: PE x SIMD at 4 x 4 bits PE / 4 SIMD slices, at 8 x 8
    // PE / 2 SIMD
    struct unit {
        int pe, simd, bits;
        double dsp;
    };
    for (const unit& u : {unit{8, 36, 4, 72}, {2, 50, 4, 50}, {8, 36, 8, 144}, {16, 27, 8, 216}}) {
        const layer_row row = [&] {
            layer_row r = linear<3600, 32>::row({3600, 1, 1});
            r.in.channels = u.simd;
            r.out.channels = u.pe;
            return r;
        }();
        for (const dsp_slice slice : {dsp_slice::dsp48e1, dsp_slice::dsp48e2}) {
            calibrated c;
            c.slice = slice;
            const row_option o{{u.simd, u.pe, 1, 1, 1}};
            CHECK(c.dense(row, o, {u.bits, u.bits, 24}).dsp == u.dsp);
            c.packing = false;
            CHECK(c.dense(row, o, {u.bits, u.bits, 24}).dsp == u.pe * u.simd);
        }
    }
}

TEST_CASE("products share a DSP only across filters of a dense engine", "[choices]") {
    const layer_row row = conv2d<16, 24, 3, pad<1>>::row({16, 14, 10});
    const precision narrow{8, 8, 24};
    const calibrated model;
    CHECK(model.dense(row, {{4, 1, 1, 9, 1}}, narrow).dsp == 36);  // one filter: nothing shared
    CHECK(model.dense(row, {{1, 4, 1, 9, 1}}, narrow).dsp == 18);
    CHECK(model.dense(row, {{1, 3, 1, 9, 1}}, narrow).dsp == 18);
    CHECK(model.sparse(row, {{1, 4, 1, 9, 1}}, narrow).dsp == 36);  // each takes its own pairs
}

TEST_CASE("a multiplier of LUTs is priced through the measured one", "[choices]") {
    CHECK(lut_multiplier::lut(9, 8) == 45.0);
    // FINN's estimate (finn.md) brought to the same level
    const auto finn = [](int a, int w) {
        return (2 * std::ceil((a + w) / 6.0) - 1) * (a + w) * 45.0 / 85.0;
    };
    for (const auto& [a, w] : {std::pair{4, 4}, {8, 4}, {8, 6}, {8, 8}, {12, 8}, {16, 16}})
        CHECK(lut_multiplier::lut(a, w) == Approx(finn(a, w)).epsilon(0.28));
    const layer_row row = conv2d<16, 24, 3, pad<1>>::row({16, 14, 10});
    row_option c{{2, 4, 1, 3, 1}};
    const usage dsp = dense_dot<>{{}, measured_widths}.cost(row, c);
    c.multipliers = multiplier::lut;
    const usage lut = dense_dot<>{{}, measured_widths}.cost(row, c);
    CHECK(lut.dsp == 0);
    CHECK(lut.lut - dsp.lut == Approx(24 * 45.0));
    CHECK(lut.ff - dsp.ff == 24 * 17);
    CHECK(lut.bram18 == dsp.bram18);
}

TEST_CASE("what a layer buffers goes where its option says", "[choices]") {
    const layer_row row = conv2d<16, 256, 3, pad<1>>::row({16, 56, 56});
    const row_option in_bram{{1, 1, 1, 1, 1}};
    row_option in_uram = in_bram, in_lutram = in_bram;
    in_uram.maps = weight_memory::uram;
    in_lutram.maps = weight_memory::lutram;
    const dense_dot<> engine;
    const usage bram = engine.cost(row, in_bram);
    const usage uram = engine.cost(row, in_uram);
    const usage lutram = engine.cost(row, in_lutram);
    // two lines of 16 x 58 words, partial sums and biases of 256 filters; a window is 16 words deep
    CHECK(bram.bram18 - uram.bram18 == 2 * vivado_bram18(928, 32) / 2 + 1 + 1);
    CHECK(uram.uram == 3);
    CHECK(uram.lut == bram.lut);
    CHECK(lutram.bram18 == uram.bram18);
    const double lines = static_cast<double>(detail::lutram(928, 32));
    CHECK(lines == 14 * (32 + 5) + (16 + 3) + 32 * 5);  // 14.5 parts, and multiplexers of 15
    CHECK(lutram.lut - bram.lut ==
          lines + static_cast<double>(detail::lutram(256, 32) + detail::lutrom(256, 32)));
    row_option weights = in_bram;
    weights.memory = weight_memory::lutram;
    const usage rom = engine.cost(row, weights);
    CHECK(bram.bram18 - rom.bram18 == vivado_bram18(256 * 16 * 9, 16));
    CHECK(rom.lut - bram.lut == static_cast<double>(detail::lutrom(256 * 16 * 9, 16)));
    row_option off = in_bram;
    off.maps = weight_memory::off_chip;
    CHECK_THROWS_WITH(engine.cost(row, off), Contains("what a row buffers cannot be off-chip"));
}

TEST_CASE("LUT-RAM against sliding windows that were synthesised", "[choices]") {
    struct window {
        std::int64_t depth, bits;
        double lut;
    };
    // finn_synthesis.json: all sliding windows of its designs, ram_style distributed; ((kernel - 1)
    // rows and kernel words) channels / SIMD words of SIMD words side by side
    constexpr std::array<window, 11> windows{{{67, 24, 229},
                                              {126, 32, 260},
                                              {62, 32, 182},
                                              {108, 32, 260},
                                              {52, 32, 183},
                                              {72, 32, 225},
                                              {201, 8, 217},
                                              {504, 8, 293},
                                              {992, 2, 258},
                                              {1728, 2, 328},
                                              {1664, 1, 231}}};
    for (const window& w : windows) {
        const double control = w.lut - static_cast<double>(detail::lutram(w.depth, w.bits));
        INFO(w.depth << " x " << w.bits << ": " << control << " LUTs beside the memory");
        CHECK(control >= 137.0);
        CHECK(control <= 229.0);
        CHECK(std::abs(control - (71.0 + 12.0 * std::log2(w.depth))) <= 30.0);
    }
}

TEST_CASE("deep memories take the blocks that the vendor's tool takes", "[choices]") {
    const calibrated model;
    // 18,432 x 32 bits after synthesis: 65 blocks, one of them beside the weights
    CHECK(model.weights(weight_memory::bram18, 18432, 32, 1, 1).bram18 == 64);
    for (const std::int64_t depth : {100, 512, 513, 4608, 18432, 40000})
        for (const int words : {1, 3, 9, 64})
            for (const int bits : {1, 4, 8, 16}) {
                const double wide =
                    model.weights(weight_memory::bram18, depth, words, 1, bits).bram18;
                CHECK(wide ==
                      static_cast<double>(vivado_bram18(depth, std::int64_t{words} * bits)));
                CHECK(wide <= words * static_cast<double>(vivado_bram18(depth, bits)));
            }
}

TEST_CASE("choices are offered when asked for, each once, and each changes the price",
          "[choices]") {
    const auto check = [](const auto& plain, const auto& choosing) {
        std::size_t lut = 0, lutram = 0, maps = 0;
        for (const layer_row& row : draw::rows()) {
            const auto before = draw::options(plain, row);
            const auto found = draw::options(choosing, row);
            for (const row_option& c : before) {
                CHECK(c.multipliers == multiplier::dsp);
                CHECK(c.maps == weight_memory::bram18);
                CHECK(c.memory != weight_memory::lutram);
            }
            for (const row_option& c : found) {
                lut += c.multipliers == multiplier::lut;
                lutram += c.memory == weight_memory::lutram;
                maps += c.maps != weight_memory::bram18;
            }
            REQUIRE(found.size() >= 2 * before.size());
            for (const row_option& c : before)
                REQUIRE(std::count(found.begin(), found.end(), c) == 1);
            // the options of one folding stand together; by two choices at once a price may meet
            const auto differences = [](const row_option& a, const row_option& b) {
                return (a.memory != b.memory) + (a.maps != b.maps) +
                       (a.multipliers != b.multipliers);
            };
            for (std::size_t i = 0, end = 0; i < found.size(); i = end) {
                while (end < found.size() && found[end].folding == found[i].folding) ++end;
                for (std::size_t a = i; a < end; ++a)
                    for (std::size_t b = i; b < a; ++b)
                        if (differences(found[a], found[b]) == 1)
                            REQUIRE_FALSE(choosing.cost(row, found[a]) ==
                                          choosing.cost(row, found[b]));
            }
        }
        CHECK(lut > 0);
        CHECK(lutram > 0);
        CHECK(maps > 0);
    };
    check(dense_dot<>{}, dense_dot<>{with_every_choice(), {}});
    check(sparse_dot<>{}, sparse_dot<>{{}, with_every_choice(), {}});
    // no price for multipliers that are wider than a DSP's port
    const layer_row row = draw::rows().front();
    for (const row_option& c : draw::options(dense_dot<>{with_every_choice(), {20, 16, 48}}, row))
        CHECK(c.multipliers == multiplier::dsp);
}

TEST_CASE("what a model has no price for is refused", "[choices]") {
    const layer_row row = draw::rows().front();
    row_option lut{}, weights{}, buffers{};
    lut.multipliers = multiplier::lut;
    weights.memory = weight_memory::lutram;
    buffers.maps = weight_memory::uram;
    const auto refuses = [&](const auto& engine) {
        CHECK_THROWS_WITH(engine.cost(row, lut), Contains("no price for multipliers of LUTs"));
        CHECK_THROWS_WITH(engine.cost(row, weights), Contains("no price for weights in LUT-RAM"));
        CHECK_THROWS_WITH(engine.cost(row, buffers),
                          Contains("no price for buffers that are not in block RAM"));
    };
    refuses(dense_dot<fpgaconvnet::published>{});
    refuses(sparse_dot<histogram_interval, fpgaconvnet::repaired>{});
    refuses(fpgaconvnet::dense_dot<>{});
    refuses(fpgaconvnet::sparse_dot<>{});
    refuses(pass<>{});
    refuses(engine_list<fpgaconvnet::dense_dot<>>{});
    const fpgaconvnet::layer_cost layer(fpgaconvnet::stage_kind::dense, row, {}, {});
    CHECK_THROWS_WITH(layer.total(weight_memory::lutram, false), Contains("weights in LUT-RAM"));
}

TEST_CASE("pools and joins buffer where they are told, when every memory is offered", "[choices]") {
    const layer_row pool = max_pool<3, stride<2>, pad<1>>::row({64, 112, 112});
    const dense_dot<> engine{with_every_choice(), {}};
    const auto memories = [&](bool every) {
        std::vector<usage> found;
        for_each_stage(
            pool,
            [&](const row_option& c) {
                if (c.folding.in == 1) found.push_back(engine.stage_cost(pool, c));
            },
            {}, every);
        return found;
    };
    CHECK(offers_every_memory(engine));
    CHECK(offers_every_memory(engine_list<dense_dot<>, dense_dot<>>{{engine, {}}}));
    CHECK_FALSE(offers_every_memory(dense_dot<>{}));
    CHECK_FALSE(offers_every_memory(fpgaconvnet::dense_dot<>{}));
    CHECK(memories(false).size() == 1);
    const auto three = memories(true);
    REQUIRE(three.size() == 3);
    CHECK(three[0].bram18 > 0);
    CHECK((three[1].bram18 == 0 && three[1].uram > 0));
    CHECK((three[2].bram18 == 0 && three[2].uram == 0 && three[2].lut > three[0].lut));
}
