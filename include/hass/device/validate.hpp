/// \file validate.hpp
/// What a device must have before anything is built on it.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>

#include <hass/device/device.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// Checks that something can be built on a device.
/// \throws hass::error naming device and field: a resource below zero or not a number, no DSPs,
///         LUTs or flip-flops at all, a clock that is not above zero, DSPs of no known kind
inline void validate(const device& d) {
    const auto bad = [&](std::string_view field, double v, const char* rule) {
        return error(text_of({"device '", d.name, "': ", field, " is ", v, ", must be ", rule}));
    };
    for (const resource& r : resources)
        if (!(d.budget.*r.field >= 0.0)) throw bad(r.name, d.budget.*r.field, "zero or more");
    for (const std::size_t r : {dsp_index, lut_index, ff_index})
        if (!(d.budget.*resources[r].field > 0.0))
            throw bad(resources[r].name, d.budget.*resources[r].field, "above zero");
    if (!(d.mhz > 0.0) || !(d.mhz < std::numeric_limits<double>::infinity()))
        throw bad("clock (MHz)", d.mhz, "above zero");
    if (static_cast<std::size_t>(d.dsp_slice) >= dsp_slice_names.size())
        throw bad("dsp_slice", static_cast<double>(d.dsp_slice), "a dsp_slice that there is");
}

}  // namespace hass
