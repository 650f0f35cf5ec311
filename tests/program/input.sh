#!/usr/bin/env bash
# What makes a network's input is stated, named or given, and shown; doubtful numbers are warned of;
# layers are named as they are: input.sh <hass_search> <tests/data/cases>
set -euo pipefail
program=$1
cases=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "FAILED: $1"
    sed 's/^/  | /' log err | head -60
    exit 1
}
# search <flags...>: one trial; what it prints goes to `log` and `err`
search() {
    "$program" --trials 1 --search hardware --out out "$@" >log 2>err </dev/null || fail "search $*"
}
says() { grep -qF -- "$1" log || fail "'$1' is not in the table"; }
warns() { grep -qF -- "hass_search: warning: $1" err && grep -qF -- "Warning: " log || fail "no warning of '$1'"; }
silent() { ! grep -q warning err && ! grep -q Warning log || fail "a warning where none is due"; }

search --first-images 60
says 'input: (pixel * 0.003921569 - 0.286041) / 0.353024 (stated by fashion.onnx)'
says "engines 'mixed'"
silent
grep -q '"source": "stated by fashion.onnx"' out/solution.json || fail "solution.json lacks the source"

# answers 1 where an image is bright: right for every image if its input is what it was made for
bright=(--model "$cases/bright.onnx" --labels "$cases/bright_labels.npy")
bytes=(--images "$cases/bright_images.npy")
unit=(--images "$cases/bright_images_in_unit.npy")
search "${bright[@]}" "${bytes[@]}" --mean 0 --std 1
says '100.00 %'
says 'scale 1/255 for pixels 0..255'
silent
search "${bright[@]}" "${unit[@]}" --mean 0 --std 1
says '100.00 %'
says 'scale 1 for floats in 0..1'
silent
search "${bright[@]}" "${bytes[@]}" --preprocessing unit
says '100.00 %'
says '(--preprocessing unit)'
search "${bright[@]}" "${unit[@]}" --preprocessing unit --scale 1
says '100.00 %'
says '(--preprocessing unit, --scale)'
search "${bright[@]}" "${unit[@]}" --preprocessing unit
warns "$cases/bright_images_in_unit.npy: pixels in 0..1 already"
warns 'top-1 52.33 % of 300 images is what guessing gives'
grep -q 'what guessing gives' out/solution.json || fail "solution.json lacks the warning"
search "${bright[@]}" "${unit[@]}" --preprocessing symmetric
warns "$cases/bright_images_in_unit.npy: pixels in 0..1 already, of which (--preprocessing symmetric) leaves a range of 0.0078"
search "${bright[@]}" "${bytes[@]}" --mean 0.5 --std 1 --scale 1
warns "$cases/bright_images.npy: pixels up to 155"

# names of layers with commas and quotes are single fields; `first` goes past a normaliser
ten=(--images "$cases/images_40.npy" --labels "$cases/labels_40.npy" --mean 0 --std 1)
search --model "$cases/names.onnx" "${ten[@]}"
head -1 out/trials.csv | grep -qF ',"a,b""c?d.weight","a,b""c?d.activation",' || fail "names are not quoted"
search --model "$cases/normaliser.onnx" "${ten[@]}" --exempt first
trial=$(tail -1 out/trials.csv)
[ "$(head -1 out/trials.csv | cut -d, -f18-)" = "div.weight,div.activation,conv1.weight,conv1.activation,fc.weight,fc.activation" ] ||
    fail "names of axes"
search --model "$cases/normaliser.onnx" "${ten[@]}" --exempt div,conv1 --seed 1
[ "$(tail -1 out/trials.csv)" = "$trial" ] || fail "'first' is not the normaliser and the first layer"

# one answer decides between two classes; where all labels are one of them, accuracy says nothing
npy() { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"; }
for label in 0 1; do
    { npy '|u1' '40,'; for _ in $(seq 40); do printf "\x0$label"; done; } >labels_$label.npy
    "$program" --trials 1 --search hardware --out out --model "$cases/one_answer.onnx" --mean 0 --std 1 \
        --images "$cases/images_40.npy" --labels labels_$label.npy >log_$label 2>err_$label </dev/null || true
done
cat log_0 log_1 >log
cat err_0 err_1 >err
grep -q 'every label is the same' err || fail "no warning of labels that are all the same"
share() { grep -m1 '^top-1' "log_$1" | awk '{print $2}' || echo 0; }
awk -v a="$(share 0)" -v b="$(share 1)" 'BEGIN { exit !(a + b > 99.9 && a + b < 100.1) }' ||
    fail "one answer is right for label 0 in $(share 0) %, for label 1 in $(share 1) % of the images"

# where sparse engines lose, the table says so
search --first-images 60 --engine spe --device zcu104
says 'dense is the better design here where images/s count: 0.'
grep -q '"dense_is_better": true' out/solution.json || fail "solution.json lacks the verdict"
search --first-images 60 --device zcu104
! grep -q 'dense is the better design here where images/s count' log || fail "mixed engines are slower than dense"

# whatever ends a search from outside, what has finished is written
for signal in INT TERM HUP; do
    rm -rf out
    # a background job of a script ignores SIGINT unless told otherwise
    (trap - INT; exec "$program" --first-images 60 --trials 100000 --out out) >log 2>err </dev/null &
    search=$!
    for _ in $(seq 600); do
        [ "$(wc -l 2>/dev/null <out/trials.csv || echo 0)" -lt 3 ] || break
        sleep 0.05
    done
    kill -$signal $search
    code=0
    wait $search || code=$?
    [ $code -eq 130 ] || fail "SIG$signal ends with $code"
    grep -q '"interrupted": true' out/solution.json || fail "SIG$signal: no solution.json"
done
