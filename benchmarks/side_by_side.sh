#!/usr/bin/env bash
# The emulator beside onnxruntime and PyTorch, two threads each, in turns within one run:
#     side_by_side.sh <folder of trained networks, with manifest.json> [rounds]
# Builds bench_emulate in a folder of its own. Both others are optional: without them only the
# library's own backends and shares of the peak are shown. onnxruntime: `npm install onnxruntime-node`
# in some folder, and NODE_PATH=<folder>/node_modules. PyTorch: python3-torch, python3-onnx and
# libopenblas0-pthread, without which its matrix products are ten times slower. Run it on an idle machine.
set -euo pipefail
models=$(realpath "${1:?folder of trained networks}")
rounds=${2:-7}
here=$(realpath "$(dirname "$0")/..")
build=${BUILD:-$here/build/side-by-side}
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release -DHASS_NATIVE=ON -DHASS_BUILD_TESTS=OFF \
    -DHASS_BUILD_EXAMPLES=OFF >/dev/null
cmake --build "$build" --target bench_emulate >&2
export OMP_NUM_THREADS=2 HASS_MODELS_DIR=$models
exec "${PYTHON:-/usr/bin/python3}" "$here/benchmarks/side_by_side.py" \
    "$build/benchmarks/bench_emulate" "$models" "$rounds"
