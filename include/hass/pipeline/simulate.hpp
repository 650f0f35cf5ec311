/// \file simulate.hpp
/// The pipeline as it runs: an event simulation of all stages, word by word, with FIFOs of limited
/// depth between them. `evaluate` takes the mean of each stage; where a stage's cycles depend on
/// data, FIFOs have to level them out, and this says what the pipeline keeps of the mean.
///
/// A word is one pixel of a map with all its channels. Stage i makes output k in three steps:
///
///     start    when the window's pixels are in, and output k - ahead has left the stage; a pixel is
///              in when it has come, and `intake` cycles have passed since the one before
///     ready    when the slowest of its lanes has done it: each begins when it has done k - 1 and
///              takes its own time; one more takes `least`, whatever the data
///     done     when every FIFO behind has room for it
///
/// At `ready` the window lets go what no later output needs. An edge holds the consumer's window
/// (`input_firings::window`, its line buffer) and a FIFO of some pixels more. Joins wait for all
/// inputs; an output goes to all consumers at once. Images come back to back without a gap. Times
/// follow from what each step waited for, so that no cycle is visited in which nothing happens.
#pragma once

#include <span>

#include <hass/pipeline/pipeline_run.hpp>
#include <hass/pipeline/simulation.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Runs images through the pipeline.
/// \param services  one a row; the cycles of a compute row depend on data, see `service.hpp`
/// \param depths    room on every edge and in every row; edges of the image wait in memory instead
/// \throws hass::error where sizes do not match or edges are out of order; naming the edge and the
///         depth that it needs, when a FIFO is so small that the pipeline blocks for good
inline simulation simulate(const network_view& net, std::span<const service_trace> services,
                           const fifo_depths& depths, const simulation_options& options = {}) {
    return detail::pipeline_run(net, services, depths, options)();
}

}  // namespace hass
