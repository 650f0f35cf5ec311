/// \file hass.hpp
/// Everything, for programs. A header that only needs a part includes that part: the rooms are
/// listed in reading order, and each includes only rooms above it.
#pragma once

#include <hass/error.hpp>
#include <hass/version.hpp>
//
#include <hass/files/csv.hpp>
#include <hass/files/npy.hpp>
#include <hass/files/whole_file.hpp>
//
#include <hass/workload/hana.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx.hpp>
#include <hass/workload/preprocessing.hpp>
#include <hass/workload/zoo.hpp>
//
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/prediction.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/sampled_magnitudes.hpp>
#include <hass/statistics/store.hpp>
#include <hass/statistics/store_format.hpp>
#include <hass/statistics/store_reader.hpp>
#include <hass/statistics/store_writer.hpp>
#include <hass/statistics/stream_drift.hpp>
#include <hass/statistics/tensor_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
//
#include <hass/emulate/accuracy_limit.hpp>
#include <hass/emulate/backend.hpp>
#include <hass/emulate/eigen.hpp>
#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulation_pass.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/gemm.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/emulate/record.hpp>
#include <hass/emulate/resize.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/scoring.hpp>
#include <hass/emulate/window_collector.hpp>
#include <hass/emulate/workers.hpp>
//
#include <hass/engine/arithmetic.hpp>
#include <hass/engine/arrays/array.hpp>
#include <hass/engine/arrays/dual_side.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/arrays/eyeriss_v2.hpp>
#include <hass/engine/arrays/folded_array.hpp>
#include <hass/engine/arrays/hash_accumulate.hpp>
#include <hass/engine/arrays/highlight.hpp>
#include <hass/engine/arrays/sdpe.hpp>
#include <hass/engine/arrays/tensor_core.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/modules.hpp>
#include <hass/engine/fpgaconvnet/pipeline.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/interval.hpp>
#include <hass/engine/pass.hpp>
#include <hass/engine/patterns/coarse.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/engine/patterns/periodic.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/power.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/memories.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/sps.hpp>
#include <hass/engine/storage/formats.hpp>
#include <hass/engine/storage/matrix_market.hpp>
#include <hass/engine/storage/sparse_matrix.hpp>
#include <hass/engine/streams.hpp>
#include <hass/engine/timed_engine.hpp>
#include <hass/engine/usage.hpp>
//
#include <hass/device/boards.hpp>
#include <hass/device/device.hpp>
#include <hass/device/device_file.hpp>
//
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/fill.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/link_room.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/pipeline/stages.hpp>
//
#include <hass/explore/accelerator.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/balanced.hpp>
#include <hass/explore/choice.hpp>
#include <hass/explore/cutting_planes.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/greedy.hpp>
#include <hass/explore/latency.hpp>
#include <hass/explore/partition.hpp>
#include <hass/explore/policy.hpp>
//
#include <hass/compare/compare.hpp>
#include <hass/compare/mining.hpp>
//
#include <hass/search/additive_model.hpp>
#include <hass/search/any_optimizer.hpp>
#include <hass/search/candidate.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/importance.hpp>
#include <hass/search/journal.hpp>
#include <hass/search/measurement.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/optimizer_names.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/parallel.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/parzen.hpp>
#include <hass/search/predicted_objective.hpp>
#include <hass/search/predicted_statistics.hpp>
#include <hass/search/random.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/reflect.hpp>
#include <hass/search/sobol.hpp>
#include <hass/search/space.hpp>
#include <hass/search/stable_math.hpp>
#include <hass/search/study.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/threshold_search.hpp>
#include <hass/search/tpe.hpp>
#include <hass/search/truncated_normal.hpp>
#include <hass/search/typical_reach.hpp>
//
#include <hass/report/json.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/solution.hpp>
#include <hass/report/table.hpp>
#include <hass/report/verdict.hpp>
