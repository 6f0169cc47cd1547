"""Targets that are slow, silent or away for a while. Times are those of the defaults, scaled down.

A limit that fires moves the request on, once; the target that was silent is not asked again in that
request; one that keeps failing is left alone and tried by one request at a time; and it is back soon
after it is well.
"""

import threading
import time
import unittest

from harness import client, names, upstream
from harness.ask import DIALECTS, ask
from harness.matrix_case import MatrixCase, both_ways
from harness.upstream import Gate, Reply, Stall, Wait, chunk, event

ROLE = event(chunk({"role": "assistant", "content": ""}))
# Each limit apart from the others, so that only the one in question can fire.
FIRST_BYTE = {"first": {"timeout": {"first_byte": "300ms", "total": "700ms"}}}
FIRST_TOKEN = {"first": {"timeout": {"first_token": "300ms", "total": "700ms"}}}
AGAIN = {"retries": 5, "delay": "1ms"}


class SilenceTest(MatrixCase):
    @both_ways(FIRST_BYTE, dict(FIRST_BYTE, **AGAIN))
    def test_first_byte(self, stream):
        """The limit fires once: the silent target is let go, and is not asked again."""
        self.first.default = lambda record: Reply([Stall()], "timeout")
        result = self.ask(stream)
        self.assert_full(result, "second", 2)
        self.assertGreaterEqual(result.seconds, 0.3 if stream else 0.7)
        self.assertLess(result.seconds, 2)
        self.assert_asked(1, 1)
        self.assertTrue(self.first.requests[0].gone.wait(5))
        entry = self.settle(("first", "timeout"), ("second", "ok"))
        self.assertIn("first_byte" if stream else "total", entry["attempts"][0]["message"])

    @both_ways(FIRST_BYTE, dict(FIRST_BYTE, **AGAIN))
    def test_silence_at_both(self, stream):
        """Each limit once, then one error that says which."""
        self.gw.stop()
        self.start(second=FIRST_BYTE["first"], **FIRST_BYTE)
        for up in (self.first, self.second):
            up.default = lambda record: Reply([Stall()], "timeout")
        result = self.ask(stream)
        self.assert_failed(result, 504, within=3, says="first_byte" if stream else "total")
        self.assert_asked(1, 1)
        self.settle(("first", "timeout"), ("second", "timeout"))

    @both_ways(FIRST_TOKEN, dict(FIRST_TOKEN, **AGAIN))
    def test_first_token(self, stream):
        """A head, a role, signs of life: but no word."""
        if not stream:
            return                         # it has a head only when it is whole
        for steps in ([ROLE, Stall()], [Stall()], [ROLE] + [b": ping\n\n"] * 5 + [Stall()]):
            self.first.reply(upstream.sse(steps, cls="timeout"))
        for count in range(1, 4):
            result = self.ask(True)
            self.assert_full(result, "second", 2)
            self.assertGreaterEqual(result.seconds, 0.3)
            self.assertLess(result.seconds, 2)
            self.assert_asked(count, count)
        for entry in self.books(self.gw, self.first, self.second, requests=3):
            self.assertIn("first_token", entry["attempts"][0]["message"])
        self.assert_healthy()

    def test_a_late_first_token_is_in_time(self):
        """Slow, but within its limit: nobody else is asked."""
        self.start(first={"timeout": {"first_token": "5s"}})
        gate = Gate()
        threading.Timer(0.5, gate.open).start()
        self.first.reply(upstream.stream(gates={0: gate}))
        result = self.ask(True)
        self.assert_full(result, "first", 1)
        self.assertGreaterEqual(result.seconds, 0.4)
        self.assert_asked(1, 0)

    def test_in_every_api(self):
        for stream in (False, True):
            self.start(breaker={"failures": 0}, **FIRST_BYTE)
            self.first.default = lambda record: Reply([Stall()], "timeout")
            for dialect in DIALECTS:
                with self.subTest(dialect, stream=stream):
                    self.assert_full(ask(self.gw.port, stream, dialect), "second", 2)
            self.assert_asked(5, 5)
            self.doCleanups()

    def test_deadline_of_the_caller_is_kept(self):
        """The route's budget is the end of all waiting, whatever the targets do."""
        for stream in (False, True):
            with self.subTest(stream=stream):
                self.start(route={"budget": {"deadline": "700ms"}})
                for up in (self.first, self.second):
                    up.default = lambda record: Reply([Stall()], "cancelled")
                self.assert_failed(self.ask(stream), 504, within=2)
                self.assertTrue(self.first.requests[0].gone.wait(5))
                self.assert_healthy()
                self.doCleanups()


class AwayTest(MatrixCase):
    """A target that is down for a while: 3 failures open the breaker for a second, then longer."""

    BREAKER = {"breaker": {"failures": 3, "cooldown": "1s"}}

    def down(self):
        self.first.default = lambda record: upstream.error(503)

    def open(self, stream=False):
        """Fails until the breaker is open."""
        self.down()
        self.assert_full(self.ask(stream), "second", 3)
        self.assert_full(self.ask(stream), "second", 2)
        for _ in range(5):
            self.assert_full(self.ask(stream), "second", 1)
        self.assert_asked(3, 7)

    @both_ways(BREAKER)
    def test_down_for_a_while_and_back(self, stream):
        self.open(stream)
        ends = time.monotonic() + 2
        while time.monotonic() < ends:     # traffic goes on, and nobody notices
            self.assert_full(self.ask(stream), "second")
        probes = len(self.first.requests) - 3
        self.assertIn(probes, (1, 2, 3), "tried now and then, each time later")
        gaps = self.gaps(self.first)[2:]
        self.assertGreaterEqual(gaps[0], 0.99)
        for before, after in zip(gaps, gaps[1:]):
            self.assertGreaterEqual(after, before * 1.5)
        self.first.default = upstream.pretend
        back = time.monotonic()
        while self.ask(stream).headers[names.H_PROVIDER] != "first":
            self.assertLess(time.monotonic() - back, 4)
        for _ in range(5):
            self.assert_full(self.ask(stream), "first", 1)
        self.assert_healthy()

    def test_probes_are_single(self):
        """While one request finds out, all others go on to the next target at once."""
        self.start(**self.BREAKER)
        self.open()
        gate = Gate()
        self.addCleanup(gate.open)
        self.first.default = lambda record: Reply([Wait(gate), *upstream.chat().steps])
        asked = len(self.first.requests)
        probe = []
        thread = threading.Thread(target=lambda: probe.append(self.probe()))
        thread.start()
        self.first.wait_requests(asked + 1)
        for _ in range(20):
            self.assert_full(self.ask(), "second", 1)
        self.assertEqual(len(self.first.requests), asked + 1)
        gate.open()
        thread.join(10)
        self.assert_full(probe[0], "first", 1)
        self.first.default = upstream.pretend
        self.assert_full(self.ask(), "first", 1)

    def probe(self):
        """Asks until the first target is asked; gives that result."""
        before = len(self.first.requests)
        while True:
            result = self.ask()
            if len(self.first.requests) > before:
                return result

    def test_a_probe_that_never_ends_does_not_close_the_door(self):
        """The one that finds out leaves: another may."""
        self.start(**self.BREAKER)
        self.open()
        self.first.default = lambda record: Reply([Stall()], "cancelled")
        asked = len(self.first.requests)
        ends = time.monotonic() + 5
        while len(self.first.requests) == asked:
            self.assertLess(time.monotonic(), ends)
            conn = client.Conn(self.gw.port)
            conn.request("POST", "/v1/chat/completions", b'{"model":"main","messages":[]}')
            conn.sock.settimeout(0.2)
            try:
                conn.head()
            except OSError:
                pass
            conn.close()
        self.assertTrue(self.first.requests[-1].gone.wait(5))
        self.first.default = upstream.pretend
        back = time.monotonic()
        while self.ask().headers[names.H_PROVIDER] != "first":
            self.assertLess(time.monotonic() - back, 4)

    def test_both_away(self):
        """One clean error that says when to come again; and both are back soon after."""
        self.start(**self.BREAKER)
        for up in (self.first, self.second):
            up.default = lambda record: upstream.error(503)
        for _ in range(6):
            self.assert_failed(self.ask(), 503)
        self.assert_asked(3, 3)
        self.assertIn("retry-after", self.ask().headers)
        self.first.default = self.second.default = upstream.pretend
        back = time.monotonic()
        while not self.ask().complete:
            self.assertLess(time.monotonic() - back, 3)
        self.assert_healthy()

    def test_a_port_that_nobody_listens_on_and_then_somebody(self):
        """Connections refused; then the server is started."""
        self.start(**self.BREAKER)
        port = self.first.port
        self.first.stop()
        for _ in range(5):
            self.assert_full(self.ask(), "second")
        self.first = self.upstream_at(port)
        back = time.monotonic()
        while self.ask().headers[names.H_PROVIDER] != "first":
            self.assertLess(time.monotonic() - back, 4)
        self.assert_healthy()

    def upstream_at(self, port):
        up = upstream.Upstream("first", port=port)
        self.addCleanup(up.stop)
        return up


if __name__ == "__main__":
    unittest.main()
