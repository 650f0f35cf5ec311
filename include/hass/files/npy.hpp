/// \file npy.hpp
/// NumPy .npy files. Format versions 1, 2 and 3 (numpy.lib.format),
/// little-endian, C order. Fortran order, big-endian numbers and structured types are refused by
/// name; every malformed file ends in one hass::error that names the file and the field.
///
///     const hass::npy_array array = hass::read_npy("tensor.npy");
///     const std::vector<float> values = array.as<float>();
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/npy_array.hpp>
#include <hass/files/npy_header.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/text.hpp>

namespace hass {

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
        throw fail(
            text_of({".npy header: version ", version, " is not supported (known: 1, 2, 3)"}));
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    if (text.size() < 8 + length_bytes) throw fail(".npy header: truncated before its length");
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i)
        length |= static_cast<std::size_t>(static_cast<unsigned char>(text[8 + i])) << (8 * i);
    const std::size_t start = 8 + length_bytes;
    if (length > text.size() - start)
        throw fail(text_of({".npy header: its length ", length, " exceeds the file"}));
    detail::npy_header_parser(text.substr(start, length), array.source).parse(array);

    const std::size_t present = text.size() - start - length;
    const std::optional<std::size_t> count =
        detail::bounded_product(array.shape, std::numeric_limits<std::size_t>::max() / 8);
    const std::string wanted = "shape (" + detail::extents_text(array.shape) + ") of type '" +
                               std::string(name(array.type)) + "'";
    if (!count || *count * size_of(array.type) > present)
        throw fail(
            text_of({wanted, " needs more than the ", present, " bytes that follow the header"}));
    if (*count * size_of(array.type) < present)
        throw fail(text_of({wanted, " leaves ", present - *count * size_of(array.type),
                            " bytes at the end unread"}));
    content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(start + length));
    array.bytes = std::move(content);
    return array;
}

/// The same of bytes that somebody else owns.
inline npy_array parse_npy(std::span<const std::byte> content, std::string source) {
    return parse_npy(std::vector<std::byte>(content.begin(), content.end()), std::move(source));
}

/// Reads a .npy file.
/// \throws hass::error naming file and field
inline npy_array read_npy(const std::filesystem::path& path) {
    return parse_npy(read_whole_bytes(path), path.string());
}

/// Makes an array of the numbers given.
/// \throws hass::error where their count is not the product of the extents
template <class T>
npy_array make_npy(std::vector<std::size_t> shape, std::span<const T> values) {
    npy_array array;
    array.type = npy_type_of<T>();
    array.source = "array";
    if (detail::bounded_product(shape, std::numeric_limits<std::size_t>::max()) != values.size())
        throw error(text_of({array.source, ": ", values.size(), " values do not fill the shape (",
                             detail::extents_text(shape), ")"}));
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
        header += text_of({(i > 0 ? ", " : ""), array.shape[i]});
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
