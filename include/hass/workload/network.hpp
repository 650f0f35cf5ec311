/// \file network.hpp
/// Rows and the edges between them: what every other room takes. A network of types
/// (`layers.hpp`) and one read from a file (`onnx.hpp`) are the same thing from here on.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Data flows from row `from` to row `to`; `from` = network_input is the image itself.
/// Rows are in topological order (from < to); edges stand in the order of the rows that they lead
/// to, and a row's edges in the order of its inputs.
struct edge {
    int from = -1;  ///< row that gives; `network_input`: the image
    int to = 0;     ///< row that takes

    constexpr bool operator==(const edge&) const = default;
};

/// What feeds the first rows: the image.
inline constexpr int network_input = -1;

/// A network somebody else owns. `names` is empty for networks of types.
struct network_view {
    std::span<const layer_row> rows;     ///< in topological order
    std::span<const edge> edges;         ///< by row that takes, in the order of its inputs
    std::span<const std::string> names;  ///< of rows; empty: none has one

    constexpr std::size_t size() const { return rows.size(); }
    /// Row `i`.
    constexpr const layer_row& operator[](std::size_t i) const { return rows[i]; }
};

/// Whatever can be looked at as rows and edges.
template <class N>
concept Network = std::convertible_to<const N&, network_view>;

/// A network that owns its rows, as read from a file.
struct network {
    std::vector<layer_row> rows;     ///< in topological order
    std::vector<edge> edges;         ///< by row that takes, in the order of its inputs
    std::vector<std::string> names;  ///< one a row, unique

    operator network_view() const {  // pointers: ranges cost 5 MiB to compile
        return {
            {rows.data(), rows.size()}, {edges.data(), edges.size()}, {names.data(), names.size()}};
    }
    bool operator==(const network&) const = default;
};

/// Name of row `i`: the file's, or "<kind> <index>" for networks of types.
inline std::string name_of(const network_view& net, std::size_t i) {
    if (i < net.names.size()) return net.names[i];
    return text_of({name(net.rows[i].kind), " ", i});
}

/// Multiply-accumulates of one image.
constexpr std::int64_t mac_count(const network_view& net) {
    std::int64_t sum = 0;
    for (const layer_row& row : net.rows) sum += mac_count(row);
    return sum;
}

/// Weights without biases.
constexpr std::int64_t weight_count(const network_view& net) {
    std::int64_t sum = 0;
    for (const layer_row& row : net.rows) sum += weight_count(row);
    return sum;
}

/// Shape of the image that the network takes: the input of the first row fed by it.
constexpr shape input_shape(const network_view& net) {
    for (const edge& e : net.edges)
        if (e.from == network_input) return net.rows[static_cast<std::size_t>(e.to)].in;
    return net.rows.empty() ? shape{} : net.rows.front().in;
}

/// Checks what all other rooms rely on: positive extents, groups that divide, outputs that follow
/// from inputs, edges in topological order, shapes that agree along every edge.
/// \throws hass::error naming the row and the field
void validate(const network_view& net);

namespace detail {

inline std::string text(const shape& s) {
    return text_of({s.channels, "x", s.height, "x", s.width});
}

inline void require(bool holds, const network_view& net, std::size_t i, const std::string& what) {
    if (!holds) throw error("layer '" + name_of(net, i) + "': " + what);
}

inline void validate_row(const network_view& net, std::size_t i) {
    const layer_row& r = net.rows[i];
    const bool positive = r.in.channels >= 1 && r.in.height >= 1 && r.in.width >= 1 &&
                          r.out.channels >= 1 && r.out.height >= 1 && r.out.width >= 1;
    require(positive, net, i, "shape " + text(r.in) + " -> " + text(r.out) + " has an empty axis");
    require(r.kernel_h >= 1 && r.kernel_w >= 1 && r.stride_h >= 1 && r.stride_w >= 1 &&
                r.dilation_h >= 1 && r.dilation_w >= 1,
            net, i, "kernel, stride and dilation must be at least 1");
    const bool cuts = r.kind == layer_kind::crop || r.kind == layer_kind::space_to_depth;
    require(cuts || (r.pad_top >= 0 && r.pad_left >= 0 && r.pad_bottom >= 0 && r.pad_right >= 0),
            net, i, "padding must not be negative");
    require(r.groups >= 1 && r.in.channels % r.groups == 0 && r.out.channels % r.groups == 0, net,
            i, text_of({"groups = ", r.groups, " must divide the channels"}));
    if (slides(r.kind)) {
        const int h = window_extent(r.in.height, r.kernel_h, r.stride_h, r.pad_top, r.pad_bottom,
                                    r.dilation_h, r.ceil_mode);
        const int w = window_extent(r.in.width, r.kernel_w, r.stride_w, r.pad_left, r.pad_right,
                                    r.dilation_w, r.ceil_mode);
        require(h == r.out.height && w == r.out.width, net, i,
                text_of({"output ", text(r.out), " does not follow from input ", text(r.in),
                         " (expected ", h, "x", w, ")"}));
    }
    if (r.kind == layer_kind::linear)
        require(r.in.pixels() == 1 && r.out.pixels() == 1, net, i,
                "a linear layer takes and gives vectors, not " + text(r.in) + " -> " + text(r.out));
    const std::string gives = text(r.in) + " -> " + text(r.out);
    if (renames(r.kind) || r.kind == layer_kind::depth_to_space)  // a reorder may repeat some
        require(r.in.volume() >= r.out.volume(), net, i, gives + " has more values than it takes");
    if (r.kind == layer_kind::reshape || r.kind == layer_kind::select_channels)
        require(r.in.pixels() == r.out.pixels(), net, i, gives + " changes the number of pixels");
    if (r.kind == layer_kind::pad)
        require(r.out.height == r.in.height + r.pad_top + r.pad_bottom &&
                    r.out.width == r.in.width + r.pad_left + r.pad_right &&
                    r.out.channels >= r.in.channels,
                net, i, gives + " does not follow from its padding");
    if (r.kind == layer_kind::depth_to_space)
        require(r.out.height == r.in.height * r.stride_h && r.out.width == r.in.width * r.stride_w,
                net, i, gives + " does not follow from its block");
}

/// Whether `from` may stand for `whole`: one channel for all of them, or one pixel.
constexpr bool spreads_to(const shape& from, const shape& whole) {
    return (from.channels == 1 || from.channels == whole.channels) &&
           (from.pixels() == 1 || (from.height == whole.height && from.width == whole.width));
}

}  // namespace detail

inline void validate(const network_view& net) {
    if (net.rows.empty()) throw error("the network has no layers");
    std::vector<int> inputs(net.size(), 0);
    std::vector<int> joined(net.size(), 0);  // channels, or extents, of inputs so far
    for (std::size_t i = 0; i < net.size(); ++i) detail::validate_row(net, i);
    for (const edge& e : net.edges) {
        if (e.to < 0 || static_cast<std::size_t>(e.to) >= net.size() || e.from < network_input ||
            e.from >= e.to)
            throw error(text_of({"edge ", e.from, " -> ", e.to, " is not in topological order"}));
        if (&e != net.edges.data() && e.to < (&e - 1)->to)
            throw error(text_of({"edge ", e.from, " -> ", e.to,
                                 " stands behind one that leads to row ", (&e - 1)->to}));
        const auto to = static_cast<std::size_t>(e.to);
        const layer_row& row = net.rows[to];
        ++inputs[to];
        if (e.from == network_input) continue;
        const shape& from = net.rows[static_cast<std::size_t>(e.from)].out;
        if (row.kind == layer_kind::concat) {
            detail::require(from.height == row.in.height && from.width == row.in.width, net, to,
                            "inputs of different size: " + detail::text(from));
            detail::require(from.channels <= row.out.channels - joined[to], net, to,
                            "joins more channels than it gives");
            joined[to] += from.channels;
            continue;
        }
        if (row.kind == layer_kind::stack) {
            const bool below = row.in.width == row.out.width;
            const int extent = below ? from.height : from.width;
            detail::require(
                from.channels == row.in.channels &&
                    (below ? from.width == row.out.width : from.height == row.out.height) &&
                    extent <= (below ? row.out.height : row.out.width) - joined[to],
                net, to, "stacks maps that do not fit: " + detail::text(from));
            joined[to] += extent;
            continue;
        }
        if (takes_second(row) && inputs[to] == 2) {
            const shape second = second_input(row);
            detail::require(from.channels == second.channels && from.pixels() == second.pixels(),
                            net, to,
                            (is_compute(row) ? "multiplies " : "samples at ") +
                                detail::text(second) + ", not " + detail::text(from));
            continue;
        }
        const bool spread = combines(row.kind) && detail::spreads_to(from, row.out);
        detail::require(from == row.in || spread, net, to,
                        "expects " + detail::text(row.in) + " but '" +
                            name_of(net, static_cast<std::size_t>(e.from)) + "' gives " +
                            detail::text(from));
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
        const bool product = net.rows[i].kind == layer_kind::matmul;
        detail::require(inputs[i] >= 1, net, i, "has no input");
        detail::require(!product || inputs[i] == 2, net, i, "needs two inputs");
    }
}

}  // namespace hass
