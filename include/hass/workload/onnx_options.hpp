/// \file onnx_options.hpp
/// What a file may leave open: which of its outputs is the answer, and extents without a number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hass {

/// How to read an ONNX file.
struct onnx_options {
    /// The tensor that is the answer, or several (A,B; `all`: all outputs), which are then joined,
    /// flat, one behind the other (`model::outputs`); needed where the file has several outputs. Any
    /// tensor of the graph may be named: the network is cut behind it.
    std::string output;
    /// Extents of one image, without the batch (1,28,28): they stand where the file leaves an
    /// extent open, and only there. Empty: an open extent is refused.
    std::vector<std::int64_t> input_shape;
};

}  // namespace hass
