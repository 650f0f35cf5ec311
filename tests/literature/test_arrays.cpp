// Array engines against published cycles and energies, and against simulations of their masks.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/arrays/dual_side.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/arrays/eyeriss_v2.hpp>
#include <hass/engine/arrays/tensor_core.hpp>

#include "draw.hpp"

namespace {

static_assert(hass::ArrayEngine<hass::dense_array> && hass::ArrayEngine<hass::tensor_core> &&
              hass::ArrayEngine<hass::eyeriss_v2_pe> && hass::ArrayEngine<hass::dual_side_core>);

nlohmann::json data(const std::string& name) {
    std::ifstream in(std::string(HASS_TEST_DATA) + "/" + name);
    REQUIRE(in);
    return nlohmann::json::parse(in);
}

nlohmann::json golden(const std::string& name) {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    if (folder == nullptr) return data(name);
    std::ifstream in(std::string(folder) + "/" + name);
    REQUIRE(in);
    return nlohmann::json::parse(in);
}

hass::layer_statistics densities(double weight, double activation) {
    return hass::independent_statistics(1.0 - weight, 1.0 - activation);
}

const std::vector<hass::tensor_core> family{
    hass::tensor_cores::dense, hass::tensor_cores::sparse, hass::tensor_cores::flexible,
    hass::tensor_cores::flexible_run_length, hass::tensor_cores::dual_compressed};

struct published_row {
    hass::layer_row row;
    hass::layer_statistics statistics;
    std::vector<double> cycles, uj;
};

std::vector<published_row> published_rows() {
    std::vector<published_row> all;
    const auto file = data("lit_tensor_cores.json");
    for (const auto& r : file["rows"]) {
        double weight = r["weight_density"];
        if (weight == 0.3333) weight = 1.0 / 3.0;
        all.push_back({hass::as_row(r["m"], r["k"], r["n"]),
                       densities(weight, r["activation_density"]), r["cycles"], r["uj"]});
    }
    return all;
}

double microjoules(const hass::tensor_core& engine, const published_row& p) {
    const auto& table = engine.largest_h == 2 ? hass::energy_tables::tensor_core
                                              : hass::energy_tables::sparse_tensor_core;
    return hass::energy(engine.run(p.row, p.statistics), table).total().value() * 1e-6;
}

}  // namespace

TEST_CASE("Eyeriss v2 PE: uniform cycles within one, actual cycles exact", "[arrays][golden]") {
    struct densities_of {
        std::string layer;
        double in, weight;
    };
    const std::vector<densities_of> published{
        {"L07", .73, .52}, {"L09", .86, .82}, {"L13", .83, .64}, {"L19", .61, .55},
        {"L21", .64, .60}, {"L23", .61, .70}, {"L25", .68, .65}, {"L27", .58, .30}};
    const hass::eyeriss_v2_pe pe;
    const auto layers = golden("eyeriss_v2_pe.json")["layers"];
    REQUIRE(layers.size() == published.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const auto& l = layers[i];
        REQUIRE(l["layer"] == published[i].layer);
        const hass::layer_row row = hass::as_row(l["filters"], l["channels"], l["positions"]);
        const double uniform_cycles =
            std::ceil(pe.run(row, densities(published[i].weight, published[i].in)).cycles);
        CHECK(std::abs(uniform_cycles - l["cycles_uniform_published"].get<double>()) <= 1.0);

        const auto nonzeros =
            hass::joint_nonzeros(l["nnz_activation_per_channel"].get<std::vector<int>>(),
                                 l["nnz_weight_per_channel"].get<std::vector<int>>());
        CHECK(nonzeros == l["cycles_actual_published"].get<std::int64_t>());
        // The same through the statistics of a layer.
        hass::layer_statistics measured;
        measured.pair_sparsity_padded =
            1.0 - static_cast<double>(nonzeros) / hass::as_matrix_product(row).macs();
        CHECK(std::llround(pe.run(row, measured).cycles) == nonzeros);
    }
    CHECK_THROWS_WITH(hass::joint_nonzeros(std::vector<int>{1}, std::vector<int>{}),
                      Catch::Contains("1 channels, weights of 0"));
}

TEST_CASE("tensor cores: 80 of 80 published cycle counts within 3", "[arrays]") {
    int counted = 0;
    for (const published_row& p : published_rows())
        for (std::size_t i = 0; i < family.size(); ++i, ++counted) {
            CAPTURE(i, p.row.out.channels, p.row.in.channels, p.statistics.weight_sparsity);
            CHECK(std::abs(family[i].run(p.row, p.statistics).cycles - p.cycles[i]) <= 3.0);
        }
    CHECK(counted == 80);
}

TEST_CASE("tensor cores: published energies", "[arrays]") {
    // Energy depends on what a mapper chose. With every operand loaded once 58 of 80 follow; the
    // others lie below the published value, by up to 16.1 %, and are listed in docs/engines.md.
    int exact = 0;
    double worst = 0.0;
    for (const published_row& p : published_rows())
        for (std::size_t i = 0; i < family.size(); ++i) {
            const double error = microjoules(family[i], p) / p.uj[i] - 1.0;
            exact += std::abs(error) <= 1e-3 ? 1 : 0;
            worst = std::max(worst, std::abs(error));
            CHECK(error <= 1e-3);
        }
    CHECK(exact == 58);
    CHECK(worst < 0.161);
    // M 512, K 256, N 1024, weights 2:4 on the sparse tensor core: 126.03 uJ
    const published_row stc{hass::as_row(512, 256, 1024), densities(0.5, 0.82), {}, {}};
    CHECK(microjoules(hass::tensor_cores::sparse, stc) == Approx(126.03).epsilon(1e-4));
}

TEST_CASE("tensor cores: what the bandwidth takes", "[arrays]") {
    const hass::layer_row row = hass::as_row(512, 3072, 1024);
    hass::tensor_core ideal = hass::tensor_cores::flexible;
    ideal.words_per_cycle.reset();
    const auto speed_up = [&](const hass::tensor_core& core) {
        return core.run(row, densities(1.0, 1.0)).cycles /
               core.run(row, densities(0.25, 1.0)).cycles;
    };
    CHECK(speed_up(ideal) == 4.0);
    CHECK(speed_up(hass::tensor_cores::flexible) == Approx(4.0 * 42 / 76));  // 2.21
}

TEST_CASE("dual-side core: the points of figure 13 within 15 %", "[arrays]") {
    const hass::dual_side_core core;
    const hass::layer_row row = hass::as_row(4096, 4096, 4096);
    const double dense = core.run(row, densities(1.0, 1.0)).cycles;
    CHECK(dense == Approx(4096.0 * 4096 * 4096 / 1024 * 1024 / 116));
    double published_dense = 0.0;
    const auto file = data("lit_dual_side.json");
    for (const auto& p : file["points"]) {
        const double latency = p["latency"];
        if (published_dense == 0.0) published_dense = latency;
        const double ratio = core.run(row, densities(p["a"], p["b"])).cycles / dense;
        CAPTURE(p["a"].get<double>(), p["b"].get<double>(), ratio, latency / published_dense);
        CHECK(ratio == Approx(latency / published_dense).epsilon(0.15));
    }
}

TEST_CASE("dual-side core: cycles of masks are those of a walk over tiles and lanes", "[arrays]") {
    std::uint64_t state = 5;
    hass::dual_side_core core;
    core.tile_a = 8, core.tile_b = 6, core.lanes_a = 3, core.lanes_b = 2;
    for (const double d_a : {0.0, 0.3, 1.0})
        for (const double d_b : {0.2, 0.9}) {
            const std::size_t m = 19, k = 7, n = 11;
            std::vector<bool> a(m * k), b(k * n);
            for (std::size_t i = 0; i < a.size(); ++i) a[i] = test::uniform(state) < d_a;
            for (std::size_t i = 0; i < b.size(); ++i) b[i] = test::uniform(state) < d_b;
            std::int64_t walked = 0;
            for (std::size_t i0 = 0; i0 < m; i0 += 8)
                for (std::size_t j0 = 0; j0 < n; j0 += 6)
                    for (std::size_t step = 0; step < k; ++step) {
                        std::vector<std::size_t> rows, columns;
                        for (std::size_t i = i0; i < std::min(m, i0 + 8); ++i)
                            if (a[i * k + step]) rows.push_back(i);
                        for (std::size_t j = j0; j < std::min(n, j0 + 6); ++j)
                            if (b[step * n + j]) columns.push_back(j);
                        for (std::size_t r = 0; r < rows.size(); r += 3)
                            for (std::size_t c = 0; c < columns.size(); c += 2) ++walked;
                    }
            CHECK(core.cycles(a, b, m, k, n) == walked);
        }
    CHECK_THROWS_WITH(core.cycles({true}, {}, 1, 1, 1), Catch::Contains("masks of 1 and 0"));
}

TEST_CASE("dual-side core: the mean is the mean over random masks", "[arrays]") {
    hass::dual_side_core core;
    core.buffer_words.reset();
    std::uint64_t state = 6;
    for (const double d : {0.1, 0.5, 0.85}) {
        const std::size_t m = 64, k = 600, n = 64;
        std::vector<bool> a(m * k), b(k * n);
        for (std::size_t i = 0; i < a.size(); ++i) a[i] = test::uniform(state) < d;
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = test::uniform(state) < 0.6;
        const double mean = core.run(hass::as_row(64, 600, 64), densities(d, 0.6)).cycles;
        CHECK(static_cast<double>(core.cycles(a, b, m, k, n)) == Approx(mean).epsilon(0.03));
    }
    CHECK(hass::detail::expected_rounds(4, 0.5, 2) == (4 * 1 + 6 * 1 + 4 * 2 + 1 * 2) / 16.0);
}

TEST_CASE("dual-side core: how far figure 15 is from both tile shapes", "[arrays]") {
    for (const published_row& p : published_rows()) {
        const auto error = [&](const hass::dual_side_core& core) {
            REQUIRE(core.multipliers() == 1024);
            return core.run(p.row, p.statistics).cycles / p.cycles[5] - 1.0;
        };
        const double tall = error(hass::dual_side_cores::four_tall);
        const double wide = error(hass::dual_side_cores::four_wide);
        CHECK((tall > -0.181 && tall < 0.344));
        CHECK((wide > -0.187 && wide < 0.445));
        // Where nothing of the weights is skipped and activations are dense, the tall form is
        // exact.
        if (p.statistics.weight_sparsity == 0.0 && p.statistics.activation_sparsity < 0.2)
            CHECK(std::abs(tall) < 1e-3);
    }
}

TEST_CASE("unknown prices and uncounted accesses make no energy", "[arrays]") {
    const hass::layer_row row = hass::as_row(64, 64, 64);
    const auto s = densities(0.5, 0.5);
    const auto pe =
        hass::energy(hass::eyeriss_v2_pe{}.run(row, s), hass::energy_tables::eyeriss_v2_pe);
    CHECK(pe.compute == Approx(64 * 64 * 64 * 0.25 * 0.5608).epsilon(1e-12));
    CHECK_FALSE(pe.total());
    const auto run = hass::tensor_cores::sparse.run(row, s);
    CHECK(hass::energy(run, hass::energy_tables::sparse_tensor_core).total());
    CHECK_FALSE(hass::energy(run, hass::energy_tables::tensor_core).total());  // no metadata price
    hass::energy_table own{};
    CHECK_FALSE(hass::energy(run, own).compute);
    own.mac = 2.0;
    CHECK(hass::energy(run, own).compute == run.macs * 2.0);
    CHECK(hass::edp(2e6, 3.0) == Approx(6.0));
    CHECK(hass::ed2p(2e6, 3.0) == Approx(18.0));
    CHECK(hass::microseconds(500.0, 250.0) == 2.0);
}
