// solution.json.
#include <filesystem>
#include <hass/files/whole_file.hpp>
#include <hass/report/json.hpp>
#include <hass/report/verdict.hpp>
#include <hass/search/objective.hpp>
#include <hass/version.hpp>
#include <string>
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
                           {"max_drop_" + o.bench.metric.steps(), s.max_drop},
                           {"bits", s.priced_bits()},
                           {"thresholds", s.granularity},
                           {"exempt", s.exempt},
                           {"fixed_point_emulated", s.bits != 0},
                           {"seed", s.seed},
                           {"trials", s.trials},
                           {"interrupted", o.interrupted}};
    if (o.bench.input)
        file["preprocessing"] = {{"scale", o.bench.input->scale},
                                 {"mean", o.bench.input->mean},
                                 {"std", o.bench.input->std},
                                 {"source", o.bench.input_source}};
    return file;
}

hass::report_json solution(const designed& d, const designed& dense) {
    hass::report_json one = hass::to_json(d.report);
    const auto a = hass::compare_with_dense(dense.report, d.report);
    one["against_dense"] = {{"images_per_s", a.speed},
                            {"efficiency", a.efficiency},
                            {"dense_is_better", a.dense_is_better},
                            {"verdict", a.verdict}};
    if (d.search)
        one["search"] = {{"trial", d.search->trial},
                         {dense.report.metric.name, d.search->terms.accuracy},
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

}  // namespace

void write_solution(const outcome& o) {
    hass::report_json file = asked(o);
    for (const auto& [label, key] : keys) {
        file[key] = nullptr;
        for (const designed& d : o.designs)
            if (d.report.label == label) file[key] = solution(d, o.designs.front());
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
    if (o.rtl)
        file["rtl"] = {{"folder", o.rtl->folder},
                       {"design", o.designs.back().report.label},
                       {"top1_in_integers", o.rtl->top1}};
    hass::write_whole(std::filesystem::path(o.flags.out) / "solution.json", file.dump(2) + "\n");
}

}  // namespace hass_search
