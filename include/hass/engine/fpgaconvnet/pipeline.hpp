/// \file pipeline.hpp
/// Whole accelerators in the published model (fpgaconvnet-model edfbeb6, fpgaconvnet-optimiser
/// d11a643): every stage of the pipeline, the FIFOs in front of additions, and the totals that the
/// public explorer reports. For comparison with its designs; `evaluate` is the library's own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/error.hpp>

namespace hass::fpgaconvnet {

/// One stage of a published pipeline. Words are those of one stream for one image.
struct stage {
    double latency = 0.0;    ///< cycles
    double words_in = 1.0;   ///< of its input
    double words_out = 1.0;  ///< of its output
    double depth = 0.0;      ///< cycles from the first word in to the first word out
    double rate_in = 1.0;    ///< words a cycle
    usage cost{};            ///< without what stands between stages
    int fifo_width = 0;      ///< bits of the FIFOs in front of each input (element-wise stages)
    int streams = 1;         ///< side by side
    bool split = false;      ///< copies its input to several consumers
    std::vector<std::size_t> inputs{};  ///< stages that feed it, all of smaller index
};

/// A convolution or inner product.
/// \param windows     histograms of single channels, read by sparse layers; for pointwise layers
///                    their share of empty windows is the sparsity; may be nullptr for dense ones
/// \param skip_empty  whether all-zero windows cost nothing
/// \throws hass::error when a sparse or pointwise layer comes without histograms
inline stage compute_stage(stage_kind kind, const layer_row& row, const row_option& c,
                           const precision& width, const window_histogram* windows = nullptr,
                           bool skip_empty = true) {
    const parallelism& p = c.folding;
    const int streams_in = p.in * p.group;
    const bool sparse = kind == stage_kind::sparse;
    const bool pointwise = kind == stage_kind::pointwise;
    if ((sparse || pointwise) && windows == nullptr)
        throw error("compute_stage: a sparse layer without window histograms");
    sparse_rates rates;
    if (sparse) {
        const auto work = channel_cycles(*windows, p.macs, skip_empty);
        rates = rates_of(*windows, deal(work, static_cast<std::size_t>(streams_in)), streams_in,
                         p.macs, skip_empty);
    }
    const layer_timing t = module_timings(kind, row, p, rates);
    stage s;
    s.latency = t.slowest_module();
    if (sparse) s.latency = sparse_latency(row, p, rates.window_cycles);
    if (pointwise) {
        std::vector<double> empty;
        for (std::size_t b = 0; b < windows->blocks(); ++b) empty.push_back(windows->share[2 * b]);
        s.latency = sparse_latency(row, p, pointwise_cycles(empty, streams_in));
    }
    s.words_in = static_cast<double>(row.in.pixels() * (row.in.channels / streams_in));
    s.words_out = static_cast<double>(row.out.pixels() * (row.out.channels / (p.out * p.group)));
    s.depth = t.depth();
    s.rate_in = t.rate_in();
    s.cost = layer_cost(kind, row, p, width).total(c.memory, false);
    s.streams = streams_in;
    return s;
}

/// A row without weights. Element-wise stages get their FIFOs from `add_fifos`.
inline stage plain_stage(const layer_row& row, int streams, const precision& width) {
    const std::int64_t channels = row.in.channels / streams;
    stage s;
    s.latency = stage_cycles(row, streams);
    s.words_in = static_cast<double>(row.in.pixels() * channels);
    s.words_out = static_cast<double>(row.out.pixels() * channels);
    s.cost = published{}.stage(row, {{streams, 1, 1, 1, 1}, weight_memory::bram18, 0}, width);
    s.streams = streams;
    if (row.kind == layer_kind::global_average_pool) s.depth = s.words_in;
    if (row.kind == layer_kind::max_pool || row.kind == layer_kind::average_pool) {
        const auto padded = static_cast<double>(padded_height(row) * padded_width(row));
        layer_timing t;
        t.pad.rate_in = static_cast<double>(row.in.pixels()) / padded;
        t.sliding_window.rate_out = static_cast<double>(row.out.pixels()) / padded;
        s.depth = static_cast<double>(((row.kernel_h - 1) * padded_width(row) + row.kernel_w - 1) *
                                      channels);
        s.rate_in = t.rate_in();
    }
    if (row.kind == layer_kind::add || row.kind == layer_kind::multiply) s.fifo_width = width.data;
    return s;
}

/// The converter that is put wherever a stage has other streams out than its successor has in.
inline stage squeeze_stage(const shape& at, int from, int to, const precision& width) {
    const modules::module_cost m = modules::squeeze(from, to, 1, width.data);
    stage s;
    s.latency = static_cast<double>(at.pixels() * (at.channels / std::min(from, to)));
    s.words_in = static_cast<double>(at.pixels() * (at.channels / from));
    s.words_out = static_cast<double>(at.pixels() * (at.channels / to));
    s.cost = {m.dsp, m.lut, m.ff, m.bram18, 0.0, 0.0};
    s.streams = from;
    return s;
}

/// Copies a stream to `outputs` consumers.
inline stage split_stage(const shape& at, int outputs, int streams, const precision& width) {
    const modules::module_cost m = modules::fork(1, outputs, 1, width.data);
    stage s;
    s.latency = s.words_in = s.words_out =
        static_cast<double>(at.pixels() * (at.channels / streams));
    s.cost = streams * usage{m.dsp, m.lut, m.ff, m.bram18, 0.0, 0.0};
    s.streams = streams;
    s.split = true;
    return s;
}

namespace detail {

/// Stages that reach stage `to`, itself included.
inline std::vector<bool> ancestors(std::span<const stage> stages, std::size_t to) {
    std::vector<bool> reach(stages.size(), false);
    reach[to] = true;
    for (std::size_t i = to + 1; i-- > 0;)
        if (reach[i])
            for (const std::size_t from : stages[i].inputs) reach[from] = true;
    return reach;
}

/// A path's fill: the sum of depths, and of the time each stage takes for its first output, scaled
/// by how many words of the path's input that output needs.
struct path_fill {
    double depths = 0.0;
    double times = 0.0;
    double gain = 1.0;

    void append(const stage& s) {
        gain *= s.words_in / s.words_out;
        depths += s.depth;
        times += s.latency / s.words_in * gain;
    }
    double value() const { return depths + times; }
};

/// Largest fill over all simple paths from `at` to `to`, both included; paths go through `to`'s
/// input `port` only. Explored forwards from the split because fills scale along the path.
inline double largest_fill(std::span<const stage> stages, std::size_t at, std::size_t to,
                           std::size_t port, const std::vector<bool>& on_way, path_fill fill) {
    fill.append(stages[at]);
    double worst = -1.0;
    for (std::size_t next = at + 1; next <= to; ++next) {
        if (!on_way[next]) continue;
        const auto& inputs = stages[next].inputs;
        if (std::find(inputs.begin(), inputs.end(), at) == inputs.end()) continue;
        if (next != to) {
            worst = std::max(worst, largest_fill(stages, next, to, port, on_way, fill));
        } else if (inputs[port] == at) {
            path_fill whole = fill;
            whole.append(stages[to]);
            worst = std::max(worst, whole.value());
        }
    }
    return worst;
}

}  // namespace detail

/// Words of the FIFO in front of each input of the element-wise stage `at`: what the slower branch
/// since the nearest common split takes longer, plus 64; 2 where no split precedes.
inline std::vector<std::int64_t> fifo_depths(std::span<const stage> stages, std::size_t at) {
    const auto& inputs = stages[at].inputs;
    std::vector<bool> common = detail::ancestors(stages, inputs[0]);
    for (std::size_t port = 1; port < inputs.size(); ++port) {
        const std::vector<bool> other = detail::ancestors(stages, inputs[port]);
        for (std::size_t i = 0; i < common.size(); ++i) common[i] = common[i] && other[i];
    }
    std::size_t split = stages.size();
    for (std::size_t i = 0; i < stages.size(); ++i)
        if (common[i] && stages[i].split) split = i;
    if (split == stages.size()) return std::vector<std::int64_t>(inputs.size(), 2);
    const std::vector<bool> on_way = detail::ancestors(stages, at);
    std::vector<double> fill;
    for (std::size_t port = 0; port < inputs.size(); ++port)
        fill.push_back(detail::largest_fill(stages, split, at, port, on_way, {}));
    const double worst = *std::max_element(fill.begin(), fill.end());
    std::vector<std::int64_t> depths;
    for (const double f : fill)
        depths.push_back(static_cast<std::int64_t>(hass::detail::ceil(worst - f)) + 64);
    return depths;
}

/// Adds the FIFOs in front of element-wise stages to their block RAMs.
inline void add_fifos(std::span<stage> stages) {
    for (std::size_t i = 0; i < stages.size(); ++i) {
        if (stages[i].fifo_width == 0 || stages[i].inputs.empty()) continue;
        for (const std::int64_t depth : fifo_depths(stages, i))
            stages[i].cost.bram18 +=
                static_cast<double>(stages[i].streams * bram18_fifo(depth, stages[i].fifo_width));
    }
}

/// A whole published accelerator, as its explorer reports it.
struct totals {
    usage raw{};                   ///< sum over the stages
    usage reported{};              ///< after missing block RAMs were bought with LUTs
    double interval_cycles = 0.0;  ///< the slowest stage
    double depth_cycles = 0.0;     ///< the published pipeline fill
};

/// \param stages     in topological order, with FIFOs
/// \param available  the board
inline totals total(std::span<const stage> stages, const usage& available) {
    totals t;
    for (const stage& s : stages) {
        t.raw += s.cost;
        t.interval_cycles = std::max(t.interval_cycles, s.latency);
    }
    t.reported = t.raw;
    const double missing = hass::detail::ceil(t.raw.bram18 - available.bram18);
    const double surplus = hass::detail::trunc((available.lut - t.raw.lut) / 288.0);
    if (missing > 0.0 && surplus > 0.0) {  // all of the surplus is charged, needed or not
        t.reported.bram18 -= std::min(missing, surplus);
        t.reported.lut += surplus * 288.0;
    }
    // Along the path with most stages: fill of the stages at the pace of the interval.
    std::vector<std::size_t> length(stages.size(), 0);
    std::vector<std::size_t> from(stages.size(), stages.size());
    for (std::size_t i = 0; i < stages.size(); ++i)
        for (const std::size_t k : stages[i].inputs)
            if (length[k] + 1 > length[i]) length[i] = length[k] + 1, from[i] = k;
    std::vector<std::size_t> path;
    for (std::size_t i = static_cast<std::size_t>(std::max_element(length.begin(), length.end()) -
                                                  length.begin());
         i < stages.size(); i = from[i])
        path.push_back(i);
    double gain = 1.0;
    for (auto i = path.rbegin(); i != path.rend(); ++i) {
        const stage& s = stages[*i];
        gain *= s.words_in / s.words_out;
        t.depth_cycles += s.depth / s.rate_in + t.interval_cycles / s.words_in * gain;
    }
    return t;
}

/// Cycles for a batch: one interval an image and the fill, for every round of weights.
/// \param slow_down     as of `streaming_bandwidth`
/// \param reloads       rounds of weights (1: all weights stay on chip)
/// \param weight_words  words to load between rounds
constexpr std::int64_t batch_cycles(const totals& t, std::int64_t batch, double slow_down = 1.0,
                                    std::int64_t reloads = 1, std::int64_t weight_words = 0) {
    const double round =
        hass::detail::ceil(t.interval_cycles * slow_down) * static_cast<double>(batch) +
        t.depth_cycles;
    return static_cast<std::int64_t>(round * static_cast<double>(reloads)) +
           (reloads - 1) * weight_words;
}

}  // namespace hass::fpgaconvnet
