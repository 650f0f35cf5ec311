// The exact allocator against exhaustive enumeration, and the properties that follow from it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/explore/allocate.hpp>
#include <hass/explore/balanced.hpp>
#include <hass/explore/greedy.hpp>

#include "random_instances.hpp"

namespace {

using hass::usage;
using random_instances::choice;
using random_instances::draw_instance;
using random_instances::draws;
using random_instances::instance;
using random_instances::table_engine;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-8;  ///< of sums of shares

struct answer {
    bool fits = false;
    double interval = std::numeric_limits<double>::infinity();
    double shares = 0.0;  ///< of the board, summed
};

bool better(const answer& a, const answer& b) {
    if (a.interval != b.interval) return a.interval < b.interval;
    return a.shares < b.shares;
}

/// What is taken of the board, with missing block RAMs built from LUTs.
usage taken(usage total, const instance& x) {
    const double lut_each = x.engine.lut_per_missing_bram18;
    if (lut_each > 0.0 && total.bram18 > x.board.budget.bram18) {
        total.lut += lut_each * (total.bram18 - x.board.budget.bram18);
        total.bram18 = x.board.budget.bram18;
    }
    return total;
}

/// Tries every design.
answer enumerate(const instance& x) {
    const std::size_t n = x.net.rows.size();
    std::vector<std::size_t> digit(n, 0);
    answer best;
    while (true) {
        usage total{};
        answer a;
        a.interval = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            const choice& c = x.engine.tables[i][digit[i]];
            total += c.cost;
            a.interval =
                std::max(a.interval, c.cycles * std::max(0.5, 1.0 - x.statistics[i].pair_sparsity));
        }
        const usage all = taken(total, x);
        if (hass::fits(all, x.board.budget) && x.carries(all.bandwidth)) {
            a.interval = std::max(a.interval, x.link_cycles(all.bandwidth));
            a.fits = true, a.shares = x.shares(total, a.interval);
            if (!best.fits || better(a, best)) best = a;
        }
        std::size_t i = 0;
        while (i < n && ++digit[i] == x.engine.tables[i].size()) digit[i++] = 0;
        if (i == n) return best;
    }
}

}  // namespace

TEST_CASE("exact equals exhaustive enumeration", "[allocate]") {
    int fitting = 0;
    int bound_by_resources = 0;
    int bound_by_link = 0;
    int bound_by_link_and_weights = 0;
    int built_from_luts = 0;
    for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
        const instance x = draw_instance(seed);
        const answer expected = enumerate(x);
        const hass::allocation a =
            hass::allocate(x.net, x.statistics, x.engine, x.board, hass::exact{20000, 20000});
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == expected.fits);
        if (!expected.fits) {
            REQUIRE(a.certificate.binding.has_value());
            REQUIRE(a.certificate.reason.find(std::string(
                        hass::resources[*a.certificate.binding].name)) != std::string::npos);
            continue;
        }
        ++fitting;
        const hass::estimate again =
            hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design);
        REQUIRE(again.fits);
        REQUIRE(again.interval_cycles == a.estimate.interval_cycles);
        REQUIRE(again.total == a.estimate.total);
        REQUIRE(again.bottleneck == a.estimate.bottleneck);
        REQUIRE(a.estimate.interval_cycles == expected.interval);
        REQUIRE(a.certificate.gap == 0.0);
        REQUIRE(a.certificate.upper_bound_images_per_second == a.estimate.images_per_second);
        // no choice within the interval has a smaller sum of shares
        REQUIRE(a.certificate.thriftiest);
        REQUIRE(a.certificate.shares == a.certificate.least_shares);
        REQUIRE(a.certificate.shares == Approx(expected.shares).epsilon(1e-8).margin(1e-8));
        if (x.engine.lut_per_missing_bram18 == 0.0)  // it is what the estimate says
            REQUIRE(a.certificate.shares ==
                    Approx(x.shares(a.estimate.total, infinity)).epsilon(1e-9));
        REQUIRE(again.bram18_from_lut == a.estimate.bram18_from_lut);
        if (a.certificate.binding) ++bound_by_resources;
        if (a.estimate.bram18_from_lut > 0.0) ++built_from_luts;
        // what is carried is reported, and is what binds where nothing else is as slow
        const double images = x.image_bits() * x.board.mhz / 1000.0 / a.estimate.interval_cycles;
        REQUIRE(a.estimate.image_gbit_s == Approx(images).epsilon(1e-12));
        REQUIRE(a.estimate.total.bandwidth <= x.board.budget.bandwidth);
        if (!a.estimate.link_binds()) continue;
        ++bound_by_link;
        if (a.estimate.total.bandwidth > 1.001 * images) ++bound_by_link_and_weights;
        REQUIRE(a.estimate.total.bandwidth == Approx(x.board.budget.bandwidth).epsilon(1e-12));
        REQUIRE(a.certificate.binding == hass::bandwidth_index);
        REQUIRE(a.certificate.reason.find("the bandwidth of device 'drawn' is spent") == 0);
    }
    INFO(bound_by_link << " bound by the link, " << bound_by_link_and_weights << " with weights");
    CHECK(bound_by_link > 3000);
    CHECK(bound_by_link_and_weights > 500);
    CHECK(fitting > 10000);
    CHECK(bound_by_resources > 3000);
    CHECK(built_from_luts > 700);
}

TEST_CASE("layers that change one by one give what a fresh allocator gives", "[allocate]") {
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        instance x = draw_instance(seed);
        draws d{seed ^ 0xaaaa};
        hass::allocator<table_engine> kept(x.net, x.engine, x.board);
        kept.solve(x.statistics);
        for (int change = 0; change < 8; ++change) {
            const auto i =
                static_cast<std::size_t>(d.between(0, static_cast<int>(x.net.rows.size()) - 1));
            // small changes and large ones, and some that change nothing
            double& s = x.statistics[i].pair_sparsity;
            if (change % 3 == 0) s = d.uniform();
            if (change % 3 == 1) s = std::min(1.0, s + 0.02 * d.uniform());
            const hass::allocation a = kept.update(i, x.statistics[i]);
            const hass::allocation b = hass::allocate(x.net, x.statistics, x.engine, x.board);
            INFO("seed " << seed << ", change " << change << ": " << b.certificate.reason);
            REQUIRE(a.fits == b.fits);
            REQUIRE(a.design == b.design);
            REQUIRE(a.certificate.gap == b.certificate.gap);
            REQUIRE(a.certificate.reason == b.certificate.reason);
            REQUIRE(a.certificate.binding == b.certificate.binding);
            REQUIRE(a.certificate.shares == b.certificate.shares);
            REQUIRE(a.certificate.least_shares == b.certificate.least_shares);
            REQUIRE(a.certificate.thriftiest == b.certificate.thriftiest);
        }
    }
}

TEST_CASE("without room for a proof the gap is stated", "[allocate]") {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        const instance x = draw_instance(seed);
        const answer expected = enumerate(x);
        const hass::allocation a =
            hass::allocate(x.net, x.statistics, x.engine, x.board, hass::exact{0, 0});
        INFO("seed " << seed << ": " << a.certificate.reason);
        if (!a.fits) {
            // what is found depends on the room, what is proved does not
            if (expected.fits)
                REQUIRE(a.certificate.reason.find("no design was found (it is not proved") == 0);
            continue;
        }
        REQUIRE(expected.fits);
        REQUIRE(hass::fits(a.estimate.total, x.board.budget));
        REQUIRE(a.estimate.interval_cycles >= expected.interval);
        REQUIRE(a.certificate.upper_bound_images_per_second >=
                x.board.mhz * 1e6 / expected.interval * (1.0 - 1e-12));
        if (a.estimate.interval_cycles > expected.interval) REQUIRE(a.certificate.gap > 0.0);
        if (a.estimate.interval_cycles == expected.interval) {
            REQUIRE(a.certificate.least_shares <= expected.shares + rounding);
            REQUIRE(a.certificate.shares >= expected.shares - rounding);
            if (a.certificate.thriftiest)
                REQUIRE(a.certificate.shares <= expected.shares + rounding);
        }
    }
}

TEST_CASE("the heuristics stay within the budget and above the optimum", "[allocate]") {
    int balanced_found = 0;
    int balanced_optimal = 0;
    int feasible = 0;
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
        const instance x = draw_instance(seed);
        const hass::allocation best = hass::allocate(x.net, x.statistics, x.engine, x.board);
        if (best.fits) ++feasible;
        const auto check = [&](const hass::allocation& a) {
            INFO("seed " << seed << ": " << a.certificate.reason);
            if (!a.fits) return;
            REQUIRE(best.fits);
            REQUIRE(hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design).fits);
            REQUIRE(a.estimate.interval_cycles >= best.estimate.interval_cycles);
            REQUIRE(a.certificate.upper_bound_images_per_second >=
                    best.estimate.images_per_second * (1.0 - 1e-12));
        };
        const hass::allocation b =
            hass::allocate(x.net, x.statistics, x.engine, x.board, hass::balanced{});
        check(b);
        check(hass::allocate(x.net, x.statistics, x.engine, x.board, hass::greedy{}));
        if (b.fits) ++balanced_found;
        if (b.fits && b.estimate.interval_cycles == best.estimate.interval_cycles)
            ++balanced_optimal;
    }
    CHECK(balanced_found > feasible / 2);
    CHECK(balanced_optimal < feasible);  // it does miss designs
}

TEST_CASE("least of a resource at a required throughput equals enumeration", "[allocate]") {
    int checked = 0;
    for (std::uint64_t seed = 1; seed <= 2500; ++seed) {
        const instance x = draw_instance(seed);
        hass::allocator<table_engine> allocator(x.net, x.engine, x.board,
                                                hass::exact{20000, 20000});
        const hass::allocation fastest = allocator.solve(x.statistics);
        if (!fastest.fits) continue;
        draws d{seed ^ 0x5555};
        const std::size_t r = static_cast<std::size_t>(d.between(0, 4));
        const double required = fastest.estimate.images_per_second * (0.3 + 0.8 * d.uniform());
        if (r == hass::bram18_index && x.engine.lut_per_missing_bram18 > 0.0) {
            REQUIRE_THROWS_AS(allocator.least(hass::resources[r].field, required), hass::error);
            continue;
        }
        // enumerate
        double least = std::numeric_limits<double>::infinity();
        std::vector<std::size_t> digit(x.net.rows.size(), 0);
        for (bool more = true; more;) {
            usage total{};
            double interval = 0.0;
            for (std::size_t i = 0; i < digit.size(); ++i) {
                const choice& c = x.engine.tables[i][digit[i]];
                total += c.cost;
                interval = std::max(interval,
                                    c.cycles * std::max(0.5, 1.0 - x.statistics[i].pair_sparsity));
            }
            total = taken(total, x);
            if (x.carries(total.bandwidth))
                interval = std::max(interval, x.link_cycles(total.bandwidth));
            if (hass::fits(total, x.board.budget) && x.carries(total.bandwidth) &&
                interval <= x.board.mhz * 1e6 / required)
                least = std::min(least, total.*hass::resources[r].field);
            std::size_t i = 0;
            while (i < digit.size() && ++digit[i] == x.engine.tables[i].size()) digit[i++] = 0;
            more = i < digit.size();
        }
        const hass::allocation a = allocator.least(hass::resources[r].field, required);
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == (least < std::numeric_limits<double>::infinity()));
        if (!a.fits) continue;
        ++checked;
        REQUIRE(a.estimate.images_per_second >= required * (1.0 - 1e-12));
        REQUIRE(hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design).fits);
        REQUIRE(a.certificate.minimal);
        REQUIRE(a.estimate.total.*hass::resources[r].field ==
                Approx(least).epsilon(1e-8).margin(1e-6));
    }
    CHECK(checked > 500);
}
