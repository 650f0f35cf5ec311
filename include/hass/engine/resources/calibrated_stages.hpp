/// \file calibrated_stages.hpp
/// What pools, activations, joins and requantisation take; whatever else has no weights is in
/// `calibrated_maps.hpp`.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/engine/usage.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

constexpr bool calibrated::module_stage(const layer_row& row, const row_option& c,
                                        const precision& width, usage& u) const {
    namespace s = synthesised;
    if (requantisation != requantise::rtl) return false;
    const int streams = c.folding.in, count = static_cast<int>(taps(row));
    switch (row.kind) {
        case layer_kind::max_pool:
            u = s::window(c.memory, row, streams, width.data) +
                s::pool_max(streams, width.data, count);
            return true;
        case layer_kind::average_pool:
            u = s::window(c.memory, row, streams, width.data) +
                s::pool_sum(streams, width.data, count) +
                requantised(c.memory, row.in.channels, streams,
                            width.data + detail::bits_for(count), width);
            return true;
        case layer_kind::global_average_pool:
            u = s::global_sum(streams, width.data, row.in.channels / streams, row.in.pixels()) +
                requantised(c.memory, row.in.channels, streams,
                            width.data + detail::bits_for(row.in.pixels()), width);
            return true;
        case layer_kind::add:
            u = s::add(streams, width.data, s::factor_bits - 1);
            return true;
        case layer_kind::multiply:
            u = s::multiply(streams, width.data, slice);
            return true;
        case layer_kind::concat:  // of two inputs, or of more that hold nothing back
            u = s::concat(row.out.channels / streams, std::int64_t{streams} * width.data);
            return true;
        case layer_kind::hardsigmoid:
        case layer_kind::hardswish:
        case layer_kind::sigmoid:
        case layer_kind::swish: {  // what is wider has no module, nor integers
            constexpr int narrowest = 8, widest = 16;
            const int index = row.widens && row.data_bits > narrowest ? row.data_bits
                              : row.widens && row.data_bits > 0       ? narrowest
                                                                      : width.data;
            if (index > widest) return false;
            u = s::lookup(c.memory, streams, index, width.data);
            return true;
        }
        default:  // ReLUs are the saturation of the row before
            return false;
    }
}

constexpr usage calibrated::stage(const layer_row& row, const row_option& c, const precision& width,
                                  std::span<const held_input> held) const {
    const int streams = c.folding.in;
    const std::int64_t channels = row.in.channels / streams;
    const auto power_of_two = [](std::int64_t n) {
        return std::has_single_bit(static_cast<std::uint64_t>(n));
    };
    usage u = hold(c.memory, held, streams, width.data);
    if (usage module; module_stage(row, c, width, module)) {
        // a concatenation of more than two takes one more each; how many is known where it holds any
        const bool more = row.kind == layer_kind::concat && held.size() > 2;
        return u + (more ? static_cast<double>(held.size() - 1) : 1.0) * module;
    }
    const auto lookup_table = [&] { u.bram18 += streams; };  // 1,024 words of 18 bits
    const auto multiply = [&](std::int64_t by) {
        u.dsp += static_cast<double>(streams * multiplier_dsp(width.data, by, slice));
    };
    switch (row.kind) {
        case layer_kind::convolution:
        case layer_kind::linear:
        case layer_kind::flatten:  // a renaming of wires
        case layer_kind::reshape:
            break;
        case layer_kind::max_pool:
        case layer_kind::average_pool: {
            const folded_row f(row, parallelism{streams, 1, 1, 1, 1});
            u += window(c.memory, row, f, streams, width.data);
            add(u, modules::pool(row.kernel_h, row.kernel_w, streams, width.data), 1);
            if (row.kind == layer_kind::average_pool && !power_of_two(taps(row)))
                multiply(width.data);  // by 1 / taps
            break;
        }
        case layer_kind::global_average_pool: {
            modules::module_cost pool = modules::global_pool(channels, width);
            pool.dsp = 0.0;
            add(u, pool, streams);
            if (!power_of_two(row.in.pixels())) multiply(width.accumulator);  // by 1 / pixels
            u.dsp += scale_dsp(streams, width);
            break;
        }
        case layer_kind::add:
            u.dsp += scale_dsp(3 * streams, width);  // two inputs to one scale, and their sum
            [[fallthrough]];
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
        default:
            u += map_stage(row, c, width);
    }
    return u;
}

constexpr usage calibrated::to_levels(const layer_row& row, int streams,
                                      const precision& width) const {
    const double n = streams;
    const int factor = synthesised::factor_bits;
    if (row.form == function_form::fused)
        return requantisation == requantise::shift
                   ? usage{.dsp = n * double(multiplier_dsp(width.accumulator, factor, slice))}
                   : usage{};
    if (row.form != function_form::rescale) return {};
    if (requantisation == requantise::rtl)
        return synthesised::requantise({width.data, width.data, factor, factor, width.data},
                                       streams, row.in.channels / streams, slice);
    return {.dsp = n * double(multiplier_dsp(width.data, factor, slice)),
            .lut = n * 2.0 * width.data,
            .ff = n * width.data};
}

constexpr usage calibrated::narrowed(weight_memory kind, std::int64_t channels, std::int64_t words,
                                     std::int64_t period, const precision& width) const {
    std::int64_t few = 1;
    while (words % few != 0 || words / few > period) ++few;
    usage u = requantised(kind, channels, few, width.accumulator, width);
    if (few < words) u += synthesised::narrow(words / few, few * width.accumulator);
    return u;
}

}  // namespace hass
