// expect: uniform_sparsity(1.5
#include <hass/statistics/layer_statistics.hpp>

constexpr hass::uniform_sparsity all_and_more{1.5};
