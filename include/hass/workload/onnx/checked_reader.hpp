/// \file checked_reader.hpp
/// Fields of a protobuf message, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include <hass/error.hpp>

namespace hass::detail::onnx {

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

}  // namespace hass::detail::onnx
