/// \file value.hpp
/// What a tensor of an ONNX graph is, seen from the operator that reads it: data of one image, data
/// with something pending, or a constant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// No feature map of one image may hold more values (1 GiB of float32); what a file asks for
/// beyond that is taken as damage.
inline constexpr std::int64_t largest_map = std::int64_t{1} << 28;

/// Some operators make no row at once, because what they are shows only later: a Pad becomes the
/// padding of the window that follows; a constant added or multiplied becomes part of the
/// convolution before it, of a hard swish, or a depthwise 1x1 convolution of its own.
enum class form : std::uint8_t {
    plain,        ///< the output of row `from`, or the image
    padded,       ///< the same with zeros around it, `pads`
    view,         ///< the same in another order or under other axes, `view`
    affine,       ///< scale * x + shift, each one number or one a channel
    relu_plus3,   ///< max(x + 3, 0), which may be on its way to what follows
    relu6_plus3,  ///< min(max(x + 3, 0), 6), on its way to a hard sigmoid or hard swish
    times_relu6,  ///< x * min(max(x + 3, 0), 6)
    constant,
};

/// The values of a row in another order, under any number of axes. Each axis of the tensor consists
/// of as many adjacent axes of the order as `groups` says, none where its extent is 1.
struct value_view {
    hass::shape base{};  ///< of what the row gives
    value_order order;
    std::vector<std::size_t> groups;  ///< one an axis of the tensor, batch left out

    /// Extents of the tensor without the batch.
    std::vector<std::int64_t> dims() const {
        std::vector<std::int64_t> all;
        for (std::size_t next = 0; const std::size_t count : groups) {
            std::int64_t extent = 1;
            for (std::size_t k = 0; k < count; ++k) extent *= order.axes[next++].extent;
            all.push_back(extent);
        }
        return all;
    }
    std::int64_t volume() const {
        std::int64_t product = 1;
        for (const order_axis& a : order.axes) product *= a.extent;
        return product;
    }
};

/// Where the batch stands among the axes of a view. One that a Reshape has made part of another axis
/// (images x heads, say) is no axis of its own.
struct batch_place {
    int axis = 0;             ///< that is the batch, or that it is part of
    bool merged = false;      ///< it is part of it
    std::int64_t within = 1;  ///< values of that axis in front of it: 1 of images x heads
};

struct value {
    onnx::form form = form::plain;
    int from = network_input;
    hass::shape shape{};  ///< of one image; extents that the tensor lacks are 1
    int rank = 4;         ///< axes of the tensor, batch included: 2, 3 or 4; of a view: to 9
    bool non_negative = false;
    bool whole = false;               ///< integers, as the file gives them
    bool boolean = false;             ///< 0 or 1
    std::size_t unread = 0;           ///< reads of this tensor that are still to come
    std::array<int, 4> pads{};        ///< padded: top, left, bottom, right
    std::vector<float> scale, shift;  ///< affine
    std::string_view scaled,
        gives;          ///< affine: tensors before the first operator and behind the last
    batch_place batch;  ///< first unless a Transpose has moved it
    value_view view;    ///< view; `shape` is of as many of its axes as it has room for
    const node_proto* made_by = nullptr;
    std::shared_ptr<const onnx::constant> number;  ///< constant
};

inline value constant_value(constant c) {
    value x;
    x.form = form::constant;
    x.number = std::make_shared<const constant>(std::move(c));
    return x;
}

/// Whether the batch is the first axis.
inline bool batch_first(const value& x) {
    return x.batch.axis == 0 && !x.batch.merged;
}

/// Which axis of its view an axis of a tensor is; nothing for the batch's own.
inline std::optional<std::size_t> group_of(const value& x, int axis) {
    if (x.batch.merged) return static_cast<std::size_t>(axis);
    if (axis == x.batch.axis) return std::nullopt;
    return static_cast<std::size_t>(axis < x.batch.axis ? axis : axis - 1);
}

/// What a tensor is, in words.
inline std::string describe(const value& x) {
    if (x.form == form::view) {
        std::string text;
        const std::vector<std::int64_t> dims = x.view.dims();
        const auto count = static_cast<int>(dims.size()) + (x.batch.merged ? 0 : 1);
        for (int axis = 0; axis < count; ++axis) {
            const auto group = group_of(x, axis);
            if (axis > 0) text += " x ";
            if (axis == x.batch.axis) text += group ? "N " : "N";
            if (group) text += text_of({dims[*group]});
        }
        return text;
    }
    if (x.rank == 2) return text_of({"N x ", x.shape.channels});
    if (x.rank == 3) return text_of({"N x ", x.shape.channels, " x ", x.shape.height});
    return text_of({"N x ", x.shape.channels, " x ", x.shape.height, " x ", x.shape.width});
}

}  // namespace hass::detail::onnx
