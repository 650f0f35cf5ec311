/// \file proto.hpp
/// The part of an ONNX file that the loader looks at, as views into the file's bytes: no weight is
/// copied before it is used, unknown fields are skipped. Field numbers are those of onnx.proto.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <protozero/pbf_reader.hpp>

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
    int32 = 6,
    int64 = 7,
    boolean = 9,
    float64 = 11,
};

inline std::string data_type_name(std::int64_t type) {
    constexpr std::array<std::string_view, 17> names{
        "undefined", "float32", "uint8",     "int8",       "uint16",  "int16",
        "int32",     "int64",   "string",    "bool",       "float16", "double",
        "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
    if (type >= 0 && static_cast<std::size_t>(type) < names.size())
        return std::string(names[static_cast<std::size_t>(type)]);
    return text_of({"number ", type});
}

/// TensorProto. Values stay where they are in the file.
struct tensor_proto {
    std::string_view name;
    std::vector<std::int64_t> dims;
    std::int64_t type = 0;
    std::optional<std::string_view> raw;  ///< raw_data
    std::vector<float> floats;            ///< float_data
    std::vector<double> doubles;          ///< double_data
    std::vector<std::int64_t> integers;   ///< int32_data or int64_data
    bool external = false;                ///< values in another file
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
    bool reference = false;  ///< refers to an attribute of a function
};

struct node_proto {
    std::string_view name;
    std::string_view op_type;
    std::string_view domain;
    std::vector<std::string_view> inputs;  ///< "" where an optional input is left out
    std::vector<std::string_view> outputs;
    std::vector<attribute_proto> attributes;
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

struct model_proto {
    graph_proto graph;
    /// metadata_props: keys and values
    std::vector<std::pair<std::string_view, std::string_view>> metadata;
    std::int64_t opset = 0;  ///< of the default domain; 0 where the file has none
};

/// pbf_reader trusts its caller about wire types; this one does not.
class checked_reader {
  public:
    explicit checked_reader(std::string_view bytes) : reader_(bytes.data(), bytes.size()) {}

    bool next() { return reader_.next(); }
    std::uint32_t tag() const { return reader_.tag(); }
    void skip() { reader_.skip(); }

    std::string_view view(const char* field) {
        expect(protozero::pbf_wire_type::length_delimited, field);
        const protozero::data_view v = reader_.get_view();
        return {v.data(), v.size()};
    }

    std::int64_t integer(const char* field) {
        expect(protozero::pbf_wire_type::varint, field);
        return reader_.get_int64();
    }

    float number(const char* field) {
        expect(protozero::pbf_wire_type::fixed32, field);
        return reader_.get_float();
    }

    /// Repeated integers, packed or one a tag.
    void integers(std::vector<std::int64_t>& into, const char* field) {
        if (reader_.wire_type() == protozero::pbf_wire_type::length_delimited) {
            for (const std::int64_t value : reader_.get_packed_int64()) into.push_back(value);
        } else {
            into.push_back(integer(field));
        }
    }

    /// Repeated float or double, packed or one a tag.
    template <class T>
    void numbers(std::vector<T>& into, const char* field) {
        if (reader_.wire_type() == protozero::pbf_wire_type::length_delimited) {
            const std::string_view bytes = view(field);
            if (bytes.size() % sizeof(T) != 0) throw malformed(field);
            const std::size_t old = into.size();
            into.resize(old + bytes.size() / sizeof(T));
            if (!bytes.empty()) std::memcpy(into.data() + old, bytes.data(), bytes.size());
        } else if constexpr (sizeof(T) == 4) {
            into.push_back(number(field));
        } else {
            expect(protozero::pbf_wire_type::fixed64, field);
            into.push_back(reader_.get_double());
        }
    }

  private:
    static error malformed(const char* field) {
        return error(std::string("malformed ONNX file at field '") + field + "'");
    }

    void expect(protozero::pbf_wire_type type, const char* field) const {
        if (reader_.wire_type() != type) throw malformed(field);
    }

    protozero::pbf_reader reader_;
};

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
                in.skip(), t.external = true;
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
                in.skip(), a.reference = true;
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
            default:
                in.skip();
        }
    }
    if (n.op_type.empty()) throw error("node " + quoted(n.name) + " names no operator");
    return n;
}

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

inline value_proto read_value(std::string_view bytes) {
    value_proto v;
    // ValueInfoProto.type -> TypeProto.tensor_type -> Tensor.shape -> TensorShapeProto.dim
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 1)
            v.name = in.view("name");
        else if (in.tag() == 2) {
            checked_reader type(in.view("type"));
            while (type.next()) {
                if (type.tag() != 1) {
                    type.skip();
                    continue;
                }
                v.tensor = true;
                checked_reader tensor(type.view("tensor_type"));
                while (tensor.next()) {
                    if (tensor.tag() == 1)
                        v.type = tensor.integer("elem_type");
                    else if (tensor.tag() == 2) {
                        v.dims.emplace();
                        checked_reader shape(tensor.view("shape"));
                        while (shape.next()) {
                            if (shape.tag() == 1)
                                v.dims->push_back(read_dimension(shape.view("dim")));
                            else
                                shape.skip();
                        }
                    } else
                        tensor.skip();
                }
            }
        } else
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

inline model_proto read_model(std::string_view bytes) {
    constexpr std::size_t most_metadata = std::size_t{1} << 16;
    model_proto m;
    bool has_graph = false;
    checked_reader in(bytes);
    while (in.next()) {
        if (in.tag() == 7) {
            read_graph(in.view("graph"), m.graph);
            has_graph = true;
        } else if (in.tag() == 8) {
            checked_reader opset(in.view("opset_import"));
            std::string_view domain;
            std::int64_t version = 0;
            while (opset.next()) {
                if (opset.tag() == 1)
                    domain = opset.view("domain");
                else if (opset.tag() == 2)
                    version = opset.integer("version");
                else
                    opset.skip();
            }
            if (domain.empty() || domain == "ai.onnx") m.opset = version;
        } else if (in.tag() == 14) {
            checked_reader entry(in.view("metadata_props"));
            auto& [key, value] = m.metadata.emplace_back();
            while (entry.next()) {
                if (entry.tag() == 1)
                    key = entry.view("key");
                else if (entry.tag() == 2)
                    value = entry.view("value");
                else
                    entry.skip();
            }
            if (m.metadata.size() > most_metadata)
                throw error("metadata_props: more than 65536 entries");
        } else {
            in.skip();
        }
    }
    if (!has_graph) throw error("not an ONNX file: it holds no graph");
    return m;
}

}  // namespace hass::detail::onnx
