// Boards as types and as values are the same device.
#include <hass/device/boards.hpp>

static_assert(hass::Device<hass::boards::u250>);
static_assert(hass::Device<hass::device>);
static_assert(hass::boards::u250::limits().budget.dsp == 12288);
static_assert(hass::boards::u250::limits().dsp_slice == hass::dsp_slice::dsp48e2);
static_assert(hass::boards::zedboard::limits().dsp_slice == hass::dsp_slice::dsp48e1);
static_assert(hass::boards::catalogue.size() == 22);
static_assert(hass::boards::catalogue[0].name == hass::boards::u250::limits().name);
