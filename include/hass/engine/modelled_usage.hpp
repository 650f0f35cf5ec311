/// \file modelled_usage.hpp
/// Resources of which some have no model: a sum is then of what is modelled, and says so.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include <hass/engine/usage.hpp>

namespace hass {

/// What a model says of some resources, and which of them it says nothing of.
struct modelled_usage {
    usage value{};  ///< 0 where nothing is said; a lower bound where only a part is modelled
    /// By index into `resources`.
    std::array<bool, resources.size()> known{true, true, true, true, true, true};

    /// Nothing where some of it is not modelled. \param r  an index into `resources`
    constexpr std::optional<double> at(std::size_t r) const {
        return known[r] ? std::optional<double>(value.*resources[r].field) : std::nullopt;
    }
    /// The same, without a model of these resources.
    template <class... Index>
    constexpr modelled_usage without(Index... r) const {
        modelled_usage u = *this;
        ((u.known[r] = false), ...);
        return u;
    }
    /// Sum; known where both are.
    constexpr modelled_usage& operator+=(const modelled_usage& o) {
        value += o.value;
        for (std::size_t r = 0; r < known.size(); ++r) known[r] = known[r] && o.known[r];
        return *this;
    }
    constexpr bool operator==(const modelled_usage&) const = default;
};

}  // namespace hass
