/// \file squeeze.hpp
/// What stands between stages, and its price. It depends on the words that a stage gives or takes
/// at a time:
///
///     squeeze   where a stage gives other words than the next one takes: on both stages
///     mover     between off-chip memory and a stage that takes the image or gives answers
///     split     where several stages read one stream
///
/// Prices are those of the engine's resource model, by its members `squeeze(from, to, bits)`,
/// `mover(words, bits)` and `split(words, copies, bits)`; of `calibrated` where it has none. FIFOs
/// of joins are no part of this: rows that hold inputs back pay for them (`skew.hpp`).
#pragma once

#include <cstddef>
#include <span>

#include <hass/engine/engine.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Bits of a word that `row` takes: its own in a quantised network, else the engine's.
template <Engine E>
constexpr int stream_bits(const E& engine, const layer_row& row) {
    return row.data_bits > 0 ? row.data_bits : data_bits(engine);
}

/// \name Prices, >= 0 in every resource
/// @{

/// From `from` to `to` words of `bits`; nothing where they are the same.
template <Engine E>
constexpr usage squeeze_cost(const E& engine, int from, int to, int bits) {
    if (from == to) return {};
    if constexpr (requires { engine.resources.squeeze(from, to, bits); })
        return engine.resources.squeeze(from, to, bits);
    else if constexpr (requires { engine.first(); })
        return squeeze_cost(engine.first(), from, to, bits);
    else
        return calibrated::squeeze(from, to, bits);
}
/// The same at the engine's width.
template <Engine E>
constexpr usage squeeze_cost(const E& engine, int from, int to) {
    return squeeze_cost(engine, from, to, data_bits(engine));
}

/// To or from off-chip memory, `words` at a time.
template <Engine E>
constexpr usage mover_cost(const E& engine, int words) {
    if constexpr (requires { engine.resources.mover(words, 16); })
        return engine.resources.mover(words, data_bits(engine));
    else if constexpr (requires { engine.first(); })
        return mover_cost(engine.first(), words);
    else
        return calibrated::mover(words, data_bits(engine));
}

/// `copies` of a stream of `words`; nothing for one.
template <Engine E>
constexpr usage split_cost(const E& engine, int words, int copies) {
    if (copies < 2) return {};
    if constexpr (requires { engine.resources.split(words, copies, 16); })
        return engine.resources.split(words, copies, data_bits(engine));
    else if constexpr (requires { engine.first(); })
        return split_cost(engine.first(), words, copies);
    else
        return calibrated::split(words, copies, data_bits(engine));
}
/// @}

/// Movers and the split of one row: what depends on its own option alone.
template <Engine E>
constexpr usage ends_cost(const E& engine, const layer_row& row, const row_option& c,
                          const stream_ends& ends) {
    usage u = split_cost(engine, words_out(engine, row, c), ends.copies);
    if (ends.images > 0) u += double(ends.images) * mover_cost(engine, words_in(row, c));
    if (ends.answers > 0) u += double(ends.answers) * mover_cost(engine, words_out(engine, row, c));
    return u;
}

/// Everything that stands between the stages of a design.
/// \param streams  of the network
/// \param chosen   one option a row
template <Engine E>
constexpr usage between_cost(const E& engine, const network_view& net,
                             const network_streams& streams, std::span<const row_option> chosen) {
    usage sum;
    for (std::size_t i = 0; i < net.size(); ++i)
        sum += ends_cost(engine, net.rows[i], chosen[i], streams.ends(i));
    for (const stream_edge& e : streams.edges())
        sum += squeeze_cost(engine, words_out(engine, net.rows[e.from], chosen[e.from]),
                            words_in(net.rows[e.to], chosen[e.to]),
                            stream_bits(engine, net.rows[e.to]));
    return sum;
}

}  // namespace hass
