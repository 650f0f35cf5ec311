#include "settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <hass/device/boards.hpp>
#include <hass/error.hpp>
#include <hass/search/optimizers.hpp>
#include <system_error>

namespace hass_search {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> engine_flags{"spe", "dense", "mixed"};
const std::vector<std::string> resource_flags{"calibrated", "published", "repaired"};
const std::vector<std::string> objective_flags{"hass", "pareto"};
const std::vector<std::string> granularity_flags{"layer", "channel"};
const std::vector<std::string> exempt_flags{"first", "last"};
const std::vector<std::string> sparsity_flags{"layers", "macs"};
const std::vector<std::string> search_flags{"both", "hardware"};

/// Names of the networks whose statistics ship with the library.
std::vector<std::string> ready_made() {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& file : fs::directory_iterator(shipped + "/statistics", failed))
        if (file.path().extension() == ".statistics") names.push_back(file.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

void describe_flags(CLI::App& app, settings& s) {
    const auto list = [](const auto& names) { return fmt::format("{}", fmt::join(names, ", ")); };
    std::vector<std::string> boards, optimizers;
    for (const hass::device& d : hass::boards::catalogue) boards.emplace_back(d.name);
    for (const auto& o : hass::built_in_optimizers)
        optimizers.push_back(fmt::format("{} ({})", o.name, o.summary));
    optimizers.push_back(composite_flag +
                         " (learns the accuracy alone, asks the allocator for the rest)");
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
    app.add_flag(
        "--resize", s.resize,
        "Scale images of another size (shorter side to 8/7 of the network's, bilinear) and "
        "cut out the middle");
    app.add_option(
        "--network", s.network,
        "Ready-made statistics in place of a model and images, on a u250: " + list(ready_made()));
    app.add_option("--statistics", s.statistics,
                   "A file of measured statistics in place of a model and images");
    app.add_option("--write-statistics", s.write_statistics,
                   "Measure that file on the images, or go on measuring it, and end; with "
                   "--statistics at the thresholds of that file");
    app.add_option("--merge-statistics", s.merge_statistics,
                   "Files measured on different images, to be joined into --write-statistics")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->delimiter(',');
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
    app.add_option("--search", s.search,
                   "both: by software metrics alone, then with the hardware at no less accuracy; "
                   "hardware: the second alone")
        ->capture_default_str();
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
    app.add_option(
           "--thresholds", s.granularity,
           "One threshold a layer, or one a channel at the layer's sparsity (layer, channel)")
        ->capture_default_str();
    app.add_option("--exempt", s.exempt, "Layers left as they are: first, last, or first,last")
        ->delimiter(',')
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    app.add_option("--bits", s.bits,
                   "Width of weights and activations, 16 or 8, in hardware and in what the network "
                   "answers; 0: 16 in hardware, answers in float32")
        ->capture_default_str();
    app.add_option("--threads", s.threads, "Threads of the emulator; 0: all")
        ->capture_default_str();
    app.add_option("--cache", s.cache_mib,
                   "MiB for what earlier runs can spare later ones; no result depends on it")
        ->capture_default_str();
    app.add_option("--confidence", s.confidence,
                   "Trials end before their last image once they miss --max-drop with this "
                   "confidence, 1: for certain; 0: never")
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
    one_of("granularity of thresholds", s.granularity, granularity_flags);
    for (const std::string& layer : s.exempt) one_of("exempt layer", layer, exempt_flags);
    one_of("sparsity metric", s.sparsity_metric, sparsity_flags);
    one_of("search", s.search, search_flags);
    std::vector<std::string> optimizers{composite_flag};
    for (const auto& o : hass::built_in_optimizers) optimizers.emplace_back(o.name);
    one_of("optimizer", s.optimizer, optimizers);
    const auto require = [](bool holds, const std::string& what) {
        if (!holds) throw hass::error(what);
    };
    require(s.optimizer != composite_flag || s.objective == "hass",
            "--optimizer composite: one objective only, not --objective " + s.objective);
    require(s.trials > 0, fmt::format("--trials {}: must be at least 1", s.trials));
    require(s.max_drop >= 0.0 && s.max_drop <= 100.0,
            fmt::format("--max-drop {}: must be within 0 and 100 points", s.max_drop));
    require(
        s.highest_sparsity > 0.0 && s.highest_sparsity <= 1.0,
        fmt::format("--highest-sparsity {}: must be above 0 and at most 1", s.highest_sparsity));
    require(s.confidence >= 0.0 && s.confidence <= 1.0,
            fmt::format("--confidence {}: must be within 0 and 1", s.confidence));
    require(s.granularity == "layer" || s.statistics.empty(),
            "--thresholds channel needs images; the table of --statistics knows layers");
    require(s.bits == 0 || s.bits == 8 || s.bits == 16,
            fmt::format("--bits {}: must be 16, 8 or 0", s.bits));
    require(s.bits == 0 || s.statistics.empty(),
            "--bits needs images; with --statistics answers are those of float32");
    require(s.cache_mib >= 0, fmt::format("--cache {}: must not be negative", s.cache_mib));
    require(s.threads >= 0, fmt::format("--threads {}: must not be negative", s.threads));
    require(s.first_images >= 0,
            fmt::format("--first-images {}: must not be negative", s.first_images));
    for (const double l : s.lambda)
        require(l >= 0.0 && std::isfinite(l), fmt::format("--lambda {}: must not be negative", l));
}

/// Which of the flags may stand together, and what --network stands for.
/// \throws hass::error naming the flag
void resolve(const CLI::App& app, settings& s) {
    const auto refuse = [&](const char* flag, const std::string& why) {
        if (app.count(flag) > 0) throw hass::error(std::string(flag) + ": " + why);
    };
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
            for (const char* flag : {"--model", "--images", "--labels", "--mean", "--std",
                                     "--scale", "--first-images", "--resize"})
                refuse(flag, "needs images, but statistics (" + s.statistics +
                                 ") stand in for the network and its images");
    }
}

}  // namespace

bool parse(int argc, const char* const* argv, settings& s) {
    CLI::App app{
        "Searches sparsity thresholds of a trained network together with the accelerator that runs "
        "it.\nWithout flags: the network and images that ship with the library, on a zedboard.",
        "hass_search"};
    describe_flags(app, s);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return false;
    } catch (const CLI::ParseError& wrong) {
        throw hass::error(wrong.what());
    }
    resolve(app, s);
    check(s);
    return true;
}

}  // namespace hass_search
