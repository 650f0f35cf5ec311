/// \file soonest.hpp
/// The choice that answers one image soonest, alone or behind others: `latency.hpp` and
/// `own_pace_latency.hpp` with what they need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/explore/latency.hpp>
#include <hass/explore/own_pace_latency.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// At which pace the latency of an image is asked for: each stage's own, as a single image goes
/// through an empty pipeline, or that of the interval, as behind other images.
enum class pace : std::uint8_t { own, interval };

namespace detail {

/// A choice whose latency is the lowest found, and what is proved of it.
struct soonest {
    std::vector<std::uint32_t> options;
    double least = 0.0;  ///< no choice has a lower latency (cycles)
    bool proved = false;
};

/// What a pixel takes in every option of every row.
/// \param with_cycles  whether the option's own cycles of a pixel count
inline std::vector<std::vector<double>> pixel_latencies(const network_view& net,
                                                        const allocation_problem& problem,
                                                        bool with_cycles) {
    std::vector<std::vector<double>> delays(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        const std::vector<row_option>& all = problem.rows[i].options->options();
        for (std::size_t k = 0; k < all.size(); ++k)
            delays[i].push_back(
                pixel_latency(net.rows[i], all[k], with_cycles ? problem.rows[i].cycles[k] : 0.0));
    }
    return delays;
}

/// \param fastest   a choice of the fastest design, which fits
/// \param interval  no choice has a smaller one (cycles)
inline soonest find_soonest(const network_view& net, const allocation_problem& problem,
                            const allocation_choice& fastest, double interval, pace of) {
    constexpr std::size_t max_states = 2000;
    constexpr std::size_t max_ranges = 400;
    const auto behind_delays = pixel_latencies(net, problem, true);
    auto behind = latency_search(net, problem, behind_delays, max_states, max_ranges)(
        fastest.options, interval);
    if (of == pace::interval) return {std::move(behind.options), behind.least, behind.proved};
    // that is a good start
    constexpr std::size_t max_states_alone = 500;
    constexpr std::size_t max_work = 40'000'000;
    const auto alone_delays = pixel_latencies(net, problem, false);
    auto alone = own_pace_search(net, problem, alone_delays, max_states_alone, max_work)(
        behind.options, fastest.proved_interval);
    return {std::move(alone.options), alone.least, alone.proved};
}

}  // namespace detail

}  // namespace hass
