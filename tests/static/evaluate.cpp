// The whole cost model in constant expressions.
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/accelerator.hpp>
#include <hass/workload/zoo.hpp>

using small =
    hass::sequential<hass::input<3, 32, 32>, hass::conv2d<3, 8, 3, hass::pad<1>>, hass::relu,
                     hass::global_average_pool, hass::flatten, hass::linear<8, 10>>;
using sparse = hass::accelerator<small, hass::sparse_dot<>, hass::boards::zedboard>;
using dense = hass::accelerator<small, hass::dense_dot<>, hass::boards::zedboard>;

constexpr hass::estimate half = sparse::evaluate(hass::uniform_sparsity(0.5), sparse::start);
constexpr hass::estimate none = sparse::evaluate(hass::uniform_sparsity(0.0), sparse::start);
constexpr hass::estimate plain = dense::evaluate(hass::uniform_sparsity(0.5), dense::start);

// One MAC for the convolution: a cycle for each of its 3 * 8 * 9 * 32 * 32 products.
static_assert(none.fits && none.bottleneck == 0);
static_assert(none.interval_cycles == 3 * 8 * 9 * 32 * 32);
static_assert(plain.interval_cycles == none.interval_cycles);
static_assert(half.interval_cycles > 0.45 * none.interval_cycles);
static_assert(half.interval_cycles < 0.55 * none.interval_cycles);
// Sparsity changes time, not resources; images are carried at the pace of the interval.
constexpr hass::usage built(const hass::estimate& e) {
    return {e.total.dsp, e.total.lut, e.total.ff, e.total.bram18, e.total.uram, 0.0};
}
static_assert(built(half) == built(none));
static_assert(half.total.bandwidth ==
              16 * (3 * 32 * 32 + 10) * 200.0 / 1000.0 / half.interval_cycles);
static_assert(half.images_per_second == 200e6 / half.interval_cycles);
static_assert(half.efficiency() == 1.0 / (half.interval_cycles * half.total.dsp));

// ResNet-18 has more weights than a zedboard has memory.
template <class Board>
using resnet = hass::accelerator<hass::zoo::types::resnet18, hass::sparse_dot<>, Board>;
template <class Board>
constexpr bool fits_on =
    resnet<Board>::evaluate(hass::uniform_sparsity(0.5), resnet<Board>::start).fits;
static_assert(!fits_on<hass::boards::zedboard>);
