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
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/report/fpgaconvnet_reader.hpp>
#include <hass/report/json.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace detail {

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
