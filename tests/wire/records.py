"""Records: one exchange each, recorded from a vendor (the folder WEIR_WIRE) or written by us
(cases/, in the same form)."""

import base64
import json
import os
import pathlib

import framing

HERE = pathlib.Path(__file__).resolve().parent

# The APIs of the tables: what they are read with, and the part of which plugin speaks them.
CHAT = "openai.chat"
RESPONSES = "openai.responses"
MESSAGES = "anthropic.messages"
GENERATE = "gemini.generateContent"
STREAM_GENERATE = "gemini.streamGenerateContent"
OLLAMA = "ollama.chat"

# Rows of the tables: record API -> API whose wire form it is.
ROWS = {
    CHAT: CHAT,
    RESPONSES: RESPONSES,
    MESSAGES: MESSAGES,
    GENERATE: "gemini",
    STREAM_GENERATE: "gemini",
    OLLAMA: OLLAMA,
    "groq.chat": CHAT,
    "deepseek.chat": CHAT,
    "xai.chat": CHAT,
    "openrouter.chat": CHAT,
    "mistral.chat": CHAT,
}


class Record:
    """`own`: one of our cases. `api`: the row; `form`: the wire form it is read with."""

    def __init__(self, raw, own, source=""):
        self.raw, self.own, self.source = raw, own, source    # the file's name
        self.id, self.api = raw["id"], raw["api"]
        self.form = ROWS[self.api]
        self.streamed = bool(raw["streaming"])
        self.features = set(raw.get("features", ()))
        # Our own cases of answers that nobody may take for good ones.
        self.broken = own and "-bad-" in self.id
        request, response = raw["request"], raw["response"]
        self.path = request["path"]
        self.request = request.get("body")
        self.request_headers = request.get("headers") or {}
        self.request_recorded = raw.get("request_recorded", True) and \
            isinstance(self.request, dict)
        self.status = response["status"]
        self.headers = response.get("headers") or {}
        self.chunk_lengths = response.get("chunk_lengths")
        if "body_text" in response:
            self.body = response["body_text"].encode()
        elif "body_base64" in response:
            self.body = base64.b64decode(response["body_base64"])
        else:
            self.body = json.dumps(response["body"], ensure_ascii=False).encode()
        self.kind = framing.kind_of(self.headers.get("content-type"), self.body)
        if self.form == OLLAMA and self.kind == "whole" and self.streamed:
            self.kind = "lines"

    @property
    def content_type(self):
        return self.headers.get("content-type", "application/json")

    @property
    def failed(self):
        return self.status >= 400

    @property
    def row(self):
        return ("own " if self.own else "") + self.api

    def pieces(self):
        return framing.SPLIT[self.kind](self.body)


def _read(path, own):
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.strip():
            try:
                raw = json.loads(line)
                if raw["api"] in ROWS:
                    yield Record(raw, own, path.name)
            except (ValueError, KeyError) as error:
                raise SystemExit("%s:%d: %r" % (path, number, error)) from None


def own():
    """Every file right in cases/; exchanges of other APIs in them are for other tests."""
    out = [record for path in sorted((HERE / "cases").glob("*.jsonl"))
           for record in _read(path, True)]
    twice = {record.id for record in out if [r.id for r in out].count(record.id) > 1}
    if twice:
        raise SystemExit("ids that stand for several cases: %s" % ", ".join(sorted(twice)))
    return out


def recorded():
    """None if there is no folder of recordings."""
    folder = os.environ.get("WEIR_WIRE")
    if not folder:
        return None
    out = []
    for api in ROWS:
        path = pathlib.Path(folder) / (api + ".jsonl")
        if not path.exists():
            raise SystemExit("WEIR_WIRE has no %s" % path.name)
        out += _read(path, False)
    return out
