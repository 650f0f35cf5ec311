/// \file constant.hpp
/// Constants of an ONNX graph, and the arithmetic that exporters leave around reshapes: numbers
/// known before the network sees an image. Every size is checked against the bytes that are there,
/// and all decoding and folding draws on one budget, so that a small file cannot ask for much.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/half.hpp>
#include <hass/text.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// How many numbers may be decoded, folded and stored for one file.
class budget {
  public:
    explicit budget(std::size_t file_bytes) : left_((std::size_t{1} << 20) + 4 * file_bytes) {}

    void spend(std::size_t numbers) {
        if (numbers > left_)
            throw error("constants expand to far more numbers than the file holds");
        left_ -= numbers;
    }

  private:
    std::size_t left_;
};

inline std::string dims_text(std::span<const std::int64_t> dims) {
    std::string text = "[";
    for (std::size_t i = 0; i < dims.size() && i < 8; ++i)
        text += text_of({(i > 0 ? "," : ""), dims[i]});
    return text + (dims.size() > 8 ? ",...]" : "]");
}

/// Product of extents, each >= 0; nothing where it exceeds `limit` or an extent is negative.
inline std::optional<std::size_t> element_count(std::span<const std::int64_t> dims,
                                                std::size_t limit) {
    bool empty = false;
    for (const std::int64_t d : dims) {
        if (d < 0) return std::nullopt;
        empty = empty || d == 0;
    }
    if (empty) return 0;
    std::size_t product = 1;
    for (const std::int64_t d : dims) {
        if (product > limit / static_cast<std::uint64_t>(d)) return std::nullopt;
        product *= static_cast<std::size_t>(d);
    }
    return product;
}

/// A tensor known before the network runs: in the file, or folded from such.
struct constant {
    std::string_view name;
    std::vector<std::int64_t> dims;
    bool floating = false;
    int bits = 0;  ///< of the levels that its values stand for; 0: it is not quantised
    /// What these levels were multiplied with, one for all or one along `steps_axis`; empty: not known.
    std::vector<float> steps;
    std::size_t steps_axis = 0;
    const tensor_proto* file = nullptr;  ///< where the values are, unless they were folded
    std::vector<double> values;          ///< folded values; integers are clamped to +-2^53

    std::size_t count() const {
        return file == nullptr
                   ? values.size()
                   : element_count(dims, std::numeric_limits<std::size_t>::max()).value_or(0);
    }
};

/// Bits of one value of a tensor in raw_data; 0 for types that are not read.
constexpr std::size_t bits_of(std::int64_t type) {
    switch (static_cast<data_type>(type)) {
        case data_type::uint4:
        case data_type::int4:
            return 4;
        case data_type::uint8:
        case data_type::int8:
        case data_type::boolean:
            return 8;
        case data_type::uint16:
        case data_type::int16:
        case data_type::float16:
        case data_type::bfloat16:
            return 16;
        case data_type::float32:
        case data_type::int32:
        case data_type::uint32:
            return 32;
        case data_type::float64:
        case data_type::int64:
        case data_type::uint64:
            return 64;
    }
    return 0;
}

/// Checks a tensor of the file: type known, extents not negative, as many values as extents say.
inline constant file_constant(const tensor_proto& t) {
    const std::string who = "tensor " + quoted(t.name) + ": ";
    if (t.external)
        throw error(who + "its values lie in another file (external data, " +
                    quoted(t.place.location) + "), which load_onnx alone reads");
    const std::size_t bits = bits_of(t.type);
    if (bits == 0)
        throw error(who + "values of type " + data_type_name(t.type) +
                    " are not supported, only floats of 16 to 64 bits, bool and integers of 4 to "
                    "64 bits");
    const bool packed = bits < 8;  // two values a byte, of which the last may be half empty
    const auto type = static_cast<data_type>(t.type);
    const std::size_t typed = type == data_type::float32   ? t.floats.size()
                              : type == data_type::float64 ? t.doubles.size()
                                                           : t.integers.size();
    const std::size_t present = t.raw ? t.raw->size() * 8 / bits : packed ? typed * 2 : typed;
    const std::optional<std::size_t> wanted = element_count(t.dims, present);
    const bool filled = wanted && (*wanted == present || (packed && *wanted + 1 == present));
    if (!filled || (t.raw && t.raw->size() * 8 % bits != 0))
        throw error(who + "shape " + dims_text(t.dims) + " of type " + data_type_name(t.type) +
                    " does not match the " +
                    (t.raw ? text_of({t.raw->size(), " bytes"}) : text_of({typed, " values"})) +
                    " that the file holds");
    constant c;
    c.name = t.name, c.dims = t.dims, c.floating = is_floating(t.type), c.file = &t;
    return c;
}

namespace values_of {

/// Four bits as a number, signed or not.
inline double nibble(unsigned bits, bool is_signed) {
    return static_cast<double>(is_signed && bits > 7 ? static_cast<int>(bits) - 16
                                                     : static_cast<int>(bits));
}

/// `count` values of four bits, the lower half of a byte first.
inline void nibbles(std::string_view bytes, std::size_t count, bool is_signed,
                    std::vector<double>& out) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i / 2]);
        out.push_back(nibble(i % 2 == 0 ? byte & 15U : byte >> 4U, is_signed));
    }
}

inline double clamped(std::int64_t value) {
    constexpr std::int64_t most = std::int64_t{1} << 53;
    return static_cast<double>(value > most ? most : value < -most ? -most : value);
}

/// Whole bytes of one type.
inline void of_type(data_type type, std::string_view bytes, std::vector<double>& out) {
    const auto each = [&]<class Stored>(Stored, auto widen) {
        for (std::size_t i = 0; i + sizeof(Stored) <= bytes.size(); i += sizeof(Stored)) {
            Stored value;
            std::memcpy(&value, bytes.data() + i, sizeof value);
            out.push_back(static_cast<double>(widen(value)));
        }
    };
    const auto plain = [](auto value) { return static_cast<double>(value); };
    switch (type) {
        case data_type::float32:
            return each(float{}, plain);
        case data_type::float64:
            return each(double{}, plain);
        case data_type::float16:
            return each(std::uint16_t{}, half_to_float);
        case data_type::bfloat16:
            return each(std::uint16_t{}, brain_to_float);
        case data_type::int8:
            return each(std::int8_t{}, plain);
        case data_type::int16:
            return each(std::int16_t{}, plain);
        case data_type::uint16:
            return each(std::uint16_t{}, plain);
        case data_type::int32:
            return each(std::int32_t{}, plain);
        case data_type::uint32:
            return each(std::uint32_t{}, plain);
        case data_type::int64:
            return each(std::int64_t{}, clamped);
        case data_type::uint64:
            return each(std::uint64_t{}, [](std::uint64_t value) {
                return clamped(static_cast<std::int64_t>(
                    std::min<std::uint64_t>(value, std::uint64_t{1} << 53)));
            });
        case data_type::uint8:
        case data_type::boolean:
            return each(std::uint8_t{}, plain);
        case data_type::uint4:
        case data_type::int4:
            break;  // `nibbles`
    }
}

}  // namespace values_of

/// All values as double; integers beyond 2^53 are clamped (exporters write INT64_MAX for "to the
/// end").
inline std::vector<double> numbers(const constant& c, budget& spent) {
    spent.spend(c.count());
    if (c.file == nullptr) return c.values;
    const tensor_proto& t = *c.file;
    std::vector<double> out;
    out.reserve(c.count());
    const auto type = static_cast<data_type>(t.type);
    const std::size_t bits = bits_of(t.type);
    if (!t.raw && type == data_type::float32) {
        out.assign(t.floats.begin(), t.floats.end());
    } else if (!t.raw && type == data_type::float64) {
        out = t.doubles;
    } else if (!t.raw) {
        for (const std::int64_t value : t.integers) {
            if (type == data_type::float16)
                out.push_back(
                    static_cast<double>(half_to_float(static_cast<std::uint16_t>(value))));
            else if (type == data_type::bfloat16)
                out.push_back(
                    static_cast<double>(brain_to_float(static_cast<std::uint16_t>(value))));
            else if (bits == 4)
                for (const int shift : {0, 4})
                    out.push_back(values_of::nibble(static_cast<unsigned>(value >> shift) & 15U,
                                                    type == data_type::int4));
            else
                out.push_back(values_of::clamped(value));
        }
        out.resize(c.count());
    } else if (bits == 4) {
        values_of::nibbles(*t.raw, c.count(), type == data_type::int4, out);
    } else {
        values_of::of_type(type, *t.raw, out);
    }
    return out;
}

/// All values as float32; refuses integers, and numbers that are not finite.
inline std::vector<float> weights(const constant& c, budget& spent) {
    const std::string who = "tensor " + quoted(c.name) + ": ";
    if (!c.floating) throw error(who + "weights must be float32, not integers");
    std::vector<float> out;
    if (c.file != nullptr && static_cast<data_type>(c.file->type) == data_type::float32) {
        spent.spend(c.count());
        if (c.file->raw) {
            out.resize(c.count());
            if (!out.empty()) std::memcpy(out.data(), c.file->raw->data(), c.file->raw->size());
        } else {
            out = c.file->floats;
        }
    } else {
        const std::vector<double> wide = numbers(c, spent);
        out.reserve(wide.size());
        for (const double value : wide) {
            // a double out of range of float would be undefined to convert
            const bool fits = std::abs(value) <= std::numeric_limits<float>::max();
            out.push_back(fits ? static_cast<float>(value)
                               : std::numeric_limits<float>::quiet_NaN());
        }
    }
    for (std::size_t i = 0; i < out.size(); ++i)
        if (!std::isfinite(out[i])) throw error(text_of({who, "value ", i, " is not finite"}));
    return out;
}

/// All values as integers.
inline std::vector<std::int64_t> integers(const constant& c, budget& spent) {
    if (c.floating) throw error("tensor " + quoted(c.name) + ": integers expected, not floats");
    const std::vector<double> wide = numbers(c, spent);
    std::vector<std::int64_t> out;
    out.reserve(wide.size());
    for (const double value : wide) out.push_back(static_cast<std::int64_t>(value));
    return out;
}

/// A folded constant of integers; a vector unless `dims` says otherwise.
inline constant integer_constant(std::vector<double> values) {
    constant c;
    c.dims = {static_cast<std::int64_t>(values.size())};
    c.values = std::move(values);
    return c;
}

}  // namespace hass::detail::onnx
