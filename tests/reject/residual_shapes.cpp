// expect: hass: body and shortcut of this residual block give different shapes
#include <hass/workload/layers.hpp>

using body = hass::sequential<hass::conv2d<8, 8, 3, hass::stride<2>, hass::pad<1>>, hass::relu>;
using net = hass::sequential<hass::input<8, 16, 16>, hass::residual<body>>;
constexpr hass::network_view view = net{};
