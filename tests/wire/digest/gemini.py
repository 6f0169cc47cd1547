"""Gemini generateContent and streamGenerateContent, as events and as an array."""

import re

import framing

from .common import Answer, Checks, loads, number
from .failure import classify

_FILTERED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
             "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "LANGUAGE")
# Some SDKs of the early days wrote the numbers of the enumeration.
_NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}


def _finish(reason):
    reason = _NUMBERS.get(reason, reason)
    if reason == "STOP":
        return "stop"
    if reason == "MAX_TOKENS":
        return "length"
    return "content_filter" if reason in _FILTERED else "unknown"


def _fail(answer, document, status):
    if isinstance(document, list):
        document = document[0] if document else None
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or "")
    code = error.get("code")
    if (not status or status < 400) and isinstance(code, int):
        status = code
    cls = classify(status, error.get("status"), message=message)
    return answer.fail(cls, message)


def digest(status, content_type, body):
    answer = Answer()
    kind = framing.kind_of(content_type, body)
    if status >= 400:
        return _fail(answer, loads(body), status)
    documents = [loads(body)] if kind == "whole" else framing.documents(kind, body)
    if any(not isinstance(document, dict) for document in documents) or not documents:
        return answer.fail("protocol", "not a JSON object")
    for document in documents:
        if document.get("error"):
            return _fail(answer, document, 0)
        if kind == "whole" and "candidates" not in document and "promptFeedback" not in document:
            return answer.fail("protocol", "no candidates")
        reason = (document.get("promptFeedback") or {}).get("blockReason")
        if reason and not document.get("candidates"):
            # Nothing was answered at all: a request refused for what it holds.
            return answer.fail("content_filter", "")
        _chunk(answer, document)
    if kind == "whole":
        for choice in answer.choices.values():
            choice.finish = choice.finish or "unknown"
    if not answer.choices or not all(c.finish for c in answer.choices.values()):
        return answer.fail("protocol", "no finishReason")
    if all(c.finish == "unknown" and not (c.text or c.reasoning or c.calls)
           for c in answer.choices.values()):
        # Ended for no reason that tells anything, with nothing said: the service has failed.
        return answer.fail("server_error", "")
    answer.ended = True
    return answer


def _chunk(answer, document):
    for candidate in document.get("candidates") or ():
        choice = answer.choice(candidate.get("index") or 0)
        for part in (candidate.get("content") or {}).get("parts") or ():
            _part(choice, part)
        if candidate.get("finishReason"):
            choice.finish = _finish(candidate["finishReason"])
    usage = document.get("usageMetadata")
    if isinstance(usage, dict):
        prompt, tools = number(usage.get("promptTokenCount")), \
            number(usage.get("toolUsePromptTokenCount"))
        said, thought = number(usage.get("candidatesTokenCount")), \
            number(usage.get("thoughtsTokenCount"))
        output = (said or 0) + (thought or 0) if said is not None or thought is not None else None
        if output is None and not any(c.text or c.calls for c in answer.choices.values()):
            output = 0
        total = number(usage.get("totalTokenCount"))
        if None not in (total, prompt, output) and total != prompt + (tools or 0) + output:
            # The numbers contradict themselves, unless thoughts are among the candidates'.
            among = said is not None and total == prompt + (tools or 0) + said
            output, thought = (said, thought) if among else (None, None)
        answer.count(input=prompt + (tools or 0) if prompt is not None else None,
                     cached=number(usage.get("cachedContentTokenCount")), output=output,
                     reasoning=thought)


def _part(choice, part):
    if isinstance(part.get("functionCall"), dict):
        _call(choice, part["functionCall"])
    elif isinstance(part.get("text"), str):
        (choice.reasoning if part.get("thought") else choice.text).append(part["text"])


def _call(choice, call):
    """A call, or a piece of one that comes as values at places of its arguments."""
    going_on = getattr(choice, "going_on", None)
    if going_on is None or call.get("name"):
        choice.calls.append([call.get("name"), call.get("args")])
    if call.get("partialArgs") or call.get("willContinue") or going_on:
        if not isinstance(choice.calls[-1][1], dict):
            choice.calls[-1][1] = {}
        for piece in call.get("partialArgs") or ():
            _place(choice.calls[-1][1], piece)
    choice.going_on = True if call.get("willContinue") else None


def _place(tree, piece):
    steps = [s[2:-2] if s.startswith("['") else int(s[1:-1]) if s.startswith("[") else s[1:]
             for s in re.findall(r"\['[^']*'\]|\[\d+\]|\.[^.\[]+", piece["jsonPath"])]
    value = next((piece[name] for name in ("stringValue", "numberValue", "boolValue")
                  if name in piece), None)
    for here, then in zip(steps, steps[1:] + [None]):
        empty = None if then is None else [] if isinstance(then, int) else {}
        if isinstance(here, int):
            while len(tree) <= here:
                tree.append(empty)
        elif here not in tree:
            tree[here] = empty
        if then is None:
            old = tree[here]
            tree[here] = old + value if isinstance(old, str) and isinstance(value, str) else value
        else:
            tree = tree[here]


# -- Validity ---------------------------------------------------------------------------------

_REASONS = frozenset(("STOP", "MAX_TOKENS", "OTHER", "MALFORMED_FUNCTION_CALL",
                      "UNEXPECTED_TOOL_CALL") + _FILTERED)
_STATUS = {400: ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"),
           401: ("UNAUTHENTICATED",), 403: ("PERMISSION_DENIED",), 404: ("NOT_FOUND",),
           429: ("RESOURCE_EXHAUSTED",), 499: ("CANCELLED",), 500: ("INTERNAL",),
           502: ("INTERNAL", "UNAVAILABLE", "UNKNOWN"), 503: ("UNAVAILABLE",),
           504: ("DEADLINE_EXCEEDED",)}
_PARTS = ("text", "functionCall", "inlineData", "fileData", "executableCode",
          "codeExecutionResult", "functionResponse")


def _check_part(checks, part, at):
    if not checks.has(part, at, thought=[bool], thoughtSignature=[str], text=[str],
                      functionCall=[dict], inlineData=[dict]):
        return
    checks.need(sum(name in part for name in _PARTS) == 1 or "thoughtSignature" in part,
                "%s is of %r", at, sorted(part))
    if "functionCall" in part:
        checks.has(part["functionCall"], at + ".functionCall", name=str, args=[dict], id=[str])
        checks.need(part["functionCall"].get("name"), "%s has an empty name", at)
    if "inlineData" in part:
        checks.has(part["inlineData"], at + ".inlineData", mimeType=str, data=str)


def _check_document(checks, document, at):
    """Returns the finish reasons by candidate."""
    ended = {}
    if not checks.has(document, at, candidates=[list], usageMetadata=[dict], modelVersion=[str],
                      responseId=[str], promptFeedback=[dict]):
        return ended
    for i, candidate in enumerate(document.get("candidates") or ()):
        where = "%s.candidates[%d]" % (at, i)
        if not checks.has(candidate, where, content=[dict], finishReason=[_REASONS], index=[int]):
            continue
        content = candidate.get("content")
        if content is not None and checks.has(content, where + ".content", parts=[list],
                                              role=["model"]):
            for k, part in enumerate(content.get("parts") or ()):
                _check_part(checks, part, "%s.parts[%d]" % (where, k))
        ended[candidate.get("index") or 0] = candidate.get("finishReason")
    usage = document.get("usageMetadata")
    if usage is not None:
        checks.has(usage, at + ".usageMetadata", promptTokenCount=[int],
                   candidatesTokenCount=[int], totalTokenCount=[int],
                   cachedContentTokenCount=[int], thoughtsTokenCount=[int])
    return ended


def _validate_documents(checks, documents):
    seen = {}
    checks.need(documents, "no answer at all")
    for n, document in enumerate(documents):
        for candidate, reason in _check_document(checks, document, "answer %d" % n).items():
            checks.need(not seen.get(candidate), "answer %d: candidate %d goes on after its "
                        "finishReason", n, candidate)
            seen[candidate] = reason
    blocked = any(isinstance(d, dict) and d.get("promptFeedback") for d in documents)
    checks.need(seen or blocked, "no candidates")
    checks.need(all(seen.values()), "a candidate has no finishReason")
    if documents and isinstance(documents[-1], dict):
        checks.need(blocked or documents[-1].get("candidates"), "the last answer has no candidate")


def validate(status, content_type, body, streamed, usage_asked=True):
    """`streamed`: False, "sse" or "array"."""
    checks = Checks()
    if status >= 400:
        document = loads(body)
        if streamed == "array" and isinstance(document, list):
            document = document[0] if document else None
        checks.need("application/json" in content_type, "the type is %s", content_type)
        if checks.has(document, "answer", error=dict):
            error = document["error"]
            if checks.has(error, "error", code=int, message=str, status=str):
                checks.need(error["code"] == status, "code %d with status %d", error["code"],
                            status)
                checks.need(error["status"] in _STATUS.get(status, ()), "%s with status %d",
                            error["status"], status)
        return checks.found
    checks.need(status == 200, "status %d", status)
    if streamed == "sse":
        checks.need("text/event-stream" in content_type, "the type is %s", content_type)
        for event in framing.events(body):
            checks.need(not event.name, "an event has a name")
        _validate_documents(checks, [event.json for event in framing.events(body)])
    elif streamed == "array":
        checks.need("application/json" in content_type, "the type is %s", content_type)
        documents = loads(body)
        if checks.need(isinstance(documents, list), "the answer is no JSON array"):
            _validate_documents(checks, documents)
    else:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        _validate_documents(checks, [loads(body)])
    return checks.found
