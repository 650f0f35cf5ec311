/// \file importer.hpp
/// From an ONNX graph to rows: which node comes when, what each tensor is (data of one image, or a
/// constant), and the rows made so far. What each operator does stands in the headers that
/// `operators.hpp` lists.
///
/// Some operators make no row at once, because what they are shows only later: a Pad becomes the
/// padding of the window that follows; a constant added or multiplied becomes part of the
/// convolution before it, of a hard swish, or a depthwise 1x1 convolution of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
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
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx/constant.hpp>
#include <hass/workload/onnx/demand.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// No feature map of one image may hold more values (1 GiB of float32); what a file asks for
/// beyond that is taken as damage.
inline constexpr std::int64_t largest_map = std::int64_t{1} << 28;

/// What a tensor of the graph is, seen from the operator that reads it.
enum class form : std::uint8_t {
    plain,        ///< the output of row `from`, or the image
    padded,       ///< the same with zeros around it, `pads`
    affine,       ///< scale * x + shift, each one number or one a channel
    relu_plus3,   ///< max(x + 3, 0), which may be on its way to what follows
    relu6_plus3,  ///< min(max(x + 3, 0), 6), on its way to a hard sigmoid or hard swish
    times_relu6,  ///< x * min(max(x + 3, 0), 6)
    constant,
};

struct value {
    onnx::form form = form::plain;
    int from = network_input;
    hass::shape shape{};  ///< of one image; extents that the tensor lacks are 1
    int rank = 4;         ///< axes of the tensor, batch included: 2, 3 or 4
    bool non_negative = false;
    std::size_t unread = 0;           ///< reads of this tensor that are still to come
    std::array<int, 4> pads{};        ///< padded: top, left, bottom, right
    std::vector<float> scale, shift;  ///< affine
    const node_proto* made_by = nullptr;
    std::shared_ptr<const onnx::constant> number;  ///< constant
};

/// A row in the making.
struct draft {
    layer_row row;
    layer_parameters parameters;
    std::string name;
    std::vector<int> from;
};

/// An error that already names operator and node.
struct located_error : error {
    using error::error;
};

class importer;

/// One node, with what its operator needs to ask.
class operation {
  public:
    operation(importer& graph, const node_proto& node) : graph_(graph), node_(node) {}

    importer& graph() const { return graph_; }
    const node_proto& node() const { return node_; }
    std::string_view type() const { return node_.op_type; }

    /// The error that names operator and node.
    located_error fail(const std::string& what) const {
        return located_error(who(node_) + ": " + what);
    }

    static std::string who(const node_proto& n) {
        std::string text = "operator " + quoted(n.op_type);
        if (!n.name.empty()) return text + " (node " + quoted(n.name) + ")";
        if (!n.outputs.empty()) return text + " (node that gives " + quoted(n.outputs[0]) + ")";
        return text;
    }

    std::size_t inputs() const { return node_.inputs.size(); }
    bool has(std::size_t i) const { return i < node_.inputs.size() && !node_.inputs[i].empty(); }

    /// The tensor as it is, pending or constant.
    value& raw(std::size_t i) const;
    bool is_constant(std::size_t i) const { return has(i) && raw(i).form == form::constant; }
    /// Whether this node alone reads the tensor.
    bool alone(std::size_t i) const;
    /// Whether this node alone reads the row that input `i`, which is data, comes from, under
    /// whatever name: only then may the row be changed in place.
    bool owned(std::size_t i) const;
    /// The tensor as the output of a row; whatever was pending becomes one.
    value& data(std::size_t i) const;
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
    std::vector<std::int64_t> integers(std::size_t i, const char* what) const;
    std::vector<float> weights(std::size_t i, const char* what) const;
    double scalar(std::size_t i, const char* what) const;

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

    /// What a tensor is, in words.
    static std::string describe(const value& x) {
        if (x.rank == 2) return text_of({"N x ", x.shape.channels});
        if (x.rank == 3) return text_of({"N x ", x.shape.channels, " x ", x.shape.height});
        return text_of({"N x ", x.shape.channels, " x ", x.shape.height, " x ", x.shape.width});
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
               std::string_view weight_name = {}) const;

    /// What the node's first output is.
    void give(value x) const;

    /// The first output is input `i` under another name.
    void pass(std::size_t i) const;

  private:
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

    importer& graph_;
    const node_proto& node_;
};

/// What the loader knows how to do with an operator.
using handler = void (*)(const operation&);

/// Handlers by the operator's name; nullptr where there is none.
struct operator_set {
    handler (*on_data)(std::string_view op_type);       ///< some input depends on the image
    handler (*on_constants)(std::string_view op_type);  ///< every input is constant
};

class importer {
  public:
    /// \param bytes the file, which must outlive the importer
    importer(std::string_view bytes, operator_set known)
        : file_(read_model(bytes)), known_(known), spent_(bytes.size()), demand_(bytes.size()) {}

    std::int64_t opset() const { return file_.opset; }
    /// Images in a batch as the file fixes it; 1 where it is dynamic.
    std::int64_t batch() const { return batch_; }
    budget& spent() { return spent_; }
    std::vector<draft>& rows() { return rows_; }

    model run() {
        if (file_.opset < 9 || file_.opset > 17)
            throw error(file_.opset == 0
                            ? std::string("the file names no opset of the default domain")
                            : text_of({"opset ", file_.opset,
                                       " is not supported; export with opset 9 to 17"}));
        index();
        for (const std::size_t i : order(live())) {
            const node_proto& node = file_.graph.nodes[i];
            const operation op(*this, node);
            try {
                run_node(op);
            } catch (const located_error&) {
                throw;
            } catch (const error& e) {
                throw op.fail(e.what());
            }
            count_reads(node);
        }
        return finish();
    }

    value& find(std::string_view tensor, const operation& reader) {
        const auto at = values_.find(tensor);
        if (at != values_.end()) return at->second;
        if (const auto file = initializers_.find(tensor); file != initializers_.end()) {
            value x;
            x.form = form::constant;
            x.number = std::make_shared<const constant>(
                file_constant(file_.graph.initializers[file->second]));
            return values_.emplace(tensor, std::move(x)).first->second;
        }
        throw reader.fail("reads tensor " + quoted(tensor) +
                          ", an output that the loader does not compute");
    }

    bool alone(std::string_view tensor) const {
        const auto uses = uses_.find(tensor);
        return uses != uses_.end() && uses->second == 1;
    }

    /// Whether whoever reads the row behind `x` reads it through `x`: no row was fed by it yet, and
    /// no other tensor stands for it that somebody is still going to read.
    bool owned(const value& x) const {
        if (x.from < 0) return false;
        const auto row = static_cast<std::size_t>(x.from);
        return fed_[row] == 0 && reads_[row] == x.unread;
    }

    void set(std::string_view tensor, value x) {
        const auto uses = uses_.find(tensor);
        x.unread = uses != uses_.end() ? uses->second : 0;
        if (x.from >= 0) reads_[static_cast<std::size_t>(x.from)] += x.unread;
        values_.insert_or_assign(tensor, std::move(x));
    }

    /// Keeps a tensor that was parsed out of an attribute for as long as the importer lives.
    const tensor_proto& keep(tensor_proto t) { return kept_.emplace_back(std::move(t)); }

    int add(draft d) {
        demand_.add(d.row);
        d.name = unique(d.name.empty() ? text_of({name(d.row.kind), "_", rows_.size()})
                                       : std::move(d.name));
        for (const int from : d.from)
            if (from >= 0) ++fed_[static_cast<std::size_t>(from)];
        rows_.push_back(std::move(d));
        fed_.push_back(0), reads_.push_back(0);
        return static_cast<int>(rows_.size()) - 1;
    }

    /// Turns whatever is pending in `x` into a row, in place.
    void settle(value& x) {
        if (x.form == form::plain) return;
        if (x.form == form::affine) {
            settle_affine(x);
            return;
        }
        if (x.form == form::relu_plus3 || x.form == form::relu6_plus3) {
            settle_activation(x);
            return;
        }
        const std::string who = x.made_by != nullptr ? operation::who(*x.made_by) : "a constant";
        if (x.form == form::padded)
            throw located_error(who +
                                ": its zeros can only become the padding of a convolution or pool "
                                "that reads them");
        if (x.form == form::constant)
            throw error("tensor " + quoted(x.number->name) +
                        " is constant where data that depends on the image is expected");
        throw located_error(
            who +
            ": min(max(x + 3, 0), 6) is supported only as part of a hard sigmoid or "
            "hard swish");
    }

  private:
    /// Names of everything, each given once.
    void index() {
        graph_proto& g = file_.graph;
        for (std::size_t i = 0; i < g.initializers.size(); ++i)
            if (!initializers_.emplace(g.initializers[i].name, i).second)
                throw error("two initializers are named " + quoted(g.initializers[i].name));
        const value_proto* image = nullptr;
        for (const value_proto& input : g.inputs) {
            if (initializers_.contains(input.name)) continue;  // listed twice up to IR version 3
            if (image != nullptr)
                throw error("the network has more than one input: " + quoted(image->name) + ", " +
                            quoted(input.name));
            image = &input;
        }
        if (image == nullptr) throw error("the network has no input");
        set(image->name, read_input(*image));
        for (std::size_t i = 0; i < g.nodes.size(); ++i)
            for (const std::string_view output : g.nodes[i].outputs) {
                if (output.empty()) continue;
                if (initializers_.contains(output) || output == image->name ||
                    !producers_.emplace(output, i).second)
                    throw error("tensor " + quoted(output) + " is given more than once");
            }
        if (g.outputs.empty()) throw error("the network has no output");
        if (g.outputs.size() > 1)
            throw error("the network has more than one output: " + quoted(g.outputs[0].name) +
                        ", " + quoted(g.outputs[1].name));
    }

    value read_input(const value_proto& input) {
        const std::string who = "input " + quoted(input.name) + ": ";
        if (!input.tensor) throw error(who + "is not a tensor (a sequence, a map or no type)");
        if (input.type != static_cast<std::int64_t>(data_type::float32))
            throw error(who + "must be float32, not " + data_type_name(input.type));
        if (!input.dims) throw error(who + "has no shape");
        const std::vector<std::int64_t>& dims = *input.dims;
        if (dims.size() != 4 && dims.size() != 2)
            throw error(text_of(
                {who, "must be N x C x H x W or N x features, but has ", dims.size(), " axes"}));
        if (dims[0] > 0) batch_ = dims[0];
        for (std::size_t i = 1; i < dims.size(); ++i)
            if (dims[i] < 1)
                throw error(who + "only the batch may be dynamic; export with fixed extents");
        const std::optional<std::size_t> volume =
            element_count(std::span(dims).subspan(1), static_cast<std::size_t>(largest_map));
        if (!volume) throw error(who + "shape " + dims_text(dims) + " is larger than 2^28 values");
        value x;
        x.rank = static_cast<int>(dims.size());
        x.shape.channels = static_cast<int>(dims[1]);
        if (dims.size() == 4)
            x.shape.height = static_cast<int>(dims[2]), x.shape.width = static_cast<int>(dims[3]);
        return x;
    }

    /// Which nodes the output depends on; counts who reads what on the way.
    std::vector<bool> live() {
        const graph_proto& g = file_.graph;
        std::vector<bool> needed(g.nodes.size(), false);
        std::vector<std::size_t> pending;
        const auto visit = [&](std::string_view tensor, const node_proto* reader) {
            ++uses_[tensor];
            const auto producer = producers_.find(tensor);
            if (producer == producers_.end()) {
                if (initializers_.contains(tensor) || values_.contains(tensor)) return;
                const std::string text =
                    "tensor " + quoted(tensor) + ", which nothing in the file provides";
                throw error(reader == nullptr ? "the output is " + text
                                              : operation::who(*reader) + ": reads " + text);
            }
            if (needed[producer->second]) return;
            needed[producer->second] = true;
            pending.push_back(producer->second);
        };
        visit(g.outputs[0].name, nullptr);
        while (!pending.empty()) {
            const node_proto& node = g.nodes[pending.back()];
            pending.pop_back();
            for (const std::string_view input : node.inputs)
                if (!input.empty()) visit(input, &node);
        }
        return needed;
    }

    /// The needed nodes, inputs first, otherwise as the file has them.
    std::vector<std::size_t> order(const std::vector<bool>& needed) const {
        const graph_proto& g = file_.graph;
        std::vector<std::size_t> waits(g.nodes.size(), 0);
        std::vector<std::vector<std::size_t>> readers(g.nodes.size());
        std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
        for (std::size_t i = 0; i < g.nodes.size(); ++i) {
            if (!needed[i]) continue;
            for (const std::string_view input : g.nodes[i].inputs)
                if (const auto p = producers_.find(input); p != producers_.end()) {
                    readers[p->second].push_back(i);
                    ++waits[i];
                }
            if (waits[i] == 0) ready.push(i);
        }
        std::vector<std::size_t> sorted;
        while (!ready.empty()) {
            const std::size_t i = ready.top();
            ready.pop();
            sorted.push_back(i);
            for (const std::size_t reader : readers[i])
                if (--waits[reader] == 0) ready.push(reader);
        }
        for (std::size_t i = 0; i < g.nodes.size(); ++i)
            if (needed[i] && waits[i] > 0)
                throw error(operation::who(g.nodes[i]) + ": depends on its own output (a cycle)");
        return sorted;
    }

    void run_node(const operation& op) const {
        const node_proto& node = op.node();
        if (!node.domain.empty() && node.domain != "ai.onnx")
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

    void settle_affine(value& x) {
        const auto channels = static_cast<std::size_t>(x.shape.channels);
        const auto at = [](const std::vector<float>& v, std::size_t c) {
            return v.size() == 1 ? v[0] : v[c];
        };
        const bool same =
            std::all_of(x.scale.begin(), x.scale.end(), [](float f) { return f == 1.0F; });
        const bool still =
            std::all_of(x.shift.begin(), x.shift.end(), [](float f) { return f == 0.0F; });
        if (same && still) {
            // nothing to compute
        } else if (owned(x) && is_compute(rows_[static_cast<std::size_t>(x.from)].row)) {
            draft& d = rows_[static_cast<std::size_t>(x.from)];
            layer_parameters& p = d.parameters;
            spent_.spend(same ? 0 : p.weights.size());
            if (p.bias.empty() && !still) p.bias.assign(channels, 0.0F), spent_.spend(channels);
            const std::size_t per_filter = p.weights.size() / channels;
            for (std::size_t c = 0; c < channels; ++c) {
                const float scale = at(x.scale, c);
                for (std::size_t i = 0; !same && i < per_filter; ++i)
                    p.weights[c * per_filter + i] *= scale;
                if (!p.bias.empty()) p.bias[c] = p.bias[c] * scale + at(x.shift, c);
            }
            d.row.bias = !p.bias.empty();
            require_finite(p, *x.made_by);
        } else {
            spent_.spend(2 * channels);
            draft d;
            d.row.kind = layer_kind::convolution;
            d.row.in = d.row.out = x.shape;
            d.row.groups = x.shape.channels;
            d.row.bias = !still;
            for (std::size_t c = 0; c < channels; ++c) {
                d.parameters.weights.push_back(at(x.scale, c));
                if (!still) d.parameters.bias.push_back(at(x.shift, c));
            }
            d.from = {x.from};
            d.name = printable(x.made_by->name);
            require_finite(d.parameters, *x.made_by);
            stand_for(x, add(std::move(d)));
        }
        x.form = form::plain, x.scale.clear(), x.shift.clear();
        x.non_negative = false;
    }

    /// From now on `x`, a tensor that others will read, is the output of `row`.
    void stand_for(value& x, int row) {
        if (x.from >= 0) reads_[static_cast<std::size_t>(x.from)] -= x.unread;
        x.from = row;
        reads_[static_cast<std::size_t>(row)] += x.unread;
    }

    /// One read of each input lies behind.
    void count_reads(const node_proto& node) {
        for (const std::string_view input : node.inputs) {
            const auto at = values_.find(input);
            if (at == values_.end() || at->second.unread == 0) continue;
            --at->second.unread;
            if (at->second.from >= 0) --reads_[static_cast<std::size_t>(at->second.from)];
        }
    }

    /// x + 3 and its bounds did not become a hard sigmoid or hard swish: two rows after all.
    void settle_activation(value& x) {
        draft d;
        const bool bounded = x.form == form::relu6_plus3;
        d.row.kind = bounded ? layer_kind::relu6 : layer_kind::relu;
        if (bounded) d.parameters.upper = 6.0F;
        d.row.in = d.row.out = x.shape;
        d.name = printable(x.made_by->name);
        x.form = form::affine;
        settle_affine(x);
        d.from = {x.from};
        stand_for(x, add(std::move(d)));
        x.non_negative = true;
    }

    static void require_finite(const layer_parameters& p, const node_proto& node) {
        const auto finite = [](float f) { return std::isfinite(f); };
        if (!std::all_of(p.weights.begin(), p.weights.end(), finite) ||
            !std::all_of(p.bias.begin(), p.bias.end(), finite))
            throw located_error(operation::who(node) +
                                ": folding it gives weights that are not finite");
    }

    std::string unique(std::string wanted) {
        if (names_.insert(wanted).second) return wanted;
        for (std::size_t& k = repeats_[wanted];;) {
            std::string next = text_of({wanted, "_", ++k + 1});
            if (names_.insert(next).second) return next;
        }
    }

    /// Refuses a network of which too many outputs are waited for at the same time.
    void hold_together(const std::vector<bool>& leads) const {
        std::vector<std::size_t> last(rows_.size(), 0);
        for (std::size_t i = 0; i < rows_.size(); ++i)
            for (const int from : rows_[i].from)
                if (leads[i] && from >= 0) last[static_cast<std::size_t>(from)] = i;
        std::vector<double> ends(rows_.size() + 1, 0.0);
        double held = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (!leads[i]) continue;
            const auto volume = static_cast<double>(rows_[i].row.out.volume());
            held += volume;
            ends[std::max(last[i], i)] += volume;
            try {
                demand_.hold(held);
            } catch (const error& e) {
                throw error("layer '" + rows_[i].name + "': with all that is waited for " +
                            e.what());
            }
            held -= ends[i];
        }
    }

    model finish() {
        const value_proto& declared = file_.graph.outputs[0];
        const auto at = values_.find(declared.name);
        const std::string who = "the output " + quoted(declared.name);
        if (at == values_.end() || at->second.form == form::constant)
            throw error(who + " does not depend on the input");
        try {
            settle(at->second);
        } catch (const located_error&) {
            throw;
        } catch (const error& e) {
            throw error(who + ": " + e.what());
        }
        const value& out = at->second;
        if (out.from < 0) {
            const auto made = producers_.find(declared.name);
            throw error(
                who + " is the input itself" +
                (made == producers_.end()
                     ? std::string()
                     : ", passed on by " + operation::who(file_.graph.nodes[made->second])) +
                ": the network has no layers");
        }
        if (declared.dims && declared.dims->size() > 1) {
            const auto dims = std::span(*declared.dims).subspan(1);
            const bool fixed =
                std::all_of(dims.begin(), dims.end(), [](std::int64_t d) { return d > 0; });
            const auto volume = element_count(dims, static_cast<std::size_t>(largest_map));
            if (fixed && volume != static_cast<std::size_t>(out.shape.volume()))
                throw error("the output " + quoted(declared.name) + " is declared as " +
                            dims_text(*declared.dims) + " but its layers give " +
                            operation::describe(out));
        }
        // rows of which only the shape was read lead nowhere
        std::vector<bool> leads(rows_.size(), false);
        if (out.from >= 0) leads[static_cast<std::size_t>(out.from)] = true;
        for (std::size_t i = rows_.size(); i-- > 0;)
            for (const int from : rows_[i].from)
                if (leads[i] && from >= 0) leads[static_cast<std::size_t>(from)] = true;
        hold_together(leads);
        model m;
        std::vector<int> place(rows_.size(), network_input);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (!leads[i]) continue;
            draft& d = rows_[i];
            place[i] = static_cast<int>(m.net.rows.size());
            for (const int from : d.from)
                m.net.edges.push_back(
                    {from < 0 ? network_input : place[static_cast<std::size_t>(from)], place[i]});
            m.net.rows.push_back(d.row);
            m.net.names.push_back(std::move(d.name));
            m.parameters.push_back(std::move(d.parameters));
        }
        validate(m.net);
        m.input = preprocessing_from(file_.metadata);
        return m;
    }

    model_proto file_;
    operator_set known_;
    budget spent_;
    onnx::demand demand_;
    std::int64_t batch_ = 1;
    std::unordered_map<std::string_view, std::size_t> initializers_;
    std::unordered_map<std::string_view, std::size_t> producers_;
    std::unordered_map<std::string_view, std::size_t> uses_;
    std::unordered_map<std::string_view, value> values_;
    std::deque<tensor_proto> kept_;
    std::vector<draft> rows_;
    std::vector<std::size_t> fed_;    ///< rows that a row's output feeds so far
    std::vector<std::size_t> reads_;  ///< reads to come of tensors that stand for a row
    std::unordered_set<std::string> names_;
    std::unordered_map<std::string, std::size_t> repeats_;
};

inline value& operation::raw(std::size_t i) const {
    if (!has(i)) throw fail(text_of({"input ", i, " is missing"}));
    return graph_.find(node_.inputs[i], *this);
}

inline bool operation::alone(std::size_t i) const {
    return graph_.alone(node_.inputs[i]);
}

inline bool operation::owned(std::size_t i) const {
    const value& x = raw(i);
    return x.unread == 1 && graph_.owned(x);
}

inline value& operation::data(std::size_t i) const {
    value& x = raw(i);
    graph_.settle(x);
    return x;
}

inline std::vector<std::int64_t> operation::integers(std::size_t i, const char* what) const {
    const constant& c = known(i, what);
    if (c.floating)
        throw fail(std::string(what) + " " + quoted(node_.inputs[i]) +
                   " must be integers, not floats");
    return onnx::integers(c, graph_.spent());
}

inline std::vector<float> operation::weights(std::size_t i, const char* what) const {
    const constant& c = known(i, what);
    if (!c.floating)
        throw fail(std::string(what) + " " + quoted(node_.inputs[i]) + " must be float32, not " +
                   (c.file != nullptr ? data_type_name(c.file->type) : "integers"));
    return onnx::weights(c, graph_.spent());
}

inline double operation::scalar(std::size_t i, const char* what) const {
    const constant& c = known(i, what);
    if (c.count() != 1) throw fail(std::string(what) + " is not a single number");
    return numbers(c, graph_.spent())[0];
}

inline value operation::emit(const layer_row& row, std::vector<int> from,
                             layer_parameters parameters, std::string_view weight_name) const {
    constexpr std::string_view suffix = ".weight";
    draft d;
    d.row = row;
    d.parameters = std::move(parameters);
    d.from = std::move(from);
    if (weight_name.ends_with(suffix)) weight_name.remove_suffix(suffix.size());
    d.name = printable(!node_.name.empty() ? node_.name : weight_name);
    value x;
    x.from = graph_.add(std::move(d));
    x.shape = row.out;
    x.made_by = &node_;
    return x;
}

inline void operation::give(value x) const {
    x.made_by = &node_;
    graph_.set(node_.outputs[0], std::move(x));
}

inline void operation::pass(std::size_t i) const {
    const form now = raw(i).form;
    if (!alone(i) && (now == form::affine || now == form::relu_plus3 || now == form::relu6_plus3))
        data(i);  // two pending copies would fold twice
    graph_.set(node_.outputs[0], raw(i));
}

}  // namespace hass::detail::onnx
