#!/usr/bin/env bash
# Runs a program on four ranks of this machine: run.sh <mpirun> <program> <mode>
set -uo pipefail
flags=(-n 4)
if "$1" --version 2>/dev/null | grep -qE "Open ?(MPI|RTE)"; then
    flags+=(--oversubscribe)
    [ "$(id -u)" -ne 0 ] || flags+=(--allow-run-as-root)
    [ "${3:-}" != "one dies" ] || flags+=(--enable-recovery)
elif [ "${3:-}" = "one dies" ]; then
    echo "skipped: whether a study survives a dead rank is tested with Open MPI only"
    exit 0
fi
timeout 100 "$1" "${flags[@]}" "${@:2}"
