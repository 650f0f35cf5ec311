#!/usr/bin/env bash
# Builds the fuzz targets (clang with libFuzzer) and runs each of them: run.sh [seconds each, 60]
# Seeds are the files of examples/data and tests that carry the target's name as ending, or before an
# underscore, or in their folder's name. A crash ends the run and leaves its input in the build
# folder. HASS_BUILD_DIR: where to build (default build/fuzz).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${HASS_BUILD_DIR:-$root/build/fuzz}
cmake --preset fuzz -S "$root" -B "$build" >/dev/null
cmake --build "$build" --parallel "$(nproc)"
for target in "$build"/tests/fuzz/fuzz_*; do
    name=$(basename "$target" | sed 's/^fuzz_//')
    corpus=$build/corpus/$name
    mkdir -p "$corpus"
    find "$root/examples/data" "$root/tests" \( -name "*.$name" -o -name "${name}_*.log" -o -path "*/corpus_$name/*" \) -size -64k -exec cp -n {} "$corpus" \;
    echo "== fuzz_$name"
    "$target" -max_total_time="${1:-60}" -print_final_stats=1 -print_funcs=0 -artifact_prefix="$build/" \
        -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=20 -max_len=65536 -verbosity=0 "$corpus"
done
