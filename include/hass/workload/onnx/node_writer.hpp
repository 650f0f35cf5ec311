/// \file node_writer.hpp
/// Nodes in place of one that a file has, for operators that are several others.
#pragma once

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

/// Writes nodes one behind the other; keeps the names that it makes for as long as it lives.
class node_writer {
  public:
    node_writer() = default;
    node_writer(const node_writer&) = delete;
    node_writer& operator=(const node_writer&) = delete;

    /// A tensor that stands between nodes written for `node`.
    std::string_view named(const node_proto& node, const char* what) {
        return names_.emplace_back(
            text_of({node.outputs.empty() ? "" : std::string(node.outputs[0]), "/", what, "_",
                     names_.size()}));
    }

    /// One node more, named after `of`.
    node_proto& add(const node_proto& of, std::string_view type,
                    std::vector<std::string_view> inputs, std::string_view output) {
        node_proto n;
        n.op_type = type, n.name = of.name, n.opset = of.opset;
        n.inputs = std::move(inputs);
        n.outputs = {output};
        return keep(std::move(n));
    }
    node_proto& last() { return nodes_.back(); }
    /// A node as it is.
    node_proto& keep(node_proto node) {
        constexpr std::size_t most = std::size_t{1} << 18;
        if (nodes_.size() == most) throw error("with operators spelled out it has > 2^18 nodes");
        return nodes_.emplace_back(std::move(node));
    }

    static attribute_proto whole(std::string_view name, std::int64_t value) {
        attribute_proto a;
        a.name = name, a.i = value, a.type = static_cast<std::int64_t>(attribute_type::integer);
        return a;
    }
    static attribute_proto number(std::string_view name, float value) {
        attribute_proto a;
        a.name = name, a.f = value, a.type = static_cast<std::int64_t>(attribute_type::number);
        return a;
    }
    static attribute_proto list(std::string_view name, std::vector<std::int64_t> values) {
        attribute_proto a;
        a.name = name, a.ints = std::move(values);
        return a;
    }

    std::vector<node_proto> taken() { return std::move(nodes_); }

  private:
    std::vector<node_proto> nodes_;
    std::deque<std::string> names_;
};

}  // namespace hass::detail::onnx
