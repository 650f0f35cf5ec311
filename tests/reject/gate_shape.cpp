// expect: hass: the gate must give one value a channel
#include <hass/workload/layers.hpp>

using net = hass::sequential<
    hass::input<8, 16, 16>,
    hass::gated<hass::sequential<hass::global_average_pool, hass::pointwise<8, 4>>>>;
constexpr hass::network_view view = net{};
