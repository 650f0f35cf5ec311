/// \file terminal.hpp
/// Colours, where somebody sees them.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace hass {

/// Whether text for this stream may be coloured: it is a terminal that can, and the user has not
/// said otherwise (NO_COLOR, set to anything, https://no-color.org).
inline bool has_colours(std::FILE* stream) {
    const char* const refused = std::getenv("NO_COLOR");
    if (refused != nullptr && *refused != '\0') return false;
    const char* const terminal = std::getenv("TERM");
    return isatty(fileno(stream)) == 1 && terminal != nullptr &&
           std::string_view(terminal) != "dumb";
}

/// How a piece of text stands out.
enum class emphasis { heading, warning };

/// The text as it is, or in colour where the stream has it.
inline std::string emphasised(std::string_view text, emphasis how, std::FILE* stream = stdout) {
    if (!has_colours(stream)) return std::string(text);
    const char* const begin = how == emphasis::heading ? "\033[1m" : "\033[33m";
    return begin + std::string(text) + "\033[0m";
}

}  // namespace hass
