#include "findings.hpp"

#include <array>
#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <utility>

namespace hass_search {
namespace {

using json = hass::ordered_json;

constexpr std::array<std::pair<const char*, double hass::average_sparsity::*>, 4> sparsities{
    {{"weight_sparsity", &hass::average_sparsity::weight},
     {"activation_sparsity", &hass::average_sparsity::activation},
     {"pair_sparsity", &hass::average_sparsity::pair},
     {"pair_sparsity_of_layers", &hass::average_sparsity::pair_of_layers}}};

constexpr std::array<std::pair<const char*, double hass::usage::*>, 6> resources{
    {{"dsp", &hass::usage::dsp},
     {"lut", &hass::usage::lut},
     {"ff", &hass::usage::ff},
     {"bram18", &hass::usage::bram18},
     {"uram", &hass::usage::uram},
     {"bandwidth_gbps", &hass::usage::bandwidth}}};

double number(const json& findings, const std::string& key) {
    const auto at = findings.find(key);
    if (at == findings.end() || !at->is_number())
        throw hass::error("a trial has no '" + key + "' among its attributes");
    return *at;
}

}  // namespace

json findings_of(const hass::candidate& c, const hass::metric_unit& metric) {
    json found;
    found[metric.name] = c.measured.score;
    if (c.measured.top5) found["top5"] = *c.measured.top5;
    for (const auto& [key, member] : sparsities) found[key] = c.sparsity.*member;
    if (!c.hardware.fits) {
        found["does_not_fit"] = c.hardware.certificate.reason;
        return found;
    }
    found["images_per_s"] = c.hardware.estimate.images_per_second;
    found["interval_cycles"] = c.hardware.estimate.interval_cycles;
    for (const auto& [key, member] : resources) found[key] = c.hardware.estimate.total.*member;
    return found;
}

hass::candidate candidate_of(const json& findings, const hass::metric_unit& metric) {
    hass::candidate c;
    c.measured.metric = metric;
    c.measured.score = number(findings, metric.name);
    if (metric.name != "top5" && findings.contains("top5"))
        c.measured.top5 = number(findings, "top5");
    for (const auto& [key, member] : sparsities) c.sparsity.*member = number(findings, key);
    if (const auto why = findings.find("does_not_fit"); why != findings.end()) {
        c.hardware.certificate.reason = why->get<std::string>();
        return c;
    }
    c.hardware.fits = c.hardware.estimate.fits = true;
    c.hardware.estimate.images_per_second = number(findings, "images_per_s");
    c.hardware.estimate.interval_cycles = number(findings, "interval_cycles");
    for (const auto& [key, member] : resources)
        c.hardware.estimate.total.*member = number(findings, key);
    return c;
}

std::string text_of_task(const task& t) {
    return json{{"number", t.number}, {"reach", t.reach}, {"floor", t.floor}, {"point", t.point}}
        .dump();
}

task task_of(const std::string& text) {
    const json t = json::parse(text);
    return {t.at("number"), t.at("reach"), t.at("floor"), t.at("point")};
}

std::string error_text(const std::string& why) {
    return json{{"error", why}}.dump();
}

}  // namespace hass_search
