"""Faults in the middle of an answer, before a failover route of default settings.

Whole, an answer is nobody's until its last byte is there, and a target is asked again, or the next one.
Streamed, another attempt carries on what has begun (more of that in test_midstream.py); on a route with
`mid_stream: error`, or where nobody can, it ends in one error event and never as one that is whole.
"""

import unittest

from harness import upstream, vendors
from harness.ask import DIALECTS, Live, ask
from harness.matrix_case import MatrixCase, both_ways
from harness.upstream import Close, Gate, Reply, Reset, Send, Stall, Wait, event

PARTS = ["Once ", "upon ", "a ", "time ", "there ", "was ", "an ", "end."]
TEXT = "".join(PARTS)
DOCUMENT = upstream.chat(TEXT)
STREAM = vendors.events(vendors.OPENAI, PARTS)
BARE = [step for step in STREAM if isinstance(step, bytes)]  # without usage
BROKE = event({"error": {"message": "It broke", "type": "server_error", "param": None,
                         "code": None}})


class StreamFaultCase(MatrixCase):
    def fault(self, stream, ending, cls, keep=None):
        """An answer that goes wrong after two thirds; `ending` is what comes instead of the rest.

        Streamed, that is sent when the caller has the part before it.
        """
        if not stream:
            whole = DOCUMENT.steps[0].data
            for _ in range(self.tries(cls)):
                self.first.reply(Reply([Send(whole[:len(whole) * 2 // 3]), *ending], cls))
            return self.ask()
        keep = keep or 1 + len(PARTS) * 2 // 3
        gate = Gate()
        self.addCleanup(gate.open)
        self.first.reply(upstream.sse([*STREAM[:keep], Wait(gate), *ending], cls=cls))
        live = Live(self.gw.port)
        live.until_text("".join(PARTS[:keep - 1]))
        gate.open()
        return live.all()

    def tries(self, cls):
        """How often a target is asked that goes on failing so."""
        return 1 if cls == "timeout" or self.retries == 0 else 2

    def judge(self, stream, result, cls):
        tries = self.tries(cls)
        if not stream:
            self.assert_full(result, "second", tries + 1, TEXT if self.spliced else "Hello from upstream")
            self.assert_asked(tries, 1)
            self.settle(*[("first", cls)] * tries, ("second", "ok"))
        elif self.spliced:
            last = "second" if tries == 1 else "first"
            self.assert_full(result, "first", 1, TEXT)
            self.assert_asked(tries, 2 - tries)
            self.settle(("first", cls), (last, "ok"))
        else:
            self.assert_broken(result, "".join(PARTS[:len(PARTS) * 2 // 3]))
            self.assert_asked(1, 0)
            entry = self.settle(("first", cls))
            self.assertEqual(entry["class"], cls)

    def start(self, splice=True, **more):
        self.spliced, self.retries = splice, more.get("retries")
        super().start(route=None if splice else {"mid_stream": "error"}, **more)
        if splice:
            self.first.default = self.second.default = self.again
        return self.gw

    def again(self, record):
        return vendors.answer(vendors.OPENAI, PARTS) if record.json().get("stream") else \
            upstream.chat(TEXT)


HALF_A_HEAD = Reply([Send(b"HTTP/1.1 200 OK\r\nContent-"), Reset()], "protocol")
ERROR = {"splice": False}
NEXT = {"retries": 0}
TOLD = {500: (500, 502), 503: (503, 529)}  # each API has its own word for it
SHORT = {"first": {"timeout": {"idle": "300ms", "total": "1s"}}}


class MiddleTest(StreamFaultCase):
    # field: 3.1.6
    @both_ways({}, NEXT, ERROR)
    def test_cut_after_two_thirds(self, stream):
        self.judge(stream, self.fault(stream, [Close()], "protocol"), "protocol")

    @both_ways({}, NEXT, ERROR)
    def test_reset_after_two_thirds(self, stream):
        self.judge(stream, self.fault(stream, [Reset()], "protocol"), "protocol")

    # field: 3.1.9
    @both_ways(SHORT, dict(SHORT, **ERROR))
    def test_stalled_after_two_thirds(self, stream):
        result = self.fault(stream, [Stall()], "timeout")
        self.assertLess(result.seconds, 3)
        self.assertTrue(self.first.requests[0].gone.wait(5), "the silent target is let go")
        self.judge(stream, result, "timeout")

    @both_ways({}, NEXT, ERROR)
    def test_one_malformed_event(self, stream):
        """The rest would have been good: nobody knows what was lost."""
        bad = b'data: {"choices":[{"index":0,"delta":{"content":"and\\n\\n'
        ending = [bad, *BARE[7:]] if stream else [Send(b"\xff" * 4000)]
        self.judge(stream, self.fault(stream, ending, "protocol"), "protocol")

    @both_ways({}, NEXT, ERROR)
    def test_failure_told_in_the_middle(self, stream):
        if stream:
            self.judge(stream, self.fault(stream, [BROKE], "server_error"), "server_error")
            return
        self.first.reply(*[upstream.jsonr(
            {"error": {"message": "It broke", "type": "server_error"}}, cls="server_error")
            for _ in range(self.tries("server_error"))])
        self.judge(stream, self.ask(), "server_error")

    @both_ways({}, NEXT, ERROR)
    def test_no_end_though_all_was_said(self, stream):
        """The vendor never said that it is complete: no reason, no [DONE]."""
        if stream:
            keep = 1 + len(PARTS)
            result = self.fault(stream, [], "protocol", keep)
            if self.spliced:
                self.judge(stream, result, "protocol")
            else:
                self.assert_broken(result, TEXT)
                self.settle(("first", "protocol"))
            return
        document = upstream.completion(TEXT)
        del document["choices"][0]["finish_reason"]
        self.first.reply(upstream.jsonr(document, cls="protocol"))
        result = self.ask()
        self.assertEqual(result.status, 200, result)
        self.assert_healthy()


class MarkerTest(StreamFaultCase):
    """An end is an end where the vendor has said so in one of its ways."""

    def test_reason_without_a_marker(self):
        self.start()
        self.first.reply(upstream.sse(STREAM[:-1]))
        result = self.ask(True)
        self.assertEqual((result.status, result.reading.text), (200, TEXT))
        self.assertEqual((result.reading.finish, result.cut), ("stop", False))
        self.assertFalse(result.message, result)
        self.assert_asked(1, 0)
        self.settle(("first", "ok"))

    def test_marker_and_then_a_cut(self):
        """What the connection does behind the marker is of no interest."""
        for ending in (Close(), Reset()):
            with self.subTest(type(ending)):
                self.start()
                reply = upstream.sse(STREAM, end=False)
                reply.steps.append(ending)
                self.first.reply(reply)
                self.assert_full(self.ask(True), "first", 1, TEXT)
                self.settle(("first", "ok"))
                self.doCleanups()

    def test_a_malformed_event_before_any_content(self):
        self.start(**NEXT)
        self.first.reply(upstream.sse([STREAM[0], b"data: {nonsense\n\n", *BARE[1:]],
                                      cls="protocol"))
        self.assert_full(self.ask(True), "second", 2, TEXT)
        self.settle(("first", "protocol"), ("second", "ok"))


class EveryApiTest(StreamFaultCase):
    """The faults of a target are told in each API, and never as an end."""

    def test_cut_after_two_thirds(self):
        self.start(**ERROR)
        for dialect in DIALECTS:
            with self.subTest(dialect):
                gate = Gate()
                self.first.reply(upstream.sse([*STREAM[:6], Wait(gate), Close()], cls="protocol"))
                live = Live(self.gw.port, dialect)
                live.until_text("".join(PARTS[:5]))
                gate.open()
                self.assert_broken(live.all(), "".join(PARTS[:5]))
                self.assertTrue(ask(self.gw.port, True, dialect).complete)
                self.assertTrue(ask(self.gw.port, False, dialect).complete)

    # field: 3.1.2
    def test_before_content(self):
        for stream in (False, True):
            self.start(breaker={"failures": 0})
            for dialect in DIALECTS:
                for reply in (upstream.error(503), upstream.error(429), HALF_A_HEAD):
                    with self.subTest(dialect, stream=stream, cls=reply.cls):
                        self.first.reply(reply, reply)
                        self.assert_full(ask(self.gw.port, stream, dialect), "second", 3, TEXT)
            self.assert_healthy()
            self.doCleanups()

    def test_both_fail(self):
        for stream in (False, True):
            self.start(breaker={"failures": 0})
            for dialect in DIALECTS:
                for status in (400, 401, 429, 500, 503):
                    with self.subTest(dialect, stream=stream, status=status):
                        for up in (self.first, self.second):
                            up.default = lambda record, s=status: upstream.error(s, "scripted")
                        result = ask(self.gw.port, stream, dialect)
                        self.assertIn(result.status, TOLD.get(status, (status,)), result)
                        self.assert_failed(result, result.status)
            self.doCleanups()


if __name__ == "__main__":
    unittest.main()
