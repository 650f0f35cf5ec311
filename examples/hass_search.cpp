// The main job: from a trained network and real images to thresholds and an accelerator.
//
//     hass_search --model net.onnx --images images.npy --labels labels.npy --device u250 --out DIR
//
// Measures the dense network and the network with nothing clipped (natural zeros only), searches
// thresholds once by software metrics alone and once with the hardware in the objective, prints the
// four side by side, and writes DIR/solution.json and DIR/trials.csv.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <hass/hass.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t interrupted = 0;

/// The first interrupt ends the search after the trial under way, the second one ends the program.
void stop(int signal) {
    interrupted = 1;
    std::signal(signal, SIG_DFL);
}

const std::string shipped = HASS_EXAMPLES_DATA;

/// Defaults are the main job: the network and images that ship with the library.
struct settings {
    std::string model = shipped + "/fashion.onnx";
    std::string images = shipped + "/fashion_images.npy";
    std::string labels = shipped + "/fashion_labels.npy";
    std::string statistics;
    std::string write_statistics;
    std::vector<float> mean{0.286041F};
    std::vector<float> std{0.353024F};
    float scale = 1.0F / 255.0F;
    int first_images = 0;
    std::string device = "zedboard";
    std::string engine = "spe";
    std::string resources = "calibrated";
    std::string optimizer = "tpe";
    std::string objective = "hass";
    int trials = 96;
    std::uint64_t seed = 1;
    double max_drop = 1.0;
    std::vector<double> lambda{5.0, 5.0, 5.0};
    std::string sparsity_metric = "layers";
    double highest_sparsity = 0.9;
    int threads = 0;
    std::string out = "hass-out";
};

const std::vector<std::string> engine_flags{"spe", "dense", "mixed"};
const std::vector<std::string> resource_flags{"calibrated", "published", "repaired"};
const std::vector<std::string> objective_flags{"hass", "pareto"};
const std::vector<std::string> sparsity_flags{"layers", "macs"};

// ---- the network: an emulator on images, or a table of measurements ---------------------------

/// A network that can be asked how it does at any thresholds.
struct workbench {
    hass::network net;
    hass::network_magnitudes magnitudes;
    std::function<hass::measurement(const hass::network_thresholds&)> measure;
    std::function<double(const hass::network_thresholds&)> accuracy;  // cheaper: no statistics
    std::string source;
};

/// A network with images and labels that fit each other.
struct emulated {
    hass::emulator network;
    hass::image_set images;
    std::vector<int> labels;
    hass::emulation_options options;

    explicit emulated(const settings& s)
        : network(hass::load_onnx(s.model), {s.scale, s.mean, s.std}),
          images(hass::read_images(s.images)),
          labels(hass::read_labels(s.labels)) {
        if (labels.size() != images.count)
            throw hass::error(fmt::format("{}: {} labels for the {} images of {}", s.labels,
                                          labels.size(), images.count, s.images));
        const hass::shape expected = hass::input_shape(network.network());
        if (images.each != expected)
            throw hass::error(fmt::format("{}: images of {}, but {} takes {}", s.images,
                                          text(images.each), s.model, text(expected)));
        if (const auto first = static_cast<std::size_t>(s.first_images);
            first > 0 && first < images.count) {
            images.count = first;
            labels.resize(first);
        }
        options.threads = s.threads;
    }

  private:
    static std::string text(const hass::shape& x) {
        return fmt::format("{}x{}x{}", x.channels, x.height, x.width);
    }
};

workbench on_images(const settings& s) {
    const auto e = std::make_shared<emulated>(s);
    workbench bench;
    bench.net = e->network.model().net;
    bench.source = s.model;
    bench.magnitudes = e->network.magnitudes(e->images, e->options);
    bench.measure = [e](const hass::network_thresholds& t) {
        hass::emulation run = e->network.run(e->images, e->labels, t, e->options);
        return hass::measurement{run.top1_accuracy(), run.top5_accuracy(),
                                 std::move(run.statistics)};
    };
    hass::emulation_options answers_only = e->options;
    answers_only.statistics_images = 0;
    bench.accuracy = [e, answers_only](const hass::network_thresholds& t) {
        return e->network.run(e->images, e->labels, t, answers_only).top1_accuracy();
    };
    return bench;
}

workbench on_table(const settings& s) {
    workbench bench;
    bench.net = hass::load_onnx(s.model).net;
    bench.source = s.model;
    const auto table =
        std::make_shared<hass::measured_table>(hass::read_table(s.statistics, bench.net));
    bench.magnitudes = table->magnitudes();
    bench.accuracy = [table](const hass::network_thresholds& t) { return table->accuracy(t); };
    bench.measure = [table](const hass::network_thresholds& t) {
        // top-5 is known for the untouched network only
        return hass::measurement{table->accuracy(t), table->top5, table->statistics(t)};
    };
    return bench;
}

/// Measures the table that --statistics takes.
void write_statistics(const settings& s) {
    const emulated e(s);
    hass::progress_bar bar("statistics", 1);
    hass::sensitivity_options options;
    options.highest = {s.highest_sparsity, s.highest_sparsity};
    options.run = e.options;
    options.progress = [&](std::size_t done, std::size_t total) { bar.show(done, total, ""); };
    hass::write_table(s.write_statistics,
                      hass::measure_sensitivity(e.network, e.images, e.labels, options));
    bar.finish();
    fmt::print("written: {}\n", s.write_statistics);
}

// ---- the hardware: engines to choose from, under one resource model ----------------------------

/// The dense engine, the SPE, or both, layer by layer.
template <class Resources>
struct engine_choice {
    hass::engine_list<hass::dense_dot<Resources>,
                      hass::sparse_dot<hass::histogram_interval, Resources>>
        engines{};
    bool dense = true;
    bool sparse = true;

    double cycles(const hass::layer_row& row, const hass::layer_statistics& s,
                  const hass::configuration& c) const {
        return engines.cycles(row, s, c);
    }
    hass::usage cost(const hass::layer_row& row, const hass::configuration& c) const {
        return engines.cost(row, c);
    }
    hass::usage stage_cost(const hass::layer_row& row, const hass::configuration& c) const {
        return engines.stage_cost(row, c);
    }
    void for_each(const hass::layer_row& row, const auto& visit) const {
        engines.for_each(row, [&](const hass::configuration& c) {
            if (c.engine == 0 ? dense : sparse) visit(c);
        });
    }
    auto prepare(const hass::layer_row& row, const hass::layer_statistics& s) const {
        return engines.prepare(row, s);
    }
};
const std::vector<std::string> engine_names{"dense", "spe"};

template <class Resources>
engine_choice<Resources> engines_named(const std::string& name) {
    engine_choice<Resources> e;
    e.dense = name != "spe", e.sparse = name != "dense";
    return e;
}

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
    trial_log(const fs::path& path, const hass::space& where) : out_(path) {
        out_ << "study,trial,state,top1,top5,weight_sparsity,activation_sparsity,pair_sparsity,"
                "images_per_s,interval_cycles,dsp,lut,ff,bram18,uram,"
                "efficiency_images_per_cycle_per_dsp,objective";
        for (const hass::axis& a : where.axes()) out_ << ',' << a.name;
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

template <class Resources>
class search_job {
  public:
    search_job(const settings& s, workbench& bench, const hass::device& board)
        : settings_(s),
          bench_(bench),
          net_(bench.net),
          board_(board),
          axes_(net_, bench.magnitudes, {s.highest_sparsity, s.highest_sparsity}),
          dense_(net_, engines_named<Resources>("dense"), board),
          chosen_(net_, engines_named<Resources>(s.engine), board) {}

    int run() {
        measure_baselines();
        const double floor = dense_terms_.accuracy - settings_.max_drop / 100.0;
        shorten_axes(floor);
        log_.emplace(fs::path(settings_.out) / "trials.csv", axes_.where());
        const std::vector<double>& l = settings_.lambda;
        const auto software = search("software-only", {l[0], 0.0, 0.0}, floor);
        // at the accuracy of the software-only solution, so that they differ in hardware alone
        const double at_least = software ? std::max(floor, software->measured.top1) : floor;
        const auto hardware =
            search("hardware-aware", {l[0], l[1], l[2]}, std::min(at_least, dense_terms_.accuracy));
        if (software) add_solution("software-only", *software, chosen_.engine());
        if (hardware) add_solution("hardware-aware", *hardware, chosen_.engine());
        write();
        print();
        return interrupted != 0 ? 130 : 0;
    }

  private:
    /// The two designs without any search: dense engines, and the chosen ones with natural zeros.
    void measure_baselines() {
        const hass::network_thresholds zero(net_.size());
        nothing_clipped_ = bench_.measure(zero);
        hass::candidate dense{zero, nothing_clipped_,
                              hass::average(net_, nothing_clipped_.statistics),
                              dense_.solve(nothing_clipped_.statistics)};
        require_fit(dense.hardware);
        const hass::candidate natural = judge(zero);
        require_fit(natural.hardware);
        dense_terms_ = dense.terms();
        if (!(dense_terms_.accuracy > 0.0))
            throw hass::error(bench_.source +
                              ": not one image is answered right, even without pruning");
        add_solution("dense", dense, dense_.engine());
        add_solution("activation only", natural, chosen_.engine());
    }

    /// Ends the axes where random points cost about as much accuracy as may be lost, so that they
    /// scatter around the limit instead of far beyond it or far within.
    void shorten_axes(double floor) {
        constexpr int draws = 3;
        constexpr int steps = 6;
        hass::progress_bar bar("reach of axes", draws * steps);
        std::size_t done = 0;
        const auto accuracy = [&](const hass::network_thresholds& t) {
            const double top1 = bench_.accuracy(t);
            bar.show(++done, fmt::format("top-1 {}", hass::percent(top1, 2)));
            return top1;
        };
        axes_ = axes_.shortened(
            hass::typical_reach(axes_, accuracy, floor, settings_.seed, draws, steps));
    }

    hass::candidate judge(const hass::network_thresholds& thresholds) {
        const hass::network_thresholds zero(net_.size());
        hass::candidate c;
        c.thresholds = thresholds;
        c.measured = thresholds == zero ? nothing_clipped_ : bench_.measure(thresholds);
        c.sparsity = hass::average(net_, c.measured.statistics);
        c.hardware = chosen_.solve(c.measured.statistics);
        return c;
    }

    /// One study; nullopt when no trial meets the limits.
    std::optional<hass::candidate> search(const std::string& label,
                                          const hass::objective_weights& weights, double floor) {
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
        hass::study<hass::any_optimizer> study(
            hass::make_optimizer(settings_.optimizer, axes_.where(), settings_.seed), options);
        study.enqueue(axes_.diagonal(0.0));

        hass::progress_bar bar(label, options.trials.value());
        std::optional<judged> best;
        while (interrupted == 0) {
            const auto trial = study.ask();
            if (!trial) break;
            judged t{label, trial->number, trial->point, judge(axes_.at(*trial)), 0.0};
            hass::measured_terms terms = t.candidate.terms();
            if (settings_.sparsity_metric == "macs") terms.sparsity = t.candidate.sparsity.pair;
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
        if (!best) return std::nullopt;
        return std::move(best->candidate);
    }

    void add_solution(const std::string& label, const hass::candidate& c, const auto& engine) {
        solutions_.push_back(hass::describe(label, net_, c, engine, engine_names, board_));
        candidates_.push_back(c);
        dense_engines_.push_back(engine.dense && !engine.sparse);
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
    template <class Other>
    std::vector<hass::solution_report> under() const {
        std::vector<hass::solution_report> reports;
        for (std::size_t k = 0; k < candidates_.size(); ++k) {
            hass::candidate c = candidates_[k];
            const auto engine =
                engines_named<Other>(dense_engines_[k] ? "dense" : settings_.engine);
            c.hardware = hass::allocate(net_, c.measured.statistics, engine, board_);
            if (c.hardware.fits)
                reports.push_back(
                    hass::describe(solutions_[k].label, net_, c, engine, engine_names, board_));
        }
        return reports;
    }
    std::vector<hass::solution_report> under_other_model() const {
        if constexpr (std::same_as<Resources, hass::calibrated>)
            return under<hass::published>();
        else
            return under<hass::calibrated>();
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
                        {"device", board_.name},
                        {"budget", hass::to_json(board_)},
                        {"engine", settings_.engine},
                        {"resources", settings_.resources},
                        {"optimizer", settings_.optimizer},
                        {"objective", settings_.objective},
                        {"lambda", settings_.lambda},
                        {"sparsity_metric", settings_.sparsity_metric},
                        {"max_drop_points", settings_.max_drop},
                        {"seed", settings_.seed},
                        {"trials", settings_.trials},
                        {"interrupted", interrupted != 0}};
        for (const auto& [label, key] : keys) {
            file[key] = nullptr;
            for (const hass::solution_report& d : solutions_)
                if (d.label == label) file[key] = hass::to_json(d);
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

    void print() const {
        fmt::print("\n{}: engines '{}', resource model '{}'\n\n{}\n",
                   fs::path(bench_.source).filename().string(), settings_.engine,
                   settings_.resources, hass::comparison_table(solutions_, board_));
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
            "docs/published_model.md.\n");
        if (interrupted != 0) fmt::print("Interrupted: the searches are not complete.\n");
        fmt::print("written: {0}/solution.json, {0}/trials.csv\n", settings_.out);
    }

    const settings& settings_;
    workbench& bench_;
    hass::network_view net_;
    hass::device board_;
    hass::threshold_axes axes_;
    hass::allocator<engine_choice<Resources>> dense_;
    hass::allocator<engine_choice<Resources>> chosen_;
    std::optional<trial_log> log_;
    hass::measurement nothing_clipped_;
    hass::measured_terms dense_terms_;
    std::vector<judged> judged_;
    std::vector<hass::candidate> candidates_;  // of `solutions_`
    std::vector<bool> dense_engines_;          // allocated with dense engines only
    std::vector<hass::solution_report> solutions_;
    std::vector<std::string> conclusions_;
};

// ---- the command line ---------------------------------------------------------------------------

void describe_flags(CLI::App& app, settings& s) {
    const auto list = [](const auto& names) { return fmt::format("{}", fmt::join(names, ", ")); };
    std::vector<std::string> boards, optimizers;
    for (const hass::device& d : hass::boards::catalogue) boards.emplace_back(d.name);
    for (const auto& o : hass::built_in_optimizers)
        optimizers.push_back(fmt::format("{} ({})", o.name, o.summary));
    app.set_help_flag("-h,--help", "This text");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--model", s.model, "Trained network, ONNX")->capture_default_str();
    app.add_option("--images", s.images,
                   "Images, .npy: N x C x H x W (or N x H x W), uint8 or float");
    app.add_option("--labels", s.labels, "Labels, .npy: N integers");
    app.add_option("--mean", s.mean, "Input is (pixel * scale - mean) / std; one value a channel")
        ->delimiter(',')
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    app.add_option("--std", s.std, "See --mean")
        ->delimiter(',')
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    app.add_option("--scale", s.scale, "See --mean")->capture_default_str();
    app.add_option("--first-images", s.first_images, "Use only the first so many images; 0: all")
        ->capture_default_str();
    app.add_option("--statistics", s.statistics,
                   "Measured sensitivities and statistics in place of images, JSON");
    app.add_option("--write-statistics", s.write_statistics,
                   "Measure that file on the images, and end");
    app.add_option("--device", s.device, "Board, or a .json file: " + list(boards))
        ->capture_default_str();
    app.add_option("--engine", s.engine,
                   "Engines of the pruned network: spe (sparse everywhere), dense, or mixed (the "
                   "better one, layer by layer)")
        ->capture_default_str();
    app.add_option("--resources", s.resources, "Resource model: " + list(resource_flags))
        ->capture_default_str();
    app.add_option("--trials", s.trials, "Trials of each of the two searches")
        ->capture_default_str();
    app.add_option("--optimizer", s.optimizer, list(optimizers))->capture_default_str();
    app.add_option("--objective", s.objective,
                   "hass: f = accuracy + l1 sparsity + l2 throughput - l3 DSPs, relative to the "
                   "dense design; pareto: accuracy, throughput and DSPs apart")
        ->capture_default_str();
    app.add_option("--lambda", s.lambda, "l1 l2 l3 of the objective")
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
        ->expected(3)
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--sparsity-metric", s.sparsity_metric,
                   "What the objective calls sparsity: the mean over layers, every layer alike, or "
                   "over multiply-accumulates (layers, macs)")
        ->capture_default_str();
    app.add_option("--max-drop", s.max_drop, "Top-1 that may be lost, in points")
        ->capture_default_str();
    app.add_option("--highest-sparsity", s.highest_sparsity,
                   "Sparsity at the far end of an axis, before axes are shortened")
        ->capture_default_str();
    app.add_option("--seed", s.seed, "Same seed, same result")->capture_default_str();
    app.add_option("--threads", s.threads, "Threads of the emulator; 0: all")
        ->capture_default_str();
    app.add_option("--out", s.out, "Folder for solution.json and trials.csv")
        ->capture_default_str();
}

/// \throws hass::error naming the flag
void check(const settings& s) {
    const auto one_of = [](const char* flag, const std::string& name, const auto& names) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            throw hass::unknown_name(flag, name, names);
    };
    one_of("engine", s.engine, engine_flags);
    one_of("resource model", s.resources, resource_flags);
    one_of("objective", s.objective, objective_flags);
    one_of("sparsity metric", s.sparsity_metric, sparsity_flags);
    hass::make_optimizer(s.optimizer, hass::space({hass::real_axis("x", 0, 1)}), 0);
    const auto require = [](bool holds, const std::string& what) {
        if (!holds) throw hass::error(what);
    };
    require(s.trials > 0, fmt::format("--trials {}: must be at least 1", s.trials));
    require(s.max_drop >= 0.0 && s.max_drop <= 100.0,
            fmt::format("--max-drop {}: must be within 0 and 100 points", s.max_drop));
    require(
        s.highest_sparsity > 0.0 && s.highest_sparsity <= 1.0,
        fmt::format("--highest-sparsity {}: must be above 0 and at most 1", s.highest_sparsity));
    require(s.threads >= 0, fmt::format("--threads {}: must not be negative", s.threads));
    require(s.first_images >= 0,
            fmt::format("--first-images {}: must not be negative", s.first_images));
    for (const double l : s.lambda)
        require(l >= 0.0 && std::isfinite(l), fmt::format("--lambda {}: must not be negative", l));
}

int run(const settings& s) {
    check(s);
    const hass::owned_device board = hass::device_by_name(s.device);
    if (!s.write_statistics.empty()) {
        write_statistics(s);
        return 0;
    }
    hass::prepare_folder(s.out);
    workbench bench = s.statistics.empty() ? on_images(s) : on_table(s);
    std::signal(SIGINT, stop);
    std::signal(SIGTERM, stop);
    if (s.resources == "published")
        return search_job<hass::published>(s, bench, board.limits()).run();
    if (s.resources == "repaired")
        return search_job<hass::repaired>(s, bench, board.limits()).run();
    return search_job<hass::calibrated>(s, bench, board.limits()).run();
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    CLI::App app{
        "Searches sparsity thresholds of a trained network together with the accelerator that runs "
        "it.\nWithout flags: the network and images that ship with the library, on a zedboard.",
        "hass_search"};
    const auto fail = [](const std::string& what) {
        fmt::print(stderr, "hass_search: {}\n", what);
        return 2;
    };
    try {
        describe_flags(app, s);
        app.parse(argc, argv);
        return run(s);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return 0;
    } catch (const CLI::ParseError& wrong) {
        return fail(wrong.what());
    } catch (const std::exception& wrong) {
        return fail(wrong.what());
    }
}
