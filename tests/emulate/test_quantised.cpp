// Quantised files against integers computed here, and metrics in runs: the evaluator as the
// emulator, early ends, what is refused.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <hass/emulate/evaluator.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/workload/onnx.hpp>
#include <random>
#include <string>
#include <vector>

#include "../workload/onnx_writer.hpp"
#include "networks.hpp"

using Catch::Matchers::Contains;
using writer::graph;

namespace {

/// A tensor of 8-bit or 32-bit integers as raw_data.
template <class T>
std::string integers_of(std::string_view name, const std::vector<std::int64_t>& dims, int type,
                        const std::vector<T>& values) {
    std::string out;
    protozero::pbf_writer t(out);
    for (const std::int64_t d : dims) t.add_int64(1, d);
    t.add_int32(2, type);
    t.add_string(8, std::string(name));
    t.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    return out;
}

constexpr int uint8_type = 2, int8_type = 3, int32_type = 6;
constexpr std::size_t image_count = 5, quantised_channels = 3, filter_count = 4, pixel_count = 6;

/// A 1x1 convolution of integers: levels of the data, weights, sums and answers, computed here.
struct integer_layer {
    std::mt19937 draw{5};
    float x_scale = 0.05F, y_scale = 0.37F;
    std::uint8_t x_zero = 100, y_zero = 128;
    std::vector<float> w_scale{0.01F, 0.02F, 0.03F, 0.5F};
    std::vector<std::int8_t> w;
    std::vector<std::int32_t> bias;
    std::vector<float> x;

    integer_layer() {
        for (std::size_t i = 0; i < filter_count * quantised_channels; ++i)
            w.push_back(static_cast<std::int8_t>(static_cast<int>(draw() % 256) - 128));
        for (std::size_t f = 0; f < filter_count; ++f)
            bias.push_back(static_cast<std::int32_t>(draw() % 2001) - 1000);
        for (std::size_t i = 0; i < image_count * quantised_channels * pixel_count; ++i)
            x.push_back(static_cast<float>(draw() % 4001) * 0.005F - 10.0F);
    }

    /// As onnxruntime's integer kernels: sums of levels, requantised once.
    std::vector<float> answers() const {
        std::vector<float> out;
        for (std::size_t n = 0; n < image_count; ++n)
            for (std::size_t f = 0; f < filter_count; ++f)
                for (std::size_t p = 0; p < pixel_count; ++p) {
                    std::int64_t sum = bias[f];
                    for (std::size_t c = 0; c < quantised_channels; ++c) {
                        // divided in float32, as there: it decides what lies half-way
                        const float level = std::clamp(
                            std::nearbyint(x[(n * quantised_channels + c) * pixel_count + p] /
                                           x_scale) +
                                static_cast<float>(x_zero),
                            0.0F, 255.0F);
                        sum += (static_cast<std::int64_t>(level) - x_zero) *
                               w[f * quantised_channels + c];
                    }
                    const double wide = static_cast<double>(sum) * double{x_scale} *
                                        double{w_scale[f]} / double{y_scale};
                    const double level =
                        std::clamp(std::nearbyint(wide) + y_zero, 0.0, 255.0) - y_zero;
                    out.push_back(static_cast<float>(level * double{y_scale}));
                }
        return out;
    }

    hass::image_set inputs() const {
        return hass::to_images(
            hass::make_npy({image_count, quantised_channels, 2, 3}, std::span<const float>(x)));
    }

    void constants(graph& g) const {
        g.input({0, 3, 2, 3});
        g.weight("xs", {}, {x_scale}).weight("ys", {}, {y_scale}).weight("ws", {4}, w_scale);
        g.initializer(integers_of<std::uint8_t>("xz", {}, uint8_type, {x_zero}));
        g.initializer(integers_of<std::uint8_t>("yz", {}, uint8_type, {y_zero}));
        g.initializer(integers_of<std::int8_t>("wz", {4}, int8_type, {0, 0, 0, 0}));
        g.initializer(integers_of<std::int8_t>("w", {4, 3, 1, 1}, int8_type, w));
        g.initializer(integers_of<std::int32_t>("b", {4}, int32_type, bias));
        g.node("QuantizeLinear", "xq", {"x", "xs", "xz"});
    }
};

void require_bit_true(const integer_layer& layer, const graph& g) {
    const hass::model m = hass::parse_onnx(g.file(), "q.onnx");
    for (const hass::layer_row& row : m.net.rows)
        if (hass::is_compute(row)) {
            CHECK(row.weight_bits == 8);
            CHECK(row.data_bits == 8);
        }
    const std::vector<float> answers = hass::emulator(m).logits(layer.inputs());
    const std::vector<float> right = layer.answers();
    REQUIRE(answers.size() == right.size());
    for (std::size_t i = 0; i < right.size(); ++i)
        REQUIRE(std::abs(answers[i] - right[i]) < 0.01F * layer.y_scale);  // the same level
}

}  // namespace

TEST_CASE("QDQ and QLinearConv give the levels of integer kernels", "[quantised]") {
    const integer_layer layer;
    graph fused;
    layer.constants(fused);
    fused.node("QLinearConv", "yq", {"xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"});
    fused.node("DequantizeLinear", "y", {"yq", "ys", "yz"});
    require_bit_true(layer, fused);

    graph apart;
    layer.constants(apart);
    apart.node("DequantizeLinear", "xd", {"xq", "xs", "xz"});
    apart.node("DequantizeLinear", "wd", {"w", "ws", "wz"}, {{"axis", std::int64_t{0}}});
    std::vector<float> bias;
    for (std::size_t f = 0; f < filter_count; ++f)
        bias.push_back(static_cast<float>(layer.bias[f]) * layer.x_scale * layer.w_scale[f]);
    apart.weight("bd", {4}, bias).node("Conv", "c", {"xd", "wd", "bd"});
    apart.node("QuantizeLinear", "yq", {"c", "ys", "yz"});
    apart.node("DequantizeLinear", "y", {"yq", "ys", "yz"});
    require_bit_true(layer, apart);
}

TEST_CASE("what is quantised otherwise than it is used is refused by name", "[quantised]") {
    const integer_layer layer;
    const auto message = [](const graph& g) {
        try {
            hass::parse_onnx(g.file(), "q.onnx");
        } catch (const hass::error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    graph other;
    layer.constants(other);
    other.node("DequantizeLinear", "d", {"xq", "ys", "xz"}).node("Relu", "r", {"d"});
    CHECK_THAT(message(other), Contains("'DequantizeLinear' (node 'd')") && Contains("requantise"));
    graph ends;
    layer.constants(ends);
    CHECK_THAT(message(ends), Contains("DequantizeLinear behind"));
    graph channelwise;
    layer.constants(channelwise);
    channelwise.weight("cs", {3}, {1, 2, 3}).node("QuantizeLinear", "q", {"x", "cs"});
    channelwise.node("Relu", "r", {"q"});
    CHECK_THAT(message(channelwise), Contains("one scale a channel"));
    graph nothing;
    nothing.weight("zero", {}, {0})
        .node("QuantizeLinear", "q", {"x", "zero"})
        .node("Relu", "r", {"q"});
    CHECK_THAT(message(nothing), Contains("a scale of 0"));
}

TEST_CASE("QONNX: Quant and BipolarQuant of weights and data", "[quantised]") {
    const std::string domain = "qonnx.custom_op.general";
    graph g;
    g.input({0, 3, 1, 1});
    g.weight("s", {}, {0.25F}).weight("z", {}, {0}).weight("b", {}, {3}).weight("b8", {}, {8});
    g.weight("half", {}, {0.5F});
    g.weight("w", {2, 3, 1, 1}, {0.9F, -0.36F, 0.1F, -2.0F, 0.375F, 0.125F});
    g.node("Quant", "wq", {"w", "s", "z", "b"}, {{"narrow", std::int64_t{1}}}, {}, domain);
    g.node("Quant", "xq", {"x", "half", "z", "b8"}, {{"signed", std::int64_t{0}}}, {}, domain);
    g.node("Conv", "c", {"xq", "wq"});
    g.node("BipolarQuant", "y", {"c", "s"}, {}, {}, domain);
    const hass::model m = hass::parse_onnx(g.file(), "qonnx.onnx");
    // 3 signed bits, narrow: -3..3 quarters; halves to even
    const auto conv =
        static_cast<std::size_t>(std::find_if(m.net.rows.begin(), m.net.rows.end(),
                                              [](const auto& r) { return hass::is_compute(r); }) -
                                 m.net.rows.begin());
    CHECK(m.parameters[conv].weights ==
          std::vector<float>{0.75F, -0.25F, 0.0F, -0.75F, 0.5F, 0.0F});
    CHECK(m.net.rows[conv].weight_bits == 3);
    CHECK(m.net.rows[conv].data_bits == 8);
    // data: 1.3 -> 1.5, -4 -> 0, 300 -> 127.5
    const std::vector<float> x{1.3F, -4.0F, 300.0F};
    const std::vector<float> y = hass::emulator(m).logits(
        hass::to_images(hass::make_npy({1, 3, 1, 1}, std::span<const float>(x))));
    CHECK(y == std::vector<float>{0.25F, -0.25F});
}

namespace {

// Row `i` from the end.
const hass::layer_row& last_row(const hass::model& m, std::size_t i) {
    return m.net.rows[m.net.rows.size() - 1 - i];
}

// x on levels of 8 bits, convolved with weights of 4: what `behind` makes of that, named "y", on levels
// of 5 bits.
hass::model levels_behind(const std::function<void(graph&)>& behind, float scale = 0.3F,
                          float bias = 0.0F) {
    const std::string domain = "qonnx.custom_op.general";
    graph g;
    g.input({0, 4, 6, 6});
    g.weight("s", {}, {scale}).weight("z", {}, {0}).weight("b4", {}, {4}).weight("b8", {}, {8});
    g.weight("b5", {}, {5}).weight("w", {8, 4, 3, 3});
    g.node("Quant", "wq", {"w", "s", "z", "b4"}, {}, {}, domain);
    g.node("Quant", "xq", {"x", "s", "z", "b8"}, {}, {}, domain);
    g.weight("bias", {8}, std::vector<float>(8, bias)).node("Conv", "c", {"xq", "wq", "bias"});
    behind(g);
    g.node("Quant", "q", {"y", "s", "z", "b5"}, {}, {}, domain);
    return hass::parse_onnx(g.file(), "levels.onnx");
}

}  // namespace

TEST_CASE("what rounds to levels is built where sums become data, or multiplies", "[quantised]") {
    using hass::function_form;
    const auto behind = [](const char* op) {
        return levels_behind([op](graph& g) { g.node(op, "y", {"c"}); });
    };
    const hass::model relu = behind("Relu");
    CHECK(relu.net.rows[0].form == function_form::rescale);  // the image's
    CHECK(last_row(relu, 0).form == function_form::fused);
    CHECK(last_row(relu, 1).data_bits == 5);  // has what the convolution gives as levels
    const auto shifted = [](float scale, float bias = 0.0F) {
        return levels_behind([](graph& g) { g.node("Relu", "y", {"c"}); }, scale, bias)
            .net.rows.back();
    };
    CHECK(shifted(0.25F).form == function_form::wire);
    CHECK(shifted(0.25F).data_bits == 5);
    CHECK(shifted(0.75F).form == function_form::fused);
    CHECK(shifted(0.25F, 0.1875F).form == function_form::wire);  // three of the sums' sixteenths
    CHECK(shifted(0.25F, 0.1F).form == function_form::fused);  // sums that are no multiples of them
    CHECK(behind("Sigmoid").net.rows.back().form == function_form::wire);
    CHECK(behind("LeakyRelu").net.rows.back().form == function_form::rescale);
    CHECK(levels_behind([](graph& g) {
              g.node("Mul", "y", {"c", "c"});
          })
              .net.rows.back()
              .form == function_form::rescale);
    const hass::model twice = levels_behind([](graph& g) {  // the convolution's sums are read, too
        g.node("Relu", "r", {"c"}).node("LeakyRelu", "l", {"r"});
        g.node("Quant", "o", {"r", "s", "z", "b4"}, {}, {}, "qonnx.custom_op.general");
        g.node("Add", "y", {"l", "o"});
    });
    CHECK(std::count_if(twice.net.rows.begin(), twice.net.rows.end(),
                        [](const auto& r) { return r.form == function_form::rescale; }) == 2);
    CHECK(twice.net.rows.back().form == function_form::fused);  // by the addition
    const hass::model again = levels_behind([](graph& g) {
        g.node("Quant", "q5", {"c", "s", "z", "b5"}, {}, {}, "qonnx.custom_op.general");
        g.node("MaxPool", "y", {"q5"}, {{"kernel_shape", writer::ints({2, 2})}});
    });
    CHECK(last_row(again, 0).form == function_form::wire);
    CHECK(last_row(again, 1).data_bits == 5);
    CHECK(hass::stage_cycles(last_row(again, 0), {}) == 0.0);
    const hass::model wider = levels_behind([](graph& g) {
        g.node("Quant", "q8", {"c", "s", "z", "b8"}, {}, {}, "qonnx.custom_op.general");
        g.node("MaxPool", "y", {"q8"}, {{"kernel_shape", writer::ints({2, 2})}});
    });
    CHECK(last_row(wider, 0).form == function_form::rescale);  // saturates at fewer levels

    hass::layer_row row = relu.net.rows.back();
    const auto price = [&](function_form form, hass::requantise how) {
        row.form = form;
        return hass::calibrated{.requantisation = how}.stage(row, hass::parallelism{2, 1, 1, 1, 1},
                                                             {8, 8, 20});
    };
    for (const auto how : {hass::requantise::shift, hass::requantise::dsp, hass::requantise::rtl}) {
        CHECK(price(function_form::table, how).bram18 == 2.0);
        CHECK(price(function_form::wire, how) == hass::usage{});
        const hass::usage rescaled = price(function_form::rescale, how);
        CHECK((rescaled.bram18 == 0.0 && rescaled.dsp == 2.0 && rescaled.lut > 0.0));
        const bool lacks = how == hass::requantise::shift;
        CHECK(price(function_form::fused, how) == hass::usage{.dsp = lacks ? 2.0 : 0.0});
    }
}

TEST_CASE("widths of a file are those that its layers are priced at", "[quantised]") {
    const hass::model m = levels_behind([](graph& g) {
        g.node("MaxPool", "p", {"xq"}, {{"kernel_shape", writer::ints({3, 3})}});
        g.node("Add", "y", {"c", "p2"});
        g.weight("w2", {8, 4, 1, 1}).node("Conv", "p2", {"p", "w2"});
    });
    const hass::calibrated priced;
    for (const int own : {16, 8}) {
        const hass::dense_dot<> engine{priced, {own, own, 32}};
        for (const hass::layer_row& row : m.net.rows) {
            hass::layer_row bare = row;
            bare.weight_bits = bare.data_bits = 0;
            if (row.kind == hass::layer_kind::convolution && row.kernel_h == 3) {
                CHECK((row.weight_bits == 4 && row.data_bits == 8));
                // 36 products of 12 bits; weights of less than 8 are priced as 8
                const hass::row_option c = hass::parallelism{2, 4, 1, 9, 1};
                CHECK(engine.cost(row, c) == priced.dense(bare, c, {8, 8, 18}));
                CHECK(engine.cost(row, c).ff < engine.cost(bare, c).ff);
            } else if (row.kind == hass::layer_kind::convolution) {
                CHECK((row.weight_bits == 0 && row.data_bits == 8));
                const hass::row_option c = hass::parallelism{2, 4, 1, 1, 1};
                CHECK(engine.cost(row, c) == priced.dense(bare, c, {8, own, 32}));
            } else if (row.kind == hass::layer_kind::max_pool) {
                const hass::row_option c = hass::parallelism{2, 1, 1, 1, 1};
                CHECK(row.data_bits == 8);
                CHECK(engine.stage_cost(row, c, {}) == priced.stage(bare, c, {8, own, 32}));
            }
        }
    }
}

TEST_CASE("what leaves a row without weights is as wide as whoever reads it takes", "[quantised]") {
    const std::string domain = "qonnx.custom_op.general";
    const auto mean = [&](bool levels) {
        graph g;
        g.input({0, 4, 6, 6});
        g.weight("s", {}, {0.3F})
            .weight("z", {}, {0})
            .weight("b8", {}, {8})
            .weight("b12", {}, {12});
        g.node("Quant", "xq", {"x", "s", "z", "b8"}, {}, {}, domain);
        g.node("GlobalAveragePool", "p", {"xq"})
            .node("MaxPool", "m", {"p"}, {{"kernel_shape", writer::ints({1, 1})}});
        if (levels) g.node("Quant", "q", {"m", "s", "z", "b12"}, {}, {}, domain);
        g.weight("w", {5, 4, 1, 1}).node("Conv", "c", {levels ? "q" : "m", "w"});
        return hass::parse_onnx(g.file(), "mean.onnx").net.rows;
    };
    const hass::row_option c = hass::parallelism{2, 1, 1, 1, 1};
    for (const auto how : {hass::requantise::shift, hass::requantise::dsp, hass::requantise::rtl})
        for (const bool levels : {false, true})
            for (const int own : {8, 16, 32}) {
                const auto rows = mean(levels);
                const auto row = std::find_if(rows.begin(), rows.end(), [](const auto& r) {
                    return r.kind == hass::layer_kind::global_average_pool;
                });
                REQUIRE(row != rows.end());
                CHECK(rows.back().data_bits == (levels ? 12 : 0));
                hass::layer_row bare = *row;
                bare.data_bits = 0, bare.widens = false;
                const hass::calibrated priced{.requantisation = how};
                const hass::dense_dot<> engine{priced, {own, own, 32}};
                INFO(own << (levels ? ", then levels" : ""));
                CHECK(engine.stage_cost(*row, c, {}) ==
                      priced.stage(bare, c, {levels ? 12 : own, own, 32}, {}));
            }
}

TEST_CASE("a metric judges runs of the evaluator as those of the emulator", "[metric]") {
    std::mt19937 bits(77);
    const hass::emulator network(test::small_network(bits));
    const hass::image_set given = test::float_images(bits, {3, 11, 12}, 64);
    hass::emulation_options options;
    options.threads = 2, options.batch = 4, options.statistics_images = 0;
    const std::vector<float> reference = network.logits(given, options);
    const std::size_t rows = network.network().size();
    const hass::metric same = hass::agreement(reference, network.layout());
    const hass::metric near = hass::fidelity(reference);
    const hass::metric whole = hass::whole_metric(
        {"first", "first", ""},
        [](std::span<const float> a, std::size_t) { return static_cast<double>(a[0]); });
    CHECK(network.run(given, same, hass::network_thresholds(rows), options).score() == 1.0);
    CHECK(network.run(given, near, hass::network_thresholds(rows), options).score() ==
          Approx(1.0).epsilon(1e-9));
    for (const hass::metric& judge : {same, near, whole}) {
        const hass::evaluator evaluate(network, given, judge, options, 1 << 20);
        for (const double tau : {0.0, 0.05, 0.2, 0.05}) {
            hass::network_thresholds t(rows);
            for (auto& each : t) each.weight = each.activation = tau;
            const hass::emulation run = evaluate.run(t);
            CHECK(run.images == given.count);
            CHECK(run.score() == network.run(given, judge, t, options).score());
            CHECK(evaluate.accuracy(t) == run.score());
        }
    }
    // far beyond the limit a run ends early and says so; near it the score is that of all images
    hass::evaluator evaluate(network, given, same, options);
    evaluate.limit({0.95, 0.05, false, 8, 1});
    hass::network_thresholds t(rows);
    for (auto& each : t) each.weight = 10.0;
    const hass::emulation bad = evaluate.run(t);
    CHECK(bad.verdict == hass::limit_verdict::missed);
    CHECK(bad.images < given.count);
    CHECK(bad.score() < 0.95);
    const hass::emulation good = evaluate.run(hass::network_thresholds(rows));
    CHECK(good.verdict == hass::limit_verdict::met);
    CHECK(good.score() == 1.0);
    hass::evaluator of_all(network, given, whole, options);
    CHECK_THROWS_WITH(of_all.limit({0.5, 0.05}), Contains("'first' is no mean over images"));
}
