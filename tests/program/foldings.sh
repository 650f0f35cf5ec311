#!/usr/bin/env bash
# Foldings for other toolchains, and somebody's design priced, as a user asks for them:
# foldings.sh <hass_search>
set -euo pipefail
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# field <key>: of foldings.json
field() {
    sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" out/foldings.json | head -1
}
fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' log | head -20
    exit 1
}

# The command of the manual: the network that ships with the library.
"$program" --engine finn --device pynq-z2 --fastest --out out >log
fastest=$(field images_per_s)
grep -q '"MVAU_[hr][lt][sl]_0": {' out/folding_config.json || fail "no MVAU in folding_config.json"
grep -q '"Defaults"' out/folding_config.json || fail "no Defaults in folding_config.json"
[ "$(field FF)" = null ] || fail "FF are not modelled, but said to be $(field FF)"
target=$(awk -v f="$fastest" 'BEGIN { printf "%.9g", f / 3 }')
"$program" --engine finn --device pynq-z2 --target-fps "$target" --out out >log
awk -v got="$(field images_per_s)" -v wanted="$target" 'BEGIN { exit !(got >= wanted * (1 - 1e-8)) }' ||
    fail "$(field images_per_s) images/s of $target"

# More of everything is no slower; all nodes of CNV are written.
for bits in 1 2; do
    for mhz in 100 200; do
        "$program" --engine finn --network cnv --device pynq-z2 --weight-bits $bits \
            --activation-bits $bits --mhz $mhz --out out >log
        awk -v b=$bits -v m=$mhz -v f="$(field images_per_s)" 'BEGIN { print b, m, f }' >>paces
        [ "$(grep -c '^  "[A-Za-z]*_[hr][lt][sl]_[0-9]*": {$' out/folding_config.json)" -eq 18 ] ||
            fail "not the 18 nodes of CNV"
    done
done
awk '{ f[$1 $2] = $3 } END { exit !(f["1200"] >= 1.9 * f["1100"] && f["1100"] > f["2100"]) }' paces ||
    fail "$(cat paces)"

"$program" --engine hls4ml --network cnv --device pynq-z2 --target-fps 20 --out out >log
grep -q 'ReuseFactor: [0-9]' out/hls4ml_config.yml || fail "no reuse factor"
[ "$(field LUT)" = null ] || fail "hls4ml has no model of LUTs, but they are $(field LUT)"

code=0
"$program" --engine finn --network resnet50 --device cora-z7 --out out >log 2>&1 || code=$?
[ $code -eq 1 ] && grep -q "^nothing fits: " log || fail "ResNet-50 fits a cora-z7, code $code"

# refuses <text> <flags...>
refuses() {
    local expected=$1 code=0
    shift
    "$program" "$@" >log 2>&1 </dev/null || code=$?
    [ $code -eq 2 ] && [ "$(wc -l <log)" -eq 1 ] && grep -qF -- "$expected" log ||
        fail "$* (code $code): expected '$expected'"
}
refuses "did you mean 'resnet50'?" --engine finn --network resnet5O
refuses "--fastest: not with --target-fps" --engine finn --fastest --target-fps 9
refuses "needs --engine finn or --engine hls4ml" --target-fps 9
refuses "not with --engine finn" --engine finn --trials 3
refuses "--weight-bits: not with --engine hls4ml" --engine hls4ml --weight-bits 4
refuses "published or repaired" --engine finn --resources mine.json
refuses "did you mean 'lut'?" --engine finn --least luts
refuses "--least lut: hls4ml has a model of DSPs only" --engine hls4ml --least lut --target-fps 9
refuses "hardswish" --engine finn --network mobilenet_v3_small
refuses "9 bits" --engine finn --weight-bits 9

# A configuration of somebody else's.
cat >config.json <<'JSON'
{"board": "zedboard", "mhz": 143, "measured": {"lut": 3000, "dsp": 9, "ff": 3000, "bram36": null},
 "layers": [{"name": "conv", "type": "CONVOLUTION", "from": ["conv"], "rows_in": 8, "cols_in": 8,
             "channels_in": 3, "rows_out": 8, "cols_out": 8, "channels_out": 4, "filters": 4,
             "kernel_rows": 3, "kernel_cols": 3, "pad_top": 1, "pad_left": 1, "pad_bottom": 1,
             "pad_right": 1, "fine": 9, "input_bits": 9, "weight_bits": 8, "acc_bits": 24}]}
JSON
"$program" --evaluate config.json >log
for model in measured calibrated published repaired fitted; do
    grep -q "^  $model " log || fail "no line of $model"
done
grep -q "on zedboard at 143 MHz: 1 rows, 9 x 8 bits" log || fail "another board"
"$program" --evaluate config.json --device pynq-z2 --mhz 100 >log
grep -q "on pynq-z2 at 100 MHz" log || fail "another board than the one that was named"
refuses "not with --evaluate" --evaluate config.json --trials 2

bash "$(dirname "${BASH_SOURCE[0]}")/check_files.sh" .
