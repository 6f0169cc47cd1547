"""Anthropic Messages."""

import framing

from .common import Answer, Checks, loads, number, text_of
from .failure import classify

_FINISH = {"end_turn": "stop", "max_tokens": "length", "stop_sequence": "stop_sequence",
           "tool_use": "tool_calls", "refusal": "refusal", "pause_turn": "pause",
           "model_context_window_exceeded": "length"}


def _fail(answer, document, status):
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or "")
    return answer.fail(classify(status, error.get("type"), message=message), message)


def _usage(answer, usage, before):
    """Totals out of parts. `before`: what earlier reports said."""
    if not isinstance(usage, dict):
        return
    for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
                 "output_tokens"):
        if number(usage.get(name)) is not None:
            before[name] = usage[name]
    thinking = number((usage.get("output_tokens_details") or {}).get("thinking_tokens"))
    total = None
    if "input_tokens" in before:
        total = before["input_tokens"] + before.get("cache_creation_input_tokens", 0) + \
            before.get("cache_read_input_tokens", 0)
    answer.count(input=total, cached=before.get("cache_read_input_tokens"),
                 output=before.get("output_tokens"), reasoning=thinking)


def digest(status, content_type, body):
    answer = Answer()
    if status >= 400:
        return _fail(answer, loads(body), status)
    if framing.kind_of(content_type, body) != "sse":
        document = loads(body)
        if not isinstance(document, dict) or document.get("type") == "error":
            return _fail(answer, document, 0) if document else answer.fail("protocol", "not JSON")
        return _whole(answer, document)
    return _stream(answer, body)


def _whole(answer, document):
    if not isinstance(document.get("content"), list):
        return answer.fail("protocol", "no content")
    choice = answer.choice()
    for block in document["content"]:
        _block(choice, block, None)
    choice.finish = _FINISH.get(document.get("stop_reason"), "unknown")
    _usage(answer, document.get("usage"), {})
    answer.ended = True
    return answer


def _block(choice, block, arguments):
    kind = block.get("type")
    if kind == "text":
        choice.text.append(text_of(block.get("text")))
    elif kind == "thinking":
        choice.reasoning.append(text_of(block.get("thinking")))
    elif kind == "tool_use":
        choice.calls.append([block.get("name"), arguments or block.get("input")])


def _stream(answer, body):
    choice, blocks, before = answer.choice(), {}, {}
    for event in framing.events(body):
        document = event.json
        if not isinstance(document, dict):
            return answer.fail("protocol", "an event is not a JSON object")
        kind = document.get("type")
        if kind == "error":
            return _fail(answer, document, 0)
        if kind == "message" and not blocks:
            return _whole(answer, document)       # all of it in one event
        if kind == "message_start":
            _usage(answer, (document.get("message") or {}).get("usage"), before)
        elif kind == "content_block_start":
            blocks[document.get("index")] = [dict(document.get("content_block") or {}), ""]
        elif kind == "content_block_delta":
            block = blocks.setdefault(document.get("index"), [{}, ""])
            delta = document.get("delta") or {}
            if delta.get("type") == "input_json_delta":
                block[1] += text_of(delta.get("partial_json"))
            for member in ("text", "thinking"):
                if isinstance(delta.get(member), str):
                    block[0][member] = text_of(block[0].get(member)) + delta[member]
        elif kind == "message_delta":
            reason = (document.get("delta") or {}).get("stop_reason")
            choice.finish = _FINISH.get(reason, "unknown") if reason else choice.finish
            _usage(answer, document.get("usage"), before)
        elif kind == "message_stop":
            answer.ended = True
            break
    for at in sorted(blocks):
        _block(choice, *blocks[at])
    if not answer.ended:
        return answer.fail("protocol", "no message_stop")
    choice.finish = choice.finish or "unknown"
    return answer


# -- Validity ---------------------------------------------------------------------------------

_REASONS = frozenset(_FINISH)
_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
           403: "permission_error", 404: "not_found_error", 413: "request_too_large",
           429: "rate_limit_error", 500: "api_error", 502: "api_error", 503: "overloaded_error",
           504: "timeout_error", 529: "overloaded_error"}
_BLOCKS = {
    "text": dict(text=str, citations=[(list, None)]),
    "thinking": dict(thinking=str, signature=str),
    "redacted_thinking": dict(data=str),
    "tool_use": dict(id=str, name=str, input=dict),
}
_DELTAS = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking"),
           "signature_delta": ("thinking", "signature"),
           "input_json_delta": ("tool_use server_tool_use mcp_tool_use", "partial_json"),
           "citations_delta": ("text", "citation")}


def _check_usage(checks, usage, at, first):
    checks.has(usage, at, input_tokens=int if first else [(int, None)], output_tokens=int,
               cache_creation_input_tokens=[(int, None)], cache_read_input_tokens=[(int, None)])


def _check_block(checks, block, at):
    if not checks.has(block, at, type=str):
        return
    if not checks.need(block["type"] in _BLOCKS, "%s is a %s", at, block["type"]):
        return
    if checks.has(block, at, **_BLOCKS[block["type"]]) and block["type"] == "tool_use":
        checks.need(block["id"] and block["name"], "%s has an empty name or id", at)


def _check_message(checks, message, at, whole):
    good = checks.has(message, at, id=str, type="message", role="assistant", model=str,
                      content=list, stop_sequence=(str, None), usage=dict,
                      stop_reason=_REASONS if whole else (None,))
    if not good:
        return
    checks.need(message["id"], "%s: the id is empty", at)
    _check_usage(checks, message["usage"], at + ".usage", True)
    checks.need(whole or not message["content"], "%s has content already", at)
    for i, block in enumerate(message["content"]):
        _check_block(checks, block, "%s.content[%d]" % (at, i))


class _Blocks:
    def __init__(self, checks):
        self.checks, self.count, self.open, self.json = checks, 0, None, ""
        self.partial = None       # an input that never became whole

    def start(self, at, document):
        self.checks.need(self.open is None, "%s: a block is still open", at)
        self.checks.need(document.get("index") == self.count, "%s: index %r, expected %d", at,
                         document.get("index"), self.count)
        block = document.get("content_block")
        _check_block(self.checks, block, at + ".content_block")
        self.open, self.json = block if isinstance(block, dict) else {}, ""
        if self.open.get("type") == "tool_use":
            self.checks.need(self.open.get("input") == {}, "%s: input is there already", at)

    def delta(self, at, document):
        if not self.checks.need(self.open is not None, "%s: no block is open", at):
            return
        self.checks.need(document.get("index") == self.count, "%s: index %r, open is %d", at,
                         document.get("index"), self.count)
        delta = document.get("delta")
        if not self.checks.has(delta, at + ".delta", type=frozenset(_DELTAS)):
            return
        kind, member = _DELTAS[delta["type"]]
        self.checks.need(self.open.get("type") in kind.split(), "%s: a %s in a %s", at, delta["type"],
                         self.open.get("type"))
        if member != "citation":
            self.checks.has(delta, at + ".delta", **{member: str})
        if member == "partial_json":
            self.json += text_of(delta.get(member))

    def stop(self, at, document):
        self.checks.need(self.open is not None and document.get("index") == self.count,
                         "%s: index %r is not open", at, document.get("index"))
        if self.json and not isinstance(loads(self.json), dict):
            self.partial = "%s: the input is no object: %.80r" % (at, self.json)
        self.open, self.count = None, self.count + 1


def _validate_stream(checks, body):
    events, blocks, state = framing.events(body), _Blocks(checks), "new"
    for n, event in enumerate(events):
        document = event.json
        at = "event %d" % n
        if not checks.has(document, at, type=str):
            continue
        kind = document["type"]
        at += " (%s)" % kind
        checks.need(event.name == kind, "%s: the event is named %r", at, event.name)
        checks.need(state != "stopped", "%s: after the end", at)
        if kind == "message_start":
            checks.need(state == "new", "%s: once more", at)
            _check_message(checks, document.get("message"), at, False)
            state = "open"
        elif kind == "ping":
            continue
        elif kind == "content_block_start":
            checks.need(state == "open", "%s: the message is %s", at, state)
            blocks.start(at, document)
        elif kind == "content_block_delta":
            blocks.delta(at, document)
        elif kind == "content_block_stop":
            blocks.stop(at, document)
        elif kind == "message_delta":
            checks.need(state == "open" and blocks.open is None, "%s: too early", at)
            if checks.has(document, at, delta=dict, usage=dict):
                checks.has(document["delta"], at + ".delta", stop_reason=_REASONS,
                           stop_sequence=[(str, None)])
                _check_usage(checks, document["usage"], at + ".usage", False)
                # A call that runs into the limit stays as it is.
                checks.need(not blocks.partial or
                            document["delta"].get("stop_reason") == "max_tokens", "%s",
                            blocks.partial)
            state = "told"
        elif kind == "message_stop":
            checks.need(state == "told", "%s: no stop_reason was told", at)
            state = "stopped"
        else:
            checks.say("%s: unknown event", at)
    checks.need(state == "stopped", "the stream has no message_stop")


def validate(status, content_type, body, streamed, usage_asked=True):
    checks = Checks()
    if status >= 400:
        document = loads(body)
        checks.need("application/json" in content_type, "the type is %s", content_type)
        if checks.has(document, "answer", type="error", error=dict):
            checks.has(document["error"], "error", message=str, type=str)
            checks.need(document["error"].get("type") == _ERRORS.get(status),
                        "%r with status %d", document["error"].get("type"), status)
        return checks.found
    checks.need(status == 200, "status %d", status)
    if streamed:
        checks.need("text/event-stream" in content_type, "the type is %s", content_type)
        _validate_stream(checks, body)
    else:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        _check_message(checks, loads(body), "answer", True)
    return checks.found
