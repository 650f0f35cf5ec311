/// \file more_kernels.hpp
/// Rows that are no products: sums and products of maps of different extents, values from other
/// places, normalisation. Written once for any order of a batch's values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail {

/// Where the values of a batch stand: channel c, image n, pixel p at c channel + n image + p pixel.
struct batch_layout {
    std::size_t channel = 1, image = 1, pixel = 1;
};

/// The channel and the pixel that each value of a row's output is of in its input, channels x
/// pixels.
struct source_places {
    std::vector<std::uint32_t> channel, pixel;
};

/// \throws hass::error when the order has another number of values than the row gives, or leaves
///         the map
inline source_places places_of(const layer_row& row, const value_order& order) {
    std::int64_t volume = 1, least = order.first, most = order.first;
    for (const order_axis& a : order.axes) {
        if (a.extent < 1 || a.extent > row.out.volume()) throw error("an order without values");
        volume *= a.extent;
        (a.stride < 0 ? least : most) += (a.extent - 1) * a.stride;
        if (volume > row.out.volume()) break;
    }
    if (volume != row.out.volume() || least < 0 || most >= row.in.volume())
        throw error(text_of({"an order of ", volume, " values from ", least, " to ", most,
                             " does not give its output"}));
    source_places places;
    places.channel.reserve(static_cast<std::size_t>(volume));
    places.pixel.reserve(static_cast<std::size_t>(volume));
    const std::int64_t pixels = row.in.pixels();
    std::vector<std::int64_t> at(order.axes.size(), 0);
    std::int64_t place = order.first;
    for (std::int64_t n = 0; n < volume; ++n) {
        places.channel.push_back(static_cast<std::uint32_t>(place / pixels));
        places.pixel.push_back(static_cast<std::uint32_t>(place % pixels));
        for (std::size_t k = at.size(); k-- > 0;) {
            place += order.axes[k].stride;
            if (++at[k] < order.axes[k].extent) break;
            place -= order.axes[k].stride * order.axes[k].extent;
            at[k] = 0;
        }
    }
    return places;
}

/// out = f(out, in) or, of the first input, in: for all values, where a single channel or pixel of
/// the input stands for all.
template <class F>
void spread_over(const shape& whole, const shape& from, std::size_t size,
                 const batch_layout& out_at, const batch_layout& in_at, const float* in, float* out,
                 F f) {
    const std::size_t channel = from.channels == 1 ? 0 : in_at.channel;
    const std::size_t pixel = from.pixels() == 1 ? 0 : in_at.pixel;
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t c = 0; c < static_cast<std::size_t>(whole.channels); ++c) {
            const float* x = in + n * in_at.image + c * channel;
            float* y = out + n * out_at.image + c * out_at.channel;
            for (std::size_t p = 0; p < static_cast<std::size_t>(whole.pixels()); ++p)
                y[p * out_at.pixel] = f(y[p * out_at.pixel], x[p * pixel]);
        }
}

/// What a row of `combines` does with two values. What is not a number is kept.
template <class Do>
void with_operation(layer_kind kind, Do run) {
    switch (kind) {
        case layer_kind::add:
            return run([](float a, float b) { return a + b; });
        case layer_kind::multiply:
            return run([](float a, float b) { return a * b; });
        case layer_kind::subtract:
            return run([](float a, float b) { return a - b; });
        case layer_kind::divide:
            return run([](float a, float b) { return a / b; });
        case layer_kind::minimum:
            return run([](float a, float b) { return b < a || b != b ? b : a; });
        default:
            return run([](float a, float b) { return a < b || b != b ? b : a; });
    }
}

/// Values from other places of the map.
inline void move_values(const layer_row& row, const source_places& from, std::size_t size,
                        const batch_layout& in_at, const batch_layout& out_at, const float* in,
                        float* out) {
    const auto channels = static_cast<std::size_t>(row.out.channels);
    const auto pixels = static_cast<std::size_t>(row.out.pixels());
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < pixels; ++p) {
                const std::size_t k = c * pixels + p;
                out[n * out_at.image + c * out_at.channel + p * out_at.pixel] =
                    in[n * in_at.image + from.channel[k] * in_at.channel +
                       from.pixel[k] * in_at.pixel];
            }
}

/// Each output pixel a weighted sum of some input pixels, axis by axis (`axis_taps`); pads, too.
inline void resample(const layer_row& row, const layer_parameters& p, std::size_t size,
                     const batch_layout& in_at, const batch_layout& out_at, const float* in,
                     float* out) {
    const auto height = static_cast<std::size_t>(row.out.height);
    const auto width = static_cast<std::size_t>(row.out.width);
    const auto tall = static_cast<std::size_t>(p.rows.each);
    const auto wide = static_cast<std::size_t>(p.columns.each);
    const auto row_of = static_cast<std::size_t>(row.in.width) * in_at.pixel;
    const auto weight = [](const axis_taps& taps, std::size_t k) {
        return taps.weight.empty() ? 1.0F : taps.weight[k];
    };
    const auto pixel = [&](const float* map, std::size_t y, std::size_t x) {
        if (tall * wide == 1) {
            const std::int32_t iy = p.rows.index[y], ix = p.columns.index[x];
            if (iy < 0 || ix < 0) return p.fill;
            return map[static_cast<std::size_t>(iy) * row_of +
                       static_cast<std::size_t>(ix) * in_at.pixel];
        }
        float sum = 0.0F;
        for (std::size_t j = y * tall; j < (y + 1) * tall; ++j) {
            const float* line = map + static_cast<std::size_t>(p.rows.index[j]) * row_of;
            float across = 0.0F;
            for (std::size_t i = x * wide; i < (x + 1) * wide; ++i)
                across += weight(p.columns, i) *
                          line[static_cast<std::size_t>(p.columns.index[i]) * in_at.pixel];
            sum += weight(p.rows, j) * across;
        }
        return sum;
    };
    for (std::size_t n = 0; n < size; ++n)
        for (int c = 0; c < row.out.channels; ++c) {
            float* to = out + n * out_at.image + static_cast<std::size_t>(c) * out_at.channel;
            const int from = c - p.first_channel;
            const bool inside = from >= 0 && from < row.in.channels;
            const float* map = in + n * in_at.image +
                               (inside ? static_cast<std::size_t>(from) * in_at.channel : 0);
            for (std::size_t y = 0; y < height; ++y)
                for (std::size_t x = 0; x < width; ++x)
                    to[(y * width + x) * out_at.pixel] = inside ? pixel(map, y, x) : p.fill;
        }
}

/// Maps below one another, or side by side: input k begins at (first_y, first_x).
inline void stack_into(const shape& whole, const shape& part, std::size_t first_y,
                       std::size_t first_x, std::size_t size, const batch_layout& in_at,
                       const batch_layout& out_at, const float* in, float* out) {
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t c = 0; c < static_cast<std::size_t>(part.channels); ++c)
            for (std::size_t y = 0; y < static_cast<std::size_t>(part.height); ++y)
                for (std::size_t x = 0; x < static_cast<std::size_t>(part.width); ++x)
                    out[n * out_at.image + c * out_at.channel +
                        ((y + first_y) * static_cast<std::size_t>(whole.width) + x + first_x) *
                            out_at.pixel] =
                        in[n * in_at.image + c * in_at.channel +
                           (y * static_cast<std::size_t>(part.width) + x) * in_at.pixel];
}

/// (x - mean) / sqrt(variance + alpha) of each group of channels over the whole map, times a scale
/// and with a bias a channel.
inline void group_norm(const layer_row& row, const layer_parameters& p, std::size_t size,
                       const batch_layout& at, const float* in, float* out) {
    const auto channels = static_cast<std::size_t>(row.in.channels);
    const std::size_t of_group = channels / static_cast<std::size_t>(row.groups);
    const auto pixels = static_cast<std::size_t>(row.in.pixels());
    const auto count = static_cast<double>(of_group * pixels);
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t first = 0; first < channels; first += of_group) {
            const auto each = [&](auto visit) {
                for (std::size_t c = first; c < first + of_group; ++c)
                    for (std::size_t i = 0; i < pixels; ++i)
                        visit(c, n * at.image + c * at.channel + i * at.pixel);
            };
            double sum = 0.0, squares = 0.0;
            each([&](std::size_t, std::size_t k) { sum += static_cast<double>(in[k]); });
            const double mean = sum / count;
            each([&](std::size_t, std::size_t k) {
                const double d = static_cast<double>(in[k]) - mean;
                squares += d * d;
            });
            const double by = 1.0 / std::sqrt(squares / count + static_cast<double>(p.alpha));
            each([&](std::size_t c, std::size_t k) {
                out[k] = static_cast<float>((static_cast<double>(in[k]) - mean) * by *
                                                static_cast<double>(p.weights[c]) +
                                            static_cast<double>(p.bias[c]));
            });
        }
}

/// x / (fill + alpha sum of squares of the channels around)^beta.
inline void local_response(const layer_row& row, const layer_parameters& p, std::size_t size,
                           const batch_layout& at, const float* in, float* out) {
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t i = 0; i < static_cast<std::size_t>(row.in.pixels()); ++i) {
            const std::size_t base = n * at.image + i * at.pixel;
            for (int c = 0; c < row.in.channels; ++c) {
                float squares = 0.0F;
                const int first = std::max(0, c - row.pad_top);
                const int end = std::min(row.in.channels, c - row.pad_top + row.kernel_h);
                for (int k = first; k < end; ++k) {
                    const float x = in[base + static_cast<std::size_t>(k) * at.channel];
                    squares += x * x;
                }
                const std::size_t here = base + static_cast<std::size_t>(c) * at.channel;
                out[here] = in[here] / std::pow(p.fill + p.alpha * squares, p.beta);
            }
        }
}

inline void channel_max(const layer_row& row, std::size_t size, const batch_layout& in_at,
                        const batch_layout& out_at, const float* in, float* out) {
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t i = 0; i < static_cast<std::size_t>(row.in.pixels()); ++i) {
            const float* x = in + n * in_at.image + i * in_at.pixel;
            float most = x[0];
            for (std::size_t c = 1; c < static_cast<std::size_t>(row.in.channels); ++c) {
                const float v = x[c * in_at.channel];
                most = most < v || v != v ? v : most;
            }
            out[n * out_at.image + i * out_at.pixel] = most;
        }
}

/// out = f(in, constant): a constant for each value of the map, or each channel, or one.
template <class F>
void with_constants(const shape& s, std::span<const float> constants, std::size_t size,
                    const batch_layout& at, const float* in, float* out, F f) {
    const auto channels = static_cast<std::size_t>(s.channels);
    const auto pixels = static_cast<std::size_t>(s.pixels());
    const bool whole = constants.size() == channels * pixels;
    const std::size_t by_channel = whole ? pixels : constants.size() == 1 ? 0 : 1;
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < pixels; ++p) {
                const std::size_t k = n * at.image + c * at.channel + p * at.pixel;
                out[k] = f(in[k], constants[c * by_channel + (whole ? p : 0)]);
            }
}

/// What the rows of these kinds need beside their shapes.
/// \throws hass::error saying what does not fit; the caller names the layer
inline void check_numbers(const layer_row& row, const layer_parameters& p) {
    const auto volume = static_cast<std::size_t>(row.out.volume());
    const auto channels = static_cast<std::size_t>(row.out.channels);
    const auto wants = [](bool holds, const std::string& what) {
        if (!holds) throw error(what);
    };
    const auto taps_fit = [&](const axis_taps& t, int out, int in) {
        const auto count = static_cast<std::size_t>(out) * static_cast<std::size_t>(t.each);
        const bool one = t.each == 1 && row.kind == layer_kind::pad;
        return t.each >= 1 && t.index.size() == count &&
               (t.weight.empty() ? t.each == 1 : t.weight.size() == count) &&
               std::all_of(t.index.begin(), t.index.end(),
                           [&](std::int32_t i) { return i >= (one ? -1 : 0) && i < in; });
    };
    switch (row.kind) {
        case layer_kind::add_map:
        case layer_kind::multiply_map:
            return wants(p.weights.size() == volume,
                         text_of({p.weights.size(), " constants, expected ", volume}));
        case layer_kind::leaky_relu:
            return wants(p.weights.size() == 1 || p.weights.size() == channels,
                         text_of({p.weights.size(), " slopes for ", channels, " channels"}));
        case layer_kind::group_norm:
            return wants(p.weights.size() == channels && p.bias.size() == channels,
                         text_of({p.weights.size(), " scales and ", p.bias.size(), " biases for ",
                                  channels, " channels"}));
        case layer_kind::resize:
        case layer_kind::pad:
            return wants(taps_fit(p.rows, row.out.height, row.in.height) &&
                             taps_fit(p.columns, row.out.width, row.in.width),
                         "taps that do not fit its maps");
        default:
            return;
    }
}

}  // namespace hass::detail
