// Compiled with the generated single header in front, and nothing else of hass.
static_assert(hass::mac_count(hass::zoo::resnet18) > 1'800'000'000);
static_assert(hass::boards::u250::limits().budget.dsp == 12288);
static_assert(hass::Engine<hass::sparse_dot<>>);
