#!/usr/bin/env bash
# Whatever trials are spared, what is reported of the best ones is that of all images, as a run of
# its own finds it, and says what the search saw: economy.sh <hass_search> <rerun_solution> <examples/data>
set -euo pipefail
program=$1
rerun=$2
data=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
images=300

# says <design> <field>: of the design's "search" in solution.json
says() {
    awk -v design="\"$1\":" -v field="\"$2\":" '$1 == design { inside = 1 }
        inside && $1 == "\"search\":" { found = 1 }
        found && $1 == field { gsub(",", "", $2); print $2; exit }' out/solution.json
}
# in_log <study> <trial> <column>: of trials.csv
in_log() {
    awk -F, -v study="$1" -v trial="$2" -v column="$3" \
        'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == column) c = i }
         $1 == study && $2 == trial { print $c }' out/trials.csv
}

for flags in "--confidence 0.95" "--confidence 0.95 --statistics-images 40 --thresholds channel"; do
    "$program" --first-images $images --trials 12 --engine spe $flags --out out >log 2>&1 </dev/null
    "$rerun" out/solution.json "$data/fashion.onnx" "$data/fashion_images.npy" \
        "$data/fashion_labels.npy" 0.00392156863 0.286041 0.353024
    # trials that ended early have an accuracy that was estimated, no count of images
    awk -F, -v n=$images 'NR > 1 { right = $4 * n; if (right - int(right + 0.5) > 1e-6 ||
        int(right + 0.5) - right > 1e-6) early = 1 } END { exit !early }' out/trials.csv ||
        { echo "$flags: no trial ended early"; exit 1; }
    for study in software-only hardware-aware; do
        trial=$(says ${study/-/_} trial)
        for pair in top1:top1 throughput_images_per_s:images_per_s; do
            awk -v a="$(says ${study/-/_} "${pair%:*}")" -v b="$(in_log $study "$trial" "${pair#*:}")" \
                'BEGIN { exit !(a > 0 && (a - b) ^ 2 <= (1e-12 * a) ^ 2) }' ||
                { echo "$flags: trial $trial of $study is not what trials.csv says"; exit 1; }
        done
        grep -q "$study: best trial measured again on all $images images" log
    done
    grep "measured again" log
    # statistics of all images: to the digit what the search saw; of a part of them: not quite
    if [[ $flags == *statistics-images* ]]; then
        grep -q "measured again.*images/s; in the search" log
    else
        [ "$(grep -c "measured again.*as in the search" log)" -eq 2 ]
    fi
done
