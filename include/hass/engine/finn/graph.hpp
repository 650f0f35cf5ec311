/// \file graph.hpp
/// A network as the nodes that FINN builds it from, under FINN's names: MVAU_hls_0, MVAU_hls_1, ...
/// each operator counted in graph order.
///
///     convolution   FMPadding where it pads, ConvolutionInputGenerator unless it is 1x1 at stride 1,
///                   then MVAU, or VVAU where every channel is its own group; other groups are a
///                   dense MVAU with zeros (qonnx's LowerConvsToMatMul knows no others)
///     linear        MVAU
///     activation    thresholds: inside the MVAU, or a Thresholding of their own
///     max pool      StreamingMaxPool where windows stand side by side, else ConvolutionInputGenerator
///                   and Pool; average pools the latter; over whole maps GlobalAccPool
///     add           AddStreams, behind requantised inputs; several readers: DuplicateStreams
///     answers       LabelSelect
///
/// Every convolution is requantised to the width of activations, but the one that answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <hass/engine/finn/movement.hpp>
#include <hass/engine/finn/mvau.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/finn/window.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass::finn {

/// How a network is quantised and built.
struct build {
    int weight_bits = 4;        ///< 1 (bipolar) .. 8
    int activation_bits = 4;    ///< 1 (bipolar) .. 8
    int image_bits = 8;         ///< unsigned
    int first_weight_bits = 0;  ///< of rows that read the image; 0: as the others
    /// Thresholds as nodes of their own, which RTL back ends need; else inside of MVAUs.
    bool standalone_thresholds = true;
    bool label_select = true;            ///< the answer is the index of the largest
    dsp_block dsp = dsp_block::dsp48e2;  ///< of the part that is built for
};

/// Any node that a graph may hold.
using node_kind =
    std::variant<mvau, vvau, sliding_window, padding, thresholding, add_streams, duplicate_streams,
                 global_pool, window_pool, streaming_max_pool, label_select>;

/// A node of the graph.
struct node {
    std::string name;     ///< as FINN gives it
    node_kind kind;       ///< what it is, and how it is folded
    std::size_t row = 0;  ///< of the network

    /// Its operator: the name without its number.
    std::string_view op() const { return std::string_view(name).substr(0, name.rfind('_')); }
};

/// A stream between nodes.
struct stream {
    /// Nodes.
    std::size_t from = 0, to = 0;
    int bits = 1;           ///< of an element
    std::size_t input = 0;  ///< of the row that reads it: which of its inputs
};

/// A network as FINN builds it.
struct graph {
    std::vector<node> nodes;         ///< in topological order
    std::vector<stream> streams;     ///< between nodes
    double image_bits = 0.0;         ///< of one image and its answer
    std::vector<std::string> notes;  ///< what has to be done to the file before FINN takes it

    /// Whether node `n` folds together with the one before: what stands behind a depthwise sliding
    /// window.
    bool tied(std::size_t n) const {
        return n > 0 && (std::holds_alternative<vvau>(nodes[n].kind) ||
                         std::holds_alternative<window_pool>(nodes[n].kind));
    }
};

namespace detail {

/// Builds a graph row by row.
class lowering {
  public:
    lowering(const network_view& net, const build& how) : net_(net), how_(how) {
        validate(net);
        if (how.weight_bits < 1 || how.weight_bits > 8 || how.activation_bits < 1 ||
            how.activation_bits > 8 || how.image_bits < 1 || how.first_weight_bits < 0 ||
            how.first_weight_bits > 8)
            throw error("finn: weights and activations have 1 to 8 bits");
        readers_.resize(net.size());
        inputs_.resize(net.size());
        if (net.edges.empty())
            for (std::size_t i = 0; i < net.size(); ++i) read(static_cast<int>(i) - 1, i);
        for (const edge& e : net.edges) read(e.from, static_cast<std::size_t>(e.to));
        out_.resize(net.size());
        for (std::size_t i = 0; i < net.size(); ++i) lower(i);
        finish();
    }
    graph take() { return std::move(g_); }

  private:
    /// What a row gives: by which node, of which type.
    struct value {
        std::size_t node = nowhere;
        data_type type{};
    };
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    void read(int from, std::size_t to) {
        inputs_[to].push_back(from);
        if (from != network_input) readers_[static_cast<std::size_t>(from)].push_back(to);
    }
    data_type activation_type() const {
        return how_.activation_bits == 1 ? bipolar : uint_type(how_.activation_bits);
    }
    static data_type signed_type(int bits) { return bits == 1 ? bipolar : int_type(bits); }

    static bool is_activation(layer_kind k) {
        return k == layer_kind::relu || k == layer_kind::relu6 || k == layer_kind::sigmoid ||
               k == layer_kind::hardsigmoid;
    }
    /// The row behind row `i` and what only renames.
    std::size_t reader(std::size_t i) const {
        return readers_[i].size() == 1 ? readers_[i].front() : nowhere;
    }
    bool answers(std::size_t i) const {
        if (readers_[i].empty()) return true;
        const std::size_t r = reader(i);
        return r != nowhere && renames(net_.rows[r].kind) && answers(r);
    }
    value input(std::size_t i, std::size_t k = 0) const {
        const int from = inputs_[i][k];
        return from == network_input ? value{nowhere, uint_type(how_.image_bits)}
                                     : out_[static_cast<std::size_t>(from)];
    }

    value add(std::size_t row, std::string op, node_kind kind, const value& from,
              const data_type& gives, std::size_t input = 0) {
        const std::size_t n = g_.nodes.size();
        if (from.node != nowhere) g_.streams.push_back({from.node, n, from.type.bits, input});
        g_.nodes.push_back({std::move(op), std::move(kind), row});
        return {n, gives};
    }

    void lower(std::size_t i) {
        const layer_row& r = net_.rows[i];
        if (renames(r.kind))
            out_[i] = input(i);
        else if (has_weights(r))
            out_[i] = product(i);
        else if (is_activation(r.kind))
            out_[i] = activation(i);
        else if (r.kind == layer_kind::max_pool || r.kind == layer_kind::average_pool)
            out_[i] = pool(i);
        else if (r.kind == layer_kind::global_average_pool)
            out_[i] = whole_map(i);
        else if (r.kind == layer_kind::add)
            out_[i] = sum(i);
        else
            throw error(text_of(
                {"finn: layer '", name_of(net_, i), "': a ", name(r.kind), " has no node here"}));
        // what only renames gives on the stream of another row
        const std::size_t copies = readers_[i].size();
        if (copies > 1) {
            duplicate_streams d;
            d.channels = r.out.channels, d.vectors = r.out.pixels();
            d.copies = static_cast<int>(copies), d.input = out_[i].type;
            out_[i] = add(i, "DuplicateStreams_hls", d, out_[i], out_[i].type);
        }
    }

    /// Padded and cut into windows, where the row has any.
    value windows(std::size_t i, value in, bool depthwise) {
        const layer_row& r = net_.rows[i];
        const int h = r.in.height + r.pad_top + r.pad_bottom;
        const int w = r.in.width + r.pad_left + r.pad_right;
        if (h != r.in.height || w != r.in.width) {
            padding p;
            p.channels = r.in.channels, p.pixels = std::int64_t{h} * w, p.input = in.type;
            in = add(i, "FMPadding_rtl", p, in, in.type);
        }
        const bool plain = r.kernel_h * r.kernel_w == 1 && r.stride_h * r.stride_w == 1;
        if (plain && !depthwise) return in;
        sliding_window s;
        s.channels = r.in.channels;
        s.kernel_h = r.kernel_h, s.kernel_w = r.kernel_w;
        s.stride_h = r.stride_h, s.stride_w = r.stride_w;
        s.dilation_h = r.dilation_h, s.dilation_w = r.dilation_w;
        s.height = h, s.width = w, s.out_height = r.out.height, s.out_width = r.out.width;
        s.input = in.type, s.depthwise = depthwise;
        return add(i, "ConvolutionInputGenerator_rtl", s, in, in.type);
    }

    template <class Unit>
    void quantise(std::size_t i, const value& in, std::int64_t length, Unit& u) {
        const bool first = inputs_[i].front() == network_input && how_.first_weight_bits > 0;
        u.weight = signed_type(first ? how_.first_weight_bits : how_.weight_bits);
        u.input = in.type;
        u.accumulator = int_type(static_cast<int>(u.accumulator_bits(length)));
        const std::size_t next = reader(i);
        const bool activated = next != nowhere && is_activation(net_.rows[next].kind);
        u.activation = !how_.standalone_thresholds && !answers(i);
        u.output = !u.activation ? u.accumulator
                   : activated   ? activation_type()
                                 : signed_type(how_.activation_bits);
        u.threshold_ram_style = ram_style::distributed;
    }

    value product(std::size_t i) {
        const layer_row& r = net_.rows[i];
        const bool depthwise =
            r.groups > 1 && r.groups == r.in.channels && r.out.channels == r.in.channels;
        if (r.groups > 1 && !depthwise)
            g_.notes.push_back(text_of(
                {"layer '", name_of(net_, i), "': ", r.groups, " groups of ", channels_per_group(r),
                 " channels as a dense convolution, in whose weights zeros stand for the other "
                 "groups: FINN lowers dense and depthwise convolutions only"}));
        const value in = windows(i, input(i), depthwise);
        if (depthwise) {
            vvau v;
            v.channels = r.in.channels, v.kernel = taps(r), v.pixels = r.out.pixels();
            quantise(i, in, taps(r), v);
            const bool rtl =
                how_.dsp == dsp_block::dsp58 &&
                mvau_back_end(v.weight, v.input, v.activation, how_.dsp) == back_end::rtl;
            v.built = rtl ? back_end::rtl : back_end::hls;
            return requantised(i, add(i, rtl ? "VVAU_rtl" : "VVAU_hls", v, in, v.output));
        }
        mvau m;
        m.mw = r.in.channels * taps(r), m.mh = r.out.channels, m.vectors = r.out.pixels();
        quantise(i, in, m.mw, m);
        m.built = mvau_back_end(m.weight, m.input, m.activation, how_.dsp);
        const char* op = m.built == back_end::rtl ? "MVAU_rtl" : "MVAU_hls";
        return requantised(i, add(i, op, m, in, m.output));
    }

    /// Behind a product without thresholds that no activation follows, unless it answers.
    value requantised(std::size_t i, const value& v) {
        const std::size_t next = reader(i);
        const bool activated = next != nowhere && is_activation(net_.rows[next].kind);
        if (!how_.standalone_thresholds || activated || answers(i)) return v;
        return thresholds(i, v, signed_type(how_.activation_bits));
    }

    value thresholds(std::size_t i, const value& in, const data_type& to) {
        thresholding t;
        const layer_row& r = net_.rows[i];
        t.channels = r.out.channels, t.vectors = r.out.pixels();
        t.input = t.threshold = in.type, t.output = to;
        return add(i, "Thresholding_rtl", t, in, to);
    }

    value activation(std::size_t i) {
        const value in = input(i);
        const int from = inputs_[i].front();
        // embedded in the product before
        if (!how_.standalone_thresholds && from != network_input &&
            has_weights(net_.rows[static_cast<std::size_t>(from)]) &&
            reader(static_cast<std::size_t>(from)) == i)
            return in;
        return thresholds(i, in, activation_type());
    }

    value pool(std::size_t i) {
        const layer_row& r = net_.rows[i];
        const value in = input(i);
        const bool beside = r.kind == layer_kind::max_pool && r.kernel_h == r.stride_h &&
                            r.kernel_w == r.stride_w && r.kernel_h == r.kernel_w &&
                            r.in.height == r.in.width && r.in.height % r.kernel_h == 0 &&
                            r.pad_top + r.pad_left + r.pad_bottom + r.pad_right == 0;
        if (beside) {
            streaming_max_pool p;
            p.channels = r.in.channels, p.height = r.in.height, p.width = r.in.width;
            p.kernel_h = r.kernel_h, p.kernel_w = r.kernel_w, p.input = in.type;
            return add(i, "StreamingMaxPool_hls", p, in, in.type);
        }
        const value window = windows(i, in, true);
        window_pool p;
        p.channels = r.in.channels, p.kernel = taps(r), p.pixels = r.out.pixels();
        p.input = p.output = in.type;
        return add(i, "Pool_hls", p, window, in.type);
    }

    value whole_map(std::size_t i) {
        const layer_row& r = net_.rows[i];
        const value in = input(i);
        global_pool p;
        p.channels = r.in.channels, p.vectors = r.in.pixels(), p.input = in.type;
        return add(i, "GlobalAccPool_hls", p, in, {p.output_bits(), in.type.is_signed});
    }

    value sum(std::size_t i) {
        const layer_row& r = net_.rows[i];
        if (inputs_[i].size() != 2)
            throw error(text_of({"finn: layer '", name_of(net_, i), "' adds ", inputs_[i].size(),
                                 " inputs; AddStreams takes 2"}));
        const value a = input(i, 0), b = input(i, 1);
        for (const int from : inputs_[i])
            if (from != network_input && net_.rows[static_cast<std::size_t>(from)].out != r.out)
                throw error(text_of(
                    {"finn: layer '", name_of(net_, i), "' adds maps of different extents"}));
        if (a.node == nowhere || b.node == nowhere)
            throw error(text_of({"finn: layer '", name_of(net_, i), "' adds the image itself"}));
        add_streams s;
        s.channels = r.out.channels, s.vectors = r.out.pixels();
        s.input = {std::max(a.type.bits, b.type.bits), a.type.is_signed || b.type.is_signed};
        const value v = add(i, "AddStreams_hls", s, a, int_type(s.input.bits + 1));
        g_.streams.push_back({b.node, v.node, b.type.bits, 1});
        return v;
    }

    void finish() {
        g_.image_bits = static_cast<double>(input_shape(net_).volume()) * how_.image_bits;
        for (std::size_t i = 0; i < net_.size(); ++i) {
            if (!readers_[i].empty()) continue;
            const layer_row& r = net_.rows[i];
            double bits = static_cast<double>(r.out.volume()) * out_[i].type.bits;
            if (how_.label_select && r.out.pixels() == 1 && out_[i].node != nowhere) {
                label_select l;
                l.labels = r.out.channels, l.input = out_[i].type;
                bits = static_cast<double>(l.bits_out());
                add(i, "LabelSelect_hls", l, out_[i], uint_type(static_cast<int>(l.bits_out())));
            }
            g_.image_bits += bits;
        }
        // FINN counts each operator
        std::vector<std::pair<std::string, int>> seen;
        for (node& n : g_.nodes) {
            auto at = std::find_if(seen.begin(), seen.end(),
                                   [&](const auto& s) { return s.first == n.name; });
            if (at == seen.end()) at = seen.insert(seen.end(), {n.name, 0});
            n.name += text_of({"_", at->second++});
        }
    }

    const network_view& net_;
    const build& how_;
    graph g_;
    std::vector<std::vector<std::size_t>> readers_;
    std::vector<std::vector<int>> inputs_;
    std::vector<value> out_;
};

}  // namespace detail

/// \throws hass::error for an invalid network, widths outside 1 .. 8, a row that FINN has no node for
inline graph graph_of(const network_view& net, const build& how = {}) {
    return detail::lowering(net, how).take();
}

}  // namespace hass::finn
