// Speed of the cost models: cycles and all resources of one layer in one option, as an
// allocator asks for them, and what preparing a layer takes.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/workload/layers.hpp>

namespace {

hass::layer_row conv3x3_256() {
    return hass::conv2d<256, 256, 3, hass::pad<1>>::row({256, 14, 14});
}
hass::layer_row pointwise_256() {
    return hass::pointwise<256, 512>::row({256, 14, 14});
}

// Windows of `vector` channels that differ from block to block.
hass::window_histogram windows(const hass::layer_row& row, int vector) {
    const int length = vector * hass::taps(row);
    hass::window_histogram h{vector, length, {}};
    const int blocks = row.in.channels / vector;
    for (int b = 0; b < blocks; ++b) {
        const auto share = hass::binomial_window(length, 0.2 + 0.6 * ((b * 37) % blocks) / blocks);
        h.share.insert(h.share.end(), share.begin(), share.end());
    }
    return h;
}

hass::layer_statistics statistics(const hass::layer_row& row) {
    hass::layer_statistics s{0.3, 0.4, 0.5, 0.5, {}};
    for (const int vector : {1, 2, 4, 8, 16})
        if (vector == 1 || hass::taps(row) == 1) s.windows.push_back(windows(row, vector));
    return s;
}

// Time of one option, over all options of the layer in turn.
template <class E, hass::layer_row (*Row)()>
void one_configuration(benchmark::State& state) {
    const E engine;
    const hass::layer_row row = Row();
    const hass::layer_statistics s = statistics(row);
    const auto ready = hass::prepared(engine, row, s);
    std::vector<hass::row_option> all;
    engine.for_each(row, [&](const hass::row_option& c) { all.push_back(c); });
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(ready.cycles(all[i]));
        benchmark::DoNotOptimize(engine.cost(row, all[i]));
        if (++i == all.size()) i = 0;
    }
    state.counters["options"] = static_cast<double>(all.size());
}

template <class E, hass::layer_row (*Row)()>
void prepare(benchmark::State& state) {
    const E engine;
    const hass::layer_row row = Row();
    const hass::layer_statistics s = statistics(row);
    for (auto _ : state) benchmark::DoNotOptimize(engine.prepare(row, s));
}

template <class E, hass::layer_row (*Row)()>
void unprepared(benchmark::State& state) {
    const E engine;
    const hass::layer_row row = Row();
    const hass::layer_statistics s = statistics(row);
    const hass::row_option c{{4, 4, 1, 1, 1}, hass::weight_memory::bram18, 0};
    for (auto _ : state) benchmark::DoNotOptimize(engine.cycles(row, s, c));
}

using sparse = hass::sparse_dot<>;
using sparse_published = hass::sparse_dot<hass::histogram_interval, hass::fpgaconvnet::published>;
using dense = hass::dense_dot<>;
using dense_published = hass::dense_dot<hass::fpgaconvnet::published>;

BENCHMARK_TEMPLATE(one_configuration, sparse, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, sparse, pointwise_256);
BENCHMARK_TEMPLATE(one_configuration, dense, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, dense, pointwise_256);
BENCHMARK_TEMPLATE(one_configuration, hass::lane_dot<>, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, hass::lane_dot<>, pointwise_256);
BENCHMARK_TEMPLATE(one_configuration, hass::list_dot<>, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, hass::list_dot<>, pointwise_256);
BENCHMARK_TEMPLATE(one_configuration, sparse_published, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, dense_published, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, hass::fpgaconvnet::sparse_dot<>, conv3x3_256);
BENCHMARK_TEMPLATE(one_configuration, hass::fpgaconvnet::dense_dot<>, conv3x3_256);
BENCHMARK_TEMPLATE(prepare, sparse, conv3x3_256);
BENCHMARK_TEMPLATE(prepare, sparse, pointwise_256);
BENCHMARK_TEMPLATE(unprepared, sparse, conv3x3_256);

}  // namespace
