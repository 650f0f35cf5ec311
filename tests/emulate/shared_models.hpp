// The trained networks of the shared folder.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>

namespace test {

namespace fs = std::filesystem;
using nlohmann::json;

/// The folder of trained networks, or nothing with a message.
inline std::optional<fs::path> shared_models() {
    const char* variable = std::getenv("HASS_MODELS_DIR");
    const fs::path folder = variable != nullptr ? variable : HASS_SHARED_MODELS;
    if (fs::exists(folder / "manifest.json")) return folder;
    WARN("skipped: no manifest.json in " << folder.string() << " (set HASS_MODELS_DIR)");
    return std::nullopt;
}

inline json read_json(const fs::path& path) {
    std::ifstream in(path);
    return json::parse(in);
}

/// "1/255" or a number.
inline float scale_of(const json& preprocessing) {
    const json& scale = preprocessing.at("scale");
    return scale.is_string() ? 1.0F / 255.0F : scale.get<float>();
}

inline hass::emulator emulator_of(const fs::path& folder, const json& network) {
    const json& p = network.at("preprocessing");
    return hass::emulator(hass::load_onnx(folder / network.at("file").get<std::string>()),
                          {scale_of(p), p.at("mean").get<std::vector<float>>(),
                           p.at("std").get<std::vector<float>>()});
}

inline void keep_first(hass::image_set& images, std::size_t count) {
    images.count = std::min(images.count, count);
}

}  // namespace test
