/// \file synthesised_modules.hpp
/// Small modules of rtl/modules as Yosys 0.23 synthesises them for UltraScale+, counted from their text and
/// held to tests/data/rtl_synthesis.csv. LUTs of logic and of shift registers; memories are counted
/// as elsewhere (`placed_memory.hpp`).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/placed_memory.hpp>
#include <hass/error.hpp>

namespace hass::synthesised {

/// LUTs of a counter: a bit each, and the comparison with its end. Exact at ten points.
constexpr int counter_lut(std::int64_t count) {
    const int bits = detail::bits_for(count);
    return bits < 2 ? 0 : bits < 5 ? bits : bits < 11 ? bits + 1 : bits + 2;
}

/// LUTs of up to 32 words that are written and read: a RAM32M16 holds 14 bits in 8 LUTs, a RAM32M of
/// 7-series parts 6 in 4.
constexpr std::int64_t lutram_32(std::int64_t bits, dsp_slice slice) {
    return slice == dsp_slice::dsp48e2 ? 8 * detail::ceil_div(bits, 14)
                                       : 4 * detail::ceil_div(bits, 6);
}

/// `hass_fork`: a flip-flop a way, its valid and what it has taken. Exact at 2, 3, 4 and 8 ways; of more,
/// fitted: about two a way up to 15, three above, but Yosys makes 45 of 13 ways and 35 of 14. Within 12.5 LUTs of
/// 17 points of 5 to 32 ways, of five that no fit has seen within 8.5 %.
constexpr usage fork(int ways) {
    const double lut = ways < 4    ? 2.0 * ways + 1.0
                       : ways < 9  ? 4.5 * ways - 7.0
                       : ways < 16 ? std::max(30.0, 2.5 * ways)
                                   : 3.15 * ways;
    return {.lut = lut, .ff = static_cast<double>(ways)};
}

/// `hass_join`: the same word of all ways. Up to 64 ways as synthesised, each of them, in no order: 10 ways take fewer
/// than 9. Above fitted to points up to 128 ways, of ten that no fit has seen within 7.5 %.
constexpr usage join(int ways) {
    constexpr std::array<std::int8_t, 65> lut{
        2,  2,  2,  2,  2,  2,  2,  3,  4,  4,  3,  4,  4,  4,  5,  6,  6,  6,  6,  7,  7,  7,
        7,  8,  8,  8,  8,  12, 13, 10, 12, 13, 14, 13, 13, 15, 15, 14, 15, 16, 17, 15, 15, 17,
        17, 16, 17, 20, 21, 17, 17, 19, 18, 19, 20, 19, 20, 19, 19, 21, 21, 22, 23, 24, 25};
    if (ways > 64) return {.lut = 0.35 * ways + (ways > 104 ? 6.0 : -2.0)};
    return {.lut = static_cast<double>(lut[static_cast<std::size_t>(ways)])};
}

/// `hass_skid` of words of `bits`.
constexpr usage skid(std::int64_t bits) {
    return {.lut = static_cast<double>(bits + 4), .ff = static_cast<double>(2 * bits + 2)};
}

/// `hass_narrow`: a word becomes `words` words of `bits`, by shifts.
constexpr usage narrow(std::int64_t words, std::int64_t bits) {
    return {.lut = static_cast<double>(words * bits + counter_lut(words) + 3),
            .ff = static_cast<double>(words * bits + detail::bits_for(words) + 1)};
}

/// `hass_widen`: `words` words of `bits` become one, by shifts, which take FFs alone.
constexpr usage widen(std::int64_t words, std::int64_t bits) {
    return {.lut = std::max(4.0, counter_lut(words) + 3.0),
            .ff = static_cast<double>(words * bits + detail::bits_for(words) + 1)};
}

/// `hass_convert` of words of `in` values to words of `out` of them, through their least common multiple.
constexpr usage convert(int in, int out, std::int64_t bits) {
    const std::int64_t wide = std::lcm(std::int64_t{in}, std::int64_t{out});
    usage u;
    if (wide != in) u += widen(wide / in, in * bits);
    if (wide != out) u += narrow(wide / out, out * bits);
    return u;
}

/// `hass_concat` of pixels of `words` words of `bits` in all.
constexpr usage concat(std::int64_t words, std::int64_t bits) {
    return {.lut = static_cast<double>(bits + counter_lut(words) + 4),
            .ff = static_cast<double>(detail::bits_for(words))};
}

/// Bits of the factors by which `hass_requantise` and `hass_add` scale.
inline constexpr int factor_bits = 18;

/// What `hass_requantise` makes of a sum.
struct requantised {
    int sum, bias, multiplier;  ///< bits
    int shift;                  ///< bits that are rounded off
    int out;                    ///< bits of the result
    bool both = true;           ///< saturates below, too: with 0 for the lowest value it need not
};

/// `hass_requantise` of `lanes` sums at once, `words` words a pixel, without its constants. LUTs: the sum
/// with the bias counted; fitted what rounds and saturates, and a product of two DSPs adds.
constexpr usage requantise(const requantised& q, int lanes, std::int64_t words,
                           dsp_slice slice = dsp_slice::dsp48e2) {
    const int sum = std::max(q.sum, q.bias) + 1, product = sum + q.multiplier;
    const std::int64_t dsp = multiplier_dsp(sum, q.multiplier, slice);
    const double lut =
        sum + 3.06 * q.out + (dsp > 1 ? 0.66 * (product - 17) : 0.0) + (q.both ? 7.9 : 0.0);
    const int ff = q.sum + sum + q.multiplier + product + (product + 1 - q.shift) + q.out;
    return {.dsp = static_cast<double>(dsp) * lanes,
            .lut = lanes * lut + counter_lut(words),
            .ff = static_cast<double>(lanes * ff + 5 + detail::bits_for(words))};
}

/// Bits of a signed constant.
constexpr int signed_bits(std::int64_t value) {
    return 1 + static_cast<int>(
                   std::bit_width(static_cast<std::uint64_t>(value < 0 ? -value - 1 : value)));
}
/// Factors of 2 in a constant, 0 of 0.
constexpr int factors_of_2(std::int64_t value) {
    return value == 0 ? 0 : std::countr_zero(static_cast<std::uint64_t>(value));
}

/// A factor of all bits, none of them spared by a factor of 2.
inline constexpr std::int64_t any_factor = (std::int64_t{1} << (factor_bits - 1)) - 1;

/// `hass_add` of two streams of `lanes` values of `bits`, scaled by the constants `a` and `b`: FFs are
/// counted, those that a constant spares as well.
constexpr usage add(int lanes, int bits, int shift, std::int64_t a = any_factor,
                    std::int64_t b = any_factor) {
    const int a_bits = bits + signed_bits(a), b_bits = bits + signed_bits(b);
    const int sum = std::max(a_bits, b_bits) + 1;
    const int a_even = factors_of_2(a), b_even = factors_of_2(b);
    const int ff = a_bits - a_even + b_bits - b_even + sum - std::min(a_even, b_even) +
                   (sum + 1 - shift) + bits;
    return {
        .dsp = 2.0 * lanes, .lut = 4.0 + lanes * (sum + 3.11 * bits - 4.9), .ff = 4.0 + lanes * ff};
}

/// Bits up to which Yosys compares in LUTs; what is wider it compares down carry chains.
inline constexpr int compared_in_luts = 12;

/// `hass_multiply` of two streams of `lanes` values of `bits`, scaled by a constant. FFs are counted; LUTs are
/// fitted, by what rounds and saturates: where the rounded value is no wider than data, a comparison with the
/// lowest value alone; up to 12 bits LUTs, above them carry chains. A product of more than 27 bits adds two DSPs
/// up; one of up to 8 bits is no DSP but LUTs. Of 12 points that no fit has seen 4.7 % off in the mean and 11.5 %
/// at worst.
/// \param shift  bits that are rounded off
/// \param low    the lowest value: dearer where it is neither 0 nor a power of two
constexpr usage multiply(int lanes, int bits, int shift, std::int64_t factor, std::int64_t low,
                         dsp_slice slice) {
    const int product = 2 * bits, scaled = product + signed_bits(factor);
    const int rounded = scaled + 1 - shift, beyond = std::max(0, rounded - bits);
    const std::int64_t parts = multiplier_dsp(product, signed_bits(factor), slice);
    const bool compares = low != 0 && low != -(std::int64_t{1} << (bits - 1));
    const bool in_luts = product < 9;
    double lut = in_luts ? 1.4 * bits * bits : 0.0;
    if (parts > 1)
        lut += 4.0 + 3.84 * bits + 0.86 * beyond - 0.83 * factors_of_2(factor) +
               (low != 0 ? 2.4 : 0.0) + (compares ? 1.5 : 0.0);
    else if (rounded > compared_in_luts)
        lut += 7.26 + 1.68 * bits + 0.81 * beyond + (low != 0 ? 1.93 : 0.0);
    else if (beyond > 0)
        lut += 8.0 + 1.26 * bits + 0.38 * beyond +
               (compares && (bits > 7 || (bits > 5 && beyond == 1)) ? 7.3 : 0.0);
    else
        lut += compares && bits > 7 ? 17.0 + 1.44 * (bits - 7) : low == 0 || compares ? 10.8 : 8.5;
    const int ff = product + scaled - factors_of_2(factor) + rounded + bits;
    const std::int64_t products = in_luts ? 0 : multiplier_dsp(bits, bits, slice);
    return {.dsp = static_cast<double>(lanes * (products + parts)),
            .lut = 4.0 + lanes * lut,
            .ff = 4.0 + lanes * ff};
}
/// As written where nothing else is known: three bits more than the data's are left to saturate.
constexpr usage multiply(int lanes, int bits, dsp_slice slice) {
    return multiply(lanes, bits, bits + factor_bits - 2, any_factor,
                    1 - (std::int64_t{1} << (bits - 1)), slice);
}

/// `hass_lookup` without its tables.
constexpr usage lookup_logic() {
    return {.lut = 1.0, .ff = 1.0};
}

/// `hass_lookup`: of each of `lanes` values of `in` bits a table of all of them, `out` bits a word. What is
/// read out of LUTs is registered outside of them.
constexpr usage lookup(weight_memory kind, int lanes, int in, int out) {
    const usage table = read_memory(kind, std::int64_t{1} << in, out);
    usage u = lookup_logic() + double(lanes) * table;
    if (table.bram18 == 0.0 && table.uram == 0.0) u.ff += static_cast<double>(lanes * out);
    return u;
}

/// `hass_turns`: `ways` streams of words of `bits` take turns, `words` words each: a 4:1 multiplexer is a
/// LUT6, of 5, 7 and 8 ways three of them, of 6 two. Within 4 LUTs of 30 points of 2 to 11 ways, of 12 19 % too many.
constexpr usage turns(int ways, std::int64_t words, std::int64_t bits) {
    const std::int64_t levels = ways <= 4   ? 1
                                : ways == 6 ? 2
                                : ways <= 8 ? 3
                                            : 1 + detail::ceil_div(ways, 3);
    return {.lut = static_cast<double>(bits * levels + counter_lut(words)) +
                   3.5 * static_cast<double>(levels + 1),
            .ff = static_cast<double>(detail::bits_for(words))};
}

/// `hass_fifo` of `depth` words of `bits`: two pointers, the fill level, an output register that a block
/// RAM has inside.
constexpr usage fifo(weight_memory kind, std::int64_t depth, std::int64_t bits) {
    usage u = buffer_memory(kind, depth, bits);
    const int level = detail::bits_for(depth + 1);
    u.lut += 2.0 * counter_lut(depth) + 2.0 * level + 3.0;
    u.ff += 2.0 * detail::bits_for(depth) + level + 2.0;
    if (u.bram18 == 0.0 && u.uram == 0.0) u.ff += static_cast<double>(bits);
    return u;
}

/// `hass_replay` of `words` words of `bits`, `times` times: a memory of two pixels, and its counters.
constexpr usage replay(weight_memory kind, std::int64_t words, std::int64_t times,
                       std::int64_t bits) {
    usage u = buffer_memory(kind, 2 * words, bits);
    u.lut += 2.0 * counter_lut(words) + counter_lut(times) + (words > 1 ? 12.5 : 9.0);
    u.ff += 2.0 * detail::bits_for(words) + detail::bits_for(times) + 5.0;
    if (u.bram18 == 0.0 && u.uram == 0.0) u.ff += static_cast<double>(bits);
    return u;
}

/// `hass_global_sum` of `words` words of `lanes` values of `bits` a pixel, `pixels` pixels, with the LUT-RAM of
/// its sums. Up to 64 words FFs are exact, LUTs within 2 %; of more, Yosys registers the sums once more.
constexpr usage global_sum(int lanes, int bits, std::int64_t words, std::int64_t pixels) {
    const std::int64_t wide = lanes * std::int64_t{bits + detail::bits_for(pixels)};
    const int word = detail::bits_for(words), counters = counter_lut(words) + counter_lut(pixels);
    usage u = buffer_memory(weight_memory::lutram, words, wide);
    u.lut += static_cast<double>(2 * wide + counters) + 10.0;
    u.ff += static_cast<double>(wide + 2 * word + detail::bits_for(pixels) + 1);
    return u;
}

/// A threshold of as many bits as most have, 1 at least.
constexpr std::int64_t any_threshold(int bits) {
    return std::max<std::int64_t>(1, (std::int64_t{1} << (bits * 5 / 8)) - 3);
}

/// LUTs of one lane of `hass_clip`, which are fitted: a comparison down a carry chain is the shorter by 2 for every
/// six of the bits above the threshold's, which have to be equal; one in LUTs asks for no bits where the
/// threshold, or the next number, is a multiple of a power of two.
constexpr double clip_lut(int bits, std::uint64_t threshold) {
    const int above = bits - static_cast<int>(std::bit_width(threshold));
    if (bits > compared_in_luts)
        return (bits == 13 ? 9.0 : 4.6 + 0.53 * bits) - 2.0 * (threshold == 0 ? 1 : above / 6);
    if (bits < 6) return 1.0;
    const int even = threshold == 0
                         ? bits
                         : std::max(std::countr_zero(threshold), std::countr_zero(threshold + 1));
    if (even >= bits - 4) return bits > 10 ? 3.4 : 2.0;
    return 0.48 * bits - (even > 2 ? 0.9 : 0.46);
}

/// `hass_clip` of `lanes` values of `bits`: zero within a threshold. FFs exact. LUTs of 12 points that no fit has
/// seen are 7 % off in the mean and 28 % at worst: in LUTs a threshold takes more or less than its neighbours.
/// \throws hass::error for a threshold below 0
constexpr usage clip(int lanes, int bits, std::int64_t threshold) {
    if (threshold < 0) throw error("a clip's threshold is below 0");
    return {.lut = 1.0 + lanes * clip_lut(bits, static_cast<std::uint64_t>(threshold)),
            .ff = 1.0 + lanes * bits};
}
/// Of a threshold that is not known yet.
constexpr usage clip(int lanes, int bits) {
    return clip(lanes, bits, any_threshold(bits));
}

/// `hass_clamp` of `lanes` values of `bits` at 0 below and, if `above`, at a constant above: a LUT a bit, and
/// what compares, fitted. Exact at 8 and 16 bits.
constexpr usage clamp(int lanes, int bits, bool above) {
    const double compares = above ? 0.75 * bits - 3.0 : bits > 12 ? 6.0 : 0.0;
    return {.lut = 1.0 + lanes * (bits + compares), .ff = 1.0 + lanes * bits};
}

/// A tree of registered pairs. The odd one out of a level is passed on by registers, of which more than
/// two in a row are a shift register.
struct pairs {
    int nodes = 0;     ///< pairs
    int passing = 0;   ///< registers that pass on
    bool srl = false;  ///< whether a shift register does

    /// Of `count` inputs, the last one repeated where `repeats`: a tree of largest values compares it once
    /// more where an odd one would be passed on; one of sums adds nothing.
    constexpr pairs(int count, bool repeats) {
        const auto pass = [this](int levels) {
            if (levels > 2)
                srl = true;
            else
                passing += levels;
        };
        int run = 0, level = 0;
        for (bool single = true; count > 1; count = (count + 1) / 2, ++level) {
            nodes += count / 2;
            if (count % 2 == 0) {
                pass(run);
                run = 0, single = false;
            } else if (repeats && !single) {
                ++nodes;
                pass(level);
            } else {
                ++run;
            }
        }
    }
};

/// `hass_pool_max` of `taps` values: 1.75 LUTs a bit and comparison. FFs exact.
constexpr usage pool_max(int lanes, int bits, int taps) {
    const pairs tree(taps, true);
    return {.lut = 1.0 + lanes * (tree.nodes * 1.75 * bits + (tree.srl ? bits : 0)),
            .ff = static_cast<double>(lanes * (tree.nodes + tree.passing) * bits +
                                      detail::bits_for(taps))};
}

/// `hass_pool_sum` of `taps` values. FFs exact.
constexpr usage pool_sum(int lanes, int bits, int taps) {
    const pairs tree(taps, false);
    const int sum = bits + detail::bits_for(taps);
    return {.lut = 1.0 + lanes * (tree.nodes * (sum - 2) + 2 + (tree.srl ? bits : 0)),
            .ff = static_cast<double>(lanes * (tree.nodes + tree.passing) * sum +
                                      detail::bits_for(taps))};
}

}  // namespace hass::synthesised
