/// \file hana.hpp
/// Networks from Boost.Hana tuples of layer values, for code that assembles a network with Hana's
/// algorithms (concat, transform, replicate, ...) instead of writing it down:
///
///     constexpr auto body = hana::replicate<hana::tuple_tag>(block{}, hana::size_c<4>);
///     constexpr auto net = hass::network_of(hana::concat(stem, body));
#pragma once

#include <boost/hana/unpack.hpp>

#include <hass/workload/layers.hpp>

namespace hass {

/// The network whose parts are the elements of `parts`, a Hana sequence of layers and blocks; the
/// first is `input<...>`. One unpack, no fold over types.
template <class Parts>
constexpr auto network_of(const Parts& parts) {
    return boost::hana::unpack(parts, [](const auto&... part) {
        return sequential<std::remove_cvref_t<decltype(part)>...>{};
    });
}

}  // namespace hass
