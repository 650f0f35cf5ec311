#include "pruned.hpp"

#include <algorithm>
#include <filesystem>
#include <hass/engine/patterns/named.hpp>
#include <hass/error.hpp>
#include <hass/report/pruned_onnx.hpp>
#include <hass/search/threshold_axes.hpp>
#include <system_error>

namespace hass_search {
namespace {

namespace fs = std::filesystem;

/// The name of the written file, or why there is none.
std::string write(const settings& s, const hass::model& m, const hass::pruned_weights& weights,
                  const hass::network_thresholds& t, const hass::preprocessing& input,
                  const std::string& name) {
    const fs::path to = fs::path(s.out) / name;
    std::error_code none;
    fs::remove(to, none);  // of an earlier run
    fs::remove(to.string() + ".data", none);
    if (s.bits != 0)
        return "not written: --bits rounds weights and data, which the file's operators do not";
    try {
        hass::write_pruned_onnx(s.model, m, weights, t, input, to);
    } catch (const hass::error& why) {
        return why.what();
    }
    return name;
}

}  // namespace

projection projected(const settings& s, const hass::model& m, const hass::network_thresholds& t) {
    const hass::patterns::named_pattern pattern(s.prune_pattern);
    projection p{s.prune_pattern, hass::clipped_weights(m, hass::network_thresholds(t.size())),
                 0.0};
    const std::vector<bool> exempt = hass::exempt_rows(m.net, s.exempt);
    double kept = 0.0, all = 0.0;
    for (std::size_t i = 0; i < p.weights.size(); ++i) {
        std::vector<float>& w = p.weights[i];
        if (w.empty()) continue;
        const double share = 1.0 - hass::patterns::sparsity(hass::clipped_weights(
                                       m.net.rows[i], m.parameters[i].weights, t[i]));
        if (!exempt[i]) pattern.project(m.net.rows[i], w, share);
        kept += static_cast<double>(w.size()) * (1.0 - hass::patterns::sparsity(w));
        all += static_cast<double>(w.size());
    }
    p.density = all > 0.0 ? kept / all : 1.0;
    return p;
}

std::string write_clipped(const settings& s, const hass::model& m,
                          const hass::network_thresholds& t, const hass::preprocessing& input) {
    return write(s, m, hass::clipped_weights(m, t), t, input, "pruned.onnx");
}

std::string write_projected(const settings& s, const hass::model& m,
                            const hass::network_thresholds& t, const hass::preprocessing& input,
                            const projection& p) {
    std::string name = "pruned_" + p.pattern + ".onnx";
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ':' || c == '/'; }, '_');
    return write(s, m, p.weights, t, input, name);
}

}  // namespace hass_search
