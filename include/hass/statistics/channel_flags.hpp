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

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

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
        // The sign of a difference is the answer, and comes in from above.
        const auto flags = [=](std::uint32_t below, auto bits) {
            return (below - (bits & magnitude)) & top;
        };
        std::size_t c = 0;
        for (; c + 4 <= least.size(); c += 4) {  // words are read and written a quarter as often
            const float* const from = values + c * stride;
            const std::uint32_t below[]{least[c] - 1, least[c + 1] - 1, least[c + 2] - 1,
                                        least[c + 3] - 1};
            const auto add = [&](auto word, auto load) {
                return word >> 4 | flags(below[0], load(0)) >> 3 | flags(below[1], load(1)) >> 2 |
                       flags(below[2], load(2)) >> 1 | flags(below[3], load(3));
            };
            std::size_t i = first;
            for (; i < packs; i += flag_lanes)
                store_flags(words + i, add(load_flags(words + i), [&](std::size_t k) {
                                return load_flags(from + k * stride + i);
                            }));
            for (; i < end; ++i)
                words[i] = add(words[i], [&](std::size_t k) {
                    return std::bit_cast<std::uint32_t>(from[k * stride + i]);
                });
        }
        for (; c < least.size(); ++c) {
            const float* const from = values + c * stride;
            std::size_t i = first;
            for (; i < packs; i += flag_lanes)
                store_flags(words + i,
                            load_flags(words + i) >> 1 | flags(least[c] - 1, load_flags(from + i)));
            for (; i < end; ++i)
                words[i] =
                    words[i] >> 1 | flags(least[c] - 1, std::bit_cast<std::uint32_t>(from[i]));
        }
        for (std::size_t i = first; rest > 0 && i < end; ++i) words[i] >>= rest;
    }
}

/// words[i] gets bit c where |values[i * stride + c]| >= least[c], for i < size: of channels that
/// stand side by side.
/// \param least  as `pack_channels`
inline void pack_adjacent(const float* values, std::size_t stride,
                          std::span<const std::uint32_t> least, std::size_t size,
                          std::uint32_t* words) {
    std::array<std::uint32_t, flag_channels> below;  // the last magnitude that counts as zero
    below.fill(~0U >> 1);
    for (std::size_t c = 0; c < least.size(); ++c) below[c] = least[c] - 1;
#if defined(__AVX512F__)
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    const __m512i below_low = _mm512_loadu_si512(below.data());
    const __m512i below_high = _mm512_loadu_si512(below.data() + 16);
    const auto present = static_cast<std::uint32_t>((std::uint64_t{1} << least.size()) - 1);
    const auto low = static_cast<__mmask16>(present), high = static_cast<__mmask16>(present >> 16);
    for (std::size_t i = 0; i < size; ++i, values += stride) {
        const __m512i x = _mm512_and_si512(_mm512_maskz_loadu_epi32(low, values), magnitude);
        const __m512i y = _mm512_and_si512(_mm512_maskz_loadu_epi32(high, values + 16), magnitude);
        words[i] = static_cast<std::uint32_t>(_mm512_cmpgt_epi32_mask(x, below_low)) |
                   static_cast<std::uint32_t>(_mm512_cmpgt_epi32_mask(y, below_high)) << 16;
    }
#else
    for (std::size_t i = 0; i < size; ++i, values += stride) {
        std::uint32_t word = 0;
        std::size_t c = 0;
#if defined(__GNUC__) && defined(__AVX2__)
        const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
        for (; c + 8 <= least.size(); c += 8) {
            const __m256i x = _mm256_and_si256(
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + c)), magnitude);
            const __m256i least_but_one =
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(below.data() + c));
            const int flags =
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(x, least_but_one)));
            word |= static_cast<std::uint32_t>(flags) << c;
        }
#endif
        for (; c < least.size(); ++c)
            word |= static_cast<std::uint32_t>(magnitude_bits(values[c]) > below[c]) << c;
        words[i] = word;
    }
#endif
}

/// Of channels [first, first + least.size()) of a batch with so many channels and places.
inline void pack_maps(const map_batch& maps, std::size_t channels, std::size_t places,
                      std::size_t first, std::span<const std::uint32_t> least,
                      std::size_t first_place, std::span<std::uint32_t> words) {
    if (maps.channels_last)
        pack_adjacent(maps.values + first_place * channels + first, channels, least, words.size(),
                      words.data());
    else
        pack_channels(maps.values + first * places + first_place, places, least, words.size(),
                      words.data());
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
