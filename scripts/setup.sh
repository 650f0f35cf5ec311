# Sourced by tests/run.sh and examples/run.sh: which packages each purpose needs, and how to get
# and build them. Debian 12, Ubuntu 24.04 and newer.

packages_examples="g++ cmake ninja-build libeigen3-dev libboost-dev libfmt-dev nlohmann-json3-dev
                   libprotozero-dev libcli11-dev"
packages_tests="$packages_examples catch2 libbenchmark-dev libdnnl-dev pkg-config ccache
                openmpi-bin libopenmpi-dev libonnx-testdata verilator yosys
                doxygen doxygen-awesome-css python3-jsonschema chromium python3 fonts-dejavu-core
                pybind11-dev python3-dev python3-numpy python3-pytest"

# Installs those of the packages that are missing. Without apt, or without the right to use it, it
# prints the list and leaves; HASS_SKIP_SETUP=1 trusts the machine as it is.
install_packages() {
    [ -z "${HASS_SKIP_SETUP:-}" ] || return 0
    local missing=() package status as_root=()
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)  # nobody is there to type a password
    fi
    if ! command -v apt-get >/dev/null || ! { [ "$(id -u)" -eq 0 ] || "${as_root[@]}" true; } 2>/dev/null
    then
        printf '%s\n' "Not found on this machine, and apt cannot be used here (no apt, or neither root nor sudo):" \
            "  ${missing[*]}" \
            "Install them (Debian, Ubuntu: apt-get install ${missing[*]})" \
            "and start again; HASS_SKIP_SETUP=1 skips this check if you have them from elsewhere." >&2
        exit 1
    fi
    echo "Installing ${missing[*]}" >&2
    apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null; }
    apt_get update
    apt_get install --yes --no-install-recommends "${missing[@]}"
}

# Release build of this machine: build_release <target> <source> <build folder> [cmake options...]
# At -O1, which compiles in two thirds of the time; files that run long are marked for -O3.
build_release() {
    local target=$1 source=$2 build=$3
    shift 3
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHASS_NATIVE=ON \
        -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" "$@" >/dev/null
    cmake --build "$build" --target "$target" --parallel "$(nproc)" >&2
}
