/// \file model.hpp
/// A trained network: rows and edges plus the numbers that belong to them. What `onnx.hpp` fills
/// and the emulator runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <hass/workload/network.hpp>
#include <hass/workload/preprocessing.hpp>
#include <hass/workload/value_function.hpp>

namespace hass {

/// One axis of an order in which values are read: so many, so far apart.
struct order_axis {
    std::int64_t extent = 1;  ///< values
    std::int64_t stride = 1;  ///< values between them

    bool operator==(const order_axis&) const = default;
};

/// Values of a map, channels x height x width, in another order: the outermost axis first.
struct value_order {
    std::vector<order_axis> axes;  ///< outermost first
    std::int64_t first = 0;        ///< place of the first value

    bool operator==(const value_order&) const = default;
};

/// What each position along one axis of an output is made of: `each` weighted inputs, or, where an
/// index is -1, the value `layer_parameters::fill`.
struct axis_taps {
    int each = 0;                     ///< inputs an output has
    std::vector<std::int32_t> index;  ///< outputs x each
    std::vector<float> weight;        ///< the same, or empty: 1

    bool operator==(const axis_taps&) const = default;
};

/// What lies around a map that is sampled beyond its edge.
enum class map_border : std::uint8_t {
    zeros,      ///< nothing
    edge,       ///< the outermost pixels
    reflected,  ///< the map, turned around
};

/// Numbers of one row; empty for rows without any.
struct layer_parameters {
    /// Compute rows: out.channels x in.channels/groups x kernel_h x kernel_w. add_map, multiply_map:
    /// out.channels x out.height x out.width. leaky_relu: a slope, or one a channel. Norms: a scale a
    /// channel, or none. embedding: the table, row by row. grid_sample: all x, then all y, where no other
    /// row gives them.
    std::vector<float> weights;
    std::vector<float> bias;  ///< out.channels, or empty
    /// Compute rows of quantised files: what the levels of weights were multiplied with, one a filter or
    /// one; empty: they are on no levels, or nobody knows.
    std::vector<float> weight_steps;
    /// Bounds of a clipping activation (`relu`, `relu6` and ONNX Clip).
    float lower = 0.0F;
    float upper = std::numeric_limits<float>::infinity();  ///< +infinity: none
    /// average_pool: whether padding counts in the mean.
    bool count_include_pad = false;
    /// function: which one, and its numbers; lrn: alpha, beta and bias; norms: alpha is epsilon;
    /// matmul: products are multiplied by alpha
    hass::value_function function = value_function::identity;
    /// See `function`.
    float alpha = 0.0F, beta = 0.0F;
    value_order order;        ///< rows that move values (`moves`)
    axis_taps rows, columns;  ///< resize, pad
    int first_channel = 0;    ///< pad: output channel that input channel 0 becomes
    /// pad: what the border holds; embedding: what numbers of no row give, counted from the end down to
    /// `lower`. Behind the point they are cut off, but where `fill` is NaN: there they are of no row.
    float fill = 0.0F;
    map_border border = map_border::zeros;  ///< grid_sample
    bool align_corners = false;  ///< grid_sample: -1 and 1 are the middles of the outermost pixels
};

/// Where in its ONNX file the weights and the input of a compute row stand, for whoever changes
/// them there (`report/pruned_onnx.hpp`).
struct row_origin {
    std::string node;     ///< first output of its operator; empty: a row of no single one
    std::string type;     ///< operator
    std::string data;     ///< tensor that it reads; `matmul`: the first factor
    std::string weights;  ///< tensor of its weights; `matmul`: the second factor
    std::size_t data_at = 0, weights_at = 1;  ///< which of its inputs they are
    bool non_negative = false;                ///< the data
    /// Axes of the data behind that of the channels, which the row has in the same order; -1: they
    /// are no axis of the data.
    int pixel_axes = -1;
    std::vector<std::int64_t> dims;  ///< of the weights
    bool turned = false;             ///< weights stand inputs x outputs
    std::vector<std::size_t> input;  ///< of the row, for each of the weights'; empty: in order
    /// Element of the weights for each of the row's, -1: none, a zero; empty: in order, again from the
    /// first on where the row has more.
    std::vector<std::int32_t> element;
    /// Scale and shift of channels as a row: `data` is scaled and shifted by several operators, of
    /// which `node` is the last. There are no `weights`.
    bool scales = false;
    /// Of these operators, one number or one a channel: what is folded into the row later is not in.
    std::vector<float> scale, shift;
    /// Its weights are no one's but the loader's: a mean's 1/C, the ones of a running sum or of a
    /// constant that is added.
    bool derived = false;

    bool operator==(const row_origin&) const = default;
};

/// Which element of the file's weights each weight of a row is, -1: none.
/// \param count   weights of the row
/// \param inputs  of one filter
inline std::vector<std::int64_t> elements_of(const row_origin& from, std::size_t count,
                                             std::size_t inputs) {
    std::vector<std::int64_t> all(count);
    std::size_t whole = 1;
    for (const std::int64_t d : from.dims) whole *= static_cast<std::size_t>(d);
    if (!from.element.empty()) {
        for (std::size_t k = 0; k < count; ++k) all[k] = from.element[k];
    } else if (!from.turned && from.input.empty()) {
        for (std::size_t k = 0; k < count; ++k) all[k] = static_cast<std::int64_t>(k % whole);
    } else {
        const std::size_t outputs = count / inputs;
        for (std::size_t o = 0; o < outputs; ++o)
            for (std::size_t i = 0; i < inputs; ++i) {
                const std::size_t at = from.input.empty() ? i : from.input[i];
                all[o * inputs + at] =
                    static_cast<std::int64_t>(from.turned ? i * outputs + o : o * inputs + i);
            }
    }
    return all;
}

/// One of several inputs of a file: a part of the image, `first` values behind its beginning.
struct model_input {
    std::string name;        ///< as the file has it
    hass::shape each{};      ///< of one sample
    std::int64_t first = 0;  ///< values of the image before it

    bool operator==(const model_input&) const = default;
};

/// One of several outputs of a file: a part of the answer, in the same way.
using model_output = model_input;

/// A network with its trained parameters, one entry a row. Batch norms are folded, constants are
/// gone. Shapes are those of one image.
struct model {
    hass::network net;                         ///< rows, edges and names
    std::vector<layer_parameters> parameters;  ///< one a row
    std::string source;                        ///< file it came from, for messages
    std::vector<row_origin> origins;           ///< one a row; empty where no file gave it
    /// What the network was trained with, where the file says so.
    std::optional<preprocessing> input;
    /// Several inputs, in the file's order; empty for a single one.
    std::vector<model_input> inputs;
    /// Several outputs, in the order that was asked for; empty for a single one.
    std::vector<model_output> outputs;
    bool channels_last_input = false;   ///< images come height x width x channels
    bool channels_last_output = false;  ///< and answers go so

    operator network_view() const { return net; }
};

/// Names of the rows whose weights are the loader's own (`row_origin::derived`): nothing to prune.
inline std::vector<std::string> derived_layers(const model& m) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < m.origins.size(); ++i)
        if (m.origins[i].derived) names.push_back(name_of(m.net, i));
    return names;
}

/// One image as it is given: channels x height x width, or, as TensorFlow has it, height x width x
/// channels; of tokens, 1 x tokens x features.
inline shape image_shape(const model& m) {
    const shape s = input_shape(m.net);
    if (!m.channels_last_input) return s;
    // N x tokens x features, as an array of three axes is read
    if (s.width == 1) return {1, s.height, s.channels};
    return {s.height, s.width, s.channels};
}

}  // namespace hass
