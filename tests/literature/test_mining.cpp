// Accelerator mining against exhaustive enumeration.
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/compare/mining.hpp>

#include "draw.hpp"

namespace {

using stages = std::vector<std::vector<hass::stage_design>>;

stages random_stages(std::uint64_t& state) {
    stages all(1 + test::draw(state) % 4);
    for (auto& designs : all) {
        designs.resize(1 + test::draw(state) % 6);
        for (auto& d : designs)
            d = {static_cast<double>(1 + test::draw(state) % 12),
                 static_cast<double>(test::draw(state) % 15),
                 static_cast<double>(1 + test::draw(state) % 15)};
    }
    return all;
}

// Every combination.
hass::mined_pipeline exhaustive(const stages& all, const hass::mining_budget& budget,
                                hass::mining_objective objective) {
    hass::mined_pipeline best;
    std::vector<std::size_t> at(all.size(), 0);
    for (;;) {
        hass::mined_pipeline p{true, at, 0.0, 0.0, 0.0};
        for (std::size_t i = 0; i < all.size(); ++i) {
            p.interval = std::max(p.interval, all[i][at[i]].cycles);
            p.area += all[i][at[i]].area;
            p.power += all[i][at[i]].power;
        }
        if (p.area <= budget.area && p.power <= budget.power) {
            const auto key = [&](const hass::mined_pipeline& q) {
                return objective == hass::mining_objective::throughput
                           ? std::vector{q.interval, q.power, q.area}
                           : std::vector{q.interval * q.power, q.interval, q.area};
            };
            if (!best.found || key(p) < key(best)) best = p;
        }
        std::size_t i = 0;
        while (i < at.size() && ++at[i] == all[i].size()) at[i++] = 0;
        if (i == at.size()) return best;
    }
}

}  // namespace

TEST_CASE("mining finds what enumeration finds", "[mining]") {
    std::uint64_t state = 31;
    int found = 0, nothing = 0;
    for (int round = 0; round < 400; ++round) {
        const stages all = random_stages(state);
        const hass::mining_budget budget{static_cast<double>(test::draw(state) % 40),
                                         static_cast<double>(test::draw(state) % 40)};
        for (const auto objective :
             {hass::mining_objective::throughput, hass::mining_objective::throughput_per_power}) {
            const auto p = hass::mine_pipeline(all, budget, objective);
            const auto e = exhaustive(all, budget, objective);
            REQUIRE(p.found == e.found);
            (p.found ? found : nothing) += 1;
            if (!p.found) continue;
            REQUIRE(p.interval == e.interval);
            REQUIRE(p.power == e.power);
            REQUIRE(p.area == e.area);
            hass::mined_pipeline sum{true, p.choice, 0.0, 0.0, 0.0};
            for (std::size_t i = 0; i < all.size(); ++i) {
                sum.area += all[i].at(p.choice[i]).area;
                sum.power += all[i].at(p.choice[i]).power;
                sum.interval = std::max(sum.interval, all[i].at(p.choice[i]).cycles);
            }
            REQUIRE((sum.area == p.area && sum.power == p.power && sum.interval == p.interval));
        }
    }
    CHECK(found > 100);
    CHECK(nothing > 50);
}

TEST_CASE("keeping k designs is exact on what is kept, and on all when k is large", "[mining]") {
    std::uint64_t state = 32;
    int worse = 0;
    for (int round = 0; round < 200; ++round) {
        const stages all = random_stages(state);
        const hass::mining_budget budget{25.0, 30.0};
        const auto full = hass::mine_pipeline(all, budget);
        const auto many = hass::mine_pipeline_of_best(all, 6, budget);
        REQUIRE(many.found == full.found);
        if (full.found) {
            REQUIRE(many.interval == full.interval);
            REQUIRE(many.power == full.power);
        }
        const auto few = hass::mine_pipeline_of_best(all, 2, budget);
        stages kept;
        for (const auto& designs : all) {
            kept.emplace_back();
            for (const std::size_t i : hass::best_designs(designs, 2))
                kept.back().push_back(designs[i]);
            REQUIRE(kept.back().size() <= 2);
        }
        const auto e = exhaustive(kept, budget, hass::mining_objective::throughput);
        REQUIRE(few.found == e.found);
        if (!few.found) continue;
        REQUIRE(few.interval == e.interval);
        REQUIRE(few.interval >= full.interval);
        worse += few.interval > full.interval ? 1 : 0;
        for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(few.choice[i] < all[i].size());
    }
    CHECK(worse > 0);
}

TEST_CASE("designs that another beats are not kept", "[mining]") {
    const std::vector<hass::stage_design> designs{{4, 1, 1}, {4, 1, 2}, {2, 3, 3},
                                                  {4, 1, 1}, {3, 2, 2}, {1, 9, 9}};
    CHECK(hass::best_designs(designs, 9) == std::vector<std::size_t>{5, 2, 4, 0});
    CHECK(hass::best_designs(designs, 2) == std::vector<std::size_t>{5, 0});
    CHECK(hass::best_designs(designs, 1) == std::vector<std::size_t>{5});
}

TEST_CASE("mining names what is wrong", "[mining]") {
    CHECK_THROWS_WITH(hass::mine_pipeline(stages{}, {}), Catch::Contains("no stages"));
    CHECK_THROWS_WITH(hass::mine_pipeline(stages{{{1, 1, 1}}, {}}, {}),
                      Catch::Contains("stage 1 has no"));
    CHECK_THROWS_WITH(hass::mine_pipeline(stages{{{0, 1, 1}}}, {}),
                      Catch::Contains("a design of 0 cycles"));
    CHECK_THROWS_WITH(
        hass::mine_pipeline(stages{{{1, std::numeric_limits<double>::quiet_NaN(), 1}}}, {}),
        Catch::Contains("nan"));
    CHECK_THROWS_AS(hass::mine_pipeline_of_best(stages{{{1, 1, 1}}}, 0, {}), hass::error);
}
