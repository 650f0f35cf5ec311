/// \file program.hpp
/// A trained network made ready to be run: checked, its buffers placed, and what every backend
/// needs to know of it whatever its kernels are.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hass/emulate/kernels.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// Values q * step for whole |q| <= levels: symmetric fixed point.
struct grid {
    float step = 0.0F;  ///< 0: all values become 0
    float levels = 0.0F;

    /// The grid of so many bits that ends at `largest`.
    static grid of(float largest, int bits) {
        const auto levels = static_cast<float>((1 << (bits - 1)) - 1);
        return {largest / levels, levels};
    }
    /// The nearest value of the grid, of two the even one; beyond its end the last one.
    float round(float x) const {
        if (step == 0.0F) return 0.0F;
        // Adding 1.5 2^23 leaves no place for a fraction: rounds to even, and vectorises.
        constexpr float no_fraction = 12582912.0F;
        const float q = (std::clamp(x / step, -levels, levels) + no_fraction) - no_fraction;
        return q * step;
    }
};

/// A model and how images become its input. Constructing one checks that rows and parameters fit
/// each other.
struct program {
    hass::model model;
    hass::preprocessing input;
    detail::schedule schedule;
    std::vector<detail::sliding_window> windows;  ///< one a row
    /// Grids that the input of a row is rounded to: one, one a channel, or none (float32). Empty:
    /// none for any row.
    std::vector<std::vector<grid>> grids;

    /// \throws hass::error when parameters and rows do not fit each other or are not finite, the
    ///         preprocessing has another number of channels than the network's input or is refused
    ///         by `validate`, or there are grids for another number of rows or channels
    program(hass::model m, preprocessing p, std::vector<std::vector<grid>> g = {})
        : model(std::move(m)), input(std::move(p)), schedule(checked(model)), grids(std::move(g)) {
        spread(input.mean, 0.0F, "mean");
        spread(input.std, 1.0F, "std");
        try {
            validate(input);
        } catch (const error& e) {
            throw error(where() + e.what());
        }
        for (const layer_row& row : model.net.rows) windows.emplace_back(row);
        grids.resize(grids.empty() ? rows().size() : grids.size());
        if (grids.size() != rows().size())
            throw error(where() + "grids of " + std::to_string(grids.size()) + " rows for " +
                        std::to_string(rows().size()));
        for (std::size_t i = 0; i < grids.size(); ++i)
            detail::require(grids[i].size() <= 1 ||
                                grids[i].size() == static_cast<std::size_t>(rows()[i].in.channels),
                            model.net, i, std::to_string(grids[i].size()) + " grids");
    }

    /// With the preprocessing that the model states; pixels as they are where it states none.
    explicit program(hass::model m) : program(own_input(std::move(m))) {}

    const std::vector<layer_row>& rows() const { return model.net.rows; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const { return static_cast<std::size_t>(rows().back().out.volume()); }

  private:
    explicit program(std::pair<hass::model, preprocessing> with)
        : program(std::move(with.first), std::move(with.second)) {}
    static std::pair<hass::model, preprocessing> own_input(hass::model m) {
        preprocessing p = m.input.value_or(preprocessing{});
        return {std::move(m), std::move(p)};
    }

    std::string where() const { return model.source.empty() ? std::string() : model.source + ": "; }

    static const hass::model& checked(const hass::model& m) {
        validate(m.net);
        if (m.parameters.size() != m.net.rows.size())
            throw error(m.source + ": " + std::to_string(m.parameters.size()) +
                        " parameter entries for " + std::to_string(m.net.rows.size()) + " rows");
        const network_view net = m.net;
        for (std::size_t i = 0; i < net.size(); ++i) {
            const layer_row& row = net[i];
            const layer_parameters& p = m.parameters[i];
            if (!is_compute(row)) continue;
            detail::require(p.weights.size() == static_cast<std::size_t>(weight_count(row)), net, i,
                            std::to_string(p.weights.size()) + " weights, expected " +
                                std::to_string(weight_count(row)));
            detail::require(detail::all_finite(p.weights) && detail::all_finite(p.bias), net, i,
                            "weights and biases must be finite");
            detail::require(
                p.bias.empty() || p.bias.size() == static_cast<std::size_t>(row.out.channels), net,
                i,
                std::to_string(p.bias.size()) + " biases, expected " +
                    std::to_string(row.out.channels));
        }
        return m;
    }

    /// One value a channel.
    void spread(std::vector<float>& values, float missing, const std::string& field) const {
        const auto channels = static_cast<std::size_t>(input_shape(model.net).channels);
        if (values.empty()) values.assign(channels, missing);
        if (values.size() == 1) values.assign(channels, values.front());
        if (values.size() != channels)
            throw error(where() + "preprocessing: " + std::to_string(values.size()) +
                        " values of '" + field + "' for images of " + std::to_string(channels) +
                        " channels");
    }
};

/// What executes the rows of a program for a batch of images. All backends answer alike within
/// float rounding, and each of them the same bits for the same batches.
///
///     B(program)                                  the program outlives the backend
///     prepare(i, weights) -> B::weights           clipped weights of row i as its kernel takes
///     them load(images, order, space)                  preprocessed images, listed by their
///     numbers execute(i, weights, tau, size, space, see)  one row for `size` images; a compute row
///     calls
///                                                 see(tensors), and tensors() is its input: a pair
///                                                 of maps, channels x images x height x width, and
///                                                 the same as planes, clipped or not (clipped
///                                                 where thresholds differ between channels)
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

/// Rows that treat every value alike, whatever the layout: additions and activation functions.
inline void each_value(const layer_row& row, const layer_parameters& parameters,
                       const schedule::step& step, std::size_t volume,
                       std::vector<std::vector<float>>& buffers) {
    const float* in = buffers[step.inputs.front()].data();
    float* out = buffers[step.output].data();
    switch (row.kind) {
        case layer_kind::add:
            if (in != out) std::copy_n(in, volume, out);
            for (std::size_t k = 1; k < step.inputs.size(); ++k) {
                const float* other = buffers[step.inputs[k]].data();
                for (std::size_t x = 0; x < volume; ++x) out[x] += other[x];
            }
            break;
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
        default:
            throw error(std::string("emulator: no kernel for rows of kind '") +
                        std::string(name(row.kind)) + "'");
    }
}

inline std::size_t worker_count(int threads, std::size_t count) {
    const std::size_t wanted = threads > 0
                                   ? static_cast<std::size_t>(threads)
                                   : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    return std::max<std::size_t>(1, std::min(wanted, count));
}

/// Calls work(worker, i) for every i below `count` on up to `threads` workers; each takes the next
/// one when it is done.
template <class Work>
void in_parallel(int threads, std::size_t count, Work work) {
    const std::size_t workers = worker_count(threads, count);
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_guard;
    const auto loop = [&](std::size_t worker) {
        try {
            for (std::size_t i = next++; i < count; i = next++) work(worker, i);
        } catch (...) {
            const std::scoped_lock lock(failure_guard);
            if (!failure) failure = std::current_exception();
            next = count;
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t w = 1; w < workers; ++w) others.emplace_back(loop, w);
        loop(0);
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace detail

}  // namespace hass
