"""An upstream that misbehaves in every way it can, and books that agree about it.

Every test compares the access log, the metrics and what the upstream itself counted.
"""

import json
import unittest

from harness import client, names, upstream
from harness.case import Case, provider
from harness.upstream import Close, Gate, Reply, Reset, Send, Stall, Wait, chunk, event

ROLE = event(chunk({"role": "assistant", "content": ""}))
BEGUN = event(chunk({"content": "begun"}))
FINISH = event(chunk({}, finish="stop"))
USAGE = Send(event(chunk(choices=[], usage=upstream.usage_block(7, 5))), upstream.counted(7, 5))


class FaultCase(Case):
    def start(self, timeout=None, retries=None, **more):
        self.up = self.upstream()
        settings = provider(self.up, **more)
        settings["timeout"].update(timeout or {})
        return self.gateway({"providers": {"fake": settings}, "breaker": {"failures": 0}})

    def whole_fails(self, reply, cls, status, says=(), **timeout):
        """An unstreamed chat that must end in an error of this class."""
        gateway = self.start(timeout)
        reply.cls = cls
        self.up.reply(reply)
        answer = client.chat(gateway.port)
        error = self.assert_error(answer, status, says=says)
        self.agree(gateway, cls, status)
        return error

    def agree(self, gateway, cls, status):
        entry, = self.books(gateway, self.up, requests=1)
        self.assertEqual((entry["class"], entry["status"]), (cls, status), entry)
        return entry

    def stream_fails_before(self, reply, cls, status, **timeout):
        """A streamed chat that must end in a plain error: nothing had been committed."""
        gateway = self.start(timeout)
        reply.cls = cls
        self.up.reply(reply)
        head, events, it = client.stream(gateway.port)
        self.assertEqual(head.status, status, it.raw)
        self.assertTrue(json.loads(it.raw)["error"]["message"])
        self.agree(gateway, cls, status)

    def stream_fails_after(self, reply, cls, **timeout):
        """A streamed chat that must end in an error event, never in [DONE].

        What follows the first content is sent only when the application has that content.
        """
        gateway = self.start(timeout)
        gate = Gate()
        at = next(i for i, s in enumerate(reply.steps) if b"begun" in getattr(s, "data", b""))
        self.up.reply(Reply(reply.steps[:at + 1] + [Wait(gate)] + reply.steps[at + 1:], cls))
        with client.Stream(gateway.port) as it:
            self.assertEqual(it.head().status, 200)
            self.assertEqual(it.until_content().content, "begun")
            gate.open()
            events = it.all()
        self.assertEqual(client.text_of(events), "")
        self.assertFalse([e for e in events if e.done], it.raw)
        self.assertTrue(events[-1].error, it.raw)
        self.agree(gateway, cls, 200)
        return events[-1].error


class WholeTest(FaultCase):
    """Unstreamed answers."""

    def test_closes_before_head(self):
        self.whole_fails(Reply([Close()]), "protocol", 502, "fake")

    def test_resets_before_head(self):
        self.whole_fails(Reply([Reset()]), "protocol", 502)

    def test_half_a_head(self):
        self.whole_fails(Reply([Send(b"HTTP/1.1 200 OK\r\nContent-Ty"), Close()]), "protocol", 502)

    def test_garbage(self):
        for garbage in (b"\x16\x03\x01\x00\x00rubbish\r\n\r\n", b"SSH-2.0-OpenSSH\r\n\r\n",
                        b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                        b"\x00" * 5000):
            with self.subTest(garbage[:20]):
                self.whole_fails(Reply([Send(garbage), Close()]), "protocol", 502)

    def test_two_lengths(self):
        body = b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
        self.whole_fails(Reply([Send(b"HTTP/1.1 200 OK\r\n" + body), Close()]), "protocol", 502)

    def test_cut_in_the_body(self):
        self.whole_fails(upstream.cut_at(upstream.chat("x" * 3000), 1500), "protocol", 502)

    def test_reset_in_the_body(self):
        self.whole_fails(upstream.cut_at(upstream.chat("x" * 3000), 1500, Reset()),
                         "protocol", 502)

    def test_length_too_great(self):
        body = json.dumps(upstream.completion()).encode()
        self.whole_fails(upstream.whole(body=body, length=len(body) + 5, close=True),
                         "protocol", 502)

    def test_length_too_small(self):
        body = json.dumps(upstream.completion()).encode()
        self.whole_fails(upstream.whole(body=body, length=len(body) - 5, close=True),
                         "protocol", 502)

    def test_leftovers_do_not_poison_the_next_answer(self):
        """Bytes past the Content-Length belong to nobody; that connection is not used again."""
        gateway = self.start()
        good = json.dumps(upstream.completion("first")).encode()
        stray = upstream.head(200, [("Content-Length", "2")]) + b"{}"
        self.up.reply(Reply([Send(upstream.head(200, [("Content-Type", "application/json"),
                                                      ("Content-Length", str(len(good)))]) +
                                  good + stray, upstream.counted(7, 5))]),
                      upstream.chat("second"))
        self.assertEqual(client.chat(gateway.port).content(), "first")
        self.assertEqual(client.chat(gateway.port).content(), "second")
        self.books(gateway, self.up, requests=2)

    def test_half_a_chunk(self):
        head = upstream.head(200, [("Content-Type", "application/json"),
                                   ("Transfer-Encoding", "chunked")])
        self.whole_fails(Reply([Send(head + b'40\r\n{"id":"x"'), Close()]), "protocol", 502)

    def test_bad_chunk_size(self):
        head = upstream.head(200, [("Content-Type", "application/json"),
                                   ("Transfer-Encoding", "chunked")])
        for size in (b"zz", b"-1", b"ffffffffffffffffff", b"", b"0x10"):
            with self.subTest(size):
                self.whole_fails(Reply([Send(head + size + b"\r\n{}\r\n0\r\n\r\n"), Close()]),
                                 "protocol", 502)

    # field: 3.1.8
    def test_error_inside_200(self):
        body = {"error": {"message": "The server had an error", "type": "server_error",
                          "param": None, "code": None}}
        self.whole_fails(upstream.jsonr(body), "server_error", 502, "The server had an error")

    # field: 3.5.9
    def test_rate_limit_inside_200(self):
        body = {"error": {"message": "Rate limit reached", "type": "rate_limit_error",
                          "param": None, "code": "rate_limit_exceeded"}}
        self.whole_fails(upstream.jsonr(body), "rate_limit", 429, "Rate limit reached")

    def test_empty_body(self):
        self.whole_fails(upstream.whole(body=b""), "protocol", 502)

    def test_not_json(self):
        page = b"<html><body>It works!</body></html>"
        self.whole_fails(upstream.whole(body=page, content_type="text/html"), "protocol", 502)
        self.whole_fails(upstream.whole(body=b'{"id": "x", '), "protocol", 502)

    def test_json_but_no_answer(self):
        for body in (b"{}", b"[]", b"null", b'{"choices":[]}', b'{"choices":"x"}'):
            with self.subTest(body):
                self.whole_fails(upstream.whole(body=body), "protocol", 502)

    def test_invalid_utf8(self):
        body = json.dumps(upstream.completion("AAAA")).encode().replace(b"AAAA", b"\xff\xfe\xc0A")
        self.whole_fails(upstream.whole(body=body), "protocol", 502)

    def test_html_error_page(self):
        """Failures of a proxy in between: the status decides, the page is not taken for JSON."""
        for status, cls in ((502, "server_error"), (503, "overloaded"), (504, "timeout")):
            with self.subTest(status):
                page = upstream.whole(status, b"<h1>Bad gateway</h1>", content_type="text/html")
                self.whole_fails(page, cls, status)

    def test_huge_header(self):
        head = upstream.head(200, [("X-Big", "a" * 500000), ("Content-Length", "2")])
        self.whole_fails(Reply([Send(head + b"{}")]), "protocol", 502)

    def test_endless_header(self):
        line = b"x-more: " + b"b" * 1000 + b"\r\n"
        self.whole_fails(Reply([Send(b"HTTP/1.1 200 OK\r\n")] + [Send(line)] * 2000 + [Stall()]),
                         "protocol", 502)

    def test_informational_heads_are_skipped(self):
        gateway = self.start()
        self.up.reply(Reply([Send(b"HTTP/1.1 100 Continue\r\n\r\n"
                                  b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")] +
                            upstream.chat().steps))
        self.assertEqual(client.chat(gateway.port).status, 200)
        self.books(gateway, self.up, requests=1)

    # field: 3.11.6
    def test_redirect_is_not_followed(self):
        gateway = self.start()
        other = self.upstream("other")
        self.up.reply(upstream.whole(307, b"", [("Location", other.base_url)],
                                     cls="protocol"))
        self.assertIn(client.chat(gateway.port).status, (500, 502))
        self.assertEqual(other.requests, [], "the credentials stay with their provider")

    # field: 3.4.8
    def test_no_usage_is_no_usage(self):
        gateway = self.start()
        document = upstream.completion()
        del document["usage"]
        self.up.reply(upstream.jsonr(document))
        self.assertEqual(client.chat(gateway.port).status, 200)
        self.books(gateway, self.up, requests=1)

    def test_total_timeout(self):
        error = self.whole_fails(Reply([Stall()]), "timeout", 504, total="400ms")
        self.assertIn("total", error["message"], "it says which limit")

    def test_total_timeout_in_the_body(self):
        stalled = Reply([Send(upstream.chat("x" * 2000).steps[0].data[:800]), Stall()])
        self.whole_fails(stalled, "timeout", 504, total="400ms")

    def test_refused(self):
        gateway = self.gateway({"providers": {"fake": provider(self.dead_port())}})
        answer = client.chat(gateway.port)
        self.assert_error(answer, 502, says="fake")
        entry, = self.books(gateway, requests=1, unseen=[("fake", "connection")])
        self.assertEqual(entry["class"], "connection")

    def test_no_such_host(self):
        settings = provider("http://no-such-host.invalid:9/v1")
        gateway = self.gateway({"providers": {"fake": settings}})
        answer = client.chat(gateway.port)
        self.assert_error(answer, 502, says="no-such-host.invalid")
        self.books(gateway, requests=1, unseen=[("fake", "connection")])


class StreamTest(FaultCase):
    """Streamed answers: before the first content, and after it."""

    # field: 3.1.6
    def test_every_cut_of_a_stream(self):
        """Wherever it is cut, nobody takes what came for the whole."""
        pieces = ["al", "l of", " it"]
        size = sum(len(s.data) for s in upstream.stream(pieces).steps)
        step = max(1, size // 40)
        gateway = self.start()
        count = 0
        for offset in range(0, size - len(upstream.LAST_CHUNK) - len(upstream.chunked(
                upstream.DONE)), step):
            reply = upstream.cut_at(upstream.stream(pieces), offset)
            self.up.reply(reply)
            head, events, it = client.stream(gateway.port, headers=[("x-weir-provider", "fake")])
            count += 1
            if head.status == 200:
                self.assertFalse([e for e in events if e.done], offset)
                self.assertTrue(events[-1].error, (offset, it.raw))
                self.assertTrue("all of it".startswith(client.text_of(events)))
            else:
                self.assertIn(head.status, (502, 503))
        self.assertGreater(count, 30)

    def test_closes_before_content(self):
        self.stream_fails_before(upstream.sse([ROLE, Close()]), "protocol", 502)

    def test_closes_after_content(self):
        self.stream_fails_after(upstream.sse([ROLE, BEGUN, Close()]), "protocol")

    def test_resets_after_content(self):
        self.stream_fails_after(upstream.sse([ROLE, BEGUN, Reset()]), "protocol")

    def test_half_a_chunk(self):
        reply = upstream.sse([ROLE, BEGUN], end=False)
        reply.steps += [Send(b"80\r\ndata: {\"id\""), Close()]
        self.stream_fails_after(reply, "protocol")

    def test_garbage_for_a_chunk(self):
        reply = upstream.sse([ROLE, BEGUN], end=False)
        reply.steps += [Send(b"what is this\r\n"), Close()]
        self.stream_fails_after(reply, "protocol")

    # field: 3.1.6
    def test_no_terminal_event(self):
        self.stream_fails_after(upstream.sse([ROLE, BEGUN]), "protocol")

    def test_empty_stream(self):
        self.stream_fails_before(upstream.sse([]), "protocol", 502)

    def test_done_alone(self):
        self.stream_fails_before(upstream.sse([upstream.DONE]), "protocol", 502)

    def test_done_without_a_finish_reason(self):
        """[DONE] is the vendor's terminal signal; some leave the reason out."""
        gateway = self.start()
        self.up.reply(upstream.sse([ROLE, BEGUN, upstream.DONE]))
        head, events, it = client.stream(gateway.port)
        self.assertEqual(client.text_of(events), "begun")
        entry, = gateway.wait_access(1)
        self.assertEqual(events[-1].done, entry["class"] in (None, "", "none", "ok"),
                         "what was delivered and what was logged agree")

    def test_error_inside_before_content(self):
        body = event({"error": {"message": "Overloaded", "type": "server_error", "param": None,
                                "code": None}})
        self.stream_fails_before(upstream.sse([ROLE, body]), "server_error", 502)

    # field: 3.1.1
    def test_error_inside_after_content(self):
        body = event({"error": {"message": "It broke", "type": "server_error", "param": None,
                                "code": None}})
        error = self.stream_fails_after(upstream.sse([ROLE, BEGUN, body]), "server_error")
        self.assertIn("It broke", error["message"])

    def test_error_inside_then_done(self):
        body = event({"error": {"message": "It broke", "type": "server_error", "param": None,
                                "code": None}})
        self.stream_fails_after(upstream.sse([ROLE, BEGUN, body, upstream.DONE]), "server_error")

    def test_invalid_json_in_a_chunk(self):
        for data in (b'data: {"choices":[{"delta":{"content":"x"}\n\n', b"data: hello\n\n",
                     b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n'):
            with self.subTest(data):
                self.stream_fails_after(upstream.sse([ROLE, BEGUN, data, FINISH, upstream.DONE]),
                                        "protocol")

    # field: 3.4.7
    def test_usage_before_a_cut_is_counted(self):
        self.stream_fails_after(upstream.sse([ROLE, BEGUN, USAGE, Close()]), "protocol")

    def test_whole_answer_to_a_stream(self):
        """An upstream that ignores `stream`: the answer is right or refused, never half."""
        gateway = self.start()
        self.up.reply(upstream.chat("not a stream"))
        head, events, it = client.stream(gateway.port)
        entry, = gateway.wait_access(1)
        if head.status == 200:
            self.assertIn(b"not a stream", it.raw)
        else:
            self.assertEqual(entry["class"], "protocol")

    def test_error_status_with_event_stream_type(self):
        reply = upstream.error(429)
        reply.steps = upstream.whole(429, b'{"error":{"message":"slow","type":"x","code":null}}',
                                     content_type="text/event-stream").steps
        self.stream_fails_before(reply, "rate_limit", 429)

    # field: 3.9.3
    def test_endless_line(self):
        """One event without end: bounded memory, then an error."""
        gateway = self.start()
        piece = Send(b"a" * 65536)
        reply = upstream.sse([ROLE, BEGUN, b"data: \""] + [piece] * 1100 + [Stall()],
                             cls="protocol")
        self.up.reply(reply)
        head, events, it = client.stream(gateway.port)
        self.assertFalse([e for e in events if e.done])
        self.assertTrue(events[-1].error)
        self.agree(gateway, "protocol", 200)


class TimeTest(FaultCase):
    """Each limit is the only one that can fire; the error says which it was."""

    # field: 3.1.9
    def test_idle(self):
        error = self.stream_fails_after(upstream.sse([ROLE, BEGUN, Stall()]), "timeout",
                                        idle="300ms")
        self.assertIn("idle", error["message"])

    def test_comments_do_not_count_as_content(self):
        """Keep-alive comments keep the connection, not the first-token limit."""
        gateway = self.start({"first_token": "400ms"})
        self.up.reply(upstream.sse([b": ping\n\n"] * 5 + [Stall()], cls="timeout"))
        head, events, it = client.stream(gateway.port)
        self.assertEqual(head.status, 504, it.raw)
        self.assertIn("first_token", json.loads(it.raw)["error"]["message"].replace(" ", "_"))
        self.agree(gateway, "timeout", 504)

    def test_first_byte(self):
        self.stream_fails_before(Reply([Stall()]), "timeout", 504, first_byte="300ms")

    # field: 3.1.9
    def test_first_token(self):
        self.stream_fails_before(upstream.sse([ROLE, Stall()]), "timeout", 504,
                                 first_token="300ms")

    def test_total(self):
        self.stream_fails_after(upstream.sse([ROLE, BEGUN, Stall()]), "timeout", total="400ms")

    def test_upstream_is_let_go(self):
        gateway = self.start({"idle": "300ms"})
        self.up.reply(upstream.sse([ROLE, BEGUN, Stall()], cls="timeout"))
        client.stream(gateway.port)
        self.assertTrue(self.up.requests[0].gone.wait(5))

    def test_scalar_timeout_is_total(self):
        self.up = self.upstream()
        gateway = self.gateway({"providers": {"fake": provider(self.up, timeout="400ms")}})
        self.up.reply(Reply([Stall()], "timeout"))
        self.assertEqual(client.chat(gateway.port).status, 504)
        self.agree(gateway, "timeout", 504)


class StaleTest(FaultCase):
    """Kept connections that died meanwhile."""

    def test_dead_kept_connection_is_replaced_unseen(self):
        gateway = self.start()
        one = upstream.chat("one")
        one.steps.append(Close())          # says keep-alive, then closes
        self.up.reply(one, upstream.chat("two"))
        self.assertEqual(client.chat(gateway.port).content(), "one")
        answer = client.chat(gateway.port)
        self.assertEqual((answer.content(), answer.headers[names.H_ATTEMPTS]), ("two", "1"))
        self.books(gateway, self.up, requests=2)


if __name__ == "__main__":
    unittest.main()
