// Time of one evaluation of one layer on each engine of the literature, on one core. The aim is
// 200 ns; the engines of the library itself are asked through prepared tables (spine benchmark).

#include <benchmark/benchmark.h>

#include <hass/engine/arrays/array.hpp>
#include <hass/engine/arrays/dual_side.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/arrays/eyeriss_v2.hpp>
#include <hass/engine/arrays/hash_accumulate.hpp>
#include <hass/engine/arrays/highlight.hpp>
#include <hass/engine/arrays/sdpe.hpp>
#include <hass/engine/arrays/tensor_core.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/sps.hpp>
#include <hass/engine/timed_engine.hpp>

namespace {

// A 3x3 layer in the middle of ResNet-18.
hass::layer_row layer() {
    hass::layer_row row;
    row.in = {128, 28, 28};
    row.out = {128, 28, 28};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    return row;
}

/// Runs `evaluate(engine, row, statistics)` with all three in memory that the compiler cannot see
/// into.
template <class E, class Evaluate>
void measure(benchmark::State& state, E engine, Evaluate evaluate) {
    hass::layer_row row = layer();
    hass::layer_statistics s = hass::independent_statistics(0.5, 0.45);
    const void* const seen[]{&engine, &row, &s};
    benchmark::DoNotOptimize(&seen[0]);
    for (auto _ : state) {
        benchmark::ClobberMemory();
        const auto result = evaluate(engine, row, s);
        benchmark::DoNotOptimize(&result);
    }
}

template <hass::ArrayEngine E>
void array(benchmark::State& state, E engine) {
    measure(state, engine,
            [](const auto& e, const auto& row, const auto& s) { return e.run(row, s); });
}

template <hass::TimedEngine E>
void pipeline(benchmark::State& state, E engine) {
    const hass::row_option c{{8, 8, 1, 3, 1}, hass::weight_memory::bram18, 0};
    measure(state, engine,
            [c](const auto& e, const auto& row, const auto& s) { return e.cycles(row, s, c); });
}

void run_and_energy(benchmark::State& state, hass::tensor_core engine) {
    measure(state, engine, [](const auto& e, const auto& row, const auto& s) {
        return hass::energy(e.run(row, s), hass::energy_tables::sparse_tensor_core).total();
    });
}

}  // namespace

BENCHMARK_CAPTURE(array, dense, hass::dense_array{});
BENCHMARK_CAPTURE(array, tensor_core_2_4, hass::tensor_cores::sparse);
BENCHMARK_CAPTURE(array, tensor_core_dual_compressed, hass::tensor_cores::dual_compressed);
BENCHMARK_CAPTURE(array, dual_side, hass::dual_side_cores::single);
BENCHMARK_CAPTURE(array, dual_side_tall, hass::dual_side_cores::four_tall);
BENCHMARK_CAPTURE(array, eyeriss_v2_pe, hass::eyeriss_v2_pe{});
BENCHMARK_CAPTURE(array, highlight, hass::highlight{});
BENCHMARK_CAPTURE(array, sdpe, hass::sdpe_array{});
BENCHMARK_CAPTURE(array, hash, hass::hash_array{});
BENCHMARK_CAPTURE(pipeline, pass, hass::pass<>{});
BENCHMARK_CAPTURE(pipeline, sps, hass::sps{});
BENCHMARK_CAPTURE(run_and_energy, tensor_core_2_4, hass::tensor_cores::sparse);
