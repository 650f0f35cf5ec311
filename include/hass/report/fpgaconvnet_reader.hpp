/// \file fpgaconvnet_reader.hpp
/// Designs from fpgaConvNet's JSON configurations: see `fpgaconvnet_file.hpp`, which writes them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/files/json.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What a board took and did, where a file says it.
struct measured_design {
    /// As the file has them; nullopt: it has not.
    std::optional<double> dsp{}, lut{}, ff{}, bram18{};
    std::optional<double> images_per_second{};  ///< one image at a time
};

/// Somebody's design.
struct configured_design {
    std::string name{};          ///< of the file
    std::string board{};         ///< of the catalogue; empty: not said
    double mhz = 0.0;            ///< 0: not said
    hass::network network{};     ///< rows and edges that follow from the modules
    hass::design design{};       ///< one option a row
    precision widths{};          ///< of the first row with weights
    measured_design measured{};  ///< what the file says of it
};

namespace detail {

/// Types of rows in those files. The first name of a kind is the one that is written.
struct fpgaconvnet_type {
    std::string_view type;
    layer_kind kind;
    std::string_view key{}, value{};  ///< a parameter that tells kinds of one type apart
};
inline constexpr std::array<fpgaconvnet_type, 15> fpgaconvnet_types{{
    {"CONVOLUTION", layer_kind::convolution},
    {"INNER_PRODUCT", layer_kind::linear},
    {"POOLING", layer_kind::max_pool, "pool_type", "max"},
    {"POOLING", layer_kind::average_pool, "pool_type", "avg"},
    {"AVERAGE_POOLING", layer_kind::global_average_pool},
    {"ELTWISE", layer_kind::add, "op_type", "add"},
    {"ELTWISE", layer_kind::multiply, "op_type", "mul"},
    {"CONCAT", layer_kind::concat},
    {"ACTIVATION", layer_kind::relu, "activation_type", "relu"},
    {"ACTIVATION", layer_kind::relu6, "activation_type", "relu6"},
    {"ACTIVATION", layer_kind::hardswish, "activation_type", "hardswish"},
    {"ACTIVATION", layer_kind::hardsigmoid, "activation_type", "hardsigmoid"},
    {"ACTIVATION", layer_kind::sigmoid, "activation_type", "sigmoid"},
    {"ACTIVATION", layer_kind::swish, "activation_type", "swish"},
    {"ACTIVATION", layer_kind::softmax, "activation_type", "softmax"},
}};

/// One layer of a file, wherever its parameters stand.
class fpgaconvnet_layer {
  public:
    fpgaconvnet_layer(const ordered_json& layer, const std::string& source) : layer_(layer) {
        if (!layer.is_object()) throw error(source + ": a layer is an object");
        name = text(layer, "name", source);
        where_ = text_of({source, ": layer '", name, "': "});
        type = text(layer, "type", source);
        if (const auto p = layer.find("parameters"); p != layer.end()) {
            if (!p->is_object()) fail("parameters must be an object");
            parameters_ = &*p;
        }
    }

    std::string name, type;

    [[noreturn]] void fail(const std::string& what) const { throw error(where_ + what); }

    /// A whole number. \param least  what it must be at least
    int number(const char* key, std::optional<int> otherwise = std::nullopt, int least = 0) const {
        const ordered_json* found = at(key);
        if (found == nullptr || found->is_null()) {
            if (otherwise) return *otherwise;
            fail(text_of({"field '", key, "' is missing"}));
        }
        if (found->is_boolean()) return found->get<bool>() ? 1 : 0;
        if (!found->is_number_integer() || found->get<double>() < least ||
            found->get<double>() > 1e9)
            fail(text_of(
                {"field '", key, "' is ", found->dump(), ", must be a whole number from ", least}));
        return found->get<int>();
    }
    std::string word(const char* key, std::string_view otherwise) const {
        const ordered_json* found = at(key);
        return found != nullptr && found->is_string() ? found->get<std::string>()
                                                      : std::string(otherwise);
    }
    /// Bits of a type: "input_bits": 9, or "input_t": {"width": 9}.
    int bits(const std::string& what, int otherwise) const {
        if (at((what + "_bits").c_str()) != nullptr)
            return number((what + "_bits").c_str(), otherwise, 1);
        const ordered_json* type_of = at((what + "_t").c_str());
        if (type_of == nullptr || !type_of->is_object()) return otherwise;
        const auto width = type_of->find("width");
        return width != type_of->end() && width->is_number_integer() ? width->get<int>()
                                                                     : otherwise;
    }
    /// Names of the layers that it reads.
    std::vector<std::string> inputs() const {
        std::vector<std::string> names;
        if (const auto from = layer_.find("from"); from != layer_.end() && from->is_array()) {
            for (const ordered_json& n : *from)
                if (n.is_string()) names.push_back(n.get<std::string>());
        } else if (const auto in = layer_.find("streams_in");
                   in != layer_.end() && in->is_array()) {
            for (const ordered_json& s : *in)
                if (s.is_object() && s.contains("name") && s["name"].is_string())
                    names.push_back(s["name"].get<std::string>());
        }
        if (names.empty()) fail("no 'from' and no 'streams_in' say what it reads");
        return names;
    }

  private:
    static std::string text(const ordered_json& of, const char* key, const std::string& source) {
        const auto found = of.find(key);
        if (found == of.end() || !found->is_string())
            throw error(text_of({source, ": a layer without the text '", key, "'"}));
        return found->get<std::string>();
    }
    const ordered_json* at(const char* key) const {
        for (const ordered_json* of : {parameters_, &layer_}) {
            if (of == nullptr) continue;
            if (const auto found = of->find(key); found != of->end()) return &*found;
        }
        return nullptr;
    }

    const ordered_json& layer_;
    const ordered_json* parameters_ = nullptr;
    std::string where_;
};

inline layer_kind kind_of(const fpgaconvnet_layer& l) {
    std::vector<std::string_view> names{"BATCH_NORM", "SQUEEZE", "SPLIT"};
    const fpgaconvnet_type* first = nullptr;
    for (const fpgaconvnet_type& t : fpgaconvnet_types) {
        names.push_back(t.type);
        if (t.type != l.type) continue;
        if (first == nullptr) first = &t;
        if (!t.key.empty() && l.word(std::string(t.key).c_str(), "") == t.value) return t.kind;
    }
    if (first == nullptr) l.fail(unknown_name("type", l.type, names).what());
    return first->kind;
}

/// Behind global pools such files call channels columns.
inline shape map_of(int channels, int rows, int cols) {
    return channels == 1 && rows == 1 ? shape{cols, 1, 1} : shape{channels, rows, cols};
}

inline layer_row row_of(const fpgaconvnet_layer& l) {
    const auto one = [&](const char* key) { return l.number(key, 1, 1); };
    const auto none = [&](const char* key) { return l.number(key, 0); };
    const auto extent = [&](const char* key) { return l.number(key, std::nullopt, 1); };
    layer_row r;
    r.kind = kind_of(l);
    const auto map = [&](const std::string& side) {
        const int channels = extent(("channels_" + side).c_str());
        const int rows = extent(("rows_" + side).c_str());
        return map_of(channels, rows, extent(("cols_" + side).c_str()));
    };
    r.in = map("in"), r.out = map("out");
    if (r.kind == layer_kind::global_average_pool || r.kind == layer_kind::linear) {
        r.bias = none("has_bias") != 0;
        return r;
    }
    r.kernel_h = one("kernel_rows"), r.kernel_w = one("kernel_cols");
    r.stride_h = one("stride_rows"), r.stride_w = one("stride_cols");
    r.pad_top = none("pad_top"), r.pad_bottom = none("pad_bottom");
    r.pad_left = none("pad_left"), r.pad_right = none("pad_right");
    r.groups = one("groups"), r.bias = none("has_bias") != 0;
    return r;
}

inline row_option option_of(const fpgaconvnet_layer& l, const layer_row& row) {
    const auto one = [&](const char* key, int otherwise = 1) {
        return l.number(key, otherwise, 1);
    };
    row_option o;
    o.folding.in = one("coarse_in", one("coarse"));
    if (!is_compute(row)) return o;
    o.folding.out = one("coarse_out"), o.folding.group = one("coarse_group");
    o.folding.macs = one("fine");
    o.multipliers = l.number("use_dsp", 1) != 0 ? multiplier::dsp : multiplier::lut;
    o.memory = l.number("use_uram", 0) != 0 ? weight_memory::uram : weight_memory::bram18;
    return o;
}

inline configured_design design_from(const ordered_json& layers, const std::string& source) {
    if (!layers.is_array() || layers.empty()) throw error(source + ": 'layers' must be a list");
    configured_design d;
    bool widths = false;
    std::map<std::string, int> gives;  // whose output each layer's is
    for (const ordered_json& json : layers) {
        const fpgaconvnet_layer l(json, source);
        const std::vector<std::string> inputs = l.inputs();
        const auto source_of = [&](const std::string& from) {
            if (from == l.name) return network_input;
            const auto at = gives.find(from);
            if (at == gives.end()) l.fail("reads '" + from + "', which no layer before it is");
            return at->second;
        };
        if (gives.count(l.name) > 0) l.fail("there are two of that name");
        if (l.type == "SQUEEZE" || l.type == "SPLIT" || l.type == "BATCH_NORM") {
            gives[l.name] = source_of(inputs.front());
            continue;
        }
        const auto i = static_cast<int>(d.network.rows.size());
        d.network.rows.push_back(row_of(l));
        d.network.names.push_back(l.name);
        d.design.push_back(option_of(l, d.network.rows.back()));
        for (const std::string& from : inputs) d.network.edges.push_back({source_of(from), i});
        gives[l.name] = i;
        if (widths || !is_compute(d.network.rows.back())) continue;
        d.widths = {l.bits("input", d.widths.data), l.bits("weight", d.widths.weight),
                    l.bits("acc", d.widths.accumulator)};
        widths = true;
    }
    validate(d.network);
    return d;
}

/// What stands beside the layers of the short form.
inline void add_measured(const ordered_json& of, configured_design& d) {
    const auto text = [&](const char* key) {
        const auto at = of.find(key);
        return at != of.end() && at->is_string() ? at->get<std::string>() : std::string();
    };
    const auto number = [](const ordered_json& in, const char* key) -> std::optional<double> {
        const auto at = in.find(key);
        if (at == in.end() || !at->is_number()) return std::nullopt;
        return at->get<double>();
    };
    d.board = text("board");
    d.name = d.board.empty() || text("task").empty() ? d.board : d.board + "/" + text("task");
    d.mhz = number(of, "mhz").value_or(0.0);
    const auto m = of.find("measured");
    if (m == of.end() || !m->is_object()) return;
    d.measured.dsp = number(*m, "dsp"), d.measured.lut = number(*m, "lut");
    d.measured.ff = number(*m, "ff");
    if (const auto blocks = number(*m, "bram36")) d.measured.bram18 = 2.0 * *blocks;
    d.measured.images_per_second = number(*m, "inferences_per_s_batch1");
}

}  // namespace detail

/// Every design of a configuration.
/// \param source  file name for messages
/// \throws hass::error naming source, layer and field; as `validate` for networks that are none
inline std::vector<configured_design> parse_fpgaconvnet(std::string_view text,
                                                        const std::string& source) {
    ordered_json file;
    try {
        file = ordered_json::parse(text);
    } catch (const ordered_json::exception& e) {
        throw error(source + ": not JSON: " + std::string(e.what()));
    }
    std::vector<configured_design> all;
    const auto add = [&](const ordered_json& of) {
        if (!of.is_object() || !of.contains("layers"))
            throw error(source + ": neither 'partition', 'designs' nor 'layers'");
        all.push_back(detail::design_from(of["layers"], source));
        detail::add_measured(of, all.back());
    };
    for (const char* list : {"partition", "designs"})
        if (file.is_object() && file.contains(list) && file[list].is_array()) {
            for (const ordered_json& of : file[list]) {
                add(of);
                std::string& name = all.back().name;
                if (name.empty()) name = text_of({list, " ", all.size() - 1});
            }
            if (all.empty()) throw error(source + ": '" + list + "' is empty");
            return all;
        }
    add(file);
    if (all.back().name.empty()) all.back().name = source;
    return all;
}

}  // namespace hass
