// Networks built by hand, with random weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace test {

inline float uniform(std::mt19937& bits, float low, float high) {
    return low + (high - low) * static_cast<float>(static_cast<double>(bits() % 100001U) / 1e5);
}

/// A model of the given rows, one after the other, unless edges say otherwise.
inline hass::model make_model(std::mt19937& bits, std::vector<hass::layer_row> rows,
                              std::vector<hass::edge> edges = {}) {
    hass::model m;
    m.source = "by hand";
    if (edges.empty())
        for (int i = 0; i < static_cast<int>(rows.size()); ++i) edges.push_back({i - 1, i});
    for (const hass::layer_row& row : rows) {
        hass::layer_parameters p;
        const double scale = 1.7 / std::sqrt(hass::channels_per_group(row) * hass::taps(row));
        p.weights.resize(static_cast<std::size_t>(hass::weight_count(row)));
        for (float& w : p.weights) w = static_cast<float>(scale) * uniform(bits, -1.0F, 1.0F);
        if (row.bias) {
            p.bias.resize(static_cast<std::size_t>(row.out.channels));
            for (float& b : p.bias) b = uniform(bits, -0.2F, 0.3F);
        }
        m.net.names.push_back("row " + std::to_string(m.net.names.size()));
        m.parameters.push_back(std::move(p));
    }
    m.net.rows = std::move(rows);
    m.net.edges = std::move(edges);
    return m;
}

inline hass::layer_row plain(hass::layer_kind kind, hass::shape in) {
    hass::layer_row r;
    r.kind = kind, r.in = r.out = in;
    if (kind == hass::layer_kind::global_average_pool) r.out = {in.channels, 1, 1};
    if (kind == hass::layer_kind::flatten) r.out = {static_cast<int>(in.volume()), 1, 1};
    return r;
}

inline hass::layer_row conv(hass::shape in, int out, int kernel, int stride = 1, int pad = 0,
                            int groups = 1) {
    hass::layer_row r;
    r.in = in, r.kernel_h = r.kernel_w = kernel, r.stride_h = r.stride_w = stride;
    r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = pad, r.groups = groups, r.bias = true;
    r.out = {out, hass::window_extent(in.height, kernel, stride, pad, pad),
             hass::window_extent(in.width, kernel, stride, pad, pad)};
    return r;
}

inline hass::layer_row linear(int in, int out) {
    hass::layer_row r;
    r.kind = hass::layer_kind::linear, r.in = {in, 1, 1}, r.out = {out, 1, 1}, r.bias = true;
    return r;
}

/// Random float images in [-1.5, 1.5].
inline hass::image_set float_images(std::mt19937& bits, hass::shape each, std::size_t count) {
    std::vector<float> pixels(count * static_cast<std::size_t>(each.volume()));
    for (float& x : pixels) x = uniform(bits, -1.5F, 1.5F);
    return hass::to_images(hass::make_npy<float>(
        {count, static_cast<std::size_t>(each.channels), static_cast<std::size_t>(each.height),
         static_cast<std::size_t>(each.width)},
        pixels));
}

/// Residual network with a depthwise, a pointwise and a strided layer, a gate and a classifier.
inline hass::model small_network(std::mt19937& bits) {
    using hass::layer_kind;
    const hass::shape map{12, 6, 6};
    return make_model(
        bits,
        {conv({3, 11, 12}, 12, 3, 2, 1), plain(layer_kind::relu, map), conv(map, 12, 3, 1, 1, 12),
         plain(layer_kind::relu6, map), conv(map, 12, 1), plain(layer_kind::add, map),
         plain(layer_kind::global_average_pool, map), conv({12, 1, 1}, 12, 1),
         plain(layer_kind::hardsigmoid, {12, 1, 1}), plain(layer_kind::multiply, map),
         conv(map, 20, 3, 1, 1), plain(layer_kind::relu, {20, 6, 6}),
         plain(layer_kind::global_average_pool, {20, 6, 6}), plain(layer_kind::flatten, {20, 1, 1}),
         linear(20, 7)},
        {{-1, 0},
         {0, 1},
         {1, 2},
         {2, 3},
         {3, 4},
         {4, 5},
         {1, 5},
         {5, 6},
         {6, 7},
         {7, 8},
         {5, 9},
         {8, 9},
         {9, 10},
         {10, 11},
         {11, 12},
         {12, 13},
         {13, 14}});
}

}  // namespace test
