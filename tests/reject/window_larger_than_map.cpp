// expect: hass: this layer does not accept the shape
// expect: max_pool<5>
// expect: shape{8, 4, 4}
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::input<8, 4, 4>, hass::max_pool<5>>;
constexpr hass::network_view view = net{};
