#!/usr/bin/env bash
# Compiles a program with the flags that pkg-config gives: pkg_config.sh <pkg-config> <prefix> <compiler> <build folder>
set -euo pipefail
export PKG_CONFIG_PATH="$2/share/pkgconfig"
"$1" --exists --print-errors 'hass >= 0.1'
[[ $("$1" --cflags hass) == *"$2/"* ]]
# shellcheck disable=SC2046 # several flags
"$3" -std=c++20 $("$1" --cflags hass) "$(dirname "$0")"/project/{main,other}.cpp \
    -o "$4/consumer_pkg_config" $("$1" --libs hass)
"$4/consumer_pkg_config"
