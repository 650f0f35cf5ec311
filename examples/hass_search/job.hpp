// The main job: baselines, two searches, what is written and printed.
#pragma once

#include <csignal>
#include <hass/device/device.hpp>

#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {

/// Set by the first interrupt: the search ends after the trial under way.
inline volatile std::sig_atomic_t interrupted = 0;

/// Runs the job on a board, under the resource model of `s`.
/// \returns the exit code
int run(const settings& s, workbench& bench, const hass::device& board);

}  // namespace hass_search
