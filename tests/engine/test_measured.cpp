// The policy for the measured back end: what it offers, refuses and charges.
#include <catch2/catch.hpp>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/workload/layers.hpp>

#include "rows.hpp"

namespace {

namespace fpga = hass::fpgaconvnet;
using hass::multiplier;
using hass::row_option;
using hass::weight_memory;

constexpr hass::precision narrow{9, 8, 24};
constexpr hass::dense_dot<fpga::measured> engine{{}, narrow};

constexpr hass::layer_row row = hass::conv2d<16, 16, 3, hass::pad<1>>::row({16, 32, 32});

}  // namespace

TEST_CASE("DSPs of the measured back end are those of its rule") {
    // 16 engines of 9 multipliers, one requantised stream
    constexpr row_option dsp{{1, 16, 1, 9, 1}};
    STATIC_REQUIRE(engine.cost(row, dsp).dsp == 16 * 9 + 2);
    constexpr row_option lut{dsp.folding, weight_memory::bram18, 0, multiplier::lut};
    STATIC_REQUIRE(engine.cost(row, lut).dsp == 2);
    CHECK(engine.cost(row, lut).lut - engine.cost(row, dsp).lut ==
          Approx(144 * fpga::measured_lut.lut_multiplier));
    CHECK(engine.cost(row, lut).ff > engine.cost(row, dsp).ff);

    // a price by the product of the widths
    constexpr hass::dense_dot<fpga::measured> four_bits{{}, {4, 4, 24}};
    CHECK(four_bits.cost(row, lut).lut - four_bits.cost(row, dsp).lut ==
          Approx(144 * 16.0 / 72.0 * fpga::measured_lut.lut_multiplier));

    const auto stage = [](hass::layer_kind kind, int side, int streams) {
        hass::layer_row r{.kind = kind, .in = {16, side, side}, .out = {16, side, side}};
        if (kind == hass::layer_kind::global_average_pool) r.out = {16, 1, 1};
        return engine.stage_cost(r, row_option{{streams, 1, 1, 1, 1}}).dsp;
    };
    CHECK(stage(hass::layer_kind::add, 8, 2) == 12);
    CHECK(stage(hass::layer_kind::relu, 8, 2) == 0);
    CHECK(stage(hass::layer_kind::global_average_pool, 8, 1) == 2);
    CHECK(stage(hass::layer_kind::global_average_pool, 5, 1) == 3);
}

TEST_CASE("the fewest streams that keep a row's pace are requantised") {
    using fpga::measured;
    // 16 x 32 x 32 answers in 16 x 32 x 32 cycles: one stream is enough
    STATIC_REQUIRE(measured::requantised_streams(row, {1, 16, 1, 9, 1}) == 1);
    STATIC_REQUIRE(measured::requantised_streams(row, {4, 16, 1, 9, 1}) == 4);
    for (const hass::layer_row& r : draw::rows())
        engine.for_each(r, [&](const row_option& c) {
            const int streams = measured::requantised_streams(r, c.folding);
            const double pace = engine.cycles(r, {}, c);
            if (static_cast<double>(r.out.volume()) / streams > pace) FAIL("below the pace");
            if (c.folding.out * c.folding.group % streams != 0) FAIL("not a divisor");
        });
}

TEST_CASE("every choice under the measured policy has its price") {
    const row_option base{{2, 4, 1, 3, 1}};
    const hass::usage u = engine.cost(row, base);
    const auto dearer = [&](const hass::parallelism& p) {
        const hass::usage more = engine.cost(row, row_option{p});
        return more.lut > u.lut && more.ff > u.ff && more.dsp > u.dsp;
    };
    CHECK(dearer({4, 4, 1, 3, 1}));
    CHECK(dearer({2, 8, 1, 3, 1}));
    CHECK(dearer({2, 4, 1, 9, 1}));
    const hass::usage uram =
        engine.cost(row, row_option{base.folding, weight_memory::uram, 0, multiplier::dsp});
    CHECK(uram.uram == 8);
    CHECK(uram.bram18 == u.bram18 - 8);
    CHECK_THROWS_WITH(engine.cost(row, row_option{base.folding, weight_memory::off_chip}),
                      Catch::Contains("no weights in off_chip"));
    hass::layer_row bare = row;
    bare.bias = !row.bias;
    CHECK(engine.cost(bare, base) != u);

    // adjacent channels of a window are streams of their own
    const hass::layer_row point = hass::pointwise<32, 12>::row({32, 7, 5});
    CHECK(engine.cost(point, row_option{{2, 3, 1, 4, 4}}) ==
          engine.cost(point, row_option{{8, 3, 1, 1, 1}}));

    // held inputs in blocks as they are built: 2,195 words of 9 bits are 4,096 of them
    const hass::layer_row add{.kind = hass::layer_kind::add, .in = {64, 8, 8}, .out = {64, 8, 8}};
    const hass::held_input held[]{{2195, 0}};
    const row_option one{{1, 1, 1, 1, 1}};
    CHECK(engine.stage_cost(add, one, held).bram18 == 2);
    CHECK(engine.stage_cost(add, row_option{one.folding, weight_memory::uram}, held).uram == 1);
    CHECK(engine.stage_cost(add, one).bram18 == 0);
}

TEST_CASE("a sparse engine under the measured policy is refused") {
    const hass::sparse_dot<hass::histogram_interval, fpga::measured> sparse{};
    CHECK_THROWS_WITH(sparse.cost(row, row_option{{1, 1, 1, 3, 1}}),
                      Catch::Contains("has no sparse engine"));
}
