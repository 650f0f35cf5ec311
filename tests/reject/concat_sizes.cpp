// expect: hass: the branches of this concat give maps of different size
#include <hass/workload/layers.hpp>

using net =
    hass::sequential<hass::input<8, 16, 16>,
                     hass::concat<hass::pointwise<8, 8>, hass::conv2d<8, 8, 3>>>;  // 16x16 and
                                                                                   // 14x14
constexpr hass::network_view view = net{};
