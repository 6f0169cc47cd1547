"""Copies: a shadow's answer reaches nobody, and nothing that becomes of it is felt by who asked."""

import json
import pathlib
import shutil
import tempfile
import time
import unittest

from harness import client, names, upstream
from harness.ask import DIALECTS, ask
from harness.case import KEY, Case, eventually, provider
from harness.gateway import run
from harness.upstream import Close, Gate, Reply, Reset, Stall, Wait

USAGE = {"stream_options": {"include_usage": True}}


class ShadowCase(Case):
    def start(self, more=None, route=None, limit=None, **options):
        self.real, self.tried = self.upstream("real"), self.upstream("tried")
        shadow = dict({"to": "real/m", "copy": "tried/m-new"}, **options)
        limits = {"rate_limit": limit} if limit else {}
        return self.gateway(dict({
            "providers": {"real": provider(self.real), "tried": provider(self.tried, **limits)},
            "routes": {"main": dict({"shadow": shadow}, **(route or {}))},
            "default_route": "main"}, **(more or {})))

    def log(self, gateway, requests):
        """(entries of requests, entries of copies)."""
        entries = gateway.wait_access(requests)
        return ([e for e in entries if not e.get("shadow_of")],
                [e for e in entries if e.get("shadow_of")])


class CopyTest(ShadowCase):
    def test_both_are_asked_the_same(self):
        """The answer is that of the one, whole and streamed; the other's is only in the books."""
        for stream in (False, True):
            with self.subTest(stream=stream):
                gateway = self.start()
                self.tried.default = lambda record: (
                    upstream.stream(["Not this"], tokens=(9, 4)) if record.json().get("stream")
                    else upstream.chat("Not this", tokens=(9, 4)))
                result = ask(gateway.port, stream, model="main", temperature=0.5,
                             **(USAGE if stream else {}))
                self.assertTrue(result.complete, result)
                self.assertEqual(result.reading.text, "Hello from upstream")
                self.assertEqual(result.headers[names.H_PROVIDER], "real")
                self.assertEqual(result.headers[names.H_ATTEMPTS], "1")
                real, = self.real.wait_requests(1)
                copy, = self.tried.wait_requests(1)
                self.assertEqual(dict(copy.json(), model="m"), real.json())
                self.assertEqual(copy.json()["model"], "m-new")
                (request,), (copied,) = self.log(gateway, 2)  # nobody else waits for the copy
                self.books(gateway, self.real, self.tried, requests=2)
                self.assertEqual(names.log_attempts(request), [("real", "ok")])
                self.assertEqual(names.log_attempts(copied), [("tried", "ok")])
                self.assertEqual(copied["shadow_of"], request["id"])
                self.assertEqual(copied["shadow"], "tried/m-new")
                self.assertEqual((copied["usage"]["input"], copied["usage"]["output"]), (9, 4))

    def test_of_every_api(self):
        gateway = self.start()
        for stream in (False, True):
            for dialect in DIALECTS:
                with self.subTest(dialect, stream=stream):
                    result = ask(gateway.port, stream, dialect, model="main")
                    self.assertTrue(result.complete, result)
                    self.assertEqual(result.reading.text, "Hello from upstream")
        self.tried.wait_requests(2 * len(DIALECTS))
        self.assertEqual(len(self.real.requests), 2 * len(DIALECTS))

    def test_share(self):
        """By the asker: each has all copied, or nothing; and without any share there is none."""
        gateway = self.start(percent=50, by="user")
        for user in range(16):
            for _ in range(2):
                self.assertEqual(client.chat(gateway.port, "main", user="u%d" % user).status, 200)
        requests = gateway.wait_access(32, where=lambda entry: not entry.get("shadow_of"))
        self.tried.wait_requests(sum(1 for request in requests if request.get("shadows")))
        asked = [record.json()["user"] for record in self.tried.requests]
        self.assertTrue(0 < len(set(asked)) < 16, asked)
        self.assertEqual({asked.count(user) for user in asked}, {2})
        gateway = self.start(percent=0)
        for _ in range(5):
            client.chat(gateway.port, "main")
        self.assertEqual(self.tried.requests, [])


class UnfeltTest(ShadowCase):
    FAULTS = {"error": lambda: upstream.error(500), "limit": lambda: upstream.error(429),
              "reset": lambda: Reply([Reset()], "protocol"),
              "cut": lambda: Reply([*upstream.stream(["Not"], finish=None).steps[:1], Close()],
                                   "protocol")}

    def test_its_failures(self):
        for name, fault in self.FAULTS.items():
            for stream in (False, True):
                with self.subTest(name, stream=stream):
                    gateway = self.start(more={"breaker": {"failures": 0}})
                    self.tried.default = lambda record, f=fault: f()
                    result = ask(gateway.port, stream, model="main")
                    self.assertTrue(result.complete, result)
                    self.assertNotIn(names.H_WARNINGS, result.headers)
                    (request,), (copied,) = self.log(gateway, 2)
                    self.assertEqual(request["status"], 200)
                    self.assertEqual(request["class"], "ok")
                    self.assertNotEqual(copied["class"], "ok")

    def test_its_silence(self):
        """It is not waited for; and it ends when its own time is over."""
        gateway = self.start(route={"timeout": {"total": "1s"}})
        self.tried.default = lambda record: Reply([Stall()], "timeout")
        for stream in (False, True):
            result = ask(gateway.port, stream, model="main")
            self.assertTrue(result.complete, result)
            self.assertLess(result.seconds, 0.9)
        for record in self.tried.wait_requests(2):
            self.assertTrue(record.gone.wait(5))
        _, copies = self.log(gateway, 4)
        self.assertEqual([c["class"] for c in copies], ["timeout", "timeout"])

    def test_the_application_leaves_and_the_copy_goes_on(self):
        gateway = self.start()
        gate = Gate()
        self.addCleanup(gate.open)
        self.real.default = lambda record: Reply([Stall()], "cancelled")
        self.tried.default = lambda record: Reply([Wait(gate), *upstream.chat().steps])
        conn = client.Conn(gateway.port)
        conn.request("POST", "/v1/chat/completions", json.dumps(
            {"model": "main", "messages": [{"role": "user", "content": "Hi"}]}).encode())
        self.tried.wait_requests(1)
        real, = self.real.wait_requests(1)
        conn.close()
        self.assertTrue(real.gone.wait(5))
        gate.open()
        _, (copied,) = self.log(gateway, 2)
        self.assertEqual(names.log_attempts(copied), [("tried", "ok")])

    def test_an_answer_that_is_too_large(self):
        """What it sends is read up to the limit of every answer, and no further."""
        gateway = self.start()
        self.tried.default = lambda record: upstream.whole(
            body=b'{"choices":"' + b"x" * (65 << 20) + b'"}', cls="protocol")
        result = ask(gateway.port, model="main")
        self.assertTrue(result.complete, result)
        (request,), (copied,) = self.log(gateway, 2)
        self.assertEqual((request["class"], copied["class"]), ("ok", "protocol"))

    def test_its_pace(self):
        """A stream goes at its own: the copy's is still at its first word when it has ended."""
        gateway = self.start()
        gate = Gate()
        self.addCleanup(gate.open)
        self.tried.default = lambda record: upstream.stream(["Not", " this"], tokens=(9, 4),
                                                            gates={1: gate})
        result = ask(gateway.port, True, model="main", **USAGE)
        self.assertTrue(result.complete, result)
        self.assertEqual(result.reading.text, "Hello from upstream")
        self.assertEqual([bool(e.get("shadow_of")) for e in gateway.wait_access(1)], [False])
        gate.open()
        _, (copied,) = self.log(gateway, 2)
        self.assertEqual((copied["class"], copied["usage"]), ("ok", {"input": 9, "output": 4}))

    def test_a_reload_that_takes_its_provider_away(self):
        """A copy ends on the configuration that it began on."""
        gateway = self.start()
        gate = Gate()
        self.addCleanup(gate.open)
        self.tried.default = lambda record: Reply([Wait(gate), *upstream.chat().steps])
        self.assertTrue(ask(gateway.port, model="main").complete)
        self.tried.wait_requests(1)
        gateway.write_config({"providers": {"real": provider(self.real)}, "default_route": "main",
                              "routes": {"main": {"failover": ["real/m"]}}})
        since = gateway.reload()
        gateway.wait_line(": reloaded", since=since)
        self.assertTrue(ask(gateway.port, model="main").complete)
        gate.open()
        requests, (copied,) = self.log(gateway, 3)
        self.assertEqual([r["class"] for r in requests], ["ok", "ok"])
        self.assertEqual(names.log_attempts(copied), [("tried", "ok")])
        self.assertEqual(len(self.tried.requests), 1)

    def test_no_more_than_may_be(self):
        """Those that never end take no place of others: they are not sent."""
        gateway = self.start(more={"workers": 1, "limits": {"shadows": 2}})
        self.tried.default = lambda record: Reply([Stall()], "cancelled")
        for _ in range(6):
            self.assertTrue(ask(gateway.port, model="main").complete)
        self.assertEqual(len(self.tried.wait_requests(2)), 2)
        self.assertEqual(gateway.metrics().sum("weir_shadows_total", **{"class": "not_sent"}), 4)

    def test_it_stops_in_time(self):
        """A copy under way is no reason to go on when the gateway is told to stop."""
        gateway = self.start(more={"limits": {"drain_timeout": "20s"}})
        self.tried.default = lambda record: Reply([Stall()], "cancelled")
        self.assertTrue(ask(gateway.port, model="main").complete)
        self.tried.wait_requests(1)
        began = time.monotonic()
        gateway.stop()
        self.assertLess(time.monotonic() - began, 10)


class OwnTest(ShadowCase):
    """What a copy uses is its own: none of it is the asker's."""

    def test_limits_of_the_tenant(self):
        """Not the places, though the copies never end; not the tokens, though they use many."""
        gateway = self.start(more={
            "tenant_header": "x-tenant", "limits": {"wait": "0s"},
            "tenants": {"acme": {"requests_per_minute": 3, "burst_percent": 100, "concurrency": 1,
                                 "tokens_per_minute": 5000, "wait": "0s"}}})
        many = upstream.chat(tokens=(5, 90000))
        for i, reply in enumerate([Reply([Stall()], "cancelled"), many, many], 1):
            self.tried.reply(reply)
            answer = client.chat(gateway.port, "main", headers={"x-tenant": "acme"})
            self.assertEqual(answer.status, 200, answer.body)
            gateway.wait_access(i, where=lambda entry: not entry.get("shadow_of"))
            self.tried.wait_requests(i)
        _, copies = self.log(gateway, 5)
        self.assertEqual([c["usage"]["output"] for c in copies], [90000, 90000])
        self.assert_error(client.chat(gateway.port, "main", headers={"x-tenant": "acme"}), 429)
        self.assertEqual(len(self.tried.requests), 3, "and a refused request is not copied")

    def test_limits_of_the_provider(self):
        """Those are for copies, too: at its limit it gets none, and the request does not wait."""
        gateway = self.start(limit={"concurrency": 1}, more={"workers": 1})
        self.tried.reply(Reply([Stall()], "cancelled"))
        for _ in range(3):
            result = ask(gateway.port, model="main")
            self.assertTrue(result.complete, result)
            self.assertNotIn(names.H_WARNINGS, result.headers)
            self.tried.wait_requests(1)
        requests = gateway.wait_access(3)
        self.assertEqual([r["class"] for r in requests], ["ok"] * 3)
        self.assertEqual([bool(r.get("shadows")) for r in requests], [True, False, False])
        self.assertEqual(len(self.tried.requests), 1)

    def test_records(self):
        """One for the request, which says where a copy went, and one for the copy; a simulation
        with the same configuration decides the same, and sends nothing."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-shadow-"))
        self.addCleanup(shutil.rmtree, folder, True)
        file = folder / "decisions.jsonl"
        gateway = self.start(more={"log": {"decisions": str(file)}}, percent=50)
        told = {}
        for _ in range(20):
            answer = client.chat(gateway.port, "main", headers={"x-weir-explain": "1"})
            decision, = json.loads(answer.headers["x-weir-explain"])["decisions"]
            self.assertEqual((decision["says"], decision["child"]), ("pick", "real/m"))
            told[len(told)] = decision.get("copy")
        copies = sum(1 for copy in told.values() if copy == "tried/m-new")
        self.assertTrue(0 < copies < 20, told)
        records = eventually("all records", lambda: file.exists() and [
            line for line in [file.read_text().splitlines()] if len(line) == 20 + copies])[0]
        records = [json.loads(line) for line in records]
        by_id = {r["id"]: r for r in records}
        for record in records:
            if "shadow_of" in record:
                asked = by_id[record["shadow_of"]]
                self.assertEqual(asked["asks"][0]["decision"]["shadow_child"], 1)
                self.assertEqual(record["attempts"][0]["target"], "tried/m-new")
        done = run("simulate", "--log", file, "-c", gateway.config_path, "--json",
                   env={"TEST_KEY": KEY})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["records"], report["copies"], report["changed"],
                          report["requests_changed"]), (20, copies, 0, 0), report)
        self.assertEqual(len(self.tried.requests), copies, "nobody is called")


if __name__ == "__main__":
    unittest.main()
