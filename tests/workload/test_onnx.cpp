// The ONNX loader, operator by operator, on files written here.

#include "onnx_writer.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <hass/files/whole_file.hpp>
#include <hass/workload/onnx.hpp>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using Catch::Matchers::Contains;
using hass::layer_kind;
using hass::shape;
using writer::graph;
using writer::ints;

namespace {

hass::model load(const graph& g) {
    return hass::parse_onnx(g.file(), "test.onnx");
}

std::string message(const graph& g) {
    try {
        load(g);
    } catch (const hass::error& e) {
        CHECK_THAT(e.what(), Catch::Matchers::StartsWith("test.onnx: "));
        CHECK(std::string(e.what()).find('\n') == std::string::npos);
        return e.what();
    }
    return "";
}

std::vector<layer_kind> kinds(const hass::model& m) {
    std::vector<layer_kind> out;
    for (const hass::layer_row& row : m.net.rows) out.push_back(row.kind);
    return out;
}

using kind_list = std::vector<layer_kind>;

/// x -> Conv "conv" with `filters` 3x3 filters, padding 1.
graph conv3x3(std::int64_t opset = 13, std::int64_t filters = 4) {
    graph g(opset);
    g.weight("conv.weight", {filters, 3, 3, 3}).weight("conv.bias", {filters});
    g.node("Conv", "conv", {"x", "conv.weight", "conv.bias"}, {{"pads", ints({1, 1, 1, 1})}});
    return g;
}

}  // namespace

TEST_CASE("Conv: strides, pads, dilations, groups", "[onnx]") {
    graph g;
    g.input({0, 4, 9, 8}).weight("w.weight", {6, 2, 3, 2});
    g.node("Conv", "c", {"x", "w.weight"},
           {{"kernel_shape", ints({3, 2})},
            {"strides", ints({2, 1})},
            {"pads", ints({1, 0, 2, 1})},
            {"dilations", ints({2, 3})},
            {"group", std::int64_t{2}}});
    const hass::model m = load(g);
    REQUIRE(m.net.rows.size() == 1);
    const hass::layer_row& r = m.net.rows[0];
    CHECK(r.kind == layer_kind::convolution);
    CHECK(r.in == shape{4, 9, 8});
    CHECK(r.out == shape{6, 4, 6});
    CHECK(std::vector{r.kernel_h, r.kernel_w, r.stride_h, r.stride_w} == std::vector{3, 2, 2, 1});
    CHECK(std::vector{r.pad_top, r.pad_left, r.pad_bottom, r.pad_right} == std::vector{1, 0, 2, 1});
    CHECK(std::vector{r.dilation_h, r.dilation_w, r.groups} == std::vector{2, 3, 2});
    CHECK_FALSE(r.bias);
    CHECK(m.parameters[0].weights.size() == 6 * 2 * 3 * 2);
    CHECK(m.parameters[0].weights[1] == 0.75F);
    CHECK(m.net.names[0] == "c");
    CHECK(m.source == "test.onnx");
    CHECK(m.net.edges == std::vector<hass::edge>{{-1, 0}});
}

TEST_CASE("Conv: auto_pad", "[onnx]") {
    const auto padded = [](const std::string& mode, std::int64_t extent, std::int64_t kernel,
                           std::int64_t stride) {
        graph g;
        g.input({1, 1, extent, extent}).weight("w", {1, 1, kernel, kernel});
        g.node("Conv", "c", {"x", "w"}, {{"auto_pad", mode}, {"strides", ints({stride, stride})}});
        return load(g).net.rows[0];
    };
    const hass::layer_row upper = padded("SAME_UPPER", 8, 3, 2);
    CHECK(std::vector{upper.pad_top, upper.pad_left, upper.pad_bottom, upper.pad_right} ==
          std::vector{0, 0, 1, 1});
    CHECK(upper.out == shape{1, 4, 4});
    const hass::layer_row lower = padded("SAME_LOWER", 8, 3, 2);
    CHECK(std::vector{lower.pad_top, lower.pad_bottom} == std::vector{1, 0});
    CHECK(padded("SAME_UPPER", 7, 1, 3).out == shape{1, 3, 3});
    CHECK(padded("VALID", 8, 3, 2).out == shape{1, 3, 3});
    CHECK(padded("NOTSET", 8, 3, 1).out == shape{1, 6, 6});
    graph g;
    g.input({1, 1, 4, 4}).weight("w", {1, 1, 3, 3});
    g.node("Conv", "c", {"x", "w"}, {{"auto_pad", std::string("MAYBE")}});
    CHECK_THAT(message(g), Contains("auto_pad 'MAYBE'"));
}

TEST_CASE("Conv: what does not fit is named", "[onnx]") {
    const auto with = [](const std::vector<std::int64_t>& dims, writer::attributes a,
                         std::vector<std::int64_t> input = {1, 4, 8, 8}) {
        graph g;
        g.input(input).weight("w", dims).node("Conv", "c", {"x", "w"}, std::move(a));
        return message(g);
    };
    CHECK_THAT(with({2, 3, 3, 3}, {}), Contains("operator 'Conv' (node 'c')") &&
                                           Contains("[2,3,3,3]") && Contains("N x 4 x 8 x 8"));
    CHECK_THAT(with({2, 4, 3}, {}), Contains("[2,4,3]") && Contains("N x 4 x 8 x 8"));
    CHECK_THAT(with({2, 4, 1, 1, 1}, {}), Contains("3-dimensional"));
    CHECK_THAT(with({3, 2, 1, 1}, {{"group", std::int64_t{2}}}), Contains("2 groups"));
    CHECK_THAT(with({2, 4, 1, 1}, {{"group", std::int64_t{0}}}), Contains("0 groups"));
    CHECK_THAT(with({2, 4, 9, 9}, {}), Contains("does not fit into"));
    CHECK_THAT(with({2, 4, 3, 3}, {{"kernel_shape", ints({3, 5})}}), Contains("kernel_shape"));
    CHECK_THAT(with({2, 4, 3, 3}, {{"strides", ints({0, 1})}}), Contains("'strides' holds 0"));
    CHECK_THAT(with({2, 4, 3, 3}, {{"strides", ints({2})}}), Contains("'strides' has 1 values"));
    CHECK_THAT(with({2, 4, 3, 3}, {{"pads", ints({-1, 0, 0, 0})}}), Contains("'pads' holds -1"));
    CHECK_THAT(with({2, 4, 3, 3}, {{"pads", ints({1LL << 40, 0, 0, 0})}}), Contains("outside"));
    CHECK_THAT(with({0, 4, 3, 3}, {}), Contains("[0,4,3,3]"));
    CHECK_THAT(with({2, 4, 3, 3}, {}, {1, 4}), Contains("expects N x C x H x W"));
    graph bias = conv3x3();
    bias.weight("b2", {3}).node("Conv", "d", {"conv", "w2", "b2"}).weight("w2", {5, 4, 1, 1});
    CHECK_THAT(message(bias), Contains("bias of 3 values for 5 filters"));
    graph data = conv3x3();
    data.node("Conv", "d", {"conv", "x"});
    CHECK_THAT(message(data), Contains("the weight 'x' is not constant"));
}

TEST_CASE("Gemm and MatMul + Add are linear rows", "[onnx]") {
    const std::vector<float> w{1, 2, 3, 4, 5, 6};  // 2 x 3
    const std::vector<float> b{1, -1};
    const auto gemm = [&](bool trans, float alpha, float beta) {
        graph g;
        g.input({0, 3}).weight("fc.bias", {2}, b);
        if (trans)
            g.weight("fc.weight", {2, 3}, w);
        else
            g.weight("fc.weight", {3, 2}, {1, 4, 2, 5, 3, 6});
        g.node("Gemm", "", {"x", "fc.weight", "fc.bias"},
               {{"transB", std::int64_t{trans}}, {"alpha", alpha}, {"beta", beta}}, {"y"});
        return g;
    };
    for (const bool trans : {false, true}) {
        const hass::model m = load(gemm(trans, 1.0F, 1.0F));
        CHECK(kinds(m) == kind_list{layer_kind::linear});
        CHECK(m.net.names[0] == "fc");  // no node name: the weight's
        CHECK(m.net.rows[0].in == shape{3, 1, 1});
        CHECK(m.net.rows[0].out == shape{2, 1, 1});
        CHECK(m.net.rows[0].bias);
        CHECK(m.parameters[0].weights == w);
        CHECK(m.parameters[0].bias == b);
    }
    const hass::model scaled = load(gemm(true, 2.0F, 0.5F));
    CHECK(scaled.parameters[0].weights == std::vector<float>{2, 4, 6, 8, 10, 12});
    CHECK(scaled.parameters[0].bias == std::vector<float>{0.5F, -0.5F});
    CHECK_THAT(message(gemm(true, std::numeric_limits<float>::infinity(), 1.0F)),
               Contains("not finite"));

    graph matmul;
    matmul.input({0, 3}).weight("W", {3, 2}, {1, 4, 2, 5, 3, 6}).weight("B", {1, 2}, b);
    matmul.node("MatMul", "m", {"x", "W"}).node("Add", "a", {"B", "m"}).node("Relu", "r", {"a"});
    const hass::model m = load(matmul);
    CHECK(kinds(m) == kind_list{layer_kind::linear, layer_kind::relu});
    CHECK(m.parameters[0].weights == w);
    CHECK(m.parameters[0].bias == b);
    CHECK(m.net.rows[0].bias);

    graph bad;
    bad.input({0, 3}).weight("W", {2, 4}).node("Gemm", "g", {"x", "W"});
    CHECK_THAT(message(bad), Contains("[2,4]") && Contains("N x 3"));
    graph turned;
    turned.input({0, 3}).weight("W", {3, 4});
    turned.node("Gemm", "g", {"x", "W"}, {{"transA", std::int64_t{1}}});
    CHECK_THAT(message(turned), Contains("transA"));
    graph map = conv3x3();
    map.weight("W", {4, 4}).node("Gemm", "g", {"conv", "W"});
    CHECK_THAT(message(map), Contains("Flatten"));
}

TEST_CASE("BatchNormalization is folded into what is before it", "[onnx]") {
    const auto norm = [](graph g, const std::string& from, std::int64_t channels) {
        std::vector<float> scale, shift, mean, variance;
        for (std::int64_t c = 0; c < channels; ++c) {
            scale.push_back(1.0F + static_cast<float>(c));
            shift.push_back(0.5F * static_cast<float>(c));
            mean.push_back(-1.0F);
            variance.push_back(4.0F);
        }
        g.weight("s", {channels}, scale).weight("b", {channels}, shift);
        g.weight("m", {channels}, mean).weight("v", {channels}, variance);
        g.node("BatchNormalization", "bn", {from, "s", "b", "m", "v"}, {{"epsilon", 0.0F}});
        return g;
    };
    const hass::model plain = load(conv3x3());
    const hass::model folded = load(norm(conv3x3(), "conv", 4).node("Relu", "relu", {"bn"}));
    REQUIRE(kinds(folded) == kind_list{layer_kind::convolution, layer_kind::relu});
    for (std::size_t f = 0; f < 4; ++f) {
        const float scale = (1.0F + static_cast<float>(f)) / 2.0F;
        CHECK(folded.parameters[0].bias[f] ==
              Approx(scale * plain.parameters[0].bias[f] + 0.5F * static_cast<float>(f) + scale));
        for (std::size_t i = 0; i < 27; ++i)
            CHECK(folded.parameters[0].weights[27 * f + i] ==
                  Approx(scale * plain.parameters[0].weights[27 * f + i]));
    }
    // alone, it is a depthwise 1x1 convolution
    const hass::model alone = load(norm(graph(), "x", 3));
    REQUIRE(kinds(alone) == kind_list{layer_kind::convolution});
    CHECK(alone.net.rows[0].groups == 3);
    CHECK(alone.net.rows[0].bias);
    CHECK(alone.net.names[0] == "bn");
    CHECK(alone.parameters[0].weights == std::vector<float>{0.5F, 1.0F, 1.5F});
    CHECK(alone.parameters[0].bias == std::vector<float>{0.5F, 1.5F, 2.5F});
    // a convolution that somebody else reads as well keeps its weights
    graph shared = norm(conv3x3(), "conv", 4);
    shared.node("Add", "sum", {"bn", "conv"});
    const hass::model both = load(shared);
    CHECK(kinds(both) ==
          kind_list{layer_kind::convolution, layer_kind::convolution, layer_kind::add});
    CHECK(both.parameters[0].weights == plain.parameters[0].weights);
    CHECK(both.net.edges == std::vector<hass::edge>{{-1, 0}, {0, 1}, {1, 2}, {0, 2}});
    CHECK_THAT(message(norm(conv3x3(), "conv", 5)),
               Contains("'BatchNormalization' (node 'bn')") && Contains("5 values for 4"));
    graph negative = conv3x3();
    negative.weight("s", {4}).weight("v", {4}, {1, 1, -1, 1});
    negative.node("BatchNormalization", "bn", {"conv", "s", "s", "s", "v"});
    CHECK_THAT(message(negative), Contains("variance of channel 2"));
}

TEST_CASE("constants added and multiplied are folded, or become a depthwise convolution",
          "[onnx]") {
    graph input;
    input.weight("mean", {1, 3, 1, 1}, {1, 2, 3}).weight("std", {3, 1, 1}, {2, 4, 8});
    input.node("Sub", "sub", {"x", "mean"}).node("Div", "div", {"sub", "std"});
    input.node("Relu", "relu", {"div"});
    const hass::model m = load(input);
    REQUIRE(kinds(m) == kind_list{layer_kind::convolution, layer_kind::relu});
    CHECK(m.net.names[0] == "div");
    CHECK(m.parameters[0].weights == std::vector<float>{0.5F, 0.25F, 0.125F});
    CHECK(m.parameters[0].bias == std::vector<float>{-0.5F, -0.5F, -0.375F});

    graph nothing = conv3x3();
    nothing.weight("one", {}, {1.0F}).node("Mul", "mul", {"conv", "one"});
    CHECK(kinds(load(nothing)) == kind_list{layer_kind::convolution});

    graph twice = conv3x3();
    twice.weight("two", {1}, {2.0F}).weight("c", {4, 1, 1}, {1, 2, 3, 4});
    twice.node("Mul", "mul", {"two", "conv"}).node("Sub", "sub", {"c", "mul"});
    const hass::model folded = load(twice);
    const hass::model plain = load(conv3x3());
    REQUIRE(kinds(folded) == kind_list{layer_kind::convolution});
    CHECK(folded.parameters[0].weights[5] == -2.0F * plain.parameters[0].weights[5]);
    CHECK(folded.parameters[0].bias[3] == 4.0F - 2.0F * plain.parameters[0].bias[3]);

    // the scaled tensor is read twice: folded once
    graph fork = conv3x3();
    fork.weight("two", {1}, {2.0F}).node("Mul", "mul", {"conv", "two"});
    fork.node("Identity", "same", {"mul"}).node("Relu", "relu", {"mul"});
    fork.node("Add", "add", {"relu", "same"});
    const hass::model forked = load(fork);
    CHECK(kinds(forked) == kind_list{layer_kind::convolution, layer_kind::relu, layer_kind::add});
    CHECK(forked.parameters[0].weights[0] == 2.0F * plain.parameters[0].weights[0]);

    graph wide = conv3x3();
    wide.weight("w", {8}).node("Mul", "mul", {"conv", "w"});
    const hass::model by_column = load(wide);  // broadcast along the rows of the map
    CHECK(kinds(by_column) == kind_list{layer_kind::convolution, layer_kind::multiply_map});
    CHECK(by_column.parameters[1].weights.size() == 256);
    CHECK(by_column.parameters[1].weights[9] == by_column.parameters[1].weights[1]);
    graph odd = conv3x3();
    odd.weight("w", {5}).node("Mul", "mul", {"conv", "w"});
    CHECK_THAT(message(odd), Contains("[5]") && Contains("does not fit N x 4 x 8 x 8"));
    graph zero = conv3x3();
    zero.weight("z", {1}, {0.0F}).node("Div", "div", {"conv", "z"});
    CHECK_THAT(message(zero), Contains("divides by zero"));
    graph inverse = conv3x3();
    inverse.weight("z", {1}, {1.0F}).node("Div", "div", {"z", "conv"});
    CHECK_THAT(message(inverse), Contains("constant divided by data"));
}

TEST_CASE("activations", "[onnx]") {
    const auto one = [](const std::string& op, writer::attributes a = {}) {
        graph g = conv3x3();
        g.node(op, "act", {"conv"}, std::move(a));
        return g;
    };
    CHECK(load(one("Relu")).net.rows[1].kind == layer_kind::relu);
    CHECK(load(one("Sigmoid")).net.rows[1].kind == layer_kind::sigmoid);
    CHECK(load(one("HardSwish")).net.rows[1].kind == layer_kind::hardswish);
    CHECK(load(one("HardSigmoid", {{"alpha", 1.0F / 6.0F}})).net.rows[1].kind ==
          layer_kind::hardsigmoid);
    const hass::model fifth = load(one("HardSigmoid"));
    CHECK(fifth.net.rows[1].kind == layer_kind::function);
    CHECK(fifth.parameters[1].function == hass::value_function::hardsigmoid);
    CHECK(fifth.parameters[1].alpha == 0.2F);
    CHECK(load(one("LeakyRelu")).net.rows[1].kind == layer_kind::leaky_relu);
    CHECK_THAT(message(one("Hardmax")), Contains("'Hardmax' (node 'act'): is not supported"));

    const auto clip = [](std::int64_t opset, const std::vector<std::string>& bounds,
                         writer::attributes a = {}) {
        graph g = conv3x3(opset);
        g.weight("0", {}, {0}).weight("6", {}, {6}).weight("-1", {}, {-1});
        g.weight("max", {}, {std::numeric_limits<float>::max()});
        std::vector<std::string> inputs{"conv"};
        inputs.insert(inputs.end(), bounds.begin(), bounds.end());
        return g.node("Clip", "clip", inputs, std::move(a));
    };
    for (const graph& g : {clip(13, {"0", "6"}), clip(9, {}, {{"min", 0.0F}, {"max", 6.0F}})}) {
        const hass::model m = load(g);
        CHECK(m.net.rows[1].kind == layer_kind::relu6);
        CHECK(m.parameters[1].lower == 0.0F);
        CHECK(m.parameters[1].upper == 6.0F);
    }
    CHECK(load(clip(13, {"0"})).net.rows[1].kind == layer_kind::relu);
    CHECK(load(clip(13, {"0", "max"})).net.rows[1].kind == layer_kind::relu);
    const hass::model open = load(clip(13, {"", "6"}));
    CHECK(open.net.rows[1].kind == layer_kind::relu6);
    CHECK(open.parameters[1].lower == -std::numeric_limits<float>::infinity());
    const hass::model both = load(clip(11, {"-1", "6"}));
    CHECK(both.parameters[1].lower == -1.0F);
    CHECK(load(clip(13, {})).net.rows.size() == 1);
    const hass::model crossed = load(clip(13, {"6", "0"}));  // ONNX: everything becomes the maximum
    CHECK(crossed.net.rows[1].kind == layer_kind::relu6);
    CHECK(crossed.parameters[1].lower == 0.0F);
    CHECK(crossed.parameters[1].upper == 0.0F);
    const hass::model below = load(clip(13, {"-1"}));
    CHECK(below.net.rows[1].kind == layer_kind::relu);
    CHECK(below.parameters[1].lower == -1.0F);
    CHECK(below.parameters[1].upper == std::numeric_limits<float>::infinity());
    CHECK(load(clip(13, {"max"})).parameters[1].lower == std::numeric_limits<float>::max());
    CHECK_THAT(message(clip(13, {}, {{"min", 0.0F}})),
               Contains("'Clip' (node 'clip')") && Contains("inputs from opset 11 on"));
    CHECK_THAT(message(clip(9, {"0"})), Contains("attributes before opset 11"));
    CHECK_THAT(message(clip(13, {"conv.bias", "6"})), Contains("not a single number"));

    graph relu6 = conv3x3(9);  // F.relu6 in old exports
    relu6.node("Relu", "relu", {"conv"}).node("Clip", "clip", {"relu"}, {{"max", 6.0F}});
    const hass::model merged = load(relu6);
    CHECK(kinds(merged) == kind_list{layer_kind::convolution, layer_kind::relu6});
    CHECK(merged.parameters[1].upper == 6.0F);
}

TEST_CASE("swish and hard swish in all spellings", "[onnx]") {
    for (const bool swapped : {false, true}) {
        const auto mul = [&](graph& g, const std::string& a, const std::string& b) {
            g.node("Mul", "mul", swapped ? std::vector{b, a} : std::vector{a, b});
        };
        graph swish = conv3x3();
        swish.node("Sigmoid", "gate", {"conv"});
        mul(swish, "conv", "gate");
        const hass::model s = load(swish);
        CHECK(kinds(s) == kind_list{layer_kind::convolution, layer_kind::swish});
        CHECK(s.net.edges == std::vector<hass::edge>{{-1, 0}, {0, 1}});

        graph hard = conv3x3();
        hard.node("HardSigmoid", "gate", {"conv"}, {{"alpha", 1.0F / 6.0F}});
        mul(hard, "conv", "gate");
        CHECK(kinds(load(hard)) == kind_list{layer_kind::convolution, layer_kind::hardswish});

        for (const bool late : {false, true})
            for (const bool relu : {false, true}) {
                graph old = conv3x3(9);
                old.weight("3", {}, {3}).weight("6", {}, {6});
                old.node("Add", "plus", {"conv", "3"});
                if (relu) old.node("Relu", "relu", {"plus"});
                old.node("Clip", "clip", {relu ? "relu" : "plus"}, {{"min", 0.0F}, {"max", 6.0F}});
                if (late) {
                    mul(old, "conv", "clip");
                    old.node("Div", "div", {"mul", "6"});
                } else {
                    old.node("Div", "div", {"clip", "6"});
                    mul(old, "conv", "div");
                }
                const hass::model m = load(old);
                CHECK(kinds(m) == kind_list{layer_kind::convolution, layer_kind::hardswish});
                CHECK(m.parameters[0].bias == load(conv3x3()).parameters[0].bias);
            }
    }
    graph sigmoid = conv3x3();
    sigmoid.weight("3", {}, {3}).weight("0", {}, {0}).weight("6", {}, {6});
    sigmoid.node("Add", "plus", {"conv", "3"}).node("Clip", "clip", {"plus", "0", "6"});
    sigmoid.node("Div", "div", {"clip", "6"});
    CHECK(kinds(load(sigmoid)) == kind_list{layer_kind::convolution, layer_kind::hardsigmoid});

    // the gate is read elsewhere, or gates something else: three rows
    graph fork = conv3x3();
    fork.node("Sigmoid", "gate", {"conv"}).node("Mul", "mul", {"conv", "gate"});
    fork.node("Add", "add", {"mul", "gate"});
    CHECK(kinds(load(fork)) == kind_list{layer_kind::convolution, layer_kind::sigmoid,
                                         layer_kind::multiply, layer_kind::add});
    // x + 3 and its bounds on their own
    graph partial = conv3x3();
    partial.weight("3", {}, {3}).weight("0", {}, {0}).weight("6", {}, {6});
    partial.node("Add", "plus", {"conv", "3"}).node("Clip", "clip", {"plus", "0", "6"});
    partial.node("Sigmoid", "s", {"clip"});
    const hass::model p = load(partial);
    CHECK(kinds(p) == kind_list{layer_kind::convolution, layer_kind::relu6, layer_kind::sigmoid});
    CHECK(p.parameters[0].bias[0] == load(conv3x3()).parameters[0].bias[0] + 3.0F);
    graph unfinished = conv3x3();
    unfinished.weight("3", {}, {3}).weight("0", {}, {0}).weight("6", {}, {6});
    unfinished.node("Add", "plus", {"conv", "3"}).node("Clip", "clip", {"plus", "0", "6"});
    unfinished.node("Mul", "mul", {"conv", "clip"});
    CHECK(kinds(load(unfinished)) == kind_list{layer_kind::convolution, layer_kind::convolution,
                                               layer_kind::relu6, layer_kind::multiply});
}

TEST_CASE("pools and means", "[onnx]") {
    const auto pool = [](const std::string& op, writer::attributes a,
                         std::vector<std::int64_t> input = {1, 2, 7, 7}) {
        graph g;
        g.input(input).node(op, "pool", {"x"}, std::move(a));
        return g;
    };
    const hass::model ceil = load(pool("MaxPool", {{"kernel_shape", ints({2, 2})},
                                                   {"strides", ints({2, 2})},
                                                   {"ceil_mode", std::int64_t{1}}}));
    CHECK(ceil.net.rows[0].kind == layer_kind::max_pool);
    CHECK(ceil.net.rows[0].ceil_mode);
    CHECK(ceil.net.rows[0].out == shape{2, 4, 4});
    CHECK(load(pool("MaxPool", {{"kernel_shape", ints({2, 2})}, {"dilations", ints({2, 3})}}))
              .net.rows[0]
              .out == shape{2, 5, 4});
    const writer::attributes average{
        {"kernel_shape", ints({3, 3})}, {"pads", ints({1, 1, 1, 1})}, {"strides", ints({2, 2})}};
    const hass::model excluded = load(pool("AveragePool", average));
    CHECK(excluded.net.rows[0].out == shape{2, 4, 4});
    CHECK_FALSE(excluded.parameters[0].count_include_pad);
    writer::attributes included = average;
    included.emplace_back("count_include_pad", std::int64_t{1});
    CHECK(load(pool("AveragePool", included)).parameters[0].count_include_pad);
    CHECK(load(pool("AveragePool", {{"kernel_shape", ints({3, 3})},
                                    {"auto_pad", std::string("SAME_UPPER")},
                                    {"strides", ints({2, 2})}}))
              .net.rows[0]
              .out == shape{2, 4, 4});
    CHECK_THAT(message(pool("MaxPool", {})), Contains("'kernel_shape' is missing"));
    CHECK_THAT(
        message(pool("MaxPool", {{"kernel_shape", ints({2, 2})}, {"pads", ints({2, 0, 0, 0})}})),
        Contains("windows without data"));
    CHECK_THAT(message(pool("MaxPool", {{"kernel_shape", ints({2})}})), Contains("1 values"));

    CHECK(load(pool("GlobalAveragePool", {})).net.rows[0].out == shape{2, 1, 1});
    const hass::layer_row most = load(pool("GlobalMaxPool", {})).net.rows[0];
    CHECK(most.kind == layer_kind::max_pool);
    CHECK(most.kernel_h * most.kernel_w == 49);
    for (const std::int64_t keep : {0, 1})
        for (const auto& axes : {ints({2, 3}), ints({-1, -2})}) {
            graph g = pool("ReduceMean", {{"axes", axes}, {"keepdims", keep}});
            if (keep == 1) g.node("Flatten", "flatten", {"pool"});
            g.weight("W", {2, 5}).node("Gemm", "fc", {keep == 1 ? "flatten" : "pool", "W"});
            const hass::model m = load(g);
            CHECK(m.net.rows[0].kind == layer_kind::global_average_pool);
            CHECK(m.net.rows.size() == (keep == 1 ? 3U : 2U));
        }
    graph steps =
        pool("ReduceMean", {{"axes", ints({3})}, {"keepdims", std::int64_t{0}}}, {1, 2, 6, 7});
    steps.node("ReduceMean", "second", {"pool"},
               {{"axes", ints({2})}, {"keepdims", std::int64_t{0}}});
    const hass::model two = load(steps);
    CHECK(kinds(two) == kind_list{layer_kind::average_pool, layer_kind::global_average_pool});
    CHECK(two.net.rows[0].out == shape{2, 6, 1});
    const hass::model channels = load(pool("ReduceMean", {{"axes", ints({1})}}));
    CHECK(kinds(channels) == kind_list{layer_kind::convolution});
    CHECK(channels.parameters[0].weights == std::vector<float>{0.5F, 0.5F});
    CHECK_THAT(message(pool("ReduceMean", {{"axes", ints({0})}})), Contains("axis 0, the batch"));
    CHECK_THAT(message(pool("ReduceMean", {})), Contains("over the batch"));
    CHECK_THAT(message(pool("ReduceMean", {{"axes", ints({4})}})), Contains("axis 4"));
}

TEST_CASE("Pad becomes the padding of the window that follows", "[onnx]") {
    const auto pad = [](std::int64_t opset, std::vector<std::int64_t> pads, float filler = 0.0F) {
        graph g(opset);
        g.weight("w", {2, 3, 3, 3});
        if (opset < 11)
            g.node("Pad", "pad", {"x"}, {{"pads", pads}, {"value", filler}});
        else
            g.whole("p", pads, opset == 13)
                .weight("v", {}, {filler})
                .node("Pad", "pad", {"x", "p", "v"});
        return g;
    };
    for (const std::int64_t opset : {9, 11, 13}) {
        graph g = pad(opset, {0, 0, 0, 1, 0, 0, 2, 3});
        g.node("Conv", "c", {"pad", "w"}, {{"pads", ints({1, 0, 0, 0})}});
        const hass::layer_row r = load(g).net.rows[0];
        CHECK(std::vector{r.pad_top, r.pad_left, r.pad_bottom, r.pad_right} ==
              std::vector{1, 1, 2, 3});
        CHECK(r.in == shape{3, 8, 8});
        CHECK(r.out == shape{2, 9, 10});
    }
    const std::vector<std::int64_t> around{0, 0, 1, 1, 0, 0, 1, 1};
    const writer::attributes window{{"kernel_shape", ints({3, 3})}};
    const hass::model mean = load(pad(13, around).node("AveragePool", "a", {"pad"}, window));
    CHECK(mean.parameters[0].count_include_pad);
    CHECK(mean.net.rows[0].out == shape{3, 8, 8});
    CHECK_THAT(message(pad(13, around).node("MaxPool", "m", {"pad"}, window)),
               Contains("negative values"));
    graph positive(13);
    positive.whole("p", around).node("Relu", "r", {"x"}).node("Pad", "pad", {"r", "p"});
    CHECK(load(positive.node("MaxPool", "m", {"pad"}, window)).net.rows[1].pad_top == 1);
    // what no window takes is a row
    const hass::model border = load(pad(13, around).node("Relu", "r", {"pad"}));
    CHECK(kinds(border) == kind_list{layer_kind::pad, layer_kind::relu});
    CHECK(border.net.rows[0].out == shape{3, 10, 10});
    const hass::model ones = load(pad(13, around, 1.0F).node("Conv", "c", {"pad", "w"}));
    CHECK(kinds(ones) == kind_list{layer_kind::pad, layer_kind::convolution});
    CHECK(ones.parameters[0].fill == 1.0F);
    CHECK_THAT(message(pad(13, {0, 1, 0, 0, 0, 0, 0, 0}).node("Conv", "c", {"pad", "w"})),
               Contains("does not fit an input of N x 4 x 8 x 8"));
    CHECK_THAT(message(pad(13, {1, 0, 0, 0, 0, 0, 0, 0}).node("Conv", "c", {"pad", "w"})),
               Contains("batch"));
    CHECK_THAT(message(pad(13, {0, 0, -1, 0, 0, 0, 0, 0}).node("Conv", "c", {"pad", "w"})),
               Contains("-1"));
    CHECK(load(pad(13, {0, 0, 0, 0, 0, 0, 0, 0}).node("Relu", "r", {"pad"})).net.rows.size() == 1);
}

TEST_CASE("Add, Sum, Mul, Concat of data", "[onnx]") {
    graph add = conv3x3();
    add.node("Relu", "a", {"conv"}).node("Sigmoid", "b", {"conv"});
    CHECK(load(graph(add).node("Add", "add", {"a", "b"})).net.edges ==
          std::vector<hass::edge>{{-1, 0}, {0, 1}, {0, 2}, {1, 3}, {2, 3}});
    CHECK(load(graph(add).node("Add", "add", {"a", "a"})).net.edges ==
          std::vector<hass::edge>{{-1, 0}, {0, 1}, {1, 2}, {1, 2}});
    CHECK(kinds(load(graph(add).node("Sum", "sum", {"a", "b", "conv"}))) ==
          kind_list{layer_kind::convolution, layer_kind::relu, layer_kind::sigmoid, layer_kind::add,
                    layer_kind::add});
    CHECK_THAT(message(graph(add).node("Add", "add", {"a", "x"})),
               Contains("of N x 4 x 8 x 8 and N x 3 x 8 x 8"));
    CHECK(load(graph(add).node("Div", "div", {"a", "b"})).net.rows.back().kind ==
          layer_kind::divide);
    const hass::model joined =
        load(graph(add).node("Concat", "cat", {"a", "x", "b"}, {{"axis", std::int64_t{-3}}}));
    CHECK(joined.net.rows.back().kind == layer_kind::concat);
    CHECK(joined.net.rows.back().in == shape{4, 8, 8});
    CHECK(joined.net.rows.back().out == shape{11, 8, 8});
    const hass::model below =
        load(graph(add).node("Concat", "cat", {"a", "b"}, {{"axis", std::int64_t{2}}}));
    CHECK(below.net.rows.back().kind == layer_kind::stack);
    CHECK(below.net.rows.back().out == shape{4, 16, 8});
    CHECK_THAT(message(graph(add).node("Concat", "cat", {"a", "b"}, {{"axis", std::int64_t{0}}})),
               Contains("batch"));
    graph small = add;
    small.node("MaxPool", "p", {"a"}, {{"kernel_shape", ints({2, 2})}});
    CHECK_THAT(message(graph(small).node("Concat", "cat", {"a", "p"}, {{"axis", std::int64_t{1}}})),
               Contains("joins N x 4 x 8 x 8 and N x 4 x 7 x 7"));
    CHECK_THAT(message(graph(small).node("Mul", "mul", {"a", "p"})),
               Contains("of N x 4 x 8 x 8 and N x 4 x 7 x 7"));
    graph excite = add;  // squeeze-and-excitation, gate first as torchvision writes it
    excite.node("GlobalAveragePool", "gap", {"a"}).weight("w", {4, 4, 1, 1});
    excite.node("Conv", "fc", {"gap", "w"}).node("Sigmoid", "gate", {"fc"});
    excite.node("Mul", "mul", {"gate", "a"});
    const hass::model m = load(excite);
    REQUIRE(m.net.rows.back().kind == layer_kind::multiply);
    CHECK(m.net.rows.back().in == shape{4, 8, 8});
    const int last = static_cast<int>(m.net.rows.size()) - 1;
    CHECK(m.net.edges[m.net.edges.size() - 2] == hass::edge{1, last});
    CHECK(m.net.edges.back() == hass::edge{last - 1, last});
}

TEST_CASE("everything that amounts to a flatten", "[onnx]") {
    const auto classified = [](graph g, const std::string& from, std::int64_t features) {
        g.weight("W", {features, 5}).node("Gemm", "fc", {from, "W"});
        return load(g);
    };
    const kind_list expected{layer_kind::convolution, layer_kind::flatten, layer_kind::linear};
    CHECK(kinds(classified(conv3x3().node("Flatten", "f", {"conv"}), "f", 256)) == expected);
    for (const auto& target : {ints({-1, 256}), ints({0, -1}), ints({1, 256}), ints({1, -1})}) {
        graph g = conv3x3();
        g.whole("shape", target, true).node("Reshape", "f", {"conv", "shape"});
        const hass::model m = classified(g, "f", 256);
        CHECK(kinds(m) == expected);
        CHECK(m.net.rows[1].out == shape{256, 1, 1});
    }
    for (const auto& target : {ints({-1, -1}), ints({2, 256}), ints({-1, 255}), ints({256}),
                               ints({1, 2, 3, 4, 5}), ints({1, 1, 1, 1, 1, 1, 1, 1, 1, 256})}) {
        graph g = conv3x3();
        g.whole("shape", target).node("Reshape", "f", {"conv", "shape"});
        CHECK_THAT(message(g), Contains("'Reshape' (node 'f')"));
    }
    // x.view(x.size(0), -1)
    graph view = conv3x3();
    view.node("Shape", "shape", {"conv"}).initializer(writer::integers("zero", {}, {0}));
    view.node("Gather", "size", {"shape", "zero"}, {{"axis", std::int64_t{0}}});
    view.whole("axes", {0}).node("Unsqueeze", "batch", {"size", "axes"});
    view.node("Constant", "rest", {}, {{"value", writer::bytes{writer::integers("", {1}, {-1})}}});
    view.node("Concat", "target", {"batch", "rest"}, {{"axis", std::int64_t{0}}});
    view.node("Reshape", "f", {"conv", "target"});
    CHECK(kinds(classified(view, "f", 256)) == expected);
    // squeeze-and-excitation with linear layers: flat and back
    graph squeeze = conv3x3();
    squeeze.node("GlobalAveragePool", "gap", {"conv"}).whole("axes", {2, 3});
    squeeze.node("Squeeze", "s", {"gap", "axes"}).weight("S", {4, 4});
    squeeze.node("MatMul", "fc1", {"s", "S"}).node("Sigmoid", "gate", {"fc1"});
    squeeze.node("Unsqueeze", "u", {"gate", "axes"}).node("Mul", "mul", {"conv", "u"});
    CHECK(kinds(load(squeeze)) ==
          kind_list{layer_kind::convolution, layer_kind::global_average_pool, layer_kind::flatten,
                    layer_kind::linear, layer_kind::sigmoid, layer_kind::multiply});
    graph map = conv3x3();
    map.whole("axes", {2}).node("Squeeze", "s", {"conv", "axes"});
    CHECK_THAT(message(map), Contains("'Squeeze'"));
    graph batch = conv3x3();
    batch.node("Flatten", "f", {"conv"}, {{"axis", std::int64_t{2}}});
    CHECK_THAT(message(batch), Contains("axis 2"));
    // pixels under other extents, and channels last: nothing moves
    graph pixels = conv3x3();
    pixels.whole("shape", {0, 0, -1}).node("Reshape", "f", {"conv", "shape"});
    CHECK(kinds(load(pixels)) == kind_list{layer_kind::convolution, layer_kind::reshape});
    const auto turn = [](std::vector<std::int64_t> perm) {
        return conv3x3().node("Transpose", "t", {"conv"}, {{"perm", std::move(perm)}});
    };
    const hass::model last = load(turn({0, 2, 3, 1}));
    CHECK(kinds(last) == kind_list{layer_kind::convolution});
    CHECK(last.channels_last_output);
    CHECK(kinds(load(turn({0, 3, 2, 1}))) ==
          kind_list{layer_kind::convolution, layer_kind::reorder});
    CHECK_THAT(message(turn({1, 0, 2, 3})),
               Contains("'Transpose' (node 't')") && Contains("its batch is not the first axis"));
    CHECK_THAT(message(turn({0, 1, 1, 2})), Contains("does not permute N x 4 x 8 x 8"));
    // a fixed batch of 4 in the file, and a shape that spells it out
    graph fixed;
    fixed.input({4, 3, 2, 2}).whole("shape", {4, 12}).node("Reshape", "f", {"x", "shape"});
    CHECK(load(fixed).net.rows[0].out == shape{12, 1, 1});
}

TEST_CASE("Softmax, Dropout, Identity, Cast", "[onnx]") {
    graph g;
    g.input({0, 5}).node("Dropout", "d", {"x"}, {}, {"d", "mask"}).node("Identity", "i", {"d"});
    g.node("Cast", "c", {"i"}, {{"to", std::int64_t{1}}});
    CHECK(kinds(load(graph(g).node("Softmax", "s", {"c"}))) == kind_list{layer_kind::softmax});
    CHECK_THAT(message(graph(g).node("Relu", "r", {"mask"})), Contains("'mask'"));
    CHECK(load(conv3x3().node("Softmax", "s", {"conv"}, {{"axis", std::int64_t{1}}}))
              .net.rows.back()
              .kind == layer_kind::softmax);  // of the classes at each pixel
    CHECK_THAT(message(g), Contains("no layers"));
    graph half;
    half.input({0, 5}).node("Cast", "c", {"x"}, {{"to", std::int64_t{10}}});
    CHECK_THAT(message(half), Contains("no layers"));  // computed in float32
    graph whole;
    whole.input({0, 5}).node("Cast", "c", {"x"}, {{"to", std::int64_t{7}}});
    CHECK_THAT(message(whole), Contains("int64"));
    graph train;
    train.input({0, 5}).weight("r", {}, {0.5F}).weight("t", {}, {1.0F});
    train.node("Dropout", "d", {"x", "r", "t"}).node("Relu", "q", {"d"});
    CHECK_THAT(message(train), Contains("training_mode"));
}

TEST_CASE("weights: forms of storage, and what is wrong with them", "[onnx]") {
    graph typed;
    typed.weight("w", {1, 3, 1, 1}, {1, 2, 3}, true).node("Conv", "c", {"x", "w"});
    CHECK(load(typed).parameters[0].weights == std::vector<float>{1, 2, 3});
    graph constant;
    constant.node("Constant", "w", {},
                  {{"value", writer::bytes{writer::tensor("", {1, 3, 1, 1}, {1, 2, 3})}}});
    constant.node("Conv", "c", {"x", "w"});
    CHECK(load(constant).parameters[0].weights == std::vector<float>{1, 2, 3});
    graph reshaped;  // as the zoo's MNIST network has it
    reshaped.input({0, 4}).weight("w", {2, 2, 3}).whole("to", {4, 3});
    reshaped.node("Reshape", "m", {"w", "to"}).node("MatMul", "fc", {"x", "m"});
    CHECK(load(reshaped).net.rows[0].out == shape{3, 1, 1});
    graph turned;
    turned.input({0, 2}).weight("w", {3, 2}, {1, 2, 3, 4, 5, 6});
    turned.node("Transpose", "t", {"w"}, {{"perm", ints({1, 0})}}).node("MatMul", "fc", {"x", "t"});
    CHECK(load(turned).parameters[0].weights == std::vector<float>{1, 2, 3, 4, 5, 6});
    graph listed;  // IR version 3: weights are inputs, too
    listed.input({0, 3, 8, 8}).input({1, 3, 1, 1}, "w");
    listed.weight("w", {1, 3, 1, 1}).node("Conv", "c", {"x", "w"});
    CHECK(load(listed).net.rows.size() == 1);

    const auto with = [](const std::string& tensor) {
        graph g;
        g.initializer(tensor).node("Conv", "c", {"x", "w"});
        return message(g);
    };
    for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF})
        CHECK_THAT(with(writer::tensor("w", {1, 3, 1, 1}, {1, bad, 3})),
                   Contains("tensor 'w': value 1 is not finite"));
    CHECK_THAT(with(writer::tensor("w", {1, 3, 1, 1}, {1, 2})), Contains("does not match the 8"));
    CHECK_THAT(with(writer::tensor("w", {1, 3, 1, 1}, {1, 2, 3, 4})), Contains("'w'"));
    CHECK_THAT(with(writer::tensor("w", {1, 3, -1, -1}, {1, 2, 3})), Contains("[1,3,-1,-1]"));
    CHECK_THAT(with(writer::tensor("w", {1LL << 32, 1LL << 32, 3, 1}, {1, 2, 3})),
               Contains("does not match"));
    CHECK_THAT(with(writer::integers("w", {1, 3, 1, 1}, {1, 2, 3})), Contains("must be float32"));
    std::string half = writer::tensor("w", {1, 3, 1, 1}, {1, 2, 3});
    protozero::pbf_writer(half).add_int32(2, 10);
    CHECK_THAT(with(half), Contains("float16"));
    std::string external = writer::tensor("w", {1, 3, 1, 1}, {1, 2, 3});
    protozero::pbf_writer(external).add_int32(14, 1);
    CHECK_THAT(with(external), Contains("external data"));
}

TEST_CASE("floats of 16 bits and integers of 4 as ONNX stores them", "[onnx]") {
    namespace reader = hass::detail::onnx;
    const auto values = [](int type, const std::string& raw, std::int64_t count) {
        reader::tensor_proto t;
        t.type = type, t.raw = raw, t.dims = {count};
        reader::budget spent(0);
        return reader::numbers(reader::file_constant(t), spent);
    };
    using doubles = std::vector<double>;
    using std::string_literals::operator""s;
    // 1, -2, 2^-24 (the least subnormal), 65504 (the largest)
    CHECK(values(10, "\x00\x3c\x00\xc0\x01\x00\xff\x7b"s, 4) == doubles{1, -2, 0x1p-24, 65504});
    CHECK(values(16, "\x80\x3f\x20\xc1"s, 2) == doubles{1, -10});
    CHECK(values(22, "\x8f\x07"s, 3) == doubles{-1, -8, 7});
    CHECK(values(21, "\x8f\x07"s, 4) == doubles{15, 8, 7, 0});
    CHECK(values(5, "\xfe\xff"s, 1) == doubles{-2});
    reader::tensor_proto typed;  // one half an int32
    typed.type = 10, typed.integers = {0x3c00, 0xc000}, typed.dims = {2};
    reader::budget spent(0);
    CHECK(reader::numbers(reader::file_constant(typed), spent) == doubles{1, -2});
    CHECK_THROWS_WITH(values(10, "\x00\x3c\x00"s, 1), Contains("does not match"));
    CHECK_THROWS_WITH(values(17, "\x00"s, 1), Contains("float8e4m3fn"));
}

TEST_CASE("one of several outputs, and extents that the file leaves open", "[onnx]") {
    graph two;
    two.weight("w", {1, 3, 1, 1}, {1, 2, 3}).node("Conv", "c", {"x", "w"});
    two.node("Relu", "r", {"c"}).node("Sigmoid", "s", {"c"});
    two.output("r").output("s");
    const auto kinds_of = [](graph& g, const std::string& output) {
        return kinds(hass::parse_onnx(g.file(), "two.onnx", {output, {}}));
    };
    CHECK_THAT(message(two), Contains("more than one output: 'r', 's'") && Contains("--output"));
    CHECK(kinds_of(two, "r") == kind_list{layer_kind::convolution, layer_kind::relu});
    CHECK(kinds_of(two, "s") == kind_list{layer_kind::convolution, layer_kind::sigmoid});
    CHECK(kinds_of(two, "c") == kind_list{layer_kind::convolution});  // cut behind it
    CHECK_THROWS_WITH(kinds_of(two, "t"), Contains("unknown output 't'"));
    const hass::model both = hass::parse_onnx(two.file(), "two.onnx", {"s,r", {}});
    CHECK(kinds(both) == kind_list{layer_kind::convolution, layer_kind::relu, layer_kind::sigmoid,
                                   layer_kind::flatten, layer_kind::flatten, layer_kind::concat});
    CHECK(both.net.rows.back().out == hass::shape{128, 1, 1});
    CHECK(both.outputs ==
          std::vector<hass::model_output>{{"s", {1, 8, 8}, 0}, {"r", {1, 8, 8}, 64}});
    CHECK(kinds_of(two, "all").size() == 6);
    CHECK_THROWS_WITH(kinds_of(two, "r,t"), Contains("unknown output 't'"));
    CHECK_THROWS_WITH(kinds_of(two, "r,r"), Contains("named twice"));
    CHECK_THROWS_WITH(kinds_of(two, "r,"), Contains("unknown output ''"));
    graph open;
    open.input({0, 3, 0, 0}).node("Relu", "r", {"x"});
    CHECK(hass::parse_onnx(open.file(), "open.onnx", {"", {3, 5, 7}}).net.rows[0].in ==
          shape{3, 5, 7});
    CHECK_THROWS_WITH(hass::parse_onnx(open.file(), "open.onnx", {"", {7}}),
                      Contains("3 axes beside the batch, but 1 extents"));
    graph grey;
    grey.input({0, 0, 0, 0}).node("Relu", "r", {"x"});
    CHECK(hass::parse_onnx(grey.file(), "grey.onnx", {"", {5, 7}}).net.rows[0].in ==
          shape{1, 5, 7});
    graph fixed;  // stays as it is
    fixed.node("Relu", "r", {"x"});
    CHECK(hass::parse_onnx(fixed.file(), "fixed.onnx", {"", {3, 5, 7}}).net.rows[0].in ==
          shape{3, 8, 8});
}

TEST_CASE("weights in another file, which lies beside the ONNX file", "[onnx]") {
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "hass_external_data";
    fs::create_directories(folder / "inner");
    const std::vector<float> numbers{0, 1, 2, 3};
    hass::write_whole(folder / "w.bin",
                      {reinterpret_cast<const char*>(numbers.data()), 4 * numbers.size()});
    const auto with = [&](const std::string& location, const std::string& offset,
                          const std::string& length) {
        std::string tensor;
        protozero::pbf_writer t(tensor);
        for (const std::int64_t d : {1, 3, 1, 1}) t.add_int64(1, d);
        t.add_int32(2, 1), t.add_string(8, "w");
        for (const auto& [key, text] : {std::pair{std::string("location"), location},
                                        {std::string("offset"), offset},
                                        {std::string("length"), length}}) {
            if (text.empty()) continue;
            std::string entry;
            protozero::pbf_writer e(entry);
            e.add_string(1, key), e.add_string(2, text);
            t.add_message(13, entry);
        }
        t.add_int32(14, 1);
        graph g;
        g.initializer(tensor).node("Conv", "c", {"x", "w"});
        hass::write_whole(folder / "net.onnx", g.file());
        return hass::load_onnx(folder / "net.onnx").parameters[0].weights;
    };
    CHECK(with("w.bin", "4", "12") == std::vector<float>{1, 2, 3});
    CHECK(with("w.bin", "4", "") == std::vector<float>{1, 2, 3});
    const auto refused = [&](const std::string& location, const std::string& offset = "",
                             const std::string& length = "") {
        try {
            with(location, offset, length);
        } catch (const hass::error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK_THAT(refused("w.bin"), Contains("tensor 'w'") && Contains("does not match the 16 bytes"));
    CHECK_THAT(refused("w.bin", "8", "12"), Contains("of a file of 16"));
    CHECK_THAT(refused("w.bin", "18446744073709551615", "12"), Contains("of a file of 16"));
    CHECK_THAT(refused("w.bin", "four"), Contains("offset 'four' is no whole number"));
    CHECK_THAT(refused("gone.bin"), Contains("'gone.bin'") && Contains("no such file"));
    CHECK_THAT(refused("inner"), Contains("not a regular file"));
    CHECK_THAT(refused("inner/../w.bin"), Contains("must not leave the folder"));
    CHECK_THAT(refused("/etc/hostname"), Contains("must not leave the folder"));
    std::error_code failed;
    fs::remove(folder / "link", failed);
    fs::create_symlink("/etc/hostname", folder / "link", failed);
    if (!failed) CHECK_THAT(refused("link"), Contains("must not leave the folder"));
    CHECK_THAT(refused(""), Contains("no location"));
    fs::remove_all(folder, failed);
}

TEST_CASE("functions of the file are replaced by what they stand for", "[onnx]") {
    // Twice(a; along) = Concat(Relu(a), a; axis = along)
    const auto node_of = [](const char* type, std::vector<std::string> in, const char* out,
                            const std::string& attribute = "") {
        std::string bytes;
        protozero::pbf_writer n(bytes);
        for (const std::string& name : in) n.add_string(1, name);
        n.add_string(2, out);
        n.add_string(4, type);
        if (!attribute.empty()) n.add_message(5, attribute);
        return bytes;
    };
    std::string axis;  // axis = ref_attr_name "along"
    protozero::pbf_writer a(axis);
    a.add_string(1, "axis"), a.add_string(21, "along"), a.add_int32(20, 2);
    const auto with = [&](const std::string& inner) {
        std::string function;
        protozero::pbf_writer f(function);
        f.add_string(1, "Twice"), f.add_string(4, "a"), f.add_string(5, "both");
        f.add_string(6, "along"), f.add_string(10, "local");
        f.add_message(7, node_of("Relu", {"a"}, "t"));
        f.add_message(7, inner);
        graph g;
        g.node("Twice", "first", {"x"}, {{"along", std::int64_t{1}}}, {"m"}, "local");
        g.node("Twice", "second", {"m"}, {{"along", std::int64_t{1}}}, {"o"}, "local");
        std::string file = g.file();
        protozero::pbf_writer(file).add_message(25, function);
        return hass::parse_onnx(file, "f.onnx");
    };
    const hass::model m = with(node_of("Concat", {"t", "a"}, "both", axis));
    CHECK(kinds(m) ==
          kind_list{layer_kind::relu, layer_kind::concat, layer_kind::relu, layer_kind::concat});
    CHECK(m.net.rows.back().out == shape{12, 8, 8});
    CHECK(m.net.names == std::vector<std::string>{"first", "first_2", "second", "second_2"});
    std::string itself = node_of("Twice", {"t"}, "both");
    protozero::pbf_writer(itself).add_string(7, "local");
    CHECK_THROWS_WITH(with(itself), Contains("'Twice' calls itself"));
    CHECK_THROWS_WITH(with(node_of("Concat", {"t", "gone"}, "both", axis)), Contains("gone"));
}

TEST_CASE("damaged and foreign graphs are named", "[onnx]") {
    CHECK_THAT(message(graph().node("Conv", "c", {"x", "w"})),
               Contains("'Conv' (node 'c')") && Contains("tensor 'w', which nothing"));
    CHECK_THAT(message(graph().node("Relu", "a", {"b"}).node("Relu", "b", {"a"})),
               Contains("a cycle"));
    CHECK_THAT(message(graph().node("Relu", "a", {"a"})), Contains("a cycle"));
    CHECK_THAT(message(graph().node("Relu", "a", {"x"}).node("Relu", "b", {"x"}, {}, {"a"})),
               Contains("'a' is given more than once"));
    CHECK_THAT(message(graph().node("NMS", "n", {"x"})),
               Contains("operator 'NMS' (node 'n'): is not supported"));
    CHECK_THAT(message(graph().node("NMS", "", {"x"}, {}, {"out"})),
               Contains("operator 'NMS' (node that gives 'out')"));
    CHECK_THAT(message(graph().node("Relu", "r", {"x"}, {}, {}, "com.example")),
               Contains("domain 'com.example'"));
    CHECK_THAT(message(graph(6).node("Relu", "r", {"x"})), Contains("opset 6"));
    CHECK_THAT(message(graph(24).node("Relu", "r", {"x"})), Contains("opset 7 to 23"));
    CHECK_THAT(message(graph().node("Relu", "r", {})), Contains("does not depend on the input"));
    CHECK_THAT(message(graph().input({0, 3, 0, 8}).node("Relu", "r", {"x"})),
               Contains("input 'x'") && Contains("leaves extents open"));
    CHECK_THAT(message(graph().input({0, 3, 8, 8, 8}).node("Relu", "r", {"x"})),
               Contains("input 'x'") && Contains("has 5 axes"));
    CHECK_THAT(message(graph().input({0, 3, 1LL << 40, 8}).node("Relu", "r", {"x"})),
               Contains("2^28"));
    CHECK_THAT(message(graph().input({0, 3, 8, 8}, "x", 2).node("Relu", "r", {"x"})),
               Contains("must be float32") && Contains("not uint8"));
    // an input that nobody reads is none
    CHECK(kinds(load(graph().input({0, 3, 8, 8}).input({0, 1}, "y").node("Relu", "r", {"x"}))) ==
          kind_list{layer_kind::relu});
    CHECK_THAT(message(graph().node("Relu", "r", {"x"}).output("r").output("x")),
               Contains("more than one output"));
    CHECK_THAT(message(graph().node("Relu", "r", {"x"}).output("gone")), Contains("'gone'"));
    CHECK_THAT(message(graph().node("Relu", "r", {"x"}).output("r", {0, 3, 9, 9})),
               Contains("declared as") && Contains("N x 3 x 8 x 8"));
    CHECK_THAT(message(graph().weight("w", {1}).node("Identity", "i", {"w"})),
               Contains("does not depend on the input"));
    CHECK_THAT(message(graph().node("Relu", "bad\nname", {"gone"})), Contains("'bad?name'"));
    CHECK_THROWS_WITH(hass::parse_onnx(std::string_view(), "e.onnx"), Contains("e.onnx: is empty"));
    CHECK_THROWS_WITH(hass::parse_onnx("PK\x03\x04 no network", "z.onnx"), Contains("z.onnx: "));
    CHECK_THROWS_WITH(hass::load_onnx("/nonexistent/net.onnx"), Contains("no such file"));
}

TEST_CASE("small files cannot ask for much memory", "[onnx]") {
    graph gigantic;  // a constant factor on a gigantic map would need as many weights
    gigantic.input({1, 1LL << 28, 1, 1}).weight("c", {}, {2.0F});
    gigantic.node("Mul", "mul", {"x", "c"});
    CHECK_THAT(message(gigantic), Contains("more numbers than the file holds"));
    graph doubling;
    doubling.whole("c0", std::vector<std::int64_t>(64, 1));
    for (int i = 0; i < 40; ++i)
        doubling.node("Concat", "c" + std::to_string(i + 1),
                      {"c" + std::to_string(i), "c" + std::to_string(i)},
                      {{"axis", std::int64_t{0}}});
    doubling.node("Reshape", "r", {"x", "c40"});
    CHECK_THAT(message(doubling), Contains("more numbers than the file holds"));
    graph filled;
    filled.whole("s", {1LL << 27, 1}).node("ConstantOfShape", "f", {"s"});
    filled.node("Reshape", "r", {"x", "f"});
    CHECK_THAT(message(filled), Contains("more numbers than the file holds"));
    graph shared;  // one weight, read by very many convolutions
    shared.weight("w", {3, 3, 64, 64});
    std::string from = "x";
    for (int i = 0; i < 400; ++i) {
        shared.node("Conv", "c" + std::to_string(i), {from, "w"},
                    {{"pads", ints({32, 32, 31, 31})}});
        from = "c" + std::to_string(i);
    }
    CHECK_THAT(message(shared), Contains("more numbers than the file holds"));
}

TEST_CASE("constants are folded around reshapes", "[onnx]") {
    // shape arithmetic of an exporter: ((Shape(x)[1] * 64) / 4 + 0) cast there and back
    graph g;
    g.node("Shape", "shape", {"x"}).whole("one", {1}).whole("two", {2});
    g.node("Slice", "channels", {"shape", "one", "two"});
    g.whole("k", {64}).whole("four", {4}).whole("zero", {0}).whole("batch", {1});
    g.node("Mul", "m", {"channels", "k"}).node("Div", "d", {"m", "four"});
    g.node("Mul", "e", {"d", "four"}).node("Add", "a", {"e", "zero"});
    g.node("Cast", "f", {"a"}, {{"to", std::int64_t{1}}}).node("Floor", "floor", {"f"});
    g.node("Cast", "i", {"floor"}, {{"to", std::int64_t{7}}});
    g.node("Concat", "target", {"batch", "i"}, {{"axis", std::int64_t{0}}});
    g.node("Reshape", "r", {"x", "target"});
    const hass::model m = load(g);
    CHECK(kinds(m) == kind_list{layer_kind::flatten});
    CHECK(m.net.rows[0].out == shape{192, 1, 1});

    // the pads of torch: reshaped to pairs, turned around, transposed
    graph pads;
    pads.whole("four", {4}).whole("p", {3, 4, 1, 2}).whole("pairs", {-1, 2}).whole("flat", {-1});
    pads.node("ConstantOfShape", "z", {"four"},
              {{"value", writer::bytes{writer::integers("", {1}, {0})}}});
    pads.node("Concat", "all", {"p", "z"}, {{"axis", std::int64_t{0}}});
    pads.node("Reshape", "rows", {"all", "pairs"});
    pads.whole("start", {-1}).whole("end", {-9223372036854775807LL}).whole("axis", {0});
    pads.node("Slice", "turned", {"rows", "start", "end", "axis", "start"});
    pads.node("Transpose", "t", {"turned"}, {{"perm", ints({1, 0})}});
    pads.node("Reshape", "final", {"t", "flat"}).weight("w", {1, 3, 1, 1});
    pads.node("Pad", "pad", {"x", "final"}).node("Conv", "c", {"pad", "w"});
    const hass::layer_row r = load(pads).net.rows[0];
    CHECK(std::vector{r.pad_top, r.pad_left, r.pad_bottom, r.pad_right} == std::vector{1, 3, 2, 4});

    graph places;  // rows 0 and 3 of a mask that is set at (0, 1) and (3, 1)
    places.weight("mask", {4, 2}, {0, 1, 0, 0, 0, 0, 0, 2}).whole("first", {0}).whole("axis", {0});
    places.node("NonZero", "where", {"mask"}).whole("one", {1});
    places.node("Slice", "rows", {"where", "first", "one", "axis"});
    places.node("Squeeze", "at", {"rows", "axis"});
    places.node("Gather", "y", {"x", "at"}, {{"axis", std::int64_t{2}}});
    const hass::model some = load(places);
    CHECK(some.net.rows.back().out == shape{3, 2, 8});
    CHECK(some.parameters.back().order.axes ==
          std::vector<hass::order_axis>{{3, 64}, {2, 24}, {8, 1}});
}

TEST_CASE("rows are named once each, in topological order whatever the file's", "[onnx]") {
    graph g;
    g.weight("w", {3, 3, 1, 1}).output("last");
    g.node("Relu", "same", {"middle"}, {}, {"last"});
    g.node("Conv", "same", {"x", "w"}, {}, {"first"});
    g.node("Sigmoid", "", {"first"}, {}, {"middle"});
    g.node("NotNeeded", "dead", {"first"});
    const hass::model m = load(g);
    CHECK(kinds(m) == kind_list{layer_kind::convolution, layer_kind::sigmoid, layer_kind::relu});
    CHECK(m.net.names == std::vector<std::string>{"same", "sigmoid_1", "same_2"});
    // a branch of which only the shape is read leaves no row
    graph shape_only;
    shape_only.node("Relu", "r", {"x"}).node("Shape", "s", {"r"});
    shape_only.node("Reshape", "q", {"x", "s"}).node("Sigmoid", "y", {"q"});
    CHECK(kinds(load(shape_only)) == kind_list{layer_kind::sigmoid});
}

TEST_CASE("attributes are given once, and of the type that is asked for", "[onnx]") {
    const auto concat = [](const writer::attributes& a) {
        return graph().node("Concat", "cat", {"x", "x"}, a);
    };
    CHECK(load(concat({{"axis", std::int64_t{1}}})).net.rows[0].out.channels == 6);
    CHECK_THAT(message(concat({{"axis", std::int64_t{1}}, {"axis", std::int64_t{2}}})),
               Contains("operator 'Concat' (node 'cat'): attribute 'axis' is given twice"));
    const auto flatten = [](const writer::attribute_value& axis) {
        return graph().node("Flatten", "f", {"x"}, {{"axis", axis}});
    };
    CHECK(load(flatten(std::int64_t{1})).net.rows.size() == 1);
    CHECK_THAT(message(flatten(1.0F)),
               Contains("operator 'Flatten' (node 'f'): attribute 'axis' is not an integer"));
    graph gelu;
    gelu.input({0, 3}).weight("w", {3, 2});
    gelu.node("Gemm", "g", {"x", "w"}, {{"alpha", std::int64_t{2}}});
    CHECK_THAT(message(gelu), Contains("attribute 'alpha' is not a number"));
}

TEST_CASE("whatever is refused names operator, node and reason", "[onnx]") {
    CHECK_THAT(message(graph().node("Identity", "i", {}).node("Add", "a", {"x", "i"})),
               Contains("operator 'Identity' (node 'i'): has no input"));
    CHECK_THAT(message(graph().whole("s", {0, 3, 2, 4, 8}).node("Reshape", "r", {"x", "s"})),
               Contains("operator 'Reshape' (node 'r')") && Contains("N x 3 x 2 x 4 x 8") &&
                   Contains("gives 5 axes"));
    CHECK(load(graph().weight("w", {8, 2}).node("MatMul", "m", {"x", "w"}))
              .net.rows.back()
              .out.volume() == 3 * 8 * 2);  // of the last axis alone
    CHECK_THAT(message(graph().weight("w", {7, 2}).node("MatMul", "m", {"x", "w"})),
               Contains("operator 'MatMul' (node 'm')") && Contains("N x 3 x 8 x 8"));
    CHECK_THAT(message(graph().weight("s", {4}).node("Reshape", "r", {"x", "s"})),
               Contains("operator 'Reshape' (node 'r'): the shape 's' must be integers"));
    CHECK_THAT(message(graph().whole("k", {1, 2}).node("Mul", "m", {"x", "k"})),
               Contains("operator 'Mul' (node 'm')") && Contains("a constant of shape [2]"));
    CHECK_THAT(message(graph()
                           .initializer(writer::integers("w", {1, 3, 1, 1}, {1, 2, 3}))
                           .node("Conv", "c", {"x", "w"})),
               Contains("operator 'Conv' (node 'c'): the weight 'w' must be float32, not int64"));
    CHECK(load(graph()
                   .weight("k", {1, 3, 8, 8})
                   .node("Concat", "cat", {"x", "k"}, {{"axis", std::int64_t{1}}}))
              .net.rows.back()
              .out.volume() == 6 * 64);
    graph fill;
    fill.whole("s", {64, 3, 200, 200}).node("ConstantOfShape", "w", {"s"});
    CHECK_THAT(message(fill.node("Conv", "c", {"x", "w"})),
               Contains("operator 'ConstantOfShape' (node 'w'): constants expand to far more"));
    std::string text = writer::tensor("w", {1, 3, 1, 1}, {1, 2, 3});
    protozero::pbf_writer(text).add_int32(2, 8);
    CHECK_THAT(message(graph().initializer(text).node("Conv", "c", {"x", "w"})),
               Contains("operator 'Conv' (node 'c'): tensor 'w': values of type string"));
    CHECK_THAT(message(graph().node("Identity", "i", {"x"})),
               Contains("the output 'i' is the input itself, passed on by operator 'Identity' "
                        "(node 'i'): the network has no layers"));
    // an input of a sequence type: field 4 of its TypeProto instead of field 1
    std::string sequence = graph().node("Relu", "r", {"x"}).file();
    const std::size_t at = sequence.rfind(std::string("\x0a\x01x\x12", 4));
    REQUIRE(at != std::string::npos);
    sequence[at + 5] = '\x22';
    try {
        hass::parse_onnx(sequence, "test.onnx");
        FAIL("a sequence was taken");
    } catch (const hass::error& e) {
        CHECK_THAT(e.what(), Contains("input 'x': is not a tensor"));
    }
}

TEST_CASE("a file of few bytes cannot ask for much", "[onnx]") {
    const auto conv = [](const writer::attributes& a) {
        return graph().weight("w", {4, 3, 3, 3}).node("Conv", "c", {"x", "w"}, a);
    };
    const auto all = [](std::int64_t v) { return ints({v, v, v, v}); };
    const auto two = [](std::int64_t v) { return ints({v, v}); };
    const auto pool = [](const std::string& op, const writer::attributes& a) {
        return graph().node(op, "p", {"x"}, a);
    };
    for (const graph& g :
         {conv({{"pads", all(3000)}}), conv({{"pads", all(8000)}, {"strides", two(8000)}}),
          conv({{"pads", all(10000)}, {"dilations", two(10000)}}),
          pool("AveragePool",
               {{"kernel_shape", two(32768)}, {"auto_pad", std::string("SAME_UPPER")}}),
          pool("MaxPool",
               {{"kernel_shape", two(2)}, {"dilations", two(10000)}, {"pads", all(9999)}}),
          pool("AveragePool", {{"kernel_shape", two(3001)}, {"pads", all(1500)}}),
          graph().input({0, 1, 8192, 8192}).node("Relu", "r", {"x"})}) {
        const std::string why = message(g);
        CHECK_THAT(why, Contains("operator '") && Contains("(node '"));
        CHECK_THAT(why, Contains("too large") || Contains("is larger than"));
    }
    // one large map after the other, each within bounds, is too much work for so few bytes
    graph deep;
    deep.input({0, 1, 2000, 2000});
    std::string last = "x";
    for (int i = 0; i < 100; ++i) {
        deep.node("Sigmoid", "s" + std::to_string(i), {last});
        last = "s" + std::to_string(i);
    }
    CHECK_THAT(message(deep), Contains("operations an image"));
    // and so are many of them that are waited for at the same time
    graph wide;
    wide.input({0, 1, 1000, 1000});
    std::vector<std::string> parts;
    for (int i = 0; i < 60; ++i) {
        parts.push_back("r" + std::to_string(i));
        wide.node("Relu", parts.back(), {"x"});
    }
    wide.node("Concat", "cat", parts, {{"axis", std::int64_t{1}}});
    CHECK_THAT(message(wide), Contains("MiB an image"));
    // what small networks need is allowed
    CHECK(load(graph().input({0, 3, 720, 1280}).node("Relu", "r", {"x"})).net.rows.size() == 1);
    CHECK(load(conv({{"pads", all(64)}})).net.rows[0].out == shape{4, 134, 134});
}

TEST_CASE("windows of which no tap meets the map are refused", "[onnx]") {
    const auto pooled = [](std::vector<std::int64_t> input, const writer::attributes& a) {
        return graph().input(std::move(input)).node("MaxPool", "p", {"x"}, a);
    };
    // taps at -1 and 1 of a map that is one wide
    CHECK_THAT(message(pooled({0, 3, 7, 1}, {{"kernel_shape", ints({4, 2})},
                                             {"dilations", ints({1, 2})},
                                             {"pads", ints({2, 1, 0, 1})},
                                             {"strides", ints({1, 3})},
                                             {"ceil_mode", std::int64_t{1}}})),
               Contains("windows without data"));
    CHECK_THAT(message(pooled({0, 1, 2, 9}, {{"kernel_shape", ints({2, 1})},
                                             {"dilations", ints({3, 1})},
                                             {"pads", ints({1, 0, 1, 0})}})),
               Contains("windows without data"));
    CHECK(load(pooled({0, 1, 3, 9}, {{"kernel_shape", ints({2, 1})},
                                     {"dilations", ints({3, 1})},
                                     {"pads", ints({1, 0, 1, 0})}}))
              .net.rows[0]
              .out.height == 2);
}
