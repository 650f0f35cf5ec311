/// \file integer_network.hpp
/// A trained network as an accelerator computes it, in integers: what every module of `rtl/modules`
/// is told, and what the widths between them are. `make_integer_network.hpp` makes one of a model,
/// `integer_emulator.hpp` runs it.
///
///     const hass::integer_network net = hass::make_integer_network(model, preprocessing, images,
///                                                                  thresholds, {8, 8});
///     const hass::integer_row& row = net.rows[3];      // beside net.net.rows[3]
///
/// Every stream carries integers, each worth `step` of its row in real numbers. The first stream is
/// the image, preprocessed and quantised: pixel p of channel c enters as
/// ((p scale - mean[c]) / std[c]) / input_step, rounded to the nearest integer, halves to even,
/// saturated to `input_range` (`quantizer`); the hardware is fed with these integers.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hass/emulate/integer_arithmetic.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/preprocessing.hpp>

namespace hass {

/// Bits of multipliers, sign included: the narrow port of a DSP slice.
inline constexpr int multiplier_bits = 18;

/// The integers of one row. Which fields count follows from its kind:
///
///     convolution, linear                threshold, weights, by
///     average_pool, global_average_pool  by: the multiplier holds 1 / count as well
///     add                                multipliers, shift: `scaled_sum`
///     multiply                           multipliers[0], shift: a b multiplier / 2^shift
///     relu, relu6                        range: `saturate`
///     sigmoid, hardsigmoid, swish, hardswish    table
///     max_pool, concat, flatten          none: integers pass or are chosen
///
/// and `range`, `bits`, `step` hold for all of them. Every value of the row's stream lies in `range`.
struct integer_row {
    /// out.channels x in.channels/groups x kernel_h x kernel_w, those below the threshold zero.
    std::vector<std::int16_t> weights;
    /// Inputs of magnitude `threshold` or less are zero (`clip`); 0: as they come.
    std::int64_t threshold = 0;
    /// One an output channel, all with the same shift: `requantise` of the sum.
    std::vector<requantisation> by;
    std::array<std::int64_t, 2> multipliers{1, 1};  ///< of the first and the second input
    int shift = 0;                                  ///< of `by` or `multipliers`
    /// 2^(bits of the input): the value that stands for input x at x modulo 2^(bits of the input).
    std::vector<std::int16_t> table;
    /// What leaves the row, after saturation: low = 0 where a ReLU is folded into the row.
    integer_range range{};
    int bits = 8;       ///< of one value of the stream, 2..16
    double step = 1.0;  ///< what one is worth as a real number
    /// Nothing to compute: flatten, and clipping activations folded into the row before.
    bool passes = false;
};

/// A network of integers; one integer row a row of `net`.
struct integer_network {
    network net;                    ///< rows and edges
    std::vector<integer_row> rows;  ///< one a row of `net`
    preprocessing input;            ///< one mean and std a channel
    integer_range input_range;      ///< of the first stream
    double input_step = 1.0;        ///< what one of the first stream is worth
    int data_bits = 8;              ///< of all streams, logits apart (`bits` of the last rows)
    int weight_bits = 8;            ///< of every compute row
    std::string source;             ///< file of the model, for messages
};

/// The stream that leaves row `from`, or the image's for `network_input`.
struct integer_stream {
    integer_range range{};  ///< values that it can hold
    int bits = 8;           ///< of a value
    double step = 1.0;      ///< what one is worth
};
/// The stream behind a row; the image's for `network_input`.
inline integer_stream stream_of(const integer_network& n, int from) {
    if (from == network_input) return {n.input_range, n.data_bits, n.input_step};
    const integer_row& row = n.rows[static_cast<std::size_t>(from)];
    return {row.range, row.bits, row.step};
}

/// Rows that row i reads, in the order of its inputs; `network_input` for the image.
inline std::vector<int> inputs_of(const network_view& net, std::size_t i) {
    std::vector<int> from;
    for (const edge& e : net.edges)
        if (static_cast<std::size_t>(e.to) == i) from.push_back(e.from);
    return from;
}

/// The largest magnitude that a stream can carry.
constexpr std::int64_t largest_magnitude(const integer_range& r) {
    return std::max(r.high, -r.low);
}

/// A bound of the magnitude of every sum, and of every part of it, in row i before its bias is
/// added: what the filter of the largest weights gives for inputs of the largest magnitude. 0 for
/// rows without `by`.
inline std::int64_t largest_sum(const integer_network& n, std::size_t i) {
    const layer_row& row = n.net.rows[i];
    const auto inputs = inputs_of(n.net, i);
    const std::int64_t x = largest_magnitude(stream_of(n, inputs.front()).range);
    if (row.kind == layer_kind::average_pool) return x * taps(row);
    if (row.kind == layer_kind::global_average_pool) return x * row.in.pixels();
    if (!is_compute(row)) return 0;
    const std::size_t each = n.rows[i].weights.size() / static_cast<std::size_t>(row.out.channels);
    std::int64_t most = 0;
    for (std::size_t w = 0; w < n.rows[i].weights.size(); w += each) {
        std::int64_t sum = 0;
        for (std::size_t k = w; k < w + each; ++k)
            sum += n.rows[i].weights[k] < 0 ? -n.rows[i].weights[k] : n.rows[i].weights[k];
        most = std::max(most, sum);
    }
    return most * x;
}

/// Bits in two's complement of every value of magnitude `largest` or less.
constexpr int signed_bits(std::int64_t largest) {
    return 1 + static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest)));
}

/// Bits of an accumulator that cannot overflow (SUM, IN of `hass_requantise`).
inline int accumulator_bits(const integer_network& n, std::size_t i) {
    return signed_bits(largest_sum(n, i));
}

/// Bits of the largest bias of row i (BIAS of `hass_requantise`).
inline int bias_bits(const integer_network& n, std::size_t i) {
    std::int64_t most = 0;
    for (const requantisation& q : n.rows[i].by)
        most = std::max(most, q.bias < 0 ? -q.bias : q.bias);
    return signed_bits(most);
}

}  // namespace hass
