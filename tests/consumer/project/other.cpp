#include <hass/device/boards.hpp>

double clock_of_smallest_board();

double clock_of_smallest_board() {
    return hass::boards::find("zedboard").mhz;
}
