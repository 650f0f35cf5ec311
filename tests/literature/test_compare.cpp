// Comparison of engines: projected networks, folded arrays, storage and fronts, each recomputed.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/compare/compare.hpp>
#include <hass/device/boards.hpp>
#include <hass/engine/arrays/folded_array.hpp>
#include <hass/engine/arrays/highlight.hpp>
#include <hass/engine/arrays/tensor_core.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/patterns/coarse.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/sps.hpp>

#include "draw.hpp"

namespace {

namespace p = hass::patterns;

static_assert(hass::ArrayEngine<hass::folded_array<hass::dense_dot<>, hass::all_pairs>>);

float signed_uniform(std::uint64_t& state) {
    return static_cast<float>(test::uniform(state) * 2.0 - 1.0);
}

// 2x6x6 -> conv3x3 8 -> relu -> conv1x1 16 -> relu -> global pool -> linear 5, random weights
hass::model small_model() {
    using hass::layer_kind;
    hass::model m;
    hass::layer_row first;
    first.in = {2, 6, 6}, first.out = {8, 6, 6};
    first.kernel_h = first.kernel_w = 3;
    first.pad_top = first.pad_left = first.pad_bottom = first.pad_right = 1;
    hass::layer_row relu1;
    relu1.kind = layer_kind::relu, relu1.in = relu1.out = first.out;
    hass::layer_row second;
    second.in = first.out, second.out = {16, 6, 6};
    hass::layer_row relu2;
    relu2.kind = layer_kind::relu, relu2.in = relu2.out = second.out;
    hass::layer_row pool;
    pool.kind = layer_kind::global_average_pool, pool.in = second.out, pool.out = {16, 1, 1};
    hass::layer_row last;
    last.kind = layer_kind::linear, last.in = {16, 1, 1}, last.out = {5, 1, 1};
    m.net.rows = {first, relu1, second, relu2, pool, last};
    m.net.edges = {{-1, 0}, {0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
    m.net.names = {"first", "relu1", "second", "relu2", "pool", "last"};
    std::uint64_t state = 41;
    for (const hass::layer_row& row : m.net.rows) {
        hass::layer_parameters parameters;
        parameters.weights.resize(static_cast<std::size_t>(hass::weight_count(row)));
        for (float& w : parameters.weights) w = signed_uniform(state);
        m.parameters.push_back(parameters);
    }
    return m;
}

hass::image_set small_images(std::size_t count) {
    std::uint64_t state = 42;
    hass::npy_array pixels;
    pixels.type = hass::npy_type::f4;
    pixels.shape = {static_cast<decltype(pixels.shape)::value_type>(count), 2, 6, 6};
    std::vector<float> values(count * 72);
    for (float& x : values) x = signed_uniform(state);
    pixels.bytes.resize(values.size() * sizeof(float));
    std::memcpy(pixels.bytes.data(), values.data(), pixels.bytes.size());
    return hass::to_images(std::move(pixels));
}

}  // namespace

TEST_CASE("a contender's network is the projected one, as emulated", "[compare]") {
    const hass::model m = small_model();
    const hass::image_set images = small_images(40);
    std::vector<int> labels(40);
    std::uint64_t state = 43;
    for (int& l : labels) l = static_cast<int>(test::draw(state) % 5);
    const auto source = hass::emulated(m, images, labels);
    const auto pattern = hass::make_pattern("1:4", p::gh<1, 4>{}, 4);
    CHECK_FALSE(pattern.takes(m.net.rows[0]));  // two channels only
    CHECK_FALSE(pattern.takes(m.net.rows[1]));
    CHECK(pattern.takes(m.net.rows[2]));

    hass::model by_hand = m;
    p::gh<1, 4>::project({16, 8, 1}, by_hand.parameters[2].weights);
    p::gh<1, 4>::project({5, 16, 1}, by_hand.parameters[5].weights);
    const auto expected = hass::emulator(by_hand).run(images, labels, hass::network_thresholds(6));
    const hass::pruned_network pruned = source(pattern);
    CHECK(pruned.accuracy == expected.top1_accuracy());
    for (const std::size_t i : {0U, 2U, 5U}) {
        CHECK(pruned.statistics[i].weight_sparsity == (i == 0 ? 0.0 : 0.75));
        CHECK(pruned.statistics[i].pair_sparsity_padded ==
              expected.statistics[i].pair_sparsity_padded);
    }
    CHECK(source(hass::unpruned()).statistics[2].weight_sparsity == 0.0);

    // 8-bit words: the first layer dense, the others 1 of 4 with 2 bits each
    CHECK(hass::storage_bits(m.net, pattern, 8) == 144 * 8 + 32 * 10 + 20 * 10);
    CHECK(hass::storage_bits(m.net, hass::unpruned(), 8) == (144 + 128 + 80) * 8);
}

TEST_CASE("an array contender adds up its layers", "[compare]") {
    const hass::model m = small_model();
    const auto source = hass::assumed(m.net, {0.0, 0.5, 0.25});
    const auto pattern = hass::make_pattern("2:4", p::gh<2, 4>{}, 4);
    const std::vector<hass::contender> list{
        hass::array_contender("dense", hass::tensor_cores::dense, hass::unpruned(), 500.0,
                              hass::energy_tables::tensor_core),
        hass::array_contender("2:4", hass::tensor_cores::sparse, pattern, 500.0),
        hass::array_contender("HighLight", hass::highlight{}, hass::unpruned(), 500.0)};
    const auto result = hass::compare(m.net, list, source, 16);
    REQUIRE(result.size() == 3);
    double cycles = 0.0, pj = 0.0;
    const double weights[]{0.0, 0.5, 0.5}, activations[]{0.0, 0.5, 0.25};
    const std::size_t rows[]{0, 2, 5};
    for (int i = 0; i < 3; ++i) {
        const auto run = hass::tensor_cores::sparse.run(
            m.net.rows[rows[i]], hass::independent_statistics(weights[i], activations[i]));
        cycles += run.cycles;
        pj += *hass::energy(run, hass::energy_tables::sparse_tensor_core).total();
    }
    CHECK(result[1].achieved.cycles == cycles);
    CHECK(result[1].achieved.images_per_second == Approx(500e6 / cycles));
    CHECK(result[1].edp.value() == Approx(pj * 1e-6 * cycles / 500.0));
    CHECK(result[1].compute_edp.value() < result[1].edp.value());
    CHECK_FALSE(result[2].edp);
    CHECK(result[2].compute_edp);
    CHECK_FALSE(result[1].accuracy);
    CHECK(result[0].storage_bits == 352 * 16);
    CHECK_THROWS_WITH(hass::assumed(m.net, {0.5}),
                      Catch::Contains("1 activation sparsities for 3"));
}

TEST_CASE("a board contender is the optimal allocation", "[compare]") {
    const hass::model m = small_model();
    const auto source = hass::assumed(m.net, {0.0, 0.5, 0.25});
    const std::vector<hass::contender> list{hass::board_contender(
        "SPE", hass::sparse_dot<>{}, hass::boards::zedboard{}, hass::unpruned())};
    const auto result = hass::compare(m.net, list, source);
    const auto best = hass::allocate(m.net, source(hass::unpruned()).statistics,
                                     hass::sparse_dot<>{}, hass::boards::zedboard{});
    CHECK(result[0].achieved.images_per_second == best.estimate.images_per_second);
    CHECK(result[0].achieved.cost == best.estimate.total);
    CHECK_FALSE(result[0].achieved.compute_pj);
    CHECK(result[0].on_throughput_front);
    CHECK_FALSE(result[0].on_edp_front);

    hass::device tiny = hass::boards::zedboard::value;
    tiny.budget.dsp = 1;
    const std::vector<hass::contender> none{
        hass::board_contender("SPE", hass::sparse_dot<>{}, tiny, hass::unpruned())};
    CHECK_THROWS_WITH(hass::compare(m.net, none, source), Catch::Contains("DSP"));
}

TEST_CASE("fronts hold what no other entry beats", "[compare]") {
    const hass::model m = small_model();
    // Accuracies and speeds by name: a beats b; c is slower and better; d has no energy
    struct made {
        std::string name;
        double accuracy, images_per_second;
        std::optional<double> pj;
    };
    const std::vector<made> entries{{"a", 0.8, 100.0, 50.0},
                                    {"b", 0.8, 90.0, 40.0},
                                    {"c", 0.9, 50.0, 500.0},
                                    {"d", 0.5, 400.0, {}},
                                    {"e", 0.9, 50.0, 500.0}};
    std::vector<hass::contender> list;
    for (const made& e : entries) {
        auto pattern = hass::unpruned();
        pattern.name = e.name;
        list.push_back({e.name, pattern, [e](const auto&, const auto&) {
                            hass::performance p;
                            p.images_per_second = e.images_per_second;
                            p.compute_pj = e.pj;
                            return p;
                        }});
    }
    const auto result = hass::compare(m.net, list, [&](const hass::weight_pattern& w) {
        hass::pruned_network n{hass::network_statistics(6), {}};
        for (const made& e : entries)
            if (e.name == w.name) n.accuracy = e.accuracy;
        return n;
    });
    const std::vector<bool> fast{true, false, true, true, true};
    // EDP: a 50/100, b 40/90 (less), c 500/50
    const std::vector<bool> frugal{false, true, true, false, true};
    for (std::size_t i = 0; i < result.size(); ++i) {
        CAPTURE(result[i].name);
        CHECK(result[i].on_throughput_front == fast[i]);
        CHECK(result[i].on_edp_front == frugal[i]);
    }
}

TEST_CASE("a folded array is the fastest folding that its multipliers allow", "[compare]") {
    hass::layer_row row;
    row.in = {16, 8, 8}, row.out = {24, 8, 8};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    const auto s = hass::independent_statistics(0.5, 0.5);
    for (const int size : {1, 10, 100, 1024}) {
        const hass::sparse_dot<> spe;
        double best = std::numeric_limits<double>::infinity();
        for (const int in : {1, 2, 4, 8, 16})
            for (const int out : {1, 2, 3, 4, 6, 8, 12, 24})
                for (int macs = 1; macs <= 9; ++macs)
                    if (in * out * macs <= size)
                        best = std::min(best, spe.cycles(row, s, {{in, out, 1, macs, 1}}));
        const auto run = hass::fold(spe, hass::surviving_pairs{}, size).run(row, s);
        CHECK(run.cycles == Approx(best));
        CHECK(run.macs == Approx(16.0 * 24 * 9 * 64 * 0.25));
        CHECK(hass::utilisation(run, size) <= 1.0);
    }
    // Nor does PASS do more than its multipliers can, at any sparsity.
    for (int tenths = 0; tenths <= 10; ++tenths) {
        const auto activations = hass::independent_statistics(0.0, tenths / 10.0);
        for (const int size : {8, 64, 1024}) {
            const auto pass = hass::fold(hass::pass<>{}, hass::activation_pairs{}, size);
            CHECK(hass::utilisation(pass.run(row, activations), size) <= 1.0 + 1e-12);
        }
    }
    const auto dense = hass::fold(hass::dense_dot<>{}, hass::all_pairs{}, 64).run(row, s);
    CHECK(dense.cycles >= static_cast<double>(hass::mac_count(row)) / 64);
    const hass::sps periodic{9, 4, 8};
    CHECK(periodic.macs(row) * 9 == static_cast<double>(hass::mac_count(row)) * 4);
    CHECK(hass::activation_pairs{}(row, s) == static_cast<double>(hass::mac_count(row)) / 2);
}
