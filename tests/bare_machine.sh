#!/usr/bin/env bash
# The two commands of the README on a bare Debian 12, from a clean clone of HEAD, with the seconds at
# which each phase began:
#     bash tests/bare_machine.sh [examples] [tests]       # both unless named
# Needs root, debootstrap and a Debian mirror among apt's sources; says "skipped" without them.
# HASS_BARE_DIR: folder in which the bare system is kept for the next run (default: none is kept).
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
release=bookworm
skip() { echo "skipped: $1"; exit 0; }

[ $# -gt 0 ] || set -- examples tests
for command in "$@"; do
    case $command in
    examples | tests) ;;
    *) echo "bare_machine.sh: '$command' is neither examples nor tests" >&2; exit 2 ;;
    esac
done
[ "$(id -u)" -eq 0 ] || skip "needs root"
for tool in debootstrap git unshare apt-config; do
    command -v $tool >/dev/null || skip "needs $tool"
done
unshare --mount --pid --fork true 2>/dev/null || skip "namespaces cannot be made here"

# apt as it is here: the same mirrors, keys and proxies.
apt_sources=$(find /etc/apt -maxdepth 2 \( -name sources.list -o -name '*.sources' -o \
    -path '*/sources.list.d/*.list' \) -exec grep -lw "$release" {} +) || true
mirror=$(awk -v release="$release" '
    /^URIs:/ { uri = $2 }
    /^Suites:/ { for (i = 2; i <= NF; ++i) if ($i == release) { print uri; exit } }
    /^deb / { for (i = 2; i < NF; ++i) if ($(i + 1) == release) { print $i; exit } }' \
    ${apt_sources:-/dev/null})
[ -n "$mirror" ] || skip "no mirror of Debian $release among apt's sources"

folder=${HASS_BARE_DIR:-}
scratch=$(mktemp -d)
# Mounts are made in a namespace that ends with its commands, so there is nothing to unmount.
trap 'stop; rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
base=${folder:-$scratch}/base
stop() {  # --kill-child: what unshare started ends with it
    [ ! -e "$scratch/pid" ] || kill -KILL "$(<"$scratch/pid")" 2>/dev/null || true
}

if [ ! -e "$base/complete" ]; then
    rm -rf --one-file-system "$base"
    mkdir -p "$base"
    echo "Making a bare Debian ($release)"
    unshare --mount debootstrap --variant=minbase "$release" "$base/system" "$mirror" \
        >"$scratch/debootstrap.log" 2>&1 || { tail -20 "$scratch/debootstrap.log"; exit 1; }
    rm -f "$base/system/etc/apt/sources.list"
    cp -L --parents -t "$base/system" $apt_sources
    for keys in /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings; do
        [ ! -d $keys ] || cp -rL --parents -t "$base/system" $keys
    done
    apt-config dump | grep -E '^Acquire::(https?|ftp|Check-|Retries)' \
        >"$base/system/etc/apt/apt.conf.d/00host" || true
    touch "$base/complete"
fi

# What is worth a line with its time, of all that a command prints.
milestones='^Installing|^\[1/|Linking CXX executable examples/hass_search$|^on [a-z]|^Searching'
milestones+='|^written: |^Test project|tests passed|^Total Test time|^skipped:'

run() {  # <examples|tests>
    local system=$scratch/$1 log=$scratch/$1.log status
    cp -a "$base/system" "$system" && cp -L /etc/resolv.conf /etc/hosts "$system/etc/" &&
        git -c safe.directory='*' clone -q --no-checkout "$repository" "$system/hass" &&
        git -c advice.detachedHead=false -C "$system/hass" checkout -q "$commit" || return 1
    echo "bash $1/run.sh, commit ${commit:0:12}, $(nproc) processors"
    SECONDS=0
    {
        unshare --mount --pid --fork --kill-child bash -c '
            mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
                exec chroot "$1" env -i ${http_proxy:+http_proxy="$http_proxy"} \
                    PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 bash -c "cd /hass && bash $2/run.sh"
            ' bare "$system" "$1" </dev/null 2>&1 &
        echo $! >"$scratch/pid"
        wait $! && echo 0 >"$scratch/status" || echo $? >"$scratch/status"
        rm "$scratch/pid"
    } | while IFS= read -r line; do
        printf '%5d s  %s\n' "$SECONDS" "$line" >>"$log"
        [[ ! $line =~ $milestones ]] || printf '%5d s  %s\n' "$SECONDS" "$line"
    done &
    wait $!  # a signal is answered at once
    status=$(<"$scratch/status")
    printf '%5d s  ended, exit code %d\n' "$SECONDS" "$status"
    if [ "$status" -ne 0 ]; then
        echo "The last that it printed:"
        tail -60 "$log"
    fi
    rm -rf --one-file-system "$system"
    return "$status"
}

commit=$(git -c safe.directory='*' -C "$repository" rev-parse HEAD)
git -c safe.directory='*' -C "$repository" diff --quiet HEAD || echo "note: what is not committed is not tried"
failed=0
for command in "$@"; do run "$command" || failed=1; done
exit $failed
