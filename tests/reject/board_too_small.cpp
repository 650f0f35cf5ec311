// expect: the board is too small
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/accelerator.hpp>
#include <hass/workload/zoo.hpp>

using accel =
    hass::accelerator<hass::zoo::types::resnet18, hass::sparse_dot<>, hass::boards::zedboard>;
static_assert(accel::evaluate(hass::uniform_sparsity(0.5), accel::start).fits,
              "the board is too small");
