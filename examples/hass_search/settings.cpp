#include "settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <hass/device/boards.hpp>
#include <hass/emulate/detection.hpp>
#include <hass/engine/patterns/named.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <hass/search/optimizer_names.hpp>
#include <hass/workload/preprocessing.hpp>
#include <system_error>

#include "foldings.hpp"

namespace hass_search {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> engine_flags{"mixed", "spe",     "lanes", "lists",
                                            "dense", "cascade", "finn",  "hls4ml"};
const std::vector<std::string> thresholds_at_flags{"auto", "standalone", "embedded"};
const std::vector<std::string> io_type_flags{"io_stream", "io_parallel"};
const std::vector<std::string> strategy_flags{"Resource", "Latency"};
/// Flags that only --engine finn and --engine hls4ml have.
constexpr const char* folding_flags[] = {
    "--target-fps",      "--fastest", "--least",         "--weight-bits",
    "--activation-bits", "--io-type", "--thresholds-at", "--first-weight-bits",
    "--strategy",        "--mhz"};
const std::vector<std::string> multiplier_flags{"dsp", "either"};
const std::vector<std::string> memory_flags{"weights", "every"};
const std::vector<std::string> requantise_flags(hass::requantise_names.begin(),
                                                hass::requantise_names.end());
const std::vector<std::string> metric_flags{"top1", "top5", "agreement", "fidelity", "closeness",
                                            "map",  "miou", "iou",       "psnr",     "auc"};
const std::vector<std::string> without_labels{"agreement", "fidelity", "closeness"};
const std::vector<std::string> detector_flags(hass::detector_heads.begin(),
                                              hass::detector_heads.end());
const std::vector<std::string> objective_flags{"hass", "pareto"};
const std::vector<std::string> granularity_flags{"layer", "channel"};
const std::vector<std::string> sparsity_flags{"layers", "macs"};
const std::vector<std::string> search_flags{"both", "hardware"};
const std::vector<std::string> one_objective{"cma-es", composite_flag};

/// Refuses what an unsigned number cannot hold, where CLI11 would wrap around or saturate.
const CLI::Validator whole_number(
    [](std::string& text) {
        std::uint64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto [read, wrong] = std::from_chars(text.data(), end, value);
        return wrong == std::errc{} && read == end
                   ? std::string()
                   : text + ": must be a whole number, not negative, below 2^64";
    },
    "");

/// Names of the networks whose statistics ship with the library.
std::vector<std::string> ready_made() {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& file : fs::directory_iterator(shipped + "/statistics", failed))
        if (file.path().extension() == ".statistics") names.push_back(file.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

void describe_folding_flags(CLI::App& app, settings& s) {
    const auto list = [](const auto& names) { return fmt::format("{}", fmt::join(names, ", ")); };
    const auto option = [&app](const char* flag, auto& to, const std::string& text) {
        app.add_option(flag, to, text)
            ->capture_default_str()
            ->group("With --engine finn or hls4ml");
    };
    option("--target-fps", s.target_fps, "Images/s to reach with least of --least; 0: --fastest");
    app.add_flag("--fastest", s.fastest, "As many images/s as the board has room for")
        ->group("With --engine finn or hls4ml");
    option("--least", s.least, "What --target-fps spares: dsp, lut, bram18, uram");
    option("--weight-bits", s.weight_bits, "FINN: 1 (bipolar) to 8; hls4ml takes --bits");
    option("--activation-bits", s.activation_bits, "FINN: 1 (bipolar) to 8");
    option("--first-weight-bits", s.first_weight_bits,
           "FINN: of the layer that reads the image; 0: as the others");
    option("--thresholds-at", s.thresholds_at,
           "FINN: nodes of their own, inside of MVAUs, or the former from 4 bits on: " +
               list(thresholds_at_flags));
    option("--io-type", s.io_type, "hls4ml: " + list(io_type_flags));
    option("--strategy", s.strategy, "hls4ml: " + list(strategy_flags));
    option("--mhz", s.mhz, "Clock; 0: the board's");
}

void describe_flags(CLI::App& app, settings& s) {
    const auto list = [](const auto& names) { return fmt::format("{}", fmt::join(names, ", ")); };
    std::vector<std::string> boards, optimizers;
    for (const hass::device& d : hass::boards::catalogue) boards.emplace_back(d.name);
    for (const auto& o : hass::built_in_optimizer_names)
        optimizers.push_back(fmt::format("{} ({})", o.name, o.summary));
    optimizers.push_back(composite_flag +
                         " (learns the accuracy alone, asks the allocator for the rest)");
    app.set_help_flag("-h,--help", "This text");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    const auto option = [&app](const char* flag, auto& to, const std::string& text) {
        CLI::Option* added = app.add_option(flag, to, text);
        if constexpr (requires { to.empty(); })
            if (to.empty()) return added;
        return added->capture_default_str();
    };
    const auto values = [&](const char* flag, auto& to, const std::string& text) {
        return option(flag, to, text)
            ->delimiter(',')
            ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    };
    option("--model", s.model, "Trained network, ONNX");
    option(
        "--output", s.output,
        "Tensor that is the answer, where the network has several outputs; A,B or all: these, one "
        "behind the other");
    values("--input-shape", s.input_shape,
           "Extents of one image (1,28,28) where the network leaves them open; else those of the "
           "images");
    option("--images", s.images,
           "Images, .npy or .npz (FILE.npz:NAME): N x C x H x W, N x H x W, N x tokens x "
           "features, N x features; several inputs: A.npy,B.npy in the network's order, or "
           "NAME=A.npy,NAME=B.npy");
    option(
        "--labels", s.labels,
        "Labels, .npy or .npz: N whole numbers from 0; masks or pictures for miou, iou and psnr; "
        "boxes, .json, for map; none: answers are compared with the untouched network's");
    option("--metric", s.metric,
           "What may fall by --max-drop: " + list(metric_flags) +
               "; default: top1, without labels agreement (share of answers equal to the untouched "
               "network's)");
    option("--detector", s.detector, "Head that --metric map decodes: " + list(detector_flags));
    std::vector<std::string> presets;
    for (const auto& p : hass::preprocessing_presets)
        presets.push_back(fmt::format("{} ({})", p.name, p.summary));
    option("--preprocessing", s.preprocessing,
           "What the network was trained with, where its file does not say: " + list(presets));
    values("--mean", s.mean,
           "Input is (pixel * scale - mean) / std, one value a channel; replaces what the file or "
           "--preprocessing says");
    values("--std", s.std, "See --mean");
    option("--scale", s.scale,
           "See --mean; where nothing says it: 1/255 for pixels 0..255, 1 for floats in 0..1");
    option("--first-images", s.first_images, "Use only the first so many images; 0: all");
    option("--statistics-images", s.statistics_images,
           "Zeros of a trial are counted on so many images, accuracy on all; the best trials are "
           "measured again on all; 0: all");
    app.add_flag(
        "--resize", s.resize,
        "Scale images of another size (shorter side to 8/7 of the network's, bilinear) and "
        "cut out the middle");
    option(
        "--network", s.network,
        "Ready-made statistics in place of a model and images, on a u250: " + list(ready_made()));
    option("--statistics", s.statistics,
           "A file of measured statistics in place of a model and images");
    option("--write-statistics", s.write_statistics,
           "Measure that file on the images, or go on measuring it, and end; with --statistics at "
           "the thresholds of that file");
    values("--merge-statistics", s.merge_statistics,
           "Files measured on different images, to be joined into --write-statistics")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    option("--device", s.device, "Board, or a .json file: " + list(boards));
    option(
        "--engine", s.engine,
        "Engines of the pruned network: mixed (the best one, layer by layer), spe (sparse "
        "everywhere), lanes or lists (where a layer can have them, else dense), dense, or cascade "
        "(dense, sums in DSPs); published resources know spe and dense. finn and hls4ml: foldings "
        "for these toolchains in place of a search");
    option("--resources", s.resources,
           "Resource model, or a .json file of hass_calibrate: " + list(resource_flags));
    option("--multipliers", s.multipliers,
           "Multipliers of a layer in DSPs, or either in DSPs or in LUTs, whichever pays (" +
               list(multiplier_flags) + "); calibrated resources only");
    option("--memories", s.memories,
           "weights: these alone in block RAM or in URAM, the rest in block RAM; every: LUT-RAM "
           "too, and what layers buffer in any of the three; calibrated resources only");
    option(
        "--requantise", s.requantise,
        "How answers become data again: by shifts, multiplied in DSPs, or as modules of --rtl do, "
        "which is the default there (" +
            list(requantise_flags) + "); calibrated resources only");
    option("--trials", s.trials, "Trials of each of the two searches");
    option("--optimizer", s.optimizer, list(optimizers));
    option(
        "--stop-when", s.stop_when,
        "End a study when at most so much may still be gained, in points of the objective; needs "
        "an optimizer that can say so: gaussian-process or automatic, --objective hass");
    option("--search", s.search,
           "both: by software metrics alone, then with the hardware at no less accuracy; hardware: "
           "the second alone");
    option("--objective", s.objective,
           "hass: f = accuracy + l1 sparsity + l2 throughput - l3 DSPs, relative to the dense "
           "design; pareto: accuracy, throughput and DSPs apart");
    values("--lambda", s.lambda, "l1 l2 l3 of the objective")->expected(3);
    option("--sparsity-metric", s.sparsity_metric,
           "What the objective calls sparsity: the mean over layers, every layer alike, or over "
           "multiply-accumulates (layers, macs)");
    option("--max-drop", s.max_drop, "What may be lost of the metric, in points (psnr: dB)");
    option("--highest-sparsity", s.highest_sparsity,
           "Sparsity at the far end of an axis, before axes are shortened");
    option("--seed", s.seed, "Same seed, same result")->check(whole_number);
    option("--thresholds", s.granularity,
           "One threshold a layer, or one a channel at the layer's sparsity (layer, channel)");
    values("--exempt", s.exempt, "Layers left as they are: first, last, names of layers");
    option(
        "--bits", s.bits,
        "Width of weights and activations, 16 or 8, in hardware and in what the network answers; "
        "0: 16 in hardware, answers in float32");
    option("--threads", s.threads, "Threads of the emulator; 0: all");
    option("--cache", s.cache_mib,
           "MiB for what earlier runs can spare later ones; no result depends on it");
    option("--confidence", s.confidence,
           "Trials end before their last image once they miss --max-drop with this confidence, 1: "
           "for certain; 0: never");
    option(
        "--journal", s.journal,
        "File that keeps every trial as soon as it is judged (Optuna's journal): a search that was "
        "ended, however it was, goes on there by the same command");
    option(
        "--known", s.known,
        "Journal of another run, whose trials come first: as they were judged and beside --trials "
        "where network and board are the same, else the best of them, for half of --trials at "
        "most, judged again");
    option(
        "--workers", s.workers,
        "Processes that judge trials at a time, each with its own copy of the network, as many as "
        "memory has room for; results depend on this number, not on who is quicker. With mpirun "
        "the ranks but the first are the workers");
    option(
        "--patience", s.patience,
        "Seconds after which a worker is given up and its trial goes to another one; 0: 20 times "
        "what it took until the search began, at least 60");
    app.add_option("--judge-for-channel", s.worker)->group("");
    option("--simulate", s.simulate,
           "Run the pipelines of the sparse designs on so many images, word by word with finite "
           "FIFOs, beside the model's interval; 0: do not, but with --rtl on --rtl-images");
    option("--rtl", s.rtl,
           "Folder for the hardware-aware design as SystemVerilog, with a testbench; only options "
           "that have modules are then chosen");
    option("--rtl-images", s.rtl_images, "Images that --rtl writes for its testbench");
    option("--prune-pattern", s.prune_pattern,
           "Write the trained weights projected onto a pattern, too, beside pruned.onnx (gh2:4, "
           "hss4:8/2:4, block4x4, channel; the last two keep each layer's share, or a given one: "
           "channel:0.5)");
    option("--out", s.out,
           "Folder for solution.json, trials.csv, report.html and pruned.onnx, or for foldings");
    app.add_flag("--json", s.json, "Print solution.json to stdout, in place of tables");
    app.add_flag("--quiet", s.quiet,
                 "Print neither tables nor progress; warnings and errors go to stderr");
    option("--evaluate", s.evaluate,
           "A fpgaConvNet configuration, .json: price its designs under every resource model, and "
           "end");
    describe_folding_flags(app, s);
}

/// \throws hass::error naming the flag
void check_foldings(const settings& s) {
    const auto one_of = [](const char* what, const std::string& name, const auto& names) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            throw hass::unknown_name(what, name, names);
    };
    const auto require = [](bool holds, const std::string& what) {
        if (!holds) throw hass::error(what);
    };
    std::vector<std::string> spared;
    for (const hass::resource& r : hass::resources)
        if (r.field != &hass::usage::bandwidth && r.field != &hass::usage::ff)
            spared.push_back(fold_resource(std::string(r.name)));
    one_of("resource", s.least, spared);
    one_of("place of thresholds", s.thresholds_at, thresholds_at_flags);
    one_of("io type", s.io_type, io_type_flags);
    one_of("strategy", s.strategy, strategy_flags);
    require(s.target_fps >= 0.0 && std::isfinite(s.target_fps),
            fmt::format("--target-fps {}: must not be negative", s.target_fps));
    require(!s.fastest || s.target_fps == 0.0, "--fastest: not with --target-fps");
    require(s.mhz >= 0.0 && s.mhz < 1e5, fmt::format("--mhz {}: must not be negative", s.mhz));
    for (const int bits : {s.weight_bits, s.activation_bits})
        require(bits >= 1 && bits <= 8, fmt::format("{} bits: FINN's have 1 to 8", bits));
    require(s.first_weight_bits >= 0 && s.first_weight_bits <= 8,
            fmt::format("--first-weight-bits {}: must be 1 to 8, or 0", s.first_weight_bits));
    require(s.engine != "hls4ml" || s.least == "dsp" || s.target_fps == 0.0,
            "--least " + s.least + ": hls4ml has a model of DSPs only; say --least dsp");
}

/// \throws hass::error naming the flag
void check(const settings& s) {
    const auto one_of = [](const char* what, const std::string& name, const auto& names) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            throw hass::unknown_name(what, name, names);
    };
    std::vector<std::string> optimizers{composite_flag};
    for (const auto& o : hass::built_in_optimizer_names) optimizers.emplace_back(o.name);
    one_of("engine", s.engine, engine_flags);
    if (!s.resources.ends_with(".json")) one_of("resource model", s.resources, resource_flags);
    one_of("choice of multipliers", s.multipliers, multiplier_flags);
    one_of("choice of memories", s.memories, memory_flags);
    one_of("requantisation", s.requantise, requantise_flags);
    one_of("objective", s.objective, objective_flags);
    one_of("granularity of thresholds", s.granularity, granularity_flags);
    one_of("sparsity metric", s.sparsity_metric, sparsity_flags);
    one_of("search", s.search, search_flags);
    one_of("optimizer", s.optimizer, optimizers);
    const auto require = [](bool holds, const std::string& what) {
        if (!holds) throw hass::error(what);
    };
    require(!s.stop_when || *s.stop_when >= 0.0, "--stop-when: not below 0");
    require(
        !s.stop_when || ((s.optimizer == "gaussian-process" || s.optimizer == "automatic") &&
                         s.objective == "hass"),
        "--stop-when: only with --optimizer gaussian-process or automatic, and --objective hass");
    require(s.objective == "hass" || std::find(one_objective.begin(), one_objective.end(),
                                               s.optimizer) == one_objective.end(),
            fmt::format("--optimizer {}: one objective only, not --objective {}", s.optimizer,
                        s.objective));
    const auto calibrated_only = [&](const char* flag, const std::string& value,
                                     const std::string& by_default) {
        require(value == by_default || s.resources == "calibrated",
                fmt::format("{} {}: resource model '{}' has no price for it", flag, value,
                            s.resources));
    };
    calibrated_only("--multipliers", s.multipliers, multiplier_flags[0]);
    calibrated_only("--memories", s.memories, memory_flags[0]);
    calibrated_only("--requantise", s.requantise, requantise_flags[0]);
    if (!s.metric.empty()) one_of("metric", s.metric, metric_flags);  // foldings have none
    const bool alone =
        std::find(without_labels.begin(), without_labels.end(), s.metric) != without_labels.end();
    require(alone || !s.labels.empty(), "--metric " + s.metric + " needs --labels");
    require((s.metric == "map") == !s.detector.empty(),
            "--metric map and --detector belong together");
    if (!s.detector.empty()) one_of("detector head", s.detector, detector_flags);
    require(s.write_statistics.empty() || s.metric == "top1",
            "--write-statistics measures top1, which needs --labels");
    for (const std::int64_t extent : s.input_shape)
        require(extent > 0, fmt::format("--input-shape {}: must be at least 1", extent));
    if (!s.preprocessing.empty()) hass::preprocessing_named(s.preprocessing);
    require(s.trials > 0, fmt::format("--trials {}: must be at least 1", s.trials));
    require(s.max_drop >= 0.0 && s.max_drop <= 100.0,
            fmt::format("--max-drop {}: must be within 0 and 100", s.max_drop));
    require(
        s.highest_sparsity > 0.0 && s.highest_sparsity <= 1.0,
        fmt::format("--highest-sparsity {}: must be above 0 and at most 1", s.highest_sparsity));
    require(s.confidence >= 0.0 && s.confidence <= 1.0,
            fmt::format("--confidence {}: must be within 0 and 1", s.confidence));
    require(!s.json || s.write_statistics.empty(),
            "--json: a run that only writes statistics has no solution");
    require(s.granularity == "layer" || s.statistics.empty(),
            "--thresholds channel needs images; the table of --statistics knows layers");
    require(s.bits == 0 || s.bits == 8 || s.bits == 16,
            fmt::format("--bits {}: must be 16, 8 or 0", s.bits));
    require(s.bits == 0 || s.statistics.empty(),
            "--bits needs images; with --statistics answers are those of float32");
    const auto not_negative = [&](const char* flag, auto x) {
        require(x >= 0 && std::isfinite(static_cast<double>(x)),
                fmt::format("{} {}: must not be negative", flag, x));
    };
    not_negative("--cache", s.cache_mib);
    not_negative("--threads", s.threads);
    not_negative("--simulate", s.simulate);
    require(s.simulate == 0 || (s.engine != "dense" && s.engine != "cascade"),
            "--simulate: cycles of dense engines do not depend on data");
    if (!s.rtl.empty()) {
        require(s.rtl_images > 0, fmt::format("--rtl-images {}: must be at least 1", s.rtl_images));
        require(s.granularity == "layer",
                "--rtl: modules clip all channels of a layer alike, not --thresholds channel");
        require(s.multipliers == "dsp", "--rtl: no module has multipliers of LUTs");
        require(
            s.resources == "calibrated",
            "--rtl: '" + s.resources + "' does not price what its modules take; calibrated does");
        require(s.requantise == "rtl",
                "--rtl: modules make data of sums as --requantise rtl says, not " + s.requantise);
    }
    if (!s.prune_pattern.empty()) hass::patterns::named_pattern{s.prune_pattern};
    not_negative("--first-images", s.first_images);
    not_negative("--patience", s.patience);
    require(s.workers > 0 && s.workers <= 1024,
            fmt::format("--workers {}: must be within 1 and 1024", s.workers));
    require(s.known.empty() || s.journal.empty() || !fs::exists(s.known) ||
                !fs::exists(s.journal) || !fs::equivalent(s.known, s.journal),
            "--known " + s.known + ": is the --journal itself");
    not_negative("--statistics-images", s.statistics_images);
    for (const double l : s.lambda) not_negative("--lambda", l);
}

/// Which of the flags may stand together, and what --network stands for.
/// \throws hass::error naming the flag
void resolve(const CLI::App& app, settings& s) {
    if (!s.rtl.empty() && s.resources == "calibrated" && app.count("--requantise") == 0)
        s.requantise = "rtl";
    const auto refuse = [&](const char* flag, const std::string& why) {
        if (app.count(flag) > 0) throw hass::error(std::string(flag) + ": " + why);
    };
    const auto refuse_others = [&](const std::vector<std::string>& known, const std::string& why) {
        for (const CLI::Option* o : app.get_options()) {
            const std::string name = o->get_lnames().front();
            if (std::find(known.begin(), known.end(), name) == known.end())
                refuse(("--" + name).c_str(), why);
        }
    };
    s.device_given = app.count("--device") > 0;
    if (!s.evaluate.empty()) {
        refuse_others({"evaluate", "device", "mhz"}, "not with --evaluate");
        return;
    }
    if (s.folds()) {
        const std::vector<std::string> names = networks_of_rows();
        if (!s.network.empty() && std::find(names.begin(), names.end(), s.network) == names.end())
            throw hass::unknown_name("network", s.network, names);
        if (!s.network.empty()) refuse("--model", "not with --network, which has rows itself");
        std::vector<std::string> known{"engine",     "network", "model", "device", "out",
                                       "target-fps", "fastest", "least", "mhz"};
        if (s.engine == "finn")
            known.insert(known.end(), {"resources", "weight-bits", "activation-bits",
                                       "first-weight-bits", "thresholds-at"});
        else
            known.insert(known.end(), {"bits", "io-type", "strategy"});
        refuse_others(known,
                      "not with --engine " + s.engine + ", which folds and searches nothing");
        if (s.engine == "hls4ml" && app.count("--least") == 0) s.least = "dsp";
        if (app.count("--resources") > 0 && s.resources != "published" && s.resources != "repaired")
            refuse("--resources", "published or repaired with --engine " + s.engine);
        return;
    }
    for (const char* flag : folding_flags) refuse(flag, "needs --engine finn or --engine hls4ml");
    if (app.count("--network") > 0) {
        refuse("--statistics", "not with --network, which names a file itself");
        refuse("--write-statistics", "needs --model, --images and --labels, not --network");
        const std::vector<std::string> names = ready_made();
        if (std::find(names.begin(), names.end(), s.network) == names.end())
            throw hass::unknown_name("network", s.network, names);
        s.statistics = shipped + "/statistics/" + s.network + ".statistics";
        if (app.count("--device") == 0) s.device = "u250";
    }
    if (s.write_statistics.empty()) {
        refuse("--merge-statistics", "needs --write-statistics, the file to write");
        if (!s.statistics.empty())
            for (const char* flag : {"--model", "--images", "--labels", "--metric", "--detector",
                                     "--output", "--input-shape", "--preprocessing", "--mean",
                                     "--std", "--scale", "--first-images", "--statistics-images",
                                     "--resize", "--simulate", "--rtl", "--prune-pattern"})
                refuse(flag, "needs images, but statistics (" + s.statistics +
                                 ") stand in for the network and its images");
    } else {
        refuse("--statistics-images", "--write-statistics counts zeros on all images");
        refuse("--rtl", "--write-statistics makes no design");
        refuse("--prune-pattern", "--write-statistics makes no design");
        for (const char* flag : {"--journal", "--known", "--workers"})
            refuse(flag, "--write-statistics searches nothing");
    }
    // What is the user's own is not judged on what ships with the library.
    if (app.count("--images") == 0)
        for (const char* flag : {"--model", "--labels"}) refuse(flag, "needs --images");
    else if (app.count("--labels") == 0)
        s.labels.clear();
    if (s.metric.empty()) s.metric = s.labels.empty() ? "agreement" : "top1";
}

/// \throws hass::error naming the first argument that is no flag, and the flag that is nearest
void refuse_unknown(const CLI::App& app) {
    const std::vector<std::string> rest = app.remaining();
    if (rest.empty()) return;
    std::vector<std::string> flags;
    for (const CLI::Option* option : app.get_options())
        if (!option->get_group().empty()) flags.push_back("--" + option->get_lnames().front());
    throw hass::unknown_name("flag", rest.front().substr(0, rest.front().find('=')), flags);
}

}  // namespace

std::string fold_resource(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    return name;
}

bool parse(int argc, const char* const* argv, settings& s) {
    s.command.assign(argv, argv + argc);
    CLI::App app{
        "Searches sparsity thresholds of a trained network together with the accelerator that runs "
        "it.\nWithout flags: the network and images that ship with the library, on a zedboard.",
        "hass_search"};
    describe_flags(app, s);
    app.allow_extras();
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return false;
    } catch (const CLI::ParseError& wrong) {
        throw hass::error(wrong.what());
    }
    refuse_unknown(app);
    resolve(app, s);
    check(s);
    check_foldings(s);
    return true;
}

}  // namespace hass_search
