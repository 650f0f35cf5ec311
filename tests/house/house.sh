#!/usr/bin/env bash
# House rules that a search can check: house.sh includes|tree <source>; house.sh chains <source> <headers...>
# house.sh umbrella <source> <compiler with flags...>; house.sh core <source> <core.hpp> <compiler>
set -euo pipefail
rule=$1
cd "$2"

rooms=(files workload statistics emulate engine device pipeline explore rtl compare search report)
status=0

# Takes a list of violations of `$1`; an empty one is fine.
report() {
    local found
    found=$(cat)
    [ -z "$found" ] || { printf '%s\n%s\n' "$1" "$found"; status=1; }
}
search() { grep "$@" || [ $? -eq 1 ]; }  # finding nothing is no error

shopt -s lastpipe
case $rule in
includes)  # a room includes only rooms to its left
    for i in "${!rooms[@]}"; do
        right=$(IFS='|'; echo "${rooms[*]:i+1}")
        search -rnE "#include [<\"]hass/((${right:-none})/|hass\.hpp)" "include/hass/${rooms[i]}"
    done | report "includes that run against the flow ${rooms[*]}:"
    search -rnE '#include [<"]hass/compare/' include/hass/search |
        report "compare stands beside search; the two do not know each other:"
    search -nE '#include [<"]hass/[a-z_]+/' include/hass/*.hpp | search -v '^include/hass/hass\.hpp:' |
        report "headers beside the rooms include no room:"
    ;;
umbrella)  # hass.hpp reaches every header but those of an optional library
    optional='^include/hass/search/mpi[./]'
    reached=$("${@:3}" -std=c++20 -Iinclude -M include/hass/hass.hpp)
    find include/hass -name '*.hpp' | sort | search -vE "$optional" |
        search -vxFf <(tr ' ' '\n' <<<"$reached") |
        report "hass.hpp does not reach:"
    ;;
core)  # the core headers reach the standard library and each other, nothing else
    reached=$("$4" -std=c++20 -Iinclude -M -include "$3" -x c++ /dev/null)
    search -oE '[^ ]+/(eigen3|Eigen|boost|fmt|nlohmann|protozero|CLI|catch2|benchmark)/[^ ]+' <<<"$reached" |
        report "core headers reach beyond the standard library:"
    ;;
tree)  # no paths of one machine, no merge leftovers, no trailing blanks
    tree() { search -rnIE "$1" . --exclude-dir={.git,.cache,out,hass-out,'build*'} --exclude=house.sh; }
    tree '/(work|home|root|Users)/|/tmp/[a-z]' | report "paths of one machine:"
    tree '^(<<<<<<<|>>>>>>>) ' | report "merge leftovers:"
    search -rnIE '[[:blank:]]+$' include tests examples benchmarks --include='*.[ch]pp' |
        report "trailing blanks:"
    search -rLE '^#pragma once' include --include='*.hpp' | report "headers without #pragma once:"
    ;;
chains)  # the headers, in chains of which each includes the one before
    cd include
    { printf '%s\n' "${@:3}"; grep -HoE '^#include <hass/[^>]+' "${@:3}" | sed 's/:#include </ /'; } |
        awk -f ../tests/house/chains_of_headers.awk
    ;;
*) echo "no such rule: $rule" >&2; exit 2 ;;
esac
exit $status
