/// \file text.hpp
/// Sentences put together from words and numbers, for messages of errors and certificates:
///
///     throw error(text_of({"layer '", name, "' has ", count, " inputs"}));
///
/// Numbers are written as `number` writes them: as many digits as it takes, ten at most.
#pragma once

#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hass {

/// A number with at most `digits` significant digits, as printf's %g writes it.
inline std::string number(double value, int digits = 10) {
    char text[32];
    const int length = std::snprintf(text, sizeof text, "%.*g", digits, value);
    return {text, static_cast<std::size_t>(length)};
}

/// An amount of a resource, as one says it: whole numbers from a thousand on, below that four
/// digits.
inline std::string amount(double value) {
    if (value < 1000.0) return number(value, 4);
    char text[336];
    const int length = std::snprintf(text, sizeof text, "%.0f", value);
    return {text, static_cast<std::size_t>(length)};
}

/// A share as percent: 0.125 is "12.5 %".
inline std::string percent(double share, int digits = 1) {
    char text[48];
    const int length = std::snprintf(text, sizeof text, "%.*f %%", digits, 100.0 * share);
    return {text, static_cast<std::size_t>(length)};
}

/// A word or a number of a sentence. Refers to the word; use it within the full expression only.
class text_part {
  public:
    text_part(std::string_view word) : word_(word) {}
    text_part(const std::string& word) : word_(word) {}
    text_part(const char* word) : word_(word) {}
    text_part(char letter) = delete;  // which would be a number
    text_part(int value) : text_part(static_cast<long long>(value)) {}
    text_part(long value) : text_part(static_cast<long long>(value)) {}
    text_part(long long value) : kind_(kind::whole), whole_(value) {}
    text_part(unsigned value) : text_part(static_cast<unsigned long long>(value)) {}
    text_part(unsigned long value) : text_part(static_cast<unsigned long long>(value)) {}
    text_part(unsigned long long value) : kind_(kind::natural), natural_(value) {}
    text_part(double value) : kind_(kind::real), real_(value) {}

    /// As text_of() does.
    void append_to(std::string& text) const {
        if (kind_ == kind::word) {
            text += word_;
        } else if (kind_ == kind::real) {
            text += number(real_);
        } else if (kind_ == kind::whole) {
            text += std::to_string(whole_);
        } else {
            text += std::to_string(natural_);
        }
    }

  private:
    enum class kind : unsigned char { word, whole, natural, real };
    kind kind_ = kind::word;
    std::string_view word_{};
    long long whole_ = 0;
    unsigned long long natural_ = 0;
    double real_ = 0.0;
};

/// The parts one behind the other.
inline std::string text_of(std::initializer_list<text_part> parts) {
    std::string text;
    for (const text_part& part : parts) part.append_to(text);
    return text;
}

}  // namespace hass
