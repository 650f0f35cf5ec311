// Boards as types and as values are the same device.
#include <hass/device/boards.hpp>

static_assert(hass::Device<hass::boards::u250>);
static_assert(hass::Device<hass::device>);
static_assert(hass::boards::u250::limits().budget.dsp == 12288);
static_assert(hass::boards::catalogue.size() == 11);
static_assert(hass::boards::catalogue[0].name == hass::boards::u250::limits().name);
