/// \file npy_array.hpp
/// An array as a .npy file holds it, and its elements as C++ numbers.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/half.hpp>
#include <hass/text.hpp>

namespace hass {

/// Element types of .npy files by their NumPy names: kind and bytes.
enum class npy_type : std::uint8_t { b1, u1, i1, u2, i2, u4, i4, u8, i8, f2, f4, f8 };

inline constexpr std::array<std::string_view, 12> npy_type_names{
    "b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"};

constexpr std::string_view name(npy_type type) {
    return npy_type_names[static_cast<std::size_t>(type)];
}

/// Bytes of one element: 1, 2, 4 or 8.
constexpr std::size_t size_of(npy_type type) {
    return static_cast<std::size_t>(name(type)[1] - '0');
}

/// The .npy type of a C++ number; integers by their width, so that `long` and `long long` agree.
template <class T>
requires std::is_arithmetic_v<T>
constexpr npy_type npy_type_of() {
    if constexpr (std::same_as<T, bool>)
        return npy_type::b1;
    else if constexpr (std::same_as<T, float>)
        return npy_type::f4;
    else if constexpr (std::same_as<T, double>)
        return npy_type::f8;
    else {
        static_assert(std::integral<T>, "hass: .npy files hold no long double");
        constexpr bool s = std::signed_integral<T>;
        if constexpr (sizeof(T) == 1)
            return s ? npy_type::i1 : npy_type::u1;
        else if constexpr (sizeof(T) == 2)
            return s ? npy_type::i2 : npy_type::u2;
        else if constexpr (sizeof(T) == 4)
            return s ? npy_type::i4 : npy_type::u4;
        else
            return s ? npy_type::i8 : npy_type::u8;
    }
}

/// One array: C order, little-endian.
struct npy_array {
    std::vector<std::size_t> shape;  ///< extents, slowest first; empty for a single number
    npy_type type = npy_type::f4;    ///< of its values
    std::vector<std::byte> bytes;    ///< size() * size_of(type) of them
    std::string source;              ///< file it came from, for messages

    /// Number of elements.
    std::size_t size() const { return bytes.size() / size_of(type); }

    /// Element `i` of C order, converted to T.
    /// \throws hass::error where T cannot hold the number: out of range, or not whole
    template <class T>
    T at(std::size_t i) const;

    /// All elements in C order, converted to T.
    /// \throws hass::error as `at`
    template <class T>
    std::vector<T> as() const;
};

namespace detail {

/// Calls `f` with a value of the C++ type that `type` names.
template <class F>
decltype(auto) with_npy_type(npy_type type, F&& f) {
    switch (type) {
        case npy_type::b1:
            return f(bool{});
        case npy_type::u1:
            return f(std::uint8_t{});
        case npy_type::i1:
            return f(std::int8_t{});
        case npy_type::u2:
            return f(std::uint16_t{});
        case npy_type::i2:
            return f(std::int16_t{});
        case npy_type::u4:
            return f(std::uint32_t{});
        case npy_type::i4:
            return f(std::int32_t{});
        case npy_type::u8:
            return f(std::uint64_t{});
        case npy_type::i8:
            return f(std::int64_t{});
        case npy_type::f2:
            return f(half{});
        case npy_type::f4:
            return f(float{});
        case npy_type::f8:
            break;
    }
    return f(double{});
}

template <class Stored>
Stored load_element(const std::byte* at) {
    if constexpr (std::same_as<Stored, bool>)
        return *at != std::byte{0};
    else {
        Stored value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
}

/// The number as a T, or nothing where T cannot hold it. Rounding to a narrower float is allowed,
/// overflow is not.
template <class T, class From>
std::optional<T> convert_number(From value) {
    if constexpr (std::same_as<T, bool>) {
        if (value == From{0} || value == From{1}) return value == From{1};
        return std::nullopt;
    } else if constexpr (std::floating_point<T>) {
        if constexpr (std::floating_point<From>) {
            if (std::isfinite(value) && std::abs(static_cast<double>(value)) >
                                            static_cast<double>(std::numeric_limits<T>::max()))
                return std::nullopt;
        }
        return static_cast<T>(value);
    } else if constexpr (std::floating_point<From>) {
        // 2^digits is exact in a double, max() of a 64-bit integer is not
        const double v = value;
        const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
        if (!(v < end && v >= (std::signed_integral<T> ? -end : 0.0)) || std::trunc(v) != v)
            return std::nullopt;
        return static_cast<T>(v);
    } else if constexpr (std::same_as<From, bool>) {
        return static_cast<T>(value ? 1 : 0);
    } else {
        if (!std::in_range<T>(value)) return std::nullopt;
        return static_cast<T>(value);
    }
}

template <class T>
T convert_element(const npy_array& array, std::size_t i) {
    return with_npy_type(array.type, [&]<class Stored>(Stored) -> T {
        const auto stored = [&] {
            const auto value = load_element<Stored>(array.bytes.data() + i * size_of(array.type));
            if constexpr (std::same_as<Stored, half>)
                return half_to_float(value.bits);
            else
                return value;
        }();
        if (const std::optional<T> value = convert_number<T>(stored)) return *value;
        throw error(
            text_of({array.source, ": element ", i, " is ", stored,
                     ", which does not fit the type '", name(npy_type_of<T>()), "' asked for"}));
    });
}

/// Product of extents, or nothing where it exceeds `limit`.
inline std::optional<std::size_t> bounded_product(std::span<const std::size_t> extents,
                                                  std::size_t limit) {
    std::size_t product = 1;
    for (const std::size_t extent : extents) {
        if (extent == 0) return 0;  // before a later extent overflows what is zero anyway
        if (product > limit / extent) {
            for (const std::size_t other : extents)
                if (other == 0) return 0;
            return std::nullopt;
        }
        product *= extent;
    }
    return product;
}

inline std::string extents_text(std::span<const std::size_t> extents) {
    std::string text;
    for (const std::size_t extent : extents) text += text_of({(text.empty() ? "" : " x "), extent});
    return text.empty() ? "a single number" : text;
}

}  // namespace detail

template <class T>
T npy_array::at(std::size_t i) const {
    if (i >= size()) throw error(text_of({source, ": element ", i, " of ", size()}));
    return detail::convert_element<T>(*this, i);
}

template <class T>
std::vector<T> npy_array::as() const {
    std::vector<T> out;
    out.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) out.push_back(detail::convert_element<T>(*this, i));
    return out;
}

}  // namespace hass
