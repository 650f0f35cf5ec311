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

double interval_of(const network& net, const std::vector<service_trace>& services,
                   const fifo_depths& depths, std::size_t images, std::size_t warm_up) {
    return simulate(net, services, depths, {images, 0.0, false}).interval(warm_up);
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
