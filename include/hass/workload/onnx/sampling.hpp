/// \file sampling.hpp
/// GridSample: a map at places that data, or constants, say.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Places of a constant grid, height x width x 2, all x first.
inline std::vector<float> constant_places(const operation& op, std::size_t pixels) {
    const std::vector<float> given = op.weights(1, "the grid");
    op.spent().spend(2 * pixels);
    std::vector<float> places(2 * pixels);
    for (std::size_t i = 0; i < pixels; ++i)
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
            if (!std::isfinite(given[2 * i + k])) throw op.fail("the grid is not finite");
            places[k * pixels + i] = given[2 * i + k];
        }
    return places;
}

inline void grid_sample(const operation& op) {
    const std::string_view mode = op.text("mode", op.opset() < 20 ? "bilinear" : "linear");
    const std::string_view border = op.text("padding_mode", "zeros");
    // opset 20, which knows axes of any number, has other names
    const bool linear = mode == (op.opset() < 20 ? "bilinear" : "linear");
    const bool cubic = mode == (op.opset() < 20 ? "bicubic" : "cubic");
    if (!linear && !cubic && mode != "nearest")
        throw op.fail("mode " + quoted(mode) + " (known: nearest, " +
                      (op.opset() < 20 ? "bilinear, bicubic)" : "linear, cubic)"));
    if (border != "zeros" && border != "border" && border != "reflection")
        throw op.fail("padding_mode " + quoted(border) + " (known: zeros, border, reflection)");
    const value x = op.map(0);
    const bool fixed = op.is_constant(1);
    const std::vector<std::int64_t> dims =
        fixed ? op.known(1, "the grid").dims : full_dims(op, viewed(op, 1));
    if (dims.size() != 4 || dims[3] != 2)
        throw op.fail("a grid of " + dims_text(dims) + " is not N x H x W x 2");
    if (fixed && dims[0] != 1)
        throw op.fail("has a constant grid for a whole batch; export with a batch of 1");
    layer_row row = elementwise(layer_kind::grid_sample, x.shape);
    row.out = op.sound(x.shape.channels, dims[1], dims[2]);
    row.kernel_h = row.kernel_w = cubic ? 4 : linear ? 2 : 1;
    layer_parameters p;
    p.border = border == "zeros"    ? map_border::zeros
               : border == "border" ? map_border::edge
                                    : map_border::reflected;
    p.align_corners = op.integer("align_corners", 0) != 0;
    std::vector<int> from{x.from};
    if (fixed) {
        p.weights = constant_places(op, static_cast<std::size_t>(row.out.pixels()));
    } else {
        const auto groups = grouped(view_of(op.raw(1)));
        from.push_back(laid_out(op, op.raw(1), groups[2], other_axes(groups, 2, 2)).from);
    }
    value out = op.emit(row, std::move(from), std::move(p));
    out.non_negative = x.non_negative && !cubic;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
