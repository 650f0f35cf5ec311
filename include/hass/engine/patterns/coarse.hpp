/// \file coarse.hpp
/// Patterns that are a structure plus a share to keep: single weights, blocks, input channels,
/// filters. All cut a tensor into units and keep the units of the largest sum of squares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/patterns/pattern.hpp>

namespace hass::patterns {

namespace detail {

/// Units that stay of `units`, floor(keep units); a product within 1e-9 below a whole number counts
/// as that number.
constexpr std::int64_t kept_units(double keep, std::int64_t units) {
    return static_cast<std::int64_t>(keep * static_cast<double>(units) + 1e-9);
}

/// What the four patterns share. `Self` gives units(e) and unit(e, filter, channel, tap); units
/// are numbered from 0 and are of `unit_size` weights, fewer at the tensor's edge.
template <class Self>
struct unitwise {
    /// Share of units that stay, in [0, 1].
    double keep = 1.0;

    constexpr explicit unitwise(double share) : keep(share) {
        if (!(share >= 0.0 && share <= 1.0))
            throw error("pattern: the share to keep is not within [0, 1]");
    }

    constexpr double density() const { return keep; }
    /// Every number of kept units, none and all included.
    static constexpr std::int64_t degrees(weight_extents e) { return Self::units(e) + 1; }
    static constexpr bool applies(weight_extents) { return true; }

    bool conforms(weight_extents e, std::span<const float> w) const {
        check(e, w.size());
        std::int64_t used = 0;
        for (const double s : scores(e, w)) used += s != 0.0 ? 1 : 0;
        return used <= kept_units(keep, Self::units(e));
    }

    void project(weight_extents e, std::span<float> w) const {
        check(e, w.size());
        const std::vector<double> score = scores(e, w);
        const auto stay = static_cast<std::size_t>(kept_units(keep, Self::units(e)));
        std::vector<std::size_t> order;
        order_largest(score, stay, order);
        std::vector<bool> dropped(score.size(), false);
        for (std::size_t k = stay; k < order.size(); ++k) dropped[order[k]] = true;
        for_each(e, [&](std::size_t i, std::size_t unit) {
            if (dropped[unit]) w[i] = 0.0F;
        });
    }

    /// Kept units, full ones.
    constexpr std::int64_t stored_values(weight_extents e) const {
        return kept_units(keep, Self::units(e)) * Self::unit_size(e);
    }
    /// One bit a unit.
    constexpr std::int64_t metadata_bits(weight_extents e) const { return Self::units(e); }

  private:
    template <class Visit>
    static void for_each(weight_extents e, Visit visit) {
        for (int f = 0; f < e.filters; ++f)
            for (int c = 0; c < e.channels; ++c)
                for (int t = 0; t < e.taps; ++t)
                    visit(at(e, f, c, t), static_cast<std::size_t>(Self::unit(e, f, c, t)));
    }
    static std::vector<double> scores(weight_extents e, std::span<const float> w) {
        std::vector<double> score(static_cast<std::size_t>(Self::units(e)), 0.0);
        for_each(e, [&](std::size_t i, std::size_t unit) { score[unit] += square(w[i]); });
        return score;
    }
};

}  // namespace detail

/// Weights anywhere: what run-time engines such as the HASS SPE take. Stored with a bitmask.
struct unstructured : detail::unitwise<unstructured> {
    using unitwise::unitwise;
    static constexpr std::int64_t units(weight_extents e) { return e.size(); }
    static constexpr std::int64_t unit_size(weight_extents) { return 1; }
    static constexpr std::size_t unit(weight_extents e, int f, int c, int t) {
        return detail::at(e, f, c, t);
    }
};

/// Blocks of R filters x C input channels of one tap are zero or not as a whole.
template <int R, int C>
struct block : detail::unitwise<block<R, C>> {
    static_assert(R >= 1 && C >= 1, "block<R, C>: R filters x C channels, both >= 1");
    using detail::unitwise<block<R, C>>::unitwise;
    static constexpr std::int64_t units(weight_extents e) {
        return hass::detail::ceil_div(e.filters, R) * hass::detail::ceil_div(e.channels, C) *
               e.taps;
    }
    static constexpr std::int64_t unit_size(weight_extents) { return std::int64_t{R} * C; }
    static constexpr std::int64_t unit(weight_extents e, int f, int c, int t) {
        return ((f / R) * hass::detail::ceil_div(e.channels, C) + c / C) * e.taps + t;
    }
};

/// Whole input channels.
struct channel : detail::unitwise<channel> {
    using unitwise::unitwise;
    static constexpr std::int64_t units(weight_extents e) { return e.channels; }
    static constexpr std::int64_t unit_size(weight_extents e) {
        return std::int64_t{e.filters} * e.taps;
    }
    static constexpr int unit(weight_extents, int, int c, int) { return c; }
};

/// Whole filters.
struct filter : detail::unitwise<filter> {
    using unitwise::unitwise;
    static constexpr std::int64_t units(weight_extents e) { return e.filters; }
    static constexpr std::int64_t unit_size(weight_extents e) {
        return std::int64_t{e.channels} * e.taps;
    }
    static constexpr int unit(weight_extents, int f, int, int) { return f; }
};

}  // namespace hass::patterns
