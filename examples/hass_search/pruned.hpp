// A design's network as ONNX files: clipped, and projected onto --prune-pattern.
#pragma once

#include <hass/statistics/thresholds.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/preprocessing.hpp>
#include <string>
#include <vector>

#include "settings.hpp"

namespace hass_search {

/// A network whose weights follow a pattern, activations clipped as they were.
struct projection {
    std::string pattern;
    std::vector<std::vector<float>> weights;  // one a row, see hass::pruned_weights
    double density = 0.0;                     // of all weights
};

/// Projects the trained weights, all layers but those of --exempt.
projection projected(const settings& s, const hass::model& m, const hass::network_thresholds& t);

/// DIR/pruned.onnx, or what keeps the file from being written; nothing is left of an earlier run.
std::string write_clipped(const settings& s, const hass::model& m,
                          const hass::network_thresholds& t, const hass::preprocessing& input);

/// The same with projected weights, DIR/pruned_<pattern>.onnx; of `t` those of weights do not count.
std::string write_projected(const settings& s, const hass::model& m,
                            const hass::network_thresholds& t, const hass::preprocessing& input,
                            const projection& p);

}  // namespace hass_search
