// expect: options for
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::input<4, 1, 1>, hass::linear<4, 2>, hass::relu>;
constexpr hass::row_option one[1]{};
constexpr hass::estimate e = hass::evaluate(net{}, hass::uniform_sparsity(0), hass::sparse_dot<>{},
                                            hass::boards::u50{}, one);
