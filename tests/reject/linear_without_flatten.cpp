// expect: hass: this layer does not accept the shape
// expect: linear<128, 10>
// expect: shape{8, 4, 4}
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::input<8, 4, 4>, hass::relu, hass::linear<128, 10>>;
constexpr hass::network_view view = net{};
