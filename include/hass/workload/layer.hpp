/// \file layer.hpp
/// The one structural record that every room reads: what a layer computes, not how.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>

namespace hass {

/// What a row computes. `convolution` and `linear` are the rows with weights ("compute rows"); all
/// others move or transform data only.
enum class layer_kind : std::uint8_t {
    convolution,
    linear,
    max_pool,
    average_pool,
    global_average_pool,
    add,
    multiply,
    concat,
    relu,
    relu6,
    hardswish,
    hardsigmoid,
    sigmoid,
    swish,
    flatten,
    softmax,
    subtract,
    divide,
    minimum,
    maximum,
    add_map,          ///< a constant of the map's size is added
    multiply_map,     ///< ... multiplied
    leaky_relu,       ///< one slope, or one a channel
    function,         ///< any other function of one value (`value_function.hpp`)
    channel_max,      ///< largest of all channels at each pixel
    lrn,              ///< local response normalisation; `kernel_h` channels a window
    group_norm,       ///< mean and variance of each group of channels over the whole map
    resize,           ///< values between pixels, at a pace of in / out pixels
    pad,              ///< a border around the map, or channels beside it
    crop,             ///< every stride-th pixel of a part of the map, and some channels
    select_channels,  ///< some channels in some order
    depth_to_space,   ///< a pixel of b^2 C channels becomes b x b pixels; b is the stride
    space_to_depth,   ///< the reverse: a window of pixels becomes one
    reshape,          ///< pixels under other extents
    reorder,          ///< all values in another order
    stack,            ///< maps below one another, or side by side
    matmul,           ///< of two activations: a 1x1 convolution, the second one its filters
    layer_norm,       ///< mean and variance of each group of channels at each pixel
    rms_norm,         ///< mean square of each group of channels at each pixel
    log_softmax,      ///< of each group of channels, as softmax
    embedding,        ///< a number becomes that row of a table, `kernel_h` rows high
    /// values between pixels, at places (x, y in -1 .. 1) that a second input of two channels says, or
    /// numbers of the row's own; `kernel_h` x `kernel_w` pixels each
    grid_sample,
};

inline constexpr std::array<std::string_view, 42> layer_kind_names{"convolution",
                                                                   "linear",
                                                                   "max_pool",
                                                                   "average_pool",
                                                                   "global_average_pool",
                                                                   "add",
                                                                   "multiply",
                                                                   "concat",
                                                                   "relu",
                                                                   "relu6",
                                                                   "hardswish",
                                                                   "hardsigmoid",
                                                                   "sigmoid",
                                                                   "swish",
                                                                   "flatten",
                                                                   "softmax",
                                                                   "subtract",
                                                                   "divide",
                                                                   "minimum",
                                                                   "maximum",
                                                                   "add_map",
                                                                   "multiply_map",
                                                                   "leaky_relu",
                                                                   "function",
                                                                   "channel_max",
                                                                   "lrn",
                                                                   "group_norm",
                                                                   "resize",
                                                                   "pad",
                                                                   "crop",
                                                                   "select_channels",
                                                                   "depth_to_space",
                                                                   "space_to_depth",
                                                                   "reshape",
                                                                   "reorder",
                                                                   "stack",
                                                                   "matmul",
                                                                   "layer_norm",
                                                                   "rms_norm",
                                                                   "log_softmax",
                                                                   "embedding",
                                                                   "grid_sample"};

/// Name of a kind as it stands in reports and files.
constexpr std::string_view name(layer_kind kind) {
    return layer_kind_names[static_cast<std::size_t>(kind)];
}

/// How a row of kind `function` is built.
enum class function_form : std::uint8_t {
    table,    ///< a lookup table
    rescale,  ///< multiplied by a constant, rounded to levels and saturated
    fused,    ///< by the row before, which makes data of its sums anyway: multiplied there
    /// nothing: what comes is on these levels already, or a table's, or one bit of it, or comes of sums
    /// that are shifted to them
    wire,
};

inline constexpr std::array<std::string_view, 4> function_form_names{"table", "rescale", "fused",
                                                                     "wire"};

/// Name of a form as it stands in reports.
constexpr std::string_view name(function_form form) {
    return function_form_names[static_cast<std::size_t>(form)];
}

/// One image's worth of a feature map: channels x height x width, each >= 1.
struct shape {
    int channels = 1;  ///< >= 1
    int height = 1;    ///< pixels, >= 1
    int width = 1;     ///< pixels, >= 1

    /// Values of an image.
    constexpr std::int64_t volume() const { return std::int64_t{channels} * height * width; }
    /// Values of a channel.
    constexpr std::int64_t pixels() const { return std::int64_t{height} * width; }
    constexpr bool operator==(const shape&) const = default;
};

/// Whether two maps have the same extents but for those of 1: values of either, in their order, are
/// those of the other.
constexpr bool same_extents(const shape& a, const shape& b) {
    const auto next = [](const shape& s, int& k) {
        for (; k < 3; ++k) {
            const int extent = k == 0 ? s.channels : k == 1 ? s.height : s.width;
            if (extent == 1) continue;
            ++k;
            return extent;
        }
        return 1;
    };
    for (int i = 0, j = 0; i < 3 || j < 3;)
        if (next(a, i) != next(b, j)) return false;
    return true;
}

/// One layer, fully resolved. For `linear`, `in` is {features, 1, 1} and the kernel is 1x1.
/// For rows with several inputs (`add`, `multiply`, `concat`) `in` is the first input's shape.
struct layer_row {
    layer_kind kind = layer_kind::convolution;  ///< what is computed
    shape in{};                                 ///< of one image
    shape out{};                                ///< of one image
    /// Taps.
    int kernel_h = 1, kernel_w = 1;
    /// Pixels.
    int stride_h = 1, stride_w = 1;
    /// Zeros on each side, pixels.
    int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
    /// Distance of taps, pixels.
    int dilation_h = 1, dilation_w = 1;
    /// Divides in.channels and out.channels; softmax, norms: each group of channels for itself.
    int groups = 1;
    /// Of a quantised network: bits of a weight, of a compute row, and of what comes in, of any row, or goes
    /// out of one without weights, if that is wider; 0: as the engine has it.
    int weight_bits = 0, data_bits = 0;
    function_form form = function_form::table;  ///< rows of kind `function`
    bool bias = false;                          ///< whether a bias is added (compute rows)
    bool ceil_mode = false;                     ///< pools: partial windows at the far edge count
    /// matmul: pixel n of the second input is filter n of every group, its channels are what each
    /// group's filters see; otherwise its channels are the filters and pixel k is what they see.
    bool transposed = false;
    /// Rows without weights that have `data_bits`: what goes out is on no levels, as wide as the engine has
    /// it.
    bool widens = false;

    constexpr std::int64_t macs() const;     ///< `mac_count` of this row
    constexpr std::int64_t weights() const;  ///< `weight_count` of this row
    constexpr bool operator==(const layer_row&) const = default;
};

/// Whether the row multiplies weights with activations, or a second input in their place; the only
/// rows that engines run.
constexpr bool is_compute(const layer_row& row) {
    return row.kind == layer_kind::convolution || row.kind == layer_kind::linear ||
           row.kind == layer_kind::matmul;
}

/// Whether the row has weights of its own.
constexpr bool has_weights(const layer_row& row) {
    return is_compute(row) && row.kind != layer_kind::matmul;
}

/// Rows that take several inputs value by value. An input of one channel holds for all channels, one
/// of a single pixel (a gate) for all pixels.
constexpr bool combines(layer_kind kind) {
    return kind == layer_kind::add || kind == layer_kind::multiply ||
           (kind >= layer_kind::subtract && kind <= layer_kind::maximum);
}

/// Rows that only say where values come from: `layer_parameters::order`.
constexpr bool moves(layer_kind kind) {
    return kind >= layer_kind::crop && kind <= layer_kind::reorder;
}

/// Rows that give other names to the values of a stream, and cost nothing.
constexpr bool renames(layer_kind kind) {
    return kind == layer_kind::flatten || kind == layer_kind::reshape;
}
/// The same of a row: functions that are wires, too.
constexpr bool renames(const layer_row& row) {
    return renames(row.kind) || row.form == function_form::wire;
}

/// Rows whose windows slide over a padded map: their extents follow from one another.
constexpr bool slides(layer_kind kind) {
    return kind == layer_kind::convolution || kind == layer_kind::max_pool ||
           kind == layer_kind::average_pool || kind == layer_kind::crop ||
           kind == layer_kind::space_to_depth;
}

/// Rows that go from pixel to pixel at a pace of in / out: output y looks at inputs from
/// floor(y in / out) - pad_top on, kernel_h of them. Resize and depth_to_space.
constexpr bool scales(layer_kind kind) {
    return kind == layer_kind::resize || kind == layer_kind::depth_to_space;
}

/// Kernel taps per input channel, K = kernel_h * kernel_w.
constexpr int taps(const layer_row& row) {
    return row.kernel_h * row.kernel_w;
}

/// Input channels that one filter sees, C / groups.
constexpr int channels_per_group(const layer_row& row) {
    return row.in.channels / row.groups;
}

/// Filters that see one group of input channels, F / groups.
constexpr int filters_per_group(const layer_row& row) {
    return row.out.channels / row.groups;
}

/// Number of weights without biases, F * C/g * K; of a matmul, values of its second input; 0 for rows
/// that are not compute rows.
constexpr std::int64_t weight_count(const layer_row& row) {
    return is_compute(row) ? std::int64_t{row.out.channels} * channels_per_group(row) * taps(row)
                           : 0;
}

/// Whether the row has a second input of its own extents, `second_input`, and both are there before its
/// first output.
constexpr bool takes_second(const layer_row& row) {
    return row.kind == layer_kind::matmul || row.kind == layer_kind::grid_sample;
}

/// What a matmul takes beside `in`: its filters, as pixels of what they see or as channels. Extents
/// of height x width that make as many pixels are the file's; here all lie below one another. What a
/// grid_sample does: the place of each output pixel, x and y.
constexpr shape second_input(const layer_row& row) {
    if (row.kind == layer_kind::grid_sample) return {2, row.out.height, row.out.width};
    return row.transposed ? shape{row.in.channels, filters_per_group(row), 1}
                          : shape{row.out.channels, channels_per_group(row), 1};
}

/// Multiply-accumulates for one image, padding taps included; 0 for rows that are not compute rows.
constexpr std::int64_t mac_count(const layer_row& row) {
    return weight_count(row) * row.out.pixels();
}

constexpr std::int64_t layer_row::macs() const {
    return mac_count(*this);
}
constexpr std::int64_t layer_row::weights() const {
    return weight_count(*this);
}

/// Extent of a sliding window's output along one axis: floor((in + pads - span) / stride) + 1 where
/// span = dilation (kernel - 1) + 1; <= 0 when the window does not fit. With `ceil_mode` a partial
/// window counts as long as it starts inside the input or its leading padding (ONNX, PyTorch), the
/// first one, too.
constexpr int window_extent(int in, int kernel, int stride, int pad_before, int pad_after,
                            int dilation = 1, bool ceil_mode = false) {
    const int room = in + pad_before + pad_after - (dilation * (kernel - 1) + 1);
    if (room < 0) return ceil_mode && room > -stride && in + pad_before > 0 ? 1 : 0;
    int extent = room / stride + 1;
    if (ceil_mode && room % stride != 0 && extent * stride < in + pad_before) ++extent;
    return extent;
}

/// A layer described by a type: given the shape that reaches it, it says whether it fits and which
/// row it lowers to. Both are constant expressions; `row` is called for accepted shapes only.
template <class L>
concept Layer = requires(shape in) {
    { L::accepts(in) } -> std::same_as<bool>;
    { L::row(in) } -> std::same_as<layer_row>;
};

}  // namespace hass
