/// \file npy.hpp
/// NumPy .npy files. Format versions 1, 2 and 3 (numpy.lib.format),
/// little-endian, C order. Fortran order, big-endian numbers and structured types are refused by
/// name; every malformed file ends in one hass::error that names the file and the field.
///
///     const hass::npy_array array = hass::read_npy("tensor.npy");
///     const std::vector<float> values = array.as<float>();
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>

namespace hass {

static_assert(std::endian::native == std::endian::little,
              "hass reads .npy and ONNX data as it lies in the file, which is little-endian");

/// Element types of .npy files by their NumPy names: kind and bytes.
enum class npy_type : std::uint8_t { b1, u1, i1, u2, i2, u4, i4, u8, i8, f4, f8 };

inline constexpr std::array<std::string_view, 11> npy_type_names{"b1", "u1", "i1", "u2", "i2", "u4",
                                                                 "i4", "u8", "i8", "f4", "f8"};

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
    npy_type type = npy_type::f4;
    std::vector<std::byte> bytes;  ///< size() * size_of(type) of them
    std::string source;            ///< file it came from, for messages

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
        const Stored stored = load_element<Stored>(array.bytes.data() + i * size_of(array.type));
        if (const std::optional<T> value = convert_number<T>(stored)) return *value;
        throw error(array.source + ": element " + std::to_string(i) + " is " +
                    std::to_string(stored) + ", which does not fit the type '" +
                    std::string(name(npy_type_of<T>())) + "' asked for");
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
    for (const std::size_t extent : extents)
        text += (text.empty() ? "" : " x ") + std::to_string(extent);
    return text.empty() ? "a single number" : text;
}

/// Reads the Python dictionary in a .npy header. Only what NumPy writes: three known keys with a
/// string, a truth value and a tuple of integers.
class npy_header_parser {
  public:
    npy_header_parser(std::string_view text, const std::string& source)
        : rest_(text), source_(source) {}

    void parse(npy_array& array) {
        expect('{');
        while (!accept('}')) {
            const std::string_view key = quoted("a key");
            expect(':');
            if (key == "descr")
                descr(array);
            else if (key == "fortran_order")
                fortran_order();
            else if (key == "shape")
                shape(array);
            else
                fail("unknown field '" + printable(key) + "'");
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skip_space();
        if (!rest_.empty()) fail("something follows the dictionary");
        if (!has_descr_) fail("field 'descr' is missing");
        if (!has_order_) fail("field 'fortran_order' is missing");
        if (!has_shape_) fail("field 'shape' is missing");
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw error(source_ + ": .npy header: " + what);
    }

    static std::string printable(std::string_view text) {
        std::string out(text.substr(0, 40));
        for (char& c : out)
            if (c < 0x20 || c > 0x7e) c = '?';
        return out;
    }

    void once(bool& seen, const char* field) const {
        if (std::exchange(seen, true)) fail("field '" + std::string(field) + "' stands twice");
    }

    void skip_space() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
            rest_.remove_prefix(1);
    }

    bool accept(char c) {
        skip_space();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void expect(char c) {
        if (!accept(c)) fail(std::string("expected '") + c + "' before '" + printable(rest_) + "'");
    }

    bool accept_word(std::string_view word) {
        skip_space();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    std::string_view quoted(const char* what) {
        skip_space();
        const char quote = rest_.empty() ? '\0' : rest_[0];
        const std::size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : rest_.npos;
        if (end == rest_.npos) fail(std::string("expected ") + what + " in quotes");
        const std::string_view text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return text;
    }

    void descr(npy_array& array) {
        once(has_descr_, "descr");
        skip_space();
        if (!rest_.empty() && rest_[0] == '[') fail("field 'descr': structured types are refused");
        const std::string_view text = quoted("the type of 'descr'");
        for (std::size_t i = 0; i < npy_type_names.size(); ++i) {
            if (text.size() != 3 || text.substr(1) != npy_type_names[i]) continue;
            array.type = static_cast<npy_type>(i);
            const bool single = size_of(array.type) == 1;
            if (text[0] == '<' || (single && (text[0] == '|' || text[0] == '>'))) return;
            if (text[0] == '>')
                fail("field 'descr': '" + std::string(text) + "' is big-endian; save it as '<" +
                     std::string(npy_type_names[i]) + "'");
        }
        fail("field 'descr': type '" + printable(text) +
             "' is not supported (known: b1, u1, i1, u2, i2, u4, i4, u8, i8, f4, f8)");
    }

    void fortran_order() {
        once(has_order_, "fortran_order");
        if (accept_word("False")) return;
        if (accept_word("True"))
            fail("field 'fortran_order': Fortran order is refused; save numpy.ascontiguousarray");
        fail("field 'fortran_order' is neither True nor False");
    }

    void shape(npy_array& array) {
        once(has_shape_, "shape");
        expect('(');
        while (!accept(')')) {
            array.shape.push_back(extent());
            if (array.shape.size() > 32) fail("field 'shape' has more than 32 axes");
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
    }

    std::size_t extent() {
        skip_space();
        std::size_t value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
            const auto digit = static_cast<std::size_t>(rest_[digits++] - '0');
            if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10)
                fail("field 'shape': an extent is out of range");
            value = value * 10 + digit;
        }
        if (digits == 0)
            fail("field 'shape': expected an extent before '" + printable(rest_) + "'");
        rest_.remove_prefix(digits);
        if (rest_.starts_with('L')) rest_.remove_prefix(1);  // written by Python 2
        return value;
    }

    std::string_view rest_;
    const std::string& source_;
    bool has_descr_ = false;
    bool has_order_ = false;
    bool has_shape_ = false;
};

/// The whole file. Only regular files: a device or pipe has no size to check against.
inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
    const std::string source = path.string();
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) throw error(source + ": no such file");
    if (!std::filesystem::is_regular_file(status)) throw error(source + ": not a regular file");
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    if (failed) throw error(source + ": " + failed.message());
    std::ifstream in(path, std::ios::binary);
    if (!in) throw error(source + ": cannot be opened for reading");
    std::vector<std::byte> bytes;
    try {
        bytes.resize(static_cast<std::size_t>(size));
    } catch (const std::exception&) {
        throw error(source + ": " + std::to_string(size) + " bytes do not fit into memory");
    }
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::uintmax_t>(in.gcount()) != size)
        throw error(source + ": could be read only up to byte " + std::to_string(in.gcount()));
    return bytes;
}

}  // namespace detail

template <class T>
T npy_array::at(std::size_t i) const {
    if (i >= size())
        throw error(source + ": element " + std::to_string(i) + " of " + std::to_string(size()));
    return detail::convert_element<T>(*this, i);
}

template <class T>
std::vector<T> npy_array::as() const {
    std::vector<T> out;
    out.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) out.push_back(detail::convert_element<T>(*this, i));
    return out;
}

/// Reads the content of a .npy file; allocates nothing beyond the bytes given.
/// \param source name for messages
/// \throws hass::error naming source and field
inline npy_array parse_npy(std::vector<std::byte> content, std::string source) {
    npy_array array;
    array.source = std::move(source);
    const auto fail = [&](const std::string& what) -> error {
        return error(array.source + ": " + what);
    };
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    constexpr std::string_view magic = "\x93NUMPY";
    if (!text.starts_with(magic))
        throw fail(text.empty() ? "is empty" : "is not a .npy file (magic bytes)");
    if (text.size() < 8) throw fail(".npy header: truncated before the version");
    const int version = static_cast<unsigned char>(text[6]);
    if (version < 1 || version > 3)
        throw fail(".npy header: version " + std::to_string(version) +
                   " is not supported (known: 1, 2, 3)");
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    if (text.size() < 8 + length_bytes) throw fail(".npy header: truncated before its length");
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i)
        length |= static_cast<std::size_t>(static_cast<unsigned char>(text[8 + i])) << (8 * i);
    const std::size_t start = 8 + length_bytes;
    if (length > text.size() - start)
        throw fail(".npy header: its length " + std::to_string(length) + " exceeds the file");
    detail::npy_header_parser(text.substr(start, length), array.source).parse(array);

    const std::size_t present = text.size() - start - length;
    const std::optional<std::size_t> count =
        detail::bounded_product(array.shape, std::numeric_limits<std::size_t>::max() / 8);
    const std::string wanted = "shape (" + detail::extents_text(array.shape) + ") of type '" +
                               std::string(name(array.type)) + "'";
    if (!count || *count * size_of(array.type) > present)
        throw fail(wanted + " needs more than the " + std::to_string(present) +
                   " bytes that follow the header");
    if (*count * size_of(array.type) < present)
        throw fail(wanted + " leaves " + std::to_string(present - *count * size_of(array.type)) +
                   " bytes at the end unread");
    content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(start + length));
    array.bytes = std::move(content);
    return array;
}

/// \copydoc parse_npy
inline npy_array parse_npy(std::span<const std::byte> content, std::string source) {
    return parse_npy(std::vector<std::byte>(content.begin(), content.end()), std::move(source));
}

/// Reads a .npy file.
/// \throws hass::error naming file and field
inline npy_array read_npy(const std::filesystem::path& path) {
    return parse_npy(detail::read_bytes(path), path.string());
}

/// Makes an array of the numbers given.
/// \throws hass::error where their count is not the product of the extents
template <class T>
npy_array make_npy(std::vector<std::size_t> shape, std::span<const T> values) {
    npy_array array;
    array.type = npy_type_of<T>();
    array.source = "array";
    if (detail::bounded_product(shape, std::numeric_limits<std::size_t>::max()) != values.size())
        throw error(array.source + ": " + std::to_string(values.size()) +
                    " values do not fill the shape (" + detail::extents_text(shape) + ")");
    array.shape = std::move(shape);
    array.bytes.assign(std::as_bytes(values).begin(), std::as_bytes(values).end());
    return array;
}

/// The content of the .npy file that holds `array`: version 1, data aligned to 64 bytes.
inline std::vector<std::byte> format_npy(const npy_array& array) {
    std::string header = "{'descr': '";
    header += size_of(array.type) == 1 ? '|' : '<';
    header += std::string(name(array.type)) + "', 'fortran_order': False, 'shape': (";
    for (std::size_t i = 0; i < array.shape.size(); ++i)
        header += (i > 0 ? ", " : "") + std::to_string(array.shape[i]);
    header += array.shape.size() == 1 ? ",), }" : "), }";
    while ((10 + header.size() + 1) % 64 != 0) header += ' ';
    header += '\n';
    std::string front = "\x93NUMPY";
    front += '\x01';
    front += '\0';
    front += static_cast<char>(header.size() & 0xff);
    front += static_cast<char>(header.size() >> 8 & 0xff);
    front += header;
    std::vector<std::byte> out(front.size() + array.bytes.size());
    std::memcpy(out.data(), front.data(), front.size());
    if (!array.bytes.empty())
        std::memcpy(out.data() + front.size(), array.bytes.data(), array.bytes.size());
    return out;
}

/// Writes a .npy file, by way of a temporary file beside it, so that it is whole or absent.
/// \throws hass::error naming the file
inline void write_npy(const std::filesystem::path& path, const npy_array& array) {
    const std::vector<std::byte> content = format_npy(array);
    write_whole(path, {reinterpret_cast<const char*>(content.data()), content.size()});
}

}  // namespace hass
