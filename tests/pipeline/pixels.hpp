// Random small pipelines, and a simulation that moves pixels one by one through their stages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/network.hpp>

#include "../engine/rows.hpp"
#include "image_rows.hpp"

namespace pixels {

using namespace hass;
using times = std::vector<double>;  // of pixels, row by row

// Whether an output pixel of a row needs an input pixel, tap by tap.
inline std::vector<std::size_t> needed(const layer_row& row, int y, int x) {
    std::vector<std::size_t> pixels;
    const auto take = [&](int v, int u) {
        if (v >= 0 && v < row.in.height && u >= 0 && u < row.in.width)
            pixels.push_back(static_cast<std::size_t>(v * row.in.width + u));
    };
    if (row.kind == layer_kind::global_average_pool || row.kind == layer_kind::flatten) {
        for (int v = 0; v < row.in.height; ++v)
            for (int u = 0; u < row.in.width; ++u) take(v, u);
    } else if (row.kind == layer_kind::convolution || row.kind == layer_kind::max_pool) {
        for (int i = 0; i < row.kernel_h; ++i)
            for (int j = 0; j < row.kernel_w; ++j)
                take(y * row.stride_h + i * row.dilation_h - row.pad_top,
                     x * row.stride_w + j * row.dilation_w - row.pad_left);
    } else if (test::is_image_row(row)) {
        return test::image_taps(row, y, x);
    } else {
        take(y, x);
    }
    return pixels;
}

// Rows, edges and cycles a stage, one image after the other: when each pixel of each row is there.
struct pixel_simulation {
    const network& net;
    const std::vector<stage_estimate>& stages;
    times idle_from = times(net.rows.size(), 0.0);

    /// Feeds the image whose pixels come at `source`; returns when the rows' pixels are complete.
    std::vector<times> run(const times& source) {
        std::vector<times> out(net.rows.size());
        for (std::size_t i = 0; i < net.rows.size(); ++i) {
            const layer_row& row = net.rows[i];
            times in(static_cast<std::size_t>(row.in.pixels()), 0.0);
            for (const edge& e : net.edges) {
                if (static_cast<std::size_t>(e.to) != i) continue;
                const times& from = e.from < 0 ? source : out[static_cast<std::size_t>(e.from)];
                for (std::size_t k = 0; k < in.size(); ++k)
                    in[k] = std::max(in[k], from[from.size() == 1 ? 0 : k]);
            }
            double& idle = idle_from[i];
            const double tree = is_compute(row) ? 1.0 : 0.0;  // the multiplier, no tree
            if (row.kind == layer_kind::global_average_pool) {
                const double each = stages[i].cycles / static_cast<double>(in.size());
                for (const double there : in) idle = std::max(idle, there) + each;
                out[i].push_back(idle);
                continue;
            }
            const double each = stages[i].cycles / static_cast<double>(row.out.pixels());
            for (int y = 0; y < row.out.height; ++y)
                for (int x = 0; x < row.out.width; ++x) {
                    for (const std::size_t k : needed(row, y, x)) idle = std::max(idle, in[k]);
                    idle += each;
                    out[i].push_back(idle + tree);
                }
        }
        return out;
    }
};

// When the pipeline has done with an image.
inline double end_of(const std::vector<times>& rows) {
    double last = 0.0;
    for (const times& pixels : rows) last = std::max(last, pixels.back());
    return last;
}

inline times paced(const network& net, double start, double interval) {
    times t;
    const auto pixels = static_cast<double>(net.rows.front().in.pixels());
    for (double k = 0; k < pixels; ++k) t.push_back(start + k * interval / pixels);
    return t;
}

// Whether each window has inputs: padding smaller than it, no dilation; and no positions that are
// rounded down.
inline bool proper(const layer_row& row) {
    if (row.kind == layer_kind::resize)
        return row.out.height % row.in.height == 0 && row.out.width % row.in.width == 0;
    if (test::is_image_row(row)) return true;
    return row.dilation_h == 1 && row.dilation_w == 1 && row.pad_top < row.kernel_h &&
           row.pad_bottom < row.kernel_h && row.pad_left < row.kernel_w &&
           row.pad_right < row.kernel_w;
}

inline layer_row random_row(const shape& in, draw::source& from) {
    if (in.pixels() < 300 && from.below(5) == 0) return test::random_image_row(in, from);
    layer_row row;
    row.in = in;
    const int kinds = in.height >= 4 && in.width >= 4 ? 6 : 3;
    switch (from.below(kinds)) {
        case 0:
            row.kind = layer_kind::relu, row.out = in;
            return row;
        case 1:
            row.kernel_h = row.kernel_w = 1;
            row.stride_h = row.stride_w = 1 + from.below(2);
            break;
        default:
            row.kind = from.below(4) == 0 ? layer_kind::max_pool : layer_kind::convolution;
            row.kernel_h = 1 + from.below(3), row.kernel_w = 1 + from.below(3);
            row.stride_h = 1 + from.below(3), row.stride_w = 1 + from.below(3);
            row.dilation_h = 1 + from.below(2), row.dilation_w = 1 + from.below(2);
            row.pad_top = from.below(3), row.pad_left = from.below(3);
            row.pad_bottom = from.below(3), row.pad_right = from.below(3);
    }
    row.out = {in.channels,
               window_extent(in.height, row.kernel_h, row.stride_h, row.pad_top, row.pad_bottom,
                             row.dilation_h),
               window_extent(in.width, row.kernel_w, row.stride_w, row.pad_left, row.pad_right,
                             row.dilation_w)};
    if (row.out.height < 1 || row.out.width < 1) return random_row(in, from);
    return row;
}

// Chains with shortcuts around rows that keep the shape, and sometimes a classifier.
inline network random_network(draw::source& from) {
    network net;
    shape at{8, 5 + from.below(8), 5 + from.below(8)};
    int last = network_input;
    const auto append = [&](const layer_row& row, int input) {
        net.rows.push_back(row);
        net.edges.push_back({input, static_cast<int>(net.rows.size()) - 1});
        last = static_cast<int>(net.rows.size()) - 1;
        at = row.out;
    };
    const int length = 1 + from.below(6);
    for (int i = 0; i < length; ++i) {
        const int before = last;
        const shape shape_before = at;
        append(random_row(at, from), last);
        if (from.below(3) == 0) append(random_row(at, from), last);
        if (at == shape_before && from.below(2) == 0) {
            append(hass::detail::plain_layer<layer_kind::add>::row(at), last);
            net.edges.push_back({before, last});
        }
        if (from.below(6) == 0) {  // a gate
            const int data = last;
            append(global_average_pool::row(at), data);
            append(hass::detail::plain_layer<layer_kind::sigmoid>::row(at), last);
            append(hass::detail::plain_layer<layer_kind::multiply>::row(
                       net.rows[static_cast<std::size_t>(last) - 1].in),
                   data);
            net.edges.push_back({last - 1, last});
        }
    }
    if (from.below(2) == 0) {
        append(global_average_pool::row(at), last);
        append(flatten::row(at), last);
        append(linear<8, 10>::row(at), last);
    }
    validate(net);
    return net;
}

inline std::vector<stage_estimate> random_stages(const network& net, double interval,
                                                 draw::source& from) {
    std::vector<stage_estimate> stages(net.rows.size());
    for (std::size_t i = 0; i < stages.size(); ++i)
        if (net.rows[i].kind != layer_kind::flatten)
            stages[i].cycles = from.below(3) == 0 ? interval : from.unit() * interval;
    stages.front().cycles = interval;
    return stages;
}

inline estimate pipeline(const network& net, const std::vector<stage_estimate>& stages) {
    return evaluate_pipeline(net, design(net.rows.size()), stages, boards::u250::value, 0.0,
                             16.0 * image_words(net));
}

inline constexpr double slack = 1.0 + 1e-9;

}  // namespace pixels
