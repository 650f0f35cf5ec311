#!/usr/bin/env bash
# In how few trials do other optimizers reach what TPE ends with? The main job's hardware-aware search
# by each, over several seeds; the program's other flags are passed on:
#     bash examples/compare_optimizers.sh 10 [--engine spe ...]
# TRIALS (96) of TPE, half as many of each of OPTIMIZERS (gaussian-process composite).
# Writes one line a trial to $OUT/SEED-OPTIMIZER/trials.csv (OUT: default out/optimizers) and one line
# a search to $OUT/comparison.csv, which it prints. Searches that are there already are not run again.
# Needs what examples/run.sh builds. A suggestion of composite search takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-10}
shift || true
program=${HASS_BUILD_DIR:-build/examples}/examples/hass_search
out=${OUT:-out/optimizers}
trials=${TRIALS:-96}
others=${OPTIMIZERS:-gaussian-process composite}
[ -x "$program" ] || bash examples/run.sh --help >/dev/null
mkdir -p "$out"
TIMEFORMAT=%U
for seed in $(seq "$seeds"); do
    for optimizer in tpe $others; do
        folder=$out/$seed-$optimizer
        [ ! -e "$folder/solution.json" ] || continue
        count=$trials
        [ "$optimizer" = tpe ] || count=$((trials / 2))
        cpu=$( { time "$program" --search hardware --optimizer "$optimizer" --trials "$count" \
            --seed "$seed" --out "$folder" --quiet "$@" >/dev/null 2>"$out/log"; } 2>&1) ||
            { cat "$out/log"; exit 1; }
        echo "$cpu" >"$folder/cpu_seconds"
    done
done

# The best feasible trial so far is what a search would return. `reached_f`, `reached_efficiency`: the
# first trial after which that is as good as TPE's last; `reached_accurate`: the first that is as
# efficient, and answers as well.
compare() {
    echo seed,optimizer,trials,cpu_s,objective,efficiency,top1,reached_f,reached_efficiency,reached_accurate
    for seed in $(seq "$seeds"); do
        for optimizer in tpe $others; do
            awk -F, -v seed="$seed" -v optimizer="$optimizer" \
                -v cpu="$(cat "$out/$seed-$optimizer/cpu_seconds" 2>/dev/null || echo unknown)" '
            FNR == 1 { file++; best = ""; for (i = 1; i <= NF; i++) at[$i] = i; next }
            { n[file] = FNR - 1
              e = $at["efficiency_images_per_cycle_per_dsp"]; a = $at["top1"]; f = $at["objective"]
              if ($at["state"] != "ok") next
              if (best == "" || f > best) { best = f; eff[file] = e; top[file] = a; last[file] = f }
              if (file == 1) next
              if (!reached_f && best >= last[1]) reached_f = FNR - 1
              if (!reached && eff[2] >= eff[1]) reached = FNR - 1
              if (!accurate && e >= eff[1] && a >= top[1]) accurate = FNR - 1 }
            END { printf "%d,%s,%d,%s,%.4f,%.4g,%.4f,%s,%s,%s\n", seed, optimizer, n[2], cpu, last[2],
                      eff[2], top[2], reached_f ? reached_f : "never", reached ? reached : "never",
                      accurate ? accurate : "never" }' \
                "$out/$seed-tpe/trials.csv" "$out/$seed-$optimizer/trials.csv"
        done
    done
}
compare >"$out/comparison.csv"
column -s, -t <"$out/comparison.csv"
