// expect: hass: the board is missing: (network, statistics, engine, board)
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

const hass::allocation best =
    hass::allocate(hass::zoo::resnet18, hass::uniform_sparsity(0.5), hass::sparse_dot<>{});
