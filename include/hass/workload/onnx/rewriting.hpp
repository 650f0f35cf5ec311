/// \file rewriting.hpp
/// An ONNX file with some of its tensors and nodes changed; every other field stays byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include <hass/error.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/proto_reader.hpp>

namespace hass::detail::onnx {

/// Values of a tensor that become zero, or the number that stands for zero.
struct zeroed_values {
    std::vector<bool> where;                ///< one a value
    std::vector<std::int64_t> zero_points;  ///< integers: one, or one a position of `axis`
    std::size_t axis = 0;
};

/// What is to change. Nodes go by their first output.
struct graph_changes {
    std::unordered_map<std::string_view, zeroed_values> zeroed;  ///< by initializer
    std::vector<std::string> initializers;                       ///< TensorProtos to add
    std::unordered_map<std::string_view, std::vector<std::string>>
        before;  ///< NodeProtos, in order
    /// New names of inputs, and operators with one more attribute.
    std::unordered_map<std::string_view, std::map<std::size_t, std::string>> inputs;
    std::unordered_map<std::string_view, std::pair<std::string, std::string>> operators;
    std::unordered_set<std::string_view> dropped;     ///< nodes to leave out
    std::unordered_set<std::string_view> never_read;  ///< initializers to leave out
    std::vector<std::pair<std::string, std::string>> metadata;
};

/// An attribute that holds one float.
inline std::string float_attribute(std::string_view name, float value) {
    std::string out;
    protozero::pbf_writer a(out);
    a.add_string(1, name.data(), name.size());
    a.add_float(2, value);
    a.add_int32(20, static_cast<std::int32_t>(attribute_type::number));
    return out;
}

inline std::string integer_attribute(std::string_view name, std::int64_t value) {
    std::string out;
    protozero::pbf_writer a(out);
    a.add_string(1, name.data(), name.size());
    a.add_int64(3, value);
    a.add_int32(20, static_cast<std::int32_t>(attribute_type::integer));
    return out;
}

/// A node of the default domain with at most one attribute.
inline std::string new_node(const std::string& type, const std::string& name,
                            const std::vector<std::string>& inputs, const std::string& output,
                            const std::string& attribute = {}) {
    std::string out;
    protozero::pbf_writer n(out);
    for (const std::string& input : inputs) n.add_string(1, input);
    n.add_string(2, output);
    n.add_string(3, name);
    n.add_string(4, type);
    if (!attribute.empty()) n.add_message(5, attribute);
    return out;
}

/// A tensor of values that are given as they stand in raw_data.
inline std::string new_tensor(const std::string& name, std::span<const std::int64_t> dims,
                              std::int64_t type, std::string_view raw) {
    std::string out;
    protozero::pbf_writer t(out);
    t.add_packed_int64(1, dims.begin(), dims.end());
    t.add_int32(2, static_cast<std::int32_t>(type));
    t.add_string(8, name);
    t.add_bytes(9, raw.data(), raw.size());
    return out;
}

/// The same of float32.
inline std::string new_floats(const std::string& name, std::span<const std::int64_t> dims,
                              std::span<const float> values) {
    return new_tensor(name, dims, static_cast<std::int64_t>(data_type::float32),
                      {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

/// The values of a tensor as raw_data holds them, whatever field they stand in.
/// \throws hass::error as `file_constant` does
inline std::string raw_values(const tensor_proto& t) {
    file_constant(t);  // its checks
    if (t.raw) return std::string(*t.raw);
    std::string raw;
    const auto append = [&](const auto& value, std::size_t size) {
        raw.append(reinterpret_cast<const char*>(&value), size);  // little endian, as the reader's
    };
    for (const float v : t.floats) append(v, sizeof v);
    for (const double v : t.doubles) append(v, sizeof v);
    const std::size_t bits = bits_of(t.type);
    for (const std::int64_t v : t.integers) append(v, bits < 8 ? 1 : bits / 8);
    return raw;
}

/// Puts zeros where they are asked for.
inline void put_zeros(std::string& raw, const tensor_proto& t, const zeroed_values& zeroed) {
    const std::size_t bits = bits_of(t.type);
    std::size_t behind = 1;  // values of one position of the axis
    for (std::size_t k = zeroed.axis + 1; k < t.dims.size(); ++k)
        behind *= static_cast<std::size_t>(t.dims[k]);
    for (std::size_t i = 0; i < zeroed.where.size(); ++i) {
        if (!zeroed.where[i]) continue;
        const std::vector<std::int64_t>& points = zeroed.zero_points;
        const std::int64_t zero =
            points.empty() ? 0 : points[points.size() == 1 ? 0 : i / behind % points.size()];
        if (bits >= 8) {
            std::memcpy(raw.data() + i * (bits / 8), &zero, bits / 8);
        } else {
            const unsigned shift = i % 2 == 0 ? 0 : 4;
            const auto byte = static_cast<unsigned char>(raw[i / 2]);
            raw[i / 2] = static_cast<char>((byte & ~(15U << shift)) |
                                           ((static_cast<unsigned>(zero) & 15U) << shift));
        }
    }
}

/// Writes the changed file.
class rewriting {
  public:
    /// \param bytes  the file
    /// \param parsed  the same, with the values of external tensors attached
    /// \param external  name of the file beside the new one that takes the external tensors' values
    rewriting(std::string_view bytes, const graph_proto& parsed, const graph_changes& changes,
              std::string external)
        : bytes_(bytes), parsed_(parsed), changes_(changes), external_(std::move(external)) {}

    std::string model() {
        std::string out;
        protozero::pbf_writer to(out);
        bool added = false;
        protozero::pbf_reader in(bytes_.data(), bytes_.size());
        while (in.next()) {
            const auto tag = in.tag();
            if (tag == 7) {
                to.add_message(7, graph(view_of(in.get_view()), !added));
                added = true;
            } else if (tag == 14) {
                const protozero::data_view entry = in.get_view();
                if (!replaced(read_property(view_of(entry)).first)) to.add_message(14, entry);
            } else {
                copy(in, to);
            }
        }
        for (const auto& [key, value] : changes_.metadata) {
            protozero::pbf_writer entry(to, 14);
            entry.add_string(1, key);
            entry.add_string(2, value);
        }
        return out;
    }

    /// Values of external tensors, once `model` was written.
    const std::string& external_values() const { return values_; }

  private:
    static std::string_view view_of(protozero::data_view v) { return {v.data(), v.size()}; }

    /// One field as it is.
    static void copy(protozero::pbf_reader& in, protozero::pbf_writer& to) {
        const auto tag = in.tag();  // which reading a value resets
        switch (in.wire_type()) {
            case protozero::pbf_wire_type::varint:
                return to.add_uint64(tag, in.get_uint64());
            case protozero::pbf_wire_type::fixed64:
                return to.add_fixed64(tag, in.get_fixed64());
            case protozero::pbf_wire_type::fixed32:
                return to.add_fixed32(tag, in.get_fixed32());
            case protozero::pbf_wire_type::length_delimited:
                return to.add_bytes(tag, in.get_view());
            default:
                throw error("the file has a field of no known wire type");
        }
    }

    bool replaced(std::string_view key) const {
        for (const auto& [ours, value] : changes_.metadata)
            if (ours == key) return true;
        return false;
    }

    std::string graph(std::string_view bytes, bool first) {
        std::string out;
        protozero::pbf_writer to(out);
        protozero::pbf_reader in(bytes.data(), bytes.size());
        while (in.next()) {
            if (in.tag() == 1) {
                node(view_of(in.get_view()), to);
            } else if (in.tag() == 5) {
                initializer(view_of(in.get_view()), to);
            } else {
                copy(in, to);
            }
        }
        if (first)
            for (const std::string& t : changes_.initializers) to.add_message(5, t);
        return out;
    }

    void node(std::string_view bytes, protozero::pbf_writer& to) {
        std::string_view gives;
        protozero::pbf_reader look(bytes.data(), bytes.size());
        if (look.next(2)) gives = view_of(look.get_view());
        if (const auto at = changes_.before.find(gives); at != changes_.before.end())
            for (const std::string& n : at->second) to.add_message(1, n);
        if (changes_.dropped.contains(gives)) return;
        const auto renamed = changes_.inputs.find(gives);
        const auto other = changes_.operators.find(gives);
        if (renamed == changes_.inputs.end() && other == changes_.operators.end())
            return to.add_bytes(1, bytes.data(), bytes.size());
        protozero::pbf_writer n(to, 1);
        protozero::pbf_reader in(bytes.data(), bytes.size());
        for (std::size_t input = 0; in.next();) {
            if (in.tag() == 1 && renamed != changes_.inputs.end()) {
                const auto given = renamed->second.find(input++);
                const protozero::data_view was = in.get_view();
                if (given != renamed->second.end())
                    n.add_string(1, given->second);
                else
                    n.add_bytes(1, was);
            } else if (in.tag() == 4 && other != changes_.operators.end()) {
                in.skip();
                n.add_string(4, other->second.first);
                n.add_message(5, other->second.second);
            } else {
                copy(in, n);
            }
        }
    }

    /// A tensor whose values change, or move to another file.
    void initializer(std::string_view bytes, protozero::pbf_writer& to) {
        const tensor_proto& t = parsed_.initializers.at(next_initializer_++);
        if (changes_.never_read.contains(t.name)) return;
        const auto zeroed = changes_.zeroed.find(t.name);
        const bool outside = lies_outside(bytes);
        if (zeroed == changes_.zeroed.end() && !outside)
            return to.add_bytes(5, bytes.data(), bytes.size());
        std::string raw = raw_values(t);
        if (zeroed != changes_.zeroed.end()) put_zeros(raw, t, zeroed->second);
        protozero::pbf_writer out(to, 5);
        protozero::pbf_reader in(bytes.data(), bytes.size());
        while (in.next()) {
            const auto tag = in.tag();
            const bool values = tag == 4 || tag == 5 || tag == 7 || (tag >= 9 && tag <= 11) ||
                                tag == 13 || tag == 14;
            values ? in.skip() : copy(in, out);
        }
        if (outside)
            place(out, raw);
        else
            out.add_bytes(9, raw);
    }

    static bool lies_outside(std::string_view bytes) { return read_tensor(bytes).external; }

    void place(protozero::pbf_writer& tensor, const std::string& raw) {
        const auto entry = [&](const char* key, const std::string& value) {
            protozero::pbf_writer e(tensor, 13);
            e.add_string(1, key);
            e.add_string(2, value);
        };
        entry("location", external_);
        entry("offset", std::to_string(values_.size()));
        entry("length", std::to_string(raw.size()));
        tensor.add_int32(14, 1);
        values_ += raw;
    }

    std::string_view bytes_;
    const graph_proto& parsed_;
    const graph_changes& changes_;
    std::string external_, values_;
    std::size_t next_initializer_ = 0;
};

}  // namespace hass::detail::onnx
