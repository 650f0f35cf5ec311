/// \file value_bounds.hpp
/// How large the values of a network can become, whatever the image: where no sum of a layer can
/// overflow, nothing in it can become infinite or not a number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/emulate/program.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>

namespace hass::detail {

/// Far enough below the largest float that roundings on the way make no difference.
inline constexpr double most_value = 1e37;

/// Most that a sum of a row can be, in any order of its terms and with any of its weights left out.
/// \param input  most that |x| can be
inline double most_sum(const layer_row& row, const layer_parameters& p, double input) {
    const auto filters = static_cast<std::size_t>(row.out.channels);
    const std::size_t size = p.weights.size() / filters;
    double most = 0.0;
    for (std::size_t f = 0; f < filters; ++f) {
        double sum = p.bias.empty() ? 0.0 : std::abs(static_cast<double>(p.bias[f]));
        for (const float w : std::span(p.weights).subspan(f * size, size))
            sum += std::abs(static_cast<double>(w)) * input;
        most = std::max(most, sum);
    }
    return most * 1.001;
}

/// Of a clipping activation: what lies within `input` of zero comes out within this.
inline double most_clipped(const clamp& bounds, double input) {
    const double lower = bounds.lower, upper = bounds.upper;
    const double most = std::min(input, std::max(std::abs(lower), std::abs(upper)));
    const auto finite = [](double bound) { return std::isfinite(bound) ? std::abs(bound) : 0.0; };
    return std::max({most, finite(lower), finite(upper)});
}

/// Whether every window of a pool has a pixel of the map in it, so that none gives minus infinity.
inline bool meets_map(const layer_row& row) {
    return row.dilation_h == 1 && row.dilation_w == 1 && row.pad_top < row.kernel_h &&
           row.pad_left < row.kernel_w &&
           (row.out.height - 1) * row.stride_h - row.pad_top < row.in.height &&
           (row.out.width - 1) * row.stride_w - row.pad_left < row.in.width;
}

/// For every row the most that |x| can be behind it (and behind an activation folded into it), where
/// no value of the image is larger than `image`; infinity where that is not known, or not a finite
/// number for sure.
inline std::vector<double> value_bounds(const program& p, double image) {
    constexpr double unknown = std::numeric_limits<double>::infinity();
    const network_view net = p.model.net;
    std::vector<std::vector<int>> from(net.size());
    for (const edge& e : net.edges) from[static_cast<std::size_t>(e.to)].push_back(e.from);
    std::vector<double> most(net.size(), unknown);
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& row = net[i];
        double input = 0.0, sum = 0.0, product = 1.0;  // largest of what it reads, and all together
        for (const int source : from[i]) {
            const double x = source < 0 ? image : most[static_cast<std::size_t>(source)];
            input = std::max(input, x);
            sum += x;
            product *= x;
        }
        if (!(input < most_value)) continue;  // what is not a number may come, and is kept
        double& out = most[i];
        switch (row.kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
                if (!p.quantizers[i].empty()) break;
                out = most_sum(row, p.model.parameters[i], input);
                if (out < most_value) out = most_clipped(p.schedule[i].bounds, out);
                break;
            case layer_kind::add:
                out = sum;
                break;
            case layer_kind::multiply:
                out = product;
                break;
            case layer_kind::relu:
            case layer_kind::relu6:
                out = most_clipped(bounds_of(row, p.model.parameters[i]), input);
                break;
            case layer_kind::max_pool:
                if (meets_map(row)) out = input;
                break;
            case layer_kind::average_pool:
            case layer_kind::global_average_pool:
            case layer_kind::flatten:
            case layer_kind::reshape:
            case layer_kind::concat:
            case layer_kind::hardswish:
            case layer_kind::swish:
                out = input * 1.001;
                break;
            case layer_kind::hardsigmoid:
            case layer_kind::sigmoid:
                out = 1.0;
                break;
            default:
                break;
        }
        if (!(out < most_value)) out = unknown;
    }
    return most;
}

}  // namespace hass::detail
