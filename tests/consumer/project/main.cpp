// A user's program; with CORE_HPP the build puts every core header in front of it.
#include <cstdio>

#include <hass/device/boards.hpp>
#include <hass/version.hpp>
#include <hass/workload/zoo.hpp>

double clock_of_smallest_board();

int main() {
    std::printf("hass %s, ResNet-18: %lld MACs, %g MHz\n", HASS_VERSION,
                static_cast<long long>(hass::mac_count(hass::zoo::resnet18)),
                clock_of_smallest_board());
    return clock_of_smallest_board() == hass::boards::find("zedboard").mhz ? 0 : 1;
}
