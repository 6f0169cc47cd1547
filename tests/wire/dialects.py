"""The dialects as an application uses them: how to ask, and what reads the answer."""

import json
import pathlib
import sys

import records
from digest import anthropic, gemini, ollama, openai_chat, openai_responses

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness.client import Conn, Incomplete  # noqa: E402 (needs the path above)

FORMS = {
    records.CHAT: openai_chat,
    records.RESPONSES: openai_responses,
    records.MESSAGES: anthropic,
    "gemini": gemini,
    records.OLLAMA: ollama,
}

TIMEOUT_S = 10


class Dialect:
    """A column: `form`, and for Gemini's streams the framing asked for."""

    def __init__(self, name, form, array=False):
        self.name, self.form, self.array = name, form, array
        self.module = FORMS[form]

    def framed(self, streamed):
        """What `validate` is told about the framing."""
        if self.form != "gemini" or not streamed:
            return streamed
        return "array" if self.array else "sse"

    def own(self, record):
        """Whether a record is of this very form."""
        return record.form == self.form

    def path(self, model, streamed):
        if self.form == "gemini":
            method = "generateContent"
            if streamed:
                method = "streamGenerateContent" + ("" if self.array else "?alt=sse")
            return "/v1beta/models/%s:%s" % (model, method)
        return {records.CHAT: "/v1/chat/completions", records.RESPONSES: "/v1/responses",
                records.MESSAGES: "/v1/messages", records.OLLAMA: "/api/chat"}[self.form]

    def headers(self):
        key = "app-key-of-the-wire-tests"
        if self.form == records.MESSAGES:
            return [("x-api-key", key), ("anthropic-version", "2023-06-01")]
        if self.form == "gemini":
            return [("x-goog-api-key", key)]
        return [("authorization", "Bearer " + key)]

    def read(self, reply):
        """The digest of a reply; a body that was cut is no clean end, whatever is in it."""
        answer = self.module.digest(reply.status, reply.content_type, reply.body)
        if reply.cut and not answer.error:
            answer.fail("cut", "the connection ended before the body did")
        return answer

    def validate(self, reply, streamed, usage_asked=True):
        return self.module.validate(reply.status, reply.content_type, reply.body,
                                    self.framed(streamed), usage_asked)


COLUMNS = [
    Dialect("openai.chat", records.CHAT),
    Dialect("openai.responses", records.RESPONSES),
    Dialect("anthropic.messages", records.MESSAGES),
    Dialect("gemini", "gemini"),
    Dialect("gemini array", "gemini", array=True),
    Dialect("ollama.chat", records.OLLAMA),
]


class Reply:
    __slots__ = ("status", "headers", "body", "cut")

    def __init__(self, status, headers, body, cut):
        self.status, self.headers, self.body, self.cut = status, headers, body, cut

    @property
    def content_type(self):
        return self.headers.get("content-type", "")


class Asker:
    """One kept connection to the gateway."""

    def __init__(self, port):
        self.port, self.conn = port, None

    def ask(self, dialect, path, headers, body):
        """A Reply; OSError if there is none in time."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = dialect.headers() + list(headers) + [("content-type", "application/json")]
        try:
            head = self._send(path, data, fields)
        except (OSError, Incomplete):
            self.close()
            raise
        cut = False
        try:
            self.conn.body(head)
        except (Incomplete, ConnectionResetError) as error:
            cut = True
            head.body = getattr(error, "got", b"") if head.chunks is None else b"".join(head.chunks)
        headers = head.headers
        if cut or headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(head.status, headers, head.body, cut)

    def _send(self, path, data, fields):
        """The head of the reply. A kept connection may have been closed meanwhile, without a byte:
        then it is asked once more on another, as clients do."""
        kept = self.conn is not None
        self.conn = self.conn or Conn(self.port, TIMEOUT_S)
        try:
            return self.conn.request("POST", path, data, fields).head()
        except (ConnectionError, Incomplete) as error:
            if not kept or getattr(error, "got", b""):
                raise
        self.close()
        self.conn = Conn(self.port, TIMEOUT_S)
        return self.conn.request("POST", path, data, fields).head()

    def close(self):
        if self.conn is not None:
            self.conn.close()
            self.conn = None


# -- Short requests ---------------------------------------------------------------------------


def _function(name):
    return {"name": name or "f", "description": "A tool.",
            "parameters": {"type": "object", "properties": {}}}


def short_request(dialect, streamed, tools=(), choices=1):
    """What an application would have asked to get an answer like this one, but for the model.
    `tools`: names."""
    tools = list(dict.fromkeys(name for name in tools if name))
    text = "Say something."
    if dialect.form == records.CHAT:
        body = {"messages": [{"role": "user", "content": text}]}
        if tools:
            body["tools"] = [{"type": "function", "function": _function(n)} for n in tools]
        if choices > 1:
            body["n"] = choices
        if streamed:
            body.update(stream=True, stream_options={"include_usage": True})
    elif dialect.form == records.RESPONSES:
        body = {"input": text, "stream": bool(streamed)}
        if tools:
            body["tools"] = [dict(_function(n), type="function", strict=False) for n in tools]
    elif dialect.form == records.MESSAGES:
        body = {"max_tokens": 4096, "stream": bool(streamed),
                "messages": [{"role": "user", "content": text}]}
        if tools:
            body["tools"] = [{"name": n, "description": "A tool.",
                              "input_schema": {"type": "object", "properties": {}}} for n in tools]
    elif dialect.form == "gemini":
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        if tools:
            body["tools"] = [{"functionDeclarations": [_function(n) for n in tools]}]
        if choices > 1:
            body["generationConfig"] = {"candidateCount": choices}
    else:
        body = {"messages": [{"role": "user", "content": text}],
                "stream": bool(streamed)}
        if tools:
            body["tools"] = [{"type": "function", "function": _function(n)} for n in tools]
    return body
