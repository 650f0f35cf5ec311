/// \file joining.hpp
/// Concat of tokens or their features, also with constants at its ends, as a transformer's class
/// token is one: these are put there by a border and a map of constants.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/arithmetic.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// How the tensors of a Concat lie in maps: features are channels, the joined axis (unless it is the
/// features') comes first among the pixels. Axes count the batch.
struct joint {
    std::size_t along = 1;
    std::size_t features = 1;
    std::vector<std::size_t> pixel_axes;
    std::vector<std::int64_t> dims;  ///< of every part, 0 where they are joined

    joint(std::size_t axis, std::vector<std::int64_t> of_data)
        : along(axis), features(of_data.size() - 1), dims(std::move(of_data)) {
        if (!by_channel()) pixel_axes.push_back(along);
        for (std::size_t k = 1; k < features; ++k)
            if (k != along) pixel_axes.push_back(k);
        dims[0] = 1, dims[along] = 0;
    }
    bool by_channel() const { return along == features; }
    /// Pixels of each position of the joined axis.
    std::int64_t inner() const {
        std::int64_t product = 1;
        for (const std::size_t k : pixel_axes) product *= k == along ? 1 : dims[k];
        return product;
    }
};

/// The parts of a Concat: rows, and constants in front of them and behind.
struct joint_parts {
    std::vector<int> from;
    hass::shape each{};   ///< of the first row's map
    hass::shape whole{};  ///< of all rows' maps together
    /// Constants by channel, those of each channel in their order.
    std::vector<std::vector<float>> front, back;
};

/// Adds a constant's values to those of each channel.
inline void add_constant_part(const operation& op, std::size_t i, const joint& j,
                              std::vector<std::vector<float>>& to) {
    const constant& c = op.known(i, "a part");
    const std::vector<float> values = op.weights(i, "a part");
    std::vector<std::size_t> order{j.features};
    order.insert(order.end(), j.pixel_axes.begin(), j.pixel_axes.end());
    std::vector<std::int64_t> stride(c.dims.size(), 1);
    for (std::size_t k = c.dims.size(); k-- > 1;) stride[k - 1] = stride[k] * c.dims[k];
    const auto channels = static_cast<std::size_t>(c.dims[j.features]);
    const std::size_t first = j.by_channel() ? to.size() : 0;
    to.resize(std::max(to.size(), first + channels));
    std::vector<std::int64_t> at(order.size(), 0);
    for (std::size_t n = 0; n < values.size(); ++n) {
        std::int64_t from = 0;
        for (std::size_t k = 0; k < order.size(); ++k) from += at[k] * stride[order[k]];
        to[first + static_cast<std::size_t>(at[0])].push_back(
            values[static_cast<std::size_t>(from)]);
        for (std::size_t k = order.size(); k-- > 0;) {
            if (++at[k] < c.dims[order[k]]) break;
            at[k] = 0;
        }
    }
}

inline void add_data_part(const operation& op, std::size_t i, const joint& j, joint_parts& parts) {
    const value& x = op.raw(i);
    const auto groups = grouped(view_of(x));
    std::vector<order_axis> pixels;
    for (const std::size_t k : j.pixel_axes) append(pixels, groups[k - 1]);
    const value part = laid_out(op, x, groups[j.features - 1], pixels, true);
    if (parts.from.empty())
        parts.each = parts.whole = part.shape;
    else if (j.by_channel())
        parts.whole = op.sound(std::int64_t{parts.whole.channels} + part.shape.channels,
                               parts.whole.height, 1);
    else
        parts.whole =
            op.sound(parts.whole.channels, std::int64_t{parts.whole.height} + part.shape.height, 1);
    parts.from.push_back(part.from);
}

/// `x` with the constants around it.
inline value with_constant_ends(const operation& op, const joint& j, const joint_parts& parts,
                                const value& x) {
    const auto held = [](const std::vector<std::vector<float>>& of) {
        return static_cast<std::int64_t>(of.empty() ? 0 : of[0].size());
    };
    layer_row row = elementwise(layer_kind::pad, x.shape);
    layer_parameters border;
    if (j.by_channel()) {
        border.first_channel = static_cast<int>(parts.front.size());
        row.out.channels += static_cast<int>(parts.front.size() + parts.back.size());
    } else {
        row.pad_top = static_cast<int>(held(parts.front));
        row.pad_bottom = static_cast<int>(held(parts.back));
        row.out.height += row.pad_top + row.pad_bottom;
    }
    row.out = op.sound(row.out.channels, row.out.height, 1);
    op.spent().spend(static_cast<std::size_t>(row.out.volume()));
    border.rows = pad_taps(x.shape.height, row.pad_top, row.pad_bottom, "constant");
    border.columns = pad_taps(1, 0, 0, "constant");
    const value padded = op.emit(row, {x.from}, std::move(border));
    layer_parameters p;
    p.weights.assign(static_cast<std::size_t>(row.out.volume()), 0.0F);
    const auto pixels = static_cast<std::ptrdiff_t>(row.out.pixels());
    auto channel = p.weights.begin();
    if (j.by_channel()) {
        for (const std::vector<float>& c : parts.front)
            channel = std::copy(c.begin(), c.end(), channel);
        channel += x.shape.channels * pixels;
        for (const std::vector<float>& c : parts.back)
            channel = std::copy(c.begin(), c.end(), channel);
    } else {
        for (std::size_t c = 0; c < static_cast<std::size_t>(row.out.channels);
             ++c, channel += pixels) {
            if (!parts.front.empty())
                std::copy(parts.front[c].begin(), parts.front[c].end(), channel);
            if (!parts.back.empty())
                std::copy_backward(parts.back[c].begin(), parts.back[c].end(), channel + pixels);
        }
    }
    return op.emit(elementwise(layer_kind::add_map, row.out), {padded.from}, std::move(p));
}

/// Concat where some part is of tokens or a constant; `concatenate` for maps.
inline void join(const operation& op) {
    bool maps = true;
    std::size_t data = op.inputs();
    for (std::size_t i = op.inputs(); i-- > 0;) {
        if (!op.is_constant(i)) data = i;
        if (!op.is_constant(i)) viewed(op, i);
        const value& x = op.raw(i);
        maps = maps && (x.form == form::plain ||
                        (x.form == form::view && x.rank <= 4 && !is_tokens(x.view)));
    }
    if (op.inputs() == 1 || maps) return concatenate(op);
    const attribute_proto* given = op.find("axis");
    if (given == nullptr || !given->i) throw op.fail("attribute 'axis' is missing");
    const int rank = op.raw(data).rank;
    const int axis = axis_of(op, *given->i, rank);
    if (axis == 0) throw op.fail("joins images of a batch");
    const joint j(static_cast<std::size_t>(axis), full_dims(op, op.raw(data)));
    joint_parts parts;
    for (std::size_t i = 0; i < op.inputs(); ++i) {
        const bool fixed = op.is_constant(i);
        std::vector<std::int64_t> dims =
            fixed ? op.known(i, "a part").dims : full_dims(op, op.raw(i));
        if (fixed && !dims.empty() && dims[0] != 1)
            throw op.fail("joins a constant of a whole batch; export with a batch of 1");
        const std::vector<std::int64_t> own = dims;
        if (dims.size() == j.dims.size()) dims[0] = 1, dims[j.along] = 0;
        if (dims != j.dims || own[j.along] < 1)
            throw op.fail("joins " + describe(op.raw(data)) + " and " + dims_text(own));
        if (!fixed && !parts.back.empty())
            throw op.fail("has a constant between data; only its ends may be constant");
        if (fixed)
            add_constant_part(op, i, j, parts.from.empty() ? parts.front : parts.back);
        else
            add_data_part(op, i, j, parts);
    }
    value x;
    x.from = parts.from[0], x.shape = parts.whole;
    if (parts.from.size() > 1) {
        layer_row row =
            elementwise(j.by_channel() ? layer_kind::concat : layer_kind::stack, parts.each);
        row.out = parts.whole;
        x = op.emit(row, parts.from);
    }
    if (!parts.front.empty() || !parts.back.empty()) x = with_constant_ends(op, j, parts, x);
    std::vector<std::int64_t> sizes;
    for (const std::size_t k : j.pixel_axes)
        sizes.push_back(k == j.along ? x.shape.height / j.inner() : j.dims[k]);
    const auto pixels = dense_groups(sizes, 1);
    std::vector<std::vector<order_axis>> groups(j.dims.size() - 1);
    for (std::size_t k = 0; k < pixels.size(); ++k) groups[j.pixel_axes[k] - 1] = pixels[k];
    groups[j.features - 1] = {{x.shape.channels, x.shape.pixels()}};
    op.give(as_value(x, joined(x.shape, 0, groups)));
}

}  // namespace hass::detail::onnx
