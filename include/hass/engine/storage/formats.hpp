/// \file formats.hpp
/// How sparse tensors are stored: exact bits of a given tensor, expected bits at a density, and the
/// bits themselves (encode, decode), so that every size claimed here can be counted.
///
///     uncompressed            n w
///     bitmask                 n + nnz w
///     run_length              (nnz + fillers) (w + run bits)
///     coordinate              nnz (w + sum over ranks ceil(log2 extent))
///     csr, csc                nnz (w + ceil(log2 columns)) + (rows + 1) ceil(log2(nnz + 1))
///     csf                     the same, rank upon rank
///     gh_offsets              G of H slots: (w + ceil(log2 H)) each
///     hierarchical_offsets    G1 of H1 blocks of G0 of H0 slots
///     periodic_index          kept taps only, and one table of patterns
///
/// Words are raw bits; 0 is the value that is left out. Extents, word width and the numbers of
/// entries are taken as option (a descriptor of the layer) and not counted.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/power.hpp>
#include <hass/error.hpp>

namespace hass::formats {

/// A tensor of words, row-major over its extents (each >= 1), last extent contiguous.
struct tensor_view {
    std::span<const std::uint32_t> words;
    std::span<const int> extents;
    int word_bits = 8;  ///< 1..32
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
        explicit reader(const bit_stream& s) : stream_(&s) {}
        /// \throws hass::error at the end of the stream
        std::uint32_t pull(int bits) {
            if (next_ + static_cast<std::size_t>(bits) > stream_->bits_.size())
                throw error("format: the stream ends after " + std::to_string(stream_->size()) +
                            " bits");
            std::uint32_t value = 0;
            for (int b = 0; b < bits; ++b)
                value = value << 1U | (stream_->bits_[next_++] ? 1U : 0U);
            return value;
        }
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
    bit_stream stream;
    std::vector<int> extents;
    int word_bits = 8;
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
        if (e < 1) throw error("format: an extent of " + std::to_string(e));
    if (t.extents.empty()) throw error("format: a tensor without extents");
    if (t.word_bits < 1 || t.word_bits > 32)
        throw error("format: words of " + std::to_string(t.word_bits) + " bits, expected 1 to 32");
    if (t.words.size() != size_of(t.extents))
        throw error("format: " + std::to_string(t.words.size()) + " words for extents of " +
                    std::to_string(volume(t.extents)));
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

namespace detail {

/// Both compressed matrices: the first extent is the rows, the others together the columns;
/// pointers run along rows, or along columns when `Transposed`.
template <bool Transposed>
struct compressed_matrix {
    struct shape2 {
        std::int64_t rows;
        std::int64_t columns;
        /// Lines that have a pointer, and positions within one.
        std::int64_t lines() const { return Transposed ? columns : rows; }
        std::int64_t places() const { return Transposed ? rows : columns; }
        std::size_t at(std::int64_t line, std::int64_t place) const {
            return static_cast<std::size_t>(Transposed ? place * columns + line
                                                       : line * columns + place);
        }
    };
    static shape2 matrix(std::span<const int> extents) {
        return {extents.front(), volume(extents) / extents.front()};
    }

    static std::int64_t bits(const tensor_view& t) {
        check(t);
        const shape2 m = matrix(t.extents);
        const std::int64_t nnz = nonzeros(t.words);
        return nnz * (t.word_bits + bits_for(m.places())) + (m.lines() + 1) * bits_for(nnz + 1);
    }
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        const shape2 m = matrix(extents);
        const std::int64_t n = volume(extents);
        return density * static_cast<double>(n) * (word_bits + bits_for(m.places())) +
               static_cast<double>(m.lines() + 1) * expected_counter_bits(n, density);
    }
    static encoded encode(const tensor_view& t) {
        encoded c = start(t);
        const shape2 m = matrix(t.extents);
        const std::int64_t nnz = nonzeros(t.words);
        c.counts = {static_cast<std::size_t>(nnz)};
        std::uint32_t before = 0;
        c.stream.push(before, bits_for(nnz + 1));
        for (std::int64_t line = 0; line < m.lines(); ++line) {
            for (std::int64_t p = 0; p < m.places(); ++p)
                before += t.words[m.at(line, p)] != 0 ? 1U : 0U;
            c.stream.push(before, bits_for(nnz + 1));
        }
        for (std::int64_t line = 0; line < m.lines(); ++line)
            for (std::int64_t p = 0; p < m.places(); ++p)
                if (const std::uint32_t w = t.words[m.at(line, p)]; w != 0) {
                    c.stream.push(static_cast<std::uint32_t>(p), bits_for(m.places()));
                    c.stream.push(w, t.word_bits);
                }
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(size_of(c.extents));
        const shape2 m = matrix(c.extents);
        bit_stream::reader in(c.stream);
        std::vector<std::uint32_t> pointer(static_cast<std::size_t>(m.lines()) + 1);
        for (std::uint32_t& p : pointer)
            p = in.pull(bits_for(static_cast<std::int64_t>(c.counts.at(0)) + 1));
        for (std::int64_t line = 0; line < m.lines(); ++line)
            for (std::uint32_t k = pointer[static_cast<std::size_t>(line)];
                 k < pointer[static_cast<std::size_t>(line) + 1]; ++k) {
                const std::int64_t place = in.pull(bits_for(m.places()));
                if (place >= m.places()) throw error("format: an index outside the matrix");
                words[m.at(line, place)] = in.pull(c.word_bits);
            }
        return words;
    }
};

}  // namespace detail

/// Compressed sparse rows; rows are the first extent.
struct csr : detail::compressed_matrix<false> {};
/// Compressed sparse columns; columns are all extents after the first.
struct csc : detail::compressed_matrix<true> {};

/// Compressed sparse fibres: at each rank the coordinates of the subtrees that are not empty, and
/// pointers from each of them to its children.
struct csf {
    static std::int64_t bits(const tensor_view& t) {
        detail::check(t);
        const auto nodes = levels(t);
        std::int64_t sum = 0;
        for (std::size_t l = 0; l < nodes.size(); ++l) {
            const auto count = static_cast<std::int64_t>(nodes[l].size());
            sum += count * detail::bits_for(t.extents[l]);
            if (l + 1 < nodes.size())
                sum += (count + 1) *
                       detail::bits_for(static_cast<std::int64_t>(nodes[l + 1].size()) + 1);
        }
        return sum + static_cast<std::int64_t>(nodes.back().size()) * t.word_bits;
    }
    /// Numbers of coordinates are exact means; the width of a pointer is taken at the mean number
    /// of what it counts, so that near a power of two the mean size is a little off.
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        const std::int64_t n = detail::volume(extents);
        const auto mean_nodes = [&](std::int64_t prefixes) {
            return static_cast<double>(prefixes) *
                   (1.0 - detail::power(1.0 - density, n / prefixes));
        };
        double sum = density * static_cast<double>(n) * word_bits;
        std::int64_t prefixes = 1;
        for (std::size_t l = 0; l < extents.size(); ++l) {
            prefixes *= extents[l];
            sum += mean_nodes(prefixes) * detail::bits_for(extents[l]);
            if (l + 1 < extents.size()) {
                const auto below =
                    static_cast<std::int64_t>(mean_nodes(prefixes * extents[l + 1]) + 0.5);
                sum += (mean_nodes(prefixes) + 1.0) * detail::bits_for(below + 1);
            }
        }
        return sum;
    }
    static encoded encode(const tensor_view& t) {
        encoded c = detail::start(t);
        const auto nodes = levels(t);
        for (std::size_t l = 0; l < nodes.size(); ++l) {
            c.counts.push_back(nodes[l].size());
            const auto extent = static_cast<std::size_t>(t.extents[l]);
            for (const std::size_t prefix : nodes[l])
                c.stream.push(static_cast<std::uint32_t>(prefix % extent),
                              detail::bits_for(t.extents[l]));
            if (l + 1 == nodes.size()) break;
            const int width = detail::bits_for(static_cast<std::int64_t>(nodes[l + 1].size()) + 1);
            const auto below = static_cast<std::size_t>(t.extents[l + 1]);
            std::size_t child = 0;
            c.stream.push(0, width);
            for (const std::size_t prefix : nodes[l]) {
                while (child < nodes[l + 1].size() && nodes[l + 1][child] / below == prefix)
                    ++child;
                c.stream.push(static_cast<std::uint32_t>(child), width);
            }
        }
        for (const std::size_t i : nodes.back()) c.stream.push(t.words[i], t.word_bits);
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        std::vector<std::size_t> prefix;  // of each node of the level
        std::vector<std::uint32_t> pointer{0, static_cast<std::uint32_t>(c.counts.at(0))};
        std::vector<std::size_t> parents{0};
        for (std::size_t l = 0; l < c.extents.size(); ++l) {
            prefix.clear();
            for (std::size_t p = 0; p < parents.size(); ++p)
                for (std::uint32_t k = pointer[p]; k < pointer[p + 1]; ++k)
                    prefix.push_back(parents[p] * static_cast<std::size_t>(c.extents[l]) +
                                     in.pull(detail::bits_for(c.extents[l])));
            if (l + 1 < c.extents.size()) {
                pointer.resize(prefix.size() + 1);
                for (std::uint32_t& p : pointer)
                    p = in.pull(
                        detail::bits_for(static_cast<std::int64_t>(c.counts.at(l + 1)) + 1));
                parents = prefix;
            }
        }
        for (const std::size_t i : prefix) {
            if (i >= words.size()) throw error("format: a coordinate outside the tensor");
            words[i] = in.pull(c.word_bits);
        }
        return words;
    }

  private:
    /// Row-major numbers of the non-empty prefixes of each rank, ascending.
    static std::vector<std::vector<std::size_t>> levels(const tensor_view& t) {
        std::vector<std::vector<std::size_t>> nodes(t.extents.size());
        for (std::size_t i = 0; i < t.words.size(); ++i)
            if (t.words[i] != 0) nodes.back().push_back(i);
        for (std::size_t l = nodes.size() - 1; l > 0; --l)
            for (const std::size_t child : nodes[l]) {
                const std::size_t prefix = child / static_cast<std::size_t>(t.extents[l]);
                if (nodes[l - 1].empty() || nodes[l - 1].back() != prefix)
                    nodes[l - 1].push_back(prefix);
            }
        return nodes;
    }
};

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
            throw error("format: the tensor holds more non-zeros than " +
                        std::to_string(outer.keep) + ":" + std::to_string(outer.of) + " of " +
                        std::to_string(inner.keep) + ":" + std::to_string(inner.of) + " allows");
    }
};

/// G of H words along the last extent, each with its offset.
struct gh_offsets : hierarchical_offsets {
    constexpr explicit gh_offsets(int g = 2, int h = 4) : hierarchical_offsets{{1, 1}, {g, h}} {}
};

/// The last extent is the taps, the one before it the channels: channel c keeps the taps of pattern
/// c mod period, the same for everything in front; a table names these taps.
struct periodic_index {
    int keep = 4;
    int period = 8;

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
            throw error("format: a periodic index of " + std::to_string(keep) + " of " +
                        std::to_string(taps) + " taps, period " + std::to_string(period));
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
                throw error("format: a pattern of " + std::to_string(in_use) + " taps, kept are " +
                            std::to_string(keep));
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
