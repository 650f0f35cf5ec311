// The lowest latency of one image against exhaustive enumeration.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

#include "random_instances.hpp"

namespace {

using random_instances::draws;
using random_instances::instance;
using random_instances::table_engine;

/// A random problem whose rows have maps and windows, in a chain or with branches.
instance draw_pipeline(std::uint64_t seed, bool branches) {
    instance x = random_instances::draw_instance(seed);
    draws d{seed ^ 0x1234};
    // few enough designs to try them all
    while (x.net.rows.size() > 5) {
        x.net.rows.pop_back(), x.engine.tables.pop_back(), x.statistics.pop_back();
    }
    int height = d.between(1, 9);
    int width = d.between(1, 9);
    for (std::size_t i = 0; i < x.net.rows.size(); ++i) {
        hass::layer_row& row = x.net.rows[i];
        row.in.height = height, row.in.width = width;
        row.kernel_h = row.kernel_w = d.between(0, 2) == 0 ? 1 : 3;
        row.pad_top = row.pad_bottom = row.pad_left = row.pad_right = (row.kernel_h - 1) / 2;
        row.stride_h = row.stride_w = d.between(0, 3) == 0 ? 2 : 1;
        height = (height - 1) / row.stride_h + 1, width = (width - 1) / row.stride_w + 1;
        row.out.height = height, row.out.width = width;
    }
    x.net.edges.clear();
    for (int i = 0; i < static_cast<int>(x.net.rows.size()); ++i) {
        const bool second = branches && i > 0 && d.between(0, 1) == 0;
        if (second) x.net.edges.push_back({d.between(-1, i - 2 < -1 ? -1 : i - 2), i});
        if (!second || d.between(0, 2) != 0) x.net.edges.push_back({i - 1, i});
    }
    return x;
}

double latency_of(const hass::estimate& e, hass::pace of) {
    return of == hass::pace::own ? e.single_image_cycles : e.latency_cycles;
}

/// The lowest latency of all designs; infinite when nothing fits.
double enumerate(const instance& x, hass::pace of) {
    double lowest = std::numeric_limits<double>::infinity();
    hass::design design(x.net.rows.size());
    std::vector<std::size_t> digit(design.size(), 0);
    while (true) {
        for (std::size_t i = 0; i < digit.size(); ++i)
            design[i].folding.macs = static_cast<int>(digit[i]) + 1;
        const hass::estimate e = hass::evaluate(x.net, x.statistics, x.engine, x.board, design);
        if (e.fits) lowest = std::min(lowest, latency_of(e, of));
        std::size_t i = 0;
        while (i < digit.size() && ++digit[i] == x.engine.tables[i].size()) digit[i++] = 0;
        if (i == digit.size()) return lowest;
    }
}

struct latency_tally {
    int fitting = 0, proved = 0, optimal = 0, below_solve = 0;
};

latency_tally compare(std::uint64_t seeds, bool branches, hass::pace of) {
    latency_tally t;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const instance x = draw_pipeline(seed, branches);
        const double lowest = enumerate(x, of);
        hass::allocator<table_engine> allocator(x.net, x.engine, x.board,
                                                hass::exact{20000, 20000});
        const hass::allocation fastest = allocator.solve(x.statistics);
        const hass::allocation a = allocator.lowest_latency(of);
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == (lowest < std::numeric_limits<double>::infinity()));
        if (!a.fits) continue;
        ++t.fitting;
        const hass::estimate again =
            hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design);
        REQUIRE(again.fits);
        REQUIRE(again.latency_cycles == a.estimate.latency_cycles);
        REQUIRE(again.single_image_cycles == a.estimate.single_image_cycles);
        const double latency = latency_of(again, of);
        const double of_fastest = latency_of(fastest.estimate, of);
        REQUIRE(latency <= of_fastest);
        REQUIRE(latency >= lowest);
        REQUIRE(a.certificate.least_latency_cycles <= lowest * (1.0 + 1e-9));
        const bool optimal = latency <= lowest * (1.0 + 1e-8);
        if (a.certificate.minimal) REQUIRE(optimal);
        if (a.certificate.minimal) REQUIRE(a.certificate.gap == 0.0);
        if (!a.certificate.minimal) REQUIRE(a.certificate.gap > 0.0);
        t.proved += a.certificate.minimal ? 1 : 0;
        t.optimal += optimal ? 1 : 0;
        t.below_solve += latency < of_fastest ? 1 : 0;
    }
    return t;
}

}  // namespace

TEST_CASE("lowest latency of chains equals enumeration", "[latency]") {
    const latency_tally t = compare(2000, false, hass::pace::interval);
    CHECK(t.fitting > 1000);
    CHECK(t.optimal == t.fitting);
    CHECK(t.proved > t.fitting * 99 / 100);
    CHECK(t.below_solve > t.fitting / 10);  // the fastest pipeline is not the quickest answer
}

TEST_CASE("lowest latency with branches: never better than its bound", "[latency]") {
    const latency_tally t = compare(2000, true, hass::pace::interval);
    CHECK(t.fitting > 1000);
    CHECK(t.optimal > t.fitting * 95 / 100);
    CHECK(t.proved > t.fitting * 80 / 100);
}

TEST_CASE("lowest latency of a single image equals enumeration", "[latency]") {
    for (const bool branches : {false, true}) {
        const latency_tally t = compare(3000, branches, hass::pace::own);
        INFO(t.proved << " of " << t.fitting << " proved, " << t.optimal << " optimal");
        CHECK(t.fitting > 1500);
        CHECK(t.optimal == t.fitting);
        CHECK(t.proved == t.fitting);
        CHECK(t.below_solve > t.fitting / 10);
    }
}

TEST_CASE("lowest latency of ResNet-18", "[latency]") {
    hass::allocator<hass::sparse_dot<>> allocator(hass::zoo::resnet18, {}, hass::boards::u250{});
    const hass::allocation fastest = allocator.solve(hass::uniform_sparsity(0.5));
    for (const hass::pace of : {hass::pace::interval, hass::pace::own}) {
        const hass::allocation a = allocator.lowest_latency(of);
        REQUIRE(a.fits);
        const double latency = latency_of(a.estimate, of);
        CHECK(latency < latency_of(fastest.estimate, of));
        CHECK(a.estimate.interval_cycles >= fastest.estimate.interval_cycles);
        CHECK(a.certificate.least_latency_cycles <= latency);
        CHECK(a.certificate.gap < (of == hass::pace::own ? 0.08 : 0.01));
    }
}
