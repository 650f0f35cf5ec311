// expect: hass: the engine is missing: (network, statistics, engine, board)
#include <hass/device/boards.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/zoo.hpp>

const hass::estimate e =
    hass::evaluate(hass::zoo::resnet18, hass::dense_statistics{}, hass::boards::u250{});
