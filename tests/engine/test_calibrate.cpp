// Corrections from measurements: what is found, what is refused, and what a file keeps.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/engine/resources/calibrate.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/measured_csv.hpp>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/engine/sparse_dot.hpp>

#include "rows.hpp"

namespace {

using hass::calibrate;
using hass::calibration;
using hass::correction;
using hass::measured_module;

constexpr std::size_t lut = hass::lut_index;

// `count` dense layers of all sorts, with LUTs as `silicon` says them.
std::vector<measured_module> built(draw::source& from, int count,
                                   const std::function<double(const measured_module&)>& silicon) {
    const hass::dense_dot<> engine{};
    const std::vector<hass::layer_row> rows = draw::rows();
    std::vector<measured_module> modules;
    for (int i = 0; i < count; ++i) {
        const hass::layer_row& row = rows[static_cast<std::size_t>(from.below(int(rows.size())))];
        const std::vector<hass::row_option> options = engine.legal(row);
        const hass::row_option& c =
            options[static_cast<std::size_t>(from.below(int(options.size())))];
        measured_module m;
        m.name = "layer" + std::to_string(i);
        m.kind = hass::dense_module;
        m.size = hass::size_of(true, c.folding);
        m.said = engine.cost(row, c);
        m.measured[lut] = silicon(m);
        modules.push_back(m);
    }
    return modules;
}

// Uniform in [1 - width, 1 + width].
double noise(draw::source& from, double width) {
    return 1.0 + width * (2.0 * from.unit() - 1.0);
}

const correction& of_lut(const calibration& c) {
    return c.table.of[hass::dense_module][lut];
}

}  // namespace

TEST_CASE("known factors come back out of noisy measurements") {
    draw::source from{5};
    int factor_alone = 0;
    for (int trial = 0; trial < 40; ++trial) {
        const double truth = 0.5 + 2.0 * from.unit();
        if (std::abs(truth - 1.0) < 0.2) continue;
        const auto modules = built(from, 24, [&](const measured_module& m) {
            return truth * m.said.lut * noise(from, 0.10);
        });
        const calibration c = calibrate(modules);
        INFO("factor " << truth);
        REQUIRE(of_lut(c).measurements == 24);
        if (of_lut(c).per_stage + of_lut(c).per_multiplier + of_lut(c).per_stream == 0.0) {
            ++factor_alone;
            CHECK(of_lut(c).factor == Approx(truth).epsilon(0.06));
        }
        CHECK(of_lut(c).error_before == Approx(std::abs(1.0 / truth - 1.0)).epsilon(0.25));
        CHECK(of_lut(c).error_after < 0.09);  // noise: 5 % in the mean
        CHECK(c.kept.empty());
    }
    CHECK(factor_alone >= 30);
}

TEST_CASE("what silicon adds a stage and a multiplier is told from a factor") {
    draw::source from{8};
    const auto modules = built(from, 60, [&](const measured_module& m) {
        return (0.8 * m.said.lut + 400.0 + 60.0 * m.size.multipliers) * noise(from, 0.04);
    });
    const correction c = of_lut(calibrate(modules));
    REQUIRE(c.measurements == 60);
    CHECK(c.factor == Approx(0.8).epsilon(0.25));
    CHECK(c.per_stage == Approx(400.0).epsilon(0.25));
    CHECK(c.per_multiplier == Approx(60.0).epsilon(0.25));
    CHECK(c.per_stream < 5.0);
    CHECK(c.error_after < 0.04);
    CHECK(c.error_before > 0.2);
}

TEST_CASE("noise alone is not corrected") {
    draw::source from{21};
    int corrected = 0;
    for (int trial = 0; trial < 60; ++trial) {
        const auto modules = built(from, 5 + from.below(30), [&](const measured_module& m) {
            return m.said.lut * noise(from, 0.5);
        });
        const calibration c = calibrate(modules);
        if (of_lut(c).measurements > 0) {
            ++corrected;
            continue;
        }
        REQUIRE(c.kept.size() == 1);
        CHECK_THAT(c.kept.front().reason, Catch::Contains("two standard errors"));
        CHECK(c.kept.front().error > 0.1);
    }
    CHECK(corrected <= 6);
}

TEST_CASE("data that cannot carry a correction are refused with the reason") {
    draw::source from{2};
    const auto twice = [](const measured_module& m) { return 2.0 * m.said.lut; };
    const auto reason = [](const std::vector<measured_module>& modules) {
        const calibration c = calibrate(modules);
        REQUIRE(of_lut(c).measurements == 0);
        REQUIRE(c.kept.size() == 1);
        return c.kept.front().reason;
    };
    CHECK_THAT(reason(built(from, 3, twice)), Catch::Contains("3 measured, of which 3 differ"));
    // ten layers alike are one
    std::vector<measured_module> alike(10, built(from, 1, twice).front());
    CHECK_THAT(reason(alike), Catch::Contains("10 measured, of which 1 differ; it takes 4"));
    CHECK(reason(built(from, 9, [](const measured_module& m) { return m.said.lut; })) ==
          "the model is exact");

    // four support a factor, and nothing beside it
    const auto four = built(from, 4, [](const measured_module& m) { return m.said.lut + 900.0; });
    const correction c = of_lut(calibrate(four));
    CHECK(c.per_stage == 0.0);

    // a column that never changes says nothing
    std::vector<measured_module> one_size =
        built(from, 40, [](const measured_module& m) { return 2.0 * m.said.lut + 700.0; });
    for (measured_module& m : one_size) m.size = {8.0, 4.0};
    const correction constant = of_lut(calibrate(one_size));
    CHECK(constant.per_multiplier == 0.0);
    CHECK(constant.per_stream == 0.0);
    CHECK(constant.per_stage == Approx(700.0).epsilon(0.05));

    one_size[3].measured[lut] = -1.0;
    CHECK_THROWS_WITH(calibrate(one_size), Catch::Contains("'layer3': LUT = -1"));
    CHECK(calibrate({}).kept.empty());
}

TEST_CASE("a corrected model changes what was measured, and nothing else") {
    hass::corrected<hass::calibrated> mine{};
    const hass::layer_row row = draw::rows().front();
    const hass::row_option c{{2, 4, 1, 3, 1}};
    constexpr hass::precision width{};
    const hass::usage said = hass::calibrated{}.dense(row, c, width);
    CHECK(mine.dense(row, c, width) == said);
    mine.table.of[hass::dense_module][lut] = {.factor = 2.0,
                                              .per_multiplier = 10.0,
                                              .per_stream = 1.0,
                                              .per_stage = 5.0,
                                              .measurements = 12};
    const hass::usage now = mine.dense(row, c, width);
    CHECK(now.lut == 2.0 * said.lut + 10.0 * 24 + 1.0 * (2 + 4) + 5.0);
    CHECK(now.ff == said.ff);
    CHECK(mine.sparse(row, c, width) == hass::calibrated{}.sparse(row, c, width));
    CHECK(mine.stage(row, c, width) == hass::usage{});

    const hass::layer_row relu{.kind = hass::layer_kind::relu, .in = row.out, .out = row.out};
    CHECK(mine.stage(relu, c, width) == hass::calibrated{}.stage(relu, c, width));
    const auto kind = hass::module_kind(hass::layer_kind::relu, false);
    mine.table.of[kind][lut] = {.factor = 1.0, .per_stage = 7.0, .measurements = 4};
    CHECK(mine.stage(relu, c, width).lut == hass::calibrated{}.stage(relu, c, width).lut + 7.0);
    // what the base offers beside layers is still there
    CHECK(mine.stored == 1.0);
    CHECK(mine.squeeze(2, 3, 16) == hass::calibrated::squeeze(2, 3, 16));
    static_assert(hass::Engine<hass::dense_dot<hass::corrected<hass::fpgaconvnet::measured>>>);
}

TEST_CASE("a resource file gives back what was written") {
    draw::source from{5};
    const auto modules = built(
        from, 24, [&](const measured_module& m) { return 1.3 * m.said.lut * noise(from, 0.1); });
    hass::resource_file file{"calibrated", 16, hass::dsp_slice::dsp48e1, "a \"quoted\" name.csv",
                             calibrate(modules)};
    file.measured.kept.push_back({5, 2, 3, 0.25, "too few"});
    const hass::resource_file back =
        hass::parse_resource_file(hass::resource_file_text(file), "mine.json");
    CHECK(back.base == file.base);
    CHECK(back.bits == 16);
    CHECK(back.slice == hass::dsp_slice::dsp48e1);
    CHECK(back.source == file.source);
    CHECK(back.measured.table == file.measured.table);
    REQUIRE(back.measured.kept.size() == 1);
    CHECK(back.measured.kept.front().reason == "too few");
    CHECK(back.measured.kept.front().kind == 5);
    CHECK(hass::resource_file_text(back) == hass::resource_file_text(file));
}

TEST_CASE("a broken resource file is refused by name") {
    const std::string entry =
        R"({"kind": "dense", "resource": "lut", "factor": 1.5, "per_multiplier": 0,
            "per_stream": 0, "per_stage": 0, "measurements": 8, "error_before": 0.5,
            "error_after": 0.1})";
    const auto file = [](const std::string& corrections) {
        return R"({"hass_resources": 1, "base": "calibrated", "bits": 16, "dsp_slice": "dsp48e2", "source": "m.csv",
                   "kept": [], "corrections": [)" +
               corrections + "]}";
    };
    const auto read = [](const std::string& text) {
        return hass::parse_resource_file(text, "mine.json");
    };
    const auto with = [&](std::string from, const std::string& to) {
        std::string text = file(entry);
        return text.replace(text.find(from), from.size(), to);
    };
    REQUIRE_NOTHROW(read(file(entry)));
    using Catch::Contains;
    CHECK_THROWS_WITH(read("{"), Contains("mine.json: not JSON"));
    CHECK_THROWS_WITH(read("[]"), Contains("mine.json: must be an object"));
    CHECK_THROWS_WITH(read(with("\"bits\": 16", "\"bits\": 16.5")), Contains("field 'bits' must"));
    CHECK_THROWS_WITH(read(with("\"bits\": 16, ", "")), Contains("field 'bits' is missing"));
    CHECK_THROWS_WITH(read(with("\"dsp48e2\"", "\"dsp48e3\"")),
                      Contains("unknown dsp_slice 'dsp48e3'; did you mean 'dsp48e"));
    CHECK_THROWS_WITH(read(with("\"base\"", "\"bsae\"")),
                      Contains("unknown field 'bsae'; did you mean 'base'"));
    CHECK_THROWS_WITH(read(with("\"hass_resources\": 1", "\"hass_resources\": 2")),
                      Contains("field 'hass_resources' must be a whole number from 1 to 1"));
    CHECK_THROWS_WITH(read(with("\"dense\"", "\"dnese\"")),
                      Contains("corrections[0]: unknown kind 'dnese'; did you mean 'dense'"));
    CHECK_THROWS_WITH(read(with("\"lut\"", "\"luts\"")),
                      Contains("unknown resource 'luts'; did you mean 'lut'"));
    CHECK_THROWS_WITH(read(with("\"factor\": 1.5", "\"factor\": -1.5")),
                      Contains("field 'factor' must be finite and 0 or more"));
    CHECK_THROWS_WITH(read(with("\"factor\": 1.5", "\"factor\": \"1.5\"")),
                      Contains("field 'factor' must be a number"));
    CHECK_THROWS_WITH(read(with("\"measurements\": 8", "\"measurements\": 0")),
                      Contains("from 1 to"));
    CHECK_THROWS_WITH(read(file(entry + ", " + entry)),
                      Contains("corrections[1]: field 'resource' was corrected before"));
}

// fpgaConvNet's older back end after place and route; see examples/16_own_silicon.cpp.
TEST_CASE("layers of another back end lose two thirds of their error") {
    const std::string file = std::string(HASS_EXAMPLES_DATA) + "/hls_layers.csv";
    const hass::dense_dot<> engine{};
    std::vector<measured_module> modules;
    for (const hass::measured_layer& l : hass::read_measured_csv(hass::read_whole(file), file))
        modules.push_back({l.name, hass::dense_module, hass::size_of(true, l.built->option.folding),
                           engine.cost(l.built->row, l.built->option), l.measured});
    REQUIRE(modules.size() == 12);
    const calibration c = calibrate(modules);
    for (const std::size_t r : {hass::lut_index, hass::ff_index}) {
        const correction& of = c.table.of[hass::dense_module][r];
        INFO(hass::resources[r].name << " before " << of.error_before);
        REQUIRE(of.measurements == 12);
        CHECK(of.error_after < of.error_before / 3.0);
    }
    REQUIRE(!c.kept.empty());
    CHECK(c.kept.front().resource == hass::dsp_index);
    CHECK(c.kept.front().reason == "the model is exact");
}
