#!/usr/bin/env bash
# A short search on the shipped network: its output is complete and can be recomputed.
# run.sh <hass_search> <check_solution>
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" --trials 4 --seed 1 --out "$scratch/out" </dev/null
"$2" "$scratch/out/solution.json"

# a board whose link is slow: an image of 784 pixels and 10 answers, 16 bits each, at 1 Mbit/s
cat >"$scratch/slow.json" <<'EOT'
{"name": "slow", "dsp": 220, "lut": 53200, "ff": 106400, "bram18": 280, "uram": 0,
 "bandwidth_gbps": 0.001, "mhz": 200}
EOT
"$1" --device "$scratch/slow.json" --first-images 60 --trials 2 --out "$scratch/slow" </dev/null >"$scratch/log"
"$2" "$scratch/slow/solution.json"
[ "$(grep -m1 '^images/s' "$scratch/log" | awk '{ print $2 }')" -eq 79 ] || { grep '^images/s' "$scratch/log"; exit 1; }
grep -q 'of its 0.001 Gbit/s, images and their answers take 0.001' "$scratch/log" || { echo "no word of the link"; exit 1; }
[ "$(wc -l <"$scratch/out/trials.csv")" -ge 5 ] || { echo "trials.csv is short"; exit 1; }
[ -z "$(find "$scratch/out" -name '*.tmp')" ] || { echo "a temporary file is left"; exit 1; }
