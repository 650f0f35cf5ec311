// The sequential test: never wrong when certain, rarely wrong otherwise, and early where it can be.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <random>
#include <vector>

#include <hass/emulate/accuracy_limit.hpp>

namespace {

using hass::limit_verdict;

/// Images with the reference's answer and the answer of the network in question.
struct population {
    std::vector<char> reference;
    std::vector<char> right;

    std::array<std::size_t, 2> strata() const {
        const auto good =
            static_cast<std::size_t>(std::count(reference.begin(), reference.end(), 1));
        return {good, reference.size() - good};
    }
    std::size_t right_ones() const {
        return static_cast<std::size_t>(std::count(right.begin(), right.end(), 1));
    }
};

/// `total` images, `good` of them right under the reference; `lost` and `won` change sides.
population make(std::size_t total, std::size_t good, std::size_t lost, std::size_t won) {
    population p;
    for (std::size_t i = 0; i < total; ++i) {
        const bool ref = i < good;
        p.reference.push_back(ref ? 1 : 0);
        p.right.push_back(ref ? i >= lost : i < good + won);
    }
    return p;
}

struct ending {
    limit_verdict verdict = limit_verdict::open;
    std::size_t seen = 0;
};

/// Looks after every `interval` images, in random order, up to the first verdict.
ending run(const hass::limit_test& test, const population& p, std::uint64_t seed,
           std::size_t interval = 1) {
    hass::limit_test::counts c;
    ending e;
    for (const std::size_t i : hass::shuffled(p.right.size(), seed)) {
        const std::size_t stratum = p.reference[i] == 1 ? 0 : 1;
        ++c.seen[stratum];
        c.right[stratum] += p.right[i] == 1 ? 1U : 0U;
        ++e.seen;
        if (e.seen % interval == 0 || e.seen == p.right.size()) e.verdict = test.look(c);
        if (e.verdict != limit_verdict::open) break;
    }
    return e;
}

hass::accuracy_limit limit_of(std::size_t needed, std::size_t images, double error) {
    hass::accuracy_limit limit;
    limit.floor = static_cast<double>(needed) / static_cast<double>(images);
    limit.error = error;
    return limit;
}

}  // namespace

TEST_CASE("without allowed error a verdict comes when, and only when, it is certain") {
    std::mt19937 bits(3);
    for (int trial = 0; trial < 300; ++trial) {
        const std::size_t total = 1 + bits() % 40;
        const std::size_t good = bits() % (total + 1);
        const population p = make(total, good, bits() % (good + 1), bits() % (total - good + 1));
        const std::size_t needed = bits() % (total + 1);
        const hass::limit_test test(limit_of(needed, total, 0.0), p.strata());
        REQUIRE(test.needed() == needed);
        const ending e = run(test, p, static_cast<std::uint64_t>(trial));
        const bool meets = p.right_ones() >= needed;
        REQUIRE(e.verdict == (meets ? limit_verdict::met : limit_verdict::missed));
        // By hand: the first image after which the others cannot change it.
        std::size_t right = 0;
        std::size_t seen = 0;
        for (const std::size_t i : hass::shuffled(total, static_cast<std::uint64_t>(trial))) {
            right += p.right[i] == 1 ? 1U : 0U;
            ++seen;
            if (right >= needed || right + (total - seen) < needed) break;
        }
        REQUIRE(e.seen == seen);
    }
}

TEST_CASE("wrong verdicts are no more frequent than allowed, looking after every image") {
    struct setting {
        std::size_t total, good, lost, won;
    };
    const double error = GENERATE(0.05, 0.2);
    // The truth lies right at the limit, where a wrong verdict is easiest, on either side of it.
    for (const setting& s :
         {setting{100, 75, 6, 2}, setting{60, 60, 9, 0}, setting{80, 0, 0, 30},
          setting{120, 60, 20, 20}, setting{100, 75, 0, 0}, setting{50, 25, 25, 25}}) {
        const population p = make(s.total, s.good, s.lost, s.won);
        const std::size_t right = p.right_ones();
        for (const std::size_t needed : {right, right + 1}) {
            if (needed > s.total) continue;
            const hass::limit_test test(limit_of(needed, s.total, error), p.strata());
            const limit_verdict wrong =
                needed == right ? limit_verdict::missed : limit_verdict::met;
            constexpr int runs = 400;
            int mistakes = 0;
            for (std::uint64_t seed = 0; seed < runs; ++seed)
                mistakes += run(test, p, seed).verdict == wrong ? 1 : 0;
            INFO(s.total << " " << s.good << " " << s.lost << " " << s.won << ", " << needed);
            CHECK(mistakes <= error * runs);
        }
    }
}

TEST_CASE("clear cases end early, and a reference helps") {
    // 250 images, 188 of them right before pruning; the limit is one point below.
    const auto mean_seen = [](const population& p, bool with_reference) {
        const std::array<std::size_t, 2> all{p.right.size(), 0};
        const hass::limit_test test(limit_of(186, 250, 0.05), with_reference ? p.strata() : all);
        population alone = p;
        std::fill(alone.reference.begin(), alone.reference.end(), char{1});
        std::size_t sum = 0;
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const ending e = run(test, with_reference ? p : alone, seed, 16);
            REQUIRE(e.verdict == limit_verdict::missed);
            sum += e.seen;
        }
        return static_cast<double>(sum) / 50.0;
    };
    const population ruined = make(250, 188, 170, 2);
    const population poor = make(250, 188, 30, 5);
    CHECK(mean_seen(ruined, true) < 20.0);
    CHECK(mean_seen(poor, true) < 130.0);
    CHECK(mean_seen(poor, true) < mean_seen(poor, false));
}

TEST_CASE("the order is a permutation, the same for the same seed, uniform over its places") {
    const std::vector<std::size_t> order = hass::shuffled(100, 7);
    std::vector<std::size_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < 100; ++i) REQUIRE(sorted[i] == i);
    CHECK(order == hass::shuffled(100, 7));
    CHECK(order != hass::shuffled(100, 8));
    // Six orders of three, 6000 draws: chi-squared of 5 degrees below its 99.9 % point.
    std::vector<int> counts(27);
    for (std::uint64_t seed = 0; seed < 6000; ++seed) {
        const auto o = hass::shuffled(3, seed);
        ++counts[9 * o[0] + 3 * o[1] + o[2]];
    }
    double chi = 0.0;
    for (const int n : counts)
        if (n > 0) chi += (n - 1000.0) * (n - 1000.0) / 1000.0;
    CHECK(chi < 20.5);
}

TEST_CASE("limits out of range are refused") {
    hass::accuracy_limit limit;
    limit.floor = 1.5;
    CHECK_THROWS_WITH(hass::limit_test(limit, {3, 3}), Catch::Contains("floor 1.5"));
    limit.floor = 0.5, limit.error = 1.0;
    CHECK_THROWS_WITH(hass::limit_test(limit, {3, 3}), Catch::Contains("error 1 is not"));
    limit.error = 0.0, limit.interval = 0;
    CHECK_THROWS_WITH(hass::limit_test(limit, {3, 3}), Catch::Contains("interval 0"));
}
