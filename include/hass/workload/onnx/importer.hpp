/// \file importer.hpp
/// From an ONNX graph to a model, told once from beginning to end: the names (`graph.hpp`), node by
/// node what each tensor is (`tensors.hpp`) and which rows that makes (`drafts.hpp`), the end
/// (`finish.hpp`). What each operator does stands in the headers that `operators.hpp` lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx/composites.hpp>
#include <hass/workload/onnx/drafts.hpp>
#include <hass/workload/onnx/external_data.hpp>
#include <hass/workload/onnx/finish.hpp>
#include <hass/workload/onnx/functions.hpp>
#include <hass/workload/onnx/graph.hpp>
#include <hass/workload/onnx/grids.hpp>
#include <hass/workload/onnx/integer_operators.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/patterns.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/proto_reader.hpp>
#include <hass/workload/onnx/quantised.hpp>
#include <hass/workload/onnx/tensors.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/views.hpp>
#include <hass/workload/onnx_options.hpp>
#include <hass/workload/preprocessing.hpp>

namespace hass::detail::onnx {

/// Handlers by the operator's name; nullptr where there is none.
struct operator_set {
    handler (*on_data)(std::string_view op_type);       ///< some input depends on the image
    handler (*on_constants)(std::string_view op_type);  ///< every input is constant
};

/// Reads one file, once.
class importer {
  public:
    /// \param bytes  the file, which must outlive the importer
    /// \param folder  where it lies, for weights in other files; nullopt: nowhere
    importer(std::string_view bytes, operator_set known, const onnx_options& options,
             const std::optional<std::filesystem::path>& folder)
        : file_(read_model(bytes)),
          external_(file_, folder),
          inlined_(file_),
          integer_(file_.graph),
          composites_(file_.graph),
          patterns_(file_.graph),
          known_(known),
          graph_(supported(file_), options),
          tensors_(graph_, bytes.size() + external_.bytes()) {}
    importer(const importer&) = delete;
    importer& operator=(const importer&) = delete;

    model run() {
        for (const std::size_t i : graph_.order()) {
            const operation op(tensors_, graph_.node(i));
            try {
                run_node(op);
            } catch (const located_error&) {
                throw;
            } catch (const error& e) {
                throw op.fail(e.what());
            }
            tensors_.count_reads(op.node());
        }
        const int last = graph_.outputs().size() == 1 ? only_output() : joined_outputs();
        draft_list& drafts = tensors_.drafts();
        const std::vector<bool> leads = leading_to(last, drafts.rows());
        hold_together(drafts.rows(), leads, drafts.demand());
        model m = assemble(drafts.rows(), leads);
        state_grids(m);
        m.input = preprocessing_from(file_.metadata);
        // token ids and masks are taken as they are
        if (!m.input && graph_.only_whole_numbers()) m.input = preprocessing{1.0F, {0.0F}, {1.0F}};
        m.inputs = tensors_.inputs();
        m.outputs = std::move(parts_);
        m.channels_last_input = tensors_.channels_last();
        m.channels_last_output = channels_last_;
        return m;
    }

  private:
    static const model_proto& supported(const model_proto& file) {
        if (file.opset == 0) throw error("the file names no opset of the default domain");
        if (file.opset < 7 || file.opset > 23)
            throw error(
                text_of({"opset ", file.opset, " is not supported; export with opset 7 to 23"}));
        return file;
    }

    /// Operators of other domains that are known: QONNX's, and those that onnxruntime writes itself.
    static bool of_quantiser(const node_proto& node) {
        const auto is = [&](std::string_view type) { return node.op_type == type; };
        if (node.domain == "qonnx.custom_op.general" || node.domain == "onnx.brevitas" ||
            node.domain == "finn.custom_op.general")
            return is("Quant") || is("BipolarQuant") || is("Trunc");
        return node.domain == "com.microsoft" && (is("QuantizeLinear") || is("DequantizeLinear"));
    }

    void run_node(const operation& op) const {
        const node_proto& node = op.node();
        if (!node.domain.empty() && node.domain != "ai.onnx" && !of_quantiser(node))
            throw op.fail("operators of the domain " + quoted(node.domain) + " are not supported");
        if (node.outputs.empty()) throw op.fail("gives no output");
        op.check_attributes();
        bool folds = true;
        for (std::size_t i = 0; i < op.inputs(); ++i)
            folds = folds && (!op.has(i) || op.is_constant(i));
        const handler fold = known_.on_constants(node.op_type);
        const handler act = known_.on_data(node.op_type);
        if (act == nullptr && (fold == nullptr || (!folds && op.inputs() > 0)))
            throw op.fail(fold == nullptr ? "is not supported"
                                          : "is not supported on data, only on constants");
        if (op.inputs() == 0 && node.op_type != "Constant") throw op.fail("has no input");
        if (fold != nullptr && folds)
            fold(op);
        else
            act(op);
    }

    /// Whether the file ends with an ArgMax, whose input answers.
    bool answers_by_place() const {
        const node_proto* last = graph_.producer(graph_.outputs()[0].name);
        return last != nullptr && last->op_type == "ArgMax";
    }

    /// The row that gives the only output; one with its channels last stays as the row gives it.
    int only_output() {
        const value_proto& declared = graph_.outputs()[0];
        value* out = tensors_.known(declared.name);
        if (out != nullptr && out->form == form::view && out->from >= 0) {
            const auto channels = channel_axis(out->view);
            channels_last_ = channels && *channels > 0 && *channels + 1 == out->view.groups.size();
            if (channels_last_) out->form = form::plain, out->shape = out->view.base;
        }
        const value& x = output(declared);
        if (!answers_by_place()) check_extents(declared, x);
        return x.from;
    }

    /// A row that gives all outputs, flat, one behind the other.
    int joined_outputs() {
        draft all;
        std::int64_t volume = 0;
        for (const value_proto& declared : graph_.outputs()) {
            const value& x = output(declared);
            check_extents(declared, x);
            parts_.push_back({std::string(declared.name), x.shape, volume});
            volume += x.shape.volume();
            if (volume > largest_map) throw error("the outputs together hold > 2^28 values");
            draft flat;
            flat.row = elementwise(layer_kind::flatten, x.shape);
            flat.row.out = {static_cast<int>(x.shape.volume()), 1, 1};
            flat.name = printable(declared.name) + "/flat";
            flat.from = {x.from};
            const bool is_flat = flat.row.out == x.shape;
            all.from.push_back(is_flat ? x.from : tensors_.drafts().add(std::move(flat)));
        }
        all.row =
            elementwise(layer_kind::concat, {static_cast<int>(parts_[0].each.volume()), 1, 1});
        all.row.out = {static_cast<int>(volume), 1, 1};
        all.name = "outputs";
        return tensors_.drafts().add(std::move(all));
    }

    /// An output as plain data that some row gives.
    const value& output(const value_proto& declared) {
        const std::string_view name = declared.name;
        const std::string who = "the output " + quoted(name);
        value* out = tensors_.known(name);
        if (out == nullptr || out->form == form::constant)
            throw error(who + " does not depend on the input");
        try {
            tensors_.settle(*out);
        } catch (const located_error&) {
            throw;
        } catch (const error& e) {
            throw error(who + ": " + e.what());
        }
        if (out->from >= 0) return *out;
        const node_proto* passed_by = graph_.producer(name);
        throw error(
            who + " is the input itself" +
            (passed_by == nullptr ? std::string() : ", passed on by " + onnx::who(*passed_by)) +
            ": the network has no layers");
    }

    model_proto file_;
    external_data external_;
    inlined_functions inlined_;
    integer_operators integer_;
    composite_operators composites_;
    recognised_patterns patterns_;
    operator_set known_;
    graph_index graph_;
    tensor_table tensors_;
    std::vector<model_output> parts_;  ///< of several outputs
    bool channels_last_ = false;       ///< of the output
};

}  // namespace hass::detail::onnx
