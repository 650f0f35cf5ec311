// Speed of the explore room: evaluating one design, one allocation from new statistics (cold), one
// with a single layer's statistics changed, setting an allocator up, the lowest latency, and growth
// with layers and with options a layer.
// Statistics are histograms that differ from channel to channel, as measured ones do.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

namespace {

using sparse = hass::sparse_dot<>;
using dense = hass::dense_dot<>;
using mixed = hass::engine_list<sparse, dense>;
using mixed_published =
    hass::engine_list<hass::sparse_dot<hass::histogram_interval, hass::fpgaconvnet::published>,
                      hass::dense_dot<hass::fpgaconvnet::published>>;
using hass::zoo::types::mobilenet_v2;
using hass::zoo::types::mobilenet_v3_large;
using hass::zoo::types::resnet18;
using hass::zoo::types::resnet50;

// Windows of single channels around the given pair sparsity.
hass::layer_statistics around(const hass::layer_row& row, double sparsity) {
    hass::layer_statistics s = hass::uniform_sparsity(sparsity).at(0);
    if (!hass::is_compute(row)) return s;
    const int length = hass::taps(row);
    hass::window_histogram h{1, length, {}};
    for (int c = 0; c < row.in.channels; ++c) {
        const double spread = 0.2 * ((c * 37) % row.in.channels) / row.in.channels - 0.1;
        const auto share = hass::binomial_window(length, 1.0 - sparsity - spread);
        h.share.insert(h.share.end(), share.begin(), share.end());
    }
    s.windows.push_back(h);
    return s;
}

hass::network_statistics around(const hass::network_view& net, double sparsity) {
    hass::network_statistics all;
    for (const hass::layer_row& row : net.rows) all.push_back(around(row, sparsity));
    return all;
}

void report(benchmark::State& state, const hass::allocation& a) {
    state.counters["interval"] = a.estimate.interval_cycles;
    state.counters["dsp"] = a.estimate.total.dsp;
    state.counters["gap"] = a.certificate.gap;
    state.counters["shares"] = a.certificate.shares;
    state.counters["thriftiest"] = a.certificate.thriftiest ? 1.0 : 0.0;
}

void evaluate_resnet18(benchmark::State& state) {
    const hass::network_view net = resnet18{};
    const hass::uniform_sparsity statistics(0.5);
    const sparse engine;
    const hass::boards::u250 board;
    const hass::design design = hass::allocate(net, statistics, engine, board).design;
    for (auto _ : state)
        benchmark::DoNotOptimize(hass::evaluate(net, statistics, engine, board, design));
}

template <class Net, class E>
void set_up(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(hass::allocator<E>(Net{}, E{}, hass::boards::u250{}));
}

// Percent of sparse pairs as the argument. Every call has other statistics than the one before, so
// that nothing can be kept.
template <class Net, class E>
void cold(benchmark::State& state) {
    hass::allocator<E> allocator(Net{}, E{}, hass::boards::u250{});
    const double sparsity = static_cast<double>(state.range(0)) / 100.0;
    const hass::network_statistics all[] = {around(Net{}, sparsity + 0.02),
                                            around(Net{}, sparsity)};
    std::size_t k = 0;
    for (auto _ : state) benchmark::DoNotOptimize(allocator.solve(all[k++ % 2]));
    report(state, allocator.solve(all[1]));
}

template <class Net, class E>
void one_layer_changed(benchmark::State& state) {
    const hass::network_view net = Net{};
    const double sparsity = static_cast<double>(state.range(0)) / 100.0;
    hass::allocator<E> allocator(net, E{}, hass::boards::u250{});
    allocator.solve(around(net, sparsity));
    std::vector<std::size_t> layers;
    for (std::size_t i = 0; i < net.size(); ++i)
        if (hass::is_compute(net[i])) layers.push_back(i);
    const std::size_t middle = layers[layers.size() / 2];
    const hass::layer_statistics change[] = {around(net[middle], sparsity + 0.02),
                                             around(net[middle], sparsity)};
    std::size_t k = 0;
    for (auto _ : state) benchmark::DoNotOptimize(allocator.update(middle, change[k++ % 2]));
    report(state, allocator.update(middle, change[1]));
}

template <class Net, class E, hass::pace Of>
void lowest_latency(benchmark::State& state) {
    hass::allocator<E> allocator(Net{}, E{}, hass::boards::u250{});
    allocator.solve(around(Net{}, static_cast<double>(state.range(0)) / 100.0));
    for (auto _ : state) benchmark::DoNotOptimize(allocator.lowest_latency(Of));
    const hass::allocation a = allocator.lowest_latency(Of);
    state.counters["latency"] =
        Of == hass::pace::own ? a.estimate.single_image_cycles : a.estimate.latency_cycles;
    report(state, a);
}

/// A chain of 3x3 convolutions of different sparsities.
struct chain {
    hass::network net;
    hass::network_statistics statistics;
    hass::device board = hass::boards::u250::value;

    chain(std::size_t layers, int channels) {
        for (std::size_t i = 0; i < layers; ++i) {
            hass::layer_row row = hass::conv2d<64, 64, 3, hass::pad<1>>::row({64, 28, 28});
            row.in.channels = row.out.channels = channels;
            net.rows.push_back(row);
            net.edges.push_back({static_cast<int>(i) - 1, static_cast<int>(i)});
            statistics.push_back(around(row, 0.2 + 0.6 * static_cast<double>(i * 37 % layers) /
                                                       static_cast<double>(layers)));
        }
        board.budget = static_cast<double>(layers) / 20.0 * board.budget;
    }
};

template <class Act>
void solve_chain(benchmark::State& state, const chain& c, Act act) {
    hass::allocator<sparse> allocator(c.net, {}, c.board);
    allocator.solve(c.statistics);
    for (auto _ : state) act(allocator);
    report(state, allocator.solve(c.statistics));
    state.counters["options"] = static_cast<double>(allocator.options(0).size());
}

// With other statistics in every call.
void solve_chain_afresh(benchmark::State& state, const chain& c) {
    const hass::network_statistics turned(c.statistics.rbegin(), c.statistics.rend());
    std::size_t k = 0;
    solve_chain(state, c, [&](auto& a) {
        benchmark::DoNotOptimize(a.solve(k++ % 2 == 0 ? turned : c.statistics));
    });
}

// As many layers as the argument says, on a board that grows with it.
void depth(benchmark::State& state) {
    const chain c(static_cast<std::size_t>(state.range(0)), 64);
    solve_chain_afresh(state, c);
}

void depth_one_layer_changed(benchmark::State& state) {
    const chain c(static_cast<std::size_t>(state.range(0)), 64);
    const std::size_t middle = c.net.rows.size() / 2;
    const hass::layer_statistics change[] = {around(c.net.rows[middle], 0.51),
                                             c.statistics[middle]};
    std::size_t k = 0;
    solve_chain(state, c,
                [&](auto& a) { benchmark::DoNotOptimize(a.update(middle, change[k++ % 2])); });
}

// Twenty layers with as many channels as the argument says: more ways to fold each.
void options(benchmark::State& state) {
    const chain c(20, static_cast<int>(state.range(0)));
    solve_chain_afresh(state, c);
}

BENCHMARK(evaluate_resnet18)->Unit(benchmark::kMicrosecond);
BENCHMARK(set_up<resnet18, sparse>)->Unit(benchmark::kMillisecond);
BENCHMARK(set_up<mobilenet_v2, mixed>)->Unit(benchmark::kMillisecond);
#define HASS_BENCH_NETWORK(net)                                                             \
    BENCHMARK(cold<net, dense>)->Arg(50)->Unit(benchmark::kMicrosecond);                    \
    BENCHMARK(cold<net, sparse>)->Arg(25)->Arg(50)->Arg(85)->Unit(benchmark::kMicrosecond); \
    BENCHMARK(cold<net, mixed>)->Arg(50)->Unit(benchmark::kMicrosecond);                    \
    BENCHMARK(cold<net, mixed_published>)->Arg(50)->Unit(benchmark::kMicrosecond);          \
    BENCHMARK(one_layer_changed<net, dense>)->Arg(50)->Unit(benchmark::kMicrosecond);       \
    BENCHMARK(one_layer_changed<net, sparse>)                                               \
        ->Arg(25)                                                                           \
        ->Arg(50)                                                                           \
        ->Arg(85)                                                                           \
        ->Unit(benchmark::kMicrosecond);                                                    \
    BENCHMARK(one_layer_changed<net, mixed>)->Arg(50)->Unit(benchmark::kMicrosecond)
HASS_BENCH_NETWORK(resnet18);
HASS_BENCH_NETWORK(mobilenet_v2);
HASS_BENCH_NETWORK(resnet50);
HASS_BENCH_NETWORK(mobilenet_v3_large);
#undef HASS_BENCH_NETWORK
BENCHMARK(lowest_latency<resnet18, sparse, hass::pace::interval>)
    ->Arg(50)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(lowest_latency<resnet18, sparse, hass::pace::own>)
    ->Arg(50)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(depth)->RangeMultiplier(4)->Range(16, 1024)->Unit(benchmark::kMicrosecond);
BENCHMARK(depth_one_layer_changed)
    ->RangeMultiplier(4)
    ->Range(16, 1024)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(options)->RangeMultiplier(2)->Range(16, 512)->Unit(benchmark::kMicrosecond);

}  // namespace
