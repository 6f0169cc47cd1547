"""Every fault of a target, before the caller has seen anything: a failover route of default settings
gives the full answer if any target can, else one clean error, and is well afterwards.

Faults that come later, in the middle of an answer, are in test_fault_streams.py; times in
test_fault_times.py.
"""

import unittest

from harness import names, upstream
from harness.matrix_case import MatrixCase, both_ways
from harness.upstream import Close, Reply, Reset, Send, chunk, event

ROLE = event(chunk({"role": "assistant", "content": ""}))
SMALL = {"models": ("small", "large")}
EAGER = {"retries": 3, "delay": "1ms"}


def refused(status, code=None, cls=None, **more):
    def answer(*record):
        return upstream.error(status, "scripted", code=code, cls=cls, **more)
    return answer


class RateLimitTest(MatrixCase):
    """429, with and without a time to come again."""

    # field: 3.5.7
    @both_ways()
    def test_retry_after_moves_on_and_is_kept(self, stream):
        """The other target answers at once; until its time has come the first is left alone."""
        self.first.reply(upstream.error(429, headers=[("Retry-After", "1")]))
        self.assert_full(self.ask(stream), "second", 2)
        for _ in range(8):
            self.assert_full(self.ask(stream), "second", 1)
        self.assert_asked(1, 9)
        while len(self.first.requests) < 2:
            self.assertTrue(self.ask(stream).complete)
        self.assertGreaterEqual(self.gaps(self.first)[0], 0.99)
        self.assertLess(self.gaps(self.first)[0], 3)
        self.assert_healthy()

    @both_ways()
    def test_both_say_when(self, stream):
        """Nobody is left to move on to: the earlier time is waited for, and then kept to."""
        self.first.reply(upstream.error(429, headers=[("Retry-After", "30")]))
        self.second.reply(upstream.error(429, headers=[("Retry-After", "1")]))
        result = self.ask(stream)
        self.assert_full(result, "second", 3)
        self.assertGreaterEqual(self.gaps(self.second)[0], 0.99)
        self.assert_asked(1, 2)
        self.settle(("first", "rate_limit"), ("second", "rate_limit"), ("second", "ok"))

    @both_ways()
    def test_both_for_a_long_time(self, stream):
        """Too long to be waited for: the caller hears at once when to come again."""
        for up, seconds in ((self.first, 90), (self.second, 60)):
            up.reply(upstream.error(429, headers=[("Retry-After", str(seconds))]))
        result = self.ask(stream)
        self.assert_failed(result, 429, within=2)
        self.assertIn(int(result.headers["retry-after"]), (59, 60))
        self.assert_asked(1, 1)
        for _ in range(5):
            again = self.ask(stream)
            self.assert_failed(again, 429, within=2)
            self.assertIn(int(again.headers["retry-after"]), (58, 59, 60))
        self.assert_asked(1, 1)

    @both_ways()
    def test_it_is_waited_for_if_the_other_fails_otherwise(self, stream):
        """The first will answer in a second: that is better than the failure of the second."""
        for tries, failing in ((2, refused(500)), (1, refused(401))):
            for up in (self.first, self.second):
                up.forget()
            self.first.reply(upstream.error(429, headers=[("Retry-After", "1")]))
            self.second.default = failing
            self.assert_full(self.ask(stream), "first", 2 + tries)
            self.assertGreaterEqual(self.gaps(self.first)[0], 0.99)
            self.assert_asked(2, tries)
        self.first.reply(upstream.error(429, headers=[("Retry-After", "1")]))
        self.second.default = refused(400)
        self.assert_failed(self.ask(stream), 400, within=0.9)
        self.assert_healthy()

    @both_ways({"retries": 1})
    def test_retry_after_is_waited_for_where_retries_are_wanted(self, stream):
        self.first.reply(upstream.error(429, headers=[("Retry-After", "1")]))
        result = self.ask(stream)
        self.assertTrue(result.complete, result)
        for gap in self.gaps(self.first):
            self.assertGreaterEqual(gap, 0.99)
        self.assert_healthy()

    # field: 3.5.1
    @both_ways({"retries": 3})
    def test_each_failure_says_when_itself(self, stream):
        """The time that one named is not that of the next, nor the other way round."""
        late = upstream.error(429, headers=[("Retry-After", "1")])
        self.second.default = refused(401)
        self.first.reply(upstream.error(500), late, upstream.error(500))
        self.assert_full(self.ask(stream), "first")
        gaps = self.gaps(self.first)
        self.assertEqual(len(gaps), 3)
        self.assertGreaterEqual(gaps[1], 0.99)
        for gap in (gaps[0], gaps[2]):
            self.assertLess(gap, 0.9)
        self.assert_healthy()

    # field: 3.5.10
    @both_ways()
    def test_what_cools_down_can_be_seen(self, stream):
        self.first.reply(upstream.error(429, headers=[("Retry-After", "30")]))
        for expected in (1, 0):
            self.assertEqual(self.gw.metrics().sum("weir_target_up", target="first/m"), expected)
            self.assertEqual(self.gw.metrics().sum("weir_target_up", target="second/m"), 1)
            self.assert_full(self.ask(stream), "second")

    # field: 3.5.8
    @both_ways({"first": {"rate_limit": {"requests_per_minute": 6}}})
    def test_a_limit_of_our_own_moves_on(self, stream):
        """What is over it goes to the next target, which is not an attempt at the first."""
        self.assert_full(self.ask(stream), "first", 1)
        for _ in range(5):
            self.assert_full(self.ask(stream), "second", 1)
        self.assert_asked(1, 5)
        self.books(self.gw, self.first, self.second, requests=6)

    # field: 3.5.7
    @both_ways()
    def test_for_ever_without_retry_after(self, stream):
        self.first.default = refused(429)
        for count in range(1, 6):
            self.assert_full(self.ask(stream), "second")
            self.assertLessEqual(len(self.first.requests), 4 * count)
        self.assert_healthy()

    @both_ways()
    def test_for_ever_at_both(self, stream):
        self.first.default = self.second.default = refused(429)
        result = self.ask(stream)
        self.assert_failed(result, 429)
        self.assertEqual(result.headers["x-should-retry"], "false")
        self.assertLessEqual(len(self.first.requests) + len(self.second.requests), 16)
        self.assert_healthy()


class ServerErrorTest(MatrixCase):
    @both_ways({}, {"retries": 2}, {"first": {"max_retries": 2}})
    def test_500_once(self, stream):
        """The same target again, then success: the caller never hears of it."""
        self.first.reply(upstream.error(500))
        self.assert_full(self.ask(stream), "first", 2)
        self.assert_asked(2, 0)
        self.settle(("first", "server_error"), ("first", "ok"))

    @both_ways({"retries": 0}, {"first": {"max_retries": 0}})
    def test_500_once_without_retries(self, stream):
        self.first.reply(upstream.error(500))
        self.assert_full(self.ask(stream), "second", 2)
        self.assert_asked(1, 1)
        self.settle(("first", "server_error"), ("second", "ok"))

    @both_ways()
    def test_500_twice(self, stream):
        """Once more, and then the next target."""
        self.first.reply(upstream.error(500), upstream.error(500))
        self.assert_full(self.ask(stream), "second", 3)
        self.assert_asked(2, 1)
        self.settle(("first", "server_error"), ("first", "server_error"), ("second", "ok"))

    # field: 3.5.7
    @both_ways()
    def test_503_for_ever(self, stream):
        """The next target answers each time, and soon the first is not even asked."""
        self.first.default = refused(503)
        for _ in range(12):
            self.assert_full(self.ask(stream), "second")
        self.assertLessEqual(len(self.first.requests), 6)
        self.assertEqual(len(self.second.requests), 12)
        self.books(self.gw, self.first, self.second, requests=12)
        self.assert_healthy()

    @both_ways()
    def test_503_for_ever_at_both(self, stream):
        self.first.default = self.second.default = refused(503)
        self.assert_failed(self.ask(stream), 503)
        self.assert_asked(2, 2)
        self.settle(*[("first", "overloaded")] * 2, *[("second", "overloaded")] * 2)

    @both_ways({"retries": 2, "delay": "1ms", "breaker": {"failures": 0}})
    def test_503_for_ever_with_retries(self, stream):
        """Each target gets its tries, and no more."""
        self.first.default = self.second.default = refused(503)
        self.assert_failed(self.ask(stream), 503)
        self.assert_asked(3, 3)
        self.books(self.gw, self.first, self.second, requests=1)
        self.assert_healthy()


ENDS = {"reset before the head": [Reset()], "closed before the head": [Close()],
        "reset in the head": [Send(b"HTTP/1.1 200 OK\r\nContent-"), Reset()],
        "closed before content": [*upstream.sse([ROLE], end=False).steps, Close()],
        "reset before content": [*upstream.sse([ROLE], end=False).steps, Reset()]}


def broken(end):
    return Reply(list(ENDS[end]), "protocol")


class ConnectionTest(MatrixCase):
    # field: 3.1.5
    @both_ways(*({"end": end} for end in ENDS))
    def test_ends_early(self, stream, end):
        self.first.reply(broken(end))
        self.assert_full(self.ask(stream), "first", 2)
        self.assert_asked(2, 0)
        self.settle(("first", "protocol"), ("first", "ok"))

    @both_ways(*({"end": end} for end in ENDS))
    def test_ends_early_for_ever(self, stream, end):
        self.first.default = lambda record: broken(end)
        self.assert_full(self.ask(stream), "second", 3)
        self.assert_asked(2, 1)
        self.settle(("first", "protocol"), ("first", "protocol"), ("second", "ok"))

    @both_ways(*({"end": end} for end in ENDS))
    def test_ends_early_at_both(self, stream, end):
        for up in (self.first, self.second):
            up.default = lambda record: broken(end)
        self.assert_failed(self.ask(stream), 502)
        self.assert_asked(2, 2)
        self.settle(*[("first", "protocol")] * 2, *[("second", "protocol")] * 2)


class RefusalTest(MatrixCase):
    """What is wrong with the request is wrong everywhere, or for this model alone."""

    LONG = refused(400, "context_length_exceeded", "context_length")

    @both_ways(SMALL, dict(SMALL, **EAGER), dict(SMALL, first={"max_retries": 3}))
    def test_context_length_goes_to_another_model(self, stream):
        """Never unchanged to the same model, however many retries there are."""
        self.first.default = self.LONG
        self.assert_full(self.ask(stream), "second", 2)
        self.assert_asked(1, 1)
        self.assertEqual(self.second.requests[0].json()["model"], "large")
        self.settle(("first", "context_length"), ("second", "ok"))

    @both_ways({"route": {"failover": [{"failover": ["first/m"]}, "first/m", "second/m"]}})
    def test_context_length_is_not_tried_again_elsewhere_in_the_tree(self, stream):
        """The same target stands twice in the route: it is asked once."""
        self.first.default = self.LONG
        self.assert_full(self.ask(stream), "second", 2)
        self.assert_asked(1, 1)
        self.settle(("first", "context_length"), ("second", "ok"))

    @both_ways(SMALL, dict(SMALL, **EAGER))
    def test_context_length_everywhere(self, stream):
        self.first.default = self.second.default = self.LONG
        result = self.ask(stream)
        self.assert_failed(result, 400)
        self.assertEqual(result.reading.error["code"], "context_length_exceeded")
        self.assert_asked(1, 1)
        self.settle(("first", "context_length"), ("second", "context_length"))

    @both_ways()
    def test_content_filter_is_handed_on(self, stream):
        """As an error, and as the end of an answer: nobody else is asked."""
        self.first.reply(upstream.error(400, "That is not said here.", "invalid_request_error",
                                        "content_filter", cls="content_filter"))
        result = self.ask(stream)
        self.assert_failed(result, 400, says="That is not said here.")
        self.assertEqual(result.reading.error["code"], "content_filter")
        self.assert_asked(1, 0)
        self.settle(("first", "content_filter"))

    @both_ways()
    def test_filtered_answer_is_handed_on(self, stream):
        self.first.reply(upstream.stream(["I can", "not"], finish="content_filter") if stream
                         else upstream.chat("I cannot", finish="content_filter"))
        result = self.ask(stream, stream_options={"include_usage": True}) if stream else \
            self.ask(stream)
        self.assert_full(result, "first", 1, "I cannot")
        self.assertEqual(result.reading.finish, "content_filter")
        self.assert_asked(1, 0)
        self.settle(("first", "ok"))

    @both_ways()
    def test_refusal_of_the_model_is_handed_on(self, stream):
        self.first.reply(upstream.sse([
            event(chunk({"role": "assistant", "refusal": "I will not."})),
            event(chunk({}, finish="stop")), upstream.DONE]) if stream else
            upstream.chat(message={"role": "assistant", "content": None,
                                   "refusal": "I will not."}, tokens=(7, 5)))
        result = self.ask(stream)
        self.assertTrue(result.complete, result)
        self.assertIn(b"I will not.", result.raw)
        self.assert_asked(1, 0)
        self.assert_healthy()

    @both_ways({}, EAGER)
    def test_invalid_requests_are_never_repeated(self, stream):
        self.first.default = refused(400)
        self.assert_failed(self.ask(stream), 400)
        self.assert_asked(1, 0)
        self.settle(("first", "invalid_request"))


class AccountTest(MatrixCase):
    """After a failover the account is that of the one that answered."""

    # field: 3.4.7
    @both_ways(SMALL)
    def test_model_and_usage(self, stream):
        self.first.default = refused(503)
        self.second.reply(upstream.stream(model="large-0613", tokens=(11, 3)) if stream else
                          upstream.chat(model="large-0613", tokens=(11, 3)))
        more = {"stream_options": {"include_usage": True}} if stream else {}
        result = self.ask(stream, **more)
        self.assert_full(result, "second", 3)
        self.assertEqual(result.headers[names.H_MODEL], "large")
        self.assertEqual(result.reading.models, ["large-0613"])
        self.assertEqual(result.reading.usage["total_tokens"], 14)
        entry = self.settle(("first", "overloaded"), ("first", "overloaded"), ("second", "ok"))
        self.assertEqual(entry["target"], "second/large")
        self.assertEqual((entry["usage"]["input"], entry["usage"]["output"]), (11, 3))
        for attempt in entry["attempts"][:2]:
            self.assertFalse(attempt.get("usage"))


if __name__ == "__main__":
    unittest.main()
