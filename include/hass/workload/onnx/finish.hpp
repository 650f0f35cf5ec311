/// \file finish.hpp
/// From rows in the making to a model: what leads nowhere is left out, and what the file declares
/// about its output has to hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/demand.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// \throws hass::error when the file declares other fixed extents than the layers give
inline void check_extents(const value_proto& declared, const value& out) {
    if (!declared.dims || declared.dims->size() < 2) return;
    const auto dims = std::span(*declared.dims).subspan(1);
    const bool fixed = std::all_of(dims.begin(), dims.end(), [](std::int64_t d) { return d > 0; });
    const auto volume = element_count(dims, static_cast<std::size_t>(largest_map));
    if (fixed && volume != static_cast<std::size_t>(out.shape.volume()))
        throw error("the output " + quoted(declared.name) + " is declared as " +
                    dims_text(*declared.dims) + " but its layers give " + describe(out));
}

/// Which rows lead to the one at `last`; of others only the shape was read.
inline std::vector<bool> leading_to(int last, std::span<const draft> rows) {
    std::vector<bool> leads(rows.size(), false);
    leads[static_cast<std::size_t>(last)] = true;
    for (std::size_t i = rows.size(); i-- > 0;)
        for (const int from : rows[i].from)
            if (leads[i] && from >= 0) leads[static_cast<std::size_t>(from)] = true;
    return leads;
}

/// Refuses a network of which too many outputs are waited for at the same time.
inline void hold_together(std::span<const draft> rows, const std::vector<bool>& leads,
                          const demand& allowed) {
    std::vector<std::size_t> last(rows.size(), 0);
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (const int from : rows[i].from)
            if (leads[i] && from >= 0) last[static_cast<std::size_t>(from)] = i;
    std::vector<double> ends(rows.size() + 1, 0.0);
    double held = 0.0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!leads[i]) continue;
        const auto volume = static_cast<double>(rows[i].row.out.volume());
        held += volume;
        ends[std::max(last[i], i)] += volume;
        try {
            allowed.hold(held);
        } catch (const error& e) {
            throw error("layer '" + rows[i].name + "': with all that is waited for " + e.what());
        }
        held -= ends[i];
    }
}

/// The model of the rows that lead to its output; names and numbers move out of the drafts.
inline model assemble(std::span<draft> rows, const std::vector<bool>& leads) {
    model m;
    std::vector<int> place(rows.size(), network_input);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!leads[i]) continue;
        draft& d = rows[i];
        place[i] = static_cast<int>(m.net.rows.size());
        for (const int from : d.from)
            m.net.edges.push_back(
                {from < 0 ? network_input : place[static_cast<std::size_t>(from)], place[i]});
        m.net.rows.push_back(d.row);
        m.net.names.push_back(std::move(d.name));
        m.parameters.push_back(std::move(d.parameters));
        m.origins.push_back(std::move(d.origin));
    }
    validate(m.net);
    return m;
}

}  // namespace hass::detail::onnx
