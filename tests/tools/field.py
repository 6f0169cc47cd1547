#!/usr/bin/env python3
"""Writes tests/FIELD.md: what goes wrong in gateways, and the tests that show that it does not here.

    field.py          writes the page
    field.py check    says what is wrong with markers, reasons and the page; 1 if anything is

A test shows a point if the line above it (above its decorators, if it has any) is a comment
`field: 3.1.2` or `field: 3.1.2, 3.5.1`. The points stand in field.json: a title each, and a reason
where no test shows it, or not all of it.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
FOLDERS = ("unit", "system", "wire", "sdks", "abi", "supervisor")

MARK = re.compile(r"^\s*(?:#|/\*)\s*field:\s*(.*?)\s*(?:\*/)?\s*$")
POINT = re.compile(r"\d+\.\d+\.\d+")
PYTHON = re.compile(r"\s*(?:async )?def (test_\w+)\(")
C = re.compile(r"static void (test_\w+)\(")
CLASS = re.compile(r"class (\w+)")

HEAD = """# What goes wrong in gateways

Gateways for language models fail in ways that their users have met again and again. Here is each of
them, with the tests that show that Weir does not have it, or the reason why there is none. The page is
written by `tests/tools/field.py` from the markers in the tests; it is not edited by hand.
"""


class Shown:
    """One test and the points it names."""

    def __init__(self, path, name, points):
        self.path, self.name, self.points = path, name, points


def read_file(path, text, faults):
    """The marked tests of one file."""
    shown, marked, holder = [], None, ""
    pattern = PYTHON if path.endswith(".py") else C
    for number, line in enumerate(text.splitlines(), 1):
        mark = MARK.match(line)
        if mark:
            points = [p.strip() for p in mark.group(1).split(",")]
            if marked:
                faults.append("%s:%d: two markers in a row" % (path, number))
            if not all(POINT.fullmatch(p) for p in points):
                faults.append("%s:%d: not a marker: %s" % (path, number, line.strip()))
            marked = points
            continue
        if CLASS.match(line):
            holder = CLASS.match(line).group(1) + "."
        if not marked or line.lstrip().startswith("@"):
            continue
        test = pattern.match(line)
        if not test:
            faults.append("%s:%d: a marker above what is no test" % (path, number))
        elif pattern is C and len(re.findall(r"\b%s\b" % test.group(1), text)) < 2:
            faults.append("%s:%d: %s is never run" % (path, number, test.group(1)))
        else:
            shown.append(Shown(path, (holder if pattern is PYTHON else "") + test.group(1), marked))
        marked = None
    if marked:
        faults.append("%s: a marker above nothing" % path)
    return shown


def read_tests(root, faults):
    shown = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".c", ".py") and "node_modules" not in path.parts:
                shown += read_file(str(path.relative_to(root)), path.read_text(), faults)
    return shown


def judge(groups, shown, faults):
    """Every point has a test or a reason, and every marker names a point."""
    points = {point: entry for group in groups.values() for point, entry in group["points"].items()}
    named = {point for test in shown for point in test.points}
    for test in shown:
        faults += ["%s: %s names %s, which is not there" % (test.path, test.name, point)
                   for point in test.points if point not in points]
    for number, group in groups.items():
        if not group["points"]:
            faults.append("%s has no points" % number)
        faults += ["%s does not belong to %s" % (point, number) for point in group["points"]
                   if not point.startswith(number + ".")]
    faults += ["%s has neither a test nor a reason" % point for point, entry in points.items()
               if point not in named and not entry.get("reason", "").strip()]


def write(groups, shown):
    out = [HEAD]
    for number, group in groups.items():
        out.append("\n## %s %s\n" % (number, group["title"]))
        for point, entry in group["points"].items():
            out.append("\n**%s** %s\n" % (point, entry["title"]))
            tests = ["- [`%s`](%s) in `%s`\n" % (test.name, test.path, test.path) for test in shown
                     if point in test.points]
            if tests:
                out.append("\n" + "".join(tests))
            if entry.get("reason"):
                out.append("\n" + entry["reason"] + "\n")
    return "".join(out)


def main():
    if sys.argv[1:] not in ([], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    page, faults = TESTS / "FIELD.md", []
    groups = json.loads((HERE / "field.json").read_text())
    shown = read_tests(TESTS, faults)
    judge(groups, shown, faults)
    text = write(groups, shown)
    if not sys.argv[1:] and not faults:
        page.write_text(text)
    elif not page.exists() or page.read_text() != text:
        faults.append("FIELD.md is not what the tests say: run tests/tools/field.py")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
