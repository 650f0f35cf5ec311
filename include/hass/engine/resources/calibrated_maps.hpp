/// \file calibrated_maps.hpp
/// What rows of image networks take beside convolutions, pools and activations: resizing, moving,
/// normalising and combining maps.
#pragma once

#include <algorithm>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/usage.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Rows of image networks that nobody has synthesised here: put together of modules that somebody
/// has, so an assumption each.
constexpr usage calibrated::map_stage(const layer_row& row, const row_option& c,
                                      const precision& width) const {
    const int streams = c.folding.in;
    const std::int64_t wide = std::int64_t{streams} * width.data;
    const auto words = [&](std::int64_t values) { return detail::ceil_div(values, streams); };
    const std::int64_t line = words(std::int64_t{row.in.width} * row.in.channels);
    usage u;
    const auto each = [&](bool multiplies) {
        add(u, modules::element_wise(multiplies, false, row.in.channels / streams, width.data),
            streams);
    };
    const auto multiply = [&](int times, std::int64_t by) {
        u.dsp += static_cast<double>(times * streams * multiplier_dsp(width.data, by, slice));
    };
    const auto counters = [&](std::int64_t values) {
        u.lut += 2.0 * detail::bits_for(values);
        u.ff += 2.0 * detail::bits_for(values);
    };
    switch (row.kind) {
        case layer_kind::subtract:
            u.dsp += scale_dsp(3 * streams, width);  // as `add`
            [[fallthrough]];
        case layer_kind::minimum:
        case layer_kind::maximum:
        case layer_kind::stack:
        case layer_kind::channel_max:
            each(false);
            break;
        case layer_kind::divide:
            each(false);
            u.lut += streams * double(width.accumulator * width.data);  // array divider
            u.ff += streams * double(width.accumulator * width.data);
            break;
        case layer_kind::add_map:
            u.dsp += scale_dsp(2 * streams, width);  // the input and the sum
            each(false);
            u += read_memory(c.memory, words(row.out.volume()), wide);
            break;
        case layer_kind::multiply_map:
            each(true);
            u += read_memory(c.memory, words(row.out.volume()), wide);
            break;
        case layer_kind::leaky_relu:
            add(u, modules::relu(), streams);
            multiply(1, width.weight);
            break;
        case layer_kind::function:
            if (row.form == function_form::table)
                u.bram18 += streams;  // 1,024 words of 18 bits
            else
                u += to_levels(row, streams, width);
            break;
        case layer_kind::lrn:  // squares, their running sum, a table of the power, a product
            each(false);
            multiply(2, width.data);
            u.bram18 += streams;
            u.lut += streams * 2.0 * width.accumulator;
            u.ff += streams * 2.0 * width.accumulator;
            u += buffer_memory(c.memory, row.kernel_h, wide);
            break;
        case layer_kind::group_norm: {  // sums, sums of squares, a table of 1 / sqrt, the map
            modules::module_cost pool = modules::global_pool(row.groups, width);
            pool.dsp = 0.0;
            add(u, pool, 2 * streams);
            multiply(1, width.data);
            u.dsp += scale_dsp(2 * streams, width);
            u.bram18 += streams;
            u += buffer_memory(c.memory, words(row.in.volume()), wide);
            u += read_memory(c.memory, 2 * words(row.in.channels), wide);
            break;
        }
        case layer_kind::layer_norm:  // sums, sums of squares, a table of 1 / sqrt, two pixels
        case layer_kind::rms_norm: {
            modules::module_cost pool = modules::global_pool(row.groups, width);
            pool.dsp = 0.0;
            add(u, pool, row.kind == layer_kind::layer_norm ? 2 * streams : streams);
            multiply(2, width.data);  // the squares; the scale
            u.dsp += scale_dsp(2 * streams, width);
            u.bram18 += streams;
            u += buffer_memory(c.memory, 2 * words(row.in.channels), wide);
            u += read_memory(c.memory, 2 * words(row.in.channels), wide);
            break;
        }
        case layer_kind::log_softmax:  // tables of exponentials and of the logarithm, a sum
            each(false);
            u.bram18 += 2 * streams;
            u.lut += streams * 2.0 * width.accumulator;
            u.ff += streams * 2.0 * width.accumulator;
            break;
        case layer_kind::embedding:  // the table
            counters(row.out.volume());
            u += read_memory(c.memory, row.kernel_h * words(row.out.channels),
                             std::int64_t{streams} * width.weight);
            break;
        case layer_kind::resize:
            if (row.stride_h > 1) multiply(row.stride_h, width.weight);
            if (row.stride_w > 1) multiply(row.stride_w, width.weight);
            u += buffer_memory(c.memory, row.kernel_h * line, wide);
            counters(row.out.pixels());
            break;
        case layer_kind::pad:
            add(u, modules::pad(), streams);
            if (row.kernel_h > 1) u += buffer_memory(c.memory, row.kernel_h / 2 * line, wide);
            break;
        case layer_kind::crop:
            counters(row.in.volume());
            break;
        case layer_kind::select_channels:  // two pixels, and in which order to read them
            counters(row.in.channels);
            u += buffer_memory(c.memory, 2 * words(row.in.channels), wide);
            u += read_memory(c.memory, words(row.out.channels),
                             detail::bits_for(words(row.in.channels)));
            break;
        case layer_kind::depth_to_space:
            counters(row.in.volume());
            u += buffer_memory(c.memory, 2 * line, wide);
            break;
        case layer_kind::space_to_depth:
            counters(row.in.volume());
            u += buffer_memory(c.memory, row.kernel_h * line, wide);
            break;
        case layer_kind::reorder:
            counters(row.in.volume());
            u += buffer_memory(c.memory, 2 * words(row.in.volume()), wide);
            break;
        case layer_kind::grid_sample: {
            // two maps, as often as pixels are read at a time; the grid
            const std::int64_t reads = taps(row);
            const std::int64_t weighted = reads > 1 ? reads : 0;  // their weights; their sum
            u.dsp = static_cast<double>((2 + weighted * (1 + streams)) *  // 2: where in the map
                                        multiplier_dsp(width.data, width.data, slice));
            u.lut = u.ff = static_cast<double>(weighted * streams * width.accumulator);
            counters(row.in.pixels());
            u += static_cast<double>(reads) *
                 buffer_memory(c.memory, 2 * words(row.in.volume()), wide);
            u += buffer_memory(c.memory, 2 * row.out.pixels(), std::int64_t{2} * width.data);
            break;
        }
        default:
            break;
    }
    return u;
}

}  // namespace hass
