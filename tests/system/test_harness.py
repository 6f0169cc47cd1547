"""The harness itself: its upstream and its clients against each other, without a gateway."""

import asyncio
import json
import unittest

from harness import client, names, upstream
from harness.case import Case
from harness.gateway import Metrics
from harness.upstream import Close, Gate, Reset, Send, Stall, Wait


class UpstreamTest(Case):
    def setUp(self):
        self.up = self.upstream()
        self.port = self.up.port

    def test_pretends_chat(self):
        answer = client.chat(self.port)
        self.assertEqual((answer.status, answer.content()), (200, "Hello from upstream"))
        self.assertEqual(self.up.requests[0].json()["model"], "m")

    def test_pretends_stream(self):
        head, events, it = client.stream(self.port)
        self.assertEqual(client.text_of(events), "Hello from upstream")
        self.assertTrue(events[-1].done)
        self.assertFalse(it.cut)

    def test_books(self):
        self.up.reply(upstream.error(503), upstream.chat(tokens=(3, 2), cached=1))
        self.assertEqual(client.chat(self.port).status, 503)
        self.assertEqual(client.chat(self.port).status, 200)
        classes, tokens = self.up.books()
        self.assertEqual(classes, {("fake", "overloaded"): 1, ("fake", "ok"): 1})
        self.assertEqual(tokens, {"input": 3, "output": 2, "cache_read": 1})

    def test_queue_by_model(self):
        self.up.reply_for("b", upstream.chat("for b"))
        self.assertEqual(client.chat(self.port, "a").content(), "Hello from upstream")
        self.assertEqual(client.chat(self.port, "b").content(), "for b")

    def test_gate_holds_a_stream(self):
        gate = Gate()
        self.up.reply(upstream.stream(["one", "two"], gates={1: gate}))
        with client.Stream(self.port) as it:
            self.assertEqual(it.until_content().content, "one")
            self.assertTrue(gate.reached.wait(5))
            gate.open()
            self.assertEqual(it.until_content().content, "two")
            self.assertTrue(it.all()[-1].done)

    def test_every_cut_is_seen(self):
        reply = upstream.stream(["abc"])
        size = sum(len(step.data) for step in reply.steps)
        for offset in range(0, size, 37):
            self.up.reply(upstream.cut_at(upstream.stream(["abc"]), offset))
            with client.Stream(self.port) as it:
                try:
                    it.head()
                except client.Incomplete:
                    continue
                it.all()
                self.assertTrue(it.cut, offset)

    def test_reset(self):
        self.up.reply(upstream.Reply([Send(b"HTTP/1.1 200 OK\r\n"), Reset()], "protocol"))
        with self.assertRaises((ConnectionResetError, client.Incomplete)):
            client.chat(self.port)

    def test_close_before_head(self):
        self.up.reply(upstream.Reply([Close()], "protocol"))
        with self.assertRaises(client.Incomplete):
            client.chat(self.port)

    def test_wrong_length(self):
        self.up.reply(upstream.whole(body=b"{}", length=10, close=True))
        with self.assertRaises(client.Incomplete):
            client.chat(self.port)

    def test_sees_who_leaves(self):
        self.up.reply(upstream.sse([upstream.event("x"), Stall()], cls="cancelled"))
        it = client.Stream(self.port)
        it.next()
        record = self.up.wait_requests(1)[0]
        self.assertFalse(record.gone.is_set())
        it.close()
        self.assertTrue(record.gone.wait(5))
        self.assertTrue(record.done.wait(5))

    def test_leaves_while_gate_is_shut(self):
        gate = Gate()
        self.up.reply(upstream.Reply([Wait(gate)], "cancelled"))
        conn = client.Conn(self.port).request("POST", "/v1/x", b"{}")
        record = self.up.wait_requests(1)[0]
        self.assertTrue(gate.reached.wait(5))
        conn.reset()
        self.assertTrue(record.gone.wait(5))

    def test_keep_alive_and_pipelining(self):
        with client.Conn(self.port) as conn:
            conn.request("GET", "/v1/models").request("GET", "/v1/models")
            self.assertEqual([conn.response().status, conn.response().status], [200, 200])
        self.assertEqual(self.up.accepted, 1)

    def test_early_reply(self):
        early = upstream.error(503)
        early.early = early.close = True
        self.up.reply(early)
        with client.Conn(self.port) as conn:
            conn.send(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc")
            self.assertEqual(conn.response().status, 503)

    def test_chunked_request(self):
        with client.Conn(self.port) as conn:
            conn.send(b"POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"5\r\nhello\r\n3;x=y\r\n wo\r\n0\r\n\r\n")
            self.assertEqual(conn.response().json()["bytes"], 8)
        self.assertEqual(self.up.requests[0].body, b"hello wo")

    def test_many_at_once(self):
        async def one(i):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            body = json.dumps({"model": "m", "messages": []}).encode()
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            data = await reader.read()
            writer.close()
            return b"Hello from upstream" in data

        async def every():
            return await asyncio.gather(*[one(i) for i in range(200)])

        self.assertTrue(all(asyncio.run(every())))
        self.assertEqual(len(self.up.requests), 200)


class ParserTest(unittest.TestCase):
    def test_metrics(self):
        page = Metrics('# HELP a b\n# TYPE weir_attempts_total counter\n'
                       'weir_attempts_total{target="p/m",class="ok"} 3\n'
                       'weir_attempts_total{target="p/n",class="ok"} 1\n'
                       + names.M_TOKENS + '{target="p/m",kind="input"} 12\n'
                       'plain 1.5\nquoted{a="x\\"y,z",b="2"} 1e3\n')
        self.assertEqual(page.attempts(), {("p", "ok"): 4})
        self.assertEqual(page.tokens(), {"input": 12})
        self.assertEqual(page.sum("quoted", a='x"y,z'), 1000)
        with self.assertRaises(AssertionError):
            Metrics("not a metric line at all {")

    def test_event(self):
        item = client.Event(b'event: e\ndata: {"a":\ndata: 1}')
        self.assertEqual((item.name, item.json()), ("e", {"a": 1}))


if __name__ == "__main__":
    unittest.main()
