/// \file onednn.hpp
/// A backend on oneDNN's convolutions, for those who have it (Debian: libdnnl-dev; CMake target
/// hass::onednn, which defines HASS_WITH_ONEDNN). Everything else is done here. Maps lie images x
/// height x width x channels.
///
///     const hass::basic_emulator<hass::onednn_backend> emulator(hass::load_onnx("net.onnx"));
#pragma once

#ifdef HASS_WITH_ONEDNN

#include <omp.h>

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/channels_last.hpp>
#include <hass/emulate/gemm.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/onednn_kernels.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// Memory a thread: 4 bytes x batch x (floats of the schedule's buffers an image + the largest
/// input of a compute row, where that is clipped or rounded) and oneDNN's scratchpads; the weights
/// once.
class onednn_backend : public detail::backend_base<onednn_backend> {
  public:
    /// Weights of one row in the order that oneDNN's kernel likes best.
    struct weights {
        dnnl::memory values;
    };
    /// Buffers of one thread.
    struct workspace {
        std::vector<std::vector<float>> buffers;
        std::vector<float> clipped;  ///< input of a compute row as the product takes it
        std::vector<float> maps;     ///< ... channels x images x height x width
        std::vector<float> planes;
        std::vector<std::byte> scratchpad;
        detail::product_scratch product;
    };

    explicit onednn_backend(const program& p)
        : backend_base(p), kernels_(std::make_shared<detail::onednn_kernels>(p)) {}

    weights prepare(std::size_t i, std::vector<float> clipped) const {
        omp_set_num_threads(1);  // the emulator's own threads are enough
        const layer_row& row = program_->rows()[i];
        if (program_->sums[i]) detail::to_levels(program_->sums[i], clipped);
        const detail::onednn_kernel& k = kernels_->usual(i);
        weights w{dnnl::memory(k.weights, kernels::engine())};
        dnnl::memory plain(
            {kernels::weight_dims(row), dnnl::memory::data_type::f32,
             row.groups > 1 ? dnnl::memory::format_tag::goihw : dnnl::memory::format_tag::oihw},
            kernels::engine(), clipped.data());
        dnnl::stream stream(kernels::engine());
        dnnl::reorder(plain, w.values).execute(stream, plain, w.values);
        stream.wait();
        return w;
    }

    void load(const image_set& images, std::span<const std::size_t> order, workspace& space) const {
        omp_set_num_threads(1);
        backend_base::load(images, order, space);
    }

    void answers(std::size_t size, const workspace& space, std::span<float> out) const {
        const float* result = space.buffers[program_->schedule.result()].data();
        const shape s = program_->rows().back().out;
        if (program_->model.channels_last_output) {
            std::copy_n(result, size * program_->classes(), out.data());
            return;
        }
        for (std::size_t n = 0; n < size; ++n)
            detail::to_channels_first(s, result + n * program_->classes(),
                                      out.data() + n * program_->classes(), 1);
    }

    void restore(std::size_t i, std::size_t size, std::span<const float> state,
                 workspace& space) const {
        omp_set_num_threads(1);
        backend_base::restore(i, size, state, space);
    }

  private:
    friend detail::backend_base<onednn_backend>;
    using kernels = detail::onednn_kernels;

    static detail::batch_layout layout(const shape& s, std::size_t) {
        const auto channels = static_cast<std::size_t>(s.channels);
        return {1, static_cast<std::size_t>(s.volume()), channels};
    }

    static std::vector<float>& scratch(workspace& space) { return space.maps; }

    template <class F>
    void place(std::span<const float> map, F normalised, std::size_t n, std::size_t c,
               std::size_t /*size*/, float* to) const {
        const auto channels = static_cast<std::size_t>(input_shape(program_->model.net).channels);
        to += n * channels * map.size();
        for (std::size_t p = 0; p < map.size(); ++p) to[p * channels + c] = normalised(map[p]);
    }

    template <class See>
    void compute(std::size_t i, const weights& w, const layer_thresholds& tau, const float* in,
                 std::size_t size, float* out, workspace& space, See see) const {
        in = quantized(i, in, size, space);
        see([&] { return seen(i, in, size, tau, space); });
        const float* product = clipped(i, in, size, tau, space);
        if (program_->sums[i]) return with_levels(i, w, product, size, out, space);
        convolve(i, w, product, program_->model.parameters[i].bias, program_->schedule[i].bounds,
                 size, out, space);
    }

    /// The same with whole numbers.
    void with_levels(std::size_t i, const weights& w, const float* in, std::size_t size, float* out,
                     workspace& space) const {
        const detail::level_sums& sums = program_->sums[i];
        const layer_row& row = program_->rows()[i];
        const std::size_t values = size * static_cast<std::size_t>(row.in.volume());
        space.clipped.resize(std::max(space.clipped.size(), values));  // `in` may stand there
        detail::map(in, space.clipped.data(), values,
                    [step = sums.inputs[0].step](float x) { return std::nearbyint(x / step); });
        convolve(i, w, space.clipped.data(), sums.bias, {}, size, out, space);
        const detail::clamp& bounds = program_->schedule[i].bounds;
        const std::size_t places = size * static_cast<std::size_t>(row.out.pixels());
        for (std::size_t p = 0; p < places; ++p, out += sums.by.size())
            for (std::size_t f = 0; f < sums.by.size(); ++f)
                out[f] = std::min(std::max(sums.out.at(out[f] * sums.by[f]), bounds.lower),
                                  bounds.upper);
    }

    void max_pool(std::size_t i, const float* in, std::size_t size, float* out, workspace&) const {
        detail::pool_channels_last(
            program_->rows()[i], in, size, out, -std::numeric_limits<float>::infinity(),
            [](float a, float b) { return a < b || b != b ? b : a; },  // keeps NaN
            [](std::size_t, std::size_t) { return 1.0F; });
    }

    void average_pool(std::size_t i, const float* in, std::size_t size, std::span<const float> rows,
                      std::span<const float> columns, float* out, workspace&) const {
        detail::pool_channels_last(
            program_->rows()[i], in, size, out, 0.0F, [](float a, float b) { return a + b; },
            [&](std::size_t y, std::size_t x) { return rows[y] * columns[x]; });
    }

    static void global_average_pool(const layer_row& row, const float* in, std::size_t size,
                                    float* out) {
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        const auto channels = static_cast<std::size_t>(row.out.channels);
        std::vector<double> sums(channels);
        for (std::size_t n = 0; n < size; ++n, out += channels) {
            std::fill(sums.begin(), sums.end(), 0.0);
            for (std::size_t p = 0; p < pixels; ++p)
                for (std::size_t c = 0; c < channels; ++c) sums[c] += static_cast<double>(*in++);
            for (std::size_t c = 0; c < channels; ++c)
                out[c] = static_cast<float>(sums[c] / static_cast<double>(pixels));
        }
    }

    static void gate(const layer_row& row, const float* in, std::size_t size, bool first,
                     float* out) {
        const auto channels = static_cast<std::size_t>(row.out.channels);
        const auto pixels = static_cast<std::size_t>(row.out.pixels());
        for (std::size_t n = 0; n < size; ++n)
            for (std::size_t p = 0; p < pixels; ++p)
                for (std::size_t c = 0; c < channels; ++c) {
                    const float factor = in[n * channels + c];
                    float& value = out[(n * pixels + p) * channels + c];
                    value = first ? factor : value * factor;
                }
    }

    static void concat(const layer_row& row, const detail::schedule::step& step, std::size_t size,
                       const std::vector<std::vector<float>>& buffers, float* out) {
        const auto channels = static_cast<std::size_t>(row.out.channels);
        const std::size_t places = size * static_cast<std::size_t>(row.out.pixels());
        std::size_t first = 0;
        for (std::size_t k = 0; k < step.inputs.size(); ++k) {
            const float* part = buffers[step.inputs[k]].data();
            const auto wide = static_cast<std::size_t>(step.shapes[k].channels);
            for (std::size_t p = 0; p < places; ++p)
                std::copy_n(part + p * wide, wide, out + p * channels + first);
            first += wide;
        }
    }

    static void flatten(const layer_row& row, const float* in, std::size_t size, float* out) {
        detail::to_channels_first(row.in, in, out, size);
    }

    static void softmax(const layer_row& row, std::size_t volume, float* out) {
        const auto channels = static_cast<std::size_t>(row.out.channels);
        const std::size_t each = channels / static_cast<std::size_t>(row.groups);
        for (std::size_t first = 0; first < volume; first += each)
            detail::softmax(each, 1, out + first);
    }

    void convolve(std::size_t i, const weights& w, const float* in, const std::vector<float>& bias,
                  const detail::clamp& bounds, std::size_t size, float* out,
                  workspace& space) const {
        const detail::onednn_kernel& k = kernels_->of(i, size);
        space.scratchpad.resize(std::max(space.scratchpad.size(), k.scratchpad.get_size()));
        const auto at = [](const dnnl::memory::desc& d, const void* values) {
            return dnnl::memory(d, kernels::engine(),
                                const_cast<void*>(values));  // oneDNN knows no const
        };
        std::unordered_map<int, dnnl::memory> arguments{
            {DNNL_ARG_SRC, at(k.in, in)},
            {DNNL_ARG_WEIGHTS, w.values},
            {DNNL_ARG_DST, at(k.out, out)},
            {DNNL_ARG_SCRATCHPAD, at(k.scratchpad, space.scratchpad.data())}};
        if (!bias.empty()) arguments.emplace(DNNL_ARG_BIAS, at(k.bias, bias.data()));
        dnnl::stream stream(kernels::engine());
        k.product.execute(stream, arguments);
        stream.wait();
        // Not a post-op of oneDNN: those turn what is not a number into a bound, and hide it. Nor are
        // they faster: the pass leaves in the cache what the next row reads.
        constexpr float infinity = std::numeric_limits<float>::infinity();
        const std::size_t values =
            size * static_cast<std::size_t>(program_->rows()[i].out.volume());
        if (bounds.lower > -infinity || bounds.upper < infinity)
            detail::map(out, out, values, [bounds](float x) {
                return std::min(std::max(x, bounds.lower), bounds.upper);
            });
    }

    /// The input of row i in fixed point, where the program says so.
    const float* quantized(std::size_t i, const float* in, std::size_t size,
                           workspace& space) const {
        const std::vector<quantizer>& quantizers = program_->quantizers[i];
        if (quantizers.empty()) return in;
        const layer_row& row = program_->rows()[i];
        const std::size_t values = size * static_cast<std::size_t>(row.in.volume());
        space.clipped.resize(std::max(space.clipped.size(), values));
        float* to = space.clipped.data();
        for (std::size_t first = 0; first < values; first += quantizers.size())
            for (std::size_t g = 0; g < quantizers.size(); ++g)
                to[first + g] = quantizers[g].round(in[first + g]);
        return to;
    }

    /// `in` with what lies below its threshold set to zero: where it stands, when nobody reads it
    /// any more.
    const float* clipped(std::size_t i, const float* in, std::size_t size,
                         const layer_thresholds& tau, workspace& space) const {
        if (tau.activation_channels.empty() && tau.activation == 0.0) return in;
        const layer_row& row = program_->rows()[i];
        const std::size_t values = size * static_cast<std::size_t>(row.in.volume());
        const std::size_t source = program_->schedule[i].inputs.front();
        const bool in_use = !program_->schedule[i].last_use;
        if (in_use) space.clipped.resize(std::max(space.clipped.size(), values));
        float* to = in_use || in == space.clipped.data() ? space.clipped.data()
                                                         : space.buffers[source].data();
        if (tau.activation_channels.empty()) {
            const std::uint32_t keep = detail::magnitude_bits(static_cast<float>(tau.activation));
            for (std::size_t x = 0; x < values; ++x) to[x] = detail::clip(in[x], keep);
            return to;
        }
        std::vector<std::uint32_t> keep;
        for (const double t : tau.activation_channels)
            keep.push_back(detail::magnitude_bits(static_cast<float>(t)));
        for (std::size_t first = 0; first < values; first += keep.size())
            for (std::size_t c = 0; c < keep.size(); ++c)
                to[first + c] = detail::clip(in[first + c], keep[c]);
        return to;
    }

    /// The input of row i for whoever looks on.
    detail::seen_tensors seen(std::size_t i, const float* in, std::size_t size,
                              const layer_thresholds& tau, workspace& space) const {
        const auto maps = [this, i, in, size, &space] {
            return channels_first(i, in, size, space);
        };
        const auto planes_of_maps = [this, i, size, &tau, &space, maps] {
            maps();
            return planes(i, size, tau, space);
        };
        return {map_batch(in, true), maps, planes_of_maps, {}};
    }

    /// The input of row i as channels x images x pixels.
    const float* channels_first(std::size_t i, const float* in, std::size_t size,
                                workspace& space) const {
        const layer_row& row = program_->rows()[i];
        const auto channels = static_cast<std::size_t>(row.in.channels);
        const std::size_t places = size * static_cast<std::size_t>(row.in.pixels());
        space.maps.resize(std::max(space.maps.size(), channels * places));
        detail::transpose(in, places, channels, space.maps.data());
        return space.maps.data();
    }

    /// Maps as clipped planes; the maps where they are planes and one threshold holds for all.
    const float* planes(std::size_t i, std::size_t size, const layer_thresholds& tau,
                        workspace& space) const {
        const detail::sliding_window& window = program_->windows[i];
        if (window.layout.dense && tau.activation_channels.empty()) return space.maps.data();
        const auto channels = static_cast<std::size_t>(window.row.in.channels);
        const auto pixels = static_cast<std::size_t>(window.row.in.pixels());
        const std::size_t plane = window.layout.size();
        space.planes.resize(std::max(space.planes.size(), channels * size * plane));
        for (std::size_t m = 0; m < channels * size; ++m)
            fill_plane(window.row, window.layout, space.maps.data() + m * pixels,
                       static_cast<float>(tau.activation_of(m / size)), 0.0F,
                       space.planes.data() + m * plane);
        return space.planes.data();
    }

    /// Made when first needed; shared by copies of the backend and by all threads.
    std::shared_ptr<detail::onednn_kernels> kernels_;
};

}  // namespace hass

#endif  // HASS_WITH_ONEDNN
