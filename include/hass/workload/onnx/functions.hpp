/// \file functions.hpp
/// Functions of an ONNX file (ModelProto.functions), each call replaced by the nodes that it stands
/// for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// Replaces calls; keeps the names that it makes for as long as the nodes are needed.
class inlined_functions {
  public:
    /// \throws hass::error for a function that calls itself, or calls that expand without measure
    explicit inlined_functions(model_proto& file) : functions_(file.functions) {
        if (functions_.empty()) return;
        std::vector<node_proto> nodes;
        for (node_proto& node : file.graph.nodes) expand(std::move(node), 0, nodes);
        file.graph.nodes = std::move(nodes);
    }
    inlined_functions(const inlined_functions&) = delete;
    inlined_functions& operator=(const inlined_functions&) = delete;

  private:
    const function_proto* called(const node_proto& node) const {
        const auto domain = [](std::string_view d) { return d == "ai.onnx" ? "" : d; };
        for (const function_proto& f : functions_)
            if (f.name == node.op_type && domain(f.domain) == domain(node.domain) &&
                f.overload == node.overload)
                return &f;
        return nullptr;
    }

    /// Inside of one call: what stands for a name of the function.
    using names = std::unordered_map<std::string_view, std::string_view>;

    void expand(node_proto node, int depth, std::vector<node_proto>& into) {
        constexpr std::size_t most = std::size_t{1} << 16;
        constexpr int deepest = 64;
        const function_proto* f = called(node);
        if (f == nullptr) {
            if (into.size() == most) throw error("with its functions the graph has > 65536 nodes");
            into.push_back(std::move(node));
            return;
        }
        if (depth == deepest)
            throw error("function " + quoted(f->name) + " calls itself, or calls are 64 deep");
        if (++calls_ > most) throw error("more than 65536 calls of functions");
        if (node.inputs.size() > f->inputs.size() || node.outputs.size() > f->outputs.size())
            throw located_error(who(node) + ": has more inputs or outputs than its function");
        names inside;
        for (std::size_t i = 0; i < f->inputs.size(); ++i)
            inside[f->inputs[i]] = i < node.inputs.size() ? node.inputs[i] : std::string_view();
        for (std::size_t i = 0; i < node.outputs.size(); ++i)
            if (!node.outputs[i].empty() && !inside.emplace(f->outputs[i], node.outputs[i]).second)
                pass_through(node, *f, i, inside, into);
        const std::string prefix = text_of({f->name, "_", calls_, "/"});
        for (const node_proto& body : f->nodes)
            expand(rewritten(body, node, *f, prefix, inside), depth + 1, into);
    }

    /// An output of a function that is one of its inputs as it came, or was given already.
    void pass_through(const node_proto& node, const function_proto& f, std::size_t i,
                      const names& inside, std::vector<node_proto>& into) {
        node_proto copy;
        copy.op_type = "Identity";
        copy.name = node.name;
        copy.inputs = {inside.at(f.outputs[i])};
        copy.outputs = {node.outputs[i]};
        into.push_back(std::move(copy));
    }

    node_proto rewritten(node_proto body, const node_proto& call, const function_proto& f,
                         const std::string& prefix, names& inside) {
        const auto outside = [&](std::string_view name) {
            if (name.empty()) return name;
            const auto at = inside.find(name);
            if (at != inside.end()) return at->second;
            return inside[name] = kept(prefix + std::string(name));
        };
        for (std::string_view& name : body.inputs) name = outside(name);
        for (std::string_view& name : body.outputs) name = outside(name);
        body.name = body.name.empty() ? call.name : kept(prefix + std::string(body.name));
        body.opset = f.opset;
        std::vector<attribute_proto> attributes;
        for (attribute_proto& a : body.attributes) {
            if (!a.reference)
                attributes.push_back(std::move(a));
            else if (const attribute_proto* given = attribute(a.refers_to, call, f)) {
                attributes.push_back(*given);
                attributes.back().name = a.name;
            }  // an optional attribute that the call leaves out is left out inside as well
        }
        body.attributes = std::move(attributes);
        return body;
    }

    static const attribute_proto* attribute(std::string_view name, const node_proto& call,
                                            const function_proto& f) {
        for (const std::vector<attribute_proto>* all : {&call.attributes, &f.with_defaults})
            for (const attribute_proto& a : *all)
                if (a.name == name) return &a;
        return nullptr;
    }

    std::string_view kept(std::string name) { return names_.emplace_back(std::move(name)); }

    const std::vector<function_proto>& functions_;
    std::deque<std::string> names_;
    std::size_t calls_ = 0;
};

}  // namespace hass::detail::onnx
