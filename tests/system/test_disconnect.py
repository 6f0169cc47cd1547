"""The application goes away, at every stage: the upstream hears of it at once.

Every limit of the provider is far beyond the bound of the waits here, so an upstream connection that
closes within the wait was closed because the application left.
"""

import time
import unittest

from harness import client, names, upstream
from harness.case import Case, provider
from harness.gateway import eventually
from harness.upstream import Gate, Reply, Send, Stall, Wait, chunk, event

BOUND_S = 2
FAR = {"connect": "60s", "first_byte": "60s", "first_token": "60s", "idle": "60s",
       "total": "300s"}


class DisconnectTest(Case):
    def start(self):
        self.up = self.upstream()
        self.second = self.upstream("second")
        return self.gateway({
            "providers": {"fake": provider(self.up, timeout=FAR),
                          "second": provider(self.second, timeout=FAR)},
            "routes": {"main": {"failover": {"try": ["fake/m", "second/m"], "retries": 3}}}})

    def leaves(self, how, stream, steps, read=0):
        """An application that leaves while the upstream is at the end of `steps`."""
        gateway = self.start()
        gate = Gate()
        self.up.reply(Reply(list(steps) + [Wait(gate), Stall()], "cancelled"))
        it = client.Stream(gateway.port, "main") if stream else None
        conn = it.conn if it else client.Conn(gateway.port)
        if not stream:
            conn.request("POST", "/v1/chat/completions",
                         b'{"model":"main","messages":[]}')
        record = self.up.wait_requests(1)[0]
        self.assertTrue(gate.reached.wait(10))
        for _ in range(read):
            it.until_content()
        self.assertFalse(record.gone.is_set())
        if how == "close":
            conn.close()
        elif how == "reset":
            conn.reset()
        else:
            conn.half_close()
        self.assertTrue(record.gone.wait(BOUND_S), "the upstream was not let go")
        conn.close()
        self.settle(gateway)

    def settle(self, gateway):
        """One attempt, cancelled; nobody else was asked; the gateway serves on."""
        entry, = self.books(gateway, self.up, self.second, requests=1)
        self.assertEqual(entry["class"], "cancelled")
        self.assertEqual(names.log_attempts(entry), [("fake", "cancelled")])
        self.assertEqual(self.second.requests, [])
        self.assertEqual(client.chat(gateway.port, "second/m").status, 200)

    HEAD = Send(upstream.head(200, [("Content-Type", "application/json"),
                                    ("Content-Length", "500")]))
    SSE = [Send(upstream.head(200, list(upstream.SSE_HEADERS) +
                              [("Transfer-Encoding", "chunked")]))]
    ROLE = Send(upstream.chunked(event(chunk({"role": "assistant", "content": ""}))))
    WORD = Send(upstream.chunked(event(chunk({"content": "word"}))))

    # field: 3.8.1
    def test_whole_before_head(self):
        self.leaves("close", False, [])

    def test_whole_before_head_reset(self):
        self.leaves("reset", False, [])

    # field: 3.8.1
    def test_whole_in_the_body(self):
        self.leaves("close", False, [self.HEAD, Send(b'{"id": "x", ')])

    # field: 3.8.2
    def test_stream_before_head(self):
        self.leaves("close", True, [])

    def test_stream_after_head(self):
        self.leaves("close", True, self.SSE)

    # field: 3.8.2
    def test_stream_before_content(self):
        self.leaves("close", True, self.SSE + [self.ROLE])

    # field: 3.8.2
    def test_stream_in_the_middle(self):
        self.leaves("close", True, self.SSE + [self.ROLE, self.WORD], read=1)

    def test_stream_in_the_middle_reset(self):
        self.leaves("reset", True, self.SSE + [self.ROLE, self.WORD], read=1)

    def test_in_the_middle_of_a_frame(self):
        self.leaves("close", True, self.SSE + [self.ROLE, self.WORD, Send(b"100\r\ndata: {\"a")],
                    read=1)

    # field: 3.8.3
    def test_while_waiting_between_tries(self):
        gateway = self.gateway({
            "providers": {"fake": provider(self.use(), timeout=FAR)},
            "routes": {"main": {"failover": {"try": ["fake/m"], "retries": 3, "delay": "30s",
                                             "jitter": "none"}}}})
        self.up.reply(upstream.error(500))
        conn = client.Conn(gateway.port)
        conn.request("POST", "/v1/chat/completions", b'{"model":"main","messages":[]}')
        self.assertTrue(self.up.wait_requests(1)[0].done.wait(10))
        conn.close()
        entry, = gateway.wait_access(1)
        self.assertEqual(entry["class"], "cancelled")
        self.assertEqual(len(self.up.requests), 1)
        eventually("nothing in flight",
                   lambda: gateway.metrics().sum(names.M_INFLIGHT) == 0)

    def use(self):
        self.up = self.upstream()
        return self.up

    def test_before_the_request_is_complete(self):
        gateway = self.start()
        for part in (b"POST /v1/chat", b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n",
                     b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
                     b"\r\n{\"model\""):
            conn = client.Conn(gateway.port).send(part)
            conn.close()
        self.assertEqual(client.chat(gateway.port, "main").status, 200)
        self.assertEqual(len(self.up.requests), 1, "half a request is no request")

    # field: 3.9.3
    def test_a_slow_reader_that_leaves(self):
        """The upstream is held back by a reader that reads nothing, and let go when it leaves."""
        gateway = self.start()
        word = Send(upstream.chunked(event(chunk({"content": "x" * 4000}))))
        self.up.reply(Reply(self.SSE + [self.ROLE] + [word] * 20000 + [Stall()], "cancelled"))
        it = client.Stream(gateway.port, "main", receive_buffer=4096)
        it.head()
        record = self.up.wait_requests(1)[0]
        self.assertFalse(record.done.is_set())
        it.conn.reset()
        self.assertTrue(record.gone.wait(BOUND_S * 5))
        self.settle(gateway)

    # field: 3.1.10
    def test_nobody_waits_for_who_leaves(self):
        """A hundred leave in the middle of long prompts and answers; others are answered at once."""
        gateway = self.start()
        word = Send(upstream.chunked(event(chunk({"content": "x" * 20000}))))
        for _ in range(100):
            self.up.reply(Reply(self.SSE + [self.ROLE] + [word] * 20 + [Stall()], "cancelled"))
        streams = [client.Stream(gateway.port, "fake/m", text="word " * 20000) for _ in range(100)]
        for it in streams:
            it.until_content()
        slowest = 0
        for it in streams:
            it.close()
            began = time.monotonic()
            self.assertEqual(client.chat(gateway.port, "second/m").status, 200)
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 1)
        self.books(gateway, self.up, self.second, requests=200)

    # field: 3.8.2
    def test_many_leave_at_once(self):
        gateway = self.start()
        gates = [Gate() for _ in range(50)]
        for gate in gates:
            self.up.reply(Reply(self.SSE + [self.ROLE, self.WORD, Wait(gate)], "cancelled"))
        streams = [client.Stream(gateway.port, "fake/m") for _ in gates]
        for it in streams:
            it.until_content()
        records = self.up.wait_requests(50)
        for it in streams:
            it.close()
        for record in records:
            self.assertTrue(record.gone.wait(BOUND_S * 2))
        self.books(gateway, self.up, requests=50)


if __name__ == "__main__":
    unittest.main()
