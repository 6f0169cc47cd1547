#!/usr/bin/env python3
"""Compiles every public header alone and all of them together, as C11 and as C++, and looks whether
layout.c and everything.c know every public struct and member. TAP. Usage: headers.py [INCLUDE-FOLDER...]"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function", "-fsyntax-only"]
C = ["cc", "-std=c11", "-Wstrict-prototypes", "-Wundef", *STRICT]
CXX = ["c++", "-std=c++11", *STRICT]
ALLOWED = {"stdint.h", "stddef.h", "stdbool.h"}

count = failed = 0


def say(good, name, why=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    for line in why.splitlines():
        print("# " + line)
    sys.stdout.flush()


def compiles(compiler, suffix, folders, headers):
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work) / ("headers" + suffix)
        # Twice: the guards have to work as well.
        source.write_text("".join("#include <%s>\n" % h for h in headers * 2) +
                          "extern int end; int end;\n")
        done = subprocess.run([*compiler, *["-I%s" % f for f in folders], str(source)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode == 0, done.stdout


def public_structs():
    """name -> members, of the headers that make up the plugin ABI."""
    out = {}
    for header in sorted((ROOT / "include/weir").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for match in re.finditer(r"typedef struct weir_\w+ \{(.*?)\n\} (\w+);", text, re.S):
            members = []
            for member in filter(None, (" ".join(m.split()) for m in match.group(1).split(";"))):
                name = re.search(r"\(\*(\w+)\)", member) or \
                    re.search(r"(\w+)\s*(?:\[[^]]*\])?$", member)
                members.append(name.group(1))
            out[match.group(2)] = members
    return out


def main():
    folders = [pathlib.Path(f) for f in sys.argv[1:]] or \
        [f for f in (ROOT / "include", ROOT / "sdk/include") if f.is_dir()]
    headers = sorted({str(p.relative_to(f)) for f in folders for p in f.glob("weir/**/*.h")})
    for header in headers:
        good, why = compiles(C, ".c", folders, [header])
        say(good, "C11: " + header, why)
        if shutil.which("c++"):
            good, why = compiles(CXX, ".cc", folders, [header])
            say(good, "C++: " + header, why)
        if not header.startswith("weir/sdk/"):
            text = next(f / header for f in folders if (f / header).exists()).read_text()
            others = [i for i in re.findall(r"#\s*include\s*[<\"](.*?)[>\"]", text)
                      if not i.startswith("weir/") and i not in ALLOWED]
            say(not others, "includes: " + header, "includes " + ", ".join(others) if others else "")

    # A plugin may use any of them side by side; weir.h is for programs.
    together = [h for h in headers if h != "weir/weir.h"]
    for compiler, suffix in ((C, ".c"), (CXX, ".cc"))[:1 + bool(shutil.which("c++"))]:
        good, why = compiles(compiler, suffix, folders, together)
        say(good, "all in one file" + suffix, why)

    layout = (HERE / "layout.c").read_text()
    everything = (HERE / "everything.c").read_text()
    known = set(re.findall(r"AT\((\w+), (\w+),", layout))
    for struct, members in public_structs().items():
        missing = [m for m in members if (struct, m) not in known]
        say(not missing and "SIZE(%s, " % struct in layout and "SHOW(%s)" % struct in everything,
            "known: " + struct,
            "add to tests/abi/layout.c: %s; and its size; and SHOW() in everything.c" %
            ", ".join(missing) if missing else "")
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
