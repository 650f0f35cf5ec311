/// \file window.hpp
/// What brings pixels to FINN's dot products: padding and the sliding window generator
/// (rtl/convolutioninputgenerator_rtl.py; the HLS one is gone in dev). LUTs of a sliding window are
/// 20 to 100 % more than what is built where lines are in LUT-RAM (58 % on average of 11).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/finn/memory.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/modelled_usage.hpp>
#include <hass/text.hpp>

namespace hass::finn {

/// Zeros around a map (fmpadding.py).
struct padding {
    int channels = 1, simd = 1;
    std::int64_t pixels = 1;  ///< of the padded map
    data_type input{};

    constexpr double cycles() const {
        return static_cast<double>(channels) / simd * static_cast<double>(pixels);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        return modelled_usage{}.without(lut_index, ff_index);
    }
    std::string refusal() const {
        if (simd >= 1 && channels % simd == 0) return {};
        return text_of({"SIMD = ", simd, " does not divide the ", channels, " channels"});
    }
    constexpr std::int64_t bits_in() const { return std::int64_t{simd} * input.bits; }
    constexpr std::int64_t bits_out() const { return bits_in(); }

    constexpr bool operator==(const padding&) const = default;
};

/// Sliding windows of a map that is padded already.
struct sliding_window {
    int channels = 1, simd = 1;
    /// Taps, steps and distances of taps.
    int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
    int height = 1, width = 1;  ///< of the padded map
    /// Of what it gives, pixels.
    int out_height = 1, out_width = 1;
    data_type input{};
    bool depthwise = false;        ///< channels one after the other
    bool parallel_window = false;  ///< a whole window at once
    finn::ram_style ram_style = ram_style::automatic;

    /// 1x1 kernels are always built so.
    constexpr bool parallel() const { return parallel_window || kernel_h * kernel_w == 1; }
    constexpr bool one_axis() const { return height == 1 || width == 1; }

    constexpr double cycles() const {
        const axes a = turned();
        const std::int64_t cf = folds();
        if (parallel()) return static_cast<double>(a.h * a.w * cf + 2);
        if (one_axis()) {
            const std::int64_t more = depthwise ? cf * (a.kw - 1) * (a.sw - 1) - (a.kw - 1) : 0;
            return static_cast<double>(a.ow * a.kw * cf + 2 + more);
        }
        std::int64_t row = std::max(a.ow * a.kw * a.kh * cf, a.sw * a.w * cf);
        std::int64_t cycles = least_depth();
        if (depthwise) row += a.ow * (a.sw - 1) * (cf - 1), cycles += (a.sh - 1) * a.w * cf;
        return static_cast<double>(cycles + a.oh * row);
    }
    /// Words of SIMD channels that are held.
    constexpr std::int64_t buffer_depth() const {
        const axes a = turned();
        const std::int64_t cf = folds();
        if (parallel()) return ((a.kh - 1) * a.dh * a.w + (a.kw - 1) * a.dw) * cf + 2;
        const std::int64_t taps = a.kh * a.kw, none = 0;
        return least_depth() + std::max(none, (a.sw - 1 - taps) * cf) +
               std::max(none, ((a.sh - 1) * a.w - taps) * cf);
    }
    constexpr modelled_usage needs(policy, dsp_block) const {
        using hass::detail::ceil_div;
        const std::int64_t bits = bits_in();
        std::int64_t memories = 1, depth = buffer_depth();
        if (parallel()) {  // the folds over channels are not counted
            const axes a = turned();
            memories = one_axis() ? 0 : a.kh - 1;
            depth = a.w - ((a.kw - 1) * a.dw + 1) + a.w * (a.dh - 1);
        }
        modelled_usage u;
        u.value.lut = 300.0;
        if (ram_style == ram_style::distributed) {
            u.value.lut += static_cast<double>(bits * ceil_div(buffer_depth(), 38));
        } else if (ram_style == ram_style::ultra) {
            u.value.uram =
                static_cast<double>(memories * ceil_div(depth, 4096) * ceil_div(bits, 72));
        } else if (memories > 0) {
            u.value.bram18 = static_cast<double>(memories * detail::window_bram18(depth, bits));
        }
        return u.without(ff_index);
    }
    std::string refusal() const {
        if (simd < 1 || channels % simd != 0)
            return text_of({"SIMD = ", simd, " does not divide the ", channels, " channels"});
        if (parallel_window && kernel_h * kernel_w > 1 && !depthwise && simd != channels)
            return text_of(
                {"a parallel window takes all ", channels, " channels, not SIMD = ", simd});
        if ((kernel_h - 1) * dilation_h + 1 > height || (kernel_w - 1) * dilation_w + 1 > width)
            return text_of({"a kernel of ", kernel_h, "x", kernel_w, " at dilation ", dilation_h,
                            "x", dilation_w, " spans more than the map of ", height, "x", width});
        return {};
    }
    constexpr std::int64_t bits_in() const { return std::int64_t{simd} * input.bits; }
    constexpr std::int64_t bits_out() const {
        return parallel() ? bits_in() * kernel_h * kernel_w : bits_in();
    }

    constexpr bool operator==(const sliding_window&) const = default;

  private:
    /// Extents; of a map with one axis that one comes last.
    struct axes {
        std::int64_t kh, kw, sh, sw, dh, dw, h, w, oh, ow;
    };
    constexpr axes turned() const {
        if (width == 1 && height > 1)
            return {kernel_w,   kernel_h, stride_w, stride_h,  dilation_w,
                    dilation_h, width,    height,   out_width, out_height};
        return {kernel_h,   kernel_w, stride_h, stride_w,   dilation_h,
                dilation_w, height,   width,    out_height, out_width};
    }
    constexpr std::int64_t folds() const { return channels / simd; }
    constexpr std::int64_t least_depth() const {
        const axes a = turned();
        return ((a.kh - 1) * a.dh * a.w + (a.kw - 1) * a.dw + 1) * folds();
    }
};

}  // namespace hass::finn
