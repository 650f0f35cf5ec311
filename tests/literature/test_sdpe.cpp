// Sparse dot-product engines: merges and dispatch against step-by-step simulations.
#include <cstdint>
#include <deque>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/arrays/sdpe.hpp>

#include "draw.hpp"

namespace {

static_assert(hass::ArrayEngine<hass::sdpe_array>);

std::vector<int> coordinates(const std::vector<bool>& mask) {
    std::vector<int> c;
    for (std::size_t i = 0; i < mask.size(); ++i)
        if (mask[i]) c.push_back(static_cast<int>(i));
    return c;
}

// A walk over all coordinates: one step where either fibre has something.
struct walked {
    int steps_to_both = 0, steps_to_first = 0, macs = 0;
};
walked walk(const std::vector<bool>& l, const std::vector<bool>& r) {
    std::size_t left = coordinates(l).size();
    std::size_t right = coordinates(r).size();
    walked w;
    for (std::size_t i = 0; i < l.size(); ++i) {
        const bool open = left > 0 && right > 0;
        if (l[i] || r[i]) ++w.steps_to_both, w.steps_to_first += open ? 1 : 0;
        if (l[i] && r[i]) ++w.macs;
        left -= l[i] ? 1U : 0U;
        right -= r[i] ? 1U : 0U;
    }
    return w;
}

// One cycle after another: the generator, the queues, the engines.
double simulate(const std::vector<double>& cycles, std::size_t engines, int generate, bool robin) {
    std::vector<std::deque<double>> queues(engines);
    std::deque<double> common;
    std::vector<double> left(engines, 0.0);
    std::size_t generated = 0, done = 0;
    double now = 0.0;
    while (done < cycles.size()) {
        while (generated < cycles.size() &&
               now >= static_cast<double>((generated + 1)) * generate) {
            (robin ? queues[generated % engines] : common).push_back(cycles[generated]);
            ++generated;
        }
        for (std::size_t e = 0; e < engines; ++e) {
            auto& queue = robin ? queues[e] : common;
            while (left[e] == 0.0 && !queue.empty()) {
                left[e] = queue.front();
                queue.pop_front();
                if (left[e] == 0.0) ++done;
            }
        }
        if (done == cycles.size()) break;
        now += 1.0;
        for (double& l : left)
            if (l > 0.0 && (l -= 1.0) == 0.0) ++done;
    }
    return now;
}

}  // namespace

TEST_CASE("a merge takes the steps of a walk over all coordinates", "[sdpe]") {
    std::uint64_t state = 11;
    for (int round = 0; round < 300; ++round) {
        const double d_l = test::uniform(state), d_r = test::uniform(state);
        std::vector<bool> l(1 + test::draw(state) % 40), r(l.size());
        for (std::size_t i = 0; i < l.size(); ++i)
            l[i] = test::uniform(state) < d_l, r[i] = test::uniform(state) < d_r;
        const walked w = walk(l, r);
        const auto both =
            hass::merge(coordinates(l), coordinates(r), 3.0, hass::merge_end::both_exhausted);
        const auto first =
            hass::merge(coordinates(l), coordinates(r), 3.0, hass::merge_end::first_exhausted);
        REQUIRE(both.cycles == 3.0 + w.steps_to_both);
        REQUIRE(first.cycles == 3.0 + w.steps_to_first);
        REQUIRE(both.macs == w.macs);
        REQUIRE(first.macs == w.macs);
    }
}

TEST_CASE("expected merges are the means over all pairs of fibres", "[sdpe]") {
    constexpr int length = 7;
    for (int nl = 0; nl <= length; ++nl)
        for (int nr = 0; nr <= length; ++nr) {
            double both = 0.0, first = 0.0, macs = 0.0;
            int pairs = 0;
            for (unsigned a = 0; a < 1U << length; ++a) {
                if (__builtin_popcount(a) != nl) continue;
                for (unsigned b = 0; b < 1U << length; ++b) {
                    if (__builtin_popcount(b) != nr) continue;
                    std::vector<bool> l(length), r(length);
                    for (std::size_t i = 0; i < length; ++i)
                        l[i] = (a >> i & 1U) != 0, r[i] = (b >> i & 1U) != 0;
                    const walked w = walk(l, r);
                    both += w.steps_to_both, first += w.steps_to_first, macs += w.macs, ++pairs;
                }
            }
            const double meet = static_cast<double>(nl * nr) / length;
            CAPTURE(nl, nr);
            CHECK(hass::expected_merge(nl, nr, meet, length, 0.0, hass::merge_end::both_exhausted)
                      .cycles == Approx(both / pairs).margin(1e-12));
            CHECK(hass::expected_merge(nl, nr, meet, length, 0.0, hass::merge_end::first_exhausted)
                      .cycles == Approx(first / pairs).margin(1e-12));
            CHECK(macs / pairs == Approx(meet).margin(1e-12));
        }
}

TEST_CASE("makespans are those of a cycle-by-cycle dispatch", "[sdpe]") {
    std::uint64_t state = 12;
    for (const int engines : {1, 2, 3, 7})
        for (const int generate : {0, 1, 4})
            for (int round = 0; round < 20; ++round) {
                std::vector<double> cycles(test::draw(state) % 40);
                for (double& c : cycles) c = static_cast<double>(test::draw(state) % 12);
                for (const bool robin : {true, false}) {
                    const auto order = robin ? hass::dispatch_order::round_robin
                                             : hass::dispatch_order::first_free;
                    const auto s = hass::dispatch(cycles, engines, generate, order);
                    CAPTURE(engines, generate, robin, cycles);
                    REQUIRE(s.makespan ==
                            simulate(cycles, static_cast<std::size_t>(engines), generate, robin));
                    REQUIRE(s.imbalance >= 1.0);
                }
            }
    CHECK(hass::dispatch(std::vector<double>{4, 1, 4, 1}, 2, 0, hass::dispatch_order::round_robin)
              .imbalance == Approx(8.0 / 5.0));
    CHECK_THROWS_AS(hass::dispatch({}, 0, 0, hass::dispatch_order::first_free), hass::error);
}

TEST_CASE("a contraction of 5x5x1000 tensors is 625 dot products", "[sdpe]") {
    // Published job count; as a matrix product 25 x 1000 x 25.
    hass::sdpe_array array;
    array.engines = 1;
    array.startup = 1.0;
    const auto s = hass::independent_statistics(1.0, 1.0);
    CHECK(array.run(hass::as_row(25, 1000, 25), s).cycles == 625.0);
    array.generate_cycles = 3.0;
    CHECK(array.run(hass::as_row(25, 1000, 25), s).cycles == 1875.0);
    const auto half = hass::independent_statistics(0.5, 0.5);
    array.generate_cycles = 0.0;
    CHECK(array.run(hass::as_row(25, 1000, 25), half).cycles == 625.0 * 751.0);
    array.words_per_cycle = 1.0;
    CHECK(array.run(hass::as_row(25, 1000, 25), half).cycles == 625.0 * 1000.0);
}
