"""Clients: a raw socket for odd requests, and small JSON and SSE clients on top of it.

Nothing is smoothed over: a body that ends early raises Incomplete, and every response keeps its
bytes as they came.
"""

import json
import socket
import struct

TIMEOUT_S = 30


class Incomplete(Exception):
    """The connection ended before the response did."""

    def __init__(self, got):
        super().__init__("the connection ended after %d bytes of an unfinished response" % len(got))
        self.got = got


class Response:
    def __init__(self, raw_head, body=b""):
        self.raw_head = raw_head
        lines = raw_head.decode("latin-1").split("\r\n")
        self.version, status, *_ = lines[0].split(" ")
        self.status = int(status)
        self.fields = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                self.fields.append((name, value.strip()))
        self.body = body
        self.chunks = None                 # of a chunked body, as they came

    @property
    def headers(self):
        return {name.lower(): value for name, value in self.fields}

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json()["error"]

    def content(self):
        return self.json()["choices"][0]["message"]["content"]


class Conn:
    """One connection, in bytes."""

    def __init__(self, port, timeout=TIMEOUT_S, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def request(self, method, path, body=b"", headers=(), host="localhost"):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + host]
        lines += ["%s: %s" % pair for pair in headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append("Content-Length: %d" % len(body))
        return self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

    def _fill(self):
        data = self.sock.recv(262144)
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                out = self.buffer[:at + len(mark)]
                self.buffer = self.buffer[at + len(mark):]
                return out
            start = max(0, len(self.buffer) - len(mark))
            if not self._fill():
                raise Incomplete(self.buffer)

    def exactly(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            data = self.sock.recv(262144)
            if not data:
                raise Incomplete(b"".join(parts))
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self.buffer = whole[count:]
        return whole[:count]

    def head(self):
        """The head of the next response, 1xx included."""
        return Response(self._until(b"\r\n\r\n"))

    def body(self, response, method="GET"):
        """Reads the body of `response` into it."""
        headers = response.headers
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if headers.get("transfer-encoding", "").lower() == "chunked":
            response.chunks = []
            for chunk in self.chunks():       # what came before a cut stays there
                response.chunks.append(chunk)
            response.body = b"".join(response.chunks)
        elif "content-length" in headers:
            response.body = self.exactly(int(headers["content-length"]))
        else:
            response.body = self.rest()
        return response

    def chunks(self):
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            data = self.exactly(size + 2)
            if data[-2:] != b"\r\n":
                raise AssertionError("a chunk is not as long as it says: %r" % data[-20:])
            if not size:
                return
            yield data[:-2]

    def response(self, method="GET"):
        return self.body(self.head(), method)

    def rest(self):
        """Everything up to the orderly end of the connection."""
        try:
            while self._fill():
                pass
        except ConnectionResetError:
            pass
        out, self.buffer = self.buffer, b""
        return out

    def ended(self):
        """True if the other side closes without another byte (waits for it)."""
        return self.rest() == b""

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def call(port, method, path, body=None, headers=(), timeout=TIMEOUT_S):
    """One request on a connection of its own. A dict or list is sent as JSON."""
    headers = list(headers.items() if isinstance(headers, dict) else headers)
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    headers.append(("Connection", "close"))
    with Conn(port, timeout) as conn:
        conn.request(method, path, body or b"", headers)
        return conn.response(method)


def get(port, path, headers=(), timeout=TIMEOUT_S):
    return call(port, "GET", path, None, headers, timeout)


def post(port, path, body, headers=(), timeout=TIMEOUT_S):
    return call(port, "POST", path, body, headers, timeout)


def messages(text="Hi"):
    return [{"role": "user", "content": text}]


def chat(port, model="m", text="Hi", headers=(), timeout=TIMEOUT_S, **more):
    body = dict({"messages": messages(text)}, **more)
    if model is not None:
        body = dict({"model": model}, **body)
    return post(port, "/v1/chat/completions", body, headers, timeout)


class Event:
    """One server-sent event."""

    def __init__(self, raw):
        self.raw = raw
        self.name = ""
        data = []
        for line in raw.decode("utf-8").splitlines():
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "data":
                data.append(value)
            elif field == "event":
                self.name = value
        self.data = "\n".join(data)

    def json(self):
        return json.loads(self.data)

    @property
    def done(self):
        return self.data == "[DONE]"

    @property
    def error(self):
        try:
            return self.json().get("error")
        except (ValueError, AttributeError):
            return None

    @property
    def content(self):
        try:
            return "".join((choice.get("delta") or {}).get("content") or ""
                           for choice in self.json().get("choices", []))
        except (ValueError, AttributeError):
            return ""


class Stream:
    """A streamed chat: the head at once, events as they come.

    `cut` is set if the connection ended without the end of the body.
    """

    def __init__(self, port, model="m", text="Hi", headers=(), timeout=TIMEOUT_S,
                 receive_buffer=None, **more):
        body = dict({"messages": messages(text), "stream": True}, **more)
        if model is not None:
            body = dict({"model": model}, **body)
        data = json.dumps(body).encode()
        self.cut = False
        self.raw = b""
        self.conn = Conn(port, timeout, receive_buffer)
        self.conn.request("POST", "/v1/chat/completions", data,
                          [("Content-Type", "application/json")] + list(headers))

    def head(self):
        self.response = self.conn.head()
        return self.response

    def _pieces(self):
        if self.response.headers.get("transfer-encoding", "").lower() != "chunked":
            yield self.conn.body(self.response).body
            return
        try:
            yield from self.conn.chunks()
        except (Incomplete, ConnectionResetError):
            self.cut = True

    def events(self):
        """Events one by one; reads the head first if need be."""
        if not hasattr(self, "response"):
            self.head()
        if not hasattr(self, "_source"):
            self._source, self._pending = self._pieces(), b""
        while True:
            while b"\n\n" in self._pending:
                raw, self._pending = self._pending.split(b"\n\n", 1)
                if any(line and not line.startswith(b":") for line in raw.split(b"\n")):
                    yield Event(raw)
            try:
                piece = next(self._source)
            except StopIteration:
                return
            self.raw += piece
            self._pending += piece

    def next(self):
        return next(self.events())

    def until_content(self):
        """Reads on until an event with content; returns it."""
        for item in self.events():
            if item.content:
                return item
        raise AssertionError("the stream ended without content: %r" % self.raw[-300:])

    def all(self):
        return list(self.events())

    def close(self):
        self.conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def stream(port, *args, **more):
    """A whole streamed chat: (response head, events, stream)."""
    with Stream(port, *args, **more) as it:
        response = it.head()
        return response, it.all(), it


def text_of(events):
    return "".join(event.content for event in events)
