/// \file device.hpp
/// What there is to spend: the resources of one board, its clock and its link to memory.
#pragma once

#include <concepts>
#include <string_view>

#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/usage.hpp>

namespace hass {

/// One board. `budget.bandwidth` is what its link to memory carries in Gbit/s: images, answers, and
/// weights that are read off-chip. 0 carries nothing, so nothing fits; infinity is unlimited.
struct device {
    std::string_view name = "custom";  ///< as flags and files name it
    usage budget{};                    ///< what there is of each resource; bandwidth in Gbit/s
    double mhz = 200.0;                ///< clock of the accelerator, > 0
    hass::dsp_slice dsp_slice = hass::dsp_slice::dsp48e2;  ///< what its DSPs are
    double reconfiguration_s = 0.08255;                    ///< time to load another bitstream, >= 0

    constexpr const device& limits() const { return *this; }
};

/// Anything that says what it has: a `device` value, or a type as in `boards.hpp`.
template <class D>
concept Device = requires(const D& d) {
    { d.limits() } -> std::convertible_to<const device&>;
};

}  // namespace hass
