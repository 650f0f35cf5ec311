/// \file memory_image.hpp
/// Contents of memories as `$readmemh` reads them: a word a line, in hexadecimal.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hass::rtl {

/// A file of a design: its path in the folder, and what stands in it.
struct file {
    std::string path;     ///< relative to the design's folder
    std::string content;  ///< whole
};

/// Bits of two's complement that hold the integer. At least 1.
constexpr int bits_of(std::int64_t x) {
    int bits = 1;
    for (std::int64_t rest = x < 0 ? ~x : x; rest != 0; rest >>= 1) ++bits;
    return bits;
}

/// A memory under way. Values are added to the current word, the first of them rightmost.
class memory_image {
  public:
    /// The next value. \param bits  1..64, of two's complement
    void add(std::int64_t value, int bits) {
        for (int b = 0; b < bits; ++b) word_.push_back(static_cast<char>((value >> b) & 1));
    }

    /// The word is complete.
    void end_word() {
        const std::size_t digits = (word_.size() + 3) / 4;
        word_.resize(4 * digits, 0);
        for (std::size_t d = digits; d-- > 0;) {
            const int digit =
                word_[4 * d] + 2 * word_[4 * d + 1] + 4 * word_[4 * d + 2] + 8 * word_[4 * d + 3];
            text_ += "0123456789abcdef"[digit];
        }
        text_ += '\n';
        word_.clear();
    }

    /// For $readmemh.
    const std::string& text() const { return text_; }

  private:
    std::vector<char> word_;  // bits
    std::string text_;
};

}  // namespace hass::rtl
