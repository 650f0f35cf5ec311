// What was measured, beside what the model says of it.
#pragma once

#include <hass/engine/resources/calibrate.hpp>
#include <string>
#include <vector>

#include "../hass_search/engine_choice.hpp"

namespace hass_calibrate {

using hass_search::corrected_engines;
using hass_search::resource_flags;
inline const std::vector<std::string> design_flags{"dense", "activation_only", "software_only",
                                                   "hardware_aware"};

/// What the command line says; empty or 0: nothing.
struct settings {
    std::string measured;
    std::string engine;
    std::string solution;
    std::string design = "hardware_aware";
    std::string resources;
    std::string slice;
    int bits = 0;
    std::string out;
};

struct measurements {
    std::string base;  ///< the model that is corrected
    int bits = 16;
    hass::dsp_slice slice = hass::dsp_slice::dsp48e2;
    std::vector<hass::measured_module> modules;
    int stages = 0;  ///< there are so many, measured or not; 0: whatever the table has
};

/// Reads the files that the settings name.
/// \throws hass::error naming file, line and field, or the flag that is missing
measurements gather(const settings& s);

}  // namespace hass_calibrate
