"""The stage of the fault matrix: two targets behind a failover route of default settings.

Those ask a target once more after a failure that time may heal, and after that the next one.

Every test looks from both sides: at what the caller got, and at what each upstream saw, and when.
"""

import functools
import inspect

from . import names, upstream
from .ask import ask
from .case import Case

# Nothing waits longer than this where nothing is said of time.
PROMPT_S = 5


def plain(up, **more):
    """A provider of default settings."""
    return dict({"plugin": "openai", "base_url": up.base_url, "api_key": "${TEST_KEY}"}, **more)


def both_ways(*settings):
    """A test that is run whole and streamed, for each of these settings, each before a gateway of its
    own. It is given `stream`, and of the settings what its signature names; start() gets the rest."""
    def decorate(test):
        own = inspect.signature(test).parameters

        @functools.wraps(test)
        def run(self):
            for setting in settings or ({},):
                given = {key: value for key, value in setting.items() if key in own}
                more = {key: value for key, value in setting.items() if key not in own}
                for stream in (False, True):
                    with self.subTest(stream=stream, **setting):
                        self.start(**more)
                        test(self, stream, **given)
                    self.doCleanups()
        return run
    return decorate


class MatrixCase(Case):
    def start(self, first=None, second=None, route=None, breaker=None, models=("m", "m"),
              **failover):
        """Two upstreams, and a gateway whose route `main` tries one after the other."""
        self.first, self.second = self.upstream("first"), self.upstream("second")
        children = ["%s/%s" % pair for pair in zip(("first", "second"), models)]
        tree = dict({"try": children}, **failover) if failover else children
        config = {"providers": {"first": plain(self.first, **(first or {})),
                                "second": plain(self.second, **(second or {}))},
                  "routes": {"main": dict({"failover": tree}, **(route or {}))},
                  "default_route": "main"}
        if breaker:
            config["breaker"] = breaker
        self.gw = self.gateway(config)
        return self.gw

    def ask(self, stream=False, **more):
        return ask(self.gw.port, stream, **more)

    # What the caller got.

    def assert_full(self, result, by, attempts=None, text="Hello from upstream", within=PROMPT_S):
        """The whole answer, told as whose it is, in good time."""
        self.assertTrue(result.complete, result)
        self.assertEqual(result.reading.text, text)
        self.assertEqual(result.headers[names.H_PROVIDER], by, result)
        if attempts is not None:
            self.assertEqual(result.headers[names.H_ATTEMPTS], str(attempts))
        self.assertLess(result.seconds, within)

    def assert_failed(self, result, status, within=PROMPT_S, says=()):
        """One clean error and nothing else; nobody could take it for an answer."""
        self.assertFalse(result.complete, result)
        self.assertEqual(result.status, status, result)
        self.assertTrue(result.message, result)
        self.assertEqual(result.reading.text, "")
        self.assertLess(result.seconds, within)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, result.message)

    def assert_broken(self, result, began, within=PROMPT_S):
        """A begun answer that ends in one error event, and not as one that is whole."""
        r = result.reading
        self.assertFalse(result.complete, result)
        self.assertEqual((result.status, r.text), (200, began), result)
        self.assertTrue(result.message, result)
        self.assertFalse(r.ended, result)
        self.assertIsNone(r.finish, result)
        self.assertEqual(sum(bool(d.get("error")) for d in r.documents), 1, result)
        self.assertLess(result.seconds, within)

    # What the upstreams saw.

    def assert_asked(self, first, second):
        self.assertEqual((len(self.first.requests), len(self.second.requests)), (first, second))

    def times(self, up):
        return [at for at, what, _ in up.journal if what == "request"]

    def gaps(self, up):
        at = self.times(up)
        return [b - a for a, b in zip(at, at[1:])]

    # What is left behind.

    def assert_healthy(self):
        """The next request, whole and streamed, gets its answer."""
        for up in (self.first, self.second):
            up._queue.clear()
            up.default = upstream.pretend
        for stream in (False, True):
            result = self.ask(stream)
            self.assertTrue(result.complete, result)
        self.assertEqual(self.gw.metrics().sum(names.M_INFLIGHT), 0)

    def settle(self, *attempts, requests=1):
        """The books agree with the upstreams, and say these attempts; then all is well again."""
        entries = self.books(self.gw, self.first, self.second, requests=requests)
        self.assertEqual(names.log_attempts(entries[-1]), list(attempts))
        self.assert_healthy()
        return entries[-1]
