/// \file token_kernels.hpp
/// Rows of token networks: products of two activations, norms over features, lookups. Written once
/// for any order of a batch's values; every image is computed alike at any place of any batch.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hass/emulate/gemm.hpp>
#include <hass/emulate/more_kernels.hpp>
#include <hass/error.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>

namespace hass::detail {

/// What a compute row is given, for whoever looks on.
struct seen_tensors {
    map_batch input = nullptr;  ///< as the backend has it
    /// The same as channels x images x pixels; made where somebody asks.
    std::function<const float*()> maps{};
    /// The same as planes, clipped or not (see `backend.hpp`); made where somebody asks.
    std::function<const float*()> planes{};
    /// matmul: the second input, clipped, images x filters x what one sees; else nothing.
    std::span<const float> second{};
};

/// Scratch of one thread for products of two activations.
struct product_scratch {
    std::vector<float> first, second, product;
    gemm_scratch gemm;
};

/// Values of both inputs of a matmul below their thresholds are 0, wherever they stand afterwards.
struct product_inputs {
    const layer_row& row;
    std::size_t images, heads, seen, filters, pixels;

    product_inputs(const layer_row& r, std::size_t size)
        : row(r),
          images(size),
          heads(static_cast<std::size_t>(r.groups)),
          seen(static_cast<std::size_t>(channels_per_group(r))),
          filters(static_cast<std::size_t>(filters_per_group(r))),
          pixels(static_cast<std::size_t>(r.in.pixels())) {}

    /// channels x images x pixels; `round` before it is clipped.
    template <class Round>
    void gather_first(const float* in, const batch_layout& at, const layer_thresholds& tau,
                      Round round, std::vector<float>& to) const {
        const std::size_t channels = heads * seen;
        to.resize(std::max(to.size(), channels * images * pixels + packet_slack));
        float* out = to.data();
        for (std::size_t c = 0; c < channels; ++c) {
            const std::uint32_t keep = magnitude_bits(static_cast<float>(tau.activation_of(c)));
            for (std::size_t n = 0; n < images; ++n)
                for (std::size_t p = 0; p < pixels; ++p)
                    *out++ = clip(round(in[c * at.channel + n * at.image + p * at.pixel], c), keep);
        }
    }
    /// images x heads x filters x seen.
    void gather_second(const float* in, const batch_layout& at, const layer_thresholds& tau,
                       std::vector<float>& to) const {
        to.resize(std::max(to.size(), images * heads * filters * seen));
        const std::size_t channel = row.transposed ? seen : filters;  // of a head
        const std::size_t by_filter = row.transposed ? at.pixel : at.channel;
        const std::size_t by_seen = row.transposed ? at.channel : at.pixel;
        float* out = to.data();
        std::vector<std::uint32_t> keep(seen);
        for (std::size_t n = 0; n < images; ++n)
            for (std::size_t h = 0; h < heads; ++h) {
                for (std::size_t k = 0; k < seen; ++k)
                    keep[k] = magnitude_bits(static_cast<float>(tau.weight_of(h * seen + k)));
                const float* head = in + n * at.image + h * channel * at.channel;
                for (std::size_t f = 0; f < filters; ++f)
                    for (std::size_t k = 0; k < seen; ++k)
                        *out++ = clip(head[f * by_filter + k * by_seen], keep[k]);
            }
    }
};

/// The product of both inputs, as `product_inputs` gathers them: image by image, head by head.
/// \param scale  products are multiplied by it
inline void multiply_activations(const product_inputs& in, const float* first,
                                 std::span<const float> second, float scale, const clamp& bounds,
                                 const batch_layout& at, float* out, product_scratch& space) {
    const std::size_t channel = in.images * in.pixels;
    const std::size_t matrix = in.filters * in.seen;
    constexpr float infinity = std::numeric_limits<float>::infinity();
    space.product.resize(std::max(space.product.size(), in.filters * in.pixels + packet_slack));
    for (std::size_t n = 0; n < in.images; ++n)
        for (std::size_t h = 0; h < in.heads; ++h) {
            const packed_filters filters(second.subspan((n * in.heads + h) * matrix, matrix),
                                         in.filters);
            space.gemm.offsets.clear();
            for (std::size_t k = 0; k < in.seen; ++k) space.gemm.offsets.push_back(k * channel);
            multiply(filters, nullptr, in.pixels, first + h * in.seen * channel + n * in.pixels,
                     space.gemm.offsets, 0.0F, clamp{-infinity, infinity}, space.product.data(),
                     space.gemm, [&](std::size_t j) {
                         return column_run{j, in.pixels - j};
                     });
            float* to = out + n * at.image + h * in.filters * at.channel;
            const float* value = space.product.data();
            for (std::size_t f = 0; f < in.filters; ++f)
                for (std::size_t p = 0; p < in.pixels; ++p)
                    to[f * at.channel + p * at.pixel] =
                        std::min(std::max(*value++ * scale, bounds.lower), bounds.upper);
        }
}

/// Layer or root-mean-square norm of each group of channels at each pixel; `out` may be `in`.
inline void feature_norm(const layer_row& row, const layer_parameters& p, std::size_t size,
                         const batch_layout& at, const float* in, float* out) {
    const auto channels = static_cast<std::size_t>(row.in.channels);
    const auto pixels = static_cast<std::size_t>(row.in.pixels());
    const std::size_t each = channels / static_cast<std::size_t>(row.groups);
    const bool centres = row.kind == layer_kind::layer_norm;
    const auto count = static_cast<double>(each);
    constexpr std::size_t together = 16;  // pixels: no sum waits for itself
    std::array<double, together> mean, square;
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t first = 0; first < channels; first += each)
            for (std::size_t x = 0; x < pixels; x += together) {
                const std::size_t start = n * at.image + first * at.channel + x * at.pixel;
                const std::size_t these = std::min(together, pixels - x);
                mean.fill(0.0), square.fill(0.0);
                for (std::size_t c = 0; centres && c < each; ++c)
                    for (std::size_t k = 0; k < these; ++k)
                        mean[k] += static_cast<double>(in[start + c * at.channel + k * at.pixel]);
                for (double& m : mean) m /= count;
                for (std::size_t c = 0; c < each; ++c)
                    for (std::size_t k = 0; k < these; ++k) {
                        const double d =
                            static_cast<double>(in[start + c * at.channel + k * at.pixel]) -
                            mean[k];
                        square[k] += d * d;
                    }
                for (double& s : square)  // becomes the scale
                    s = 1.0 / std::sqrt(s / count + static_cast<double>(p.alpha));
                for (std::size_t c = 0; c < each; ++c) {
                    const float gain = p.weights.empty() ? 1.0F : p.weights[first + c];
                    const float bias = p.bias.empty() ? 0.0F : p.bias[first + c];
                    for (std::size_t k = 0; k < these; ++k) {
                        const std::size_t i = start + c * at.channel + k * at.pixel;
                        const auto normal =
                            static_cast<float>((static_cast<double>(in[i]) - mean[k]) * square[k]);
                        out[i] = normal * gain + bias;
                    }
                }
            }
}

/// log(softmax) of each group of channels at each pixel; `out` may be `in`.
inline void log_softmax(const layer_row& row, std::size_t size, const batch_layout& at,
                        const float* in, float* out) {
    const auto channels = static_cast<std::size_t>(row.in.channels);
    const std::size_t each = channels / static_cast<std::size_t>(row.groups);
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t first = 0; first < channels; first += each)
            for (std::size_t x = 0; x < static_cast<std::size_t>(row.in.pixels()); ++x) {
                const std::size_t start = n * at.image + first * at.channel + x * at.pixel;
                float most = in[start];
                for (std::size_t c = 1; c < each; ++c)
                    most = std::max(most, in[start + c * at.channel]);
                double sum = 0.0;
                for (std::size_t c = 0; c < each; ++c)
                    sum += static_cast<double>(std::exp(in[start + c * at.channel] - most));
                const auto less = static_cast<float>(std::log(sum));
                for (std::size_t c = 0; c < each; ++c) {
                    const std::size_t k = start + c * at.channel;
                    out[k] = in[k] - most - less;
                }
            }
}

/// Rows of a table; a number of none gives `fill`.
inline void look_up(const layer_row& row, const layer_parameters& p, std::size_t size,
                    const batch_layout& in_at, const batch_layout& out_at, const float* in,
                    float* out) {
    const auto channels = static_cast<std::size_t>(row.out.channels);
    const auto entries = static_cast<float>(row.kernel_h);
    for (std::size_t n = 0; n < size; ++n)
        for (std::size_t x = 0; x < static_cast<std::size_t>(row.out.pixels()); ++x) {
            const float given = in[n * in_at.image + x * in_at.pixel];
            const float id = std::trunc(given);
            const float place = id < 0.0F ? id + entries : id;
            const bool there = id >= std::max(p.lower, -entries) && place < entries &&
                               (id == given || !std::isnan(p.fill));
            const float* entry =
                p.weights.data() + (there ? static_cast<std::size_t>(place) * channels : 0);
            for (std::size_t c = 0; c < channels; ++c)
                out[n * out_at.image + c * out_at.channel + x * out_at.pixel] =
                    there ? entry[c] : p.fill;
        }
}

/// \throws hass::error when a row's numbers do not fit it
inline void check_token_numbers(const layer_row& row, const layer_parameters& p) {
    const auto channels = static_cast<std::size_t>(row.out.channels);
    const auto fits = [&](const std::vector<float>& v) {
        return v.empty() || v.size() == channels;
    };
    switch (row.kind) {
        case layer_kind::layer_norm:
        case layer_kind::rms_norm:
            if (!fits(p.weights) || !fits(p.bias))
                throw error(text_of({p.weights.size(), " gains and ", p.bias.size(), " biases for ",
                                     channels, " channels"}));
            return;
        case layer_kind::embedding:
            if (row.in.channels != 1 || row.in.pixels() != row.out.pixels() ||
                p.weights.size() != channels * static_cast<std::size_t>(row.kernel_h))
                throw error(text_of({"a table of ", p.weights.size(), " values for ", row.kernel_h,
                                     " rows of ", channels}));
            return;
        case layer_kind::matmul:
            if (!p.weights.empty() || !p.bias.empty() || !std::isfinite(p.alpha))
                throw error("a product of two activations has weights or a bias");
            return;
        default:
            return;
    }
}

}  // namespace hass::detail
