"""The same answer as each vendor streams it, event by event, to be sent, cut or stalled by a test.

An answer is a list of parts: a text is one delta, ("think", text) is one of reasoning, and
("call", id, name, piece...) is a tool call whose arguments come in these pieces.
"""

import json

from . import upstream
from .upstream import Send

OPENAI, ANTHROPIC, GEMINI, OLLAMA = "openai", "anthropic", "gemini", "ollama"
RESPONSES = "responses"                    # OpenAI's other API
AT = "2026-05-04T12:00:00.123456Z"
NDJSON = (("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked"))


def has_call(parts):
    return any(part[0] == "call" for part in parts if isinstance(part, tuple))


def _openai(parts, model, tokens):
    def piece(delta=None, finish=None):
        return upstream.event(upstream.chunk(delta, finish, model))
    out, calls = [piece({"role": "assistant", "content": ""})], 0
    for part in parts:
        if isinstance(part, str):
            out.append(piece({"content": part}))
        elif part[0] == "think":
            out.append(piece({"reasoning_content": part[1]}))
        else:
            out.append(piece({"tool_calls": [{
                "index": calls, "id": part[1], "type": "function",
                "function": {"name": part[2], "arguments": ""}}]}))
            out += [piece({"tool_calls": [{"index": calls, "function": {"arguments": a}}]})
                    for a in part[3:]]
            calls += 1
    out.append(piece({}, "tool_calls" if calls else "stop"))
    usage = upstream.chunk(choices=[], model=model, usage=upstream.usage_block(*tokens))
    return out + [Send(upstream.event(usage), upstream.counted(*tokens)), upstream.DONE]


def _named(document):
    return ("event: %s\ndata: %s\n\n" % (document["type"], json.dumps(document))).encode()


def _anthropic(parts, model, tokens):
    out = [Send(_named({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": 1}}}),
        {"input": tokens[0], "output": 1})]
    open_kind, index = None, -1

    def begin(kind, block):
        nonlocal open_kind, index
        if open_kind:
            out.append(_named({"type": "content_block_stop", "index": index}))
        open_kind, index = kind, index + 1
        out.append(_named({"type": "content_block_start", "index": index, "content_block": block}))

    def delta(value):
        out.append(_named({"type": "content_block_delta", "index": index, "delta": value}))

    for part in parts:
        if isinstance(part, str):
            if open_kind != "text":
                begin("text", {"type": "text", "text": ""})
            delta({"type": "text_delta", "text": part})
        elif part[0] == "think":
            if open_kind != "thinking":
                begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            delta({"type": "thinking_delta", "thinking": part[1]})
        else:
            begin("call", {"type": "tool_use", "id": part[1], "name": part[2], "input": {}})
            for piece in part[3:]:
                delta({"type": "input_json_delta", "partial_json": piece})
    if open_kind:
        out.append(_named({"type": "content_block_stop", "index": index}))
    out.append(Send(_named({"type": "message_delta", "delta": {
        "stop_reason": "tool_use" if has_call(parts) else "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": tokens[1]}}), {"output": tokens[1] - 1}))
    return out + [_named({"type": "message_stop"})]


def _gemini(parts, model, tokens):
    def piece(part, **more):
        return upstream.event(dict({"candidates": [dict({"index": 0, "content": {
            "role": "model", "parts": [part]}}, **more)], "modelVersion": model,
            "responseId": "r1"}))
    out = []
    for part in parts:
        if isinstance(part, str):
            out.append(piece({"text": part}))
        elif part[0] == "think":
            out.append(piece({"text": part[1], "thought": True}))
        else:
            out.append(piece({"functionCall": {"name": part[2],
                                               "args": json.loads("".join(part[3:]) or "{}")}}))
    last = json.loads(piece({"text": ""}, finishReason="STOP")[6:])
    last["usageMetadata"] = {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1],
                             "totalTokenCount": sum(tokens)}
    return out + [Send(upstream.event(last), upstream.counted(*tokens))]


def _ollama(parts, model, tokens):
    def line(message, **more):
        return json.dumps(dict({"model": model, "created_at": AT, "done": False,
                                "message": dict({"role": "assistant", "content": ""}, **message)},
                               **more)).encode() + b"\n"
    out = []
    for part in parts:
        if isinstance(part, str):
            out.append(line({"content": part}))
        elif part[0] == "think":
            out.append(line({"thinking": part[1]}))
        else:
            out.append(line({"tool_calls": [{"function": {
                "name": part[2], "arguments": json.loads("".join(part[3:]) or "{}")}}]}))
    return out + [Send(line({}, done=True, done_reason="stop", prompt_eval_count=tokens[0],
                            eval_count=tokens[1]), upstream.counted(*tokens))]


def _responses(parts, model, tokens):
    out, items, number = [], [], iter(range(1000))
    shell = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": model,
             "output": [], "status": "in_progress", "usage": None}

    def say(kind, **more):
        out.append(_named(dict({"type": kind, "sequence_number": next(number)}, **more)))

    def item(index, value, events):
        say("response.output_item.added", output_index=index,
            item=dict(value, status="in_progress", **({"content": []} if "content" in value else
                                                      {"arguments": ""})))
        for kind, more in events:
            say(kind, item_id=value["id"], output_index=index, **more)
        items.append(dict(value, status="completed"))
        say("response.output_item.done", output_index=index, item=items[-1])

    say("response.created", response=shell)
    say("response.in_progress", response=shell)
    texts = [part for part in parts if isinstance(part, str)]
    if texts:
        part = {"type": "output_text", "text": "".join(texts), "annotations": []}
        item(0, {"id": "msg_1", "type": "message", "role": "assistant", "content": [part]},
             [("response.content_part.added", {"content_index": 0, "part": dict(part, text="")})] +
             [("response.output_text.delta", {"content_index": 0, "delta": text})
              for text in texts] +
             [("response.output_text.done", {"content_index": 0, "text": part["text"]}),
              ("response.content_part.done", {"content_index": 0, "part": part})])
    for part in parts:
        if part[0] == "call" and not isinstance(part, str):
            item(len(items), {"id": "fc_" + part[1], "type": "function_call", "call_id": part[1],
                              "name": part[2], "arguments": "".join(part[3:])},
                 [("response.function_call_arguments.delta", {"delta": piece})
                  for piece in part[3:]] +
                 [("response.function_call_arguments.done", {"arguments": "".join(part[3:])})])
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
    say("response.completed", response=dict(shell, output=items, status="completed", usage=usage))
    return out[:-1] + [Send(out[-1], upstream.counted(*tokens))]


_WRITERS = {OPENAI: _openai, RESPONSES: _responses, ANTHROPIC: _anthropic, GEMINI: _gemini,
            OLLAMA: _ollama}


def events(vendor, parts, model="m", tokens=(7, 5)):
    """The events of a whole answer."""
    return _WRITERS[vendor](parts, model, tokens)


def reply(vendor, steps, cls="ok", end=True):
    """A streamed reply of these steps."""
    if vendor != OLLAMA:
        return upstream.sse(steps, cls=cls, end=end)
    out = upstream.sse(steps, cls=cls, end=end)
    out.steps[0] = Send(upstream.head(200, NDJSON))
    return out


def answer(vendor, parts, model="m", tokens=(7, 5)):
    """A whole streamed answer."""
    return reply(vendor, events(vendor, parts, model, tokens))


def broken(vendor, parts, keep, gate, ending=(), model="m", tokens=(7, 5), cls="protocol"):
    """The first `keep` events of an answer; then, when the gate opens, `ending`, and the end of the
    connection."""
    steps = events(vendor, parts, model, tokens)[:keep]
    return reply(vendor, steps + [upstream.Wait(gate), *ending, upstream.Close()], cls)
