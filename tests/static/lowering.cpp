// A network of types lowers to rows and edges in a constant expression.
#include <hass/workload/layers.hpp>

using block = hass::residual<
    hass::sequential<hass::conv2d<8, 16, 3, hass::stride<2>, hass::pad<1>>, hass::relu>,
    hass::pointwise<8, 16, hass::stride<2>>>;
using net = hass::sequential<hass::input<8, 16, 16>, block, hass::global_average_pool,
                             hass::flatten, hass::linear<16, 4>>;
constexpr hass::network_view view = net{};

static_assert(view.size() == 7);
static_assert(view[3].kind == hass::layer_kind::add);
static_assert(view.edges.size() == 8);
static_assert(view.edges[2] == hass::edge{hass::network_input, 2});  // the shortcut
static_assert(view.edges[3] == hass::edge{1, 3} && view.edges[4] == hass::edge{2, 3});
static_assert(view[6].out == hass::shape{4, 1, 1});
static_assert(hass::mac_count(view) == 16 * 8 * 9 * 64 + 16 * 8 * 64 + 16 * 4);
static_assert(hass::weight_count(view) == 16 * 8 * 9 + 16 * 8 + 16 * 4);
static_assert(hass::Network<net>);
