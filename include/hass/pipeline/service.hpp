/// \file service.hpp
/// How long a sparse engine's stage takes for every pixel, from the masks of zeros of real maps and
/// of weights: what `simulate` is fed with. A window takes what the engine's interval policy says
/// for as many pairs as survive in it; a pixel takes the sum over the windows that an engine is
/// dealt. Blocks of channels are dealt to streams as the engine's cycles assume (`deal`, or in order), so that
///
///     mean over pixels of the slowest stream  =  cycles of the engine for the same statistics
///
/// Nothing here multiplies a weight or knows an emulator: maps come as planes (`fill_plane`).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/streams.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/firing.hpp>
#include <hass/pipeline/simulate.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// What the `out` engines behind a stream are taken to work on.
enum class filter_share : std::uint8_t {
    averaged,  ///< as the model: filters are alike, each engine takes their mean
    own  ///< filters that are its own, dealt by how many of their weights are not zero, or in order
};

/// What windows take on an engine that stops at each.
struct window_times {
    std::vector<double> cycles{};  ///< by surviving pairs; empty: they do not depend on data
    /// Whether block b of channels goes to stream b mod streams and filter f to engine f mod out, as in the
    /// RTL (`histogram_interval::in_order`); else both are dealt by their work.
    bool in_order = false;
};

/// The pixels of a row's output in one image, as masks: bit c * K + tap of a window of `channels`
/// adjacent input channels is set where that tap meets a value that is not zero.
class pixel_masks {
  public:
    /// \param channels  adjacent channels of a window: taps x channels <= 64
    pixel_masks(const layer_row& row, int channels)
        : row_(row), layout_(row), channels_(static_cast<std::size_t>(channels)) {
        if (channels * taps(row) > 64)
            throw error(text_of(
                {"service: windows of ", channels * taps(row), " pairs; at most 64 are traced"}));
    }

    /// Masks of a block of channels, a pixel each, rows first.
    /// \param planes  in.channels x images x plane, and the image to look at
    void read(const float* planes, std::size_t images, std::size_t image, std::size_t block,
              float keep, std::vector<std::uint64_t>& masks) const {
        const std::uint32_t least = detail::magnitude_bits(keep);
        const auto width = static_cast<std::size_t>(row_.out.width);
        masks.assign(static_cast<std::size_t>(row_.out.pixels()), 0);
        int bit = 0;
        for (std::size_t c = block * channels_; c < (block + 1) * channels_; ++c)
            for (int ky = 0; ky < row_.kernel_h; ++ky)
                for (int kx = 0; kx < row_.kernel_w; ++kx, ++bit)
                    for (int y = 0; y < row_.out.height; ++y) {
                        const float* from = planes + (c * images + image) * layout_.size() +
                                            layout_.at(row_, y, ky, kx);
                        std::uint64_t* to = masks.data() + static_cast<std::size_t>(y) * width;
                        for (std::size_t x = 0; x < width; ++x)
                            to[x] |= std::uint64_t{detail::magnitude_bits(from[x]) >= least} << bit;
                    }
    }

  private:
    layer_row row_;
    plane_layout layout_;
    std::size_t channels_;
};

/// Of the engine that `c` names. An overload of your own, beside your engine, makes it known.
template <Interval I, ResourceModel R>
window_times window_table(const sparse_dot<I, R>& engine, const layer_row& row,
                          const row_option& c) {
    static_assert(!detail::MeanInterval<I>, "hass: a policy of means has no cycles of a window");
    window_times times;
    if constexpr (detail::WindowInterval<I>)
        for (int z = 0; z <= c.folding.vector * taps(row); ++z)
            times.cycles.push_back(engine.interval.window(z, c.folding.macs));
    if constexpr (requires { engine.interval.in_order; }) times.in_order = engine.interval.in_order;
    return times;
}
template <ResourceModel R>
window_times window_table(const dense_dot<R>&, const layer_row&, const row_option&) {
    return {};
}
/// Lanes and lists do not stop at windows: see `dot_service.hpp`.
template <class R>
window_times window_table(const lane_dot<R>&, const layer_row&, const row_option&) {
    return {};
}
template <class R>
window_times window_table(const list_dot<R>&, const layer_row&, const row_option&) {
    return {};
}
template <Engine... E>
window_times window_table(const engine_list<E...>& list, const layer_row& row,
                          const row_option& c) {
    return detail::at<window_times>(list.engines, c.engine,
                                    [&](const auto& e) { return window_table(e, row, c); });
}

/// Services of stages whose every firing takes its mean.
inline std::vector<service_trace> steady_services(const network_view& net,
                                                  std::span<const stage_estimate> stages) {
    std::vector<service_trace> services;
    for (std::size_t i = 0; i < net.size(); ++i)
        services.push_back({stages[i].cycles / static_cast<double>(firing_count(net[i]))});
    return services;
}

/// The pixels' cycles of one compute row on sparse engines, image by image.
class window_service {
  public:
    /// \param window   as `window_table`
    /// \param p        a folding that is legal for the row
    /// \param s        statistics, by which blocks are dealt to streams
    /// \param weights  out.channels x in.channels / groups x kernel_h x kernel_w, clipped
    /// \throws hass::error for windows of more than 64 pairs, weights or windows of another number
    window_service(window_times window, const layer_row& row, const parallelism& p,
                   const layer_statistics& s, std::span<const float> weights,
                   filter_share share = filter_share::own);

    /// Appends the cycles of some images to the trace.
    /// \param planes  in.channels x images x plane_layout(row).size(), 0 outside of the maps; values
    ///                with |x| < keep count as zero
    void add(const float* planes, std::size_t images, float keep);

    /// What was recorded so far.
    service_trace& trace() { return trace_; }

  private:
    std::vector<std::size_t> dealt(std::span<const double> work, std::size_t engines) const;
    void deal_blocks(const layer_statistics& s);
    void deal_filters(std::span<const float> weights);
    void mask_weights(std::span<const float> weights);
    void cycles_of(std::uint64_t mask, std::size_t block, double* lanes) const;

    layer_row row_;
    folded_row folded_;
    parallelism p_;
    filter_share share_;
    pixel_masks masks_;
    std::size_t engines_;                 ///< lanes a stream: out, or 1
    bool in_order_;                       ///< as `window_times`
    std::vector<double> window_;          ///< cycles by surviving pairs
    std::vector<std::size_t> stream_;     ///< of each block
    std::vector<std::size_t> engine_;     ///< of each filter of its group
    std::vector<std::uint64_t> weights_;  ///< blocks x filters of a group
    service_trace trace_;
};

inline window_service::window_service(window_times window, const layer_row& row,
                                      const parallelism& p, const layer_statistics& s,
                                      std::span<const float> weights, filter_share share)
    : row_(row),
      folded_(row, p),
      p_(p),
      share_(share),
      masks_(row, p.vector),
      engines_(share == filter_share::own ? static_cast<std::size_t>(p.out) : 1),
      in_order_(window.in_order),
      window_(std::move(window.cycles)) {
    if (window_.size() != static_cast<std::size_t>(folded_.pairs) + 1)
        throw error(text_of({"service: cycles of ", window_.size(), " kinds of windows of ",
                             folded_.pairs, " pairs"}));
    if (weights.size() != static_cast<std::size_t>(weight_count(row)))
        throw error(
            text_of({"service: ", weights.size(), " weights for a layer of ", weight_count(row)}));
    trace_.least = static_cast<double>(folded_.filters);
    trace_.intake = static_cast<double>(folded_.blocks);
    trace_.lanes = static_cast<std::size_t>(folded_.streams_in) * engines_;
    deal_blocks(s);
    deal_filters(weights);
    mask_weights(weights);
}

/// Which of `work` comes to which place; place k belongs to engine k mod engines.
inline std::vector<std::size_t> window_service::dealt(std::span<const double> work,
                                                      std::size_t engines) const {
    if (!in_order_) return deal(work, engines);
    std::vector<std::size_t> order(work.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
}

inline void window_service::deal_blocks(const layer_statistics& s) {
    const auto blocks = static_cast<std::size_t>(row_.in.channels / p_.vector);
    std::vector<double> work(blocks, 0.0);
    if (const window_histogram* h = s.windows_of(p_.vector); h != nullptr && h->blocks() == blocks)
        for (std::size_t b = 0; b < blocks; ++b)
            for (std::size_t z = 0; z < window_.size(); ++z)
                work[b] += h->share[b * window_.size() + z] * window_[z];
    const auto streams = static_cast<std::size_t>(folded_.streams_in);
    const std::vector<std::size_t> order = dealt(work, streams);
    stream_.resize(blocks);
    for (std::size_t place = 0; place < blocks; ++place) stream_[order[place]] = place % streams;
}

inline void window_service::deal_filters(std::span<const float> weights) {
    const auto filters = static_cast<std::size_t>(row_.out.channels);
    const auto of_group = static_cast<std::size_t>(filters_per_group(row_));
    engine_.assign(filters, 0);
    if (engines_ == 1) return;
    const std::size_t each = weights.size() / filters;
    for (std::size_t first = 0; first < filters; first += of_group) {
        std::vector<double> work(of_group, 0.0);
        for (std::size_t f = 0; f < of_group; ++f)
            for (const float w : weights.subspan((first + f) * each, each))
                work[f] += w != 0.0F ? 1.0 : 0.0;
        const std::vector<std::size_t> order = dealt(work, engines_);
        for (std::size_t place = 0; place < of_group; ++place)
            engine_[first + order[place]] = place % engines_;
    }
}

inline void window_service::mask_weights(std::span<const float> weights) {
    const auto blocks = static_cast<std::size_t>(row_.in.channels / p_.vector);
    const auto groups = static_cast<std::size_t>(row_.groups);
    const auto of_group = static_cast<std::size_t>(filters_per_group(row_));
    const auto pairs = static_cast<std::size_t>(folded_.pairs);
    const std::size_t blocks_of_group = blocks / groups;
    for (std::size_t b = 0; b < blocks; ++b)
        for (std::size_t f = 0; f < of_group; ++f) {
            const std::size_t filter = b / blocks_of_group * of_group + f;
            const float* at =
                weights.data() + (filter * blocks_of_group + b % blocks_of_group) * pairs;
            std::uint64_t mask = 0;
            for (std::size_t i = 0; i < pairs; ++i) mask |= std::uint64_t{at[i] != 0.0F} << i;
            weights_.push_back(mask);
        }
}

inline void window_service::cycles_of(std::uint64_t mask, std::size_t block, double* lanes) const {
    const auto of_group = static_cast<std::size_t>(filters_per_group(row_));
    const std::size_t blocks_of_group = stream_.size() / static_cast<std::size_t>(row_.groups);
    const std::uint64_t* weight = weights_.data() + block * of_group;
    const std::size_t* engine = engine_.data() + block / blocks_of_group * of_group;
    for (std::size_t f = 0; f < of_group; ++f)
        lanes[engine[f]] += window_[static_cast<std::size_t>(std::popcount(mask & weight[f]))];
    if (share_ == filter_share::averaged) lanes[0] /= p_.out;
}

inline void window_service::add(const float* planes, std::size_t images, float keep) {
    const auto pixels = static_cast<std::size_t>(row_.out.pixels());
    const std::size_t lanes = trace_.lanes, before = trace_.cycles.size();
    std::vector<double> sums(images * pixels * lanes, 0.0);
    std::vector<std::uint64_t> masks;
    for (std::size_t b = 0; b < stream_.size(); ++b) {
        // maps are much alike from pixel to pixel: each mask meets the filters once
        std::unordered_map<std::uint64_t, std::size_t> known;
        std::vector<double> cycles;
        for (std::size_t n = 0; n < images; ++n) {
            masks_.read(planes, images, n, b, keep, masks);
            for (std::size_t k = 0; k < pixels; ++k) {
                const auto [at, is_new] = known.try_emplace(masks[k], cycles.size());
                if (is_new) {
                    cycles.resize(cycles.size() + engines_, 0.0);
                    cycles_of(masks[k], b, cycles.data() + at->second);
                }
                double* sum = sums.data() + (n * pixels + k) * lanes + stream_[b] * engines_;
                for (std::size_t e = 0; e < engines_; ++e) sum[e] += cycles[at->second + e];
            }
        }
    }
    trace_.cycles.resize(before + sums.size());
    for (std::size_t k = 0; k < sums.size(); ++k)
        trace_.cycles[before + k] = static_cast<float>(sums[k]);
}

}  // namespace hass
