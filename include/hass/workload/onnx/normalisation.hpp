/// \file normalisation.hpp
/// Normalisation by what is in the image itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Scale or bias: one a channel, out of as many or of one a group.
inline std::vector<float> of_channels(const operation& op, std::size_t i, const char* what,
                                      std::size_t channels) {
    const std::vector<float> given = op.weights(i, what);
    if (given.empty() || channels % given.size() != 0)
        throw op.fail(
            text_of({what, " has ", given.size(), " values for ", channels, " channels"}));
    op.spent().spend(channels);
    std::vector<float> all(channels);
    for (std::size_t c = 0; c < channels; ++c) all[c] = given[c / (channels / given.size())];
    return all;
}

/// InstanceNormalization and GroupNormalization. A map that was reshaped to N x groups x the rest,
/// as exporters write group normalisation, is looked at as it was.
inline void group_normalization(const operation& op) {
    const value& x = viewed(op, 0);
    const std::vector<std::int64_t> dims = view_of(x).dims();
    const bool instance = op.type() == "InstanceNormalization";
    const std::int64_t groups = instance ? dims[0] : op.integer("num_groups", 0);
    value out = x;
    const bool through = x.form == form::view && in_order(x.view);
    if (!through) out = op.data(0);
    const hass::shape map = through ? x.view.base : out.shape;
    if (dims.size() < 2 || groups < 1 || map.channels % groups != 0 ||
        (!instance && dims[0] != map.channels))
        throw op.fail(text_of({groups, " groups do not fit ", describe(x)}));
    layer_row row = elementwise(layer_kind::group_norm, map);
    row.groups = static_cast<int>(groups);
    layer_parameters p;
    const auto channels = static_cast<std::size_t>(map.channels);
    p.weights = of_channels(op, 1, "the scale", channels);
    p.bias = of_channels(op, 2, "the bias", channels);
    p.alpha = op.number("epsilon", 1e-5F);
    if (!(p.alpha >= 0.0F && std::isfinite(p.alpha))) throw op.fail("epsilon is not positive");
    out.from = op.emit(row, {out.from}, std::move(p)).from;
    out.non_negative = false;
    op.give(std::move(out));
}

inline void local_response(const operation& op) {
    const value& x = op.map(0);
    layer_row row = elementwise(layer_kind::lrn, x.shape);
    const std::int64_t size = op.integer("size", 0);
    if (size < 1 || size > 32768) throw op.fail(text_of({"size ", size}));
    row.kernel_h = static_cast<int>(size);
    row.pad_top = static_cast<int>((size - 1) / 2);
    layer_parameters p;
    p.alpha = op.number("alpha", 1e-4F) / static_cast<float>(size);
    p.beta = op.number("beta", 0.75F);
    p.fill = op.number("bias", 1.0F);
    if (!std::isfinite(p.alpha) || !std::isfinite(p.beta) || !std::isfinite(p.fill))
        throw op.fail("an attribute is not finite");
    const bool non_negative = x.non_negative;
    value out = op.emit(row, {x.from}, std::move(p));
    out.non_negative = non_negative;
    op.give(std::move(out));
}

/// The place of the largest value of all channels: at the end of a network its input answers
/// instead, since every metric looks for the largest itself.
inline void arg_max(const operation& op) {
    if (!op.ends())
        throw op.fail(
            "is supported at the end of the network only, where what it is taken of answers");
    const value& x = viewed(op, 0);
    const int axis = axis_of(op, op.integer("axis", 0), x.rank);
    const auto channels = channel_axis(view_of(x));
    if (!channels || static_cast<int>(*channels) + 1 != axis)
        throw op.fail(text_of(
            {"over axis ", axis, " of ", describe(x), " is not supported, only over the classes"}));
    op.pass(0);
}

}  // namespace hass::detail::onnx
