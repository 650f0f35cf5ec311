// Damaged ONNX files: whatever is cut or flipped, a network or one hass::error comes out.

#include "onnx_writer.hpp"

#include <catch2/catch.hpp>
#include <hass/workload/onnx.hpp>
#include <random>
#include <string>

using writer::graph;
using writer::ints;

namespace {

/// A little of everything: folding, hard swish, squeeze-and-excitation, shape arithmetic.
std::string everything() {
    graph g;
    g.input({0, 2, 5, 5});
    g.weight("w", {4, 2, 3, 3}).weight("b", {4}, {1, 2, 3, 4}, true).weight("v", {4});
    g.node("Conv", "conv", {"x", "w", "b"}, {{"pads", ints({1, 1, 1, 1})}});
    g.node("BatchNormalization", "bn", {"conv", "v", "b", "b", "v"});
    g.weight("3", {}, {3}).weight("0", {}, {0}).weight("6", {}, {6});
    g.node("Add", "plus", {"bn", "3"}).node("Clip", "clip", {"plus", "0", "6"});
    g.node("Mul", "mul", {"bn", "clip"}).node("Div", "hs", {"mul", "6"});
    g.node("GlobalAveragePool", "gap", {"hs"}).node("Sigmoid", "gate", {"gap"});
    g.node("Mul", "se", {"gate", "hs"}).whole("pads", {0, 0, 0, 0, 0, 0, 1, 1}, true);
    g.node("Pad", "pad", {"se", "pads"});
    g.node("AveragePool", "pool", {"pad"},
           {{"kernel_shape", ints({2, 2})}, {"strides", ints({2, 2})}});
    g.node("Concat", "cat", {"pool", "pool"}, {{"axis", std::int64_t{1}}});
    g.node("Shape", "shape", {"cat"}).whole("zero", {0}).whole("one", {1});
    g.node("Slice", "batch", {"shape", "zero", "one"}).whole("rest", {-1});
    g.node("Concat", "target", {"batch", "rest"}, {{"axis", std::int64_t{0}}});
    g.node("Reshape", "flat", {"cat", "target"}).weight("fc", {72, 2});
    g.node("MatMul", "mm", {"flat", "fc"}).node("Softmax", "y", {"mm"});
    return g.output("y", {0, 2}).file();
}

/// 1 when a network came out, 0 for hass::error; anything else fails the test.
int tries(const std::string& content) {
    try {
        hass::parse_onnx(content, "damaged.onnx");
        return 1;
    } catch (const hass::error&) {
        return 0;
    }
}

}  // namespace

TEST_CASE("every truncation of an ONNX file is an error", "[onnx]") {
    const std::string good = everything();
    REQUIRE_NOTHROW(hass::parse_onnx(good, "good.onnx"));
    REQUIRE(hass::parse_onnx(good, "good.onnx").net.rows.size() == 10);
    for (std::size_t size = 0; size < good.size(); ++size) {
        INFO("cut to " << size);
        CHECK(tries(good.substr(0, size)) == 0);
    }
}

TEST_CASE("every flipped byte of an ONNX file gives a network or an error", "[onnx]") {
    const std::string good = everything();
    int networks = 0;
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const int mask : {0x01, 0x02, 0x08, 0x40, 0x80, 0xff}) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ mask);
            networks += tries(bad);
        }
    CHECK(networks > 0);
}

TEST_CASE("random damage and random bytes give a network or an error", "[onnx]") {
    const std::string good = everything();
    std::mt19937 draw(7);
    for (int round = 0; round < 20000; ++round) {
        std::string bad = good;
        for (unsigned flips = 1 + draw() % 8; flips > 0; --flips) {
            const std::size_t at = draw() % bad.size();
            switch (draw() % 4) {
                case 0:
                    bad[at] = static_cast<char>(draw());
                    break;
                case 1:
                    bad.erase(at, 1 + draw() % 16);
                    break;
                case 2:
                    bad.insert(at, bad.substr(draw() % bad.size(), 1 + draw() % 64));
                    break;
                default:
                    bad[at] = static_cast<char>(bad[at] + 1);
            }
            if (bad.empty()) bad = "x";
        }
        tries(bad);
    }
    for (int round = 0; round < 2000; ++round) {
        std::string noise(1 + draw() % 200, '\0');
        for (char& c : noise) c = static_cast<char>(draw());
        tries(noise);
    }
    SUCCEED();
}
