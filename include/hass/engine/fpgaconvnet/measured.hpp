/// \file measured.hpp
/// What fpgaConvNet's HDL back end takes, as measured: a resource policy fitted to designs that its
/// authors built and ran on boards (MLPerf Tiny v1.1, ResNet-8, DS-CNN and MobileNetV1 on
/// zedboard, zc706, zybo and cora-z7, Vivado 2019.1; mlperf_tiny_designs.json).
///
///     DSP    counted, exact on all of them: a multiplier each unless it is built from LUTs, none
///            packed at 9 x 8 bits; 2 a requantised stream (24 x 24 bits); 6 a stream of additions,
///            which requantises three times; 1 a global pool whose pixels are no power of two
///     BRAM   counted: weights, biases, scales and shifts in blocks whatever their
///            depth, a memory an engine or stream; a memory a line; FIFOs and lines up to 64 words
///            and windows up to 128 in LUTs; blocks as Vivado builds them (`vivado_memory.hpp`)
///     LUT    0.79 of the regressions for the modules of a stage (`modules.hpp`, and for squeezes
///            `calibrated::squeeze`), 104 a multiplier of 9 x 8 bits in LUTs, 194 a stage or stream
///            of a stage (FIFO, handshake, counters)
///     FF     0.94 of the same, 54, 140
///
/// Six designs are shared, their LUTs and FFs rounded to thousands. Errors of designs left out in
/// turn are 3.4 % mean and 7.9 % worst in LUTs, 3.9 and 6.5 % in FFs; of any two left out together
/// 9.5 and 7.5 % worst. BRAM has no coefficient, but what goes to blocks was chosen on the four
/// designs whose table is consistent: 3.6 % mean, 7.1 % worst. zybo/kws, whose latency does not fit
/// its folding either, lists less than half of what is counted; zc706/ic lists none. Expect 10 % in
/// LUTs, FFs and BRAM of designs like these, more where engines are many and narrow, of which one
/// was measured: models that do equally well on the six differ there by 30 %.
/// Tried and left, by the worst design left out in LUTs and in FFs: one factor on the regressions
/// (51 %, 23 %), also with `calibrated`'s accumulators (40 %, 15 %); multipliers, engines, streams
/// and requantisers in place of the regressions (26 %, 45 %); requantisers and squeezes apart
/// (13 %, 19 %); 45 LUTs a multiplier as between other terms (28 %); no ridge (14 %, 6 %).
/// Multipliers, windows and stages without a term for multipliers in LUTs do as well (3.3 %,
/// 8.9 %), but cannot tell one in LUTs from one in a DSP.
///
/// Nothing here depends on pruning: the back end has no sparse engine, and `sparse` refuses. Stages
/// that no row stands for (splits, where several rows read one) are for whoever knows the edges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/known_error.hpp>
#include <hass/engine/resources/memories.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/resources/vivado_memory.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass::fpgaconvnet {

/// What is counted of a stage. Its LUTs and FFs are fitted to three of these sums.
struct counted {
    usage parts{};                 ///< DSP, BRAM18, URAM as they are built; LUT, FF by regressions
    double lut_multipliers = 0.0;  ///< multipliers in LUTs, in such of 9 x 8 bits: bits x bits / 72
    double stages = 0.0;           ///< stages, and streams of stages without weights

    /// Member by member.
    constexpr counted& operator+=(const counted& o) {
        parts += o.parts;
        lut_multipliers += o.lut_multipliers, stages += o.stages;
        return *this;
    }
    /// Member by member.
    friend constexpr counted operator+(counted a, const counted& b) { return a += b; }
};

/// What one of each sum in `counted` takes.
struct measured_coefficients {
    double parts = 1.0;           ///< of `counted::parts`
    double lut_multiplier = 0.0;  ///< a multiplier
    double stage = 0.0;           ///< a stage

    /// Of one resource. \param parts_sum  of that resource in `counted::parts`.
    constexpr double of(double parts_sum, const counted& c) const {
        return parts * parts_sum + lut_multiplier * c.lut_multipliers + stage * c.stages;
    }
};

/// Fitted to the six shared designs; `tests/engine/test_measured_golden.cpp` repeats it.
inline constexpr measured_coefficients measured_lut{0.79179304786079663, 103.96906724200583,
                                                    193.50874027286443};
/// FFs, fitted as `measured_lut`.
inline constexpr measured_coefficients measured_ff{0.94124443240777567, 53.934051985327265,
                                                   139.74423330195191};
/// The fits' ridge towards 1 of `parts`: (5 % expected error / 25 % expected spread)^2.
inline constexpr double measured_pull = 0.04;

/// Resources of what was counted.
constexpr usage priced(const counted& c) {
    usage u = c.parts;
    u.lut = measured_lut.of(c.parts.lut, c);
    u.ff = measured_ff.of(c.parts.ff, c);
    return u;
}

/// The stages of the back end, one function a kind. A submitted design is their sum, and so is a
/// row under the policy. Words are those of `precision`: maps of `data` bits, sums and whatever is
/// requantised of `accumulator` bits.
namespace stages {

/// The measured boards' (Zynq-7000).
inline constexpr dsp_slice slice = dsp_slice::dsp48e1;

namespace detail {

constexpr void add(counted& c, const modules::module_cost& m, std::int64_t times = 1) {
    c.parts.lut += static_cast<double>(times) * m.lut;
    c.parts.ff += static_cast<double>(times) * m.ff;
}

/// LUTs or blocks of a memory that is written all the time, in LUTs up to `lut_words`.
constexpr void add_queue(counted& c, std::int64_t depth, std::int64_t bits, std::int64_t lut_words,
                         std::int64_t times = 1) {
    if (depth <= lut_words)
        c.parts.lut += static_cast<double>(times * lutram_queue(depth, bits));
    else
        c.parts.bram18 += static_cast<double>(times * vivado_bram18(depth, bits));
}

constexpr bool power_of_two(std::int64_t n) {
    return (n & (n - 1)) == 0;
}

}  // namespace detail

/// A stage that only moves words: activation, split. One of its streams each.
constexpr counted plain(int streams) {
    return {{}, 0.0, static_cast<double>(streams)};
}

/// FIFO in front of a stage, `words` deep and `bits` wide; above 64 words in `memory`.
constexpr counted fifo(std::int64_t words, std::int64_t bits,
                       weight_memory memory = weight_memory::bram18) {
    counted c;
    if (words > 64 && memory == weight_memory::uram)
        c.parts.uram = static_cast<double>(uram_memory(words, bits));
    else
        detail::add_queue(c, words, bits, 64);
    return c;
}

/// Between stages of `from` and of `to` words.
constexpr counted squeeze(int from, int to, int bits) {
    counted c = plain(1);
    c.parts = calibrated::squeeze(from, to, bits);
    return c;
}

/// Sums back to data: a scale and a shift a channel, on `streams` of the `channels`.
constexpr counted requantiser(int streams, std::int64_t channels, const precision& width) {
    counted c = plain(streams);
    const std::int64_t depth = hass::detail::ceil_div(channels, streams);
    c.parts.dsp =
        static_cast<double>(streams * multiplier_dsp(width.accumulator, width.accumulator, slice));
    c.parts.bram18 = static_cast<double>(2 * streams * vivado_bram18(depth, width.accumulator));
    return c;
}

/// Addition of two maps: both are rescaled, and so is the sum.
constexpr counted addition(int streams, const precision& width) {
    counted c = plain(streams);
    c.parts.dsp = static_cast<double>(3 * streams *
                                      multiplier_dsp(width.accumulator, width.accumulator, slice));
    return c;
}

/// Mean over a map of `pixels` pixels, before it is requantised.
constexpr counted global_pool(int streams, std::int64_t channels, std::int64_t pixels,
                              const precision& width) {
    counted c = plain(streams);
    const precision sums{width.accumulator, width.weight, width.accumulator};
    detail::add(c, modules::global_pool(hass::detail::ceil_div(channels, streams), sums), streams);
    if (!detail::power_of_two(pixels)) c.parts.dsp = streams;
    return c;
}

/// Padding and the window over `row`, `streams` words wide, with `channels` of a stream in turn.
constexpr counted window(const layer_row& row, int streams, std::int64_t channels, int bits) {
    counted c;
    if (row.pad_top + row.pad_left + row.pad_bottom + row.pad_right > 0)
        detail::add(c, modules::pad(), streams);
    if (single_tap(row)) return c;
    modules::module_cost logic = modules::sliding_window(padded_width(row), channels, row.kernel_h,
                                                         row.kernel_w, streams, bits);
    logic.lut = logic.logic_lut;
    detail::add(c, logic);
    const std::int64_t lines = std::int64_t{streams} * (row.kernel_h - 1);
    const std::int64_t steps = std::int64_t{streams} * row.kernel_h * (row.kernel_w - 1);
    detail::add_queue(c, channels * padded_width(row), bits, 64, lines);
    detail::add_queue(c, channels, bits, 128, steps);
    const std::int64_t frame = lutram_queue(2, std::int64_t{streams} * bits);
    c.parts.lut += static_cast<double>(std::int64_t{row.kernel_h} * row.kernel_w * frame);
    return c;
}

/// A convolution or inner product up to its sums, with its weights and biases. The back end has no
/// vectors: channels that lie side by side in one are streams of their own.
constexpr counted convolution(const layer_row& row, const row_option& option,
                              const precision& width) {
    parallelism p = option.folding;
    if (single_tap(row)) p.in *= p.vector, p.vector = p.macs = 1;
    const folded_row f(row, p);
    const std::int64_t steps = f.pairs / p.macs;
    counted c = plain(1) + window(row, f.streams_in, f.blocks, width.data);
    if (steps > 1)
        c.parts += double(f.streams_in) * calibrated::squeeze(f.pairs, p.macs, width.data);
    if (p.out > 1) detail::add(c, modules::fork(p.macs, p.out, f.streams_in, width.data));
    detail::add(c, modules::vector_dot(p.macs, f.filters, f.engines, width));
    if (f.blocks * steps > 1)
        detail::add(
            c, modules::accumulator(f.blocks * steps, f.filters, f.engines, width.accumulator));
    if (p.in > 1) detail::add(c, modules::glue(p.in, f.streams_out, width.accumulator));

    const std::int64_t multipliers = std::int64_t{f.engines} * p.macs;
    if (option.multipliers == multiplier::lut)
        c.lut_multipliers = static_cast<double>(multipliers * width.data * width.weight) / 72.0;
    else
        c.parts.dsp =
            static_cast<double>(multipliers * multiplier_dsp(width.data, width.weight, slice));
    const std::int64_t depth = f.blocks * f.filters * steps;
    const std::int64_t bits = std::int64_t{p.macs} * width.weight;
    if (option.memory == weight_memory::uram)
        c.parts.uram = static_cast<double>(f.engines * uram_memory(depth, bits));
    else if (option.memory == weight_memory::bram18)
        c.parts.bram18 += static_cast<double>(f.engines * vivado_bram18(depth, bits));
    else
        throw error(text_of({"fpgaconvnet::measured: no weights in ", name(option.memory),
                             ": they are in bram18 or uram"}));
    if (row.bias) {
        detail::add(c, modules::bias(f.streams_out, width.data));
        c.parts.bram18 += static_cast<double>(
            f.streams_out * vivado_bram18(row.out.channels / f.streams_out, width.accumulator));
    }
    return c;
}

}  // namespace stages

/// Resource policy, see the file's head. Meant for `precision{9, 8, 24}`, at which it was measured:
///
///     dense_dot<fpgaconvnet::measured> engine{{}, {9, 8, 24}};
///
/// A compute row is a convolution, a squeeze to the streams that are requantised, and their
/// requantiser. Rows that the back end does not know (concat, softmax, ...) are `calibrated`'s.
struct measured {
    /// Of rows, in `tests/literature/test_measured_boards.cpp`: on the designs that it was fitted to.
    static constexpr hass::known_error known_error{
        mlperf_tiny_boards,
        6,
        {0.00, 0.13},
        {-0.05, 0.07},
        {-0.04, 0.04},
        {-0.01, 0.11},
        "It was fitted to these designs: expect 10 % in LUTs, FFs and BRAM of others like them."};

    /// Whether options with multipliers of LUTs are offered.
    bool lut_multipliers = true;
    /// At all widths.
    static constexpr bool offers_lut_multipliers(const precision&) { return true; }

    /// Streams in which a row's sums are requantised: the fewest, dividing its output streams, that
    /// keep the row's own pace. The submitted designs have one in every row.
    static constexpr int requantised_streams(const layer_row& row, const parallelism& p) {
        const folded_row f(row, p);
        const double pace =
            std::max(static_cast<double>(f.windows_per_engine(row) * (f.pairs / p.macs)),
                     data_movement_cycles(row, p));
        for (const int streams : hass::detail::divisors(f.streams_out))
            if (static_cast<double>(row.out.volume()) <= pace * streams) return streams;
        return f.streams_out;
    }

    /// Words that a row gives at a time: as many as are requantised.
    static constexpr int words_out(const layer_row& row, const row_option& c) {
        return is_compute(row) ? requantised_streams(row, c.folding) : c.folding.in;
    }

    /// Never: the back end multiplies zeros.
    /// \throws hass::error
    usage sparse(const layer_row&, const row_option&, const precision&) const {
        throw error(
            "fpgaconvnet::measured: the measured back end has no sparse engine; use "
            "dense_dot, or `calibrated` or `repaired` for sparse_dot");
    }

    /// A compute row's stages, to be priced.
    static constexpr counted count(const layer_row& row, const row_option& c,
                                   const precision& width) {
        const int gives = c.folding.out * c.folding.group;
        const int streams = requantised_streams(row, c.folding);
        counted sum = stages::convolution(row, c, width);
        if (streams != gives) sum += stages::squeeze(gives, streams, width.accumulator);
        return sum + stages::requantiser(streams, row.out.channels, width);
    }

    constexpr usage dense(const layer_row& row, const row_option& c, const precision& width) const {
        return priced(count(row, c, width));
    }

    /// Between stages of `from` and of `to` words.
    static constexpr usage squeeze(int from, int to, int bits) {
        return priced(stages::squeeze(from, to, bits));
    }

    /// A stream of `words` that `copies` stages read: a stage of its own.
    static constexpr usage split(int words, int /*copies*/, int /*bits*/) {
        return priced(stages::plain(words));
    }

    /// A row without weights, `c.folding.in` streams wide, and FIFOs for what it holds back.
    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        const int streams = c.folding.in;
        counted sum;
        for (const held_input& input : held)
            if (input.words > 0)
                sum += stages::fifo(hass::detail::ceil_div(input.words, streams) + input.cycles,
                                    std::int64_t{streams} * width.data, c.memory);
        return priced(sum + count_stage(row, streams, c, width));
    }

  private:
    static constexpr counted count_stage(const layer_row& row, int streams, const row_option& c,
                                         const precision& width) {
        const std::int64_t channels = row.in.channels / streams;
        switch (row.kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
            case layer_kind::flatten:  // a renaming of wires
                return {};
            case layer_kind::relu:
                return stages::plain(streams);
            case layer_kind::add:
                return stages::addition(streams, width);
            case layer_kind::global_average_pool:
                return stages::global_pool(streams, row.in.channels, row.in.pixels(), width) +
                       stages::requantiser(streams, row.in.channels, width);
            case layer_kind::max_pool:
            case layer_kind::average_pool: {
                counted sum =
                    stages::plain(streams) + stages::window(row, streams, channels, width.data);
                stages::detail::add(sum,
                                    modules::pool(row.kernel_h, row.kernel_w, streams, width.data));
                if (row.kind == layer_kind::average_pool &&
                    !stages::detail::power_of_two(taps(row)))
                    sum.parts.dsp += streams;
                return sum;
            }
            default: {
                counted sum = stages::plain(streams);
                sum.parts += calibrated{}.stage(row, c, width);
                return sum;
            }
        }
    }
};

static_assert(ResourceModel<measured>);

}  // namespace hass::fpgaconvnet
