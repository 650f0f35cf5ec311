#!/usr/bin/env bash
# One header for Compiler Explorer and the like: amalgamate.sh [header...] > hass_single.hpp
# Writes the given headers of include/ (default: the cost model and its allocator) and all that they
# include of hass, each once and in order; the standard library stays included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../include"
[ $# -gt 0 ] || set -- hass/version.hpp hass/workload/zoo.hpp hass/engine/sparse_dot.hpp \
    hass/engine/dense_dot.hpp hass/device/boards.hpp hass/explore/accelerator.hpp \
    hass/explore/allocate.hpp

declare -A seen=()
# Copies $1 to stdout, what it includes of hass first.
put() {
    local line
    [ -z "${seen[$1]:-}" ] || return 0
    seen[$1]=1
    while IFS= read -r line; do
        case $line in
        '#pragma once') ;;
        '#include <hass/'* | '#include "hass/'*)
            line=${line#*[<\"]}
            put "${line%[>\"]*}"
            ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$1"
}

printf '// hass %s in one header, generated from its parts. BSL-1.0.\n#pragma once\n' \
    "$(sed -n 's/.*HASS_VERSION "\(.*\)"/\1/p' hass/version.hpp)"
for header; do put "$header"; done
