/// \file crossbar_synthesis.hpp
/// `hass_spe` of rtl/modules, the paper's SPE, with its FIFO of sums, as Yosys 0.23 synthesises it for
/// UltraScale+: counted from the module, what is left of the LUTs is fitted
/// (tests/data/rtl_synthesis.csv). Products and what is multiplied stand in FFs: Yosys does not put
/// them into the DSP.
#pragma once

#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>

namespace hass::crossbar_synthesis {

/// What one SPE spans.
struct extents {
    int pairs;             ///< M of a window
    int macs;              ///< N multipliers, <= pairs
    int data, weight;      ///< bits
    int sum;               ///< bits of a dot product
    std::int64_t words;    ///< windows of a dot product
    std::int64_t windows;  ///< until the weights start again

    /// Bits of a product.
    constexpr int product() const { return data + weight; }
    /// Bits in the adder tree.
    constexpr int tree() const { return product() + detail::bits_for(macs); }
    /// Bits of a window in its FIFO: values, weights, which pairs are left, whether it is the last.
    constexpr int window() const { return 1 + pairs * (1 + product()); }
};

/// Registers and shift registers of the adder tree: an adder and its register a pair of nodes; the odd
/// one out of a level is passed on through registers, three of which make a shift register.
struct tree_bits {
    int ff = 0;   ///< registers
    int lut = 0;  ///< of the adders
    int srl = 0;  ///< bits in shift registers

    /// Counts them.
    constexpr explicit tree_bits(const extents& e) {
        int run = 1,
            width = e.product();  // registers in a row of the odd one out, of a product at first
        for (int nodes = e.macs; nodes > 1; nodes = (nodes + 1) / 2) {
            lut += nodes / 2 * e.tree();
            ff += nodes / 2 * e.tree();
            if (nodes % 2 == 0) {
                if (run > 2) srl += width, ff -= run * width;
                run = 1, width = e.tree();
            } else {
                ff += width, ++run;
            }
        }
    }
};

/// Words that an SPE's FIFOs of windows and of sums hold: a LUT-RAM has room for 32.
inline constexpr int depth = 30;

/// LUTs, those used as memory and as shift registers included. Of 28 points (1 to 25 pairs, 1 to 9
/// multipliers, 8 and 16 bits, up to 4 SPEs) 19 are within 1.1 % in the mean and 2.5 % at worst, 9
/// held out from the fit within 2.6 and 9.7 %. From 12 pairs on, not yet at 10, Yosys takes more for each.
constexpr double lut(const extents& e, dsp_slice slice) {
    const tree_bits tree(e);
    const std::int64_t counted = tree.lut + tree.srl + e.sum + synthesised::counter_lut(e.words) +
                                 synthesised::counter_lut(e.windows) +
                                 synthesised::lutram_32(e.window(), slice) +
                                 synthesised::lutram_32(e.sum, slice);
    const double bits = static_cast<double>(e.pairs) * e.product();
    const double wide = e.pairs > 10 ? 0.132 * bits * (e.macs + 1) : 0.0;
    return 108.38 + 0.365 * bits + 3.277 * e.pairs * e.macs + 0.501 * bits * e.macs + wide +
           static_cast<double>(counted);
}

/// FFs: exact at all 28 points but two, which have one less.
constexpr double ff(const extents& e) {
    const int fifo = 2 * detail::bits_for(depth) + detail::bits_for(depth + 1) + 2;
    const int clip = e.pairs * e.data + 2, window = fifo + e.window() + e.pairs;
    const int products = 2 * e.macs * e.product();
    const int sums = detail::bits_for(e.macs) + 3 + 2 * e.sum, waiting = fifo + e.sum;
    return static_cast<double>(clip + window + products + tree_bits(e).ff + sums + waiting +
                               detail::bits_for(e.words) + detail::bits_for(e.windows));
}

}  // namespace hass::crossbar_synthesis
