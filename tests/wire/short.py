"""The shortest honest answer of each API, for requests whose answer does not matter."""

import json


def _sse(*documents, names=False, done=False):
    out = ""
    for document in documents:
        if names:
            out += "event: %s\n" % document["type"]
        out += "data: %s\n\n" % json.dumps(document)
    return (out + ("data: [DONE]\n\n" if done else "")).encode()


def _chat(streamed):
    base = {"id": "chatcmpl-1", "created": 1700000000, "model": "m"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if not streamed:
        return dict(base, object="chat.completion", usage=usage, choices=[
            {"index": 0, "finish_reason": "stop", "logprobs": None,
             "message": {"role": "assistant", "content": "ok", "refusal": None}}])
    base["object"] = "chat.completion.chunk"
    return _sse(
        dict(base, choices=[{"index": 0, "delta": {"role": "assistant", "content": "ok"},
                             "finish_reason": None}]),
        dict(base, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        dict(base, choices=[], usage=usage), done=True)


def _responses(streamed):
    part = {"type": "output_text", "text": "ok", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [part]}
    usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}
    begun = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": "m",
             "status": "in_progress", "output": [], "error": None, "incomplete_details": None,
             "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tools": [],
             "tool_choice": "auto", "temperature": 1.0, "top_p": 1.0, "usage": None}
    ended = dict(begun, status="completed", output=[item], usage=usage)
    if not streamed:
        return ended
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = dict(part, text="")
    steps = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0,
         "item": dict(item, status="in_progress", content=[])},
        dict(where, type="response.content_part.added", part=empty),
        dict(where, type="response.output_text.delta", delta="ok"),
        dict(where, type="response.output_text.done", text="ok"),
        dict(where, type="response.content_part.done", part=part),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": ended},
    ]
    return _sse(*[dict(step, sequence_number=i) for i, step in enumerate(steps)], names=True)


def _messages(streamed):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
               "content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn",
               "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    if not streamed:
        return message
    return _sse(
        {"type": "message_start", "message": dict(message, content=[], stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": 1}},
        {"type": "message_stop"}, names=True)


def _gemini(streamed, array):
    answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]},
                              "finishReason": "STOP", "index": 0}],
              "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1,
                                "totalTokenCount": 2},
              "modelVersion": "m", "responseId": "r1"}
    if not streamed:
        return answer
    return json.dumps([answer]).encode() if array else _sse(answer)


def _ollama(streamed):
    answer = {"model": "m", "created_at": "2026-01-01T00:00:00Z",
              "message": {"role": "assistant", "content": "ok"}, "done": True,
              "done_reason": "stop", "total_duration": 1, "prompt_eval_count": 1, "eval_count": 1}
    if not streamed:
        return answer
    first = {"model": "m", "created_at": "2026-01-01T00:00:00Z",
             "message": {"role": "assistant", "content": "ok"}, "done": False}
    last = dict(answer, message={"role": "assistant", "content": ""})
    return (json.dumps(first) + "\n" + json.dumps(last) + "\n").encode()


def form_of(path):
    """The wire form a path belongs to, or None."""
    path = path.split("?")[0]
    for end, form in (("/chat/completions", "openai.chat"), ("/responses", "openai.responses"),
                      ("/messages", "anthropic.messages"), (":generateContent", "gemini"),
                      (":streamGenerateContent", "gemini"), ("/api/chat", "ollama.chat")):
        if path.endswith(end):
            return form
    return None


def answer(asked):
    """A replay.Play for a request, or None if its path is of no API."""
    from replay import Play
    path = asked.path
    form = form_of(path)
    try:
        body = asked.json()
    except ValueError:
        return None
    streamed, kind = bool(body.get("stream")), "text/event-stream"
    if form == "openai.chat":
        out = _chat(streamed)
    elif form == "openai.responses":
        out = _responses(streamed)
    elif form == "anthropic.messages":
        out = _messages(streamed)
    elif form == "gemini":
        streamed, array = ":stream" in path, "alt=sse" not in path
        kind = "application/json" if array else kind
        out = _gemini(streamed, array)
    elif form == "ollama.chat":
        streamed = body.get("stream", True)
        kind, out = "application/x-ndjson", _ollama(streamed)
    else:
        return None
    if not streamed:
        return Play(200, {"content-type": "application/json"}, json.dumps(out).encode())
    return Play(200, {"content-type": kind}, out, [out], None, True)
