/// \file csv.hpp
/// Fields of comma-separated files (RFC 4180).
#pragma once

#include <string>
#include <string_view>

namespace hass {

/// The text as one field: in quotes, and quotes doubled, where it holds a comma, a quote or the end
/// of a line.
inline std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

}  // namespace hass
