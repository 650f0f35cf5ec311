/// \file whole_file.hpp
/// Input files read at once; output files that are there whole or not at all.
#pragma once

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

static_assert(std::endian::native == std::endian::little,
              "hass reads .npy and ONNX data as it lies in the file, which is little-endian");

/// Makes the folder (and its parents) and checks that files can be written there.
/// \throws hass::error naming the folder and the reason
inline void prepare_folder(const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) throw error(folder.string() + ": cannot make the folder: " + failed.message());
    const std::filesystem::path probe = folder / ".hass-write-test";
    const bool writable = std::ofstream(probe).put('x').flush().good();
    const std::string reason = std::strerror(errno);
    std::filesystem::remove(probe, failed);
    if (!writable) throw error(folder.string() + ": cannot write there: " + reason);
}

/// A folder that results will be written into, as `prepare_folder`; what was made of it is gone again
/// where none were.
class output_folder {
  public:
    /// \throws hass::error naming the folder, as `prepare_folder`
    explicit output_folder(const std::filesystem::path& folder) {
        std::error_code unknown;  // what cannot be looked at, `prepare_folder` names
        for (std::filesystem::path p = folder;
             !p.empty() &&
             std::filesystem::status(p, unknown).type() == std::filesystem::file_type::not_found;
             p = p.parent_path())
            made_.push_back(p);
        try {
            prepare_folder(folder);
        } catch (...) {
            remove_empty();
            throw;
        }
    }
    output_folder(const output_folder&) = delete;
    output_folder& operator=(const output_folder&) = delete;
    /// Removes empty folders only.
    ~output_folder() { remove_empty(); }

  private:
    void remove_empty() const {
        std::error_code not_empty;
        for (const std::filesystem::path& p : made_) std::filesystem::remove(p, not_empty);
    }

    std::vector<std::filesystem::path> made_;  ///< the innermost first
};

namespace detail {

/// The content of a regular file, as std::string or std::vector<std::byte>. A device or a pipe has
/// no size to check against.
template <class Bytes>
Bytes read_regular_file(const std::filesystem::path& path) {
    const std::string source = path.string();
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) throw error(source + ": no such file");
    if (!std::filesystem::is_regular_file(status)) throw error(source + ": not a regular file");
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    if (failed) throw error(source + ": " + failed.message());
    std::ifstream in(path, std::ios::binary);
    if (!in) throw error(source + ": cannot be opened for reading: " + std::strerror(errno));
    Bytes bytes;
    try {
        bytes.resize(static_cast<std::size_t>(size));
    } catch (const std::exception&) {
        throw error(text_of({source, ": ", size, " bytes do not fit into memory"}));
    }
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::uintmax_t>(in.gcount()) != size)
        throw error(text_of({source, ": could be read only up to byte ", in.gcount()}));
    return bytes;
}

}  // namespace detail

/// The content of a regular file. \throws hass::error naming the file and the reason
inline std::string read_whole(const std::filesystem::path& path) {
    return detail::read_regular_file<std::string>(path);
}

/// The same as bytes. \throws hass::error naming the file and the reason
inline std::vector<std::byte> read_whole_bytes(const std::filesystem::path& path) {
    return detail::read_regular_file<std::vector<std::byte>>(path);
}

/// Writes `text` to a temporary file beside `path` and renames it, so that a reader sees the old
/// file or the new one and never half of it.
/// \throws hass::error naming the file and the reason
inline void write_whole(const std::filesystem::path& path, std::string_view text) {
    const std::filesystem::path temporary = path.string() + ".tmp";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    std::error_code failed;
    if (!out) {
        const std::string reason = std::strerror(errno);
        std::filesystem::remove(temporary, failed);
        throw error(path.string() + ": cannot write: " + reason);
    }
    std::filesystem::rename(temporary, path, failed);
    if (failed) throw error(path.string() + ": cannot replace: " + failed.message());
}

}  // namespace hass
