/// \file mvau.hpp
/// FINN's matrix-vector activation unit (matrixvectoractivation.py and its hls/ and rtl/ back ends)
/// and the depthwise one, VVAU (vectorvectoractivation.py).
///
/// Errors of these estimates against 29 MVAUs of four synthesised designs: HLS LUTs are 60 % off on
/// average (36 % too many; a quarter to a half of what is built where embedded thresholds or 32-bit
/// accumulators dominate), block RAMs exact in 20 of 29, RTL DSPs half of what is built at 5 to 8
/// bits. LUTs of the RTL back ends have no model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/finn/memory.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/modelled_usage.hpp>
#include <hass/engine/resources/vivado_memory.hpp>
#include <hass/text.hpp>

namespace hass::finn {

/// Which RTL of finn-rtllib/mvu is built: that of main 39f0c9a6, or of the branch dev 73ba5ed6.
enum class release : std::uint8_t { main, dev };

/// DSPs of an RTL MVAU as estimated: whatever the bits.
constexpr double rtl_dsp_estimate(std::int64_t pe, std::int64_t simd, dsp_block dsp) {
    using hass::detail::ceil_div;
    return static_cast<double>(dsp == dsp_block::dsp58 ? pe * ceil_div(simd, 3)
                                                       : ceil_div(pe, 4) * simd);
}

/// DSPs of an RTL MVAU as built. \param pumped  compute at twice the clock (dev; needs simd >= 2)
constexpr double rtl_dsp_built(std::int64_t pe, std::int64_t simd, int weight_bits, int input_bits,
                               dsp_block dsp, release which = release::main, bool pumped = false) {
    using hass::detail::ceil_div;
    if (pumped && which == release::dev && simd >= 2) simd = ceil_div(simd, 2);
    if (dsp == dsp_block::dsp58) return static_cast<double>(pe * ceil_div(simd, 3));
    std::int64_t lanes = weight_bits <= 4 && input_bits <= 4 ? 4 : 2;
    if (which == release::dev)
        lanes =
            products_per_dsp(input_bits, weight_bits,
                             dsp == dsp_block::dsp48e1 ? dsp_slice::dsp48e1 : dsp_slice::dsp48e2,
                             dsp == dsp_block::dsp48e1 ? weight_range::narrow : weight_range::full);
    return static_cast<double>(ceil_div(pe, lanes) * simd);
}

namespace detail {

/// What MVAU and VVAU share: weights in memories, dot products, thresholds.
struct dot_unit {
    back_end built = back_end::hls;
    int pe = 1, simd = 1;
    data_type weight{}, input{}, output{};
    data_type accumulator = int_type(32);
    bool activation = false;  ///< thresholds are embedded (noActivation = 0)
    finn::res_type res_type = res_type::automatic;
    finn::mem_mode mem_mode = mem_mode::internal_decoupled;
    finn::ram_style ram_style = ram_style::automatic;
    finn::ram_style threshold_ram_style = ram_style::automatic;

    constexpr double weight_width() const { return static_cast<double>(pe) * simd * weight.bits; }
    /// Embedded weights up to 128 words become logic.
    constexpr bool in_logic(double wmem) const {
        return mem_mode == mem_mode::internal_embedded && wmem <= 128.0;
    }
    constexpr bool decoupled(finn::ram_style s) const {
        return mem_mode == mem_mode::internal_decoupled && ram_style == s;
    }
    /// Bits of an accumulator over `length` products, as FINN bounds them: the logarithm of the
    /// largest sum, ceil(a + log2(1 + 2^-a) + 1), is that of a whole number plus one.
    constexpr double accumulator_bits(std::int64_t length) const {
        const int shift = weight.bits + input.bits - 1 - (input.is_signed ? 1 : 0);
        if (shift > 40) return accumulator.bits;
        // 2^5 - 1 products of one bit: FINN's logarithms round up to one bit more
        if (length == 31 && shift == 0) return std::min(accumulator.bits, 7);
        return std::min(accumulator.bits, hass::detail::bits_for((length << shift) + 1) + 1);
    }
    constexpr double hls_lut(std::int64_t length, double wmem, double threshold_words,
                             bool thresholds_counted) const {
        const double w_plus_a = weight.bits + input.bits;
        const double mul =
            res_type == res_type::dsp ? 0.0 : simd * (2.0 * ceil(w_plus_a / 6.0) - 1.0) * w_plus_a;
        const double tree = w_plus_a * (2.0 * simd - 1.0);
        const double acc = accumulator_bits(length);
        double thresholds = 0.0;
        if (thresholds_counted) {
            const auto steps = static_cast<double>((std::int64_t{1} << output.bits) - 1);
            thresholds = steps * acc * threshold_words + steps * acc;
        }
        const double memory = decoupled(ram_style::distributed) || in_logic(wmem)
                                  ? weight_width() * ceil(wmem / 64.0)
                                  : 0.0;
        return hass::detail::trunc(300.0 + 1.1 * (pe * (mul + tree + acc + thresholds)) + memory);
    }
    /// As built, where weights are put into block RAM.
    constexpr bool in_block_ram(double wmem) const {
        return mem_mode != mem_mode::external && !in_logic(wmem) &&
               !decoupled(ram_style::distributed) && !decoupled(ram_style::ultra);
    }
    constexpr std::int64_t bits_of_inputs() const { return std::int64_t{simd} * input.bits; }
    constexpr std::int64_t bits_out() const { return std::int64_t{pe} * output.bits; }

    constexpr bool operator==(const dot_unit&) const = default;
};

/// A multiplier of HLS and the adders that it puts into DSPs too: PE (SIMD + floor(SIMD / 8)), all
/// ten distinct foldings at 2, 4 and 8 bits of one author's builds.
constexpr double hls_dsp_built(std::int64_t pe, std::int64_t simd) {
    return static_cast<double>(pe * (simd + simd / 8));
}

}  // namespace detail

/// A dense matrix MH x MW: of a linear layer, or of a convolution behind its sliding window.
struct mvau : detail::dot_unit {
    int mw = 1;                ///< inputs of a dot product: C kh kw
    int mh = 1;                ///< outputs
    std::int64_t vectors = 1;  ///< output pixels

    constexpr double wmem() const {
        return static_cast<double>(mw) * mh / (static_cast<double>(pe) * simd);
    }
    constexpr double cycles() const {
        return hass::detail::trunc(static_cast<double>(mh) / pe * (static_cast<double>(mw) / simd) *
                                   static_cast<double>(vectors));
    }
    constexpr modelled_usage needs(policy p, dsp_block dsp) const {
        const bool repaired = p == policy::repaired;
        const double words = wmem();
        modelled_usage u;
        if (in_block_ram(words))
            u.value.bram18 = repaired ? static_cast<double>(vivado_bram18(
                                            static_cast<std::int64_t>(hass::detail::ceil(words)),
                                            static_cast<std::int64_t>(weight_width())))
                                      : detail::ladder_bram18(words, weight_width());
        const bool both = !repaired && mem_mode == mem_mode::internal_embedded && words > 128.0;
        if (both || decoupled(ram_style::ultra))
            u.value.uram = detail::ladder_uram(words, weight_width());
        if (built == back_end::rtl) {
            u.value.dsp = repaired ? rtl_dsp_built(pe, simd, weight.bits, input.bits, dsp)
                                   : rtl_dsp_estimate(pe, simd, dsp);
            return u.without(lut_index, ff_index);
        }
        const bool narrow = weight.bits <= 8 && input.bits <= 8;
        if (res_type == res_type::dsp)
            u.value.dsp = repaired && narrow
                              ? detail::hls_dsp_built(pe, simd)
                              : static_cast<double>(pe) * simd *
                                    hass::detail::ceil((weight.bits + input.bits) / 48.0);
        u.value.lut = hls_lut(mw, words, hass::detail::ceil(mh / pe / 64.0),
                              activation && threshold_ram_style == ram_style::distributed);
        return u.without(ff_index);
    }
    /// HLS does not synthesise loops of more than 1,024 inputs: S < MW / 1024, which FINN itself
    /// does not refuse.
    constexpr bool synthesises() const {
        return built == back_end::rtl || std::int64_t{simd} * 1024 >= mw;
    }
    std::string refusal() const {
        if (pe < 1 || mh % pe != 0) return text_of({"PE = ", pe, " does not divide MH = ", mh});
        if (simd < 1 || mw % simd != 0)
            return text_of({"SIMD = ", simd, " does not divide MW = ", mw});
        return {};
    }
    constexpr std::int64_t bits_in() const { return bits_of_inputs(); }

    constexpr bool operator==(const mvau&) const = default;
};

/// A depthwise convolution behind its sliding window.
struct vvau : detail::dot_unit {
    int channels = 1;         ///< each with a kernel of its own
    int kernel = 1;           ///< kh kw
    std::int64_t pixels = 1;  ///< of the output

    constexpr std::int64_t wmem() const { return std::int64_t{kernel} * channels / pe / simd; }
    constexpr double cycles() const {
        return hass::detail::trunc(static_cast<double>(channels) * kernel / pe / simd *
                                   static_cast<double>(pixels));
    }
    constexpr modelled_usage needs(policy p, dsp_block) const {
        const bool repaired = p == policy::repaired;
        const auto words = static_cast<double>(wmem());
        modelled_usage u;
        const bool small = decoupled(ram_style::automatic) && words <= 128.0;
        if (in_block_ram(words) && !small)
            u.value.bram18 = repaired ? static_cast<double>(vivado_bram18(
                                            wmem(), static_cast<std::int64_t>(weight_width())))
                                      : detail::ladder_bram18(words, weight_width(), false);
        if (decoupled(ram_style::ultra)) u.value.uram = detail::ladder_uram(words, weight_width());
        if (built == back_end::rtl) {
            u.value.dsp = static_cast<double>(pe * hass::detail::ceil_div(simd, 3));
            return u.without(lut_index, ff_index);
        }
        // FINN forgets SIMD
        if (res_type == res_type::dsp)
            u.value.dsp = pe * (repaired ? static_cast<double>(simd) : 1.0) *
                          hass::detail::ceil((weight.bits + input.bits) / 48.0);
        u.value.lut = hls_lut(kernel, words, channels / pe / 64.0, activation);
        return u.without(ff_index);
    }
    /// Whether HLS takes it.
    constexpr bool synthesises() const { return true; }
    std::string refusal() const {
        if (pe < 1 || channels % pe != 0)
            return text_of({"PE = ", pe, " does not divide the ", channels, " channels"});
        if (simd < 1 || kernel % simd != 0)
            return text_of({"SIMD = ", simd, " does not divide the ", kernel, " taps"});
        return {};
    }
    constexpr std::int64_t bits_in() const { return pe * bits_of_inputs(); }

    constexpr bool operator==(const vvau&) const = default;
};

/// The back end that FINN chooses (specialize_layers.py): RTL from 4 bits on, up to 8 x 8 (or 9
/// signed), without embedded thresholds, for signed weights.
/// \param narrow  no weight is the most negative one, which DSP48E1 asks for
constexpr back_end mvau_back_end(const data_type& weight, const data_type& input, bool activation,
                                 dsp_block dsp, bool narrow = true) {
    const bool wide = weight.bits >= 4 && input.bits >= 4 && weight.bits <= 8;
    const bool inputs = input.bits <= 8 || (input.bits == 9 && input.is_signed);
    return wide && inputs && weight.is_signed && !activation &&
                   (dsp != dsp_block::dsp48e1 || narrow)
               ? back_end::rtl
               : back_end::hls;
}

}  // namespace hass::finn
