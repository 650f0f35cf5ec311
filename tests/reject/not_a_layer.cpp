// expect: [with L = not_a_layer]
#include <hass/workload/layers.hpp>

struct not_a_layer {};
using net = hass::sequential<hass::input<8, 16, 16>, not_a_layer>;
constexpr hass::network_view view = net{};
