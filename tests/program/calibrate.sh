#!/usr/bin/env bash
# Measured layers become a resource model that the main program uses; broken ones get one line and
# exit code 2. calibrate.sh <hass_calibrate> <hass_search> <as_built>
set -euo pipefail
program=$1
search=$2
as_built=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# refuses <text> <flags...>: the program leaves with 2 and one line that holds the text, no file.
refuses() {
    local expected=$1 code=0
    shift
    "$program" -o none.json "$@" >stdout 2>stderr </dev/null || code=$?
    if [ $code -ne 2 ] || [ "$(grep -c . stderr)" -ne 1 ] || ! grep -qiF -- "$expected" stderr ||
        [ -e none.json ]; then
        complain "$*: exit code $code (2), expected '$expected' in one line on stderr:"
        sed 's/^/  | /' stderr | head -5
    fi
    rm -f none.json
}

# From a design to its report, to a model, to a design under the model: u250, where LUTs bind nothing.
job=(--trials 2 --first-images 100 --device u250 --engine dense)
"$search" "${job[@]}" --out plain </dev/null &>/dev/null
"$as_built" report plain/solution.json built.rpt
"$program" built.rpt --solution plain/solution.json -o mine.json >log </dev/null
cat log
grep -q '^dense .*LUT .* 1\.[45][0-9]* x what it says' log || complain "no factor of LUTs"
grep -q '^dense .*FF .*none: the model is exact' log || complain "FFs were exact"
"$search" "${job[@]}" --resources mine.json --out mine </dev/null &>/dev/null
"$as_built" check plain/solution.json mine.json mine/solution.json || complain "figures under mine.json"

# The same from a table that names the stages, and from one that describes its layers.
"$as_built" names plain/solution.json names.csv
"$program" names.csv --solution plain/solution.json -o names.json >/dev/null </dev/null
corrections() { sed -n '/"corrections"/,/^  \]/p' "$1"; }
diff <(corrections mine.json) <(corrections names.json) || complain "a table says other than the report"
table=kind,channels,height,width,filters,kernel,pad,in,out,macs,lut
{
    echo $table
    for out in 1 2 4 8 16; do for in in 1 2 4; do
        echo "convolution,16,32,32,16,3,1,$in,$out,9,$((in * out * 2000 + 1500))"
    done; done
} >layers.csv
"$program" layers.csv --engine dense -o layers.json >log </dev/null
grep -q '^dense .*LUT ' log || complain "no line for LUTs of layers.csv"
"$program" --help | grep -q -- --solution || complain "--help"

# What is refused.
refuses missing.csv missing.csv --engine dense
refuses "--engine: has to say" layers.csv
refuses "did you mean 'dense'" layers.csv --engine dnese
refuses "did you mean '--engine'" layers.csv --engin dense
refuses "did you mean 'published'" layers.csv --engine dense --resources publishd
refuses "did you mean 'software_only'" built.rpt --solution plain/solution.json --design softwareonly
refuses "must be 16 or 8" layers.csv --engine dense --bits 12
refuses "has a column 'kind'" layers.csv --solution plain/solution.json
refuses "--solution has to say" built.rpt
refuses "--resources: not with --solution" built.rpt --solution plain/solution.json --resources repaired
refuses "--bits: not with --solution" built.rpt --solution plain/solution.json --bits 8
refuses "a model that is corrected already" built.rpt --solution mine/solution.json
echo '{"resources": "calibrated"}' >odd.json
refuses "odd.json: no field 'bits'" built.rpt --solution odd.json
echo '{' >broken.json
refuses "broken.json: not JSON" built.rpt --solution broken.json
echo 'name,lut' >empty.csv
refuses "a header and no line" empty.csv --engine dense
printf 'name,luts\nx,1\n' >wrong.csv
refuses "unknown column 'luts'; did you mean 'lut'" wrong.csv --engine dense
printf 'name,lut\nnot_a_stage,1\n' >stranger.csv
refuses "stranger.csv: line 2: unknown stage 'not_a_stage'" stranger.csv --solution plain/solution.json
printf '%s\nconvolution,16,32,32,16,3,1,3,1,9,1\n' $table >folding.csv
refuses "folding.csv: line 2: the engine has no folding in 3" folding.csv --engine dense
printf 'kind,channels,in,lut\nrelu,16,3,1\n' >streams.csv
refuses "streams.csv: line 2: in '3': must divide 16" streams.csv --engine dense
sed 's/| m |/| m | |/' built.rpt >cells.rpt
refuses "cells.rpt: line 7 has 9 cells" cells.rpt --solution plain/solution.json
sed 's/^|   /|   other_/' built.rpt >others.rpt
refuses "no instance is called like a stage" others.rpt --solution plain/solution.json
head -4 layers.csv >few.csv
refuses "the measurements support no correction; nothing written" few.csv --engine dense
code=0
"$program" layers.csv --engine dense -o mine.txt >stdout 2>stderr </dev/null || code=$?
{ [ $code -eq 2 ] && grep -q "must end in .json" stderr && [ ! -e mine.txt ]; } || complain "-o mine.txt: $code"

# The main program refuses a model that is not one.
wants() {
    local expected=$1 code=0
    shift
    "$search" --trials 2 --out none "$@" >stdout 2>stderr </dev/null || code=$?
    [ $code -eq 2 ] && [ "$(grep -c . stderr)" -eq 1 ] && grep -qF -- "$expected" stderr && [ ! -e none/solution.json ] ||
        { complain "hass_search $*: $code"; head -3 stderr; }
}
wants "missing.json" --resources missing.json
wants "broken.json: not JSON" --resources broken.json
wants "mine.json: was measured at 16 bits" --resources mine.json --bits 8
wants "mine.json: was measured on a part with dsp48e2 slices" --resources mine.json --device zedboard
sed 's/"calibrated"/"calibratd"/' mine.json >base.json
wants "base.json: unknown base 'calibratd'; did you mean 'calibrated'" --resources base.json
sed 's/"factor"/"facter"/' mine.json >field.json
wants "unknown field 'facter'; did you mean 'factor'" --resources field.json
bash "$(dirname "${BASH_SOURCE[0]}")/check_files.sh" plain mine mine.json names.json layers.json ||
    complain "files that their schemas refuse"
[ $failures -eq 0 ]
