// expect: hass: a network starts with hass::input<channels, height, width>
#include <hass/workload/layers.hpp>

using net = hass::sequential<hass::relu, hass::flatten>;
constexpr hass::network_view view = net{};
