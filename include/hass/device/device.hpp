/// \file device.hpp
/// What there is to spend: the resources of one board, its clock and its link to memory.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// One board. `budget.bandwidth` is what its link to memory carries in Gbit/s: images, answers, and
/// weights that are read off-chip. 0 carries nothing, so nothing fits; infinity is unlimited.
struct device {
    std::string_view name = "custom";
    usage budget{};
    double mhz = 200.0;                  ///< clock of the accelerator, > 0
    double reconfiguration_s = 0.08255;  ///< time to load another bitstream, >= 0

    constexpr const device& limits() const { return *this; }
};

/// Anything that says what it has: a `device` value, or a type as in `boards.hpp`.
template <class D>
concept Device = requires(const D& d) {
    { d.limits() } -> std::convertible_to<const device&>;
};

/// Checks that something can be built on a device.
/// \throws hass::error naming device and field: a resource below zero or not a number, no DSPs, LUTs
///         or flip-flops at all, a clock that is not above zero
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
}

}  // namespace hass
