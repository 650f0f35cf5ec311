#!/usr/bin/env bash
# A short search on the shipped network: its output is complete and can be recomputed.
# run.sh <hass_search> <check_solution> <hass_report>
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" --trials 4 --seed 1 --out "$scratch/out" </dev/null
"$2" "$scratch/out/solution.json"

# The page that the program writes is the one that hass_report makes of its files; a run that was
# killed amid a line has a page as well.
"$3" "$scratch/out" -o "$scratch/again.html" >/dev/null
cmp "$scratch/out/report.html" "$scratch/again.html"
head -c -20 "$scratch/out/trials.csv" >"$scratch/torn.csv"
"$3" "$scratch/torn.csv" -o "$scratch/torn.html" >/dev/null
grep -q '"incomplete_line":true' "$scratch/torn.html" || { echo "no word of a torn line"; exit 1; }
refuses() {
    local expected=$1 code=0
    shift
    "$hass_report" "$@" >"$scratch/log" 2>&1 || code=$?
    { [ $code -eq 2 ] && [ "$(wc -l <"$scratch/log")" -eq 1 ] && grep -qF -- "$expected" "$scratch/log"; } ||
        { echo "hass_report $*: $code"; cat "$scratch/log"; exit 1; }
}
hass_report=$3
refuses "must end in .html" "$scratch/out" -o "$scratch/out/solution.json"
refuses "no such file" "$scratch/nothing.json" -o "$scratch/none.html"
refuses "holds neither" "$scratch" -o "$scratch/none.html"
echo "a,b" >"$scratch/odd.csv"
refuses "not a trials.csv" "$scratch/odd.csv" -o "$scratch/none.html"
refuses "unknown flag '--outt'; did you mean '--out'" "$scratch/out" -o "$scratch/none.html" --outt x
[ ! -e "$scratch/none.html" ] || { echo "a page of nothing was written"; exit 1; }

# a board whose link is slow: an image of 784 pixels and 10 answers, 16 bits each, at 1 Mbit/s
cat >"$scratch/slow.json" <<'EOT'
{"name": "slow", "dsp": 220, "lut": 53200, "ff": 106400, "bram18": 280, "uram": 0,
 "bandwidth_gbps": 0.001, "mhz": 200}
EOT
"$1" --device "$scratch/slow.json" --first-images 60 --trials 2 --out "$scratch/slow" </dev/null >"$scratch/log"
if grep -q $'\033' "$scratch/log"; then echo "colours in a file"; exit 1; fi
"$2" "$scratch/slow/solution.json"
[ "$(grep -m1 '^images/s' "$scratch/log" | awk '{ print $2 }')" -eq 79 ] || { grep '^images/s' "$scratch/log"; exit 1; }
grep -q 'of its 0.001 Gbit/s, images and their answers take 0.001' "$scratch/log" || { echo "no word of the link"; exit 1; }
[ "$(wc -l <"$scratch/out/trials.csv")" -ge 5 ] || { echo "trials.csv is short"; exit 1; }
[ -z "$(find "$scratch/out" -name '*.tmp')" ] || { echo "a temporary file is left"; exit 1; }

# A price of one per cent more is what the program finds on a board that has it.
priced=(--first-images 60 --trials 1 --search hardware --quiet)
"$1" "${priced[@]}" --out "$scratch/priced" </dev/null
for more in '"lut": 53732' '"bram18": 282' '"dsp": 222'; do
    resource=$(cut -d'"' -f2 <<<"$more")
    sed -E "s/\"$resource\": [0-9]+/$more/; s/0\.001/34.1/" "$scratch/slow.json" >"$scratch/richer.json"
    sed -i 's/"mhz": 200/"mhz": 200, "dsp_slice": "dsp48e1"/' "$scratch/richer.json"
    "$1" "${priced[@]}" --device "$scratch/richer.json" --out "$scratch/richer" </dev/null
    "$2" "$scratch/priced/solution.json" "$scratch/richer/solution.json" "$resource"
done

# --bits: the network in integers, bit for bit the hardware's, beside the one in fixed point; a design
# that has no integers says so. docs/rtl.md has the count: 1,886 of 2,000 with nothing clipped.
"$1" --bits 8 --trials 1 --search hardware --out "$scratch/bits" </dev/null >"$scratch/log" 2>&1
grep -q '^top-1 in integers  *94.30 %  *94.30 %' "$scratch/log" || { grep '^top-1' "$scratch/log"; exit 1; }
grep -q '"top1_in_integers": 0.943' "$scratch/bits/solution.json" || { echo "no integers in solution.json"; exit 1; }
grep -q 'top1_in_integers' "$scratch/bits/report.html" || { echo "no integers on the page"; exit 1; }
"$1" --bits 8 --first-images 60 --trials 2 --search hardware --out "$scratch/bits" </dev/null >/dev/null 2>&1
"$2" "$scratch/bits/solution.json"
"$1" --bits 8 --thresholds channel --first-images 60 --trials 2 --search hardware --out "$scratch/channels" \
    </dev/null >"$scratch/log" 2>&1
grep -q 'hardware-aware: no top-1 in integers: .*a threshold of activations a channel' "$scratch/log" || { cat "$scratch/log"; exit 1; }
grep '^top-1 in integers' "$scratch/log" | tail -1 | grep -q -- '-$' || { grep '^top-1' "$scratch/log"; exit 1; }
"$2" "$scratch/channels/solution.json"

# --json: the file on stdout and nothing else; --quiet: nothing at all. Neither changes the figures.
short=(--first-images 60 --trials 2 --search hardware)
"$1" "${short[@]}" --json --out "$scratch/json" </dev/null >"$scratch/stdout" 2>/dev/null
cmp "$scratch/stdout" "$scratch/json/solution.json"
"$1" "${short[@]}" --quiet --out "$scratch/quiet" </dev/null >"$scratch/stdout" 2>&1
[ ! -s "$scratch/stdout" ] || { echo "--quiet:"; cat "$scratch/stdout"; exit 1; }
cmp "$scratch/quiet/solution.json" "$scratch/json/solution.json"

# Colours on a terminal, and none there for who does not want them. `script` is a terminal.
if command -v script >/dev/null; then
    shown() {
        TERM=xterm script -qec "'$hass_search' --first-images 20 --trials 1 --search hardware --out '$scratch/tty'" /dev/null \
            </dev/null >"$scratch/log"
    }
    hass_search=$1
    (unset NO_COLOR; shown)
    grep -q $'\033\\[1m' "$scratch/log" || { echo "no colours on a terminal"; exit 1; }
    NO_COLOR=1 shown
    if grep -q $'\033\\[[13]' "$scratch/log"; then echo "colours in spite of NO_COLOR"; exit 1; fi
fi

bash "$(dirname "${BASH_SOURCE[0]}")/check_files.sh" "$scratch"
