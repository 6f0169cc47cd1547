"""Shares are exact over all workers: node state is one per process."""

import threading
import unittest
from collections import Counter

from harness import client, names
from harness.case import Case, provider


class BalanceTest(Case):
    def start(self, node, workers=2, count=2):
        self.ups = [self.upstream("p%d" % i) for i in range(count)]
        return self.gateway({"workers": workers,
                             "providers": {u.name: provider(u) for u in self.ups},
                             "routes": {"spread": node}})

    def shares(self):
        return {u.name: len(u.requests) for u in self.ups}

    def ask(self, gateway, count, threads=4):
        """`count` requests, each over a connection of its own, from several threads at once."""
        served, lock, left = Counter(), threading.Lock(), [count]

        def work():
            while True:
                with lock:
                    if not left[0]:
                        return
                    left[0] -= 1
                answer = client.chat(gateway.port, "spread")
                with lock:
                    served[(answer.status, answer.headers[names.H_PROVIDER])] += 1

        pool = [threading.Thread(target=work) for _ in range(threads)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join(60)
        return served

    def test_round_robin_is_exact_over_two_workers(self):
        gateway = self.start({"round-robin": {"across": ["p0/m", "p1/m"]}})
        served = self.ask(gateway, 100)
        self.assertEqual(self.shares(), {"p0": 50, "p1": 50})
        self.assertEqual(served, {(200, "p0"): 50, (200, "p1"): 50})
        self.books(gateway, *self.ups, requests=100)

    def test_round_robin_takes_turns(self):
        gateway = self.start({"round-robin": {"across": ["p0/m", "p1/m", "p2/m"]}}, count=3)
        order = [client.chat(gateway.port, "spread").headers[names.H_PROVIDER] for _ in range(9)]
        self.assertEqual(order[:3] * 3, order)
        self.assertEqual(sorted(order[:3]), ["p0", "p1", "p2"])

    def test_weighted_is_exact(self):
        gateway = self.start({"weighted": {"across": {"p0": 0.7, "p1": 0.3}}})
        self.ask(gateway, 100)
        self.assertEqual(self.shares(), {"p0": 70, "p1": 30})

    def test_weighted_is_smooth(self):
        gateway = self.start({"weighted": {"across": {"p0": 0.7, "p1": 0.3}}}, workers=1)
        order = [client.chat(gateway.port, "spread").headers[names.H_PROVIDER] for _ in range(10)]
        self.assertEqual(Counter(order), {"p0": 7, "p1": 3})
        self.assertNotIn("p1p1", "".join(order), "the rarer one is spread out")

    def test_weight_as_a_list(self):
        gateway = self.start({"weighted": {"across": [{"to": "p0/m", "weight": 3},
                                                      {"to": "p1/m", "weight": 1}]}})
        self.ask(gateway, 40)
        self.assertEqual(self.shares(), {"p0": 30, "p1": 10})

    def test_weight_zero_is_never_asked(self):
        gateway = self.start({"weighted": {"across": {"p0": 1, "p1": 0}}})
        self.ask(gateway, 20)
        self.assertEqual(self.shares(), {"p0": 20, "p1": 0})

    def test_state_survives_a_reload(self):
        gateway = self.start({"round-robin": {"across": ["p0/m", "p1/m"]}})
        order = []
        for _ in range(3):
            order += [client.chat(gateway.port, "spread").headers[names.H_PROVIDER]]
            since = gateway.reload()
            gateway.wait_line(names.RELOADED, since=since)
        self.assertEqual(order[0], order[2])
        self.assertNotEqual(order[0], order[1])


if __name__ == "__main__":
    unittest.main()
