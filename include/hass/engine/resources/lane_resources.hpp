/// \file lane_resources.hpp
/// What a layer of lanes takes (`engine/lane_dot.hpp`). The engine itself is fitted to RTL that was
/// synthesised (Yosys 0.23 for UltraScale+, 9 to 27 positions in 1 to 9 lanes, 8 and 16 bits);
/// everything around it is counted as `calibrated` counts it for other engines. Term by term:
///
///     engine             LUT, FF        fitted; ring and multiplexers counted
///     multipliers        DSP            one a lane and filter
///     weights            a memory a lane: every multiplier reads a weight of its own each cycle,
///                        at an address that the lane's activation gives
///     weight masks       a memory an engine, of engines that look at weights
///     windows            the generator, once for all engines; and a buffer of two pixels where
///                        filters take turns, since each begins anew at the first window
///     zero test          LUT, FF        synthesised; a word of the input each
///     sums               in the last DSP of a cascade; a DSP48E1 cannot add its own sum to the
///                        cascade's, so that there an adder stands behind
#pragma once

#include <algorithm>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/statistics/lane_layouts.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// The synthesised lanes: mask FIFOs of 8 windows, rings, priority encoders, multiplexers, addresses
/// and the handshake; the same for any number of filters. LUTs by least squares over 15 points, 1.5
/// % mean and 4.3 % worst error; FFs over 18 points, 0.6 % and 3.3 %.
namespace lane_synthesis {

inline constexpr int address_bits = 12;  ///< of the rings that were synthesised, at least

/// Positions of lane `n` of `lanes` that take turns at `positions`.
constexpr int length(int positions, int lanes, int n) {
    return (positions - n + lanes - 1) / lanes;
}

/// LUTs of a ring of windows: a RAM32M16 holds 14 bits in 8 LUTs, a RAM32M of 7-series parts 6 in 4.
constexpr std::int64_t ring(std::int64_t bits, dsp_slice slice) {
    return slice == dsp_slice::dsp48e2 ? 8 * detail::ceil_div(bits, 14)
                                       : 4 * detail::ceil_div(bits, 6);
}

/// LUTs of an engine of `lanes` lanes over `positions`, both of all windows side by side.
/// \param width    bits of an activation
/// \param address  bits of a weight's address
constexpr double lut(int positions, int lanes, int width, int address, dsp_slice slice) {
    std::int64_t counted = 0;
    for (int n = 0; n < lanes; ++n) {
        const std::int64_t l = length(positions, lanes, n);
        counted += ring(l * width + std::max(address, address_bits), slice) +
                   width * detail::ceil_div(l - 1, 3);
    }
    return -3.37 + 26.66 * lanes + 6.63 * positions + static_cast<double>(counted);
}

/// FFs of such an engine.
constexpr double ff(int positions, int lanes, int width) {
    std::int64_t index_bits = 0;
    for (int n = 0; n < lanes; ++n)
        index_bits += std::max(1, detail::bits_for(length(positions, lanes, n)));
    return 5.60 + (47.28 + width) * lanes + 0.811 * positions +
           2.251 * static_cast<double>(index_bits);
}

/// Of the test of a word of the input for zero, and of its clipping at a constant.
inline constexpr double test_lut = 12.0;
/// FFs of it.
inline constexpr double test_ff = 17.0;

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
        const int word = width.data + 1;                    // with its zero flag
        usage u = double(engines) *
                  (engine(positions, lanes, p, windows, width) + weights(c, f, windows, width));
        if (p.shared <= most_masked)
            u += double(engines) * read_memory(c.memory, windows, positions);
        u.lut += lane_synthesis::test_lut * p.in * p.vector * p.group;
        u.ff += lane_synthesis::test_ff * p.in * p.vector * p.group;
        u += double(p.group) * calibrated::window(c.maps, row, f, p.in, word);
        if (f.filters > 1) {
            const double counters = 2.0 * detail::bits_for(2 * f.group_blocks);
            u += double(p.group) *
                 (buffer_memory(c.maps, 2 * f.group_blocks, std::int64_t{positions} * word) +
                  usage{.lut = counters, .ff = counters});
        }
        if (p.out > p.shared) {
            const auto fork = modules::fork(positions, p.out / p.shared, 1, word);
            u.lut += p.group * fork.lut, u.ff += p.group * fork.ff;
        }
        return u + around.output(c.maps, row, f, f.group_blocks, width);
    }

    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        return around.stage(row, c, width, held);
    }

  private:
    constexpr usage engine(int positions, int lanes, const parallelism& p, std::int64_t windows,
                           const precision& width) const {
        const int address = detail::bits_for(windows * lane_synthesis::length(positions, lanes, 0));
        const auto products = static_cast<double>(lanes) * p.shared;
        usage u;
        u.dsp =
            products * static_cast<double>(multiplier_dsp(width.data, width.weight, around.slice));
        u.lut = lane_synthesis::lut(positions, lanes, width.data, address, around.slice);
        u.ff = lane_synthesis::ff(positions, lanes, width.data);
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
        usage u;
        for (int n = 0; n < p.macs; ++n)
            u += double(p.in) * read_memory(c.memory,
                                            windows * lane_synthesis::length(f.pairs, p.macs, n),
                                            std::int64_t{p.shared} * width.weight);
        return u;
    }
};

}  // namespace hass
