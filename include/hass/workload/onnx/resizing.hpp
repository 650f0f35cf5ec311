/// \file resizing.hpp
/// Resize and Upsample: what every pixel of the output is made of is worked out once, axis by axis,
/// whatever the mode and however coordinates are transformed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// How a Resize goes from outputs to inputs.
struct resizing {
    std::string_view mode = "nearest";
    std::string_view coordinates = "half_pixel";
    std::string_view nearest = "round_prefer_floor";
    float cubic_a = -0.75F;
    bool inside_only = false;  ///< cubic: taps beyond the map count nothing (exclude_outside)
};

/// Where output `at` of `out` lies among `in` inputs (ONNX, coordinate_transformation_mode).
inline float input_coordinate(const resizing& r, int at, int in, int out, float scale) {
    const auto x = static_cast<float>(at);
    if (r.coordinates == "asymmetric") return x / scale;
    if (r.coordinates == "align_corners")
        return out == 1 ? 0.0F : x * static_cast<float>(in - 1) / static_cast<float>(out - 1);
    if (r.coordinates == "pytorch_half_pixel" && out == 1) return 0.0F;
    if (r.coordinates == "tf_half_pixel_for_nn") return (x + 0.5F) / scale;
    const float half = (x + 0.5F) / scale - 0.5F;
    if (r.coordinates != "half_pixel_symmetric") return half;
    const float adjusted = static_cast<float>(out) / (scale * static_cast<float>(in));
    return static_cast<float>(in) / 2.0F * (1.0F - adjusted) + half;
}

inline float nearest_of(const resizing& r, float x) {
    if (r.nearest == "floor") return std::floor(x);
    if (r.nearest == "ceil") return std::ceil(x);
    const bool tie = x - std::floor(x) == 0.5F;
    if (r.nearest == "round_prefer_ceil") return tie ? std::ceil(x) : std::round(x);
    return tie ? std::floor(x) : std::round(x);
}

/// Weights of the four inputs around a place (Keys), `t` behind the second one.
inline std::array<float, 4> cubic_weights(float t, float a) {
    const float s = 1.0F - t;
    return {((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
            ((a + 2) * t - (a + 3)) * t * t + 1, ((a + 2) * s - (a + 3)) * s * s + 1,
            ((a * (s + 1) - 5 * a) * (s + 1) + 8 * a) * (s + 1) - 4 * a};
}

inline axis_taps resize_taps(const resizing& r, int in, int out, float scale) {
    axis_taps taps;
    taps.each = r.mode == "nearest" ? 1 : r.mode == "linear" ? 2 : 4;
    const auto inside = [in](float x) {
        return static_cast<std::int32_t>(std::clamp(x, 0.0F, static_cast<float>(in - 1)));
    };
    for (int at = 0; at < out; ++at) {
        const float x = input_coordinate(r, at, in, out, scale);
        if (r.mode == "nearest") {
            taps.index.push_back(inside(nearest_of(r, x)));
        } else if (r.mode == "linear") {
            const float y = std::clamp(x, 0.0F, static_cast<float>(in - 1));
            const float low = std::floor(y);
            taps.index.push_back(inside(low)), taps.index.push_back(inside(low + 1));
            taps.weight.push_back(1.0F - (y - low)), taps.weight.push_back(y - low);
        } else {
            const float low = std::floor(x);
            std::array<float, 4> w = cubic_weights(x - low, r.cubic_a);
            float sum = 0.0F;
            for (std::size_t k = 0; k < 4; ++k) {
                const float place = low + static_cast<float>(k) - 1.0F;
                const bool beyond = place < 0.0F || place > static_cast<float>(in - 1);
                if (r.inside_only && beyond) w[k] = 0.0F;
                sum += w[k];
                taps.index.push_back(inside(place));
            }
            for (const float weight : w)
                taps.weight.push_back(r.inside_only ? weight / sum : weight);
        }
    }
    return taps;
}

/// How far the taps reach before and behind floor(at in / out).
inline std::pair<int, int> reach_of(const axis_taps& taps, int in, int out) {
    int back = 0, ahead = 0;
    for (int at = 0; at < out; ++at) {
        const int place = static_cast<int>(std::int64_t{at} * in / out);
        for (int k = 0; k < taps.each; ++k) {
            const int index = taps.index[static_cast<std::size_t>(at * taps.each + k)];
            back = std::max(back, place - index), ahead = std::max(ahead, index - place);
        }
    }
    return {back, ahead};
}

/// A row that makes `out.height` x `out.width` pixels out of those of `x`.
inline void resize_to(const operation& op, const value& x, const resizing& r,
                      const hass::shape& out, std::array<float, 2> scales) {
    layer_row row = elementwise(layer_kind::resize, x.shape);
    row.out = out;
    layer_parameters p;
    op.spent().spend(8 *
                     (static_cast<std::size_t>(out.height) + static_cast<std::size_t>(out.width)));
    p.rows = resize_taps(r, x.shape.height, out.height, scales[0]);
    p.columns = resize_taps(r, x.shape.width, out.width, scales[1]);
    const auto untouched = [](const axis_taps& taps) {
        if (taps.each != 1) return false;
        for (std::size_t k = 0; k < taps.index.size(); ++k)
            if (taps.index[k] != static_cast<std::int32_t>(k)) return false;
        return true;
    };
    if (out == x.shape && untouched(p.rows) && untouched(p.columns)) return op.pass(0);
    const auto [above, below] = reach_of(p.rows, x.shape.height, out.height);
    const auto [left, right] = reach_of(p.columns, x.shape.width, out.width);
    row.kernel_h = above + below + 1, row.pad_top = above;
    row.kernel_w = left + right + 1, row.pad_left = left;
    row.stride_h = p.rows.each, row.stride_w = p.columns.each;
    const bool non_negative = x.non_negative && r.mode != "cubic";
    const int rank = x.rank;
    value given = op.emit(row, {x.from}, std::move(p));
    given.rank = rank, given.non_negative = non_negative;
    op.give(std::move(given));
}

/// What the attributes say; Upsample and opset 10 know fewer of them.
inline resizing resizing_of(const operation& op, bool old) {
    resizing r;
    r.mode = op.text("mode", "nearest");
    if (r.mode == "bilinear") r.mode = "linear";
    r.coordinates = op.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
    r.nearest = op.text("nearest_mode", old ? "floor" : "round_prefer_floor");
    r.cubic_a = op.number("cubic_coeff_a", -0.75F);
    r.inside_only = op.integer("exclude_outside", 0) != 0;
    const auto known = [&](std::string_view what, std::string_view given, const auto& all) {
        for (const char* each : all)
            if (given == each) return;
        throw op.fail(std::string(what) + " " + quoted(given) + " is not supported");
    };
    known("mode", r.mode, std::array{"nearest", "linear", "cubic"});
    known("coordinate_transformation_mode", r.coordinates,
          std::array{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                     "asymmetric", "tf_half_pixel_for_nn"});
    known("nearest_mode", r.nearest,
          std::array{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
    if (op.integer("antialias", 0) != 0 && r.mode != "nearest")
        throw op.fail("antialias is not supported");
    if (op.text("keep_aspect_ratio_policy", "stretch") != "stretch")
        throw op.fail("keep_aspect_ratio_policy is not supported, only 'stretch'");
    return r;
}

/// Scales, or sizes, of the axes that they are given for.
struct given_extents {
    bool scales = true;
    std::vector<double> values;
    std::vector<std::size_t> axes;  ///< batch included
};

inline given_extents extents_of(const operation& op, const value& x, bool old) {
    given_extents g;
    const std::size_t at = old ? 1 : 2;
    if (const attribute_proto* a = op.find("scales"); a != nullptr) {
        g.values.assign(a->floats.begin(), a->floats.end());
    } else if (op.has(at) && op.known(at, "the scales").count() > 0) {
        g.values = numbers(op.known(at, "the scales"), op.spent());
    } else if (!old && op.has(3)) {
        g.scales = false;
        for (const std::int64_t s : op.integers(3, "the sizes"))
            g.values.push_back(static_cast<double>(s));
    }
    if (const attribute_proto* a = op.find("axes"))
        for (const std::int64_t axis : a->ints)
            g.axes.push_back(static_cast<std::size_t>(axis_of(op, axis, x.rank)));
    else
        for (std::size_t k = 0; k < static_cast<std::size_t>(x.rank); ++k) g.axes.push_back(k);
    if (g.values.size() != g.axes.size())
        throw op.fail(text_of({"has ", g.values.size(), " scales or sizes for ", g.axes.size(),
                               " axes of ", describe(x)}));
    return g;
}

inline void resize(const operation& op) {
    const value& x = op.data(0);
    if (x.rank < 3) throw op.fail("of " + describe(x) + " has no pixels");
    const bool old = op.opset() < 11;  // and Upsample
    const resizing r = resizing_of(op, old);
    const given_extents given = extents_of(op, x, old);
    const std::array<int, 4> in{1, x.shape.channels, x.shape.height, x.shape.width};
    std::array<std::int64_t, 4> out{1, in[1], in[2], in[3]};
    std::array<float, 4> by{1.0F, 1.0F, 1.0F, 1.0F};
    for (std::size_t k = 0; k < given.axes.size(); ++k) {
        const std::size_t axis = given.axes[k];
        const double size = axis == 0 ? static_cast<double>(op.batch()) : in[axis];
        const double extent = given.scales ? std::floor(given.values[k] * size) : given.values[k];
        if (!(extent >= 1.0 && extent <= (axis == 0 ? 1e9 : 32768.0)))
            throw op.fail(text_of(
                {"gives axis ", axis, " of ", describe(x), " an extent outside of 1..32768"}));
        if (axis < 2) {
            if (extent != size && !(axis == 0 && !given.scales && extent == 1.0))
                throw op.fail("of batch or channels is not supported");
            continue;
        }
        if (r.coordinates == "align_corners" && given.scales && extent != given.values[k] * size)
            throw op.fail(text_of({"align_corners of axis ", axis,
                                   ", whose scale gives no whole number of pixels: ONNX and its "
                                   "runtimes differ; give sizes"}));
        out[axis] = static_cast<std::int64_t>(extent);
        by[axis] = static_cast<float>(given.scales ? given.values[k] : extent / size);
    }
    resize_to(op, x, r, op.sound(out[1], out[2], out[3]), {by[2], by[3]});
}

}  // namespace hass::detail::onnx
