"""Where two digests may differ by the nature of an API. Each rule stands here once, with its
reason, and applies to whatever it is about; nothing here knows of single records."""

import re

import records

CHAT, RESPONSES, MESSAGES, GEMINI, OLLAMA = \
    records.CHAT, records.RESPONSES, records.MESSAGES, "gemini", records.OLLAMA

# -- Finish reasons: what an API says for a reason that it has no word of its own for. Reasons that
# are not listed are said as they are.
_SAYS = {
    # OpenAI does not tell a stop sequence from the end of a turn, and its refusals end with "stop"
    # and a `refusal`. One without any text of its own can only be told as filtered. What
    # finish_reason cannot say stands in native_finish_reason beside "stop".
    CHAT: {"stop_sequence": {"stop"}, "refusal": {"content_filter", "stop"}, "pause": {"stop"},
           "unknown": {"stop"}},
    # A response is completed or incomplete; the latter for these two reasons only.
    RESPONSES: {"stop_sequence": {"stop"}, "tool_calls": {"stop"}, "refusal": {"content_filter", "stop"},
                "pause": {"stop", "unknown"}, "unknown": {"stop", "unknown"}},
    # Anthropic calls a filtered answer a refusal.
    MESSAGES: {"content_filter": {"refusal"}, "unknown": {"stop"}},
    # Gemini's STOP stands for all natural ends; what is filtered, whoever did it, is SAFETY; the
    # rest is OTHER.
    GEMINI: {"stop_sequence": {"stop"}, "tool_calls": {"stop"}, "refusal": {"content_filter"}, "pause": {"unknown", "stop"}},
    # Ollama says "stop" and "length"; the member is any string.
    OLLAMA: {"stop_sequence": {"stop"}, "tool_calls": {"stop"}, "refusal": {"stop", "unknown"},
             "content_filter": {"stop", "unknown"}, "pause": {"stop", "unknown"},
             "unknown": {"stop"}},
}


def finishes(dialect, reason, has_calls):
    """The reasons a dialect may give where the record gave `reason`."""
    said = _SAYS[dialect].get(reason, set()) | {reason}
    # Whoever holds calls reads as tool_calls, where a stop is said (see digest.common).
    return {"tool_calls" if has_calls and r == "stop" else r for r in said}


# -- Usage. Numbers an API cannot say at all.
_UNSAID = {
    # The official types of Anthropic's usage had no count of thinking for long; it is optional.
    MESSAGES: {"reasoning"},
    # prompt_eval_count and eval_count are all there is.
    OLLAMA: {"cached", "reasoning"},
}
# Members that the SDKs' types require: zero where nobody knows.
_REQUIRED = {CHAT: {"input", "output"}, RESPONSES: {"input", "output", "cached", "reasoning"},
             MESSAGES: {"input", "output"}}


def usage_differs(dialect, name, told, said):
    if name in _UNSAID.get(dialect, ()) and said is None:
        return False
    if told is None:
        return not (said is None or (said == 0 and name in _REQUIRED.get(dialect, ())))
    # None and no tokens of a kind are the same: these members are left out at zero.
    if name in ("cached", "reasoning"):
        return (told or 0) != (said or 0)
    return told != said


# -- Refusals: a member of its own in OpenAI's APIs; elsewhere the refusal is the text.
HAS_REFUSAL = {CHAT, RESPONSES}

# -- Choices: the others have one answer for each request.
HAS_CHOICES = {CHAT, GEMINI}

# -- Free text as the arguments of a call ("custom" tools): OpenAI only. Elsewhere arguments are an
# object, and the text is its only member.
HAS_FREE_ARGUMENTS = {CHAT, RESPONSES}


def same_arguments(dialect, told, said):
    if told == said:
        return True
    if dialect not in HAS_FREE_ARGUMENTS and not isinstance(told, dict):
        return isinstance(said, dict) and list(said.values()) == [told]
    return False


def cut_arguments(choice, arguments):
    """A call that ran into the limit of tokens has arguments that are no JSON."""
    return choice["finish"] == "length" and isinstance(arguments, str)


def told_calls(dialect, choice, said):
    """The calls that a dialect may have left out are those that were cut: where arguments are an
    object, an application would run what is left of one."""
    if dialect in HAS_FREE_ARGUMENTS or len(choice["calls"]) == len(said["calls"]):
        return choice["calls"]
    return [call for call in choice["calls"] if not cut_arguments(choice, call[1])]


# -- Reasoning: Responses has it in parts (summaries), which other APIs have to put together
# somehow; the blanks between parts are nobody's words.
def same_reasoning(form, dialect, told, said):
    if told == said:
        return True
    if RESPONSES in (form, dialect):
        return re.sub(r"\s+", "", told) == re.sub(r"\s+", "", said)
    return False


# -- Errors. Classes an API has no word for, and what it says instead.
_CLASSES = {
    CHAT: {},
    RESPONSES: {},
    # invalid_request_error stands for all faults of a request, rate_limit_error for all limits,
    # api_error for all faults of the service.
    MESSAGES: {"context_length": {"invalid_request", "context_length"},
               "content_filter": {"invalid_request"},
               "quota": {"rate_limit", "quota"}, "protocol": {"server_error"},
               "connection": {"server_error", "timeout"}},
    # Google's canonical codes.
    GEMINI: {"context_length": {"invalid_request", "context_length"},
             "content_filter": {"invalid_request"}, "quota": {"rate_limit", "quota"},
             "protocol": {"server_error"}, "connection": {"server_error", "overloaded"}},
    # A status and a sentence.
    OLLAMA: {"context_length": {"invalid_request", "context_length"},
             "content_filter": {"invalid_request"}, "quota": {"rate_limit", "quota"},
             "protocol": {"server_error"}, "connection": {"server_error"}},
}


# Inside a stream Ollama tells of an error with a sentence and no status at all.
_STREAM_CLASSES = {OLLAMA: "server_error"}


def classes(dialect, cls, in_stream):
    said = _CLASSES[dialect].get(cls, set()) | {cls}
    if in_stream and dialect in _STREAM_CLASSES:
        said.add(_STREAM_CLASSES[dialect])
    return said


# -- All of it together -----------------------------------------------------------------------


def differences(form, dialect, told, said, in_stream=False):
    """What is wrong with `said` (the digest of what a dialect delivered) where `told` is the
    digest of what the record says. Empty: nothing."""
    if told["error"] or said["error"]:
        if told["error"] and said["error"] in classes(dialect, told["error"], in_stream):
            return []
        return ["error: %s, delivered as %s" % (told["error"], said["error"])]
    out = []
    choices = told["choices"] if dialect in HAS_CHOICES else told["choices"][:1]
    if len(choices) != len(said["choices"]):
        out.append("choices: %d, delivered %d" % (len(choices), len(said["choices"])))
    for n, (ours, theirs) in enumerate(zip(choices, said["choices"])):
        out += ["choice %d: %s" % (n, what)
                for what in _choice_differences(form, dialect, ours, theirs)]
    for name in ("input", "cached", "output", "reasoning"):
        if usage_differs(dialect, name, told["usage"][name], said["usage"][name]):
            out.append("usage.%s: %r, delivered %r" % (name, told["usage"][name],
                                                       said["usage"][name]))
    return out


def _choice_differences(form, dialect, told, said):
    text, refusal = told["text"], told["refusal"]
    if refusal and dialect not in HAS_REFUSAL:
        text, refusal = text + refusal, ""
    if text != said["text"]:
        yield "text: " + first_difference(text, said["text"])
    if refusal != said["refusal"]:
        yield "refusal: " + first_difference(refusal, said["refusal"])
    if not same_reasoning(form, dialect, told["reasoning"], said["reasoning"]):
        yield "reasoning: " + first_difference(told["reasoning"], said["reasoning"])
    yield from _call_differences(dialect, told, said)
    if said["finish"] not in finishes(dialect, told["finish"], bool(said["calls"])):
        yield "finish: %s, delivered as %s" % (told["finish"], said["finish"])


def _call_differences(dialect, told, said):
    calls = told_calls(dialect, told, said)
    if len(calls) != len(said["calls"]):
        yield "calls: %d, delivered %d" % (len(calls), len(said["calls"]))
    for n, (ours, theirs) in enumerate(zip(calls, said["calls"])):
        if ours[0] != theirs[0]:
            yield "call %d: name %r, delivered %r" % (n, ours[0], theirs[0])
        elif not same_arguments(dialect, ours[1], theirs[1]) and \
                not (cut_arguments(told, ours[1]) and dialect not in HAS_FREE_ARGUMENTS):
            yield "call %d: arguments %.120r, delivered %.120r" % (n, ours[1], theirs[1])


def first_difference(a, b):
    """Where two texts part, with a little around it."""
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    lo = max(0, at - 20)
    return "at %d of %d/%d: %r, delivered %r" % (at, len(a), len(b), a[lo:at + 40], b[lo:at + 40])
