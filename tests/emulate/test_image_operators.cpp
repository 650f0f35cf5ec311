// Operators of detectors, segmenters and super-resolution against references of their own: what a
// view looks at, index by index; transposed convolutions as ONNX defines them, pair by pair; and
// both backends against each other. (The conformance suite has the operators one by one.)
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/workload/onnx.hpp>

#include "../statistics/random_layers.hpp"
#include "../workload/onnx_writer.hpp"
#include "networks.hpp"

namespace {

using writer::graph;
using writer::ints;
using dims = std::vector<std::int64_t>;

int below(std::mt19937& bits, int n) {
    return static_cast<int>(bits() % static_cast<unsigned>(n));
}

// Values of one image, and what operators do with it, index by index.
struct map_values {
    dims extents;
    std::vector<float> values;

    dims place(std::size_t k) const {
        dims at(extents.size());
        for (std::size_t a = at.size(); a-- > 0;) {
            at[a] = static_cast<std::int64_t>(k) % extents[a];
            k /= static_cast<std::size_t>(extents[a]);
        }
        return at;
    }
    float at(const dims& where) const {
        std::int64_t k = 0;
        for (std::size_t a = 0; a < where.size(); ++a) k = k * extents[a] + where[a];
        return values[static_cast<std::size_t>(k)];
    }
    template <class From>  // from(place in the result) -> place here
    map_values taken(const dims& shape, From from) const {
        map_values out{shape, {}};
        std::size_t count = 1;
        for (const std::int64_t d : shape) count *= static_cast<std::size_t>(d);
        for (std::size_t k = 0; k < count; ++k) out.values.push_back(at(from(out.place(k))));
        return out;
    }
};

// Adds a random transpose, reshape or slice to a graph and to what it should give.
map_values random_step(graph& g, const std::string& from, const std::string& to,
                       const map_values& x, std::mt19937& bits) {
    const std::size_t rank = x.extents.size();
    const int kind = below(bits, 3);
    if (kind == 0) {
        std::vector<std::size_t> order(rank);
        for (std::size_t k = 0; k < rank; ++k) order[k] = k;
        std::shuffle(order.begin(), order.end(), bits);
        dims perm{0}, shape;
        for (const std::size_t k : order)
            perm.push_back(static_cast<std::int64_t>(k) + 1), shape.push_back(x.extents[k]);
        g.node("Transpose", to, {from}, {{"perm", perm}});
        return x.taken(shape, [&](const dims& at) {
            dims where(rank);
            for (std::size_t k = 0; k < rank; ++k) where[order[k]] = at[k];
            return where;
        });
    }
    if (kind == 1) {  // cut into other factors
        std::int64_t left = static_cast<std::int64_t>(x.values.size());
        dims shape;
        while (left > 1 && shape.size() < 4) {
            std::int64_t factor = 1 + below(bits, 6);
            if (left % factor != 0) continue;
            if (shape.size() == 3) factor = left;
            shape.push_back(factor), left /= factor;
        }
        if (shape.empty()) shape.push_back(1);
        shape.back() *= left;
        dims target = shape;
        target.insert(target.begin(), 0);
        if (below(bits, 2) == 0) target[1] = -1;
        g.whole(to + "_shape", target).node("Reshape", to, {from, to + "_shape"});
        return {shape, x.values};
    }
    const auto axis = static_cast<std::size_t>(below(bits, static_cast<int>(rank)));
    const std::int64_t size = x.extents[axis];
    const std::int64_t start = below(bits, static_cast<int>(size));
    const std::int64_t step = 1 + below(bits, 2);
    const std::int64_t extent = 1 + below(bits, static_cast<int>((size - start - 1) / step + 1));
    g.whole(to + "_starts", {start}).whole(to + "_ends", {start + (extent - 1) * step + 1});
    g.whole(to + "_axes", {static_cast<std::int64_t>(axis) + 1}).whole(to + "_steps", {step});
    g.node("Slice", to, {from, to + "_starts", to + "_ends", to + "_axes", to + "_steps"});
    dims shape = x.extents;
    shape[axis] = extent;
    return x.taken(shape, [&](dims at) {
        at[axis] = start + at[axis] * step;
        return at;
    });
}

hass::image_set numbered(std::mt19937& bits, const hass::shape& s, std::size_t count) {
    return test::float_images(bits, s, count);
}

template <class E>
std::vector<float> answers(const hass::model& m, const hass::image_set& images) {
    hass::emulation_options options;
    options.batch = 2, options.threads = 1;
    return E(m).logits(images, options);
}

// Answers of the default backend, which the other one has to give, too.
std::vector<float> both(const hass::model& m, const hass::image_set& images) {
    std::vector<float> given = answers<hass::emulator>(m, images);
#ifdef HASS_WITH_ONEDNN
    const auto other = answers<hass::basic_emulator<hass::onednn_backend>>(m, images);
    REQUIRE(other.size() == given.size());
    for (std::size_t k = 0; k < given.size(); ++k)
        REQUIRE(other[k] == Approx(given[k]).margin(2e-5));
#endif
    return given;
}

}  // namespace

TEST_CASE("transposes, reshapes and slices in a row give the values that they say") {
    std::mt19937 bits(211);
    std::array<int, hass::layer_kind_names.size()> made{};
    for (int round = 0; round < 400; ++round) {
        const hass::shape s{1 + below(bits, 5), 1 + below(bits, 5), 1 + below(bits, 5)};
        const hass::image_set images = numbered(bits, s, 3);
        graph g;
        g.input({0, s.channels, s.height, s.width});
        g.node("LeakyRelu", "start", {"x"}, {{"alpha", -1.0F}});  // |x|
        std::vector<map_values> expected;
        std::string last = "start";
        const int steps = 1 + below(bits, 4);
        for (std::size_t n = 0; n < images.count; ++n) {
            map_values t{{s.channels, s.height, s.width},
                         std::vector<float>(static_cast<std::size_t>(s.volume()))};
            images.copy(n, 1, t.values);
            for (float& v : t.values) v = std::abs(v);
            std::mt19937 same(static_cast<unsigned>(round));
            graph again;
            last = "start";
            for (int k = 0; k < steps; ++k) {
                const std::string next = "step" + std::to_string(k);
                t = random_step(n == 0 ? g : again, last, next, t, same);
                last = next;
            }
            expected.push_back(std::move(t));
        }
        const auto size = static_cast<std::int64_t>(expected[0].values.size());
        const bool multiplies = below(bits, 2) == 0;
        g.whole("flat", {0, -1}).node("Reshape", "flattened", {last, "flat"});
        std::vector<float> weight;
        if (multiplies) {
            for (std::int64_t k = 0; k < 2 * size; ++k)
                weight.push_back(test::uniform(bits, -1.0F, 1.0F));
            g.weight("w", {size, 2}, weight).node("MatMul", "y", {"flattened", "w"});
        }
        INFO("round " << round);
        const hass::model m = hass::parse_onnx(g.file(), "views");
        for (const hass::layer_row& row : m.net.rows) ++made[static_cast<std::size_t>(row.kind)];
        const std::vector<float> given = both(m, images);
        std::size_t k = 0;
        for (const map_values& t : expected) {
            if (!multiplies) {
                for (const float v : t.values) REQUIRE(given[k++] == v);
                continue;
            }
            for (std::size_t o = 0; o < 2; ++o) {
                double sum = 0.0;
                for (std::size_t i = 0; i < t.values.size(); ++i)
                    sum += double(t.values[i]) * double(weight[2 * i + o]);
                REQUIRE(given[k++] == Approx(sum).margin(1e-4));
            }
        }
    }
    CHECK(made[static_cast<std::size_t>(hass::layer_kind::flatten)] > 0);
    CHECK(made[static_cast<std::size_t>(hass::layer_kind::reorder)] > 0);
}

namespace {

struct deconvolution {
    int groups, in, out, kernel[2], stride[2], dilation[2], pad[4], extra[2];
    hass::shape map;

    explicit deconvolution(std::mt19937& bits)
        : groups(1 + below(bits, 2)),
          in(groups * (1 + below(bits, 2))),
          out(1 + below(bits, 3)),
          map{in, 1 + below(bits, 5), 1 + below(bits, 5)} {
        for (int a = 0; a < 2; ++a) {
            kernel[a] = 1 + below(bits, 4), stride[a] = 1 + below(bits, 3);
            dilation[a] = 1 + below(bits, 2);
            extra[a] = below(bits, stride[a]);
            const int reach = (kernel[a] - 1) * dilation[a];
            pad[a] = below(bits, std::min(reach, 2) + 1);
            pad[a + 2] = below(bits, std::min(reach, 2) + 1);
        }
    }
    int extent(int a) const {
        return ((a == 0 ? map.height : map.width) - 1) * stride[a] + extra[a] +
               (kernel[a] - 1) * dilation[a] + 1 - pad[a] - pad[a + 2];
    }
};

}  // namespace

TEST_CASE("a transposed convolution gives the sums, and has the pairs, of its definition") {
    std::mt19937 bits(223);
    int compared = 0, exact = 0;
    for (int round = 0; round < 200; ++round) {
        const deconvolution d(bits);
        const int height = d.extent(0), width = d.extent(1);
        if (height < 1 || width < 1) continue;
        const int per_group = d.in / d.groups, filters = d.out * d.groups;
        std::vector<float> w, bias;
        for (int k = 0; k < d.in * d.out * d.kernel[0] * d.kernel[1]; ++k)
            w.push_back(below(bits, 3) == 0 ? 0.0F : test::uniform(bits, -1.0F, 1.0F));
        for (int f = 0; f < filters; ++f) bias.push_back(test::uniform(bits, -1.0F, 1.0F));
        graph g;
        g.input({0, d.in, d.map.height, d.map.width});
        g.weight("w", {d.in, d.out, d.kernel[0], d.kernel[1]}, w);
        g.weight("b", {filters}, bias);
        g.node("ConvTranspose", "y", {"x", "w", "b"},
               {{"group", std::int64_t{d.groups}},
                {"strides", ints({d.stride[0], d.stride[1]})},
                {"dilations", ints({d.dilation[0], d.dilation[1]})},
                {"pads", ints({d.pad[0], d.pad[1], d.pad[2], d.pad[3]})},
                {"output_padding", ints({d.extra[0], d.extra[1]})}});
        INFO("round " << round);
        const hass::model m = hass::parse_onnx(g.file(), "transposed");
        const hass::image_set images = numbered(bits, d.map, 2);
        const std::vector<float> given = both(m, images);
        const double tau = 0.3;
        double pairs = 0.0;
        std::vector<float> x(static_cast<std::size_t>(d.map.volume()));
        for (std::size_t n = 0; n < images.count; ++n) {
            images.copy(n, 1, x);
            std::vector<double> sums;
            for (int f = 0; f < filters; ++f)
                sums.insert(sums.end(), static_cast<std::size_t>(height * width),
                            double(bias[static_cast<std::size_t>(f)]));
            for (int c = 0; c < d.in; ++c)
                for (int i = 0; i < d.map.height; ++i)
                    for (int j = 0; j < d.map.width; ++j)
                        for (int f = 0; f < d.out; ++f)
                            for (int k = 0; k < d.kernel[0]; ++k)
                                for (int l = 0; l < d.kernel[1]; ++l) {
                                    const int y = i * d.stride[0] + k * d.dilation[0] - d.pad[0];
                                    const int z = j * d.stride[1] + l * d.dilation[1] - d.pad[1];
                                    if (y < 0 || z < 0 || y >= height || z >= width) continue;
                                    const float v = x[static_cast<std::size_t>(
                                        (c * d.map.height + i) * d.map.width + j)];
                                    const float u = w[static_cast<std::size_t>(
                                        ((c * d.out + f) * d.kernel[0] + k) * d.kernel[1] + l)];
                                    const int at =
                                        ((c / per_group * d.out + f) * height + y) * width + z;
                                    sums[static_cast<std::size_t>(at)] += double(v) * double(u);
                                    pairs += std::abs(double(v)) >= tau && u != 0.0F ? 1.0 : 0.0;
                                }
            for (std::size_t k = 0; k < sums.size(); ++k)
                REQUIRE(given[n * sums.size() + k] == Approx(sums[k]).margin(1e-4));
        }
        const std::vector<int> labels(images.count, 0);
        hass::network_thresholds thresholds(m.net.rows.size());
        thresholds[0].activation = tau;
        if (hass::emulator(m).classes() == 1) continue;  // of which no label is told
        const auto statistics = hass::emulator(m).run(images, labels, thresholds).statistics;
        const double met = (1.0 - statistics[0].pair_sparsity_padded) *
                           static_cast<double>(mac_count(m.net.rows[0])) *
                           static_cast<double>(images.count);
        ++compared;
        const auto cut = [](const hass::layer_row& r) { return r.kind == hass::layer_kind::crop; };
        if (std::none_of(m.net.rows.begin(), m.net.rows.end(), cut)) {
            REQUIRE(met == Approx(pairs));
            ++exact;
        } else {
            REQUIRE(met >= pairs * (1.0 - 1e-9));  // with what is computed and cut off again
        }
    }
    CHECK(compared > 100);
    CHECK(exact > 30);
}

TEST_CASE("both backends answer alike, whatever the operator") {
    std::mt19937 bits(227);
    const auto run = [&](graph& g, const hass::shape& s) {
        g.input({0, s.channels, s.height, s.width});
        const hass::model m = hass::parse_onnx(g.file(), "operators");
        return both(m, numbered(bits, s, 3)).size() / 3;
    };
    const auto on_map = [&](std::string_view op, const writer::attributes& with = {},
                            const std::vector<std::string>& more = {}) {
        graph g;
        g.weight("four", {4}, {0.5F, -1.0F, 2.0F, 0.25F});
        g.weight("grid", {1, 2, 3, 2})
            .weight("map", {1, 4, 5, 6})
            .weight("slopes", {4, 1, 1}, {0.5F, -1.0F, 2.0F, 0.25F});
        g.whole("wide", {0, 1, 1, 2, 0, 0, 2, 1}).whole("around", {0, 0, 1, 2, 0, 0, 2, 1});
        g.whole("sizes", {1, 4, 7, 15}).weight("none", {0}, {});
        std::vector<std::string> inputs{"x"};
        inputs.insert(inputs.end(), more.begin(), more.end());
        g.node(op, "y", inputs, with);
        INFO(op);
        return run(g, {4, 5, 6});
    };
    for (const char* op : {"Elu", "Selu", "Celu", "Softplus", "Softsign", "Abs", "Neg", "Shrink",
                           "ThresholdedRelu", "HardSigmoid", "LeakyRelu"})
        CHECK(on_map(op) == 120);
    CHECK(on_map("PRelu", {}, {"slopes"}) == 120);
    CHECK(on_map("Add", {}, {"map"}) == 120);
    CHECK(on_map("Mul", {}, {"map"}) == 120);
    CHECK(on_map("Sub", {}, {"map"}) == 120);
    CHECK(on_map("LRN", {{"size", std::int64_t{3}}, {"alpha", 0.5F}}) == 120);
    CHECK(on_map("InstanceNormalization", {}, {"four", "four"}) == 120);
    CHECK(on_map("ReduceMax", {{"axes", ints({1})}}) == 30);
    CHECK(on_map("ReduceMean", {{"axes", ints({1, 2, 3})}}) == 1);
    CHECK(on_map("ReduceProd", {{"axes", ints({1, 3})}}) == 5);
    CHECK(on_map("GridSample", {}, {"grid"}) == 24);
    CHECK(on_map("Pad", {}, {"wide"}) == 5 * 8 * 9);
    for (const char* mode : {"constant", "reflect", "edge"})
        CHECK(on_map("Pad", {{"mode", std::string(mode)}}, {"around"}) == 4 * 8 * 9);
    for (const char* mode : {"nearest", "linear", "cubic"})
        CHECK(on_map("Resize", {{"mode", std::string(mode)}}, {"none", "none", "sizes"}) == 420);

    for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max"}) {
        INFO(op);
        graph pixels, gates, stacks;  // one channel for all, one pixel for all, maps joined
        pixels.node("ReduceMax", "one", {"x"}, {{"axes", ints({1})}}).node(op, "y", {"x", "one"});
        CHECK(run(pixels, {4, 5, 6}) == 120);
        gates.node("GlobalMaxPool", "g", {"x"}).node(op, "a", {"g", "x"});
        gates.node(op, "y", {"a", "x"});
        CHECK(run(gates, {4, 5, 6}) == 120);
        for (const std::int64_t axis : {1, 2, 3}) {
            graph joins;
            joins.node("Neg", "n", {"x"}).node(op, "a", {"x", "n"});
            joins.node("Concat", "y", {"a", "x"}, {{"axis", axis}});
            CHECK(run(joins, {4, 5, 6}) == 240);
        }
    }
    graph sampled;  // at places of its own
    sampled.node("Transpose", "t", {"x"}, {{"perm", ints({0, 2, 3, 1})}});
    sampled.node("GridSample", "y", {"x", "t"}, {{"padding_mode", std::string("reflection")}});
    CHECK(run(sampled, {2, 5, 6}) == 60);
    for (const auto& [op, kind] : {std::pair{"DepthToSpace", hass::layer_kind::depth_to_space},
                                   {"SpaceToDepth", hass::layer_kind::space_to_depth}}) {
        graph g;
        g.node("LeakyRelu", "a", {"x"}).node(op, "b", {"a"}, {{"blocksize", std::int64_t{2}}});
        g.input({0, 4, 6, 4});
        const hass::model m = hass::parse_onnx(g.file(), op);
        CHECK(m.net.rows.back().kind == kind);
        CHECK(both(m, numbered(bits, {4, 6, 4}, 2)).size() == 192);
    }
    graph part;
    part.whole("from", {1, 2}).whole("to", {5, 6}).whole("along", {2, 3}).whole("by", {2, 1});
    part.node("LeakyRelu", "a", {"x"}, {{"alpha", -1.0F}});
    part.node("Slice", "y", {"a", "from", "to", "along", "by"}).input({0, 4, 5, 6});
    const hass::model cut = hass::parse_onnx(part.file(), "part");
    CHECK(cut.net.rows.back().kind == hass::layer_kind::crop);
    const hass::image_set whole = numbered(bits, {4, 5, 6}, 1);
    const std::vector<float> inner = both(cut, whole);
    std::vector<float> all(120);
    whole.copy(0, 1, all);
    REQUIRE(inner.size() == 4 * 2 * 4);
    for (std::size_t k = 0; k < inner.size(); ++k)
        CHECK(inner[k] == std::abs(all[k / 8 * 30 + (1 + k / 4 % 2 * 2) * 6 + 2 + k % 4]));
    graph last;  // channels last, in and out
    last.node("Transpose", "t", {"x"}, {{"perm", ints({0, 3, 1, 2})}});
    last.node("Selu", "s", {"t"}).node("Transpose", "y", {"s"}, {{"perm", ints({0, 2, 3, 1})}});
    last.input({0, 5, 6, 3});
    const hass::model m = hass::parse_onnx(last.file(), "last");
    CHECK(m.net.rows.size() == 1);
    CHECK(m.channels_last_input);
    const hass::image_set images = numbered(bits, {5, 6, 3}, 2);
    const std::vector<float> given = both(m, images);
    std::vector<float> x(90);
    images.copy(1, 1, x);
    for (std::size_t k = 0; k < x.size(); ++k)
        REQUIRE(given[90 + k] ==
                Approx(hass::apply(hass::value_function::selu, x[k], 1.67326319F, 1.05070102F)));
}

TEST_CASE("the head of a detector is decoded as its authors write it down") {
    // Two maps, 4 bins of a distance for each side of a box, 3 classes: YOLOv8's head, small.
    constexpr int bins = 4, classes = 3, wide = 4 * bins + classes, channels = 5;
    const std::array<int, 2> sides{4, 2};
    const std::int64_t places = 20;
    std::mt19937 bits(229);
    std::vector<float> w, anchors, strides, ramp;
    for (int k = 0; k < wide * channels; ++k) w.push_back(test::uniform(bits, -1.0F, 1.0F));
    for (int axis = 0; axis < 2; ++axis)
        for (const int side : sides)
            for (int p = 0; p < side * side; ++p)
                anchors.push_back(0.5F + static_cast<float>(axis == 0 ? p % side : p / side));
    for (const int side : sides)
        strides.insert(strides.end(), static_cast<std::size_t>(side * side),
                       side == 4 ? 8.F : 16.F);
    for (int k = 0; k < bins; ++k) ramp.push_back(static_cast<float>(k));

    graph g;
    g.input({0, channels, 4, 4});
    g.weight("w", {wide, channels, 1, 1}, w).weight("ramp", {1, bins, 1, 1}, ramp);
    g.weight("anchors", {1, 2, places}, anchors).weight("strides", {1, places}, strides);
    g.weight("two", {}, {2.0F}).whole("flat", {0, wide, -1}).whole("parts", {4 * bins, classes});
    g.whole("binned", {0, 4, bins, places}).whole("boxes", {0, 4, places});
    g.whole("zero", {0}).whole("half", {2}).whole("end", {4}).whole("one", {1});
    g.node("MaxPool", "small", {"x"}, {{"kernel_shape", ints({2, 2})}, {"strides", ints({2, 2})}});
    g.node("Conv", "c1", {"x", "w"}).node("Reshape", "r1", {"c1", "flat"});
    g.node("Conv", "c2", {"small", "w"}).node("Reshape", "r2", {"c2", "flat"});
    g.node("Concat", "all", {"r1", "r2"}, {{"axis", std::int64_t{2}}});
    g.node("Split", "split", {"all", "parts"}, {{"axis", std::int64_t{1}}}, {"box", "cls"});
    g.node("Reshape", "b1", {"box", "binned"});
    g.node("Transpose", "b2", {"b1"}, {{"perm", ints({0, 2, 1, 3})}});
    g.node("Softmax", "b3", {"b2"}, {{"axis", std::int64_t{1}}}).node("Conv", "b4", {"b3", "ramp"});
    g.node("Reshape", "dist", {"b4", "boxes"});
    g.node("Slice", "lt", {"dist", "zero", "half", "one"});
    g.node("Slice", "rb", {"dist", "half", "end", "one"});
    g.node("Sub", "p1", {"anchors", "lt"}).node("Add", "p2", {"rb", "anchors"});
    g.node("Add", "sum", {"p1", "p2"}).node("Div", "centre", {"sum", "two"});
    g.node("Sub", "size", {"p2", "p1"});
    g.node("Concat", "xywh", {"centre", "size"}, {{"axis", std::int64_t{1}}});
    g.node("Mul", "scaled", {"xywh", "strides"}).node("Sigmoid", "scores", {"cls"});
    g.node("Concat", "y", {"scaled", "scores"}, {{"axis", std::int64_t{1}}});
    const hass::model m = hass::parse_onnx(g.file(), "head");
    const auto count = [&](hass::layer_kind kind) {
        return std::count_if(m.net.rows.begin(), m.net.rows.end(),
                             [&](const hass::layer_row& r) { return r.kind == kind; });
    };
    CHECK(count(hass::layer_kind::reorder) == 0);
    CHECK(count(hass::layer_kind::select_channels) > 0);
    CHECK(count(hass::layer_kind::stack) == 1);

    const hass::image_set images = numbered(bits, {channels, 4, 4}, 2);
    const std::vector<float> given = both(m, images);
    REQUIRE(given.size() == 2 * (4 + classes) * places);
    std::vector<float> x(channels * 16);
    for (std::size_t n = 0; n < 2; ++n) {
        images.copy(n, 1, x);
        for (std::size_t p = 0; p < places; ++p) {
            std::array<double, wide> head{};
            for (std::size_t o = 0; o < wide; ++o)
                for (std::size_t c = 0; c < channels; ++c) {
                    float v = p < 16 ? x[c * 16 + p] : -1e30F;
                    for (std::size_t k = 0; p >= 16 && k < 4; ++k)
                        v = std::max(
                            v,
                            x[c * 16 + ((p - 16) / 2 * 2 + k / 2) * 4 + (p - 16) % 2 * 2 + k % 2]);
                    head[o] += double(w[o * channels + c]) * double(v);
                }
            std::array<double, 4> side{};
            for (std::size_t s = 0; s < 4; ++s) {
                double all = 0.0;
                for (std::size_t k = 0; k < bins; ++k) {
                    const double e = std::exp(head[s * bins + k]);
                    all += e, side[s] += e * double(k);
                }
                side[s] /= all;
            }
            const double ax = double(anchors[p]), ay = double(anchors[places + p]);
            const double by = double(strides[p]);
            const std::array<double, 4> box{(2 * ax - side[0] + side[2]) / 2 * by,
                                            (2 * ay - side[1] + side[3]) / 2 * by,
                                            (side[0] + side[2]) * by, (side[1] + side[3]) * by};
            const auto at = [&](std::size_t row) {
                return double(given[(n * (4 + classes) + row) * places + p]);
            };
            for (std::size_t k = 0; k < 4; ++k) REQUIRE(at(k) == Approx(box[k]).margin(1e-3));
            for (std::size_t k = 0; k < classes; ++k)
                REQUIRE(at(4 + k) ==
                        Approx(1.0 / (1.0 + std::exp(-head[4 * bins + k]))).margin(1e-5));
        }
    }
}
