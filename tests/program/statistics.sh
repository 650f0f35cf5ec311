#!/usr/bin/env bash
# Measures a few images, goes on from the file, measures others at the same thresholds, joins the
# two, and searches on the joined file, on ready-made statistics and without any image.
# statistics.sh <hass_search> <hass_check_solution> <examples/data>
set -euo pipefail
program=$1
check=$2
data=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# fails <text> <flags...>: the program leaves with 2 and says the text.
fails() {
    local expected=$1 code=0
    shift
    "$program" "$@" </dev/null 2>stderr || code=$?
    [ $code -eq 2 ] && grep -q "$expected" stderr || { echo "no '$expected': $*"; cat stderr; exit 1; }
}

"$program" --first-images 6 --write-statistics a.statistics </dev/null
cp a.statistics first.statistics
"$program" --first-images 6 --write-statistics a.statistics </dev/null
cmp a.statistics first.statistics
fails "measured on other images" --first-images 5 --write-statistics a.statistics
cmp a.statistics first.statistics
"$program" --first-images 5 --statistics a.statistics --write-statistics b.statistics </dev/null
"$program" --merge-statistics a.statistics,b.statistics --write-statistics sum.statistics
fails "they share a set of images" --merge-statistics a.statistics,sum.statistics \
    --write-statistics no.statistics
[ ! -e no.statistics ]
"$program" --statistics sum.statistics --trials 4 --max-drop 20 --out out </dev/null
"$check" out/solution.json
# a file of today has what lanes and lists need; the ready-made ones were measured before
! grep -q 'whole dot products' out/solution.json || { echo "lanes and lists were not recorded"; exit 1; }
for ready in "$data"/statistics/*.statistics; do
    [ -e "$ready" ] || continue
    "$program" --network "$(basename "$ready" .statistics)" --trials 2 --out ready </dev/null
    "$check" ready/solution.json
    grep -q '"accuracy": "predicted"' ready/solution.json
    grep -q '"device": "u250"' ready/solution.json
    grep -q 'does not hold the work of whole dot products' ready/solution.json
done

bash "$(dirname "${BASH_SOURCE[0]}")/check_files.sh" .
