/// \file toolchain_files.hpp
/// Foldings as other toolchains read them: FINN's folding_config.json (for ApplyConfig, before FIFOs
/// are inserted) and hls4ml's configuration as YAML. And beside them what they come to, as JSON in
/// which whatever has no model is null.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <hass/engine/finn/folding.hpp>
#include <hass/engine/finn/graph.hpp>
#include <hass/error.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/explore/hls4ml_foldings.hpp>
#include <hass/files/json.hpp>
#include <hass/report/json.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

/// What ApplyConfig sets of one node.
inline report_json finn_attributes(const finn::node_kind& kind) {
    report_json a = report_json::object();
    const auto dot = [&](const auto& n) {
        a["PE"] = n.pe, a["SIMD"] = n.simd;
        a["ram_style"] = name(n.ram_style);
        a["resType"] = name(n.res_type);
        a["mem_mode"] = name(n.mem_mode);
        if constexpr (std::is_same_v<std::decay_t<decltype(n)>, finn::mvau>)
            if (n.activation) a["ram_style_thresholds"] = name(n.threshold_ram_style);
    };
    if (const auto* m = std::get_if<finn::mvau>(&kind)) {
        dot(*m);
    } else if (const auto* v = std::get_if<finn::vvau>(&kind)) {
        dot(*v);
    } else if (const auto* w = std::get_if<finn::sliding_window>(&kind)) {
        a["SIMD"] = w->simd;
        a["parallel_window"] = w->parallel_window ? 1 : 0;
        a["ram_style"] = name(w->ram_style);
    } else if (const auto* p = std::get_if<finn::padding>(&kind)) {
        a["SIMD"] = p->simd;
    } else if (!std::holds_alternative<finn::streaming_max_pool>(kind)) {
        a["PE"] = std::visit(
            [](const auto& n) {
                if constexpr (requires { n.pe; }) return n.pe;
                return 1;
            },
            kind);
    }
    return a;
}

inline report_json to_json(const modelled_usage& u) {
    report_json j;
    for (std::size_t r = 0; r < resources.size(); ++r) {
        const std::string key(resources[r].name);
        if (const auto known = u.at(r))
            j[key] = *known;
        else
            j[key] = nullptr;
    }
    return j;
}

/// \param engine  whose foldings
inline report_json to_json(const char* engine, const folding_solution& s, const device& board) {
    report_json j;
    j["engine"] = engine;
    j["device"] = board.name;
    j["clock_mhz"] = board.mhz;
    j["fits"] = s.fits;
    j["reason"] = s.reason;
    if (!s.fits) return j;
    add_numbers(j, {{"interval_cycles", s.interval_cycles},
                    {"images_per_s", s.images_per_second},
                    {"gap", s.gap},
                    {"least_interval_cycles", s.least_interval},
                    {"least_need", s.least_need}});
    j["resources"] = to_json(s.total);
    // what is summed where only a part of it has a model
    report_json& part = j["resources_of_what_is_modelled"];
    for (const resource& r : resources) part[std::string(r.name)] = s.total.value.*r.field;
    j["between_stages"] = to_json(s.between);
    return j;
}

/// A name that YAML reads as a text.
inline std::string quoted(std::string_view text) {
    std::string q = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') q += '\\';
        q += c;
    }
    return q + "\"";
}

}  // namespace detail

/// FINN's folding_config.json: nodes under FINN's names, in graph order.
/// \param d  of `g`, with foldings
inline std::string finn_config_text(const finn::graph& g, const finn_design& d) {
    report_json file;
    file["Defaults"] = report_json::object();
    std::vector<std::vector<std::int64_t>> depths(g.nodes.size());
    for (std::size_t e = 0; e < g.streams.size(); ++e)
        depths[g.streams[e].from].push_back(d.fifo_depths[e]);
    for (std::size_t n = 0; n < g.nodes.size(); ++n) {
        report_json node = detail::finn_attributes(finn::folded(g.nodes[n].kind, d.foldings[n]));
        if (!depths[n].empty()) node["outFIFODepths"] = depths[n];
        file[g.nodes[n].name] = std::move(node);
    }
    return file.dump(2) + "\n";
}

/// What FINN's nodes come to, one by one and together.
inline std::string finn_report_text(const finn_foldings& of, const finn_design& d,
                                    finn::policy which) {
    report_json file = detail::to_json("finn", d.solution, of.board());
    file["estimates"] = name(which);
    file["notes"] = of.graph().notes;
    report_json& nodes = file["nodes"] = report_json::array();
    const finn::dsp_block dsp = finn::dsp_block_of(of.board().dsp_slice);
    for (std::size_t n = 0; n < d.foldings.size(); ++n) {
        const finn::node_kind built = finn::folded(of.graph().nodes[n].kind, d.foldings[n]);
        report_json j;
        j["name"] = of.graph().nodes[n].name;
        j["cycles"] = finn::cycles(built);
        j["bits_in"] = finn::bits_in(built);
        j["bits_out"] = finn::bits_out(built);
        j["resources"] = detail::to_json(finn::needs(built, which, dsp));
        nodes.push_back(std::move(j));
    }
    return file.dump(2) + "\n";
}

/// hls4ml's configuration: of each layer ReuseFactor, Strategy and, where there is one,
/// ParallelizationFactor.
/// \throws hass::error for a design without layers
inline std::string hls4ml_config_text(const hls4ml_design& d) {
    using namespace hls4ml;
    if (d.layers.empty()) throw error("hls4ml: no layer to configure");
    const layer& first = d.layers.front();
    std::string text = text_of({"IOType: ", name(first.io),
                                "\nHLSConfig:\n  Model:\n    Strategy: ", name(first.how),
                                "\n    ReuseFactor: 1\n  LayerName:\n"});
    for (std::size_t i = 0; i < d.layers.size(); ++i) {
        const layer& l = d.layers[i];
        text += text_of({"    ", detail::quoted(d.names[i]), ":\n      Strategy: ", name(l.how),
                         "\n      ReuseFactor: ", l.reuse, "\n"});
        if (l.parallelization > 1)
            text += text_of({"      ParallelizationFactor: ", l.parallelization, "\n"});
    }
    return text;
}

/// What hls4ml's layers come to.
inline std::string hls4ml_report_text(const hls4ml_foldings& of, const hls4ml_design& d) {
    report_json file = detail::to_json("hls4ml", d.solution, of.board());
    if (const auto latency = hls4ml::latency(d.layers)) file["latency_cycles"] = *latency;
    return file.dump(2) + "\n";
}

}  // namespace hass
