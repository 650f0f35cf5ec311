/// \file constant.hpp
/// Constants of an ONNX graph, and the arithmetic that exporters leave around reshapes: numbers
/// known before the network sees an image. Every size is checked against the bytes that are there,
/// and all decoding and folding draws on one budget, so that a small file cannot ask for much.
#pragma once

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
    const tensor_proto* file = nullptr;  ///< where the values are, unless they were folded
    std::vector<double> values;          ///< folded values; integers are clamped to +-2^53

    std::size_t count() const {
        return file == nullptr
                   ? values.size()
                   : element_count(dims, std::numeric_limits<std::size_t>::max()).value_or(0);
    }
};

/// Checks a tensor of the file: type known, extents not negative, as many values as extents say.
inline constant file_constant(const tensor_proto& t) {
    const std::string who = "tensor " + quoted(t.name) + ": ";
    if (t.external) throw error(who + "its values lie in another file (external data)");
    std::size_t width = 0;
    std::size_t typed = 0;
    bool floating = false;
    switch (static_cast<data_type>(t.type)) {
        case data_type::float32:
            width = 4, typed = t.floats.size(), floating = true;
            break;
        case data_type::float64:
            width = 8, typed = t.doubles.size(), floating = true;
            break;
        case data_type::int64:
            width = 8, typed = t.integers.size();
            break;
        case data_type::int32:
            width = 4, typed = t.integers.size();
            break;
        case data_type::uint8:
        case data_type::int8:
        case data_type::boolean:
            width = 1, typed = t.integers.size();
            break;
        default:
            throw error(who + "values of type " + data_type_name(t.type) +
                        " are not supported, only float32, double, bool and integers of 8, 32 or "
                        "64 bits");
    }
    const std::size_t present = t.raw ? t.raw->size() / width : typed;
    const std::optional<std::size_t> wanted = element_count(t.dims, present);
    if (!wanted || *wanted != present || (t.raw && t.raw->size() % width != 0))
        throw error(who + "shape " + dims_text(t.dims) + " of type " + data_type_name(t.type) +
                    " does not match the " +
                    (t.raw ? text_of({t.raw->size(), " bytes"}) : text_of({typed, " values"})) +
                    " that the file holds");
    constant c;
    c.name = t.name, c.dims = t.dims, c.floating = floating, c.file = &t;
    return c;
}

namespace values_of {

template <class Stored, class T>
void raw(std::string_view bytes, std::vector<T>& out) {
    for (std::size_t i = 0; i + sizeof(Stored) <= bytes.size(); i += sizeof(Stored)) {
        Stored value;
        std::memcpy(&value, bytes.data() + i, sizeof value);
        out.push_back(static_cast<T>(value));
    }
}

inline double clamped(std::int64_t value) {
    constexpr std::int64_t most = std::int64_t{1} << 53;
    return static_cast<double>(value > most ? most : value < -most ? -most : value);
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
    if (!t.raw) {
        if (type == data_type::float32)
            out.assign(t.floats.begin(), t.floats.end());
        else if (type == data_type::float64)
            out = t.doubles;
        else
            for (const std::int64_t value : t.integers) out.push_back(values_of::clamped(value));
        return out;
    }
    switch (type) {
        case data_type::float32:
            values_of::raw<float>(*t.raw, out);
            break;
        case data_type::float64:
            values_of::raw<double>(*t.raw, out);
            break;
        case data_type::int32:
            values_of::raw<std::int32_t>(*t.raw, out);
            break;
        case data_type::int8:
            values_of::raw<std::int8_t>(*t.raw, out);
            break;
        case data_type::int64: {
            std::vector<std::int64_t> wide;
            wide.reserve(c.count());
            values_of::raw<std::int64_t>(*t.raw, wide);
            for (const std::int64_t value : wide) out.push_back(values_of::clamped(value));
            break;
        }
        case data_type::uint8:
        case data_type::boolean:
            values_of::raw<std::uint8_t>(*t.raw, out);
            break;
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
