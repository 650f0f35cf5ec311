/// \file simulation.hpp
/// What the simulation of a pipeline is given and what comes of it; `simulate.hpp` says how it
/// works.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/pipeline/firing.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Depth of a FIFO without end.
inline constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

/// How long the firings of one row take.
struct service_trace {
    double least = 0.0;     ///< cycles of every firing at least; all of them where lanes = 0
    double intake = 0.0;    ///< cycles at least from one input pixel to the next
    std::size_t lanes = 0;  ///< engines side by side, each at its own pace
    /// Cycles, images x firings x lanes; when more images run than there are, from the first again.
    std::vector<float> cycles{};
    /// Pixels of an input that are taken in and not let go at most, those of the window included (and
    /// never fewer); what comes then waits in front, and is taken in no faster.
    std::int64_t intake_room = unlimited;

    /// Cycles for an image when nothing ever waits: the mean of the slowest lane, or the intake's.
    double mean(const layer_row& row) const {
        const auto firings = static_cast<double>(firing_count(row));
        double slowest = std::max(least * firings, intake * static_cast<double>(row.in.pixels()));
        std::vector<double> sums(lanes, 0.0);
        for (std::size_t k = 0; k < cycles.size(); k += lanes)
            for (std::size_t l = 0; l < lanes; ++l) sums[l] += static_cast<double>(cycles[k + l]);
        const double traced = lanes == 0 ? 1.0 : static_cast<double>(cycles.size() / lanes);
        for (const double sum : sums) slowest = std::max(slowest, sum / traced * firings);
        return slowest;
    }
};

/// Room between and within stages.
struct fifo_depths {
    std::vector<std::int64_t> edge;   ///< pixels of the FIFO on each edge, beside the window; >= 0
    std::vector<std::int64_t> ahead;  ///< outputs of each row under way at once, >= 1; 1: lanes
                                      ///< begin a pixel together

    /// The same everywhere.
    static fifo_depths all(const network_view& net, std::int64_t edge, std::int64_t ahead = 1) {
        return {std::vector<std::int64_t>(net.edges.size(), edge),
                std::vector<std::int64_t>(net.size(), ahead)};
    }
    bool operator==(const fifo_depths&) const = default;
};

/// How to run the pipeline.
struct simulation_options {
    std::size_t images = 2;      ///< that run, back to back
    double source_cycles = 0.0;  ///< between images at least, by the link that they come on
    bool grow = false;           ///< makes FIFOs as deep as the pipeline needs not to block for
                                 ///< good, instead of refusing them
    bool critical = false;       ///< finds what held the last image up
};

/// How often something was waited for on the critical path: the chain of waits and services, each
/// begun when the one before had ended, that ends with the last image. More room elsewhere changes
/// nothing.
struct critical_waits {
    std::vector<std::uint64_t> edge;   ///< for room on an edge
    std::vector<std::uint64_t> ahead;  ///< in a row's lanes for the others', `fifo_depths::ahead`
};

/// What came of it.
struct simulation {
    std::vector<double> ends;       ///< cycles at which each image had left the pipeline
    fifo_depths depths;             ///< as they were at last, see `simulation_options::grow`
    fifo_depths used;               ///< of what was unlimited: room that would have been enough not
                                    ///< to hold anything up; else as in `depths`
    std::vector<double> blocked{};  ///< cycles a row's finished outputs waited for room
    critical_waits critical{};      ///< where asked for
    std::uint64_t words = 0;        ///< firings of all stages

    /// Mean cycles between images, of all but the first `warm_up` >= 1.
    double interval(std::size_t warm_up = 1) const {
        if (warm_up < 1 || warm_up >= ends.size())
            throw error(text_of({"simulation: an interval of ", ends.size(), " images, ", warm_up,
                                 " of them to warm up"}));
        return (ends.back() - ends[warm_up - 1]) / static_cast<double>(ends.size() - warm_up);
    }
};

}  // namespace hass
