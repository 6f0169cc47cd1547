"""Limits and budgets: what is let through, who waits, and what a refusal says."""

import json
import pathlib
import shutil
import tempfile
import threading
import time
import unittest

from harness import client, names, upstream
from harness.case import Case, provider
from harness.gateway import eventually
from harness.upstream import Gate, Wait

PRICED = {"m": {"price": {"input": 10, "output": 100}}, "m-cheap": {"price": {"input": 0.1,
                                                                               "output": 0.1}}}


class LimitsCase(Case):
    def start(self, rate=None, settings=None, route=None, **more):
        """One upstream behind the route `main`."""
        self.up = self.upstream("fake")
        fake = provider(self.up, **(settings or {}))
        if rate:
            fake["rate_limit"] = rate
        config = {"providers": {"fake": fake}, "workers": 1, "tenant_header": "x-tenant",
                  "routes": {"main": dict({"failover": {"try": ["fake/m"]}}, **(route or {}))},
                  "default_route": "main"}
        return self.gateway(dict(config, **more))

    def refused(self, answer, *says, within=None):
        """Refused by a limit of ours: it says which, of whom, and when to come again."""
        error = self.assert_error(answer, 429, says=says)
        after = int(answer.headers["retry-after"])
        self.assertGreaterEqual(after, 1)
        if within:
            self.assertLessEqual(after, within)
        return error

    def in_background(self, *args, **more):
        """Asks from a thread. Returns a function that waits for the answer."""
        box = []
        thread = threading.Thread(target=lambda: box.append(client.chat(*args, **more)))
        thread.start()

        def answer():
            thread.join(30)
            self.assertTrue(box, "no answer came")
            return box[0]
        return answer

    def waiting(self, gateway, count):
        eventually("%d waiting" % count,
                   lambda: gateway.metrics().sum("weir_waiting") == count)


class ProviderLimitTest(LimitsCase):
    def test_requests(self):
        gateway = self.start({"requests_per_minute": 1}, limits={"wait": "1s"})
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.refused(client.chat(gateway.port, "main"), "provider fake", "1 requests a minute",
                     within=60)
        self.assertEqual(len(self.up.requests), 1, "nothing was sent for the second")

    def test_one_limit_for_all_models(self):
        gateway = self.start({"requests_per_minute": 1}, limits={"wait": "0s"})
        self.assertEqual(client.chat(gateway.port, "fake/m").status, 200)
        self.refused(client.chat(gateway.port, "fake/m-other"), "provider fake")

    def test_tokens(self):
        gateway = self.start({"tokens_per_minute": 1000, "burst_percent": 100}, limits={"wait": "0s"})
        self.assertEqual(client.chat(gateway.port, "main", max_tokens=900).status, 200)
        self.assertEqual(client.chat(gateway.port, "main", max_tokens=900).status, 200,
                         "what was not used was given back")
        self.up.reply(upstream.chat("x", tokens=(5, 1995)))
        client.chat(gateway.port, "main")
        self.refused(client.chat(gateway.port, "main"), "provider fake", "1000 tokens a minute")

    # field: 3.5.8
    def test_the_other_is_asked(self):
        up, other = self.upstream("fake"), self.upstream("other")
        gateway = self.gateway({
            "providers": {"fake": provider(up, rate_limit={"requests_per_minute": 1}),
                          "other": provider(other)},
            "routes": {"main": {"failover": {"try": ["fake/m", "other/m"]}}}})
        served = [client.chat(gateway.port, "main").headers[names.H_PROVIDER] for _ in range(3)]
        self.assertEqual(served, ["fake", "other", "other"])

    def test_kept_over_a_reload(self):
        gateway = self.start({"requests_per_minute": 1}, limits={"wait": "0s"})
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        gateway.reload()
        self.refused(client.chat(gateway.port, "main"), "provider fake")


class QueueTest(LimitsCase):
    def test_concurrency(self):
        gateway = self.start({"concurrency": 1})
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)] + upstream.chat("a").steps))
        first = self.in_background(gateway.port, "main")
        self.assertTrue(gate.reached.wait(10))
        second = self.in_background(gateway.port, "main")
        self.waiting(gateway, 1)
        self.assertEqual(len(self.up.requests), 1, "the second waits")
        gate.open()
        self.assertEqual([first().status, second().status], [200, 200])
        self.books(gateway, self.up, requests=2)

    def test_waits_for_its_turn(self):
        gateway = self.start({"requests_per_minute": 60})
        begun = time.monotonic()
        for _ in range(3):
            self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertTrue(1.5 < time.monotonic() - begun < 10, "a second each, after a burst")

    def test_in_order_of_priority(self):
        gateway = self.start({"concurrency": 1}, tenants={
            "low": {"priority": -1}, "high": {"priority": 5}})
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)] + upstream.chat("a").steps))
        answers = [self.in_background(gateway.port, "main", text="first")]
        self.assertTrue(gate.reached.wait(10))
        for count, tenant in enumerate(("low", "none", "high", "high"), 1):
            answers.append(self.in_background(gateway.port, "main", text=tenant,
                                              headers=[("x-tenant", tenant)]))
            self.waiting(gateway, count)
        gate.open()
        self.assertEqual([answer().status for answer in answers], [200] * 5)
        asked = [r.json()["messages"][-1]["content"] for r in self.up.requests]
        self.assertEqual(asked, ["first", "high", "high", "none", "low"])

    def test_full(self):
        """The queue holds one; who comes first in rank has it."""
        gateway = self.start({"concurrency": 1}, limits={"queue": 1},
                             tenants={"high": {"priority": 1}})
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)] + upstream.chat("a").steps))
        first = self.in_background(gateway.port, "main")
        self.assertTrue(gate.reached.wait(10))
        second = self.in_background(gateway.port, "main")
        self.waiting(gateway, 1)
        self.refused(client.chat(gateway.port, "main"), "1 requests at once")
        high = self.in_background(gateway.port, "main", headers=[("x-tenant", "high")])
        self.refused(second(), "queue is full")
        gate.open()
        self.assertEqual([first().status, high().status], [200, 200])

    def test_not_past_its_time(self):
        gateway = self.start({"concurrency": 1}, limits={"wait": "300ms"})
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)] + upstream.chat("a").steps))
        first = self.in_background(gateway.port, "main")
        self.assertTrue(gate.reached.wait(10))
        begun = time.monotonic()
        self.refused(client.chat(gateway.port, "main"), "provider fake", "1 requests at once")
        self.assertTrue(0.25 < time.monotonic() - begun < 5)
        gate.open()
        self.assertEqual(first().status, 200)

    def test_who_leaves_frees_its_place(self):
        gateway = self.start({"concurrency": 1})
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)] + upstream.chat("a").steps))
        first = self.in_background(gateway.port, "main")
        self.assertTrue(gate.reached.wait(10))
        with self.assertRaises(Exception):
            client.chat(gateway.port, "main", timeout=0.3)
        self.waiting(gateway, 0)
        gate.open()
        self.assertEqual(first().status, 200)
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertEqual(len(self.up.requests), 2)


class TenantTest(LimitsCase):
    def ask(self, gateway, tenant, **more):
        headers = [("x-tenant", tenant)] if tenant else []
        return client.chat(gateway.port, "main", headers=headers, **more)

    def test_requests(self):
        gateway = self.start(tenants={"acme": {"requests_per_minute": 1}})
        self.assertEqual(self.ask(gateway, "acme").status, 200)
        self.refused(self.ask(gateway, "acme"), "tenant acme", "1 requests a minute", within=60)
        self.assertEqual(self.ask(gateway, "other").status, 200, "nobody else has to wait")
        self.assertEqual(self.ask(gateway, None).status, 200)
        entries = gateway.wait_access(4)
        self.assertEqual([e["class"] for e in entries].count("rate_limit"), 1)
        self.assertEqual(len(self.up.requests), 3)

    def test_everybody_else(self):
        gateway = self.start(tenants={"*": {"requests_per_minute": 1}, "acme": {"priority": 1}})
        for tenant in ("a", "b", None):
            self.assertEqual(self.ask(gateway, tenant).status, 200, tenant)
            self.refused(self.ask(gateway, tenant), "tenant %s" % tenant if tenant else
                         "without a tenant")
        self.assertEqual([self.ask(gateway, "acme").status for _ in range(3)], [200] * 3)

    def test_tokens_are_settled(self):
        gateway = self.start(tenants={"acme": {"tokens_per_minute": 1000,
                                               "burst_percent": 100}})
        self.assertEqual(self.ask(gateway, "acme", max_tokens=900).status, 200)
        self.assertEqual(self.ask(gateway, "acme", max_tokens=900).status, 200)
        self.up.reply(upstream.chat("x", tokens=(5, 1995)))
        self.assertEqual(self.ask(gateway, "acme").status, 200)
        self.refused(self.ask(gateway, "acme"), "tenant acme", "1000 tokens a minute")

    def test_concurrency_and_wait(self):
        gateway = self.start(tenants={"acme": {"concurrency": 1, "wait": "20s"},
                                      "hasty": {"concurrency": 1}})
        gates = {"acme": Gate(), "hasty": Gate()}
        for tenant, gate in gates.items():
            self.up.reply(upstream.Reply([Wait(gate)] +
                                         upstream.chat("a").steps))
            first = self.in_background(gateway.port, "main", headers=[("x-tenant", tenant)])
            self.assertTrue(gate.reached.wait(10))
            if tenant == "hasty":
                self.refused(self.ask(gateway, tenant), "tenant hasty", "1 requests at once")
                gate.open()
            else:
                second = self.in_background(gateway.port, "main", headers=[("x-tenant", tenant)])
                self.waiting(gateway, 1)
                gate.open()
                self.assertEqual(second().status, 200)
            self.assertEqual(first().status, 200)
            self.assertEqual(self.ask(gateway, tenant).status, 200, "it has its place again")

    def test_in_the_shape_of_the_dialect(self):
        gateway = self.start(tenants={"acme": {"requests_per_minute": 1}})
        self.ask(gateway, "acme")
        answer = client.post(gateway.port, "/v1/messages",
                             {"model": "main", "max_tokens": 5,
                              "messages": [{"role": "user", "content": "Hi"}]},
                             headers=[("x-tenant", "acme"), ("anthropic-version", "2023-06-01")])
        self.assertEqual(answer.status, 429)
        error = answer.json()
        self.assertEqual((error["type"], error["error"]["type"]), ("error", "rate_limit_error"))
        self.assertIn("tenant acme", error["error"]["message"])
        self.assertIn("retry-after", answer.headers)


class LearnedTest(LimitsCase):
    def test_headers_are_shown(self):
        gateway = self.start()
        self.up.reply(upstream.chat("a", headers=[
            ("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "30s"), ("x-ratelimit-limit-tokens", "30000"),
            ("x-ratelimit-remaining-tokens", "29000"), ("x-ratelimit-reset-tokens", "20s")]))
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        metrics = gateway.metrics()
        self.assertEqual(metrics.sum("weir_target_told_limit", limit="requests"), 500)
        self.assertEqual(metrics.sum("weir_target_told_left", limit="tokens"), 29000)

    def test_ceiling(self):
        """After a 429 it keeps under what went through before, instead of running into the next."""
        gateway = self.start(limits={"wait": "0s"})
        for _ in range(30):
            self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertEqual(gateway.metrics().sum("weir_target_learned_requests_per_minute"), 0)
        self.up.reply(upstream.error(429))
        self.assertEqual(client.chat(gateway.port, "main").status, 429)
        self.assertGreater(gateway.metrics().sum("weir_target_learned_requests_per_minute"), 100)
        asked = len(self.up.requests)
        refused = [a for a in (client.chat(gateway.port, "main") for _ in range(200))
                   if a.status == 429]
        self.refused(refused[0], "fake/m", "its vendor lets through")
        self.assertLess(len(self.up.requests) - asked, 200)


    def test_not_learned(self):
        """Where it is switched off, neither 429s nor headers that say "nothing left" are kept to."""
        gateway = self.start({"learn": False}, limits={"wait": "0s"}, breaker={"failures": 0})
        for _ in range(30):
            client.chat(gateway.port, "main")
        self.up.reply(upstream.error(429), upstream.chat("a", headers=[
            ("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "30s")]))
        self.assertEqual(client.chat(gateway.port, "main").status, 429)
        for _ in range(100):
            self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertEqual(len(self.up.requests), 131)
        self.assertEqual(gateway.metrics().sum("weir_target_learned_requests_per_minute"), 0)


class BudgetTest(LimitsCase):
    def test_deadline_of_the_application(self):
        gateway = self.start()
        self.up.reply(upstream.Reply([upstream.Stall()], "cancelled"))
        begun = time.monotonic()
        answer = client.chat(gateway.port, "main", headers=[("x-weir-deadline", "400ms")])
        self.assertTrue(0.3 < time.monotonic() - begun < 5)
        self.assertNotEqual(answer.status, 200)
        self.assertIn("deadline of 0.4 s", answer.error["message"])
        entry, = gateway.wait_access(1)
        self.assertEqual(entry["class"], "budget")

    def test_it_can_only_be_shorter(self):
        gateway = self.start(budget={"deadline": "300ms"})
        self.up.reply(upstream.Reply([upstream.Stall()], "cancelled"))
        answer = client.chat(gateway.port, "main", headers=[("x-weir-deadline", "1h")])
        self.assertIn("deadline of 0.3 s", answer.error["message"])

    def test_not_a_time(self):
        gateway = self.start()
        for value in ("soon", "0", "-1s"):
            answer = client.chat(gateway.port, "main", headers=[("x-weir-deadline", value)])
            self.assert_error(answer, 400, says=["x-weir-deadline", value])
        self.assertEqual(self.up.requests, [])

    def test_no_waiting_past_it(self):
        gateway = self.start({"requests_per_minute": 30})
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.refused(client.chat(gateway.port, "main", headers=[("x-weir-deadline", "1s")]),
                     "provider fake")

    def money(self, dollars, tries, **more):
        gateway = self.start(settings={"catalogue": PRICED}, route=dict(
            {"failover": {"try": tries}, "budget": {"money": dollars}}, **more))
        return gateway

    def test_money_passes_over_what_is_too_dear(self):
        gateway = self.money(0.01, ["fake/m", "fake/m-cheap"])
        answer = client.chat(gateway.port, "main", max_tokens=50)
        self.assertEqual((answer.status, answer.headers[names.H_MODEL]), (200, "m"))
        answer = client.chat(gateway.port, "main", max_tokens=5000)
        self.assertEqual((answer.status, answer.headers[names.H_MODEL]), (200, "m-cheap"))
        self.assertEqual(len(self.up.requests), 2)

    def test_money_over_all_attempts(self):
        gateway = self.money(0.01, ["fake/m", "fake/m", "fake/m-cheap"])
        self.up.reply(upstream.Reply([upstream.Close()], "protocol"))
        answer = client.chat(gateway.port, "main", max_tokens=70)
        self.assertEqual((answer.status, answer.headers[names.H_MODEL]), (200, "m-cheap"),
                         "what the first may have cost leaves too little for the same again")

    def test_money_refused(self):
        gateway = self.money(0.001, ["fake/m"])
        answer = client.chat(gateway.port, "main", max_tokens=5000)
        self.assertIn("fake/m would cost more than is left of the route's money",
                      answer.error["message"])
        self.assertEqual(self.up.requests, [])
        entry, = gateway.wait_access(1)
        self.assertEqual(entry["class"], "budget")

    def test_what_is_left_is_told_to_strategies(self):
        """Over further tries, other targets and other nodes: one budget, as the records have it."""
        log = pathlib.Path(tempfile.mkdtemp(prefix="weir-budget-")) / "decisions.jsonl"
        self.addCleanup(shutil.rmtree, log.parent, True)
        inner = {"failover": {"try": ["fake/m", "fake/m-cheap"], "retries": 1, "delay": "1ms"}}
        gateway = self.start(
            settings={"catalogue": PRICED}, log={"decisions": str(log)},
            route={"failover": {"try": [inner, "fake/m-cheap"]},
                   "budget": {"money": 1, "attempts": 7, "deadline": "40s"}})
        self.up.reply(*[upstream.Reply([upstream.Close()], "protocol")] * 4)
        self.assertEqual(client.chat(gateway.port, "main", max_tokens=70).status, 200)
        eventually("the record", lambda: log.exists() and log.read_text().endswith("\n"))
        asks = json.loads(log.read_text())["asks"]
        left = [ask["attempts_left"] for ask in asks]
        self.assertEqual(sorted(set(left), reverse=True), [7, 6, 5, 4, 3])
        self.assertEqual(left, sorted(left, reverse=True))
        money = [ask["money_left"] for ask in asks]
        self.assertEqual(money, sorted(money, reverse=True))
        self.assertEqual(money[0], 1000000)
        for more, less in zip(range(7, 3, -1), range(6, 2, -1)):
            self.assertLess(money[left.index(less)], money[left.index(more)],
                            "what an attempt may have cost is gone")
        self.assertEqual(len({ask["deadline_us"] for ask in asks}), 1)
        self.assertEqual({ask["node"] for ask in asks}, {"main", "main/failover"})

    def test_what_is_left_beside_a_hedge(self):
        """Two attempts at once are both gone from it, for the one that asked and the one above."""
        log = pathlib.Path(tempfile.mkdtemp(prefix="weir-budget-")) / "decisions.jsonl"
        self.addCleanup(shutil.rmtree, log.parent, True)
        hedge = {"hedge": {"try": ["fake/m", "fake/m-cheap"], "after": "50ms", "ratio": 1}}
        gateway = self.start(
            settings={"catalogue": PRICED}, log={"decisions": str(log)},
            route={"failover": {"try": [hedge, "fake/m-cheap"]},
                   "budget": {"money": 1, "attempts": 7, "deadline": "40s"}})
        gate = upstream.Gate()
        self.up.reply_for("m", upstream.Reply([upstream.Wait(gate), upstream.Close()], "protocol"))
        self.up.reply_for("m-cheap", upstream.Reply([upstream.Close()], "protocol"))
        answered = self.in_background(gateway.port, "main", max_tokens=70)
        self.up.wait_requests(2)
        gate.open()
        self.assertEqual(answered().status, 200)
        eventually("the record", lambda: log.exists() and log.read_text().endswith("\n"))
        asks = json.loads(log.read_text())["asks"]
        self.assertEqual([ask["attempts_left"] for ask in asks if ask["node"] == "main/hedge"],
                         [7, 6, 5, 5])
        self.assertEqual([ask["attempts_left"] for ask in asks if ask["node"] == "main"], [7, 5])
        money = [ask["money_left"] for ask in asks if ask["node"] == "main/hedge"]
        self.assertEqual(sorted(set(money), reverse=True), sorted(money[:3], reverse=True))
        self.assertEqual(len(set(money[:3])), 3, "each may have cost something of its own")
        self.assertEqual(len({ask["deadline_us"] for ask in asks}), 1)

    def test_money_without_a_price(self):
        gateway = self.start(route={"budget": {"money": 0.01}})
        answer = client.chat(gateway.port, "main")
        self.assertEqual(answer.status, 200)
        self.assertIn("budget.money", answer.headers[names.H_WARNINGS])


class TimeTest(LimitsCase):
    def test_of_a_model(self):
        """Over its provider's, under its route's; its own name before patterns."""
        def late(record):
            return upstream.Reply([upstream.Stall()], "timeout")

        gateway = self.start(settings={"models": [
            {"name": "m-*", "timeout": {"first_byte": "300ms"}},
            {"name": "m-deep", "timeout": {"first_byte": "9s", "total": "700ms"}}]},
            route={"failover": {"try": ["fake/m-quick"]}, "timeout": {"first_byte": "600ms"}})
        self.up.default = late
        for model, least, most, says in (("fake/m-quick", .3, .55, "first byte"),
                                         ("fake/m-deep", .7, 1.5, "0.7 s"),
                                         ("main", .6, 1.5, "first byte")):
            began = time.monotonic()
            answer = client.chat(gateway.port, model, stream=True)
            took = time.monotonic() - began
            self.assertEqual(answer.status, 504, answer.body)
            self.assertTrue(least <= took < most, (model, took, answer.body))


class BreakerTest(LimitsCase):
    def test_away_and_back(self):
        """With the defaults: it is left alone after five failures, one at a time looks whether it
        is back, and it is found within seconds."""
        gateway = self.start()
        for _ in range(5):
            self.up.reply(upstream.error(500))
            self.assertEqual(client.chat(gateway.port, "main").status, 502)
        answer = client.chat(gateway.port, "main")
        self.assertEqual((answer.status, len(self.up.requests)), (503, 5))
        self.assertLessEqual(int(answer.headers["retry-after"]), 2)
        eventually("it is asked again", lambda: client.chat(gateway.port, "main").status == 200, 8)

    def test_of_a_provider(self):
        gateway = self.start(settings={"breaker": {"failures": 1, "cooldown": "10m"}})
        self.up.reply(upstream.error(500))
        client.chat(gateway.port, "main")
        answer = client.chat(gateway.port, "main")
        self.assertEqual((answer.status, len(self.up.requests)), (503, 1))
        self.assertGreater(int(answer.headers["retry-after"]), 500)


if __name__ == "__main__":
    unittest.main()
