/// \file folding.hpp
/// A compute row folded onto hardware: the extents that cycles and cost formulas are written in.
#pragma once

#include <cstdint>
#include <string>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Rows and columns of a row's input with its padding.
constexpr std::int64_t padded_height(const layer_row& row) {
    return std::int64_t{row.in.height} + row.pad_top + row.pad_bottom;
}
/// Columns of a row's input with its padding.
constexpr std::int64_t padded_width(const layer_row& row) {
    return std::int64_t{row.in.width} + row.pad_left + row.pad_right;
}

/// Whether a row's kernel is a single tap, so that a window may span several channels.
constexpr bool single_tap(const layer_row& row) {
    return taps(row) == 1;
}

/// The extents of `row` under `p`. Every quotient is exact for a legal folding.
struct folded_row {
    int pairs;            ///< M = vector * K, pairs of one window
    int streams_in;       ///< in * group
    int streams_out;      ///< out * group
    int engines;          ///< in * out * group
    std::int64_t blocks;  ///< windows a pixel and stream, C / (vector * streams_in)
    std::int64_t
        group_blocks;      ///< of which one group's, C / (g * vector * in): partial sums to add
    std::int64_t filters;  ///< filters in turn on one engine, F / (g * out)

    /// Of a row that may be folded so.
    constexpr folded_row(const layer_row& row, const parallelism& p)
        : pairs(p.vector * taps(row)),
          streams_in(p.in * p.group),
          streams_out(p.out * p.group),
          engines(p.in * p.out * p.group),
          blocks(row.in.channels / (std::int64_t{p.vector} * streams_in)),
          group_blocks(row.in.channels / (std::int64_t{row.groups} * p.vector * p.in)),
          filters(row.out.channels / (std::int64_t{row.groups} * p.out)) {}

    /// Windows that one engine processes for one image: pixels x blocks x filters in turn.
    constexpr std::int64_t windows_per_engine(const layer_row& row) const {
        return row.out.pixels() * blocks * filters;
    }
};

/// Cycles to bring the input map in and the output map out, the floor of every engine:
/// max(H_i W_i C / (streams_in vector), H_o W_o F / streams_out).
constexpr double data_movement_cycles(const layer_row& row, const parallelism& p) {
    const double in =
        static_cast<double>(row.in.volume()) / (static_cast<double>(p.in) * p.group * p.vector);
    const double out =
        static_cast<double>(row.out.volume()) / (static_cast<double>(p.out) * p.group);
    return in > out ? in : out;
}

namespace detail {

/// Pairs in a window up to which the SPE has been synthesised.
inline constexpr int largest_window = 64;
/// Adjacent channels that a single-tap window may span.
inline constexpr int_list vector_lengths{{1, 2, 4, 8, 16}, 5};

/// Streams divide what they split, windows are no wider than what a single-tap kernel allows, and
/// no filters share an engine's control.
constexpr bool legal_streams(const layer_row& row, const parallelism& p) {
    if (!is_compute(row) || p.in < 1 || p.out < 1 || p.group < 1 || p.macs < 1 || p.vector < 1 ||
        p.shared != 1 || p.pixels != 1)
        return false;
    bool vector = p.vector == 1;
    if (single_tap(row))
        for (const int v : vector_lengths) vector = vector || p.vector == v;
    return vector && channels_per_group(row) % (std::int64_t{p.in} * p.vector) == 0 &&
           filters_per_group(row) % p.out == 0 && row.groups % p.group == 0;
}

/// Calls visit(p) for every legal choice of vector, group, in and out (macs = 1), in that order of
/// nesting, each ascending.
template <class Visit>
constexpr void for_each_streams(const layer_row& row, Visit&& visit) {
    const int_list outs = divisors(filters_per_group(row));
    const int_list groups = divisors(row.groups);
    for (const int vector : vector_lengths) {
        if (vector > 1 && (!single_tap(row) || channels_per_group(row) % vector != 0)) continue;
        const int_list ins = divisors(channels_per_group(row) / vector);
        for (const int group : groups)
            for (const int in : ins)
                for (const int out : outs) visit(parallelism{in, out, group, 1, vector});
    }
}

/// Calls visit(option) for each way in which `resources` can build a folding: for each kind of
/// multipliers each memory of what is buffered, and for each of these each memory of the weights.
/// \param read  weights that an engine reads at once
template <class R, class Visit>
constexpr void visit_built(const R& resources, const layer_row& row, const parallelism& p,
                           const precision& width, int read, Visit& visit) {
    bool off_chip = false, lutram = false, maps = false, lut_multipliers = false;
    if constexpr (requires { resources.off_chip_mhz; }) off_chip = resources.off_chip_mhz != 0.0;
    if constexpr (requires { resources.every_memory; }) {
        if (resources.every_memory) {
            const folded_row f(row, p);
            lutram = resources.offers_lutram(f.blocks * f.filters * (f.pairs / read));
            maps = resources.offers_maps(row, p);
        }
    }
    if constexpr (requires { resources.offers_lut_multipliers(width); })
        lut_multipliers = resources.offers_lut_multipliers(width);
    const auto built = [&](multiplier multipliers, weight_memory buffers) {
        visit(row_option{p, weight_memory::bram18, 0, multipliers, buffers});
        visit(row_option{p, weight_memory::uram, 0, multipliers, buffers});
        if (lutram) visit(row_option{p, weight_memory::lutram, 0, multipliers, buffers});
        if (off_chip) visit(row_option{p, weight_memory::off_chip, 0, multipliers, buffers});
    };
    for (const multiplier m : {multiplier::dsp, multiplier::lut}) {
        if (m == multiplier::lut && !lut_multipliers) break;
        built(m, weight_memory::bram18);
        if (maps) built(m, weight_memory::uram), built(m, weight_memory::lutram);
    }
}

/// A model that knows nothing of a choice must not be asked about it: its price would be another
/// option's.
/// \throws hass::error naming the choice
template <class R>
constexpr void require_priced(const R&, const row_option& c) {
    const auto refuse = [](const char* what) {
        throw error(text_of({"the resource model has no price for ", what}));
    };
    if constexpr (!requires(const R& r) { r.offers_lut_multipliers(precision{}); })
        if (c.multipliers != multiplier::dsp) refuse("multipliers of LUTs");
    if constexpr (!requires(const R& r) { r.every_memory; }) {
        if (c.memory == weight_memory::lutram) refuse("weights in LUT-RAM");
        if (c.maps != weight_memory::bram18) refuse("buffers that are not in block RAM");
    }
}

/// Whether weights of this sparsity fit where `resources` store them.
template <class R>
constexpr bool weights_fit(const R& resources, double weight_sparsity) {
    if constexpr (requires { resources.stored; })
        return 1.0 - weight_sparsity <= resources.stored;
    else
        return true;
}

inline std::string text(const parallelism& p) {
    const std::string replicas = p.pixels == 1 ? "" : text_of({", pixels ", p.pixels});
    const std::string sharing = p.shared == 1 ? "" : text_of({", shared ", p.shared});
    return text_of({"{in ", p.in, ", out ", p.out, ", group ", p.group, ", macs ", p.macs,
                    ", vector ", p.vector, sharing, replicas, "}"});
}

/// \throws hass::error for a row without weights; naming the folding and the extents that it does
/// not divide
constexpr void require_legal(bool legal, const layer_row& row, const parallelism& p) {
    if (legal) return;
    require_compute(row);
    throw error(text_of({"parallelism ", text(p), " does not exist for a ", name(row.kind),
                         " with ", row.in.channels, " -> ", row.out.channels, " channels, ",
                         row.groups, " groups and ", taps(row), " taps"}));
}

}  // namespace detail

}  // namespace hass
