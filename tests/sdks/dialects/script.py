"""What the gateway's dialects are tried on with official SDKs: one gateway with every provider
part, and a replay behind it whose answers are chosen by the model's name (PART/PLAY). Answers are our own
cases of tests/wire, so that what an SDK has to see is what the digests there read.
"""

import json
import pathlib
import sys
import threading

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "system"), str(TESTS / "wire")]

import asks  # noqa: E402 (these need the path above)
import dialects  # noqa: E402
import records  # noqa: E402
from replay import Play, Replay  # noqa: E402
from harness.gateway import Gateway  # noqa: E402

# Provider parts: name -> plugin, tail of the base URL, options.
PARTS = {
    "openai": ("openai", "/v1", {"api": "chat", "responses": "no"}),
    "responses": ("openai", "/v1", {"api": "responses", "responses": "yes"}),
    "anthropic": ("anthropic", "", {}),
    "gemini": ("gemini", "", {}),
    "ollama": ("ollama", "", {}),
}
PATHS = {"/chat/completions": records.CHAT, "/responses": records.RESPONSES,
         "/messages": records.MESSAGES, ":generateContent": records.GENERATE,
         ":streamGenerateContent": records.STREAM_GENERATE, "/api/chat": records.OLLAMA}

# Plays that are cases of tests/wire: the ends of their ids, whole and streamed.
CASES = {"text": ("text", "stream-text"), "calls": ("calls-parallel", "stream-calls"),
         "thinking": ("reasoning", "stream-reasoning")}
NAMES = {  # where an API's cases are called otherwise
    (records.MESSAGES, "thinking"): ("thinking", "stream-thinking"),
    (records.OLLAMA, "thinking"): ("thinking", "stream-thinking"),
    (records.GENERATE, "thinking"): ("thoughts", None),
    (records.STREAM_GENERATE, "text"): (None, "text"),
    (records.STREAM_GENERATE, "calls"): (None, "calls"),
    (records.STREAM_GENERATE, "thinking"): (None, "thoughts"),
}
FAILURES = {"error-400": 400, "error-429": 429, "error-503": 503}
KINDS = {400: "invalid_request_error", 429: "rate_limit_error", 503: "overloaded_error"}
STATES = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
BY_ID = {record.id: record for record in records.own()}


def form_of(asked):
    path = asked.path.partition("?")[0]
    return next(form for tail, form in PATHS.items() if path.endswith(tail))


def streamed_of(asked, form):
    if form in (records.GENERATE, records.STREAM_GENERATE):
        return form == records.STREAM_GENERATE
    return bool(asked.json().get("stream", form == records.OLLAMA))


def case(play, form, streamed):
    """The record of tests/wire that is this play in this API."""
    end = NAMES.get((form, play), CASES[play])[streamed]
    return BY_ID["table.%s-%s" % (form, end)]


def of_record(record):
    return Play(record.status, record.headers, record.body, pieces=record.pieces(),
                streamed=record.streamed)


def failure(form, status):
    said = {"message": "It is so", "type": KINDS[status]}
    if form == records.MESSAGES:
        body = {"type": "error", "error": said}
    elif form in (records.GENERATE, records.STREAM_GENERATE):
        body = {"error": {"code": status, "message": "It is so", "status": STATES[status]}}
    elif form == records.OLLAMA:
        body = {"error": "It is so"}
    else:
        body = {"error": dict(said, param=None, code=None)}
    return Play(status, {"content-type": "application/json"}, json.dumps(body).encode())


# -- Answers that are written here ------------------------------------------------------------


def sse(kind, data):
    return ("event: %s\ndata: %s\n\n" % (kind, json.dumps(data))).encode()


def _chat(text, tool, pieces):
    base = {"id": "c1", "created": 1700000000, "model": "m"}
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    if pieces is None:
        call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": text}}
        message = {"role": "assistant", "content": None if tool else text, "refusal": None}
        if tool:
            message["tool_calls"] = [call]
        return dict(base, object="chat.completion", usage=usage, choices=[
            {"index": 0, "logprobs": None, "message": message,
             "finish_reason": "tool_calls" if tool else "stop"}])
    out, base["object"] = [], "chat.completion.chunk"
    head = {"role": "assistant"}
    if tool:
        head["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function",
                               "function": {"name": tool, "arguments": ""}}]
    deltas = [head] + [{"tool_calls": [{"index": 0, "function": {"arguments": one}}]} if tool
                       else {"content": one} for one in pieces]
    for delta in deltas + [{}]:
        finish = None if delta else "tool_calls" if tool else "stop"
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        out.append(b"data: %s\n\n" % json.dumps(dict(base, choices=[choice])).encode())
    out.append(b"data: %s\n\n" % json.dumps(dict(base, choices=[], usage=usage)).encode())
    return out + [b"data: [DONE]\n\n"]


def _responses(text, tool, pieces):
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool,
            "arguments": text, "status": "completed"} if tool else \
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [part]}
    usage = {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 8}
    begun = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": "m",
             "status": "in_progress", "error": None, "incomplete_details": None, "output": [],
             "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tools": [],
             "tool_choice": "auto", "temperature": 1.0, "top_p": 1.0, "usage": None}
    ended = dict(begun, status="completed", output=[item], usage=usage)
    if pieces is None:
        return ended
    where = {"item_id": item["id"], "output_index": 0}
    steps = [("created", {"response": begun}), ("output_item.added", {
        "output_index": 0, "item": dict(item, status="in_progress",
                                        **({"arguments": ""} if tool else {"content": []}))})]
    if tool:
        steps += [("function_call_arguments.delta", dict(where, delta=one)) for one in pieces]
        steps += [("function_call_arguments.done", dict(where, name=tool, arguments=text))]
    else:
        where["content_index"] = 0
        steps += [("content_part.added", dict(where, part=dict(part, text="")))]
        steps += [("output_text.delta", dict(where, delta=one, logprobs=[])) for one in pieces]
        steps += [("output_text.done", dict(where, text=text, logprobs=[])),
                  ("content_part.done", dict(where, part=part))]
    steps += [("output_item.done", {"output_index": 0, "item": item}),
              ("completed", {"response": ended})]
    return [sse("response." + kind, dict(more, type="response." + kind, sequence_number=i))
            for i, (kind, more) in enumerate(steps)]


def _messages(text, tool, pieces):
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 3}}
    reason = "tool_use" if tool else "end_turn"
    block = {"type": "tool_use", "id": "toolu_1", "name": tool} if tool else {"type": "text"}
    if pieces is None:
        block.update({"input": json.loads(text)} if tool else {"text": text})
        return dict(base, stop_reason=reason, content=[block])
    block.update({"input": {}} if tool else {"text": ""})
    kind, member = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
    steps = [{"type": "message_start", "message": dict(base, content=[])},
             {"type": "content_block_start", "index": 0, "content_block": block}]
    steps += [{"type": "content_block_delta", "index": 0, "delta": {"type": kind, member: one}}
              for one in pieces]
    steps += [{"type": "content_block_stop", "index": 0},
              {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
               "usage": {"output_tokens": 3}}, {"type": "message_stop"}]
    return [sse(step["type"], step) for step in steps]


def _gemini(text, tool, pieces):
    def chunk(part, last):
        one = {"content": {"role": "model", "parts": [part]}, "index": 0}
        if last:
            one["finishReason"] = "STOP"
        return {"candidates": [one], "modelVersion": "m", "responseId": "r1", "usageMetadata": {
            "promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}}
    call = tool and {"functionCall": {"name": tool, "args": json.loads(text)}}
    if pieces is None:
        return chunk(call or {"text": text}, True)
    parts = [call] if tool else [{"text": one} for one in pieces]
    return [b"data: %s\r\n\r\n" % json.dumps(chunk(part, i + 1 == len(parts))).encode()
            for i, part in enumerate(parts)]


def _ollama(text, tool, pieces):
    base = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    ended = {"done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3}
    calls = tool and [{"function": {"name": tool, "arguments": json.loads(text)}}]
    message = {"role": "assistant", "content": "", "tool_calls": calls} if tool else \
        {"role": "assistant", "content": text}
    if pieces is None:
        return dict(base, message=message, **ended)
    messages = [message] if tool else [{"role": "assistant", "content": one} for one in pieces]
    lines = [dict(base, message=one, done=False) for one in messages]
    lines.append(dict(base, message={"role": "assistant", "content": ""}, **ended))
    return [json.dumps(line).encode() + b"\n" for line in lines]


WRITERS = {records.CHAT: _chat, records.RESPONSES: _responses, records.MESSAGES: _messages,
           records.GENERATE: _gemini, records.STREAM_GENERATE: _gemini, records.OLLAMA: _ollama}
TYPES = {records.OLLAMA: "application/x-ndjson"}


def written(form, streamed, text, tool=None):
    """An answer with this text, or with a call that has it for arguments."""
    if not streamed:
        body = json.dumps(WRITERS[form](text, tool, None)).encode()
        return Play(200, {"content-type": "application/json"}, body)
    pieces = WRITERS[form](text, tool, [text[i:i + 6] for i in range(0, len(text), 6)])
    return Play(200, {"content-type": TYPES.get(form, "text/event-stream")}, b"".join(pieces),
                pieces=pieces, streamed=True)


class Stage:
    """`answers`: play -> what gives its text from the digest of the request. `routes`: of the
    gateway."""

    def __init__(self, answers, routes=None):
        self.fenced = False       # whether written answers have words around them, if whole
        self.answers, self.gone, self._asks = answers, threading.Event(), 0
        self.replay = Replay()
        for name in [*CASES, *FAILURES, "endless", "loop", *answers]:
            self.replay.plays[name] = lambda asked, name=name: self._play(name, asked)
        timeout = {"connect": "5s", "first_byte": "20s", "first_token": "20s", "idle": "20s",
                   "total": "40s"}
        self.gateway = Gateway({
            "providers": {name: dict({
                "plugin": plugin, "base_url": self.replay.url + tail, "api_key": "${TEST_KEY}",
                "models": ["*"], "max_retries": 0, "timeout": timeout}, **options)
                for name, (plugin, tail, options) in PARTS.items()},
            "routes": routes or {},
            "breaker": {"failures": 0}, "limits": {"queue": 0}}, {"TEST_KEY": "sk-test-sdk"})
        self.url = self.gateway.url

    def stop(self):
        self.gateway.stop()
        self.replay.stop()

    def model(self, part, play):
        """A name that was not asked for before: no failure is felt by the next request."""
        self._asks += 1
        return "%s/%s~%d" % (part, play, self._asks)

    def _play(self, name, asked):
        form = form_of(asked)
        streamed = streamed_of(asked, form)
        if name in FAILURES:
            return failure(form, FAILURES[name])
        if name in CASES:
            return of_record(case(name, form, streamed))
        if name == "endless":
            return self._endless(form)
        request = digest(asked)
        if name == "loop":
            done = any(message[1] == "result" for message in request.messages)
            return of_record(case("text" if done else "calls", form, streamed))
        tool = request.tools[0][0] if request.tools else None
        text = json.dumps(self.answers[name](request))
        if self.fenced and not streamed:
            text = "Here it is:\n```json\n%s\n```" % text
        return written(form, streamed, text, tool)

    def _endless(self, form):
        """A text without an end, and word of when nobody reads it any more."""
        self.gone.clear()
        if form == records.RESPONSES:
            pieces = case("text", form, True).pieces()
            at = next(i for i, one in enumerate(pieces) if b"output_text.delta" in one)
            head, again = pieces[:at], b": ping\n\n"
            head.append(pieces[at])
        else:
            play = written(form, True, "Hello " * 3)
            head = play.pieces[:4] if form in (records.MESSAGES, records.CHAT) else play.pieces[:2]
            again = head[-1]

        def endless():
            try:
                yield from head
                while not self.gone.wait(0.01):
                    yield again
            finally:
                self.gone.set()
        return Play(200, {"content-type": TYPES.get(form, "text/event-stream")}, b"x",
                    pieces=endless(), streamed=True)

    def expected(self, part, play, streamed):
        """What the digest of the vendor's answer is."""
        form = form_by_part(part, streamed)
        record = case(play, form, streamed)
        read = dialects.FORMS[record.form].digest(200, record.content_type, record.body)
        return read.plain()

    def asked(self, play):
        """The digest of the last request for a play, as it came upstream."""
        return digest(self.replay.asked[play][-1])


def form_by_part(part, streamed):
    if part == "gemini":
        return records.STREAM_GENERATE if streamed else records.GENERATE
    return {"openai": records.CHAT, "responses": records.RESPONSES, "anthropic": records.MESSAGES,
            "ollama": records.OLLAMA}[part]


def digest(asked):
    module = asks.FORMS[records.ROWS[form_of(asked)]][0]
    return module.digest(asked.json())
