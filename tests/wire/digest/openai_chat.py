"""OpenAI Chat Completions, as OpenAI and those who follow it speak it.

`digest` reads whatever they write; `validate` holds an answer against the types of OpenAI's SDK.
"""

import framing

from .common import Answer, Checks, loads, number, text_of
from .failure import classify

_FINISH = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length",
           "max_tokens": "length", "model_length": "length", "tool_calls": "tool_calls",
           "function_call": "tool_calls", "content_filter": "content_filter",
           "stop_sequence": "stop_sequence", "refusal": "refusal"}
_BROKEN = {"error": "server_error", "insufficient_system_resource": "overloaded"}


def error_of(document, status=0):
    """(class, message) if the document reports an error, else None."""
    top = document[0] if isinstance(document, list) and document else document
    if not isinstance(top, dict):
        return None
    error = top.get("error")
    if isinstance(error, str) and error:
        code, message = top.get("code"), error
        return classify(status, code, message=message), message
    if isinstance(error, dict):
        code, kind = error.get("code"), error.get("type")
        own = error.get("status_code") or code
        if (not status or status < 400) and isinstance(own, int) and 400 <= own < 600:
            status = own
        message = str(error.get("message") or kind or "")
        return classify(status, code, kind, message=message), message
    if top.get("object") == "error" or status >= 400:
        code, kind = top.get("code"), top.get("type")
        message = str(top.get("message") or top.get("detail") or "")
        return classify(status, code, kind, message=message), message
    return None


def digest(status, content_type, body):
    answer = Answer()
    kind = framing.kind_of(content_type, body)
    if status >= 400:
        document = loads(body)
        found = error_of(document, status) if document is not None else None
        return answer.fail(*(found or (classify(status), "")))
    if kind != "sse":
        document = loads(body)
        if not isinstance(document, dict):
            return answer.fail("protocol", "not JSON")
        found = error_of(document, 0)
        if found:
            return answer.fail(*found)
        if not document.get("choices"):
            return answer.fail("protocol", "no choices")
        _Reader(answer, "message").chunk(document)
        answer.ended = not answer.error
        for choice in answer.choices.values():
            choice.finish = choice.finish or "unknown"
        return answer
    reader = _Reader(answer, "delta")
    for event in framing.events(body):
        if event.data.strip() == "[DONE]":
            answer.ended = True
            break
        if not isinstance(event.json, dict):
            return answer.fail("protocol", "an event is not a JSON object")
        found = error_of(event.json)
        if found:
            return answer.fail(*found)
        reader.chunk(event.json)
        if answer.error:
            return answer
    # Whoever leaves out [DONE] has still ended if every choice has.
    finished = bool(answer.choices) and all(c.finish for c in answer.choices.values())
    if not finished:
        return answer.fail("protocol", "no finish_reason")
    answer.ended = True
    return answer


class _Reader:
    def __init__(self, answer, member):
        self.answer, self.member = answer, member
        self.calls = {}           # choice -> of [index, id, name, pieces]

    def chunk(self, document):
        for raw in document.get("choices") or ():
            if not isinstance(raw, dict):
                continue
            index = raw.get("index")
            at = index if isinstance(index, int) else 0
            choice = self.answer.choice(at)
            message = raw.get(self.member)
            if not isinstance(message, dict):
                message = raw.get("message") or raw.get("delta") or {}
            self._message(choice, at, message)
            reason = raw.get("finish_reason")
            if reason in _BROKEN:
                self.answer.fail(_BROKEN[reason], "the model stopped with an error")
                return
            if reason:
                choice.finish = _FINISH.get(reason, "unknown")
        usage = document.get("usage")
        if not isinstance(usage, dict):
            usage = (document.get("x_groq") or {}).get("usage")
        if isinstance(usage, dict):
            self._usage(usage)

    def _message(self, choice, at, message):
        choice.reasoning.append(text_of(message.get("reasoning_content")) or
                                text_of(message.get("reasoning")))
        self._content(choice, message.get("content"))
        choice.refusal.append(text_of(message.get("refusal")))
        for fragment in message.get("tool_calls") or ():
            self._fragment(choice, at, fragment)
        function = message.get("function_call")
        if isinstance(function, dict):
            self._fragment(choice, at, {"index": 0, "function": function})

    def _content(self, choice, content, thinking=False):
        if isinstance(content, str):
            (choice.reasoning if thinking else choice.text).append(content)
        elif isinstance(content, list):
            for part in content:
                if isinstance(part, str):
                    self._content(choice, part, thinking)
                elif isinstance(part, dict) and part.get("type") == "thinking":
                    self._content(choice, part.get("thinking"), True)
                elif isinstance(part, dict) and part.get("type") == "text":
                    self._content(choice, part.get("text"), thinking)
                elif isinstance(part, dict) and part.get("type") == "refusal":
                    choice.refusal.append(text_of(part.get("refusal")))

    def _fragment(self, choice, at, fragment):
        function = fragment.get("custom") or fragment.get("function") or {}
        arguments = function.get("input") if "custom" in fragment and fragment["custom"] \
            else function.get("arguments")
        call = self._call(choice, at, fragment.get("index"), fragment.get("id"),
                          function.get("name"))
        if isinstance(arguments, dict):
            call[1] = arguments
        elif isinstance(arguments, str) and not isinstance(call[1], dict):
            call[1] += arguments

    def _call(self, choice, at, index, ident, name):
        known = self.calls.setdefault(at, [])
        for seen in reversed(known):
            same_place = index is None or seen["index"] == index
            same_id = not ident or not seen["id"] or seen["id"] == ident
            if same_place and same_id and not (index is None and ident and not seen["id"]):
                if ident and not seen["id"]:
                    seen["id"] = ident
                if name and not seen["call"][0]:
                    seen["call"][0] = name
                return seen["call"]
        call = [name or "", ""]
        choice.calls.append(call)
        known.append({"index": index, "id": ident, "call": call})
        return call

    def _usage(self, usage):
        """What the prompt and the answer took in all. Where the total says so, audio counts beside
        the prompt (Mistral) and reasoning beside the answer (xAI)."""
        prompt, completion = number(usage.get("prompt_tokens")), \
            number(usage.get("completion_tokens"))
        if prompt is None and completion is None:
            prompt, completion = number(usage.get("input_tokens")), \
                number(usage.get("output_tokens"))
        given, used = usage.get("prompt_tokens_details") or {}, \
            usage.get("completion_tokens_details") or {}
        reasoning = number(used.get("reasoning_tokens"))
        if reasoning is None:
            reasoning = number(usage.get("reasoning_tokens"))
        total, audio = number(usage.get("total_tokens")), number(given.get("audio_tokens"))
        cached = next((n for n in (number(given.get("cached_tokens")),
                                   number(usage.get("prompt_cache_hit_tokens")),
                                   number(usage.get("cached_tokens")),
                                   number(usage.get("num_cached_tokens")),
                                   number((usage.get("prompt_token_details") or {})
                                          .get("cached_tokens"))) if n is not None), None)
        if None not in (total, prompt, completion) and total != prompt + completion:
            if audio and total == prompt + completion + audio:
                prompt += audio
            elif reasoning and total == prompt + completion + reasoning:
                completion += reasoning
        written = number(given.get("cache_write_tokens")) or 0
        if prompt is not None and cached is not None and cached + written > prompt:
            # Cached ones beside the prompt, if the total says so; else the numbers contradict
            # themselves and how much of the prompt was cached is not known.
            if total is not None and total == prompt + cached + written + (completion or 0):
                prompt += cached + written
            else:
                cached = self.answer.usage["cached"] = None
        self.answer.count(input=prompt, cached=cached, output=completion, reasoning=reasoning)


# -- Validity ---------------------------------------------------------------------------------

_REASONS = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))


def _check_usage(checks, usage, at):
    if checks.has(usage, at, prompt_tokens=int, completion_tokens=int, total_tokens=int,
                  prompt_tokens_details=[(dict, None)], completion_tokens_details=[(dict, None)]):
        checks.need(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"],
                    "%s: the total is not the sum", at)
        for name in ("prompt_tokens_details", "completion_tokens_details"):
            for key, n in (usage.get(name) or {}).items():
                checks.need(isinstance(n, int) and n >= 0, "%s.%s.%s is %r", at, name, key, n)


def _check_call(checks, call, at, whole):
    """A complete call, or (not `whole`) the first fragment of one."""
    kinds = frozenset(("function", "custom"))
    if not checks.has(call, at, id=str, type=kinds):
        return
    checks.need(call["id"], "%s: the id is empty", at)
    inner = "custom" if call["type"] == "custom" else "function"
    text = "input" if inner == "custom" else "arguments"
    if checks.has(call.get(inner), at + "." + inner, name=str,
                  **{text: str if whole else [(str, None)]}):
        checks.need(call[inner]["name"], "%s: the name is empty", at)


def _validate_whole(checks, document):
    if not checks.has(document, "answer", id=str, object="chat.completion", created=int, model=str,
                      choices=list, usage=[(dict, None)]):
        return
    checks.need(document["id"], "the id is empty")
    for i, choice in enumerate(document["choices"]):
        at = "choices[%d]" % i
        if not checks.has(choice, at, index=int, message=dict, finish_reason=_REASONS):
            continue
        checks.need(choice["index"] == i, "%s has the index %d", at, choice["index"])
        message = choice["message"]
        checks.has(message, at + ".message", role="assistant", content=(str, None),
                   refusal=[(str, None)], tool_calls=[list], reasoning_content=[str])
        calls = message.get("tool_calls")
        if calls is not None:
            checks.need(calls, "%s: empty tool_calls", at)
            for k, call in enumerate(calls or ()):
                _check_call(checks, call, "%s.tool_calls[%d]" % (at, k), True)
    checks.need(document["choices"], "no choices")
    if document.get("usage"):
        _check_usage(checks, document["usage"], "usage")


class _Stream:
    """State of a choice of a stream, as an SDK gathers it."""

    def __init__(self):
        self.role, self.finish, self.calls = None, None, {}


def _validate_stream(checks, body, usage_asked):
    events = framing.events(body)
    if not checks.need(events and events[-1].data == "[DONE]", "the stream does not end in [DONE]"):
        return
    checks.need(sum(e.data == "[DONE]" for e in events) == 1, "more than one [DONE]")
    choices, first, usages = {}, None, 0
    for n, event in enumerate(events[:-1]):
        at, chunk = "event %d" % n, event.json
        checks.need(not event.name, "%s has a name", at)
        if not checks.has(chunk, at, id=str, object="chat.completion.chunk", created=int,
                          model=str, choices=list, usage=[(dict, None)]):
            continue
        first = first or chunk
        checks.need(chunk["id"] == first["id"] and chunk["id"], "%s: the id changes", at)
        checks.need(chunk["model"] == first["model"], "%s: the model changes", at)
        if not chunk["choices"]:
            checks.need(chunk.get("usage"), "%s holds nothing", at)
        if chunk.get("usage"):
            usages += 1
            checks.need(n == len(events) - 2, "%s: usage is not the last event", at)
            checks.need(not chunk["choices"], "%s: usage beside choices", at)
            _check_usage(checks, chunk["usage"], at + ".usage")
        for choice in chunk["choices"]:
            _check_delta(checks, choices, choice, at)
    for index, seen in choices.items():
        checks.need(seen.finish, "choice %d has no finish_reason", index)
        checks.need(seen.role, "choice %d never told its role", index)
        checks.need(sorted(seen.calls) == list(range(len(seen.calls))),
                    "choice %d: tool call indexes %r", index, sorted(seen.calls))
    checks.need(sorted(choices) == list(range(len(choices))) and choices, "choices %r",
                sorted(choices))
    checks.need(usages <= 1, "usage %d times", usages)
    if not usage_asked:
        checks.need(not usages, "usage that was not asked for")


def _check_delta(checks, choices, choice, at):
    if not checks.has(choice, at, index=int, delta=dict, finish_reason=[(_REASONS, None)]):
        return
    seen = choices.setdefault(choice["index"], _Stream())
    delta = choice["delta"]
    checks.need(not seen.finish, "%s: a delta after the finish_reason", at)
    checks.has(delta, at + ".delta", role=["assistant"], content=[(str, None)],
               refusal=[(str, None)], tool_calls=[list], reasoning_content=[str])
    seen.role = seen.role or delta.get("role")
    checks.need(seen.role, "%s: content before the role", at)
    for fragment in delta.get("tool_calls") or ():
        if not checks.has(fragment, at + ".tool_calls", index=int):
            continue
        index = fragment["index"]
        if index not in seen.calls:
            checks.need(index == len(seen.calls), "%s: tool call %d after %d", at, index,
                        len(seen.calls) - 1)
            _check_call(checks, fragment, at + ".tool_calls", False)
            seen.calls[index] = fragment
        else:
            checks.need(not fragment.get("id") or fragment["id"] == seen.calls[index].get("id"),
                        "%s: the id of tool call %d changes", at, index)
            checks.need(not (fragment.get("function") or {}).get("name"),
                        "%s: tool call %d is named twice", at, index)
    seen.finish = choice.get("finish_reason") or seen.finish


def validate(status, content_type, body, streamed, usage_asked=True):
    """What is wrong with a complete answer, or an error, in this API; empty: nothing."""
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
        _validate_stream(checks, body, usage_asked)
    else:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        _validate_whole(checks, loads(body))
    return checks.found
