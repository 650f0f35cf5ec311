/// \file hass.hpp
/// Everything, for programs. A header that only needs a part includes that part: the rooms are
/// listed in reading order, and each includes only rooms above it.
#pragma once

#include <hass/version.hpp>
//
#include <hass/error.hpp>
#include <hass/files.hpp>
//
#include <hass/workload/hana.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/npy.hpp>
#include <hass/workload/onnx.hpp>
#include <hass/workload/zoo.hpp>
//
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/measure.hpp>
#include <hass/statistics/pairs.hpp>
//STORE
#include <hass/statistics/thresholds.hpp>
//
#include <hass/emulate/emulator.hpp>
//SENS
//
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/resources/calibrated.hpp>
//PUB
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/stages.hpp>
#include <hass/engine/usage.hpp>
//
#include <hass/device/boards.hpp>
#include <hass/device/device.hpp>
#include <hass/device/device_file.hpp>
//
//ACC
#include <hass/explore/allocate.hpp>
#include <hass/explore/evaluate.hpp>
#include <hass/explore/frontier.hpp>
//
#include <hass/search/any_optimizer.hpp>
#include <hass/search/codesign.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/search/reflect.hpp>
#include <hass/search/space.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>
//
#include <hass/report/json.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/solution.hpp>
#include <hass/report/table.hpp>
