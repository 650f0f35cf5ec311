// expect: hass: this layer does not accept the shape
// expect: groups<3>
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::input<8, 4, 4>, hass::conv2d<8, 9, 1, hass::groups<3>>>;
constexpr hass::network_view view = net{};
