/// \file model.hpp
/// A trained network: rows and edges plus the numbers that belong to them. What `onnx.hpp` fills
/// and the emulator runs.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <hass/workload/network.hpp>
#include <hass/workload/preprocessing.hpp>

namespace hass {

/// Numbers of one row; empty for rows without any.
struct layer_parameters {
    std::vector<float> weights;  ///< out.channels x in.channels/groups x kernel_h x kernel_w
    std::vector<float> bias;     ///< out.channels, or empty
    /// Bounds of a clipping activation (`relu`, `relu6` and ONNX Clip).
    float lower = 0.0F;
    float upper = std::numeric_limits<float>::infinity();
    /// average_pool: whether padding counts in the mean.
    bool count_include_pad = false;
};

/// A network with its trained parameters, one entry a row. Batch norms are folded, constants are
/// gone. Shapes are those of one image.
struct model {
    hass::network net;
    std::vector<layer_parameters> parameters;
    std::string source;  ///< file it came from, for messages
    /// What the network was trained with, where the file says so.
    std::optional<preprocessing> input;

    operator network_view() const { return net; }
};

}  // namespace hass
