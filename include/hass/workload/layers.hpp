/// \file layers.hpp
/// Layers and networks as types. Each type lowers once to rows and edges; from then on nothing is
/// a type any more:
///
///     using net = hass::sequential<hass::input<3, 224, 224>,
///                                  hass::conv2d<3, 64, 7, hass::stride<2>, hass::pad<3>>,
///                                  hass::relu, hass::global_average_pool, hass::flatten,
///                                  hass::linear<64, 1000>>;
///     constexpr hass::network_view view = net{};
///
/// A layer that does not accept the shape that reaches it fails to compile; the error names the
/// layer and the shape. A layer of your own is any type that meets the concept `Layer`.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include <hass/workload/layer.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// \name Options of conv2d and the pools; any subset, any order, the last of a kind counts.
/// Defaults: stride 1, no padding, dilation 1, one group, with bias.
/// @{

/// Pixels between windows.
template <int H, int W = H>
struct stride {
    static constexpr void apply(layer_row& r) { r.stride_h = H, r.stride_w = W; }
};
/// Symmetric padding; `pad_edges` for different amounts on the four sides.
template <int H, int W = H>
struct pad {
    static constexpr void apply(layer_row& r) {
        r.pad_top = r.pad_bottom = H;
        r.pad_left = r.pad_right = W;
    }
};
/// Padding of each side.
template <int Top, int Left, int Bottom, int Right>
struct pad_edges {
    static constexpr void apply(layer_row& r) {
        r.pad_top = Top, r.pad_left = Left, r.pad_bottom = Bottom, r.pad_right = Right;
    }
};
/// Distance of taps.
template <int H, int W = H>
struct dilation {
    static constexpr void apply(layer_row& r) { r.dilation_h = H, r.dilation_w = W; }
};
/// Groups of channels.
template <int G>
struct groups {
    static constexpr void apply(layer_row& r) { r.groups = G; }
};
/// Without a bias.
struct no_bias {
    static constexpr void apply(layer_row& r) { r.bias = false; }
};
/// The last window may reach over the edge.
struct ceil_mode {
    static constexpr void apply(layer_row& r) { r.ceil_mode = true; }
};
/// @}

namespace detail {

template <class... Options>
constexpr layer_row windowed_row(layer_kind kind, shape in, int out_channels, int kernel_h,
                                 int kernel_w, bool bias) {
    layer_row r;
    r.kind = kind, r.in = in, r.kernel_h = kernel_h, r.kernel_w = kernel_w, r.bias = bias;
    (Options::apply(r), ...);
    r.out = {out_channels,
             window_extent(in.height, kernel_h, r.stride_h, r.pad_top, r.pad_bottom, r.dilation_h,
                           r.ceil_mode),
             window_extent(in.width, kernel_w, r.stride_w, r.pad_left, r.pad_right, r.dilation_w,
                           r.ceil_mode)};
    return r;
}

constexpr bool sound(const layer_row& r) {
    return r.out.channels >= 1 && r.out.height >= 1 && r.out.width >= 1 && r.groups >= 1 &&
           r.in.channels % r.groups == 0 && r.out.channels % r.groups == 0;
}

}  // namespace detail

/// Two-dimensional convolution with a K x K kernel.
template <int In, int Out, int K, class... Options>
struct conv2d {
    static constexpr layer_row row(shape in) {
        return detail::windowed_row<Options...>(layer_kind::convolution, in, Out, K, K, true);
    }
    static constexpr bool accepts(shape in) { return in.channels == In && detail::sound(row(in)); }
};

/// Convolution with one filter a channel.
template <int Channels, int K, class... Options>
using depthwise = conv2d<Channels, Channels, K, groups<Channels>, Options...>;

/// 1x1 convolution.
template <int In, int Out, class... Options>
using pointwise = conv2d<In, Out, 1, Options...>;

/// Fully connected layer on a flattened input.
template <int In, int Out, class... Options>
struct linear {
    static constexpr layer_row row(shape in) {
        layer_row r;
        r.kind = layer_kind::linear, r.in = in, r.out = {Out, 1, 1}, r.bias = true;
        (Options::apply(r), ...);
        return r;
    }
    static constexpr bool accepts(shape in) { return in == shape{In, 1, 1}; }
};

/// Largest value of a window.
template <int K, class... Options>
struct max_pool {
    static constexpr layer_row row(shape in) {
        return detail::windowed_row<Options...>(layer_kind::max_pool, in, in.channels, K, K, false);
    }
    static constexpr bool accepts(shape in) { return detail::sound(row(in)); }
};

/// Max pool whose windows lie side by side: stride K unless an option says otherwise.
template <int K, class... Options>
using pool = max_pool<K, stride<K>, Options...>;

/// Mean of a window.
template <int K, class... Options>
struct average_pool {
    static constexpr layer_row row(shape in) {
        return detail::windowed_row<Options...>(layer_kind::average_pool, in, in.channels, K, K,
                                                false);
    }
    static constexpr bool accepts(shape in) { return detail::sound(row(in)); }
};

namespace detail {

/// A layer that maps each value (or channel) on its own.
template <layer_kind Kind>
struct plain_layer {
    static constexpr layer_row row(shape in) {
        layer_row r;
        r.kind = Kind, r.in = r.out = in;
        if (Kind == layer_kind::global_average_pool) r.out = {in.channels, 1, 1};
        if (Kind == layer_kind::flatten) r.out = {static_cast<int>(in.volume()), 1, 1};
        return r;
    }
    static constexpr bool accepts(shape) { return true; }
};

}  // namespace detail

struct relu : detail::plain_layer<layer_kind::relu> {};
struct relu6 : detail::plain_layer<layer_kind::relu6> {};
struct hardswish : detail::plain_layer<layer_kind::hardswish> {};
struct hardsigmoid : detail::plain_layer<layer_kind::hardsigmoid> {};
struct sigmoid : detail::plain_layer<layer_kind::sigmoid> {};
struct swish : detail::plain_layer<layer_kind::swish> {};
struct softmax : detail::plain_layer<layer_kind::softmax> {};
struct flatten : detail::plain_layer<layer_kind::flatten> {};
struct global_average_pool : detail::plain_layer<layer_kind::global_average_pool> {};

namespace detail {

/// Where lowering stands: the row that gives the current data, and its shape.
struct cursor {
    int from = network_input;
    shape at{};
};

/// The rows and edges of one network of types, filled front to back.
template <int Rows, int Edges>
struct lowering {
    std::array<layer_row, static_cast<std::size_t>(Rows)> rows{};
    std::array<edge, static_cast<std::size_t>(Edges)> edges{};
    int row_count = 0;
    int edge_count = 0;

    /// Appends a row fed by `inputs`; the new row is where lowering stands next.
    template <class... Cursors>
    constexpr cursor append(const layer_row& row, Cursors... inputs) {
        rows[static_cast<std::size_t>(row_count)] = row;
        ((edges[static_cast<std::size_t>(edge_count++)] = edge{inputs.from, row_count}), ...);
        return {row_count++, row.out};
    }
};

/// A block is made of several layers: it knows how many rows and edges it lowers to (`row_count`,
/// `edge_count`), the shape it gives, and appends the rows itself.
template <class B>
concept Block = requires(shape in) {
    { B::row_count } -> std::convertible_to<int>;
    { B::edge_count } -> std::convertible_to<int>;
    { B::out(in) } -> std::same_as<shape>;
};

template <class L>
requires(Block<L> || Layer<L>) constexpr int row_count() {
    if constexpr (Block<L>) return L::row_count;
    return 1;
}

template <class L>
constexpr int edge_count() {
    if constexpr (Block<L>) return L::edge_count;
    return 1;
}

template <class L>
constexpr shape out(shape in) {
    if constexpr (Block<L>)
        return L::out(in);
    else
        return L::row(in).out;
}

template <class L>
constexpr cursor lower(auto& sink, cursor at) {
    if constexpr (Block<L>)
        return L::lower(sink, at);
    else
        return sink.append(L::row(at.at), at);
}

/// Checks one part of a network against the shape that reaches it, and names both when it fails.
template <class L, shape Reaches>
constexpr bool check() {
    if constexpr (Block<L>) {
        return L::template check<Reaches>();
    } else {
        static_assert(L::accepts(Reaches),
                      "hass: this layer does not accept the shape {channels, height, width} that "
                      "reaches it; both stand in the template arguments of check<layer, shape>");
        return true;
    }
}

template <shape Reaches>
constexpr bool check_chain() {
    return true;
}
template <shape Reaches, class L, class... Rest>
constexpr bool check_chain() {
    if constexpr (check<L, Reaches>()) return check_chain<out<L>(Reaches), Rest...>();
}

}  // namespace detail

/// First element of a network: the image, channels x height x width. Adds no row.
template <int Channels, int Height, int Width>
struct input {
    static constexpr int row_count = 0;
    static constexpr int edge_count = 0;
    static constexpr shape out(shape) { return {Channels, Height, Width}; }
    template <shape>
    static constexpr bool check() {
        return true;
    }
    static constexpr detail::cursor lower(auto&, detail::cursor) {
        return {network_input, {Channels, Height, Width}};
    }
};

template <class... Parts>
struct sequential;

namespace detail {

template <class Part>
inline constexpr bool starts_with_input = false;
template <int Channels, int Height, int Width>
inline constexpr bool starts_with_input<input<Channels, Height, Width>> = true;
template <class First, class... Rest>
inline constexpr bool starts_with_input<sequential<First, Rest...>> = starts_with_input<First>;

}  // namespace detail

/// One part after the other. The outermost one starts with `input<...>` and is the network: it
/// converts to `network_view`, a constant expression. `sequential<>` passes data through.
template <class... Parts>
struct sequential {
    static constexpr int row_count = (0 + ... + detail::row_count<Parts>());
    static constexpr int edge_count = (0 + ... + detail::edge_count<Parts>());

    static constexpr shape out(shape in) {
        ((in = detail::out<Parts>(in)), ...);
        return in;
    }
    template <shape Reaches>
    static constexpr bool check() {
        return detail::check_chain<Reaches, Parts...>();
    }
    static constexpr detail::cursor lower(auto& sink, detail::cursor at) {
        ((at = detail::lower<Parts>(sink, at)), ...);
        return at;
    }

    constexpr operator network_view() const {
        static_assert(detail::starts_with_input<sequential>,
                      "hass: a network starts with hass::input<channels, height, width>");
        static_assert(check<shape{}>());
        return {lowered.rows, lowered.edges, {}};
    }

  private:
    static constexpr auto make() {
        detail::lowering<row_count, edge_count> sink;
        lower(sink, detail::cursor{});
        return sink;
    }
    struct storage;  // delays lowering until every shape has been checked
    static constexpr auto& lowered = storage::value;
};

/// Rows and edges of the whole, computed once.
template <class... Parts>
struct sequential<Parts...>::storage {
    /// Rows, then edges.
    static constexpr auto value = make();
};

/// Body and shortcut see the same data and are added: `residual<body>` has the identity as its
/// shortcut. Rows: body, shortcut, add.
template <class Body, class Shortcut = sequential<>>
struct residual {
    static constexpr int row_count = detail::row_count<Body>() + detail::row_count<Shortcut>() + 1;
    static constexpr int edge_count =
        detail::edge_count<Body>() + detail::edge_count<Shortcut>() + 2;

    static constexpr shape out(shape in) { return detail::out<Body>(in); }
    template <shape Reaches>
    static constexpr bool check() {
        constexpr bool parts = detail::check<Body, Reaches>() && detail::check<Shortcut, Reaches>();
        static_assert(detail::out<Body>(Reaches) == detail::out<Shortcut>(Reaches),
                      "hass: body and shortcut of this residual block give different shapes");
        return parts;
    }
    static constexpr detail::cursor lower(auto& sink, detail::cursor at) {
        const detail::cursor body = detail::lower<Body>(sink, at);
        const detail::cursor shortcut = detail::lower<Shortcut>(sink, at);
        return sink.append(detail::plain_layer<layer_kind::add>::row(body.at), body, shortcut);
    }
};

/// Data multiplied by a gate computed from it (squeeze-and-excitation); the gate gives one value a
/// channel, or a value for each value. Rows: gate, multiply.
template <class Gate>
struct gated {
    static constexpr int row_count = detail::row_count<Gate>() + 1;
    static constexpr int edge_count = detail::edge_count<Gate>() + 2;

    static constexpr shape out(shape in) { return in; }
    template <shape Reaches>
    static constexpr bool check() {
        constexpr bool part = detail::check<Gate, Reaches>();
        constexpr shape gate = detail::out<Gate>(Reaches);
        static_assert(gate == Reaches || gate == shape{Reaches.channels, 1, 1},
                      "hass: the gate must give one value a channel, or one for each value");
        return part;
    }
    static constexpr detail::cursor lower(auto& sink, detail::cursor at) {
        const detail::cursor gate = detail::lower<Gate>(sink, at);
        return sink.append(detail::plain_layer<layer_kind::multiply>::row(at.at), at, gate);
    }
};

/// Branches that see the same data, joined along the channels. Rows: the branches, concat.
template <class... Branches>
struct concat {
    static constexpr int row_count = (1 + ... + detail::row_count<Branches>());
    static constexpr int edge_count =
        (static_cast<int>(sizeof...(Branches)) + ... + detail::edge_count<Branches>());

    static constexpr shape out(shape in) {
        shape joined{0, 1, 1};
        ((joined = {joined.channels + detail::out<Branches>(in).channels,
                    detail::out<Branches>(in).height, detail::out<Branches>(in).width}),
         ...);
        return joined;
    }
    template <shape Reaches>
    static constexpr bool check() {
        constexpr bool parts = (detail::check<Branches, Reaches>() && ...);
        constexpr shape joined = out(Reaches);
        static_assert(((detail::out<Branches>(Reaches).height == joined.height &&
                        detail::out<Branches>(Reaches).width == joined.width) &&
                       ...),
                      "hass: the branches of this concat give maps of different size");
        return parts;
    }
    static constexpr detail::cursor lower(auto& sink, detail::cursor at) {
        return join(sink, detail::lower<Branches>(sink, at)...);
    }

  private:
    static constexpr detail::cursor join(auto& sink, auto... branches) {
        layer_row row;
        row.kind = layer_kind::concat;
        row.out = {(0 + ... + branches.at.channels), 1, 1};
        const std::array shapes{branches.at...};
        row.in = shapes.front();
        row.out.height = row.in.height, row.out.width = row.in.width;
        return sink.append(row, branches...);
    }
};

}  // namespace hass
