/// \file npz.hpp
/// NumPy .npz files: several arrays under names, in a ZIP archive, stored or compressed.
///
///     for (const hass::npz_member& m : hass::read_npz("tensors.npz")) ...
///     const hass::npy_array one = hass::read_array("tensors.npz:images");
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/inflate.hpp>
#include <hass/files/npy.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/text.hpp>

namespace hass {

/// An array of an .npz file.
struct npz_member {
    std::string name;  ///< without ".npy"
    npy_array array;   ///< what it holds
};

namespace detail {

/// The directory of a ZIP archive, little-endian fields at their places (APPNOTE 4.3). Archives of
/// several parts, of 4 GiB and more, and encrypted ones are refused.
class zip_archive {
  public:
    zip_archive(std::span<const std::byte> bytes, std::string source)
        : bytes_(bytes), source_(std::move(source)) {}

    /// visit(name, content) for each member, in the order of the directory.
    template <class Visit>
    void each(Visit visit) const {
        constexpr std::uint32_t end_of_directory = 0x06054b50, entry = 0x02014b50;
        constexpr std::size_t end_size = 22, entry_size = 46;
        std::size_t end = bytes_.size() < end_size ? 0 : bytes_.size() - end_size + 1;
        const std::size_t stop = end > 65536 ? end - 65536 : 0;
        while (end > stop && number(end - 1, 4) != end_of_directory) --end;
        if (end-- == stop) throw fail("is no .npz file (ZIP archive): it has no directory");
        const std::size_t members = number(end + 10, 2);
        std::size_t at = number(end + 16, 4);
        for (std::size_t i = 0; i < members; ++i) {
            if (number(at, 4) != entry) throw fail("damaged directory");
            const std::size_t name_size = number(at + 28, 2);
            const std::string name = text(at + entry_size, name_size);
            visit(name, content(name, at));
            at += entry_size + name_size + number(at + 30, 2) + number(at + 32, 2);
        }
    }

  private:
    error fail(const std::string& what) const { return error(source_ + ": " + what); }

    void require(std::size_t at, std::size_t size) const {
        if (at > bytes_.size() || size > bytes_.size() - at) throw fail("truncated ZIP archive");
    }
    std::uint32_t number(std::size_t at, std::size_t size) const {
        require(at, size);
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i)
            value |= std::to_integer<std::uint32_t>(bytes_[at + i]) << (8 * i);
        return value;
    }
    std::string text(std::size_t at, std::size_t size) const {
        require(at, size);
        return {reinterpret_cast<const char*>(bytes_.data()) + at, size};
    }

    std::vector<std::byte> content(const std::string& name, std::size_t at) const {
        constexpr std::uint32_t local_entry = 0x04034b50;
        const auto refuse = [&](const std::string& what) {
            return fail("member '" + name + "': " + what);
        };
        const std::uint32_t method = number(at + 10, 2);
        const std::size_t packed = number(at + 20, 4), size = number(at + 24, 4);
        const std::size_t local = number(at + 42, 4);
        if ((number(at + 8, 2) & 1U) != 0) throw refuse("is encrypted");
        if (packed == 0xffffffffU || size == 0xffffffffU || local == 0xffffffffU)
            throw refuse("4 GiB or more are not supported; save it as .npy");
        if (number(local, 4) != local_entry) throw refuse("is not where the directory says");
        const std::size_t first = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        require(first, packed);
        const auto raw = bytes_.subspan(first, packed);
        std::vector<std::byte> whole;
        if (method == 0 && packed == size)
            whole.assign(raw.begin(), raw.end());
        else if (method == 8)
            try {
                whole = inflater(raw).run(size);
            } catch (const error& e) {
                throw refuse(e.what());
            }
        else
            throw refuse(text_of({"compression method ", method, " (known: stored, deflate)"}));
        if (crc32(whole) != number(at + 16, 4)) throw refuse("its checksum does not hold");
        return whole;
    }

    std::span<const std::byte> bytes_;
    std::string source_;
};

}  // namespace detail

/// Reads the content of an .npz file.
/// \throws hass::error naming source, member and field
inline std::vector<npz_member> parse_npz(std::span<const std::byte> content,
                                         const std::string& source) {
    std::vector<npz_member> members;
    detail::zip_archive(content, source).each([&](std::string name, std::vector<std::byte> bytes) {
        if (name.ends_with(".npy")) name.resize(name.size() - 4);
        npy_array array = parse_npy(std::move(bytes), source + ":" + name);
        members.push_back({std::move(name), std::move(array)});
    });
    return members;
}

/// Reads an .npz file.
/// \throws hass::error naming file, member and field
inline std::vector<npz_member> read_npz(const std::filesystem::path& path) {
    return parse_npz(read_whole_bytes(path), path.string());
}

/// Reads one array: x.npy; x.npz where it holds a single one; x.npz:name.
/// \throws hass::error naming file, member and field
inline npy_array read_array(const std::string& where) {
    const std::size_t colon = where.rfind(".npz:");
    const bool named = colon != where.npos;
    if (!named && !where.ends_with(".npz")) return read_npy(where);
    const std::string path = named ? where.substr(0, colon + 4) : where;
    std::vector<npz_member> members = read_npz(path);
    if (!named && members.size() == 1) return std::move(members.front().array);
    std::vector<std::string> names;
    std::string all;
    for (npz_member& m : members) {
        if (named && m.name == where.substr(colon + 5)) return std::move(m.array);
        names.push_back(m.name);
        all += (all.empty() ? "" : ", ") + m.name;
    }
    if (named)
        throw error(path + ": " + unknown_name("array", where.substr(colon + 5), names).what());
    throw error(path + ": holds several arrays or none (" + all + "); " + path + ":NAME picks one");
}

}  // namespace hass
