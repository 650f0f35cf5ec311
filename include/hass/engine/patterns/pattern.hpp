/// \file pattern.hpp
/// Sparsity patterns: where a weight tensor may be non-zero, so that hardware stays cheap. Every
/// pattern is a type whose structure is known at compile time:
///
///     unstructured          anywhere                                   coarse.hpp
///     block<R, C>           whole blocks of R filters x C channels     coarse.hpp
///     channel, filter       whole input channels, whole filters        coarse.hpp
///     gh<G, H>              at most G of H adjacent channels           structured.hpp
///     hss<gh.., gh..>       the same, rank upon rank (HighLight)       structured.hpp
///     periodic<T, G, P>     the same G of T taps every P channels      periodic.hpp
///
/// A pattern of your own is whatever satisfies `Pattern` below.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass::patterns {

/// Weights as a pattern sees them: filters x channels x taps, row-major, which is the order of a
/// layer's weights (out.channels x in.channels / groups x kernel). All >= 1.
struct weight_extents {
    int filters = 1;   ///< outputs
    int channels = 1;  ///< inputs of one group
    int taps = 1;      ///< height x width of the kernel

    constexpr std::int64_t size() const { return std::int64_t{filters} * channels * taps; }
    constexpr bool operator==(const weight_extents&) const = default;
};

/// The weights of a compute row.
constexpr weight_extents extents_of(const layer_row& row) {
    return {row.out.channels, channels_per_group(row), hass::taps(row)};
}

/// An exact ratio in lowest terms, 0 <= numerator, 1 <= denominator.
struct fraction {
    std::int64_t numerator = 0;    ///< above the line
    std::int64_t denominator = 1;  ///< below it

    constexpr fraction() = default;
    /// In lowest terms. \param d  >= 1.
    constexpr fraction(std::int64_t n, std::int64_t d)
        : numerator(n / std::gcd(n, d)), denominator(d / std::gcd(n, d)) {}

    /// As a floating-point number.
    constexpr double value() const {
        return static_cast<double>(numerator) / static_cast<double>(denominator);
    }
    /// Product, in lowest terms.
    friend constexpr fraction operator*(fraction a, fraction b) {
        return {a.numerator * b.numerator, a.denominator * b.denominator};
    }
    /// 1 - this, for ratios <= 1: a density becomes a sparsity.
    constexpr fraction complement() const { return {denominator - numerator, denominator}; }
    constexpr bool operator==(const fraction&) const = default;
    /// Exact order.
    friend constexpr bool operator<(fraction a, fraction b) {
        return a.numerator * b.denominator < b.numerator * a.denominator;
    }
};

/// What a pattern offers:
///     density()           largest share of non-zeros, in [0, 1]
///     degrees(e)          how many distinct sparsities the structure has on such a tensor
///     applies(e)          whether the structure exists for such a tensor; where it does not, the
///                         tensor stays as it is and counts as conforming
///     conforms(e, w)      whether no weight stands where the pattern forbids one
///     project(e, w)       zeroes weights so that w conforms and the squares that remain add up to
///                         the most that any conforming tensor keeps; ties keep the lower index
///     stored_values(e)    words that hardware stores, slots of structured patterns included
///     metadata_bits(e)    bits that say where these words stand
template <class P>
concept Pattern = requires(const P& p, weight_extents e, std::span<const float> w,
                           std::span<float> out) {
    { p.density() } -> std::convertible_to<double>;
    { p.degrees(e) } -> std::convertible_to<std::int64_t>;
    { p.applies(e) } -> std::convertible_to<bool>;
    { p.conforms(e, w) } -> std::convertible_to<bool>;
    p.project(e, out);
    { p.stored_values(e) } -> std::convertible_to<std::int64_t>;
    { p.metadata_bits(e) } -> std::convertible_to<std::int64_t>;
};

/// Bits of such a tensor in the pattern's own format: values and metadata.
/// \param word_bits width of one weight, >= 1
template <Pattern P>
constexpr std::int64_t storage_bits(const P& p, weight_extents e, int word_bits) {
    return p.stored_values(e) * word_bits + p.metadata_bits(e);
}

/// Share of zeros in a tensor; 0 for an empty one.
inline double sparsity(std::span<const float> weights) {
    if (weights.empty()) return 0.0;
    const auto zeros = std::count(weights.begin(), weights.end(), 0.0F);
    return static_cast<double>(zeros) / static_cast<double>(weights.size());
}

namespace detail {

/// \throws hass::error when the tensor does not have the size that its extents say
inline void check(weight_extents e, std::size_t size) {
    if (e.filters < 1 || e.channels < 1 || e.taps < 1 ||
        static_cast<std::uint64_t>(e.size()) != size)
        throw error(text_of({"pattern: ", size, " weights for ", e.filters, " filters x ",
                             e.channels, " channels x ", e.taps, " taps"}));
}

constexpr double square(float x) {
    return static_cast<double>(x) * static_cast<double>(x);
}

/// Where weight (filter, channel, tap) stands.
constexpr std::size_t at(weight_extents e, int filter, int channel, int tap) {
    return (static_cast<std::size_t>(filter) * static_cast<std::size_t>(e.channels) +
            static_cast<std::size_t>(channel)) *
               static_cast<std::size_t>(e.taps) +
           static_cast<std::size_t>(tap);
}

/// Indices of the `keep` largest scores, lower index first on ties; the rest follows in `order`
/// from `keep` on.
inline void order_largest(std::span<const double> score, std::size_t keep,
                          std::vector<std::size_t>& order) {
    order.resize(score.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (keep == 0 || keep >= order.size()) return;
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(keep - 1),
                     order.end(), [&](std::size_t a, std::size_t b) {
                         return score[a] != score[b] ? score[a] > score[b] : a < b;
                     });
}

}  // namespace detail

}  // namespace hass::patterns
