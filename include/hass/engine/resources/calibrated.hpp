/// \file calibrated.hpp
/// The default resource model. Its sparse engine is fitted to an SPE that was written in RTL and
/// synthesised; everything around it is counted from primitives, or taken from the published
/// regression where nothing better is known. Term by term:
///
///     SPE                 LUT, FF, DSP   fitted to synthesis (UltraScale+, M 4..64, N 1..16)
///     weight memories     BRAM18 / URAM / LUT-RAM   counted; an SPE reads a whole window at once;
///                         or bandwidth              plain, as bitmask, or off-chip
///     accumulators        LUT, FF, BRAM18           counted
///     requantisation      LUT, FF                   counted
///     serialiser          LUT                       counted (dense engine only)
///     inputs held back    LUT, FF, BRAM18 / URAM    counted, see `skew.hpp`
///     squeezes            LUT, FF                   counted, see `squeeze.hpp`; between layers
///     image, answers      LUT, FF, BRAM18           counted, a FIFO to off-chip memory; as above
///     dense dot product   LUT, FF        published regression (vector-dot)
///     padding, sliding window, fork, adder tree, bias adder, pools   published regressions
///
/// Against the published model it is dearer by the crossbar (up to 8x in LUTs), and it never gives
/// a credit: more streams, multipliers or channels a window never cost fewer DSPs, LUTs or FFs (a
/// property test), but where a window becomes so wide that no partial sums are left to store.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/memories.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// The synthesised SPE: clipping, zero filter, arbiter, crossbar, N multipliers, accumulator and
/// input FIFO. LUTs by relative least squares over 32 grid points: 3.9 % mean and 14 % worst error.
/// The width term rests on the two 8-bit points alone. FFs and DSPs are exact on the whole grid.
namespace spe_synthesis {

inline constexpr double lut_constant = 86.63268048335595;
inline constexpr double lut_pair = 46.326906432924694;            ///< per M
inline constexpr double lut_mac = 44.94043492828648;              ///< per N
inline constexpr double lut_crossbar = 22.306469772968832;        ///< per M N
inline constexpr double lut_pair_width = 51.182159568320195;      ///< per M (W - 16) / 16
inline constexpr double lut_crossbar_width = 18.670255713465053;  ///< per M N (W - 16) / 16

/// LUTs of one SPE.
/// \param pairs  M, pairs taken in at once: fitted from 4 to 64
/// \param macs   N, multipliers: fitted from 1 to 16
/// \param width  W, bits of a weight and of an activation: fitted at 16, interpolated to 8
constexpr double lut(double pairs, double macs, double width) {
    const double w = (std::max(width, 2.0) - 16.0) / 16.0;
    return lut_constant + pairs * (lut_pair + lut_pair_width * w) + macs * lut_mac +
           pairs * macs * (lut_crossbar + lut_crossbar_width * w);
}

/// FFs of one SPE: 111 + (2 W + 2) M + 4 W N.
constexpr double ff(double pairs, double macs, double width) {
    return 111.0 + (2.0 * width + 2.0) * pairs + 4.0 * width * macs;
}

}  // namespace spe_synthesis

/// Resource policy, see the file's head. The members say how weights may be stored; several
/// policies side by side in an `engine_list` let every layer choose.
struct calibrated {
    /// Room in weight memories, as a share of all weights, in (0, 1]. Below 1 they hold a bitmask
    /// and the weights that are not zero (`formats::bitmask`), which are taken as spread evenly
    /// over engines; multiplexers put them back to their places. A layer whose weights are denser
    /// is `ruled_out`.
    double stored = 1.0;
    /// Clock (MHz) at which weights may be read from off-chip memory; 0: they may not. A stage
    /// reads anew whatever it multiplies, at its own rate, through a FIFO of 512 words: bandwidth
    /// instead of memory, which pays where each weight meets few pixels.
    double off_chip_mhz = 0.0;

    /// A sparse engine's layer.
    constexpr usage sparse(const layer_row& row, const row_option& c,
                           const precision& width) const {
        const folded_row f(row, c.folding);
        const double pair_width = 0.5 * (width.data + width.weight);
        usage u;
        u.lut = f.engines * spe_synthesis::lut(f.pairs, c.folding.macs, pair_width);
        u.ff = f.engines * spe_synthesis::ff(f.pairs, c.folding.macs, pair_width);
        u.dsp = static_cast<double>(std::int64_t{f.engines} * c.folding.macs *
                                    multiplier_dsp(width.data, width.weight));
        // An SPE has one accumulator of its own; several filters in turn need their partial sums.
        if (f.group_blocks > 1 && f.filters > 1)
            u += double(f.engines) * accumulator(f.filters, width.accumulator);
        u += double(f.engines) *
             weights(c.memory, f.blocks * f.filters, f.pairs, f.pairs, width.weight);
        // Streams run at their own pace, so every stream has its own window and fork.
        add(u, window(row, f, 1, width.data), f.streams_in);
        if (c.folding.out > 1)
            add(u, modules::fork(f.pairs, c.folding.out, 1, width.data), f.streams_in);
        if (c.folding.in > 1)
            add(u, modules::glue(c.folding.in, 1, width.accumulator), f.streams_out);
        return u + output(row, f, width);
    }

    /// A dense engine's layer.
    constexpr usage dense(const layer_row& row, const row_option& c, const precision& width) const {
        const folded_row f(row, c.folding);
        const int macs = c.folding.macs;
        usage u;
        add(u, modules::vector_dot(macs, f.filters, 1, width), f.engines);
        u.dsp = dense_dsp(f, c.folding, width);
        if (f.group_blocks > 1)  // streams are in step: one accumulator behind the adder tree
            u += double(f.streams_out) * accumulator(f.filters, width.accumulator);
        u.lut += f.streams_in * serialiser_lut(f.pairs, macs, width.data);
        u += weights(c.memory, f.blocks * f.filters * (f.pairs / macs),
                     std::int64_t{macs} * f.engines, macs, width.weight);
        add(u, window(row, f, f.streams_in, width.data), 1);
        if (c.folding.out > 1)
            add(u, modules::fork(macs, c.folding.out, f.streams_in, width.data), 1);
        if (c.folding.in > 1)
            add(u, modules::glue(c.folding.in, f.streams_out, width.accumulator), 1);
        return u + output(row, f, width);
    }

    /// A row without weights, `c.folding.in` streams wide, and what it holds back.
    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const;

    /// \name Parts, for reports and tests
    /// @{

    /// A read-mostly memory of `depth` words of `bits` bits. Up to 64 words it goes to LUTs (a LUT6
    /// holds 64 bits) unless URAM is asked for; URAM blocks are 72 bits x 4,096 words.
    static constexpr usage memory(weight_memory kind, std::int64_t depth, std::int64_t bits) {
        usage u;
        if (kind == weight_memory::uram)
            u.uram =
                static_cast<double>(detail::ceil_div(bits, 72) * detail::ceil_div(depth, 4096));
        else if (depth <= 64)
            u.lut = static_cast<double>(bits);
        else
            u.bram18 = static_cast<double>(detail::blocks_for(bram18_shapes, depth, bits));
        return u;
    }

    /// Memory of `words` weights side by side, `depth` deep: as one wide memory, or in banks of one
    /// weight each when these are fewer blocks.
    /// \param lanes  weights of one engine among `words`: their places in a window
    /// \throws hass::error for `stored` outside (0, 1], or off-chip weights without a clock
    constexpr usage weights(weight_memory kind, std::int64_t depth, std::int64_t words, int lanes,
                            int bits) const {
        if (!(stored > 0.0 && stored <= 1.0))
            throw error(text_of({"calibrated: stored = ", stored, ", must be in (0, 1]"}));
        const bool compressed = stored < 1.0;
        const double wide = static_cast<double>(words) * (compressed ? stored * bits + 1.0 : bits);
        const auto width = static_cast<std::int64_t>(detail::ceil(wide));
        usage u;
        if (kind == weight_memory::off_chip) {
            if (!(off_chip_mhz > 0.0 && off_chip_mhz < 1e6))
                throw error(
                    text_of({"calibrated: weights off-chip with off_chip_mhz = ", off_chip_mhz}));
            u.bram18 = static_cast<double>(detail::ceil_div(width, 36));
            u.bandwidth = wide * off_chip_mhz / 1000.0;
        } else {
            u = memory(kind, depth, width);
            if (!compressed && u.bram18 > 0.0)
                u.bram18 = std::min(
                    u.bram18,
                    static_cast<double>(words * detail::blocks_for(bram18_shapes, depth, bits)));
        }
        if (compressed)  // any of the words before it may be a lane's; a 4:1 multiplexer is a LUT6
            u.lut += static_cast<double>(words * bits * detail::ceil_div(lanes - 1, 3));
        return u;
    }

    /// Between stages of `from` and of `to` words: registers for the least common multiple, filled
    /// by one side while the other empties the second set, and multiplexers in front of the latter.
    static constexpr usage squeeze(int from, int to, int bits) {
        const auto words = std::lcm(std::int64_t{from}, std::int64_t{to});
        usage u;
        u.ff = static_cast<double>(2 * words * bits);
        u.lut =
            static_cast<double>(std::int64_t{to} * bits * detail::ceil_div(2 * words / to - 1, 3));
        return u;
    }

    /// Between off-chip memory and a stage: a FIFO of 512 words side by side with its two counters,
    /// as weights from off-chip have.
    static constexpr usage mover(int words, int bits) {
        const std::int64_t depth = 512;
        usage u;
        u.lut = u.ff = 2.0 * detail::bits_for(depth);
        u.bram18 = static_cast<double>(
            detail::blocks_for(bram18_shapes, depth, std::int64_t{words} * bits));
        return u;
    }

    /// A stream that several stages read is the same wires for each; what they wait for each other
    /// is held back where they join.
    static constexpr usage split(int /*words*/, int /*copies*/, int /*bits*/) { return {}; }

    /// Partial sums of `filters` filters in turn: an adder and its register, counters, and storage
    /// in LUT-RAM (8 LUTs hold 14 bits x 32 words) up to 64 words, in block RAM above.
    static constexpr usage accumulator(std::int64_t filters, int bits) {
        const double counter = 2.0 * detail::bits_for(filters);
        usage u;
        u.lut = bits + counter;
        u.ff = bits + counter;
        if (filters <= 64)
            u.lut += static_cast<double>(lutram(filters, bits));
        else
            u.bram18 = static_cast<double>(detail::blocks_for(bram18_shapes, filters, bits));
        return u;
    }

    /// Inputs that wait for others: a FIFO of all `streams` words side by side for each, in LUT-RAM
    /// up to 64 words, with its two counters.
    static constexpr usage hold(weight_memory kind, std::span<const held_input> held, int streams,
                                int bits) {
        usage u;
        for (const held_input& input : held) {
            if (input.words == 0) continue;
            const std::int64_t depth = detail::ceil_div(input.words, streams) + input.cycles;
            const std::int64_t wide = std::int64_t{streams} * bits;
            u.lut += 2.0 * detail::bits_for(depth);
            u.ff += 2.0 * detail::bits_for(depth);
            if (depth > 64)
                u += memory(kind, depth, wide);
            else
                u.lut += static_cast<double>(lutram(depth, wide));
        }
        return u;
    }

    /// Hands M words to N lanes in M / N steps: a 4:1 multiplexer bit is one LUT6.
    static constexpr double serialiser_lut(int pairs, int macs, int bits) {
        return static_cast<double>(macs * bits * detail::ceil_div(pairs / macs - 1, 3));
    }
    /// @}

  private:
    /// LUTs of a memory that is written and read: 8 hold 14 bits x 32 words.
    static constexpr std::int64_t lutram(std::int64_t depth, std::int64_t bits) {
        return 8 * detail::ceil_div(bits, 14) * detail::ceil_div(depth, 32);
    }

    static constexpr void add(usage& u, const modules::module_cost& m, int times) {
        u.lut += times * m.lut;
        u.ff += times * m.ff;
        u.dsp += times * m.dsp;
        u.bram18 += times * m.bram18;
    }

    /// Padding and sliding window, `streams` words wide. A dilated kernel is charged its span.
    static constexpr modules::module_cost window(const layer_row& row, const folded_row& f,
                                                 int streams, int bits) {
        modules::module_cost m;
        if (single_tap(row)) return m;
        const int span_h = row.dilation_h * (row.kernel_h - 1) + 1;
        const int span_w = row.dilation_w * (row.kernel_w - 1) + 1;
        m = modules::sliding_window(padded_width(row), f.blocks, span_h, span_w, streams, bits);
        if (row.pad_top + row.pad_left + row.pad_bottom + row.pad_right > 0) {
            m.lut += streams * modules::pad().lut;
            m.ff += streams * modules::pad().ff;
        }
        return m;
    }

    /// Bias and requantisation from accumulator to data width: rounding adder and saturation.
    static constexpr usage output(const layer_row& row, const folded_row& f,
                                  const precision& width) {
        usage u;
        u.lut = f.streams_out * double(width.accumulator + width.data);
        u.ff = f.streams_out * double(width.accumulator);
        if (!row.bias) return u;
        add(u, modules::bias(1, width.data), f.streams_out);
        const std::int64_t depth = row.out.channels / f.streams_out;
        return u + double(f.streams_out) * memory(weight_memory::bram18, depth, width.accumulator);
    }

    /// Two (four) multiplications of up to 8 (4) bits share a DSP when they share the activation,
    /// that is across `out`.
    static constexpr double dense_dsp(const folded_row& f, const parallelism& p,
                                      const precision& width) {
        const int widest = std::max(width.data, width.weight);
        const int packed = widest <= 4 ? 4 : widest <= 8 ? 2 : 1;
        return static_cast<double>(f.streams_in * detail::ceil_div(p.out, packed) * p.macs *
                                   multiplier_dsp(width.data, width.weight));
    }
};

constexpr usage calibrated::stage(const layer_row& row, const row_option& c, const precision& width,
                                  std::span<const held_input> held) const {
    namespace modules = modules;
    const int streams = c.folding.in;
    const std::int64_t channels = row.in.channels / streams;
    usage u = hold(c.memory, held, streams, width.data);
    const auto lookup_table = [&] { u.bram18 += streams; };  // 1,024 words of 18 bits
    switch (row.kind) {
        case layer_kind::convolution:
        case layer_kind::linear:
        case layer_kind::flatten:  // a renaming of wires
            break;
        case layer_kind::max_pool:
        case layer_kind::average_pool: {
            const folded_row f(row, parallelism{streams, 1, 1, 1, 1});
            add(u, window(row, f, streams, width.data), 1);
            add(u, modules::pool(row.kernel_h, row.kernel_w, streams, width.data), 1);
            if (row.kind == layer_kind::average_pool) u.dsp += streams;  // times 1 / taps
            break;
        }
        case layer_kind::global_average_pool:
            add(u, modules::global_pool(channels, width), streams);
            break;
        case layer_kind::add:
        case layer_kind::concat:
            add(u, modules::element_wise(false, false, channels, width.data), streams);
            break;
        case layer_kind::multiply:
            add(u, modules::element_wise(true, false, channels, width.data), streams);
            break;
        case layer_kind::relu:
            add(u, modules::relu(), streams);
            break;
        case layer_kind::relu6:  // clipped on both sides
            add(u, modules::relu(), 2 * streams);
            break;
        case layer_kind::hardsigmoid:  // clip(x / 6 + 1 / 2, 0, 1)
            add(u, modules::relu(), 2 * streams);
            u.dsp += streams;
            break;
        case layer_kind::hardswish:
            add(u, modules::relu(), 2 * streams);
            u.dsp += 2 * streams;
            break;
        case layer_kind::sigmoid:
            lookup_table();
            break;
        case layer_kind::swish:
            lookup_table();
            u.dsp += streams;
            break;
        case layer_kind::softmax:  // exponential table, sum, and one reciprocal multiplication
            lookup_table();
            u.dsp += streams;
            u.lut += streams * double(width.accumulator * width.data);  // array divider
            u.ff += streams * double(width.accumulator * width.data);
            break;
    }
    return u;
}

}  // namespace hass
