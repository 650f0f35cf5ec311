/// \file certificate.hpp
/// A design and what is proved about it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/pipeline/evaluate.hpp>

namespace hass {

/// What is proved about an allocation.
struct certificate {
    /// No design of this network, engine and board is faster (images/s).
    double upper_bound_images_per_second = 0.0;
    /// upper bound / achieved - 1; 0: proved optimal. Infinite when nothing was found.
    double gap = 0.0;
    /// Of `solve` and `update` (0 elsewhere): what the design takes of the board, as the sum of the shares of DSPs, LUTs, FFs, block RAMs,
    /// URAMs and bandwidth. Where missing block RAMs are built from LUTs, block RAMs count as all that
    /// could be built (`to_needs`).
    double shares = 0.0;
    double least_shares = 0.0;  ///< no design of the same interval takes less of the board
    bool thriftiest = false;    ///< nor does this one take more
    /// Of `allocator::least`: no design of the required throughput needs less of the resource
    /// (bandwidth: with images at that throughput).
    double least_need = 0.0;
    /// Of `allocator::lowest_latency`: no design has a lower latency, alone or behind others as was
    /// asked.
    double least_latency_cycles = 0.0;
    /// Of both: whether this design needs, or takes, just that.
    bool minimal = false;
    /// The resource (index into `resources`) that forbids the next smaller interval, or that is
    /// missing when nothing fits: bandwidth where the board's link sets the interval; nullopt: no
    /// resource does, the limiting row is as fast as it gets.
    std::optional<std::size_t> binding;
    /// Amount of `binding` that even the smallest design is short of; 0 when something fits.
    double missing = 0.0;
    std::size_t limiting_row = 0;  ///< the slowest stage (the first on ties)
    std::string reason;            ///< one sentence: what stops this design from being faster
};

/// A design and what is known about it.
struct allocation {
    bool fits = false;    ///< false: `design` is empty and `certificate` says what is missing
    hass::design design;  ///< one option a row
    std::vector<stage_estimate> stages;  ///< cycles and cost of each row of it
    hass::estimate estimate;             ///< of these stages, as `evaluate` gives it
    hass::certificate certificate;       ///< what is proved about it
};

namespace detail {

/// No design, and why there is none.
inline allocation without_design(hass::certificate why) {
    allocation a;
    a.certificate = std::move(why);
    return a;
}

}  // namespace detail

/// Throws when the allocation does not fit.
/// \throws hass::error naming the resource and how much is missing
inline const allocation& require_fit(const allocation& a) {
    if (!a.fits) throw error("nothing fits: " + a.certificate.reason);
    return a;
}

}  // namespace hass
