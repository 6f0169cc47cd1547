#!/usr/bin/env python3
"""Counts tests, whoever ran them.

    tally.py count STATUS LOG [TESTLOG.json]   counts one step, prints "passed failed skipped"
    tally.py total FILE                        adds up such lines and prints the final one

A step's numbers come from Meson's testlog if there is one, else from what the step has printed:
TAP, unittest's summaries, lines "N passed, N failed, N skipped". Without any of these the step
itself is one test, by its exit status. A step that failed counts at least one failure, and so does
each test in the testlog.
"""

import json
import pathlib
import re
import sys

TAP = re.compile(r"^(not )?ok \d+(.*)$", re.M)
OURS = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?")
RAN = re.compile(r"^Ran (\d+) tests? in .*\n\n?(?:\n)*(OK|FAILED|NO TESTS RAN)(?: \((.*)\))?", re.M)
SKIP_STATUS = 77


def from_text(text):
    """(passed, failed, skipped) or None if it holds no numbers."""
    # A runner's own summary counts what unittest counts, once more: ours goes first.
    ours = OURS.findall(text)
    if ours:
        return tuple(sum(int(row[i] or 0) for row in ours) for i in range(3))
    ran = RAN.findall(text)
    if ran:
        total = [0, 0, 0]
        for count, _, notes in ran:
            named = {k.strip(): int(v) for k, v in re.findall(r"([a-z ]+)=(\d+)", notes)}
            bad = sum(named.get(k, 0) for k in ("failures", "errors", "unexpected successes"))
            skipped = named.get("skipped", 0)
            total[0] += max(0, int(count) - bad - skipped)
            total[1] += bad
            total[2] += skipped
        return tuple(total)
    tap = TAP.findall(text)
    if tap:
        failed = sum(1 for bad, note in tap if bad and not re.search(r"#\s*todo", note, re.I))
        skipped = sum(1 for bad, note in tap if not bad and re.search(r"#\s*skip", note, re.I))
        return len(tap) - failed - skipped, failed, skipped
    return None


def with_status(counted, status):
    """Brings the numbers and the exit status together."""
    if counted is None:
        if status == SKIP_STATUS:
            return 0, 0, 1
        return (1, 0, 0) if status == 0 else (0, 1, 0)
    passed, failed, skipped = counted
    return passed, max(failed, 1) if status else failed, skipped


def from_testlog(path):
    total = [0, 0, 0]
    for line in path.read_text().splitlines():
        test = json.loads(line)
        if test["result"] == "SKIP" and from_text(test.get("stdout", "")) is None:
            numbers = (0, 0, 1)
        else:
            text = test.get("stdout", "") + "\n" + test.get("stderr", "")
            good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
            numbers = with_status(from_text(text), 0 if good else 1)
        total = [a + b for a, b in zip(total, numbers)]
    return tuple(total)


def count(status, log, testlog=None):
    testlog = pathlib.Path(testlog) if testlog else None
    if testlog:
        counted = from_testlog(testlog) if testlog.exists() else (0, 1, 0)
    else:
        counted = from_text(pathlib.Path(log).read_text(errors="replace"))
    return with_status(counted, status)


def main():
    if len(sys.argv) >= 4 and sys.argv[1] == "count":
        print(*count(int(sys.argv[2]), *sys.argv[3:]))
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "total":
        rows = [tuple(map(int, line.split()))
                for line in pathlib.Path(sys.argv[2]).read_text().splitlines()]
        passed, failed, skipped = (sum(row[i] for row in rows) for i in range(3))
        print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
        return 0 if passed and not failed else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
