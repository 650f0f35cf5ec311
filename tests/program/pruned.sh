#!/usr/bin/env bash
# The pruned network is written with each solution, and has the accuracy of the table wherever it is
# run: pruned.sh <hass_search> <examples/data>
set -euo pipefail
program=$1
data=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' log | tail -20
    exit 1
}
# top1 <folder> <design>: of solution.json
top1() {
    sed -n "/^  \"$2\": {/,/^  }/s/^    \"top1\": \([0-9.e-]*\),\{0,1\}\$/\1/p" "$1/solution.json"
}

search=("$program" --engine spe --first-images 80 --images "$data/fashion_images.npy"
    --labels "$data/fashion_labels.npy")
"${search[@]}" --trials 2 --prune-pattern gh2:4 --out out >log 2>&1 </dev/null || fail "the search"
wanted=$(top1 out hardware_aware)
[ -n "$wanted" ] || fail "no hardware-aware design"
[ -f out/pruned.onnx ] && [ -f out/pruned_gh2_4.onnx ] || fail "not both files"
grep -q '^written: .*out/pruned.onnx, out/pruned_gh2_4.onnx$' log || fail "files are not named"

# read again, without thresholds and without flags of preprocessing
again() {
    "${search[@]}" --trials 1 --model "$1" --out again >log 2>&1 </dev/null || fail "$1 is not read"
    top1 again activation_only
}
found=$(again out/pruned.onnx)
[ "$found" = "$wanted" ] || fail "top-1 $found of pruned.onnx, $wanted in the table"
wanted=$(sed -n '/^  "projected": {/,/^  }/s/^    "score": \([0-9.e-]*\),\{0,1\}$/\1/p' out/solution.json)
found=$(again out/pruned_gh2_4.onnx)
[ "$found" = "$wanted" ] || fail "top-1 $found of pruned_gh2_4.onnx, measured $wanted"

# in somebody else's runtime, where it is installed
if node -e 'require("onnxruntime-node")' >/dev/null 2>&1; then
    node "$here/onnxruntime.js" out "$data/fashion_images.npy" "$data/fashion_labels.npy" 80 >log ||
        fail "onnxruntime"
    cat log
else
    echo "onnxruntime-node is not installed: not compared with it"
fi

"${search[@]}" --trials 2 --thresholds channel --prune-pattern channel:0.75 --out out >log 2>&1 </dev/null ||
    fail "thresholds of channels"
wanted=$(top1 out hardware_aware)
found=$(again out/pruned.onnx)
[ "$found" = "$wanted" ] || fail "top-1 $found of pruned.onnx with thresholds of channels, not $wanted"

"${search[@]}" --trials 1 --bits 8 --out out >log 2>&1 </dev/null || fail "--bits 8"
[ ! -e out/pruned.onnx ] && grep -q '^pruned.onnx: not written: --bits' log ||
    fail "a file that does not round"

refused() {
    local expected=$1
    shift
    if "$program" "$@" >log 2>&1 </dev/null; then fail "$*: taken"; fi
    grep -qF -- "$expected" log || fail "$*: not '$expected'"
}
refused "did you mean 'block'?" --prune-pattern blok
refused "ranks of G:H" --prune-pattern gh2
refused "a share to keep" --prune-pattern channel:2
refused "--prune-pattern: needs images" --prune-pattern hss --network resnet18
