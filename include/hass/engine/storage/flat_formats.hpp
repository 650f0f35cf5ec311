/// \file flat_formats.hpp
/// Formats that know one list of words: all of them, those that a bitmask, a run or a coordinate
/// names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/storage/format.hpp>

namespace hass::formats {

/// Every word.
struct uncompressed {
    static std::int64_t bits(const tensor_view& t) {
        detail::check(t);
        return detail::volume(t.extents) * t.word_bits;
    }
    static double expected_bits(std::span<const int> extents, double /*density*/, int word_bits) {
        return static_cast<double>(detail::volume(extents) * word_bits);
    }
    static encoded encode(const tensor_view& t) {
        encoded c = detail::start(t);
        for (const std::uint32_t w : t.words) c.stream.push(w, t.word_bits);
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        for (std::uint32_t& w : words) w = in.pull(c.word_bits);
        return words;
    }
};

/// One bit a word, then the words that are not zero.
struct bitmask {
    static std::int64_t bits(const tensor_view& t) {
        detail::check(t);
        return detail::volume(t.extents) + detail::nonzeros(t.words) * t.word_bits;
    }
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        return static_cast<double>(detail::volume(extents)) * (1.0 + density * word_bits);
    }
    static encoded encode(const tensor_view& t) {
        encoded c = detail::start(t);
        for (const std::uint32_t w : t.words) c.stream.push(w != 0 ? 1 : 0, 1);
        for (const std::uint32_t w : t.words)
            if (w != 0) c.stream.push(w, t.word_bits);
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        for (std::uint32_t& w : words) w = in.pull(1);
        for (std::uint32_t& w : words)
            if (w != 0) w = in.pull(c.word_bits);
        return words;
    }
};

/// Pairs (zeros before, word), over the whole tensor. A run that does not fit its field is broken
/// by a filler: a full run and a zero word. Zeros after the last non-zero are not stored.
struct run_length {
    int run_bits = 4;  ///< 1..31

    std::int64_t bits(const tensor_view& t) const {
        detail::check(t);
        std::int64_t symbols = 0;
        std::int64_t run = 0;
        for (const std::uint32_t w : t.words) {
            if (w == 0) {
                ++run;
                continue;
            }
            symbols += 1 + (run >> run_bits);
            run = 0;
        }
        return symbols * (t.word_bits + run_bits);
    }
    /// A filler stands for every 2^run_bits zeros in front of a non-zero.
    double expected_bits(std::span<const int> extents, double density, int word_bits) const {
        const std::int64_t n = detail::volume(extents);
        const std::int64_t step = std::int64_t{1} << run_bits;
        const double survives = detail::power(1.0 - density, step);
        double symbols = density * static_cast<double>(n);
        double p = survives;
        for (std::int64_t zeros = step; zeros < n && p > 0.0; zeros += step, p *= survives)
            symbols += density * static_cast<double>(n - zeros) * p;
        return symbols * (word_bits + run_bits);
    }
    encoded encode(const tensor_view& t) const {
        encoded c = detail::start(t);
        const std::uint32_t longest = (std::uint32_t{1} << run_bits) - 1;
        std::uint32_t run = 0;
        std::uint32_t fillers = 0;
        for (const std::uint32_t w : t.words) {
            if (w == 0) {
                if (run == longest)
                    run = 0, ++fillers;
                else
                    ++run;
                continue;
            }
            for (; fillers > 0; --fillers) {
                c.stream.push(longest, run_bits);
                c.stream.push(0, t.word_bits);
            }
            c.stream.push(run, run_bits);
            c.stream.push(w, t.word_bits);
            run = 0;
        }
        return c;
    }
    std::vector<std::uint32_t> decode(const encoded& c) const {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        for (std::size_t i = 0; !in.done(); ++i) {
            i += in.pull(run_bits);
            if (i >= words.size()) throw error("format: a run leads beyond the tensor");
            words[i] = in.pull(c.word_bits);
        }
        return words;
    }
};

/// One coordinate a rank and the word, for each non-zero.
struct coordinate {
    /// Bits of a coordinate.
    static int index_bits(std::span<const int> extents) {
        int bits = 0;
        for (const int e : extents) bits += detail::bits_for(e);
        return bits;
    }
    static std::int64_t bits(const tensor_view& t) {
        detail::check(t);
        return detail::nonzeros(t.words) * (t.word_bits + index_bits(t.extents));
    }
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        return density * static_cast<double>(detail::volume(extents)) *
               (word_bits + index_bits(extents));
    }
    static encoded encode(const tensor_view& t) {
        encoded c = detail::start(t);
        c.counts = {static_cast<std::size_t>(detail::nonzeros(t.words))};
        for (std::size_t i = 0; i < t.words.size(); ++i) {
            if (t.words[i] == 0) continue;
            std::size_t below = t.words.size();
            std::size_t rest = i;
            for (const int e : t.extents) {
                below /= static_cast<std::size_t>(e);
                c.stream.push(static_cast<std::uint32_t>(rest / below), detail::bits_for(e));
                rest %= below;
            }
            c.stream.push(t.words[i], t.word_bits);
        }
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        for (std::size_t n = 0; n < c.counts.at(0); ++n) {
            std::size_t i = 0;
            for (const int e : c.extents)
                i = i * static_cast<std::size_t>(e) + in.pull(detail::bits_for(e));
            if (i >= words.size()) throw error("format: a coordinate outside the tensor");
            words[i] = in.pull(c.word_bits);
        }
        return words;
    }
};

}  // namespace hass::formats
