// expect: hass: the arguments stand in this order: network, statistics, engine, board
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/zoo.hpp>

const hass::estimate e = hass::evaluate(hass::zoo::resnet18, hass::sparse_dot<>{},
                                        hass::dense_statistics{}, hass::boards::u250{});
