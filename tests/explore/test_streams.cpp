// What stands between stages in the total: the allocator against exhaustive enumeration where
// converters bind.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/explore/allocate.hpp>
#include <hass/explore/balanced.hpp>
#include <hass/explore/greedy.hpp>

#include "random_instances.hpp"

namespace {

using hass::usage;
using random_instances::choice;
using random_instances::draw_streams;
using random_instances::draws;
using random_instances::instance;
using random_instances::table_engine;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct built {
    bool fits = false;
    double interval = infinity;
    usage total{};
    double shares = 0.0;  ///< of the board, summed
};

/// A design, counted by hand.
built build(const instance& x, const std::vector<std::size_t>& design, bool with_streams) {
    built b;
    b.interval = 0.0;
    for (std::size_t i = 0; i < design.size(); ++i) {
        const choice& c = x.engine.tables[i][design[i]];
        b.total += c.cost;
        b.interval =
            std::max(b.interval, c.cycles * std::max(0.5, 1.0 - x.statistics[i].pair_sparsity));
    }
    if (with_streams) b.total += x.between(design);
    const usage needs = b.total;
    const double lut_each = x.engine.lut_per_missing_bram18;
    if (lut_each > 0.0 && b.total.bram18 > x.board.budget.bram18) {
        b.total.lut += lut_each * (b.total.bram18 - x.board.budget.bram18);
        b.total.bram18 = x.board.budget.bram18;
    }
    b.fits = hass::fits(b.total, x.board.budget) && x.carries(b.total.bandwidth);
    if (b.fits) b.interval = std::max(b.interval, x.link_cycles(b.total.bandwidth));
    if (b.fits) b.shares = x.shares(needs, b.interval);
    return b;
}

/// Calls visit(design) for every design.
template <class Visit>
void for_each_design(const instance& x, Visit visit) {
    std::vector<std::size_t> digit(x.net.rows.size(), 0);
    while (true) {
        visit(digit);
        std::size_t i = 0;
        while (i < digit.size() && ++digit[i] == x.engine.tables[i].size()) digit[i++] = 0;
        if (i == digit.size()) return;
    }
}

bool better(const built& a, const built& b) {
    if (a.interval != b.interval) return a.interval < b.interval;
    return a.shares < b.shares;
}

built best_of(const instance& x, bool with_streams) {
    built best;
    for_each_design(x, [&](const std::vector<std::size_t>& design) {
        const built b = build(x, design, with_streams);
        if (b.fits && (!best.fits || better(b, best))) best = b;
    });
    return best;
}

}  // namespace

TEST_CASE("exact with converters equals enumeration", "[streams]") {
    int fitting = 0;
    int none_fits = 0;
    int slower = 0;
    int dearer = 0;
    int with_converters = 0;
    for (std::uint64_t seed = 1; seed <= 30000; ++seed) {
        const instance x = draw_streams(seed);
        const built expected = best_of(x, true);
        const built without = best_of(x, false);
        const hass::allocation a =
            hass::allocate(x.net, x.statistics, x.engine, x.board, hass::exact{20000, 20000});
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == expected.fits);
        if (without.fits && !expected.fits) ++none_fits;
        if (!expected.fits) continue;
        ++fitting;
        const hass::estimate again =
            hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design);
        REQUIRE(again.fits);
        REQUIRE(again.total == a.estimate.total);
        REQUIRE(again.between == a.estimate.between);
        REQUIRE(a.estimate.interval_cycles == expected.interval);
        REQUIRE(a.certificate.gap == 0.0);
        // no choice within the interval has a smaller sum of shares
        REQUIRE(a.certificate.thriftiest);
        REQUIRE(a.certificate.shares == a.certificate.least_shares);
        REQUIRE(a.certificate.shares == Approx(expected.shares).epsilon(1e-8).margin(1e-8));
        if (expected.interval > without.interval) ++slower;
        if (expected.interval == without.interval && expected.shares > without.shares + 1e-8)
            ++dearer;
        if (a.estimate.between.lut > 0.0) ++with_converters;
    }
    INFO(fitting << " fit, " << slower << " are slower for converters, " << dearer
                 << " take more of the board, " << with_converters << " have some; " << none_fits
                 << " do not fit for them");
    CHECK(fitting > 15000);
    CHECK(slower + dearer + none_fits > 5000);  // converters bind
    CHECK(slower > 1200);
    CHECK(dearer > 2000);
    CHECK(with_converters > 14000);
}

TEST_CASE("few partial choices leave a gap, and nothing that is said is wrong", "[streams]") {
    int gaps = 0;
    int proved = 0;
    for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
        const instance x = draw_streams(seed);
        const built expected = best_of(x, true);
        for (const std::size_t room : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
            const hass::allocation a =
                hass::allocate(x.net, x.statistics, x.engine, x.board, hass::exact{room, room});
            INFO("seed " << seed << ", room for " << room << ": " << a.certificate.reason);
            if (!a.fits) continue;
            REQUIRE(expected.fits);
            REQUIRE(hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design).fits);
            REQUIRE(a.estimate.interval_cycles >= expected.interval);
            REQUIRE(a.estimate.interval_cycles <=
                    expected.interval * (1.0 + a.certificate.gap) * (1.0 + 1e-12));
            if (a.certificate.gap > 0.0) {
                ++gaps;
                continue;
            }
            ++proved;
            REQUIRE(a.certificate.least_shares <= expected.shares + 1e-8);
        }
    }
    INFO(gaps << " with a gap, " << proved << " proved");
    CHECK(gaps > 0);
    CHECK(proved > 5000);
}

TEST_CASE("converters: layers that change one by one give what a fresh allocator gives",
          "[streams]") {
    for (std::uint64_t seed = 1; seed <= 600; ++seed) {
        instance x = draw_streams(seed);
        draws d{seed ^ 0xaaaa};
        hass::allocator<table_engine> kept(x.net, x.engine, x.board);
        kept.solve(x.statistics);
        for (int change = 0; change < 6; ++change) {
            const auto i =
                static_cast<std::size_t>(d.between(0, static_cast<int>(x.net.rows.size()) - 1));
            double& s = x.statistics[i].pair_sparsity;
            s = change % 2 == 0 ? d.uniform() : std::min(1.0, s + 0.02 * d.uniform());
            const hass::allocation a = kept.update(i, x.statistics[i]);
            const hass::allocation b = hass::allocate(x.net, x.statistics, x.engine, x.board);
            INFO("seed " << seed << ", change " << change << ": " << b.certificate.reason);
            REQUIRE(a.fits == b.fits);
            REQUIRE(a.design == b.design);
            REQUIRE(a.certificate.gap == b.certificate.gap);
            REQUIRE(a.certificate.reason == b.certificate.reason);
            REQUIRE(a.certificate.least_shares == b.certificate.least_shares);
            REQUIRE(a.certificate.thriftiest == b.certificate.thriftiest);
        }
    }
}

TEST_CASE("converters: without room for a proof the gap is stated", "[streams]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        const instance x = draw_streams(seed);
        const built expected = best_of(x, true);
        const hass::allocation a =
            hass::allocate(x.net, x.statistics, x.engine, x.board, hass::exact{0, 0});
        INFO("seed " << seed << ": " << a.certificate.reason);
        if (!a.fits) {
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
            REQUIRE(a.certificate.least_shares <= expected.shares + 1e-8);
            if (a.certificate.thriftiest)
                REQUIRE(a.certificate.shares == Approx(expected.shares).epsilon(1e-8).margin(1e-8));
        }
    }
}

TEST_CASE("converters: least of a resource equals enumeration", "[streams]") {
    int checked = 0;
    for (std::uint64_t seed = 1; seed <= 2500; ++seed) {
        const instance x = draw_streams(seed);
        hass::allocator<table_engine> allocator(x.net, x.engine, x.board,
                                                hass::exact{20000, 20000});
        const hass::allocation fastest = allocator.solve(x.statistics);
        if (!fastest.fits) continue;
        draws d{seed ^ 0x5555};
        const auto r = static_cast<std::size_t>(d.between(0, 4));
        const double required = fastest.estimate.images_per_second * (0.3 + 0.8 * d.uniform());
        if (r == hass::bram18_index && x.engine.lut_per_missing_bram18 > 0.0) continue;
        double least = infinity;
        for_each_design(x, [&](const std::vector<std::size_t>& design) {
            const built b = build(x, design, true);
            if (b.fits && b.interval <= x.board.mhz * 1e6 / required)
                least = std::min(least, b.total.*hass::resources[r].field);
        });
        const hass::allocation a = allocator.least(hass::resources[r].field, required);
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == (least < infinity));
        if (!a.fits) continue;
        ++checked;
        REQUIRE(hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design).fits);
        // where rows give LUTs back, less than none together is no cap that shares can express
        if (least > 0.0) REQUIRE(a.certificate.minimal);
        REQUIRE(a.estimate.total.*hass::resources[r].field ==
                Approx(least).epsilon(1e-8).margin(1e-6));
    }
    CHECK(checked > 500);
}

TEST_CASE("converters: the lowest latency is never better than its bound", "[streams]") {
    int fitting = 0;
    int proved = 0;
    int optimal = 0;
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        const instance x = draw_streams(seed);
        double lowest = infinity;
        hass::design design(x.net.rows.size());
        for_each_design(x, [&](const std::vector<std::size_t>& digit) {
            for (std::size_t i = 0; i < digit.size(); ++i) {
                const choice& c = x.engine.tables[i][digit[i]];
                design[i].folding = {c.in, c.out, 1, static_cast<int>(digit[i]) + 1, 1};
            }
            const hass::estimate e = hass::evaluate(x.net, x.statistics, x.engine, x.board, design);
            if (e.fits) lowest = std::min(lowest, e.latency_cycles);
        });
        hass::allocator<table_engine> allocator(x.net, x.engine, x.board,
                                                hass::exact{20000, 20000});
        allocator.solve(x.statistics);
        const hass::allocation a = allocator.lowest_latency();
        INFO("seed " << seed << ": " << a.certificate.reason);
        REQUIRE(a.fits == (lowest < infinity));
        if (!a.fits) continue;
        ++fitting;
        REQUIRE(a.certificate.least_latency_cycles <= lowest * (1.0 + 1e-9));
        REQUIRE(a.estimate.latency_cycles >= lowest * (1.0 - 1e-12));
        const bool is_optimal = a.estimate.latency_cycles <= lowest * (1.0 + 1e-8);
        if (a.certificate.minimal) REQUIRE(is_optimal);
        proved += a.certificate.minimal ? 1 : 0;
        optimal += is_optimal ? 1 : 0;
    }
    INFO(fitting << " fit, " << optimal << " optimal, " << proved << " proved");
    CHECK(fitting > 700);
    CHECK(optimal > fitting * 95 / 100);
    CHECK(proved > fitting * 80 / 100);
}

TEST_CASE("converters: heuristics stay within the budget and above the optimum", "[streams]") {
    int found = 0;
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        const instance x = draw_streams(seed);
        const hass::allocation best = hass::allocate(x.net, x.statistics, x.engine, x.board);
        const auto check = [&](const hass::allocation& a) {
            INFO("seed " << seed << ": " << a.certificate.reason);
            if (!a.fits) return;
            ++found;
            REQUIRE(best.fits);
            REQUIRE(hass::evaluate(x.net, x.statistics, x.engine, x.board, a.design).fits);
            REQUIRE(a.estimate.interval_cycles >= best.estimate.interval_cycles);
        };
        check(hass::allocate(x.net, x.statistics, x.engine, x.board, hass::balanced{}));
        check(hass::allocate(x.net, x.statistics, x.engine, x.board, hass::greedy{}));
    }
    CHECK(found > 500);
}
