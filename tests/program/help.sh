#!/usr/bin/env bash
# --help names every flag of the main program and leaves with 0: help.sh <hass_search>
set -euo pipefail
text=$("$1" --help)
for flag in model images labels preprocessing mean std scale exempt device engine multipliers memories requantise trials optimizer seed objective max-drop \
    out statistics network write-statistics merge-statistics statistics-images confidence journal known workers patience json quiet; do
    grep -qE -- "--$flag\b" <<<"$text" || { echo "--help does not name --$flag"; exit 1; }
done
