#!/usr/bin/env python3
"""Looks at what the built files show: a plugin exactly its entry, libweir exactly the functions of
weir.h, and neither imports a symbol of ours. TAP. Usage: exports.py BUILD-FOLDER"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENTRY = "weir_plugin_v1"
PROGRAM = "weir_main"  # what the program weir calls

count = failed = 0


def say(good, name, why=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s%s" % ("" if good else "not ", count, name, "" if good else "\n# " + why))


def symbols(path, which):
    out = subprocess.run(["nm", "-D", which, str(path)], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return sorted(line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip())


def has_constructors(path):
    """Beyond what the compiler's own start files bring: frame_dummy is the only entry then."""
    out = subprocess.run(["readelf", "-SW", str(path)], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    for line in out.splitlines():
        fields = line.replace("[ ", "[").split()
        if len(fields) > 5 and fields[1] == ".init_array":
            return int(fields[5], 16) > 8
    return False


def public_functions():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/weir/weir.h").read_text(), flags=re.S)
    return set(re.findall(r"^WEIR_API[^(;]*?\b(weir_\w+)\(", text, re.M))


def main():
    build = pathlib.Path(sys.argv[1])
    sanitized = "-fsanitize" in (build / "compile_commands.json").read_text()
    plugins = sorted((build / "plugins").glob("*.so"))
    for path in plugins:
        shown = symbols(path, "--defined-only")
        say(shown == [ENTRY], "%s shows its entry" % path.name, "it shows %s" % shown)
        ours = [s for s in symbols(path, "--undefined-only") if s.startswith("weir_")]
        say(not ours, "%s imports nothing of ours" % path.name, "it imports %s" % ours)
        if not sanitized:
            say(not has_constructors(path), "%s has no constructors" % path.name,
                "its .init_array has more than the compiler's own entry")
    library = next(iter(sorted((build / "core").glob("libweir.so"))), None)
    if library:
        shown = set(symbols(library, "--defined-only"))
        others = sorted(shown - public_functions() - {PROGRAM})
        say(not others, "libweir.so shows only what weir.h declares, and weir_main",
            "it shows %s" % others[:20])
        missing = sorted(public_functions() - shown)
        say(not missing, "libweir.so shows all that weir.h declares", "it lacks %s" % missing)
    print("1..%d" % count)
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
