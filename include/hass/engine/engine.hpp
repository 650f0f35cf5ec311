/// \file engine.hpp
/// How a layer's dot products are executed, and what that costs. Every customisation point of the
/// room is listed here:
///
///     Engine      cycles(row, statistics, option) -> double, cycles for one image
///                 cost(row, option)               -> usage
///                 for_each(row, visit)                   calls visit(option) for every
///                                                        option that exists for the row
///                 stage_cost(row, option, held)   -> usage, of rows without weights
///                 lut_per_missing_bram18                 LUTs that stand in for an 18 Kbit block
///                                                        that the device lacks: a member of the
///                                                        engine or of its resource model. Without
///                                                        it what lacks blocks does not fit
///                 offers_lut_multipliers(widths)         whether options with multipliers of LUTs
///                                                        are visited: a member of the resource
///                                                        model. Without it they are neither
///                                                        visited nor priced
///                 every_memory, offers_lutram(depth),    the same for weights in LUT-RAM, and for
///                 offers_maps(row, folding)              buffers that are not in block RAM
///                 data_bits, or widths.data              bits of a word of images and answers,
///                                                        which the board's link carries; 16
///                                                        without either
///     words_out(row, option)                 words a cycle at most that a row gives, where its
///                                            engine narrows streams: a member of the engine or of
///                                            its resource model. Without it out * group
///     Resources   cost models, policies of an engine (folder `resources/`); what stands between
///                 stages is their members squeeze, mover, split
///                 (`pipeline/squeeze.hpp`); known_error says how far they were off
///     Interval    cycles of one window, policies of a sparse engine (`interval.hpp`)
///
/// An engine is asked about compute rows only; the other rows (pools, activations, additions) are
/// plain streaming stages (`stages.hpp`) that cost the same whatever engine stands beside them, so
/// an engine of your own may leave `stage_cost` out. Where an option is taken, a `parallelism` will
/// do; `legal(engine, row)` gives the options of any engine as a list.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

struct row_option;

/// How a row is folded onto hardware. `in * out * group` engines stand side by side, each with
/// `macs` multipliers; `shared` of those along `out` are led by one control where an engine is built
/// so, and all of it stands there `pixels` times.
struct parallelism {
    int in = 1;      ///< input channels in parallel; in * vector divides C / g
    int out = 1;     ///< filters in parallel; divides F / g
    int group = 1;   ///< groups in parallel; divides g
    int macs = 1;    ///< N, multipliers of one engine, 1 .. M
    int vector = 1;  ///< adjacent input channels one engine takes in at once; M = vector * K
    int shared = 1;  ///< filters that share one engine's control; divides out
    int pixels = 1;  ///< output pixels in parallel, each on a replica of everything

    constexpr operator row_option() const;  ///< so folded, on engine 0, weights in BRAM18
    constexpr bool operator==(const parallelism&) const = default;
};

/// Engines that stand side by side.
constexpr int engine_count(const parallelism& p) {
    return p.in * p.out * p.group * p.pixels;
}

/// Where a row's weights live, or what it buffers. Weights `off_chip` are read anew for every pixel,
/// through a FIFO; resource models offer it when they are told the clock, and `lutram` when they are
/// told to offer every memory.
enum class weight_memory : std::uint8_t { bram18, uram, off_chip, lutram };

inline constexpr std::array<std::string_view, 4> weight_memory_names{"bram18", "uram", "off_chip",
                                                                     "lutram"};
constexpr std::string_view name(weight_memory memory) {
    return weight_memory_names[static_cast<std::size_t>(memory)];
}

/// Cycles of an option that the statistics rule out: its memory has no room for so many
/// weights that are not zero. Finite, so that it compares and adds like any other.
inline constexpr double ruled_out = 1e300;

/// What a row's multipliers are built from. Not every resource model offers both.
enum class multiplier : std::uint8_t { dsp, lut };

inline constexpr std::array<std::string_view, 2> multiplier_names{"dsp", "lut"};
constexpr std::string_view name(multiplier built_from) {
    return multiplier_names[static_cast<std::size_t>(built_from)];
}

/// Everything that is chosen for one row.
struct row_option {
    parallelism folding{};  ///< how much of it stands side by side
    /// Of the weights; of what a row without weights buffers.
    weight_memory memory = weight_memory::bram18;
    int engine = 0;  ///< which engine of an `engine_list`; 0 for a single one
    multiplier multipliers = multiplier::dsp;  ///< what its multipliers are made of
    /// Of what a row with weights buffers: lines, windows, partial sums, biases.
    weight_memory maps = weight_memory::bram18;

    constexpr bool operator==(const row_option&) const = default;
};

constexpr parallelism::operator row_option() const {
    return {*this, weight_memory::bram18, 0, multiplier::dsp, weight_memory::bram18};
}

/// What a row has to hold of one of its inputs until the others are there (`skew.hpp`).
struct held_input {
    std::int64_t words = 0;   ///< of the input, held at once
    std::int64_t cycles = 0;  ///< beside the words, a word a stream in each

    constexpr bool operator==(const held_input&) const = default;
};

/// Word widths in bits.
struct precision {
    int data = 16;         ///< of activations
    int weight = 16;       ///< of weights
    int accumulator = 32;  ///< of sums

    constexpr bool operator==(const precision&) const = default;
};

/// The widths that a row is built with: those that a quantised network states, else the engine's; of what
/// comes in and what goes out the wider one.
/// Resource models are fitted from 8 to 16 bits: what is narrower is priced as 8, never too low. An
/// accumulator holds the longest sum, if that is narrower than the engine's.
constexpr precision stated(const layer_row& row, precision engine) {
    constexpr int fitted = 8;
    const int own = engine.accumulator;
    if (row.weight_bits > 0) engine.weight = row.weight_bits < fitted ? fitted : row.weight_bits;
    const int data = row.data_bits < fitted ? fitted : row.data_bits;
    if (row.data_bits > 0 && !(row.widens && data < engine.data)) engine.data = data;
    if (row.weight_bits == 0 || row.data_bits == 0) return engine;
    const std::int64_t terms = std::int64_t{channels_per_group(row)} * taps(row);
    const int sum = row.weight_bits + row.data_bits + detail::bits_for(terms);
    engine.accumulator = sum < own ? sum : own;
    return engine;
}

/// Anything that executes dot products.
template <class E>
concept Engine = requires(const E& e, const layer_row& row, const layer_statistics& s,
                          const row_option& c) {
    { e.cycles(row, s, c) } -> std::convertible_to<double>;
    { e.cost(row, c) } -> std::same_as<usage>;
    e.for_each(row, [](const row_option&) {});
};

/// Anything that prices engines: what a layer costs when a sparse or a dense engine executes it,
/// and what a row without weights costs that holds `held` of its inputs back (empty: nothing).
template <class R>
concept ResourceModel = requires(const R& r, const layer_row& row, const row_option& c,
                                 const precision& width, std::span<const held_input> held) {
    { r.sparse(row, c, width) } -> std::same_as<usage>;
    { r.dense(row, c, width) } -> std::same_as<usage>;
    { r.stage(row, c, width, held) } -> std::same_as<usage>;
};

namespace detail {

/// \throws hass::error for a row without weights
constexpr void require_compute(const layer_row& row) {
    if (!is_compute(row))
        throw error("engines run compute rows only (convolution, linear), not a " +
                    std::string(name(row.kind)) + ": `stage_cycles` and `evaluate` take it");
}

/// `prepare` of an engine that has none: remembers what it was asked about.
template <Engine E>
struct unprepared {
    const E* engine;
    const layer_row* row;
    const layer_statistics* statistics;

    constexpr double cycles(const row_option& c) const {
        return engine->cycles(*row, *statistics, c);
    }
};

}  // namespace detail

/// LUTs for a block RAM that the device lacks, by the engine or its resource model; 0 when blocks
/// cannot be replaced.
template <class E>
constexpr double lut_per_missing_bram18(const E& engine) {
    if constexpr (requires { engine.lut_per_missing_bram18; })
        return engine.lut_per_missing_bram18;
    else if constexpr (requires { engine.resources.lut_per_missing_bram18; })
        return engine.resources.lut_per_missing_bram18;
    else if constexpr (requires { engine.first(); })
        return lut_per_missing_bram18(engine.first());
    else
        return 0.0;
}

/// Bits of a word of data (images, maps, answers) that the engine is priced at: its `data_bits` or
/// `widths.data`; 16 where it says neither.
template <class E>
constexpr int data_bits(const E& engine) {
    if constexpr (requires { static_cast<int>(engine.data_bits); })
        return static_cast<int>(engine.data_bits);
    else if constexpr (requires { static_cast<int>(engine.widths.data); })
        return static_cast<int>(engine.widths.data);
    else if constexpr (requires { engine.first(); })
        return data_bits(engine.first());
    else
        return precision{}.data;
}

/// Something with `cycles(option)` for one row at one operating point, cheap to ask many
/// times. Engines that have `prepare` are prepared, others are asked afresh each time; use it no
/// longer than `engine`, `row` and `s` live.
/// \throws hass::error for a row without weights, or when the statistics do not fit the row
template <Engine E>
constexpr auto prepared(const E& engine, const layer_row& row, const layer_statistics& s) {
    detail::require_compute(row);
    if constexpr (requires { engine.prepare(row, s); })
        return engine.prepare(row, s);
    else
        return detail::unprepared<E>{&engine, &row, &s};
}

/// Words a cycle at most that a row takes of each input, and gives.
constexpr int words_in(const layer_row& row, const row_option& c) {
    const parallelism& p = c.folding;
    return is_compute(row) ? p.in * p.group * p.vector : p.in;
}
/// Words a cycle at most that a row gives.
constexpr int words_out(const layer_row& row, const row_option& c) {
    return is_compute(row) ? c.folding.out * c.folding.group : c.folding.in;
}

/// What an engine's row gives: `words_out(row, option)` of its own or of its resource model, where
/// streams are narrowed inside of a row, or the above.
template <class E>
constexpr int words_out(const E& engine, const layer_row& row, const row_option& c) {
    if constexpr (requires { engine.words_out(row, c); })
        return engine.words_out(row, c);
    else if constexpr (requires { engine.resources.words_out(row, c); })
        return engine.resources.words_out(row, c);
    else
        return words_out(row, c);
}

/// The options that `engine` has for the row, in its order; the engines here have it as a member
/// too, `engine.legal(row)`.
/// \throws hass::error for a row without weights
template <class E>
requires requires(const E& e, const layer_row& row) {
    e.for_each(row, [](const row_option&) {});
}
constexpr std::vector<row_option> legal(const E& engine, const layer_row& row) {
    detail::require_compute(row);
    std::vector<row_option> options;
    engine.for_each(row, [&](const row_option& c) { options.push_back(c); });
    return options;
}

}  // namespace hass
