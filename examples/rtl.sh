#!/usr/bin/env bash
# The shipped network on a zedboard, as hardware: searches thresholds, writes the design that it comes to
# in SystemVerilog, has Verilator build it, runs images through it, and compares every answer with the
# network in integers and the cycles with those of `evaluate`.
#     bash examples/rtl.sh [folder] [bits] [images] [flags of hass_search]
#     bash examples/rtl.sh build/rtl 16 100 --engine dense --trials 1       # the longer way
# HASS_BUILD_DIR: where to build (default build/examples).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$root/build/rtl}
if ! command -v verilator >/dev/null; then
    echo "skipped: no verilator here (Debian: apt-get install verilator)"
    exit 0
fi
if [[ -z ${HASS_RTL_PROGRAM:-} ]]; then  # where the tests have built it already
    build=${HASS_BUILD_DIR:-$root/build/examples}
    . "$root/scripts/setup.sh"
    install_packages $packages_examples
    build_release hass_search "$root" "$build" -DHASS_BUILD_TESTS=OFF -DHASS_BUILD_BENCHMARKS=OFF
    HASS_RTL_PROGRAM=$build/examples/hass_search
fi

"$HASS_RTL_PROGRAM" --search hardware --bits "${2:-16}" --rtl "$folder" --rtl-images "${3:-20}" \
    --out "$folder.search" "${@:4}" >"$folder.log" || { cat "$folder.log"; exit 1; }
grep -A 5 '^RTL of' "$folder.log"
make -s -C "$folder" lint
# At full speed (twice: the interval of the second time, with FIFOs as full as they get), with pauses, and at
# the pace of the interval, which the fill is stated for.
pace=$(awk '$1 == "interval" {print $2}' "$folder/estimate")
make -s -C "$folder" run IMAGES=images ANSWERS=answers PASSES=2 >"$folder/measured"
make -s -C "$folder" run IMAGES=images ANSWERS=answers_pauses PAUSES=30 >/dev/null
make -s -C "$folder" run IMAGES=images ANSWERS=answers_pace PACE="$pace" >"$folder/measured_pace"
: >"$folder/measured_alone"  # each stage by itself, between images
if ((${3:-20} > 1)); then make -s -C "$folder" alone >"$folder/measured_alone"; fi
for answers in answers answers_pauses answers_pace; do
    cmp "$folder/expected" "$folder/$answers" || { echo "$answers are not the network's"; exit 1; }
done
echo "every answer is the integer network's, bit for bit"

awk '
    function row(name, simulated, estimated, limit) {
        share = estimated > 0 ? 100 * (simulated / estimated - 1) : 0
        wrong = share > limit || share < -limit
        printf "%-34s %12.1f %12.1f %+8.1f %%%s\n", name, simulated, estimated, share, wrong ? "  (wanted: " limit " %)" : ""
    }
    FILENAME ~ /estimate$/ { if ($1 == "own") cycles[$2] = $3; else of[$1] = $2; next }
    FNR == 1 { if (!header++) printf "%-34s %12s %12s\n", "cycles", "simulated", "evaluate" }
    FILENAME ~ /measured$/ && $1 == "interval" { row("interval", $2, of["interval"], 2) }
    FILENAME ~ /measured_alone$/ && $1 == "own" { row($2, $3, cycles[$2], 2) }
    FILENAME ~ /measured_pace$/ && $1 == "fill" { row("fill", $2, of["fill"], 5) }
' "$folder/estimate" "$folder/measured" "$folder/measured_alone" "$folder/measured_pace"
