/// \file node_finder.hpp
/// What gives a tensor of a graph, as far as chains of nodes are recognised by it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/proto_reader.hpp>

namespace hass::detail::onnx {

/// Nodes by what they give, and the values of short constants.
class node_finder {
  public:
    /// \param graph  must outlive the finder; nodes may change, but stay where they are
    explicit node_finder(const graph_proto& graph) : graph_(graph) {
        for (const tensor_proto& t : graph.initializers) initializers_.emplace(t.name, &t);
        for (std::size_t i = 0; i < graph.nodes.size(); ++i)
            for (const std::string_view output : graph.nodes[i].outputs)
                producers_.emplace(output, i);
    }

    const node_proto* producer(std::string_view tensor) const {
        const auto at = producers_.find(tensor);
        return at == producers_.end() ? nullptr : &graph_.nodes[at->second];
    }

    /// The node that gives a tensor, if it is of that type and has `inputs` of them.
    const node_proto* made_by(std::string_view tensor, std::string_view type,
                              std::size_t inputs) const {
        const node_proto* node = producer(tensor);
        const bool is = node != nullptr && node->op_type == type && node->domain.empty() &&
                        node->inputs.size() == inputs;
        return is ? node : nullptr;
    }

    static const attribute_proto* attribute(const node_proto& node, std::string_view name) {
        for (const attribute_proto& a : node.attributes)
            if (a.name == name) return &a;
        return nullptr;
    }

    /// A short constant's values; nothing for data, and for what has to be folded first.
    std::optional<std::vector<double>> constants(std::string_view tensor) const {
        const auto values_of = [](const tensor_proto& t) -> std::optional<std::vector<double>> {
            constexpr std::int64_t most = 8;
            std::int64_t count = 1;
            for (const std::int64_t d : t.dims) {
                if (d < 1 || d > most) return std::nullopt;
                count *= d;
            }
            if (count > most || t.external) return std::nullopt;
            budget few(0);
            return numbers(file_constant(t), few);
        };
        if (const auto at = initializers_.find(tensor); at != initializers_.end())
            return values_of(*at->second);
        const node_proto* node = made_by(tensor, "Constant", 0);
        if (node == nullptr) return std::nullopt;
        if (const attribute_proto* a = attribute(*node, "value"); a != nullptr && a->t)
            return values_of(read_tensor(*a->t));
        if (const attribute_proto* f = attribute(*node, "value_float"); f != nullptr && f->f)
            return std::vector{static_cast<double>(*f->f)};
        return std::nullopt;
    }
    std::optional<double> number(std::string_view tensor) const {
        const auto all = constants(tensor);
        return all && all->size() == 1 ? std::optional((*all)[0]) : std::nullopt;
    }
    bool is_number(std::string_view tensor, double wanted) const {
        const auto n = number(tensor);
        return n && std::abs(*n - wanted) <= 1e-3 * std::abs(wanted);
    }

    /// The other input of a node of two, one of which is a number; "" where none or both are.
    std::pair<std::string_view, double> beside_number(const node_proto& node) const {
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}})
            if (const auto n = number(node.inputs[k]); n && !number(node.inputs[1 - k]))
                return {node.inputs[1 - k], *n};
        return {};
    }

  private:
    const graph_proto& graph_;
    std::unordered_map<std::string_view, const tensor_proto*> initializers_;
    std::unordered_map<std::string_view, std::size_t> producers_;
};

}  // namespace hass::detail::onnx
