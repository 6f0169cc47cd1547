"""A scripted provider: an HTTP/1.1 server that does exactly what a test tells it to.

A test queues replies; each is a list of steps (bytes, a wait for a Gate that the test opens, a
cut, a reset, a stall). Nothing here sleeps: whatever has to happen "later" waits for a Gate or for
the other side to go away. Every request is recorded, and so is the moment its sender left.

The server keeps books: how many requests it got, which failure class each reply stands for, and
the tokens it reported. Tests compare them with the gateway's log and metrics.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter, deque

from .connection import Connection
from .steps import Call, Close, Gate, Reply, Reset, Send, Stall, Wait  # noqa: F401 (for the tests)

STATUS_TEXT = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request",
               401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
               429: "Too Many Requests", 500: "Internal Server Error",
               502: "Bad Gateway", 503: "Service Unavailable", 529: "Overloaded"}


def head(status=200, headers=(), reason=None):
    lines = ["HTTP/1.1 %d %s" % (status, reason or STATUS_TEXT.get(status, "Status"))]
    lines += ["%s: %s" % pair for pair in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(status=200, body=b"", headers=(), cls="ok", usage=None, close=False,
          content_type="application/json", length=None):
    """A reply with Content-Length; `length` overrides the true one."""
    body = body if isinstance(body, bytes) else body.encode()
    fields = [("Content-Type", content_type)] if content_type else []
    fields += [("Content-Length", str(len(body) if length is None else length))]
    fields += list(headers) + ([("Connection", "close")] if close else [])
    return Reply([Send(head(status, fields) + body, usage)], cls, close)


def jsonr(value, status=200, **more):
    return whole(status, json.dumps(value).encode(), **more)


ERROR_CLASS = {400: "invalid_request", 401: "authentication", 403: "permission",
               404: "not_found", 429: "rate_limit", 500: "server_error", 502: "server_error",
               503: "overloaded", 529: "overloaded"}


def error(status, message="scripted failure", kind="server_error", code=None, cls=None, **more):
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return jsonr(body, status, cls=cls or ERROR_CLASS.get(status, "server_error"), **more)


def usage_block(tokens_in, tokens_out, cached=None):
    block = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out,
             "total_tokens": tokens_in + tokens_out}
    if cached is not None:
        block["prompt_tokens_details"] = {"cached_tokens": cached}
    return block


def counted(tokens_in, tokens_out, cached=None):
    books = {"input": tokens_in, "output": tokens_out}
    if cached is not None:
        books["cache_read"] = cached
    return books


def completion(text="Hello from upstream", model="m", tokens=(7, 5), cached=None, message=None,
               finish="stop", **extra):
    """The document of an unstreamed chat completion."""
    document = {
        "id": "chatcmpl-fake", "object": "chat.completion", "created": 1700000000, "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None,
                     "message": message or {"role": "assistant", "content": text,
                                            "refusal": None}}],
        "usage": usage_block(tokens[0], tokens[1], cached)}
    document.update(extra)
    return document


def chat(text="Hello from upstream", model="m", tokens=(7, 5), cached=None, headers=(), cls="ok",
         close=False, **more):
    return jsonr(completion(text, model, tokens, cached, **more), headers=headers, cls=cls,
                 usage=counted(tokens[0], tokens[1], cached), close=close)


def chunk(delta=None, finish=None, model="m", usage=None, choices=None, **extra):
    """The document of one chunk of a streamed chat completion."""
    document = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1700000000,
                "model": model,
                "choices": choices if choices is not None else
                [{"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}]}
    if usage is not None:
        document["usage"] = usage
    document.update(extra)
    return document


def event(value):
    """One server-sent event."""
    data = value if isinstance(value, str) else json.dumps(value)
    return ("data: %s\n\n" % data).encode()


DONE = event("[DONE]")
SSE_HEADERS = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"))


def chunked(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def sse(steps, status=200, headers=(), cls="ok", end=True, close=False):
    """A chunked event stream. `steps`: bytes become one chunk each, step objects stay."""
    out = [Send(head(status, list(SSE_HEADERS) + [("Transfer-Encoding", "chunked")] +
                     list(headers)))]
    for step in steps:
        if isinstance(step, (bytes, str)):
            step = Send(step)
        if isinstance(step, Send):
            step = Send(chunked(step.data), step.usage)
        out.append(step)
    if end:
        out.append(Send(LAST_CHUNK))
    return Reply(out, cls, close)


def stream(pieces=("Hello", " from", " upstream"), model="m", tokens=(7, 5), cached=None,
           gates=None, cls="ok", headers=(), usage=True, finish="stop"):
    """A complete streamed answer. `gates`: {index of piece: Gate to wait for before it}."""
    steps = [event(chunk({"role": "assistant", "content": ""}, model=model))]
    for i, piece in enumerate(pieces):
        if gates and i in gates:
            steps.append(Wait(gates[i]))
        steps.append(event(chunk({"content": piece}, model=model)))
    steps.append(event(chunk({}, finish=finish, model=model)))
    if usage:
        steps.append(Send(event(chunk(choices=[], model=model,
                                      usage=usage_block(tokens[0], tokens[1], cached))),
                          counted(tokens[0], tokens[1], cached)))
    steps.append(DONE)
    return sse(steps, cls=cls, headers=headers)


def cut_at(reply, offset, how=None):
    """The same reply, but the connection ends after `offset` bytes of it."""
    steps, left = [], offset
    for step in reply.steps:
        if isinstance(step, Send):
            if len(step.data) > left:
                steps += [Send(step.data[:left]), how or Close()]
                return Reply(steps, "protocol")
            left -= len(step.data)
        steps.append(step)
    return Reply(steps + [how or Close()], "protocol")


# -- The server -------------------------------------------------------------------------------


class Upstream:
    """The server, on its own thread. `name` is the provider it plays, for the books."""

    def __init__(self, name="fake", default=None, port=0):
        self.name = name
        self._wanted = port                # 0: any
        self.default = default or pretend
        self.requests = []
        self.journal = []                  # (time, what, record) in order
        self.connections = set()
        self.accepted = 0
        self.classes = Counter()
        self.tokens = Counter()
        self._queue = deque()
        self._by_model = {}
        self._early = deque()
        self._lock = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upstream-" + name, daemon=True)
        self._thread.start()
        self._started.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        make = self._loop.create_server(lambda: Connection(self), "127.0.0.1", self._wanted,
                                        backlog=2048)
        self._server = self._loop.run_until_complete(make)
        self.port = self._server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    @property
    def base_url(self):
        return self.url + "/v1"

    # What to answer.

    def reply(self, *replies):
        """Queues replies for the next requests, whatever they ask."""
        with self._lock:
            for reply in replies:
                (self._early if reply.early else self._queue).append(reply)
        return self

    def reply_for(self, model, *replies):
        """Queues replies for the next requests that name this model."""
        with self._lock:
            self._by_model.setdefault(model, deque()).extend(replies)
        return self

    def early(self, record):
        with self._lock:
            return self._early.popleft() if self._early else None

    def arrived(self, record, reply):
        with self._lock:
            if reply is None:
                queue = self._by_model.get(_model_of(record)) if self._by_model else None
                if queue:
                    reply = queue.popleft()
                elif self._queue:
                    reply = self._queue.popleft()
            record.number = len(self.requests) + 1
            self.requests.append(record)
        if reply is None:
            reply = self.default(record)
        with self._lock:
            record.cls = reply.cls
            self.classes[reply.cls] += 1
            self.journal.append((time.monotonic(), "request", record))
            self._lock.notify_all()
        return reply

    # What happened.

    def opened(self, connection):
        with self._lock:
            self.accepted += 1
            self.connections.add(connection)
            return self.accepted

    def note(self, what, record):
        with self._lock:
            self.journal.append((time.monotonic(), what, record))
            self._lock.notify_all()

    def count(self, usage):
        with self._lock:
            self.tokens.update(usage)

    def wait_requests(self, count, timeout=10):
        """Waits until `count` requests have come; returns them."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count, timeout):
                raise AssertionError("upstream %s: %d of %d requests came within %gs" %
                                     (self.name, len(self.requests), count, timeout))
            return list(self.requests)

    def books(self):
        """(attempts by (provider, class), tokens by kind) that were served."""
        with self._lock:
            return (Counter({(self.name, cls): n for cls, n in self.classes.items()}),
                    Counter({kind: n for kind, n in self.tokens.items() if n}))

    def forget(self):
        """Starts new books."""
        with self._lock:
            self.requests.clear()
            self.journal.clear()
            self.classes.clear()
            self.tokens.clear()

    def stop(self):
        async def shut():
            self._server.close()
            for connection in list(self.connections):
                connection.transport.abort()
                connection.task.cancel()
            await asyncio.sleep(0)         # lets the cancelled tasks run to their end
            self._loop.stop()

        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(shut(), self._loop)
            self._thread.join(10)


def _model_of(record):
    try:
        return json.loads(record.body).get("model")
    except (ValueError, AttributeError):
        return None


# -- What it does when nobody told it anything ------------------------------------------------


def pretend(record):
    """A small, well-behaved provider with an OpenAI-shaped API."""
    if record.path.endswith("/chat/completions") and record.method == "POST":
        return _pretend_chat(record.json())
    if record.path.endswith("/embeddings"):
        return _pretend_embeddings(record.json())
    if record.path.endswith("/models"):
        return jsonr({"object": "list", "data": [
            {"id": name, "object": "model", "created": 1700000000, "owned_by": "fake"}
            for name in ("m", "m-large")]})
    return jsonr({"object": "echo", "method": record.method, "path": record.target,
                  "bytes": len(record.body), "sha256": hashlib.sha256(record.body).hexdigest()})


def _pretend_chat(asked):
    model = asked.get("model", "?")
    if asked.get("stream"):
        wants = (asked.get("stream_options") or {}).get("include_usage")
        return stream(model=model, usage=bool(wants))
    return chat(model=model)


def _pretend_embeddings(asked):
    inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = [{"object": "embedding", "index": i, "embedding": [0.25, -0.5, len(str(text)) / 8]}
            for i, text in enumerate(inputs)]
    return jsonr({"object": "list", "data": data, "model": asked.get("model", "?"),
                  "usage": {"prompt_tokens": 4, "total_tokens": 4}}, usage={"input": 4})
