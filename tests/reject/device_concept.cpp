// expect: limits()
#include <hass/device/device.hpp>

struct no_limits {};
constexpr double clock(const hass::Device auto& board) {
    return board.limits().mhz;
}
double mhz = clock(no_limits{});
