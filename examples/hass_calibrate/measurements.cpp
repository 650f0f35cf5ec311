#include "measurements.hpp"

#include <algorithm>
#include <hass/engine/resources/measured_csv.hpp>
#include <hass/engine/resources/utilization_report.hpp>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/text.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace hass_calibrate {
namespace {

using json = nlohmann::json;

/// One stage of a solution: a module that was not measured yet.
struct solution {
    std::string base;
    int bits = 16;
    hass::dsp_slice slice = hass::dsp_slice::dsp48e2;
    std::vector<hass::measured_module> stages;
};

/// A field of a file that another program wrote.
template <class T>
T field(const json& of, const char* name, const std::string& where) {
    const auto at = of.is_object() ? of.find(name) : of.end();
    if (!of.is_object() || at == of.end())
        throw hass::error(hass::text_of({where, ": no field '", name, "'"}));
    try {
        return at->get<T>();
    } catch (const json::exception&) {
        throw hass::error(hass::text_of({where, ": field '", name, "' is not what it should be"}));
    }
}

hass::measured_module stage_of(const json& layer, const std::string& where) {
    hass::measured_module m;
    m.name = field<std::string>(layer, "name", where);
    const auto kind = field<std::string>(layer, "kind", where);
    const auto at = std::find(hass::layer_kind_names.begin(), hass::layer_kind_names.end(), kind);
    if (at == hass::layer_kind_names.end())
        throw hass::error(where + ": " +
                          hass::unknown_name("kind", kind, hass::layer_kind_names).what());
    const auto row_kind = static_cast<hass::layer_kind>(at - hass::layer_kind_names.begin());
    const bool has_weights = hass::is_compute({.kind = row_kind});
    const auto engine = field<std::string>(layer, "engine", where);
    if (has_weights && std::find(corrected_engines.begin(), corrected_engines.end(), engine) ==
                           corrected_engines.end())
        throw hass::error(where + ": " +
                          hass::unknown_name("engine", engine, corrected_engines).what());
    m.kind = hass::module_kind(row_kind, engine == "spe");
    const json folding = field<json>(layer, "parallelism", where);
    hass::parallelism p;
    p.in = field<int>(folding, "in", where), p.out = field<int>(folding, "out", where);
    p.group = field<int>(folding, "group", where), p.macs = field<int>(folding, "macs", where);
    p.vector = field<int>(folding, "vector", where);
    m.size = hass::size_of(has_weights, p);
    for (std::size_t r = 0; r < hass::corrected_resources; ++r)
        m.said.*hass::resources[r].field =
            field<double>(layer, hass::corrected_resource_names[r].data(), where);
    return m;
}

hass::dsp_slice slice_named(const std::string& name, const std::string& where) {
    const auto& names = hass::dsp_slice_names;
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end())
        throw hass::error(where + ": " + hass::unknown_name("DSP slice", name, names).what());
    return static_cast<hass::dsp_slice>(at - names.begin());
}

/// Engines that a design may have, but a file of corrections does not.
bool never_corrected(const std::string& engine) {
    const auto among = [&](const std::vector<std::string>& names) {
        return std::find(names.begin(), names.end(), engine) != names.end();
    };
    return among(hass_search::engine_names) && !among(corrected_engines);
}

solution read_solution(const settings& s) {
    json file;
    try {
        file = json::parse(hass::read_whole(s.solution));
    } catch (const json::exception& e) {
        throw hass::error(s.solution + ": not JSON: " + e.what());
    }
    solution read{field<std::string>(file, "resources", s.solution),
                  field<int>(file, "bits", s.solution),
                  slice_named(field<std::string>(field<json>(file, "budget", s.solution),
                                                 "dsp_slice", s.solution + ": budget"),
                              s.solution),
                  {}};
    if (std::find(resource_flags.begin(), resource_flags.end(), read.base) == resource_flags.end())
        throw hass::error(hass::text_of({s.solution, ": was priced by '", read.base,
                                         "'; a model that is corrected already cannot be "
                                         "corrected again"}));
    const json design = field<json>(file, s.design.c_str(), s.solution);
    if (design.is_null())
        throw hass::error(hass::text_of({s.solution, ": has no design '", s.design, "'"}));
    const std::string where = s.solution + ": " + s.design;
    const json layers = field<json>(design, "layers", where);
    for (const json& layer : layers) {
        if (field<std::string>(layer, "kind", where) == "flatten") continue;  // nothing is built
        if (never_corrected(field<std::string>(layer, "engine", where))) continue;
        read.stages.push_back(
            stage_of(layer, hass::text_of({where, ": layers[", read.stages.size(), "]"})));
    }
    return read;
}

/// Whether --engine leaves a module out.
bool left_out(const settings& s, const hass::measured_module& m) {
    return (s.engine == "dense" && m.kind == hass::sparse_module) ||
           (s.engine == "spe" && m.kind == hass::dense_module);
}

measurements from_report(const settings& s, const std::string& text) {
    if (s.solution.empty())
        throw hass::error(s.measured +
                          ": a report of instances: --solution has to say what they "
                          "are");
    const auto instances = hass::read_utilization_report(text, s.measured);
    solution read = read_solution(s);
    measurements all{read.base, read.bits, read.slice, {}, static_cast<int>(read.stages.size())};
    for (hass::measured_module& m : read.stages) {
        const hass::utilized_instance* const found =
            hass::find_instance(instances, m.name, s.measured);
        if (found == nullptr || left_out(s, m)) continue;
        m.measured = found->measured;
        all.modules.push_back(std::move(m));
    }
    if (all.modules.empty())
        throw hass::error(hass::text_of({s.measured, ": no instance is called like a stage of '",
                                         s.design, "' in ", s.solution, ", such as '",
                                         hass::instance_name(read.stages.front().name), "'"}));
    return all;
}

measurements from_names(const settings& s, const std::vector<hass::measured_layer>& lines) {
    if (s.solution.empty())
        throw hass::error(s.measured +
                          ": no column 'kind': --solution has to say what the layers "
                          "are");
    const solution read = read_solution(s);
    std::vector<std::string_view> names;
    for (const hass::measured_module& m : read.stages) names.push_back(m.name);
    measurements all{read.base, read.bits, read.slice, {}, static_cast<int>(read.stages.size())};
    for (const hass::measured_layer& line : lines) {
        const auto at = std::find(names.begin(), names.end(), line.name);
        if (at == names.end())
            throw hass::error(line.where + ": " +
                              hass::unknown_name("stage", line.name, names).what());
        hass::measured_module m = read.stages[static_cast<std::size_t>(at - names.begin())];
        m.measured = line.measured;
        if (!left_out(s, m)) all.modules.push_back(std::move(m));
    }
    return all;
}

/// What the model says of a line that describes its layer.
hass::measured_module priced(const hass_search::engine_choice& engine, bool sparse,
                             const hass::measured_layer& line) {
    const hass::layer_row& row = line.built->row;
    hass::row_option c = line.built->option;
    hass::measured_module m;
    m.name = line.name.empty() ? line.where : line.name;
    m.kind = hass::module_kind(row.kind, sparse);
    m.size = hass::size_of(hass::is_compute(row), c.folding);
    m.measured = line.measured;
    if (!hass::is_compute(row)) {
        const int channels =
            row.kind == hass::layer_kind::concat ? row.out.channels : row.in.channels;
        if (channels % c.folding.in != 0)
            throw hass::error(hass::text_of(
                {line.where, ": in '", c.folding.in, "': must divide ", channels, " channels"}));
        m.said = engine.stage_cost(row, c, {});
        return m;
    }
    c.engine = sparse ? 1 : 0;
    bool legal = false;
    engine.for_each(row, [&](const hass::row_option& o) {
        legal = legal || (o.engine == c.engine && o.folding == c.folding);
    });
    if (!legal) {
        const hass::parallelism& p = c.folding;
        throw hass::error(hass::text_of({line.where, ": the engine has no folding in ", p.in,
                                         ", out ", p.out, ", group ", p.group, ", macs ", p.macs,
                                         ", vector ", p.vector, " of this layer"}));
    }
    m.said = engine.cost(row, c);
    return m;
}

measurements from_shapes(const settings& s, const std::vector<hass::measured_layer>& lines) {
    if (!s.solution.empty())
        throw hass::error("--solution: not with a table that has a column 'kind'");
    if (s.engine.empty())
        throw hass::error("--engine: has to say what the layers of " + s.measured + " run on");
    measurements all;
    all.base = s.resources.empty() ? resource_flags.front() : s.resources;
    all.bits = s.bits == 0 ? 16 : s.bits;
    hass_search::settings built;
    built.bits = all.bits;
    if (!s.slice.empty()) all.slice = slice_named(s.slice, "--slice");
    const hass_search::engine_choice engine =
        hass_search::engines_named(all.base, s.engine, built, all.slice);
    for (const hass::measured_layer& line : lines)
        all.modules.push_back(priced(engine, s.engine == "spe", line));
    return all;
}

}  // namespace

measurements gather(const settings& s) {
    const std::string text = hass::read_whole(s.measured);
    if (!s.solution.empty() && !s.resources.empty())
        throw hass::error("--resources: not with --solution, which says what it was priced by");
    if (!s.solution.empty() && s.bits != 0)
        throw hass::error("--bits: not with --solution, which says its width");
    if (!s.solution.empty() && !s.slice.empty())
        throw hass::error("--slice: not with --solution, which says what it was priced by");
    if (hass::is_utilization_report(text)) return from_report(s, text);
    const std::vector<hass::measured_layer> lines = hass::read_measured_csv(text, s.measured);
    return lines.front().built ? from_shapes(s, lines) : from_names(s, lines);
}

}  // namespace hass_calibrate
