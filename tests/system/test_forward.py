"""Paths that the gateway does not know: forwarded as they are, both ways."""

import hashlib
import os
import random
import unittest

from harness import client, names, upstream
from harness.case import KEY, Case, SharedCase, provider


class ForwardTest(SharedCase):
    CONFIG = {"routes": {"main": {"failover": {"try": ["fake/m"]}}}, "default_route": "main"}

    def last(self):
        return self.up.wait_requests(1)[-1]

    def test_get_with_query(self):
        answer = client.get(self.port, "/v1/files?limit=2&after=x%2Fy")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.last().target, "/v1/files?limit=2&after=x%2Fy")
        self.assertEqual(self.last().headers["authorization"], "Bearer " + KEY)
        self.assertEqual(answer.headers[names.H_PROVIDER], "fake")

    # field: 3.11.5
    def test_key_in_the_query_goes_no_further(self):
        """Google's clients send theirs so. It is for us, not for the vendor, nor for the log."""
        targets = {"/v1/files?key=S3CRET": "/v1/files",
                   "/v1/files?key=S3CRET&limit=2&": "/v1/files?limit=2",
                   "/v1/files?a=1&key=S3CRET&b=": "/v1/files?a=1&b=",
                   "/v1/files?k%65y=S3CRET&monkey=1&key": "/v1/files?monkey=1",
                   "/v1/files?monkey=1&&k=2&": "/v1/files?monkey=1&&k=2&"}
        seen = len(self.gw.access_log())
        for sent, passed in targets.items():
            self.assertEqual(client.get(self.port, sent).status, 200)
            self.assertEqual(self.last().target, passed)
        client.get(self.port, "/v1/models?key=S3CRET")
        client.get(self.port, "/nowhere?key=S3CRET")
        self.gw.wait_access(seen + len(targets) + 1)
        self.assertNotIn("S3CRET", self.gw.access_path.read_text())
        self.assertNotIn("S3CRET", self.gw.output())

    def test_delete(self):
        client.call(self.port, "DELETE", "/v1/files/file-1")
        self.assertEqual((self.last().method, self.last().path), ("DELETE", "/v1/files/file-1"))
        self.assertEqual(self.last().body, b"")

    def test_post_bytes_are_kept(self):
        body = b'{ "purpose":"x", "n": 1.50, "model_like": "main" }\n'
        client.post(self.port, "/v1/moderations", body)
        self.assertEqual(self.last().body, body)

    def test_multipart_bytes_are_kept(self):
        payload = random.Random(7).randbytes(300000) if hasattr(random, "randbytes") \
            else os.urandom(300000)
        body = (b'--b0undary\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants'
                b'\r\n--b0undary\r\nContent-Disposition: form-data; name="file"; filename="a.bin"'
                b'\r\n\r\n' + payload + b'\r\n--b0undary--\r\n')
        answer = client.post(self.port, "/v1/files", body,
                             [("Content-Type", "multipart/form-data; boundary=b0undary")])
        self.assertEqual(answer.json()["sha256"], hashlib.sha256(body).hexdigest())
        self.assertEqual(self.last().headers["content-type"],
                         "multipart/form-data; boundary=b0undary")

    # field: 3.1.7, 3.9.3
    def test_large_body_is_passed_on_as_it_comes(self):
        """Too large to be held (limits: hold_size), measured and unmeasured."""
        body = random.Random(3).randbytes(1 << 20) * 20
        answer = client.post(self.port, "/v1/files", body, [("Content-Type", "x/y")])
        self.assertEqual(answer.json()["sha256"], hashlib.sha256(body).hexdigest())
        with client.Conn(self.port) as conn:
            conn.send(b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: x/y\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 1 << 20):
                conn.send(b"100000\r\n" + body[at:at + (1 << 20)] + b"\r\n")
            conn.send(b"0\r\n\r\n")
            answer = conn.response("POST")
        self.assertEqual(answer.json()["sha256"], hashlib.sha256(body).hexdigest())

    def test_small_unmeasured_body(self):
        with client.Conn(self.port) as conn:
            conn.send(b"POST /v1/moderations HTTP/1.1\r\nHost: localhost\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n")
            self.assertEqual(conn.response("POST").status, 200)
        self.assertEqual(self.last().body, b'{"a":1}')

    def test_answer_bytes_and_status_are_kept(self):
        blob = bytes(range(256)) * 500
        self.up.reply(upstream.whole(201, blob, [("X-Request-Id", "r1")],
                                     content_type="audio/mpeg"))
        answer = client.post(self.port, "/v1/audio/speech", {"input": "x", "model": "m"})
        self.assertEqual((answer.status, answer.body), (201, blob))
        self.assertEqual(answer.headers["content-type"], "audio/mpeg")

    def test_streamed_answer_comes_as_it_is_sent(self):
        gate = upstream.Gate()
        self.up.reply(upstream.sse([b"event: a\ndata: 1\n\n", upstream.Wait(gate),
                                    b"event: b\ndata: 2\n\n"]))
        with client.Conn(self.port) as conn:
            conn.request("POST", "/v1/audio/transcriptions", b'{"stream":true,"model":"m"}',
                         [("Content-Type", "application/json")])
            response = conn.head()
            pieces = conn.chunks()
            self.assertEqual(next(pieces), b"event: a\ndata: 1\n\n")
            gate.open()
            self.assertEqual(b"".join(pieces), b"event: b\ndata: 2\n\n")
        self.assertEqual(response.status, 200)

    # field: 3.1.8
    def test_vendor_error_crosses(self):
        self.up.reply(upstream.error(404, "No such File object: file-9", "invalid_request_error"))
        answer = client.get(self.port, "/v1/files/file-9")
        self.assert_error(answer, 404, None, None, "No such File object")

    def test_provider_by_header(self):
        answer = client.get(self.port, "/v1/batches", [("x-weir-provider", "fake")])
        self.assertEqual(answer.status, 200)
        self.assertNotIn("x-weir-provider", self.last().headers)


class ForwardRetryTest(Case):
    """A forwarded POST is repeated only if nothing can have happened upstream."""

    def start(self):
        self.first, self.second = self.upstream("first"), self.upstream("second")
        return self.gateway({
            "providers": {"first": provider(self.first), "second": provider(self.second)},
            "routes": {"main": {"failover": {"try": ["first", "second"]}}},
            "default_route": "main"})

    def test_post_moves_on_after_503(self):
        gateway = self.start()
        self.first.reply(upstream.error(503))
        answer = client.post(gateway.port, "/v1/moderations", b'{"input":"x"}')
        self.assertEqual((answer.status, answer.headers[names.H_PROVIDER]), (200, "second"))
        self.assertEqual(self.second.requests[0].body, b'{"input":"x"}')
        self.books(gateway, self.first, self.second, requests=1)

    def test_post_is_not_repeated_after_500(self):
        gateway = self.start()
        self.first.reply(upstream.error(500))
        answer = client.post(gateway.port, "/v1/moderations", b'{"input":"x"}')
        self.assertIn(answer.status, (500, 502))
        self.assertEqual(self.second.requests, [])
        self.books(gateway, self.first, self.second, requests=1)

    def test_post_is_not_repeated_after_a_cut(self):
        gateway = self.start()
        self.first.reply(upstream.Reply([upstream.Close()], "protocol"))
        answer = client.post(gateway.port, "/v1/moderations", b'{"input":"x"}')
        self.assertEqual(answer.status, 502)
        self.assertEqual(self.second.requests, [])
        self.assertEqual(len(self.first.requests), 1)

    def test_get_is_repeated(self):
        gateway = self.start()
        self.first.reply(upstream.error(500))
        answer = client.get(gateway.port, "/v1/batches")
        self.assertEqual((answer.status, answer.headers[names.H_PROVIDER]), (200, "second"))

    def test_cut_answer_is_not_complete(self):
        gateway = self.start()
        self.first.reply(upstream.cut_at(
            upstream.whole(body=b"z" * 400000, content_type="audio/mpeg"), 200000))
        with self.assertRaises((client.Incomplete, ConnectionResetError)):
            client.post(gateway.port, "/v1/audio/speech", b'{"input":"x"}')
        self.books(gateway, self.first, self.second, requests=1)


if __name__ == "__main__":
    unittest.main()
