/// \file text.hpp
/// Numbers in messages of errors and certificates.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace hass {

/// A number with at most `digits` significant digits, as printf's %g writes it.
inline std::string number(double value, int digits = 10) {
    char text[32];
    const int length = std::snprintf(text, sizeof text, "%.*g", digits, value);
    return {text, static_cast<std::size_t>(length)};
}

}  // namespace hass
