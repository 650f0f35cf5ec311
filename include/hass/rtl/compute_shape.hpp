/// \file compute_shape.hpp
/// A compute row's extents in hardware, by the engine that executes it, and which of them have modules.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <hass/engine/folding.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/rtl/stage.hpp>

namespace hass::rtl {

/// What executes a row's dot products.
enum class engine_kind : std::uint8_t {
    dense,  ///< `hass_dense`, `hass_depthwise`: sums go down a cascade of DSPs
    spe,    ///< `hass_spes`: the paper's
    lanes,  ///< `hass_lanes`, `hass_lane_array`: `lane_dot`
    lists,  ///< `hass_lists`, `hass_list_array`: `list_dot`
};

/// The extents of a row in hardware. A dense engine, and one of lanes, spans all `in` windows side by
/// side; SPEs have a window each.
struct compute_shape {
    int lanes_in;     ///< channels a word
    int words;        ///< of a dot product: channels of a group / lanes_in, 1 if depthwise
    int pixel_words;  ///< of a whole pixel
    int positions;    ///< of the windows of one group
    int multipliers;  ///< of a filter
    int filters;      ///< at once, of one group
    int groups;       ///< at once
    int replays;      ///< of the words of a dot product
    int dots;         ///< until the weights start again
    int steps;        ///< cycles of a dense window
    int sets;         ///< of filters that share the control of lanes
    int engines;      ///< that have memories of their own
    int chain;        ///< of the DSPs that lists shift sums out through, 1 without

    /// \param p  a folding that exists
    compute_shape(const layer_row& row, const parallelism& p, engine_kind kind) {
        groups = p.group;
        lanes_in = p.in * p.vector * p.group;
        words = channels_per_group(row) / (p.in * p.vector);
        pixel_words = row.in.channels / lanes_in;
        positions = p.in * p.vector * taps(row);
        multipliers = p.in * p.macs;
        filters = p.out;
        replays = filters_per_group(row) / p.out;
        dots = row.groups / p.group * replays;
        steps = (positions + multipliers - 1) / multipliers;
        sets = kind == engine_kind::lanes ? p.out / p.shared : 1;
        engines = kind == engine_kind::lists ? 1
                  : kind == engine_kind::spe ? p.in * p.out * p.group
                                             : p.group * sets;
        chain = kind == engine_kind::lists ? drain_chain(p.out) : 1;
    }

    /// Words of results that leave at once.
    int lanes_out() const { return groups * filters / chain; }
    /// Values that a word has behind the narrowing: the fewest that keep up with the engine.
    int values_out(std::int64_t cycles) const {
        for (int narrow = 1; narrow < lanes_out(); ++narrow)
            if (lanes_out() % narrow == 0 && lanes_out() / narrow <= cycles) return narrow;
        return lanes_out();
    }
};

namespace detail {

inline bool folding_exists(const layer_row& row, const parallelism& p, engine_kind kind) {
    if (kind == engine_kind::lanes) return lane_dot<>::legal(row, p);
    if (kind == engine_kind::lists) return list_dot<>::legal(row, p);
    if (!hass::detail::legal_streams(row, p) || p.macs > p.vector * taps(row)) return false;
    return kind == engine_kind::spe || p.vector * taps(row) % p.macs == 0;
}

}  // namespace detail

/// What no module does of a row in an option, as a phrase; empty where modules do it all.
inline std::string missing_module(const layer_row& row, const row_option& c, engine_kind kind) {
    const parallelism& p = c.folding;
    if (!detail::folding_exists(row, p, kind))
        return "its folding " + hass::detail::text(p) + " does not exist";
    const compute_shape s(row, p, kind);
    if (p.group > 1 && channels_per_group(row) > 1)
        return "no module runs several groups of several channels side by side";
    if (p.group > 1 && s.replays > 1)
        return "no module orders the filters of several groups at a time: out must be all of a "
               "group's";
    const int memories = kind == engine_kind::spe     ? 1
                         : kind == engine_kind::lists ? p.in
                                                      : s.multipliers;
    if (memories > 100 || s.engines > 100)
        return text_of({"modules number up to 100 memories; ", memories, " an engine, ", s.engines,
                        " engines"});
    if (c.memory == weight_memory::off_chip) return "no module reads weights off-chip";
    if (c.multipliers != multiplier::dsp) return "no module has multipliers of LUTs";
    return has_windows(row) ? std::string(missing_windows(row, s.pixel_words)) : std::string();
}

}  // namespace hass::rtl
