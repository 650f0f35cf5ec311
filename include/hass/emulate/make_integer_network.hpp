/// \file make_integer_network.hpp
/// From a trained network to its integers.
///
///     const hass::integer_network net =
///         hass::make_integer_network(emulator, images, thresholds, {.weight_bits = 8, .data_bits = 8});
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/integer_network.hpp>
#include <hass/emulate/integer_scales.hpp>
#include <hass/emulate/integer_streams.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>

namespace hass {

/// Widths of the integers, all symmetric: of magnitude 2^(bits-1) - 1 at most.
struct integer_format {
    int weight_bits = 16;  ///< 2..16
    int data_bits = 16;    ///< of every stream between rows, 2..16
    /// Of the answers, where they come from a requantisation: coarse ones would be equal. 2..16
    int logit_bits = 16;
    scale_of weights = scale_of::channel;  ///< what weights share a scale
};

namespace detail {

class integer_network_maker {
  public:
    integer_network_maker(const program& p, std::span<const float> largest,
                          const network_thresholds& thresholds, const integer_format& format)
        : program_(p), net_(p.model.net), scales_(net_), thresholds_(thresholds), format_(format) {
        require_modules(p.model);
        for (const int bits : {format.weight_bits, format.data_bits, format.logit_bits})
            if (bits < 2 || bits > 16)
                throw error(text_of({"integer network: ", bits, " bits, must be within 2 and 16"}));
        check_thresholds(net_, thresholds);
        if (largest.size() != net_.size() + 1)
            throw error(text_of({"integer network: ", largest.size(), " largest values for ",
                                 net_.size() + 1, " streams"}));
        result_.net = p.model.net;
        result_.rows.resize(net_.size());
        result_.input = p.input;
        result_.data_bits = format.data_bits;
        result_.weight_bits = format.weight_bits;
        result_.source = p.model.source;
        place_streams(largest);
    }

    integer_network operator()() && {
        for (std::size_t i = 0; i < net_.size(); ++i) make_row(i);
        return std::move(result_);
    }

  private:
    const layer_row& row(std::size_t i) const { return net_[i]; }
    const layer_parameters& parameters(std::size_t i) const { return program_.model.parameters[i]; }
    integer_row& made(std::size_t i) { return result_.rows[i]; }

    /// Steps and widths of all streams.
    void place_streams(std::span<const float> largest) {
        std::vector<float> most(net_.size() + 1, 0.0F);
        std::vector<bool> wide(net_.size() + 1, false);  // answers, and nothing else
        wide[scales_.of(static_cast<int>(net_.size()) - 1)] = true;
        wide[scales_.of(network_input)] = false;
        std::vector<bool> bounded(net_.size() + 1, false);  // streams that exist only bounded
        for (const edge& e : net_.edges)
            if (scales_.folds(static_cast<std::size_t>(e.to)))
                bounded[static_cast<std::size_t>(e.from + 1)] = true;
        for (int r = network_input; r < static_cast<int>(net_.size()); ++r) {
            const std::size_t s = scales_.of(r);
            const auto stream = static_cast<std::size_t>(r + 1);
            if (!bounded[stream]) most[s] = std::max(most[s], largest[stream]);
            if (r == network_input) continue;
            const auto i = static_cast<std::size_t>(r);
            if (!requantises(row(i).kind) && row(i).kind != layer_kind::flatten &&
                !scales_.folds(i))
                wide[s] = false;
            if (row(i).kind == layer_kind::add || row(i).kind == layer_kind::multiply)
                wide[s] = false;
        }
        for (const edge& e : net_.edges)
            if (scales_.of(e.from) != scales_.of(e.to)) wide[scales_.of(e.from)] = false;
        const auto step = [&](std::size_t s, int bits) {
            return most[s] > 0.0F ? static_cast<double>(quantizer::of(most[s], bits).step) : 1.0;
        };
        for (std::size_t i = 0; i < net_.size(); ++i) {
            const std::size_t s = scales_.of(static_cast<int>(i));
            made(i).bits = wide[s] ? format_.logit_bits : format_.data_bits;
            made(i).step = step(s, made(i).bits);
            made(i).range = symmetric(made(i).bits);
        }
        result_.input_range = symmetric(format_.data_bits);
        result_.input_step = step(scales_.of(network_input), format_.data_bits);
    }

    static integer_range symmetric(int bits) {
        const std::int64_t levels = integer_range::of(bits).high;
        return {-levels, levels};
    }

    integer_stream input(std::size_t i, std::size_t k = 0) const {
        return stream_of(result_, inputs_of(net_, i)[k]);
    }

    void make_row(std::size_t i) {
        integer_row& m = made(i);
        const layer_kind kind = row(i).kind;
        switch (kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
                make_weights(i);
                break;
            case layer_kind::average_pool:
                requantise_by(i,
                              {input(i).step /
                               (m.step * window_values(row(i), parameters(i).count_include_pad))},
                              {0});
                break;
            case layer_kind::global_average_pool:
                requantise_by(
                    i, {input(i).step / (m.step * static_cast<double>(row(i).in.pixels()))}, {0});
                break;
            case layer_kind::add: {
                const auto [by, shift] = multipliers_of(
                    std::vector{input(i, 0).step / m.step, input(i, 1).step / m.step},
                    format_.data_bits + multiplier_bits, net_, i);
                m.multipliers = {by[0], by[1]};
                m.shift = shift;
                break;
            }
            case layer_kind::multiply: {
                const auto [by, shift] =
                    multipliers_of(std::vector{input(i, 0).step * input(i, 1).step / m.step},
                                   2 * format_.data_bits + multiplier_bits - 1, net_, i);
                m.multipliers = {by[0], 1};
                m.shift = shift;
                break;
            }
            case layer_kind::relu:
            case layer_kind::relu6:
                m.passes = scales_.folds(i);
                if (m.passes)
                    m.range = input(i).range;
                else
                    bound(i, i);
                break;
            case layer_kind::max_pool:
                m.range = input(i).range;
                break;
            case layer_kind::concat: {
                m.range = input(i).range;
                for (std::size_t k = 1; k < inputs_of(net_, i).size(); ++k)
                    m.range = {std::min(m.range.low, input(i, k).range.low),
                               std::max(m.range.high, input(i, k).range.high)};
                break;
            }
            case layer_kind::flatten:
                m.passes = true;
                m.range = input(i).range;
                break;
            default:
                make_table(i);
        }
        for (std::size_t next = i + 1; next < net_.size(); ++next)
            if (scales_.folds(next) && inputs_of(net_, next).front() == static_cast<int>(i))
                bound(i, next);
    }

    /// Saturates row i to the bounds of activation `by`.
    void bound(std::size_t i, std::size_t by) {
        const clamp b = bounds_of(row(by), parameters(by));
        integer_row& m = made(i);
        const auto nearest = [&](float x) {
            const double q = std::nearbyint(static_cast<double>(x) / m.step);
            return static_cast<std::int64_t>(
                std::clamp(q, static_cast<double>(m.range.low), static_cast<double>(m.range.high)));
        };
        m.range = {nearest(b.lower), nearest(b.upper)};
    }

    /// \param ratios, biases  one an output channel, or one for all
    void requantise_by(std::size_t i, const std::vector<double>& ratios,
                       const std::vector<std::int64_t>& biases) {
        std::int64_t bias = 0;
        for (const std::int64_t b : biases) bias = std::max(bias, b < 0 ? -b : b);
        const std::int64_t sum = largest_sum(result_, i);
        require(sum + bias < std::int64_t{1} << (63 - multiplier_bits), net_, i,
                "its sums are too large for the multiplier behind them");
        const auto [by, shift] = multipliers_of(
            ratios, std::max(signed_bits(sum), signed_bits(bias)) + multiplier_bits, net_, i);
        const auto channels = static_cast<std::size_t>(row(i).out.channels);
        integer_row& m = made(i);
        m.shift = shift;
        for (std::size_t f = 0; f < channels; ++f)
            m.by.push_back({biases[biases.size() == 1 ? 0 : f], by[by.size() == 1 ? 0 : f], shift});
    }

    void make_weights(std::size_t i) {
        const layer_parameters& p = parameters(i);
        const double x_step = input(i).step;
        const auto filters = static_cast<std::size_t>(row(i).out.channels);
        const std::size_t each = p.weights.size() / filters;
        const std::vector<float> steps = weight_steps(i);
        const auto levels = static_cast<float>(integer_range::of(format_.weight_bits).high);
        std::vector<float> rounded(p.weights.size());  // real values, as `in_fixed_point` clips
        for (std::size_t w = 0; w < rounded.size(); ++w)
            rounded[w] = quantizer{steps[w / each], levels}.round(p.weights[w]);
        rounded = clipped_weights(row(i), rounded, thresholds_[i]);
        std::vector<double> ratios;
        std::vector<std::int64_t> biases;
        for (std::size_t f = 0; f < filters; ++f) {
            for (std::size_t w = f * each; w < (f + 1) * each; ++w)
                made(i).weights.push_back(static_cast<std::int16_t>(
                    rounded[w] == 0.0F ? 0.0F : quantizer{steps[f], levels}.level(p.weights[w])));
            const double sum_step = static_cast<double>(steps[f]) * x_step;
            ratios.push_back(sum_step / made(i).step);
            biases.push_back(p.bias.empty() ? 0
                                            : static_cast<std::int64_t>(std::nearbyint(
                                                  static_cast<double>(p.bias[f]) / sum_step)));
        }
        made(i).threshold = data_threshold(i, x_step);
        requantise_by(i, ratios, biases);
    }

    /// What one of a filter's integers is worth: its largest weight takes all bits, unless its bias
    /// would then be larger than any sum, or the filter is zero.
    std::vector<float> weight_steps(std::size_t i) const {
        const layer_parameters& p = parameters(i);
        const auto filters = static_cast<std::size_t>(row(i).out.channels);
        const std::size_t each = p.weights.size() / filters;
        const double x_step = input(i).step;
        std::vector<float> largest(filters, 0.0F);
        for (std::size_t w = 0; w < p.weights.size(); ++w)
            largest[w / each] = std::max(largest[w / each], std::abs(p.weights[w]));
        if (format_.weights == scale_of::tensor)
            largest.assign(filters, *std::max_element(largest.begin(), largest.end()));
        const double w_levels = static_cast<double>(integer_range::of(format_.weight_bits).high);
        const double x_levels = static_cast<double>(largest_magnitude(input(i).range));
        const double sums = std::min(2147483000.0, w_levels * x_levels * static_cast<double>(each));
        std::vector<float> steps;
        for (std::size_t f = 0; f < filters; ++f) {
            const double bias = p.bias.empty() ? 0.0 : static_cast<double>(std::abs(p.bias[f]));
            float step = quantizer::of(largest[f], format_.weight_bits).step;
            step = std::max(step, static_cast<float>(bias / (sums * x_step)));
            steps.push_back(step > 0.0F ? step : static_cast<float>(result_.rows[i].step / x_step));
        }
        return steps;
    }

    std::int64_t data_threshold(std::size_t i, double x_step) const {
        const layer_thresholds& t = thresholds_[i];
        double tau = t.activation;
        if (!t.activation_channels.empty()) {
            tau = t.activation_channels.front();
            require(std::all_of(t.activation_channels.begin(), t.activation_channels.end(),
                                [&](double c) { return c == tau; }),
                    net_, i,
                    "a threshold of activations a channel, but the module has one for all");
        }
        return integer_threshold(tau, x_step, input(i).bits);
    }

    void make_table(std::size_t i) {
        const integer_stream in = input(i);
        integer_row& m = made(i);
        const auto levels = static_cast<float>(m.range.high);
        const quantizer to{static_cast<float>(m.step), levels};
        const integer_range all = integer_range::of(in.bits);
        const auto size = static_cast<std::size_t>(all.high - all.low + 1);
        m.table.resize(size);
        integer_range given{m.range.high, m.range.low};
        for (std::int64_t x = all.low; x <= all.high; ++x) {
            const auto value = static_cast<float>(static_cast<double>(x) * in.step);
            const auto y = static_cast<std::int16_t>(to.level(function_of(row(i).kind, value)));
            m.table[static_cast<std::size_t>(x) & (size - 1)] = y;
            if (saturate(x, in.range) != x) continue;
            given = {std::min<std::int64_t>(given.low, y), std::max<std::int64_t>(given.high, y)};
        }
        m.range = given;
    }

    static float function_of(layer_kind kind, float x) {
        switch (kind) {
            case layer_kind::hardswish:
                return x * hardsigmoid(x);
            case layer_kind::hardsigmoid:
                return hardsigmoid(x);
            case layer_kind::sigmoid:
                return sigmoid(x);
            default:
                return x * sigmoid(x);
        }
    }

    const program& program_;
    network_view net_;
    stream_scales scales_;
    const network_thresholds& thresholds_;
    integer_format format_;
    integer_network result_;
};

}  // namespace detail

/// The integers of a trained network, clipped at the thresholds. Scales are symmetric, one a
/// stream: the largest value of `largest` (`largest_values`) is the largest integer, larger ones
/// saturate; and one a filter (or a row) for weights. Rounding is to the nearest, halves to even,
/// before clipping, as in `in_fixed_point`. Biases are of the sum's scale.
/// \throws hass::error, before anything else, naming a layer that no module computes: a softmax; an
///         addition or product of other than two streams; an average pool of unequal windows. Then
///         for bits outside of 2..16, as `check_thresholds`, and naming a layer of unequal
///         thresholds of input channels or of a scale out of the multiplier's reach
inline integer_network make_integer_network(const program& p, std::span<const float> largest,
                                            const network_thresholds& thresholds,
                                            const integer_format& format) {
    return detail::integer_network_maker(p, largest, thresholds, format)();
}

/// ... with the scales of these images in the untouched network, as `in_fixed_point` takes them.
/// \throws hass::error as above, and as `largest_values`
template <EmulationBackend Backend>
integer_network make_integer_network(const basic_emulator<Backend>& network,
                                     const image_set& images, const network_thresholds& thresholds,
                                     const integer_format& format,
                                     const emulation_options& options = {}) {
    detail::require_modules(network.model());
    return make_integer_network(network.program(), largest_values(network, images, options),
                                thresholds, format);
}

/// ... of a model as it is read.
inline integer_network make_integer_network(model m, preprocessing p, const image_set& images,
                                            const network_thresholds& thresholds,
                                            const integer_format& format,
                                            const emulation_options& options = {}) {
    return make_integer_network(emulator(std::move(m), std::move(p)), images, thresholds, format,
                                options);
}

}  // namespace hass
