#!/usr/bin/env bash
# Installs what is missing, builds the program, and runs the search. Flags go to the program:
#     bash examples/run.sh --help
# HASS_BUILD_DIR: where to build (default build/examples).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${HASS_BUILD_DIR:-$root/build/examples}
. "$root/scripts/setup.sh"

install_packages $packages_examples
build_release hass_search "$root" "$build" -DHASS_BUILD_TESTS=OFF -DHASS_BUILD_BENCHMARKS=OFF
exec "$build/examples/hass_search" "$@"
