/// \file fifos.hpp
/// How deep the FIFOs of a pipeline have to be when its stages' cycles depend on data, what they
/// cost, and what the pipeline then keeps of the throughput that the means of its stages promise.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/simulate.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What a design has that `evaluate` prices, and `between` pixels more on every edge: the inputs
/// that joins hold back, and lanes that begin every pixel together.
inline fifo_depths held_depths(const network_view& net, std::int64_t between = 0) {
    fifo_depths d = fifo_depths::all(net, between);
    const network_skew skew(net);
    for (std::size_t k = 0, port = 0; k < net.edges.size(); ++k) {
        const edge& e = net.edges[k];
        port = k > 0 && net.edges[k - 1].to == e.to ? port + 1 : 0;
        const auto held = skew.held(static_cast<std::size_t>(e.to));
        if (e.from == network_input || held.empty()) continue;
        d.edge[k] += held[port].words / net[static_cast<std::size_t>(e.from)].out.channels;
    }
    return d;
}

namespace detail {

/// Bits of an output that waits behind an engine: a partial sum where input streams add up.
template <Engine E>
int waiting_bits(const E& engine, const parallelism& p) {
    if (p.in == 1) return data_bits(engine);
    if constexpr (requires { engine.widths.accumulator; })
        return engine.widths.accumulator;
    else
        return precision{}.accumulator;
}

}  // namespace detail

/// Resources of the FIFOs beyond `held_depths`, whatever the engine's resource model: priced as
/// inputs that wait (`calibrated::hold`) at the stream's width, in words of the narrower side.
/// Outputs under way beyond the first wait behind each engine, as partial sums where several input
/// streams add up.
/// \param chosen  one option a row
template <Engine E>
usage fifo_cost(const E& engine, const network_view& net, std::span<const row_option> chosen,
                const fifo_depths& depths, weight_memory memory = weight_memory::bram18) {
    const fifo_depths held = held_depths(net);
    usage sum;
    const auto hold = [&](std::int64_t words, int streams, int bits) {
        const held_input fifo{words, 0};
        return calibrated::hold(memory, {&fifo, 1}, streams, bits);
    };
    const auto minus = [](usage a, const usage& b) {
        a.lut -= b.lut, a.ff -= b.ff, a.bram18 -= b.bram18, a.uram -= b.uram;
        return a;
    };
    for (std::size_t k = 0; k < net.edges.size(); ++k) {
        if (net.edges[k].from == network_input) continue;
        const auto from = static_cast<std::size_t>(net.edges[k].from);
        const auto to = static_cast<std::size_t>(net.edges[k].to);
        const int streams =
            std::min(words_out(engine, net[from], chosen[from]), words_in(net[to], chosen[to]));
        const int data = stream_bits(engine, net[to]);
        const auto words = [&](std::int64_t depth) { return depth * net[from].out.channels; };
        if (depths.edge[k] > held.edge[k])
            sum += minus(hold(words(depths.edge[k]), streams, data),
                         hold(words(held.edge[k]), streams, data));
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!is_compute(net[i]) || depths.ahead[i] == 1) continue;
        const folded_row f(net[i], chosen[i].folding);
        sum +=
            static_cast<double>(f.engines) * hold((depths.ahead[i] - 1) * f.filters, 1,
                                                  detail::waiting_bits(engine, chosen[i].folding));
    }
    return sum;
}

/// Depths of all FIFOs, what they cost beyond what `evaluate` counts, and what they keep.
struct fifo_plan {
    fifo_depths depths;            ///< of every edge and stage
    usage cost{};                  ///< of them, beyond what `evaluate` counts
    double best_cycles = 0.0;      ///< between images, with FIFOs without end (where any are) and
                                   ///< the same images
    double interval_cycles = 0.0;  ///< with these
    double without_cycles = 0.0;   ///< with a pixel on each edge, and what joins hold back
    std::size_t rounds = 0;        ///< simulations

    /// Share of the throughput that FIFOs without end give.
    double kept() const { return best_cycles / interval_cycles; }
    /// The same without any.
    double kept_without() const { return best_cycles / without_cycles; }
};

/// How to plan.
struct fifo_options {
    double keep = 0.97;             ///< share of the best throughput, in (0, 1)
    std::size_t images = 2;         ///< that run: those of the traces, several times
    std::size_t warm_up = 1;        ///< of them, before the interval is measured over the rest
    std::size_t most_rounds = 500;  ///< simulations at most
    /// Whether a stage's lanes may have FIFOs (`fifo_depths::ahead`); RTL has them on edges alone.
    bool lanes_ahead = true;
    std::vector<std::int64_t> least{};  ///< pixels that each edge has room for in any case
};

/// Cycles between images with FIFOs without end, in the long run: the mean of the slowest stage's
/// slowest lane. Until stages that are almost as slow have fallen behind it, images come faster or
/// slower than that.
inline double best_interval(const network_view& net, std::span<const service_trace> services) {
    double slowest = 0.0;
    for (std::size_t i = 0; i < net.size(); ++i)
        slowest = std::max(slowest, services[i].mean(net[i]));
    return slowest;
}

/// Depths that are enough, by one simulation: FIFOs without end, images at the pace that is to be
/// kept, and the most that ever waited. With so much room the same run holds nothing up, and images
/// that come sooner leave no later. A bound: `plan_fifos` needs less.
inline fifo_depths enough_depths(const network_view& net, std::span<const service_trace> services,
                                 const fifo_options& options = {}) {
    const double pace = best_interval(net, services) / options.keep;
    return simulate(net, services, fifo_depths::all(net, unlimited, unlimited),
                    {options.images, pace, false, false})
        .used;
}

namespace detail {

/// Bits of memory that a pixel more takes: on each edge, and in each row's lanes.
template <Engine E>
std::array<std::vector<double>, 2> bits_of_room(const E& engine, const network_view& net,
                                                std::span<const row_option> chosen) {
    std::array<std::vector<double>, 2> bits;
    for (const edge& e : net.edges)
        bits[0].push_back(e.from == network_input
                              ? 1.0
                              : double(net[static_cast<std::size_t>(e.from)].out.channels) *
                                    stream_bits(engine, net[static_cast<std::size_t>(e.to)]));
    for (std::size_t i = 0; i < net.size(); ++i) {
        const folded_row f(net[i], is_compute(net[i]) ? chosen[i].folding : parallelism{});
        bits[1].push_back(double(f.engines * f.filters) * waiting_bits(engine, chosen[i].folding));
    }
    return bits;
}

/// Doubles what the critical path waited for most often, for its price.
inline void enlarge(std::array<std::vector<std::int64_t>*, 2> depths,
                    std::array<const std::vector<std::uint64_t>*, 2> waits,
                    const std::array<std::vector<double>, 2>& bits) {
    constexpr double worth = 0.1;  // of the best: half the rounds of 0.3, and little more room
    double most = 0.0;
    const auto gain = [&](std::size_t kind, std::size_t k) {
        return static_cast<double>((*waits[kind])[k]) / bits[kind][k];
    };
    for (std::size_t kind = 0; kind < 2; ++kind)
        for (std::size_t k = 0; k < bits[kind].size(); ++k) most = std::max(most, gain(kind, k));
    for (std::size_t kind = 0; kind < 2; ++kind)
        for (std::size_t k = 0; k < bits[kind].size(); ++k)
            if (gain(kind, k) > worth * most) {
                std::int64_t& depth = (*depths[kind])[k];
                depth += std::max<std::int64_t>(1, depth);
            }
}

}  // namespace detail

/// FIFOs that keep a share of the throughput that FIFOs without end give. Begins with a
/// pixel on each edge and enlarges, simulation by simulation, what the critical path waits for.
/// \param services  one a row, of images that are like those to come
/// \throws hass::error for a share outside (0, 1), `least` of another number of edges; when so many
///         simulations were not enough
template <Engine E>
fifo_plan plan_fifos(const network_view& net, std::span<const service_trace> services,
                     const E& engine, std::span<const row_option> chosen,
                     const fifo_options& options = {}) {
    if (!(options.keep > 0.0 && options.keep < 1.0))
        throw error(text_of({"fifos: keep = ", options.keep, ", must be within (0, 1)"}));
    if (!options.least.empty() && options.least.size() != net.edges.size())
        throw error(text_of(
            {"fifos: least depths of ", options.least.size(), " edges for ", net.edges.size()}));
    fifo_plan plan;
    const auto endless = fifo_depths::all(net, unlimited, options.lanes_ahead ? unlimited : 1);
    plan.best_cycles = simulate(net, services, endless, {options.images}).interval(options.warm_up);
    plan.depths = held_depths(net, 1);
    for (std::size_t k = 0; k < options.least.size(); ++k)
        plan.depths.edge[k] = std::max(plan.depths.edge[k], options.least[k]);
    auto bits = detail::bits_of_room(engine, net, chosen);
    if (!options.lanes_ahead) bits[1].clear();
    while (true) {
        // skew buffers suffice where stages keep an even pace; these do not, and joins may block
        const simulation s =
            simulate(net, services, plan.depths, {options.images, 0.0, true, true});
        plan.depths = s.depths;
        plan.interval_cycles = s.interval(options.warm_up);
        if (plan.rounds++ == 0) plan.without_cycles = plan.interval_cycles;
        if (plan.best_cycles >= options.keep * plan.interval_cycles) break;
        if (plan.rounds == options.most_rounds)
            throw error(text_of({"fifos: ", plan.rounds, " simulations, and only ", plan.kept(),
                                 " of the throughput is kept"}));
        detail::enlarge({&plan.depths.edge, &plan.depths.ahead},
                        {&s.critical.edge, &s.critical.ahead}, bits);
    }
    plan.cost = fifo_cost(engine, net, chosen, plan.depths);
    return plan;
}

}  // namespace hass
