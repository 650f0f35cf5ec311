// expect: hass: the statistics are missing: (network, statistics, engine, board)
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/zoo.hpp>

const hass::design chosen(hass::network_view(hass::zoo::resnet18).size());
const hass::estimate e =
    hass::evaluate(hass::zoo::resnet18, hass::dense_dot<>{}, hass::boards::u250{}, chosen);
