/// \file arithmetic.hpp
/// Sums, products and concatenations of data.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx/activations.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/orders.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

/// Shape of two maps together, where one channel, or one pixel, of either stands for all.
inline hass::shape spread(const operation& op, const value& a, const value& b) {
    const hass::shape whole{std::max(a.shape.channels, b.shape.channels),
                            std::max(a.shape.height, b.shape.height),
                            std::max(a.shape.width, b.shape.width)};
    const auto fits = [&](const value& x) {
        return spreads_to(x.shape, whole) && (x.from >= 0 || x.shape == whole);
    };
    if (a.rank != b.rank || !fits(a) || !fits(b))
        throw op.fail("of " + describe(a) + " and " + describe(b) +
                      ": only one channel, or one pixel, of a map may stand for all of them");
    return whole;
}

/// A row of `kind` on two inputs; the first one that has the row's shape comes first where their
/// order does not matter.
inline value combine(const operation& op, layer_kind kind, value a, value b) {
    const hass::shape whole = spread(op, a, b);
    const bool ordered = kind == layer_kind::subtract || kind == layer_kind::divide;
    if (!ordered && a.shape != whole && b.shape == whole) std::swap(a, b);
    const bool both = a.non_negative && b.non_negative;
    value out = op.emit(elementwise(kind, whole), {a.from, b.from});
    out.rank = a.rank;
    out.non_negative = kind == layer_kind::maximum ? a.non_negative || b.non_negative
                                                   : both && kind != layer_kind::subtract;
    return out;
}

/// The same of inputs `i` and `k`. Of two views, the one that is whole stays as it is, and the other
/// one is moved beside it, where it does not stand there already.
inline value combine(const operation& op, layer_kind kind, std::size_t i, std::size_t k) {
    const bool maps = op.raw(i).form != form::view && op.raw(k).form != form::view;
    const value &a = viewed_anyhow(op, i), &b = viewed_anyhow(op, k);
    const bool alike = a.batch.axis == b.batch.axis && a.batch.merged == b.batch.merged;
    if (maps || a.rank != b.rank || !alike) {
        op.data(i), op.data(k);
        return combine(op, kind, op.raw(i), op.raw(k));
    }
    const std::vector<std::int64_t> left = view_of(op.raw(i)).dims();
    const std::vector<std::int64_t> right = view_of(op.raw(k)).dims();
    const auto covers = [](const auto& all, const auto& some) {
        for (std::size_t n = 0; n < all.size(); ++n)
            if (all[n] != some[n] && some[n] != 1) return false;
        return true;
    };
    const bool second = !covers(left, right);
    if (second && !covers(right, left))
        throw op.fail("of " + describe(op.raw(i)) + " and " + describe(op.raw(k)) +
                      ": one of them has to be as large as both together");
    const std::size_t at = second ? k : i;
    const value main = whole_of(op, at);
    const value& other = op.raw(i + k - at);
    const value_view v = view_of(main);
    const auto place = beside(v, grouped(view_of(other)));
    if (!place)
        throw op.fail("of " + describe(main) + " and " + describe(other) +
                      " in orders that do not fit each other");
    const auto none = std::vector<order_axis>{};
    value moved = laid_out(op, other, place->one_channel ? none : place->channels,
                           place->one_pixel ? none : place->pixels);
    if (moved.shape.pixels() > 1 && moved.shape.height != v.base.height) {
        layer_row row = elementwise(layer_kind::reshape, moved.shape);
        row.out = {moved.shape.channels, v.base.height, v.base.width};
        moved = op.emit(row, {moved.from});
    }
    value below = main;
    below.form = form::plain, below.view = {}, below.shape = v.base, below.rank = 4;
    below.batch = {};
    moved.rank = 4;
    const value together =
        second ? combine(op, kind, moved, below) : combine(op, kind, below, moved);
    value out = main;
    out.from = together.from, out.non_negative = together.non_negative;
    return out;
}

inline void add(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return with_constant(op);
    const layer_kind kind = op.type() == "Add"   ? layer_kind::add
                            : op.type() == "Sub" ? layer_kind::subtract
                                                 : layer_kind::divide;
    op.give(combine(op, kind, 0, 1));
}

/// Sum, Mean, Min or Max of several inputs.
inline value of_several(const operation& op, layer_kind kind) {
    if (op.inputs() > 64) throw op.fail("has more than 64 inputs");
    value total = op.data(0);
    for (std::size_t i = 1; i < op.inputs(); ++i) total = combine(op, kind, total, op.data(i));
    return total;
}

inline void sum(const operation& op) {
    if (op.inputs() == 1) return op.pass(0);
    op.give(of_several(op, layer_kind::add));
}

/// Min or Max: of data, or a bound, which is a Clip.
inline void extreme(const operation& op) {
    const bool most = op.type() == "Max";
    if (op.inputs() == 1) return op.pass(0);
    const bool bounds = op.inputs() == 2 && (op.is_constant(0) || op.is_constant(1));
    if (!bounds) return op.give(of_several(op, most ? layer_kind::maximum : layer_kind::minimum));
    const std::size_t number = op.is_constant(1) ? 1 : 0;
    const auto bound = static_cast<float>(op.scalar(number, "the bound"));
    constexpr float infinity = std::numeric_limits<float>::infinity();
    if (most)
        bounded(op, 1 - number, bound, infinity);
    else
        bounded(op, 1 - number, -infinity, bound);
}

/// x * gate(x) as one row, where input `gate` is sigmoid or hard sigmoid of input `x` and nobody
/// else reads it.
inline bool gated_by_itself(const operation& op, std::size_t x_at, std::size_t gate_at) {
    const value& x = op.raw(x_at);
    const value& gate = op.raw(gate_at);
    const bool looked_at = x.form == form::plain || x.form == form::view;
    if (gate.from < 0 || !looked_at || x.form != gate.form || gate.rank != x.rank ||
        gate.shape != x.shape || gate.view.order != x.view.order || !op.owned(gate_at))
        return false;
    draft& d = op.behind(gate);
    if (d.from.size() != 1 || d.from[0] != x.from) return false;
    const bool hard =
        d.row.kind == layer_kind::function && d.parameters.function == value_function::hardsigmoid;
    if (d.row.kind == layer_kind::sigmoid)
        d.row.kind = layer_kind::swish;
    else if (d.row.kind == layer_kind::hardsigmoid)
        d.row.kind = layer_kind::hardswish;
    else if (hard)
        d.parameters.function = value_function::gated;
    else
        return false;
    value out = gate;
    out.non_negative = false;
    op.give(std::move(out));
    return true;
}

/// Whether `x` is the same data as `y`, not yet touched by anything.
inline bool same_data(const value& x, const value& y) {
    return x.from == y.from && x.rank == y.rank && x.shape == y.shape;
}

inline void multiply(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return with_constant(op);
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        if (op.raw(i).form != form::relu6_plus3 || op.raw(1 - i).form == form::relu6_plus3 ||
            !op.alone(i))
            continue;
        op.data(1 - i);
        if (!same_data(op.raw(i), op.raw(1 - i))) continue;
        value out = op.raw(i);
        out.form = form::times_relu6;
        return op.give(std::move(out));
    }
    if (gated_by_itself(op, 0, 1) || gated_by_itself(op, 1, 0)) return;
    op.give(combine(op, layer_kind::multiply, 0, 1));
}

/// Maps joined along their channels, below one another, or side by side.
inline void concatenate(const operation& op) {
    if (op.inputs() == 1 && op.has(0)) return op.pass(0);
    std::vector<int> from;
    bool non_negative = true;
    const value& first = op.data(0);
    const attribute_proto* given = op.find("axis");
    if (given == nullptr || !given->i) throw op.fail("attribute 'axis' is missing");
    const int axis = axis_of(op, *given->i, first.rank);
    if (axis == 0) throw op.fail("joins images of a batch");
    std::array<std::int64_t, 3> whole{first.shape.channels, first.shape.height, first.shape.width};
    const auto along = static_cast<std::size_t>(axis) - 1;
    const std::array<std::int64_t, 3> wanted = whole;
    whole[along] = 0;
    for (std::size_t i = 0; i < op.inputs(); ++i) {
        const value& x = op.data(i);
        std::array<std::int64_t, 3> now{x.shape.channels, x.shape.height, x.shape.width};
        whole[along] += now[along];
        now[along] = wanted[along];
        if (x.rank != first.rank || now != wanted)
            throw op.fail("joins " + describe(first) + " and " + describe(x));
        from.push_back(x.from);
        non_negative = non_negative && x.non_negative;
    }
    layer_row row = elementwise(axis == 1 ? layer_kind::concat : layer_kind::stack, first.shape);
    row.out = op.sound(whole[0], whole[1], whole[2]);
    const int rank = first.rank;
    value out = op.emit(row, std::move(from));
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
