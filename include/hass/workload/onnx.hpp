/// \file onnx.hpp
/// Trained networks from ONNX files: opset 7 to 23, floats of 16 to 64
/// bits (computed in float32), what torch.onnx and the model zoos
/// write. Needs the headers of protozero.
///
///     const hass::model model = hass::load_onnx("resnet18.onnx");
///
/// Rows: Conv (two-dimensional; every padding, dilation, groups), Gemm and MatMul + Add, MaxPool,
/// AveragePool, GlobalAveragePool, GlobalMaxPool, ReduceMean over height and width, Add, Sum, Mul
/// (also by one number a channel, as in squeeze-and-excitation), Concat of channels, Relu, Clip,
/// HardSwish, HardSigmoid (1/6, 0.5), Sigmoid, Softmax of classes, Flatten, and the Reshape /
/// Squeeze / Unsqueeze that amount to one. Clip with bounds other than 0..6 is of kind `relu6` too
/// and has its bounds in `layer_parameters`; without an upper bound it is `relu`, whatever its
/// lower one.
///
/// Of tokens (N x T x C; a token is a pixel, its features are channels, heads are groups of
/// channels): MatMul with weights (a 1x1 convolution) and of two activations (`matmul`), Softmax and
/// LogSoftmax over any axis, LayerNormalization and RMSNormalization, also in pieces, Gelu in one
/// piece or several, Gather of a table by ids and of constant places, Concat with constants at its
/// ends, Where with a constant mask, Expand, and Transpose, Reshape, Slice, Split, Squeeze of any
/// axes, the batch's included, as long as products and norms get it apart from their own axes.
///
/// Several inputs are parts of one image (`model::inputs`, `inputs.hpp`).
///
/// No rows: Identity, Dropout, Constant, shape arithmetic (Shape, Gather, Concat, ...), Pad with
/// zeros (padding of the convolution or pool that follows), BatchNormalization and constants added
/// or multiplied (folded into the convolution or linear layer before them; elsewhere they become a
/// depthwise 1x1 convolution), x * sigmoid(x) and x * hardsigmoid(x) (`swish`, `hardswish`, also as
/// spelled out with Add, Clip, Mul, Div).
///
/// Rows stand in topological order, the output last. A row is named after its node, else after its
/// weight without ".weight", else `KIND_INDEX`; the batch may be dynamic and is not part of any
/// shape. Everything else, and every damaged file, is one hass::error that names the file, the
/// operator and the node. Memory stays within a small multiple of the file's size, and so does what
/// a network asks of whoever runs it: 32 MiB and 10^9 operations an image for any file, 4 KiB and
/// 2^20 operations for each of its bytes (`onnx/demand.hpp`).
#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <protozero/exception.hpp>

#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/importer.hpp>
#include <hass/workload/onnx/operators.hpp>
#include <hass/workload/onnx_options.hpp>

namespace hass {

/// Reads a network from the content of an ONNX file; nothing in the result refers to `content`.
/// \param source   name of the file, for messages and `model::source`
/// \param options  which output, and extents that the file leaves open
/// \param folder   where weights may lie in other files; nullopt: nowhere
/// \throws hass::error naming source, operator and node
inline model parse_onnx(std::string_view content, std::string source,
                        const onnx_options& options = {},
                        const std::optional<std::filesystem::path>& folder = std::nullopt) {
    if (content.empty()) throw error(source + ": is empty");
    try {
        model m =
            detail::onnx::importer(content, detail::onnx::known_operators, options, folder).run();
        m.source = std::move(source);
        return m;
    } catch (const error& e) {
        throw error(source + ": " + e.what());
    } catch (const protozero::exception& e) {
        throw error(source + ": truncated, or not an ONNX file (" + e.what() + ")");
    } catch (const std::bad_alloc&) {
        throw error(source + ": does not fit into memory");
    }
}

/// The same of bytes.
inline model parse_onnx(std::span<const std::byte> content, std::string source,
                        const onnx_options& options = {},
                        const std::optional<std::filesystem::path>& folder = std::nullopt) {
    return parse_onnx(
        std::string_view(reinterpret_cast<const char*>(content.data()), content.size()),
        std::move(source), options, folder);
}

/// Reads a network from an ONNX file, and its weights from files beside it where they lie there.
/// \throws hass::error naming file, operator and node
inline model load_onnx(const std::filesystem::path& path, const onnx_options& options = {}) {
    return parse_onnx(std::span<const std::byte>(read_whole_bytes(path)), path.string(), options,
                      path.parent_path());
}

}  // namespace hass
