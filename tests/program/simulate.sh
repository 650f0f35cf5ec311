#!/usr/bin/env bash
# Pipelines of the sparse designs are simulated where that is asked for, and refused where it cannot
# be: simulate.sh <hass_search>
set -euo pipefail
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$program" --first-images 60 --trials 4 --engine spe --simulate 12 --out out >log 2>&1 </dev/null
sed -n '/^What the pipelines keep of it$/,/^The searches$/p' log >said
for design in "activation only" software-only hardware-aware; do
    grep -q "^  $design: " said || { echo "no line of '$design'"; cat log; exit 1; }
done
[ "$(grep -c ' images at ' said)" -eq 3 ] || { echo "not three lines"; cat said; exit 1; }
# ..: 12 images at M cycles in the model; simulated W (..) with .., P (..) with FIFOs of L LUTs and R
# BRAM18, B (..) at best; with the FIFOs in the total I images/s fit, O without
form='.*: ([0-9]+) images at ([0-9]+) cycles in the model; simulated ([0-9]+) .*stages, ([0-9]+) .*of ([0-9]+)'
form="$form LUTs .*BRAM18, ([0-9]+) .*total ([0-9.]+) images/s fit, ([0-9.]+) without"
sed -nE "s|$form|\1 \2 \3 \4 \6 \7 \8 \5|p" said >numbers
[ "$(wc -l <numbers)" -eq 3 ] || { echo "lines of another form"; cat said; exit 1; }
# in the long run no pipeline is faster than its slowest stage; rounding is to a cycle
awk '{ if ($1 != 12 || !($2 > 0) || $5 < 0.97 * $2 || $4 > $3 + 1 || $4 * 0.97 > $5 + 1) bad = 1 }
    $6 > $7 + 0.05 || !($8 > 0) { bad = 1 }
    END { exit bad }' numbers || { echo "numbers that cannot be"; cat said; exit 1; }
# what is written has the FIFOs: so much stands between stages at least
awk 'NR == FNR { if ($8 > least) least = $8; next }
    /"between"/ { inside = 1 } inside && /"lut"/ { gsub(/[^0-9.]/, ""); if ($0 > most) most = $0; inside = 0 }
    END { exit !(most >= least) }' numbers out/solution.json ||
    { echo "solution.json has no FIFOs between stages"; exit 1; }

"$program" --first-images 60 --trials 2 --out out >log 2>&1 </dev/null
if grep -q 'What the pipelines keep' log; then echo "simulated without being asked"; exit 1; fi

refused() {
    local expected=$1
    shift
    if "$program" "$@" >log 2>&1 </dev/null; then echo "$*: taken"; exit 1; fi
    grep -qF -- "$expected" log || { echo "$*: not '$expected' but"; cat log; exit 1; }
}
refused "--simulate -1: must not be negative" --simulate -1
refused "--simulate: needs images" --simulate 4 --network resnet18
refused "cycles of dense engines do not depend on data" --simulate 4 --engine dense

bash "$(dirname "${BASH_SOURCE[0]}")/check_files.sh" .
