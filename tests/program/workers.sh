#!/usr/bin/env bash
# Trials shared out among processes and among ranks: the same whoever is quicker, whoever is lost, and
# however it ends: workers.sh <hass_search> <tests/data/cases> [mpirun]
set -euo pipefail
program=$1
cases=$2
mpirun=${3:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "FAILED: $1"
    sed 's/^/  | /' log 2>/dev/null | tail -20
    exit 1
}
small=(--model "$cases/ten_classes.onnx" --images "$cases/images_40.npy" --labels
    "$cases/labels_40.npy" --mean 0 --std 1 --max-drop 20 --threads 1 --trials 20 --quiet)
search() { "$program" "${small[@]}" "$@" >log 2>&1 </dev/null; }
same() {
    cmp "$1/solution.json" "$2/solution.json" && cmp "$1/trials.csv" "$2/trials.csv" || fail "$1 is not $2: $3"
}
trials_in() { { cat "$1" 2>/dev/null || true; } | grep -c '"op_code":4' || true; }
finished_in() { { cat "$1" 2>/dev/null || true; } | grep -c '"op_code":6\|"op_code":4.*"state":[123],' || true; }
# begin <name> <flags...>: in the background, until three trials have finished; its id in $leader
begin() {
    "$program" "${small[@]}" --journal "$1.log" --out "$1" "${@:2}" >log 2>&1 </dev/null &
    leader=$!
    for _ in $(seq 1500); do
        [ "$(finished_in "$1.log")" -lt 3 ] || return 0
        sleep 0.01
    done
    fail "$1 does not begin"
}

search --workers 3 --out three --journal three.log || fail "three workers"
[ "$(trials_in three.log)" -eq 40 ] || fail "$(trials_in three.log) trials"
search --workers 3 --out again || fail "three workers, no journal"
same again three "another time"
search --out one || fail "alone"
cmp -s one/trials.csv three/trials.csv && fail "three at a time know as much as one"

# one is killed, another one hangs: their trials go to others
begin lost --workers 3 --patience 1
victims=($(pgrep -P $leader || true))
kill -9 "${victims[0]}" 2>/dev/null || true
[ ${#victims[@]} -lt 2 ] || kill -STOP "${victims[1]}" 2>/dev/null || true
wait $leader || fail "a lost worker ends the search"
same lost three "workers were lost"

# the leader is killed: so are its workers, and the same command goes on
begin led --workers 3
victims=($(pgrep -P $leader || true))
kill -9 $leader
wait $leader 2>/dev/null || true
for worker in "${victims[@]}"; do
    for _ in $(seq 200); do
        [ -e "/proc/$worker" ] && ! grep -q 'State:.*Z' "/proc/$worker/status" 2>/dev/null || break
        sleep 0.01
    done
    [ ! -e "/proc/$worker" ] || grep -q 'State:.*Z' "/proc/$worker/status" || fail "worker $worker outlives its leader"
done
search --workers 3 --out led --journal led.log || fail "does not go on"
same led three "the leader was killed"

# an interrupt ends it after the trials under way
begin ended --workers 3
kill -INT $leader 2>/dev/null || true
kill -TERM $leader 2>/dev/null || true
code=0
wait $leader || code=$?
[ $code -eq 130 ] || [ $code -eq 143 ] || [ $code -eq 0 ] || fail "an interrupt ends with $code"
search --workers 3 --out ended --journal ended.log || fail "interrupted, does not go on"
same ended three "interrupted"

# over MPI
[ -n "$mpirun" ] || { echo "no MPI here: ranks are not tested"; exit 0; }
ranks=(-n 4)
recover=()
if "$mpirun" --version 2>/dev/null | grep -qE "Open ?(MPI|RTE)"; then
    ranks+=(--oversubscribe)
    recover=(--enable-recovery)
    [ "$(id -u)" -ne 0 ] || ranks+=(--allow-run-as-root)
fi
timeout 100 "$mpirun" "${ranks[@]}" "$program" "${small[@]}" --out ranks --journal ranks.log >log 2>&1 </dev/null ||
    fail "four ranks"
same ranks three "ranks are workers"
code=0
timeout 100 "$mpirun" "${ranks[@]}" "$program" "${small[@]}" --out ranks --trials 0 >log 2>&1 </dev/null || code=$?
[ $code -eq 2 ] && [ "$(grep -c 'hass_search: --trials 0: must be at least 1' log)" -eq 1 ] || fail "ranks: wrong flags ($code)"
timeout 100 "$mpirun" "${ranks[@]}" "$program" --help >log 2>&1 </dev/null || fail "ranks: --help"
[ "$(grep -c -- '--workers' log)" -eq 1 ] || fail "ranks: --help $(grep -c -- '--workers' log) times"

# a rank that is killed loses its trial to another one
[ ${#recover[@]} -gt 0 ] || exit 0
timeout 100 "$mpirun" "${ranks[@]}" "${recover[@]}" "$program" "${small[@]}" --patience 2 --out dead \
    --journal dead.log >log 2>&1 </dev/null &
launcher=$!
for _ in $(seq 1500); do
    [ "$(finished_in dead.log)" -lt 3 ] || break
    sleep 0.01
done
for rank in $(pgrep -f -- '--journal dead.log' || true); do
    if [ "$(readlink "/proc/$rank/cwd")" = "$scratch" ] && tr '\0' '\n' <"/proc/$rank/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=2; then
        kill -9 "$rank" 2>/dev/null || true
    fi
done
wait $launcher || true
same dead three "a rank was killed"
