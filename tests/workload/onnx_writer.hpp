// Writes small ONNX files for the tests: a graph node by node, straight into protobuf fields.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace writer {

/// A tensor in the file; `typed` puts the values into float_data / int64_data instead of raw_data.
inline std::string tensor(std::string_view name, const std::vector<std::int64_t>& dims,
                          const std::vector<float>& values, bool typed = false) {
    std::string out;
    protozero::pbf_writer t(out);
    for (const std::int64_t d : dims) t.add_int64(1, d);
    t.add_int32(2, 1);
    if (typed) t.add_packed_float(4, values.begin(), values.end());
    t.add_string(8, std::string(name));
    if (!typed)
        t.add_bytes(9, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return out;
}

inline std::string integers(std::string_view name, const std::vector<std::int64_t>& dims,
                            const std::vector<std::int64_t>& values, bool typed = false) {
    std::string out;
    protozero::pbf_writer t(out);
    t.add_packed_int64(1, dims.begin(), dims.end());
    t.add_int32(2, 7);
    if (typed) t.add_packed_int64(7, values.begin(), values.end());
    t.add_string(8, std::string(name));
    if (!typed)
        t.add_bytes(9, reinterpret_cast<const char*>(values.data()),
                    values.size() * sizeof(std::int64_t));
    return out;
}

/// An attribute: its name and an integer, a float, a text, integers, floats or a tensor's bytes.
struct bytes {
    std::string content;
};
using attribute_value = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                                     std::vector<float>, bytes>;
using attributes = std::vector<std::pair<std::string, attribute_value>>;

inline std::vector<std::int64_t> ints(std::initializer_list<std::int64_t> values) {
    return values;
}

class graph {
  public:
    explicit graph(std::int64_t opset = 13) : opset_(opset) {}

    /// Adds a node; its output has the node's name unless others are given.
    graph& node(std::string_view op, std::string_view name, const std::vector<std::string>& inputs,
                const attributes& with = {}, std::vector<std::string> outputs = {},
                std::string_view domain = {}) {
        std::string out;
        protozero::pbf_writer n(out);
        if (outputs.empty()) outputs.emplace_back(name);
        for (const std::string& input : inputs) n.add_string(1, input);
        for (const std::string& output : outputs) n.add_string(2, output);
        n.add_string(3, std::string(name));
        n.add_string(4, std::string(op));
        for (const auto& [key, value] : with) n.add_message(5, attribute(key, value));
        if (!domain.empty()) n.add_string(7, std::string(domain));
        nodes_.push_back(std::move(out));
        last_ = outputs[0];
        return *this;
    }

    graph& weight(std::string_view name, const std::vector<std::int64_t>& dims,
                  const std::vector<float>& values, bool typed = false) {
        initializers_.push_back(tensor(name, dims, values, typed));
        return *this;
    }

    /// A weight whose values count up in small steps.
    graph& weight(std::string_view name, const std::vector<std::int64_t>& dims) {
        std::size_t count = 1;
        for (const std::int64_t d : dims) count *= static_cast<std::size_t>(d);
        std::vector<float> values;
        for (std::size_t i = 0; i < count; ++i) values.push_back(0.5F + 0.25F * float(i % 7));
        return weight(name, dims, values);
    }

    graph& whole(std::string_view name, const std::vector<std::int64_t>& values,
                 bool typed = false) {
        initializers_.push_back(
            integers(name, {static_cast<std::int64_t>(values.size())}, values, typed));
        return *this;
    }

    graph& initializer(std::string content) {
        initializers_.push_back(std::move(content));
        return *this;
    }

    /// The image; extents <= 0 are dynamic. Default: N x 3 x 8 x 8.
    graph& input(const std::vector<std::int64_t>& dims, std::string_view name = "x", int type = 1) {
        inputs_.push_back(value(name, dims, type));
        return *this;
    }

    graph& output(std::string_view name, const std::vector<std::int64_t>& dims = {}) {
        outputs_.push_back(value(name, dims, 1));
        return *this;
    }

    /// An entry of metadata_props.
    graph& metadata(std::string_view key, std::string_view value) {
        std::string out;
        protozero::pbf_writer w(out);
        w.add_string(1, std::string(key));
        w.add_string(2, std::string(value));
        metadata_.push_back(std::move(out));
        return *this;
    }

    /// The file; the last node's output is the network's unless one is named.
    std::string file() const {
        std::string out;
        protozero::pbf_writer m(out);
        m.add_int64(1, 7);
        m.add_string(2, "test");
        std::string body;
        protozero::pbf_writer g(body);
        for (const std::string& n : nodes_) g.add_message(1, n);
        g.add_string(2, "graph");
        for (const std::string& t : initializers_) g.add_message(5, t);
        if (inputs_.empty()) g.add_message(11, value("x", {0, 3, 8, 8}, 1));
        for (const std::string& v : inputs_) g.add_message(11, v);
        if (outputs_.empty()) g.add_message(12, value(last_, {}, 1));
        for (const std::string& v : outputs_) g.add_message(12, v);
        m.add_message(7, body);
        std::string opset;
        protozero::pbf_writer o(opset);
        o.add_string(1, "");
        o.add_int64(2, opset_);
        m.add_message(8, opset);
        for (const std::string& entry : metadata_) m.add_message(14, entry);
        return out;
    }

  private:
    static std::string attribute(const std::string& name, const attribute_value& value) {
        std::string out;
        protozero::pbf_writer a(out);
        a.add_string(1, name);
        if (const auto* i = std::get_if<std::int64_t>(&value)) a.add_int64(3, *i);
        if (const auto* f = std::get_if<float>(&value)) a.add_float(2, *f);
        if (const auto* s = std::get_if<std::string>(&value)) a.add_bytes(4, *s);
        if (const auto* t = std::get_if<bytes>(&value)) a.add_message(5, t->content);
        if (const auto* v = std::get_if<std::vector<float>>(&value))
            for (const float f : *v) a.add_float(7, f);
        if (const auto* v = std::get_if<std::vector<std::int64_t>>(&value))
            for (const std::int64_t i : *v) a.add_int64(8, i);
        return out;
    }

    static std::string value(std::string_view name, const std::vector<std::int64_t>& dims,
                             int type) {
        std::string shape;
        protozero::pbf_writer s(shape);
        for (const std::int64_t d : dims) {
            std::string dim;
            protozero::pbf_writer w(dim);
            if (d > 0)
                w.add_int64(1, d);
            else
                w.add_string(2, "N");
            s.add_message(1, dim);
        }
        std::string tensor_type;
        protozero::pbf_writer t(tensor_type);
        t.add_int32(1, type);
        if (!dims.empty()) t.add_message(2, shape);
        std::string type_proto;
        protozero::pbf_writer y(type_proto);
        y.add_message(1, tensor_type);
        std::string out;
        protozero::pbf_writer v(out);
        v.add_string(1, std::string(name));
        v.add_message(2, type_proto);
        return out;
    }

    std::int64_t opset_;
    std::string last_;
    std::vector<std::string> nodes_, initializers_, inputs_, outputs_, metadata_;
};

}  // namespace writer
