// Operators that the loader spells out in others, and masks of data, against their definitions.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/grid_sample.hpp>
#include <hass/workload/onnx.hpp>

#include "tensor_graph.hpp"

namespace {

using test::tensor;
using test::tensor_graph;
using writer::ints;

using flow = std::pair<std::string, tensor>;  // a tensor of the file, and its value
using number_pair = std::function<double(double, double)>;

const std::vector<std::int64_t> map_dims{1, 3, 4, 5};

// Values of which many are equal, and some are exactly +-0.5.
hass::image_set steps(std::mt19937& bits, const std::vector<std::int64_t>& dims) {
    std::vector<float> pixels;
    test::for_each_index(dims, [&](std::size_t, const auto&) {
        pixels.push_back(std::round(test::uniform(bits, -4.0F, 4.0F)) / 4.0F);
    });
    hass::image_set images;
    images.count = 1;
    const auto extent = [&](std::size_t k) {
        return k < dims.size() ? static_cast<int>(dims[k]) : 1;
    };
    images.each = {extent(1), extent(2), extent(3)};
    images.pixels = hass::make_npy<float>({pixels.size()}, pixels);
    return images;
}

tensor tensor_of(const hass::image_set& images, std::vector<std::int64_t> dims) {
    std::vector<float> values(static_cast<std::size_t>(images.each.volume()));
    images.copy(0, 1, values);
    return {std::move(dims), {values.begin(), values.end()}};
}

hass::model loaded(tensor_graph& g) {
    return hass::parse_onnx(g.file().file(), "composites");
}

// The largest difference to what is expected.
double off(const hass::model& m, const hass::image_set& images, const tensor& expected) {
    hass::image_set given = images;
    given.each = hass::image_shape(m);
    const std::vector<float> answers =
        hass::emulator(m, hass::preprocessing{1.0F, {0.0F}, {1.0F}}).logits(given);
    REQUIRE(answers.size() == expected.values.size());
    double most = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i)
        // max() would pass over what is not a number.
        if (const double d = std::abs(static_cast<double>(answers[i]) - expected.values[i]);
            !(d <= most))
            most = d;
    return most;
}

tensor mapped(const tensor& x, const std::function<double(double)>& f) {
    tensor y = x;
    for (double& v : y.values) v = f(v);
    return y;
}

// Sum over the letters that the result lacks, of products of both operands.
tensor einsum(const std::string& left, const tensor& a, const std::string& right, const tensor& b,
              const std::string& result) {
    std::map<char, std::int64_t> extents;
    for (std::size_t k = 0; k < left.size(); ++k) extents[left[k]] = a.dims[k];
    for (std::size_t k = 0; k < right.size(); ++k) extents[right[k]] = b.dims[k];
    std::string letters = result;
    for (const auto& [letter, extent] : extents)
        if (result.find(letter) == std::string::npos) letters += letter;
    std::vector<std::int64_t> dims;
    for (const char c : letters) dims.push_back(extents[c]);
    tensor y;
    y.dims.assign(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(result.size()));
    const auto place = [&](const std::string& of, const tensor& x, const auto& at) {
        std::int64_t from = 0;
        for (std::size_t k = 0; k < of.size(); ++k)
            from += at[letters.find(of[k])] * x.strides()[k];
        return static_cast<std::size_t>(from);
    };
    std::int64_t volume = 1;
    for (const std::int64_t d : y.dims) volume *= d;
    y.values.assign(static_cast<std::size_t>(volume), 0.0);
    test::for_each_index(dims, [&](std::size_t, const auto& at) {
        const double factor = right.empty() ? 1.0 : b.values[place(right, b, at)];
        y.values[place(result, y, at)] += a.values[place(left, a, at)] * factor;
    });
    return y;
}

}  // namespace

TEST_CASE("clipping of small values that a file spells out is one function", "[composites]") {
    std::mt19937 bits(411);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    struct form {
        const char* compares;
        bool turned, inverse,
            keeps;  // the number comes first; Not behind; x where the mask is true
        bool size;  // of |x|
        double (*of)(double);
    };
    const auto big = [](double v) { return std::abs(v) > 0.5 ? v : 0.0; };
    const auto not_small = [](double v) { return std::abs(v) >= 0.5 ? v : 0.0; };
    const auto above = [](double v) { return v > 0.5 ? v : 0.0; };
    const auto at_least = [](double v) { return v >= 0.5 ? v : 0.0; };
    for (const form& f : {form{"Greater", false, false, true, true, big},
                          form{"GreaterOrEqual", false, false, true, true, not_small},
                          form{"Less", false, false, false, true, not_small},
                          form{"LessOrEqual", false, false, false, true, big},
                          form{"Less", true, false, true, true, big},
                          form{"LessOrEqual", true, false, true, true, not_small},
                          form{"Greater", true, false, false, true, not_small},
                          form{"Less", false, true, true, true, not_small},
                          form{"LessOrEqual", false, true, true, false, above},
                          form{"Greater", false, false, true, false, above},
                          form{"GreaterOrEqual", false, false, true, false, at_least},
                          form{"Less", false, false, false, false, at_least}})
        for (const bool product : {false, true}) {
            if (product && !f.keeps) continue;
            INFO(f.compares << f.turned << f.inverse << f.keeps << f.size << product);
            tensor_graph g(bits);
            g.file().input({0, 3, 4, 5});
            const std::string y = g.node("Neg", {"x"});
            const std::string left = f.size ? g.node("Abs", {y}) : y, tau = g.number(0.5);
            std::string mask =
                f.turned ? g.node(f.compares, {tau, left}) : g.node(f.compares, {left, tau});
            if (f.inverse) mask = g.node("Not", {mask});
            const std::string zero = g.number(0.0);
            if (product)
                g.node("Mul", {g.node("Cast", {mask}, {{"to", std::int64_t{1}}}), y});
            else
                g.node("Where", f.keeps ? std::vector{mask, y, zero} : std::vector{mask, zero, y});
            const hass::model m = loaded(g);
            CHECK(m.net.rows.size() == 2);
            CHECK(off(m, images, mapped(mapped(x, [](double v) { return -v; }), f.of)) == 0.0);
        }
}

TEST_CASE("Where chooses by a mask of data", "[composites]") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double most = std::numeric_limits<float>::max();
    for (int form = 0; form < 6; ++form) {
        INFO("form " << form);
        std::mt19937 bits(static_cast<unsigned>(500 + form));
        const hass::image_set images = steps(bits, map_dims);
        const tensor x = tensor_of(images, map_dims);
        tensor_graph g(bits);
        g.file().input({0, 3, 4, 5});
        const flow pixel{g.node("ReduceMax", {"x"}, {{"axes", ints({1})}}),
                         einsum("abcd", x, "", {}, "acd")};
        tensor largest{{1, 1, 4, 5}, std::vector<double>(20, -1e9)};
        for (std::size_t k = 0; k < x.values.size(); ++k)
            largest.values[k % 20] = std::max(largest.values[k % 20], x.values[k]);
        const flow negative{g.node("Neg", {"x"}), mapped(x, [](double v) { return -v; })};
        // x below the largest of its pixel, all of them, or x below 0.25
        const std::string mask =
            form < 3 ? g.node("Less", {"x", pixel.first}) : g.node("Less", {"x", g.number(0.25)});
        const tensor truth =
            form < 3 ? test::combined(x, largest, [](double p, double q) { return p < q; })
                     : mapped(x, [](double v) { return v < 0.25; });
        const bool first = form % 3 == 1, second = form % 3 == 2;
        const double number = form == 5 ? -infinity : first ? 0.0 : 7.5;
        const std::string yes = first ? g.number(number) : "x";
        const std::string no = second ? g.number(number) : negative.first;
        g.node("Where", {mask, yes, no});
        tensor expected = x;
        for (std::size_t k = 0; k < x.values.size(); ++k)
            expected.values[k] = truth.values[k] != 0.0
                                     ? (first ? number : x.values[k])
                                     : (second ? std::max(number, -most) : -x.values[k]);
        CHECK(off(loaded(g), images, expected) == 0.0);
    }
}

TEST_CASE("comparisons and logic of data", "[composites]") {
    std::mt19937 bits(613);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    const std::map<std::string, number_pair> compares{
        {"Less", [](double p, double q) { return p < q; }},
        {"LessOrEqual", [](double p, double q) { return p <= q; }},
        {"Greater", [](double p, double q) { return p > q; }},
        {"GreaterOrEqual", [](double p, double q) { return p >= q; }},
        {"Equal", [](double p, double q) { return p == q; }}};
    const std::map<std::string, number_pair> logic{
        {"And", [](double p, double q) { return p != 0.0 && q != 0.0; }},
        {"Or", [](double p, double q) { return p != 0.0 || q != 0.0; }},
        {"Xor", [](double p, double q) { return (p != 0.0) != (q != 0.0); }}};
    for (const auto& [type, f] : compares)
        for (const auto& dims : {ints({}), ints({3, 1, 1}), ints({4, 5}), ints({3, 4, 5})})
            for (const bool turned : {false, true}) {
                INFO(type << " " << dims.size() << turned);
                tensor_graph g(bits);
                g.file().input({0, 3, 4, 5});
                flow c = g.weight(dims);
                const std::string steps_of = g.name();
                std::vector<float> values;
                for (double& v : c.second.values)
                    values.push_back(static_cast<float>(v = std::round(4.0 * v) / 4.0));
                g.file().weight(steps_of, dims, values);
                const std::string y =
                    g.node(type, turned ? std::vector<std::string>{steps_of, "x"}
                                        : std::vector<std::string>{"x", steps_of});
                g.node("Cast", {y}, {{"to", std::int64_t{1}}});
                CHECK(off(loaded(g), images,
                          turned ? test::combined(c.second, x, f)
                                 : test::combined(x, c.second, f)) == 0.0);
            }
    const tensor low = mapped(x, [](double v) { return v < -0.25; });
    const tensor high = mapped(x, [](double v) { return v >= 0.25; });
    for (const auto& [type, f] : logic)
        for (const bool constant : {false, true}) {
            INFO(type << constant);
            tensor_graph g(bits);
            g.file().input({0, 3, 4, 5});
            const std::string a = g.node("Less", {"x", g.number(-0.25)});
            const std::string b = constant
                                      ? g.node("Greater", {g.weight({4, 1}).first, g.number(-9.0)})
                                      : g.node("GreaterOrEqual", {"x", g.number(0.25)});
            g.node("Cast", {g.node(type, {a, b})}, {{"to", std::int64_t{1}}});
            const tensor other = constant ? mapped(x, [](double) { return 1.0; }) : high;
            CHECK(off(loaded(g), images, test::combined(low, other, f)) == 0.0);
        }
}

TEST_CASE("reductions and norms that are others with a function around them", "[composites]") {
    std::mt19937 bits(709);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    const auto over = [&](const std::string& left, const number_pair& f, double start) {
        // folds x over the letters of "bchw" that `left` lacks
        std::map<std::vector<std::int64_t>, double> all;
        test::for_each_index(map_dims, [&](std::size_t n, const auto& at) {
            std::vector<std::int64_t> key;
            for (const char c : left) key.push_back(at[std::string("bchw").find(c)]);
            const auto found = all.emplace(key, start).first;
            found->second = f(found->second, x.values[n]);
        });
        tensor y;
        for (const auto& [key, v] : all) y.values.push_back(v);
        return y;
    };
    const auto sum = [](double (*of)(double)) {
        return [of](double all, double v) { return all + of(v); };
    };
    const auto absolute = [](double v) { return std::abs(v); };
    const auto square = [](double v) { return v * v; };
    const auto exponential = [](double v) { return std::exp(100.0 * v); };
    for (const auto& [left, axes] : {std::pair{std::string("bhw"), ints({1})},
                                     {std::string("bc"), ints({2, 3})},
                                     {std::string("bch"), ints({-1})},
                                     {std::string("b"), ints({1, 2, 3})}})
        for (const std::int64_t keeps : {0, 1}) {
            INFO(left << keeps);
            const auto reduced = [&, &over_axes = axes](const std::string& type,
                                                        const std::string& before = "") {
                tensor_graph g(bits, 18);
                g.file().input({0, 3, 4, 5});
                std::string y = "x";
                if (!before.empty()) y = g.node(before, {y, g.number(100.0)});
                const std::string at = g.whole(over_axes);
                g.node(type, {y, at}, {{"keepdims", keeps}});
                return loaded(g);
            };
            CHECK(off(reduced("ReduceL1"), images, over(left, sum(absolute), 0.0)) < 1e-5);
            CHECK(off(reduced("ReduceSumSquare"), images, over(left, sum(square), 0.0)) < 1e-4);
            CHECK(off(reduced("ReduceL2"), images,
                      mapped(over(left, sum(square), 0.0), [](double v) { return std::sqrt(v); })) <
                  1e-5);
            CHECK(off(reduced("ReduceMin"), images,
                      over(
                          left, [](double p, double q) { return std::min(p, q); }, 1e9)) == 0.0);
            if (left == "bch") continue;  // one value a row does not stand for the whole row
            // exp(100) is beyond float32
            CHECK(off(reduced("ReduceLogSumExp", "Mul"), images,
                      mapped(over(left, sum(exponential), 0.0),
                             [](double v) { return std::log(v); })) < 1e-3);
        }
    for (const std::int64_t p : {1, 2})
        for (const std::int64_t axis : {1, -3}) {
            INFO(p << " " << axis);
            tensor_graph g(bits);
            g.file().input({0, 3, 4, 5});
            g.node("LpNormalization", {g.node("Add", {"x", g.number(3.0)})},
                   {{"p", p}, {"axis", axis}});
            const tensor expected =
                test::along(mapped(x, [](double v) { return v + 3.0; }), 1, [p](auto& line) {
                    double all = 0.0;
                    for (const double v : line) all += p == 1 ? std::abs(v) : v * v;
                    for (double& v : line) v /= p == 1 ? all : std::sqrt(all);
                });
            CHECK(off(loaded(g), images, expected) < 1e-5);
        }
    for (const std::int64_t p : {1, 2, 3}) {
        INFO(p);
        tensor_graph whole(bits), parts(bits);
        whole.file().input({0, 3, 4, 5}), parts.file().input({0, 3, 4, 5});
        whole.node("GlobalLpPool", {"x"}, {{"p", p}});
        parts.node("LpPool", {"x"},
                   {{"p", p}, {"kernel_shape", ints({2, 3})}, {"pads", ints({1, 0, 0, 1})}});
        const auto power = [&](double v) { return std::pow(std::abs(v), double(p)); };
        const auto root = [&](double v) { return std::pow(v, 1.0 / double(p)); };
        CHECK(off(loaded(whole), images,
                  mapped(over(
                             "bc", [&](double all, double v) { return all + power(v); }, 0.0),
                         root)) < 1e-4);
        tensor expected;
        for (int c = 0; c < 3; ++c)
            for (int y = -1; y < 3; ++y)
                for (int z = 0; z < 4; ++z) {
                    double all = 0.0;
                    for (int k = 0; k < 6; ++k) {
                        const int at_y = y + k / 3, at_z = z + k % 3;
                        if (at_y >= 0 && at_y < 4 && at_z < 5)
                            all += power(
                                x.values[static_cast<std::size_t>((c * 4 + at_y) * 5 + at_z)]);
                    }
                    expected.values.push_back(root(all));
                }
        CHECK(off(loaded(parts), images, expected) < 1e-4);
    }
}

TEST_CASE("A product with a constant matrix for each head", "[composites]") {
    std::mt19937 bits(812);
    const std::vector<std::int64_t> dims{1, 2, 5, 6};
    const hass::image_set images = steps(bits, dims);
    const tensor x = tensor_of(images, dims);
    struct form {
        std::vector<std::int64_t> weight;
        std::string letters, result;
        bool first = false;
    };
    for (const form& f : {form{{2, 6, 3}, "hde", "bhte"}, form{{2, 4, 5}, "het", "bhed", true},
                          form{{1, 2, 6, 1}, "bhde", "bhte"}}) {
        INFO(f.letters);
        tensor_graph g(bits);
        g.file().input({0, 2, 5, 6});
        const auto [name, w] = g.weight(f.weight);
        const std::string y = g.node("Neg", {"x"});
        g.node("MatMul", f.first ? std::vector{name, y} : std::vector{y, name});
        const tensor negative = mapped(x, [](double v) { return -v; });
        CHECK(off(loaded(g), images, einsum("bhtd", negative, f.letters, w, f.result)) < 1e-5);
    }
    for (const std::vector<std::int64_t>& none :
         {std::vector<std::int64_t>{2, 0, 3}, {0, 6, 3}, {2, 6, 0}}) {
        tensor_graph g(bits);
        g.file().input({0, 2, 5, 6});
        const std::string empty = g.weight(none).first;
        g.node("MatMul", {"x", empty});
        CHECK_THROWS_WITH(loaded(g), Catch::Contains("MatMul") && Catch::Contains("does not fit"));
    }
}

TEST_CASE("Einsum where it is a product, a transpose or a sum", "[composites]") {
    std::mt19937 bits(811);
    struct form {
        std::string left, right, result;
        std::vector<std::int64_t> second;  // of a constant; none: of data
    };
    // b: the batch, t and u: tokens, the others: features and heads
    for (const form& f :
         {form{"btd", "df", "btf", {6, 7}}, form{"btd", "fd", "btf", {7, 6}},
          form{"btd", "dhe", "bthe", {6, 2, 3}}, form{"btd", "hde", "bthe", {2, 6, 3}},
          form{"btd", "btf", "bdf", {}}, form{"btd", "bud", "btu", {}}, form{"btd", "", "bdt", {}},
          form{"btd", "", "bt", {}}, form{"btd", "d", "bt", {6}}, form{"btd", "t", "bd", {5}},
          form{"btd", "btd", "bt", {}}, form{"btd", "btd", "bd", {}}, form{"btd", "d", "", {6}}}) {
        const std::vector<std::int64_t> dims{1, 5, 6};
        const hass::image_set images = steps(bits, dims);
        const tensor x = tensor_of(images, dims);
        tensor_graph g(bits);
        g.file().input({0, 5, 6});
        const std::string y = g.node("Neg", {"x"});
        const tensor a = mapped(x, [](double v) { return -v; });
        std::string equation = f.left;
        std::vector<std::string> inputs{y};
        tensor b;
        if (!f.right.empty()) equation += ", " + f.right;
        if (!f.second.empty()) {
            const flow w = g.weight(f.second);
            inputs.push_back(w.first), b = w.second;
        } else if (!f.right.empty()) {
            inputs.emplace_back(g.node("Abs", {"x"}));
            b = mapped(x, [](double v) { return std::abs(v); });
        }
        equation += "->" + f.result;
        INFO(equation);
        const std::string out = g.node("Einsum", inputs, {{"equation", equation}});
        if (f.result.empty()) {
            CHECK_THROWS_WITH(loaded(g), Catch::Contains("Einsum") && Catch::Contains("single"));
            continue;
        }
        g.node("Neg", {out});
        CHECK(off(loaded(g), images, mapped(einsum(f.left, a, f.right, b, f.result), [](double v) {
                      return -v;
                  })) < 1e-5);
    }
    // attention as it is written with heads apart: queries, keys and back
    const std::vector<std::int64_t> dims{1, 5, 6};
    const hass::image_set images = steps(bits, dims);
    const tensor x = tensor_of(images, dims);
    tensor_graph g(bits);
    g.file().input({0, 5, 6});
    std::vector<flow> parts;
    for (int k = 0; k < 3; ++k) {
        const flow w = g.weight({6, 2, 3});
        parts.emplace_back(
            g.node("Einsum", {"x", w.first}, {{"equation", std::string("btd,dhe->bthe")}}),
            einsum("btd", x, "dhe", w.second, "bthe"));
    }
    const std::string scores = g.node("Einsum", {parts[0].first, parts[1].first},
                                      {{"equation", std::string("bqhe,bkhe->bhqk")}});
    const tensor weight = test::along(
        einsum("bqhe", parts[0].second, "bkhe", parts[1].second, "bhqk"), 3, test::softmax);
    const std::string mixed = g.node("Einsum", {g.node("Softmax", {scores}), parts[2].first},
                                     {{"equation", std::string("bhqk,bkhe->bqhe")}});
    const flow back = g.weight({2, 3, 6});
    g.node("Einsum", {mixed, back.first}, {{"equation", std::string("bqhe,hed->bqd")}});
    const tensor expected = einsum("bqhe", einsum("bhqk", weight, "bkhe", parts[2].second, "bqhe"),
                                   "hed", back.second, "bqd");
    CHECK(off(loaded(g), images, expected) < 1e-5);
}

TEST_CASE("data repeated, and triangles of it", "[composites]") {
    std::mt19937 bits(907);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    for (const auto& times : {ints({1, 2, 1, 1}), ints({1, 1, 3, 2}), ints({1, 2, 2, 2})}) {
        tensor_graph g(bits);
        g.file().input({0, 3, 4, 5});
        g.node("Neg", {g.node("Tile", {g.node("Neg", {"x"}), g.whole(times)})});
        std::vector<std::int64_t> dims = map_dims;
        for (std::size_t k = 0; k < 4; ++k) dims[k] *= times[k];
        tensor y{dims, {}};
        test::for_each_index(dims, [&](std::size_t, std::vector<std::int64_t> at) {
            for (std::size_t k = 0; k < 4; ++k) at[k] %= map_dims[k];
            y.values.push_back(test::at_broadcast(x, at));
        });
        CHECK(off(loaded(g), images, y) == 0.0);
    }
    for (const std::int64_t upper : {0, 1})
        for (const std::int64_t k : {-2, 0, 1}) {
            tensor_graph g(bits);
            g.file().input({0, 3, 4, 5});
            const std::string at = g.name();
            g.file().initializer(writer::integers(at, {}, {k}));
            g.node("Trilu", {"x", at}, {{"upper", upper}});
            tensor y = x;
            test::for_each_index(map_dims, [&](std::size_t n, const auto& i) {
                const bool keeps = upper != 0 ? i[3] - i[2] >= k : i[3] - i[2] <= k;
                if (!keeps) y.values[n] = 0.0;
            });
            CHECK(off(loaded(g), images, y) == 0.0);
        }
}

TEST_CASE("running sums are over any axis, in both directions", "[composites]") {
    std::mt19937 bits(431);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    for (const std::int64_t axis : {1, 2, 3, -1, -3})
        for (const bool exclusive : {false, true})
            for (const bool reverse : {false, true}) {
                INFO(axis << exclusive << reverse);
                tensor_graph g(bits);
                g.file().input({0, 3, 4, 5});
                g.node(
                    "CumSum", {"x", g.whole({axis})},
                    {{"exclusive", std::int64_t{exclusive}}, {"reverse", std::int64_t{reverse}}});
                const auto along = static_cast<std::size_t>(axis < 0 ? axis + 4 : axis);
                const tensor y = test::along(x, along, [&](std::vector<double>& line) {
                    if (reverse) std::reverse(line.begin(), line.end());
                    double sum = 0.0;
                    for (double& v : line) {
                        const double next = sum + v;
                        v = exclusive ? sum : next, sum = next;
                    }
                    if (reverse) std::reverse(line.begin(), line.end());
                });
                CHECK(off(loaded(g), images, y) < 1e-6);
            }
    tensor_graph g(bits);
    g.file().input({0, 3, 4, 5});
    g.node("CumSum", {"x", g.whole({0})});
    CHECK_THROWS_WITH(loaded(g), Catch::Contains("'CumSum'") && Catch::Contains("batch"));
}

// As RoBERTa counts its tokens: those that are no padding have places from 2 on.
TEST_CASE("places of tokens are counted by data", "[composites]") {
    std::mt19937 bits(433);
    const hass::image_set images = steps(bits, {1, 12});
    const tensor x = tensor_of(images, {1, 12});
    for (const bool halves : {false, true}) {
        tensor_graph g(bits);
        g.file().input({0, 12});
        const std::string mask = g.node("Greater", {"x", g.number(0.0)});
        const std::string ones = g.node("Cast", {mask}, {{"to", std::int64_t{7}}});
        const std::string sums = g.node("CumSum", {ones, g.whole({1})});
        const std::string sized = halves ? g.node("Mul", {sums, g.number(0.5)}) : sums;
        const std::string kept = g.node("Mul", {sized, ones});
        const std::string whole = g.node("Cast", {kept}, {{"to", std::int64_t{7}}});
        const std::string at = g.node("Add", {whole, g.whole({2})});
        const auto [table, rows] = g.weight({15, 4});
        g.node("Gather", {table, at});
        if (halves) {  // to whole numbers they would have to be cut
            CHECK_THROWS_WITH(loaded(g), Catch::Contains("'Cast'"));
            continue;
        }
        tensor y{{1, 12, 4}, {}};
        std::size_t sum = 0;
        for (const double v : x.values) {
            if (v > 0.0) ++sum;
            for (std::size_t k = 0; k < 4; ++k)
                y.values.push_back(rows.values[((v > 0.0 ? sum : 0) + 2) * 4 + k]);
        }
        CHECK(off(loaded(g), images, y) == 0.0);
    }
}

TEST_CASE("products, centred values and tables that are on in one place", "[composites]") {
    std::mt19937 bits(617);
    const hass::image_set images = steps(bits, map_dims);
    const tensor x = tensor_of(images, map_dims);
    for (const auto& axes : {ints({1}), ints({2}), ints({-1}), ints({1, 3}), ints({1, 2, 3})})
        for (const std::int64_t keeps : {0, 1}) {
            tensor_graph g(bits);
            g.file().input({0, 3, 4, 5});
            g.node("ReduceProd", {"x"}, {{"axes", axes}, {"keepdims", keeps}});
            tensor all = x;
            for (const std::int64_t a : axes)
                all = test::along(all, static_cast<std::size_t>(a < 0 ? a + 4 : a), [](auto& line) {
                    double v = 1.0;
                    for (const double f : line) v *= f;
                    std::fill(line.begin(), line.end(), v);
                });
            tensor y;
            test::for_each_index(map_dims, [&](std::size_t n, const auto& at) {
                bool first = true;
                for (const std::int64_t a : axes)
                    first = first && at[static_cast<std::size_t>(a < 0 ? a + 4 : a)] == 0;
                if (first) y.values.push_back(all.values[n]);
            });
            CHECK(off(loaded(g), images, y) < 1e-5);
        }
    for (const auto& axes : {ints({}), ints({0}), ints({0, 2}), ints({-4})}) {
        tensor_graph g(bits);  // no axes are all of them
        g.file().input({0, 3, 4, 5});
        g.node("ReduceProd", {"x"}, {{"axes", axes}});
        CHECK_THROWS_WITH(loaded(g), Catch::Contains("batch"));
    }
    tensor_graph unsaid(bits, 18);
    unsaid.file().input({0, 3, 4, 5});
    unsaid.node("ReduceProd", {"x"});
    CHECK_THROWS_WITH(loaded(unsaid), Catch::Contains("batch"));
    // Nothing is reduced where that is said; what a reduction does to each value is done.
    const std::map<std::string, double (*)(double)> alone{
        {"ReduceSum", [](double v) { return v; }},
        {"ReduceMean", [](double v) { return v; }},
        {"ReduceProd", [](double v) { return v; }},
        {"ReduceMax", [](double v) { return v; }},
        {"ReduceMin", [](double v) { return v; }},
        {"ReduceL1", [](double v) { return std::abs(v); }},
        {"ReduceL2", [](double v) { return std::abs(v); }},
        {"ReduceSumSquare", [](double v) { return v * v; }},
        {"ReduceLogSumExp", [](double v) { return v; }}};
    for (const auto& [type, of] : alone)
        for (const bool said : {false, true}) {
            INFO(type << said);
            tensor_graph g(bits, 18);
            g.file().input({0, 3, 4, 5});
            std::vector<std::string> inputs{g.node("Neg", {"x"})};
            if (said) inputs.push_back(g.whole({}));
            g.node(type, inputs, {{"noop_with_empty_axes", std::int64_t{1}}});
            const tensor y = mapped(x, [f = of](double v) { return f(-v); });
            CHECK(off(loaded(g), images, y) < 1e-5);
            tensor_graph some(bits, 18);  // with axes it says nothing
            some.file().input({0, 3, 4, 5});
            some.node(type, {"x", some.whole({1, 2, 3})},
                      {{"noop_with_empty_axes", std::int64_t{1}}});
            CHECK(loaded(some).net.rows.back().out.volume() == 1);
        }
    tensor_graph centred(bits);
    centred.file().input({0, 3, 4, 5});
    centred.node("MeanVarianceNormalization", {"x"}, {{"axes", ints({2, 3})}});
    tensor z = x;
    for (std::size_t c = 0; c < 3; ++c) {
        double mean = 0.0, square = 0.0;
        for (std::size_t k = 0; k < 20; ++k) mean += x.values[c * 20 + k] / 20.0;
        for (std::size_t k = 0; k < 20; ++k) square += std::pow(x.values[c * 20 + k] - mean, 2.0);
        for (std::size_t k = 0; k < 20; ++k)
            z.values[c * 20 + k] = (x.values[c * 20 + k] - mean) / std::sqrt(square / 20.0);
    }
    CHECK(off(loaded(centred), images, z) < 1e-5);
    tensor_graph batch(bits);  // its axes are 0, 2 and 3 where none are given
    batch.file().input({0, 3, 4, 5});
    batch.node("MeanVarianceNormalization", {"x"});
    CHECK_THROWS_WITH(loaded(batch), Catch::Contains("batch"));

    for (const std::int64_t axis : {-1, 1, 2}) {
        tensor_graph g(bits);
        g.file().input({0, 3, 5});
        const std::string at =
            g.node("Round", {g.node("Abs", {g.node("Mul", {"x", g.number(1.5)})})});
        const auto [values, level] = g.weight({2});
        g.node("OneHot", {at, g.whole({4}), values}, {{"axis", axis}});
        std::vector<float> some;
        for (int k = 0; k < 15; ++k) some.push_back(static_cast<float>(k % 5 - 2) / 1.5F);
        const hass::image_set few{1, {3, 5, 1}, hass::make_npy<float>({15}, some)};
        const std::vector<std::int64_t> dims = axis == 1   ? ints({1, 4, 3, 5})
                                               : axis == 2 ? ints({1, 3, 4, 5})
                                                           : ints({1, 3, 5, 4});
        const auto along = static_cast<std::size_t>(axis < 0 ? 3 : axis);
        tensor y{dims, {}};
        test::for_each_index(dims, [&, &l = level](std::size_t, std::vector<std::int64_t> i) {
            const std::int64_t k = i[along];
            i.erase(i.begin() + static_cast<std::ptrdiff_t>(along));
            const bool here = std::abs(i[2] % 5 - 2) == k;  // 15 values, five to a line
            y.values.push_back(l.values[here ? 1 : 0]);
        });
        CHECK(off(loaded(g), few, y) == 0.0);
    }
    for (const std::int64_t opset : {10, 11}) {  // numbers of no row are off
        tensor_graph g(bits, opset);
        g.file().input({0, 3, 2});
        const auto [values, level] = g.weight({2});
        g.node("OneHot", {"x", g.whole({4}), values}, {});
        const std::vector<float> some{-1.0F, -5.0F, 4.0F, 255.0F, 1.5F, -0.5F};
        const std::array<int, 6> row{opset < 11 ? -1 : 3, -1, -1, -1, 1, 0};
        tensor y{ints({1, 3, 2, 4}), {}};
        for (const int here : row)
            for (int k = 0; k < 4; ++k) y.values.push_back(level.values[k == here ? 1 : 0]);
        INFO(opset);
        CHECK(off(loaded(g), {1, {3, 2, 1}, hass::make_npy<float>({6}, some)}, y) == 0.0);
    }
}

namespace {

// A map as it goes on beyond its edges.
double beyond(const tensor& x, std::int64_t c, std::int64_t row, std::int64_t column,
              const std::string& border, bool corners) {
    const auto inside = [&](std::int64_t at, std::int64_t extent) -> std::int64_t {
        if (at >= 0 && at < extent) return at;
        if (border == "zeros") return -1;
        if (border == "border") return at < 0 ? 0 : extent - 1;
        const std::int64_t period = corners ? 2 * extent - 2 : 2 * extent;
        if (period == 0) return 0;  // one pixel between two corners
        std::int64_t folded = ((at % period) + period) % period;
        if (folded >= extent) folded = period - folded - (corners ? 0 : 1);
        return folded;
    };
    row = inside(row, x.dims[2]), column = inside(column, x.dims[3]);
    if (row < 0 || column < 0) return 0.0;
    return x.values[static_cast<std::size_t>((c * x.dims[2] + row) * x.dims[3] + column)];
}

// What a pixel `d` away counts.
double counts(const std::string& mode, double d) {
    d = std::abs(d);
    if (mode == "nearest") return d < 0.5 ? 1.0 : 0.0;
    if (mode == "bilinear") return std::max(0.0, 1.0 - d);
    const double a = -0.75;
    if (d < 1.0) return (a + 2.0) * d * d * d - (a + 3.0) * d * d + 1.0;
    return d < 2.0 ? a * d * d * d - 5.0 * a * d * d + 8.0 * a * d - 4.0 * a : 0.0;
}

tensor sampled(const tensor& x, const tensor& grid, const std::string& mode,
               const std::string& border, bool corners) {
    tensor y{{1, x.dims[1], grid.dims[1], grid.dims[2]}, {}};
    test::for_each_index(y.dims, [&](std::size_t, const auto& at) {
        const auto place = static_cast<std::size_t>(2 * (at[2] * grid.dims[2] + at[3]));
        const auto pixel = [&](double g, std::int64_t extent) {
            const auto n = static_cast<double>(extent);
            return corners ? (g + 1.0) / 2.0 * (n - 1.0) : ((g + 1.0) * n - 1.0) / 2.0;
        };
        double px = pixel(grid.values[place], x.dims[3]);
        double py = pixel(grid.values[place + 1], x.dims[2]);
        // ONNX's reference moves places of which it finds an axis outside, which only cubic ones show
        const auto moved = [&](double p, std::int64_t extent) {
            const double last = static_cast<double>(extent - 1), margin = corners ? 0.0 : 0.5;
            return p < -margin ? 0.0 : p > last + margin ? last : p;
        };
        if (border == "border") px = moved(px, x.dims[3]), py = moved(py, x.dims[2]);
        double sum = 0.0;
        for (std::int64_t r = -20; r < 25; ++r)
            for (std::int64_t c = -20; c < 25; ++c)
                sum += counts(mode, py - static_cast<double>(r)) *
                       counts(mode, px - static_cast<double>(c)) *
                       beyond(x, at[1], r, c, border, corners);
        y.values.push_back(sum);
    });
    return y;
}

}  // namespace

TEST_CASE("maps are sampled at places that data or constants say", "[composites]") {
    std::mt19937 bits(619);
    std::vector<float> pixels;
    for (int k = 0; k < 60; ++k) pixels.push_back(test::uniform(bits, -1.0F, 1.0F));
    const hass::image_set images{1, {3, 4, 5}, hass::make_npy<float>({60}, pixels)};
    const tensor x = tensor_of(images, map_dims);
    for (const std::string mode : {"nearest", "bilinear", "bicubic"})
        for (const std::string border : {"zeros", "border", "reflection"})
            for (const bool corners : {false, true})
                for (const bool fixed : {false, true}) {
                    INFO(mode << " " << border << corners << fixed);
                    tensor_graph g(bits);
                    g.file().input({0, 3, 4, 5});
                    std::string at;
                    tensor grid;
                    if (fixed) {
                        std::tie(at, grid) = g.weight({1, 6, 7, 2}, 2.5F);
                    } else {
                        at = g.node("Slice", {"x", g.whole({1}), g.whole({3}), g.whole({1})});
                        at = g.node("Transpose", {at}, {{"perm", ints({0, 2, 3, 1})}});
                        at = g.node("Mul", {at, g.number(2.5)});
                        tensor last{{1, 2, 4, 5}, {x.values.begin() + 20, x.values.end()}};
                        grid = mapped(test::transposed(last, ints({0, 2, 3, 1})),
                                      [](double v) { return 2.5 * v; });
                    }
                    g.node("GridSample", {"x", at},
                           {{"mode", mode},
                            {"padding_mode", border},
                            {"align_corners", std::int64_t{corners}}});
                    CHECK(off(loaded(g), images, sampled(x, grid, mode, border, corners)) < 1e-4);
                }
    const hass::image_set line{
        1, {3, 1, 5}, hass::make_npy<float>({15}, {pixels.begin(), pixels.begin() + 15})};
    for (const std::string mode : {"nearest", "bilinear", "bicubic"})
        for (const bool corners : {false, true}) {
            INFO(mode << corners);
            tensor_graph g(bits);
            g.file().input({0, 3, 1, 5});
            const auto [at, grid] = g.weight({1, 6, 7, 2}, 2.5F);
            g.node("GridSample", {"x", at},
                   {{"mode", mode},
                    {"padding_mode", std::string("reflection")},
                    {"align_corners", std::int64_t{corners}}});
            const tensor of = tensor_of(line, {1, 3, 1, 5});
            CHECK(off(loaded(g), line, sampled(of, grid, mode, "reflection", corners)) < 1e-4);
        }
    tensor_graph odd(bits);
    odd.file().input({0, 3, 4, 5});
    odd.node("GridSample", {"x", odd.weight({1, 6, 7, 3}).first});
    CHECK_THROWS_WITH(loaded(odd), Catch::Contains("is not N x H x W x 2"));
    const auto of_opset = [&](std::int64_t opset, const std::string& mode) {
        tensor_graph g(bits, opset);
        g.file().input({0, 3, 4, 5});
        const auto [at, grid] = g.weight({1, 6, 7, 2}, 2.5F);
        g.node("GridSample", {"x", at}, {{"mode", mode}});
        return std::pair(loaded(g), grid);
    };
    for (const std::int64_t opset : {16, 20, 22}) {  // each knows its own names
        const bool old = opset < 20;
        const char* known =
            old ? "(known: nearest, bilinear, bicubic)" : "(known: nearest, linear, cubic)";
        for (const char* mode : {"lanczos", old ? "linear" : "bilinear", old ? "cubic" : "bicubic"})
            CHECK_THROWS_WITH(of_opset(opset, mode), Catch::Contains(known));
        for (const std::string mode : {"nearest", "bilinear", "bicubic"}) {
            const std::string name = old || mode == "nearest" ? mode : mode.substr(2);
            const auto [model, grid] = of_opset(opset, name);
            CHECK(off(model, images, sampled(x, grid, mode, "zeros", false)) < 1e-4);
        }
    }
}

TEST_CASE("a place that is no number has no value, and the others keep theirs", "[composites]") {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float inf = std::numeric_limits<float>::infinity();
    const std::vector<float> map{3.0F, 7.0F, 5.0F};
    const std::vector<float> places{nan,  inf,  -inf, 0.0F, 0.0F, 0.0F,  // x
                                    0.0F, 0.0F, 0.0F, nan,  -inf, 0.0F};
    for (const int taps : {1, 2, 4})
        for (const auto border :
             {hass::map_border::zeros, hass::map_border::edge, hass::map_border::reflected}) {
            hass::layer_row row;
            row.in = {1, 1, 3}, row.out = {1, 1, 6};
            row.kernel_h = row.kernel_w = taps;
            hass::layer_parameters p;
            p.border = border;
            std::vector<float> out(6);
            hass::detail::grid_sample(row, p, 1, {3, 3, 1}, {6, 12, 1}, {6, 6, 1}, map.data(),
                                      places.data(), out.data());
            for (std::size_t i = 0; i < 5; ++i) CHECK(std::isnan(out[i]));
            CHECK(out[5] == 7.0F);
        }
}
