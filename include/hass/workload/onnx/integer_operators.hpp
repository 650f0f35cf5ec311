/// \file integer_operators.hpp
/// Operators on integers (QLinearConv, QLinearMatMul, and those that onnxruntime writes for the same
/// purpose), spelled out with DequantizeLinear and QuantizeLinear around the operator that they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/workload/onnx/node_writer.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// Replaces them; to be kept for as long as the nodes are needed.
class integer_operators {
  public:
    explicit integer_operators(graph_proto& graph) {
        for (node_proto& node : graph.nodes)
            if (const form* f = known(node))
                spell_out(node, *f);
            else
                writer_.keep(std::move(node));
        graph.nodes = writer_.taken();
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

    void spell_out(const node_proto& node, const form& f) {
        const std::size_t before = 3 * f.operands + (f.bias_first ? 1 : 0);
        const auto input = [&](std::size_t i) {
            return i < node.inputs.size() ? node.inputs[i] : std::string_view();
        };
        if (node.outputs.size() != 1 || node.inputs.size() < before + 1 || input(before).empty())
            throw located_error(who(node) + ": lacks inputs or has more than one output");
        std::vector<std::string_view> plain;
        for (std::size_t k = 0; k < f.operands; ++k) {
            const std::string_view number = writer_.named(node, "number");
            node_proto& n = writer_.add(node, "DequantizeLinear",
                                        {input(3 * k), input(3 * k + 1), input(3 * k + 2)}, number);
            // one scale a filter, where there is more than one
            if (k == 1) n.attributes.push_back(node_writer::whole("axis", filter_axis(node, f)));
            plain.push_back(number);
        }
        const std::string_view bias = f.bias_first ? input(6) : f.plain == "Conv" ? input(8) : "";
        if (!bias.empty()) {
            const std::string_view scale = writer_.named(node, "scale"),
                                   wide = writer_.named(node, "bias"),
                                   number = writer_.named(node, "bias");
            writer_.add(node, "Mul", {input(1), input(4)}, scale);
            writer_.add(node, "Cast", {bias}, wide)
                .attributes.push_back(node_writer::whole("to", 1));
            writer_.add(node, "Mul", {wide, scale}, number);
            plain.push_back(number);
        }
        const std::string_view result = writer_.named(node, "result");
        node_proto& n = writer_.add(node, f.plain, std::move(plain), result);
        for (const attribute_proto& a : node.attributes)
            if (a.name != "channels_last") n.attributes.push_back(a);
        writer_.add(node, "QuantizeLinear", {result, input(before), input(before + 1)},
                    node.outputs[0]);
    }

    static std::int64_t filter_axis(const node_proto& node, const form& f) {
        if (f.plain == "Conv") return 0;
        if (f.plain != "Gemm") return -1;
        for (const attribute_proto& a : node.attributes)
            if (a.name == "transB" && a.i.value_or(0) != 0) return 0;
        return 1;
    }

    node_writer writer_;
};

}  // namespace hass::detail::onnx
