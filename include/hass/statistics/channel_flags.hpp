/// \file channel_flags.hpp
/// Which values are not zero, a bit a channel: one word holds a place of up to 32 channels, and sums and
/// counts of such bits run on all of them, and on as many places as a register holds, at once.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <hass/pack_width.hpp>
#include <hass/statistics/planes.hpp>

namespace hass::detail {
inline namespace HASS_PACKS {

/// As many words as one register of the target holds.
#if defined(__GNUC__)
using flag_pack = std::uint32_t __attribute__((vector_size(pack_bytes)));
#else
using flag_pack = std::uint32_t;
#endif

/// Words of a pack.
inline constexpr std::size_t flag_lanes = sizeof(flag_pack) / sizeof(std::uint32_t);
/// Channels of a word, at most.
inline constexpr std::size_t flag_channels = 32;

inline flag_pack load_flags(const void* from) {
    flag_pack x;
    std::memcpy(&x, from, sizeof(x));
    return x;
}
inline void store_flags(std::uint32_t* to, flag_pack x) {
    std::memcpy(to, &x, sizeof(x));
}

/// words[i] gets bit c where |values[c * stride + i]| >= least[c], for i < size.
/// \param least  one a channel, 1 to 32 of them, as `magnitude_bits`, > 0
inline void pack_channels(const float* values, std::size_t stride,
                          std::span<const std::uint32_t> least, std::size_t size,
                          std::uint32_t* words) {
    constexpr std::uint32_t top = 0x80000000U, magnitude = ~top;
    constexpr std::size_t step = 2048;  // words that stay in the first cache
    const auto rest = static_cast<int>(flag_channels - least.size());
    for (std::size_t first = 0; first < size; first += step) {
        const std::size_t end = std::min(size, first + step);
        const std::size_t packs = first + (end - first) / flag_lanes * flag_lanes;
        std::fill(words + first, words + end, 0U);
        for (std::size_t c = 0; c < least.size(); ++c) {
            const float* const from = values + c * stride;
            // The sign of a difference is the answer, and comes in from above.
            const std::uint32_t below = least[c] - 1;
            std::size_t i = first;
            for (; i < packs; i += flag_lanes)
                store_flags(words + i, load_flags(words + i) >> 1 |
                                           ((below - (load_flags(from + i) & magnitude)) & top));
            for (; i < end; ++i)
                words[i] = words[i] >> 1 | ((below - magnitude_bits(from[i])) & top);
        }
        for (std::size_t i = first; rest > 0 && i < end; ++i) words[i] >>= rest;
    }
}

/// Bits that are set.
inline std::uint64_t count_bits(std::span<const std::uint32_t> words) {
    std::uint64_t all = 0;
    for (std::size_t first = 0; first < words.size(); first += 4096) {
        std::uint32_t some = 0;
        const std::size_t end = std::min(words.size(), first + 4096);
        for (std::size_t i = first; i < end; ++i)
            some += static_cast<std::uint32_t>(std::popcount(words[i]));
        all += some;
    }
    return all;
}

/// sum + a + b of single bits: `sum` keeps their last bit. \returns the carries
inline flag_pack add_flags(flag_pack& sum, flag_pack a, flag_pack b) {
    const flag_pack odd = sum ^ a;
    const flag_pack carry = (sum & a) | (odd & b);
    sum = odd ^ b;
    return carry;
}

/// How often each bit of words is set: numbers of many digits, a pack a digit, that are added up in
/// the way of Harley and Seal and read at the end.
class bit_counter {
  public:
    /// Packs that are added together.
    static constexpr std::size_t together = 8;

    /// Adds `together` packs: take(k) gives the k-th.
    template <class Take>
    void add(Take take) {
        flag_pack& ones = digits_[0];
        flag_pack& twos = digits_[1];
        const flag_pack a = add_flags(ones, take(0), take(1));
        const flag_pack b = add_flags(ones, take(2), take(3));
        const flag_pack fours = add_flags(twos, a, b);
        const flag_pack c = add_flags(ones, take(4), take(5));
        const flag_pack d = add_flags(ones, take(6), take(7));
        flag_pack carry = add_flags(digits_[2], fours, add_flags(twos, c, d));
        // As far as a carry has ever come, and one further.
        added_ += together;
        const auto used = static_cast<std::size_t>(std::bit_width(added_));
        for (std::size_t k = 3; k < used; ++k) {
            const flag_pack next = digits_[k] & carry;
            digits_[k] ^= carry;
            carry = next;
        }
    }

    /// Forgets what it has counted.
    void clear() {
        std::fill_n(digits_.begin(), std::bit_width(added_), flag_pack{});
        added_ = 0;
    }

    /// Of each bit.
    std::array<std::uint32_t, flag_channels> counts() const {
        std::array<std::uint32_t, flag_channels> all{};
        const auto used = static_cast<std::size_t>(std::bit_width(added_));
        for (std::size_t k = 0; k < used; ++k) {
            std::array<std::uint32_t, flag_lanes> words;
            store_flags(words.data(), digits_[k]);
            for (const std::uint32_t word : words)
                for (std::size_t b = 0; b < flag_channels; ++b) all[b] += (word >> b & 1U) << k;
        }
        return all;
    }

  private:
    std::array<flag_pack, 32> digits_{};
    std::size_t added_ = 0;  ///< packs; below 2^27, so that counts fit
};

}  // namespace HASS_PACKS
}  // namespace hass::detail
