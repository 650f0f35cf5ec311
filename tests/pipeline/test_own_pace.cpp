// One image at each stage's own pace against a simulation that moves pixels one by one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/own_pace.hpp>
#include <hass/workload/zoo.hpp>

#include "pixels.hpp"

using namespace pixels;

namespace {

// A network, and stages of which any may be the slowest.
struct drawn {
    network net;
    double interval;
    std::vector<stage_estimate> stages;
    double image_cycles;

    explicit drawn(draw::source& from)
        : net(random_network(from)),
          interval(500.0 + from.below(5000)),
          stages(random_stages(net, interval, from)),
          image_cycles(from.below(2) == 0 ? 0.0 : interval * from.unit()) {
        if (from.below(2) != 0) stages.front().cycles = interval * from.unit();
    }

    std::vector<stage_pace> paces() const {
        std::vector<stage_pace> all;
        for (std::size_t i = 0; i < stages.size(); ++i)
            all.push_back({stages[i].cycles, pixel_latency(net.rows[i], {}, 0.0)});
        return all;
    }
    double simulated() const {
        pixel_simulation one{net, stages};
        return end_of(one.run(paced(net, 0.0, image_cycles)));
    }
    // Cycles of an output line at the pace of the slowest stage, summed over the windows.
    double lines() const {
        double sum = 0.0;
        for (const layer_row& row : net.rows)
            if (test::is_image_row(row))  // of its output, or of fewer and longer ones of its input
                sum += interval / std::min(row.in.height, row.out.height);
            else if (row.stride_h * row.stride_w * taps(row) > 1)
                sum += interval / row.out.height;
        return sum;
    }
};

// What a path comes to in other paces.
double along(const std::vector<double>& images, const std::vector<double>& on, double of_image,
             const std::vector<stage_pace>& paces, double image_cycles) {
    double sum = of_image * image_cycles;
    for (std::size_t i = 0; i < paces.size(); ++i)
        sum += images[i] * paces[i].cycles + on[i] * paces[i].delay;
    return sum;
}

}  // namespace

TEST_CASE("a single image takes what a simulation of its pixels takes", "[own_pace]") {
    draw::source from(41);
    int compared = 0, exact = 0;
    double sum = 0.0, worst = 0.0;
    for (int round = 0; round < 12000; ++round) {
        const drawn x(from);
        const double simulated = x.simulated();
        const double cycles = own_pace(x.net)(x.paces(), x.image_cycles);
        REQUIRE(cycles * slack >= simulated);
        if (!std::all_of(x.net.rows.begin(), x.net.rows.end(), proper)) continue;
        // in error where strides and edges make the input that is needed jump, by a line at most
        REQUIRE(cycles <= simulated * slack + x.lines());
        const double error = cycles / simulated - 1.0;
        ++compared, exact += error < 1e-9 ? 1 : 0;
        sum += error, worst = std::max(worst, error);
    }
    INFO(exact << " of " << compared << " exact, worst " << worst);
    CHECK(compared > 800);
    CHECK(exact > compared * 97 / 100);
    CHECK(sum / compared < 0.001);
    CHECK(worst < 0.2);
}

TEST_CASE("a single image is never later than one at the pace of the interval", "[own_pace]") {
    draw::source from(42);
    int sooner = 0;
    for (int round = 0; round < 2000; ++round) {
        const drawn x(from);
        const estimate e = pipeline(x.net, x.stages);
        REQUIRE(e.single_image_cycles <= e.latency_cycles);
        // not by the clamp against rounding
        const double cycles = own_pace(x.net)(x.paces(), e.link_cycles);
        REQUIRE(cycles <= e.latency_cycles * slack);
        REQUIRE(e.single_image_cycles == std::min(cycles, e.latency_cycles));
        double slowest = 0.0;
        for (const stage_estimate& s : x.stages) slowest = std::max(slowest, s.cycles);
        REQUIRE(e.single_image_cycles * slack >= slowest);
        sooner += e.single_image_cycles < 0.8 * e.latency_cycles ? 1 : 0;
    }
    CHECK(sooner > 200);  // shallow pipelines of small maps gain little
}

TEST_CASE("the path of a single image says what it is made of, and bounds others", "[own_pace]") {
    draw::source from(43);
    std::vector<double> images;
    std::vector<double> on;
    int same = 0;
    for (int round = 0; round < 2000; ++round) {
        const drawn x(from);
        own_pace pace(x.net);
        const auto paces = x.paces();
        const double cycles = pace(paces, x.image_cycles);
        const double of_image = pace.path(images, on);
        REQUIRE(along(images, on, of_image, paces, x.image_cycles) ==
                Approx(cycles).epsilon(1e-12));
        REQUIRE(of_image >= 0.0);
        for (const double share : images) REQUIRE((share >= 0.0 && share <= slack));
        auto others = paces;
        for (stage_pace& s : others) s.cycles = x.interval * from.unit(), s.delay = from.below(9);
        const double image_cycles = x.interval * from.unit();
        const double theirs = pace(others, image_cycles);
        REQUIRE(along(images, on, of_image, others, image_cycles) <= theirs * slack);
        // more cycles are never sooner
        others[static_cast<std::size_t>(from.below(static_cast<int>(others.size())))].cycles +=
            x.interval * from.unit();
        const double slower = pace(others, image_cycles);
        REQUIRE(slower * slack >= theirs);
        same += slower == theirs ? 1 : 0;
    }
    CHECK(same < 1900);
}

TEST_CASE("a stage that is slower than all others takes the image all of its cycles",
          "[own_pace]") {
    const network_view net = zoo::resnet18;
    std::vector<stage_pace> paces(net.size(), {1000.0, 0.0});
    own_pace pace(net);
    const double even = pace(paces, 0.0);
    CHECK(even > 1000.0);
    std::vector<double> images;
    std::vector<double> on;
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (net.rows[i].kind == layer_kind::flatten) continue;
        auto one = paces;
        one[i].cycles = 1e6;
        const double cycles = pace(one, 0.0);
        pace.path(images, on);
        CHECK(images[i] == Approx(1.0));
        CHECK(cycles >= 1e6);
        CHECK(cycles <= 1e6 + even);
    }
}
