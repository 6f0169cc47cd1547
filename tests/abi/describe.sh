# Shared by check.sh and update.sh: describes what the headers say now. Needs $here.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
    echo "abidw or abidiff is missing: install abigail-tools" >&2
    exit 77
fi

# describe FILE: writes the description, without anything that differs from machine to machine.
describe() {
    "${CC:-cc}" -std=c11 -g -gdwarf-4 -O0 -fPIC -shared -nostdlib -I"$here/../../include" \
        -fdebug-prefix-map="$(cd "$here/../.." && pwd)"=. \
        -o "$work/everything.so" "$here/everything.c"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
        --drop-private-types --out-file "$1" "$work/everything.so"
}

# version_in FILE: "1.0"
version_in() {
    sed -n "s/.*elf-symbol name='weir_abi_\([0-9]*\)_\([0-9]*\)'.*/\1.\2/p" "$1" | head -n 1
}

# Whether the headers say that the ABI may still change freely.
provisional() {
    grep -q 'provisional, until' "$here/../../include/weir/plugin.h"
}

advice() {
    if provisional; then
        echo "the ABI is provisional, nothing else is needed"
    else
        echo "only add at the end of structs, and raise WEIR_ABI_MINOR in include/weir/plugin.h"
    fi
}
