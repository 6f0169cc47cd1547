"""One question in the words of each API, and what came of it: the same few facts whichever API it was.

`ask` waits for the whole answer; `Live` reads a stream as far as a test wants it.
"""

import json
import time

from . import client

CHAT, RESPONSES, ANTHROPIC, GEMINI, OLLAMA = DIALECTS = (
    "chat", "responses", "anthropic", "gemini", "ollama")
LOOK = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}


def said(text):
    return [{"role": "user", "content": text}]


def tools_of(dialect):
    """A tool `look`, as the API has tools."""
    function = {"name": "look", "description": "Looks.", "parameters": LOOK}
    return {CHAT: [{"type": "function", "function": function}],
            OLLAMA: [{"type": "function", "function": function}],
            RESPONSES: [dict(function, type="function")],
            ANTHROPIC: [{"name": "look", "description": "Looks.", "input_schema": LOOK}],
            GEMINI: [{"functionDeclarations": [function]}]}[dialect]


def request(dialect, model, text="Hi", stream=False, tools=False, **more):
    """(path, body) of a question."""
    path, body = {
        CHAT: ("/v1/chat/completions", {"model": model, "messages": said(text)}),
        RESPONSES: ("/v1/responses", {"model": model, "input": text}),
        ANTHROPIC: ("/v1/messages", {"model": model, "max_tokens": 500, "messages": said(text)}),
        GEMINI: ("/v1beta/models/%s:%s" % (model, "streamGenerateContent?alt=sse" if stream else
                                           "generateContent"),
                 {"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        OLLAMA: ("/api/chat", {"model": model, "messages": said(text)})}[dialect]
    if dialect != GEMINI:
        body["stream"] = stream
    if tools:
        body["tools"] = tools_of(dialect)
    return path, dict(body, **more)


class Reading:
    """What an answer says so far. `ended`: by the API's own mark of a complete answer."""

    def __init__(self):
        self.text = self.reasoning = ""
        self.calls = {}                    # by number: [name, arguments]
        self.finish = self.error = None
        self.ended = False
        self.models, self.providers = [], []
        self.usage = None
        self.documents = []

    def call(self, number, name="", arguments=""):
        entry = self.calls.setdefault(number, ["", ""])
        entry[0] += name or ""
        entry[1] += arguments or ""

    def meant(self):
        """[(name, arguments as they are meant)] of the calls, in order."""
        return [(name, json.loads(arguments or "{}")) for _, (name, arguments) in
                sorted(self.calls.items())]

    def note(self, name, value):
        if value and (not name or name[-1] != value):
            name.append(value)


def _chat(r, d):
    r.note(r.models, d.get("model"))
    r.usage = d.get("usage") or r.usage
    for choice in d.get("choices", []):
        delta = choice.get("delta") or choice.get("message") or {}
        r.text += delta.get("content") or ""
        r.reasoning += delta.get("reasoning_content") or ""
        for i, call in enumerate(delta.get("tool_calls") or []):
            function = call.get("function") or {}
            r.call(call.get("index", i), function.get("name"), function.get("arguments"))
        r.finish = choice.get("finish_reason") or r.finish


def _response(r, d):
    for i, item in enumerate(d.get("output", [])):
        if item["type"] == "message":
            r.text += "".join(c.get("text", "") for c in item["content"])
        elif item["type"] == "function_call":
            r.call(i, item["name"], item["arguments"])
    r.finish = d.get("status")
    r.usage = d.get("usage")


def _responses(r, d):
    kind = d.get("type", "")
    if kind == "response.output_text.delta":
        r.text += d["delta"]
    elif kind == "response.output_item.added" and d["item"]["type"] == "function_call":
        r.call(d["output_index"], d["item"]["name"])
    elif kind == "response.function_call_arguments.delta":
        r.call(d["output_index"], "", d["delta"])
    elif kind in ("response.completed", "response.incomplete"):
        r.ended, r.finish, r.usage = True, d["response"]["status"], d["response"].get("usage")
    elif kind in ("error", "response.failed"):
        r.error = r.error or d.get("message") or d["response"]["error"]
    elif d.get("object") == "response":
        _response(r, d)
    r.note(r.models, (d.get("response") or d).get("model"))


def _anthropic(r, d):
    kind = d.get("type")
    if kind == "message_start":
        r.note(r.models, d["message"]["model"])
    elif kind == "message":
        r.note(r.models, d["model"])
        for i, block in enumerate(d["content"]):
            if block["type"] == "text":
                r.text += block["text"]
            elif block["type"] == "tool_use":
                r.call(i, block["name"], json.dumps(block["input"]))
        r.finish, r.usage = d["stop_reason"], d["usage"]
    elif kind == "content_block_start" and d["content_block"]["type"] == "tool_use":
        r.call(d["index"], d["content_block"]["name"])
    elif kind == "content_block_delta":
        r.text += d["delta"].get("text", "")
        r.reasoning += d["delta"].get("thinking", "")
        if "partial_json" in d["delta"]:
            r.call(d["index"], "", d["delta"]["partial_json"])
    elif kind == "message_delta":
        r.finish, r.usage = d["delta"]["stop_reason"], d.get("usage")
    elif kind == "message_stop":
        r.ended = True


def _gemini(r, d):
    r.note(r.models, d.get("modelVersion"))
    r.usage = d.get("usageMetadata") or r.usage
    for candidate in d.get("candidates", []):
        for part in (candidate.get("content") or {}).get("parts") or []:
            if part.get("thought"):
                r.reasoning += part.get("text", "")
            elif "functionCall" in part:
                r.call(len(r.calls), part["functionCall"]["name"],
                       json.dumps(part["functionCall"].get("args", {})))
            else:
                r.text += part.get("text", "")
        r.finish = candidate.get("finishReason") or r.finish
    r.ended = bool(r.finish)


def _ollama(r, d):
    r.note(r.models, d.get("model"))
    message = d.get("message") or {}
    r.text += message.get("content") or ""
    r.reasoning += message.get("thinking") or ""
    for call in message.get("tool_calls") or []:
        r.call(len(r.calls), call["function"]["name"], json.dumps(call["function"]["arguments"]))
    if d.get("done"):
        r.ended, r.finish = True, d.get("done_reason")


_READERS = {CHAT: _chat, RESPONSES: _responses, ANTHROPIC: _anthropic, GEMINI: _gemini,
            OLLAMA: _ollama}


def _lines(dialect, raw):
    """The complete documents in what came of a stream."""
    lines = raw.split(b"\n")[:-1]          # the last one may go on
    if dialect == OLLAMA:
        return [line for line in lines if line.strip()]
    return [line[5:].strip() for line in lines if line.startswith(b"data:")]


def read(dialect, raw, stream):
    """The Reading of what came."""
    r = Reading()
    for data in _lines(dialect, raw) if stream else [raw]:
        if data == b"[DONE]":
            r.ended = True
            continue
        document = json.loads(data)
        r.documents.append(document)
        if document.get("error"):
            r.error = document["error"]
            continue
        r.note(r.providers, document.get("provider"))
        _READERS[dialect](r, document)
    if not stream:
        r.ended = bool(r.finish)
    return r


class Live:
    """A streamed question: the head, then as much of the answer as is wanted."""

    def __init__(self, port, dialect=CHAT, model="main", text="Hi", timeout=15, **more):
        path, body = request(dialect, model, text, True, **more)
        self.dialect, self.raw, self.cut = dialect, b"", False
        self.began = time.monotonic()
        self.conn = client.Conn(port, timeout)
        self.conn.request("POST", path, json.dumps(body).encode(),
                          [("Content-Type", "application/json"),
                           ("anthropic-version", "2023-06-01")])
        self._head = self._source = None

    @property
    def head(self):
        if self._head is None:
            self._head = self.conn.head()
            self._source = self._pieces()
        return self._head

    def _pieces(self):
        if self.head.headers.get("transfer-encoding", "").lower() != "chunked":
            yield self.conn.body(self.head).body
            return
        try:
            yield from self.conn.chunks()
        except (client.Incomplete, ConnectionResetError):
            self.cut = True

    @property
    def streamed(self):
        return self.head.headers.get("transfer-encoding", "").lower() == "chunked"

    @property
    def reading(self):
        return read(self.dialect, self.raw, self.streamed)

    def until(self, done):
        """Reads on until `done(reading)`; returns that reading."""
        self.head                          # before the pieces
        while True:
            reading = self.reading if self.raw else Reading()
            if done(reading):
                return reading
            try:
                self.raw += next(self._source)
            except StopIteration:
                raise AssertionError("the stream ended early: %r" % self.raw[-500:]) from None

    def until_text(self, text):
        return self.until(lambda reading: text in reading.text)

    def all(self):
        self.head
        for piece in self._source:
            self.raw += piece
        return self.end()

    def end(self):
        """Everything came: the Result."""
        self.conn.close()
        return Result(self.dialect, self.head, self.raw, self.streamed, self.cut,
                      time.monotonic() - self.began)


class Result:
    """What the caller got, and how long it took."""

    def __init__(self, dialect, head, raw, stream, cut, seconds):
        self.dialect, self.status, self.headers = dialect, head.status, head.headers
        self.raw, self.stream, self.cut, self.seconds = raw, stream, cut, seconds
        self.reading = read(dialect, raw, stream)

    @property
    def complete(self):
        """Whether it is an answer that anybody would take for a complete one."""
        r = self.reading
        return self.status == 200 and r.ended and not r.error and not self.cut

    @property
    def message(self):
        """The words of the error."""
        error = self.reading.error
        return error if isinstance(error, str) else (error or {}).get("message", "")

    def __repr__(self):
        return "%s %d in %.2f s%s: %r" % (self.dialect, self.status, self.seconds,
                                          ", cut" if self.cut else "", self.raw[-700:])


def ask(port, stream=False, dialect=CHAT, model="main", text="Hi", timeout=15, **more):
    """The whole answer to one question."""
    if stream:
        return Live(port, dialect, model, text, timeout, **more).all()
    path, body = request(dialect, model, text, False, **more)
    began = time.monotonic()
    answer = client.post(port, path, body, [("anthropic-version", "2023-06-01")], timeout)
    return Result(dialect, answer, answer.body, False, False, time.monotonic() - began)
