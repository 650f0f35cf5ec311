/// \file store.hpp
/// A recorded network in one file; store_format.hpp says how it lies there.
#pragma once

#include <filesystem>

#include <hass/files/whole_file.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/store_reader.hpp>
#include <hass/statistics/store_writer.hpp>

namespace hass {

/// Writes a file that is there whole or not at all. \throws hass::error naming the file
inline void write_statistics(const std::filesystem::path& path, const recorded_network& m) {
    write_whole(path, format_statistics(m));
}

/// \throws hass::error naming the file, and the place as `parse_statistics`
inline recorded_network read_statistics(const std::filesystem::path& path) {
    return parse_statistics(read_whole(path), path.string());
}

}  // namespace hass
