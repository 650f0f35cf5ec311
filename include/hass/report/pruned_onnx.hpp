/// \file pruned_onnx.hpp
/// A pruned network as an ONNX file: the user's own, in which clipped weights are zero and data are
/// clipped by standard operators, for any runtime.
///
///     const hass::model net = hass::load_onnx("net.onnx");
///     hass::write_pruned_onnx("net.onnx", net, thresholds, "pruned.onnx");
///
/// Thresholds are those of the rows, whose weights have batch norms and scales folded into them. In the
/// file a weight becomes zero where the folded one does, and norms stay where they are: read again, it
/// has the rows' clipped weights bit for bit. Data below a threshold become zero by `ThresholdedRelu`
/// where they are not negative (a Relu that nobody else reads becomes one), else by `Shrink`; with
/// thresholds of channels, or before opset 9, by Abs, Less, Not, Cast and Mul. Everything else of the
/// file stays as it is, weights in other files included, which go to one beside the new file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <protozero/exception.hpp>

#include <hass/error.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/pruned_graph.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/external_data.hpp>
#include <hass/workload/onnx/proto_reader.hpp>
#include <hass/workload/onnx/rewriting.hpp>
#include <hass/workload/preprocessing.hpp>

namespace hass {

/// Weights of every row as they are to be: each its own, or zero. Rows without weights have none.
using pruned_weights = std::vector<std::vector<float>>;

/// Weights of every row below its thresholds set to zero.
/// \throws hass::error as `check_thresholds` does
inline pruned_weights clipped_weights(const model& m, const network_thresholds& thresholds) {
    check_thresholds(m.net, thresholds);
    pruned_weights all(m.net.rows.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        if (has_weights(m.net.rows[i]))
            all[i] = clipped_weights(m.net.rows[i], m.parameters[i].weights, thresholds[i]);
    return all;
}

/// An ONNX file, and what goes beside it.
struct pruned_file {
    std::string onnx;      ///< whole
    std::string external;  ///< values of tensors that lay in other files; empty: none did
};

namespace detail {

/// Thresholds of compute rows: {"conv1": {"weight": 0.01, "activation": 0.2}, ...}.
inline std::string thresholds_text(const model& m, const network_thresholds& thresholds) {
    ordered_json layers = ordered_json::object();
    for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
        if (!is_compute(m.net.rows[i])) continue;
        const layer_thresholds& t = thresholds[i];
        ordered_json one = ordered_json::object();
        const auto state = [&](const char* key, double all, const std::vector<double>& channels) {
            one[key] = channels.empty() ? ordered_json(all) : ordered_json(channels);
        };
        state("weight", t.weight, t.weight_channels);
        state("activation", t.activation, t.activation_channels);
        layers[name_of(m.net, i)] = std::move(one);
    }
    return layers.dump();
}

/// Every digit that a float32 has.
inline std::string every_digit(std::span<const float> values) {
    std::string text;
    for (const float v : values)
        text += (text.empty() ? "" : ",") + number(static_cast<double>(v), 9);
    return text;
}

}  // namespace detail

/// The file `content` with weights and data of its rows pruned, thresholds (`hass.thresholds`, JSON by
/// layer) and preprocessing (`hass.scale`, `hass.mean`, `hass.std`) in its metadata.
/// \param content     the ONNX file that `m` was read from
/// \param weights     see `pruned_weights`; `clipped_weights(m, thresholds)`, or those projected onto a
///                    pattern
/// \param thresholds  of which those of activations become operators
/// \param input       what makes the network's input; nothing: the metadata stay as they are
/// \param folder      where weights may lie in other files; nullopt: nowhere
/// \param external    name of the file beside the new one that such weights go to
/// \throws hass::error naming the layer where its thresholds have no place in the file: it stands in a
///         function, is computed in integers (QLinearConv), or is no operator of the file
inline pruned_file pruned_onnx(std::string_view content, const model& m,
                               const pruned_weights& weights, const network_thresholds& thresholds,
                               const std::optional<preprocessing>& input,
                               const std::optional<std::filesystem::path>& folder = std::nullopt,
                               const std::string& external = "pruned.onnx.data") {
    using namespace detail::onnx;
    check_thresholds(m.net, thresholds);
    if (m.origins.size() != m.net.rows.size() || weights.size() != m.net.rows.size())
        throw error(m.source +
                    ": pruned ONNX: of a network that was read from an ONNX file, with "
                    "weights for every row");
    try {
        model_proto file = read_model(content);
        const external_data values(file, folder);
        pruned_graph graph(file);
        for (std::size_t i = 0; i < m.net.rows.size(); ++i)
            if (is_compute(m.net.rows[i]))
                graph.prune(name_of(m.net, i), m.net.rows[i], m.origins[i], m.parameters[i],
                            weights[i], thresholds[i]);
        graph_changes changes = graph.finish();
        changes.metadata.emplace_back("hass.thresholds", detail::thresholds_text(m, thresholds));
        if (input) {
            changes.metadata.emplace_back("hass.scale", detail::every_digit({&input->scale, 1}));
            changes.metadata.emplace_back("hass.mean", detail::every_digit(input->mean));
            changes.metadata.emplace_back("hass.std", detail::every_digit(input->std));
        }
        rewriting written(content, file.graph, changes, external);
        pruned_file result{written.model(), {}};
        result.external = written.external_values();
        return result;
    } catch (const protozero::exception& e) {
        throw error(m.source + ": truncated, or not an ONNX file (" + e.what() + ")");
    } catch (const error& e) {
        throw error(m.source + ": " + e.what());
    }
}

/// Writes it to `to`, and weights of other files to `to` with ".data" behind it.
/// \param from  the file that `m` was read from
inline void write_pruned_onnx(const std::filesystem::path& from, const model& m,
                              const pruned_weights& weights, const network_thresholds& thresholds,
                              const std::optional<preprocessing>& input,
                              const std::filesystem::path& to) {
    const std::filesystem::path beside = to.string() + ".data";
    const pruned_file file = pruned_onnx(read_whole(from), m, weights, thresholds, input,
                                         from.parent_path(), beside.filename().string());
    if (!file.external.empty()) write_whole(beside, file.external);
    write_whole(to, file.onnx);
}

/// The same with weights clipped at `thresholds`, and the preprocessing that the file states.
inline void write_pruned_onnx(const std::filesystem::path& from, const model& m,
                              const network_thresholds& thresholds,
                              const std::filesystem::path& to) {
    write_pruned_onnx(from, m, clipped_weights(m, thresholds), thresholds, m.input, to);
}

}  // namespace hass
