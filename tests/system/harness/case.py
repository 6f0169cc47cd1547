"""The base of the tests: two upstreams, a gateway in front of them, and the comparison of books."""

import socket
import unittest
from collections import Counter

from . import client, names
from .gateway import Gateway, eventually
from .upstream import Upstream

TIMEOUTS = {"connect": "2s", "first_byte": "10s", "first_token": "10s", "idle": "10s",
            "total": "30s"}


class DeadPort:
    """A port on which nobody listens, and on which nobody else can start to."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.base_url = "http://127.0.0.1:%d/v1" % self.sock.getsockname()[1]

    def close(self):
        self.sock.close()


def provider(base_url, **more):
    """The configuration of an OpenAI-speaking provider at `base_url`, which is asked once: what a test
    scripts for it is then the answer to one request. Retries are the subject of the fault matrix."""
    base_url = getattr(base_url, "base_url", base_url)
    return dict({"plugin": "openai", "base_url": base_url, "api_key": "${TEST_KEY}",
                 "timeout": dict(TIMEOUTS), "models": ["m", "m-*"], "default_model": "m",
                 "max_retries": 0}, **more)


KEY = "sk-test-0123456789-secret"


class Case(unittest.TestCase):
    """Gives upstreams and gateways that end with the test, whatever happens."""

    maxDiff = 4000

    def upstream(self, name="fake", default=None):
        upstream = Upstream(name, default)
        self.addCleanup(upstream.stop)
        return upstream

    def gateway(self, config, env=None, **more):
        gateway = Gateway(config, dict({"TEST_KEY": KEY}, **(env or {})), **more)
        self.addCleanup(self._end, gateway)
        return gateway

    def _end(self, gateway):
        gateway.stop()
        if not gateway.exited_cleanly:
            self.fail("the gateway did not end well (%s):\n%s" %
                      (gateway.process.returncode, gateway.output()))

    def dead_port(self):
        dead = DeadPort()
        self.addCleanup(dead.close)
        return dead

    def assert_error(self, response, status, code=None, kind=None, says=()):
        """An error in the OpenAI shape, with everything an SDK wants to read."""
        self.assertEqual(response.status, status, response.body[:500])
        self.assertIn("application/json", response.headers.get("content-type", ""))
        error = response.error
        self.assertLessEqual({"message", "type", "param", "code"}, set(error), error)
        if code:
            self.assertEqual(error["code"], code, error)
        if kind:
            self.assertEqual(error["type"], kind, error)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, error["message"])
        return error

    def books(self, gateway, *upstreams, requests=None, unseen=()):
        """Log, metrics and upstreams must agree on attempts, classes and tokens.

        `unseen`: (provider, class) of attempts that cannot have reached an upstream. `requests`:
        how many entries the log must have, to wait for. Returns the log.
        """
        attempts, tokens = Counter(unseen), Counter()
        for upstream in upstreams:
            served, counted = upstream.books()
            attempts += served
            tokens += counted
        entries = gateway.wait_access(requests or 1)

        def settled():
            metrics = gateway.metrics()
            return metrics if sum(metrics.attempts().values()) >= sum(attempts.values()) else None

        metrics = eventually("metrics of %d attempts" % sum(attempts.values()), settled, 5) \
            if attempts else gateway.metrics()
        logged, used = Counter(), Counter()
        for entry in entries:
            logged.update(names.log_attempts(entry))
            used.update(names.log_usage(entry))
        used = Counter({kind: n for kind, n in used.items() if n})
        self.assertEqual(dict(logged), dict(attempts), "attempts: access log against upstream")
        self.assertEqual(dict(metrics.attempts()), dict(attempts), "attempts: metrics, upstream")
        self.assertEqual(dict(used), dict(tokens), "tokens: access log against upstream")
        self.assertEqual(dict(metrics.tokens()), dict(tokens), "tokens: metrics, upstream")
        self.assertEqual(metrics.sum(names.M_INFLIGHT), 0, "nothing is left in flight")
        if requests is not None:
            self.assertEqual(len(entries), requests, entries)
        return entries


class SharedCase(Case):
    """One gateway and one upstream for all tests of the class; each test has new books."""

    CONFIG = {}

    @classmethod
    def setUpClass(cls):
        cls.up = Upstream("fake")
        cls.addClassCleanup(cls.up.stop)
        cls.gw = Gateway(cls.config(), {"TEST_KEY": KEY})
        cls.addClassCleanup(cls.gw.stop)
        cls.port = cls.gw.port

    @classmethod
    def config(cls):
        # No breaker: the failures of one test are not to be felt by the next.
        return dict({"providers": {"fake": provider(cls.up)}, "breaker": {"failures": 0}},
                    **cls.CONFIG)

    def setUp(self):
        self.up.forget()
        self.up._queue.clear()
        self.up._by_model.clear()

    def chat(self, *args, **more):
        return client.chat(self.port, *args, **more)

    def stream(self, *args, **more):
        return client.stream(self.port, *args, **more)
