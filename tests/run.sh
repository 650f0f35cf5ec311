#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. Arguments go to ctest:
#     bash tests/run.sh -L golden
# HASS_BUILD_DIR: where to build (default build/tests).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${HASS_BUILD_DIR:-$root/build/tests}
. "$root/scripts/setup.sh"

install_packages $packages_tests
# the packages are those of the system's Python, which need not be the first one
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3 || true)
build_release all "$root" "$build" -DHASS_QUICK_BUILD=ON -DHASS_BUILD_PYTHON=AUTO \
    ${python:+-DPython_EXECUTABLE="$python"}
exec ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
