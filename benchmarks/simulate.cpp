// Stage-words a second of the event simulation: ResNet-18 and MobileNetV2 of which every compute
// row takes its own time for every pixel, by lanes a row, with FIFOs of a pixel, of 16, without end.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/pipeline/fifos.hpp>
#include <hass/workload/zoo.hpp>

namespace {

// Cycles around those of a pace of one image in 50,000, half more or less.
std::vector<hass::service_trace> random_services(const hass::network_view& net, std::size_t lanes) {
    std::vector<hass::service_trace> services;
    std::uint64_t state = 1;
    for (const hass::layer_row& row : net.rows) {
        const auto firings = static_cast<double>(hass::firing_count(row));
        hass::service_trace t{0.5 * 50000.0 / firings};
        if (hass::is_compute(row)) {
            t.lanes = lanes;
            t.cycles.resize(static_cast<std::size_t>(firings) * lanes);
            for (float& cycles : t.cycles) {
                state = state * 6364136223846793005ULL + 1442695040888963407ULL;
                cycles = static_cast<float>((0.5 + static_cast<double>(state >> 40) * 0x1.0p-24) *
                                            50000.0 / firings);
            }
        }
        services.push_back(std::move(t));
    }
    return services;
}

template <const auto& Net>
void words(benchmark::State& state) {
    const hass::network_view net = Net;
    const auto services = random_services(net, static_cast<std::size_t>(state.range(0)));
    const hass::fifo_depths depths =
        state.range(1) < 0 ? hass::fifo_depths::all(net, hass::unlimited, hass::unlimited)
                           : hass::held_depths(net, state.range(1));
    double done = 0.0;
    for (auto _ : state) {
        const hass::simulation s = hass::simulate(net, services, depths, {4, 0.0, true, false});
        done += static_cast<double>(s.words);
        benchmark::DoNotOptimize(s);
    }
    state.counters["words/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
}

void settings(benchmark::internal::Benchmark* b) {
    for (const int lanes : {1, 16, 64, 256})
        for (const int depth : {1, 16, -1}) b->Args({lanes, depth});
    b->ArgNames({"lanes", "depth"})->Unit(benchmark::kMillisecond);
}

BENCHMARK(words<hass::zoo::resnet18>)->Apply(settings);
BENCHMARK(words<hass::zoo::mobilenet_v2>)->Apply(settings);

}  // namespace
