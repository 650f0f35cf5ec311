#!/usr/bin/env bash
# A short search on the shipped network: its output is complete and can be recomputed.
# run.sh <hass_search> <check_solution>
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" --trials 4 --seed 1 --out "$scratch/out" </dev/null
"$2" "$scratch/out/solution.json"
[ "$(wc -l <"$scratch/out/trials.csv")" -ge 5 ] || { echo "trials.csv is short"; exit 1; }
[ -z "$(find "$scratch/out" -name '*.tmp')" ] || { echo "a temporary file is left"; exit 1; }
