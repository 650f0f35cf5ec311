// The cost model, as every user of it includes it.
#include <hass/device/boards.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/layers.hpp>
