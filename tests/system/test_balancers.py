"""Each balancer by its name in the configuration, and hedging seen from both sides."""

import unittest
from collections import Counter

from harness import client, names, upstream
from harness.case import Case, provider
from harness.upstream import Gate, Reply, Stall, Wait


class BalancersTest(Case):
    def start(self, node, **more):
        self.ups = [self.upstream("p%d" % i) for i in range(2)]
        return self.gateway({"providers": {u.name: provider(u) for u in self.ups},
                             "routes": {"spread": node}}, **more)

    def served(self, gateway, count, **more):
        return Counter(client.chat(gateway.port, "spread", **more).headers[names.H_PROVIDER]
                       for _ in range(count))

    def test_each_by_name(self):
        """Written with '-' and with '_': each serves, and moves on when a child fails."""
        for name in ("round_robin", "random-two", "random_two", "least-busy", "least_busy",
                     "least-latency", "least_latency", "headroom", "affinity", "cheapest"):
            with self.subTest(name):
                gateway = self.start({name: {"across": ["p0/m", "p1/m"]}})
                self.ups[0].reply(*[upstream.error(500)] * 2)
                self.ups[1].reply(upstream.error(500))
                served = self.served(gateway, 6)
                self.assertEqual(sum(served.values()), 6)
                self.books(gateway, *self.ups, requests=6)
                gateway.stop()

    def test_options_are_checked(self):
        for node, says in (
                ({"affinity": {"across": ["p0/m"], "bound": 0.5}}, "from 1 to 1000"),
                ({"affinity": {"across": ["p0/m"], "by": "moon"}}, "session"),
                ({"cheapest": {"across": ["p0/m"], "output_tokens": -1}}, "from 0 to 1000000000"),
                ({"least-latency": {"across": ["p0/m"], "trial": 0.9}}, "from 0 to 0.5"),
                ({"hedge": {"try": ["p0/m"], "after": "1s", "quantile": 0.9}}, "one of the two"),
                ({"hedge": {"try": ["p0/m"], "ratio": 2}}, "from 0 to 1"),
                ({"failover": {"try": ["p0/m"], "backoff": 0.5}}, "from 1 to 100"),
                ({"failover": {"try": ["p0/m"], "delay": "2s", "max_delay": "1s"}}, "shorter")):
            with self.subTest(says):
                with self.assertRaisesRegex(Exception, says):
                    self.start(node)


class HedgeTest(Case):
    def start(self, **more):
        self.first, self.second = self.upstream("first"), self.upstream("second")
        return self.gateway({
            "providers": {"first": provider(self.first), "second": provider(self.second)},
            "routes": {"main": {"hedge": dict({"try": ["first/m", "second/m"]}, **more)}}})

    def test_the_late_one_loses(self):
        gateway = self.start(after="100ms", ratio=1)
        gate = Gate()
        self.first.reply(Reply([Wait(gate), Stall()], "cancelled"))
        head, events, _ = client.stream(gateway.port, "main")
        self.assertEqual((head.status, head.headers[names.H_PROVIDER]), (200, "second"))
        self.assertEqual(client.text_of(events), "Hello from upstream")
        self.assertTrue(events[-1].done)
        record, = self.first.requests
        self.assertTrue(record.gone.wait(5), "the loser was not let go")
        entry, = self.books(gateway, self.first, self.second, requests=1)
        self.assertEqual(sorted(names.log_attempts(entry)),
                         [("first", "cancelled"), ("second", "ok")])

    def test_in_time_is_not_hedged(self):
        gateway = self.start(after="20s", ratio=1)
        self.assertEqual(client.chat(gateway.port, "main").headers[names.H_PROVIDER], "first")
        self.assertEqual(self.second.requests, [])
        self.books(gateway, self.first, self.second, requests=1)

    def test_a_failure_moves_on(self):
        gateway = self.start(after="20s")
        self.first.reply(upstream.error(503))
        self.assertEqual(client.chat(gateway.port, "main").headers[names.H_PROVIDER], "second")
        self.books(gateway, self.first, self.second, requests=1)


if __name__ == "__main__":
    unittest.main()
