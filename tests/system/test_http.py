"""HTTP/1.1 as strangers speak it: odd, slow, hostile and large."""

import json
import socket
import unittest

from harness import client, names, upstream
from harness.case import Case, SharedCase, provider

CHAT = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'


def chat_bytes(body=CHAT, extra=b""):
    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n%s\r\n%s" % (len(body), extra, body))


class ConnectionTest(SharedCase):
    def conn(self, **more):
        conn = client.Conn(self.port, **more)
        self.addCleanup(conn.close)
        return conn

    def test_keep_alive(self):
        conn = self.conn()
        for _ in range(3):
            conn.send(chat_bytes())
            self.assertEqual(conn.response().status, 200)

    def test_keep_alive_after_a_stream(self):
        conn = self.conn()
        body = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
        for _ in range(3):
            conn.send(chat_bytes(body))
            self.assertIn(b"[DONE]", conn.response().body)

    def test_keep_alive_after_an_error(self):
        conn = self.conn()
        conn.send(chat_bytes(b'{"model":"none-such","messages":[]}') + chat_bytes())
        self.assertEqual([conn.response().status, conn.response().status], [404, 200])

    def test_connection_close(self):
        conn = self.conn().send(chat_bytes(extra=b"Connection: close\r\n"))
        self.assertEqual(conn.response().headers.get("connection", "").lower(), "close")
        self.assertTrue(conn.ended())

    def test_http_1_0(self):
        conn = self.conn().send(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertEqual(conn.response().status, 200)
        self.assertTrue(conn.ended())

    def test_http_1_0_stream_ends_by_closing(self):
        body = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
        conn = self.conn().send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n"
                                % len(body) + body)
        head = conn.head()
        self.assertNotIn("transfer-encoding", head.headers)
        self.assertIn(b"[DONE]", conn.rest())

    def test_pipelined_chats_are_answered_in_order(self):
        bodies = [json.dumps({"model": "m-%d" % i, "messages": []}).encode() for i in range(20)]
        conn = self.conn().send(b"".join(map(chat_bytes, bodies)))
        self.assertEqual([conn.response().headers[names.H_MODEL] for _ in bodies],
                         ["m-%d" % i for i in range(20)])

    def test_pipelined_in_odd_pieces(self):
        data = chat_bytes() * 5
        conn = self.conn()
        for i in range(0, len(data), 11):
            conn.send(data[i:i + 11])
        self.assertEqual([conn.response().status for _ in range(5)], [200] * 5)

    def test_20000_tiny_requests_on_one_connection(self):
        conn = self.conn()
        ask = [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
               b"GET /nothing-here HTTP/1.1\r\nHost: localhost\r\n\r\n"]
        for _ in range(5000):
            conn.send(ask[0])
            self.assertEqual(conn.response().status, 200)
            conn.send(ask[1])
            self.assertEqual(conn.response().status, 404)
        for _ in range(100):               # and pipelined, 100 at once
            conn.send(b"".join(ask) * 50)
            for _ in range(50):
                self.assertEqual(conn.response().status, 200)
                self.assertEqual(conn.response().status, 404)

    def test_head(self):
        conn = self.conn().send(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = conn.response("HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        full = conn.response()
        self.assertEqual(full.status, 200)
        self.assertEqual(head.headers.get("content-length"), full.headers.get("content-length"))

    def test_head_where_get_is(self):
        conn = self.conn()
        for path in (b"/v1/models", b"/v1/models/m", b"/v1/models/none-such"):
            conn.send(b"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\nGET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                      % (path, path))
            head, full = conn.response("HEAD"), conn.response()
            self.assertEqual((head.status, head.body), (full.status, b""))
            self.assertEqual(head.headers["content-length"], full.headers["content-length"])
        self.assertEqual(self.up.wait_requests(0), [])     # none of it was forwarded

    def test_target_with_its_origin(self):
        """As clients write it that take the gateway for a proxy."""
        conn = self.conn()
        conn.send(b"GET http://x:80/v1/models?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(conn.response().status, 200)
        conn.send(chat_bytes().replace(b"POST /", b"POST HTTP://elsewhere/"))
        self.assertEqual(conn.response().status, 200)
        conn.send(b"GET http://x HTTP/1.1\r\nHost: localhost\r\n\r\n")    # the path is "/"
        self.assertEqual(conn.response().status, 200)
        conn.send(b"GET http://u@x/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(conn.response().status, 400)

    def test_expect_continue(self):
        conn = self.conn()
        conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(CHAT))
        self.assertEqual(conn.head().status, 100)
        conn.send(CHAT)
        self.assertEqual(conn.response().status, 200)

    def test_expect_with_the_body_at_once(self):
        conn = self.conn().send(chat_bytes(extra=b"Expect: 100-continue\r\n"))
        head = conn.head()
        if head.status == 100:
            head = conn.head()
        self.assertEqual(conn.body(head).status, 200)

    def test_other_expectation(self):
        conn = self.conn().send(chat_bytes(extra=b"Expect: miracles\r\n"))
        self.assertEqual(conn.response().status, 417)

    def test_upgrade(self):
        conn = self.conn().send(b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                                b"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n")
        self.assertEqual(conn.response().status, 501)
        self.assertEqual(self.up.requests, [])

    def test_chunked_request(self):
        pieces = [CHAT[:5], CHAT[5:20], CHAT[20:]]
        conn = self.conn()
        conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            conn.send(b"%x;name=value\r\n%s\r\n" % (len(piece), piece))
        conn.send(b"0\r\nTrailer-Field: x\r\n\r\n" + chat_bytes())
        self.assertEqual([conn.response().status, conn.response().status], [200, 200])
        self.assertEqual(self.up.requests[0].body, CHAT)

    def test_leading_empty_line(self):
        conn = self.conn().send(b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(conn.response().status, 200)

    # field: 3.1.7
    def test_2_mb_prompt(self):
        text = "All work and no play. \u00e9\U0001f600 " * 80000
        body = json.dumps({"model": "m", "messages": client.messages(text)},
                          ensure_ascii=False).encode()
        self.assertGreater(len(body), 2 * 1024 * 1024)
        answer = client.post(self.port, "/v1/chat/completions", body)
        self.assertEqual(answer.status, 200, answer.body[:300])
        self.assertEqual(self.up.requests[0].body, body)

    # field: 3.1.7
    def test_2_mb_answer(self):
        reply = upstream.chat("y" * 2500000)
        raw = reply.steps[0].data.split(b"\r\n\r\n", 1)[1]
        self.up.reply(reply)
        self.assertEqual(self.chat("m").body, raw)

    def test_byte_by_byte(self):
        conn = self.conn()
        for i in chat_bytes():
            conn.send(bytes([i]))
        self.assertEqual(conn.response().status, 200)


class HostileTest(SharedCase):
    """Shapes that two parsers could read differently: 400, and the connection ends."""

    SHAPES = {
        "length and chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "two lengths in one": b"Content-Length: 4, 5\r\n\r\nabcde",
        "signed length": b"Content-Length: +4\r\n\r\nabcd",
        "negative length": b"Content-Length: -4\r\n\r\nabcd",
        "hex length": b"Content-Length: 0x4\r\n\r\nabcd",
        "length with a space inside": b"Content-Length: 4 4\r\n\r\nabcd",
        "empty length": b"Content-Length: \r\n\r\n",
        "length past 64 bits": b"Content-Length: 99999999999999999999999\r\n\r\n",
        "space before the colon": b"Content-Length : 4\r\n\r\nabcd",
        "tab before the colon": b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        "folded header": b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        "bare CR in a header": b"X-A: b\rc\r\nContent-Length: 0\r\n\r\n",
        "bare LF after a header": b"X-A: b\nContent-Length: 0\r\n\r\n",
        "NUL in a header": b"X-A: b\x00c\r\nContent-Length: 0\r\n\r\n",
        "header without a name": b": x\r\nContent-Length: 0\r\n\r\n",
        "header without a colon": b"no colon here\r\nContent-Length: 0\r\n\r\n",
        "obscure coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
                       b"0\r\n\r\n",
        "vertical tab before chunked": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "chunk size with a sign": b"Transfer-Encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n",
        "chunk size with 0x": b"Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
        "chunk size too long": b"Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\nabcd\r\n",
        "chunk longer than it says": b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n",
        "chunk ended by LF": b"Transfer-Encoding: chunked\r\n\r\n4\nabcd\r\n0\r\n\r\n",
        "two hosts": b"Host: y\r\nContent-Length: 0\r\n\r\n",
    }
    LINES = {
        "no version": b"GET /healthz\r\n",
        "two spaces": b"GET  /healthz HTTP/1.1\r\n",
        "odd version": b"GET /healthz HTTP/1.10\r\n",
        "lower-case version": b"GET /healthz http/1.1\r\n",
        "bare LF": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
        "control byte in the target": b"GET /heal\x01thz HTTP/1.1\r\n",
        "method with a separator": b"G(T /healthz HTTP/1.1\r\n",
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    }

    def refused(self, data):
        with client.Conn(self.port) as conn:
            conn.send(data)
            response = conn.response()
            self.assertEqual(response.status, 400)
            error = response.error
            self.assertTrue(error["message"])
            self.assertTrue(conn.ended(), "nothing after it is read as a request")
        self.assertEqual(self.up.requests, [])

    def test_headers(self):
        for name, rest in self.SHAPES.items():
            with self.subTest(name):
                self.refused(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + rest +
                             b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_request_lines(self):
        for name, line in self.LINES.items():
            with self.subTest(name):
                self.refused(line + b"Host: localhost\r\n\r\n")

    def test_no_host(self):
        self.refused(b"GET /healthz HTTP/1.1\r\n\r\n")

    def test_next_version(self):
        with client.Conn(self.port) as conn:
            conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            self.assertIn(conn.response().status, (400, 505))
            self.assertTrue(conn.ended())

    def test_serving_goes_on(self):
        for rest in list(self.SHAPES.values())[:5]:
            self.refused(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + rest)
        self.assertEqual(self.chat("m").status, 200)


class LimitTest(Case):
    def start(self, **limits):
        self.up = self.upstream()
        return self.gateway({"providers": {"fake": provider(self.up)}, "limits": limits,
                             "default_route": "main",
                             "routes": {"main": {"failover": {"try": ["fake/m"]}}}})

    def test_json_body_over_the_limit_is_not_read(self):
        """The refusal comes while most of the body is still unsent, and must not be lost."""
        gateway = self.start(json_size="64KB")
        with client.Conn(gateway.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                      b"Content-Length: 1000000000\r\n\r\n{\"model\":\"m\"")
            response = conn.response()
            error = self.assert_error(response, 413)
            self.assertIn("64", error["message"], "it says what the limit is")
            self.assertTrue(conn.ended())
        self.assertEqual(self.up.requests, [])

    def test_at_the_limit(self):
        gateway = self.start(json_size="64KB")
        body = CHAT[:-1] + b" " * (65536 - len(CHAT)) + b"}"
        self.assertEqual(len(body), 65536)
        self.assertEqual(client.post(gateway.port, "/v1/chat/completions", body).status, 200)
        body = CHAT[:-1] + b" " * (65537 - len(CHAT)) + b"}"
        self.assertEqual(client.post(gateway.port, "/v1/chat/completions", body).status, 413)

    def test_chunked_body_over_the_limit(self):
        gateway = self.start(json_size="64KB")
        with client.Conn(gateway.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(9):
                conn.send(b"2000\r\n" + b"x" * 8192 + b"\r\n")
            self.assertEqual(conn.response().status, 413)

    def test_expect_is_answered_before_the_body_is_sent(self):
        gateway = self.start(json_size="64KB")
        with client.Conn(gateway.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                      b"Content-Length: 70000\r\n\r\n")
            self.assertEqual(conn.response().status, 413)

    def test_forward_body_has_its_own_limit(self):
        gateway = self.start(json_size="16KB", forward_size="256KB")
        self.assertEqual(client.post(gateway.port, "/v1/files", b"z" * 200000,
                                     [("Content-Type", "application/octet-stream")]).status, 200)
        self.assertEqual(client.post(gateway.port, "/v1/files", b"z" * 300000,
                                     [("Content-Type", "application/octet-stream")]).status, 413)

    def test_head_over_the_limit(self):
        gateway = self.start(head_size="8KB")
        with client.Conn(gateway.port) as conn:
            conn.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 20000 + b"\r\n\r\n")
            self.assertEqual(conn.response().status, 431)

    def test_slow_head(self):
        gateway = self.start(head_timeout="300ms")
        with client.Conn(gateway.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
            data = conn.rest()
        self.assertTrue(data == b"" or b" 408 " in data.split(b"\r\n")[0], data[:100])

    def test_slow_head_that_never_stops(self):
        """One byte at a time does not buy more time."""
        gateway = self.start(head_timeout="500ms")
        with client.Conn(gateway.port, timeout=0.05) as conn:
            conn.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
            for _ in range(200):
                try:
                    conn.send(b"a")
                    if not conn._fill() or b"408" in conn.buffer:
                        return
                except socket.timeout:
                    continue
                except OSError:
                    return
        self.fail("it waited for ever")

    def test_slow_body(self):
        gateway = self.start(body_timeout="300ms")
        with client.Conn(gateway.port) as conn:
            conn.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
                      b"\r\n{\"model\"")
            self.assertEqual(conn.response().status, 408)
            self.assertTrue(conn.ended())
        self.assertEqual(self.up.requests, [])

    def test_idle_connection(self):
        gateway = self.start(idle_timeout="300ms")
        with client.Conn(gateway.port) as conn:
            conn.send(chat_bytes())
            self.assertEqual(conn.response().status, 200)
            self.assertTrue(conn.ended())

    def test_idle_limit_does_not_end_a_stream(self):
        gateway = self.start(idle_timeout="200ms", head_timeout="200ms", body_timeout="200ms")
        gate = upstream.Gate()
        self.up.reply(upstream.stream(["a", "b"], gates={1: gate}))
        with client.Stream(gateway.port) as it:
            it.until_content()
            with client.Conn(gateway.port) as idle:
                self.assertEqual(idle.rest(), b"", "an idle connection is ended meanwhile")
            gate.open()
            self.assertTrue(it.all()[-1].done)

    def test_connections_beyond_the_limit_wait(self):
        gateway = self.start(connections=20)
        held = [client.Conn(gateway.port).send(chat_bytes()) for _ in range(20)]
        for conn in held:
            self.assertEqual(conn.response().status, 200)
        late = client.Conn(gateway.port).send(chat_bytes())
        for conn in held:
            conn.close()
        self.assertEqual(late.response().status, 200)
        late.close()


if __name__ == "__main__":
    unittest.main()
