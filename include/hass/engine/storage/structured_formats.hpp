/// \file structured_formats.hpp
/// Formats of structured sparsity: where the number of kept words is fixed, no pointer is needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/storage/format.hpp>
#include <hass/text.hpp>

namespace hass::formats {

/// G1 of H1 blocks, each G0 of H0 words, along the last extent: one offset a kept block, one word
/// and one offset a slot. Slots that the tensor leaves empty are stored as zeros.
struct hierarchical_offsets {
    patterns::rank outer{1, 1};  ///< G1 : H1
    patterns::rank inner{2, 4};  ///< G0 : H0

    /// The same whatever the tensor holds. \throws hass::error when it does not conform
    std::int64_t bits(const tensor_view& t) const {
        check_conforms(t);
        return fixed_bits(t.extents, t.word_bits);
    }
    /// Independent of the density.
    double expected_bits(std::span<const int> extents, double /*density*/, int word_bits) const {
        return static_cast<double>(fixed_bits(extents, word_bits));
    }
    encoded encode(const tensor_view& t) const {
        check_conforms(t);
        encoded c = detail::start(t);
        for_each_top(t.extents, [&](std::size_t fibre, std::size_t first) {
            const auto word = [&](std::size_t i) {
                return i < length(t.extents) ? t.words[fibre * length(t.extents) + i] : 0U;
            };
            const auto busy = [&](std::size_t b) {
                for (std::size_t i = 0; i < of(inner); ++i)
                    if (word(first + b * of(inner) + i) != 0) return true;
                return false;
            };
            for (const std::size_t b : slots(outer, busy)) {
                c.stream.push(static_cast<std::uint32_t>(b), outer.offset_bits());
                const std::size_t base = first + b * of(inner);
                for (const std::size_t i :
                     slots(inner, [&](std::size_t at) { return word(base + at) != 0; })) {
                    c.stream.push(static_cast<std::uint32_t>(i), inner.offset_bits());
                    c.stream.push(word(base + i), t.word_bits);
                }
            }
        });
        return c;
    }
    std::vector<std::uint32_t> decode(const encoded& c) const {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        for_each_top(c.extents, [&](std::size_t fibre, std::size_t first) {
            for (std::size_t k = 0; k < keep(outer); ++k) {
                const std::size_t b = outer.offset_bits() > 0 ? in.pull(outer.offset_bits()) : k;
                for (std::size_t j = 0; j < keep(inner); ++j) {
                    const std::size_t i =
                        inner.offset_bits() > 0 ? in.pull(inner.offset_bits()) : j;
                    const std::uint32_t w = in.pull(c.word_bits);
                    const std::size_t at = first + b * of(inner) + i;
                    if (w == 0) continue;  // an empty slot names any place
                    if (at >= length(c.extents)) throw error("format: an offset outside its fibre");
                    words[fibre * length(c.extents) + at] = w;
                }
            }
        });
        return words;
    }

  private:
    static std::size_t of(patterns::rank r) { return static_cast<std::size_t>(r.of); }
    static std::size_t keep(patterns::rank r) { return static_cast<std::size_t>(r.keep); }
    static std::size_t length(std::span<const int> extents) {
        return static_cast<std::size_t>(extents.back());
    }

    std::int64_t fixed_bits(std::span<const int> extents, int word_bits) const {
        const std::int64_t tops =
            detail::volume(extents) / extents.back() *
            detail::ceil_div(extents.back(), std::int64_t{outer.of} * inner.of);
        return tops * outer.keep *
               (outer.offset_bits() + std::int64_t{inner.keep} * (word_bits + inner.offset_bits()));
    }
    template <class Visit>
    void for_each_top(std::span<const int> extents, Visit visit) const {
        const std::size_t fibres = detail::size_of(extents) / length(extents);
        for (std::size_t f = 0; f < fibres; ++f)
            for (std::size_t first = 0; first < length(extents); first += of(outer) * of(inner))
                visit(f, first);
    }
    /// Which children fill the slots: all of a dense rank, else the busy ones, then child 0.
    template <class Busy>
    static std::vector<std::size_t> slots(patterns::rank r, Busy busy) {
        std::vector<std::size_t> chosen;
        for (std::size_t i = 0; i < of(r); ++i)
            if (r.keep == r.of || busy(i)) chosen.push_back(i);
        // Child 0 fills up: where it is busy it is written twice, with the same words.
        chosen.resize(keep(r), 0);
        return chosen;
    }
    void check_conforms(const tensor_view& t) const {
        detail::check(t);
        std::vector<float> shadow(t.words.size());
        for (std::size_t i = 0; i < shadow.size(); ++i) shadow[i] = t.words[i] != 0 ? 1.0F : 0.0F;
        const patterns::rank inner_first[]{inner, outer};
        const int fibres = static_cast<int>(shadow.size() / length(t.extents));
        if (!patterns::detail::ranked_conforms(inner_first, {fibres, t.extents.back(), 1}, shadow))
            throw error(text_of({"format: the tensor holds more non-zeros than ", outer.keep, ":",
                                 outer.of, " of ", inner.keep, ":", inner.of, " allows"}));
    }
};

/// G of H words along the last extent, each with its offset.
struct gh_offsets : hierarchical_offsets {
    /// G of H words.
    constexpr explicit gh_offsets(int g = 2, int h = 4) : hierarchical_offsets{{1, 1}, {g, h}} {}
};

/// The last extent is the taps, the one before it the channels: channel c keeps the taps of pattern
/// c mod period, the same for everything in front; a table names these taps.
struct periodic_index {
    int keep = 4;    ///< taps that stay
    int period = 8;  ///< channels after which patterns repeat

    /// The same whatever the tensor holds. \throws hass::error when it does not conform
    std::int64_t bits(const tensor_view& t) const {
        detail::check(t);
        kept_taps(t);
        return fixed_bits(t.extents, t.word_bits);
    }
    double expected_bits(std::span<const int> extents, double /*density*/, int word_bits) const {
        return static_cast<double>(fixed_bits(extents, word_bits));
    }
    encoded encode(const tensor_view& t) const {
        encoded c = detail::start(t);
        const auto table = kept_taps(t);
        const int width = patterns::rank{keep, t.extents.back()}.offset_bits();
        for (const auto& pattern : table)
            for (const std::size_t tap : pattern)
                c.stream.push(static_cast<std::uint32_t>(tap), width);
        for_each_kernel(t.extents, [&](std::size_t first, std::size_t pattern) {
            for (const std::size_t tap : table[pattern])
                c.stream.push(t.words[first + tap], t.word_bits);
        });
        return c;
    }
    std::vector<std::uint32_t> decode(const encoded& c) const {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        const int width = patterns::rank{keep, c.extents.back()}.offset_bits();
        std::vector<std::vector<std::size_t>> table(static_cast<std::size_t>(period));
        for (auto& pattern : table)
            for (int k = 0; k < keep; ++k)
                pattern.push_back(width > 0 ? in.pull(width) : static_cast<std::size_t>(k));
        for_each_kernel(c.extents, [&](std::size_t first, std::size_t pattern) {
            for (const std::size_t tap : table[pattern]) {
                if (tap >= static_cast<std::size_t>(c.extents.back()))
                    throw error("format: a tap outside the kernel");
                words[first + tap] = in.pull(c.word_bits);
            }
        });
        return words;
    }

  private:
    std::int64_t fixed_bits(std::span<const int> extents, int word_bits) const {
        const std::int64_t kernels = detail::volume(extents) / extents.back();
        return kernels * keep * word_bits +
               std::int64_t{period} * keep * patterns::rank{keep, extents.back()}.offset_bits();
    }
    template <class Visit>
    void for_each_kernel(std::span<const int> extents, Visit visit) const {
        const auto taps = static_cast<std::size_t>(extents.back());
        const auto channels =
            extents.size() < 2 ? 1 : static_cast<std::size_t>(extents[extents.size() - 2]);
        const std::size_t kernels = detail::size_of(extents) / taps;
        for (std::size_t k = 0; k < kernels; ++k)
            visit(k * taps, k % channels % static_cast<std::size_t>(period));
    }
    /// Taps of each pattern: those in use, filled up with the first ones that are not.
    std::vector<std::vector<std::size_t>> kept_taps(const tensor_view& t) const {
        const auto taps = static_cast<std::size_t>(t.extents.back());
        if (keep < 1 || period < 1 || static_cast<std::size_t>(keep) > taps)
            throw error(text_of(
                {"format: a periodic index of ", keep, " of ", taps, " taps, period ", period}));
        std::vector<std::vector<bool>> used(static_cast<std::size_t>(period),
                                            std::vector<bool>(taps, false));
        for_each_kernel(t.extents, [&](std::size_t first, std::size_t pattern) {
            for (std::size_t tap = 0; tap < taps; ++tap)
                if (t.words[first + tap] != 0) used[pattern][tap] = true;
        });
        std::vector<std::vector<std::size_t>> table;
        for (auto& u : used) {
            auto in_use = std::count(u.begin(), u.end(), true);
            if (in_use > keep)
                throw error(text_of({"format: a pattern of ", in_use, " taps, kept are ", keep}));
            for (std::size_t tap = 0; tap < taps && in_use < keep; ++tap)
                if (!u[tap]) u[tap] = true, ++in_use;
            table.emplace_back();
            for (std::size_t tap = 0; tap < taps; ++tap)
                if (u[tap]) table.back().push_back(tap);
        }
        return table;
    }
};

}  // namespace hass::formats
