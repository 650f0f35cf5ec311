// Layers of the literature's tests.
#pragma once

#include <hass/workload/layer.hpp>

namespace test {

/// A convolution that keeps the size of its map.
inline hass::layer_row convolution(int channels, int filters, int size, int kernel,
                                   int groups = 1) {
    hass::layer_row row;
    row.in = {channels, size, size};
    row.out = {filters, size, size};
    row.kernel_h = row.kernel_w = kernel;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = kernel / 2;
    row.groups = groups;
    return row;
}

}  // namespace test
