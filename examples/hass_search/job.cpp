#include "job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <hass/error.hpp>
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
#include <hass/search/ped_anova.hpp>
#include <hass/search/predicted_objective.hpp>
#include <hass/search/predicted_statistics.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/threshold_search.hpp>
#include <hass/search/typical_reach.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine_choice.hpp"
#include "findings.hpp"
#include "outcome.hpp"
#include "search_journal.hpp"
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

/// Layers that no threshold is searched for.
std::vector<std::string> left_alone(const settings& s, const workbench& bench) {
    std::vector<std::string> all = s.exempt;
    all.insert(all.end(), bench.derived.begin(), bench.derived.end());
    return all;
}

class search_job {
  public:
    /// \param hands  who judges trials; nullptr: --workers says it
    search_job(const settings& s, workbench& bench, const hass::device& board,
               std::unique_ptr<workers> hands = nullptr)
        : settings_(s),
          bench_(bench),
          net_(bench.net),
          axes_(net_, bench.magnitudes, {s.highest_sparsity, s.highest_sparsity},
                {s.granularity == "channel", left_alone(s, bench)}),
          dense_(net_, engines_of(s, "dense", board), board),
          chosen_(net_, engines_of(s, s.engine, board), board),
          outcome_{s, bench, board},
          zero_(net_.size()),
          at_a_time_(hands ? hands->size() : static_cast<std::size_t>(s.workers)),
          hands_(std::move(hands)) {}

    int run() {
        // An optimizer that refuses these axes does so before anything is run.
        if (!composite()) hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        open_journal();
        measure_baselines();
        const double floor = dense_terms_.accuracy - settings_.max_drop * bench_.metric.step();
        shorten_axes(floor);
        gather_workers();
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

    /// What a worker says to a task.
    std::string answer(const std::string& text) try {
        const task asked = task_of(text);
        if (bench_.limit && floor_ != asked.floor) bench_.limit(floor_ = asked.floor);
        const hass::candidate found = built(axes_.shortened(asked.reach).at(asked.point));
        return findings_of(found, bench_.metric).dump();
    } catch (const std::exception& wrong) {
        return error_text(wrong.what());
    }

  private:
    /// Thresholds measured and built; what was built before changes nothing.
    hass::candidate built(const hass::network_thresholds& t) {
        chosen_.forget();
        return hass::make_candidate(net_, t, bench_.measure(t), chosen_);
    }

    std::vector<kept_study> studies() const {
        const auto directions = [&](double throughput, double dsp) {
            if (settings_.objective != "pareto") return hass::hass_objective::directions();
            const hass::measured_terms one{1.0, 0.0, 1.0, 0.0};
            return hass::pareto_objective(hass::hass_objective(one, 1.0, {0.0, throughput, dsp}))
                .directions();
        };
        std::vector<kept_study> all;
        if (settings_.search == "both") all.push_back({"software-only", directions(0.0, 0.0)});
        all.push_back({"hardware-aware", directions(settings_.lambda[1], settings_.lambda[2])});
        return all;
    }

    void open_journal() {
        if (settings_.journal.empty() && settings_.known.empty()) return;
        const identity who = identity_of(settings_, bench_, outcome_.board, at_a_time_);
        for (const kept_study& k : studies())
            if (!settings_.known.empty())
                known_[k.name] = read_known(settings_, who, bench_.metric, axes_.where(), k.name);
        if (settings_.journal.empty()) return;
        journal_.emplace(settings_, who, bench_.metric, axes_.where(), studies());
        if (!settings_.tells()) return;
        for (const kept_study& k : studies())
            if (const std::size_t trials = journal_->size(k.name); trials > 0)
                fmt::print("{}: {} of {} trials of the {} search are there already\n",
                           settings_.journal, trials, settings_.trials, k.name);
    }

    /// Starts who judges trials beside this process.
    void gather_workers() {
        if (interrupted != 0 || at_a_time_ == 1) return;
        if (!hands_) {
            const std::size_t room = std::min(at_a_time_, workers_with_room());
            if (room < at_a_time_)
                warn(fmt::format("--workers {}: memory has room for {}; the trials are the same",
                                 at_a_time_, room));
            hands_ = start_workers(settings_, room);
        }
        const auto taken = std::chrono::steady_clock::now() - started_;
        const auto patience = settings_.patience > 0.0
                                  ? std::chrono::duration<double>(settings_.patience)
                                  : std::max(std::chrono::duration<double>(60.0),
                                             20.0 * std::chrono::duration<double>(taken));
        crew_.emplace(std::move(hands_),
                      std::chrono::duration_cast<std::chrono::milliseconds>(patience));
    }

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
        outcome_.warnings.insert(outcome_.warnings.begin(), bench_.warnings.begin(),
                                 bench_.warnings.end());
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
        if (journal_)
            if (const auto known = journal_->number(studies().front().name, "reach")) {
                reach_ = *known;
                axes_ = axes_.shortened(reach_);
                return;
            }
        hass::progress_bar bar("reach of axes", draws * steps, settings_.progress());
        std::size_t done = 0;
        const auto accuracy = [&](const hass::network_thresholds& t) {
            if (interrupted != 0) return 1.0;  // no search will use what this finds
            const double score = bench_.accuracy(t);
            bar.show(++done, bench_.metric.title + " " + bench_.metric.text(score));
            return score;
        };
        reach_ = hass::typical_reach(axes_, accuracy, floor, settings_.seed, draws, steps);
        axes_ = axes_.shortened(reach_);
    }

    /// Is the part of the objective that needs no images told to the optimizer?
    bool composite() const { return settings_.optimizer == composite_flag; }

    /// The optimizer of a study. Composite search is told what needs no images.
    hass::any_optimizer make_optimizer(const hass::hass_objective& objective) {
        if (!composite())
            return hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed);
        // an allocator of its own, so that a suggestion does not hang on who builds the trials
        predicting_ = std::make_unique<hass::allocator<engine_choice>>(net_, chosen_.engine(),
                                                                       outcome_.board);
        hass::predicted_objective known(
            hass::predicted_statistics(axes_, bench_.magnitudes, nothing_clipped_.statistics),
            *predicting_, objective, metric());
        hass::composite_options options;
        options.start = axes_.diagonal(0.0);
        return hass::composite(axes_.where(), settings_.seed, std::move(known), options);
    }

    /// What `automatic` came to, and why.
    std::string chosen_optimizer() const {
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
        floor_ = floor;
        const auto trials = interrupted != 0 ? 0 : static_cast<std::size_t>(settings_.trials);
        if (journal_ && interrupted == 0) {  // else they may be of a part of what comes before
            journal_->agree(label, "reach", reach_);
            journal_->agree(label, "floor", floor);
        }
        hass::threshold_search_options options{trials, metric(), {}, settings_.stop_when};
        options.at_a_time = at_a_time_;
        if (interrupted == 0) enqueue_known(label, options);
        hass::progress_bar bar(label, options.trials, settings_.progress());
        options.after_trial = [&](const hass::threshold_search_result& so_far) {
            log_->add(label, so_far.trials.back());
            bar.show(so_far.trials.size(),
                     so_far.best() ? fmt::format("best {:.4f}", so_far.best()->objective)
                                   : std::string("none yet"));
            return interrupted == 0;
        };
        const hass::hass_objective objective(dense_terms_, outcome_.board.budget.dsp, weights,
                                             hass::accuracy_floor(floor, bench_.metric));
        hass::any_optimizer optimizer = make_optimizer(objective);
        const hass::threshold_search_result found =
            settings_.objective == "pareto"
                ? run_study(label, std::move(optimizer), hass::pareto_objective(objective), options)
                : run_study(label, std::move(optimizer), objective, options);
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

    /// Trials of another run become the first of this one: as they were judged, and beside --trials,
    /// where all that is measured is the same; else the best of them, to be judged again.
    void enqueue_known(const std::string& label, hass::threshold_search_options& options) {
        taken_over_.clear();
        const auto at = known_.find(label);
        if (at == known_.end()) return;
        known_trials& known = at->second;
        const bool as_judged =
            known.differs.empty() && (settings_.confidence == 0.0 || known.floor == floor_);
        const double stretch = known.reach / reach_;
        std::vector<known_trials::trial> fit;
        for (known_trials::trial& t : known.trials) {
            if (as_judged) t.found->thresholds = unshortened_.shortened(known.reach).at(t.point);
            for (double& x : t.point) x *= stretch;
            const bool beyond =
                std::any_of(t.point.begin(), t.point.end(), [](double x) { return x > 1.0; });
            if (beyond && as_judged) continue;
            for (double& x : t.point) x = std::min(x, 1.0);
            if (t.point != axes_.diagonal(0.0)) fit.push_back(std::move(t));
        }
        if (!as_judged) {
            std::stable_sort(fit.begin(), fit.end(), [](const auto& a, const auto& b) {
                return a.feasible != b.feasible ? a.feasible : a.value < b.value;
            });
            fit.resize(std::min(fit.size(), options.trials / 2));
        }
        for (known_trials::trial& t : fit) {
            options.known.push_back(t.point);
            if (!as_judged) continue;
            ++options.trials;
            taken_over_.emplace(options.known.size(), std::move(*t.found));
        }
        outcome_.conclusions.push_back(fmt::format(
            "{}: {} of {} trials of {} {}", label, fit.size(), known.trials.size(), settings_.known,
            as_judged
                ? "taken as they were judged (those beyond the axes here left out)"
                : "to be judged again: " + (known.differs.empty() ? "floor" : known.differs)));
    }

    template <class Objective>
    hass::threshold_search_result run_study(const std::string& label, hass::any_optimizer optimizer,
                                            const Objective& objective,
                                            const hass::threshold_search_options& options) {
        hass::threshold_search loop(axes_, std::move(optimizer), objective, options);
        struct asked_trial {
            hass::trial asked;
            std::chrono::system_clock::time_point started;
        };
        std::map<std::uint64_t, asked_trial> outside;
        const auto take = [&](const asked_trial& t, std::optional<hass::candidate> found) {
            hass::judged_trial one =
                found ? hass::judged(t.asked, std::move(*found), objective, metric())
                      : hass::judged_trial{t.asked.number,
                                           t.asked.point,
                                           {},
                                           0.0,
                                           hass::outcome::failed("two workers were lost with it")};
            if (journal_) {
                hass::trial_record r = loop.record(t.asked.number);
                r.result = one.result;
                journal_->keep(label, r, found ? &one.candidate : nullptr, t.started);
            }
            loop.take(std::move(one));
        };
        while (true) {
            while (auto next = loop.ask()) {
                asked_trial t{std::move(*next), std::chrono::system_clock::now()};
                const std::uint64_t number = t.asked.number;
                if (journal_)
                    if (const kept_trial* past = journal_->find(label, number)) {
                        loop.take(as_kept(label, t.asked, *past, objective));
                        continue;
                    }
                if (auto found = without_a_run(t.asked)) {
                    take(t, std::move(found));
                    continue;
                }
                if (journal_) journal_->begin(label, loop.record(number), t.started);
                if (crew_) {
                    crew_->give(number, text_of_task({number, reach_, floor_, t.asked.point}));
                    outside.emplace(number, std::move(t));
                } else {
                    take(t, built(axes_.at(t.asked)));
                }
            }
            if (outside.empty()) return loop.finish();
            const crew::answer answered = crew_->wait();
            const auto at = outside.find(answered.number);
            take(at->second, said(answered, at->second.asked));
            outside.erase(at);
        }
    }

    /// What a trial comes to where no run has to say so.
    std::optional<hass::candidate> without_a_run(const hass::trial& asked) {
        if (const auto known = taken_over_.find(asked.number); known != taken_over_.end())
            return known->second;
        hass::network_thresholds thresholds = axes_.at(asked);
        if (thresholds != zero_) return std::nullopt;
        chosen_.forget();
        return hass::make_candidate(net_, std::move(thresholds), nothing_clipped_, chosen_);
    }

    /// \throws hass::error when the worker could not judge it
    std::optional<hass::candidate> said(const crew::answer& answered, const hass::trial& asked) {
        if (!answered.text) return std::nullopt;
        const hass::ordered_json found = hass::ordered_json::parse(*answered.text);
        if (found.contains("error")) throw hass::error(found.at("error").get<std::string>());
        hass::candidate c = candidate_of(found, bench_.metric);
        c.thresholds = axes_.at(asked);
        return c;
    }

    /// A trial of the journal, which has to be what this search would have made of it.
    template <class Objective>
    hass::judged_trial as_kept(const std::string& label, const hass::trial& asked,
                               const kept_trial& past, const Objective& objective) {
        const auto refuse = [&](const char* why) {
            return hass::error(
                fmt::format("{}: trial {} of study '{}' {}; --known takes it as "
                            "knowledge",
                            settings_.journal, asked.number, label, why));
        };
        if (asked.point != past.point)
            throw refuse("is at other thresholds than this program tries after those before it");
        if (!past.found) return {asked.number, asked.point, {}, 0.0, past.result};
        hass::candidate found = *past.found;
        const auto known = taken_over_.find(asked.number);
        found.thresholds = known != taken_over_.end() ? known->second.thresholds : axes_.at(asked);
        hass::judged_trial one = hass::judged(asked, std::move(found), objective, metric());
        if (one.result.values() != past.result.values() ||
            one.result.constraints() != past.result.constraints())
            throw refuse("was not judged as its figures say");
        return one;
    }

    hass::search_report reported(const std::string& label, double floor,
                                 const hass::threshold_search_result& found) const {
        hass::search_report r{label, floor, found.trials.size(), found.conclusion, {}, {}, {}};
        std::vector<hass::trial_record> records;
        for (const hass::judged_trial& t : found.trials) {
            if (t.feasible() &&
                (r.best_so_far.empty() || t.objective > r.best_so_far.back().second))
                r.best_so_far.emplace_back(t.number, t.objective);
            // those that miss the accuracy say as much of the thresholds
            if (t.candidate.hardware.fits && std::isfinite(t.objective))
                records.push_back({t.number, t.point, hass::outcome::ok(t.objective)});
        }
        constexpr std::size_t fewest = 8;
        if (records.size() < fewest) return r;
        r.importance = hass::importance(axes_.where(), records);
        r.near_the_best = hass::ped_anova(axes_.where(), records, hass::direction::maximise);
        return r;
    }

    designed& add_design(const std::string& label, hass::candidate c, const engine_choice& engine) {
        c.measured.score_in_integers = score_in_integers(label, c.thresholds);
        return outcome_.designs.emplace_back(
            designed{c, engine, hass::describe(label, net_, c, engine_names, outcome_.board)});
    }

    /// What hardware of --bits would answer. The dense design and the one of natural zeros clip
    /// nothing; a network that has no integers is said once.
    std::optional<double> score_in_integers(const std::string& label,
                                            const hass::network_thresholds& t) {
        if (!bench_.score_in_integers) return std::nullopt;
        if (t == zero_ && !outcome_.designs.empty())
            return outcome_.designs.front().candidate.measured.score_in_integers;
        try {
            return bench_.score_in_integers(t);
        } catch (const hass::error& why) {
            if (outcome_.no_integers.empty()) outcome_.no_integers = why.what();
            outcome_.warnings.push_back(
                fmt::format("{}: no {} in integers: {}", label, bench_.metric.title, why.what()));
            return std::nullopt;
        }
    }

    /// The best trial of a study as a design: measured again on all images, whatever its trial was
    /// spared, and built for what that finds. What the trial said is kept beside it.
    void add_best(const best_of_study& best) {
        const hass::candidate& in_search = best.trial.candidate;
        const hass::network_thresholds& thresholds = in_search.thresholds;
        chosen_.forget();
        if (!bench_.measure_in_full) {  // its run costs nothing
            add_design(best.study, built(thresholds), chosen_.engine());
            return;
        }
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
    std::size_t at_a_time_;
    std::unique_ptr<workers> hands_;
    std::optional<crew> crew_;
    std::optional<search_journal> journal_;
    std::map<std::string, known_trials> known_;            // by study
    std::map<std::uint64_t, hass::candidate> taken_over_;  // by number, of the study under way
    std::unique_ptr<hass::allocator<engine_choice>> predicting_;
    hass::threshold_axes unshortened_ = axes_;
    double reach_ = 1.0;
    double floor_ = 0.0;  // of the study under way
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::optional<trials_log> log_;
    hass::measurement nothing_clipped_;
    hass::measured_terms dense_terms_;
};

}  // namespace

int run(const settings& s, workbench& bench, const hass::device& board,
        std::unique_ptr<workers> hands) {
    return search_job(s, bench, board, std::move(hands)).run();
}

answering judging(const settings& s, workbench& bench, const hass::device& board) {
    const auto job = std::make_shared<search_job>(s, bench, board);
    return [job](const std::string& task) { return job->answer(task); };
}

}  // namespace hass_search
