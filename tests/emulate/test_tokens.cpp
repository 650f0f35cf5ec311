// Transformers in the forms that exporters write, against the operators' definitions; the joint
// statistics of products of two activations, against every pair counted one by one.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/workload/inputs.hpp>
#include <hass/workload/onnx.hpp>

#include "tensor_graph.hpp"

namespace {

using test::tensor;
using test::tensor_graph;
using writer::ints;

using flow = std::pair<std::string, tensor>;  // a tensor of the file, and its value

constexpr std::int64_t tokens = 6, width = 8, heads = 2;

flow linear(tensor_graph& g, const flow& x, std::int64_t outputs, bool bias = true) {
    const flow w = g.weight({x.second.dims.back(), outputs}, 0.6F);
    flow y{g.node("MatMul", {x.first, w.first}), test::product(x.second, w.second)};
    if (!bias) return y;
    const flow b = g.weight({outputs});
    return {g.node("Add", {b.first, y.first}),
            test::combined(y.second, b.second, [](double p, double q) { return p + q; })};
}

flow transpose(tensor_graph& g, const flow& x, const std::vector<std::int64_t>& perm) {
    return {g.node("Transpose", {x.first}, {{"perm", perm}}), test::transposed(x.second, perm)};
}

flow reshape(tensor_graph& g, const flow& x, const std::vector<std::int64_t>& dims) {
    flow y{g.node("Reshape", {x.first, g.whole(dims)}), x.second};
    y.second.dims = dims;
    y.second.dims[0] = 1;
    return y;
}

flow add(tensor_graph& g, const flow& a, const flow& b) {
    return {g.node("Add", {a.first, b.first}),
            test::combined(a.second, b.second, [](double p, double q) { return p + q; })};
}

// In one piece, or in the pieces that exporters write.
flow layer_norm(tensor_graph& g, const flow& x, int form) {
    const flow gain = g.weight({width}), bias = g.weight({width});
    const bool centred = form != 3;
    const auto scaled = [&](const tensor& t) {
        return test::combined(
            test::combined(t, gain.second, [](double p, double q) { return p * q; }), bias.second,
            [](double p, double q) { return p + q; });
    };
    const tensor value =
        scaled(test::along(x.second, x.second.rank() - 1, test::norm(1e-3, centred)));
    if (form == 0)
        return {g.node("LayerNormalization", {x.first, gain.first, bias.first},
                       {{"axis", std::int64_t{-1}}, {"epsilon", 1e-3F}}),
                value};
    const writer::attributes last{{"axes", ints({-1})}};
    std::string d = x.first;
    if (centred) d = g.node("Sub", {x.first, g.node("ReduceMean", {x.first}, last)});
    const std::string square =
        form == 2 ? g.node("Mul", {d, d}) : g.node("Pow", {d, g.number(2.0)});
    const std::string variance = g.node("ReduceMean", {square}, last);
    const std::string root = g.node("Sqrt", {g.node("Add", {variance, g.number(1e-3)})});
    const std::string normal =
        form == 2 ? g.node("Mul", {d, g.node("Reciprocal", {root})}) : g.node("Div", {d, root});
    return {g.node("Add", {g.node("Mul", {normal, gain.first}), bias.first}), value};
}

flow gelu(tensor_graph& g, const flow& x, int form) {
    tensor value = x.second;
    const bool by_tanh = form == 2;
    for (double& v : value.values)
        v = 0.5 * v *
            (1.0 + (by_tanh
                        ? std::tanh(std::sqrt(2.0 / 3.14159265358979) * (v + 0.044715 * v * v * v))
                        : std::erf(v / std::sqrt(2.0))));
    if (form == 0) {
        const std::string e = g.node("Erf", {g.node("Div", {x.first, g.number(std::sqrt(2.0))})});
        const std::string sum = g.node("Add", {e, g.number(1.0)});
        return {g.node("Mul", {g.node("Mul", {x.first, sum}), g.number(0.5)}), value};
    }
    if (form == 1) {
        const std::string half = g.node("Mul", {x.first, g.number(0.5)});
        const std::string e = g.node("Erf", {g.node("Mul", {x.first, g.number(std::sqrt(0.5))})});
        return {g.node("Mul", {half, g.node("Add", {g.number(1.0), e})}), value};
    }
    const std::string cube = g.node("Pow", {x.first, g.number(3.0)});
    const std::string sum = g.node("Add", {x.first, g.node("Mul", {cube, g.number(0.044715)})});
    const std::string t =
        g.node("Tanh", {g.node("Mul", {sum, g.number(std::sqrt(2.0 / 3.14159265358979))})});
    const std::string one = g.node("Add", {t, g.number(1.0)});
    return {g.node("Mul", {g.node("Mul", {x.first, one}), g.number(0.5)}), value};
}

flow reshaped(tensor_graph& g, const flow& x, const std::vector<std::int64_t>& dims) {
    return {g.node("Reshape", {x.first, g.whole(dims)}), {dims, x.second.values}};
}

// Part `k` of three along axis 0 or 1, and without that axis.
flow part_of_three(tensor_graph& g, const flow& x, std::int64_t axis, std::int64_t k) {
    const std::string index = g.name();
    g.file().initializer(writer::integers(index, {}, {k}));
    flow part{g.node("Gather", {x.first, index}, {{"axis", axis}}), {}};
    part.second.dims = x.second.dims;
    part.second.dims.erase(part.second.dims.begin() + axis);
    const auto size = static_cast<std::ptrdiff_t>(x.second.values.size() / 3);
    const auto from = x.second.values.begin() + static_cast<std::ptrdiff_t>(k) * size;
    part.second.values.assign(from, from + size);
    return part;
}

// How exporters part q, k and v: three linear layers; one, and axes that stay behind the batch; one,
// and the three in front of the batch (timm).
enum class parting { three, behind, in_front, sequence_first };

// q, k, v of a head each: N x heads x T x d; k with its last two axes exchanged.
std::array<flow, 3> heads_of(tensor_graph& g, const flow& x, parting how) {
    std::array<flow, 3> parts;
    const std::int64_t each = width / heads, count = x.second.dims[1];
    if (how == parting::three) {
        for (std::size_t k = 0; k < 3; ++k)
            parts[k] = transpose(g, reshape(g, linear(g, x, width), {-1, count, heads, each}),
                                 k == 1 ? ints({0, 2, 3, 1}) : ints({0, 2, 1, 3}));
        return parts;
    }
    const bool behind = how == parting::behind;
    const flow all = reshape(g, linear(g, x, 3 * width), {-1, count, 3, heads, each});
    const flow split = transpose(g, all, behind ? ints({0, 2, 3, 1, 4}) : ints({2, 0, 3, 1, 4}));
    for (std::size_t k = 0; k < 3; ++k)
        parts[k] = part_of_three(g, split, behind ? 1 : 0, static_cast<std::int64_t>(k));
    parts[1] = transpose(g, parts[1], {0, 1, 3, 2});
    return parts;
}

flow softmax(tensor_graph& g, const flow& x) {
    return {g.node("Softmax", {x.first}, {{"axis", std::int64_t{-1}}}),
            test::along(x.second, x.second.rank() - 1, test::softmax)};
}

flow weighed(tensor_graph& g, const flow& q, const flow& k, const flow& v, const flow* mask) {
    flow scores{g.node("MatMul", {q.first, k.first}), test::product(q.second, k.second)};
    scores.first = g.node("Div", {scores.first, g.number(2.0)});
    for (double& s : scores.second.values) s /= 2.0;
    if (mask != nullptr) scores = add(g, scores, *mask);
    scores = softmax(g, scores);
    return {g.node("MatMul", {scores.first, v.first}), test::product(scores.second, v.second)};
}

// As torch's MultiheadAttention: tokens in front of the batch, and heads with it in one axis.
flow sequence_first(tensor_graph& g, const flow& x) {
    const std::int64_t each = width / heads, count = x.second.dims[1];
    const flow all = linear(g, transpose(g, x, {1, 0, 2}), 3 * width);
    flow split = reshaped(g, all, {count, 1, 3, width});
    split.first = g.node("Unsqueeze", {split.first, g.whole({0})});
    split.second.dims.insert(split.second.dims.begin(), 1);
    split = transpose(g, split, {3, 1, 2, 0, 4});
    split.first = g.node("Squeeze", {split.first, g.whole({3})});
    split.second.dims.erase(split.second.dims.begin() + 3);
    std::array<flow, 3> parts;
    for (std::size_t k = 0; k < 3; ++k)
        parts[k] = transpose(g,
                             reshaped(g, part_of_three(g, split, 0, static_cast<std::int64_t>(k)),
                                      {count, heads, each}),
                             {1, 0, 2});
    const flow mixed = weighed(g, parts[0], transpose(g, parts[1], {0, 2, 1}), parts[2], nullptr);
    const flow rows = reshaped(g, transpose(g, mixed, {1, 0, 2}), {count, width});
    const flow w = g.weight({width, width}, 0.6F), b = g.weight({width});
    const flow out{g.node("Gemm", {rows.first, w.first, b.first}, {{"transB", std::int64_t{1}}}),
                   test::combined(test::product(rows.second, test::transposed(w.second, {1, 0})),
                                  b.second, [](double p, double q) { return p + q; })};
    return transpose(g, reshaped(g, out, {count, 1, width}), {1, 0, 2});
}

flow attention(tensor_graph& g, const flow& x, parting how, const flow* mask = nullptr) {
    if (how == parting::sequence_first) return sequence_first(g, x);
    const auto [q, k, v] = heads_of(g, x, how);
    const flow mixed = weighed(g, q, k, v, mask);
    const flow together =
        reshape(g, transpose(g, mixed, {0, 2, 1, 3}), {-1, x.second.dims[1], width});
    return linear(g, together, width);
}

flow block(tensor_graph& g, const flow& x, int form, const flow* mask = nullptr) {
    const flow middle =
        layer_norm(g, add(g, x, attention(g, x, static_cast<parting>(form % 4), mask)), form % 4);
    const flow wide = gelu(g, linear(g, middle, 2 * width), form % 3);
    return layer_norm(g, add(g, middle, linear(g, wide, width)), form % 4);
}

// The largest difference of a network's answers to a value, as a share of its range.
template <class Backend>
double off_by(const hass::model& m, const hass::image_set& images, const tensor& expected) {
    const std::vector<float> given =
        hass::basic_emulator<Backend>(m, hass::preprocessing{1.0F, {0.0F}, {1.0F}}).logits(images);
    REQUIRE(given.size() == expected.values.size());
    const auto [least, most] = std::minmax_element(expected.values.begin(), expected.values.end());
    double off = 0.0;
    for (std::size_t i = 0; i < given.size(); ++i)
        off = std::max(off, std::abs(static_cast<double>(given[i]) - expected.values[i]));
    return off / (*most - *least);
}

int rows_of(const hass::model& m, hass::layer_kind kind) {
    int count = 0;
    for (const hass::layer_row& row : m.net.rows) count += row.kind == kind ? 1 : 0;
    return count;
}

tensor tensor_of(const hass::image_set& images, std::vector<std::int64_t> dims) {
    std::vector<float> values(static_cast<std::size_t>(images.each.volume()));
    images.copy(0, 1, values);
    return {std::move(dims), {values.begin(), values.end()}};
}

}  // namespace

TEST_CASE("transformers in the forms of exporters answer as their operators say", "[tokens]") {
    for (int form = 0; form < 6; ++form) {
        std::mt19937 bits(static_cast<unsigned>(100 + form));
        INFO("form " << form);
        tensor_graph g(bits);
        g.file().input({0, tokens, 5}, "x");
        const hass::image_set images = test::float_images(bits, {1, tokens, 5}, 1);
        flow x = linear(g, {"x", tensor_of(images, {1, tokens, 5})}, width);
        const flow first = g.weight({1, 1, width});  // class token, and places
        x.first = g.node("Concat", {first.first, x.first}, {{"axis", std::int64_t{1}}});
        x.second.values.insert(x.second.values.begin(), first.second.values.begin(),
                               first.second.values.end());
        x.second.dims[1] = tokens + 1;
        x = add(g, x, g.weight({1, tokens + 1, width}));
        x = block(g, block(g, x, form), form + 1);
        const std::string place = g.name();
        g.file().initializer(writer::integers(place, {}, {0}));
        x.first = g.node("Gather", {x.first, place}, {{"axis", std::int64_t{1}}});
        x.second.dims = {1, width}, x.second.values.resize(width);
        const flow w = g.weight({3, width});
        const tensor answer = test::product(x.second, test::transposed(w.second, {1, 0}));
        g.node("Gemm", {x.first, w.first}, {{"transB", std::int64_t{1}}});
        const hass::model m = hass::parse_onnx(g.file().file(), "transformer");
        CHECK(m.channels_last_input);
        CHECK(rows_of(m, hass::layer_kind::matmul) == 4);
        // norms and activations in pieces are one row each, and nothing is put in another order
        CHECK(rows_of(m, hass::layer_kind::layer_norm) + rows_of(m, hass::layer_kind::rms_norm) ==
              4);
        CHECK(rows_of(m, hass::layer_kind::function) == 2);
        CHECK(rows_of(m, hass::layer_kind::reorder) == 0);
        CHECK(off_by<hass::eigen_backend>(m, images, answer) < 1e-5);
        CHECK(off_by<hass::onednn_backend>(m, images, answer) < 1e-5);
    }
}

TEST_CASE("token ids and their mask are two inputs of one image", "[tokens]") {
    std::mt19937 bits(7);
    tensor_graph g(bits);
    constexpr int int64 = 7;
    g.file().input({0, tokens}, "ids", int64).input({0, tokens}, "mask", int64);
    const std::vector<std::int64_t> ids{3, 0, 9, 9, 1, 4}, mask{1, 1, 1, 1, 0, 0};
    const flow table = g.weight({10, width});
    flow x{g.node("Gather", {table.first, "ids"}), {{1, tokens, width}, {}}};
    for (const std::int64_t id : ids)
        for (std::int64_t c = 0; c < width; ++c)
            x.second.values.push_back(
                table.second.values[static_cast<std::size_t>(id * width + c)]);
    const std::string data = g.node("Cast", {"mask"}, {{"to", std::int64_t{1}}});
    const std::string inverse = g.node("Sub", {g.number(1.0), data});
    flow hidden;
    hidden.first =
        g.node("Mul", {g.node("Unsqueeze", {inverse, g.whole({1, 2})}), g.number(-10000.0)});
    hidden.second.dims = {1, 1, 1, tokens};
    for (const std::int64_t m : mask)
        hidden.second.values.push_back(-10000.0 * static_cast<double>(1 - m));
    x = block(g, x, 0, &hidden);
    const hass::model m = hass::parse_onnx(g.file().file(), "tokens");
    REQUIRE(m.inputs.size() == 2);
    CHECK(m.inputs[1].name == "mask");
    const auto set = [](const std::vector<std::int64_t>& v) {
        return hass::to_images(hass::make_npy<std::int64_t>({1, v.size()}, v));
    };
    const std::vector<hass::image_set> arrays{set(ids), set(mask)};
    const hass::image_set images = hass::stacked_inputs(m, arrays);
    CHECK(off_by<hass::eigen_backend>(m, images, x.second) < 1e-5);
    CHECK(off_by<hass::onednn_backend>(m, images, x.second) < 1e-5);
    // an id beyond the table is named, not read
    const std::vector<hass::image_set> wrong{set({3, 0, 10, 9, 1, 4}), set(mask)};
    const hass::emulator network(m);
    CHECK_THROWS_WITH(network.logits(hass::stacked_inputs(m, wrong)),
                      Catch::Contains("embedding") && Catch::Contains("not finite"));
    const std::vector<hass::image_set> one{set(ids)};
    CHECK_THROWS_WITH(hass::stacked_inputs(m, one), Catch::Contains("takes 2 inputs"));
}

TEST_CASE("convolutions and pools along one axis", "[tokens]") {
    std::mt19937 bits(11);
    tensor_graph g(bits);
    g.file().input({0, 2, 12}, "x");
    const flow w = g.weight({4, 2, 3});
    const std::string c =
        g.node("Conv", {"x", w.first}, {{"kernel_shape", ints({3})}, {"pads", ints({1, 1})}});
    const std::string p =
        g.node("MaxPool", {c}, {{"kernel_shape", ints({2})}, {"strides", ints({2})}});
    g.node("Flatten", {p});
    const hass::image_set images = test::float_images(bits, {2, 12, 1}, 1);
    const tensor x = tensor_of(images, {1, 2, 12});
    tensor y{{1, 24}, {}};
    for (std::size_t f = 0; f < 4; ++f)
        for (std::size_t o = 0; o < 6; ++o) {
            double best = -1e30;
            for (std::size_t at = 2 * o; at < 2 * o + 2; ++at) {
                double sum = 0.0;
                for (std::size_t k = 0; k < 2; ++k)
                    for (std::size_t t = 0; t < 3; ++t)
                        if (at + t >= 1 && at + t <= 12)
                            sum += w.second.values[(f * 2 + k) * 3 + t] *
                                   x.values[k * 12 + at + t - 1];
                best = std::max(best, sum);
            }
            y.values.push_back(best);
        }
    const hass::model m = hass::parse_onnx(g.file().file(), "one axis");
    CHECK(off_by<hass::eigen_backend>(m, images, y) < 1e-5);
    CHECK(off_by<hass::onednn_backend>(m, images, y) < 1e-5);
}

TEST_CASE("joint zeros of two activations equal a count pair by pair", "[tokens]") {
    // x is multiplied with itself: by its transpose, and as it is, two heads each
    const hass::shape map{8, 5, 1};
    for (const bool transposed : {true, false}) {
        std::mt19937 bits(transposed ? 3U : 4U);
        hass::layer_row row;
        row.kind = hass::layer_kind::matmul, row.in = map, row.groups = 2;
        row.transposed = transposed;
        // 2 x (4 x 5 by 5 x 5), or both inputs 10 channels x 5 pixels: 2 x (5 x 5 by 5 x 5)
        row.in = transposed ? map : hass::shape{10, 5, 1};
        row.out = {10, 5, 1};
        hass::layer_row first = test::plain(hass::layer_kind::relu, row.in);
        hass::model m =
            test::make_model(bits, {first, first, row}, {{-1, 0}, {0, 1}, {0, 2}, {1, 2}});
        m.parameters[2].weights.clear();
        m.parameters[2].alpha = 1.0F;
        const std::size_t images = 3;
        const hass::image_set set = test::float_images(bits, row.in, images);
        const hass::layer_thresholds tau{0.6, 0.4};
        hass::network_thresholds thresholds(3);
        thresholds[2] = tau;
        const hass::emulator network(m, {1.0F, {0.0F}, {1.0F}});
        const std::vector<int> labels(images, 0);
        const hass::layer_statistics s = network.run(set, labels, thresholds).statistics[2];
        hass::emulation_options sparsities;
        sparsities.products = {.windows = false};
        hass::layer_statistics without = s;
        without.windows.clear();
        CHECK(network.run(set, labels, thresholds, sparsities).statistics[2] == without);
        const std::size_t seen = static_cast<std::size_t>(row.in.channels) / 2, pixels = 5;
        std::vector<double> x(static_cast<std::size_t>(row.in.volume()));
        const auto at = [&](std::size_t c, std::size_t p) { return x[c * pixels + p]; };
        std::uint64_t alive = 0, all = 0, kept_inputs = 0, kept_filters = 0;
        std::vector<std::uint64_t> windows(2 * seen * 2, 0);  // of one channel: 0 or 1 pair
        for (std::size_t n = 0; n < images; ++n) {
            std::vector<float> raw(x.size());
            set.copy(n, 1, raw);
            for (std::size_t k = 0; k < x.size(); ++k)
                x[k] = std::max(0.0, static_cast<double>(raw[k]));
            for (const double v : x) kept_inputs += v >= 0.4F;
            for (std::size_t h = 0; h < 2; ++h)
                for (std::size_t f = 0; f < 5; ++f)
                    for (std::size_t k = 0; k < seen; ++k) {
                        const double w = transposed ? at(h * seen + k, f) : at(h * 5 + f, k);
                        kept_filters += w >= 0.6F;
                        for (std::size_t p = 0; p < pixels; ++p) {
                            const bool pair = w >= 0.6F && at(h * seen + k, p) >= 0.4F;
                            alive += pair, ++all;
                            ++windows[(h * seen + k) * 2 + (pair ? 1 : 0)];
                        }
                    }
        }
        CHECK(s.pair_sparsity == Approx(1.0 - double(alive) / double(all)).epsilon(1e-12));
        CHECK(s.pair_sparsity_padded == s.pair_sparsity);
        CHECK(s.activation_sparsity ==
              Approx(1.0 - double(kept_inputs) / double(x.size() * images)).epsilon(1e-12));
        CHECK(s.weight_sparsity ==
              Approx(1.0 - double(kept_filters) / double(10 * seen * images)).epsilon(1e-12));
        REQUIRE(!s.windows.empty());
        REQUIRE(s.windows[0].channels == 1);
        REQUIRE(s.windows[0].share.size() == windows.size());
        for (std::size_t k = 0; k < windows.size(); ++k)
            CHECK(s.windows[0].share[k] ==
                  Approx(double(windows[k]) / double(images * pixels * 5)).epsilon(1e-12));
        // the second input's magnitudes are those of the first one here
        const hass::network_magnitudes sizes = network.magnitudes(set);
        CHECK(sizes[2].weights.zeros() == Approx(sizes[2].activations.zeros()).margin(1e-3));
    }
}

TEST_CASE("exponentials of floats are right, whatever stands beside them", "[tokens]") {
    using hass::detail::exponential;
    double worst = 0.0;
    for (float x = -87.0F; x < 88.7F; x += 0.0037F) {
        const double e = std::exp(static_cast<double>(x));
        worst = std::max(worst, std::abs(static_cast<double>(exponential(x)) - e) / e);
    }
    CHECK(worst < 2.4e-7);  // two units in the last place
    for (float x = -110.0F; x < -87.0F; x += 0.01F)
        REQUIRE(static_cast<double>(exponential(x)) ==
                Approx(std::exp(static_cast<double>(x))).margin(2e-45).epsilon(2.4e-7));
    constexpr float infinity = std::numeric_limits<float>::infinity();
    CHECK(exponential(0.0F) == 1.0F);
    CHECK(exponential(-1e9F) == 0.0F);
    CHECK(exponential(-infinity) == 0.0F);
    CHECK(exponential(88.73F) == infinity);
    CHECK(exponential(infinity) == infinity);
    CHECK(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
    std::vector<float> in(67), all(67), from_third(67);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = 0.37F * static_cast<float>(i) - 12.0F;
    hass::detail::map(in.data(), all.data(), 67, hass::detail::sigmoid);
    hass::detail::map(in.data() + 3, from_third.data(), 64, hass::detail::sigmoid);
    for (std::size_t i = 3; i < in.size(); ++i) REQUIRE(all[i] == from_third[i - 3]);
}
