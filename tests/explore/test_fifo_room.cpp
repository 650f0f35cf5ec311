// A design and the FIFOs that were planned for it fit the board together.
#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/fifo_room.hpp>

#include "../pipeline/random_pipelines.hpp"

using namespace hass;

namespace {

struct served_instance {
    network net;
    network_statistics statistics;
    std::vector<service_trace> services;
    device board = boards::zedboard::value;

    explicit served_instance(draw::source& from)
        : net(test::pipeline_builder(from)()),
          statistics(net.rows.size(), uniform_sparsity(0.5).at(0)),
          services(test::random_services(net, 2, from)) {}

    allocation_with_fifos solve(const fifo_options& options, int tries = 12) const {
        return allocate_with_fifos(
            net, statistics, sparse_dot<>{}, board, [&](const allocation&) { return services; },
            options, tries);
    }
};

}  // namespace

TEST_CASE("a design fits its board together with its FIFOs", "[fifo_room]") {
    draw::source from(91);
    const sparse_dot<> engine;
    std::size_t made_room = 0, fitted = 0;
    for (int round = 0; round < 100; ++round) {
        served_instance at(from);
        if (best_interval(at.net, at.services) == 0.0) continue;
        const fifo_options options{0.97, 40, 20, 500};
        const allocation alone = allocate(at.net, at.statistics, engine, at.board);
        if (!alone.fits) continue;
        // a board that the best design nearly fills
        at.board.budget.lut = (1.0 + 0.2 * from.unit()) * alone.estimate.total.lut;
        const allocation_with_fifos best = at.solve(options);
        const allocation leaves_none = allocate(at.net, at.statistics, engine, at.board);
        if (!best.hardware.fits) {
            CHECK(best.hardware.design.empty());
            CHECK(best.fifos.depths.edge.empty());
            CHECK_FALSE(best.hardware.certificate.reason.empty());
            continue;
        }
        ++fitted;
        const estimate& e = best.hardware.estimate;
        const usage cost = fifo_cost(engine, at.net, best.hardware.design, best.fifos.depths);
        const estimate without =
            evaluate(at.net, at.statistics, engine, at.board, best.hardware.design);
        CHECK(fits(e.total, at.board.budget));
        CHECK(e.total.lut == Approx(without.total.lut + cost.lut));
        CHECK(e.total.bram18 == Approx(without.total.bram18 + cost.bram18));
        CHECK(e.between.ff == Approx(without.between.ff + cost.ff));
        CHECK(e.interval_cycles == without.interval_cycles);
        CHECK(e.interval_cycles >= leaves_none.estimate.interval_cycles);
        CHECK(best.fifos.kept() >= 0.97);
        if (best.room == usage{})
            CHECK(best.hardware.design == leaves_none.design);
        else
            ++made_room;
    }
    CHECK(fitted > 20);
    CHECK(made_room > 5);
}

TEST_CASE("FIFOs that never fit are said not to", "[fifo_room]") {
    draw::source from(92);
    for (int round = 0; round < 20; ++round) {
        served_instance at(from);
        if (best_interval(at.net, at.services) == 0.0) continue;
        const design smallest(at.net.rows.size());
        at.board.budget.lut =
            evaluate(at.net, at.statistics, sparse_dot<>{}, at.board, smallest).total.lut;
        const allocation_with_fifos best = at.solve({0.97, 20, 10, 500});
        if (best.hardware.fits) continue;  // whose FIFOs take nothing
        CHECK(best.fifos.depths.edge.empty());
        CHECK_FALSE(best.hardware.certificate.reason.empty());
    }
}
