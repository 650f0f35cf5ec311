// Where the recorded figures are: HASS_GOLDEN_DIR if set, else the repository's tests/data.
#pragma once

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/workload/layer.hpp>

namespace golden {

using json = nlohmann::json;

/// \throws hass::error when the file cannot be read or is not JSON
inline json read(const std::string& file) {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    const std::string path = std::string(folder != nullptr ? folder : HASS_TEST_DATA) + "/" + file;
    std::ifstream in(path);
    if (!in) throw hass::error("cannot read golden file " + path);
    json j = json::parse(in, nullptr, false);
    if (j.is_discarded()) throw hass::error("not JSON: " + path);
    return j;
}

/// A convolution as a recorded layer describes it.
inline hass::layer_row row(const json& in) {
    hass::layer_row r;
    r.in = {in.at("channels"), in.at("rows"), in.at("cols")};
    r.kernel_h = in.at("kernel_rows"), r.kernel_w = in.at("kernel_cols");
    r.stride_h = in.at("stride_rows"), r.stride_w = in.at("stride_cols");
    r.pad_top = in.at("pad_top"), r.pad_bottom = in.at("pad_bottom");
    r.pad_left = in.at("pad_left"), r.pad_right = in.at("pad_right");
    r.groups = in.at("groups");
    r.bias = in.at("has_bias").get<int>() != 0;
    r.out = {in.at("filters"),
             hass::window_extent(r.in.height, r.kernel_h, r.stride_h, r.pad_top, r.pad_bottom),
             hass::window_extent(r.in.width, r.kernel_w, r.stride_w, r.pad_left, r.pad_right)};
    return r;
}

inline hass::parallelism folding(const json& in) {
    return {in.at("coarse_in"), in.at("coarse_out"), in.at("coarse_group"), in.at("fine"), 1};
}

inline hass::precision precision(const json& in) {
    return {in.at("data_width"), in.at("weight_width"), in.at("acc_width")};
}

}  // namespace golden
