#!/bin/sh
# Compares the public structs with the baseline abi.xml, in both directions: a struct that changed
# without its change being recorded fails, and so does a new ABI number with nothing new behind it.
#
# While the ABI is provisional, update.sh records any change, in a commit headed "abi:". Once 1.0 is
# frozen, a change needs a new minor number and may only add. Exit status 77: abidw is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/describe.sh"

describe "$work/new.xml"
old=$(version_in "$here/abi.xml")
new=$(version_in "$work/new.xml")

status=0
abidiff --no-show-locs --ignore-soname "$here/abi.xml" "$work/new.xml" >"$work/report" || status=$?
# The variable that carries the number changes its name with it; that is not a change of the ABI.
changed=$(grep -cvE '^$|summary:|weir_abi_|^[0-9]+ (Added|Removed) variable' "$work/report" || true)

if [ $((status & 3)) -ne 0 ]; then
    cat "$work/report" >&2
    echo "abidiff failed with status $status" >&2
    exit 1
fi
if [ "$old" = "$new" ] && [ "$changed" -eq 0 ]; then
    echo "ABI $new: as recorded in tests/abi/abi.xml"
elif [ "$old" = "$new" ]; then
    cat "$work/report" >&2
    echo "the public structs are not those recorded for ABI $old." >&2
    echo "If that is meant: $(advice), then run tests/abi/update.sh and commit as 'abi: ...'" >&2
    exit 1
elif [ "$changed" -eq 0 ]; then
    echo "the headers say ABI $new, the baseline $old, but no public struct differs:" >&2
    echo "take back the number in include/weir/plugin.h, or record why with tests/abi/update.sh" >&2
    exit 1
else
    cat "$work/report" >&2
    echo "the headers say ABI $new, the baseline is of $old: run tests/abi/update.sh" >&2
    exit 1
fi
