/// \file evaluate.hpp
/// THE function: rows + statistics + design -> estimate. Constexpr, no allocation, the same doubles
/// at compile time and at run time:
///
///     interval I   = max over stages of the stage's cycles for one image   [HASS eq 3]
///     images/s     = clock / I
///     resources    = sum over stages                                       [HASS eq 4]
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/stages.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// One stage of the pipeline as built: what it takes for one image, and what it costs.
struct stage_estimate {
    double cycles = 0.0;
    usage cost{};
};

/// The whole accelerator.
struct estimate {
    double interval_cycles = 0.0;  ///< cycles between images, the slowest stage's
    std::size_t bottleneck = 0;    ///< that stage (the first on ties)
    double images_per_second = 0.0;
    usage total{};
    bool fits = false;  ///< within the device in every resource
    /// images / cycle / DSP, the efficiency of HASS's Table II; 0 without DSPs
    constexpr double efficiency() const {
        return total.dsp > 0.0 && interval_cycles > 0.0 ? 1.0 / (interval_cycles * total.dsp) : 0.0;
    }
};

/// A design: one configuration a row.
using design = std::vector<configuration>;

/// Cost of one row in one configuration.
template <Engine E>
constexpr usage row_cost(const E& engine, const layer_row& row, const configuration& c) {
    if (is_compute(row)) return engine.cost(row, c);
    return stage_cost(engine, row, c);
}

/// Cycles of one row for one image in one configuration.
template <Engine E>
constexpr double row_cycles(const E& engine, const layer_row& row, const layer_statistics& s,
                            const configuration& c) {
    return is_compute(row) ? static_cast<double>(engine.cycles(row, s, c)) : stage_cycles(row, c);
}

/// One stage.
template <Engine E>
constexpr stage_estimate evaluate_stage(const E& engine, const layer_row& row,
                                        const layer_statistics& s, const configuration& c) {
    return {row_cycles(engine, row, s, c), row_cost(engine, row, c)};
}

/// The accelerator that `chosen` describes.
/// \param net     the network
/// \param s       statistics, asked for compute rows only
/// \param engine  executes the compute rows
/// \param board   what there is to spend
/// \param chosen  one configuration a row
/// \throws hass::error when `chosen` and the network differ in length
template <Engine E, NetworkStatistics S, Device D>
constexpr estimate evaluate(const network_view& net, const S& s, const E& engine, const D& board,
                            std::span<const configuration> chosen) {
    if (chosen.size() != net.size())
        throw error("evaluate: " + std::to_string(chosen.size()) + " configurations for " +
                    std::to_string(net.size()) + " layers");
    const device& limits = board.limits();
    estimate e;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& row = net.rows[i];
        const stage_estimate stage =
            is_compute(row)
                ? evaluate_stage(engine, row, s.at(i), chosen[i])
                : stage_estimate{stage_cycles(row, chosen[i]), stage_cost(engine, row, chosen[i])};
        e.total += stage.cost;
        if (stage.cycles > e.interval_cycles) e.interval_cycles = stage.cycles, e.bottleneck = i;
    }
    e.images_per_second = e.interval_cycles > 0.0 ? limits.mhz * 1e6 / e.interval_cycles
                                                  : std::numeric_limits<double>::infinity();
    e.fits = fits(e.total, limits.budget);
    return e;
}

}  // namespace hass
