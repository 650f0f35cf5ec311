/// \file backend.hpp
/// What executes the rows of a program: the concept, and what backends have in common.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/emulate/grid_sample.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/more_kernels.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/token_kernels.hpp>
#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// What executes the rows of a program for a batch of images. All backends answer alike within
/// float rounding, and each of them the same bits for the same batches.
///
///     B(program)                                  the program outlives the backend
///     prepare(i, weights) -> B::weights           clipped weights of row i as its kernel likes them
///     load(images, order, space)                  preprocessed images, listed by their numbers
///     execute(i, weights, tau, size, space, see)  one row for `size` images; a compute row calls
///                                                 see(tensors), and tensors() is its input
///                                                 (`seen_tensors`): maps in the backend's order or
///                                                 channel by channel, and the same as planes,
///                                                 clipped or not (clipped where thresholds differ
///                                                 between channels)
///     answers(size, space, out)                   images x classes
///     output(i, size, space)                      what row i gave last
///     save(i, size, space), restore(i, ...)       all values that row i and those after it read
template <class B>
concept EmulationBackend = std::constructible_from<B, const program&> &&
    requires(const B& b, const typename B::weights& w, typename B::workspace& space,
             const image_set& images, std::span<const std::size_t> order,
             const layer_thresholds& tau, std::span<float> out, std::span<const float> state) {
    { b.prepare(std::size_t{}, std::vector<float>{}) } -> std::same_as<typename B::weights>;
    b.load(images, order, space);
    b.execute(std::size_t{}, w, tau, std::size_t{}, space, [](auto) {});
    b.answers(std::size_t{}, space, out);
    { b.output(std::size_t{}, std::size_t{}, space) } -> std::same_as<std::span<const float>>;
    { b.save(std::size_t{}, std::size_t{}, space) } -> std::same_as<std::vector<float>>;
    b.restore(std::size_t{}, std::size_t{}, state, space);
};

namespace detail {

/// Rows that treat every value alike, whatever the layout: activation functions.
inline void each_value(const layer_row& row, const layer_parameters& parameters,
                       const schedule::step& step, std::size_t volume,
                       std::vector<std::vector<float>>& buffers) {
    const float* in = buffers[step.inputs.front()].data();
    float* out = buffers[step.output].data();
    switch (row.kind) {
        case layer_kind::relu:
        case layer_kind::relu6: {
            const clamp b = bounds_of(row, parameters);
            map(in, out, volume, [b](float x) { return std::min(std::max(x, b.lower), b.upper); });
            break;
        }
        case layer_kind::hardswish:
            map(in, out, volume, [](float x) { return x * hardsigmoid(x); });
            break;
        case layer_kind::hardsigmoid:
            map(in, out, volume, hardsigmoid);
            break;
        case layer_kind::sigmoid:
            map(in, out, volume, sigmoid);
            break;
        case layer_kind::swish:
            map(in, out, volume, [](float x) { return x * sigmoid(x); });
            break;
        case layer_kind::function:
            if (parameters.function == value_function::quantised) {
                map(in, out, volume,
                    [&p = parameters](float x) { return on_grid(x, p.alpha, p.lower, p.upper); });
                break;
            }
            map(in, out, volume,
                [&p = parameters](float x) { return apply(p.function, x, p.alpha, p.beta); });
            break;
        default:
            throw error(std::string("emulator: no kernel for rows of kind '") +
                        std::string(name(row.kind)) + "'");
    }
}

/// Means of `pixels` values that are on levels, in place, on the levels that their readers round to.
inline void mean_levels(const level_sums& s, float pixels, std::size_t volume, float* out) {
    const float unit = s.inputs[0].step / pixels;
    map(out, out, volume, [&](float x) { return s.out.at(std::nearbyint(x / unit) * s.by[0]); });
}

/// Sum or product of two maps of levels; a file's integers are levels and zero points.
inline void combine_levels(const layer_row& row, const level_sums& s, std::size_t volume,
                           const float* other, const float* in, float* out) {
    const level_grid &a = s.inputs[0], &b = s.inputs[1];
    if (row.kind == layer_kind::multiply) {
        for (std::size_t x = 0; x < volume; ++x)
            out[x] = s.out.at(std::nearbyint(in[x] / a.step) * std::nearbyint(other[x] / b.step) *
                              s.by[0]);
        return;
    }
    const float fixed = s.out.zero - (s.by[0] * a.zero + s.by[1] * b.zero);
    for (std::size_t x = 0; x < volume; ++x) {
        const float first = (std::nearbyint(in[x] / a.step) + a.zero) * s.by[0] + fixed;
        const float sum = (std::nearbyint(other[x] / b.step) + b.zero) * s.by[1] + first;
        out[x] = s.out.at(std::nearbyint(sum) - s.out.zero);
    }
}

/// What backends have in common whatever the layout of their maps: buffers, and which kernel a row
/// takes. `Backend` derives from it and has, for a batch of `size` images,
///
///     place(map, normalised, n, c, size, to)      one channel of one image, each value normalised
///     scratch(space)                              floats that nobody needs while images are loaded
///     compute(i, weights, tau, in, size, out, space, see)      a convolution or linear row
///     max_pool(i, in, size, out, space)
///     average_pool(i, in, size, rows, columns, out, space)     see `window_counts`
///     global_average_pool(row, in, size, out)
///     gate(row, in, size, first, out)             out is `in`, else times `in`, a value a channel
///     concat(row, step, size, buffers, out)
///     flatten(row, in, size, out)
///     softmax(row, volume, out)                   in place
///     layout(shape, size) -> batch_layout         where the values of such a map stand
template <class Backend>
class backend_base {
  public:
    explicit backend_base(const program& p) : program_(&p) {}

    template <class Workspace>
    void load(const image_set& images, std::span<const std::size_t> order, Workspace& space) const {
        reserve(program_->schedule, order.size(), space.buffers);
        const shape image = input_shape(program_->model.net);
        const auto channels = static_cast<std::size_t>(image.channels);
        const auto pixels = static_cast<std::size_t>(image.pixels());
        std::vector<float>& raw = self().scratch(space);
        raw.resize(std::max(raw.size(), channels * pixels));
        float* to = space.buffers[program_->schedule.image()].data();
        for (std::size_t n = 0; n < order.size(); ++n) {
            images.copy(order[n], 1, std::span(raw).first(channels * pixels));
            if (program_->model.channels_last_input) {
                std::vector<float> turned(channels * pixels);
                for (std::size_t c = 0; c < channels; ++c)
                    for (std::size_t p = 0; p < pixels; ++p)
                        turned[c * pixels + p] = raw[p * channels + c];
                std::copy(turned.begin(), turned.end(), raw.begin());
            }
            for (std::size_t c = 0; c < channels; ++c) {
                const float scale = program_->input.scale;
                const float mean = program_->input.mean[c];
                const float deviation = program_->input.std[c];
                const std::span<const float> map(raw.data() + c * pixels, pixels);
                self().place(
                    map, [=](float x) { return (x * scale - mean) / deviation; }, n, c,
                    order.size(), to);
            }
        }
    }

    template <class Workspace>
    std::span<const float> output(std::size_t i, std::size_t size, const Workspace& space) const {
        return std::span(space.buffers[program_->schedule[i].output])
            .first(size * static_cast<std::size_t>(program_->rows()[i].out.volume()));
    }

    template <class Workspace>
    std::vector<float> save(std::size_t i, std::size_t size, const Workspace& space) const {
        return gather(program_->schedule.live(i), size, space.buffers);
    }
    template <class Workspace>
    void restore(std::size_t i, std::size_t size, std::span<const float> state,
                 Workspace& space) const {
        reserve(program_->schedule, size, space.buffers);
        scatter(program_->schedule.live(i), size, state, space.buffers);
    }

    /// Runs row i for a batch of `size` images.
    template <class Weights, class Workspace, class See>
    void execute(std::size_t i, const Weights& weights, const layer_thresholds& tau,
                 std::size_t size, Workspace& space, See see) const {
        const schedule::step& step = program_->schedule[i];
        if (step.done) return;
        const layer_row& row = program_->rows()[i];
        const layer_parameters& parameters = program_->model.parameters[i];
        const float* in = space.buffers[step.inputs.front()].data();
        float* out = space.buffers[step.output].data();
        const std::size_t volume = size * static_cast<std::size_t>(row.out.volume());
        switch (row.kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
                return self().compute(i, weights, tau, in, size, out, space, see);
            case layer_kind::max_pool:
                return self().max_pool(i, in, size, out, space);
            case layer_kind::average_pool: {
                const bool padding = parameters.count_include_pad;
                const std::vector<float> rows =
                    window_counts(row.out.height, row.in.height, row.kernel_h, row.stride_h,
                                  row.dilation_h, row.pad_top, row.pad_bottom, padding);
                const std::vector<float> columns =
                    window_counts(row.out.width, row.in.width, row.kernel_w, row.stride_w,
                                  row.dilation_w, row.pad_left, row.pad_right, padding);
                return self().average_pool(i, in, size, rows, columns, out, space);
            }
            case layer_kind::global_average_pool:
                self().global_average_pool(row, in, size, out);
                if (program_->sums[i])
                    mean_levels(program_->sums[i], static_cast<float>(row.in.pixels()), volume,
                                out);
                return;
            case layer_kind::add:
            case layer_kind::multiply:
            case layer_kind::subtract:
            case layer_kind::divide:
            case layer_kind::minimum:
            case layer_kind::maximum:
                if (program_->sums[i] && step.shapes[0] == row.out && step.shapes[1] == row.out)
                    return combine_levels(row, program_->sums[i], volume,
                                          space.buffers[step.inputs[1]].data(), in, out);
                return combine(row, step, size, space.buffers);
            case layer_kind::concat:
                return self().concat(row, step, size, space.buffers, out);
            case layer_kind::flatten:
                return self().flatten(row, in, size, out);
            case layer_kind::matmul:
                return product(i, tau, size, out, space, see);
            case layer_kind::softmax:
                if (in != out) std::copy_n(in, volume, out);
                return self().softmax(row, volume, out);
            case layer_kind::relu:
            case layer_kind::relu6:
            case layer_kind::hardswish:
            case layer_kind::hardsigmoid:
            case layer_kind::sigmoid:
            case layer_kind::swish:
            case layer_kind::function:
                return each_value(row, parameters, step, volume, space.buffers);
            default:
                return move_or_normalise(i, in, size, out, space.buffers);
        }
    }

  protected:
    const program* program_;

  private:
    const Backend& self() const { return static_cast<const Backend&>(*this); }

    /// Sum, product, ... of inputs; one of a single pixel holds for its whole channel, one of a
    /// single channel for all.
    void combine(const layer_row& row, const schedule::step& step, std::size_t size,
                 std::vector<std::vector<float>>& buffers) const {
        const std::size_t volume = size * static_cast<std::size_t>(row.out.volume());
        float* out = buffers[step.output].data();
        with_operation(row.kind, [&](auto f) {
            for (std::size_t k = 0; k < step.inputs.size(); ++k) {
                const float* in = buffers[step.inputs[k]].data();
                const shape& from = step.shapes[k];
                const bool gate = row.kind == layer_kind::multiply && from.pixels() == 1 &&
                                  row.out.pixels() > 1 && from.channels == row.out.channels;
                if (gate) {
                    self().gate(row, in, size, k == 0, out);
                } else if (from == row.out && k == 0) {
                    if (in != out) std::copy_n(in, volume, out);
                } else if (from == row.out) {
                    for (std::size_t x = 0; x < volume; ++x) out[x] = f(out[x], in[x]);
                } else {
                    const batch_layout here = self().layout(row.out, size);
                    const batch_layout there = self().layout(from, size);
                    if (k == 0)
                        spread_over(row.out, from, size, here, there, in, out,
                                    [](float, float x) { return x; });
                    else
                        spread_over(row.out, from, size, here, there, in, out, f);
                }
            }
        });
    }

    /// Product of two activations; what is seen of it is clipped.
    template <class Workspace, class See>
    void product(std::size_t i, const layer_thresholds& tau, std::size_t size, float* out,
                 Workspace& space, See see) const {
        const layer_row& row = program_->rows()[i];
        const schedule::step& step = program_->schedule[i];
        const product_inputs inputs(row, size);
        const std::vector<quantizer>& grids = program_->quantizers[i];
        inputs.gather_first(
            space.buffers[step.inputs[0]].data(), self().layout(row.in, size), tau,
            [&](float x, std::size_t c) {
                return grids.empty() ? x : grids[grids.size() == 1 ? 0 : c].round(x);
            },
            space.product.first);
        inputs.gather_second(space.buffers[step.inputs[1]].data(),
                             self().layout(step.shapes[1], size), tau, space.product.second);
        const float* first = space.product.first.data();
        const std::span<const float> second(space.product.second.data(),
                                            size * static_cast<std::size_t>(weight_count(row)));
        const auto as_it_is = [first] { return first; };
        see([&] { return seen_tensors{first, as_it_is, as_it_is, second}; });
        multiply_activations(inputs, first, second, program_->model.parameters[i].alpha,
                             step.bounds, self().layout(row.out, size), out, space.product);
    }

    /// Rows that neither multiply nor treat every value alike (`more_kernels.hpp`).
    void move_or_normalise(std::size_t i, const float* in, std::size_t size, float* out,
                           std::vector<std::vector<float>>& buffers) const {
        const layer_row& row = program_->rows()[i];
        const layer_parameters& p = program_->model.parameters[i];
        const batch_layout from = self().layout(row.in, size);
        const batch_layout to = self().layout(row.out, size);
        switch (row.kind) {
            case layer_kind::add_map:
                return with_constants(row.in, p.weights, size, from, in, out,
                                      [](float x, float c) { return x + c; });
            case layer_kind::multiply_map:
                return with_constants(row.in, p.weights, size, from, in, out,
                                      [](float x, float c) { return x * c; });
            case layer_kind::leaky_relu:
                return with_constants(row.in, p.weights, size, from, in, out,
                                      [](float x, float c) { return x < 0.0F ? c * x : x; });
            case layer_kind::channel_max:
                return channel_max(row, size, from, to, in, out);
            case layer_kind::lrn:
                return local_response(row, p, size, from, in, out);
            case layer_kind::group_norm:
                return group_norm(row, p, size, from, in, out);
            case layer_kind::layer_norm:
            case layer_kind::rms_norm:
                return feature_norm(row, p, size, from, in, out);
            case layer_kind::log_softmax:
                return log_softmax(row, size, from, in, out);
            case layer_kind::embedding:
                return look_up(row, p, size, from, to, in, out);
            case layer_kind::resize:
            case layer_kind::pad:
                return resample(row, p, size, from, to, in, out);
            case layer_kind::stack:
                return stack(i, size, out, buffers);
            case layer_kind::grid_sample:
                return sample(i, size, in, out, buffers);
            default:
                break;
        }
        if (!moves(row.kind))
            throw error("emulator: no kernel for rows of kind '" + std::string(name(row.kind)) +
                        "'");
        move_values(row, program_->places[i], size, from, to, in, out);
    }

    void sample(std::size_t i, std::size_t size, const float* in, float* out,
                const std::vector<std::vector<float>>& buffers) const {
        const layer_row& row = program_->rows()[i];
        const layer_parameters& p = program_->model.parameters[i];
        const schedule::step& step = program_->schedule[i];
        const bool own = step.inputs.size() == 1;
        batch_layout places = self().layout(second_input(row), size);
        if (own) places = {static_cast<std::size_t>(row.out.pixels()), 0, 1};
        grid_sample(row, p, size, self().layout(row.in, size), places, self().layout(row.out, size),
                    in, own ? p.weights.data() : buffers[step.inputs[1]].data(), out);
    }

    void stack(std::size_t i, std::size_t size, float* out,
               std::vector<std::vector<float>>& buffers) const {
        const layer_row& row = program_->rows()[i];
        const schedule::step& step = program_->schedule[i];
        const bool below = row.in.width == row.out.width;
        std::size_t first = 0;
        for (std::size_t k = 0; k < step.inputs.size(); ++k) {
            const shape& part = step.shapes[k];
            stack_into(row.out, part, below ? first : 0, below ? 0 : first, size,
                       self().layout(part, size), self().layout(row.out, size),
                       buffers[step.inputs[k]].data(), out);
            first += static_cast<std::size_t>(below ? part.height : part.width);
        }
    }
};

}  // namespace detail

}  // namespace hass
