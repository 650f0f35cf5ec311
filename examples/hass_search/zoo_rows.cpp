#include <array>
#include <hass/workload/zoo.hpp>

#include "foldings.hpp"

namespace hass_search {

namespace {

struct named {
    const char* name;
    hass::network_view (*rows)();
};
constexpr std::array<named, 7> zoo{{
    {"cnv", [] { return hass::network_view(hass::zoo::cnv); }},
    {"mobilenet_v1", [] { return hass::network_view(hass::zoo::mobilenet_v1); }},
    {"resnet50", [] { return hass::network_view(hass::zoo::resnet50); }},
    {"resnet18", [] { return hass::network_view(hass::zoo::resnet18); }},
    {"mobilenet_v2", [] { return hass::network_view(hass::zoo::mobilenet_v2); }},
    {"mobilenet_v3_small", [] { return hass::network_view(hass::zoo::mobilenet_v3_small); }},
    {"mobilenet_v3_large", [] { return hass::network_view(hass::zoo::mobilenet_v3_large); }},
}};

}  // namespace

std::vector<std::string> networks_of_rows() {
    std::vector<std::string> names;
    for (const named& n : zoo) names.emplace_back(n.name);
    return names;
}

hass::network_view rows_named(const std::string& name) {
    for (const named& n : zoo)
        if (name == n.name) return n.rows();
    return {};
}

}  // namespace hass_search
