/// \file operation.hpp
/// One node of an ONNX graph as the handler of its operator sees it: its inputs, its attributes,
/// and the ways to say what it gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/tensors.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// One node, with what its operator asks and changes.
class operation {
  public:
    operation(tensor_table& tensors, const node_proto& node) : tensors_(tensors), node_(node) {}

    const node_proto& node() const { return node_; }
    std::string_view type() const { return node_.op_type; }
    std::int64_t opset() const { return node_.opset != 0 ? node_.opset : tensors_.graph().opset(); }
    /// Images in a batch as the file fixes it; 1 where it is dynamic.
    std::int64_t batch() const { return tensors_.graph().batch(); }
    budget& spent() const { return tensors_.spent(); }

    /// The error that names operator and node.
    located_error fail(const std::string& what) const {
        return located_error(who(node_) + ": " + what);
    }

    std::size_t inputs() const { return node_.inputs.size(); }
    bool has(std::size_t i) const { return i < node_.inputs.size() && !node_.inputs[i].empty(); }

    /// The tensor as it is, pending or constant.
    value& raw(std::size_t i) const {
        if (!has(i)) throw fail(text_of({"input ", i, " is missing"}));
        return tensors_.find(node_.inputs[i], node_);
    }
    bool is_constant(std::size_t i) const { return has(i) && raw(i).form == form::constant; }
    /// The node that gives a tensor; nullptr for inputs and initializers.
    const node_proto* producer(std::string_view tensor) const {
        return tensors_.graph().producer(tensor);
    }
    /// The values of a constant under its name; empty for data.
    std::vector<double> numbers_of(std::string_view tensor) const {
        const value& x = tensors_.find(tensor, node_);
        return x.form == form::constant ? numbers(*x.number, spent()) : std::vector<double>();
    }
    /// Whether this node alone reads the tensor.
    bool alone(std::size_t i) const { return tensors_.graph().reads(node_.inputs[i]) == 1; }
    /// Whether this node alone reads the row that input `i`, which is data, comes from, under
    /// whatever name: only then may the row be changed in place.
    bool owned(std::size_t i) const {
        const value& x = raw(i);
        return x.unread == 1 && tensors_.drafts().owned(x);
    }
    /// The same of a value that is no tensor yet.
    bool owns(const value& x) const { return x.unread <= 1 && tensors_.drafts().owned(x); }
    /// How often the node's output `k` is read.
    std::size_t reads_of_output(std::size_t k) const {
        return tensors_.graph().reads(node_.outputs[k]);
    }
    /// The row that gives `x`, which is data and not the image.
    draft& behind(const value& x) const { return tensors_.drafts().behind(x); }
    /// The tensor as the output of a row; whatever was pending becomes one.
    value& data(std::size_t i) const {
        value& x = raw(i);
        tensors_.settle(x);
        return x;
    }
    /// `data` with axes N x C x H x W.
    value& map(std::size_t i) const {
        value& x = data(i);
        if (x.rank != 4) throw fail("expects N x C x H x W, not " + describe(x));
        return x;
    }
    const constant& known(std::size_t i, const char* what) const {
        if (!has(i)) throw fail(std::string(what) + " is missing");
        const value& x = raw(i);
        if (x.form != form::constant)
            throw fail(std::string(what) + " " + quoted(node_.inputs[i]) + " is not constant");
        return *x.number;
    }
    std::vector<std::int64_t> integers(std::size_t i, const char* what) const {
        const constant& c = known(i, what);
        if (c.floating)
            throw fail(std::string(what) + " " + quoted(node_.inputs[i]) +
                       " must be integers, not floats");
        return onnx::integers(c, spent());
    }
    std::vector<float> weights(std::size_t i, const char* what) const {
        const constant& c = known(i, what);
        if (!c.floating)
            throw fail(std::string(what) + " " + quoted(node_.inputs[i]) +
                       " must be float32, not " +
                       (c.file != nullptr ? data_type_name(c.file->type) : "integers"));
        return onnx::weights(c, spent());
    }
    double scalar(std::size_t i, const char* what) const {
        const constant& c = known(i, what);
        if (c.count() != 1) throw fail(std::string(what) + " is not a single number");
        return numbers(c, spent())[0];
    }

    const attribute_proto* find(std::string_view name) const {
        for (const attribute_proto& a : node_.attributes)
            if (a.name == name) {
                if (a.reference) throw fail("attribute " + quoted(name) + " has no value");
                return &a;
            }
        return nullptr;
    }
    std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
        return valued(name, &attribute_proto::i, attribute_type::integer, otherwise, "an integer");
    }
    float number(std::string_view name, float otherwise) const {
        return valued(name, &attribute_proto::f, attribute_type::number, otherwise, "a number");
    }
    std::string_view text(std::string_view name, std::string_view otherwise) const {
        return valued(name, &attribute_proto::s, attribute_type::text, otherwise, "a text");
    }
    /// Refuses an attribute that is given twice: nobody can say which one is meant.
    void check_attributes() const {
        for (const attribute_proto& a : node_.attributes)
            for (const attribute_proto* b = node_.attributes.data(); b != &a; ++b)
                if (b->name == a.name)
                    throw fail("attribute " + quoted(a.name) + " is given twice");
    }
    /// Axes, from an attribute or (in newer opsets) from input `i`; nothing where neither is there.
    std::optional<std::vector<std::int64_t>> axes(std::size_t i) const {
        if (has(i)) return integers(i, "axes");
        if (const attribute_proto* a = find("axes")) return a->ints;
        return std::nullopt;
    }

    /// Whether a reduction leaves its input as it is: without axes where `noop_with_empty_axes` is on.
    bool reduces_nothing() const {
        if (integer("noop_with_empty_axes", 0) == 0) return false;
        const auto given = axes(1);
        return !given || given->empty();
    }

    /// A feature map's shape, refused where an extent is below 1 or the whole is gigantic.
    hass::shape sound(std::int64_t channels, std::int64_t height, std::int64_t width) const {
        if (channels < 1 || height < 1 || width < 1)
            throw fail(
                text_of({"a feature map of ", channels, "x", height, "x", width, " is empty"}));
        if (channels > largest_map || height > largest_map / channels ||
            width > largest_map / channels / height)
            throw fail(text_of({"a feature map of ", channels, "x", height, "x", width,
                                " is larger than 2^28 values"}));
        return {static_cast<int>(channels), static_cast<int>(height), static_cast<int>(width)};
    }

    /// Makes a row of `kind` that is fed by rows `from`, and returns its output as a value.
    value emit(const layer_row& row, std::vector<int> from, layer_parameters parameters = {},
               std::string_view weight_name = {}) const {
        constexpr std::string_view suffix = ".weight";
        draft d;
        d.row = row;
        if (has_weights(row) && is_constant(1)) d.row.weight_bits = raw(1).number->bits;
        d.parameters = std::move(parameters);
        if (has_weights(row) && is_constant(1)) d.parameters.weight_steps = filter_steps(row);
        d.from = std::move(from);
        if (weight_name.ends_with(suffix)) weight_name.remove_suffix(suffix.size());
        d.name = printable(!node_.name.empty() ? node_.name : weight_name);
        value x;
        x.from = tensors_.drafts().add(std::move(d));
        x.shape = row.out;
        x.made_by = &node_;
        return x;
    }

    /// Notes where data and weights of the compute row behind `x`, which this node became, stand.
    row_origin& trace(const value& x, std::size_t data, std::size_t weights) const {
        row_origin& o = behind(x).origin;
        o.node = node_.outputs[0], o.type = node_.op_type;
        o.data = node_.inputs[data], o.weights = node_.inputs[weights];
        o.data_at = data, o.weights_at = weights;
        o.non_negative = raw(data).non_negative;
        if (is_constant(weights)) {
            o.dims = raw(weights).number->dims;
        } else if (const auto& file = node_.stands_for) {
            o.node = file->output, o.type = file->type;
            o.data = file->inputs[data], o.weights = file->inputs[weights];
            o.data_at = file->at[data], o.weights_at = file->at[weights];
        }
        return o;
    }

    /// From now on input `i` is `x`, what a row of its own gives.
    void replace(std::size_t i, value x) const {
        value& now = raw(i);
        tensors_.drafts().stand_for(now, x.from);
        x.unread = now.unread, x.made_by = now.made_by;
        now = std::move(x);
    }
    /// What is pending in a value that is no tensor of its own, as rows.
    value settled(value x) const {
        x.made_by = &node_;
        tensors_.settle(x);
        return x;
    }
    /// Whether the node's first output is the network's only one, and nobody else reads it.
    bool ends() const {
        const std::vector<value_proto>& outputs = tensors_.graph().outputs();
        return outputs.size() == 1 && node_.outputs[0] == outputs[0].name &&
               tensors_.graph().reads(node_.outputs[0]) == 1;
    }

    /// What the node's output `k` is; one without a name is nobody's.
    void give(value x, std::size_t k = 0) const {
        x.made_by = &node_;
        if (!node_.outputs[k].empty()) tensors_.set(node_.outputs[k], std::move(x));
    }

    /// The first output is input `i` under another name.
    void pass(std::size_t i) const {
        const form now = raw(i).form;
        if (!alone(i) &&
            (now == form::affine || now == form::relu_plus3 || now == form::relu6_plus3))
            data(i);  // two pending copies would fold twice
        tensors_.set(node_.outputs[0], raw(i));
    }

    /// The first output, once it is given.
    value& given() const { return tensors_.find(node_.outputs[0], node_); }

    /// Keeps a tensor that was parsed out of an attribute for as long as its values are needed.
    const tensor_proto& keep(tensor_proto t) const { return tensors_.keep(std::move(t)); }

  private:
    /// What the levels of the weights, input 1, were multiplied with: one for all, or one a filter.
    std::vector<float> filter_steps(const layer_row& row) const {
        const constant& w = *raw(1).number;
        const bool turned = type() == "MatMul" || (type() == "Gemm" && integer("transB", 0) == 0);
        const std::size_t axis = turned ? w.dims.size() - 1 : 0;
        const bool by_filter = w.steps_axis == axis &&
                               w.steps.size() == static_cast<std::size_t>(row.out.channels) &&
                               (turned || type() == "Conv" || type() == "Gemm");
        return w.steps.size() == 1 || by_filter ? w.steps : std::vector<float>{};
    }

    /// The value of an attribute, `otherwise` where the node has none; one of another type is
    /// refused. A writer of proto3 leaves out what is 0 or empty: then its type says what it is.
    template <class T>
    T valued(std::string_view name, std::optional<T> attribute_proto::*value, attribute_type type,
             T otherwise, const char* expected) const {
        const attribute_proto* a = find(name);
        if (a == nullptr) return otherwise;
        if (a->*value) return *(a->*value);
        if (a->type != static_cast<std::int64_t>(type))
            throw fail("attribute " + quoted(name) + " is not " + expected);
        return T{};
    }

    tensor_table& tensors_;
    const node_proto& node_;
};

/// An axis counted from the front; refused where the tensor has no such axis.
inline int axis_of(const operation& op, std::int64_t axis, int rank) {
    if (axis < -rank || axis >= rank)
        throw op.fail(text_of({"axis ", axis, " of a tensor with ", rank, " axes"}));
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

/// What the loader knows how to do with an operator.
using handler = void (*)(const operation&);

}  // namespace hass::detail::onnx
