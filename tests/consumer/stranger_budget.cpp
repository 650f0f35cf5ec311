// A newcomer checks a small network of types against a board, before and after folding it.
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/layers.hpp>

using net =
    hass::sequential<hass::input<3, 32, 32>, hass::conv2d<3, 16, 3, hass::pad<1>>, hass::relu,
                     hass::pool<2>, hass::conv2d<16, 32, 3, hass::pad<1>>, hass::relu,
                     hass::pool<2>, hass::flatten, hass::linear<32 * 8 * 8, 10>>;

static_assert(hass::evaluate(net{}, hass::dense_statistics{}, hass::sparse_dot<>{},
                             hass::boards::zedboard{})
                  .fits,
              "even the smallest design is too large");

int main() {
    const hass::network_view view = net{};
    long long macs = 0, weights = 0;
    for (const hass::layer_row& row : view.rows) macs += row.macs(), weights += row.weights();

    const hass::sparse_dot<> spe;
    const hass::boards::zedboard board;
    const auto slow = hass::evaluate(net{}, hass::dense_statistics{}, spe, board);
    const auto dense = hass::allocate(net{}, hass::dense_statistics{}, spe, board);
    const auto half = hass::allocate(net{}, hass::uniform_sparsity(0.5), spe, board);
    std::printf("%lld MACs, %lld weights: %.0f, %.0f, %.0f images/s\n", macs, weights,
                slow.images_per_second, dense.estimate.images_per_second,
                half.estimate.images_per_second);
    return macs == hass::mac_count(view) && weights == hass::weight_count(view) && dense.fits &&
                   slow.images_per_second < dense.estimate.images_per_second &&
                   dense.estimate.images_per_second < half.estimate.images_per_second
               ? 0
               : 1;
}
