/// \file settle.hpp
/// Turns what is pending in a tensor into rows, once an operator wants it as plain data.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

inline void require_finite(const layer_parameters& p, const node_proto& node) {
    const auto finite = [](float f) { return std::isfinite(f); };
    if (!std::all_of(p.weights.begin(), p.weights.end(), finite) ||
        !std::all_of(p.bias.begin(), p.bias.end(), finite))
        throw located_error(who(node) + ": folding it gives weights that are not finite");
}

/// scale * x + shift, each a constant of one number or one a channel.
class scale_and_shift {
  public:
    explicit scale_and_shift(const value& x)
        : scale_(x.scale), shift_(x.shift), channels_(static_cast<std::size_t>(x.shape.channels)) {}

    bool scales() const { return !all(scale_, 1.0F); }
    bool shifts() const { return !all(shift_, 0.0F); }

    /// Whether `row` can take it up: a layer with weights, a norm, or a product of two activations
    /// that is multiplied by one number.
    bool folds_into(const layer_row& row) const {
        if (row.kind == layer_kind::matmul) return scale_.size() == 1 && !shifts();
        return has_weights(row) || row.kind == layer_kind::layer_norm ||
               row.kind == layer_kind::rms_norm || row.kind == layer_kind::group_norm;
    }

    /// Becomes part of the weights and the bias of a row whose filters give x, or of a norm's.
    void fold_into(draft& d, budget& spent) const {
        layer_parameters& p = d.parameters;
        if (d.row.kind == layer_kind::matmul) {
            p.alpha *= scale_[0];
            return;
        }
        const bool scaled = scales();
        if (p.weights.empty()) p.weights.assign(channels_, 1.0F), spent.spend(channels_);
        spent.spend(scaled ? p.weights.size() : 0);
        if (p.bias.empty() && shifts()) p.bias.assign(channels_, 0.0F), spent.spend(channels_);
        const std::size_t per_filter = p.weights.size() / channels_;
        for (std::size_t c = 0; c < channels_; ++c) {
            const float scale = at(scale_, c);
            for (std::size_t i = 0; scaled && i < per_filter; ++i)
                p.weights[c * per_filter + i] *= scale;
            if (!p.bias.empty()) p.bias[c] = p.bias[c] * scale + at(shift_, c);
        }
        d.row.bias = !p.bias.empty();
    }

    /// Becomes the weights and the bias of a depthwise 1x1 convolution.
    layer_parameters depthwise(budget& spent) const {
        spent.spend(2 * channels_);
        layer_parameters p;
        const bool shifted = shifts();
        for (std::size_t c = 0; c < channels_; ++c) {
            p.weights.push_back(at(scale_, c));
            if (shifted) p.bias.push_back(at(shift_, c));
        }
        return p;
    }

  private:
    static float at(const std::vector<float>& v, std::size_t c) {
        return v.size() == 1 ? v[0] : v[c];
    }
    static bool all(const std::vector<float>& v, float wanted) {
        return std::all_of(v.begin(), v.end(), [=](float f) { return f == wanted; });
    }

    const std::vector<float>& scale_;
    const std::vector<float>& shift_;
    std::size_t channels_;
};

/// Nothing, a change of the row behind it, or a depthwise 1x1 convolution of its own.
inline void settle_affine(value& x, draft_list& drafts, budget& spent) {
    const scale_and_shift map(x);
    if (!map.scales() && !map.shifts()) {
        // nothing to compute
    } else if (drafts.owned(x) && map.folds_into(drafts.behind(x).row)) {
        draft& d = drafts.behind(x);
        map.fold_into(d, spent);
        require_finite(d.parameters, *x.made_by);
    } else {
        draft d;
        d.row = elementwise(layer_kind::convolution, x.shape);
        d.row.groups = x.shape.channels;
        d.row.bias = map.shifts();
        d.parameters = map.depthwise(spent);
        d.from = {x.from};
        d.name = printable(x.made_by->name);
        d.origin.data = x.scaled, d.origin.node = x.gives, d.origin.scales = true;
        d.origin.derived = !map.scales();  // an addition, of which the ones are nobody's
        d.origin.scale = x.scale, d.origin.shift = x.shift;
        d.origin.pixel_axes = x.rank - 2;
        require_finite(d.parameters, *x.made_by);
        drafts.stand_for(x, drafts.add(std::move(d)));
    }
    x.form = form::plain, x.scale.clear(), x.shift.clear();
    x.non_negative = false;
}

/// x + 3 and its bounds did not become a hard sigmoid or hard swish: two rows after all.
inline void settle_activation(value& x, draft_list& drafts, budget& spent) {
    const bool bounded = x.form == form::relu6_plus3;
    draft d;
    d.row = elementwise(bounded ? layer_kind::relu6 : layer_kind::relu, x.shape);
    if (bounded) d.parameters.upper = 6.0F;
    d.name = printable(x.made_by->name);
    settle_affine(x, drafts, spent);
    d.from = {x.from};
    drafts.stand_for(x, drafts.add(std::move(d)));
    x.non_negative = true;
}

/// x min(max(x + 3, 0), 6) that nothing divided by 6: three rows.
inline void settle_product(value& x, draft_list& drafts, budget& spent) {
    const auto add = [&](layer_kind kind, std::vector<int> from, layer_parameters p) {
        draft d;
        d.row = elementwise(kind, x.shape);
        if (kind == layer_kind::convolution) d.row.groups = x.shape.channels, d.row.bias = true;
        d.parameters = std::move(p);
        d.from = std::move(from);
        d.name = printable(x.made_by->name);
        return drafts.add(std::move(d));
    };
    const auto channels = static_cast<std::size_t>(x.shape.channels);
    spent.spend(2 * channels);
    layer_parameters shifted, bounds;
    shifted.weights.assign(channels, 1.0F), shifted.bias.assign(channels, 3.0F);
    bounds.upper = 6.0F;
    const int plus = add(layer_kind::convolution, {x.from}, std::move(shifted));
    const int gate = add(layer_kind::relu6, {plus}, bounds);
    drafts.stand_for(x, add(layer_kind::multiply, {x.from, gate}, {}));
    x.form = form::plain, x.scale.clear(), x.shift.clear();
    x.non_negative = false;
}

/// What a view looks at, moved to where it is looked for.
inline void settle_view(value& x, draft_list& drafts, budget& spent) {
    if (!batch_first(x))
        throw located_error((x.made_by != nullptr ? who(*x.made_by) : "data") +
                            ": its batch is not the first axis (" + describe(x) +
                            "), which products, norms, sums and other Transposes take");
    if (x.rank > 4)
        throw located_error((x.made_by != nullptr ? who(*x.made_by) : "data") +
                            text_of({": gives ", x.rank, " axes (", describe(x),
                                     "), which only another Reshape, Transpose or Slice takes"}));
    draft d;
    d.row = moving_row(x.view, x.shape);
    d.from = {x.from};
    d.name = x.made_by != nullptr ? printable(x.made_by->name) : std::string();
    spent.spend(x.view.order.axes.size());
    d.parameters.order = std::move(x.view.order);
    x.form = form::plain, x.view = {};
    drafts.stand_for(x, drafts.add(std::move(d)));
}

/// Zeros around a map that no window takes as its padding.
inline void settle_padded(value& x, draft_list& drafts, budget& spent) {
    draft d;
    d.row = elementwise(layer_kind::pad, x.shape);
    d.row.pad_top = x.pads[0], d.row.pad_left = x.pads[1];
    d.row.pad_bottom = x.pads[2], d.row.pad_right = x.pads[3];
    d.row.out.height += x.pads[0] + x.pads[2], d.row.out.width += x.pads[1] + x.pads[3];
    if (std::int64_t{d.row.out.height} * d.row.out.width > largest_map / x.shape.channels)
        throw error("a map of " + describe(x) + " with its border is larger than 2^28 values");
    const auto taps = [&](int in, int before, int after) {
        spent.spend(static_cast<std::size_t>(in + before + after));
        axis_taps t;
        t.each = 1;
        for (int at = -before; at < in + after; ++at)
            t.index.push_back(at >= 0 && at < in ? at : -1);
        return t;
    };
    d.parameters.rows = taps(x.shape.height, x.pads[0], x.pads[2]);
    d.parameters.columns = taps(x.shape.width, x.pads[1], x.pads[3]);
    d.from = {x.from};
    d.name = x.made_by != nullptr ? printable(x.made_by->name) : std::string();
    x.form = form::plain, x.shape = d.row.out, x.pads = {};
    drafts.stand_for(x, drafts.add(std::move(d)));
}

/// Makes `x` plain, in place.
/// \throws hass::error for a constant, and for what can only become part of a later operator
inline void settle(value& x, draft_list& drafts, budget& spent) {
    switch (x.form) {
        case form::plain:
            return;
        case form::affine:
            return settle_affine(x, drafts, spent);
        case form::relu_plus3:
        case form::relu6_plus3:
            return settle_activation(x, drafts, spent);
        case form::view:
            return settle_view(x, drafts, spent);
        case form::padded:
            return settle_padded(x, drafts, spent);
        case form::constant:
            throw error("tensor " + quoted(x.number->name) +
                        " is constant where data that depends on the image is expected");
        case form::times_relu6:
            return settle_product(x, drafts, spent);
    }
}

}  // namespace hass::detail::onnx
