/// \file fixed_point.hpp
/// The network as an accelerator computes it: weights and inputs of compute layers as integers of
/// few bits, symmetric, rounded to the nearest even one.
///
///     const auto narrow = hass::in_fixed_point(emulator, images, {8, 8});
///     narrow.run(images, labels, thresholds);
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// What shares one scale.
enum class scale_of : std::uint8_t {
    tensor,
    channel,  ///< weights: a filter; activations: an input channel
};

/// Widths and scales of an emulated accelerator.
struct fixed_point {
    int weight_bits = 16;                  ///< 2..16
    int data_bits = 16;                    ///< of the inputs of compute rows, 2..16
    scale_of weights = scale_of::channel;  ///< what weights share a scale
    scale_of data = scale_of::tensor;      ///< what activations share a scale
};

/// The model with every weight rounded (`quantizer`): q * step, |q| <= 2^(bits-1) - 1, where step
/// is the largest magnitude of its tensor or filter over 2^(bits-1) - 1. Biases are left alone: an
/// accelerator adds them in accumulator width.
inline model with_fixed_point_weights(model m, int bits, scale_of scale) {
    for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
        if (!is_compute(m.net.rows[i])) continue;
        std::span<float> all = m.parameters[i].weights;
        const std::size_t pieces =
            scale == scale_of::tensor ? 1 : static_cast<std::size_t>(m.net.rows[i].out.channels);
        const std::size_t size = all.size() / pieces;
        for (std::size_t p = 0; p < pieces; ++p) {
            const std::span<float> piece = all.subspan(p * size, size);
            float largest = 0.0F;
            for (const float w : piece) largest = std::max(largest, std::abs(w));
            const quantizer to = quantizer::of(largest, bits);
            for (float& w : piece) w = to.round(w);
        }
    }
    return m;
}

/// An emulator that rounds the weights and, wherever they enter a compute row, the activations, to
/// fixed point, and clips what has been rounded: a value is zero when its rounded magnitude is
/// below the threshold. Statistics and magnitudes are those of the rounded values. Sums are float32
/// chains, as in the emulator given; scales are chosen once, from the largest inputs that the
/// images (the first `statistics_images` of them) cause in the untouched network; larger ones
/// saturate. One scale a channel needs many images to see every channel at its largest: MobileNetV1
/// 0.25 at 16 bits answers 4 of 500 images fewer with scales from 100 of them, none with all.
/// \throws hass::error for bits outside of 2..16, for products of two activations, or as
///         `emulator::run`
template <EmulationBackend Backend>
basic_emulator<Backend> in_fixed_point(const basic_emulator<Backend>& network,
                                       const image_set& images, const fixed_point& format,
                                       const emulation_options& options = {}) {
    for (const int bits : {format.weight_bits, format.data_bits})
        if (bits < 2 || bits > 16)
            throw error(text_of({"fixed point: ", bits, " bits, must be within 2 and 16"}));
    const network_view net = network.network();
    for (std::size_t i = 0; i < net.size(); ++i)
        if (net[i].kind == layer_kind::matmul)
            throw error("fixed point: layer '" + name_of(net, i) +
                        "' multiplies two activations, of which only one would be rounded; a "
                        "quantised file (QDQ) rounds both");
    const std::vector<std::vector<float>> largest = network.largest_inputs(images, options);
    std::vector<std::vector<quantizer>> quantizers(largest.size());
    for (std::size_t i = 0; i < largest.size(); ++i) {
        if (largest[i].empty()) continue;
        if (format.data == scale_of::channel)
            for (const float x : largest[i])
                quantizers[i].push_back(quantizer::of(x, format.data_bits));
        else
            quantizers[i].push_back(quantizer::of(
                *std::max_element(largest[i].begin(), largest[i].end()), format.data_bits));
    }
    const program& p = network.program();
    return basic_emulator<Backend>(
        program(with_fixed_point_weights(p.model, format.weight_bits, format.weights), p.input,
                std::move(quantizers)));
}

}  // namespace hass
