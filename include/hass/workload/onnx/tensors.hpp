/// \file tensors.hpp
/// What every tensor of an ONNX graph is so far: the state that the operators change one by one.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/graph.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/settle.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>

namespace hass::detail::onnx {

/// Values by the tensor's name, the rows behind them, and what the file may still spend.
class tensor_table {
  public:
    /// \param graph must outlive the table
    tensor_table(const graph_index& graph, std::size_t file_bytes)
        : graph_(graph), drafts_(file_bytes), spent_(file_bytes) {
        value image = graph.image();
        if (graph.turns_image()) {
            // images are turned when they are read; what the file does with them is a view
            const auto whole = image.shape;
            image.shape = {whole.width, whole.channels, whole.height};
            image = as_value(image, transposed(view_of(image), {1, 2, 0}));
            channels_last_ = image.form == form::view;
        }
        set(graph.input_name(), std::move(image));
    }

    /// Whether images come height x width x channels, as the first row does not take them.
    bool channels_last() const { return channels_last_; }

    const graph_index& graph() const { return graph_; }
    draft_list& drafts() { return drafts_; }
    budget& spent() { return spent_; }

    /// What is known so far, initializers that were not read yet left out; nullptr for nothing.
    value* known(std::string_view tensor) {
        const auto at = values_.find(tensor);
        return at != values_.end() ? &at->second : nullptr;
    }

    /// \throws hass::error naming the reader, when nothing has given the tensor
    value& find(std::string_view tensor, const node_proto& reader) {
        if (value* x = known(tensor)) return *x;
        if (const tensor_proto* t = graph_.initializer(tensor))
            return values_.emplace(tensor, constant_value(file_constant(*t))).first->second;
        throw located_error(who(reader) + ": reads tensor " + quoted(tensor) +
                            ", an output that the loader does not compute");
    }

    void set(std::string_view tensor, value x) {
        x.unread = graph_.reads(tensor);
        drafts_.expect_reads(x);
        values_.insert_or_assign(tensor, std::move(x));
    }

    /// One read of each input of `reader` lies behind.
    void count_reads(const node_proto& reader) {
        for (const std::string_view input : reader.inputs)
            if (value* x = known(input)) drafts_.count_read(*x);
    }

    /// Keeps a tensor that was parsed out of an attribute for as long as this table lives.
    const tensor_proto& keep(tensor_proto t) { return kept_.emplace_back(std::move(t)); }

    /// Turns whatever is pending in `x` into a row, in place.
    void settle(value& x) { onnx::settle(x, drafts_, spent_); }

  private:
    const graph_index& graph_;
    std::unordered_map<std::string_view, value> values_;
    std::deque<tensor_proto> kept_;
    draft_list drafts_;
    budget spent_;
    bool channels_last_ = false;
};

}  // namespace hass::detail::onnx
