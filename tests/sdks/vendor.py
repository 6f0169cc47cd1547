"""The provider behind the gateway in the SDK tests: what it answers is said by the model's name.

A second server, the control, tells the test programs what the first one saw, so that they can ask
from any language: GET /gone/TAG answers when the request with the user field TAG was left,
GET /count/TAG how many came, GET /last/TAG its body.
"""

import base64
import hashlib
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from harness import upstream  # noqa: E402
from harness.upstream import Send, Stall, Upstream, Wait, chunk, event  # noqa: E402

FAILURES = {
    "m-400": (400, "that field is wrong", "invalid_request_error", "invalid_value"),
    "m-401": (401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    "m-403": (403, "You may not", "invalid_request_error", "forbidden"),
    "m-404": (404, "The model does not exist", "invalid_request_error", "model_not_found"),
    "m-429": (429, "Slow down", "rate_limit_error", "rate_limit_exceeded"),
    "m-500": (500, "The server had an error", "server_error", None),
    "m-503": (503, "Overloaded", "server_error", None),
}


def call(i, name, arguments):
    return {"id": "call_%d" % i, "type": "function",
            "function": {"name": name, "arguments": arguments}}


CALLS = {"m-tools": [call(0, "get_weather", '{"city": "Paris"}')],
         "m-parallel": [call(0, "get_weather", '{"city": "Paris"}'),
                        call(1, "get_weather", '{"city": "Oslo \\u00e9"}')]}
TEXTS = {"m-schema": '{"name": "Ada", "age": 36}', "m-unicode": "\u00e9\u20ac\U0001f600\u2028"}


def call_pieces(calls, model):
    """Deltas of tool calls, one call after the other: its head, its arguments in fragments."""
    for i, one in enumerate(calls):
        head = dict(one, index=i, function=dict(one["function"], arguments=""))
        yield event(chunk({"tool_calls": [head]}, model=model))
        arguments = one["function"]["arguments"]
        for at in range(0, len(arguments), 5):
            delta = {"tool_calls": [{"index": i, "function": {"arguments": arguments[at:at + 5]}}]}
            yield event(chunk(delta, model=model))


def chat(asked):
    model, streamed = asked["model"], asked.get("stream")
    if model in FAILURES:
        status, message, kind, code = FAILURES[model]
        return upstream.error(status, message, kind, code)
    if model in CALLS:
        answered = any(m["role"] == "tool" for m in asked["messages"])
        if not answered:
            return _calls(model, streamed)
    begun = [event(chunk({"role": "assistant", "content": ""}, model=model)),
             event(chunk({"content": "begun"}, model=model))]
    if model == "m-stall":
        return upstream.sse(begun + [Stall()], cls="cancelled")
    if model == "m-wait":
        return upstream.Reply([Stall()], cls="cancelled")
    if model == "m-cut":
        return upstream.sse(begun + [upstream.Close()], cls="protocol")
    if model == "m-error":
        error = {"message": "It broke", "type": "server_error", "param": None, "code": None}
        return upstream.sse(begun + [event({"error": error})], cls="server_error")
    text = TEXTS.get(model, "Hello from upstream")
    if streamed:
        pieces = [text[i:i + 3] for i in range(0, len(text), 3)]
        wants = (asked.get("stream_options") or {}).get("include_usage")
        return upstream.stream(pieces, model=model, usage=bool(wants))
    return upstream.chat(text, model=model)


def _calls(model, streamed):
    calls = CALLS[model]
    if not streamed:
        message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
        return upstream.chat(model=model, message=message, finish="tool_calls")
    steps = [event(chunk({"role": "assistant", "content": None}, model=model))]
    steps += list(call_pieces(calls, model))
    steps += [event(chunk({}, finish="tool_calls", model=model)), upstream.DONE]
    return upstream.sse(steps)


def embeddings(asked):
    inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    data = []
    for i, text in enumerate(inputs):
        vector = [0.5, -0.25, float(len(text))]
        if asked.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
        data.append({"object": "embedding", "index": i, "embedding": vector})
    return upstream.jsonr({"object": "list", "data": data, "model": asked["model"],
                           "usage": {"prompt_tokens": 4, "total_tokens": 4}},
                          usage={"input": 4})


def response(asked):
    """The Responses API, which the gateway forwards without looking into it."""
    document = {"id": "resp_1", "object": "response", "created_at": 1700000000,
                "status": "completed", "model": asked["model"], "error": None,
                "output": [{"type": "message", "id": "msg_1", "role": "assistant",
                            "status": "completed",
                            "content": [{"type": "output_text", "text": "Hello from upstream",
                                         "annotations": []}]}],
                "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    if not asked.get("stream"):
        return upstream.jsonr(document)
    steps = []
    for i, (kind, more) in enumerate((
            ("response.created", {"response": dict(document, status="in_progress", output=[])}),
            ("response.output_text.delta", {"item_id": "msg_1", "output_index": 0,
                                            "content_index": 0, "delta": "Hello", "logprobs": []}),
            ("response.completed", {"response": document}))):
        data = dict({"type": kind, "sequence_number": i}, **more)
        steps.append(("event: %s\n" % kind).encode() + event(data))
    return upstream.sse(steps)


def answer(record):
    if record.path.endswith("/chat/completions"):
        return chat(record.json())
    if record.path.endswith("/embeddings"):
        return embeddings(record.json())
    if record.path.endswith("/responses"):
        return response(record.json())
    if record.path.endswith("/files") and record.method == "POST":
        return upstream.jsonr({
            "id": "file-1", "object": "file", "bytes": len(record.body), "purpose": "assistants",
            "created_at": 1700000000, "filename": "data.bin", "status": "processed",
            "sha256": hashlib.sha256(record.body).hexdigest()})
    if record.path.endswith("/models"):
        return upstream.jsonr({"object": "list", "data": [model("m-plain"), model("main")]})
    if "/models/" in record.path:
        name = record.path.rsplit("/", 1)[1]
        return upstream.jsonr(model(name)) if name == "main" else \
            upstream.error(404, "no such model", "invalid_request_error", "model_not_found")
    return upstream.error(404, "no such path", "invalid_request_error")


def model(name):
    return {"id": name, "object": "model", "created": 1700000000, "owned_by": "fake"}


class Vendor(Upstream):
    def __init__(self):
        super().__init__("fake", answer)
        self.control = Upstream("control", self._control)

    def _tagged(self, tag):
        with self._lock:
            return [r for r in self.requests if b'"%s"' % tag.encode() in r.body]

    def _control(self, record):
        what, tag = record.path.strip("/").split("/", 1)
        found = self._tagged(tag)
        if what == "count":
            return upstream.jsonr({"count": len(found)})
        if not found:
            return upstream.error(404, "no request with this tag")
        if what == "last":
            return upstream.whole(body=found[-1].body)
        body = json.dumps({"gone": True}).encode()
        head = upstream.head(200, [("Content-Length", str(len(body)))])
        return upstream.Reply([Wait(found[-1].gone_gate), Send(head + body)])

    def stop(self):
        super().stop()
        self.control.stop()
