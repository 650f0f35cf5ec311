#include "job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <hass/explore/allocate.hpp>
#include <hass/report/evidence.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/table.hpp>
#include <hass/search/any_optimizer.hpp>
#include <hass/search/automatic.hpp>
#include <hass/search/candidate.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/importance.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/predicted_objective.hpp>
#include <hass/search/predicted_statistics.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/threshold_search.hpp>
#include <hass/search/typical_reach.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine_choice.hpp"
#include "outcome.hpp"
#include "trials_log.hpp"

namespace hass_search {
namespace {

/// The best trial of a study.
struct best_of_study {
    std::string study;
    hass::judged_trial trial;
};

engine_choice engines_of(const settings& s, const std::string& engines, const hass::device& board) {
    engine_choice choice = engines_named(s.resources, engines, s, board.dsp_slice);
    choice.as_rtl = !s.rtl.empty();
    return choice;
}

class search_job {
  public:
    search_job(const settings& s, workbench& bench, const hass::device& board)
        : settings_(s),
          bench_(bench),
          net_(bench.net),
          axes_(net_, bench.magnitudes, {s.highest_sparsity, s.highest_sparsity},
                {s.granularity == "channel", s.exempt}),
          dense_(net_, engines_of(s, "dense", board), board),
          chosen_(net_, engines_of(s, s.engine, board), board),
          outcome_{s, bench, board},
          zero_(net_.size()) {}

    int run() {
        // An optimizer that refuses these axes does so before anything is run.
        if (!composite()) hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        measure_baselines();
        const double floor = dense_terms_.accuracy - settings_.max_drop * bench_.metric.step();
        shorten_axes(floor);
        log_.emplace(std::filesystem::path(settings_.out) / "trials.csv", net_, bench_.metric);
        const std::vector<double>& l = settings_.lambda;
        std::optional<best_of_study> software;
        if (settings_.search == "both") software = search("software-only", {l[0], 0.0, 0.0}, floor);
        // at the accuracy of the software-only solution, so that they differ in hardware alone
        const double at_least =
            software ? std::max(floor, software->trial.candidate.measured.score) : floor;
        const auto hardware =
            search("hardware-aware", {l[0], l[1], l[2]}, std::min(at_least, dense_terms_.accuracy));
        if (software) add_best(*software);
        if (hardware) add_best(*hardware);
        if (bench_.simulate) simulate();
        outcome_.interrupted = interrupted != 0;
        if (bench_.write_rtl) write_rtl();
        if (bench_.write_networks)
            outcome_.networks = bench_.write_networks(outcome_.designs.back().candidate.thresholds);
        write_solution(outcome_);
        if (settings_.tells()) print(outcome_);
        return outcome_.interrupted ? 130 : 0;
    }

  private:
    /// The two designs without any search: dense engines, and the chosen ones with natural zeros.
    void measure_baselines() {
        nothing_clipped_ =
            bench_.measure_in_full ? bench_.measure_in_full(zero_) : bench_.measure(zero_);
        const hass::candidate dense = hass::make_candidate(net_, zero_, nothing_clipped_, dense_);
        require_fit(dense.hardware);
        const hass::candidate natural =
            hass::make_candidate(net_, zero_, nothing_clipped_, chosen_);
        require_fit(natural.hardware);
        if (bench_.require_rtl) bench_.require_rtl(natural.hardware.design);
        dense_terms_ = dense.terms();
        if (!(dense_terms_.accuracy > 0.0))
            throw hass::error(bench_.source + ": " + bench_.metric.title +
                              " is not above 0, even without pruning");
        add_design("dense", dense, dense_.engine());
        add_design("activation only", natural, chosen_.engine());
        outcome_.warnings = bench_.warnings;
        warn_of_chance();
        for (const std::string& warning : outcome_.warnings) warn(warning);
        if (!settings_.tells()) return;
        print_designs(outcome_);
        fmt::print("Searching ...\n");
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
            outcome_.warnings.push_back("every label is the same: an accuracy says nothing");
            return;
        }
        outcome_.warnings.push_back(fmt::format(
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
        hass::progress_bar bar("reach of axes", draws * steps, settings_.progress());
        std::size_t done = 0;
        const auto accuracy = [&](const hass::network_thresholds& t) {
            if (interrupted != 0) return 1.0;  // no search will use what this finds
            const double score = bench_.accuracy(t);
            bar.show(++done, bench_.metric.title + " " + bench_.metric.text(score));
            return score;
        };
        axes_ = axes_.shortened(
            hass::typical_reach(axes_, accuracy, floor, settings_.seed, draws, steps));
    }

    /// Is the part of the objective that needs no images told to the optimizer? `automatic` takes
    /// what can be known.
    bool composite() const {
        return settings_.optimizer == composite_flag ||
               (settings_.optimizer == "automatic" && settings_.objective == "hass" &&
                !settings_.stop_when);
    }

    /// The optimizer of a study. Composite search is told what needs no images.
    hass::any_optimizer make_optimizer(const hass::hass_objective& objective) {
        if (!composite())
            return hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        hass::predicted_objective known(
            hass::predicted_statistics(axes_, bench_.magnitudes, nothing_clipped_.statistics),
            chosen_, objective, metric());
        hass::composite_options options;
        options.start = axes_.diagonal(0.0);
        return hass::composite(axes_.where(), settings_.seed, std::move(known), options);
    }

    /// What `automatic` came to, and why.
    std::string chosen_optimizer() const {
        if (composite())
            return composite_flag + " (images/s and DSPs of a point are known without images)";
        const hass::optimizer_choice choice =
            hass::choose_optimizer(axes_.where(), settings_.objective == "pareto" ? 3 : 1, 0);
        return fmt::format("{} ({})", choice.name, choice.reason);
    }

    hass::sparsity_metric metric() const {
        return settings_.sparsity_metric == "macs" ? hass::sparsity_metric::macs
                                                   : hass::sparsity_metric::layers;
    }

    /// The best trial of one study; nullopt when none meets the limits.
    std::optional<best_of_study> search(const std::string& label,
                                        const hass::objective_weights& weights, double floor) {
        if (bench_.limit) bench_.limit(floor);
        const auto measure = [this](const hass::network_thresholds& t) {
            return t == zero_ ? nothing_clipped_ : bench_.measure(t);
        };
        const auto trials = interrupted != 0 ? 0 : static_cast<std::size_t>(settings_.trials);
        hass::progress_bar bar(label, trials, settings_.progress());
        const auto after = [&](const hass::threshold_search_result& so_far) {
            log_->add(label, so_far.trials.back());
            bar.show(so_far.trials.size(),
                     so_far.best() ? fmt::format("best {:.4f}", so_far.best()->objective)
                                   : std::string("none yet"));
            return interrupted == 0;
        };
        const hass::hass_objective objective(dense_terms_, outcome_.board.budget.dsp, weights,
                                             hass::accuracy_floor(floor, bench_.metric));
        const auto judged_by = [&](const auto& judge) {
            return hass::search_thresholds(axes_, measure, chosen_, make_optimizer(objective),
                                           judge, {trials, metric(), after, settings_.stop_when});
        };
        const hass::threshold_search_result found =
            settings_.objective == "pareto" ? judged_by(hass::pareto_objective(objective))
                                            : judged_by(objective);
        bar.finish();
        for (const hass::judged_trial& t : found.trials)
            if (const hass::candidate& c = t.candidate; c.hardware.fits)
                outcome_.trials.push_back(
                    {label, t.number, c.terms(), c.hardware.estimate.efficiency()});
        outcome_.conclusions.push_back(label + ": " + found.conclusion);
        if (settings_.optimizer == "automatic")
            outcome_.conclusions.push_back(label + ": optimizer " + chosen_optimizer());
        outcome_.searches.push_back(reported(label, floor, found));
        if (!found.best()) return std::nullopt;
        return best_of_study{label, *found.best()};
    }

    hass::search_report reported(const std::string& label, double floor,
                                 const hass::threshold_search_result& found) const {
        hass::search_report r{label, floor, found.trials.size(), found.conclusion, {}, {}};
        std::vector<hass::trial_record> records;
        for (const hass::judged_trial& t : found.trials) {
            if (t.feasible() &&
                (r.best_so_far.empty() || t.objective > r.best_so_far.back().second))
                r.best_so_far.emplace_back(t.number, t.objective);
            // those that miss the accuracy say as much of the thresholds
            if (t.candidate.hardware.fits && std::isfinite(t.objective))
                records.push_back({t.number, t.point, hass::outcome::ok({t.objective})});
        }
        constexpr std::size_t fewest = 8;
        if (records.size() >= fewest) r.importance = hass::importance(axes_.where(), records);
        return r;
    }

    designed& add_design(const std::string& label, const hass::candidate& c,
                         const engine_choice& engine) {
        return outcome_.designs.emplace_back(
            designed{c, engine, hass::describe(label, net_, c, engine_names, outcome_.board)});
    }

    /// The best trial of a study as a design: measured again on all images, whatever its trial was
    /// spared, and built for what that finds. What the trial said is kept beside it.
    void add_best(const best_of_study& best) {
        const hass::candidate& in_search = best.trial.candidate;
        if (!bench_.measure_in_full) {
            add_design(best.study, in_search, chosen_.engine());
            return;
        }
        const hass::network_thresholds& thresholds = in_search.thresholds;
        designed& d = add_design(
            best.study,
            hass::make_candidate(net_, thresholds, bench_.measure_in_full(thresholds), chosen_),
            chosen_.engine());
        const hass::measured_terms trial = in_search.terms();
        const hass::measured_terms full = d.candidate.terms();
        d.search = {best.trial.number, trial};
        outcome_.conclusions.push_back(fmt::format(
            "{}: best trial measured again on all {} images, {}", best.study, bench_.images,
            trial.accuracy == full.accuracy && trial.images_per_second == full.images_per_second
                ? bench_.metric.title + " and images/s as in the search"
                : fmt::format("{} {}, {:.1f} images/s; in the search {}, {:.1f}",
                              bench_.metric.title, bench_.metric.text(full.accuracy),
                              full.images_per_second, bench_.metric.text(trial.accuracy),
                              trial.images_per_second)));
    }

    /// The design that the search came to, or the last one before it.
    void write_rtl() {
        const designed& d = outcome_.designs.back();
        outcome_.rtl = bench_.write_rtl(d.candidate.thresholds, d.engine,
                                        d.candidate.hardware.design, d.fifo_pixels, outcome_.board);
    }

    /// Designs of sparse engines become those that have room for their FIFOs.
    void simulate() {
        for (designed& d : outcome_.designs) {
            if (d.of_dense_engines()) continue;
            const simulated s = bench_.simulate(d.candidate.thresholds, d.engine,
                                                d.candidate.measured.statistics, outcome_.board);
            const hass::fifo_plan& plan = s.design.fifos;
            if (!s.design.hardware.fits) {
                outcome_.simulations.push_back(
                    fmt::format("{}: no room for FIFOs, which are not in the total: {}",
                                d.report.label, s.design.hardware.certificate.reason));
                continue;
            }
            const auto above = [&](double cycles) {
                return fmt::format("{:.0f} ({:+.1f} %)", cycles,
                                   100.0 * (cycles / s.model_cycles - 1.0));
            };
            const double before = d.candidate.hardware.estimate.images_per_second;
            d.candidate.hardware = s.design.hardware;
            d.fifo_pixels = plan.depths.edge;
            d.report =
                hass::describe(d.report.label, net_, d.candidate, engine_names, outcome_.board);
            outcome_.simulations.push_back(fmt::format(
                "{}: {} images at {} cycles in the model; simulated {} with a pixel between "
                "stages, {} with FIFOs of {:.0f} LUTs and {:.0f} BRAM18, {} at best; with the "
                "FIFOs in the total {:.1f} images/s fit, {:.1f} without",
                d.report.label, s.images, std::round(s.model_cycles), above(plan.without_cycles),
                above(plan.interval_cycles), plan.cost.lut, plan.cost.bram18,
                above(plan.best_cycles), d.candidate.hardware.estimate.images_per_second, before));
        }
    }

    const settings& settings_;
    workbench& bench_;
    hass::network_view net_;
    hass::threshold_axes axes_;
    hass::allocator<engine_choice> dense_;
    hass::allocator<engine_choice> chosen_;
    outcome outcome_;
    hass::network_thresholds zero_;
    std::optional<trials_log> log_;
    hass::measurement nothing_clipped_;
    hass::measured_terms dense_terms_;
};

}  // namespace

int run(const settings& s, workbench& bench, const hass::device& board) {
    return search_job(s, bench, board).run();
}

}  // namespace hass_search
