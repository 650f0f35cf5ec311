/// \file graph.hpp
/// The names of an ONNX graph: what gives each tensor, who reads it, and in which order the nodes
/// come that the output depends on.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx_options.hpp>

namespace hass::detail::onnx {

/// Puts extents of one image where the file leaves them open; dims include the batch.
inline void fill_open(std::vector<std::int64_t>& dims, std::span<const std::int64_t> given,
                      const std::string& who) {
    if (given.empty() || dims.empty() ||
        std::all_of(dims.begin() + 1, dims.end(), [](std::int64_t d) { return d > 0; }))
        return;
    const std::size_t channel = given.size() + 2 == dims.size() ? 1 : 0;  // one, not given
    if (given.size() + 1 + channel != dims.size())
        throw error(text_of({who, "has ", dims.size() - 1, " axes beside the batch, but ",
                             given.size(), " extents are given for them (--input-shape)"}));
    for (std::size_t i = 1; i < dims.size(); ++i)
        if (dims[i] < 1) dims[i] = i <= channel ? 1 : given[i - 1 - channel];
}

/// The image as the file declares it.
/// \throws hass::error unless it is float32, N x C x H x W or N x features, fixed but for the batch
/// \param open  extents for those that the file leaves open, see `onnx_options`
inline value read_image(const value_proto& input, std::span<const std::int64_t> open = {}) {
    const std::string who = "input " + quoted(input.name) + ": ";
    if (!input.tensor) throw error(who + "is not a tensor (a sequence, a map or no type)");
    const bool whole = is_whole_number(input.type) || is_byte(input.type);
    if (!is_floating(input.type) && !whole)
        throw error(who + "must be float32 or whole numbers, not " + data_type_name(input.type));
    if (!input.dims) throw error(who + "has no shape");
    std::vector<std::int64_t> dims = *input.dims;
    fill_open(dims, open, who);
    if (dims.size() < 2 || dims.size() > 4)
        throw error(text_of({who,
                             "must be N x C x H x W, N x C x L, N x tokens x features or N x "
                             "features, but has ",
                             dims.size(), " axes"}));
    for (std::size_t i = 1; i < dims.size(); ++i)
        if (dims[i] < 1)
            throw error(who + "of shape " + dims_text(dims) +
                        " leaves extents open (-1); --input-shape (onnx_options::input_shape) "
                        "says them");
    const std::optional<std::size_t> volume =
        element_count(std::span(dims).subspan(1), static_cast<std::size_t>(largest_map));
    if (!volume) throw error(who + "shape " + dims_text(dims) + " is larger than 2^28 values");
    value x;
    x.rank = static_cast<int>(dims.size());
    x.whole = whole;
    x.boolean = x.non_negative = input.type == static_cast<std::int64_t>(data_type::boolean);
    x.shape.channels = static_cast<int>(dims[1]);
    if (dims.size() > 2) x.shape.height = static_cast<int>(dims[2]);
    if (dims.size() > 3) x.shape.width = static_cast<int>(dims[3]);
    return x;
}

/// An input of the file.
struct graph_input {
    const value_proto* declared = nullptr;
    value image;
    bool turned = false;  ///< comes with its channels last, see `graph_index::turns`
};

/// The graph of one file by name. Only what the output depends on counts as read.
class graph_index {
  public:
    /// \param file must outlive its index
    /// \throws hass::error for a name given twice or by nothing, a cycle, no output
    /// or several of which none was asked for, no input, or one that `read_image` refuses
    explicit graph_index(const model_proto& file, const onnx_options& options = {})
        : graph_(file.graph), opset_(file.opset), initializers_(by_name(graph_)) {
        for (const value_proto& input : graph_.inputs)  // listed twice up to IR version 3
            if (!initializers_.contains(input.name)) input_names_.insert(input.name);
        name_producers();
        outputs_ = find_outputs(options.output);
        order_ = sorted(live());
        find_inputs(options.input_shape);
    }

    std::int64_t opset() const { return opset_; }

    /// The inputs that the output depends on, in the file's order.
    const std::vector<graph_input>& inputs() const { return inputs_; }
    /// Whether these are token ids, masks and the like.
    bool only_whole_numbers() const {
        return std::all_of(inputs_.begin(), inputs_.end(),
                           [](const graph_input& in) { return in.image.whole; });
    }
    /// The network's outputs that were asked for, one or more.
    const std::vector<value_proto>& outputs() const { return outputs_; }

    /// Images in a batch as the file fixes it; 1 where it is dynamic.
    std::int64_t batch() const {
        const std::int64_t stated = inputs_[0].declared->dims->front();
        return stated > 0 ? stated : 1;
    }

    /// The nodes that the output depends on, inputs first, otherwise as the file has them.
    const std::vector<std::size_t>& order() const { return order_; }
    const node_proto& node(std::size_t i) const { return graph_.nodes[i]; }

    /// The initializer or node that gives a tensor; nullptr where there is none.
    const tensor_proto* initializer(std::string_view tensor) const {
        const auto at = initializers_.find(tensor);
        return at != initializers_.end() ? &graph_.initializers[at->second] : nullptr;
    }
    const node_proto* producer(std::string_view tensor) const {
        const auto at = producers_.find(tensor);
        return at != producers_.end() ? &graph_.nodes[at->second] : nullptr;
    }

    /// How often a tensor is read, the network's output included.
    std::size_t reads(std::string_view tensor) const {
        const auto at = reads_.find(tensor);
        return at != reads_.end() ? at->second : 0;
    }

  private:
    /// Whether a reader looks at data whose last axis are channels: it brings them to the front, or
    /// it works on the last axis.
    static bool wants_channels_last(const node_proto& node, std::string_view tensor) {
        if (node.op_type == "MatMul" || node.op_type == "LayerNormalization" ||
            node.op_type == "RMSNormalization")
            return !node.inputs.empty() && node.inputs[0] == tensor;
        if (node.op_type != "Transpose") return false;
        for (const attribute_proto& a : node.attributes)
            if (a.name == "perm")
                return a.ints == std::vector<std::int64_t>{0, 3, 1, 2} ||
                       a.ints == std::vector<std::int64_t>{0, 2, 1};
        return false;
    }

    /// Whether an input comes N x H x W x C or N x tokens x features: whether all that happens to it
    /// before somebody wants it so is done value by value.
    bool turns(const graph_input& input) const {
        std::string_view tensor = input.declared->name;
        constexpr int most = 8;
        for (int step = 0; step < most && input.image.rank > 2; ++step) {
            const node_proto* reader = nullptr;
            bool turned = true;
            std::size_t readers = 0;
            for (const std::size_t i : order_)
                for (const std::string_view in : graph_.nodes[i].inputs) {
                    if (in != tensor || graph_.nodes[i].op_type == "Shape") continue;
                    reader = &graph_.nodes[i], ++readers;
                    turned = turned && wants_channels_last(*reader, tensor) &&
                             (input.image.rank == 3 || reader->op_type == "Transpose");
                }
            if (readers == 0) return false;
            if (turned) return true;
            constexpr std::array<std::string_view, 7> alone{"Cast", "Identity", "Dropout", "Add",
                                                            "Sub",  "Mul",      "Div"};
            if (readers > 1 || reader->outputs.empty() ||
                std::find(alone.begin(), alone.end(), reader->op_type) == alone.end())
                return false;
            tensor = reader->outputs[0];
        }
        return false;
    }

    /// Arithmetic on bytes wraps around; as floats they are what they are.
    void check_bytes(const value_proto& input) const {
        for (const std::size_t i : order_) {
            const node_proto& n = graph_.nodes[i];
            const bool reads =
                std::find(n.inputs.begin(), n.inputs.end(), input.name) != n.inputs.end();
            if (reads && n.op_type != "Cast" && n.op_type != "DequantizeLinear")
                throw error("input " + quoted(input.name) +
                            ": must be float32 or whole numbers, not " +
                            data_type_name(input.type) +
                            ", which only a Cast or DequantizeLinear may read, not " + who(n));
        }
    }

    void find_inputs(std::span<const std::int64_t> open) {
        for (const value_proto& input : graph_.inputs)
            if (reads(input.name) > 0 && input_names_.contains(input.name)) {
                graph_input found{&input, read_image(input, open), false};
                if (is_byte(input.type)) check_bytes(input);
                found.turned = turns(found);
                inputs_.push_back(std::move(found));
            }
        if (input_names_.empty()) throw error("the network has no input");
        if (inputs_.empty())
            throw error("the output " + quoted(outputs_[0].name) + " does not depend on the input");
    }

    using places = std::unordered_map<std::string_view, std::size_t>;

    static places by_name(const graph_proto& g) {
        places all;
        for (std::size_t i = 0; i < g.initializers.size(); ++i)
            if (!all.emplace(g.initializers[i].name, i).second)
                throw error("two initializers are named " + quoted(g.initializers[i].name));
        return all;
    }

    /// An output of the file, or a tensor inside; nothing where there is none of that name.
    std::optional<value_proto> output_named(std::string_view wanted) const {
        for (const value_proto& output : graph_.outputs)
            if (output.name == wanted) return output;
        const auto given = producers_.find(wanted);
        if (given == producers_.end()) return std::nullopt;
        value_proto inner;
        inner.name = given->first;
        return inner;
    }

    /// The outputs asked for (A, or A,B, or all), or the only one.
    std::vector<value_proto> find_outputs(const std::string& wanted) const {
        if (const auto one = output_named(wanted)) return {*one};
        std::vector<std::string> names;
        std::string all;
        for (const value_proto& output : graph_.outputs) {
            names.push_back(printable(output.name));
            all += (all.empty() ? "'" : ", '") + names.back() + "'";
        }
        if (names.empty()) throw error("the network has no output");
        if (wanted == "all" || (wanted.empty() && names.size() == 1)) return graph_.outputs;
        if (wanted.empty())
            throw error("the network has more than one output: " + all +
                        "; --output (onnx_options::output) picks one, several (A,B) or all");
        std::vector<value_proto> found;
        for (std::size_t from = 0; from <= wanted.size();) {
            const std::size_t end = std::min(wanted.find(',', from), wanted.size());
            const std::string name = wanted.substr(from, end - from);
            const auto one = output_named(name);
            if (!one) throw unknown_name("output", name, names);
            for (const value_proto& other : found)
                if (other.name == one->name) throw error("output '" + name + "' is named twice");
            found.push_back(*one);
            from = end + 1;
        }
        return found;
    }

    void name_producers() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
            for (const std::string_view output : graph_.nodes[i].outputs) {
                if (output.empty()) continue;
                if (initializers_.contains(output) || input_names_.contains(output) ||
                    !producers_.emplace(output, i).second)
                    throw error("tensor " + quoted(output) + " is given more than once");
            }
    }

    /// Which nodes the output depends on; counts who reads what on the way.
    std::vector<bool> live() {
        std::vector<bool> needed(graph_.nodes.size(), false);
        std::vector<std::size_t> pending;
        const auto visit = [&](std::string_view tensor, const node_proto* reader) {
            ++reads_[tensor];
            const auto producer = producers_.find(tensor);
            if (producer == producers_.end()) {
                if (initializers_.contains(tensor) || input_names_.contains(tensor)) return;
                const std::string text =
                    "tensor " + quoted(tensor) + ", which nothing in the file provides";
                throw error(reader == nullptr ? "the output is " + text
                                              : who(*reader) + ": reads " + text);
            }
            if (needed[producer->second]) return;
            needed[producer->second] = true;
            pending.push_back(producer->second);
        };
        for (const value_proto& output : outputs_) visit(output.name, nullptr);
        while (!pending.empty()) {
            const node_proto& node = graph_.nodes[pending.back()];
            pending.pop_back();
            for (const std::string_view input : node.inputs)
                if (!input.empty()) visit(input, &node);
        }
        return needed;
    }

    std::vector<std::size_t> sorted(const std::vector<bool>& needed) const {
        const std::vector<node_proto>& nodes = graph_.nodes;
        std::vector<std::size_t> waits(nodes.size(), 0);
        std::vector<std::vector<std::size_t>> readers(nodes.size());
        std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (!needed[i]) continue;
            for (const std::string_view input : nodes[i].inputs)
                if (const auto p = producers_.find(input); p != producers_.end()) {
                    readers[p->second].push_back(i);
                    ++waits[i];
                }
            if (waits[i] == 0) ready.push(i);
        }
        std::vector<std::size_t> order;
        while (!ready.empty()) {
            const std::size_t i = ready.top();
            ready.pop();
            order.push_back(i);
            for (const std::size_t reader : readers[i])
                if (--waits[reader] == 0) ready.push(reader);
        }
        for (std::size_t i = 0; i < nodes.size(); ++i)
            if (needed[i] && waits[i] > 0)
                throw error(who(nodes[i]) + ": depends on its own output (a cycle)");
        return order;
    }

    const graph_proto& graph_;
    std::int64_t opset_;
    places initializers_;
    std::unordered_set<std::string_view> input_names_;
    std::vector<graph_input> inputs_;
    places producers_;
    std::vector<value_proto> outputs_;
    places reads_;
    std::vector<std::size_t> order_;
};

}  // namespace hass::detail::onnx
