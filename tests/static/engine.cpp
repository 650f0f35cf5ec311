// Cycles and costs are constant expressions: a budget can be checked while compiling.
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/stages.hpp>
#include <hass/workload/layers.hpp>

static_assert(hass::Interval<hass::histogram_interval> && hass::Interval<hass::mean_interval> &&
              hass::Interval<hass::paper_interval>);
static_assert(hass::ResourceModel<hass::calibrated> &&
              hass::ResourceModel<hass::fpgaconvnet::published> &&
              hass::ResourceModel<hass::fpgaconvnet::repaired>);
static_assert(hass::Engine<hass::sparse_dot<>> && hass::Engine<hass::dense_dot<>> &&
              hass::Engine<hass::fpgaconvnet::sparse_dot<>> &&
              hass::Engine<hass::fpgaconvnet::dense_dot<>>);

using both = hass::engine_list<hass::sparse_dot<>, hass::dense_dot<hass::fpgaconvnet::published>>;
static_assert(hass::Engine<both>);

constexpr hass::layer_row layer = hass::conv2d<64, 128, 3, hass::pad<1>>::row({64, 28, 28});
constexpr hass::row_option folded{{4, 8, 1, 3, 1}, hass::weight_memory::bram18, 0};
constexpr double window_count = 28.0 * 28.0 * 16 * 16;

constexpr double cycles(double sparsity) {
    return both{}.cycles(layer, hass::uniform_sparsity(sparsity).at(0), folded);
}
static_assert(cycles(0.0) == 3 * window_count);
static_assert(cycles(1.0) == window_count);  // an empty window still takes a cycle
static_assert(cycles(0.5) > 1.5 * window_count && cycles(0.5) < 2 * window_count);
static_assert(both{}.cost(layer, folded).dsp == 96);
static_assert(both{}.cost(layer, folded).lut > 32 * 1000);

// what it is built from
constexpr hass::row_option of_luts{folded.folding, hass::weight_memory::lutram, 0,
                                   hass::multiplier::lut, hass::weight_memory::uram};
static_assert(hass::sparse_dot<>{}.cost(layer, of_luts).dsp == 0);
static_assert(hass::sparse_dot<>{}.cost(layer, of_luts).bram18 == 0);
static_assert(hass::sparse_dot<>{}.cost(layer, of_luts).uram > 0);
constexpr int choices() {
    hass::calibrated every;
    every.lut_multipliers = every.every_memory = true;
    int n = 0;
    hass::dense_dot<>{every, {}}.for_each(layer, [&](const hass::row_option&) { ++n; });
    return n;
}
static_assert(choices() <= 7 * 8 * 3 * 18 && choices() > 7 * 8 * 3 * 9);

constexpr double when_prepared(double sparsity) {
    const hass::layer_statistics s = hass::uniform_sparsity(sparsity).at(0);
    const auto ready = hass::sparse_dot<>{}.prepare(layer, s);
    return ready.cycles(folded);
}
static_assert(when_prepared(0.5) == cycles(0.5));

constexpr int options(const auto& engine) {
    int n = 0;
    engine.for_each(layer, [&](const hass::row_option&) { ++n; });
    return n;
}
static_assert(options(hass::dense_dot<>{}) == 7 * 8 * 3 * 2);
static_assert(options(hass::sparse_dot<>{}) == 7 * 8 * 9 * 2);
static_assert(options(both{}) == 7 * 8 * 12 * 2);

constexpr hass::layer_row pool =
    hass::max_pool<3, hass::stride<2>, hass::pad<1>>::row({64, 112, 112});
static_assert(hass::stage_cycles(pool, {{4, 1, 1, 1, 1}, {}, 0}) == 114 * 114 * 16);
