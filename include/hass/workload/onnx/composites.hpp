/// \file composites.hpp
/// Operators that are several others, spelled out before the graph is looked at: reductions with a
/// function before or after, pools and norms of powers, Where with a mask of data; and the clipping of
/// small values, which files spell out themselves, as the one function of a value that it is.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/einsum.hpp>
#include <hass/workload/onnx/node_finder.hpp>
#include <hass/workload/onnx/node_writer.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

class composite_operators {
  public:
    explicit composite_operators(graph_proto& graph) : finder_(graph), data_(data_of(graph)) {
        for (const node_proto& node : graph.nodes) {
            const bool known = node.domain.empty() || node.domain == "ai.onnx";
            if (!known || node.outputs.size() != 1 || !spelled_out(node)) writer_.keep(node);
        }
        graph.nodes = writer_.taken();
    }
    composite_operators(const composite_operators&) = delete;
    composite_operators& operator=(const composite_operators&) = delete;

  private:
    using tensor = std::string_view;

    /// The tensors that depend on an input of the network, but for their shapes.
    static std::unordered_set<tensor> data_of(const graph_proto& graph) {
        std::unordered_set<tensor> initial, found;
        std::unordered_multimap<tensor, const node_proto*> readers;
        for (const tensor_proto& t : graph.initializers) initial.insert(t.name);
        for (const node_proto& n : graph.nodes)
            if (n.op_type != "Shape" && n.op_type != "Size")
                for (const tensor in : n.inputs) readers.emplace(in, &n);
        std::vector<tensor> pending;
        const auto visit = [&](tensor t) {
            if (!t.empty() && found.insert(t).second) pending.push_back(t);
        };
        for (const value_proto& in : graph.inputs)
            if (!initial.contains(in.name)) visit(in.name);
        while (!pending.empty()) {
            const auto [first, last] = readers.equal_range(pending.back());
            pending.pop_back();
            for (auto at = first; at != last; ++at)
                for (const tensor out : at->second->outputs) visit(out);
        }
        return found;
    }

    bool spelled_out(const node_proto& node) {
        const tensor type = node.op_type;
        if (type == "Where") return where(node);
        if (type == "Mul") return masked(node);
        if (type == "Einsum") return einsum(node, writer_);
        if (node.inputs.empty() || node.inputs[0].empty()) return false;
        if (type == "ReduceLogSumExp") return log_sum_exp(node);
        if (type == "LpNormalization") return norm(node);
        if (type == "LpPool" || type == "GlobalLpPool") return power_pool(node);
        struct spelling {
            tensor type, before, middle, after;
        };
        if (type == "MeanVarianceNormalization") return centred(node);
        constexpr std::array forms{spelling{"ReduceL1", "Abs", "ReduceSum", ""},
                                   spelling{"ReduceL2", "Mul", "ReduceSum", "Sqrt"},
                                   spelling{"ReduceLogSum", "", "ReduceSum", "Log"},
                                   spelling{"ReduceMin", "Neg", "ReduceMax", "Neg"},
                                   spelling{"ReduceSumSquare", "Mul", "ReduceSum", ""}};
        for (const spelling& f : forms) {
            if (f.type != type) continue;
            const tensor x = node.inputs[0];
            const tensor y = f.before.empty()    ? x
                             : f.before == "Mul" ? step(node, "Mul", {x, x})
                                                 : step(node, f.before, {x});
            if (f.after.empty()) {
                again(node, f.middle, y, node.outputs[0]);
            } else {
                const tensor z = writer_.named(node, "reduced");
                again(node, f.middle, y, z);
                writer_.add(node, f.after, {z}, node.outputs[0]);
            }
            return true;
        }
        return false;
    }

    /// A node whose output stands between others.
    tensor step(const node_proto& of, tensor type, std::vector<tensor> inputs) {
        const tensor out = writer_.named(of, "step");
        writer_.add(of, type, std::move(inputs), out);
        return out;
    }
    /// The node under another type and with another first input; attributes and the others as they are.
    node_proto& again(const node_proto& node, tensor type, tensor x, tensor output) {
        std::vector<tensor> inputs = node.inputs;
        inputs[0] = x;
        node_proto& n = writer_.add(node, type, std::move(inputs), output);
        n.attributes = node.attributes;
        return n;
    }
    tensor number(const node_proto& of, float value) {
        const tensor out = writer_.named(of, "number");
        writer_.add(of, "Constant", {}, out)
            .attributes.push_back(node_writer::number("value_float", value));
        return out;
    }

    /// log(sum(exp(x))) as m + log(sum(exp(x - m))), m the largest: nothing overflows.
    bool log_sum_exp(const node_proto& node) {
        const auto largest = [&](bool keep) {
            const tensor m = writer_.named(node, "largest");
            node_proto& n = again(node, "ReduceMax", node.inputs[0], m);
            std::erase_if(n.attributes, [](const auto& a) { return a.name == "keepdims"; });
            n.attributes.push_back(node_writer::whole("keepdims", keep ? 1 : 0));
            return m;
        };
        const attribute_proto* k = finder_.attribute(node, "keepdims");
        const bool keeps = k == nullptr || k->i.value_or(0) != 0;
        const tensor beside = largest(true), m = keeps ? beside : largest(false);
        const tensor y = step(node, "Exp", {step(node, "Sub", {node.inputs[0], beside})});
        const tensor sum = writer_.named(node, "sum");
        again(node, "ReduceSum", y, sum);
        writer_.add(node, "Add", {step(node, "Log", {sum}), m}, node.outputs[0]);
        return true;
    }

    /// (x - mean) / (sqrt(mean of (x - mean)^2) + 1e-9), as ONNX defines it.
    bool centred(const node_proto& node) {
        const attribute_proto* axes = finder_.attribute(node, "axes");
        const auto mean = [&](tensor x) {
            const tensor out = writer_.named(node, "mean");
            writer_.add(node, "ReduceMean", {x}, out)
                .attributes.push_back(node_writer::list(
                    "axes", axes == nullptr ? std::vector<std::int64_t>{0, 2, 3} : axes->ints));
            return out;
        };
        const tensor x = node.inputs[0], off = step(node, "Sub", {x, mean(x)});
        const tensor deviation = step(node, "Sqrt", {mean(step(node, "Mul", {off, off}))});
        writer_.add(node, "Div", {off, step(node, "Add", {deviation, number(node, 1e-9F)})},
                    node.outputs[0]);
        return true;
    }

    /// |x|^p, and what it is the p-th root of; nothing for a p that is no power.
    std::optional<std::int64_t> power_of(const node_proto& node) const {
        const attribute_proto* a = finder_.attribute(node, "p");
        const std::int64_t p = a == nullptr ? 2 : a->i.value_or(0);
        return p < 1 || p > 64 ? std::nullopt : std::optional(p);
    }
    tensor raised(const node_proto& node, std::int64_t p) {
        const tensor x = node.inputs[0];
        if (p == 2) return step(node, "Mul", {x, x});
        const tensor size = step(node, "Abs", {x});
        return p == 1 ? size : step(node, "Pow", {size, number(node, static_cast<float>(p))});
    }
    void root(const node_proto& node, std::int64_t p, tensor x, tensor output) {
        if (p == 1)
            writer_.add(node, "Identity", {x}, output);
        else if (p == 2)
            writer_.add(node, "Sqrt", {x}, output);
        else
            writer_.add(node, "Pow", {x, number(node, 1.0F / static_cast<float>(p))}, output);
    }

    bool norm(const node_proto& node) {
        const auto p = power_of(node);
        if (!p || *p > 2) return false;
        const attribute_proto* a = finder_.attribute(node, "axis");
        const tensor power = raised(node, *p), sum = writer_.named(node, "sum");
        writer_.add(node, "ReduceSum", {power}, sum)
            .attributes.push_back(
                node_writer::list("axes", {a == nullptr ? -1 : a->i.value_or(0)}));
        const tensor length = writer_.named(node, "length");
        root(node, *p, sum, length);
        writer_.add(node, "Div", {node.inputs[0], length}, node.outputs[0]);
        return true;
    }

    /// The mean of powers times the size of a window, and the root of that.
    bool power_pool(const node_proto& node) {
        const auto p = power_of(node);
        const attribute_proto* ceil = finder_.attribute(node, "ceil_mode");
        const attribute_proto* kernel = finder_.attribute(node, "kernel_shape");
        const bool whole = node.op_type == "GlobalLpPool";
        if (!p || (ceil != nullptr && ceil->i.value_or(0) != 0) || (!whole && kernel == nullptr))
            return false;
        const tensor power = raised(node, *p), mean = writer_.named(node, "mean");
        tensor size;
        if (whole) {
            writer_.add(node, "GlobalAveragePool", {power}, mean);
            const tensor shape = writer_.named(node, "shape"), pixels = writer_.named(node, "size");
            writer_.add(node, "Shape", {power}, shape)
                .attributes.push_back(node_writer::whole("start", 2));
            writer_.add(node, "ReduceProd", {shape}, pixels)
                .attributes.push_back(node_writer::whole("keepdims", 0));
            size = writer_.named(node, "size");
            writer_.add(node, "Cast", {pixels}, size)
                .attributes.push_back(node_writer::whole("to", 1));
        } else {
            node_proto& pool = again(node, "AveragePool", power, mean);
            std::erase_if(pool.attributes, [](const auto& a) { return a.name == "p"; });
            pool.attributes.push_back(node_writer::whole("count_include_pad", 1));
            double taps = 1.0;
            for (const std::int64_t k : kernel->ints) taps *= static_cast<double>(k);
            size = number(node, static_cast<float>(taps));
        }
        root(node, *p, step(node, "Mul", {mean, size}), node.outputs[0]);
        return true;
    }

    bool is_data(tensor t) const { return data_.contains(t); }

    /// Where(mask, x, y) with a mask of data and x or y of data: mask x + (1 - mask) y, or what it
    /// clips.
    bool where(const node_proto& node) {
        if (node.inputs.size() != 3 || !is_data(node.inputs[0]) ||
            (!is_data(node.inputs[1]) && !is_data(node.inputs[2])))
            return false;
        const auto yes = finder_.number(node.inputs[1]), no = finder_.number(node.inputs[2]);
        if (no == 0.0 && clips(node, node.inputs[0], node.inputs[1], true)) return true;
        if (yes == 0.0 && clips(node, node.inputs[0], node.inputs[2], false)) return true;
        const tensor mask = writer_.named(node, "mask");
        writer_.add(node, "Cast", {node.inputs[0]}, mask)
            .attributes.push_back(
                node_writer::whole("to", static_cast<std::int64_t>(data_type::boolean)));
        const auto finite = [&](tensor t, const std::optional<double>& n) {
            constexpr float most = std::numeric_limits<float>::max();
            if (!n || std::abs(*n) <= static_cast<double>(most)) return t;
            return number(node, std::copysign(most, static_cast<float>(*n)));
        };
        const tensor x = finite(node.inputs[1], yes), y = finite(node.inputs[2], no);
        const tensor other = no == 0.0 ? tensor() : step(node, "Not", {mask});
        if (no == 0.0)
            writer_.add(node, "Mul", {mask, x}, node.outputs[0]);
        else if (yes == 0.0)
            writer_.add(node, "Mul", {other, y}, node.outputs[0]);
        else
            writer_.add(node, "Add", {step(node, "Mul", {mask, x}), step(node, "Mul", {other, y})},
                        node.outputs[0]);
        return true;
    }

    /// x times a mask that says where |x|, or x, is above a number.
    bool masked(const node_proto& node) {
        if (node.inputs.size() != 2) return false;
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}})
            if (const node_proto* cast = finder_.made_by(node.inputs[k], "Cast", 1))
                if (clips(node, cast->inputs[0], node.inputs[1 - k], true)) return true;
        return false;
    }

    /// Writes x where `mask` is `keeps`, else 0, as one function of x, where it is one: Shrink with no
    /// bias, or ThresholdedRelu.
    bool clips(const node_proto& node, tensor mask, tensor x, bool keeps) {
        if (!is_data(x)) return false;
        if (const node_proto* inverse = finder_.made_by(mask, "Not", 1))
            mask = inverse->inputs[0], keeps = !keeps;
        for (const tensor type : {"Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
            const node_proto* compares = finder_.made_by(mask, type, 2);
            if (compares == nullptr) continue;
            const auto [beside, number] = finder_.beside_number(*compares);
            const auto tau = static_cast<float>(number);
            const bool turned = compares->inputs[0] != beside;
            const bool above = type.starts_with("Greater") != turned;
            const bool with = type.ends_with("OrEqual");
            if (beside.empty() || above != keeps || !std::isfinite(tau)) return false;
            // x > tau, or x >= tau, which is above the number before
            const float a =
                with == keeps ? std::nextafter(tau, -std::numeric_limits<float>::infinity()) : tau;
            const node_proto* size = finder_.made_by(beside, "Abs", 1);
            if (beside == x) {
                writer_.add(node, "ThresholdedRelu", {x}, node.outputs[0])
                    .attributes.push_back(node_writer::number("alpha", a));
            } else if (size != nullptr && size->inputs[0] == x && tau >= 0.0F) {
                node_proto& n = writer_.add(node, "Shrink", {x}, node.outputs[0]);
                n.attributes = {node_writer::number("lambd", a), node_writer::number("bias", 0.0F)};
            } else {
                return false;
            }
            return true;
        }
        return false;
    }

    node_writer writer_;
    node_finder finder_;
    std::unordered_set<tensor> data_;
};

}  // namespace hass::detail::onnx
