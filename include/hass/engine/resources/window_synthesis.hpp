/// \file window_synthesis.hpp
/// `hass_window` of rtl/modules as Yosys 0.23 synthesises it for UltraScale+, as `synthesised_modules.hpp`.
#pragma once

#include <algorithm>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/workload/layer.hpp>

namespace hass::synthesised {

/// What `hass_window` spans.
struct windows {
    int width, height;          ///< of the image
    int kernel_w, kernel_h;     ///< taps
    int stride_w, stride_h;     ///< pixels
    int pad_left, pad_top;      ///< pixels
    int out_width, out_height;  ///< windows
    std::int64_t words;         ///< of a pixel
    std::int64_t bits;          ///< of a word

    /// Bits of the slots that are counted between windows.
    constexpr int gap() const {
        const std::int64_t first =
            std::int64_t{kernel_h - 1 - pad_top} * width + kernel_w - 1 - pad_left;
        const std::int64_t columns = std::int64_t{out_width - 1} * stride_w;
        const int rows = std::max(stride_h, height - (out_height - 1) * stride_h);
        const std::int64_t between = std::int64_t{rows} * width - columns;  // of rows, of images
        return detail::bits_for(std::max(std::max<std::int64_t>(first, stride_w), between) + 1);
    }
    /// Bits of a window's column.
    constexpr int x() const { return 1 + detail::bits_for(width + kernel_w + stride_w); }
    /// Bits of a window's row.
    constexpr int y() const { return 1 + detail::bits_for(height + kernel_h + stride_h); }
    /// Bits of a window's place that nothing asks for: one pixel is inside of a width that is a multiple of
    /// a power of two whatever its lower bits are.
    constexpr int unasked() const {
        return (kernel_w == 1 ? factors_of_2(width) : 0) +
               (kernel_h == 1 ? factors_of_2(height) : 0);
    }
    /// Bits of all columns of a window but the last.
    constexpr std::int64_t columns() const { return (kernel_w - 1) * kernel_h * bits; }
};

/// `hass_window` without the line memory and, of more than 64 words a pixel, the columns' memories. FFs
/// are exact at all 33 points. LUTs, shift registers included: 1 % in the mean and 3 % at worst, of 12 points
/// that no fit has seen 3 and 6 %; but where Yosys joins blocks of lines by multiplexers (3,584 words).
/// \param in_lutram  lines are kept in LUT-RAM, whose output is registered outside of it
constexpr usage window_logic(const windows& w, bool in_lutram) {
    const std::int64_t line = w.width * w.words, pixels = std::int64_t{w.width} * w.height;
    const int taps = w.kernel_w * w.kernel_h;
    double lut = counter_lut(w.words) + counter_lut(pixels) + 3.73 * (w.x() + w.y()) + 1.5 * taps;
    std::int64_t ff = detail::bits_for(w.words) + detail::bits_for(pixels) + 5 + 2 * w.gap() +
                      2 * (w.x() + w.y()) - w.unasked() + w.bits + taps * w.bits;
    if (w.kernel_h > 1) {
        lut += counter_lut(line);
        ff += 2 * detail::bits_for(line) + (in_lutram ? (w.kernel_h - 1) * w.bits : 0);
    }
    if (w.words <= 2)
        ff += w.columns() * w.words;
    else if (w.words <= 64)
        lut += static_cast<double>(w.columns() * detail::ceil_div(w.words, 32));
    else {  // a memory and its counter a column
        lut += 4.8 + (w.kernel_w - 1) * counter_lut(w.words - 1);
        ff += w.columns() + (w.kernel_w - 1) * detail::bits_for(w.words - 1);
    }
    return {.lut = lut, .ff = static_cast<double>(ff)};
}

/// What builds the windows of a row from words of `lanes` channels of `bits`; a dilated kernel is charged its
/// span. Nothing where a window is a pixel as it comes.
constexpr usage window(weight_memory kind, const layer_row& row, int lanes, int bits) {
    if (taps(row) == 1 && row.stride_h == 1 && row.stride_w == 1 && row.pad_top + row.pad_left == 0)
        return {};
    const windows w{row.in.width,
                    row.in.height,
                    row.dilation_w * (row.kernel_w - 1) + 1,
                    row.dilation_h * (row.kernel_h - 1) + 1,
                    row.stride_w,
                    row.stride_h,
                    row.pad_left,
                    row.pad_top,
                    row.out.width,
                    row.out.height,
                    row.in.channels / lanes,
                    std::int64_t{lanes} * bits};
    usage lines;
    if (w.kernel_h > 1) lines = buffer_memory(kind, w.width * w.words, (w.kernel_h - 1) * w.bits);
    usage columns;
    if (w.words > 64) columns = buffer_memory(kind, w.words - 1, w.kernel_h * w.bits);
    return window_logic(w, lines.bram18 == 0.0 && lines.uram == 0.0) + lines +
           double(w.kernel_w - 1) * columns;
}

}  // namespace hass::synthesised
