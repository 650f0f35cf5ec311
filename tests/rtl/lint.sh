#!/usr/bin/env bash
# Every module is without a warning of Verilator, and Yosys, where it is there, elaborates it:
#     lint.sh <verilator> <modules> [yosys]
set -euo pipefail
modules=$2
memories=$(mktemp -d)
trap 'rm -rf "$memories"' EXIT
cd "$memories"
grep -ohE '"[a-z_]+\.mem"' "$modules"/*.sv | tr -d '"' | while read -r file; do echo 0 >"$file"; done
for lane in 0{0..9} 0{0,1}_0{0..2} 00_masks; do echo 0 >"weights_$lane.mem"; done

status=0
for module in "$modules"/*.sv; do
    "$1" --lint-only -Wall -y "$modules" "$module" || status=1
    [[ ${3:-NOTFOUND} == *NOTFOUND ]] && continue
    "$3" -q -p "read_verilog -sv -defer $modules/*.sv
                hierarchy -check -top $(basename "$module" .sv); proc; check -assert" || status=1
done
exit $status
