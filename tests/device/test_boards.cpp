#include <catch2/catch.hpp>
#include <set>
#include <string>

#include <hass/device/boards.hpp>
#include <hass/device/validate.hpp>

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace boards = hass::boards;

TEST_CASE("a board is found by its name", "[device]") {
    CHECK(boards::find("u250").budget.dsp == 12288);
    CHECK(&boards::find("zedboard") == &boards::catalogue[8]);
    for (const hass::device& board : boards::catalogue) CHECK(&boards::find(board.name) == &board);
}

TEST_CASE("a misspelt board names the nearest one", "[device]") {
    CHECK_THROWS_WITH(boards::find("u25O"),
                      StartsWith("unknown device 'u25O'; did you mean 'u250'?"));
    CHECK_THROWS_WITH(boards::find("zedbord"), Contains("did you mean 'zedboard'?"));
    CHECK_THROWS_WITH(boards::find("ZCU104"), Contains("known: u250, u200, u50"));
    CHECK_THROWS_WITH(boards::find(""), StartsWith("unknown device ''"));
}

TEST_CASE("every board is complete and named once", "[device]") {
    std::set<std::string_view> names;
    for (const hass::device& board : boards::catalogue) {
        INFO(board.name);
        CHECK(names.insert(board.name).second);
        CHECK(board.budget.dsp > 0);
        CHECK(board.budget.lut > 0);
        CHECK(board.budget.ff == 2 * board.budget.lut);  // all of these families
        CHECK(board.budget.bram18 > 0);
        CHECK(board.budget.uram >= 0);
        CHECK(board.budget.bandwidth > 0);
        CHECK(board.mhz > 0);
        CHECK(board.reconfiguration_s > 0);
    }
}

// As the public fpgaConvNet platform files have them. They differ from the data sheets, which the
// catalogue follows, where `differs` says so.
TEST_CASE("figures of the public platform files", "[device][golden]") {
    struct platform {
        std::string_view name;
        hass::usage budget;  // DSP, LUT, FF, BRAM18, URAM, Gbit/s
        double mhz;
        std::string_view differs = "";
    };
    const platform platforms[] = {
        {"u250", {12288, 1728000, 3456000, 5376, 1280, 614.4}, 250},
        {"u200",
         {6840, 1182000, 2364000, 4320, 960, 614.4},
         250,
         "LUT FF"},  // 1,182,240; 2,364,480
        {"u50", {5952, 871680, 1743360, 2688, 640, 1608}, 250},
        {"vcu1525", {6840, 1182240, 2364480, 4320, 960, 320}, 200},
        {"vc709", {3600, 433000, 866000, 2940, 0, 204.8}, 200, "LUT FF"},  // 433,200; 866,400
        {"vc707", {2800, 303600, 607200, 1030, 0, 102.4}, 200, "BRAM18"},  // 1,030 of 36 Kbit
        {"zcu102", {2520, 274080, 548160, 1824, 0, 153.6}, 200},
        {"zcu104", {1728, 230400, 460800, 624, 96, 153.6}, 200},
        {"zc706", {900, 218600, 437200, 1090, 0, 102.4}, 200},
        {"kv260", {1200, 256000, 512000, 288, 64, 100}, 200, "DSP LUT FF"},  // 1,248; 117,120
        {"zedboard", {220, 53200, 106400, 280, 0, 34.1}, 200},
        {"zybo", {80, 17600, 35200, 120, 0, 33.6}, 200},
        {"cora-z7", {66, 14400, 28800, 100, 0, 16.8}, 200},
    };
    // cora-z7-10, pynq-z1, pynq-z2; u280, u55c, zcu106, kr260, ultra96, aup-zu3
    CHECK(std::size(platforms) + 9 == boards::catalogue.size());
    for (const platform& p : platforms) {
        const hass::device& board = boards::find(p.name);
        CHECK(board.mhz == p.mhz);
        CHECK(board.reconfiguration_s == 0.08255);
        for (const hass::resource& r : hass::resources) {
            INFO(p.name << " " << r.name);
            const bool differs = p.differs.find(r.name) != std::string_view::npos;
            CHECK((board.budget.*r.field == p.budget.*r.field) == !differs);
        }
    }
}

TEST_CASE("boards of one part have the same fabric", "[device]") {
    const auto fabric = [](std::string_view name) {
        hass::usage u = boards::find(name).budget;
        u.bandwidth = 0.0;
        return u;
    };
    CHECK(fabric("zybo") == fabric("cora-z7-10"));
    CHECK(fabric("zedboard") == fabric("pynq-z1"));
    CHECK(boards::find("pynq-z1").budget == boards::find("pynq-z2").budget);
    CHECK(fabric("cora-z7") != fabric("cora-z7-10"));
    CHECK(fabric("zcu104") == fabric("zcu106"));
    CHECK(fabric("kv260") == fabric("kr260"));
    CHECK(fabric("ultra96") == fabric("aup-zu3"));
    CHECK(boards::find("u280").budget == boards::find("u55c").budget);
}

TEST_CASE("DSPs are DSP48E1 in 7-series parts, DSP48E2 in the others", "[device]") {
    const std::set<std::string_view> series_7{"zc706",   "zedboard",   "vc707",   "vc709",  "zybo",
                                              "cora-z7", "cora-z7-10", "pynq-z1", "pynq-z2"};
    for (const hass::device& board : boards::catalogue) {
        INFO(board.name);
        CHECK((board.dsp_slice == hass::dsp_slice::dsp48e1) == (series_7.count(board.name) == 1));
    }
}

TEST_CASE("a device whose DSPs are of no known kind is refused", "[device]") {
    hass::device odd = boards::find("zybo");
    CHECK_NOTHROW(hass::validate(odd));
    odd.dsp_slice = static_cast<hass::dsp_slice>(7);
    CHECK_THROWS_WITH(hass::validate(odd), StartsWith("device 'zybo': dsp_slice is 7"));
}

TEST_CASE("a device of one's own meets Device", "[device]") {
    struct mine {
        hass::device value{"mine", {100, 1000, 2000, 30, 0, 10}, 150};
        const hass::device& limits() const { return value; }
    };
    STATIC_REQUIRE(hass::Device<mine>);
    STATIC_REQUIRE_FALSE(hass::Device<hass::usage>);
    CHECK(mine{}.limits().mhz == 150);
}
