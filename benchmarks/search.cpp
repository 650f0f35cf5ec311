// Speed of the search: one ask and one tell at a given history, on one core.
//
// The rows follow the table that the peers are measured on: D axes, n finished trials. items/s of
// TPE counts kernel terms, 24 candidates x n kernels x D axes, as if none were skipped; a
// multivariate one is two multiply-adds, a univariate one an exp. The peaks of this machine are
// measured beside.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hass/search/cma_es.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/gaussian_process.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/random.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

namespace {

hass::space cube(std::int64_t dimensions) {
    std::vector<hass::axis> axes;
    for (std::int64_t i = 0; i < dimensions; ++i)
        axes.push_back(hass::real_axis(std::string("x").append(std::to_string(i)), 0.0, 1.0));
    return hass::space(std::move(axes));
}

hass::outcome worth(std::span<const double> point) {
    double sum = 0.0;
    for (const double x : point) sum += (x - 0.3) * (x - 0.3);
    return hass::outcome::ok(sum);
}

// One suggestion and its result, n random trials before; every 32 rounds the history starts over,
// so that n stays what the name says.
void ask_and_tell(benchmark::State& state, hass::tpe_model model) {
    const auto dimensions = state.range(0);
    const auto history = state.range(1);
    hass::tpe_options options;
    options.model = model;
    hass::tpe<> filled(cube(dimensions), 1, options);
    hass::random_search random(cube(dimensions), 2);
    for (std::int64_t i = 0; i < history; ++i) {
        const auto point = random.ask()->point;
        filled.tell(filled.adopt(point), worth(point));
    }
    hass::tpe<> tpe = filled;
    std::int64_t rounds = 0;
    std::int64_t terms = 0;
    for (auto _ : state) {
        const auto trial = tpe.ask();
        tpe.tell(*trial, worth(*trial));
        terms += 24 * dimensions * static_cast<std::int64_t>(tpe.finished() - 1);
        if (++rounds % 32 == 0) {
            state.PauseTiming();
            tpe = filled;
            state.ResumeTiming();
        }
    }
    state.SetItemsProcessed(terms);
}

// exp of numbers in the first-level cache, as the mixtures compute it.
void exp_peak(benchmark::State& state) {
    using hass::detail::pack;
    std::array<pack, 64> x;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = pack{} - static_cast<double>(i);
    for (auto _ : state) {
        for (pack y : x) {
            hass::detail::exp_flushed(y);
            benchmark::DoNotOptimize(y);
        }
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(sizeof(x) / sizeof(double)));
}

// Fused multiply-adds in registers.
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("fp-contract=fast")))
#endif
void multiply_add_peak(benchmark::State& state) {
#if defined(__clang__)
#pragma clang fp contract(fast)
#endif
    using hass::detail::pack;
    pack a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{};
    pack factor = pack{} + 0.5;
    pack term = pack{} + 1.0;
    benchmark::DoNotOptimize(factor);
    benchmark::DoNotOptimize(term);
    constexpr int rounds = 100;
    for (auto _ : state) {
        for (int i = 0; i < rounds; ++i) {
            a0 = a0 * factor + term, a1 = a1 * factor + term, a2 = a2 * factor + term;
            a3 = a3 * factor + term, a4 = a4 * factor + term, a5 = a5 * factor + term;
            a6 = a6 * factor + term, a7 = a7 * factor + term, a8 = a8 * factor + term;
            a9 = a9 * factor + term;
        }
        pack sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9;
        benchmark::DoNotOptimize(sum);
    }
    state.SetItemsProcessed(state.iterations() * 10 * rounds *
                            static_cast<std::int64_t>(sizeof(pack) / sizeof(double)));
}

void tpe_sizes(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"D", "n"})->Unit(benchmark::kMicrosecond);
    for (const std::int64_t d : {2, 10, 40, 106})
        for (const std::int64_t n : {100, 500, 1000}) bench->Args({d, n});
}

void random_ask(benchmark::State& state) {
    hass::random_search random(cube(state.range(0)), 1);
    for (auto _ : state) benchmark::DoNotOptimize(random.ask());
}

void grid_ask(benchmark::State& state) {
    hass::grid_search grid(cube(state.range(0)), 1, 8);
    for (auto _ : state) benchmark::DoNotOptimize(grid.ask());
}

void cma_es_ask_and_tell(benchmark::State& state) {
    hass::cma_es cma(cube(state.range(0)), 1);
    for (auto _ : state) {
        const auto trial = cma.ask();
        cma.tell(*trial, worth(*trial));
    }
}

// As tpe's, but n grows by one with every round: a sixteenth more of it fits hyperparameters anew.
void gaussian_process_ask_and_tell(benchmark::State& state) {
    const auto where = cube(state.range(0));
    hass::gaussian_process<> search(where, 1);
    hass::random_search random(where, 2);
    for (std::int64_t i = 0; i < state.range(1); ++i) {
        const auto point = random.ask()->point;
        search.tell(search.adopt(point), worth(point));
    }
    const auto first = search.ask();  // the first fit, once
    search.tell(*first, worth(*first));
    for (auto _ : state) {
        const auto trial = search.ask();
        search.tell(*trial, worth(*trial));
    }
}

void nsga2_ask_and_tell(benchmark::State& state) {
    hass::nsga2 search(cube(state.range(0)), 1);
    for (auto _ : state) {
        const auto trial = search.ask();
        const double x = trial->point[0];
        search.tell(*trial, hass::outcome::ok({x, worth(*trial).values()[0] - x}));
    }
}

// One suggestion of the composite search after 96 trials: 3,000 evaluations of model and known
// part.
void composite_ask(benchmark::State& state) {
    const auto known = [](std::span<const double> point) { return -0.1 * point[0]; };
    hass::composite search(cube(state.range(0)), 1, known);
    for (int i = 0; i < 96; ++i) {
        const auto trial = *search.ask();
        search.tell(trial, hass::outcome::ok(worth(trial).values()[0] + known(trial.point)));
    }
    for (auto _ : state) benchmark::DoNotOptimize(search.ask());
}

// What a study adds to its optimizer.
void study_of_random(benchmark::State& state) {
    hass::study<hass::random_search> study(cube(state.range(0)), 1, {.trials = std::nullopt});
    for (auto _ : state) {
        const auto trial = study.ask();
        study.tell(*trial, worth(*trial));
    }
}

}  // namespace

BENCHMARK_CAPTURE(ask_and_tell, multivariate, hass::tpe_model::multivariate)->Apply(tpe_sizes);
BENCHMARK_CAPTURE(ask_and_tell, univariate, hass::tpe_model::univariate)->Apply(tpe_sizes);
BENCHMARK(exp_peak);
BENCHMARK(multiply_add_peak);
BENCHMARK(random_ask)->Arg(40);
BENCHMARK(grid_ask)->Arg(20);
BENCHMARK(cma_es_ask_and_tell)->Arg(10)->Arg(40)->Arg(106)->Unit(benchmark::kMicrosecond);
BENCHMARK(gaussian_process_ask_and_tell)
    ->Args({40, 96})
    ->Args({106, 500})
    ->Iterations(15)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(nsga2_ask_and_tell)->Arg(10)->Arg(106)->Unit(benchmark::kMicrosecond);
BENCHMARK(composite_ask)->Arg(40)->Unit(benchmark::kMillisecond);
BENCHMARK(study_of_random)->Arg(40)->Unit(benchmark::kMicrosecond);
