/// \file prices.hpp
/// What more of one resource would buy: the best design of a board that has more of it, found and
/// proved as that of the board itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/pipeline/evaluate.hpp>

namespace hass {

/// The price of one resource.
struct resource_price {
    std::size_t resource = 0;        ///< index into `resources`
    double more = 0.0;               ///< share of the budget that is added, 0.01: one per cent
    double images_per_second = 0.0;  ///< of the best design with that much
    double gain = 0.0;               ///< over that of the board as it is, minus 1
    /// Proved: no design of the richer board gains more. Equal to `gain` where the design is proved
    /// optimal.
    double gain_at_most = 0.0;
    std::optional<std::size_t> binding;  ///< what forbids more then; nullopt: no resource
};

/// The price of resource `r`.
/// \param more  share of the budget that is added, > 0
/// \param now   images/s of the best design of the board as it is
/// \throws hass::error as `allocate`
template <NetworkStatistics S, Engine E>
resource_price price_of(std::size_t r, const network_view& net, const S& statistics,
                        const E& engine, const device& board, double more, double now) {
    device richer = board;
    richer.budget.*resources[r].field *= 1.0 + more;
    // Only the interval counts: which of its designs is the thriftiest is not asked.
    const exact fastest(/*max_states*/ 20000, /*max_tie_states*/ 0);
    const allocation a = allocate(net, statistics, engine, richer, fastest);
    // What fits less fits more; where no proof ends in time the old design may be the better.
    const double found = std::max(now, a.fits ? a.estimate.images_per_second : 0.0);
    const double bound = std::max(found, a.certificate.upper_bound_images_per_second);
    return {r, more, found, found / now - 1.0, bound / now - 1.0, a.certificate.binding};
}

/// Prices of every resource that the board has, in the order of `resources`: for each amount in
/// turn, the largest first, since what buys nothing buys nothing in smaller amounts either.
/// \param more  shares of the budget that are added, > 0, falling
/// \param now   images/s of the best design of the board as it is, > 0
/// \throws hass::error as `allocate`
template <NetworkStatistics S, Engine E>
std::vector<resource_price> resource_prices(const network_view& net, const S& statistics,
                                            const E& engine, const device& board,
                                            std::span<const double> more, double now) {
    std::vector<resource_price> prices;
    for (std::size_t r = 0; r < resources.size(); ++r) {
        if (board.budget.*resources[r].field <= 0.0) continue;
        std::optional<resource_price> before;
        for (const double share : more) {
            const bool nothing = before && before->gain_at_most <= 1e-12;
            before = nothing ? resource_price{r, share, now, 0.0, 0.0, before->binding}
                             : price_of(r, net, statistics, engine, board, share, now);
            prices.push_back(*before);
        }
    }
    return prices;
}

}  // namespace hass
