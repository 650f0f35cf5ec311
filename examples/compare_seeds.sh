#!/usr/bin/env bash
# Software-only against hardware-aware search over several seeds, with the program's other flags
# passed on: bash examples/compare_seeds.sh 5 [--trials 96 ...]
# Needs what examples/run.sh builds; about two minutes a seed on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-5}
shift || true
program=${HASS_BUILD_DIR:-build/examples}/examples/hass_search
[ -x "$program" ] || bash examples/run.sh --help >/dev/null
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# field <file> <design> <name>: a number of one design in solution.json
field() {
    awk -v design="\"$2\":" -v name="\"$3\":" '
        $1 == design { inside = 1 }
        inside && $1 == name { gsub(",", "", $2); print $2; exit }' "$1"
}

printf '%4s  %28s  %28s  %28s\n' seed dense software-only hardware-aware
printf '%4s' ''
for _ in 1 2 3; do printf '  %8s %8s %10s' top-1 images/s img/cyc/DSP; done
printf '\n'
wins=0
for seed in $(seq "$seeds"); do
    "$program" --seed "$seed" --out "$out/$seed" "${@}" >/dev/null 2>&1
    file=$out/$seed/solution.json
    printf '%4d' "$seed"
    for design in dense software_only hardware_aware; do
        printf '  %8.4f %8.0f %11.4g' "$(field "$file" $design top1)" \
            "$(field "$file" $design throughput_images_per_s)" \
            "$(field "$file" $design efficiency_images_per_cycle_per_dsp)"
    done
    printf '\n'
    if awk -v h="$(field "$file" hardware_aware efficiency_images_per_cycle_per_dsp)" \
        -v s="$(field "$file" software_only efficiency_images_per_cycle_per_dsp)" \
        -v ht="$(field "$file" hardware_aware top1)" -v st="$(field "$file" software_only top1)" \
        'BEGIN { exit !(h > s && ht >= st) }'; then
        wins=$((wins + 1))
    fi
done
echo "hardware-aware more efficient at equal or better accuracy in $wins of $seeds"
