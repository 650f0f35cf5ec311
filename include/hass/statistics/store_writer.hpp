/// \file store_writer.hpp
/// A recorded network as the content of a file (store_format.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <hass/files/json.hpp>
#include <string>
#include <utility>

#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/store_format.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace detail {

inline ordered_json header_of(const recorded_network& m) {
    using json = ordered_json;
    json rows = json::array();
    for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
        json row{{"name", name_of(m, i)}, {"kind", name(m.net.rows[i].kind)}};
        for (const row_field& field : row_fields)
            if (field.get(m.net.rows[i]) != field.get(layer_row{}))
                row[std::string(field.name)] = field.get(m.net.rows[i]);
        rows.push_back(std::move(row));
    }
    json edges = json::array();
    for (const edge& e : m.net.edges) edges.push_back({e.from, e.to});
    json sources = json::array();
    for (const std::uint64_t s : m.sources) sources.push_back(hexadecimal(s));
    json layers = json::array();
    for (const recorded_layer& l : m.layers) {
        layers.push_back(
            {{"row", l.place},
             {"thresholds", {l.weights.thresholds.size(), l.activations.thresholds.size()}},
             {"measured",
              {l.weight_curve.thresholds.size(), l.activation_curve.thresholds.size()}}});
        if (!l.natural.lanes.empty()) layers.back()["lanes"] = l.natural.lanes.size();
        for (const list_lengths& lists : l.natural.lists)
            layers.back()["lists"].push_back(lists.lanes);
        if (!l.natural.rows.empty()) layers.back()["row_parts"] = l.natural.rows.size();
    }
    return {{"network", m.name},         {"weights", hexadecimal(m.weights)},
            {"images", m.images},        {"sources", std::move(sources)},
            {"top1", m.untouched.top1},  {"top5", m.untouched.top5},
            {"loss", m.untouched.loss},  {"rows", std::move(rows)},
            {"edges", std::move(edges)}, {"layers", std::move(layers)}};
}

}  // namespace detail

/// The file's content.
/// \throws hass::error where a layer's windows were not counted: every file has them
inline std::string format_statistics(const recorded_network& m) {
    std::string body;
    for (const recorded_layer& l : m.layers) {
        const layer_statistics& s = l.natural;
        if (!detail::counted(s.windows, m.net.rows[l.place]))
            throw error("statistics of layer '" + name_of(m, l.place) +
                        "': its windows were not counted, or are of another layer");
        for (const double x :
             {s.weight_sparsity, s.activation_sparsity, s.pair_sparsity, s.pair_sparsity_padded})
            detail::put(body, x);
        for (const window_histogram& h : s.windows)
            for (const std::uint16_t x : detail::window_steps(h)) detail::put(body, x);
        for (const auto& [values, curve] : {std::pair{&l.weights, &l.weight_curve},
                                            std::pair{&l.activations, &l.activation_curve}}) {
            for (const float x : values->thresholds) detail::put(body, x);
            for (const std::uint16_t x : values->whole) detail::put(body, x);
            for (const std::uint16_t x : values->channels) detail::put(body, x);
            for (std::size_t i = 0; i < curve->thresholds.size(); ++i) {
                detail::put(body, curve->thresholds[i]);
                detail::put(body, curve->answered[i].top1);
                detail::put(body, curve->answered[i].top5);
                detail::put(body, curve->answered[i].loss);
            }
        }
        for (const lane_work& w : s.lanes) {
            for (const int x : {w.layout.in, w.layout.group, w.layout.macs, w.layout.vector,
                                w.layout.shared, w.layout.engines})
                detail::put(body, static_cast<std::uint32_t>(x));
            detail::put(body, w.cycles);
        }
        for (const list_lengths& lists : s.lists)
            for (const std::uint16_t x : detail::list_steps(lists)) detail::put(body, x);
        for (const double part : s.rows) detail::put(body, part);
    }
    const std::string header =
        detail::header_of(m).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    std::string file(statistics_magic);
    detail::put(file, statistics_version);
    detail::put(file, static_cast<std::uint32_t>(header.size()));
    detail::put(file, detail::crc(header));
    detail::put(file, detail::crc(body));
    return file + header + body;
}

}  // namespace hass
