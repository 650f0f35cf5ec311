// Rows of image networks beside windows and activations, and what their pixels look at, pixel by
// pixel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/network.hpp>

#include "../engine/rows.hpp"

namespace test {

using namespace hass;

// Resizing, borders, parts of maps and maps in another order, of `in.channels` channels again.
inline layer_row random_image_row(const shape& in, draw::source& from) {
    layer_row row;
    row.in = row.out = in;
    switch (from.below(6)) {
        case 0:  // nearest, by a whole number
            row.kind = layer_kind::resize;
            row.out.height *= 1 + from.below(3), row.out.width *= 1 + from.below(3);
            break;
        case 1:  // any extent, some pixels around each place
            row.kind = layer_kind::resize;
            row.out.height = 1 + from.below(2 * in.height);
            row.out.width = 1 + from.below(2 * in.width);
            row.kernel_h = 1 + from.below(3), row.pad_top = from.below(row.kernel_h);
            row.kernel_w = 1 + from.below(3), row.pad_left = from.below(row.kernel_w);
            row.stride_h = row.kernel_h > 1 ? 2 : 1, row.stride_w = row.kernel_w > 1 ? 2 : 1;
            break;
        case 2:
            row.kind = layer_kind::pad;
            row.pad_top = from.below(3), row.pad_bottom = from.below(3);
            row.pad_left = from.below(3), row.pad_right = from.below(3);
            if (from.below(2) == 0) row.kernel_h = 4 * std::max(row.pad_top, row.pad_bottom) + 1;
            if (from.below(2) == 0) row.kernel_w = 4 * std::max(row.pad_left, row.pad_right) + 1;
            row.out.height += row.pad_top + row.pad_bottom;
            row.out.width += row.pad_left + row.pad_right;
            break;
        case 3: {
            row.kind = layer_kind::crop;
            const auto along = [&](int extent, int& stride, int& before, int& after, int& out) {
                stride = 1 + from.below(2);
                const int first = from.below(extent);
                out = 1 + from.below((extent - first - 1) / stride + 1);
                before = -first, after = (out - 1) * stride + 1 + first - extent;
            };
            along(in.height, row.stride_h, row.pad_top, row.pad_bottom, row.out.height);
            along(in.width, row.stride_w, row.pad_left, row.pad_right, row.out.width);
            break;
        }
        case 4:
            row.kind = layer_kind::reorder;
            break;
        default:
            row.kind = layer_kind::group_norm;
    }
    return row;
}

inline bool is_image_row(const layer_row& row) {
    return row.kind == layer_kind::resize || row.kind == layer_kind::depth_to_space ||
           row.kind == layer_kind::pad || row.kind == layer_kind::crop ||
           row.kind == layer_kind::reorder || row.kind == layer_kind::group_norm;
}

// The input pixels that output pixel (y, x) looks at.
inline std::vector<std::size_t> image_taps(const layer_row& row, int y, int x) {
    std::vector<std::size_t> at;
    const auto take = [&](int v, int u) {
        v = std::clamp(v, 0, row.in.height - 1), u = std::clamp(u, 0, row.in.width - 1);
        at.push_back(static_cast<std::size_t>(v * row.in.width + u));
    };
    if (row.kind == layer_kind::reorder || row.kind == layer_kind::group_norm) {
        const int own = row.kind == layer_kind::group_norm ? y * row.in.width + x : 0;
        for (int k = own; k < row.in.pixels(); ++k) at.push_back(static_cast<std::size_t>(k));
        return at;
    }
    for (int i = 0; i < row.kernel_h; ++i)
        for (int j = 0; j < row.kernel_w; ++j) {
            if (row.kind == layer_kind::pad)
                take(y - row.pad_top + i - (row.kernel_h - 1) / 2,
                     x - row.pad_left + j - (row.kernel_w - 1) / 2);
            else if (row.kind == layer_kind::crop)
                take(y * row.stride_h - row.pad_top, x * row.stride_w - row.pad_left);
            else
                take(y * row.in.height / row.out.height - row.pad_top + i,
                     x * row.in.width / row.out.width - row.pad_left + j);
        }
    return at;
}

// The pixels of part `k` of a stack that output pixel (y, x) is: one or none.
inline std::vector<std::size_t> stack_taps(const layer_row& row, const std::vector<shape>& parts,
                                           std::size_t k, int y, int x) {
    const bool below = row.in.width == row.out.width;
    int first = 0;
    for (std::size_t j = 0; j < k; ++j) first += below ? parts[j].height : parts[j].width;
    (below ? y : x) -= first;
    if (y < 0 || x < 0 || y >= parts[k].height || x >= parts[k].width) return {};
    return {static_cast<std::size_t>(y * parts[k].width + x)};
}

}  // namespace test
