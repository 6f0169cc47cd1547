"""The model list as applications see it, live lists behind it, and `weir models`."""

import json
import pathlib
import shutil
import tempfile
import time
import unittest

from harness import client, upstream
from harness.case import Case, provider
from harness.gateway import EX_USAGE, eventually, run
from harness.upstream import Gate, Wait


def model_list(*ids, **more):
    return upstream.jsonr({"object": "list", "data": [
        dict({"id": i, "object": "model", "created": 1700000000, "owned_by": "up"}, **more)
        for i in ids]})


class Lists(Case):
    """Upstreams that count who asks them for their models."""

    def asked(self, up):
        return [r for r in up.requests if r.path.endswith("/models")]

    def ids(self, gateway):
        page = client.get(gateway.port, "/v1/models")
        self.assertEqual(page.status, 200, page.body)
        return [model["id"] for model in page.json()["data"]]

    def config(self, up, refresh="1h", **more):
        return {"models_refresh": refresh,
                "providers": {"up": provider(up, models=["m"], **more)},
                "routes": {"main": {"failover": {"try": ["up/m"]}}}}


class LiveTest(Lists):
    def test_asked_at_the_start_and_never_by_a_request(self):
        up = self.upstream("up")
        up.reply(model_list("live-a", "live-b"))
        gateway = self.gateway(self.config(up), args=["--workers", "2"])
        ids = eventually("the live list", lambda: [
            i for i in [self.ids(gateway)] if "live-a" in i])[0]
        self.assertLessEqual({"main", "m", "up/m", "live-a", "up/live-a", "up/live-b"}, set(ids))
        self.assertEqual(len(ids), len(set(ids)), "each name once")
        for _ in range(30):
            self.ids(gateway)
        self.assertEqual(len(self.asked(up)), 1)
        self.assertEqual(self.asked(up)[0].headers.get("authorization"),
                         "Bearer sk-test-0123456789-secret")
        one = client.get(gateway.port, "/v1/models/live-b").json()
        self.assertEqual((one["id"], one["owned_by"], one["created"]),
                         ("live-b", "up", 1700000000))

    def test_nobody_waits_for_it(self):
        up = self.upstream("up")
        gate = Gate()
        self.addCleanup(gate.open)
        up.reply(upstream.Reply([Wait(gate)] + model_list("late").steps))
        gateway = self.gateway(self.config(up))
        self.assertTrue(gate.reached.wait(10))
        began = time.monotonic()
        self.assertNotIn("late", self.ids(gateway))
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertLess(time.monotonic() - began, 5)
        gate.open()
        eventually("the late list", lambda: "late" in self.ids(gateway))

    def test_last_good_is_kept_and_told_once(self):
        up = self.upstream("up", default=lambda record: upstream.error(500))
        up.reply(model_list("kept"))
        config = dict(self.config(up, refresh="100ms", max_retries=0), breaker={"failures": 0})
        gateway = self.gateway(config)
        eventually("the live list", lambda: "kept" in self.ids(gateway))
        eventually("failures", lambda: len(self.asked(up)) >= 5)
        self.assertIn("kept", self.ids(gateway))
        told = [line for line in gateway.lines if line and "does not tell its models" in line]
        self.assertEqual(len(told), 1, told)
        self.assertIn("those it told last stay listed", told[0])
        for _ in range(3):
            up.reply(model_list("fresh"))
        eventually("the next list", lambda: "fresh" in self.ids(gateway))
        gateway.wait_line("tells its models again")
        self.assertNotIn("kept", self.ids(gateway))

    def test_no_trace_in_log_and_metrics(self):
        up = self.upstream("up", default=lambda record: upstream.error(503)
                           if record.path.endswith("/models") else upstream.chat())
        gateway = self.gateway(self.config(up, refresh="50ms", max_retries=0))
        eventually("so many that a breaker opens", lambda: len(self.asked(up)) >= 5)
        self.assertEqual(client.chat(gateway.port, "up/m").status, 200,
                         "failing lists say nothing about the models")
        entries = gateway.wait_access(1)
        self.assertEqual([e["op"] for e in entries], ["chat"])
        self.assertEqual(dict(gateway.metrics().attempts()), {("up", "ok"): 1})

    def test_opted_out(self):
        up, other = self.upstream("up"), self.upstream("other")
        config = self.config(up, list_models=False)
        config["providers"]["other"] = provider(other)
        gateway = self.gateway(config)
        eventually("the other one is asked", lambda: self.asked(other))
        eventually("its list", lambda: "m-large" in self.ids(gateway))
        self.assertEqual(self.asked(up), [])

    def test_never(self):
        up = self.upstream("up")
        gateway = self.gateway(self.config(up, refresh=0))
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertEqual(self.asked(up), [])

    def test_plain_names_go_to_whom_they_were_told_by(self):
        up, other = self.upstream("up"), self.upstream("other")
        up.reply(model_list("told-by-up", "m-large"))
        config = self.config(up)
        config["providers"]["other"] = provider(other, models=["m-large"], list_models=False)
        gateway = self.gateway(config)
        eventually("the live list", lambda: "told-by-up" in self.ids(gateway))
        answer = client.chat(gateway.port, "told-by-up")
        self.assertEqual((answer.status, answer.headers["x-weir-provider"]), (200, "up"))
        self.assertEqual(up.requests[-1].json()["model"], "told-by-up")
        answer = client.chat(gateway.port, "m-large")
        self.assertEqual(answer.headers["x-weir-provider"], "other", "configured goes first")
        self.assert_error(client.chat(gateway.port, "told-by-nobody"), 404, "model_not_found")

    def test_reload_asks_whom_it_brings(self):
        up, other = self.upstream("up"), self.upstream("other")
        up.reply(model_list("first"))
        other.reply(model_list("second"))
        config = self.config(up)
        gateway = self.gateway(config)
        eventually("the live list", lambda: "first" in self.ids(gateway))
        config["providers"]["other"] = provider(other, models=[])
        gateway.write_config(config)
        gateway.reload()
        eventually("the second list", lambda: "second" in self.ids(gateway))
        self.assertIn("first", self.ids(gateway))
        self.assertEqual(len(self.asked(up)), 1, "nothing changed about it")
        del config["providers"]["other"]
        gateway.write_config(config)
        gateway.reload()
        eventually("it goes with its provider", lambda: "second" not in self.ids(gateway))

    def test_details_of_the_catalogue(self):
        up = self.upstream("up")
        up.reply(model_list("gpt-4o", "tiny", context_window=4096))
        config = self.config(up, vendor="openai", catalogue={
            "m": {"context_window": 1234, "capabilities": ["tools"]}})
        gateway = self.gateway(config)
        eventually("the live list", lambda: "tiny" in self.ids(gateway))
        models = {m["id"]: m for m in client.get(gateway.port, "/v1/models").json()["data"]}
        self.assertEqual(models["m"]["context_window"], 1234)
        self.assertEqual(models["up/m"]["capabilities"], ["tools"])
        self.assertEqual(models["gpt-4o"]["context_window"], 4096, "the provider's own word")
        self.assertEqual(models["gpt-4o"]["max_output_tokens"], 16384)
        self.assertNotIn("context_window", models["main"])


class CommandTest(Lists):
    def config_path(self, config):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-models-"))
        self.addCleanup(shutil.rmtree, folder, True)
        path = folder / "weir.yaml"
        path.write_text(json.dumps(config))
        return path

    def models(self, config, *args):
        return run("models", "-c", self.config_path(config), *args, env={"TEST_KEY": "sk-test"})

    def rows(self, done):
        table = done.stdout.split("\n\n")[0].splitlines()
        return {(c[0], c[1]): c[2:] for c in (line.split() for line in table[1:])}

    def test_table(self):
        up = self.upstream("up")
        up.reply(model_list("gpt-4o", "bare"))
        config = self.config(up, vendor="openai", model_aliases={"fast": "gpt-4o"})
        config["default_route"] = "main"
        config["providers"]["sim"] = {"plugin": "sim"}
        done = self.models(config)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = self.rows(done)
        self.assertEqual(rows[("up", "gpt-4o")][:4], ["128000", "16384", "2.5", "10"])
        self.assertIn("tools", rows[("up", "gpt-4o")][4].split(","))
        self.assertEqual(rows[("up", "bare")], ["-"] * 5)
        self.assertIn(("up", "m"), rows)
        self.assertIn(("sim", "echo"), rows)
        self.assertIn("\naliases\n  fast = up/gpt-4o\n", done.stdout)
        self.assertIn("\nroutes\n  main (default): failover\n", done.stdout)

    def test_json(self):
        up = self.upstream("up")
        up.reply(model_list("gpt-4o"))
        done = self.models(self.config(up, vendor="openai"), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        mine = document["providers"][0]
        self.assertEqual((mine["name"], mine["plugin"], mine["vendor"], mine["asked"],
                          mine["failure"]), ("up", "openai", "openai", True, None))
        models = {m["id"]: m for m in mine["models"]}
        self.assertEqual(models["gpt-4o"]["price"]["input"], 2.5)
        self.assertTrue(models["gpt-4o"]["told"])
        self.assertFalse(models["m"]["told"])
        self.assertEqual(document["routes"], [
            {"name": "main", "strategy": "failover", "default": False}])

    def test_failures(self):
        up = self.upstream("up")
        up.reply(model_list("alive"))
        config = self.config(up)
        config["providers"]["dead"] = provider(self.dead_port(), models=["still"], max_retries=0)
        done = self.models(config)
        self.assertEqual(done.returncode, 0, "one answered")
        self.assertRegex(done.stderr, r"(?m)^weir: dead: connection: ")
        self.assertLessEqual({("up", "alive"), ("dead", "still")}, set(self.rows(done)))
        del config["providers"]["up"], config["routes"]
        done = self.models(config)
        self.assertEqual(done.returncode, 1, "none answered")
        self.assertIn(("dead", "still"), self.rows(done))
        self.assertNotIn("sk-test", done.stdout + done.stderr)

    def test_bounded_and_side_by_side(self):
        gates = [Gate(), Gate()]
        config = {"providers": {}}
        for i, gate in enumerate(gates):
            up = self.upstream("up%d" % i)
            self.addCleanup(gate.open)
            up.reply(upstream.Reply([Wait(gate)]))
            config["providers"]["up%d" % i] = provider(up)
        began = time.monotonic()
        done = self.models(config, "--timeout", "1")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("timeout: "), 2, done.stderr)

    def test_one_provider(self):
        up, other = self.upstream("up"), self.upstream("other")
        config = self.config(up)
        config["providers"]["other"] = provider(other)
        done = self.models(config, "--provider", "other")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({p for p, _ in self.rows(done)}, {"other"})
        self.assertEqual(self.asked(up), [])
        done = self.models(config, "--provider", "othr")
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean 'other'?", done.stderr)

    def test_catalogue_asks_nobody(self):
        up = self.upstream("up")
        config = self.config(up, vendor="openai", catalogue={"own": {"context_window": 77}})
        done = self.models(config, "--catalogue")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.rows(done)
        self.assertEqual(rows[("openai", "gpt-4o")][:4], ["128000", "16384", "2.5", "10"])
        self.assertLessEqual({"openai", "anthropic", "google"}, {v for v, _ in rows})
        done = self.models(config, "--catalogue", "--provider", "up", "--json")
        document = json.loads(done.stdout)
        models = {m["id"]: m for m in document["up"]}
        self.assertEqual(models["own"], {"id": "own", "context_window": 77})
        self.assertIn("2026", models["gpt-4o"]["source"])
        self.assertEqual(self.asked(up), [])

    def test_usage(self):
        self.assertEqual(run("models", "--timeout", "0").returncode, EX_USAGE)
        self.assertEqual(run("models", "extra").returncode, EX_USAGE)
        self.assertIn("weir models", run("models", "--help").stdout)

    def test_check_validates_overrides(self):
        up = self.upstream("up")
        done = run("check", self.config_path(self.config(up, catalogue={"m": {"contxt": 1}})),
                   env={"TEST_KEY": "x"})
        self.assertEqual(done.returncode, 78)
        self.assertIn("unknown key 'contxt' in providers.up.catalogue.m", done.stderr)


if __name__ == "__main__":
    unittest.main()
