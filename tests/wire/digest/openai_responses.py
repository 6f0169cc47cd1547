"""OpenAI Responses."""

import framing

from .common import Answer, Checks, loads, number, text_of
from .failure import classify
from .openai_chat import error_of

_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def _fail(answer, error, status=0):
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or "")
    answer.fail(classify(status, error.get("code"), error.get("type"), message=message), message)


def digest(status, content_type, body):
    answer = Answer()
    if status >= 400:
        document = loads(body)
        found = error_of(document, status) if document is not None else None
        return answer.fail(*(found or (classify(status), "")))
    if framing.kind_of(content_type, body) != "sse":
        document = loads(body)
        if not isinstance(document, dict):
            return answer.fail("protocol", "not JSON")
        if document.get("error"):
            _fail(answer, document["error"])
            return answer
        if not isinstance(document.get("output"), list):
            return answer.fail("protocol", "no output")
        _whole(answer, document)
        return answer
    return _stream(answer, body)


def _whole(answer, response):
    choice = answer.choice()
    for item in response.get("output") or ():
        _item(choice, item)
    _end(answer, choice, response)


def _end(answer, choice, response):
    status = response.get("status")
    if response.get("error"):
        _fail(answer, response["error"])
        return
    if status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        choice.finish = _INCOMPLETE.get(reason, "unknown")
    elif status in ("completed", "complete"):
        choice.finish = "stop"
    elif status == "failed":
        answer.fail("server_error", "failed")
    elif status == "cancelled":
        answer.fail("cancelled", "cancelled")
    else:
        # It is still queued, or goes on in the background: there is no answer yet.
        answer.fail("protocol", "status %s" % status)
    usage = response.get("usage")
    if isinstance(usage, dict):
        cached = number((usage.get("input_tokens_details") or {}).get("cached_tokens"))
        reasoning = number((usage.get("output_tokens_details") or {}).get("reasoning_tokens"))
        answer.count(input=number(usage.get("input_tokens")), cached=cached,
                     output=number(usage.get("output_tokens")), reasoning=reasoning)
    answer.ended = not answer.error


def _item(choice, item):
    if not isinstance(item, dict):
        return
    kind = item.get("type")
    if kind == "message":
        for part in item.get("content") or ():
            if part.get("type") == "refusal":
                choice.refusal.append(text_of(part.get("refusal")))
            else:
                choice.text.append(text_of(part.get("text")))
    elif kind == "reasoning":
        for part in (item.get("summary") or []) + (item.get("content") or []):
            choice.reasoning.append(text_of(part.get("text")))
    elif kind == "function_call":
        choice.calls.append([item.get("name"), item.get("arguments")])
    elif kind == "custom_tool_call":
        choice.calls.append([item.get("name"), item.get("input")])


def _stream(answer, body):
    """Items as they are when done; of those that never were, the deltas that came."""
    choice, items, partial, final = answer.choice(), {}, {}, None
    for event in framing.events(body):
        document = event.json
        if event.data == "[DONE]":
            continue
        if not isinstance(document, dict):
            return answer.fail("protocol", "an event is not a JSON object")
        kind = document.get("type") or event.name
        if kind in _ENDS:
            final = document.get("response") or {}
            break
        if kind == "error":
            _fail(answer, document.get("error") or document)
            return answer
        at = document.get("output_index")
        if kind == "response.output_item.added":
            partial[at] = dict(document.get("item") or {})
        elif kind == "response.output_item.done":
            items[at] = document.get("item")
        elif kind.endswith(".delta") and at in partial:
            _delta(partial[at], kind, document)
    if final is None:
        return answer.fail("protocol", "the stream has no end")
    places = sorted(set(items) | set(partial), key=lambda n: (n is None, n))
    gathered = [items.get(at) or partial[at] for at in places]
    for item in gathered or final.get("output") or ():
        _item(choice, item)
    _end(answer, choice, final)
    return answer


def _delta(item, kind, document):
    delta = text_of(document.get("delta"))
    if kind in ("response.output_text.delta", "response.refusal.delta"):
        part_type, member = ("output_text", "text") if "text" in kind else ("refusal", "refusal")
        parts = item["content"] = list(item.get("content") or [])
        index = document.get("content_index", 0)
        while len(parts) <= index:
            parts.append({"type": part_type, member: ""})
        parts[index] = dict(parts[index], **{member: parts[index].get(member, "") + delta})
    elif kind == "response.function_call_arguments.delta":
        item["arguments"] = text_of(item.get("arguments")) + delta
    elif kind == "response.custom_tool_call_input.delta":
        item["input"] = text_of(item.get("input")) + delta
    elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
        member = "summary" if "summary" in kind else "content"
        item[member] = list(item.get(member) or []) + [{"text": delta}]


# -- Validity ---------------------------------------------------------------------------------

_STATUS = frozenset(("completed", "incomplete", "in_progress"))
_ITEMS = {
    "message": dict(id=str, role="assistant", content=list, status=_STATUS),
    "function_call": dict(call_id=str, name=str, arguments=str, id=[str], status=[_STATUS]),
    "custom_tool_call": dict(call_id=str, name=str, input=str, id=[str]),
    "reasoning": dict(id=str, summary=list, content=[(list, None)],
                      encrypted_content=[(str, None)]),
    # What runs at the vendor: those that a gateway may well write.
    "mcp_list_tools": dict(id=str, server_label=str, tools=list, error=[(str, None)]),
    "image_generation_call": dict(id=str, result=(str, None), status=str),
}


def _check_item(checks, item, at, done):
    if not checks.has(item, at, type=str):
        return
    kind = item["type"]
    if not checks.need(kind in _ITEMS, "%s is a %s", at, kind):
        return
    if not checks.has(item, at, **_ITEMS[kind]):
        return
    if kind == "message":
        for i, part in enumerate(item["content"]):
            _check_part(checks, part, "%s.content[%d]" % (at, i))
    if kind == "reasoning":
        for i, part in enumerate(item["summary"]):
            checks.has(part, "%s.summary[%d]" % (at, i), type="summary_text", text=str)
    if "call_id" in _ITEMS[kind]:
        checks.need(item["call_id"] and item["name"], "%s has an empty name or id", at)


def _check_part(checks, part, at):
    if isinstance(part, dict) and part.get("type") == "refusal":
        checks.has(part, at, refusal=str)
    else:
        checks.has(part, at, type="output_text", text=str, annotations=list)


def _check_response(checks, response, at, statuses):
    good = checks.has(response, at, id=str, object="response", created_at=float, model=str,
                      status=frozenset(statuses), output=list, error=(dict, None),
                      incomplete_details=(dict, None), parallel_tool_calls=bool, tools=list,
                      tool_choice=(str, dict), metadata=(dict, None),
                      instructions=(str, list, None), temperature=(float, None),
                      top_p=(float, None), usage=[(dict, None)])
    if isinstance(response, dict) and isinstance(response.get("output"), list):
        for i, item in enumerate(response["output"]):
            _check_item(checks, item, "%s.output[%d]" % (at, i), True)
    if not good:
        return False
    if response["status"] == "incomplete":
        checks.has(response["incomplete_details"], at + ".incomplete_details",
                   reason=frozenset(("max_output_tokens", "content_filter")))
    if response["status"] == "failed":
        checks.has(response["error"], at + ".error", code=str, message=str)
    usage = response.get("usage")
    if usage and checks.has(usage, at + ".usage", input_tokens=int, output_tokens=int,
                            total_tokens=int, input_tokens_details=dict,
                            output_tokens_details=dict):
        checks.has(usage["input_tokens_details"], at + ".usage.input_tokens_details",
                   cached_tokens=int)
        checks.has(usage["output_tokens_details"], at + ".usage.output_tokens_details",
                   reasoning_tokens=int)
        checks.need(usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"],
                    "%s.usage: the total is not the sum", at)
    return True


class _Items:
    """Items and parts that are open, and what came for them."""

    def __init__(self, checks):
        self.checks, self.items, self.done = checks, {}, {}
        self.parts, self.text = {}, {}

    def added(self, at, document):
        index = document.get("output_index")
        self.checks.need(index == len(self.items), "%s: output_index %r after %d items", at, index,
                         len(self.items))
        item = document.get("item")
        _check_item(self.checks, item, at + ".item", False)
        self.items[index] = item if isinstance(item, dict) else {}

    def of(self, at, document):
        """The open item an event is for."""
        index = document.get("output_index")
        if not self.checks.need(index in self.items and index not in self.done,
                                "%s: output_index %r is not open", at, index):
            return None
        item = self.items[index]
        if "item_id" in document or document["type"] != "response.output_item.done":
            self.checks.need(document.get("item_id") == item.get("id"),
                             "%s: item_id %r, the item's is %r", at, document.get("item_id"),
                             item.get("id"))
        return index

    def finished(self, at, document):
        index = document.get("output_index")
        if not self.checks.need(index in self.items and index not in self.done,
                                "%s: output_index %r is not open", at, index):
            return
        item = document.get("item")
        _check_item(self.checks, item, at + ".item", True)
        if not isinstance(item, dict):
            return
        self.checks.need(item.get("id") == self.items[index].get("id"), "%s: the id changes", at)
        self.checks.need(item.get("type") == self.items[index].get("type"), "%s: the type changes",
                         at)
        for key in [key for key in self.parts if key[0] == index]:
            self.checks.need(self.parts[key] == "done", "%s: part %r is still open", at, key)
        self._agrees(at, index, item)
        self.done[index] = item

    def _agrees(self, at, index, item):
        """What came in pieces is what stands in the item."""
        said = {"message": [(i, text_of(p.get("text")) or text_of(p.get("refusal")))
                            for i, p in enumerate(item.get("content") or ())],
                "function_call": [("arguments", item.get("arguments"))],
                "custom_tool_call": [("input", item.get("input"))],
                "reasoning": [(("summary", i), text_of(p.get("text")))
                              for i, p in enumerate(item.get("summary") or ())]}
        for key, text in said.get(item.get("type"), ()):
            self.checks.need(self.text.get((index, key), "") == (text or ""),
                             "%s: %.60r came in pieces, %.60r stands in the item", at,
                             self.text.get((index, key), ""), text)

    def part(self, at, document, key, state):
        index = self.of(at, document)
        now = self.parts.get((index, key))
        self.checks.need(now == {"open": None, "done": "open"}[state], "%s: part %r is %s", at, key,
                         now)
        self.parts[(index, key)] = state

    def delta(self, at, document, key, needs_part):
        index = self.of(at, document)
        if needs_part:
            self.checks.need(self.parts.get((index, key)) == "open", "%s: part %r is not open", at,
                             key)
        self.checks.need(isinstance(document.get("delta"), str), "%s has no delta", at)
        self.text[(index, key)] = self.text.get((index, key), "") + text_of(document.get("delta"))

    def text_done(self, at, document, key, member):
        index = self.of(at, document)
        self.checks.need(document.get(member) == self.text.get((index, key), ""),
                         "%s: %s is not what came in pieces", at, member)


def _step(checks, items, at, kind, document):
    part, summary = document.get("content_index"), ("summary", document.get("summary_index"))
    if kind == "response.output_item.added":
        items.added(at, document)
    elif kind == "response.output_item.done":
        items.finished(at, document)
    elif kind == "response.content_part.added":
        _check_part(checks, document.get("part"), at + ".part")
        items.part(at, document, part, "open")
    elif kind == "response.content_part.done":
        _check_part(checks, document.get("part"), at + ".part")
        items.part(at, document, part, "done")
    elif kind == "response.reasoning_summary_part.added":
        items.part(at, document, summary, "open")
    elif kind == "response.reasoning_summary_part.done":
        items.part(at, document, summary, "done")
    elif kind in ("response.output_text.delta", "response.refusal.delta"):
        items.delta(at, document, part, True)
    elif kind == "response.reasoning_summary_text.delta":
        items.delta(at, document, summary, True)
    elif kind == "response.function_call_arguments.delta":
        items.delta(at, document, "arguments", False)
    elif kind == "response.custom_tool_call_input.delta":
        items.delta(at, document, "input", False)
    elif kind == "response.output_text.done":
        items.text_done(at, document, part, "text")
    elif kind == "response.refusal.done":
        items.text_done(at, document, part, "refusal")
    elif kind == "response.reasoning_summary_text.done":
        items.text_done(at, document, summary, "text")
    elif kind == "response.function_call_arguments.done":
        items.text_done(at, document, "arguments", "arguments")
    elif kind == "response.custom_tool_call_input.done":
        items.text_done(at, document, "input", "input")
    elif kind not in ("response.in_progress", "response.reasoning_text.delta",
                      "response.reasoning_text.done", "response.output_text.annotation.added"):
        checks.say("%s: unknown event %s", at, kind)


def _validate_stream(checks, body):
    events = [e for e in framing.events(body) if e.data != "[DONE]"]
    items, first, last = _Items(checks), None, None
    for n, event in enumerate(events):
        at, document = "event %d" % n, event.json
        if not checks.has(document, at, type=str, sequence_number=int):
            continue
        kind = document["type"]
        at += " (%s)" % kind
        checks.need(event.name == kind, "%s: the event is named %r", at, event.name)
        checks.need(document["sequence_number"] == n, "%s: sequence_number %d", at,
                    document["sequence_number"])
        checks.need(last is None, "%s: after the end", at)
        if n == 0:
            if checks.need(kind == "response.created", "%s comes first", kind):
                _check_response(checks, document.get("response"), at, ("in_progress", "queued"))
                first = document.get("response") or {}
        elif kind in _ENDS:
            last = document.get("response") or {}
            _check_response(checks, last, at, (kind.split(".")[1],))
        elif kind == "response.in_progress":
            _check_response(checks, document.get("response"), at, ("in_progress", "queued"))
        else:
            _step(checks, items, at, kind, document)
    if not checks.need(last is not None and first is not None, "the stream has no end"):
        return
    checks.need(last.get("id") == first.get("id"), "the id of the response changes")
    if last.get("status") != "failed":
        checks.need(sorted(items.done) == sorted(items.items), "items %r were never done",
                    sorted(set(items.items) - set(items.done)))
        checks.need([items.done[i] for i in sorted(items.done)] == last.get("output"),
                    "the output at the end is not what came before")


def validate(status, content_type, body, streamed, usage_asked=True):
    checks = Checks()
    if status >= 400:
        document = loads(body)
        checks.need("application/json" in content_type, "the type is %s", content_type)
        if checks.has(document, "answer", error=dict):
            checks.has(document["error"], "error", message=str, type=str, param=(str, None),
                       code=(str, None))
        return checks.found
    checks.need(status == 200, "status %d", status)
    if streamed:
        checks.need("text/event-stream" in content_type, "the type is %s", content_type)
        _validate_stream(checks, body)
    else:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        _check_response(checks, loads(body), "answer", ("completed", "incomplete", "failed"))
    return checks.found
