// The network under search: an emulator on images, or what was measured of it.
#pragma once

#include <cstddef>
#include <functional>
#include <hass/device/device.hpp>
#include <hass/explore/fifo_room.hpp>
#include <hass/search/measurement.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/preprocessing.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine_choice.hpp"
#include "settings.hpp"

namespace hass_search {

/// A design with FIFOs, its pipeline simulated.
struct simulated {
    std::size_t images = 0;
    double model_cycles = 0.0;  ///< of the design for the statistics of just these images
    hass::allocation_with_fifos design;
};

/// A design as SystemVerilog.
struct written_rtl {
    std::string folder;
    std::size_t images = 0;  ///< that its testbench runs
};

/// A network as ONNX files.
struct written_networks {
    std::string clipped;  // file in the folder of --out, or why there is none
    std::string pattern;  // of --prune-pattern; empty: none
    std::string projected;
    double score = 0.0, density = 1.0;  // of the projected network, measured on all images
};

/// A network that can be asked how it does at any thresholds.
struct workbench {
    hass::network net;
    std::vector<std::string> derived;  ///< layers of which nothing is pruned: means, running sums
    hass::network_magnitudes magnitudes;
    std::function<hass::measurement(const hass::network_thresholds&)> measure;
    /// The same by a run of its own on all images, statistics included; empty without images.
    std::function<hass::measurement(const hass::network_thresholds&)> measure_in_full;
    /// The best design for these statistics with FIFOs, its pipeline simulated on the first images
    /// of --simulate; empty where none are asked for.
    std::function<simulated(const hass::network_thresholds&, const engine_choice&,
                            const hass::network_statistics&, const hass::device&)>
        simulate;
    /// Writes a design of the engines for --rtl, and whether any could be; empty where none is asked
    /// for.
    std::function<written_rtl(const hass::network_thresholds&, const engine_choice&,
                              const hass::design&, const std::vector<std::int64_t>& fifo_pixels,
                              const hass::device&)>
        write_rtl;
    std::function<void(const hass::design&)> require_rtl;
    /// Writes the pruned network; empty without images.
    std::function<written_networks(const hass::network_thresholds&)> write_networks;
    std::function<double(const hass::network_thresholds&)> accuracy;  // cheaper: no statistics
    /// The metric of the network in integers, on all images; empty without --bits and --rtl. Throws
    /// where no module computes a layer.
    std::function<double(const hass::network_thresholds&)> score_in_integers;
    /// From now on runs may end once they are known to miss this accuracy; empty: they never do.
    std::function<void(double floor)> limit;
    std::string source;
    std::size_t images = 0;
    std::string note;                          // where accuracy comes from, when not from images
    std::optional<hass::preprocessing> input;  // with images: what makes the network's input
    std::string input_source;                  // ... and where that comes from
    std::vector<std::string> warnings;         // numbers that may not mean what they seem to
    hass::metric_unit metric;                  // of what may fall
    /// What decides a measurement, by name; see search_journal.hpp.
    std::vector<std::pair<std::string, std::string>> identity;
    /// Share of right answers that need no network: always the commonest label.
    double chance = 0.0;
};

/// Images and the emulator.
workbench on_images(const settings& s);

/// What was measured, of --statistics or --network; no images, no weights.
workbench on_statistics(const settings& s);

/// Measures the file that --statistics takes, or goes on measuring it.
void write_statistics(const settings& s);

/// Joins files of one network measured on several sets of images.
void merge_statistics(const settings& s);

}  // namespace hass_search
