#!/usr/bin/env bash
# What is judged stays, however the program ends; the same command goes on there and comes to what an
# uninterrupted run comes to: journal.sh <hass_search> <tests/data/cases>
# HASS_KILLS: moments at which it is killed (default 15)
set -euo pipefail
program=$1
cases=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "FAILED: $1"
    sed 's/^/  | /' log 2>/dev/null | tail -20
    exit 1
}
small=(--model "$cases/ten_classes.onnx" --images "$cases/images_40.npy" --labels
    "$cases/labels_40.npy" --mean 0 --std 1 --max-drop 20 --threads 1 --trials 30)
# search <journal> <folder> <flags...>
search() { "$program" "${small[@]}" --quiet --journal "$1" --out "$2" "${@:3}" >log 2>&1 </dev/null; }
# same <a> <b>: what two runs wrote
same() {
    cmp "$1/solution.json" "$2/solution.json" && cmp "$1/trials.csv" "$2/trials.csv" || fail "$1 is not $2: $3"
}
trials_in() { grep -c '"op_code":4' "$1" || true; }

# with and without a journal; a second time nothing is judged any more
"$program" "${small[@]}" --quiet --out plain </dev/null >log 2>&1 || fail "no search"
start=$(date +%s%N)
search whole.log whole || fail "no search with a journal"
took=$((($(date +%s%N) - start) / 1000000))
same plain whole "a journal changes the search"
[ "$(trials_in whole.log)" -eq 60 ] || fail "$(trials_in whole.log) trials of two searches of 30"
cp whole.log before.log
search whole.log again || fail "a second time"
cmp whole.log before.log || fail "what is there was judged again"
same again whole "a second time"
"$program" "${small[@]}" --journal whole.log --out again </dev/null >log 2>&1
grep -q 'whole.log: 30 of 30 trials of the hardware-aware search are there already' log || fail "no word of the trials"

# killed at random moments
RANDOM=1
early=0
for kill in $(seq "${HASS_KILLS:-15}"); do
    rm -rf killed.log* killed
    "$program" "${small[@]}" --quiet --journal killed.log --out killed >log 2>&1 </dev/null &
    wait_ms=$((took * (RANDOM % 1000) / 1000))
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    found=$([ -e killed.log ] && trials_in killed.log || echo 0)
    [ "$found" -eq 60 ] || early=$((early + 1))
    search killed.log killed || fail "killed after $wait_ms ms with $found trials: does not go on"
    same killed whole "killed after $wait_ms ms with $found trials"
    [ "$(trials_in killed.log)" -eq 60 ] || fail "killed after $wait_ms ms: $(trials_in killed.log) trials"
done
echo "killed ${HASS_KILLS:-15} times within $took ms, $early before the last trial"
[ "$early" -gt 0 ] || fail "no kill came before the end"

# whatever optimizer and objective
for flags in "--optimizer composite" "--optimizer gaussian-process" "--optimizer cma-es --confidence 0.95 --max-drop 5" \
    "--optimizer nsga2 --objective pareto" "--thresholds channel --workers 2"; do
    search kind.log kind --trials 14 $flags || fail "$flags"
    head -n -9 kind.log >part.log
    search part.log part --trials 14 $flags || fail "$flags: does not go on"
    same part kind "$flags"
    rm kind.log
done

# torn in its last line: mended with a word; damaged before it: refused by line, and left as it is
head -c -25 whole.log >torn.log
search torn.log torn || fail "torn"
grep -q 'torn.log:[0-9]*: the last line is torn and was dropped; what it said is found anew' log || fail "no word of the torn line"
same torn whole "torn"
sed '20s/^.\{30\}//' whole.log >damaged.log
cp damaged.log before.log
refuses() {
    local expected=$1 code=0
    shift
    "$program" "${small[@]}" --quiet --out refused "$@" >log 2>&1 </dev/null || code=$?
    { [ $code -eq 2 ] && [ "$(grep -vc warning: log)" -eq 1 ] && grep -qF -- "$expected" log; } || fail "no '$expected' ($code): $*"
}
refuses "damaged.log:20: damaged line" --journal damaged.log
cmp damaged.log before.log || fail "a damaged journal was changed"

# of another search: refused by name, with what differs
cp whole.log before.log
refuses "its study 'software-only' is of another search: seed: 1 there, 2 here; --known" --journal whole.log --seed 2
refuses "device: zedboard " --journal whole.log --device zcu104
refuses "seed: 1 there, 3 here" --journal whole.log --seed 3 --lambda 1,1,1
refuses "lambda 5 5 5, sparsity of layers there, hass, lambda 1 1 1" --journal whole.log --lambda 1,1,1
refuses "image count: 40 there, 30 here" --journal whole.log --first-images 30
cp "$cases/ten_classes.onnx" other.onnx
printf '\x72\x00' >>other.onnx # an empty field more
refuses "network: " --journal whole.log --model other.onnx
refuses "workers: 1 there, 2 here" --journal whole.log --workers 2
cmp whole.log before.log || fail "a journal of another search was changed"
refuses "is a folder" --journal "$scratch"
refuses "cannot be opened for writing" --journal "$scratch/nowhere/a.log"
refuses "cannot be opened for writing" --journal /proc/a.log
refuses "no such file" --known nothing.log
cp whole.log same.log
refuses "is the --journal itself" --known same.log --journal same.log
refuses "--workers 0: must be within 1 and 1024" --workers 0
sed 's/"hass:number":3,//' whole.log >foreign.log
refuses "was not written by hass_search" --journal foreign.log
sed 's/\("hass:number":7,.*\)/\1/; s/"images_per_s":\([0-9]\)/"images_per_s":9\1/' whole.log >changed.log
refuses "was not judged as its figures say" --journal changed.log

# longer: the trials that are there are the first ones
search short.log short --search hardware --trials 9
search short.log short --search hardware || fail "longer"
search long.log long --search hardware
same short long "9 trials, then 30"

# one has it to itself; an interrupt leaves it usable
(trap - INT; exec "$program" "${small[@]}" --quiet --trials 100000 --journal busy.log --out busy) >busy.out 2>&1 </dev/null &
busy=$!
for _ in $(seq 600); do
    [ -e busy.log ] && [ "$(trials_in busy.log)" -gt 2 ] && break
    sleep 0.02
done
refuses "busy.log: is in use by another process" --journal busy.log
grep -q '"op_code":4.*"state":0,' busy.log || fail "no trial under way is in the journal"
kill -INT $busy
code=0
wait $busy || code=$?
[ $code -eq 130 ] || fail "an interrupt ends with $code"
search busy.log busy || fail "interrupted"
same busy whole "interrupted"

# Trials of another run: taken as they were judged, or judged again where the board is another one.
search mine.log mine --seed 2 --known whole.log || fail "known"
[ "$(trials_in mine.log)" -gt 60 ] || fail "no trial was taken over beside those asked for"
cp mine.log before.log
search mine.log mine_again --seed 2 --known whole.log || fail "known, again"
same mine mine_again "known, again"
cmp mine.log before.log || fail "known trials were written twice"
"$program" "${small[@]}" --seed 2 --known whole.log --out mine_again </dev/null >log 2>&1
grep -q 'taken as they were judged' log || fail "no word of known trials"
same mine mine_again "known without a journal"
search board.log board --device zcu104 --known whole.log || fail "known, another board"
[ "$(trials_in board.log)" -eq 60 ] || fail "trials to be judged again count"
"$program" "${small[@]}" --device zcu104 --known whole.log --out board_again </dev/null >log 2>&1
grep -q '15 of 30 trials of whole.log to be judged again: device: zedboard ' log || fail "no word of the other board"
same board board_again "known, another board, without a journal"
# one that somebody else has added is none that follows
cp whole.log added.log
printf '%s\n' '{"op_code":4,"worker_id":"w","study_id":1,"datetime_start":null}' \
    '{"op_code":5,"worker_id":"w","trial_id":60,"param_name":"nothing.weight","param_value_internal":0.5,"distribution":"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"}' \
    '{"op_code":6,"worker_id":"w","trial_id":60,"state":1,"values":[1.0],"datetime_complete":"2026-11-21T02:03:57.816792"}' >>added.log
refuses "trial 30 of study 'hardware-aware' was not written by hass_search" --journal added.log
name=$(head -1 whole/trials.csv | tr , '\n' | grep '\.weight$' | head -1)
sed -i "s/nothing.weight/$name/" added.log
"$program" "${small[@]}" --seed 2 --known added.log --out added </dev/null >log 2>&1
grep -q "added.log: 1 trials of study 'hardware-aware' are not hass_search's and left out" log || fail "no word of another's trial"
