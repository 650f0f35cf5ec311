// Grid and random search.

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include <hass/search/grid.hpp>
#include <hass/search/random.hpp>

using Catch::Matchers::Contains;

TEST_CASE("a permutation visits every index once", "[grid]") {
    for (const std::uint64_t size : {1U, 2U, 3U, 5U, 8U, 64U, 65U, 1000U, 4097U}) {
        const hass::random_permutation order(size, 7);
        std::set<std::uint64_t> seen;
        for (std::uint64_t i = 0; i < size; ++i) {
            const std::uint64_t image = order(i);
            REQUIRE(image < size);
            seen.insert(image);
        }
        CHECK(seen.size() == size);
    }
    const hass::random_permutation one(1000, 1);
    const hass::random_permutation two(1000, 2);
    std::uint64_t same = 0;
    std::uint64_t kept = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        same += one(i) == two(i) ? 1U : 0U;
        kept += one(i) == i ? 1U : 0U;
    }
    CHECK(same < 10);
    CHECK(kept < 10);
}

TEST_CASE("a grid is complete, without repeats, and says when it ends", "[grid]") {
    hass::space where({hass::real_axis("x", 0.0, 1.0), hass::log_axis("y", 0.01, 1.0),
                       hass::integer_axis("n", 2, 8, 3), hass::categorical_axis("c", {"a", "b"}),
                       hass::real_axis("z", 0.0, 1.0)});
    where.fix("z", 0.5);
    hass::grid_search grid(where, 3, 4);
    CHECK(grid.size() == 4 * 4 * 3 * 2);
    std::set<std::vector<double>> seen;
    while (auto trial = grid.ask()) {
        CHECK_NOTHROW(where.check(trial->point));
        CHECK(trial->point[4] == 0.5);
        CHECK(seen.insert(trial->point).second);
        grid.tell(*trial, hass::outcome::ok(0.0));
    }
    CHECK(seen.size() == grid.size());
    CHECK(grid.exhausted());
    CHECK(!grid.ask());
    for (const double y : {0.01, 1.0})
        CHECK(std::count_if(seen.begin(), seen.end(), [y](const auto& p) { return p[1] == y; }) ==
              24);
}

TEST_CASE("a grid is never materialised, and a hopeless one is refused", "[grid]") {
    std::vector<hass::axis> axes;
    for (int i = 0; i < 20; ++i)
        axes.push_back(hass::integer_axis(std::string("n").append(std::to_string(i)), 0, 7));
    hass::grid_search vast(hass::space{axes}, 1);
    CHECK(vast.size() == std::uint64_t{1} << 60U);
    std::set<std::vector<double>> seen;
    for (int i = 0; i < 100; ++i) seen.insert(vast.ask()->point);
    CHECK(seen.size() == 100);
    axes.push_back(hass::integer_axis("m", 0, 7));
    CHECK_THROWS_WITH(hass::grid_search(hass::space{axes}), Contains("axis 'm'"));
    CHECK_THROWS_WITH(hass::grid_search(hass::space{axes}, 0, 1), Contains("2 divisions"));
}

TEST_CASE("random search covers its space and repeats with its seed", "[random]") {
    const hass::space where({hass::real_axis("x", -1.0, 1.0), hass::log_axis("y", 1e-6, 1.0),
                             hass::integer_axis("n", 0, 3), hass::stepped_axis("s", 0.0, 1.0, 0.5),
                             hass::categorical_axis("c", {"a", "b", "c"})});
    hass::random_search first(where, 5);
    hass::random_search again(where, 5);
    hass::random_search other(where, 6);
    std::set<double> integers;
    int small = 0;
    for (int i = 0; i < 400; ++i) {
        const auto a = first.ask();
        CHECK_NOTHROW(where.check(a->point));
        CHECK(a->point == again.ask()->point);
        CHECK(a->point != other.ask()->point);
        integers.insert(a->point[2]);
        small += a->point[1] < 1e-3 ? 1 : 0;
    }
    CHECK(integers.size() == 4);
    CHECK(small > 150);  // half the decades
    CHECK(small < 250);
}
