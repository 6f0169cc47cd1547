# Shared by check, demo and .ci/run (sourced, from the top folder): finds out what is missing to
# build Weir, installs it where that is possible, and builds.

weir_packages="gcc libc6-dev make meson ninja-build pkg-config python3 ca-certificates
    libglib2.0-dev libcurl4-openssl-dev libjansson-dev libyaml-dev libssl-dev"
weir_libraries="glib-2.0 >= 2.74, libcurl >= 7.88, jansson >= 2.14, yaml-0.1, libssl >= 3.0"

# Whether everything that the build needs is there; quick, as it runs every time.
weir_ready() {
    for weir_tool in cc meson ninja pkg-config python3; do
        command -v $weir_tool >/dev/null || return 1
    done
    pkg-config --exists "$weir_libraries, libcrypto"
}

# weir_apt PACKAGE...: installs Debian packages as root or with sudo, or says how and fails.
weir_apt() {
    if ! command -v apt-get >/dev/null; then
        echo "Something that Weir is built with is missing. This is not Debian, so install it by" >&2
        echo "hand: a C compiler, meson >= 1.0, ninja, pkg-config, python3, and the development" >&2
        echo "files of $weir_libraries (Debian calls them: $(echo "$@"))." >&2
        return 1
    fi
    weir_as_root=
    if [ "$(id -u)" -ne 0 ]; then
        weir_as_root="sudo -n"
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "Packages are missing. Install them with" >&2
            echo "    apt-get install -y --no-install-recommends $(echo "$@")" >&2
            echo "as root, then run this again." >&2
            return 1
        fi
    fi
    echo "installing packages: $(echo "$@")"
    $weir_as_root apt-get update -qq &&
        $weir_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@" >/dev/null
}

# Makes sure that Weir can be built here.
weir_setup() {
    weir_ready && return 0
    # shellcheck disable=SC2086
    weir_apt $weir_packages || return 1
    weir_ready && return 0
    echo "the packages are installed, but this is still missing or too old:" >&2
    for weir_tool in cc meson ninja pkg-config python3; do
        command -v $weir_tool >/dev/null || echo "    $weir_tool" >&2
    done
    pkg-config --print-errors --exists "$weir_libraries, libcrypto" >&2
    return 1
}

# weir_configure FOLDER [MESON-OPTION...]: configures it once, and again when folders have changed.
weir_configure() {
    weir_folder=$1
    shift
    # What lies in folders is looked up when the build is configured: a new one is news to it.
    weir_listing=$(find core plugins sdk tests -name node_modules -prune -o \
        \( -name meson.build -o -path 'tests/fuzz/*.c' -o -path 'tests/fuzz/corpus/*' -type d \) \
        -print | sort | cksum)
    if [ ! -e "$weir_folder/build.ninja" ]; then
        meson setup "$weir_folder" "$@" >"${TMPDIR:-/tmp}/weir-setup.$$" 2>&1 || {
            cat "${TMPDIR:-/tmp}/weir-setup.$$" >&2
            rm -f "${TMPDIR:-/tmp}/weir-setup.$$"
            return 1
        }
        rm -f "${TMPDIR:-/tmp}/weir-setup.$$"
    elif [ "$(cat "$weir_folder/.listing" 2>/dev/null)" != "$weir_listing" ]; then
        meson setup --reconfigure "$weir_folder" >/dev/null || return 1
    fi
    echo "$weir_listing" >"$weir_folder/.listing"
}

# weir_build FOLDER [MESON-OPTION...]: configures it if need be, then builds what has changed.
weir_build() {
    weir_configure "$@" && ninja --quiet -C "$1"
}

# weir_build_optimised: what is measured.
weir_build_optimised() {
    weir_build build-bench --buildtype=plain -Dtests=false -Db_ndebug=true '-Dc_args=-O2 -g'
}

# weir_build_sanitized: with gcc's address and undefined behaviour sanitizers.
weir_build_sanitized() {
    weir_build build-asan -Db_sanitize=address,undefined -Doptimization=1
}

# weir_build_fuzz: the fuzz targets, for libFuzzer.
weir_build_fuzz() (
    export CC=clang-14
    weir_build build-fuzz -Dfuzz=true -Db_lundef=false
)
