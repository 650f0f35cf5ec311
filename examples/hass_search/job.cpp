#include "job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <hass/explore/allocate.hpp>
#include <hass/files/csv.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/json.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/solution.hpp>
#include <hass/report/table.hpp>
#include <hass/report/verdict.hpp>
#include <hass/search/any_optimizer.hpp>
#include <hass/search/codesign.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/study.hpp>
#include <hass/version.hpp>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine_choice.hpp"

namespace hass_search {
namespace {

namespace fs = std::filesystem;

// ---- the search -------------------------------------------------------------------------------

/// One judged trial, as it stands in trials.csv and in the Pareto set.
struct judged {
    std::string study;
    std::uint64_t number = 0;
    std::vector<double> point;
    hass::candidate candidate;
    double objective = 0.0;
};

class trial_log {
  public:
    trial_log(const fs::path& path, const hass::network_view& net) : out_(path) {
        out_ << "study,trial,state,top1,top5,weight_sparsity,activation_sparsity,pair_sparsity,"
                "images_per_s,interval_cycles,dsp,lut,ff,bram18,uram,"
                "efficiency_images_per_cycle_per_dsp,objective";
        for (std::size_t i = 0; i < net.size(); ++i)
            if (hass::is_compute(net.rows[i]))
                for (const char* tensor : {".weight", ".activation"})
                    out_ << ',' << hass::csv_field(name_of(net, i) + tensor);
        out_ << '\n' << std::flush;
        if (!out_) throw hass::error(path.string() + ": cannot write");
    }

    /// One line a trial, flushed: what has finished stays usable whatever happens next.
    void add(const judged& t, std::string_view state, const hass::network_view& net) {
        const hass::candidate& c = t.candidate;
        const hass::estimate& e = c.hardware.estimate;
        std::string line = fmt::format(
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", t.study, t.number, state,
            c.measured.top1, c.measured.top5, c.sparsity.weight, c.sparsity.activation,
            c.sparsity.pair, e.images_per_second, e.interval_cycles, e.total.dsp, e.total.lut,
            e.total.ff, e.total.bram18, e.total.uram, e.efficiency(), t.objective);
        for (std::size_t i = 0; i < net.size(); ++i)
            if (hass::is_compute(net.rows[i]))
                line += fmt::format(",{},{}", c.thresholds[i].weight, c.thresholds[i].activation);
        out_ << line + "\n" << std::flush;
    }

  private:
    std::ofstream out_;
};

class search_job {
  public:
    search_job(const settings& s, workbench& bench, const hass::device& board)
        : settings_(s),
          bench_(bench),
          net_(bench.net),
          board_(board),
          axes_(net_, bench.magnitudes, {s.highest_sparsity, s.highest_sparsity}, scope_of(s)),
          dense_(net_, engines_named(s.resources, "dense", s.priced_bits()), board),
          chosen_(net_, engines_named(s.resources, s.engine, s.priced_bits()), board) {}

    int run() {
        // An optimizer that refuses these axes does so before anything is run.
        if (settings_.optimizer != composite_flag)
            hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        measure_baselines();
        const double floor = dense_terms_.accuracy - settings_.max_drop / 100.0;
        shorten_axes(floor);
        log_.emplace(fs::path(settings_.out) / "trials.csv", net_);
        const std::vector<double>& l = settings_.lambda;
        std::optional<judged> software;
        if (settings_.search == "both") software = search("software-only", {l[0], 0.0, 0.0}, floor);
        // at the accuracy of the software-only solution, so that they differ in hardware alone
        const double at_least =
            software ? std::max(floor, software->candidate.measured.top1) : floor;
        const auto hardware =
            search("hardware-aware", {l[0], l[1], l[2]}, std::min(at_least, dense_terms_.accuracy));
        if (software) add_best(*software);
        if (hardware) add_best(*hardware);
        write();
        print();
        return interrupted != 0 ? 130 : 0;
    }

  private:
    static hass::threshold_scope scope_of(const settings& s) {
        return {s.granularity == "channel", s.exempt};
    }

    /// The two designs without any search: dense engines, and the chosen ones with natural zeros.
    void measure_baselines() {
        const hass::network_thresholds zero(net_.size());
        nothing_clipped_ =
            bench_.measure_in_full ? bench_.measure_in_full(zero) : bench_.measure(zero);
        hass::candidate dense{zero, nothing_clipped_,
                              hass::average(net_, nothing_clipped_.statistics),
                              dense_.solve(nothing_clipped_.statistics)};
        require_fit(dense.hardware);
        const hass::candidate natural = judge(zero, nothing_clipped_);
        require_fit(natural.hardware);
        dense_terms_ = dense.terms();
        if (!(dense_terms_.accuracy > 0.0))
            throw hass::error(bench_.source +
                              ": not one image is answered right, even without pruning");
        add_solution("dense", dense, dense_.engine());
        add_solution("activation only", natural, chosen_.engine());
        warn_of_chance();
        for (const std::string& warning : bench_.warnings)
            fmt::print(stderr, "hass_search: warning: {}\n", warning);
        fmt::print("{}\n\n{}\nSearching ...\n", head(), table());
        std::fflush(stdout);
    }

    /// A network that knows no more than which label is commonest was not given what it was trained
    /// on: the usual causes are the preprocessing and the order of the labels.
    void warn_of_chance() {
        if (bench_.chance == 0.0) return;
        const auto n = static_cast<double>(bench_.images);
        // two deviations of the count of right answers that guessing gives
        const double guessed =
            n * bench_.chance + 2.0 * std::sqrt(n * bench_.chance * (1.0 - bench_.chance));
        if (n * dense_terms_.accuracy > guessed) return;
        if (bench_.chance == 1.0) {
            bench_.warnings.push_back("every label is the same: an accuracy says nothing");
            return;
        }
        bench_.warnings.push_back(fmt::format(
            "top-1 {} of {} images is what guessing gives (the commonest label: {}); "
            "are the preprocessing ({}) and the order of the labels those of the training?",
            hass::percent(dense_terms_.accuracy, 2), bench_.images, hass::percent(bench_.chance, 2),
            bench_.input_source));
    }

    /// Ends the axes where random points cost about as much accuracy as may be lost, so that they
    /// scatter around the limit instead of far beyond it or far within.
    void shorten_axes(double floor) {
        constexpr int draws = 3;
        constexpr int steps = 6;
        hass::progress_bar bar("reach of axes", draws * steps);
        std::size_t done = 0;
        const auto accuracy = [&](const hass::network_thresholds& t) {
            if (interrupted != 0) return 1.0;  // no search will use what this finds
            const double top1 = bench_.accuracy(t);
            bar.show(++done, fmt::format("top-1 {}", hass::percent(top1, 2)));
            return top1;
        };
        axes_ = axes_.shortened(
            hass::typical_reach(axes_, accuracy, floor, settings_.seed, draws, steps));
    }

    hass::candidate judge(const hass::network_thresholds& thresholds, hass::measurement measured) {
        hass::candidate c;
        c.thresholds = thresholds;
        c.measured = std::move(measured);
        c.sparsity = hass::average(net_, c.measured.statistics);
        c.hardware = chosen_.solve(c.measured.statistics);
        return c;
    }
    hass::candidate judge(const hass::network_thresholds& thresholds) {
        const hass::network_thresholds zero(net_.size());
        return judge(thresholds,
                     thresholds == zero ? nothing_clipped_ : bench_.measure(thresholds));
    }

    /// The optimizer of a study. Composite search is told what needs no images: sparsity and, for
    /// the hardware-aware objective, the design that the allocator finds for it.
    hass::any_optimizer make_optimizer(const hass::hass_objective& objective, bool hardware) {
        if (settings_.optimizer != composite_flag)
            return hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        auto predicted = std::make_shared<hass::predicted_statistics>(axes_, bench_.magnitudes,
                                                                      nothing_clipped_.statistics);
        const auto known = [this, objective, hardware, predicted](std::span<const double> point) {
            const auto statistics = predicted->at(point);
            const hass::average_sparsity sparsity = hass::average(net_, statistics);
            hass::measured_terms terms{0.0, sparsity_of(sparsity), 0.0, 0.0};
            if (hardware) {
                const hass::allocation a = chosen_.solve(statistics);
                if (!a.fits) return std::numeric_limits<double>::infinity();
                terms.images_per_second = a.estimate.images_per_second;
                terms.dsp = a.estimate.total.dsp;
            }
            return -objective.value(terms);
        };
        hass::composite_options options;
        options.start = axes_.diagonal(0.0);
        return hass::composite(axes_.where(), settings_.seed, known, options);
    }

    double sparsity_of(const hass::average_sparsity& s) const {
        return settings_.sparsity_metric == "macs" ? s.pair : s.pair_of_layers;
    }

    /// The best trial of one study; nullopt when none meets the limits.
    std::optional<judged> search(const std::string& label, const hass::objective_weights& weights,
                                 double floor) {
        if (bench_.limit) bench_.limit(floor);
        const bool pareto = settings_.objective == "pareto";
        const bool hardware = weights.throughput > 0.0 || weights.dsp > 0.0;
        const hass::hass_objective objective(dense_terms_, board_.budget.dsp, weights);
        hass::study_options options;
        options.trials = static_cast<std::size_t>(settings_.trials);
        options.directions = {hass::direction::maximise};
        if (pareto && hardware)
            options.directions = {hass::direction::maximise, hass::direction::maximise,
                                  hass::direction::minimise};
        if (pareto && !hardware)
            options.directions = {hass::direction::maximise, hass::direction::maximise};
        hass::study<hass::any_optimizer> study(make_optimizer(objective, hardware), options);
        study.enqueue(axes_.diagonal(0.0));

        hass::progress_bar bar(label, options.trials.value());
        std::optional<judged> best;
        while (interrupted == 0) {
            const auto trial = study.ask();
            if (!trial) break;
            judged t{label, trial->number, trial->point, judge(axes_.at(*trial)), 0.0};
            hass::measured_terms terms = t.candidate.terms();
            terms.sparsity = sparsity_of(t.candidate.sparsity);
            t.objective = objective.value(terms);
            hass::outcome result = hass::outcome::failed("");
            if (!t.candidate.hardware.fits) {
                result = hass::outcome::infeasible({}, t.candidate.hardware.certificate.reason);
            } else {
                std::vector<double> values{t.objective};
                if (pareto && hardware)
                    values = {terms.accuracy, terms.images_per_second, terms.dsp};
                if (pareto && !hardware) values = {terms.accuracy, terms.sparsity};
                result = hass::outcome::constrained(
                    std::move(values), {floor - terms.accuracy},
                    fmt::format("top-1 {} is below {}", hass::percent(terms.accuracy, 2),
                                hass::percent(floor, 2)));
            }
            study.tell(*trial, result);
            log_->add(t, result.is_ok() ? "ok" : "infeasible", net_);
            if (result.is_ok() && (!best || t.objective > best->objective)) best = t;
            if (t.candidate.hardware.fits) judged_.push_back(std::move(t));
            bar.show(trial->number + 1,
                     best ? fmt::format("best {:.4f}", best->objective) : std::string("none yet"));
        }
        bar.finish();
        conclusions_.push_back(label + ": " + study.conclusion());
        return best;
    }

    void add_solution(const std::string& label, const hass::candidate& c,
                      const engine_choice& engine) {
        solutions_.push_back(hass::describe(label, net_, c, engine, engine_names, board_));
        candidates_.push_back(c);
        dense_engines_.push_back(engine.dense && !engine.sparse);
    }

    /// The best trial of a study as a solution: measured again on all images, whatever its trial
    /// was spared, and built for what that finds. What the trial said is kept beside it.
    void add_best(const judged& best) {
        if (!bench_.measure_in_full)
            return add_solution(best.study, best.candidate, chosen_.engine());
        const hass::network_thresholds& thresholds = best.candidate.thresholds;
        add_solution(best.study, judge(thresholds, bench_.measure_in_full(thresholds)),
                     chosen_.engine());
        const hass::measured_terms trial = best.candidate.terms();
        const hass::measured_terms full = candidates_.back().terms();
        trials_of_best_[best.study] = {{"trial", best.number},
                                       {"top1", trial.accuracy},
                                       {"throughput_images_per_s", trial.images_per_second}};
        conclusions_.push_back(fmt::format(
            "{}: best trial measured again on all {} images, {}", best.study, bench_.images,
            trial.accuracy == full.accuracy && trial.images_per_second == full.images_per_second
                ? "top-1 and images/s as in the search"
                : fmt::format("top-1 {}, {:.1f} images/s; in the search {}, {:.1f}",
                              hass::percent(full.accuracy, 2), full.images_per_second,
                              hass::percent(trial.accuracy, 2), trial.images_per_second)));
    }

    /// The non-dominated trials of both studies in accuracy, throughput and DSPs.
    hass::json pareto_set() const {
        std::vector<std::vector<double>> points;
        for (const judged& t : judged_) {
            const hass::measured_terms m = t.candidate.terms();
            points.push_back({-m.accuracy, -m.images_per_second, m.dsp});
        }
        hass::json set = hass::json::array();
        for (const std::size_t i : hass::non_dominated(points)) {
            const judged& t = judged_[i];
            const hass::measured_terms m = t.candidate.terms();
            set.push_back({{"study", t.study},
                           {"trial", t.number},
                           {"top1", m.accuracy},
                           {"throughput_images_per_s", m.images_per_second},
                           {"dsp", m.dsp},
                           {"efficiency_images_per_cycle_per_dsp",
                            t.candidate.hardware.estimate.efficiency()}});
        }
        return set;
    }

    /// The same thresholds with hardware allocated under another resource model.
    std::vector<hass::solution_report> under_other_model() const {
        std::vector<hass::solution_report> reports;
        for (std::size_t k = 0; k < candidates_.size(); ++k) {
            hass::candidate c = candidates_[k];
            const engine_choice engine =
                engines_named(other_model(), dense_engines_[k] ? "dense" : settings_.engine,
                              settings_.priced_bits());
            c.hardware = hass::allocate(net_, c.measured.statistics, engine, board_);
            if (c.hardware.fits)
                reports.push_back(
                    hass::describe(solutions_[k].label, net_, c, engine, engine_names, board_));
        }
        return reports;
    }
    std::string other_model() const {
        return settings_.resources == "calibrated" ? "published" : "calibrated";
    }

    void write() const {
        static const std::vector<std::pair<std::string, std::string>> keys{
            {"dense", "dense"},
            {"activation only", "activation_only"},
            {"software-only", "software_only"},
            {"hardware-aware", "hardware_aware"}};
        hass::json file{{"hass_version", HASS_VERSION},
                        {"network", bench_.source},
                        {"images", bench_.images},
                        {"accuracy", bench_.note.empty() ? "measured" : "predicted"},
                        {"preprocessing", nullptr},
                        {"warnings", bench_.warnings},
                        {"device", board_.name},
                        {"budget", hass::to_json(board_)},
                        {"engine", settings_.engine},
                        {"resources", settings_.resources},
                        {"optimizer", settings_.optimizer},
                        {"objective", settings_.objective},
                        {"lambda", settings_.lambda},
                        {"sparsity_metric", settings_.sparsity_metric},
                        {"max_drop_points", settings_.max_drop},
                        {"bits", settings_.priced_bits()},
                        {"thresholds", settings_.granularity},
                        {"exempt", settings_.exempt},
                        {"fixed_point_emulated", settings_.bits != 0},
                        {"seed", settings_.seed},
                        {"trials", settings_.trials},
                        {"interrupted", interrupted != 0}};
        if (bench_.input)
            file["preprocessing"] = {{"scale", bench_.input->scale},
                                     {"mean", bench_.input->mean},
                                     {"std", bench_.input->std},
                                     {"source", bench_.input_source}};
        for (const auto& [label, key] : keys) {
            file[key] = nullptr;
            for (const hass::solution_report& d : solutions_) {
                if (d.label != label) continue;
                file[key] = hass::to_json(d);
                const auto a = hass::compare_with_dense(solutions_[0], d);
                file[key]["against_dense"] = {{"images_per_s", a.speed},
                                              {"efficiency", a.efficiency},
                                              {"dense_is_better", a.dense_is_better},
                                              {"verdict", a.verdict}};
            }
            if (const auto trial = trials_of_best_.find(label); trial != trials_of_best_.end())
                file[key]["search"] = trial->second;
        }
        file["pareto"] = pareto_set();
        hass::json other{{"resources", other_model()}};
        for (const hass::solution_report& d : under_other_model())
            for (const auto& [label, key] : keys)
                if (d.label == label) {
                    other[key] = hass::to_json(d);
                    other[key].erase("layers");
                }
        file["other_resource_model"] = std::move(other);
        hass::write_whole(fs::path(settings_.out) / "solution.json", file.dump(2) + "\n");
    }

    /// What decides the numbers below it.
    std::string head() const {
        std::string text = fmt::format("{}: engines '{}', resource model '{}', {} images",
                                       fs::path(bench_.source).filename().string(),
                                       settings_.engine, settings_.resources, bench_.images);
        if (bench_.input)
            text += fmt::format("\ninput: (pixel * {} - {}) / {} ({})", bench_.input->scale,
                                fmt::join(bench_.input->mean, ","),
                                fmt::join(bench_.input->std, ","), bench_.input_source);
        return text;
    }
    std::string table() const { return hass::comparison_table(solutions_, board_); }

    void print() const {
        fmt::print("\n{}\n\n{}\n", head(), table());
        if (!bench_.note.empty()) fmt::print("{}\n\n", bench_.note);
        for (const std::string& warning : bench_.warnings) fmt::print("Warning: {}\n\n", warning);
        fmt::print("What sparsity buys\n");
        for (const hass::solution_report& d : std::span(solutions_).subspan(1))
            fmt::print("  {}: {}\n", d.label, hass::compare_with_dense(solutions_[0], d).verdict);
        fmt::print("What stops each design from being faster\n");
        for (const hass::solution_report& d : solutions_)
            fmt::print("  {}: {}\n", d.label, d.limit);
        fmt::print("The searches\n");
        for (const std::string& line : conclusions_) fmt::print("  {}\n", line);
        fmt::print("\nLayers of '{}'\n\n{}\n", solutions_.back().label,
                   hass::layer_table(solutions_.back()));
        fmt::print("The same thresholds, hardware allocated under resource model '{}'\n\n{}\n",
                   other_model(), hass::comparison_table(under_other_model(), board_));
        fmt::print(
            "The models differ because the published regression charges no crossbar; see "
            "docs/fpgaconvnet::resource_model.md.\n");
        if (interrupted != 0) fmt::print("Interrupted: the searches are not complete.\n");
        fmt::print("written: {0}/solution.json, {0}/trials.csv\n", settings_.out);
    }

    const settings& settings_;
    workbench& bench_;
    hass::network_view net_;
    hass::device board_;
    hass::threshold_axes axes_;
    hass::allocator<engine_choice> dense_;
    hass::allocator<engine_choice> chosen_;
    std::optional<trial_log> log_;
    hass::measurement nothing_clipped_;
    hass::measured_terms dense_terms_;
    std::vector<judged> judged_;
    std::vector<hass::candidate> candidates_;  // of `solutions_`
    std::vector<bool> dense_engines_;          // allocated with dense engines only
    std::vector<hass::solution_report> solutions_;
    std::map<std::string, hass::json> trials_of_best_;  // by label, what the search saw
    std::vector<std::string> conclusions_;
};

}  // namespace

int run(const settings& s, workbench& bench, const hass::device& board) {
    return search_job(s, bench, board).run();
}

}  // namespace hass_search
