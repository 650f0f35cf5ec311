/// \file tensors.hpp
/// What every tensor of an ONNX graph is so far: the state that the operators change one by one.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

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
        place_inputs();
    }

    /// The inputs as parts of the image; empty where there is a single one.
    const std::vector<model_input>& inputs() const { return inputs_; }
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
    /// The image with its channels in front, where it comes with them last: it is turned when it is
    /// read, and what the file does with it is a view.
    static value turned(value image) {
        const hass::shape whole = image.shape;
        if (image.rank == 3) {
            image.shape = {whole.height, whole.channels, 1};
            return as_value(image, transposed(view_of(image), {1, 0}));
        }
        image.shape = {whole.width, whole.channels, whole.height};
        return as_value(image, transposed(view_of(image), {1, 2, 0}));
    }

    /// One input is the image; several are parts of it: side by side as channels where they are
    /// alike, else one behind the other as channels of one pixel.
    void place_inputs() {
        const std::vector<graph_input>& all = graph_.inputs();
        if (all.size() == 1) {
            value image = all[0].turned ? turned(all[0].image) : all[0].image;
            channels_last_ = image.form == form::view;
            return set(all[0].declared->name, std::move(image));
        }
        bool alike = true;
        std::int64_t channels = 0, volume = 0;
        for (const graph_input& in : all) {
            alike = alike && in.image.rank > 2 &&
                    in.image.shape.height == all[0].image.shape.height &&
                    in.image.shape.width == all[0].image.shape.width && in.image.shape.pixels() > 1;
            channels += in.image.shape.channels, volume += in.image.shape.volume();
        }
        if (volume > largest_map) throw error("the inputs together hold more than 2^28 values");
        // N x T of token ids and their mask are T pixels, one channel each
        bool rows = true;
        for (const graph_input& in : all)
            rows = rows && in.image.rank == 2 && in.image.shape == all[0].image.shape;
        hass::shape base{static_cast<int>(volume), 1, 1};
        if (alike)
            base = {static_cast<int>(channels), all[0].image.shape.height,
                    all[0].image.shape.width};
        if (rows) base = {static_cast<int>(all.size()), all[0].image.shape.channels, 1};
        std::int64_t first = 0;
        for (const graph_input& in : all) {
            value part = in.image;
            value_view v = view_of(part);
            const std::vector<std::int64_t> dims = v.dims();
            std::vector<order_axis> axes;
            std::vector<std::size_t> groups(dims.size(), 1);
            std::int64_t apart = part.shape.volume();
            for (const std::int64_t d : dims) axes.push_back({d, apart /= d});
            part = as_value(part, {base, {std::move(axes), first}, std::move(groups)});
            inputs_.push_back({std::string(in.declared->name), in.image.shape, first});
            first += in.image.shape.volume();
            set(in.declared->name, std::move(part));
        }
    }

    const graph_index& graph_;
    std::unordered_map<std::string_view, value> values_;
    std::deque<tensor_proto> kept_;
    draft_list drafts_;
    budget spent_;
    std::vector<model_input> inputs_;
    bool channels_last_ = false;
};

}  // namespace hass::detail::onnx
