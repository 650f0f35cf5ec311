/// \file movement.hpp
/// FINN's nodes that multiply nothing: thresholds, FIFOs, converters of stream widths, pools, sums
/// and copies. Of most of them FINN has no model of LUTs: their figure is 0 and not `known`.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/finn/memory.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/modelled_usage.hpp>
#include <hass/text.hpp>

namespace hass::finn {

namespace detail {

inline std::string pe_refusal(int pe, int of, const char* what) {
    if (pe >= 1 && of % pe == 0) return {};
    return text_of({"PE = ", pe, " does not divide the ", of, " ", what});
}

/// Parameters of HLS nodes (thresholds, channelwise operations) as FINN counts them: by the bits of
/// the input.
constexpr modelled_usage hls_parameters(int channels, int pe, int input_bits,
                                        finn::ram_style style) {
    using hass::detail::ceil_div;
    const std::int64_t words = channels / pe;
    const std::int64_t bits = std::int64_t{input_bits} * pe;
    modelled_usage u;
    u.value.lut = static_cast<double>(bits);
    if (style == ram_style::distributed && words > 1)
        u.value.lut += static_cast<double>(bits * ceil_div(words, 64));
    if (style == ram_style::block && words > 1)
        u.value.bram18 = static_cast<double>(ceil_div(bits, 16) * ceil_div(words, 1024));
    return u.without(ff_index);
}

}  // namespace detail

/// Activations as sums of comparisons (thresholding.py, rtl/, hls/).
struct thresholding {
    back_end built = back_end::rtl;  ///< who builds it
    int channels = 1, pe = 1;
    std::int64_t vectors = 1;  ///< pixels
    data_type input{}, threshold{}, output{};
    finn::ram_style ram_style = ram_style::distributed;  ///< of the HLS back end
    std::int64_t bram_trigger = 0, uram_trigger = 0;     ///< of the RTL one
    bool uniform = false;                                ///< thresholds are equally spaced

    constexpr double cycles() const {
        return static_cast<double>(vectors) * (static_cast<double>(channels) / pe);
    }
    /// Published: block RAMs of the RTL back end are lost between two names. Comparators are in
    /// neither policy.
    constexpr modelled_usage needs(policy p, dsp_block) const {
        if (built == back_end::hls)
            return detail::hls_parameters(channels, pe, input.bits, ram_style);
        detail::threshold_memory sum;
        const std::int64_t words = channels / pe;
        for (int i = uniform ? 1 : 0; i < output.bits; ++i) {
            const detail::threshold_memory m = detail::place_thresholds(
                uniform ? output.bits - i : threshold.bits, words << i, bram_trigger, uram_trigger);
            sum.uram += m.uram, sum.bram18 += m.bram18, sum.lutram += m.lutram;
        }
        modelled_usage u;
        u.value.lut = static_cast<double>(pe * sum.lutram);
        u.value.uram = static_cast<double>(pe * sum.uram);
        if (p == policy::repaired) u.value.bram18 = static_cast<double>(pe * sum.bram18);
        return u.without(ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return std::int64_t{pe} * output.bits; }

    constexpr bool operator==(const thresholding&) const = default;
};

/// A scale or bias a channel (channelwise_op.py).
struct channelwise {
    int channels = 1, pe = 1;
    std::int64_t vectors = 1;
    data_type input{}, output{};
    finn::ram_style ram_style = ram_style::distributed;

    constexpr double cycles() const {
        return static_cast<double>(vectors) * (static_cast<double>(channels) / pe);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return detail::hls_parameters(channels, pe, input.bits, ram_style);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return std::int64_t{pe} * output.bits; }

    constexpr bool operator==(const channelwise&) const = default;
};

/// How a FIFO is built: shift registers, or Vivado's, of a power of two of words.
enum class fifo_style : std::uint8_t { rtl, vivado };
inline constexpr std::array<std::string_view, 2> fifo_style_names{"rtl", "vivado"};

/// (streamingfifo.py)
struct fifo {
    std::int64_t depth = 2;              ///< words, >= 1
    std::int64_t bits = 1;               ///< of a word
    fifo_style style = fifo_style::rtl;  ///< who builds it
    finn::ram_style ram_style = ram_style::automatic;

    /// FINN's rule: shift registers up to 256 words, Vivado's above.
    static constexpr fifo of(std::int64_t depth, std::int64_t bits) {
        return {depth, bits, depth <= 256 ? fifo_style::rtl : fifo_style::vivado};
    }
    /// Words that it really holds: Vivado rounds up to a power of two.
    constexpr std::int64_t built_depth() const {
        if (style == fifo_style::rtl) return depth;
        return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(depth)));
    }
    constexpr double cycles() const { return 0.0; }
    constexpr modelled_usage needs(policy, dsp_block) const {
        using hass::detail::ceil_div;
        const std::int64_t d = built_depth();
        const bool vivado = style == fifo_style::vivado;
        modelled_usage u;
        u.value.lut = 2.0 * hass::detail::bits_for(d);
        if (!vivado || ram_style == ram_style::distributed)
            u.value.lut += static_cast<double>(ceil_div(d, 32) * ceil_div(bits, 2));
        if (vivado && ram_style == ram_style::block)
            u.value.bram18 =
                detail::ladder_bram18(static_cast<double>(d), static_cast<double>(bits));
        if (vivado && ram_style == ram_style::ultra)
            u.value.uram = detail::ladder_uram(static_cast<double>(d), static_cast<double>(bits));
        return u.without(ff_index);
    }
    std::string refusal() const {
        return depth >= 1 ? std::string{} : text_of({"a FIFO of depth ", depth});
    }
    constexpr std::int64_t bits_in() const { return bits; }
    constexpr std::int64_t bits_out() const { return bits; }

    constexpr bool operator==(const fifo&) const = default;
};

/// From words of some bits to words of others (streamingdatawidthconverter.py). Its cycles are not
/// modelled: it keeps pace with its neighbours.
struct width_converter {
    std::int64_t from = 1, to = 1;  ///< bits

    /// RTL where one width divides the other, otherwise HLS by way of their least common multiple.
    constexpr back_end built() const {
        return from % to == 0 || to % from == 0 ? back_end::rtl : back_end::hls;
    }
    constexpr double cycles() const { return 0.0; }
    constexpr modelled_usage needs(policy, dsp_block) const {
        std::int64_t a = from, b = to;
        while (b != 0) a %= b, std::swap(a, b);
        const std::int64_t common = from / a * to;
        modelled_usage u;
        if (from != common) u.value.lut += static_cast<double>(common + whole_log2(common, from));
        if (to != common) u.value.lut += static_cast<double>(to + ceil_log2(common, to));
        return u.without(ff_index);
    }
    std::string refusal() const { return {}; }
    constexpr std::int64_t bits_in() const { return from; }
    constexpr std::int64_t bits_out() const { return to; }

    constexpr bool operator==(const width_converter&) const = default;

  private:
    /// |ceil(log2(b / a))| = floor(log2(a / b)), a a multiple of b.
    static constexpr int whole_log2(std::int64_t a, std::int64_t b) {
        return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(a / b))) - 1;
    }
    static constexpr int ceil_log2(std::int64_t a, std::int64_t b) {
        return hass::detail::bits_for(a / b);
    }
};

/// Two streams of one shape added (addstreams.py).
struct add_streams {
    int channels = 1, pe = 1;
    std::int64_t vectors = 1;
    data_type input{};

    constexpr double cycles() const {
        return static_cast<double>(vectors) * (static_cast<double>(channels) / pe);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return std::int64_t{pe} * (input.bits + 1); }

    constexpr bool operator==(const add_streams&) const = default;
};

/// One stream for several readers (duplicatestreams.py).
struct duplicate_streams {
    int channels = 1, pe = 1, copies = 2;
    std::int64_t vectors = 1;
    data_type input{};

    constexpr double cycles() const {
        return static_cast<double>(vectors) * (static_cast<double>(channels) / pe);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return bits_in(); }

    constexpr bool operator==(const duplicate_streams&) const = default;
};

/// Sums over whole maps (globalaccpool.py).
struct global_pool {
    int channels = 1, pe = 1;
    std::int64_t vectors = 1;
    data_type input{};

    constexpr double cycles() const {
        const double folds = static_cast<double>(channels) / pe;
        return static_cast<double>(vectors) * folds + folds;
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return pe * std::int64_t{output_bits()}; }
    /// That hold the largest sum.
    constexpr int output_bits() const {
        const int magnitude = input.bits - (input.is_signed ? 1 : 0);
        if (input.is_signed)  // -2^(b-1) each; -2^(n-1) is a signed number of n bits
            return hass::detail::bits_for(vectors << magnitude) + 1;
        return hass::detail::bits_for(((std::int64_t{1} << magnitude) - 1) * vectors + 1);
    }

    constexpr bool operator==(const global_pool&) const = default;
};

/// Maxima or means of windows that a depthwise sliding window brings (pool.py).
struct window_pool {
    int channels = 1, pe = 1;
    int kernel = 1;           ///< kh kw
    std::int64_t pixels = 1;  ///< of the output
    data_type input{}, output{};

    constexpr double cycles() const {
        return hass::detail::trunc(static_cast<double>(channels) * kernel / pe *
                                   static_cast<double>(pixels));
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, channels, "channels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    constexpr std::int64_t bits_out() const { return std::int64_t{pe} * output.bits; }

    constexpr bool operator==(const window_pool&) const = default;
};

/// Maxima of windows side by side (streamingmaxpool.py): of maps all channels at once, of a line PE.
struct streaming_max_pool {
    int channels = 1, pe = 1;
    /// Of the map and of the window, pixels.
    int height = 1, width = 1, kernel_h = 1, kernel_w = 1;
    data_type input{};

    constexpr bool one_axis() const {
        return (height == 1 && kernel_h == 1) || (width == 1 && kernel_w == 1);
    }
    constexpr double cycles() const {
        const int k = std::max(kernel_h, kernel_w);
        if (!one_axis())
            return hass::detail::trunc(static_cast<double>(width) * width *
                                       (1.0 + 1.0 / (static_cast<double>(k) * k)));
        return static_cast<double>(std::max(height, width) / k) *
               (static_cast<double>(channels) / pe) * (k + 1);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const {
        return one_axis() ? detail::pe_refusal(pe, channels, "channels") : std::string{};
    }
    constexpr std::int64_t bits_in() const {
        return std::int64_t{one_axis() ? pe : channels} * input.bits;
    }
    constexpr std::int64_t bits_out() const { return bits_in(); }

    constexpr bool operator==(const streaming_max_pool&) const = default;
};

/// The K largest of the answers (labelselect.py).
struct label_select {
    /// Classes, and how many of them a cycle.
    int labels = 1, pe = 1;
    data_type input{};

    constexpr double cycles() const { return static_cast<double>(labels) / pe; }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const { return detail::pe_refusal(pe, labels, "labels"); }
    constexpr std::int64_t bits_in() const { return std::int64_t{pe} * input.bits; }
    /// Of the index of a label, whole bytes.
    constexpr std::int64_t bits_out() const {
        return 8 * hass::detail::ceil_div(std::max(1, hass::detail::bits_for(labels)), 8);
    }

    constexpr bool operator==(const label_select&) const = default;
};

}  // namespace hass::finn
