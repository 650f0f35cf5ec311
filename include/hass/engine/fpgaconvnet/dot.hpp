/// \file dot.hpp
/// The published latency model (fpgaconvnet-model edfbeb6) and engines that follow it to the cycle,
/// for comparison with published designs. The library's own engines are `sparse_dot` and
/// `dense_dot`; these differ where the published code does:
/// - the data-movement floor of sparse layers squares the rows instead of rows x columns
/// - single-tap kernels take the mean sparsity of all channels, and the result does not depend on
///   the number of multipliers
/// - all-zero windows cost nothing
/// - inner products are never sparse
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/streams.hpp>
#include <hass/statistics/validate.hpp>

namespace hass::fpgaconvnet {

/// Latency and pipeline depth of one module in cycles, and its rates in words a cycle.
struct module_timing {
    double latency = 0.0;   ///< cycles of one image
    double depth = 0.0;     ///< cycles from the first word in to the first word out
    double rate_in = 1.0;   ///< words a cycle
    double rate_out = 1.0;  ///< words a cycle
};

/// What a sparse layer's timing reads from its window histograms.
struct sparse_rates {
    double window_cycles = 1.0;  ///< of the slowest stream
    double accumulator = 1.0;    ///< 1 / (1 - share of empty windows), smallest over streams
    bool skip_empty = true;      ///< windows without survivors cost nothing
};

/// Expected cycles of a window of each channel.
/// \param windows     histograms of single channels
/// \param skip_empty  whether windows without survivors cost nothing
constexpr std::vector<double> channel_cycles(const window_histogram& windows, int macs,
                                             bool skip_empty) {
    const histogram_interval interval{skip_empty ? 0.0 : 1.0};
    const auto width = static_cast<std::size_t>(windows.length) + 1;
    std::vector<double> cycles(windows.blocks(), 0.0);
    for (std::size_t b = 0; b < cycles.size(); ++b)
        for (std::size_t z = 0; z < width; ++z)
            cycles[b] += interval.window(static_cast<int>(z), macs) * windows.share[b * width + z];
    return cycles;
}

/// \param order    channels as dealt to streams, see `deal`
/// \param streams  divides the channels
constexpr sparse_rates rates_of(const window_histogram& windows, std::span<const std::size_t> order,
                                int streams, int macs, bool skip_empty) {
    const std::vector<double> work = channel_cycles(windows, macs, skip_empty);
    const auto width = static_cast<std::size_t>(windows.length) + 1;
    const auto s = static_cast<std::size_t>(streams);
    std::vector<double> cycles(s, 0.0);
    std::vector<double> empty(s, 0.0);
    for (std::size_t place = 0; place < order.size(); ++place) {
        cycles[place % s] += work[order[place]];
        empty[place % s] += windows.share[order[place] * width];
    }
    const auto rounds = static_cast<double>(order.size() / s);
    return {*std::max_element(cycles.begin(), cycles.end()) / rounds,
            1.0 / (1.0 - *std::min_element(empty.begin(), empty.end()) / rounds), skip_empty};
}

/// The published timing of a layer, module by module.
struct layer_timing {
    /// One a module, in the order of the pipeline.
    module_timing pad, sliding_window, squeeze, fork, vector_dot;
    /// The modules behind the products.
    module_timing accumulator, glue, bias, shift_scale;

    /// All of them, in the order of the pipeline.
    constexpr std::array<const module_timing*, 9> modules() const {
        return {&pad,         &sliding_window, &squeeze, &fork,       &vector_dot,
                &accumulator, &glue,           &bias,    &shift_scale};
    }

    /// Cycles from the first word in to the first word out, summed over the modules.
    constexpr double depth() const {
        double sum = 0.0;
        for (const module_timing* m : modules()) sum += m->depth;
        return sum;
    }

    /// Words a cycle that the layer takes in when no module stalls.
    constexpr double rate_in() const {
        double gain = 1.0;
        double rate = 0.0;
        bool first = true;
        for (const module_timing* m : modules()) {
            const double r = m->rate_in / gain;
            rate = first ? r : std::min(rate, r);
            first = false;
            gain *= m->rate_out / m->rate_in;
        }
        return rate;
    }

    /// The slowest module, kept or not: the latency of dense layers and inner products.
    constexpr double slowest_module() const {
        double worst = 0.0;
        for (const module_timing* m : modules()) worst = std::max(worst, m->latency);
        return worst;
    }
};

namespace detail {

constexpr module_timing timing(double words_in, double rate_in, double words_out, double rate_out,
                               double depth = 0.0) {
    return {std::max(hass::detail::trunc(words_in / rate_in),
                     hass::detail::trunc(words_out / rate_out)),
            depth, rate_in, rate_out};
}

}  // namespace detail

/// Timing of a convolution or inner product. `rates` is read for `stage_kind::sparse` only.
constexpr layer_timing module_timings(stage_kind kind, const layer_row& row, const parallelism& p,
                                      const sparse_rates& rates = {}) {
    using detail::timing;
    const layer_cost layer(kind, row, p, precision{});
    const folded_row& fold = layer.folded();
    const auto real = [](std::int64_t n) { return static_cast<double>(n); };
    const double out = real(row.out.pixels());
    const double filters = real(fold.filters);
    const double accumulated = real(layer.accumulated());
    layer_timing t;
    if (kind == stage_kind::inner_product) {
        const double features = real(row.in.volume());
        t.fork = timing(real(row.in.pixels() * (row.in.channels / p.in)), 1, 0, 1);
        t.vector_dot = timing(accumulated, 1 / filters, filters, 1, 1);
        t.accumulator =
            timing(accumulated * filters, 1, filters, 1 / accumulated, accumulated * filters);
        t.glue = timing(real(row.out.channels) / p.out, 1, 0, 1, p.in);
        if (row.bias) t.bias = timing(filters, 1, 0, 1);
        t.shift_scale = timing(features, 1, 0, 1);
        return t;
    }
    const double padded = real(padded_height(row) * padded_width(row));
    const double channels = real(fold.blocks);
    t.pad = timing(real(row.in.pixels()) * channels, real(row.in.pixels()) / padded,
                   padded * channels, 1);
    t.sliding_window =
        timing(padded * channels, 1, out * channels, out / padded,
               real((row.kernel_h - 1) * padded_width(row) + row.kernel_w - 1) * channels);
    t.squeeze = t.fork = timing(out * channels, 1, out * channels, 1);
    if (kind == stage_kind::sparse) {
        const double rate = 1.0 / rates.window_cycles;
        t.vector_dot = timing(out * channels, rate / filters, out * filters, rate);
    } else {
        t.vector_dot = timing(out * accumulated, 1 / filters, out * filters, 1,
                              real(hass::detail::bits_for(p.macs + 1)));
    }
    if (kind == stage_kind::sparse && rates.skip_empty) {
        const double q = rates.accumulator;
        t.accumulator = timing(out * channels * filters, q, out * filters,
                               std::min(channels, q) / channels, channels * filters);
    } else {
        t.accumulator = timing(out * accumulated * filters, 1, out * filters, 1 / accumulated,
                               accumulated * filters);
    }
    t.glue.latency = out * real(row.out.channels / p.group) / real(std::int64_t{p.out} * p.group);
    t.glue.depth = p.in;
    if (row.bias) t.bias = timing(out * real(row.out.channels / fold.streams_out), 1, 0, 1);
    t.shift_scale = timing(out, 1, 0, 1);
    return t;
}

/// Latency of a sparse or pointwise layer in cycles, from the cycles of a window in its slowest
/// stream (1 - sparsity for pointwise). Squares rows, as published.
constexpr double sparse_latency(const layer_row& row, const parallelism& p, double window_cycles) {
    const folded_row f(row, p);
    const auto real = [](std::int64_t n) { return static_cast<double>(n); };
    const double dot = real(f.windows_per_engine(row)) * window_cycles;
    const double in = real(std::int64_t{row.in.height} * row.in.height * row.in.channels) /
                      (real(f.streams_in) * p.vector);
    const double out = real(std::int64_t{row.out.height} * row.out.height * row.out.channels) /
                       real(f.streams_out);
    return hass::detail::ceil(std::max({dot, in, out}));
}

/// Cycles of a "window" of the published mean-sparsity engine for single-tap kernels.
/// Channel i goes to stream i mod `streams`; consecutive streams form clusters.
/// \param channel_sparsity  share of zero pairs of each channel
/// \param clusters          divides `streams`
constexpr double pointwise_cycles(std::span<const double> channel_sparsity, int streams,
                                  int clusters = 1) {
    const auto width = static_cast<std::size_t>(streams / clusters);
    std::vector<double> sum(static_cast<std::size_t>(clusters), 0.0);
    for (std::size_t i = 0; i < channel_sparsity.size(); ++i)
        sum[i % static_cast<std::size_t>(streams) / width] += channel_sparsity[i];
    const double channels =
        static_cast<double>(channel_sparsity.size()) / static_cast<double>(clusters);
    const double mean = *std::min_element(sum.begin(), sum.end()) / channels;
    return 1.0 - std::min(mean, 1.0 - 1.0 / static_cast<double>(width));
}

/// Cycles of a row without weights as published: global pooling forgets the pixels.
constexpr double stage_cycles(const layer_row& row, int streams) {
    const std::int64_t channels = row.in.channels / streams;
    switch (row.kind) {
        case layer_kind::global_average_pool:
            return static_cast<double>(channels);
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            return static_cast<double>(
                std::max(padded_height(row) * padded_width(row), row.out.pixels()) * channels);
        default:
            return static_cast<double>(row.in.pixels() * channels);
    }
}

/// The published dense engine. `macs` divides K; `vector` is 1.
/// \tparam R  resource policy
template <ResourceModel R = published>
struct dense_dot {
    R resources{};
    precision widths{};

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return hass::detail::legal_streams(row, p) && p.vector == 1 && taps(row) % p.macs == 0;
    }
    /// \throws hass::error for a folding that does not exist
    constexpr double cycles(const layer_row& row, const layer_statistics&,
                            const row_option& c) const {
        hass::detail::require_legal(legal(row, c.folding), row, c.folding);
        const bool linear = row.kind == layer_kind::linear;
        return module_timings(linear ? stage_kind::inner_product : stage_kind::dense, row,
                              c.folding)
            .slowest_module();
    }
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        hass::detail::require_priced(resources, c);
        return resources.dense(row, c, widths);
    }
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, widths, held);
    }
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        const hass::detail::int_list macs = hass::detail::divisors(taps(row));
        hass::detail::for_each_streams(row, [&](parallelism p) {
            if (p.vector != 1) return;
            for (const int n : macs) {
                p.macs = n;
                hass::detail::visit_built(resources, row, p, widths, n, visit);
            }
        });
    }
};

/// The published sparse engine at one operating point.
class prepared_sparse_dot {
  public:
    /// Reads the histograms once for all options.
    constexpr prepared_sparse_dot(const layer_row& row, const layer_statistics& s,
                                  double empty_window_cycles)
        : row_(row) {
        validate(s);
        const histogram_interval interval{empty_window_cycles};
        if (!single_tap(row))
            table_ = interval_table(interval, s, row.in.channels, taps(row), 1, taps(row));
        else
            sparsity_ = mean_sparsity(row, s);
    }

    constexpr double cycles(const row_option& c) const {
        const parallelism& p = c.folding;
        if (row_.kind == layer_kind::linear)
            return module_timings(stage_kind::inner_product, row_, p).slowest_module();
        const int streams = p.in * p.group;
        const double window = single_tap(row_) ? pointwise_cycles(std::span(&sparsity_, 1), streams)
                                               : table_(streams, p.macs);
        return sparse_latency(row_, p, window);
    }

  private:
    static constexpr double mean_sparsity(const layer_row& row, const layer_statistics& s) {
        const window_histogram* windows = s.windows_of(1);
        if (windows == nullptr) return s.pair_sparsity_padded;
        validate(*windows, row.in.channels, 1);
        double sum = 0.0;
        for (std::size_t b = 0; b < windows->blocks(); ++b) sum += windows->share[2 * b];
        return sum / static_cast<double>(windows->blocks());
    }

    layer_row row_;
    interval_table table_{};
    double sparsity_ = 0.0;
};

/// The published sparse engine: convolutions by window histograms of single channels, single-tap
/// kernels by the mean sparsity, inner products dense. `macs` is 1 .. K; `vector` is 1.
/// \tparam R resource policy
template <ResourceModel R = published>
struct sparse_dot {
    R resources{};
    precision widths{};
    double empty_window_cycles = 0.0;  ///< 0: all-zero windows are skipped

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        return hass::detail::legal_streams(row, p) && p.vector == 1 && p.macs <= taps(row);
    }
    /// \throws hass::error for a folding that does not exist, or statistics that do not fit the row
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        hass::detail::require_legal(legal(row, c.folding), row, c.folding);
        return prepare(row, s).cycles(c);
    }
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        hass::detail::require_priced(resources, c);
        return row.kind == layer_kind::linear ? resources.dense(row, c, widths)
                                              : resources.sparse(row, c, widths);
    }
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, widths, held);
    }
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        hass::detail::for_each_streams(row, [&](parallelism p) {
            if (p.vector != 1) return;
            for (p.macs = 1; p.macs <= taps(row); ++p.macs) {
                const int read = row.kind == layer_kind::linear ? p.macs : taps(row);
                hass::detail::visit_built(resources, row, p, widths, read, visit);
            }
        });
    }
    /// \throws hass::error as `cycles` does for statistics
    constexpr prepared_sparse_dot prepare(const layer_row& row, const layer_statistics& s) const {
        return {row, s, empty_window_cycles};
    }
};

}  // namespace hass::fpgaconvnet
