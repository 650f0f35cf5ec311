/// \file cascade_synthesis.hpp
/// A dense dot product whose products go down a cascade of DSPs in place of a tree of adders: each
/// multiplier comes a cycle after the one before it, and what it multiplies with it. From RTL that
/// was synthesised (Yosys 0.23 for UltraScale+): engines `d1` of `shared/rtl/list_engines` and
/// `dense0` of `shared/rtl/lane_engines`.
#pragma once

#include <cstdint>

namespace hass::cascade_synthesis {

/// Whether activations stay with their multipliers while filters take turns: the last of `macs`
/// multipliers has to have got its own before the first gets the next window's. Otherwise they come
/// later and later through shift registers.
constexpr bool held(int pairs, int macs, std::int64_t filters) {
    return pairs == macs && filters >= macs;
}

/// LUTs without multiplexers in front and accumulator behind. Held: 2 points, exact; otherwise 100,
/// 132 and 60 are exact with 4:1 multiplexers in a LUT, and what 27 positions took beyond that (9
/// and 27 %) are multiplexers that were not built so.
constexpr double lut(int pairs, int macs, std::int64_t filters, int width) {
    return held(pairs, macs, filters) ? 37.0 : 20.0 + static_cast<double>(width) * (macs - 1);
}

/// FFs without accumulator: 2 points exact, and 6 within 2 %.
/// \param address  bits of a weight's address
constexpr double ff(int pairs, int macs, std::int64_t filters, int width, int address) {
    return held(pairs, macs, filters) ? 37.0 + macs * (3.0 * width + address)
                                      : 32.0 + macs * (2.0 * width + 11.0);
}

}  // namespace hass::cascade_synthesis
