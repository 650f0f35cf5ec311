#!/usr/bin/env bash
# Builds the documentation site: build.sh <source> <folder to write> <hass_search> <hass_report> <hass_calibrate>
# Fails on any warning of Doxygen. Pages come from docs/, the API from the headers' comments, flags from what
# the programs say of themselves.
set -euo pipefail
source=$1 out=$2
shift 2
if ! command -v doxygen >/dev/null; then
    echo "skipped: no doxygen here (Debian, Ubuntu: apt-get install doxygen doxygen-awesome-css)"
    exit 0
fi
if ! command -v python3 >/dev/null; then
    echo "skipped: no python3 here"
    exit 0
fi
cd "$source"
rm -rf "$out/html"
mkdir -p "$out/pages"

python3 docs/site/schemas.py docs/schema >"$out/pages/schemas.md"
# Paths of this machine that defaults hold are given from the repository's root.
{
    printf '# Flags of the programs\n\nAs `--help` says; made while this site was built.\n\n'
    for program; do
        "$program" --help | sed "s|$source/||g" |
            awk -v program="$(basename "$program")" -f "$source/docs/site/flags.awk"
    done
} >"$out/pages/flags.md"

# The flags that the reference explains are flags that the programs have.
grep '^| `--' docs/reference.md | grep -oE -e '--[a-z][a-z0-9-]*' | sort -u >"$out/explained.txt"
sed -nE 's/^### \\(--[a-z0-9-]+) .*/\1/p' "$out/pages/flags.md" | sort -u >"$out/flags.txt"
unknown=$(comm -23 "$out/explained.txt" "$out/flags.txt")
if [ -n "$unknown" ]; then
    echo "docs/reference.md explains flags that no program has:" $unknown
    exit 1
fi

style=/usr/share/doxygen-awesome-css
sheets=
[ ! -d $style ] || sheets="$style/doxygen-awesome.css $style/doxygen-awesome-sidebar-only.css"
export HASS_SOURCE=$source HASS_DOCS=$out HASS_STYLE="$sheets $source/docs/site/site.css"
HASS_VERSION=$(sed -n 's/.*HASS_VERSION "\(.*\)"/\1/p' "$source/include/hass/version.hpp")
export HASS_VERSION
doxygen docs/site/Doxyfile 2>"$out/warnings.txt" || { cat "$out/warnings.txt"; exit 1; }
if [ -s "$out/warnings.txt" ]; then
    cat "$out/warnings.txt"
    echo "docs: $(grep -c . "$out/warnings.txt") lines of warnings, which are errors here"
    exit 1
fi
python3 docs/site/links.py "$out/html"
echo "docs: $out/html/index.html"
