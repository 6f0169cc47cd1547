"""How bodies of streams divide: server-sent events, lines, elements of an array. Bytes in, pieces
out; the pieces of a body put together are the body."""

import json
import re

_BLANK = re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)")


def sse(body):
    """Pieces that each end with the blank line of an event; what is left over comes last."""
    out, at = [], 0
    for end in _BLANK.finditer(body):
        # "\r\n" alone is one line's end, not two.
        if end.group() == b"\r\n":
            continue
        out.append(body[at:end.end()])
        at = end.end()
    if at < len(body):
        out.append(body[at:])
    return out


def lines(body):
    return [line for line in re.split(rb"(?<=\n)", body) if line]


def array(body):
    """Elements of a JSON array, brackets and commas with the element before them (the first
    bracket with the one behind it)."""
    text, out = body.decode("utf-8"), []
    decoder, at, start = json.JSONDecoder(), 0, 0
    while at < len(text):
        if text[at] != "{":
            at += 1
            continue
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            break
        if out:
            out[-1] += text[start:at]
            out.append(text[at:end])
        else:
            out.append(text[:end])
        start = at = end
    if out:
        out[-1] += text[start:]
        return [piece.encode() for piece in out]
    return [body]


def kind_of(content_type, body):
    """sse, lines, array or whole: what a body is, going by its type and how it begins."""
    head = body[:200].lstrip()
    if head.startswith(b"{") and b"\ndata:" not in body and "ndjson" not in (content_type or ""):
        return "whole"
    if "event-stream" in (content_type or ""):
        return "sse"
    if "ndjson" in (content_type or ""):
        return "lines"
    if head.startswith((b"data:", b"event:", b":", b"id:")):
        return "sse"
    if head.startswith(b"["):
        return "array"
    return "whole"


SPLIT = {"sse": sse, "lines": lines, "array": array, "whole": lambda body: [body]}


def split(content_type, body):
    return SPLIT[kind_of(content_type, body)](body)


class Event:
    """A server-sent event: its name, its data, and the data read as JSON (or not: `bad`)."""

    __slots__ = ("name", "data", "json", "bad")

    def __init__(self, name, data):
        self.name, self.data, self.json, self.bad = name, data, None, False
        if data != "[DONE]":
            try:
                self.json = json.loads(data)
            except ValueError:
                self.bad = True


def events(body):
    """The events of a body; comments and empty ones are none. The last one counts as well if its
    blank line is missing."""
    out, name, data = [], "", []
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            if data:
                out.append(Event(name, "\n".join(data)))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
    if data:
        out.append(Event(name, "\n".join(data)))
    return out


def documents(kind, body):
    """The JSON documents of a stream, in order; what is none stands as None. [DONE] is left out."""
    if kind == "sse":
        return [e.json for e in events(body) if e.data != "[DONE]"]
    if kind == "array":
        try:
            return json.loads(body)
        except ValueError:
            return [_load(piece.strip().strip(b"[],\n ")) for piece in array(body)]
    return [_load(line) for line in body.split(b"\n") if line.strip()]


def _load(data):
    try:
        return json.loads(data)
    except ValueError:
        return None
