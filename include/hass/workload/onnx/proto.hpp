/// \file proto.hpp
/// The part of an ONNX file that the loader looks at, as views into the file's bytes: no weight is
/// copied before it is used. Names are those of onnx.proto; `proto_reader.hpp` fills them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass::detail::onnx {

/// A name from the file, made fit for one line of a message, a CSV cell and a JSON string.
inline std::string printable(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string out(text.substr(0, longest));
    for (char& c : out)
        if (c < 0x20 || c > 0x7e) c = '?';
    return text.size() > longest ? out + "..." : out;
}

inline std::string quoted(std::string_view text) {
    return "'" + printable(text) + "'";
}

/// TensorProto.DataType; only the ones that are read have a name here.
enum class data_type : std::int64_t {
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    uint16 = 4,
    int16 = 5,
    int32 = 6,
    int64 = 7,
    boolean = 9,
    float16 = 10,
    float64 = 11,
    uint32 = 12,
    uint64 = 13,
    bfloat16 = 16,
    uint4 = 21,
    int4 = 22,
};

inline std::string data_type_name(std::int64_t type) {
    constexpr std::array<std::string_view, 24> names{
        "undefined",      "float32",    "uint8",          "int8",       "uint16",   "int16",
        "int32",          "int64",      "string",         "bool",       "float16",  "double",
        "uint32",         "uint64",     "complex64",      "complex128", "bfloat16", "float8e4m3fn",
        "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",      "int4",     "float4e2m1"};
    if (type >= 0 && static_cast<std::size_t>(type) < names.size())
        return std::string(names[static_cast<std::size_t>(type)]);
    return text_of({"number ", type});
}

/// Whether a type is one of whole numbers that the loader takes as data: token ids, masks.
constexpr bool is_whole_number(std::int64_t type) {
    return type == static_cast<std::int64_t>(data_type::int32) ||
           type == static_cast<std::int64_t>(data_type::int64) ||
           type == static_cast<std::int64_t>(data_type::boolean);
}

/// Whether a type is one of whole numbers of eight bits, as of pixels.
constexpr bool is_byte(std::int64_t type) {
    return type == static_cast<std::int64_t>(data_type::int8) ||
           type == static_cast<std::int64_t>(data_type::uint8);
}

/// Whether values of a type are numbers with a fraction, whatever their width.
constexpr bool is_floating(std::int64_t type) {
    switch (static_cast<data_type>(type)) {
        case data_type::float32:
        case data_type::float64:
        case data_type::float16:
        case data_type::bfloat16:
            return true;
        default:
            return false;
    }
}

/// TensorProto.external_data: where in another file the values lie.
struct external_place {
    std::string_view location;
    std::string_view offset;  ///< digits; empty: 0
    std::string_view length;  ///< digits; empty: to the end
};

/// TensorProto. Values stay where they are in the file.
struct tensor_proto {
    std::string_view name;
    std::vector<std::int64_t> dims;
    std::int64_t type = 0;
    std::optional<std::string_view> raw;  ///< raw_data
    std::vector<float> floats;            ///< float_data
    std::vector<double> doubles;          ///< double_data
    std::vector<std::int64_t> integers;   ///< int32_data or int64_data
    bool external = false;                ///< values in another file, `place`
    external_place place;
};

/// AttributeProto.AttributeType; only the ones that are asked for have a name here.
enum class attribute_type : std::int64_t { number = 1, integer = 2, text = 3 };

/// AttributeProto; the value that is present depends on what the exporter wrote.
struct attribute_proto {
    std::string_view name;
    std::optional<float> f;
    std::optional<std::int64_t> i;
    std::optional<std::string_view> s;
    std::optional<std::string_view> t;  ///< a tensor, parsed when asked for
    std::vector<float> floats;
    std::vector<std::int64_t> ints;
    std::int64_t type = 0;   ///< 0 where the writer left it out
    bool reference = false;  ///< stands for an attribute of a function, `refers_to`
    std::string_view refers_to;
};

/// The operator of a file that a node of two inputs was written for: these are inputs of it, perhaps with
/// their axes in another order.
struct written_for {
    std::string_view type, output;
    std::array<std::string_view, 2> inputs;
    std::array<std::size_t, 2> at{};  ///< which of its inputs they are
};

struct node_proto {
    std::string_view name;
    std::string_view op_type;
    std::string_view domain;
    std::string_view overload;
    std::vector<std::string_view> inputs;  ///< "" where an optional input is left out
    std::vector<std::string_view> outputs;
    std::vector<attribute_proto> attributes;
    std::int64_t opset = 0;  ///< of the function that it comes from; 0: the file's
    std::optional<written_for> stands_for;
};

/// Operator and node, for messages.
inline std::string who(const node_proto& n) {
    std::string text = "operator " + quoted(n.op_type);
    if (!n.name.empty()) return text + " (node " + quoted(n.name) + ")";
    if (!n.outputs.empty()) return text + " (node that gives " + quoted(n.outputs[0]) + ")";
    return text;
}

/// An error that already names operator and node.
struct located_error : error {
    using error::error;
};

/// ValueInfoProto: a graph input or output. A dynamic extent is `dynamic`.
struct value_proto {
    static constexpr std::int64_t dynamic = -1;
    std::string_view name;
    bool tensor = false;
    std::int64_t type = 0;
    std::optional<std::vector<std::int64_t>> dims;  ///< absent where the file states no shape
};

struct graph_proto {
    std::vector<node_proto> nodes;
    std::vector<tensor_proto> initializers;
    std::vector<value_proto> inputs;
    std::vector<value_proto> outputs;
};

/// FunctionProto: an operator spelled out in others.
struct function_proto {
    std::string_view name;
    std::string_view domain;
    std::string_view overload;
    std::vector<std::string_view> inputs;
    std::vector<std::string_view> outputs;
    std::vector<std::string_view> attributes;    ///< without defaults
    std::vector<attribute_proto> with_defaults;  ///< and those that have one
    std::vector<node_proto> nodes;
    std::int64_t opset = 0;  ///< of the default domain; 0: the file's
};

struct model_proto {
    graph_proto graph;
    std::vector<function_proto> functions;
    /// metadata_props: keys and values
    std::vector<std::pair<std::string_view, std::string_view>> metadata;
    std::int64_t opset = 0;  ///< of the default domain; 0 where the file has none
};

}  // namespace hass::detail::onnx
