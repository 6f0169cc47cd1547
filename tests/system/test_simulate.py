"""Recorded requests, decided again: the same configuration decides the same, others do not."""

import json
import pathlib
import shutil
import tempfile
import threading
import unittest

from harness import client, upstream
from harness.case import KEY, Case, provider
from harness.gateway import EX_USAGE, eventually, run

TREES = {
    "failover": {"failover": {"try": ["a/m", "b/m"], "retries": 1, "delay": "20ms"}},
    "round": {"round-robin": {"across": ["a/m", "b/m"]}},
    "nested": {"failover": {"try": [{"weighted": {"across": {"a/m": 0.7, "b/m": 0.3}}},
                                    {"round-robin": {"across": ["a/m", "b/m"]}}]}},
}


class SimulateTest(Case):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-simulate-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.log = self.folder / "decisions.jsonl"
        self.ups = {name: self.upstream(name) for name in "ab"}

    def config(self, routes, **more):
        return dict({"providers": {n: provider(u) for n, u in self.ups.items()},
                     "routes": routes, "default_route": sorted(routes)[0],
                     "log": {"decisions": str(self.log)}}, **more)

    def record(self, config, routes, count=10, fail_every=3, **more):
        """Sends `count` requests to each route, with failures among the answers of `a`."""
        gateway = self.gateway(config)
        asked = 0
        for route in routes:
            for i in range(count):
                if fail_every and i % fail_every == 0:
                    self.ups["a"].reply(upstream.error(503))
                client.chat(gateway.port, route, **more)
                asked += 1
        eventually("the records",
                   lambda: self.log.exists() and self.log.read_text().count("\n") == asked)
        self.sent = {name: len(up.requests) for name, up in self.ups.items()}
        gateway.stop()
        return asked

    def simulate(self, config, *args):
        path = self.folder / "other.yaml"
        path.write_text(json.dumps(config))
        done = run("simulate", "--log", self.log, "-c", path, "--json", *args,
                   env={"TEST_KEY": KEY})
        self.assertEqual({name: len(up.requests) for name, up in self.ups.items()}, self.sent,
                         "nobody is called")
        return done, json.loads(done.stdout) if done.stdout else None

    def test_same_configuration_decides_the_same(self):
        config = self.config(TREES, breaker={"failures": 2, "cooldown": "50ms"})
        asked = self.record(config, sorted(TREES), 12)
        done, told = self.simulate(config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((told["records"], told["skipped"], told["unreadable"]), (asked, 0, 0))
        self.assertEqual((told["changed"], told["requests_changed"]), (0, 0), told["changes"])
        self.assertEqual((told["outcomes_drawn"], told["without_samples"]), (0, 0))
        self.assertGreaterEqual(told["decisions"], asked)
        recorded, simulated = dict(told["recorded"]), dict(told["simulated"])
        self.assertFalse(simulated["estimate"])
        for t in recorded, simulated:
            t.pop("cost"), t.pop("cost_of")
        self.assertEqual(recorded, simulated)
        self.assertEqual({n: told["targets"][n + "/m"]["asked"] for n in "ab"}, self.sent)

    def test_same_decisions_of_requests_side_by_side(self):
        """What one strategy saw while another request changed its state is told apart."""
        config = self.config(TREES, workers=2, breaker={"failures": 3, "cooldown": "30ms"})
        gateway = self.gateway(config)
        self.ups["a"].reply(*[upstream.error(503) for _ in range(30)])
        pool = [threading.Thread(target=lambda route=route: [
            client.chat(gateway.port, route) for _ in range(15)]) for route in sorted(TREES) * 2]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join(50)
        eventually("the records", lambda: self.log.read_text().count("\n") == 90)
        self.sent = {name: len(up.requests) for name, up in self.ups.items()}
        done, told = self.simulate(config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((told["records"], told["changed"], told["requests_changed"]), (90, 0, 0),
                         told["changes"])

    def test_replaying_twice_gives_the_same_report(self):
        config = self.config({"r": TREES["failover"]})
        self.record(config, ["r"])
        other = self.config({"r": {"failover": {"try": ["b/m", "a/m"]}}})
        first, second = self.simulate(other)[0].stdout, self.simulate(other)[0].stdout
        self.assertEqual(first, second)

    def test_another_order(self):
        self.record(self.config({"r": TREES["failover"]}), ["r"], 10, fail_every=2)
        self.assertGreater(self.sent["a"], 10)
        other = self.config({"r": {"round-robin": {"across": ["a/m", "b/m"]}}})
        done, told = self.simulate(other)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(told["requests_changed"] + told["without_samples"] > 0, True)
        self.assertTrue(told["simulated"]["estimate"])

    def test_estimates_are_drawn_and_counted(self):
        self.record(self.config({"r": TREES["round"]}), ["r"], 10, fail_every=0)
        self.assertEqual(self.sent, {"a": 5, "b": 5})
        other = self.config({"r": {"round-robin": {"across": ["b/m"]}}})
        done, told = self.simulate(other)
        self.assertEqual(told["targets"], {"b/m": {"asked": 10, "failed": 0, "drawn": 5,
                                                   "samples": 5}})
        self.assertEqual(told["outcomes_drawn"], 5)
        self.assertEqual(told["simulated"]["answered"], 10)
        self.assertTrue(told["simulated"]["estimate"])

    def test_target_without_samples_is_no_estimate(self):
        self.record(self.config({"r": {"failover": {"try": ["a/m"]}}}), ["r"], 4, fail_every=0)
        done, told = self.simulate(self.config({"r": {"failover": {"try": ["b/m"]}}}))
        self.assertEqual(told["without_samples"], 4)
        self.assertEqual(told["simulated"]["answered"], 0)

    def test_changed_decisions_are_named(self):
        self.record(self.config({"r": TREES["failover"]}), ["r"], 3, fail_every=1)
        other = {"failover": {"try": ["a/m", "b/m"], "retries": 0}}
        done, told = self.simulate(self.config({"r": other}))
        self.assertEqual(told["changes"], {"pick a/m -> pick b/m": 3})
        self.assertEqual((told["changed"], told["requests_changed"]), (3, 3))

    def test_route_that_is_not_there(self):
        self.record(self.config({"r": TREES["failover"]}), ["r"], 2, fail_every=0)
        other = self.config({"s": TREES["failover"]})
        done, told = self.simulate(other)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(told["why_skipped"], {"the configuration has no 'r'": 2})
        done, told = self.simulate(other, "--route", "s")
        self.assertEqual((done.returncode, told["skipped"]), (0, 0))

    def test_garbage_is_counted_and_survived(self):
        self.record(self.config({"r": TREES["failover"]}), ["r"], 2, fail_every=0)
        line = self.log.read_text().splitlines()[0]
        record = json.loads(line)
        odd = [dict(record, version=7), dict(record, asks=[]), dict(record, asks="x"),
               dict(record, attempts=[{}]), dict(record, facts=[1]),
               dict(record, asks=[{"node": 1, "children": 3}])]
        with self.log.open("a") as f:
            f.write("".join(json.dumps(o) + "\n" for o in odd) + "[]\nnothing\n" + line[:99])
        done, told = self.simulate(self.config({"r": TREES["failover"]}))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((told["records"], told["unreadable"]), (8, 3))
        self.assertEqual(told["skipped"], 3)

    def test_wrong_usage(self):
        self.assertEqual(run("simulate").returncode, EX_USAGE)
        path = self.folder / "c.yaml"
        path.write_text(json.dumps(self.config({"r": TREES["failover"]})))
        done = run("simulate", "--log", self.folder / "none", "-c", path, env={"TEST_KEY": KEY})
        self.assertEqual(done.returncode, 66)
        self.assertIn("none", done.stderr)


if __name__ == "__main__":
    unittest.main()
