"""POST /reload, and the challenge that goes with every 401."""

import json
import threading
import unittest

from harness import client
from harness.gateway import eventually
from test_keys import ANTHROPIC, BOSS, CHAT, CLAUDE, GEMINI, TEAM, KeysCase, bearer


class ReloadTest(KeysCase):
    def reload(self, key=BOSS, port=None, method="POST"):
        with client.Conn(port or self.port) as conn:
            conn.request(method, "/reload", b"", bearer(key) if key else [])
            return conn.response()

    def rename(self, **more):
        """Another configuration, whose provider `fake` is called `other`. Not noticed by itself: it
        is asked for at once."""
        config = json.loads(json.dumps(self.config))
        config["providers"]["other"] = config["providers"].pop("fake")
        config["routes"]["main"] = "other/m"
        self.gw.write_config(dict(config, **more))

    def test_in_force_when_answered(self):
        self.keyed()
        self.assertEqual(self.chat(BOSS, "main").headers["x-weir-provider"], "fake")
        self.rename()
        answer = self.reload()
        self.assertEqual((answer.status, answer.json()), (200, {"status": "reloaded"}))
        self.assertEqual(self.chat(BOSS, "main").headers["x-weir-provider"], "other")

    def test_all_or_nothing(self):
        self.keyed()
        self.rename(no_such_key=1)
        error = self.assert_error(self.reload(), 422, "invalid_configuration",
                                  says=["the old configuration stays", "no_such_key"])
        self.assertNotIn(BOSS, error["message"])
        self.assertEqual(self.chat(BOSS, "main").headers["x-weir-provider"], "fake")

    def test_for_administrators(self):
        self.keyed(admin={"listen": "127.0.0.1:0"})
        admin = int(self.gw.wait_line(r"admin paths on").rsplit(":", 1)[1])
        self.assertEqual([self.reload(k).status for k in (None, TEAM, BOSS)], [401, 403, 200])
        self.assertEqual(self.reload(None, admin).status, 200)
        self.assert_error(self.reload(method="GET"), 405)
        with client.Conn(admin) as conn:
            conn.request("POST", "/reload", b"", [("Origin", "http://evil.test")])
            self.assertEqual(conn.response().status, 403)

    def test_who_leaves_before_the_answer(self):
        self.keyed()
        for _ in range(20):
            with client.Conn(self.port) as conn:
                conn.request("POST", "/reload", b"", bearer(BOSS))
        threads = [threading.Thread(target=self.reload) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(self.chat(BOSS, "main").status, 200)
        eventually("nothing is left of them",
                   lambda: self.gw.output().count("reloaded: generation") >= 28)


class ChallengeTest(KeysCase):
    def test_every_401_has_one(self):
        self.keyed()
        for path, body, headers in (
                ("/v1/chat/completions", CHAT, []), ("/v1/messages", CLAUDE, ANTHROPIC),
                ("/v1/responses", {"model": "m", "input": "x"}, []),
                ("/v1beta/models/m:generateContent", GEMINI, []), ("/api/chat", CHAT, []),
                ("/metrics", None, [])):
            for key in ([], bearer(BOSS + "x")):
                answer = client.post(self.port, path, body, headers + key) if body else \
                    client.get(self.port, path, headers + key)
                self.assertEqual(answer.status, 401, path)
                self.assertEqual(answer.headers.get("www-authenticate"), 'Bearer realm="weir"', path)
        self.assertNotIn("www-authenticate", self.chat(BOSS).headers)


if __name__ == "__main__":
    unittest.main()
