#!/usr/bin/env bash
# Whatever the optimizer and the limit, what a search returns loses no more accuracy than allowed.
# limit.sh <hass_search>
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# top1 <design>: of solution.json
top1() {
    awk -v design="\"$1\":" '$1 == design { inside = 1 }
        inside && $1 == "\"top1\":" { gsub(",", "", $2); print $2; exit }' "$scratch/out/solution.json"
}
for optimizer in automatic tpe composite cma-es; do
    for drop in 0 2; do
        "$1" --engine spe --optimizer "$optimizer" --max-drop "$drop" --first-images 50 --trials 10 \
            --out "$scratch/out" >"$scratch/log" 2>&1 </dev/null
        for design in software_only hardware_aware; do
            if ! awk -v dense="$(top1 dense)" -v found="$(top1 $design)" -v drop="$drop" \
                'BEGIN { exit !(dense > 0 && found >= dense - drop / 100 - 1e-9) }'; then
                echo "$optimizer, limit $drop: $design answers $(top1 $design), dense $(top1 dense)"
                exit 1
            fi
        done
    done
done

# What automatic takes, and why, is said; a search ends where little is left to gain.
search() {
    "$hass_search" --engine spe --first-images 20 --search hardware --out "$scratch/out" "$@" >"$scratch/log" 2>&1 </dev/null
}
says() { grep -qE "$1" "$scratch/log" || { echo "not said: $1"; cat "$scratch/log"; exit 1; }; }
hass_search=$1
search --trials 2
says 'hardware-aware: optimizer gaussian-process \(fewer than 500 trials, 28 columns\)'
search --optimizer automatic --objective pareto --trials 2
says 'hardware-aware: optimizer gaussian-process \(fewer than 500 trials, 28 columns\)'
search --optimizer automatic --stop-when 1000 --trials 40
says 'hardware-aware: optimizer gaussian-process'
says 'may be left'
lines=$(wc -l <"$scratch/out/trials.csv")
[ "$lines" -le 15 ] || { echo "--stop-when: $((lines - 1)) trials"; exit 1; }
