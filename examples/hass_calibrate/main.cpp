// Corrects a resource model by what a synthesis tool said of layers that it priced:
//
//     hass_calibrate measured.csv --engine dense -o mine.json
//     hass_calibrate utilization.rpt --solution hass-out/solution.json -o mine.json
//     hass_search --resources mine.json
//
// The table's columns stand in hass/engine/resources/measured_csv.hpp; the report is Vivado's
// report_utilization -hierarchical, with instances called as the solution's stages are.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/error.hpp>

#include "measurements.hpp"

namespace hass_calibrate {
namespace {

/// \returns false when only help was asked for (and printed)
bool parse(int argc, const char* const* argv, settings& s) {
    CLI::App app{"Corrects a resource model by measured layers", "hass_calibrate"};
    app.set_help_flag("-h,--help", "This text");
    app.add_option("measured", s.measured,
                   "A table (.csv) of layers and what they took, or the text of Vivado's "
                   "report_utilization -hierarchical")
        ->required();
    app.add_option("--engine", s.engine,
                   fmt::format("Engine of the layers with weights: {}; with --solution: only the "
                               "layers that run on it",
                               fmt::join(corrected_engines, ", ")));
    app.add_option("--solution", s.solution,
                   "solution.json of hass_search that names the stages, where the measured file "
                   "has names alone");
    app.add_option("--design", s.design,
                   fmt::format("Which of its designs was built: {}", fmt::join(design_flags, ", ")))
        ->capture_default_str();
    app.add_option("--resources", s.resources,
                   fmt::format("Resource model to be corrected: {} (calibrated)",
                               fmt::join(resource_flags, ", ")));
    app.add_option("--slice", s.slice,
                   fmt::format("DSP slices of the part that it was built for: {} (dsp48e2)",
                               fmt::join(hass::dsp_slice_names, ", ")));
    app.add_option("--bits", s.bits, "Width of weights and maps that were built, 16 or 8 (16)");
    app.add_option("-o,--out", s.out, "File to write, for hass_search --resources")->required();
    app.allow_extras();
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return false;
    } catch (const CLI::ParseError& wrong) {
        throw hass::error(wrong.what());
    }
    if (const std::vector<std::string> rest = app.remaining(); !rest.empty()) {
        std::vector<std::string> flags;
        for (const CLI::Option* option : app.get_options())
            if (!option->get_lnames().empty()) flags.push_back("--" + option->get_lnames().front());
        throw hass::unknown_name("flag", rest.front().substr(0, rest.front().find('=')), flags);
    }
    const auto one_of = [](const char* what, const std::string& name, const auto& names) {
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
            throw hass::unknown_name(what, name, names);
    };
    one_of("engine", s.engine, corrected_engines);
    one_of("resource model", s.resources, resource_flags);
    one_of("design", s.design, design_flags);
    one_of("DSP slice", s.slice, hass::dsp_slice_names);
    if (s.bits != 0 && s.bits != 8 && s.bits != 16)
        throw hass::error(fmt::format("--bits {}: must be 16 or 8", s.bits));
    if (!s.out.ends_with(".json"))
        throw hass::error(
            fmt::format("--out {}: must end in .json, by which hass_search knows it", s.out));
    return true;
}

/// "1.31 x + 211 + 4.2 a multiplier".
std::string formula(const hass::correction& c) {
    std::string text = fmt::format("{:.3g} x what it says", c.factor);
    if (c.per_stage > 0.0) text += fmt::format(" + {:.3g}", c.per_stage);
    if (c.per_multiplier > 0.0) text += fmt::format(" + {:.3g} a multiplier", c.per_multiplier);
    if (c.per_stream > 0.0) text += fmt::format(" + {:.3g} a stream", c.per_stream);
    return text;
}

void print(const measurements& m, const hass::calibration& c) {
    if (m.stages > 0) fmt::print("{} of {} stages were measured\n", m.modules.size(), m.stages);
    fmt::print("{:<20} {:<8} {:>8} {:>9} {:>9}  {}\n", "modules", "resource", "measured", "error",
               "left out", fmt::format("correction of '{}'", m.base));
    for (std::size_t kind = 0; kind < hass::module_kind_names.size(); ++kind)
        for (std::size_t r = 0; r < hass::corrected_resources; ++r) {
            const hass::correction& of = c.table.of[kind][r];
            const auto line = [&](int count, double before, const std::string& after,
                                  const std::string& text) {
                fmt::print("{:<20} {:<8} {:>8} {:>7.1f} % {:>9}  {}\n",
                           hass::module_kind_names[kind], hass::resources[r].name, count,
                           100.0 * before, after, text);
            };
            if (of.measurements > 0)
                line(of.measurements, of.error_before,
                     fmt::format("{:.1f} %", 100.0 * of.error_after), formula(of));
            for (const hass::kept_model& k : c.kept)
                if (k.kind == kind && k.resource == r)
                    line(k.measurements, k.error, "", "none: " + k.reason);
        }
    fmt::print(
        "error: mean of the model's, relative to what was measured (or 10 % of its mean, if more); "
        "left out: of corrections\nthat had not seen the layer (cross-validation)\n");
}

int start(const settings& s) {
    const measurements m = gather(s);
    const hass::calibration c = hass::calibrate(m.modules);
    print(m, c);
    if (c.table == hass::correction_table{})
        throw hass::error(s.measured + ": the measurements support no correction; nothing written");
    hass::write_resource_file(s.out, {m.base, m.bits, m.slice, s.measured, c});
    fmt::print("written: {}\n", s.out);
    return 0;
}

}  // namespace
}  // namespace hass_calibrate

int main(int argc, char** argv) try {
    hass_calibrate::settings s;
    return hass_calibrate::parse(argc, argv, s) ? hass_calibrate::start(s) : 0;
} catch (const std::exception& wrong) {
    fmt::print(stderr, "hass_calibrate: {}\n", wrong.what());
    return 2;
}
