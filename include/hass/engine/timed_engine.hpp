/// \file timed_engine.hpp
/// Pipeline engines whose cycles are known and whose resources are not: they are no `Engine`s, so
/// that nothing can be allocated as if it were free. With a resource model of your own they become
/// one:
///
///     auto mine = hass::with_resources(hass::sps{}, [](const hass::layer_row&,
///                                                      const hass::row_option& c) {
///         return hass::usage{.dsp = 1.0 * engine_count(c.folding) * c.folding.macs};
///     });
///     hass::allocate(net, statistics, mine, hass::boards::u250{});
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>

namespace hass {

/// An `Engine` without `cost`.
template <class E>
concept TimedEngine = requires(const E& e, const layer_row& row, const layer_statistics& s,
                               const row_option& c) {
    { e.cycles(row, s, c) } -> std::convertible_to<double>;
    e.for_each(row, [](const row_option&) {});
};

/// A timed engine and what its stages cost.
/// \tparam R  callable as (row, option) -> usage
template <TimedEngine E, class R>
requires std::is_invocable_r_v<usage, const R&, const layer_row&, const row_option&>
struct priced_engine {
    E engine;  ///< what it takes its cycles from
    R resources;

    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        return engine.cycles(row, s, c);
    }
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        return resources(row, c);
    }
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        engine.for_each(row, std::forward<Visit>(visit));
    }
    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }
};

/// Makes a priced_engine. \param model  callable as (row, option) -> usage.
template <TimedEngine E, class R>
constexpr priced_engine<E, R> with_resources(E engine, R model) {
    return {std::move(engine), std::move(model)};
}

}  // namespace hass
