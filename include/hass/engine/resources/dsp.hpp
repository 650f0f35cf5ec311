/// \file dsp.hpp
/// Multipliers in DSP slices: how many slices one takes, how many products share one, and whether
/// requantisation takes any.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <hass/engine/arithmetic.hpp>

namespace hass {

/// The DSP slices of AMD's devices by their multiplier: 25 x 18 bits in 7-series parts (UG479), 27
/// x 18 bits in UltraScale and UltraScale+ (UG579), signed.
enum class dsp_slice : std::uint8_t { dsp48e1, dsp48e2 };

inline constexpr std::array<std::string_view, 2> dsp_slice_names{"dsp48e1", "dsp48e2"};
constexpr std::string_view name(dsp_slice slice) {
    return dsp_slice_names[static_cast<std::size_t>(slice)];
}

/// Bits of the multiplier's longer port.
constexpr int long_port(dsp_slice slice) {
    return slice == dsp_slice::dsp48e1 ? 25 : 27;
}
/// Bits of the shorter one, of either slice.
inline constexpr int short_port = 18;

namespace detail {

/// Pieces of a signed operand that has to pass a signed port: all but the first lose the sign bit.
constexpr std::int64_t pieces(std::int64_t bits, std::int64_t port) {
    return bits <= port ? 1 : 1 + ceil_div(bits - port, port - 1);
}

}  // namespace detail

/// DSP slices of one multiplier of signed operands, laid out the cheaper way round: 1 up to 18 bits
/// by the longer port, 2 at 24 x 24 bits.
/// \param a, b  bits of the operands, >= 1
constexpr std::int64_t multiplier_dsp(std::int64_t a, std::int64_t b, dsp_slice slice) {
    const int port = long_port(slice);
    return std::min(detail::pieces(a, port) * detail::pieces(b, short_port),
                    detail::pieces(b, port) * detail::pieces(a, short_port));
}

/// Whether the most negative value occurs among weights.
enum class weight_range : std::uint8_t {
    full,   ///< -2^(W-1) .. 2^(W-1) - 1
    narrow  ///< symmetric about 0
};

/// Products of one activation by several weights that one slice computes side by side, after the
/// public RTL of FINN (finn-rtllib/mvu, dev 73ba5ed6, `mvu.sv`):
///
///     L = 1 + floor( (D - [range is full] - W) / (W + A - 1) ),  D bits of the longer port
///
/// as far as that RTL is built: weights up to 8 bits, activations up to 9, both counted as 4 bits
/// at least, and narrow ranges alone on a DSP48E1. Otherwise 1.
/// \param data, weight  A and W, bits with their sign, >= 1
constexpr int products_per_dsp(int data, int weight, dsp_slice slice,
                               weight_range range = weight_range::narrow) {
    const bool full = range == weight_range::full;
    if (weight > 8 || data > 9 || (full && slice == dsp_slice::dsp48e1)) return 1;
    const int w = std::max(weight, 4);
    const int a = std::max(data, 4);
    return 1 + (long_port(slice) - static_cast<int>(full) - w) / (w + a - 1);
}

/// How accumulators become data again.
enum class requantise : std::uint8_t {
    shift,  ///< scales are powers of two: a rounding adder and saturation
    dsp,    ///< a multiplication first: 2 DSPs a word and cycle at 24 bits, as in measured designs
    rtl     ///< as `hass_requantise` of rtl/modules: by 18 bits, 2 DSPs a word and cycle at 16 bits
};

inline constexpr std::array<std::string_view, 3> requantise_names{"shift", "dsp", "rtl"};
constexpr std::string_view name(requantise how) {
    return requantise_names[static_cast<std::size_t>(how)];
}

}  // namespace hass
