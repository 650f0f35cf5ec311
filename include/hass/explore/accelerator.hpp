/// \file accelerator.hpp
/// Network, engine and board as one type, so that a budget can be checked while compiling:
///
///     using accel = hass::accelerator<net, hass::sparse_dot<>, hass::boards::u250>;
///     static_assert(accel::evaluate(hass::uniform_sparsity(0.5), accel::start).fits);
///     hass::allocation best = hass::allocate(accel{}, statistics);
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// A network on an engine on a board, all three default-constructible types.
/// \tparam Net    converts to network_view in a constant expression (`sequential<...>`)
/// \tparam E      the engine that runs the compute rows
/// \tparam Board  what there is to spend
template <Network Net, Engine E, Device Board>
struct accelerator {
    /// Rows.
    static constexpr std::size_t size = network_view(Net{}).size();

    /// The smallest design: no parallelism anywhere, weights in BRAM18.
    static constexpr std::array<row_option, size> start{};

    /// What is computed.
    static constexpr network_view net() { return Net{}; }
    /// What computes it.
    static constexpr E engine() { return E{}; }
    /// What there is to spend.
    static constexpr Board board() { return Board{}; }

    /// `hass::evaluate` for this network, engine and board.
    template <NetworkStatistics S>
    static constexpr hass::estimate evaluate(const S& statistics,
                                             std::span<const row_option> chosen) {
        return hass::evaluate(network_view(Net{}), statistics, E{}, Board{}, chosen);
    }
};

/// `hass::allocate` for this network, engine and board.
template <class Net, class E, class Board, NetworkStatistics S, AllocationPolicy Policy = exact>
allocation allocate(const accelerator<Net, E, Board>&, const S& statistics,
                    Policy policy = Policy{}) {
    return allocate(network_view(Net{}), statistics, E{}, Board{}, std::move(policy));
}

}  // namespace hass
