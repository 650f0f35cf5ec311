/// \file engine_list.hpp
/// Several engines to choose from, layer by layer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

/// visit(element) for element `index` of a tuple; every element must give the same type.
template <class Result, std::size_t I = 0, class Tuple, class Visit>
constexpr Result at(const Tuple& tuple, int index, Visit&& visit) {
    if constexpr (I < std::tuple_size_v<Tuple>) {
        if (index == static_cast<int>(I)) return visit(std::get<I>(tuple));
        return at<Result, I + 1>(tuple, index, visit);
    } else {
        throw error(text_of({"engine ", index, " of a list of ", std::tuple_size_v<Tuple>}));
    }
}

}  // namespace detail

/// A layer at one operating point on every engine of a list.
template <class... Prepared>
struct prepared_list {
    std::tuple<Prepared...> engines;  ///< one an engine

    constexpr double cycles(const row_option& c) const {
        return detail::at<double>(engines, c.engine,
                                  [&](const auto& e) -> double { return e.cycles(c); });
    }
};

/// An engine that is any of `E...`: `option::engine` says which. The first one prices rows
/// without weights and block RAMs that are missing. Lists do not nest.
template <Engine... E>
requires(sizeof...(E) > 0) struct engine_list {
    std::tuple<E...> engines{};  ///< in the order of `row_option::engine`

    /// The engine that speaks for all where the row's own is not asked.
    constexpr const auto& first() const { return std::get<0>(engines); }

    /// \throws hass::error when `c.engine` is not in the list, and as the engine itself does
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        return detail::at<double>(engines, c.engine,
                                  [&](const auto& e) -> double { return e.cycles(row, s, c); });
    }

    constexpr usage cost(const layer_row& row, const row_option& c) const {
        return detail::at<usage>(engines, c.engine, [&](const auto& e) { return e.cost(row, c); });
    }

    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const requires
        requires(const std::tuple_element_t<0, std::tuple<E...>>& first) {
        first.stage_cost(row, c, held);
    }
    { return std::get<0>(engines).stage_cost(row, c, held); }

    /// Words a cycle at most that the row's own engine gives (`pipeline/squeeze.hpp`).
    constexpr int words_out(const layer_row& row, const row_option& c) const {
        return detail::at<int>(engines, c.engine,
                               [&](const auto& e) { return hass::words_out(e, row, c); });
    }

    /// The options of the first engine, then of the second, ...
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        for_each_of(row, visit, std::index_sequence_for<E...>{});
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    constexpr auto prepare(const layer_row& row, const layer_statistics& s) const {
        return std::apply(
            [&](const E&... e) {
                return prepared_list<decltype(prepared(e, row, s))...>{{prepared(e, row, s)...}};
            },
            engines);
    }

  private:
    template <class Visit, std::size_t... I>
    constexpr void for_each_of(const layer_row& row, Visit&& visit,
                               std::index_sequence<I...>) const {
        (std::get<I>(engines).for_each(row,
                                       [&](row_option chosen) {
                                           chosen.engine = static_cast<int>(I);
                                           visit(chosen);
                                       }),
         ...);
    }
};

}  // namespace hass
