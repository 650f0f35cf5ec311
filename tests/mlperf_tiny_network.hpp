// The networks of the designs that mlperf_tiny.hpp reads, as rows, and the foldings that were built.
#pragma once

#include <map>
#include <string>

#include <hass/error.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/network.hpp>

#include "mlperf_tiny.hpp"

namespace mlperf_tiny {

namespace detail {

inline hass::layer_kind kind_of(const layer& l) {
    using hass::layer_kind;
    if (l.type == "CONVOLUTION") return layer_kind::convolution;
    if (l.type == "INNER_PRODUCT") return layer_kind::linear;
    if (l.type == "AVERAGE_POOLING") return layer_kind::global_average_pool;
    if (l.type == "ELTWISE") return layer_kind::add;
    if (l.type == "ACTIVATION") return layer_kind::relu;
    throw hass::error("a layer of a kind that was not there before: " + l.type);
}

// Behind global pools the file calls channels columns.
inline hass::shape map_of(const hass::shape& s) {
    return s.channels == 1 && s.height == 1 ? hass::shape{s.width, 1, 1} : s;
}

inline hass::layer_row row_of(const layer& l) {
    hass::layer_row r;
    r.kind = kind_of(l);
    r.in = map_of(l.in), r.out = map_of(l.out);
    r.kernel_h = l.kernel_rows, r.kernel_w = l.kernel_cols;
    r.stride_h = l.stride_rows, r.stride_w = l.stride_cols;
    r.pad_top = l.pad_top, r.pad_bottom = l.pad_bottom;
    r.pad_left = l.pad_left, r.pad_right = l.pad_right;
    r.groups = l.groups, r.bias = l.has_bias;
    return r;
}

inline hass::row_option option_of(const layer& l, const hass::layer_row& row) {
    hass::row_option o;
    o.folding.in = l.coarse_in;
    if (!hass::is_compute(row)) return o;
    o.folding = {l.coarse_in, l.coarse_out, l.coarse_group, l.fine, 1};
    o.multipliers = l.use_dsp ? hass::multiplier::dsp : hass::multiplier::lut;
    return o;
}

}  // namespace detail

struct submission {
    hass::network net;
    hass::design built;  // one option a row
};

// Without what a design adds to its network: squeezes, splits, and requantisers, which are part of
// our rows.
inline submission submitted(const design& d) {
    submission s;
    std::map<std::string, int> gives;  // whose output each layer's is
    for (const layer& l : d.layers) {
        const auto source = [&](const std::string& from) {
            return from == l.name ? hass::network_input : gives.at(from);
        };
        if (l.type == "SQUEEZE" || l.type == "SPLIT" || l.type == "BATCH_NORM") {
            gives[l.name] = source(l.from.front());
            continue;
        }
        const auto i = static_cast<int>(s.net.rows.size());
        s.net.rows.push_back(detail::row_of(l));
        s.net.names.push_back(l.name);
        s.built.push_back(detail::option_of(l, s.net.rows.back()));
        for (const std::string& from : l.from) s.net.edges.push_back({source(from), i});
        gives[l.name] = i;
    }
    return s;
}

}  // namespace mlperf_tiny
