#!/usr/bin/env bash
# oneDNN is optional: a consumer configures where its package is broken, and where it is too old is
# told that it goes without. broken_onednn.sh <cmake> <prefix of hass> <source of hass> <folder>
# <options of cmake...>
set -euo pipefail
cmake=$1 prefix=$2 hass=$3 work=$4
shift 4
rm -rf "$work"
mkdir -p "$work/broken/lib/cmake/dnnl" "$work/old/oneapi/dnnl"
printf '%s\n' 'find_package(NoSuchOpenCL REQUIRED)' 'message(FATAL_ERROR "never reached")' \
    >"$work/broken/lib/cmake/dnnl/dnnl-config.cmake"
printf '#define DNNL_VERSION_%s\n' 'MAJOR 1' 'MINOR 0' 'PATCH 0' \
    >"$work/old/oneapi/dnnl/dnnl_version.h"
touch "$work/old/oneapi/dnnl/dnnl.hpp" "$work/old/libdnnl.so"

configure() {  # <name> <options...>
    local log=$work/$1.log
    shift
    "$cmake" -S "$hass/tests/consumer/project" -B "$work/build" --fresh "$@" \
        "-DCMAKE_PREFIX_PATH=$prefix;$work/broken" "-Ddnnl_DIR=$work/broken/lib/cmake/dnnl" \
        >"$log" 2>&1 || { cat "$log"; exit 1; }
}
says_so() {  # <name> <words>
    grep -q "$2" "$work/$1.log" || { cat "$work/$1.log"; echo "$1: no word of '$2'"; exit 1; }
}
too_old=("-Ddnnl_INCLUDE_DIR=$work/old" "-Ddnnl_LIBRARY=$work/old/libdnnl.so")

configure installed_broken "$@" -DREACH=find_package
configure installed_old "$@" -DREACH=find_package "${too_old[@]}"
says_so installed_old 'no hass::onednn'
configure source_broken "$@" -DREACH=add_subdirectory "-DHASS=$hass"
configure source_old "$@" -DREACH=add_subdirectory "-DHASS=$hass" "${too_old[@]}"
says_so source_old 'without oneDNN'
