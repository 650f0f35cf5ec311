/// \file uncertainty.hpp
/// How much to believe of the resources in a report: which model, and how far it was off where it
/// was measured.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <hass/engine/resources/corrected.hpp>
#include <hass/engine/resources/known_error.hpp>

namespace hass {

namespace detail {

inline std::array<std::pair<const char*, error_range>, 4> ranges_of(const known_error& e) {
    return {{{"DSP", e.dsp}, {"LUT", e.lut}, {"FF", e.ff}, {"BRAM18", e.bram18}}};
}

}  // namespace detail

/// One line for tables.
/// \param model  its name
inline std::string uncertainty(std::string_view model, const known_error& e) {
    std::string line = fmt::format("{} resources, against {} of {}:", model, e.designs, e.against);
    for (const auto& [name, range] : detail::ranges_of(e))
        line +=
            fmt::format(" {} {:+.0f} to {:+.0f} %,", name, 100.0 * range.least, 100.0 * range.most);
    line.back() = '.';
    if (!e.beside.empty()) line += fmt::format(" {}", e.beside);
    return line;
}

/// The same of a model that was corrected by a user's own measurements.
/// \param model  of the file, \param base the model that it corrects
inline std::string uncertainty(std::string_view model, std::string_view base,
                               const correction_table& table) {
    std::string line;
    for (std::size_t kind = 0; kind < table.of.size(); ++kind)
        for (std::size_t r = 0; r < table.of[kind].size(); ++r)
            if (const correction& c = table.of[kind][r]; c.measurements > 0)
                line += fmt::format(
                    " {} of {} {:.0f} % off in {} layers left out in turn"
                    " ({} alone: {:.0f} %),",
                    corrected_resource_names[r], module_kind_names[kind], 100.0 * c.error_after,
                    c.measurements, base, 100.0 * c.error_before);
    if (line.empty()) return fmt::format("{} corrects nothing: all is {}'s.", model, base);
    line.back() = '.';
    return fmt::format("Resources by {}:{} All else is {}'s.", model, line, base);
}

}  // namespace hass
