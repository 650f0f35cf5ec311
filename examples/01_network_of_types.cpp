// A network as types, checked against a board's budget while compiling.
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/accelerator.hpp>
#include <hass/workload/layers.hpp>

//! [network]
// One declaration a layer; a shape that does not fit fails to compile and names the layer.
using net = hass::sequential<hass::input<3, 32, 32>,                                 //
                             hass::conv2d<3, 32, 3, hass::pad<1>>, hass::relu,       //
                             hass::residual<hass::conv2d<32, 32, 3, hass::pad<1>>>,  //
                             hass::depthwise<32, 3, hass::stride<2>, hass::pad<1>>, hass::relu,
                             hass::pointwise<32, 64>, hass::relu,  //
                             hass::global_average_pool, hass::flatten, hass::linear<64, 10>>;
//! [network]

//! [check]
using engine = hass::sparse_dot<hass::histogram_interval, hass::calibrated>;
using accel = hass::accelerator<net, engine, hass::boards::zedboard>;

// The build breaks here when the board is too small for even the smallest design.
static_assert(accel::evaluate(hass::uniform_sparsity(0.5), accel::start).fits);
//! [check]

int main() {
    //! [allocate]
    // At run time the same function judges the best design, for as many sparsities as one likes.
    for (const double sparsity : {0.0, 0.25, 0.5, 0.75}) {
        const hass::allocation best = hass::allocate(accel{}, hass::uniform_sparsity(sparsity));
        std::printf("%2.0f %% zero pairs: %7.0f images/s with %3.0f DSPs; %s\n", 100 * sparsity,
                    best.estimate.images_per_second, best.estimate.total.dsp,
                    best.certificate.reason.c_str());
    }
    //! [allocate]
}
