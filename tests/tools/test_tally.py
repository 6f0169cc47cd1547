"""tally.py: a failure must never be counted as a success."""

import json
import pathlib
import tempfile
import unittest

import tally


class TallyTest(unittest.TestCase):
    def test_text(self):
        for text, expected in (
                ("hello", None),
                ("ok 1 a\nnot ok 2 b\nok 3 c # SKIP why\n1..3\n", (1, 1, 1)),
                ("Ran 4 tests in 0.1s\n\nOK\n", (4, 0, 0)),
                ("Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n", (1, 2, 1)),
                ("Ran 1 test in 0.1s\n\nOK (skipped=1)\n", (0, 0, 1)),
                ("Ran 2 tests in 0.1s\n\nFAILED (unexpected successes=1)\n", (1, 1, 0)),
                ("Ran 3 tests in 1s\n\nOK\nx: 3 passed, 0 failed, 0 skipped in 1 s\n", (3, 0, 0)),
                ("1 passed, 2 failed\n3 passed, 0 failed, 1 skipped\n", (4, 2, 1))):
            self.assertEqual(tally.from_text(text), expected, text)

    def test_status(self):
        self.assertEqual(tally.with_status(None, 0), (1, 0, 0))
        self.assertEqual(tally.with_status(None, 124), (0, 1, 0))
        self.assertEqual(tally.with_status(None, 77), (0, 0, 1))
        self.assertEqual(tally.with_status((5, 0, 0), 1), (5, 1, 0))
        self.assertEqual(tally.with_status((5, 2, 0), 1), (5, 2, 0))

    def test_testlog(self):
        rows = [
            {"name": "tap", "result": "OK", "stdout": "ok 1 a\nok 2 b\n"},
            {"name": "crash", "result": "FAIL", "stdout": "ok 1 a\n", "stderr": "boom"},
            {"name": "plain", "result": "OK", "stdout": ""},
            {"name": "late", "result": "TIMEOUT", "stdout": ""},
            {"name": "none", "result": "SKIP", "stdout": "no tool"},
            {"name": "py", "result": "OK", "stdout": "", "stderr": "Ran 2 tests in 1s\n\nOK\n"},
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "testlog.json"
            path.write_text("\n".join(map(json.dumps, rows)))
            self.assertEqual(tally.from_testlog(path), (6, 2, 1))
            self.assertEqual(tally.count(0, "unused", str(path)), (6, 2, 1))
            self.assertEqual(tally.count(0, "unused", str(path) + ".missing"), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
