// expect: hass: the statistics are missing: (network, statistics, engine, board)
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

const hass::allocation best =
    hass::allocate(hass::zoo::resnet18, hass::sparse_dot<>{}, hass::boards::u250{});
