// solution.json, and report.html that shows it.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/evidence.hpp>
#include <hass/report/fpgaconvnet_file.hpp>
#include <hass/report/html.hpp>
#include <hass/report/json.hpp>
#include <hass/report/run_files.hpp>
#include <hass/report/verdict.hpp>
#include <hass/search/objective.hpp>
#include <hass/version.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "outcome.hpp"

namespace hass_search {
namespace {

/// Keys of the file, by the label of a design.
const std::vector<std::pair<std::string, std::string>> keys{{"dense", "dense"},
                                                            {"activation only", "activation_only"},
                                                            {"software-only", "software_only"},
                                                            {"hardware-aware", "hardware_aware"}};

/// What was asked for, and of what.
hass::report_json asked(const outcome& o) {
    const settings& s = o.flags;
    hass::report_json file{{"hass_version", HASS_VERSION},
                           {"network", o.bench.source},
                           {"images", o.bench.images},
                           {"accuracy", o.bench.note.empty() ? "measured" : "predicted"},
                           {"preprocessing", nullptr},
                           {"warnings", o.warnings},
                           {"device", o.board.name},
                           {"budget", hass::to_json(o.board)},
                           {"engine", s.engine},
                           {"resources", s.resources},
                           {"uncertainty", o.designs.front().engine.uncertainty},
                           {"multipliers", s.multipliers},
                           {"memories", s.memories},
                           {"requantise", s.requantise},
                           {"optimizer", s.optimizer},
                           {"objective", s.objective},
                           {"lambda", s.lambda},
                           {"sparsity_metric", s.sparsity_metric},
                           {"metric", o.bench.metric.name},
                           {"metric_title", o.bench.metric.title},
                           {"metric_unit", o.bench.metric.unit},
                           {"max_drop_" + o.bench.metric.steps(), s.max_drop},
                           {"bits", s.priced_bits()},
                           {"thresholds", s.granularity},
                           {"exempt", s.exempt},
                           {"fixed_point_emulated", s.bits != 0},
                           {"no_integers", nullptr},
                           {"seed", s.seed},
                           {"trials", s.trials},
                           {"interrupted", o.interrupted}};
    if (!o.no_integers.empty()) file["no_integers"] = o.no_integers;
    if (o.bench.input)
        file["preprocessing"] = {{"scale", o.bench.input->scale},
                                 {"mean", o.bench.input->mean},
                                 {"std", o.bench.input->std},
                                 {"source", o.bench.input_source}};
    return file;
}

hass::report_json solution(const outcome& o, const designed& d) {
    hass::report_json one = hass::to_json(d.report);
    if (o.bench.note.empty() && d.report.metric.name == "top1")  // measured: a count of images
        one["top1_interval"] =
            hass::share_interval(d.report.score, static_cast<double>(o.bench.images));
    const auto a = hass::compare_with_dense(o.designs.front().report, d.report);
    one["against_dense"] = {{"images_per_s", a.speed},
                            {"efficiency", a.efficiency},
                            {"dense_is_better", a.dense_is_better},
                            {"verdict", a.verdict}};
    if (d.search)
        one["search"] = {{"trial", d.search->trial},
                         {d.report.metric.name, d.search->terms.accuracy},
                         {"throughput_images_per_s", d.search->terms.images_per_second}};
    return one;
}

/// The non-dominated trials of all studies in accuracy, throughput and DSPs.
hass::report_json non_dominated(const std::vector<built_trial>& trials, const std::string& metric) {
    std::vector<hass::measured_terms> terms;
    for (const built_trial& t : trials) terms.push_back(t.terms);
    hass::report_json set = hass::report_json::array();
    for (const std::size_t i : hass::pareto_set(terms)) {
        const built_trial& t = trials[i];
        set.push_back({{"study", t.study},
                       {"trial", t.number},
                       {metric, t.terms.accuracy},
                       {"throughput_images_per_s", t.terms.images_per_second},
                       {"dsp", t.terms.dsp},
                       {"efficiency_images_per_cycle_per_dsp", t.efficiency}});
    }
    return set;
}

/// What helps to judge the designs; prices and other boards are left out of a run that was
/// interrupted, which is to end.
void add_evidence(const outcome& o, hass::report_json& file) {
    const auto list_of = [](const auto& all) {
        hass::report_json list = hass::report_json::array();
        for (const auto& one : all) list.push_back(hass::to_json(one));
        return list;
    };
    file["searches"] = list_of(o.searches);
    file["simulations"] = o.simulations;
    file["prices"] = o.interrupted ? hass::report_json() : list_of(o.prices());
    file["boards"] = nullptr;
    if (!o.interrupted) {
        file["boards"] = hass::report_json::array();
        const auto known = [](const auto& value) {
            return value ? hass::report_json(*value) : hass::report_json();
        };
        for (const on_board& b : o.on_every_board()) {
            hass::report_json one;
            one["device"] = b.device;
            one["dense_images_per_s"] = known(b.dense_images_per_second);
            one["images_per_s"] = known(b.images_per_second);
            one["gain"] = b.against ? hass::report_json(b.against->speed) : hass::report_json();
            one["dense_is_better"] =
                b.against ? hass::report_json(b.against->dense_is_better) : hass::report_json();
            one["binding"] = b.binding.empty() ? hass::report_json() : hass::report_json(b.binding);
            one["limit"] = b.limit;
            file["boards"].push_back(std::move(one));
        }
    }
    file["magnitudes"] = hass::magnitudes_json(o.bench.net, o.bench.magnitudes);
    const auto& error = o.designs.front().engine.known_error;
    file["model_error"] = error ? hass::to_json(o.flags.resources, *error) : hass::report_json();
}

/// The last design as fpgaConvNet's configuration, DIR/fpgaconvnet.json.
/// \returns the file's name, or why such a file has no field for the design
std::string write_configuration(const outcome& o) {
    const designed& last = o.designs.back();
    const std::filesystem::path path = std::filesystem::path(o.flags.out) / "fpgaconvnet.json";
    std::string text;
    try {
        text =
            hass::fpgaconvnet_text(o.bench.net, last.candidate.hardware.design, last.engine.widths);
    } catch (const hass::error& why) {
        std::error_code none;
        std::filesystem::remove(path, none);  // of an earlier run
        return why.what();
    }
    hass::write_whole(path, text);
    return path.filename().string();
}

}  // namespace

void write_solution(const outcome& o) {
    hass::report_json file = asked(o);
    for (const auto& [label, key] : keys) {
        file[key] = nullptr;
        for (const designed& d : o.designs)
            if (d.report.label == label) file[key] = solution(o, d);
    }
    file["pareto"] = non_dominated(o.trials, o.bench.metric.name);
    hass::report_json other{{"resources", o.other_model()}};
    for (const hass::solution_report& d : o.under_other_model())
        for (const auto& [label, key] : keys)
            if (d.label == label) {
                other[key] = hass::to_json(d);
                other[key].erase("layers");
            }
    file["other_resource_model"] = std::move(other);
    if (o.rtl) file["rtl"] = {{"folder", o.rtl->folder}, {"design", o.designs.back().report.label}};
    file["fpgaconvnet"] = write_configuration(o);
    file["pruned_onnx"] = nullptr;
    file["projected"] = nullptr;
    if (o.networks) {
        file["pruned_onnx"] = o.networks->clipped;
        if (!o.networks->pattern.empty())
            file["projected"] = {{"pattern", o.networks->pattern},
                                 {"onnx", o.networks->projected},
                                 {"score", o.networks->score},
                                 {"weight_density", o.networks->density}};
    }
    add_evidence(o, file);
    const std::filesystem::path folder(o.flags.out);
    const std::string text = file.dump(2) + "\n";
    hass::write_whole(folder / "solution.json", text);
    if (o.flags.json) fmt::print("{}", text);
    const std::string trials = (folder / "trials.csv").string();
    const hass::report_run run{hass::run_name(trials), std::move(file),
                               hass::trials_json(hass::read_whole(trials), trials)};
    try {
        hass::write_report(folder / "report.html", {&run, 1});
    } catch (const hass::error& wrong) {  // the figures are there; hass_report can make it later
        warn(std::string("no report.html: ") + wrong.what());
    }
}

}  // namespace hass_search
