// The event simulation against a reference that steps through every cycle, and closed forms.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include <hass/pipeline/simulate.hpp>

#include "random_pipelines.hpp"

using namespace hass;

namespace {

// A line of 1x1 stages on a map of `pixels` pixels.
network line(std::size_t stages, int pixels) {
    network net;
    for (std::size_t i = 0; i < stages; ++i) {
        net.rows.push_back(pointwise<4, 4>::row({4, 1, pixels}));
        net.edges.push_back({static_cast<int>(i) - 1, static_cast<int>(i)});
    }
    return net;
}

service_trace constant(double cycles) {
    return {cycles};
}

// One lane, `few` or `many` cycles a pixel at random.
service_trace two_point(std::size_t pixels, float few, float many, draw::source& from) {
    service_trace t{0.0, 0.0, 1, {}};
    while (t.cycles.size() < pixels) t.cycles.push_back(from.below(2) == 0 ? few : many);
    return t;
}

double slowest_mean(const network& net, const std::vector<service_trace>& services) {
    double slowest = 0.0;
    for (std::size_t i = 0; i < services.size(); ++i)
        slowest = std::max(slowest, services[i].mean(net.rows[i]));
    return slowest;
}

}  // namespace

TEST_CASE("the simulation equals one that steps through every cycle", "[simulate]") {
    draw::source from(51);
    std::size_t ran = 0, blocked = 0;
    for (int round = 0; round < 600; ++round) {
        const network net = test::pipeline_builder(from)();
        const std::size_t images = 1 + static_cast<std::size_t>(from.below(3));
        const auto services = test::random_services(net, 1 + images / 2, from);
        const fifo_depths depths = test::random_depths(net, from);
        const double source =
            from.below(2) * from.below(4) * static_cast<double>(net.rows.front().in.pixels());
        const auto expected = test::stepper(net, services, depths, images, source).run();
        INFO("round " << round);
        if (expected.empty()) {
            CHECK_THROWS_AS(simulate(net, services, depths, {images, source, false}), error);
            const simulation grown = simulate(net, services, depths, {images, source, true});
            CHECK(test::stepper(net, services, grown.depths, images, source).run() != expected);
            ++blocked;
        } else {
            const simulation s = simulate(net, services, depths, {images, source, false});
            REQUIRE(s.ends == expected);
            REQUIRE(s.depths == depths);
            ++ran;
        }
    }
    CHECK(ran > 300);
    CHECK(blocked > 50);
}

TEST_CASE("pixels are taken in as far ahead as there is room for them", "[simulate]") {
    const network net = line(2, 100);
    service_trace late{0.0, 10.0, 1, std::vector<float>(100, 0.0F)};
    std::fill_n(late.cycles.begin(), 50, 20.0F);  // meanwhile all pixels could come in
    const auto ends = [&](std::int64_t room) {
        late.intake_room = room;
        return simulate(net, std::vector<service_trace>{constant(0.0), late},
                        fifo_depths::all(net, unlimited), {1})
            .ends.back();
    };
    CHECK(ends(unlimited) == 1000.0);
    CHECK(ends(1) == 1490.0);  // a pixel at a time: the first one is there at 0
    CHECK(ends(30) < ends(29));
    CHECK(ends(29) < ends(1));
}

TEST_CASE("two steady stages take the slower one's cycles", "[simulate]") {
    const network net = line(2, 40);
    for (const double first : {1.0, 3.0, 7.0})
        for (const double second : {2.0, 3.0})
            for (const std::int64_t depth : {std::int64_t{0}, std::int64_t{5}, unlimited}) {
                const simulation s = simulate(net, std::vector{constant(first), constant(second)},
                                              fifo_depths::all(net, depth), {5, 0.0});
                CHECK(s.interval(2) == 40 * std::max(first, second));
                CHECK(s.ends[0] == 40 * std::max(first, second) + std::min(first, second));
                CHECK(s.words == 2 * 5 * 40);
            }
}

TEST_CASE("two stages without a FIFO wait for each other at every pixel", "[simulate]") {
    // while one takes pixel k, the other makes k + 1, and neither goes on before both are done
    draw::source from(52);
    const network net = line(2, 500);
    const std::vector services{two_point(500, 1, 9, from), two_point(500, 2, 7, from)};
    const simulation s = simulate(net, services, fifo_depths::all(net, 0), {1, 0.0});
    double expected = static_cast<double>(services[0].cycles[0]);
    for (std::size_t k = 1; k < 500; ++k)
        expected += static_cast<double>(std::max(services[0].cycles[k], services[1].cycles[k - 1]));
    CHECK(s.ends[0] == expected + static_cast<double>(services[1].cycles[499]));
    const auto unhindered = simulate(net, services, fifo_depths::all(net, unlimited), {1, 0.0});
    CHECK(unhindered.ends[0] < 0.9 * s.ends[0]);
}

TEST_CASE("images that come slowly leave at their pace", "[simulate]") {
    const network net = line(3, 40);
    const std::vector services{constant(2), constant(1), constant(3)};
    const simulation s = simulate(net, services, fifo_depths::all(net, 1), {6, 200.0});
    CHECK(s.interval() == 200.0);
    CHECK(s.ends[0] == 39 * 5 + 6);  // a pixel every 5 cycles, and the last one's way
}

TEST_CASE("with FIFOs without end the slowest stage's mean is all that counts", "[simulate]") {
    draw::source from(53);
    for (int round = 0; round < 200; ++round) {
        const network net = test::pipeline_builder(from)();
        const auto services = test::random_services(net, 2, from);
        const simulation s =
            simulate(net, services, fifo_depths::all(net, unlimited, unlimited), {60, 0.0});
        // stages that are almost as slow as the slowest take some images to fall behind it
        const double mean = slowest_mean(net, services);
        INFO("round " << round);
        REQUIRE(s.interval(40) == Approx(mean).epsilon(1e-9));
        // and what was used of them is enough
        const simulation again = simulate(net, services, s.used, {60, 0.0});
        REQUIRE(again.ends == s.ends);
    }
}

TEST_CASE("deeper FIFOs and more room for lanes make no image later", "[simulate]") {
    draw::source from(54);
    std::size_t sooner = 0;
    for (int round = 0; round < 300; ++round) {
        const network net = test::pipeline_builder(from)();
        const auto services = test::random_services(net, 2, from);
        const simulation s = simulate(net, services, fifo_depths::all(net, 0), {4, 0.0, true});
        fifo_depths deeper = s.depths;
        for (auto& edge : deeper.edge) edge += from.below(4);
        for (auto& ahead : deeper.ahead) ahead += from.below(2);
        const simulation t = simulate(net, services, deeper, {4, 0.0});
        for (std::size_t n = 0; n < 4; ++n) REQUIRE(t.ends[n] <= s.ends[n]);
        sooner += t.ends[3] < s.ends[3] ? 1U : 0U;
    }
    CHECK(sooner > 100);
}

TEST_CASE("more room helps only where the critical path waits", "[simulate]") {
    draw::source from(55);
    std::size_t helped = 0, waited = 0;
    for (int round = 0; round < 300; ++round) {
        const network net = test::pipeline_builder(from)();
        const auto services = test::random_services(net, 2, from);
        const fifo_depths depths =
            simulate(net, services, test::random_depths(net, from), {3, 0.0, true}).depths;
        const simulation s = simulate(net, services, depths, {3, 0.0, false, true});
        fifo_depths elsewhere = depths, there = depths;
        bool waits = false;
        for (std::size_t k = 0; k < depths.edge.size(); ++k) {
            waits = waits || s.critical.edge[k] > 0;
            (s.critical.edge[k] > 0 ? there : elsewhere).edge[k] = unlimited;
        }
        for (std::size_t i = 0; i < depths.ahead.size(); ++i) {
            // rows without lanes have no room to give
            const bool counts = s.critical.ahead[i] > 0 || services[i].lanes == 0;
            waits = waits || s.critical.ahead[i] > 0;
            (counts ? there : elsewhere).ahead[i] = unlimited;
        }
        INFO("round " << round);
        REQUIRE(simulate(net, services, elsewhere, {3, 0.0}).ends.back() == s.ends.back());
        const double freed = simulate(net, services, there, {3, 0.0}).ends.back();
        helped += freed < s.ends.back() ? 1U : 0U;
        waited += waits ? 1U : 0U;
        if (!waits) REQUIRE(freed == s.ends.back());
    }
    CHECK(helped > 100);
    CHECK(helped <= waited);
}

TEST_CASE("a pipeline that blocks for good names the edge and what it needs", "[simulate]") {
    using bottleneck =
        sequential<input<4, 9, 7>, relu,
                   residual<sequential<conv2d<4, 4, 3, pad<1>>, conv2d<4, 4, 3, pad<1>>>>>;
    const network_view net = bottleneck{};
    const std::vector<service_trace> services(net.size(), constant(1.0));
    const auto with = [&](std::int64_t depth) {
        fifo_depths d = fifo_depths::all(net, 0);
        d.edge.back() = depth;
        return simulate(net, services, d, {2, 0.0});
    };
    // two 3x3 windows on 9 x 7 maps look ahead 2 rows and 2 pixels; one pixel lies in the join
    CHECK_THROWS_WITH(with(0),
                      "simulate: the pipeline blocks for good: the FIFO on the edge 'relu 0' -> "
                      "'add 3' needs 16 pixels");
    CHECK_THROWS_AS(with(15), error);
    CHECK(with(16).interval() > 0.0);
}

TEST_CASE("the simulation says what is wrong with what it is given", "[simulate]") {
    const network net = line(2, 4);
    const std::vector<service_trace> services(2, constant(1.0));
    const fifo_depths d = fifo_depths::all(net, 1);
    const auto with = [&](const std::vector<service_trace>& s, const fifo_depths& depths) {
        return simulate(net, s, depths);
    };
    CHECK_THROWS_WITH(with({constant(1.0)}, d),
                      Catch::Contains("1 services, 2 rows' and 2 edges' depths"));
    CHECK_THROWS_WITH(with({constant(1.0), {0.0, 0.0, 2, {1, 1, 1, 1}}}, d),
                      Catch::Contains("has 4 service times, which are no images of 4 x 2"));
    CHECK_THROWS_WITH(with(services, fifo_depths::all(net, -1)), Catch::Contains("is -1 deep"));
    CHECK_THROWS_WITH(with(services, fifo_depths::all(net, 1, 0)),
                      Catch::Contains("ahead = 0, must be at least 1"));
    CHECK_THROWS_WITH(simulate(net, services, d, {1, 0.0}).interval(), Catch::Contains("warm up"));
    CHECK_THROWS_WITH(simulate(net, services, d, {0, 0.0}), "simulate: no images");
}
