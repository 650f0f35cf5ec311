/// \file whole_file.hpp
/// Input files read at once; output files that are there whole or not at all.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <hass/error.hpp>

namespace hass {

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

/// The content of a regular file. \throws hass::error naming the file and the reason
inline std::string read_whole(const std::filesystem::path& path) {
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) throw error(path.string() + ": no such file");
    if (!std::filesystem::is_regular_file(status))
        throw error(path.string() + ": not a regular file");
    std::ifstream in(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in) throw error(path.string() + ": cannot read: " + std::strerror(errno));
    return text;
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
