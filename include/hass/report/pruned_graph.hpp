/// \file pruned_graph.hpp
/// What has to change in an ONNX file so that it clips: elements of weights that become zero, and
/// operators in front of data. Made by `pruned_onnx.hpp`.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/rewriting.hpp>

namespace hass::detail::onnx {

/// Collects the changes, row by row.
class pruned_graph {
  public:
    /// \param file  must outlive it
    explicit pruned_graph(const model_proto& file) : file_(file) {
        for (std::size_t i = 0; i < graph().nodes.size(); ++i) {
            const node_proto& n = graph().nodes[i];
            for (const std::string_view output : n.outputs) producers_[output] = i, name(output);
            operators_.insert(std::string(n.name));
            for (const std::string_view input : n.inputs) ++reads_[input];
            for (const attribute_proto& a : n.attributes) look_at(n, a);
        }
        for (const value_proto& output : graph().outputs) ++reads_[output.name];
        for (const value_proto& input : graph().inputs) {
            name(input.name);
            float32_ = float32_ && (!is_floating(input.type) || is_float32(input.type));
        }
        for (const tensor_proto& t : graph().initializers) {
            initializers_[t.name] = &t, name(t.name);
            float32_ = float32_ && (!is_floating(t.type) || is_float32(t.type));
        }
        was_read_ = reads_;
    }

    /// Prunes a row.
    /// \param layer    its name
    /// \param weights  of the row, and as they are to be: each the same, or 0
    /// \throws hass::error naming the layer where the file has no place for it
    void prune(const std::string& layer, const layer_row& row, const row_origin& from,
               const layer_parameters& parameters, std::span<const float> pruned,
               const layer_thresholds& tau) {
        layer_ = layer;
        const bool clips = clips_data(tau);
        bool changes = false;
        if (has_weights(row))
            for (std::size_t k = 0; k < pruned.size(); ++k)
                changes = changes || pruned[k] != parameters.weights[k];
        layer_thresholds second{tau.weight};
        second.activation = tau.weight, second.activation_channels = tau.weight_channels;
        const bool clips_second = row.kind == layer_kind::matmul && clips_data(second);
        if (!clips && !changes && !clips_second) return;
        if (from.node.empty())
            throw refused("is no single operator of the file: its thresholds have no place there");
        if (from.scales) return scale(row, from, pruned, tau);
        const node_proto& n = node_of(from);
        if (clips) clip(n, from, from.data_at, from.non_negative, tau, row);
        if (clips_second) clip(n, from, from.weights_at, false, second, row);
        if (changes) zero(n, row, from, parameters.weights, pruned);
    }

    /// All of it, once every row was pruned.
    graph_changes finish() {
        for (const auto& [tensor, uses] : clipped_) clip_tensor(tensor, uses);
        leave_out();
        return std::move(changes_);
    }

  private:
    /// An input of a node that is to be clipped.
    struct use {
        std::size_t node, input;
        float keep;  ///< magnitudes from here on
        bool non_negative;
        std::string layer;
    };

    const graph_proto& graph() const { return file_.graph; }
    static bool is_float32(std::int64_t type) {
        return type == static_cast<std::int64_t>(data_type::float32);
    }
    void look_at(const node_proto& n, const attribute_proto& a) {
        constexpr std::int64_t of_graph = 5, of_graphs = 10;  // AttributeType
        subgraphs_ = subgraphs_ || a.type == of_graph || a.type == of_graphs;
        if (n.op_type == "Cast" && a.name == "to" && is_floating(a.i.value_or(0)))
            float32_ = float32_ && is_float32(*a.i);
    }
    static bool clips_data(const layer_thresholds& tau) {
        bool any = tau.activation_channels.empty() && static_cast<float>(tau.activation) > 0.0F;
        for (const double t : tau.activation_channels) any = any || static_cast<float>(t) > 0.0F;
        return any;
    }
    error refused(const std::string& why) const {
        return error("pruned ONNX: layer '" + layer_ + "' " + why);
    }

    /// Names that nobody has yet, of tensors and of nodes.
    std::string name(std::string_view wanted) { return unused(names_, wanted); }
    std::string operator_name(std::string_view wanted) { return unused(operators_, wanted); }
    static std::string unused(std::unordered_set<std::string>& taken, std::string_view wanted) {
        std::string now(wanted);
        for (int k = 1; !taken.insert(now).second; ++k) now = text_of({wanted, "_", k});
        return now;
    }

    const node_proto* producer(std::string_view tensor) const {
        const auto at = producers_.find(tensor);
        return at == producers_.end() ? nullptr : &graph().nodes[at->second];
    }

    /// The node that a row comes from, as the file has it.
    const node_proto& node_of(const row_origin& from) const {
        const node_proto* n = producer(from.node);
        const auto reads = [&](std::size_t i, const std::string& tensor) {
            return i < n->inputs.size() && n->inputs[i] == tensor;
        };
        const bool there = n != nullptr && n->op_type == from.type &&
                           (n->domain.empty() || n->domain == "ai.onnx") &&
                           reads(from.data_at, from.data) && reads(from.weights_at, from.weights);
        if (!there)
            throw refused("(" + from.type + ") stands in " +
                          (n == nullptr ? "a function, or an operator that is several others,"
                                        : "operator " + quoted(n->op_type)) +
                          " of the file, which has no place for its thresholds");
        return *n;
    }

    // Data.

    void clip(const node_proto& n, const row_origin& from, std::size_t input, bool non_negative,
              const layer_thresholds& tau, const layer_row& row) {
        const std::size_t at = producers_.at(n.outputs[0]);
        if (!tau.activation_channels.empty() || file_.opset < 9) {
            const std::string y = masked(n.outputs[0], n.inputs[input], from, tau, row);
            return rename(at, input, y);
        }
        const auto keep = static_cast<float>(tau.activation);
        clipped_[n.inputs[input]].push_back({at, input, keep, non_negative, layer_});
    }

    /// The largest float below `keep`: x > it where x >= keep.
    static float below(float keep) { return std::nextafter(keep, 0.0F); }

    void clip_tensor(std::string_view tensor, const std::vector<use>& uses) {
        const node_proto* relu = producer(tensor);
        bool one = relu != nullptr && relu->op_type == "Relu" && relu->domain.empty() &&
                   file_.opset >= 10 && float32_ && !subgraphs_ &&
                   was_read_.at(tensor) == uses.size();
        for (const use& u : uses) one = one && u.keep == uses[0].keep;
        if (one) {
            changes_.operators[relu->outputs[0]] = {"ThresholdedRelu",
                                                    float_attribute("alpha", below(uses[0].keep))};
            return;
        }
        std::map<std::pair<float, bool>, std::vector<use>> alike;
        for (const use& u : uses) alike[{u.keep, u.non_negative}].push_back(u);
        for (const auto& [how, of] : alike) {
            std::size_t first = of[0].node;
            for (const use& u : of) first = std::min(first, u.node);
            layer_ = of[0].layer;
            const std::string y = clip_node(graph().nodes[first].outputs[0], std::string(tensor),
                                            how.first, how.second);
            for (const use& u : of) rename(u.node, u.input, y);
        }
    }

    /// Puts an operator in front of a node that clips a tensor; returns its output.
    std::string clip_node(std::string_view before, const std::string& tensor, float keep,
                          bool non_negative) {
        const bool relu = non_negative && file_.opset >= 10 && float32_;
        const std::string y = name(tensor + "/clipped");
        add_before(before, new_node(relu ? "ThresholdedRelu" : "Shrink",
                                    operator_name(layer_ + "/threshold"), {tensor}, y,
                                    float_attribute(relu ? "alpha" : "lambd", below(keep))));
        ++reads_[*names_.find(tensor)];
        return y;
    }

    /// x (|x| >= tau): thresholds of channels, and opsets without Shrink.
    std::string masked(std::string_view before, std::string_view tensor, const row_origin& from,
                       const layer_thresholds& tau, const layer_row& row) {
        if (!float32_)
            throw refused(
                "has thresholds of channels, or an opset below 9, and not all floats are float32");
        std::vector<float> keep{static_cast<float>(tau.activation)};
        std::vector<std::int64_t> dims;
        if (!tau.activation_channels.empty()) {
            if (from.pixel_axes < 0 || row.kind == layer_kind::matmul)
                throw refused("(" + from.type +
                              ") has thresholds of channels, which are no axis of its data");
            keep.assign(tau.activation_channels.begin(), tau.activation_channels.end());
            dims.assign(static_cast<std::size_t>(from.pixel_axes) + 1, 1);
            dims[0] = static_cast<std::int64_t>(keep.size());
        }
        const std::string x(tensor), base = x + "/" + layer_, bound = name(base + "/threshold");
        changes_.initializers.push_back(new_floats(bound, dims, keep));
        const auto step = [&](const char* type, const std::vector<std::string>& in,
                              const std::string& attribute = {}) {
            std::string y = name(base + "/" + type);
            add_before(before,
                       new_node(type, operator_name(layer_ + "/" + type), in, y, attribute));
            return y;
        };
        reads_[*names_.find(x)] += 2;
        const std::string less = step("Less", {step("Abs", {x}), bound});
        const std::string kept = step("Cast", {step("Not", {less})}, integer_attribute("to", 1));
        return step("Mul", {x, kept});
    }

    void add_before(std::string_view node, std::string bytes) {
        changes_.before[node].push_back(std::move(bytes));
    }
    void rename(std::size_t node, std::size_t input, std::string to) {
        const node_proto& n = graph().nodes[node];
        --reads_[n.inputs[input]];
        changes_.inputs[n.outputs[0]][input] = std::move(to);
    }

    /// Channels scaled and shifted by operators that become a clipping one, Mul and Add.
    void scale(const layer_row& row, const row_origin& from, std::span<const float> pruned,
               const layer_thresholds& tau) {
        const node_proto* last = producer(from.node);
        std::vector<float> factors = from.scale, bias = from.shift;
        factors.resize(pruned.size(), from.scale[0]), bias.resize(pruned.size(), from.shift[0]);
        for (std::size_t c = 0; c < factors.size(); ++c)
            if (pruned[c] == 0.0F) factors[c] = 0.0F;
        const auto alike = [](std::span<const float> v) {
            return std::all_of(v.begin(), v.end(), [&](float f) { return f == v[0]; });
        };
        const bool one = from.pixel_axes < 0 && alike(factors) && alike(bias);
        if (last == nullptr || !names_.contains(from.data) || !float32_ ||
            (from.pixel_axes < 0 && !one))
            throw refused("is scaled by operators that cannot be replaced");
        std::string x = from.data;
        if (!tau.activation_channels.empty() || (file_.opset < 9 && clips_data(tau)))
            x = masked(last->outputs[0], *names_.find(x), from, tau, row);
        else if (clips_data(tau))
            x = clip_node(last->outputs[0], x, static_cast<float>(tau.activation), false);
        else
            ++reads_[*names_.find(x)];
        std::vector<std::int64_t> dims(static_cast<std::size_t>(from.pixel_axes + 1), 1);
        if (!one) dims[0] = row.out.channels;
        const auto constant = [&](const char* what, std::span<const float> values) {
            values = values.first(one ? 1 : values.size());
            std::string made = name(from.node + "/" + what);
            changes_.initializers.push_back(new_floats(made, dims, values));
            return made;
        };
        const bool shifts = !(alike(bias) && bias[0] == 0.0F);
        const std::string scaled = shifts ? name(from.node + "/scaled") : from.node;
        add_before(last->outputs[0], new_node("Mul", operator_name(layer_ + "/scale"),
                                              {x, constant("scale", factors)}, scaled));
        if (shifts)
            add_before(last->outputs[0], new_node("Add", operator_name(layer_ + "/shift"),
                                                  {scaled, constant("shift", bias)}, from.node));
        drop(*last);
    }

    // Weights.

    void zero(const node_proto& n, const layer_row& row, const row_origin& from,
              std::span<const float> weights, std::span<const float> pruned) {
        std::size_t count = 1;
        for (const std::int64_t d : from.dims) count *= static_cast<std::size_t>(d);
        std::vector<bool> zeroed(count, false), kept(count, false);
        const std::vector<std::int64_t> elements = elements_of(
            from, weights.size(), weights.size() / static_cast<std::size_t>(row.out.channels));
        for (std::size_t k = 0; k < weights.size(); ++k) {
            if (pruned[k] != 0.0F && pruned[k] != weights[k])
                throw refused("is given weights that are neither its own nor zero");
            if (elements[k] < 0 || weights[k] == 0.0F) continue;
            (pruned[k] == 0.0F ? zeroed : kept)[static_cast<std::size_t>(elements[k])] = true;
        }
        for (std::size_t e = 0; e < count; ++e)
            if (zeroed[e] && kept[e])
                throw refused("has one weight of the file in places that are pruned apart");
        zero_tensor(n, from, from.weights, {std::move(zeroed), {}, 0});
    }

    /// In place where nobody else reads the values, else as a copy of the row's own or, where they
    /// are computed, times ones and zeros.
    void zero_tensor(const node_proto& reader, const row_origin& from, std::string_view tensor,
                     zeroed_values zeroed) {
        const node_proto* n = producer(tensor);
        const bool own = was_read_.at(tensor) == 1 && !subgraphs_;
        if (const auto at = initializers_.find(tensor); at != initializers_.end()) {
            if (own) return void(changes_.zeroed.emplace(tensor, std::move(zeroed)));
            const tensor_proto& t = *at->second;
            std::string raw = raw_values(t);
            put_zeros(raw, t, zeroed);
            const std::string copy = name(std::string(tensor) + "/" + layer_);
            changes_.initializers.push_back(new_tensor(copy, t.dims, t.type, raw));
            return rename(producers_.at(reader.outputs[0]), from.weights_at, copy);
        }
        const bool alone = own && n != nullptr && n->domain.empty();
        if (alone && n->op_type == "Identity" && tensor == from.weights)
            return zero_tensor(*n, at_input(from, 0), n->inputs[0], std::move(zeroed));
        if (alone && n->op_type == "DequantizeLinear" && dequantised(*n, zeroed)) return;
        mask(reader, from, tensor, zeroed);
    }
    static row_origin at_input(row_origin from, std::size_t input) {
        from.weights_at = input;
        return from;
    }

    /// Integers that nobody else reads become their zero point.
    bool dequantised(const node_proto& n, zeroed_values& zeroed) {
        const auto at = initializers_.find(n.inputs[0]);
        if (at == initializers_.end() || was_read_.at(n.inputs[0]) != 1) return false;
        std::int64_t axis = 1;
        for (const attribute_proto& a : n.attributes) {
            if (a.name == "block_size" && a.i.value_or(0) != 0) return false;
            if (a.name == "axis") axis = a.i.value_or(0);
        }
        const auto rank = static_cast<std::int64_t>(at->second->dims.size());
        if (n.inputs.size() > 2 && !n.inputs[2].empty()) {
            const auto points = initializers_.find(n.inputs[2]);
            if (points == initializers_.end()) return false;
            budget enough(zeroed.where.size() * 8);
            zeroed.zero_points = integers(file_constant(*points->second), enough);
            if (zeroed.zero_points.size() > 1 && (axis < -rank || axis >= rank)) return false;
        }
        zeroed.axis = static_cast<std::size_t>(
            zeroed.zero_points.size() > 1 ? (axis < 0 ? axis + rank : axis) : 0);
        changes_.zeroed.emplace(n.inputs[0], std::move(zeroed));
        return true;
    }

    void mask(const node_proto& reader, const row_origin& from, std::string_view tensor,
              const zeroed_values& zeroed) {
        if (!float32_)
            throw refused("has weights that are computed (tensor " + quoted(tensor) +
                          "), and not all floats of the file are float32");
        std::vector<float> keep;
        for (const bool z : zeroed.where) keep.push_back(z ? 0.0F : 1.0F);
        const std::string base = std::string(tensor) + "/" + layer_;
        const std::string ones = name(base + "/mask"), product = name(base + "/clipped");
        changes_.initializers.push_back(new_floats(ones, from.dims, keep));
        add_before(reader.outputs[0],
                   new_node("Mul", operator_name(base), {std::string(tensor), ones}, product));
        ++reads_[tensor];
        rename(producers_.at(reader.outputs[0]), from.weights_at, product);
    }

    // What nobody reads any more.

    void drop(const node_proto& n) {
        if (!changes_.dropped.insert(n.outputs[0]).second) return;
        for (const std::string_view input : n.inputs) --reads_[input];
    }

    void leave_out() {
        if (subgraphs_) return;
        const auto unread = [&](std::string_view tensor) {
            return !tensor.empty() && reads_[tensor] == 0 && was_read_[tensor] > 0;
        };
        for (std::size_t i = graph().nodes.size(); i-- > 0;) {
            const node_proto& n = graph().nodes[i];
            bool dead = true, any = false;
            for (const std::string_view output : n.outputs) {
                any = any || unread(output);
                dead = dead && (unread(output) || was_read_[output] == 0);
            }
            if (dead && any) drop(n);
        }
        for (const auto& [tensor, t] : initializers_)
            if (unread(tensor)) changes_.never_read.insert(tensor);
    }

    const model_proto& file_;
    std::unordered_map<std::string_view, std::size_t> producers_;
    std::unordered_map<std::string_view, const tensor_proto*> initializers_;
    std::unordered_map<std::string_view, std::size_t> reads_, was_read_;
    std::unordered_set<std::string> names_, operators_;
    std::map<std::string_view, std::vector<use>> clipped_;
    graph_changes changes_;
    bool subgraphs_ = false;  ///< whose reads are not seen
    bool float32_ = true;     ///< of all initializers that hold floats
    std::string layer_;
};

}  // namespace hass::detail::onnx
