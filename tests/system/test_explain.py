"""How a request would be routed (`weir explain`), how it was (x-weir-explain), and the record."""

import hashlib
import json
import pathlib
import shutil
import tempfile
import unittest

from harness import client, upstream
from harness.case import KEY, Case, provider
from harness.gateway import EX_USAGE, eventually, run

TREE = {"failover": {"try": ["a/m1", {"weighted": {"across": {"b/m2": 1}}}],
                     "retries": 1, "delay": "2h", "jitter": "none"}}


SECRETS = {"boss": "weir-test-boss-0123456789abcdef", "team": "weir-test-team-0123456789abcdef"}


def ask(**more):
    messages = [{"role": "user", "content": "secret words"}]
    return dict({"model": "main", "messages": messages}, **more)


class ExplainTest(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-explain-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.ups = {name: self.upstream(name) for name in "abc"}

    def config(self, tree=TREE, **more):
        more.setdefault("default_route", "main")
        return dict({"providers": {n: provider(u) for n, u in self.ups.items()},
                     "routes": {"main": dict({"budget": "10h"}, **tree)}}, **more)

    def explain(self, config, body, *args):
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps(config))
        done = run("explain", "-c", path, *args, input=json.dumps(body), env={"TEST_KEY": KEY})
        self.assertEqual([u.requests for u in self.ups.values()], [[], [], []], "nobody is called")
        return done

    def test_tree_and_order(self):
        done = self.explain(self.config(), ask())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("-> pick a/m1: first in order", done.stdout)
        self.assertIn("-> pick a/m1 after 7200 s: the same again", done.stdout)
        self.assertIn("main/weighted: weighted", done.stdout)
        order = done.stdout[done.stdout.index("asked in this order"):].splitlines()[1:]
        self.assertEqual([line.split()[1] for line in order], ["a/m1", "a/m1", "b/m2", "b/m2"])

    def test_json_and_another_failure(self):
        done = self.explain(self.config(), ask(), "--json", "--fail", "invalid_request")
        told = json.loads(done.stdout)
        self.assertEqual(told["order"], ["a/m1"])
        self.assertEqual([d["says"] for d in told["decisions"]], ["pick", "give_up"])
        self.assertEqual(told["route"], "main")

    def test_blocked_and_why(self):
        tree = {"failover": {"try": ["a/m1", "b/m2"]}}
        config = self.config(tree)
        config["providers"]["a"]["models"] = [{"name": "m1", "lacks": ["tools"]}]
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        done = self.explain(config, ask(tools=tools), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["decisions"][0]["blocked"], {"a/m1": "capability"})
        self.assertEqual(told["order"][0], "b/m2")

    def test_other_dialect_and_provider(self):
        body = {"model": "main", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
        done = self.explain(self.config(), body, "--path", "/v1/messages", "--provider", "b")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("provider: b, past all routes", done.stdout)
        self.assertIn("dialect anthropic", done.stdout)

    def test_unknown_model(self):
        done = self.explain(self.config(), ask(model="nonsuch"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no_route", done.stdout)
        self.assertIn("nonsuch", done.stdout)

    def test_wrong_usage(self):
        self.assertEqual(self.explain(self.config(), ask(), "--fail", "laziness").returncode,
                         EX_USAGE)
        self.assertEqual(self.explain(self.config(), ask(), "--path", "/nowhere").returncode,
                         EX_USAGE)

    # -- live ---------------------------------------------------------------------------------

    def test_live_request(self):
        gateway = self.gateway(self.config({"failover": {"try": ["a/m1", "b/m2"]}}))
        self.ups["a"].reply(upstream.error(503))
        answer = client.chat(gateway.port, "main", headers={"x-weir-explain": "1"})
        told = json.loads(answer.headers["x-weir-explain"])
        self.assertEqual([(d["asked"], d["says"], d["child"]) for d in told["decisions"]],
                         [("start", "pick", "a/m1"), ("failed", "pick", "b/m2")])
        self.assertTrue(told["complete"])
        self.assertNotIn("x-weir-explain", client.chat(gateway.port, "main").headers)

    def test_live_failure_is_explained(self):
        gateway = self.gateway(self.config({"failover": {"try": ["a/m1"]}}))
        self.ups["a"].reply(upstream.error(400))
        answer = client.chat(gateway.port, "main", headers={"x-weir-explain": "1"})
        self.assertEqual(answer.status, 400)
        says = [d["says"] for d in json.loads(answer.headers["x-weir-explain"])["decisions"]]
        self.assertEqual(says, ["pick", "give_up"])

    def test_only_an_administrator_is_told(self):
        keys = {name: {"key": "sha256:" + hashlib.sha256(secret.encode()).hexdigest(),
                       "admin": name == "boss"} for name, secret in SECRETS.items()}
        gateway = self.gateway(self.config({"failover": {"try": ["a/m1"]}}, keys=keys))
        told = {}
        for name, secret in SECRETS.items():
            answer = client.chat(gateway.port, "main", headers={
                "x-weir-explain": "1", "authorization": "Bearer " + secret})
            self.assertEqual(answer.status, 200, answer.body)
            told[name] = "x-weir-explain" in answer.headers
            self.assertEqual("administrator" in answer.headers.get("x-weir-warnings", ""),
                             name == "team")
        self.assertEqual(told, {"boss": True, "team": False})
        for name, secret in SECRETS.items():
            done = run("routes", "-c", gateway.config_path, "--key", secret, "-a",
                       "127.0.0.1:%d" % gateway.port, env={"TEST_KEY": KEY})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("2 good" in done.stdout, name == "boss", done.stdout)
            self.assertEqual("an admin only" in done.stderr, name == "team", done.stderr)

    # -- the trees' health ---------------------------------------------------------------------

    def test_routes_show_live_health(self):
        config = self.config({"failover": {"try": ["a/m1", "b/m2", "c/m3"]}},
                             breaker={"failures": 1, "cooldown": "1h"})
        gateway = self.gateway(config)
        self.ups["a"].reply(upstream.error(503))
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        eventually("the attempts are counted",
                   lambda: gateway.metrics().attempts()[("b", "ok")] == 1)
        done = run("routes", "-c", gateway.config_path, "-a", "127.0.0.1:%d" % gateway.port,
                   env={"TEST_KEY": KEY})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a/m1  [resting, 0 in flight, 0 good, 1 failed]", done.stdout)
        self.assertIn("b/m2  [up, 0 in flight, 1 good, 0 failed]", done.stdout)
        done = run("routes", "--json", "-c", gateway.config_path, "-a",
                   "127.0.0.1:%d" % gateway.port, env={"TEST_KEY": KEY})
        children = json.loads(done.stdout)["main"]["children"]
        self.assertEqual([c.get("health", {}).get("up") for c in children[:2]], [False, True])

    def test_routes_without_a_gateway(self):
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps(self.config(listen=self.dead_port().base_url[7:-3])))
        done = run("routes", "-c", path, env={"TEST_KEY": KEY})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("a/m1\n", done.stdout)

    # -- records ------------------------------------------------------------------------------

    def records(self, config, count=1):
        path = self.folder / "decisions.jsonl"
        config = dict(config, log={"decisions": str(path), **config.get("log", {})})
        gateway = self.gateway(config)
        for _ in range(count):
            client.chat(gateway.port, "main", text="secret words")
        eventually("the records", lambda: path.exists() and
                   path.read_text().count("\n") == count)
        return [json.loads(line) for line in path.read_text().splitlines()], path.read_text()

    def test_record(self):
        (record,), text = self.records(self.config())
        self.assertEqual(record["route"], "main")
        asked = record["asks"][0]
        self.assertEqual(asked["node"], "main")
        self.assertEqual([c["name"] for c in asked["children"]], ["a/m1", "weighted"])
        self.assertEqual(asked["decision"]["child"], 0)
        attempt, = record["attempts"]
        self.assertEqual(attempt["target"], "a/m1")
        self.assertEqual(attempt["output_total"], 5)
        self.assertLessEqual(attempt["start_us"], attempt["end_us"])
        self.assertNotIn("secret words", text, "text is only there if it is asked for")

    def test_state_is_recorded(self):
        records, _ = self.records(self.config({"round-robin": {"across": ["a/m1", "b/m2"]}}), 2)
        states = [r["asks"][0]["state"] for r in records]
        self.assertNotEqual(states[0], states[1])

    def test_path_is_checked(self):
        path = self.folder / "weir.yaml"
        path.write_text(json.dumps(self.config(log={"decisions": "somewhere"})))
        done = run("check", path, env={"TEST_KEY": KEY})
        self.assertEqual(done.returncode, 78)
        self.assertIn("log.decisions", done.stderr)


if __name__ == "__main__":
    unittest.main()
