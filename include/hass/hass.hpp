/// \file hass.hpp
/// Everything, for programs. A header that only needs a part includes that part: the rooms are
/// listed in reading order, and each includes only rooms above it.
#pragma once

#include <hass/error.hpp>
#include <hass/files.hpp>
#include <hass/version.hpp>
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
#include <hass/statistics/measured.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/spread.hpp>
#include <hass/statistics/store.hpp>
#include <hass/statistics/streams.hpp>
#include <hass/statistics/thinned.hpp>
#include <hass/statistics/thresholds.hpp>
//
#include <hass/emulate/eigen.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/gemm.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/resize.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/sensitivity.hpp>
#include <hass/emulate/sequential.hpp>
//
#include <hass/engine/arithmetic.hpp>
#include <hass/engine/array.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/dual_side.hpp>
#include <hass/engine/energy.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/eyeriss_v2.hpp>
#include <hass/engine/fill.hpp>
#include <hass/engine/folded_array.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/formats.hpp>
#include <hass/engine/hash_accumulate.hpp>
#include <hass/engine/highlight.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/matrix_market.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/patterns/coarse.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/engine/patterns/periodic.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/published_dot.hpp>
#include <hass/engine/published_pipeline.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/memories.hpp>
#include <hass/engine/resources/published.hpp>
#include <hass/engine/resources/published_modules.hpp>
#include <hass/engine/sdpe.hpp>
#include <hass/engine/skew.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/sparse_matrix.hpp>
#include <hass/engine/sps.hpp>
#include <hass/engine/squeeze.hpp>
#include <hass/engine/stages.hpp>
#include <hass/engine/tensor_core.hpp>
#include <hass/engine/timed_engine.hpp>
#include <hass/engine/usage.hpp>
//
#include <hass/device/boards.hpp>
#include <hass/device/device.hpp>
#include <hass/device/device_file.hpp>
//
#include <hass/explore/accelerator.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/balanced.hpp>
#include <hass/explore/choice.hpp>
#include <hass/explore/compare.hpp>
#include <hass/explore/evaluate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/greedy.hpp>
#include <hass/explore/latency.hpp>
#include <hass/explore/mining.hpp>
#include <hass/explore/partition.hpp>
#include <hass/explore/policy.hpp>
//
#include <hass/search/additive_model.hpp>
#include <hass/search/any_optimizer.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/codesign.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/importance.hpp>
#include <hass/search/journal.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/parallel.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/parzen.hpp>
#include <hass/search/random.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/reflect.hpp>
#include <hass/search/sobol.hpp>
#include <hass/search/space.hpp>
#include <hass/search/stable_math.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>
#include <hass/search/truncated_normal.hpp>
//
#include <hass/report/json.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/solution.hpp>
#include <hass/report/table.hpp>
