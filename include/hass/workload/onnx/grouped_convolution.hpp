/// \file grouped_convolution.hpp
/// 1x1 convolutions of a view whose channels are a part of the row's: a detector's box as 4 x 16
/// bins of a distance, say. The row is convolved group by group, and nothing is moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/onnx/windows.hpp>

namespace hass::detail::onnx {

/// Whether a Conv has 1x1 filters that see all channels, one step at a time and without padding.
inline bool is_pointwise(const operation& op, const constant& w) {
    for (const int stride : window_attribute(op, "strides", 2, 1, 1))
        if (stride != 1) return false;
    for (const int pad : window_attribute(op, "pads", 4, 0, 0))
        if (pad != 0) return false;
    return w.dims.size() == 4 && w.dims[2] == 1 && w.dims[3] == 1 && op.integer("group", 1) == 1;
}

/// Convolves a row group by group, where that is what a Conv of its view does.
/// \returns whether it is
inline bool convolution_of_groups(const operation& op) {
    if (op.raw(0).form != form::view || !op.is_constant(1)) return false;
    const value& x = op.raw(0);
    const constant& w = op.known(1, "the weight");
    if (x.rank != 4 || !is_whole(x.view) || !is_pointwise(op, w)) return false;
    const hass::shape base = x.view.base;
    const std::int64_t pixels = base.pixels();
    const std::int64_t channels = w.dims[1], filters = w.dims[0];
    if (channels < 1 || filters < 1 || base.channels % channels != 0 ||
        filters > largest_map / base.channels)
        return false;
    const std::int64_t count = base.channels / channels;
    auto axes = grouped(x.view);
    if (merged(axes[0]) != std::vector{order_axis{channels, pixels}}) return false;
    axes[0] = {{filters, pixels}};
    std::vector<order_axis> others;
    bool by_group = count == 1;
    for (std::size_t k = 1; k < axes.size(); ++k)
        for (order_axis& a : axes[k])
            if (!by_group && a == order_axis{count, channels * pixels})
                a.stride = filters * pixels, by_group = true;
            else
                others.push_back(a);
    const std::vector<order_axis> map = merged(others);
    const bool whole_map = pixels == 1 ? map.empty() : map == std::vector{order_axis{pixels, 1}};
    if (!by_group || !whole_map) return false;

    layer_row row;
    row.in = base;
    row.out = op.sound(filters * count, base.height, base.width);
    row.groups = static_cast<int>(count);
    row.bias = op.has(2);
    const std::vector<float> filter = op.weights(1, "the weight");
    layer_parameters p;
    op.spent().spend((filter.size() + static_cast<std::size_t>(filters)) *
                     static_cast<std::size_t>(count));
    std::vector<float> bias;
    if (row.bias) bias = op.weights(2, "the bias");
    if (row.bias && bias.size() != static_cast<std::size_t>(filters))
        throw op.fail("its bias does not fit its weight " + dims_text(w.dims));
    for (std::int64_t g = 0; g < count; ++g) {
        p.weights.insert(p.weights.end(), filter.begin(), filter.end());
        p.bias.insert(p.bias.end(), bias.begin(), bias.end());
    }
    value out = x;
    out.from = op.emit(row, {x.from}, std::move(p), w.name).from;
    op.trace(out, 0, 1);
    out.non_negative = false;
    op.give(as_value(out, joined(row.out, 0, axes)));
    return true;
}

}  // namespace hass::detail::onnx
