// Vivado's memories against weight memories of FINN that were synthesised.
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>

#include <hass/engine/resources/memories.hpp>
#include <hass/engine/resources/vivado_memory.hpp>

namespace {

using hass::vivado_bram18;

struct memory {
    const char* instance;
    std::int64_t depth, width;
    int thresholds;  // 18 Kbit blocks beside the weights: one a PE for 256 or more thresholds
    std::int64_t measured;
};

// finn_synthesis.json: MW MH / (PE SIMD) words of PE SIMD bits; MVAU instances of the two CNVs
// (Ba1tu3han/Finn_Thesis) and of the transformer, whose two builds are alike
// (samufrank/finn-vs-vitisai).
constexpr std::array<memory, 23> memories{{
    {"CNV w1a1 MVAU 0", 36, 48, 0, 2},        {"CNV w1a1 MVAU 1", 36, 1024, 0, 29},
    {"CNV w1a1 MVAU 2", 144, 512, 0, 15},     {"CNV w1a1 MVAU 3", 288, 512, 0, 15},
    {"CNV w1a1 MVAU 4", 2304, 128, 0, 29},    {"CNV w1a1 MVAU 5", 18432, 32, 1, 65},
    {"CNV w1a1 MVAU 6", 32768, 4, 1, 9},      {"CNV w1a1 MVAU 7", 32768, 8, 1, 17},
    {"CNV w1a1 MVAU 8", 1024, 5, 0, 1},       {"CNV variant MVAU 0", 64, 27, 0, 2},
    {"CNV variant MVAU 1", 64, 576, 0, 16},   {"CNV variant MVAU 2", 512, 144, 0, 4},
    {"CNV variant MVAU 3", 512, 288, 0, 8},   {"CNV variant MVAU 4", 9216, 32, 1, 33},
    {"CNV variant MVAU 5", 147456, 8, 2, 82}, {"CNV variant MVAU 6", 65536, 4, 1, 17},
    {"CNV variant MVAU 7", 5120, 1, 0, 2},    {"transformer MVAU 0", 512, 4, 0, 1},
    {"transformer MVAU 1", 512, 4, 0, 1},     {"transformer MVAU 2", 512, 4, 0, 1},
    {"transformer MVAU 3", 512, 4, 0, 1},     {"transformer MVAU 4", 512, 16, 0, 1},
    {"transformer MVAU 5", 512, 16, 0, 1},
}};

}  // namespace

TEST_CASE("memories take the blocks that Vivado gave them") {
    int exact = 0;
    for (const memory& m : memories) {
        const std::int64_t off = m.measured - m.thresholds - vivado_bram18(m.depth, m.width);
        INFO(m.instance << ": " << m.depth << " x " << m.width << " took " << m.measured);
        CHECK((off == 0 || off == 1));
        exact += off == 0 ? 1 : 0;
    }
    CHECK(exact == 21);
}

TEST_CASE("rounded depths are dearer where memories are deep") {
    STATIC_REQUIRE(vivado_bram18(0, 8) == 0);
    STATIC_REQUIRE(vivado_bram18(8, 0) == 0);
    STATIC_REQUIRE(vivado_bram18(1, 1) == 1);
    STATIC_REQUIRE(vivado_bram18(512, 36) == 1);
    STATIC_REQUIRE(vivado_bram18(512, 37) == 2);
    STATIC_REQUIRE(vivado_bram18(513, 36) == 2);
    STATIC_REQUIRE(vivado_bram18(16384, 1) == 1);
    STATIC_REQUIRE(vivado_bram18(16385, 1) == 2);  // no RAMB18 is so deep
    STATIC_REQUIRE(vivado_bram18(18432, 32) == 64);
    STATIC_REQUIRE(vivado_bram18(32769, 1) == 4);
    // never fewer for more words or wider ones
    for (std::int64_t depth = 1; depth < 70000; depth += depth / 7 + 1)
        for (std::int64_t width = 1; width < 200; ++width) {
            const std::int64_t blocks = vivado_bram18(depth, width);
            if (vivado_bram18(depth + 1, width) < blocks) FAIL(depth << " x " << width);
            if (vivado_bram18(depth, width + 1) < blocks) FAIL(depth << " x " << width);
        }
}
