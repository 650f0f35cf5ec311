// Networks from ONNX files written here, run, against the same operators computed one by one: clips
// of every kind, and no-ops whose input somebody else reads.

#include "../workload/onnx_writer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <hass/emulate/emulator.hpp>
#include <hass/workload/onnx.hpp>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::size_t channels = 3;
constexpr std::size_t map_pixels = 4 * 5;
constexpr std::size_t image_count = 2;

/// A file and, for every tensor of N x 3 x 4 x 5 in it, its values.
class twin {
  public:
    explicit twin(std::int64_t opset = 13) : opset_(opset), file_(opset) {
        file_.input({0, 3, 4, 5});
        std::mt19937 bits(5);
        std::vector<float>& x = values_["x"];
        for (std::size_t i = 0; i < image_count * channels * map_pixels; ++i)
            x.push_back(static_cast<float>(bits() % 1601U) / 100.0F - 8.0F);
    }

    const std::vector<float>& operator[](const std::string& tensor) const {
        return values_.at(tensor);
    }

    std::string unary(const std::string& op, const std::string& in, std::function<float(float)> f,
                      const writer::attributes& with = {}, std::vector<std::string> more = {}) {
        more.insert(more.begin(), in);
        std::vector<float> out = values_.at(in);
        for (float& v : out) v = f(v);
        return node(op, more, with, std::move(out));
    }
    std::string same(const std::string& op, const std::string& in,
                     const writer::attributes& with = {}, std::vector<std::string> more = {}) {
        return unary(
            op, in, [](float v) { return v; }, with, std::move(more));
    }
    std::string relu(const std::string& in) {
        return unary("Relu", in, [](float v) { return std::max(v, 0.0F); });
    }
    std::string sigmoid(const std::string& in) {
        return unary("Sigmoid", in, [](float v) { return 1.0F / (1.0F + std::exp(-v)); });
    }
    std::string hard_sigmoid(const std::string& in) {
        return unary("HardSigmoid", in,
                     [](float v) { return std::clamp(v / 6.0F + 0.5F, 0.0F, 1.0F); },
                     {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}});
    }
    std::string clip(const std::string& in, std::optional<float> low, std::optional<float> high) {
        const auto f = [=](float v) {
            return std::min(std::max(v, low.value_or(-infinity)), high.value_or(infinity));
        };
        if (opset_ >= 11) {
            std::vector<std::string> bounds;
            if (low || high) bounds.push_back(low ? number(*low) : "");
            if (high) bounds.push_back(number(*high));
            return unary("Clip", in, f, {}, std::move(bounds));
        }
        writer::attributes bounds;
        if (low) bounds.emplace_back("min", *low);
        if (high) bounds.emplace_back("max", *high);
        return unary("Clip", in, f, bounds);
    }
    std::string with_number(const std::string& op, const std::string& in, float c) {
        return unary(
            op, in,
            [&](float v) {
                return op == "Mul" ? v * c : op == "Add" ? v + c : op == "Sub" ? v - c : v / c;
            },
            {}, {number(c)});
    }
    std::string norm(const std::string& in, float scale, float shift) {
        const auto all = [&](float v) {
            const std::string name = "p" + std::to_string(++count_);
            file_.weight(name, {3}, {v, v, v});
            return name;
        };
        const std::vector<std::string> p{all(scale), all(shift), all(0.0F), all(1.0F)};
        return unary(
            "BatchNormalization", in, [&](float v) { return scale * v + shift; },
            {{"epsilon", 0.0F}}, p);
    }
    /// A 1 x 1 convolution.
    std::string conv(const std::string& in) {
        std::vector<float> w;
        for (std::size_t i = 0; i < channels * channels; ++i)
            w.push_back(0.25F * static_cast<float>(i % 5) - 0.5F);
        const std::string name = "w" + std::to_string(++count_);
        file_.weight(name, {3, 3, 1, 1}, w);
        const std::vector<float>& from = values_.at(in);
        std::vector<float> out(from.size());
        for (std::size_t n = 0; n < image_count; ++n)
            for (std::size_t f = 0; f < channels; ++f)
                for (std::size_t c = 0; c < channels; ++c)
                    for (std::size_t p = 0; p < map_pixels; ++p)
                        out[(n * channels + f) * map_pixels + p] +=
                            w[f * channels + c] * from[(n * channels + c) * map_pixels + p];
        return node("Conv", {in, name}, {}, std::move(out));
    }
    std::string pool(const std::string& in) {
        const std::vector<float>& from = values_.at(in);
        std::vector<float> out;
        for (std::size_t i = 0; i < from.size(); ++i)
            out.push_back(i % 5 == 4 ? from[i] : std::max(from[i], from[i + 1]));
        return node("MaxPool", {in},
                    {{"kernel_shape", writer::ints({1, 2})}, {"pads", writer::ints({0, 0, 0, 1})}},
                    std::move(out));
    }
    std::string binary(const std::string& op, const std::string& a, const std::string& b) {
        std::vector<float> out = values_.at(a);
        for (std::size_t i = 0; i < out.size(); ++i) {
            const float v = values_.at(b)[i];
            out[i] = op == "Mul" ? out[i] * v : out[i] + v;
        }
        return node(op, {a, b}, {}, std::move(out));
    }
    /// Integers for a node's input.
    std::string whole(const std::vector<std::int64_t>& v) {
        const std::string name = "i" + std::to_string(++count_);
        file_.whole(name, v);
        return name;
    }

    /// The largest difference between the emulator's answers and the values computed here, as a
    /// share of these; the output is the last tensor made.
    double difference() const {
        const hass::emulator emulator(hass::parse_onnx(file_.file(), "twin.onnx"));
        const std::vector<float>& x = values_.at("x");
        const std::vector<float> answers = emulator.logits(
            hass::to_images(hass::make_npy<float>({image_count, channels, 4, 5}, x)));
        const std::vector<float>& expected = values_.at(last_);
        REQUIRE(answers.size() == expected.size());
        float worst = 0.0F;
        float largest = 1e-6F;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            worst = std::max(worst, std::abs(answers[i] - expected[i]));
            largest = std::max(largest, std::abs(expected[i]));
        }
        return static_cast<double>(worst / largest);
    }

  private:
    std::string number(float v) {
        const std::string name = "c" + std::to_string(++count_);
        file_.weight(name, {}, {v});
        return name;
    }
    std::string node(const std::string& op, const std::vector<std::string>& in,
                     const writer::attributes& with, std::vector<float> out) {
        last_ = "t" + std::to_string(++count_);
        file_.node(op, last_, in, with);
        values_[last_] = std::move(out);
        return last_;
    }

    std::int64_t opset_;
    writer::graph file_;
    std::map<std::string, std::vector<float>> values_;
    std::string last_;
    int count_ = 0;
};

using step = std::function<std::string(twin&, const std::string&)>;
using steps = std::vector<std::pair<std::string, step>>;

const steps makers{
    {"x", [](twin&, const std::string& x) { return x; }},
    {"Conv", [](twin& t, const std::string& x) { return t.conv(x); }},
    {"Relu", [](twin& t, const std::string& x) { return t.relu(x); }},
    {"Sigmoid", [](twin& t, const std::string& x) { return t.sigmoid(x); }},
    {"HardSigmoid", [](twin& t, const std::string& x) { return t.hard_sigmoid(x); }},
    {"MaxPool", [](twin& t, const std::string& x) { return t.pool(x); }},
    {"Mul 2", [](twin& t, const std::string& x) { return t.with_number("Mul", x, 2.0F); }},
    {"Add 3", [](twin& t, const std::string& x) { return t.with_number("Add", x, 3.0F); }},
    {"Relu of Add 3",
     [](twin& t, const std::string& x) { return t.relu(t.with_number("Add", x, 3.0F)); }},
};

/// What gives another name to the same values.
const steps no_ops{
    {"Mul 1", [](twin& t, const std::string& x) { return t.with_number("Mul", x, 1.0F); }},
    {"Div 1", [](twin& t, const std::string& x) { return t.with_number("Div", x, 1.0F); }},
    {"Add 0", [](twin& t, const std::string& x) { return t.with_number("Add", x, 0.0F); }},
    {"Sub 0", [](twin& t, const std::string& x) { return t.with_number("Sub", x, 0.0F); }},
    {"norm", [](twin& t, const std::string& x) { return t.norm(x, 1.0F, 0.0F); }},
    {"Identity", [](twin& t, const std::string& x) { return t.same("Identity", x); }},
    {"Dropout", [](twin& t, const std::string& x) { return t.same("Dropout", x); }},
    {"Cast",
     [](twin& t, const std::string& x) {
         return t.same("Cast", x, {{"to", std::int64_t{1}}});
     }},
    {"Sum", [](twin& t, const std::string& x) { return t.same("Sum", x); }},
    {"Concat",
     [](twin& t, const std::string& x) {
         return t.same("Concat", x, {{"axis", std::int64_t{1}}});
     }},
    {"Reshape",
     [](twin& t, const std::string& x) {
         return t.same("Reshape", x, {}, {t.whole({0, 3, 4, 5})});
     }},
    {"Pad",
     [](twin& t, const std::string& x) {
         return t.same("Pad", x, {}, {t.whole({0, 0, 0, 0, 0, 0, 0, 0})});
     }},
    {"Clip", [](twin& t, const std::string& x) { return t.clip(x, {}, {}); }},
    {"Add 0 and Identity",
     [](twin& t, const std::string& x) {
         return t.same("Identity", t.with_number("Add", x, 0.0F));
     }},
    {"Identity and norm",
     [](twin& t, const std::string& x) { return t.norm(t.same("Identity", x), 1.0F, 0.0F); }},
};

/// What the loader may fold into the row before it.
const steps editors{
    {"Clip 0..2", [](twin& t, const std::string& x) { return t.clip(x, 0.0F, 2.0F); }},
    {"Clip 0..6", [](twin& t, const std::string& x) { return t.clip(x, 0.0F, 6.0F); }},
    {"Clip 1..", [](twin& t, const std::string& x) { return t.clip(x, 1.0F, {}); }},
    {"Mul 3", [](twin& t, const std::string& x) { return t.with_number("Mul", x, 3.0F); }},
    {"Add 2", [](twin& t, const std::string& x) { return t.with_number("Add", x, 2.0F); }},
    {"norm", [](twin& t, const std::string& x) { return t.norm(x, 2.0F, -1.0F); }},
    {"Relu", [](twin& t, const std::string& x) { return t.relu(x); }},
    {"swish", [](twin& t, const std::string& x) { return t.binary("Mul", x, t.sigmoid(x)); }},
    {"gate",
     [](twin& t, const std::string& x) { return t.binary("Mul", t.same("Identity", "x"), x); }},
    {"hard swish",
     [](twin& t, const std::string& x) {
         const std::string clipped = t.clip(t.with_number("Add", x, 3.0F), 0.0F, 6.0F);
         return t.with_number("Div", t.binary("Mul", x, clipped), 6.0F);
     }},
};

}  // namespace

TEST_CASE("a clip has the bounds that the file gives it", "[emulator][onnx]") {
    using bound = std::optional<float>;
    constexpr float most = std::numeric_limits<float>::max();
    const std::vector<std::pair<bound, bound>> bounds{
        {0.2F, {}},    {-1.0F, {}},     {1.0F, {}},      {7.0F, {}},     {0.0F, {}},
        {{}, 6.0F},    {{}, -1.0F},     {{}, 0.0F},      {{}, 7.5F},     {0.0F, 6.0F},
        {-1.0F, 1.0F}, {2.0F, 2.0F},    {3.0F, -2.0F},   {6.0F, 0.0F},   {1.0F, infinity},
        {1.0F, most},  {-infinity, 2.}, {-most, 2.0F},   {-most, most},  {infinity, 4.0F},
        {most, -4.0F}, {-6.5F, 6.5F},   {-infinity, 0.}, {{}, infinity}, {-0.0F, infinity}};
    for (const std::int64_t opset : {9, 10, 11, 13, 17})
        for (const auto& [maker, make] : makers)
            for (const bool convolved : {false, true})
                for (const auto& [low, high] : bounds) {
                    INFO("opset " << opset << ", " << maker << " clipped to "
                                  << (low ? std::to_string(*low) : "-") << " .. "
                                  << (high ? std::to_string(*high) : "-")
                                  << (convolved ? ", Conv" : ""));
                    twin t(opset);
                    const std::string y = t.clip(make(t, "x"), low, high);
                    if (convolved)
                        t.conv(y);
                    else
                        t.pool(y);
                    CHECK(t.difference() < 1e-5);
                }
}

TEST_CASE("a no-op does not forget who else reads its input", "[emulator][onnx]") {
    for (const auto& [maker, make] : makers)
        for (const auto& [no_op, pass] : no_ops)
            for (const auto& [editor, edit] : editors)
                for (const int order : {0, 1, 2}) {
                    INFO(maker << ", " << no_op << ", " << editor << ", order " << order);
                    twin t;
                    const std::string shared = make(t, "x");
                    std::string other;
                    std::string edited;
                    if (order == 0) {  // the no-op's output is edited, its input read afterwards
                        edited = edit(t, pass(t, shared));
                        other = t.same("Identity", shared);
                    } else if (order ==
                               1) {  // the input is edited, the no-op's output read after it
                        other = pass(t, shared);
                        edited = edit(t, shared);
                    } else {  // both are edited
                        const std::string name = pass(t, shared);
                        edited = edit(t, shared);
                        other = t.with_number("Mul", edit(t, name), 0.5F);
                    }
                    t.binary("Add", edited, other);
                    CHECK(t.difference() < 1e-5);
                }
}

TEST_CASE("a no-op between a row and what is folded into it changes nothing", "[emulator][onnx]") {
    for (const auto& [maker, make] : makers)
        for (const auto& [no_op, pass] : no_ops)
            for (const auto& [editor, edit] : editors) {
                INFO(maker << ", " << no_op << ", " << editor);
                twin t;
                t.pool(edit(t, pass(t, make(t, "x"))));
                CHECK(t.difference() < 1e-5);
            }
}

TEST_CASE("ten thousand parallel branches are made ready at once", "[emulator][onnx]") {
    writer::graph g;
    g.input({0, 2, 1, 1});
    std::vector<std::string> branches;
    for (int i = 0; i < 10000; ++i) {
        branches.push_back("b" + std::to_string(i));
        g.node("Sigmoid", branches.back(), {"x"});
    }
    g.node("Concat", "all", branches, {{"axis", std::int64_t{1}}});
    const std::string file = g.file();
    const std::clock_t start = std::clock();
    const hass::emulator emulator(hass::parse_onnx(file, "wide.onnx"));
    const auto seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    CHECK(seconds < 3.0);  // 16 s with a list of what is alive for every row
    CHECK(emulator.floats_per_image() <= 2 + 2 * 10000 + 2 * 10000);
    const std::vector<float> x{0.0F, 0.0F};
    const auto answers = emulator.logits(hass::to_images(hass::make_npy<float>({1, 2, 1, 1}, x)));
    CHECK(std::all_of(answers.begin(), answers.end(), [](float y) { return y == 0.5F; }));
}
