// What holds for every engine of the literature, whatever its formula.
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/arrays/dual_side.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/arrays/eyeriss_v2.hpp>
#include <hass/engine/arrays/hash_accumulate.hpp>
#include <hass/engine/arrays/highlight.hpp>
#include <hass/engine/arrays/sdpe.hpp>
#include <hass/engine/arrays/tensor_core.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/sps.hpp>

#include "layers.hpp"

namespace {

namespace pt = hass::patterns;

// Input channels are a multiple of all blocks in use (192), but for the depthwise layer.
const std::vector<hass::layer_row> rows{
    test::convolution(192, 64, 14, 3), test::convolution(384, 96, 7, 1), hass::as_row(1000, 576, 1),
    test::convolution(32, 32, 14, 3, 32)};

struct named_array {
    std::string name;
    std::function<hass::array_run(const hass::layer_row&, const hass::layer_statistics&)> run;
    int multipliers;
    std::optional<double> area;
};

template <hass::ArrayEngine E>
named_array named(std::string name, E engine) {
    return {std::move(name),
            [engine](const auto& row, const auto& s) { return engine.run(row, s); },
            engine.multipliers(), engine.area_mm2()};
}

hass::tensor_core unlimited(hass::tensor_core core) {
    core.words_per_cycle.reset();
    return core;
}

std::vector<named_array> arrays() {
    auto deep = hass::highlight::of(pt::hss<pt::gh<4, 6>, pt::gh<2, 4>>{});
    auto skipping = deep;
    skipping.activations = hass::zero_operand::skip;
    skipping.skip_pairs = 2;
    skipping.words_per_cycle = 40.0;
    hass::sdpe_array first;
    first.end = hass::merge_end::first_exhausted;
    first.words_per_cycle = 100.0;
    return {named("dense", hass::dense_array{}),
            named("tensor core", hass::tensor_cores::dense),
            named("2:4", unlimited(hass::tensor_cores::sparse)),
            named("flexible", unlimited(hass::tensor_cores::flexible)),
            named("flexible, run length", unlimited(hass::tensor_cores::flexible_run_length)),
            named("dual compressed", unlimited(hass::tensor_cores::dual_compressed)),
            named("dual side", hass::dual_side_cores::single),
            named("dual side, four tall", hass::dual_side_cores::four_tall),
            named("dual side, four wide", hass::dual_side_cores::four_wide),
            named("Eyeriss v2 PE", hass::eyeriss_v2_pe{}),
            named("HighLight", deep),
            named("HighLight, skipping", skipping),
            named("SDPE", hass::sdpe_array{}),
            named("SDPE, first exhausted", first),
            named("hash", hass::hash_array{})};
}

double compute_energy(const hass::array_run& run) {
    return hass::energy(run, hass::energy_tables::sparse_tensor_core).compute.value();
}

// a <= b but for rounding
bool at_most(double a, double b) {
    return a <= b * (1.0 + 1e-12) + 1e-12;
}

}  // namespace

TEST_CASE("more sparsity never costs cycles or energy of compute", "[properties]") {
    for (const named_array& e : arrays())
        for (const hass::layer_row& row : rows)
            for (int fixed = 0; fixed <= 10; fixed += 5)
                for (const bool weights : {true, false}) {
                    const auto at = [&](int tenths) {
                        const double x = tenths / 10.0, y = fixed / 10.0;
                        return e.run(row, weights ? hass::independent_statistics(x, y)
                                                  : hass::independent_statistics(y, x));
                    };
                    hass::array_run before = at(0);
                    for (int tenths = 1; tenths <= 10; ++tenths) {
                        const hass::array_run now = at(tenths);
                        CAPTURE(e.name, row.in.channels, fixed, weights, tenths);
                        REQUIRE(at_most(now.cycles, before.cycles));
                        REQUIRE(at_most(compute_energy(now), compute_energy(before)));
                        before = now;
                    }
                }
}

TEST_CASE("bandwidth can make more sparsity slower, as published", "[properties]") {
    // 512 x 128 x 1024: 2:4 takes 32,768 cycles, 2:6 takes 35,109.
    const auto cycles = [](double density) {
        return hass::tensor_cores::flexible
            .run(hass::as_row(512, 128, 1024), hass::independent_statistics(1.0 - density, 0.0))
            .cycles;
    };
    CHECK(cycles(1.0 / 3.0) > cycles(0.5));
}

TEST_CASE("dense input never beats a dense engine of the same size", "[properties]") {
    for (const named_array& e : arrays())
        for (const hass::layer_row& row : rows) {
            CAPTURE(e.name, row.in.channels);
            const double macs = static_cast<double>(hass::mac_count(row));
            const auto dense = hass::independent_statistics(0.0, 0.0);
            if (e.name.rfind("HighLight", 0) == 0) continue;  // its weights conform: not dense
            CHECK(at_most(macs / e.multipliers, e.run(row, dense).cycles));
        }
    // HighLight set to its dense structure
    for (const hass::layer_row& row : rows)
        CHECK(at_most(static_cast<double>(hass::mac_count(row)) / 1024,
                      hass::highlight{}.run(row, hass::independent_statistics(0.0, 0.0)).cycles));
}

TEST_CASE("no array does more multiplications than it has slots", "[properties]") {
    for (const named_array& e : arrays())
        for (const hass::layer_row& row : rows)
            for (const double w : {0.0, 0.4, 0.7, 1.0})
                for (const double a : {0.0, 0.5, 1.0}) {
                    CAPTURE(e.name, row.in.channels, w, a);
                    const auto run = e.run(row, hass::independent_statistics(w, a));
                    REQUIRE((run.cycles >= 0.0 && std::isfinite(run.cycles)));
                    // Tensor cores pad K to whole steps and run slots of padding
                    REQUIRE(at_most(run.macs + run.gated_macs, run.cycles * e.multipliers));
                    REQUIRE(hass::utilisation(run, e.multipliers) <= 1.0 + 1e-12);
                }
}

TEST_CASE("nothing is zero that is unmodelled", "[properties]") {
    for (const named_array& e : arrays()) {
        CAPTURE(e.name);
        if (e.area) CHECK(*e.area > 0.0);
        const auto run = e.run(rows[0], hass::independent_statistics(0.5, 0.5));
        CHECK(run.macs > 0.0);
        const auto energy = hass::energy(run, hass::energy_tables::sparse_tensor_core);
        if (run.memory) {
            CHECK(energy.total().value() > energy.compute.value());
        } else {
            CHECK_FALSE(energy.total());
            CHECK_FALSE(energy.dram);
        }
    }
}

TEST_CASE("impossible extents and statistics are named", "[properties]") {
    const auto s = hass::independent_statistics(0.5, 0.5);
    const auto fails = [&](const auto& engine, const std::string& expected) {
        CHECK_THROWS_WITH(engine.run(rows[0], s), Catch::Contains(expected));
    };
    fails(hass::dense_array{0, 4, 16}, "dense array: an extent of 0");
    fails(hass::dual_side_core{65}, "dual-side core: a tile of 65, at most 64");
    fails(hass::dual_side_core{32, 32, 0}, "dual-side core: an extent of 0");
    fails(hass::eyeriss_v2_pe{-1}, "Eyeriss v2 PE: an extent of -1");
    fails(hass::highlight{{4, 0}}, "HighLight: an extent of 0");
    fails(hass::sdpe_array{0}, "SDPE array: an extent of 0");
    fails(hass::hash_array{1, 0}, "hash array: an extent of 0");
    hass::layer_statistics wrong = s;
    wrong.activation_sparsity = std::nan("");
    for (const named_array& e : arrays())
        CHECK_THROWS_WITH(e.run(rows[0], wrong), Catch::Contains("activation_sparsity"));
    CHECK_THROWS_WITH(hass::pass<>{}.cycles(rows[0], wrong, {}),
                      Catch::Contains("activation_sparsity"));
}

namespace {

// Everything that can be seen of an engine on some rows and statistics.
template <hass::ArrayEngine E>
std::vector<double> seen(const E& e) {
    std::vector<double> all{static_cast<double>(e.multipliers()), e.area_mm2().value_or(-1.0)};
    for (const hass::layer_row& row : rows)
        for (const double s : {0.0, 0.5, 0.7, 0.8}) {
            const auto r = e.run(row, hass::independent_statistics(s, s / 2));
            all.insert(all.end(), {r.cycles, r.macs, r.gated_macs});
            if (r.memory)
                all.insert(all.end(), {r.memory->operand_register, r.memory->metadata_read,
                                       r.memory->buffer_read, r.memory->dram});
        }
    return all;
}

template <hass::ArrayEngine E, class Change>
void changes(E engine, const std::string& parameter, Change change) {
    const auto before = seen(engine);
    change(engine);
    CAPTURE(parameter);
    CHECK(seen(engine) != before);
}

}  // namespace

TEST_CASE("every parameter of every array changes something", "[properties]") {
    using hass::dense_array;
    changes(dense_array{}, "rows", [](auto& e) { e.rows *= 2; });
    changes(dense_array{}, "depth", [](auto& e) { e.depth *= 2; });
    changes(dense_array{}, "columns", [](auto& e) { e.columns *= 2; });

    const auto flexible = hass::tensor_cores::flexible;
    changes(flexible, "largest_h", [](auto& e) { e.largest_h = 6; });
    changes(flexible, "run_length_metadata", [](auto& e) { e.run_length_metadata = true; });
    changes(flexible, "compress_activations", [](auto& e) { e.compress_activations = true; });
    changes(flexible, "words_per_cycle", [](auto& e) { e.words_per_cycle = 20.0; });
    changes(flexible, "area", [](auto& e) { e.area = 1.0; });

    const hass::dual_side_core core;
    changes(core, "tile_a", [](auto& e) { e.tile_a = 16; });
    changes(core, "tile_b", [](auto& e) { e.tile_b = 16; });
    changes(core, "lanes_a", [](auto& e) { e.lanes_a = 4; });
    changes(core, "lanes_b", [](auto& e) { e.lanes_b = 8; });
    changes(core, "tiles_a", [](auto& e) { e.tiles_a = 2; });
    changes(core, "tiles_b", [](auto& e) { e.tiles_b = 2; });
    changes(core, "buffer_words", [](auto& e) { e.buffer_words = 20.0; });

    changes(hass::eyeriss_v2_pe{}, "macs_per_cycle", [](auto& e) { e.macs_per_cycle = 2; });

    auto deep = hass::highlight::of(pt::hss<pt::gh<4, 6>, pt::gh<2, 4>>{});
    changes(deep, "rank1", [](auto& e) { e.rank1.of = 8; });
    changes(deep, "rank0", [](auto& e) { e.rank0.of = 3; });
    changes(deep, "activations", [](auto& e) { e.activations = hass::zero_operand::skip; });
    changes(deep, "rows", [](auto& e) { e.rows = 8; });
    changes(deep, "columns", [](auto& e) { e.columns = 4; });
    changes(deep, "lanes1", [](auto& e) { e.lanes1 = 2; });
    changes(deep, "lanes0", [](auto& e) { e.lanes0 = 1; });
    changes(deep, "words_per_cycle", [](auto& e) { e.words_per_cycle = 10.0; });
    deep.activations = hass::zero_operand::skip;
    changes(deep, "skip_pairs", [](auto& e) { e.skip_pairs = 2; });

    const hass::sdpe_array sdpe;
    changes(sdpe, "engines", [](auto& e) { e.engines = 32; });
    changes(sdpe, "startup", [](auto& e) { e.startup = 5.0; });
    changes(sdpe, "generate_cycles", [](auto& e) { e.generate_cycles = 100.0; });
    changes(sdpe, "end", [](auto& e) { e.end = hass::merge_end::first_exhausted; });
    changes(sdpe, "words_per_cycle", [](auto& e) { e.words_per_cycle = 1.0; });

    const hass::hash_array hash;
    changes(hash, "units", [](auto& e) { e.units = 32; });
    changes(hash, "comparators", [](auto& e) { e.comparators = 4; });
}

TEST_CASE("pipeline engines: monotone, never faster than dense on dense data", "[properties]") {
    const hass::pass<> pass;
    const hass::sps sps;
    const hass::dense_dot<> dense;
    for (const hass::layer_row& row : rows) {
        const bool depthwise = row.groups > 1;
        for (const int out : {1, 4})
            for (const int macs : {1, 3, 9}) {
                hass::parallelism p{depthwise ? 1 : 8, depthwise ? 1 : out, 1, macs, 1};
                if (hass::single_tap(row)) p.vector = 16, p.macs = 16, p.in = 2;
                const hass::row_option c{p, hass::weight_memory::bram18, 0};
                const auto zero = hass::independent_statistics(0.0, 0.0);
                REQUIRE(dense.legal(row, p));
                CHECK(at_most(dense.cycles(row, zero, c), pass.cycles(row, zero, c)));
                double before = pass.cycles(row, zero, c);
                for (int tenths = 1; tenths <= 10; ++tenths) {
                    const double now =
                        pass.cycles(row, hass::independent_statistics(0.3, tenths / 10.0), c);
                    REQUIRE(at_most(now, before));
                    before = now;
                }
                if (macs > 4 || !sps.has_pattern(row)) continue;
                REQUIRE(sps.legal(row, p));
                hass::sps all_taps = sps;
                all_taps.keep = 9;
                CHECK(at_most(dense.cycles(row, zero, c), all_taps.cycles(row, zero, c)));
                CHECK(at_most(sps.cycles(row, zero, c), all_taps.cycles(row, zero, c)));
                for (int keep = macs; keep < 9; ++keep) {
                    hass::sps less = sps, more = sps;
                    less.keep = keep, more.keep = keep + 1;
                    CHECK(at_most(less.cycles(row, zero, c), more.cycles(row, zero, c)));
                }
            }
    }
}
