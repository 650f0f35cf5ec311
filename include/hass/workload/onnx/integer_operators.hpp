/// \file integer_operators.hpp
/// Operators on integers (QLinearConv, QLinearMatMul, and those that onnxruntime writes for the same
/// purpose), spelled out with DequantizeLinear and QuantizeLinear around the operator that they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// Replaces them; keeps the names that it makes for as long as the nodes are needed.
class integer_operators {
  public:
    explicit integer_operators(graph_proto& graph) {
        std::vector<node_proto> nodes;
        for (node_proto& node : graph.nodes)
            if (const form* f = known(node))
                spell_out(node, *f, nodes);
            else
                nodes.push_back(std::move(node));
        constexpr std::size_t most = std::size_t{1} << 18;
        if (nodes.size() > most)
            throw error("with its integer operators the graph has > 2^18 nodes");
        graph.nodes = std::move(nodes);
    }
    integer_operators(const integer_operators&) = delete;
    integer_operators& operator=(const integer_operators&) = delete;

  private:
    /// What an operator is, and how many (tensor, scale, zero point) it takes.
    struct form {
        std::string_view type, plain;
        std::size_t operands = 1;
        bool bias_first = false;  ///< the bias stands before scale and zero point of the output
    };
    static constexpr std::array forms{
        form{"QLinearConv", "Conv", 2, false},
        form{"QLinearMatMul", "MatMul", 2, false},
        form{"QLinearAdd", "Add", 2, false},
        form{"QLinearMul", "Mul", 2, false},
        form{"QGemm", "Gemm", 2, true},
        form{"QLinearAveragePool", "AveragePool", 1, false},
        form{"QLinearGlobalAveragePool", "GlobalAveragePool", 1, false},
        form{"QLinearLeakyRelu", "LeakyRelu", 1, false},
        form{"QLinearSigmoid", "Sigmoid", 1, false}};

    static const form* known(const node_proto& node) {
        const bool microsoft = node.domain == "com.microsoft";
        if (!microsoft && !node.domain.empty() && node.domain != "ai.onnx") return nullptr;
        for (const form& f : forms)
            if (f.type == node.op_type) return &f;
        return nullptr;
    }

    std::string_view named(const node_proto& node, const char* what) {
        return names_.emplace_back(
            text_of({node.outputs.empty() ? "" : std::string(node.outputs[0]), "/", what, "_",
                     names_.size()}));
    }

    node_proto& add(std::vector<node_proto>& to, const node_proto& of, std::string_view type,
                    std::vector<std::string_view> inputs, std::string_view output) {
        node_proto n;
        n.op_type = type, n.name = of.name, n.opset = of.opset;
        n.inputs = std::move(inputs);
        n.outputs = {output};
        return to.emplace_back(std::move(n));
    }

    static attribute_proto whole(std::string_view name, std::int64_t value) {
        attribute_proto a;
        a.name = name, a.i = value, a.type = static_cast<std::int64_t>(attribute_type::integer);
        return a;
    }

    void spell_out(const node_proto& node, const form& f, std::vector<node_proto>& to) {
        const std::size_t before = 3 * f.operands + (f.bias_first ? 1 : 0);
        const auto input = [&](std::size_t i) {
            return i < node.inputs.size() ? node.inputs[i] : std::string_view();
        };
        if (node.outputs.size() != 1 || node.inputs.size() < before + 1 || input(before).empty())
            throw located_error(who(node) + ": lacks inputs or has more than one output");
        std::vector<std::string_view> plain;
        for (std::size_t k = 0; k < f.operands; ++k) {
            const std::string_view number = named(node, "number");
            node_proto& n = add(to, node, "DequantizeLinear",
                                {input(3 * k), input(3 * k + 1), input(3 * k + 2)}, number);
            // one scale a filter, where there is more than one
            if (k == 1) n.attributes.push_back(whole("axis", filter_axis(node, f)));
            plain.push_back(number);
        }
        const std::string_view bias = f.bias_first ? input(6) : f.plain == "Conv" ? input(8) : "";
        if (!bias.empty()) {
            const std::string_view scale = named(node, "scale"), wide = named(node, "bias"),
                                   number = named(node, "bias");
            add(to, node, "Mul", {input(1), input(4)}, scale);
            add(to, node, "Cast", {bias}, wide).attributes.push_back(whole("to", 1));
            add(to, node, "Mul", {wide, scale}, number);
            plain.push_back(number);
        }
        const std::string_view result = named(node, "result");
        node_proto& n = add(to, node, f.plain, std::move(plain), result);
        for (const attribute_proto& a : node.attributes)
            if (a.name != "channels_last") n.attributes.push_back(a);
        add(to, node, "QuantizeLinear", {result, input(before), input(before + 1)},
            node.outputs[0]);
    }

    static std::int64_t filter_axis(const node_proto& node, const form& f) {
        if (f.plain == "Conv") return 0;
        if (f.plain != "Gemm") return -1;
        for (const attribute_proto& a : node.attributes)
            if (a.name == "transB" && a.i.value_or(0) != 0) return 0;
        return 1;
    }

    std::deque<std::string> names_;
};

}  // namespace hass::detail::onnx
