// expect: hass: this layer does not accept the shape
// expect: conv2d<16, 8, 3>
// expect: shape{3, 32, 32}
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::input<3, 32, 32>, hass::conv2d<16, 8, 3>>;
constexpr hass::network_view view = net{};
