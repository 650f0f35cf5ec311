/// \file lane_resources.hpp
/// What a layer of lanes takes (`engine/lane_dot.hpp`). The engine itself, and what brings windows to it, are
/// those of rtl/modules, synthesised by Yosys 0.23 for UltraScale+; what follows is as `calibrated`
/// counts it for other engines. Term by term:
///
///     engine             LUT, FF        counted from the module; what is left is fitted
///     multipliers        DSP            one a lane and filter
///     weights            a memory a lane: every multiplier reads a weight of its own each cycle,
///                        at an address that the lane's activation gives
///     weight masks       a memory an engine, of engines that look at weights
///     windows            the generator, once for all engines; and a buffer of two pixels where
///                        filters take turns, since each begins anew at the first window: counted
///                        from their modules, as the fork to engines side by side and their join
///     clipping           LUT, FF        synthesised; a word of the input each
///     sums               in the last DSP of a cascade; a DSP48E1 cannot add its own sum to the
///                        cascade's, so that there an adder stands behind
#pragma once

#include <algorithm>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/engine/resources/window_synthesis.hpp>
#include <hass/statistics/lane_layouts.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// `hass_lanes` of rtl/modules as Yosys 0.23 synthesises it for UltraScale+, with room for 8 windows a
/// lane. Counted from the module: rings of windows in LUT-RAM, multiplexers behind them, queues of
/// masks and skews of more than two cycles in shift registers, counters, tests for zero, registers.
/// Fitted: what a lane's handshake and a position's share of priority encoder and mask take.
///
/// From 15 points of lanes that did not hold their newest window back yet (1 to 27 positions in 1 to 9
/// lanes, 8 bits), and from what holding it back adds to 1 and to 3 lanes; all 19 are within 4.5 %,
/// five that were held out from the fit 1.6 % in the mean, 2 and 4 lanes of today 0.5 %. Without masks a
/// position takes 2.4 LUTs less (one point), of dot products of one window 3 (two points). Seven engines
/// (8, 12 and 16 bits, with masks and without) and three arrays that no fit has seen: LUTs 4.6 and 3.3 % in
/// the mean, 13 % at worst; FFs exact but for one at two of them (tests/data/rtl_held_out.csv).
namespace lane_synthesis {

inline constexpr int depth = 8;  ///< windows that a lane may be behind

/// What an engine spans.
struct extents {
    int positions;         ///< of all windows side by side
    int lanes;             ///< <= positions
    int width;             ///< bits of an activation
    std::int64_t words;    ///< windows of a dot product
    std::int64_t windows;  ///< until the weights start again
    bool masked;           ///< whether zero weights are skipped

    /// Positions of the longest lanes.
    constexpr int longest() const { return positions / lanes + int{positions % lanes > 0}; }
    /// Bits of a weight's address.
    constexpr int address() const { return std::max(1, detail::bits_for(windows * longest())); }
};

/// Bits of the places in the rings of the first `lanes` lanes: each ring is a word longer than the one before.
constexpr std::int64_t slot_bits(int lanes) {
    return detail::bits_up_to(depth + lanes + 4) - detail::bits_up_to(depth + 4);
}

/// LUTs, those used as memory and as shift registers included, and FFs.
constexpr usage logic(const extents& e, dsp_slice slice) {
    const int address = e.address(), words = detail::bits_for(e.words);
    // three say whether windows are on their way to the lanes; of two lanes Yosys doubles two
    std::int64_t lut = synthesised::counter_lut(e.words), ff = 9 + address + e.lanes + words;
    if (e.lanes == 2) ff += 2;
    double each = e.masked ? 5.98 : 3.6;
    if (e.words == 1) {  // each is its dot product's last: no mask is held back for those to come
        each -= 3.0;
        ff -= 2 * e.lanes;
    }
    if (e.masked) {
        lut += synthesised::counter_lut(e.windows);
        ff += detail::bits_for(e.windows);
    }
    // tests for zero, with the weight's where it is asked
    lut += e.positions * detail::ceil_div(e.width, e.masked ? 5 : 6);
    const int longer = e.positions % e.lanes;
    const std::int64_t slots = slot_bits(e.lanes);
    ff += 3 * slots;  // where a word is written and read, and with the choice
    // choices of lanes come a cycle a lane later: through registers up to two, then shift registers
    if (e.lanes > 1) ff += slot_bits(2) - slot_bits(1);
    if (e.lanes > 2) ff += 2 * (slot_bits(3) - slot_bits(2));
    if (e.lanes > 3) lut += slots - slot_bits(3);
    // lanes first .. last - 1, of l positions each
    const auto alike = [&](int first, int last, int l) {
        const int each_lane = last - first;
        const std::int64_t ring =
            synthesised::lutram_32(std::int64_t{l} * e.width + address, slice);
        // queue, window held back, current one, choice, address, value; three a lane are Yosys's
        const std::int64_t registers = (4 + 2 + 3 + 3) + 2 * l + address + e.width;
        const int choice = 1 + std::max(1, detail::bits_for(l));  // whether, and which position
        lut += each_lane * (ring + e.width * detail::ceil_div(l - 1, 3) + l + 1);
        lut += std::max(0, last - std::max(first, 3)) * choice;
        ff += each_lane * (registers + choice);
        ff += (int{first <= 1 && last > 1} + 2 * int{first <= 2 && last > 2}) * choice;
    };
    if (longer > 0) alike(0, longer, e.positions / e.lanes + 1);
    alike(longer, e.lanes, e.positions / e.lanes);
    return {.lut = 14.06 + 24.56 * e.lanes + each * e.positions + static_cast<double>(lut),
            .ff = static_cast<double>(ff)};
}

/// FFs that engines side by side share, the one that says that masks have been read, less the number of the
/// one that is asked whether it works.
constexpr double shared_ff(std::int64_t engines) {
    return static_cast<double>(engines - 1 - detail::bits_for(engines));
}

}  // namespace lane_synthesis

/// Resource policy of `lane_dot`.
struct lane_resources {
    /// What stands around lanes; `stored`, `off_chip_mhz` and `lut_multipliers` are not for them:
    /// their weights are read in no fixed order, and sums go down a cascade of DSPs.
    calibrated around{};

    /// Calls visit(memory of the weights, memory of buffers) for every choice.
    template <class Visit>
    constexpr void for_each_memory(const layer_row& row, const parallelism& p, Visit visit) const {
        const bool every = around.every_memory;
        for (const weight_memory maps :
             {weight_memory::bram18, weight_memory::uram, weight_memory::lutram}) {
            if (maps != weight_memory::bram18 && !around.offers_maps(row, p)) break;
            visit(weight_memory::bram18, maps);
            visit(weight_memory::uram, maps);
            if (every) visit(weight_memory::lutram, maps);
        }
    }

    /// A layer; `c` must be legal.
    constexpr usage lanes(const layer_row& row, const row_option& c, const precision& width) const {
        const parallelism& p = c.folding;
        const folded_row f(row, p);
        const int positions = f.pairs * p.in, lanes = p.macs * p.in;
        const std::int64_t engines = std::int64_t{p.out / p.shared} * p.group;
        const std::int64_t windows = f.blocks * f.filters;  // of an engine, and pixel
        usage u = double(engines) * (engine(positions, lanes, p, f.group_blocks, windows, width) +
                                     weights(c, f, windows, width));
        if (p.shared <= most_masked)
            u += double(engines) * read_memory(c.memory, windows, positions);
        u += synthesised::clip(p.in * p.vector * p.group, width.data);
        u += synthesised::window(c.maps, row, p.in * p.vector * p.group, width.data);
        if (f.filters > 1)
            u += double(p.group) * synthesised::replay(c.maps, f.group_blocks, f.filters,
                                                       std::int64_t{positions} * width.data);
        if (engines > 1) {
            const int ways = static_cast<int>(engines);
            u += synthesised::fork(ways) + synthesised::join(ways);
            u.ff -= lane_synthesis::shared_ff(engines);
        }
        return u + around.output(c.maps, row, f, f.group_blocks, width);
    }

    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        return around.stage(row, c, width, held);
    }

  private:
    /// \param words, windows  of a dot product, and of all until the weights start again
    constexpr usage engine(int positions, int lanes, const parallelism& p, std::int64_t words,
                           std::int64_t windows, const precision& width) const {
        const lane_synthesis::extents e{positions, lanes,   width.data,
                                        words,     windows, p.shared <= most_masked};
        const auto products = static_cast<double>(lanes) * p.shared;
        usage u = lane_synthesis::logic(e, around.slice);
        u.dsp =
            products * static_cast<double>(multiplier_dsp(width.data, width.weight, around.slice));
        if (around.slice == dsp_slice::dsp48e1 && lanes > 1) {
            u.lut += static_cast<double>(p.shared) * width.accumulator;
            u.ff += static_cast<double>(p.shared) * width.accumulator;
        }
        return u;
    }

    /// Of one engine: a lane's filters share an address, lanes do not.
    static constexpr usage weights(const row_option& c, const folded_row& f, std::int64_t windows,
                                   const precision& width) {
        const parallelism& p = c.folding;
        const std::int64_t depth = windows * detail::ceil_div(f.pairs, p.macs);
        return double(p.in * p.macs) *
               read_memory(c.memory, depth, std::int64_t{p.shared} * width.weight);
    }
};

}  // namespace hass
