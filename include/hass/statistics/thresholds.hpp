/// \file thresholds.hpp
/// The magnitudes below which weights and activations are taken as zero, and how a search axis
/// reaches them.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Thresholds of one row: a weight w is zeroed when |w| < weight, an input x when |x| < activation.
/// All >= 0, strict, compared in float32 as the tensors are; 0 zeroes nothing.
struct layer_thresholds {
    double weight = 0.0;      ///< magnitudes below are taken as zero
    double activation = 0.0;  ///< magnitudes below are taken as zero
    /// In place of the above, one an input channel of the row; empty: the same for all channels.
    std::vector<double> weight_channels{};
    /// One an input channel; empty: `activation` for all.
    std::vector<double> activation_channels{};

    /// Threshold of the weights that input channel `c` meets.
    constexpr double weight_of(std::size_t c) const {
        return weight_channels.empty() ? weight : weight_channels[c];
    }
    /// Threshold of input channel `c`.
    constexpr double activation_of(std::size_t c) const {
        return activation_channels.empty() ? activation : activation_channels[c];
    }

    constexpr bool operator==(const layer_thresholds&) const = default;
};

/// One entry a row of the network; entries of rows that are not compute rows are not read.
using network_thresholds = std::vector<layer_thresholds>;

/// The same two thresholds for every row.
inline network_thresholds uniform_thresholds(const network_view& net, layer_thresholds each) {
    return network_thresholds(net.size(), each);
}

/// \throws hass::error when there is not one entry a row, or not one a channel, or one is negative,
///         infinite or NaN
inline void check_thresholds(const network_view& net, const network_thresholds& thresholds) {
    if (thresholds.size() != net.size())
        throw error(text_of({"thresholds: ", thresholds.size(), " entries for a network of ",
                             net.size(), " rows"}));
    const auto sound = [](double tau) { return std::isfinite(tau) && tau >= 0.0; };
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_thresholds& t = thresholds[i];
        if (!sound(t.weight) || !sound(t.activation))
            throw error(
                text_of({"thresholds: layer '", name_of(net, i), "' has weight ", t.weight,
                         ", activation ", t.activation, "; both must be finite and not negative"}));
        for (const std::vector<double>* channels : {&t.weight_channels, &t.activation_channels}) {
            if (!channels->empty() &&
                channels->size() != static_cast<std::size_t>(net[i].in.channels))
                throw error(
                    text_of({"thresholds: layer '", name_of(net, i), "' has ", channels->size(),
                             " for its ", net[i].in.channels, " input channels"}));
            for (std::size_t c = 0; c < channels->size(); ++c)
                if (!sound((*channels)[c]))
                    throw error(
                        text_of({"thresholds: layer '", name_of(net, i), "' has ", (*channels)[c],
                                 " for channel ", c, "; must be finite and not negative"}));
        }
    }
}

/// Weights of a compute row with those of |w| < tau set to zero.
/// \param weights out.channels x in.channels/groups x kernel_h x kernel_w
inline std::vector<float> clipped_weights(const layer_row& row, std::span<const float> weights,
                                          const layer_thresholds& tau) {
    std::vector<float> clipped(weights.begin(), weights.end());
    const auto clip = [](std::span<float> values, double threshold) {
        const auto keep = static_cast<float>(threshold);
        for (float& w : values) w = std::abs(w) < keep ? 0.0F : w;
    };
    if (tau.weight_channels.empty()) {
        clip(clipped, tau.weight);
        return clipped;
    }
    const auto k = static_cast<std::size_t>(taps(row));
    const auto per_group = static_cast<std::size_t>(channels_per_group(row));
    const auto filters = static_cast<std::size_t>(filters_per_group(row));
    for (std::size_t first = 0; first < clipped.size(); first += k) {
        const std::size_t filter = first / k / per_group;
        const std::size_t channel = filter / filters * per_group + first / k % per_group;
        clip(std::span(clipped).subspan(first, k), tau.weight_channels[channel]);
    }
    return clipped;
}

/// A distribution of magnitudes: the share below a threshold, and the threshold for a share.
template <class D>
concept MagnitudeDistribution = requires(const D& d, double x) {
    { d.zeros() } -> std::convertible_to<double>;       // share of exact zeros
    { d.sparsity(x) } -> std::convertible_to<double>;   // share with |x| < threshold
    { d.threshold(x) } -> std::convertible_to<double>;  // the threshold that gives a share
};

/// One search axis in [0, 1] over the sparsity of one tensor: 0 leaves it at its natural sparsity
/// s0 (threshold 0), 1 brings it to `maximum`; in between the target sparsity moves linearly,
///     tau = threshold(s0 + x (maximum - s0)),
/// so that every step along the axis zeroes further values: no part of it is flat. An axis that ends
/// below 1 leaves the largest values, however many are alike.
struct threshold_axis {
    /// Highest sparsity that the axis reaches, in [0, 1]; below the natural one the axis is empty.
    double maximum = 0.95;

    /// Target sparsity at `x` in [0, 1].
    double target(const MagnitudeDistribution auto& values, double x) const {
        const double natural = values.zeros();
        return natural + std::clamp(x, 0.0, 1.0) * std::max(0.0, maximum - natural);
    }
    /// Threshold at `x` in [0, 1]; exactly 0 at x = 0.
    double threshold(const MagnitudeDistribution auto& values, double x) const {
        if (!(x > 0.0) || maximum <= values.zeros()) return 0.0;
        const double tau = values.threshold(target(values, x));
        if (maximum >= 1.0 || values.sparsity(tau) < 1.0) return tau;
        const double below = std::nextafter(static_cast<float>(tau), 0.0F);
        return values.sparsity(below) > values.zeros() ? below : 0.0;
    }
    /// Where a threshold lies on the axis, clamped to [0, 1].
    double position(const MagnitudeDistribution auto& values, double tau) const {
        const double natural = values.zeros();
        if (maximum <= natural) return 0.0;
        return std::clamp((values.sparsity(tau) - natural) / (maximum - natural), 0.0, 1.0);
    }
};

namespace detail {

/// The float32 bound that a magnitude must reach to count as non-zero under threshold `tau`:
/// |x| >= bound holds exactly for the values that are neither zero nor clipped.
inline float keep_from(double tau) {
    return std::max(static_cast<float>(tau), std::numeric_limits<float>::denorm_min());
}

}  // namespace detail

}  // namespace hass
