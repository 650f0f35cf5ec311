/// \file evaluate.hpp
/// THE function: rows + statistics + design -> estimate. Constexpr, the same doubles at compile
/// time and at run time:
///
///     interval I   = max over stages of the stage's cycles for one image   [HASS eq 3],
///                    and of the cycles in which the board's link carries it (`link.hpp`)
///     images/s     = clock / I
///     resources    = sum over stages, skew buffers of joins included       [HASS eq 4],
///                    and over what stands between them (`squeeze.hpp`)
///                    block RAMs that the board lacks built from LUTs if the engine may
///     bandwidth    = weights that are read off-chip, and images and answers at the pace of I
///     fill         = longest path over the edges of the stages' fills (`fill_cycles`)
///     latency      = fill and the rest of the last map
///     single image = each stage at its own pace, in an empty pipeline (`own_pace.hpp`)
///
/// A batch of B images takes (B - 1) I + latency.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/own_pace.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// One stage of the pipeline as built: what it takes for one image, and what it costs.
struct stage_estimate {
    double cycles = 0.0;  ///< for one image
    usage cost{};         ///< without what stands between stages
};

/// The whole accelerator.
struct estimate {
    double interval_cycles = 0.0;    ///< cycles between images: the slowest stage's, or the link's
    std::size_t bottleneck = 0;      ///< the slowest stage (the first on ties); see `link_binds`
    double link_cycles = 0.0;        ///< in which the board's link carries an image and its answers
                                     ///< beside the weights; infinite when these leave nothing
    double images_per_second = 0.0;  ///< at the board's clock
    /// Cycles from the image's first pixel to the first pixel of the result, and to the last one,
    /// when the image comes at the pace of the interval, as behind another one. An image that is
    /// there at once takes no longer.
    double fill_cycles = 0.0;
    /// From the first pixel in to the last answer out, behind other images.
    double latency_cycles = 0.0;
    /// Cycles from the first pixel of a single image to the last one of its result, in an empty
    /// pipeline whose stages go at their own pace (batch 1); the image comes as fast as the board's
    /// link carries it, its answers and the weights. Never above `latency_cycles`.
    double single_image_cycles = 0.0;
    usage total{};                 ///< what is taken of the device, by stages and by what stands
                                   ///< between them; its bandwidth is that of weights, images and
                                   ///< answers together
    usage between{};               ///< of that, what stands between stages: squeezes, movers of
                                   ///< images and answers, splits (see `squeeze.hpp`)
    double image_gbit_s = 0.0;     ///< of that, images and answers
    double bram18_from_lut = 0.0;  ///< block RAMs that the device lacks, built from LUTs: they
                                   ///< count as LUTs in `total` (see `lut_per_missing_bram18`)
    bool fits = false;             ///< within the device in every resource, and no stage ruled out

    /// Whether the board's link, and no stage, is what sets the interval.
    constexpr bool link_binds() const {
        return link_cycles > 0.0 && link_cycles >= interval_cycles && fits;
    }

    /// images / cycle / DSP, the efficiency of HASS's Table II; 0 without DSPs
    constexpr double efficiency() const {
        return total.dsp > 0.0 && interval_cycles > 0.0 ? 1.0 / (interval_cycles * total.dsp) : 0.0;
    }
};

/// A design: one option a row.
using design = std::vector<row_option>;

/// What a matmul keeps of its inputs beside its filters, which stand where a layer's weights would:
/// the first one, which is replaced while it leaves, and the next image's filters.
/// \throws hass::error for filters off-chip, or in a memory for some of them alone
template <Engine E>
constexpr usage operands_cost(const E& engine, const layer_row& row, const row_option& c) {
    if constexpr (requires { engine.resources.stored < 1.0; })
        if (engine.resources.stored < 1.0)
            throw error(
                "a product of two activations has its second input as it comes: how many "
                "zeros there are is not known before, so that it is not stored without");
    if (c.memory == weight_memory::off_chip)
        throw error("a product of two activations keeps its second input on the chip");
    const std::array<held_input, 2> kept{{{row.in.volume(), 0}, {weight_count(row), 0}}};
    return stage_cost(engine, row, c, kept);
}

/// Cost of one row in one option.
/// \param held  what it holds back, as `network_skew` says
template <Engine E>
constexpr usage row_cost(const E& engine, const layer_row& row, const row_option& c,
                         std::span<const held_input> held = {}) {
    if (row.kind == layer_kind::matmul) return engine.cost(row, c) + operands_cost(engine, row, c);
    if (is_compute(row)) return engine.cost(row, c);
    return stage_cost(engine, row, c, held);
}

/// Cycles of one row for one image in one option.
template <Engine E>
constexpr double row_cycles(const E& engine, const layer_row& row, const layer_statistics& s,
                            const row_option& c) {
    return is_compute(row) ? static_cast<double>(engine.cycles(row, s, c)) : stage_cycles(row, c);
}

/// One stage.
template <Engine E>
constexpr stage_estimate evaluate_stage(const E& engine, const layer_row& row,
                                        const layer_statistics& s, const row_option& c,
                                        std::span<const held_input> held = {}) {
    return {row_cycles(engine, row, s, c), row_cost(engine, row, c, held)};
}

/// Of a single image, see `own_pace.hpp`.
/// \param image_cycles  in which the image comes
constexpr double single_image_cycles(const network_view& net, std::span<const row_option> chosen,
                                     std::span<const stage_estimate> stages, double image_cycles) {
    own_pace pace(net);
    for (std::size_t i = 0; i < net.size(); ++i)
        pace.set(i, {stages[i].cycles, pixel_latency(net.rows[i], chosen[i], 0.0)});
    return pace.latency(image_cycles);
}

/// The accelerator that is made of these stages.
/// \param chosen  one option a row
/// \param stages  one a row, as `evaluate_stage` gives them
/// \param lut_per_missing_bram18  0: block RAMs that the board lacks cannot be built from LUTs
/// \param image_bits  of an image and its answers, which the board's link carries
/// \param between     what stands between the stages, as `between_cost` gives it
/// \throws hass::error when an edge stands in front of one that leads to an earlier row
template <Device D>
constexpr estimate evaluate_pipeline(const network_view& net, std::span<const row_option> chosen,
                                     std::span<const stage_estimate> stages, const D& on,
                                     double lut_per_missing_bram18, double image_bits,
                                     const usage& between = {}) {
    const device& board = on.limits();
    estimate e;
    e.between = between;
    for (std::size_t i = 0; i < net.size(); ++i) {
        e.total += stages[i].cost;
        if (stages[i].cycles > e.interval_cycles)
            e.interval_cycles = stages[i].cycles, e.bottleneck = i;
    }
    e.total += between;
    const image_link link = link_of(board, image_bits);
    e.link_cycles = link.cycles(e.total.bandwidth);
    // where weights leave nothing, the design does not fit and goes at the pace of its stages
    const bool carried = e.link_cycles < std::numeric_limits<double>::infinity();
    if (carried) e.interval_cycles = std::max(e.interval_cycles, e.link_cycles);
    e.image_gbit_s = link.traffic(e.interval_cycles);
    e.total.bandwidth += e.image_gbit_s;
    // a link that is full is over its bandwidth by rounding alone
    if (carried) e.total.bandwidth = std::min(e.total.bandwidth, board.budget.bandwidth);
    e.images_per_second = e.interval_cycles > 0.0 ? board.mhz * 1e6 / e.interval_cycles
                                                  : std::numeric_limits<double>::infinity();
    e.bram18_from_lut = build_missing_bram18(e.total, board.budget, lut_per_missing_bram18);
    spend_all(e.total, board.budget);
    e.fits = fits(e.total, board.budget) && carried && e.interval_cycles < ruled_out;

    std::vector<double> first(net.size(), 0.0);  // first input pixel, then first output pixel
    std::size_t done = 0;
    const auto fill_up_to = [&](std::size_t end) {
        for (; done < end; ++done) {
            const layer_row& row = net.rows[done];
            first[done] += fill_cycles(row, chosen[done], stages[done].cycles, e.interval_cycles);
            const double last =
                first[done] +
                e.interval_cycles * (1.0 - 1.0 / static_cast<double>(row.out.pixels()));
            e.fill_cycles = std::max(e.fill_cycles, first[done]);
            e.latency_cycles = std::max(e.latency_cycles, last);
        }
    };
    for (const edge& at : net.edges) {
        const auto to = static_cast<std::size_t>(at.to);
        if (to < done || to >= net.size() || at.from >= at.to)
            throw error(text_of({"evaluate: edge ", at.from, " -> ", at.to, " is out of order"}));
        fill_up_to(to);
        if (at.from != network_input)
            first[to] = std::max(first[to], first[static_cast<std::size_t>(at.from)]);
    }
    fill_up_to(net.size());
    e.single_image_cycles = std::min(
        single_image_cycles(net, chosen, stages, carried ? e.link_cycles : 0.0), e.latency_cycles);
    return e;
}

/// The accelerator that `chosen` describes.
/// \param net     the network
/// \param s       statistics, asked for compute rows only
/// \param engine  executes the compute rows
/// \param board   what there is to spend
/// \param chosen  one option a row
/// \throws hass::error when `chosen` and the network differ in length, and as `evaluate_pipeline`
template <Engine E, NetworkStatistics S, Device D>
constexpr estimate evaluate(const network_view& net, const S& s, const E& engine, const D& board,
                            std::span<const row_option> chosen) {
    if (chosen.size() != net.size())
        throw error(text_of({"evaluate: ", chosen.size(), " options for ", net.size(),
                             " layers; a design has one a row"}));
    const network_skew skew(net);
    std::vector<stage_estimate> stages(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& row = net.rows[i];
        if (is_compute(row))
            stages[i] = evaluate_stage(engine, row, s.at(i), chosen[i]);
        else
            stages[i] = {stage_cycles(row, chosen[i]),
                         stage_cost(engine, row, chosen[i], skew.held(i))};
    }
    return evaluate_pipeline(net, chosen, stages, board.limits(), lut_per_missing_bram18(engine),
                             data_bits(engine) * image_words(net),
                             between_cost(engine, net, network_streams(net), chosen));
}

/// The smallest design: no parallelism in any row (one MAC, one stream), weights in BRAM18, the
/// first engine of a list.
template <Engine E, NetworkStatistics S, Device D>
constexpr estimate evaluate(const network_view& net, const S& s, const E& engine, const D& board) {
    const design smallest(net.size());
    return evaluate(net, s, engine, board, {smallest.data(), smallest.size()});
}

namespace detail {

/// Whether a call has, after the network, statistics, an engine and a board in their places.
template <class... Given>
inline constexpr bool complete = false;
template <class S, class E, class D, class... More>
inline constexpr bool complete<S, E, D, More...> = NetworkStatistics<S>&& Engine<E>&& Device<D>;

/// Says in one line what is wrong with a call that is not complete.
template <class... Given>
constexpr void say_what_is_missing() {
    constexpr bool statistics = (NetworkStatistics<Given> || ...);
    constexpr bool engine = (Engine<Given> || ...);
    constexpr bool board = (Device<Given> || ...);
    static_assert(statistics,
                  "hass: the statistics are missing: (network, statistics, engine, board); "
                  "hass::dense_statistics{} says that nothing is zero");
    static_assert(engine,
                  "hass: the engine is missing: (network, statistics, engine, board); for instance "
                  "hass::sparse_dot<>{}, or any type that static_assert(hass::Engine<type>) likes");
    static_assert(board,
                  "hass: the board is missing: (network, statistics, engine, board); for instance "
                  "hass::boards::zcu104{}");
    static_assert(!(statistics && engine && board),
                  "hass: the arguments stand in this order: network, statistics, engine, board");
}

}  // namespace detail

/// Answers a call that forgets an argument: says which.
template <class... Given>
requires(!detail::complete<Given...>) constexpr estimate
    evaluate(const network_view&, const Given&...) {
    detail::say_what_is_missing<Given...>();
    return {};
}

}  // namespace hass
