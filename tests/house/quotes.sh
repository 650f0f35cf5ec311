#!/usr/bin/env bash
# Code in README and docs stands in an example that is compiled: quotes.sh <source>
# A C++ block follows a line `<!-- examples/NAME.cpp -->`; its lines stand in that file, in order.
set -euo pipefail
cd "$1"
status=0
quoted=0
for page in README.md docs/*.md; do
    file='' inside=0 position=0
    while IFS= read -r line; do
        if [[ $line =~ ^'<!-- '(examples/.*\.cpp)' -->'$ ]]; then
            file=${BASH_REMATCH[1]}
        elif [[ $line == '```cpp' ]]; then
            [ -n "$file" ] || { echo "$page: a C++ block that names no example"; status=1; }
            inside=1 position=0
        elif [[ $line == '```' && $inside == 1 ]]; then
            inside=0 file='' quoted=$((quoted + 1))
        elif [[ $inside == 1 && -n $file && -n ${line// /} ]]; then
            text=${line#"${line%%[! ]*}"}
            found=$(tail -n +$((position + 1)) "$file" | sed 's/^ *//' | grep -nxF -m1 -- "$text" | cut -d: -f1 || true)
            [ -n "$found" ] || { echo "$page: not in $file at its place: $text"; status=1; found=0; }
            position=$((position + found))
        fi
    done <"$page"
done
[ $quoted -gt 0 ] || { echo "no code is quoted anywhere"; status=1; }
exit $status
