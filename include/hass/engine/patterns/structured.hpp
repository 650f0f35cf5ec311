/// \file structured.hpp
/// G:H structure along the input channels, and hierarchies of it (HighLight / HSS, MICRO 2023).
///
///     using half = patterns::gh<2, 4>;                                 // 2:4
///     using deep = patterns::hss<patterns::gh<4, 6>, patterns::gh<2, 4>>;  // 4:6 blocks, 2:4
///     inside deep::exact_density();                                           // 4/6 x 2/4 = 1/3
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/patterns/pattern.hpp>

namespace hass::patterns {

/// One rank of a hierarchy: of `of` adjacent children at most `keep` are non-zero.
struct rank {
    int keep = 1;  ///< most children that are not zero
    int of = 1;    ///< children of a block

    /// Largest share of children that are not zero.
    constexpr fraction density() const { return {keep, of}; }
    /// Bits that name one kept child among its siblings; a dense rank needs none.
    constexpr int offset_bits() const { return keep == of ? 0 : hass::detail::bits_for(of); }
    constexpr bool operator==(const rank&) const = default;
};

/// C(n, k), exact while it fits 63 bits.
constexpr std::int64_t choose(int n, int k) {
    std::int64_t c = 1;
    for (int i = 1; i <= k; ++i) c = c * (n - k + i) / i;
    return c;
}

/// Bits of the shortest fixed-length code of a full G:H block, ceil(log2 C(H, G)): 3 for 2:4, where
/// hardware spends 2 offsets of 2 bits.
constexpr int minimal_code_bits(rank r) {
    return hass::detail::bits_for(choose(r.of, r.keep));
}

namespace detail {

/// Channels of one filter and tap, strided through the tensor.
struct fibre {
    std::size_t first;
    std::size_t stride;
    std::size_t length;

    constexpr std::size_t at(std::size_t i) const { return first + i * stride; }
};

/// Calls visit(fibre) for each filter and tap.
template <class Visit>
constexpr void for_each_fibre(weight_extents e, Visit visit) {
    for (int f = 0; f < e.filters; ++f)
        for (int t = 0; t < e.taps; ++t)
            visit(fibre{at(e, f, 0, t), static_cast<std::size_t>(e.taps),
                        static_cast<std::size_t>(e.channels)});
}

/// Calls visit(keep, first, count, size) for every block of every rank, innermost rank first:
/// `count` children of `size` channels from channel `first` on, of which `keep` may stay. The last
/// block of a fibre may be short.
template <class Visit>
void for_each_block(std::span<const rank> inner_first, std::size_t length, Visit visit) {
    std::size_t child = 1;
    for (const rank& r : inner_first) {
        const std::size_t block = child * static_cast<std::size_t>(r.of);
        for (std::size_t first = 0; first < length; first += block) {
            const std::size_t covered = std::min(block, length - first);
            visit(static_cast<std::size_t>(r.keep), first, (covered + child - 1) / child, child);
        }
        child = block;
    }
}

inline bool ranked_conforms(std::span<const rank> inner_first, weight_extents e,
                            std::span<const float> w) {
    check(e, w.size());
    bool good = true;
    for_each_fibre(e, [&](const fibre& f) {
        for_each_block(
            inner_first, f.length,
            [&](std::size_t keep, std::size_t first, std::size_t count, std::size_t size) {
                std::size_t used = 0;
                for (std::size_t c = 0; c < count; ++c) {
                    bool any = false;
                    const std::size_t from = first + c * size;
                    for (std::size_t i = from; i < std::min(from + size, f.length); ++i)
                        any = any || w[f.at(i)] != 0.0F;
                    used += any ? 1U : 0U;
                }
                good = good && used <= keep;
            });
    });
    return good;
}

/// Innermost rank first: a child's score is what is left of it, so the choices of one rank never
/// change the best choice of the ranks below and the result is the nearest conforming tensor.
inline void ranked_project(std::span<const rank> inner_first, weight_extents e,
                           std::span<float> w) {
    check(e, w.size());
    std::vector<double> score;
    std::vector<std::size_t> order;
    for_each_fibre(e, [&](const fibre& f) {
        for_each_block(
            inner_first, f.length,
            [&](std::size_t keep, std::size_t first, std::size_t count, std::size_t size) {
                if (count <= keep) return;
                score.assign(count, 0.0);
                for (std::size_t i = first; i < std::min(first + count * size, f.length); ++i)
                    score[(i - first) / size] += square(w[f.at(i)]);
                order_largest(score, keep, order);
                for (std::size_t k = keep; k < count; ++k) {
                    const std::size_t from = first + order[k] * size;
                    for (std::size_t i = from; i < std::min(from + size, f.length); ++i)
                        w[f.at(i)] = 0.0F;
                }
            });
    });
}

}  // namespace detail

/// Hierarchical structured sparsity along the input channels: `Ranks` are gh<G, H> from the
/// outermost (rank N-1) to the innermost (rank 0). Rank 0 keeps G of H adjacent channels, rank n
/// keeps G of H adjacent blocks of rank n-1; a short block at the end of a fibre keeps as many.
template <class... Ranks>
struct hss {
    static_assert(sizeof...(Ranks) >= 1, "hss needs at least one rank, hss<gh<G, H>, ...>");
    /// Ranks, outermost first, as written.
    static constexpr std::array<rank, sizeof...(Ranks)> ranks{rank{Ranks::keep, Ranks::of}...};
    /// Ranks, rank 0 first.
    static constexpr std::array<rank, sizeof...(Ranks)> inner_first = [] {
        auto r = ranks;
        std::reverse(r.begin(), r.end());
        return r;
    }();

    /// Channels under one outermost block, the product of all H.
    static constexpr std::int64_t span = (std::int64_t{1} * ... * Ranks::of);
    /// Non-zeros under one outermost block, the product of all G.
    static constexpr std::int64_t kept = (std::int64_t{1} * ... * Ranks::keep);

    /// Product of G/H.
    static constexpr fraction exact_density() { return {kept, span}; }
    static constexpr fraction exact_sparsity() { return exact_density().complement(); }
    static constexpr double density() { return exact_density().value(); }
    static constexpr std::int64_t degrees(weight_extents) { return 1; }
    static constexpr bool applies(weight_extents) { return true; }
    static bool conforms(weight_extents e, std::span<const float> w) {
        return detail::ranked_conforms(inner_first, e, w);
    }
    static void project(weight_extents e, std::span<float> w) {
        detail::ranked_project(inner_first, e, w);
    }

    /// Outermost blocks of a tensor.
    static constexpr std::int64_t blocks(weight_extents e) {
        return std::int64_t{e.filters} * e.taps * hass::detail::ceil_div(e.channels, span);
    }
    /// Every block has all its slots, also where fewer weights are non-zero.
    static constexpr std::int64_t stored_values(weight_extents e) { return blocks(e) * kept; }
    /// One offset among its siblings for every kept child of every rank; two ranks:
    /// ceil(log2 H0) + ceil(log2 H1) / G0 bits a value.
    static constexpr std::int64_t metadata_bits(weight_extents e) {
        std::int64_t children = 1;
        std::int64_t bits = 0;
        for (const rank& r : ranks) {
            children *= r.keep;
            bits += children * r.offset_bits();
        }
        return blocks(e) * bits;
    }
};

/// At most G of H adjacent input channels are non-zero. One rank of `hss`, and a pattern itself.
template <int G, int H>
struct gh {
    static_assert(1 <= G && G <= H, "gh<G, H> keeps G of H: 1 <= G <= H");
    static constexpr int keep = G;  ///< most words that are not zero
    static constexpr int of = H;    ///< words of a block

    static constexpr fraction exact_density() { return {G, H}; }
    static constexpr fraction exact_sparsity() { return exact_density().complement(); }
    static constexpr double density() { return exact_density().value(); }
    static constexpr std::int64_t degrees(weight_extents) { return 1; }
    static constexpr bool applies(weight_extents) { return true; }
    static bool conforms(weight_extents e, std::span<const float> w) {
        return hss<gh>::conforms(e, w);
    }
    static void project(weight_extents e, std::span<float> w) { hss<gh>::project(e, w); }
    static constexpr std::int64_t stored_values(weight_extents e) {
        return hss<gh>::stored_values(e);
    }
    static constexpr std::int64_t metadata_bits(weight_extents e) {
        return hss<gh>::metadata_bits(e);
    }
};

/// What one rank of a hardware can be set to.
template <class... Choices>
struct options {
    /// In the order that they were given.
    static constexpr std::array<rank, sizeof...(Choices)> choices{
        rank{Choices::keep, Choices::of}...};
};

namespace detail {
template <int G, int First, class Sequence>
struct gh_range_of;
template <int G, int First, int... I>
struct gh_range_of<G, First, std::integer_sequence<int, I...>> {
    using type = options<gh<G, First + I>...>;
};
}  // namespace detail

/// options<gh<G, First>, gh<G, First + 1>, ..., gh<G, Last>>
template <int G, int First, int Last>
using gh_range =
    typename detail::gh_range_of<G, First, std::make_integer_sequence<int, Last - First + 1>>::type;

/// Every hierarchy that a two-rank hardware can run.
template <class Rank1, class Rank0>
struct degree_table {
    /// Choices of the outer rank.
    static constexpr std::size_t rows = Rank1::choices.size();
    /// Choices of the inner rank.
    static constexpr std::size_t columns = Rank0::choices.size();

    /// Sparsity of each combination: rank 1 down, rank 0 across.
    static constexpr std::array<std::array<fraction, columns>, rows> table = [] {
        std::array<std::array<fraction, columns>, rows> t{};
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j)
                t[i][j] = (Rank1::choices[i].density() * Rank0::choices[j].density()).complement();
        return t;
    }();

    /// The distinct sparsities, ascending. At most rows x columns.
    static constexpr std::vector<fraction> degrees() {
        std::vector<fraction> all;
        for (const auto& row : table) all.insert(all.end(), row.begin(), row.end());
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }
};

/// HighLight as presented: rank 1 4:{4..7}, rank 0 {4:4, 2:4, 1:4}; 12 degrees, all distinct.
using highlight_slides = degree_table<gh_range<4, 4, 7>, options<gh<4, 4>, gh<2, 4>, gh<1, 4>>>;
/// HighLight's hardware: rank 1 4:{4..8}, rank 0 2:{2..4}; 15 combinations, 12 distinct degrees.
using highlight_hardware = degree_table<gh_range<4, 4, 8>, gh_range<2, 2, 4>>;

}  // namespace hass::patterns
