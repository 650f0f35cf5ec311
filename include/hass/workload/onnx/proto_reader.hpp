/// \file proto_reader.hpp
/// Reads the messages of `proto.hpp`. Field numbers are those of onnx.proto; unknown fields are
/// skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/workload/onnx/checked_reader.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// StringStringEntryProto: a key and its value.
inline std::pair<std::string_view, std::string_view> read_property(std::string_view bytes) {
    std::pair<std::string_view, std::string_view> property;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            property.first = in.view("key");
        else if (in.tag() == 2)
            property.second = in.view("value");
        else
            in.skip();
    }
    return property;
}

/// An entry of TensorProto.external_data.
inline void read_place(std::string_view bytes, external_place& place) {
    const auto [key, text] = read_property(bytes);
    if (key == "location")
        place.location = text;
    else if (key == "offset")
        place.offset = text;
    else if (key == "length")
        place.length = text;
}

inline tensor_proto read_tensor(std::string_view bytes) {
    tensor_proto t;
    checked_reader in(bytes);
    while (in.next()) {
        switch (in.tag()) {
            case 1:
                in.integers(t.dims, "dims");
                break;
            case 2:
                t.type = in.integer("data_type");
                break;
            case 4:
                in.numbers(t.floats, "float_data");
                break;
            case 5:
                in.integers(t.integers, "int32_data");
                break;
            case 7:
                in.integers(t.integers, "int64_data");
                break;
            case 8:
                t.name = in.view("name");
                break;
            case 9:
                t.raw = in.view("raw_data");
                break;
            case 10:
                in.numbers(t.doubles, "double_data");
                break;
            case 13:
                read_place(in.view("external_data"), t.place), t.external = true;
                break;
            case 11:
                in.integers(t.integers, "uint64_data");
                break;
            case 14:
                t.external = in.integer("data_location") == 1 || t.external;
                break;
            default:
                in.skip();
        }
    }
    return t;
}

inline attribute_proto read_attribute(std::string_view bytes) {
    attribute_proto a;
    checked_reader in(bytes);
    while (in.next()) {
        switch (in.tag()) {
            case 1:
                a.name = in.view("name");
                break;
            case 2:
                a.f = in.number("f");
                break;
            case 3:
                a.i = in.integer("i");
                break;
            case 4:
                a.s = in.view("s");
                break;
            case 5:
                a.t = in.view("t");
                break;
            case 7:
                in.numbers(a.floats, "floats");
                break;
            case 8:
                in.integers(a.ints, "ints");
                break;
            case 20:
                a.type = in.integer("type");
                break;
            case 21:
                a.refers_to = in.view("ref_attr_name"), a.reference = true;
                break;
            default:
                in.skip();
        }
    }
    return a;
}

inline node_proto read_node(std::string_view bytes) {
    constexpr std::size_t most_attributes = 64;
    node_proto n;
    checked_reader in(bytes);
    while (in.next()) {
        switch (in.tag()) {
            case 1:
                n.inputs.push_back(in.view("input"));
                break;
            case 2:
                n.outputs.push_back(in.view("output"));
                break;
            case 3:
                n.name = in.view("name");
                break;
            case 4:
                n.op_type = in.view("op_type");
                break;
            case 5:
                if (n.attributes.size() == most_attributes)
                    throw error("a node has more than 64 attributes");
                n.attributes.push_back(read_attribute(in.view("attribute")));
                break;
            case 7:
                n.domain = in.view("domain");
                break;
            case 8:
                n.overload = in.view("overload");
                break;
            default:
                in.skip();
        }
    }
    if (n.op_type.empty()) throw error("node " + quoted(n.name) + " names no operator");
    return n;
}

/// TensorShapeProto.Dimension.
inline std::int64_t read_dimension(std::string_view bytes) {
    std::int64_t extent = value_proto::dynamic;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            extent = in.integer("dim_value");
        else
            in.skip();
    }
    return extent;
}

/// TensorShapeProto.
inline std::vector<std::int64_t> read_shape(std::string_view bytes) {
    std::vector<std::int64_t> dims;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            dims.push_back(read_dimension(in.view("dim")));
        else
            in.skip();
    }
    return dims;
}

/// TypeProto.Tensor.
inline void read_tensor_type(std::string_view bytes, value_proto& v) {
    v.tensor = true;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            v.type = in.integer("elem_type");
        else if (in.tag() == 2)
            v.dims = read_shape(in.view("shape"));
        else
            in.skip();
    }
}

/// TypeProto, of which tensors alone have an extent.
inline void read_type(std::string_view bytes, value_proto& v) {
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            read_tensor_type(in.view("tensor_type"), v);
        else
            in.skip();
    }
}

inline value_proto read_value(std::string_view bytes) {
    value_proto v;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            v.name = in.view("name");
        else if (in.tag() == 2)
            read_type(in.view("type"), v);
        else
            in.skip();
    }
    return v;
}

inline void read_graph(std::string_view bytes, graph_proto& g) {
    // an empty message takes two bytes in the file but hundreds in memory: bound their number
    constexpr std::size_t most = std::size_t{1} << 16;
    checked_reader in(bytes);
    while (in.next()) {
        switch (in.tag()) {
            case 1:
                g.nodes.push_back(read_node(in.view("node")));
                break;
            case 5:
                g.initializers.push_back(read_tensor(in.view("initializer")));
                break;
            case 11:
                g.inputs.push_back(read_value(in.view("input")));
                break;
            case 12:
                g.outputs.push_back(read_value(in.view("output")));
                break;
            case 15:
                throw error("sparse initializers are not supported");
            default:
                in.skip();
        }
        if (g.nodes.size() > most || g.initializers.size() > most || g.inputs.size() > most ||
            g.outputs.size() > most)
            throw error("the graph has more than 65536 nodes, initializers, inputs or outputs");
    }
}

/// OperatorSetIdProto: a domain and its version.
inline std::pair<std::string_view, std::int64_t> read_opset(std::string_view bytes) {
    std::pair<std::string_view, std::int64_t> opset;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            opset.first = in.view("domain");
        else if (in.tag() == 2)
            opset.second = in.integer("version");
        else
            in.skip();
    }
    return opset;
}

/// The opset of the default domain, where `bytes` is about it.
inline void read_opset(std::string_view bytes, std::int64_t& opset) {
    const auto [domain, version] = read_opset(bytes);
    if (domain.empty() || domain == "ai.onnx") opset = version;
}

inline function_proto read_function(std::string_view bytes) {
    constexpr std::size_t most = std::size_t{1} << 12;
    function_proto f;
    checked_reader in(bytes);
    while (in.next()) {
        switch (in.tag()) {
            case 1:
                f.name = in.view("name");
                break;
            case 4:
                f.inputs.push_back(in.view("input"));
                break;
            case 5:
                f.outputs.push_back(in.view("output"));
                break;
            case 6:
                f.attributes.push_back(in.view("attribute"));
                break;
            case 7:
                f.nodes.push_back(read_node(in.view("node")));
                break;
            case 9:
                read_opset(in.view("opset_import"), f.opset);
                break;
            case 10:
                f.domain = in.view("domain");
                break;
            case 11:
                f.with_defaults.push_back(read_attribute(in.view("attribute_proto")));
                break;
            case 13:
                f.overload = in.view("overload");
                break;
            default:
                in.skip();
        }
        if (f.inputs.size() > most || f.outputs.size() > most || f.attributes.size() > most ||
            f.with_defaults.size() > most || f.nodes.size() > most)
            throw error("function " + quoted(f.name) + " has more than 4096 of a kind");
    }
    return f;
}

inline model_proto read_model(std::string_view bytes) {
    constexpr std::size_t most_metadata = std::size_t{1} << 16;
    constexpr std::size_t most_functions = std::size_t{1} << 12;
    model_proto m;
    bool has_graph = false;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 7) {
            read_graph(in.view("graph"), m.graph);
            has_graph = true;
        } else if (in.tag() == 8) {
            read_opset(in.view("opset_import"), m.opset);
        } else if (in.tag() == 14) {
            m.metadata.push_back(read_property(in.view("metadata_props")));
            if (m.metadata.size() > most_metadata)
                throw error("metadata_props: more than 65536 entries");
        } else if (in.tag() == 25) {
            m.functions.push_back(read_function(in.view("functions")));
            if (m.functions.size() > most_functions) throw error("more than 4096 functions");
        } else {
            in.skip();
        }
    }
    if (!has_graph) throw error("not an ONNX file: it holds no graph");
    return m;
}

}  // namespace hass::detail::onnx
