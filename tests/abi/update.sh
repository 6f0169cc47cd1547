#!/bin/sh
# Records the public structs as they are now in abi.xml. To be committed as "abi: ...", with the
# line of history in include/weir/plugin.h. Refuses what a frozen ABI does not allow.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/describe.sh"

describe "$work/new.xml"
new=$(version_in "$work/new.xml")
if [ -e "$here/abi.xml" ] && ! provisional; then
    old=$(version_in "$here/abi.xml")
    status=0
    abidiff --no-show-locs --ignore-soname "$here/abi.xml" "$work/new.xml" >"$work/report" ||
        status=$?
    if [ $status -ne 0 ] && [ "$old" = "$new" ]; then
        cat "$work/report" >&2
        echo "ABI $old is frozen: $(advice)" >&2
        exit 1
    fi
fi
mv "$work/new.xml" "$here/abi.xml"
echo "recorded ABI $new in tests/abi/abi.xml; commit it as 'abi: ...'"
