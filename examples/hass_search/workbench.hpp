// The network under search: an emulator on images, or a table of measurements.
#pragma once

#include <functional>
#include <hass/search/codesign.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>
#include <string>

#include "settings.hpp"

namespace hass_search {

/// A network that can be asked how it does at any thresholds.
struct workbench {
    hass::network net;
    hass::network_magnitudes magnitudes;
    std::function<hass::measurement(const hass::network_thresholds&)> measure;
    std::function<double(const hass::network_thresholds&)> accuracy;  // cheaper: no statistics
    /// From now on runs may end once they are known to miss this accuracy; empty: they never do.
    std::function<void(double floor)> limit;
    std::string source;
};

/// Images and the emulator.
workbench on_images(const settings& s);

/// The table of --statistics; no images.
workbench on_table(const settings& s);

/// Measures the table that --statistics takes.
void write_statistics(const settings& s);

}  // namespace hass_search
