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

struct settings {
    std::string model, images, labels, statistics;
    std::vector<float> mean, std;
    double scale = 1.0 / 255.0;
    std::size_t first_images = 0;
    std::string device = "zedboard";
    std::string engine = "spe";
    std::string resources = "calibrated";
    std::string optimizer = "tpe";
    std::string objective = "hass";
    int trials = 96;
    std::uint64_t seed = 1;
    double max_drop = 1.0;
    std::vector<double> lambda{0.1, 0.1, 0.1};
    double highest_sparsity = 0.9;
    int threads = 0;
    std::string out = "hass-out";
};

// ---- the network: an emulator on images, or a table of measurements ---------------------------

/// A network that can be asked how it does at any thresholds.
struct workbench {
    hass::network net;
    hass::network_magnitudes magnitudes;
    std::function<hass::measurement(const hass::network_thresholds&)> measure;
    std::string source;
};

workbench on_images(const settings& s) {
    const auto emulator = std::make_shared<hass::emulator>(
        hass::load_onnx(s.model),
        hass::preprocessing{static_cast<float>(s.scale), s.mean, s.std});
    auto images = std::make_shared<hass::image_set>(hass::read_images(s.images));
    auto labels = std::make_shared<std::vector<int>>(hass::read_labels(s.labels));
    if (labels->size() != images->count)
        throw hass::error(fmt::format("{}: {} labels for the {} images of {}", s.labels,
                                      labels->size(), images->count, s.images));
    if (s.first_images > 0 && s.first_images < images->count) {
        images->count = s.first_images;
        labels->resize(s.first_images);
    }
    hass::emulation_options options;
    options.threads = s.threads;
    workbench bench;
    bench.net = emulator->model().net;
    bench.source = s.model;
    bench.magnitudes = emulator->magnitudes(*images, options);
    bench.measure = [=](const hass::network_thresholds& t) {
        hass::emulation run = emulator->run(*images, *labels, t, options);
        return hass::measurement{run.top1_accuracy(), run.top5_accuracy(),
                                 std::move(run.statistics)};
    };
    return bench;
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
          chosen_(net_, engines_named<Resources>(s.engine), board),
          log_(fs::path(s.out) / "trials.csv", axes_.where()) {}

    int run() {
        // the two designs without any search come first
        nothing_clipped_ = bench_.measure(hass::network_thresholds(net_.size()));
        hass::candidate dense = judge_dense();
        require_fit(dense.hardware);
        hass::candidate natural = judge(hass::network_thresholds(net_.size()));
        require_fit(natural.hardware);
        dense_terms_ = dense.terms();
        if (!(dense_terms_.accuracy > 0.0))
            throw hass::error(bench_.source +
                              ": not one image is answered right, even without pruning");

        add_solution("dense", dense, dense_.engine());
        add_solution("activation only", natural, chosen_.engine());
        const double floor = dense_terms_.accuracy - settings_.max_drop / 100.0;
        const auto software = search("software-only",
                                     {settings_.lambda[0], 0.0, 0.0}, floor);
        if (software) add_solution("software-only", *software, chosen_.engine());
        // at equal accuracy, so that the two differ in what the hardware makes of it
        const auto hardware =
            search("hardware-aware",
                   {settings_.lambda[0], settings_.lambda[1], settings_.lambda[2]},
                   software ? std::max(floor, software->measured.top1) : floor);
        if (hardware) add_solution("hardware-aware", *hardware, chosen_.engine());
        write();
        print();
        return interrupted != 0 ? 130 : 0;
    }

  private:
    hass::candidate judge_dense() {
        hass::candidate c;
        c.thresholds.resize(net_.size());
        c.measured = nothing_clipped_;
        c.sparsity = hass::average(net_, c.measured.statistics);
        c.hardware = dense_.solve(c.measured.statistics);
        return c;
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
        study.enqueue(axes_.origin());

        hass::progress_bar bar(label, options.trials.value());
        std::optional<judged> best;
        while (interrupted == 0) {
            const auto trial = study.ask();
            if (!trial) break;
            judged t{label, trial->number, trial->point, judge(axes_.at(*trial)), 0.0};
            const hass::measured_terms terms = t.candidate.terms();
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
            log_.add(t, result.is_ok() ? "ok" : "infeasible", net_);
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

    void write() const {
        static const std::vector<std::pair<std::string, std::string>> keys{
            {"dense", "dense"},
            {"activation only", "activation_only"},
            {"software-only", "software_only"},
            {"hardware-aware", "hardware_aware"}};
        hass::json file{{"hass_version", HASS_VERSION},
                        {"network", bench_.source},
                        {"device", hass::to_json(board_)},
                        {"engine", settings_.engine},
                        {"resources", settings_.resources},
                        {"optimizer", settings_.optimizer},
                        {"objective", settings_.objective},
                        {"lambda", settings_.lambda},
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
        hass::write_whole(fs::path(settings_.out) / "solution.json", file.dump(2) + "\n");
    }

    void print() const {
        fmt::print("\n{}\n", hass::comparison_table(solutions_, board_));
        for (const hass::solution_report& d : solutions_)
            fmt::print("{}: {}\n", d.label, d.limit);
        for (const std::string& line : conclusions_) fmt::print("{}\n", line);
        fmt::print("\n{}\n", hass::layer_table(solutions_.back()));
        fmt::print("written: {0}/solution.json, {0}/trials.csv\n", settings_.out);
    }

    const settings& settings_;
    workbench& bench_;
    hass::network_view net_;
    hass::device board_;
    hass::threshold_axes axes_;
    hass::allocator<engine_choice<Resources>> dense_;
    hass::allocator<engine_choice<Resources>> chosen_;
    trial_log log_;
    hass::measurement nothing_clipped_;
    hass::measured_terms dense_terms_;
    std::vector<judged> judged_;
    std::vector<hass::candidate> candidates_;
    std::vector<hass::solution_report> solutions_;
    std::vector<std::string> conclusions_;
};

}  // namespace

int main(int argc, char** argv) {
    settings s;
    const std::string data = HASS_EXAMPLES_DATA;
    s.model = data + "/fashion.onnx", s.images = data + "/fashion_images.npy";
    s.labels = data + "/fashion_labels.npy";
    s.mean = {0.286041F}, s.std = {0.353024F};
    CLI::App app{"Searches sparsity thresholds and the accelerator for them."};
    app.add_option("--device", s.device);
    app.add_option("--engine", s.engine);
    app.add_option("--trials", s.trials);
    app.add_option("--seed", s.seed);
    app.add_option("--optimizer", s.optimizer);
    app.add_option("--lambda", s.lambda)->expected(3);
    app.add_option("--max-drop", s.max_drop);
    app.add_option("--highest-sparsity", s.highest_sparsity);
    app.add_option("--first-images", s.first_images);
    app.add_option("--out", s.out);
    CLI11_PARSE(app, argc, argv);
    try {
        hass::prepare_folder(s.out);
        workbench bench = on_images(s);
        return search_job<hass::calibrated>(s, bench, hass::boards::find(s.device)).run();
    } catch (const hass::error& e) {
        fmt::print(stderr, "hass_search: {}\n", e.what());
        return 2;
    }
}
