/// \file calibrated.hpp
/// The default resource model. Its sparse engine, and its cascades of DSPs, are counted from RTL that was
/// synthesised; everything around it is counted from primitives, or taken from the published
/// regression where nothing better is known. Term by term:
///
///     SPE                 LUT, FF, DSP   `crossbar_synthesis.hpp`, its FIFOs of windows and sums in it
///     multipliers         DSP, or LUT, FF           counted (`dsp.hpp`), or scaled from measured
///                                                   designs (`lut_multiplier.hpp`)
///     weight memories     BRAM18 / URAM / LUT-RAM   counted; an SPE reads a whole window at once;
///                         or bandwidth              plain, as bitmask, or off-chip
///     accumulators        LUT, FF, and a buffer     counted
///     requantisation      LUT, FF, DSP              counted
///     serialiser          LUT                       counted (dense engine only)
///     inputs held back    LUT, FF, and a buffer     counted, see `skew.hpp`
///     squeezes            LUT, FF                   counted, see `squeeze.hpp`; between layers
///     image, answers      LUT, FF, BRAM18           counted, a FIFO to off-chip memory; as above
///                                        (these three, and a dense engine's tree, have no module: unchecked)
///     dense dot product   LUT, FF        published regression (vector-dot); or a cascade of DSPs with its
///                                        windows and their replays: `cascade_synthesis.hpp`
///     sliding window      LUT, FF        published regression; lines and windows are buffers
///     padding, fork, adder tree, bias adder, pools   published regressions
///
/// A buffer, and whatever else is stored, takes what the vendor's tool builds (`placed_memory.hpp`):
/// LUT-RAM up to 64 words, above it block RAM, or URAM or LUT-RAM where the option says so.
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
#include <hass/engine/resources/cascade_synthesis.hpp>
#include <hass/engine/resources/crossbar_synthesis.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/known_error.hpp>
#include <hass/engine/resources/lut_multiplier.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/engine/resources/window_synthesis.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Resource policy, see the file's head. The members say how a layer may be built; several policies
/// side by side in an `engine_list` let every layer choose.
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
    requantise requantisation = requantise::shift;  ///< how sums become data
    dsp_slice slice = dsp_slice::dsp48e2;           ///< of the part
    /// Whether products of one activation by several weights share a DSP where they are narrow
    /// enough (`products_per_dsp`, across `out` of the dense engine). The measured designs did not.
    bool packing = true;
    /// Whether options with multipliers of LUTs are offered. They double the options of a row.
    bool lut_multipliers = false;
    /// Whether products of a dense engine go down a cascade of DSPs, in place of a tree of adders,
    /// where none share a DSP: `cascade_synthesis.hpp`.
    bool cascade = false;
    /// Whether weights are offered in LUT-RAM too, and what a row buffers in URAM and LUT-RAM. That
    /// is up to nine options for two.
    bool every_memory = false;

    /// In `tests/literature/test_measured_boards.cpp`.
    static constexpr hass::known_error known_error{
        mlperf_tiny_boards,
        6,
        {0.00, 0.13},
        {-0.58, -0.31},
        {-0.45, -0.23},
        {-0.84, -0.33},
        "Sparse engines were synthesised and simulated, and never measured on a board; as RTL, "
        "with planned FIFOs and in the long run, the shipped network took 0.3 % more cycles than "
        "modelled."};

    /// \name What is offered to an allocator
    /// @{

    /// Whether multipliers of LUTs are.
    constexpr bool offers_lut_multipliers(const precision& width) const {
        return lut_multipliers && std::max(width.data, width.weight) <= lut_multiplier::widest;
    }
    /// Whether weights in LUT-RAM are, and differ from those in block RAM.
    constexpr bool offers_lutram(std::int64_t weight_depth) const {
        return every_memory && weight_depth > lutram_words;
    }
    /// Whether buffers in URAM and LUT-RAM are: any is deeper than LUT-RAM that is taken anyway.
    constexpr bool offers_maps(const layer_row& row, const parallelism& p) const {
        if (!every_memory) return false;
        const folded_row f(row, p);
        return (row.kernel_h > 1 && f.blocks * padded_width(row) > lutram_words) ||
               (row.kernel_w > 1 && f.blocks > lutram_words) ||
               (f.group_blocks > 1 && f.filters > lutram_words) ||
               (row.bias && row.out.channels / f.streams_out > lutram_words);
    }
    /// @}

    /// A sparse engine's layer.
    constexpr usage sparse(const layer_row& row, const row_option& c,
                           const precision& width) const {
        const folded_row f(row, c.folding);
        const crossbar_synthesis::extents e{
            f.pairs,           c.folding.macs, width.data,          width.weight,
            width.accumulator, f.group_blocks, f.blocks * f.filters};
        usage u{.lut = f.engines * crossbar_synthesis::lut(e, slice),
                .ff = f.engines * crossbar_synthesis::ff(e)};
        const std::int64_t multipliers = std::int64_t{f.engines} * c.folding.macs;
        u += multipliers_of(c.multipliers, multipliers, multipliers, width);
        // An SPE has one accumulator of its own; several filters in turn need their partial sums.
        if (f.group_blocks > 1 && f.filters > 1)
            u += double(f.engines) * accumulator(c.maps, f.filters, width.accumulator);
        u += double(f.engines) *
             weights(c.memory, f.blocks * f.filters, f.pairs, f.pairs, width.weight);
        // Streams run at their own pace, so every stream has its own window and fork.
        u += double(f.streams_in) * window(c.maps, row, f, 1, width.data);
        if (c.folding.out > 1)
            add(u, modules::fork(f.pairs, c.folding.out, 1, width.data), f.streams_in);
        if (c.folding.in > 1)
            add(u, modules::glue(c.folding.in, 1, width.accumulator), f.streams_out);
        return u + output(c.maps, row, f, f.group_blocks, width);
    }

    /// A dense engine's layer.
    constexpr usage dense(const layer_row& row, const row_option& c, const precision& width) const {
        const folded_row f(row, c.folding);
        const int macs = c.folding.macs;
        usage u;
        // multipliers that share the activation are those across `out`
        const std::int64_t lanes = std::int64_t{f.streams_in} * macs;
        const int shared = products_a_dsp(width);
        if (cascade && shared == 1 && c.multipliers == multiplier::dsp)
            return cascaded(row, c, f, width);
        add(u, modules::vector_dot(macs, f.filters, 1, width), f.engines);
        u.dsp = 0.0;
        u += multipliers_of(c.multipliers, lanes * c.folding.out,
                            lanes * detail::ceil_div(c.folding.out, shared), width);
        if (f.group_blocks > 1)  // streams are in step: one accumulator behind the adder tree
            u += double(f.streams_out) * accumulator(c.maps, f.filters, width.accumulator);
        u.lut += f.streams_in * serialiser_lut(f.pairs, macs, width.data);
        u += weights(c.memory, f.blocks * f.filters * (f.pairs / macs),
                     std::int64_t{macs} * f.engines, macs, width.weight);
        u += window(c.maps, row, f, f.streams_in, width.data);
        if (c.folding.out > 1)
            add(u, modules::fork(macs, c.folding.out, f.streams_in, width.data), 1);
        if (c.folding.in > 1)
            add(u, modules::glue(c.folding.in, f.streams_out, width.accumulator), 1);
        return u + output(c.maps, row, f, f.group_blocks * (f.pairs / macs), width);
    }

    /// Products that share a DSP.
    constexpr int products_a_dsp(const precision& width) const {
        return packing ? products_per_dsp(width.data, width.weight, slice) : 1;
    }

    /// A row without weights, `c.folding.in` streams wide, and what it holds back.
    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const;
    /// One as a module of rtl/modules, in `u`.
    /// \returns whether that is asked for and there is one
    constexpr bool module_stage(const layer_row& row, const row_option& c, const precision& width,
                                usage& u) const;
    /// The part of it that only rows of image networks have.
    constexpr usage map_stage(const layer_row& row, const row_option& c,
                              const precision& width) const;

    /// \name Parts, for reports and tests
    /// @{

    /// Memory of `words` weights side by side, `depth` deep: one wide memory, which takes no more
    /// blocks than banks of one weight each.
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
            u.bram18 = static_cast<double>(vivado_bram18(512, width));
            u.bandwidth = wide * off_chip_mhz / 1000.0;
        } else {
            u = read_memory(kind, depth, width);
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
        u.bram18 = static_cast<double>(vivado_bram18(depth, std::int64_t{words} * bits));
        return u;
    }

    /// A stream that several stages read is the same wires for each; what they wait for each other
    /// is held back where they join.
    static constexpr usage split(int /*words*/, int /*copies*/, int /*bits*/) { return {}; }

    /// Partial sums of `filters` filters in turn: an adder and its register, counters, and a buffer
    /// for more than one.
    static constexpr usage accumulator(weight_memory kind, std::int64_t filters, int bits) {
        const double counter = 2.0 * detail::bits_for(filters);
        usage u = buffer_memory(kind, filters, bits);
        u.lut += bits + counter;
        u.ff += bits + counter;
        return u;
    }

    /// Inputs that wait for others: a FIFO of all `streams` words side by side for each, with its
    /// two counters.
    static constexpr usage hold(weight_memory kind, std::span<const held_input> held, int streams,
                                int bits) {
        usage u;
        for (const held_input& input : held) {
            if (input.words == 0) continue;
            const std::int64_t depth = detail::ceil_div(input.words, streams) + input.cycles;
            const std::int64_t wide = std::int64_t{streams} * bits;
            u.lut += 2.0 * detail::bits_for(depth);
            u.ff += 2.0 * detail::bits_for(depth);
            u += buffer_memory(kind, depth, wide);
        }
        return u;
    }

    /// Padding and sliding window, `streams` words wide. A dilated kernel is charged its span.
    static constexpr usage window(weight_memory kind, const layer_row& row, const folded_row& f,
                                  int streams, int bits) {
        usage u;
        if (single_tap(row)) return u;
        const int span_h = row.dilation_h * (row.kernel_h - 1) + 1;
        const int span_w = row.dilation_w * (row.kernel_w - 1) + 1;
        const std::int64_t wide = std::int64_t{streams} * bits;
        add(u, modules::window_logic(f.blocks, span_h, span_w, streams, bits), 1);
        u +=
            buffer_memory(kind, span_h > 1 ? f.blocks * padded_width(row) : 0, (span_h - 1) * wide);
        u += double(span_h) * buffer_memory(kind, span_w > 1 ? f.blocks : 0, (span_w - 1) * wide);
        if (row.pad_top + row.pad_left + row.pad_bottom + row.pad_right > 0)
            add(u, modules::pad(), streams);
        return u;
    }

    /// Bias and requantisation from accumulator to data width: rounding adder and saturation for
    /// every stream. Multiplications by a scale are shared: streams take turns as far as results
    /// come less than once a cycle, through multiplexers before and registers after.
    /// \param period  cycles from one result of a stream to its next, at the stage's full pace
    constexpr usage output(weight_memory kind, const layer_row& row, const folded_row& f,
                           std::int64_t period, const precision& width) const {
        if (requantisation == requantise::rtl)
            return narrowed(kind, row.out.channels, f.streams_out, period, width);
        usage u;
        const std::int64_t streams = f.streams_out;
        std::int64_t words = streams;
        if (requantisation == requantise::dsp) {
            words = detail::ceil_div(streams, period);
            u.dsp = scale_dsp(words, width);
            u.lut = static_cast<double>(width.accumulator * detail::ceil_div(streams - words, 3));
            u.ff = static_cast<double>(streams * width.data);
        }
        u.lut += static_cast<double>(words) * (width.accumulator + width.data);
        u.ff += static_cast<double>(words) * width.accumulator;
        if (!row.bias) return u;
        add(u, modules::bias(1, width.data), f.streams_out);
        const std::int64_t depth = row.out.channels / f.streams_out;
        return u + double(f.streams_out) * read_memory(kind, depth, width.accumulator);
    }

    /// `hass_requantise` with a bias and a factor a channel. How many bits are rounded off is not known
    /// here; 7 more than data's are left, which costs or saves an FF each.
    /// \param lanes  sums at a time
    constexpr usage requantised(weight_memory kind, std::int64_t channels, std::int64_t lanes,
                                int sum, const precision& width) const {
        const int product = sum + 1 + synthesised::factor_bits;
        return synthesised::requantise(
                   {sum, sum, synthesised::factor_bits, product - width.data - 6, width.data},
                   static_cast<int>(lanes), channels / lanes, slice) +
               read_memory(kind, channels / lanes, lanes * (sum + synthesised::factor_bits));
    }

    /// Data of another grid, or of none, as the levels of a quantised network, `streams` words at a time: a
    /// multiplication by a constant, as `hass_requantise` has it, rounding and saturation. Where a row in
    /// front makes data of its sums, that is done there; a `shift` lacks the multiplication.
    constexpr usage to_levels(const layer_row& row, int streams, const precision& width) const;

    /// Output as rtl/modules have it: `hass_narrow` to the fewest words that keep up, `hass_requantise`.
    /// \param words  side by side that sums come in
    constexpr usage narrowed(weight_memory kind, std::int64_t channels, std::int64_t words,
                             std::int64_t period, const precision& width) const;

    /// Hands M words to N lanes in M / N steps: a 4:1 multiplexer bit is one LUT6.
    static constexpr double serialiser_lut(int pairs, int macs, int bits) {
        return static_cast<double>(macs * bits * detail::ceil_div(pairs / macs - 1, 3));
    }
    /// @}

  private:
    /// A dense engine of `hass_dense`, one a group: all its inputs go down one cascade, whose last DSP
    /// accumulates (a DSP48E1 cannot: there an adder stands behind), windows come again for filters in
    /// turn, and each multiplier reads its weights at a time of its own.
    constexpr usage cascaded(const layer_row& row, const row_option& c, const folded_row& f,
                             const precision& width) const {
        const parallelism& p = c.folding;
        const cascade_synthesis::extents e{f.pairs * p.in, p.macs * p.in, width.data,
                                           f.group_blocks, f.blocks / f.group_blocks * f.filters};
        usage u{.lut = p.group * cascade_synthesis::lut(e),
                .ff = p.group * cascade_synthesis::ff(e)};
        const std::int64_t products = std::int64_t{f.engines} * p.macs;
        u += multipliers_of(multiplier::dsp, products, products, width);
        if (slice == dsp_slice::dsp48e1 && e.multipliers > 1) {
            u.lut += static_cast<double>(f.streams_out) * width.accumulator;
            u.ff += static_cast<double>(f.streams_out) * width.accumulator;
        }
        u += double(p.group) * e.multipliers *
             weights(c.memory, e.weights(), p.out, p.macs, width.weight);
        u += synthesised::window(c.maps, row, f.streams_in * p.vector, width.data);
        if (f.filters > 1)
            u += double(p.group) * synthesised::replay(c.maps, f.group_blocks, f.filters,
                                                       std::int64_t{e.positions} * width.data);
        return u + output(c.maps, row, f, f.group_blocks * (f.pairs / p.macs), width);
    }

    /// `count` multipliers, which fill `filled` DSPs' worth of them.
    constexpr usage multipliers_of(multiplier kind, std::int64_t count, std::int64_t filled,
                                   const precision& width) const {
        if (kind == multiplier::dsp)
            return {.dsp = static_cast<double>(filled *
                                               multiplier_dsp(width.data, width.weight, slice))};
        const auto n = static_cast<double>(count);
        return {.lut = n * lut_multiplier::lut(width.data, width.weight),
                .ff = n * lut_multiplier::ff(width.data, width.weight)};
    }

    static constexpr void add(usage& u, const modules::module_cost& m, int times) {
        u.lut += times * m.lut;
        u.ff += times * m.ff;
        u.dsp += times * m.dsp;
        u.bram18 += times * m.bram18;
    }

    /// Multiplications of `words` words of the accumulator's width by a scale of the same width.
    constexpr double scale_dsp(std::int64_t words, const precision& width) const {
        if (requantisation != requantise::dsp) return 0.0;
        return static_cast<double>(words *
                                   multiplier_dsp(width.accumulator, width.accumulator, slice));
    }
};

/// The model of what `write_rtl` writes: sums of dense engines go down cascades, no two products share a
/// DSP, and data are made of sums by `hass_requantise`.
constexpr calibrated as_rtl(calibrated built = {}) {
    built.cascade = true;
    built.packing = false;
    built.requantisation = requantise::rtl;
    return built;
}

}  // namespace hass

// the rest of the definitions
#include <hass/engine/resources/calibrated_maps.hpp>
#include <hass/engine/resources/calibrated_stages.hpp>
