// What FINN and hls4ml are told to build: --engine finn, --engine hls4ml.
#pragma once

#include <hass/device/device.hpp>
#include <hass/workload/network.hpp>
#include <string>
#include <vector>

#include "settings.hpp"

namespace hass_search {

/// Networks whose rows the library has.
std::vector<std::string> networks_of_rows();
/// The rows of one of them; none under another name.
hass::network_view rows_named(const std::string& name);

/// Folds the network for a board and writes the toolchain's configuration and foldings.json to --out.
/// \returns 0, or 1 when nothing fits
/// \throws hass::error for networks that the toolchain has no nodes for
int fold(const settings& s, const hass::device& board);

}  // namespace hass_search
