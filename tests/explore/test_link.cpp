// The board's link: images in and answers out take their time, beside weights that are read
// off-chip, at the width of the data.
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/sps.hpp>
#include <hass/engine/timed_engine.hpp>
#include <hass/explore/accelerator.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/balanced.hpp>
#include <hass/explore/greedy.hpp>
#include <hass/workload/layers.hpp>

#include "random_instances.hpp"

namespace {

using namespace hass;
using Catch::Matchers::Contains;

// 784 values in, 10 out
using digits =
    sequential<input<1, 28, 28>, conv2d<1, 8, 3, pad<1>>, relu, conv2d<8, 16, 3, stride<2>>, relu,
               global_average_pool, flatten, linear<16, 10>>;

constexpr double unbounded = std::numeric_limits<double>::infinity();

device with_bandwidth(double gbit_s) {
    device board = boards::zedboard::value;
    board.budget.bandwidth = gbit_s;
    return board;
}

// The link's interval in a constant expression.
struct slow_board {
    static constexpr device value{"slow", {220, 53200, 106400, 280, 0, 0.001}, 200};
    static constexpr const device& limits() { return value; }
};
using slow = accelerator<digits, sparse_dot<>, slow_board>;
constexpr estimate on_slow = slow::evaluate(uniform_sparsity(0.5), slow::start);
static_assert(on_slow.fits && on_slow.link_binds());
static_assert(on_slow.interval_cycles == 16.0 * 794 * 200 / 1000 / 0.001);
static_assert(on_slow.total.bandwidth == 0.001);

}  // namespace

TEST_CASE("a board of 1 Mbit/s carries 1e6 bits a second", "[link]") {
    const uniform_sparsity half(0.5);
    const allocation wide = allocate(digits{}, half, sparse_dot<>{}, with_bandwidth(0.001));
    sparse_dot<> narrow_engine;
    narrow_engine.widths = {8, 8, 32};
    const allocation narrow = allocate(digits{}, half, narrow_engine, with_bandwidth(0.001));
    REQUIRE(wide.fits);
    REQUIRE(narrow.fits);
    CHECK(wide.estimate.images_per_second == Approx(1e6 / (16 * 794)));
    CHECK(narrow.estimate.images_per_second == Approx(1e6 / (8 * 794)));
    for (const allocation& a : {wide, narrow}) {
        CHECK(a.estimate.link_binds());
        CHECK(a.estimate.total.bandwidth == 0.001);
        CHECK(a.estimate.image_gbit_s == Approx(0.001));
        CHECK(a.certificate.binding == bandwidth_index);
        CHECK(a.certificate.gap == 0.0);
        CHECK_THAT(a.certificate.reason,
                   Contains("the bandwidth of device 'zedboard' is spent: of its 0.001 Gbit/s, "
                            "images and their answers take 0.001"));
        CHECK(a.estimate.latency_cycles >= a.estimate.interval_cycles * (1.0 - 1.0 / 784));
    }
    // nothing larger than needed is built for a pace that the link cannot keep
    CHECK(wide.estimate.total.dsp == on_slow.total.dsp);
    CHECK(wide.certificate.thriftiest);
    // heuristics and other questions meet the same link
    for (const allocation& a :
         {allocate(digits{}, half, sparse_dot<>{}, with_bandwidth(0.001), balanced{}),
          allocate(digits{}, half, sparse_dot<>{}, with_bandwidth(0.001), greedy{})})
        CHECK(a.estimate.interval_cycles == wide.estimate.interval_cycles);
    allocator<sparse_dot<>> again(digits{}, {}, with_bandwidth(0.001));
    again.solve(half);
    CHECK(again.lowest_latency().estimate.interval_cycles == wide.estimate.interval_cycles);
    const allocation too_fast = again.least(&usage::dsp, 79.0);
    CHECK(!too_fast.fits);
    CHECK_THAT(too_fast.certificate.reason, Contains("carries at most 78.7"));
    CHECK(too_fast.certificate.binding == bandwidth_index);
    const allocation slower = again.least(&usage::bandwidth, 50.0);
    REQUIRE(slower.fits);
    CHECK(slower.certificate.least_need == Approx(50.0 * 16 * 794 / 1e9));
}

TEST_CASE("bandwidth changes the interval until it is enough, and never for the worse", "[link]") {
    // weights may be read off-chip, on a board without memory for them
    calibrated reads;
    reads.off_chip_mhz = 200.0;
    using engine = engine_list<sparse_dot<>, dense_dot<>>;
    engine either;
    std::get<1>(either.engines).resources = reads;
    const auto run = [&](double gbit_s, double share) {
        device board = with_bandwidth(gbit_s);
        board.budget.bram18 = std::floor(share * board.budget.bram18);
        return allocate(digits{}, uniform_sparsity(0.5), either, board);
    };
    for (const double share : {0.03, 0.06, 1.0}) {
        double before = 0.0;
        int different = 0;
        for (double gbit_s = 1e-4; gbit_s < 1e3; gbit_s *= 1.9) {
            const allocation a = run(gbit_s, share);
            if (!a.fits) continue;
            INFO(gbit_s << " Gbit/s, " << share << ": " << a.certificate.reason);
            CHECK(a.certificate.gap == 0.0);
            CHECK(a.estimate.total.bandwidth <= gbit_s);
            CHECK(a.estimate.images_per_second >= before);
            different += a.estimate.images_per_second > before ? 1 : 0;
            before = a.estimate.images_per_second;
        }
        CHECK(different > 8);
        const allocation without_link = run(unbounded, share);
        CHECK(without_link.estimate.images_per_second == before);
        CHECK(without_link.estimate.link_cycles == 0.0);
        CHECK(without_link.estimate.image_gbit_s > 0.0);
    }
}

TEST_CASE("a board without bandwidth carries nothing", "[link]") {
    const allocation a =
        allocate(digits{}, uniform_sparsity(0.5), sparse_dot<>{}, with_bandwidth(0.0));
    CHECK(!a.fits);
    CHECK(a.certificate.binding == bandwidth_index);
    CHECK_THAT(a.certificate.reason,
               Contains("bandwidth of device 'zedboard' is 0 Gbit/s: images and answers cannot"));
    const design smallest(network_view(digits{}).size());
    CHECK(!evaluate(digits{}, uniform_sparsity(0.5), sparse_dot<>{}, with_bandwidth(0.0), smallest)
               .fits);
}

TEST_CASE("what an image is to the link", "[link]") {
    CHECK(image_words(digits{}) == 784 + 10);
    // two answers, and an image that two rows read
    layer_row row;
    row.in = row.out = {4, 2, 2};
    network net;
    net.rows = {row, row, row};
    net.edges = {{network_input, 0}, {0, 1}, {network_input, 2}};
    CHECK(image_words(net) == 16 + 2 * 16);
    net.edges.clear();  // a chain
    CHECK(image_words(net) == 16 + 16);

    CHECK(data_bits(sparse_dot<>{}) == 16);
    sparse_dot<> bytes;
    bytes.widths.data = 8;
    CHECK(data_bits(bytes) == 8);
    CHECK(data_bits(engine_list<sparse_dot<>, dense_dot<>>{{bytes, {}}}) == 8);
    const auto priced =
        with_resources(sps{}, [](const layer_row&, const row_option&) { return usage{}; });
    CHECK(data_bits(priced) == 16);
    random_instances::table_engine own;
    own.data_bits = 4;
    CHECK(data_bits(own) == 4);
}

TEST_CASE("room is the most that weights may take, to the last bit", "[link]") {
    random_instances::draws d{5};
    for (int n = 0; n < 2000; ++n) {
        const image_link link{std::exp(10.0 * d.uniform() - 5.0), 100.0 + 300.0 * d.uniform(),
                              std::floor(1e5 * d.uniform()) + 1.0};
        const double interval = link.cycles(0.0) * std::exp(6.0 * d.uniform() - 1.0);
        const double most = weight_room(link, interval);
        if (interval < link.cycles(0.0)) {
            CHECK(most == -1.0);
            continue;
        }
        CHECK(link.cycles(most) <= interval);
        CHECK(link.cycles(std::nextafter(most, unbounded)) > interval);
        // what is spent then is the whole link
        CHECK(most + link.traffic(interval) == Approx(link.gbit_s).epsilon(1e-12));
    }
    CHECK(image_link{1.0, 200.0, 0.0}.cycles(2.0) == 0.0);  // nothing to carry
    CHECK(image_link{1.0, 200.0, 10.0}.cycles(1.0) == unbounded);
    CHECK(weight_room(image_link{1.0, 200.0, 10.0}, unbounded) < 1.0);
}
