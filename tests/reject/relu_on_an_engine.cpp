// expect: engines run compute rows only (convolution, linear)
#include <hass/engine/sparse_dot.hpp>
#include <hass/workload/layers.hpp>

constexpr double cycles = hass::sparse_dot<>{}.cycles(hass::relu::row({8, 4, 4}), {}, {});
