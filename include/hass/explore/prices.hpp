/// \file prices.hpp
/// What more of one resource would buy: the best design of a board that has more of it, found and
/// proved as that of the board itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
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

/// Prices of every resource that the board has, in the order of `resources`.
/// \param more  > 0
/// \throws hass::error as `allocate`, and when nothing fits the board as it is
template <NetworkStatistics S, Engine E>
std::vector<resource_price> resource_prices(const network_view& net, const S& statistics,
                                            const E& engine, const device& board, double more) {
    // Only the interval counts: which of its designs is the thriftiest is not asked.
    const exact fastest(/*max_states*/ 20000, /*max_tie_states*/ 0);
    const double now =
        require_fit(allocate(net, statistics, engine, board, fastest)).estimate.images_per_second;
    std::vector<resource_price> prices;
    for (std::size_t r = 0; r < resources.size(); ++r) {
        device richer = board;
        double& have = richer.budget.*resources[r].field;
        if (have <= 0.0) continue;
        have *= 1.0 + more;
        const allocation a = allocate(net, statistics, engine, richer, fastest);
        // What fits less fits more; where no proof ends in time the old design may be the better.
        const double found = std::max(now, a.fits ? a.estimate.images_per_second : 0.0);
        const double bound = std::max(found, a.certificate.upper_bound_images_per_second);
        prices.push_back(
            {r, more, found, found / now - 1.0, bound / now - 1.0, a.certificate.binding});
    }
    return prices;
}

}  // namespace hass
