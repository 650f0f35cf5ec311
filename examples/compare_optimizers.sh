#!/usr/bin/env bash
# In how many trials does composite search reach what TPE ends with? The main job's hardware-aware
# search by both, over several seeds; the program's other flags are passed on:
#     bash examples/compare_optimizers.sh 10 [--trials 96 ...]
# Writes one line a trial to $OUT/SEED-OPTIMIZER/trials.csv (OUT: default out/optimizers) and one line
# a seed to $OUT/comparison.csv, which it prints. Searches that are there already are not run again.
# Needs what examples/run.sh builds; about six minutes a seed on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-10}
shift || true
program=${HASS_BUILD_DIR:-build/examples}/examples/hass_search
out=${OUT:-out/optimizers}
[ -x "$program" ] || bash examples/run.sh --help >/dev/null
for seed in $(seq "$seeds"); do
    for optimizer in tpe composite; do
        folder=$out/$seed-$optimizer
        [ -e "$folder/solution.json" ] || "$program" --search hardware --optimizer "$optimizer" \
            --seed "$seed" --out "$folder" "$@" >/dev/null
    done
done

# The best feasible trial so far is what a search would return. `reached`: the first trial at which
# composite's is as efficient as TPE's last; `reached_accurate`: a trial that is, and answers as well.
compare() {
    echo seed,tpe_trials,tpe_objective,tpe_efficiency,tpe_top1,composite_trials,composite_objective,composite_efficiency,composite_top1,half_efficiency,half_top1,reached_objective,reached,reached_accurate
    for seed in $(seq "$seeds"); do
        awk -F, -v seed="$seed" '
            FNR == 1 { file++; best = ""; for (i = 1; i <= NF; i++) at[$i] = i; next }
            { trials[file] = FNR - 1
              e = $at["efficiency_images_per_cycle_per_dsp"]; a = $at["top1"]; f = $at["objective"]
              if ($at["state"] == "ok") {
                  if (best == "" || f > best) { best = f; eff[file] = e; top[file] = a }
                  if (file == 2 && !reached_accurate && e >= eff[1] && a >= top[1])
                      reached_accurate = FNR - 1
              }
              last[file] = best
              if (file == 2) {
                  if (!reached_objective && best != "" && best >= last[1]) reached_objective = FNR - 1
                  if (!reached && best != "" && eff[2] >= eff[1]) reached = FNR - 1
                  if (FNR - 1 <= trials[1] / 2) { half_e = eff[2]; half_a = top[2] }
              } }
            END { printf "%d,%d,%.4f,%.4g,%.4f,%d,%.4f,%.4g,%.4f,%.4g,%.4f,%s,%s,%s\n", seed,
                      trials[1], last[1], eff[1], top[1], trials[2], last[2], eff[2], top[2], half_e,
                      half_a, reached_objective ? reached_objective : "never",
                      reached ? reached : "never", reached_accurate ? reached_accurate : "never" }' \
            "$out/$seed-tpe/trials.csv" "$out/$seed-composite/trials.csv"
    done
}
compare >"$out/comparison.csv"
column -s, -t <"$out/comparison.csv"
