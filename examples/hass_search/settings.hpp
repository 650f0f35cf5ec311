// What the command line says.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace hass_search {

inline const std::string shipped = HASS_EXAMPLES_DATA;

inline const std::vector<std::string> resource_flags{"calibrated", "published", "repaired"};

/// Beside the built-in optimizers: made by the job, which knows the hardware.
inline const std::string composite_flag = "composite";

/// Defaults are the main job: the network and images that ship with the library.
struct settings {
    std::string model = shipped + "/fashion.onnx";
    std::string images = shipped + "/fashion_images.npy";
    std::string labels = shipped + "/fashion_labels.npy";  // empty: none
    std::string metric;    // empty: top1 with labels, agreement without
    std::string detector;  // head of a detector, for --metric map
    std::string output;    // of several
    std::vector<std::int64_t> input_shape;
    std::string network;
    std::string statistics;  // file; that of `network` when one is named
    std::string write_statistics;
    std::vector<std::string> merge_statistics;
    std::string preprocessing;  // a preset; empty: what the file states
    std::vector<float> mean;    // these and `scale` replace what the preset or the file says
    std::vector<float> std;
    std::optional<float> scale;
    int first_images = 0;
    int statistics_images = 0;
    bool resize = false;
    std::string device = "zedboard";
    std::string engine = "mixed";
    std::string resources = "calibrated";
    std::string multipliers = "dsp";
    std::string memories = "weights";
    std::string requantise = "shift";
    std::string optimizer = "automatic";
    std::optional<double> stop_when;
    std::string search = "both";
    std::string objective = "hass";
    int trials = 96;
    std::uint64_t seed = 1;
    double max_drop = 1.0;
    std::vector<double> lambda{5.0, 5.0, 5.0};
    std::string sparsity_metric = "layers";
    double highest_sparsity = 0.9;
    std::string granularity = "layer";
    std::vector<std::string> exempt;
    int bits = 0;
    int threads = 0;
    int cache_mib = 256;
    double confidence = 0.0;
    std::string journal;               // file that keeps the trials
    std::string known;                 // another run's
    int workers = 1;                   // processes that judge trials
    double patience = 0.0;             // seconds; 0: by how long this process took
    int worker = -1;                   // channel to the leader; -1: this process leads
    std::vector<std::string> command;  // that started this process
    int simulate = 0;
    std::string out = "hass-out";
    std::string rtl;  // folder
    int rtl_images = 20;
    std::string prune_pattern;  // empty: none

    /// Images that pipelines are simulated on: RTL has the FIFOs that come of it.
    int simulated_images() const { return simulate > 0 || rtl.empty() ? simulate : rtl_images; }

    // of --engine finn and --engine hls4ml, which fold and search no thresholds
    double target_fps = 0.0;  // 0: as fast as it goes
    bool fastest = false;
    std::string least = "lut";
    int weight_bits = 4;
    int activation_bits = 4;
    int first_weight_bits = 0;
    std::string thresholds_at = "auto";
    std::string io_type = "io_stream";
    std::string strategy = "Resource";
    double mhz = 0.0;      // 0: the board's
    std::string evaluate;  // a file of somebody's designs
    bool device_given = false;

    bool folds() const { return engine == "finn" || engine == "hls4ml"; }
    bool json = false;
    bool quiet = false;

    /// Whether tables for people go to stdout.
    bool tells() const { return !json && !quiet; }
    /// Where progress is shown; nullptr: nowhere.
    std::FILE* progress() const { return quiet ? nullptr : stderr; }

    /// Width of weights and activations that the hardware is priced at.
    int priced_bits() const { return bits == 0 ? 16 : bits; }
};

/// A resource as --least names it.
std::string fold_resource(std::string name);

/// Reads and checks the command line.
/// \returns false when only help was asked for (and printed)
/// \throws hass::error naming the flag
bool parse(int argc, const char* const* argv, settings& s);

/// A warning on stderr.
void warn(const std::string& text);

}  // namespace hass_search
