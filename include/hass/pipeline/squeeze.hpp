/// \file squeeze.hpp
/// Converters between stages of different width: where a stage gives other words at a time than the
/// next one takes, a squeeze stands between them. What it costs depends on both stages, so nothing
/// that chooses options row by row can count it: `evaluate` reports it beside the total, and
/// the allocator leaves it out.
#pragma once

#include <cstddef>
#include <span>

#include <hass/engine/engine.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Words a cycle at most that a row takes of each input, and gives.
constexpr int words_in(const layer_row& row, const row_option& c) {
    const parallelism& p = c.folding;
    return is_compute(row) ? p.in * p.group * p.vector : p.in;
}
constexpr int words_out(const layer_row& row, const row_option& c) {
    return is_compute(row) ? c.folding.out * c.folding.group : c.folding.in;
}

/// Resources of one squeeze from `from` to `to` words: the engine's resource model's, or the
/// calibrated one's at 16 bits.
template <Engine E>
constexpr usage squeeze_cost(const E& engine, int from, int to) {
    if constexpr (requires { engine.resources.squeeze(from, to, engine.widths.data); })
        return engine.resources.squeeze(from, to, engine.widths.data);
    else if constexpr (requires { engine.first(); })
        return squeeze_cost(engine.first(), from, to);
    else
        return calibrated::squeeze(from, to, precision{}.data);
}

/// All squeezes of a design. The image, and what `flatten` renames, come as they are taken.
/// \param chosen  one option a row
template <Engine E>
constexpr usage squeeze_cost(const E& engine, const network_view& net,
                             std::span<const row_option> chosen) {
    usage sum;
    for (const edge& e : net.edges) {
        if (e.from == network_input) continue;
        const auto from = static_cast<std::size_t>(e.from), to = static_cast<std::size_t>(e.to);
        if (net.rows[to].kind == layer_kind::flatten) continue;
        std::size_t source = from;  // behind flatten: what feeds it
        for (std::size_t k = 0; net.rows[source].kind == layer_kind::flatten; k = 0) {
            while (k < net.edges.size() && net.edges[k].to != static_cast<int>(source)) ++k;
            if (k == net.edges.size() || net.edges[k].from == network_input) break;
            source = static_cast<std::size_t>(net.edges[k].from);
        }
        if (net.rows[source].kind == layer_kind::flatten) continue;
        const int gives = words_out(net.rows[source], chosen[source]);
        const int takes = words_in(net.rows[to], chosen[to]);
        if (gives != takes) sum += squeeze_cost(engine, gives, takes);
    }
    return sum;
}

}  // namespace hass
