// Fronts, ranks, hypervolumes and knees against their definitions.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include <hass/search/pareto.hpp>
#include <hass/search/random_stream.hpp>

namespace {

using point_set = std::vector<std::vector<double>>;

point_set random_points(std::size_t count, std::size_t dimensions, std::uint64_t seed,
                        bool coarse) {
    hass::random_stream random(seed);
    point_set made(count, std::vector<double>(dimensions));
    for (auto& p : made)
        for (auto& x : p)
            x = coarse ? static_cast<double>(random.below(5)) / 4.0 : random.uniform();
    return made;
}

// Volume of the union of boxes [p, reference] by inclusion and exclusion over all subsets.
double by_inclusion_exclusion(const point_set& front, const std::vector<double>& reference) {
    double total = 0.0;
    for (std::size_t subset = 1; subset < (std::size_t{1} << front.size()); ++subset) {
        double volume = 1.0;
        int members = 0;
        for (std::size_t i = 0; i < front.size(); ++i) members += (subset >> i & 1U) != 0 ? 1 : 0;
        for (std::size_t j = 0; j < reference.size(); ++j) {
            double corner = -1e300;
            for (std::size_t i = 0; i < front.size(); ++i)
                if ((subset >> i & 1U) != 0) corner = std::max(corner, front[i][j]);
            volume *= std::max(0.0, reference[j] - corner);
        }
        total += members % 2 == 1 ? volume : -volume;
    }
    return total;
}

}  // namespace

TEST_CASE("hypervolume equals inclusion-exclusion in one to four dimensions", "[pareto]") {
    for (std::size_t dimensions = 1; dimensions <= 4; ++dimensions) {
        for (std::uint64_t seed = 0; seed < 30; ++seed) {
            const point_set some = random_points(1 + seed % 10, dimensions, seed, seed % 3 == 0);
            // A reference inside the cloud: some point_set do not lie below it.
            const std::vector<double> reference(dimensions, seed % 2 == 0 ? 1.1 : 0.8);
            INFO(dimensions << " dimensions, seed " << seed);
            CHECK(hass::hypervolume(some, reference) ==
                  Approx(by_inclusion_exclusion(some, reference)).margin(1e-12));
        }
    }
    CHECK(hass::hypervolume(point_set{}, std::vector<double>{1.0, 1.0}) == 0.0);
    CHECK_THROWS(hass::hypervolume(point_set{{0.0, 0.0}}, std::vector<double>{1.0}));
    CHECK_THROWS(hass::hypervolume(point_set{{0.0, 0.0}, {0.0}}, std::vector<double>{1.0, 1.0}));
}

TEST_CASE("fronts and ranks follow from pairwise dominance", "[pareto]") {
    for (std::size_t dimensions = 1; dimensions <= 4; ++dimensions) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            const point_set some = random_points(40, dimensions, seed, seed % 2 == 0);
            std::vector<std::size_t> front;
            for (std::size_t i = 0; i < some.size(); ++i)
                if (std::none_of(some.begin(), some.end(),
                                 [&](const auto& p) { return hass::dominates(p, some[i]); }))
                    front.push_back(i);
            CHECK(hass::non_dominated(some) == front);
            const auto ranks = hass::non_domination_ranks(some);
            for (std::size_t i = 0; i < some.size(); ++i) {
                std::size_t deepest = 0;  // rank = 1 + the largest rank that dominates it
                for (std::size_t k = 0; k < some.size(); ++k)
                    if (hass::dominates(some[k], some[i]))
                        deepest = std::max(deepest, ranks[k] + 1);
                CHECK(ranks[i] == deepest);
            }
        }
    }
}

TEST_CASE("contributions and greedy subsets follow from the hypervolume", "[pareto]") {
    for (std::size_t dimensions = 2; dimensions <= 4; ++dimensions) {
        for (std::uint64_t seed = 0; seed < 10; ++seed) {
            const point_set cloud = random_points(14, dimensions, 100 + seed, seed % 2 == 0);
            point_set some;
            for (const std::size_t i : hass::non_dominated(cloud)) some.push_back(cloud[i]);
            some.push_back(some.front());  // a repeated point adds nothing
            const std::vector<double> reference(dimensions, 1.2);
            const double all = hass::hypervolume(some, reference);
            const auto gains = hass::hypervolume_contributions(some, reference);
            for (std::size_t i = 0; i < some.size(); ++i) {
                point_set others = some;
                others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
                CHECK(gains[i] == Approx(all - hass::hypervolume(others, reference)).margin(1e-12));
            }
            const auto order = hass::hypervolume_subset(some, reference, some.size());
            CHECK(order.size() == some.size());
            point_set taken;
            for (const std::size_t i : order) {
                double most = 0.0;
                const double before = hass::hypervolume(taken, reference);
                for (const auto& p : some) {
                    point_set with = taken;
                    with.push_back(p);
                    most = std::max(most, hass::hypervolume(with, reference) - before);
                }
                taken.push_back(some[i]);
                CHECK(hass::hypervolume(taken, reference) - before == Approx(most).margin(1e-12));
            }
        }
    }
}

TEST_CASE("knee and indicators on fronts one can draw", "[pareto]") {
    const point_set front{{0.0, 1.0}, {0.1, 0.2}, {1.0, 0.0}, {0.9, 0.9}};
    CHECK(hass::knee_point(front) == 1U);
    CHECK(!hass::knee_point(point_set{}));
    CHECK(hass::additive_epsilon(point_set{{0.5, 0.5}}, point_set{{0.25, 0.4}}) == Approx(0.25));
    CHECK(hass::inverted_generational_distance_plus(point_set{{0.5, 0.5}}, point_set{{0.2, 0.9}}) ==
          Approx(0.3));
}
