/// \file external_data.hpp
/// Weights that lie in another file beside the ONNX file, as large networks and newer exporters
/// leave them.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// The bytes of other files that tensors of one ONNX file point to. A path leads to a regular file
/// in the folder of the ONNX file or below it, also through symbolic links; of each file only the
/// stretch is read that tensors ask for, once.
class external_data {
  public:
    /// \param folder of the ONNX file; nullopt: it has none, and tensors stay without values
    /// \throws hass::error naming tensor and file
    external_data(model_proto& file, const std::optional<std::filesystem::path>& folder) {
        if (!folder) return;
        for (tensor_proto& t : file.graph.initializers)
            if (t.external) note(t, *folder);
        for (auto& [location, part] : parts_) read(part);
        for (tensor_proto& t : file.graph.initializers)
            if (t.external) attach(t);
    }

    /// Bytes that were read.
    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& [location, part] : parts_) sum += part.bytes.size();
        return sum;
    }

  private:
    /// The stretch of a file that tensors ask for.
    struct stretch {
        std::filesystem::path path;
        std::uint64_t size = 0;  ///< of the whole file
        std::uint64_t first = std::numeric_limits<std::uint64_t>::max(), last = 0;
        std::string bytes;
    };

    static error fail(const tensor_proto& t, const std::string& what) {
        return error("tensor " + quoted(t.name) + ": external data in " + quoted(t.place.location) +
                     ": " + what);
    }

    static std::uint64_t whole_number(const tensor_proto& t, std::string_view text,
                                      const char* field, std::uint64_t otherwise) {
        if (text.empty()) return otherwise;
        std::uint64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto [read, wrong] = std::from_chars(text.data(), end, value);
        if (wrong != std::errc{} || read != end)
            throw fail(t, std::string(field) + " " + quoted(text) + " is no whole number");
        return value;
    }

    /// The file that a tensor names, confined to the folder.
    static std::filesystem::path confined(const tensor_proto& t,
                                          const std::filesystem::path& folder) {
        namespace fs = std::filesystem;
        const std::string_view location = t.place.location;
        if (location.empty()) throw fail(t, "no location");
        if (location.find('\0') != location.npos) throw fail(t, "is no path");
        const fs::path given(location);
        const bool leaves =
            std::any_of(given.begin(), given.end(), [](const fs::path& p) { return p == ".."; });
        if (given.is_absolute() || leaves)
            throw fail(t, "the path must not leave the folder of the ONNX file");
        std::error_code failed;
        const fs::path root = fs::canonical(folder.empty() ? fs::path(".") : folder, failed);
        const fs::path found = failed ? fs::path() : fs::canonical(root / given, failed);
        if (failed) throw fail(t, "no such file beside the ONNX file");
        if (std::mismatch(root.begin(), root.end(), found.begin(), found.end()).first != root.end())
            throw fail(t, "the path must not leave the folder of the ONNX file");
        if (!fs::is_regular_file(found, failed)) throw fail(t, "not a regular file");
        return found;
    }

    void note(const tensor_proto& t, const std::filesystem::path& folder) {
        stretch& part = parts_[t.place.location];
        if (part.path.empty()) {
            part.path = confined(t, folder);
            std::error_code failed;
            part.size = std::filesystem::file_size(part.path, failed);
            if (failed) throw fail(t, failed.message());
        }
        const auto [first, length] = range(t, part.size);
        part.first = std::min(part.first, first);
        part.last = std::max(part.last, first + length);
    }

    struct extent {
        std::uint64_t first, length;
    };
    static extent range(const tensor_proto& t, std::uint64_t size) {
        const std::uint64_t first = whole_number(t, t.place.offset, "offset", 0);
        const std::uint64_t left = first <= size ? size - first : 0;
        const std::uint64_t length = whole_number(t, t.place.length, "length", left);
        if (first > size || length > left)
            throw fail(
                t, text_of({"bytes from ", first, ", ", length, " of them, of a file of ", size}));
        return {first, length};
    }

    static void read(stretch& part) {
        if (part.last <= part.first) return;
        std::ifstream in(part.path, std::ios::binary);
        const std::string source = part.path.string();
        if (!in) throw error(source + ": cannot be opened for reading: " + std::strerror(errno));
        part.bytes.resize(static_cast<std::size_t>(part.last - part.first));
        in.seekg(static_cast<std::streamoff>(part.first));
        in.read(part.bytes.data(), static_cast<std::streamsize>(part.bytes.size()));
        if (static_cast<std::size_t>(in.gcount()) != part.bytes.size())
            throw error(source + ": could not be read to the end");
    }

    void attach(tensor_proto& t) const {
        const stretch& part = parts_.at(t.place.location);
        const auto [first, length] = range(t, part.size);
        t.raw = length == 0 ? std::string_view()
                            : std::string_view(part.bytes)
                                  .substr(static_cast<std::size_t>(first - part.first),
                                          static_cast<std::size_t>(length));
        t.external = false;
    }

    std::map<std::string_view, stretch> parts_;
};

}  // namespace hass::detail::onnx
