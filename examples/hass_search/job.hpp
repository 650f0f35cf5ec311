// The main job: baselines, two searches, what is written and printed.
#pragma once

#include <csignal>
#include <hass/device/device.hpp>
#include <memory>

#include "settings.hpp"
#include "workbench.hpp"
#include "workers.hpp"

namespace hass_search {

/// Set by the first interrupt: the search ends after the trial under way.
inline volatile std::sig_atomic_t interrupted = 0;

/// Runs the job on a board, under the resource model of `s`.
/// \param hands  who judges the trials; nullptr: --workers says it
/// \returns the exit code
int run(const settings& s, workbench& bench, const hass::device& board,
        std::unique_ptr<workers> hands = nullptr);

/// The same job as a worker has it. The arguments must outlive what is returned.
answering judging(const settings& s, workbench& bench, const hass::device& board);

}  // namespace hass_search
