/// \file modules.hpp
/// The modules of the published cost model (fpgaconvnet-model edfbeb6, Chisel back end):
/// non-negative least squares without intercept on synthesised modules, one fit a resource.
/// Coefficients are quoted to the last digit because every fit is truncated to a whole number
/// afterwards.
///
/// Widths are bits, `streams` is the number of parallel words of a module, depths are words.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/memories.hpp>

namespace hass::modules {

/// DSP slices of one multiplier as the published model counts them: data by 18 bits, weights by 27.
constexpr std::int64_t multiplier_dsp(std::int64_t data_width, std::int64_t weight_width) {
    return hass::detail::ceil_div(data_width, 18) * hass::detail::ceil_div(weight_width, 27);
}

/// Resources of one module: LUTs by their use, FFs, DSPs and 18 Kbit block RAMs.
/// `lut` is what the layer sums: logic + ram + shift registers, but for the sliding window.
struct module_cost {
    double logic_lut = 0.0;  ///< LUTs as logic
    double lut_ram = 0.0;    ///< LUTs as memory
    double lut_sr = 0.0;     ///< LUTs as shift registers
    double lut = 0.0;        ///< what the layer sums
    double ff = 0.0;         ///< registers
    double dsp = 0.0;        ///< slices
    double bram18 = 0.0;     ///< blocks of 18 Kbit

    constexpr bool operator==(const module_cost&) const = default;
};

namespace detail {

using hass::detail::bits_for;

/// One fitted resource: the truncated inner product of coefficients and features.
template <std::size_t N, std::same_as<double>... Feature>
requires(sizeof...(Feature) == N) constexpr double fit(const std::array<double, N>& coefficients,
                                                       Feature... features) {
    double sum = 0.0;
    const double* c = coefficients.data();
    ((sum += *c++ * features), ...);  // not through memory: that stalls vector loads
    return hass::detail::trunc(sum);
}

constexpr module_cost cost(double logic, double ram, double sr, double ff, double dsp = 0.0,
                           double bram18 = 0.0) {
    return {logic, ram, sr, logic + ram + sr, ff, dsp, bram18};
}

constexpr double real(std::int64_t n) {
    return static_cast<double>(n);
}

}  // namespace detail

/// Zero padding.
constexpr module_cost pad() {
    return {0, 0, 0, 16, 35, 0, 0};
}

/// ReLU.
constexpr module_cost relu() {
    return {0, 0, 0, 16, 35, 0, 0};
}

/// Element-wise addition or multiplication of two streams. With `broadcast` one operand is held
/// for all pixels of a channel.
constexpr module_cost element_wise(bool multiply, bool broadcast, std::int64_t channels,
                                   int data_width) {
    return {0,
            0,
            0,
            49,
            23,
            multiply ? 1.0 : 0.0,
            broadcast ? detail::real(bram18_fifo(channels, data_width)) : 0.0};
}

/// Block-floating-point rescaling.
constexpr module_cost shift_scale(int streams) {
    return {0, 0, 0, 0, 0, static_cast<double>(streams), 0};
}

/// What a sliding window has beside its line and window buffers: control, and the frame in LUT-RAM.
/// \param channels  of one stream
constexpr module_cost window_logic(std::int64_t channels, int kernel_h, int kernel_w, int streams,
                                   int data_width) {
    constexpr std::array logic{6.468405208474761, 0.0, 0.0, 3.926593877837413, 2.450841120151407};
    constexpr std::array ff{20.771535378232738, 5.212369249548043, 3.440205509209496};
    const std::int64_t w = std::int64_t{streams} * data_width;
    const double rows_width = detail::real((kernel_h - 1) * w);
    const double frame_width = detail::real(w * kernel_h * (kernel_w - 1));
    module_cost m;
    m.logic_lut =
        detail::fit(logic, detail::real(w), static_cast<double>(kernel_h - 1),
                    static_cast<double>(kernel_h * (kernel_w - 1)), rows_width, frame_width);
    m.lut_ram = detail::real(std::int64_t{kernel_h} * kernel_w * lutram_queue(2, w));
    m.lut = m.logic_lut + m.lut_ram;
    m.ff =
        detail::fit(ff, static_cast<double>(detail::bits_for(channels)), rows_width, frame_width);
    return m;
}

/// Line, window and frame buffers of a kernel_h x kernel_w window over `channels` channels a stream
/// of maps that are `cols` wide, padding included.
constexpr module_cost sliding_window(std::int64_t cols, std::int64_t channels, int kernel_h,
                                     int kernel_w, int streams, int data_width) {
    const std::int64_t w = std::int64_t{streams} * data_width;
    const std::int64_t line_depth = channels * cols;
    const std::int64_t line_width = (kernel_h - 1) * w;
    const std::int64_t window_width = (kernel_w - 1) * w;
    const std::int64_t line_bram = bram18_fifo(line_depth, line_width);
    const std::int64_t window_bram = kernel_h * bram18_fifo(channels, window_width);
    const double line = detail::real(line_bram == 0 ? lutram_queue(line_depth, line_width) : 0);
    const double window =
        detail::real(window_bram == 0 ? kernel_h * lutram_queue(channels, window_width) : 0);

    constexpr std::array ram{0.07302216156243713, 0.0, 14.236190954435962};
    module_cost m = window_logic(channels, kernel_h, kernel_w, streams, data_width);
    m.lut += line + window;
    m.lut_ram = detail::fit(ram, line, window, m.lut_ram);
    m.bram18 = detail::real(line_bram + window_bram);
    return m;
}

/// 18 Kbit blocks of the line buffer inside a sliding window: what "streamed inputs" would free.
constexpr std::int64_t line_buffer_bram18(std::int64_t cols, std::int64_t channels, int kernel_h,
                                          int streams, int data_width) {
    return bram18_fifo(channels * cols, std::int64_t{kernel_h - 1} * streams * data_width);
}

/// Copies `words` parallel words to `copies` consumers.
constexpr module_cost fork(int words, int copies, int streams, int data_width) {
    constexpr std::array logic{0.0, 0.4999999999999997, 0.0, 1.8547921623042413e-18,
                               5.000000000000004};
    constexpr std::array ff{11.999999999999998, 0.0, 3.0000000000000058};
    const double k = static_cast<double>(streams) * words;
    const double bits = k * data_width;
    return detail::cost(detail::fit(logic, k, bits, k * copies, bits * copies, 1.0), 0.0, 0.0,
                        detail::fit(ff, k, bits * copies, 1.0));
}

/// Width conversion from `from` to `to` parallel words. Its coefficients are hard-coded in the
/// published code; the fitted file is ignored there.
constexpr module_cost squeeze(int from, int to, int streams, int data_width) {
    const std::int64_t lcm = std::lcm(std::int64_t{from}, std::int64_t{to});
    const std::int64_t w = std::int64_t{streams} * data_width;
    const std::int64_t depth = lcm / from + 1;
    const std::int64_t bram = lcm * bram18_fifo(depth, w);
    const std::int64_t lutram = bram == 0 ? lcm * lutram_queue(depth, w) : 0;
    constexpr std::array logic{2.22688964, 235.5859881, 3.29301748};
    constexpr std::array ff{15.87391647, 3.48485944, 5.69486761, 1084.90151568};
    return detail::cost(
        detail::fit(logic, detail::real(w * lcm), static_cast<double>(from), detail::real(w * to)),
        hass::detail::trunc(48.82925296 * detail::real(lutram)), 0.0,
        detail::fit(ff, detail::real(lcm), detail::real(w * to),
                    static_cast<double>(to * detail::bits_for(lcm / to)), 1.0),
        0.0, detail::real(bram));
}

/// Dense dot product of `macs` pairs a cycle, for `filters` filters in turn. DSPs before packing.
constexpr module_cost vector_dot(int macs, std::int64_t filters, int streams,
                                 const precision& width) {
    constexpr std::array logic{2.5712588490274078, 0.9728726880005609};
    constexpr std::array ram{4.524649370974531};
    constexpr std::array sr{0.1677374301675975};
    constexpr std::array ff{21.368623676334177, 1.4860070225969686, 0.18202487854323943};
    (void)filters;  // its coefficients are 0
    const double depth = static_cast<double>(detail::bits_for(macs) + 1);
    const double w = static_cast<double>(streams) * width.accumulator;
    const auto queue =
        lutram_queue(detail::bits_for(macs) + 1, std::int64_t{streams} * width.accumulator);
    return detail::cost(
        detail::fit(logic, static_cast<double>(macs), w * macs),
        detail::fit(ram, detail::real(queue)), detail::fit(sr, depth),
        detail::fit(ff, depth, w * macs, w),
        detail::real(std::int64_t{streams} * macs * multiplier_dsp(width.data, width.weight)));
}

/// Sparse dot product with `macs` multipliers (one stream). No term grows with the crossbar.
constexpr module_cost sparse_vector_dot(int macs, std::int64_t filters, const precision& width) {
    constexpr std::array logic{0.07439199517257487, 0.9100979411054604, 0.029494058164413785,
                               0.0015883973624582588};
    constexpr std::array ram{0.5348506401138327, 15.015918173812826};
    constexpr std::array sr{0.20493827160493797};
    constexpr std::array ff{33.05120227367124, 0.5679766156862421};
    const double n = static_cast<double>(macs);
    const double depth = static_cast<double>(detail::bits_for(macs) + 1);
    const auto queue = lutram_queue(detail::bits_for(macs) + 3, width.accumulator);
    return detail::cost(detail::fit(logic, width.data * n, width.weight * n, width.accumulator * n,
                                    detail::real(filters)),
                        detail::fit(ram, detail::real(queue), 1.0), detail::fit(sr, depth),
                        detail::fit(ff, depth, width.accumulator * n),
                        detail::real(macs * multiplier_dsp(width.data, width.weight)));
}

/// Partial sums of `filters` filters over `channels` channels.
constexpr module_cost accumulator(std::int64_t channels, std::int64_t filters, int streams,
                                  int width) {
    constexpr std::array logic{0.8535328752784788, 3.510359838010225};
    constexpr std::array ram{13.673791357498757, 0.016783091147872513, 0.9252112240755449};
    constexpr std::array ff{3.209793819446477, 0.007325972145692542, 0.28885062372946946};
    const std::int64_t w = std::int64_t{streams} * width;
    const double f = detail::real(filters);
    return detail::cost(detail::fit(logic, f, detail::real(w)),
                        detail::fit(ram, detail::real(lutram_queue(2, w)),
                                    detail::real(w * filters), detail::real(w)),
                        0.0, detail::fit(ff, detail::real(w), detail::real(channels), f));
}

/// Adds `inputs` streams into one.
constexpr module_cost glue(int inputs, int streams, int width) {
    constexpr std::array logic{1.2616559056745482};
    constexpr std::array ram{8.878748320941405};
    constexpr std::array sr{0.16089865580518367, 0.19529144313650781};
    constexpr std::array ff{9.537511514327104, 0.36080768592384255, 0.05106318781440864,
                            1.0280541022281016};
    const int levels = detail::bits_for(inputs);
    const std::int64_t w = std::int64_t{streams} * width;
    return detail::cost(
        detail::fit(logic, detail::real(w * inputs)),
        detail::fit(ram, detail::real(lutram_queue(levels + 1, w))),
        detail::fit(sr, static_cast<double>(levels), 1.0),
        detail::fit(ff, static_cast<double>(inputs), detail::real(w),
                    detail::real(w * (std::int64_t{1} << levels)), detail::real(w * inputs)));
}

/// Adds a bias a channel.
constexpr module_cost bias(int streams, int data_width) {
    constexpr std::array logic{0.8124999999999999};
    constexpr std::array ff{2.1874999999999996};
    const double w = static_cast<double>(streams) * data_width;
    return detail::cost(detail::fit(logic, w), 0.0, 0.0, detail::fit(ff, w));
}

/// Maximum or mean over a window of kernel_h x kernel_w values.
constexpr module_cost pool(int kernel_h, int kernel_w, int streams, int data_width) {
    constexpr std::array logic{2.5047646462840762, 0.8852262978075741};
    constexpr std::array ram{7.999999999999963, 5.972289129998669e-15};
    constexpr std::array ff{0.18671982494445696, 2.156759769408736, 5.372070909824419};
    const int taps = kernel_h * kernel_w;
    const std::int64_t w = std::int64_t{streams} * data_width;
    return detail::cost(
        detail::fit(logic, static_cast<double>(taps), detail::real(w * taps)),
        detail::fit(ram, detail::real(lutram_queue(detail::bits_for(taps) + 1, w)), 1.0), 0.0,
        detail::fit(ff, detail::real(w), detail::real(w * taps),
                    static_cast<double>(detail::bits_for(taps))));
}

/// Mean over a whole map of `channels` channels.
constexpr module_cost global_pool(std::int64_t channels, const precision& width) {
    constexpr std::array logic{28.143908465835835};
    constexpr std::array ram{8.000000000000002};
    constexpr std::array ff{0.6410566414241895};
    return detail::cost(detail::fit(logic, static_cast<double>(width.accumulator)),
                        detail::fit(ram, detail::real(lutram_queue(4, width.data))), 0.0,
                        detail::fit(ff, detail::real(width.accumulator * channels)),
                        detail::real(multiplier_dsp(width.data, width.accumulator)));
}

}  // namespace hass::modules
