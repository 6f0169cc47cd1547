"""What stands in a decision record, and that the request's words are in it only on request."""

import json
import pathlib
import shutil
import tempfile
import unittest

from harness import client
from harness.case import Case, provider
from harness.gateway import eventually

WORDS = "some secret code"


class RecordsTest(Case):
    def record(self, **log):
        """The record of one request whose text decides where it goes, and its line."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-records-"))
        self.addCleanup(shutil.rmtree, folder, True)
        path = folder / "decisions.jsonl"
        rules = [{"contains": "code", "to": "a/m1"}, {"to": "b/m2"}]
        gateway = self.gateway({
            "providers": {n: provider(self.upstream(n)) for n in "ab"},
            "routes": {"main": {"content": rules}},
            "log": dict(decisions=str(path), **log)})
        self.assertEqual(client.chat(gateway.port, "main", text=WORDS).status, 200)
        eventually("the record", lambda: path.exists() and path.read_text().endswith("\n"))
        line, = path.read_text().splitlines()
        return json.loads(line), line

    def test_text_on_request(self):
        record, line = self.record(decisions_text=True)
        self.assertIn(WORDS, line)
        self.assertTrue(record["has_text"])

    def test_no_text_otherwise(self):
        record, line = self.record()
        self.assertNotIn("secret", line)
        self.assertFalse(record["has_text"])

    def test_what_is_needed_to_replay(self):
        record, _ = self.record()
        asked, = record["asks"]
        for member in ("seed", "facts", "route", "attempts", "start_us", "unix_us"):
            self.assertIn(member, record)
        for member in ("now_us", "node", "children", "decision"):
            self.assertIn(member, asked)
        self.assertEqual([c["name"] for c in asked["children"]], ["a/m1", "b/m2"])
        self.assertEqual(asked["decision"]["child"], 0)


if __name__ == "__main__":
    unittest.main()
