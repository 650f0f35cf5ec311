// The designs that fpgaConvNet's authors measured on boards, as mlperf_tiny_designs.json records
// them: whatever designs the file holds.
#pragma once

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/workload/layer.hpp>

namespace mlperf_tiny {

// What a layer does not have keeps the value that changes nothing: one stream, one tap, one group.
struct layer {
    std::string name;
    std::string type;               // CONVOLUTION, BATCH_NORM, SQUEEZE, ...
    std::vector<std::string> from;  // its own name: the network's input
    std::vector<int> buffer_depth;  // words of the FIFO in front of each input
    hass::shape in{}, out{};
    int coarse_in = 1, coarse_out = 1, coarse_group = 1;  // streams
    int fine = 1;                                         // multipliers of one stream pair
    int groups = 1;
    int kernel_rows = 1, kernel_cols = 1;
    int stride_rows = 1, stride_cols = 1;
    int pad_top = 0, pad_right = 0, pad_bottom = 0, pad_left = 0;
    bool use_dsp = true;  // false: multipliers built from LUTs
    bool has_bias = false;
    std::optional<int> input_bits, output_bits, weight_bits, acc_bits, data_bits;
};

struct measurement {
    double lut = 0.0, ff = 0.0;
    double dsp = 0.0;
    std::optional<double> bram36;   // 36 Kbit blocks, halves are RAMB18
    double inferences_per_s = 0.0;  // one image at a time: latency, not throughput
};

struct design {
    std::string board, task, network;
    double mhz = 0.0;
    measurement measured{};
    std::vector<layer> layers;  // in topological order of `from`, as the file has them

    std::string name() const { return board + "/" + task; }
};

namespace detail {

using json = nlohmann::json;

// A field that may be absent or null.
template <class T>
T value(const json& in, const char* field, T otherwise) {
    const auto at = in.find(field);
    return at == in.end() || at->is_null() ? otherwise : at->get<T>();
}

inline std::optional<int> bits(const json& in, const char* field) {
    const auto at = in.find(field);
    if (at == in.end() || at->is_null()) return std::nullopt;
    return at->get<int>();
}

inline layer layer_of(const json& in) {
    layer l;
    l.name = in.at("name").get<std::string>();
    l.type = in.at("type").get<std::string>();
    l.from = in.at("from").get<std::vector<std::string>>();
    l.buffer_depth = in.at("buffer_depth").get<std::vector<int>>();
    l.in = {in.at("channels_in"), in.at("rows_in"), in.at("cols_in")};
    l.out = {in.at("channels_out"), in.at("rows_out"), in.at("cols_out")};
    l.coarse_in = in.at("coarse_in"), l.coarse_out = in.at("coarse_out");
    l.coarse_group = value(in, "coarse_group", 1), l.fine = value(in, "fine", 1);
    l.groups = value(in, "groups", 1);
    l.kernel_rows = value(in, "kernel_rows", 1), l.kernel_cols = value(in, "kernel_cols", 1);
    l.stride_rows = value(in, "stride_rows", 1), l.stride_cols = value(in, "stride_cols", 1);
    l.pad_top = value(in, "pad_top", 0), l.pad_right = value(in, "pad_right", 0);
    l.pad_bottom = value(in, "pad_bottom", 0), l.pad_left = value(in, "pad_left", 0);
    l.use_dsp = value(in, "use_dsp", true), l.has_bias = value(in, "has_bias", 0) != 0;
    l.input_bits = bits(in, "input_bits"), l.output_bits = bits(in, "output_bits");
    l.weight_bits = bits(in, "weight_bits"), l.acc_bits = bits(in, "acc_bits");
    l.data_bits = bits(in, "data_bits");
    return l;
}

inline design design_of(const json& in) {
    design d;
    d.board = in.at("board").get<std::string>(), d.task = in.at("task").get<std::string>();
    d.network = in.at("network").get<std::string>();
    d.mhz = in.at("mhz");
    const json& m = in.at("measured");
    d.measured.lut = m.at("lut"), d.measured.ff = m.at("ff"), d.measured.dsp = m.at("dsp");
    if (!m.at("bram36").is_null()) d.measured.bram36 = m.at("bram36").get<double>();
    d.measured.inferences_per_s = m.at("inferences_per_s_batch1");
    for (const json& l : in.at("layers")) d.layers.push_back(layer_of(l));
    return d;
}

}  // namespace detail

/// Every design of mlperf_tiny_designs.json in HASS_GOLDEN_DIR; nullopt where that is not set or
/// has no such file: a test then says that it is skipped.
/// \throws nlohmann::json::exception for a file that is not what it should be
inline std::optional<std::vector<design>> designs() {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    if (folder == nullptr) return std::nullopt;
    std::ifstream in(std::string(folder) + "/mlperf_tiny_designs.json");
    if (!in) return std::nullopt;
    const auto file = detail::json::parse(in);
    std::vector<design> all;
    for (const auto& d : file.at("designs")) all.push_back(detail::design_of(d));
    return all;
}

}  // namespace mlperf_tiny
