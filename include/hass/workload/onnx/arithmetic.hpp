/// \file arithmetic.hpp
/// Sums, products and concatenations of data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

inline value add_rows(const operation& op, const value& a, const value& b) {
    if (a.rank != b.rank || a.shape != b.shape)
        throw op.fail("adds " + describe(a) + " and " + describe(b));
    const bool non_negative = a.non_negative && b.non_negative;
    const int rank = a.rank;
    value out = op.emit(elementwise(layer_kind::add, a.shape), {a.from, b.from});
    out.rank = rank;
    out.non_negative = non_negative;
    return out;
}

inline void add(const operation& op) {
    if (op.inputs() != 2) throw op.fail("needs two inputs");
    if (op.is_constant(0) || op.is_constant(1)) return with_constant(op);
    if (op.type() != "Add") throw op.fail("is supported with a constant only");
    op.data(0), op.data(1);
    op.give(add_rows(op, op.raw(0), op.raw(1)));
}

inline void sum(const operation& op) {
    if (op.inputs() == 1) return op.pass(0);
    if (op.inputs() > 64) throw op.fail("has more than 64 inputs");
    value total = op.data(0);
    for (std::size_t i = 1; i < op.inputs(); ++i) total = add_rows(op, total, op.data(i));
    op.give(std::move(total));
}

/// x * gate(x) as one row, where input `gate` is sigmoid or hard sigmoid of input `x` and nobody
/// else reads it.
inline bool gated_by_itself(const operation& op, std::size_t x_at, std::size_t gate_at) {
    const value& x = op.raw(x_at);
    const value& gate = op.raw(gate_at);
    if (gate.from < 0 || gate.rank != x.rank || gate.shape != x.shape || !op.owned(gate_at))
        return false;
    draft& d = op.behind(gate);
    if (d.from.empty() || d.from[0] != x.from) return false;
    if (d.row.kind == layer_kind::sigmoid)
        d.row.kind = layer_kind::swish;
    else if (d.row.kind == layer_kind::hardsigmoid)
        d.row.kind = layer_kind::hardswish;
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
    op.data(0), op.data(1);
    if (gated_by_itself(op, 0, 1) || gated_by_itself(op, 1, 0)) return;
    const value* a = &op.raw(0);
    const value* b = &op.raw(1);
    if (a->shape != b->shape && a->shape == hass::shape{b->shape.channels, 1, 1}) std::swap(a, b);
    if (a->rank != b->rank ||
        (a->shape != b->shape && b->shape != hass::shape{a->shape.channels, 1, 1}))
        throw op.fail("multiplies " + describe(*a) + " and " + describe(*b));
    const int rank = a->rank;
    const bool non_negative = a->non_negative && b->non_negative;
    value out = op.emit(elementwise(layer_kind::multiply, a->shape), {a->from, b->from});
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

inline void concatenate(const operation& op) {
    if (op.inputs() == 1 && op.has(0)) return op.pass(0);
    std::vector<int> from;
    std::int64_t channels = 0;
    bool non_negative = true;
    const value& first = op.data(0);
    const attribute_proto* axis = op.find("axis");
    if (axis == nullptr || !axis->i || axis_of(op, *axis->i, first.rank) != 1)
        throw op.fail("is supported along the channels only");
    for (std::size_t i = 0; i < op.inputs(); ++i) {
        const value& x = op.data(i);
        if (x.rank != first.rank || x.shape.height != first.shape.height ||
            x.shape.width != first.shape.width)
            throw op.fail("joins " + describe(first) + " and " + describe(x));
        from.push_back(x.from);
        channels += x.shape.channels;
        non_negative = non_negative && x.non_negative;
    }
    layer_row row = elementwise(layer_kind::concat, first.shape);
    row.out = op.sound(channels, first.shape.height, first.shape.width);
    const int rank = first.rank;
    value out = op.emit(row, std::move(from));
    out.rank = rank;
    out.non_negative = non_negative;
    op.give(std::move(out));
}

}  // namespace hass::detail::onnx
