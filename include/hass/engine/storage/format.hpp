/// \file format.hpp
/// What every storage format of a sparse tensor offers, and the bits that all of them write.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/error.hpp>
#include <hass/statistics/power.hpp>
#include <hass/text.hpp>

namespace hass::formats {

/// A tensor of words, row-major over its extents (each >= 1), last extent contiguous.
struct tensor_view {
    std::span<const std::uint32_t> words;  ///< row-major, one a value
    std::span<const int> extents;          ///< outermost first
    int word_bits = 8;                     ///< 1..32
};

/// Bits one after another, most significant first.
class bit_stream {
  public:
    /// \param bits 0..32, how many low bits of `value` to append
    void push(std::uint32_t value, int bits) {
        for (int b = bits - 1; b >= 0; --b) bits_.push_back((value >> b & 1U) != 0);
    }
    std::int64_t size() const { return static_cast<std::int64_t>(bits_.size()); }

    /// Reads a stream from its beginning.
    class reader {
      public:
        /// Reads from the beginning.
        explicit reader(const bit_stream& s) : stream_(&s) {}
        /// \throws hass::error at the end of the stream
        std::uint32_t pull(int bits) {
            if (next_ + static_cast<std::size_t>(bits) > stream_->bits_.size())
                throw error(text_of({"format: the stream ends after ", stream_->size(), " bits"}));
            std::uint32_t value = 0;
            for (int b = 0; b < bits; ++b)
                value = value << 1U | (stream_->bits_[next_++] ? 1U : 0U);
            return value;
        }
        /// Whether all bits were read.
        bool done() const { return next_ == stream_->bits_.size(); }

      private:
        const bit_stream* stream_;
        std::size_t next_ = 0;
    };

  private:
    std::vector<bool> bits_;
};

/// A tensor in some format. All but `stream` is option.
struct encoded {
    bit_stream stream;                ///< the bits
    std::vector<int> extents;         ///< of the tensor
    int word_bits = 8;                ///< of one value
    std::vector<std::size_t> counts;  ///< entries of each level, where a format has levels
};

/// What a format offers:
///     bits(tensor)                          exact size in bits
///     expected_bits(extents, density, word) mean size when each word is non-zero with probability
///                                           `density` on its own
///     encode(tensor), decode(encoded)       the bits and the way back
template <class F>
concept Format = requires(const F& f, const tensor_view& t, std::span<const int> e,
                          const encoded& c) {
    { f.bits(t) } -> std::same_as<std::int64_t>;
    { f.expected_bits(e, 0.5, 8) } -> std::same_as<double>;
    { f.encode(t) } -> std::same_as<encoded>;
    { f.decode(c) } -> std::same_as<std::vector<std::uint32_t>>;
};

namespace detail {

using hass::detail::bits_for;
using hass::detail::ceil_div;
using hass::detail::power;

inline std::int64_t volume(std::span<const int> extents) {
    std::int64_t n = 1;
    for (const int e : extents) n *= e;
    return n;
}
inline std::size_t size_of(std::span<const int> extents) {
    return static_cast<std::size_t>(volume(extents));
}

/// \throws hass::error for extents below 1, a word width outside 1..32, too few or too many words
inline void check(const tensor_view& t) {
    for (const int e : t.extents)
        if (e < 1) throw error(text_of({"format: an extent of ", e}));
    if (t.extents.empty()) throw error("format: a tensor without extents");
    if (t.word_bits < 1 || t.word_bits > 32)
        throw error(text_of({"format: words of ", t.word_bits, " bits, expected 1 to 32"}));
    if (t.words.size() != size_of(t.extents))
        throw error(
            text_of({"format: ", t.words.size(), " words for extents of ", volume(t.extents)}));
}

inline std::int64_t nonzeros(std::span<const std::uint32_t> words) {
    return static_cast<std::int64_t>(words.size()) -
           std::count(words.begin(), words.end(), std::uint32_t{0});
}

inline encoded start(const tensor_view& t) {
    check(t);
    return {{}, {t.extents.begin(), t.extents.end()}, t.word_bits, {}};
}

/// E[ceil(log2(n + 1))] for n ~ binomial(trials, p): the width of a pointer that counts to n.
inline double expected_counter_bits(std::int64_t trials, double p) {
    if (p <= 0.0) return 0.0;
    if (p >= 1.0) return bits_for(trials + 1);
    // Probabilities relative to the mode, walked until they no longer matter.
    const double odds = p / (1.0 - p);
    const auto n = static_cast<double>(trials);
    const auto mode = std::min(static_cast<std::int64_t>((n + 1.0) * p), trials);
    double total = 0.0;
    double sum = 0.0;
    const auto add = [&](std::int64_t k, double q) {
        total += q;
        sum += q * bits_for(k + 1);
    };
    double q = 1.0;
    for (std::int64_t k = mode; k <= trials && q > 1e-18; ++k) {
        add(k, q);
        q *= (n - static_cast<double>(k)) / (static_cast<double>(k) + 1.0) * odds;
    }
    q = 1.0;
    for (std::int64_t k = mode; k > 0 && q > 1e-18; --k) {
        q *= static_cast<double>(k) / (n - static_cast<double>(k) + 1.0) / odds;
        add(k - 1, q);
    }
    return sum / total;
}

}  // namespace detail

}  // namespace hass::formats
