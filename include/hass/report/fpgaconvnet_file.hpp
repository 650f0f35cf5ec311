/// \file fpgaconvnet_file.hpp
/// Designs as fpgaConvNet's JSON configurations hold them, written and read:
///
///     {"partition": [{"layers": [{"name": ..., "type": "CONVOLUTION",
///                                 "parameters": {"coarse_in": 1, "fine": 9, ...},
///                                 "streams_in": [{"name": ..., "buffer_depth": 2}], ...}]}]}
///
/// and the short form of measured designs, whose layers have their parameters beside their name and
/// `from` in place of streams: one design, or {"designs": [...]}. A stream that comes from its own
/// layer is the image. Squeezes, splits and requantisers (BATCH_NORM) are no rows here: they are
/// written where streams ask for them, and passed over when read.
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
#include <hass/pipeline/streams.hpp>
#include <hass/report/json.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What a board took and did, where a file says it.
struct measured_design {
    std::optional<double> dsp{}, lut{}, ff{}, bram18{};
    std::optional<double> images_per_second{};  ///< one image at a time
};

/// Somebody's design.
struct configured_design {
    std::string name{};
    std::string board{};  ///< of the catalogue; empty: not said
    double mhz = 0.0;     ///< 0: not said
    hass::network network{};
    hass::design design{};  ///< one option a row
    precision widths{};     ///< of the first row with weights
    measured_design measured{};
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

inline report_json parameters_of(const layer_row& r, const row_option& o, const precision& widths) {
    report_json p;
    const auto map = [&](const char* side, const shape& s) {
        p[std::string("rows_") + side] = s.height;
        p[std::string("cols_") + side] = s.width;
        p[std::string("channels_") + side] = s.channels;
    };
    map("in", r.in), map("out", r.out);
    for (const fpgaconvnet_type& t : fpgaconvnet_types)
        if (t.kind == r.kind && !t.key.empty()) p[std::string(t.key)] = t.value;
    p["coarse_in"] = o.folding.in;
    p["coarse_out"] = is_compute(r) ? o.folding.out : o.folding.in;
    p["data_t"]["width"] = widths.data;
    if (!is_compute(r) && taps(r) == 1) return p;
    if (r.kind != layer_kind::linear) {
        p["kernel_rows"] = r.kernel_h, p["kernel_cols"] = r.kernel_w;
        p["stride_rows"] = r.stride_h, p["stride_cols"] = r.stride_w;
        p["pad_top"] = r.pad_top, p["pad_right"] = r.pad_right;
        p["pad_bottom"] = r.pad_bottom, p["pad_left"] = r.pad_left;
        p["groups"] = r.groups;
    }
    if (!is_compute(r)) return p;
    p["filters"] = r.out.channels;
    p["coarse_group"] = o.folding.group, p["fine"] = o.folding.macs;
    p["has_bias"] = r.bias ? 1 : 0;
    p["use_dsp"] = o.multipliers == multiplier::dsp;
    p["use_uram"] = o.memory == weight_memory::uram;
    p["input_t"]["width"] = widths.data;
    p["weight_t"]["width"] = widths.weight;
    p["acc_t"]["width"] = widths.accumulator;
    return p;
}

/// \throws hass::error for what such a file has no word for
inline void require_expressible(const network_view& net, std::size_t i, const row_option& o) {
    const parallelism& p = o.folding;
    const auto refuse = [&](const char* what) {
        throw error(text_of({"fpgaConvNet: layer '", name_of(net, i), "' has ", what,
                             ", for which a configuration has no field"}));
    };
    if (net.rows[i].dilation_h * net.rows[i].dilation_w != 1) refuse("a dilation");
    if (net.rows[i].ceil_mode) refuse("partial windows");
    if (p.vector != 1) refuse("windows of several channels");
    if (p.pixels != 1) refuse("several pixels at once");
    if (p.shared != 1) refuse("filters that share a control");
    if (o.memory == weight_memory::off_chip || o.memory == weight_memory::lutram ||
        o.maps != weight_memory::bram18)
        refuse("a memory other than block RAM or URAM");
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

/// One partition: rows, and between them squeezes and splits where streams ask for them.
/// \param chosen  one option a row
/// \throws hass::error naming the layer, for what such files have no field for
inline std::string fpgaconvnet_text(const network_view& net, std::span<const row_option> chosen,
                                    const precision& widths = {}) {
    if (chosen.size() != net.size())
        throw error(
            text_of({"fpgaConvNet: ", chosen.size(), " options for ", net.size(), " rows"}));
    const network_streams streams(net);
    report_json partition;
    partition["id"] = 0;
    partition["weights_reloading_factor"] = 1;
    report_json& layers = partition["layers"] = report_json::array();
    std::vector<std::string> gives(net.size());  // the layer that readers of a row read
    const auto add = [&](const std::string& name, std::string_view type, report_json parameters,
                         const std::vector<std::string>& from) {
        report_json l;
        l["name"] = name;
        l["type"] = type;
        l["parameters"] = std::move(parameters);
        for (const std::string& f : from) {
            report_json stream;
            stream["name"] = f;
            stream["coarse"] = l["parameters"]["coarse_in"];
            l["streams_in"].push_back(std::move(stream));
        }
        layers.push_back(std::move(l));
    };
    const auto plain = [&](const shape& map, int in, int out) {
        layer_row r;
        r.kind = layer_kind::relu, r.in = r.out = map;
        report_json p = detail::parameters_of(r, row_option{.folding = {.in = in}}, widths);
        p.erase("activation_type");
        p["coarse_out"] = out;
        return p;
    };
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& r = net.rows[i];
        if (renames(r.kind)) continue;
        detail::require_expressible(net, i, chosen[i]);
        std::vector<std::string> from;
        for (int k = 0; k < streams.ends(i).images; ++k) from.push_back(name_of(net, i));
        for (const stream_edge& e : streams.edges()) {
            if (e.to != i) continue;
            const int in = words_in(r, chosen[i]),
                      out = words_out(net.rows[e.from], chosen[e.from]);
            std::string source = gives[e.from];
            if (in != out) {
                const std::string squeeze = source + "_squeeze_" + name_of(net, i);
                add(squeeze, "SQUEEZE", plain(net.rows[e.from].out, out, in), {source});
                source = squeeze;
            }
            from.push_back(std::move(source));
        }
        const auto type =
            std::find_if(detail::fpgaconvnet_types.begin(), detail::fpgaconvnet_types.end(),
                         [&](const detail::fpgaconvnet_type& t) { return t.kind == r.kind; });
        if (type == detail::fpgaconvnet_types.end())
            throw error(text_of({"fpgaConvNet: layer '", name_of(net, i), "': a ", name(r.kind),
                                 " has no type in a configuration"}));
        gives[i] = name_of(net, i);
        add(gives[i], type->type, detail::parameters_of(r, chosen[i], widths), from);
        if (streams.ends(i).copies < 2) continue;
        const int words = words_out(r, chosen[i]);
        gives[i] += "_split";
        report_json p = plain(r.out, words, words);
        p["ports_out"] = streams.ends(i).copies;
        add(gives[i], "SPLIT", std::move(p), {name_of(net, i)});
    }
    report_json file;
    file["partition"].push_back(std::move(partition));
    return file.dump(2) + "\n";
}

}  // namespace hass
