/// \file fifo_room.hpp
/// A design that has room for its FIFOs. How deep they have to be depends on data and design
/// (`fifos.hpp`), and the best design of a board leaves nothing for them. So the allocator is asked
/// again for a smaller board, the room that the last design's FIFOs lacked left out, until design
/// and FIFOs fit together:
///
///     room_0 = 0,   design_k = best on board - room_k,   room_(k+1) = max(1.1 room_k, FIFOs_k)
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/fifos.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// A design, and its FIFOs, which `hardware.estimate` has in `between` and `total`.
struct allocation_with_fifos {
    allocation hardware;  ///< `certificate` is of the board without the room for FIFOs
    fifo_plan fifos;      ///< of this design; empty when nothing fits
    usage room{};         ///< that was kept for them
};

namespace detail {

/// The estimate of a design whose FIFOs take `fifos` of the board.
template <Engine E>
estimate with_fifos(const network_view& net, const E& engine, const device& board,
                    const allocation& a, const usage& fifos) {
    usage between = between_cost(engine, net, network_streams(net), a.design);
    between += fifos;
    return evaluate_pipeline(net, a.design, a.stages, board, lut_per_missing_bram18(engine),
                             data_bits(engine) * image_words(net), between);
}

/// `board` without `room`; nothing of it below zero.
inline device without(device board, const usage& room) {
    usage& left = board.budget;
    left.lut = std::max(0.0, left.lut - room.lut);
    left.ff = std::max(0.0, left.ff - room.ff);
    left.bram18 = std::max(0.0, left.bram18 - room.bram18);
    left.uram = std::max(0.0, left.uram - room.uram);
    return board;
}

/// Room for the next try: what was not enough and a tenth, or what these FIFOs take.
inline usage more_room(usage room, const usage& fifos) {
    const auto enlarge = [](double& kept, double taken) { kept = std::max(1.1 * kept, taken); };
    enlarge(room.lut, fifos.lut);
    enlarge(room.ff, fifos.ff);
    enlarge(room.bram18, fifos.bram18);
    enlarge(room.uram, fifos.uram);
    return room;
}

}  // namespace detail

/// The best design that leaves room for its FIFOs, as far as `tries` steps find it.
/// \param services_of  services_of(allocation): one `service_trace` a row of that design, of images
///                     that are like those to come
/// \param options      how FIFOs are planned
/// \param tries        boards that are tried, >= 1
/// \returns `hardware.fits` is false when no board fitted a design with its FIFOs; the certificate
///          says what was missing then
/// \throws hass::error as `allocate` and `plan_fifos`
template <NetworkStatistics S, Engine E, class ServicesOf>
allocation_with_fifos allocate_with_fifos(const network_view& net, const S& statistics,
                                          const E& engine, const device& board,
                                          const ServicesOf& services_of,
                                          const fifo_options& options = {}, int tries = 12) {
    allocation_with_fifos best;
    for (int k = 0; k < tries; ++k) {
        best.hardware = allocate(net, statistics, engine, detail::without(board, best.room));
        if (!best.hardware.fits) {
            best.fifos = {};
            return best;
        }
        best.fifos =
            plan_fifos(net, services_of(best.hardware), engine, best.hardware.design, options);
        const usage& fifos = best.fifos.cost;
        const estimate e = detail::with_fifos(net, engine, board, best.hardware, fifos);
        if (e.fits) {
            best.hardware.estimate = e;
            best.hardware.certificate.reason +=
                text_of({"; FIFOs take ", amount(fifos.lut), " LUT and ", amount(fifos.bram18),
                         " BRAM18 of the board beside that"});
            return best;
        }
        best.room = detail::more_room(best.room, fifos);
    }
    best.hardware = detail::without_design(detail::no_design(
        std::nullopt, 0.0,
        text_of({"the FIFOs that keep ", options.keep, " of the throughput do not fit device '",
                 board.name, "' beside any of ", tries, " designs"})));
    best.fifos = {};
    return best;
}

}  // namespace hass
