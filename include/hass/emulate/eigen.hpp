/// \file eigen.hpp
/// The backend that needs nothing but Eigen's packets: windows packed on the fly into a blocked
/// product, 3x3 convolutions in Winograd's tiles, kernels of its own for depthwise layers and pools.
/// Maps lie channels x images x height x width.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/gemm.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/winograd.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// Memory a thread: 4 bytes x batch x (floats of the schedule's buffers an image + the largest
/// padded input) and the tiles of one block (a line of the map at least), and the packed weights once; those of rows in tiles
/// (`winograd_tile`) take 4 times as much for tiles of 4, 16 / 9 for tiles of 2.
///
/// What is infinite or not a number makes all outputs of its tile not a number, where a direct sum does so
/// for those that see it; both end in the same error unless it was to come out finite. What is large makes all of
/// its tile off by some 1e-6 of it.
class eigen_backend : public detail::backend_base<eigen_backend> {
  public:
    /// Weights of one row, clipped, in the form its kernel takes.
    struct weights {
        std::vector<detail::packed_filters> groups;  ///< dense product, one a group
        std::vector<detail::packed_filters> places;  ///< the same in tiles, one a place of a tile
        std::vector<float> depthwise;                ///< channels x taps of a depthwise row
    };
    /// Buffers of one thread.
    struct workspace {
        std::vector<std::vector<float>> buffers;  ///< one a stream that is live, images x values
        std::vector<float> planes;                ///< a padded input
        std::vector<float> rounded;               ///< an input in fixed point, or as levels
        detail::gemm_scratch gemm;                ///< of matrix products
        detail::winograd_scratch tiles;           ///< of convolutions in tiles
        detail::product_scratch product;          ///< of products of two activations
    };

    /// For one program, which must outlive it.
    explicit eigen_backend(const program& p) : backend_base(p), tile_(tiles_of_rows(p)) {}

    /// Part of hass::EmulationBackend.
    weights prepare(std::size_t i, std::vector<float> clipped) const {
        const layer_row& row = program_->rows()[i];
        weights w;
        if (!has_weights(row)) return w;
        if (program_->sums[i]) detail::to_levels(program_->sums[i], clipped);
        if (detail::is_depthwise(row)) {
            w.depthwise = std::move(clipped);
            return w;
        }
        if (const std::size_t m = tile_[i]; m != 0) {
            const auto filters = static_cast<std::size_t>(row.out.channels);
            w.places = m == 4 ? detail::winograd_filters<4>(clipped, filters)
                              : detail::winograd_filters<2>(clipped, filters);
            return w;
        }
        const std::size_t size = clipped.size() / static_cast<std::size_t>(row.groups);
        for (std::size_t g = 0; g < static_cast<std::size_t>(row.groups); ++g)
            w.groups.emplace_back(std::span<const float>(clipped).subspan(g * size, size),
                                  static_cast<std::size_t>(filters_per_group(row)));
        return w;
    }

    /// Part of hass::EmulationBackend.
    void answers(std::size_t size, const workspace& space, std::span<float> out) const {
        const float* result = space.buffers[program_->schedule.result()].data();
        const auto pixels = static_cast<std::size_t>(program_->rows().back().out.pixels());
        const std::size_t classes = program_->classes();
        if (program_->model.channels_last_output) {
            const std::size_t channels = classes / pixels;
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t n = 0; n < size; ++n)
                    for (std::size_t p = 0; p < pixels; ++p)
                        out[n * classes + p * channels + c] = result[(c * size + n) * pixels + p];
            return;
        }
        for (std::size_t c = 0; c < classes / pixels; ++c)
            for (std::size_t n = 0; n < size; ++n)
                std::copy_n(result + (c * size + n) * pixels, pixels,
                            out.data() + n * classes + c * pixels);
    }

  private:
    friend detail::backend_base<eigen_backend>;

    /// Whether values are rounded to grids: what a sum is off by in float32 may then become a step.
    static bool rounds_to_grids(const program& p) {
        const bool asked = std::any_of(p.quantizers.begin(), p.quantizers.end(),
                                       [](const auto& grids) { return !grids.empty(); });
        return asked ||
               std::any_of(p.model.parameters.begin(), p.model.parameters.end(),
                           [](const layer_parameters& row) { return rounds(row.function); });
    }

    /// Outputs along a side of each row's tiles, 0: it has none. Where a filter adds nothing, what is blank in
    /// the input is to stay so.
    static std::vector<std::size_t> tiles_of_rows(const program& p) {
        std::vector<std::size_t> tiles(p.rows().size(), 0);
        if (rounds_to_grids(p)) return tiles;
        for (std::size_t i = 0; i < tiles.size(); ++i) {
            const std::vector<float>& bias = p.model.parameters[i].bias;
            const bool adds_nothing =
                bias.empty() || std::find(bias.begin(), bias.end(), 0.0F) != bias.end();
            if (!p.sums[i]) tiles[i] = detail::winograd_tile(p.rows()[i], adds_nothing);
        }
        return tiles;
    }

    static detail::batch_layout layout(const shape& s, std::size_t size) {
        const auto pixels = static_cast<std::size_t>(s.pixels());
        return {size * pixels, pixels, 1};
    }

    static std::vector<float>& scratch(workspace& space) { return space.planes; }

    template <class F>
    static void place(std::span<const float> map, F normalised, std::size_t n, std::size_t c,
                      std::size_t size, float* to) {
        detail::map(map.data(), to + (c * size + n) * map.size(), map.size(), normalised);
    }

    template <class See>
    void compute(std::size_t i, const weights& prepared, const layer_thresholds& tau,
                 const float* in, std::size_t size, float* out, workspace& space, See see) const {
        if (program_->sums[i]) return with_levels(i, prepared, tau, in, size, out, space, see);
        in = quantized(i, in, size, space);
        const sum_ends ends{program_->model.parameters[i].bias, program_->schedule[i].bounds};
        // A dense product clips on its way where one threshold holds for all channels.
        const layer_thresholds none;
        const bool on_its_way = tau.activation_channels.empty();
        const layer_thresholds& early = on_its_way ? none : tau;
        const bool in_tiles = !prepared.places.empty();
        if (in_tiles || detail::is_depthwise(program_->rows()[i])) {
            see([&] {
                return detail::seen_tensors{
                    in,
                    [in] { return in; },
                    [&, in] { return to_planes(i, in, size, early, space); },
                    {}};
            });
            if (in_tiles)
                tiles(i, prepared, in, size, tau, ends, out, space);
            else
                depthwise(i, prepared, in, size, tau, ends, out, space);
        } else {
            const float* planes = to_planes(i, in, size, early, space);
            see([&] {
                return detail::seen_tensors{
                    in, [in] { return in; }, [planes] { return planes; }, {}};
            });
            const auto keep = static_cast<float>(on_its_way ? tau.activation : 0.0);
            dense(i, prepared, planes, size, keep, ends, out, space.gemm);
        }
    }

    /// What sums begin with, and how far they go.
    struct sum_ends {
        const std::vector<float>& bias;
        detail::clamp bounds;
    };

    /// The same with whole numbers.
    template <class See>
    void with_levels(std::size_t i, const weights& prepared, const layer_thresholds& tau,
                     const float* in, std::size_t size, float* out, workspace& space,
                     See see) const {
        see([&] {
            return detail::seen_tensors{in,
                                        [in] { return in; },
                                        [&, in] { return to_planes(i, in, size, tau, space); },
                                        {}};
        });
        const detail::level_sums& sums = program_->sums[i];
        const layer_row& row = program_->rows()[i];
        const std::size_t map = size * static_cast<std::size_t>(row.in.pixels());
        const std::size_t values = size * static_cast<std::size_t>(row.in.volume());
        space.rounded.resize(std::max(space.rounded.size(), values + detail::packet_slack));
        for (std::size_t c = 0; c < static_cast<std::size_t>(row.in.channels); ++c)
            detail::map(
                in + c * map, space.rounded.data() + c * map, map,
                [keep = static_cast<float>(tau.activation_of(c)), step = sums.inputs[0].step](
                    float x) { return std::abs(x) < keep ? 0.0F : std::nearbyint(x / step); });
        const layer_thresholds none;
        const sum_ends ends{sums.bias, {}};
        if (detail::is_depthwise(row))
            depthwise(i, prepared, space.rounded.data(), size, none, ends, out, space);
        else
            dense(i, prepared, to_planes(i, space.rounded.data(), size, none, space), size, 0.0F,
                  ends, out, space.gemm);
        const std::size_t pixels = size * static_cast<std::size_t>(row.out.pixels());
        const detail::clamp& bounds = program_->schedule[i].bounds;
        for (std::size_t f = 0; f < sums.by.size(); ++f)
            detail::map(out + f * pixels, out + f * pixels, pixels,
                        [by = sums.by[f], to = sums.out, bounds](float sum) {
                            return std::min(std::max(to.at(sum * by), bounds.lower), bounds.upper);
                        });
    }

    void max_pool(std::size_t i, const float* in, std::size_t size, float* out,
                  workspace& space) const {
        pool(i, in, size, -std::numeric_limits<float>::infinity(), out, space,
             [](const auto& window, const float* plane, float* result) {
                 detail::max_pool(window, plane, result);
             });
    }

    void average_pool(std::size_t i, const float* in, std::size_t size, std::span<const float> rows,
                      std::span<const float> columns, float* out, workspace& space) const {
        pool(i, in, size, 0.0F, out, space,
             [&](const auto& window, const float* plane, float* result) {
                 detail::average_pool(window, plane, rows, columns, result);
             });
    }

    static void global_average_pool(const layer_row& row, const float* in, std::size_t size,
                                    float* out) {
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        const std::size_t volume = size * static_cast<std::size_t>(row.out.volume());
        for (std::size_t p = 0; p < volume; ++p) {
            double sum = 0.0;
            for (std::size_t x = 0; x < pixels; ++x) sum += static_cast<double>(in[p * pixels + x]);
            out[p] = static_cast<float>(sum / static_cast<double>(pixels));
        }
    }

    static void gate(const layer_row& row, const float* in, std::size_t size, bool first,
                     float* out) {
        const std::size_t maps = size * static_cast<std::size_t>(row.out.channels);
        const auto pixels = static_cast<std::size_t>(row.out.pixels());
        for (std::size_t m = 0; m < maps; ++m)
            for (std::size_t x = 0; x < pixels; ++x) {
                float& value = out[m * pixels + x];
                value = first ? in[m] : value * in[m];
            }
    }

    static void concat(const layer_row&, const detail::schedule::step& step, std::size_t size,
                       const std::vector<std::vector<float>>& buffers, float* out) {
        for (std::size_t k = 0; k < step.inputs.size(); ++k)
            out = std::copy_n(buffers[step.inputs[k]].data(),
                              size * static_cast<std::size_t>(step.shapes[k].volume()), out);
    }

    /// channels x images x pixels becomes (channels pixels) x images
    static void flatten(const layer_row& row, const float* in, std::size_t size, float* out) {
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        for (std::size_t c = 0; c < static_cast<std::size_t>(row.in.channels); ++c)
            for (std::size_t p = 0; p < pixels; ++p)
                for (std::size_t n = 0; n < size; ++n) *out++ = in[(c * size + n) * pixels + p];
    }

    static void softmax(const layer_row& row, std::size_t volume, float* out) {
        const auto channels = static_cast<std::size_t>(row.out.channels);
        const std::size_t each = channels / static_cast<std::size_t>(row.groups);
        const std::size_t positions = volume / channels;
        for (std::size_t c = 0; c < channels; c += each)
            detail::softmax(each, positions, out + c * positions);
    }

    /// The input of row i in fixed point, where the program says so.
    const float* quantized(std::size_t i, const float* in, std::size_t size,
                           workspace& space) const {
        const std::vector<quantizer>& quantizers = program_->quantizers[i];
        if (quantizers.empty()) return in;
        const layer_row& row = program_->rows()[i];
        const std::size_t values = size * static_cast<std::size_t>(row.in.volume());
        const std::size_t piece = values / quantizers.size();
        space.rounded.resize(std::max(space.rounded.size(), values + detail::packet_slack));
        for (std::size_t g = 0; g < quantizers.size(); ++g)
            detail::map(in + g * piece, space.rounded.data() + g * piece, piece,
                        [to = quantizers[g]](float x) { return to.round(x); });
        return space.rounded.data();
    }

    /// The input of row i as planes, channels x images, with what lies below its channel's
    /// threshold set to zero: the input itself where nothing has to be padded, sorted or clipped.
    const float* to_planes(std::size_t i, const float* in, std::size_t size,
                           const layer_thresholds& tau, workspace& space) const {
        const detail::sliding_window& window = program_->windows[i];
        if (window.layout.dense && tau.activation_channels.empty() && tau.activation == 0.0)
            return in;
        const std::size_t maps = size * static_cast<std::size_t>(window.row.in.channels);
        const auto pixels = static_cast<std::size_t>(window.row.in.pixels());
        reserve_planes(maps, window, space);
        for (std::size_t m = 0; m < maps; ++m)
            fill_plane(window.row, window.layout, in + m * pixels,
                       static_cast<float>(tau.activation_of(m / size)), 0.0F,
                       space.planes.data() + m * window.layout.size());
        return space.planes.data();
    }

    /// One map as a plane that is still in the cache when it is used.
    static const float* to_plane(const detail::sliding_window& window, const float* map, float keep,
                                 float outside, workspace& space) {
        if (window.layout.dense && keep == 0.0F) return map;
        reserve_planes(1, window, space);
        fill_plane(window.row, window.layout, map, keep, outside, space.planes.data());
        return space.planes.data();
    }

    static void reserve_planes(std::size_t maps, const detail::sliding_window& window,
                               workspace& space) {
        const std::size_t needed = maps * window.layout.size() + detail::packet_slack;
        if (space.planes.size() < needed) space.planes.resize(needed);
    }

    /// kernel(window, plane, out) for every map of row i.
    template <class Kernel>
    void pool(std::size_t i, const float* in, std::size_t size, float outside, float* out,
              workspace& space, Kernel kernel) const {
        const detail::sliding_window& window = program_->windows[i];
        const std::size_t maps = size * static_cast<std::size_t>(window.row.in.channels);
        const auto in_pixels = static_cast<std::size_t>(window.row.in.pixels());
        const auto out_pixels = static_cast<std::size_t>(window.row.out.pixels());
        for (std::size_t m = 0; m < maps; ++m)
            kernel(window, to_plane(window, in + m * in_pixels, 0.0F, outside, space),
                   out + m * out_pixels);
    }

    void depthwise(std::size_t i, const weights& prepared, const float* in, std::size_t size,
                   const layer_thresholds& tau, const sum_ends& with, float* out,
                   workspace& space) const {
        const detail::sliding_window& window = program_->windows[i];
        const auto in_pixels = static_cast<std::size_t>(window.row.in.pixels());
        const auto out_pixels = static_cast<std::size_t>(window.row.out.pixels());
        const auto filters = static_cast<std::size_t>(window.row.out.channels);
        const auto multiplier = static_cast<std::size_t>(filters_per_group(window.row));
        for (std::size_t f = 0; f < filters; ++f) {
            const std::size_t c = f / multiplier;
            const auto keep = static_cast<float>(tau.activation_of(c));
            for (std::size_t n = 0; n < size; ++n)
                detail::depthwise(
                    window, to_plane(window, in + (c * size + n) * in_pixels, keep, 0.0F, space),
                    prepared.depthwise.data() + f * window.taps.size(),
                    with.bias.empty() ? 0.0F : with.bias[f], with.bounds,
                    out + (f * size + n) * out_pixels);
        }
    }

    void tiles(std::size_t i, const weights& prepared, const float* in, std::size_t size,
               const layer_thresholds& tau, const sum_ends& with, float* out,
               workspace& space) const {
        const layer_row& row = program_->rows()[i];
        const auto run = [&](const auto& product) {
            product.run(
                prepared.places, in,
                [&](std::size_t c) { return static_cast<float>(tau.activation_of(c)); }, with.bias,
                with.bounds, out, space.tiles, space.gemm);
        };
        if (tile_[i] == 4)
            run(detail::winograd<4>(row, size));
        else
            run(detail::winograd<2>(row, size));
    }

    void dense(std::size_t i, const weights& prepared, const float* planes, std::size_t size,
               float keep, const sum_ends& with, float* out, detail::gemm_scratch& scratch) const {
        const detail::sliding_window& window = program_->windows[i];
        const auto height = static_cast<std::size_t>(window.row.out.height);
        const auto width = static_cast<std::size_t>(window.row.out.width);
        const std::size_t columns = size * height * width;
        const std::size_t channel = size * window.layout.size();
        const auto channels = static_cast<std::size_t>(channels_per_group(window.row));
        const bool whole_maps =
            window.layout.dense && window.taps.size() == 1 && window.row.stride_h == 1;
        const auto run_of = [&](std::size_t j) -> detail::column_run {
            if (whole_maps) return {j, columns - j};
            const std::size_t y = j / width;  // of all images
            const std::size_t x = j - y * width;
            return {y / height * window.layout.size() + window.at(y % height) + x, width - x};
        };
        scratch.offsets.clear();
        for (std::size_t c = 0; c < channels; ++c)
            for (const std::size_t tap : window.taps) scratch.offsets.push_back(c * channel + tap);
        for (std::size_t g = 0; g < prepared.groups.size(); ++g) {
            const detail::packed_filters& filters = prepared.groups[g];
            const std::size_t first = g * filters.filters();
            detail::multiply(filters, with.bias.empty() ? nullptr : with.bias.data() + first,
                             columns, planes + g * channels * channel, scratch.offsets, keep,
                             with.bounds, out + first * columns, scratch, run_of);
        }
    }

    std::vector<std::size_t> tile_;  ///< of each row, see `tiles_of_rows`
};

}  // namespace hass
