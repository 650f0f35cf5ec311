/// \file fnv1a.hpp
/// A number that tells one content from another: FNV-1a, 64 bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hass::detail {

/// FNV-1a, 64 bits.
class fnv1a {
  public:
    void add(std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) add(std::to_integer<std::uint64_t>(b));
    }
    void add(std::span<const float> values) {
        for (const float x : values) {
            const auto pattern = std::bit_cast<std::uint32_t>(x);
            for (int i = 0; i < 4; ++i) add(std::uint64_t{pattern >> (8 * i) & 0xffU});
        }
    }
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
    void add(std::uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3ULL; }
    std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace hass::detail
