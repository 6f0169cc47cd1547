"""Ollama's chat: one JSON object, or one a line."""

import framing

from .common import Answer, Checks, loads, number, text_of
from .failure import classify

_FINISH = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}


def digest(status, content_type, body):
    answer = Answer()
    if status >= 400:
        document = loads(body)
        message = str((document or {}).get("error") or "") if isinstance(document, dict) else ""
        return answer.fail(classify(status, message=message), message)
    documents = framing.documents("lines", body)
    if len(documents) != 1 or documents[0] is None:
        whole = loads(body)           # one object over several lines
        documents = [whole] if isinstance(whole, dict) else documents
    choice, done = answer.choice(), False
    for document in documents:
        if not isinstance(document, dict):
            return answer.fail("protocol", "not a JSON object")
        if document.get("error"):
            message = str(document["error"])
            return answer.fail(classify(0, message=message), message)
        message = document.get("message")
        if not isinstance(message, dict):
            return answer.fail("protocol", "no message")
        choice.text.append(text_of(message.get("content")))
        choice.reasoning.append(text_of(message.get("thinking")))
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            choice.calls.append([function.get("name"), function.get("arguments")])
        if document.get("done"):
            done = True
            choice.finish = _FINISH.get(document.get("done_reason") or "stop", "unknown")
            answer.count(input=number(document.get("prompt_eval_count")),
                         output=number(document.get("eval_count")))
            break
    if not done:
        return answer.fail("protocol", "not done")
    answer.ended = True
    return answer


# -- Validity ---------------------------------------------------------------------------------


def _check(checks, document, at, done):
    if not checks.has(document, at, model=str, created_at=str, message=dict, done=bool,
                      done_reason=[str], total_duration=[int], load_duration=[int],
                      prompt_eval_count=[int], prompt_eval_duration=[int], eval_count=[int],
                      eval_duration=[int]):
        return
    checks.need(document["done"] is done, "%s: done is %r", at, document["done"])
    checks.need(not done or document.get("done_reason"), "%s has no done_reason", at)
    if checks.has(document["message"], at + ".message", role="assistant", content=str,
                  thinking=[str], tool_calls=[list]):
        for i, call in enumerate(document["message"].get("tool_calls") or ()):
            where = "%s.tool_calls[%d]" % (at, i)
            if checks.has(call, where, function=dict):
                checks.has(call["function"], where, name=str, arguments=dict)
                checks.need(call["function"].get("name"), "%s has an empty name", where)


def validate(status, content_type, body, streamed, usage_asked=True):
    checks = Checks()
    if status >= 400:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        checks.has(loads(body), "answer", error=str)
        return checks.found
    checks.need(status == 200, "status %d", status)
    if streamed:
        checks.need("application/x-ndjson" in content_type, "the type is %s", content_type)
        documents = framing.documents("lines", body)
        checks.need(body.endswith(b"\n"), "the last line is not ended")
        checks.need(documents, "no answer at all")
        for n, document in enumerate(documents):
            _check(checks, document, "line %d" % n, n == len(documents) - 1)
    else:
        checks.need("application/json" in content_type, "the type is %s", content_type)
        _check(checks, loads(body), "answer", True)
    return checks.found
