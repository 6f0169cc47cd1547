"""When a request that reached an upstream is the one the application sent: `differences` of two
digests, each with the words that a warning about it has to hold.

Rules about the nature of an API stand here, once each, with their reason.
"""

import json
import re

import records
from digest.asked import shape

CHAT, RESPONSES, MESSAGES, GEMINI, OLLAMA = \
    records.CHAT, records.RESPONSES, records.MESSAGES, "gemini", records.OLLAMA

# These have one place for instructions, before all messages: where among the messages they stood is
# not told, their order is.
SYSTEM_APART = {MESSAGES, GEMINI}

# Content that keeps the order of text and what is not text. Ollama has images beside the text; Chat
# Completions has calls, and whatever was thought, beside the text of an answer.
ORDERED_USER = {CHAT, RESPONSES, MESSAGES, GEMINI}
ORDERED_ANSWER = {RESPONSES, MESSAGES, GEMINI}

# Words of a warning, by what was lost.
WORDS = {
    "image": ("image",), "audio": ("audio",), "file": ("file", "document", "pdf", "video"),
    "reasoning": ("reasoning", "thinking", "thought"), "refusal": ("refusal",),
    "failed": ("is_error", "failed", "error"), "schema": ("parameters", "schema"),
    "choice": ("tool_choice", "toolconfig", "function_call", "allowed"),
    "parallel": ("parallel",), "format": ("response_format", "format", "schema"),
    "max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxoutputtokens",
                   "num_predict"),
    "stop": ("stop",), "effort": ("reasoning", "effort", "thinking", "think"),
    "budget": ("reasoning", "budget", "thinking", "think"),
    "summary": ("summary", "includethoughts", "include_thoughts", "display", "reasoning"),
    "top_logprobs": ("logprobs",), "logprobs": ("logprobs",), "n": ("/n", "candidate", "choices"),
    "user": ("user", "metadata", "safety_identifier"),
}

# What a description of a format or a tool says to its vendor only: how hard to enforce a schema
# (`strict`) and what to call it (`name`) are not compared; what is to be enforced is.


class Loss:
    """`words`: of which a warning has to hold one; empty: nothing excuses it."""

    def __init__(self, what, words=()):
        self.what, self.words = what, words

    def told(self, warnings):
        return any(word.lower() in warnings for word in self.words)


def differences(form, target, told, said):
    """Losses between two digest.asked.Request; `form` and `target` are their APIs."""
    yield from _messages(form, target, told, said)
    yield from _tools(target, told, said)
    yield from _controls(form, target, told, said)
    yield from _others(form, target, told, said)


# -- Messages ---------------------------------------------------------------------------------


def _words(texts):
    """Texts as one; how they were divided, and the blanks between, is nobody's word."""
    return re.sub(r"\s+", " ", " ".join(texts)).strip()


def _squeezed(texts):
    return re.sub(r"\s+", "", "".join(texts))


def _runs(messages):
    """[role, atoms] of neighbours of one role: some APIs have one message where others have many."""
    out = []
    for role, *atom in messages:
        if not out or out[-1][0] != role:
            out.append([role, []])
        out[-1][1].append(atom)
    return out


def _messages(form, target, told, said):
    ours, theirs = told.messages, said.messages
    if {form, target} & SYSTEM_APART:
        a = [m[2] for m in ours if m[0] == "system" and m[1] == "text"]
        b = [m[2] for m in theirs if m[0] == "system" and m[1] == "text"]
        if not _same_system(told, said, a, b):
            yield Loss("system: %s" % _apart(_squeezed(a), _squeezed(b)))
        ours = [m for m in ours if m[0] != "system"]
        theirs = [m for m in theirs if m[0] != "system"]
    ours, theirs = _runs(_lifted(ours)), _runs(_lifted(theirs))
    if target in SYSTEM_APART and not ours and told.messages and len(theirs) == 1:
        # Where there are nothing but instructions they are what the user says: something must be.
        ours = [["user", [m[1:] for m in told.messages]]]
    if [run[0] for run in ours] != [run[0] for run in theirs]:
        a, b = _significant(ours), _significant(theirs)
        if [run[0] for run in a] != [run[0] for run in b]:
            yield Loss("roles: %s, sent %s" % (" ".join(run[0] for run in ours),
                                               " ".join(run[0] for run in theirs)), _lost_words(a))
            return
        ours, theirs = a, b
    for n, ((role, a), (_, b)) in enumerate(zip(ours, theirs)):
        at = "%s %d" % (role, n)
        if role == "tool":
            yield from _results(at, target, a, b)
        else:
            yield from _said(at, role, form, target, a, b)


def _lifted(messages):
    """What results hold beside text stands behind them, as the user's: some APIs have only text in
    results."""
    out, media = [], []
    for message in messages:
        if media and message[0] != "tool":
            out += media
            media = []
        if message[0] == "tool":
            _, kind, number, content, failed = message
            media += [["user", *part] for part in content if part[0] not in ("text", "refusal")]
            message = ["tool", kind, number, [p for p in content if p[0] == "text"], failed]
        out.append(message)
    return out + media


def _same_system(told, said, a, b):
    a, b = _squeezed(a), _squeezed(b)
    if not b and not [m for m in told.messages if m[0] != "system"]:
        return True                       # see below: it is the user's then
    # An API without a schema is told of it in words, behind the application's own.
    return a == b or (told.format is not None and said.format is None and b.startswith(a))


def _significant(runs):
    """Without turns that hold nothing but reasoning, which may be lost with a warning."""
    kept = [[role, atoms] for role, atoms in runs if any(a[0] != "reasoning" for a in atoms)]
    out = []
    for role, atoms in kept:
        if out and out[-1][0] == role:
            out[-1] = [role, out[-1][1] + atoms]
        else:
            out.append([role, atoms])
    return out


def _lost_words(runs):
    """Words for turns that hold only what may be lost."""
    kinds = {atom[0] for _, atoms in runs for atom in atoms}
    if "media" in kinds:                  # of a kind that is not said
        kinds |= {"image", "audio", "file"}
    return tuple(word for kind in kinds & {"image", "audio", "file"} for word in WORDS[kind])


def _apart(a, b):
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return "at %d of %d/%d: %r, sent %r" % (at, len(a), len(b), a[max(0, at - 15):at + 40],
                                            b[max(0, at - 15):at + 40])


def _said(at, role, form, target, a, b):
    texts = lambda atoms: [x[1] for x in atoms if x[0] in ("text", "refusal")]
    if _squeezed(texts(a)) != _squeezed(texts(b)):
        yield Loss("%s: text: %s" % (at, _apart(_squeezed(texts(a)), _squeezed(texts(b)))),
                   _missing_file_words(a, b))
    thought = lambda atoms: _squeezed(x[1] for x in atoms if x[0] == "reasoning")
    if thought(a) != thought(b):
        yield Loss("%s: reasoning: %s" % (at, _apart(thought(a), thought(b))), WORDS["reasoning"])
    calls = lambda atoms: [x[1:] for x in atoms if x[0] == "call"]
    if not _same_calls(target, calls(a), calls(b)):
        yield Loss("%s: calls: %.300r, sent %.300r" % (at, calls(a), calls(b)))
    yield from _media(at, a, b)
    ordered = ORDERED_USER if role != "assistant" else ORDERED_ANSWER
    if form in ordered and target in ordered and _order(a, b) != _order(b, a):
        yield Loss("%s: order: %r, sent %r" % (at, _order(a, b), _order(b, a)))


def _missing_file_words(a, b):
    """A document of text may be sent as text."""
    files = [x for x in a if x[0] == "file"]
    return WORDS["file"] if files and len(files) > len([x for x in b if x[0] == "file"]) else ()


def _same_calls(target, a, b):
    if len(a) != len(b):
        return False
    for (name, arguments, number), (their_name, their_arguments, their_number) in zip(a, b):
        if name != their_name or number != their_number:
            return False
        free = not isinstance(arguments, dict)
        if arguments != their_arguments and not (
                free and isinstance(their_arguments, dict) and
                (list(their_arguments.values()) == [arguments] or not arguments)):
            return False
    return True


def _media(at, a, b):
    """What it is of counts; whether it is called an image or a file is each API's own affair."""
    kinds = ("image", "audio", "file", "media")
    ours, theirs = ([x for x in atoms if x[0] in kinds] for atoms in (a, b))
    sent = [of for _, of in theirs]
    for kind, of in ours:
        if of not in sent:
            yield Loss("%s: %s %s is not sent" % (at, kind, of), WORDS.get(kind, WORDS["file"]))
    if [of for _, of in ours if of in sent] != sent:
        yield Loss("%s: media %s, sent %s" % (at, ours, theirs))


def _order(a, b):
    """Kinds in order, neighbours of one kind as one, of what both have."""
    call = lambda kind: "text" if kind == "refusal" else \
        "media" if kind in ("image", "audio", "file") else kind
    have = {call(x[0]) for x in b}
    out = []
    for atom in a:
        kind = call(atom[0])
        if kind in have and kind != "reasoning" and (not out or out[-1] != kind):
            out.append(kind)
    return out


def _results(at, target, a, b):
    if [x[1] for x in a] != [x[1] for x in b]:
        yield Loss("%s: results of calls %r, sent %r" % (at, [x[1] for x in a], [x[1] for x in b]))
        return
    for (_, number, content, failed), (_, _, their_content, their_failed) in zip(a, b):
        where = "%s: result of call %s" % (at, number)
        ours, theirs = ([x[1] for x in c if x[0] == "text"] for c in (content, their_content))
        if not _same_result(ours, theirs, failed):
            yield Loss("%s: %s" % (where, _apart(_squeezed(ours), _squeezed(theirs))))
        yield from _media(where, content, their_content)
        if failed and not their_failed:
            yield Loss(where + ": is not told as failed", WORDS["failed"])
        if their_failed and not failed:
            yield Loss(where + ": is told as failed")


def _same_result(ours, theirs, failed):
    a, b = _squeezed(ours), _squeezed(theirs)
    if a == b:
        return True
    # A result that is JSON may be sent as JSON; one that is not, inside an object.
    if _unwrapped("".join(ours)) == _unwrapped("".join(theirs)):
        return True
    # Without a place for it, "failed" may be said in words before the result's own.
    return failed and b.endswith(a)


def _unwrapped(text):
    """The value of a result, without {"result": ...} and its like around it; {} is nothing."""
    try:
        value = json.loads(text) if text else ""
    except ValueError:
        value = text
    if isinstance(value, dict) and len(value) == 1 and \
            set(value) <= {"result", "output", "error", "content"}:
        value = next(iter(value.values()))
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = re.sub(r"\s+", "", value)
    return "" if value in ({}, None) else value


# -- Tools and everything else ----------------------------------------------------------------


# Ollama has no tool choice: none and a name are said by the tools that are sent. Anthropic's has no
# list of those that may be called: that is said in the same way.
_BY_TOOLS = {OLLAMA}
_LISTS_BY_TOOLS = {OLLAMA, MESSAGES}


def _permitted(target, told, name):
    if target in _LISTS_BY_TOOLS and isinstance(told.choice, list):
        return name in told.choice[2]
    if target not in _BY_TOOLS or told.choice in (None, "auto", "required"):
        return True
    if told.choice == "none":
        return False
    return name == told.choice["name"]


def _tools(target, told, said):
    theirs = {tool[0]: tool for tool in said.tools}
    ours = [tool[0] for tool in told.tools if _permitted(target, told, tool[0])]
    names = [tool[0] for tool in said.tools]
    extra = [name for name in names if name not in ours]
    if [name for name in names if name in ours] != ours or \
            (extra and not (len(extra) == 1 and told.format is not None and said.format is None)):
        free = {tool[0] for tool in told.tools if tool[2] == {"type": "string"}}
        missing = {name for name in ours if name not in names}
        yield Loss("tools: %r, sent %r" % (ours, names),
                   ("custom", "/tools/") if missing and missing <= free and not extra else ())
    for name, description, schema in told.tools:
        if name not in theirs:
            continue
        if (description or "") != (theirs[name][1] or ""):
            yield Loss("tool %s: description: %s" % (name, _apart(description or "",
                                                                  theirs[name][1] or "")))
        if _parameters(schema) != _parameters(theirs[name][2]):
            yield Loss("tool %s: schema: %s" % (name, unlike(_parameters(schema),
                                                             _parameters(theirs[name][2]))),
                       WORDS["schema"])


def _parameters(schema):
    """Parameters of nothing at all: an object without properties, however it is written. Free text
    may be the one member of an object."""
    out = shape(schema or {})
    members = out.get("properties") or {}
    if len(members) == 1 and list(members) == ["input"]:
        out = {"type": members["input"].get("type")}
    if not out.get("properties"):
        out.pop("properties", None)
        if set(out) <= {"type"}:
            return {}
    return out


def unlike(a, b, at=""):
    """Where two shapes differ first."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in list(a) + [k for k in b if k not in a]:
            if a.get(key) != b.get(key):
                return unlike(a.get(key), b.get(key), at + "/" + key)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return unlike(x, y, "%s/%d" % (at, i))
    return "%s: %.120r, sent %.120r" % (at or "/", a, b)


def _choice_of(request):
    return request.choice if request.choice not in (None, "auto") else None


def _controls(form, target, told, said):
    emulated = told.format is not None and said.format is None and \
        len(said.tools) > len(told.tools)
    by_tools = target in _BY_TOOLS and told.choice != "required" and said.choice is None and \
        not isinstance(told.choice, dict) and \
        not (isinstance(told.choice, list) and told.choice[1] == "required")
    if _choice_of(told) != _choice_of(said) and not emulated and not by_tools and \
            (told.tools or _choice_of(said)):
        # Without tools there is nothing to choose; then the choice may be left out.
        yield Loss("tool choice: %r, sent %r" % (told.choice, said.choice), WORDS["choice"])
    if told.parallel is False and said.parallel is not False and told.tools:
        yield Loss("parallel calls: not wanted, sent %r" % said.parallel, WORDS["parallel"])
    yield from _format(told, said, emulated)
    yield from _reasoning(form, target, told, said)
    for name in sorted(set(told.params) | set(said.params)):
        if name in ("effort", "budget", "summary"):
            continue
        a, b = told.params.get(name), said.params.get(name)
        if a == b or _default(name, a, b, form == target):
            continue
        if name == "service_tier" and {a, b} <= {"default", "standard_only", "standard"}:
            continue                      # one word each for what is not priority
        if a is None and name == "max_tokens" and target == MESSAGES:
            continue                      # it must be there
        if a is None and name == "store" and target == RESPONSES and b is False:
            continue                      # elsewhere nothing is kept, so nothing is kept there
        yield Loss("%s: %.80r, sent %.80r" % (name, a, b), () if a is None else
                   WORDS.get(name, ()) + (name, re.sub(r"_(\w)", lambda m: m[1].upper(), name)))


def _default(name, a, b, at_home):
    """What is left out where it says what is so anyway."""
    defaults = {"n": 1, "logprobs": False, "top_logprobs": 0, "store": False,
                "presence_penalty": 0, "frequency_penalty": 0, "modalities": ["text"]}
    if name == "service_tier":            # without tiers there is nothing but the plain one
        return not at_home and b is None and a in ("auto", "default", "standard", "standard_only")
    return name in defaults and b is None and a == defaults[name]


def _format(told, said, emulated):
    a, b = told.format, said.format
    if (a is None) != (b is None) and not (a is not None and b is None and (
            emulated or len(said.messages) >= len(told.messages) and _in_words(told, said))):
        yield Loss("format: %.100r, sent %.100r" % (a, b), WORDS["format"])
    elif isinstance(a, dict) and isinstance(b, dict) and shape(a) != shape(b):
        yield Loss("format: %s" % unlike(shape(a), shape(b)), WORDS["format"])
    elif isinstance(a, dict) and isinstance(b, str) or isinstance(a, str) and isinstance(b, dict):
        yield Loss("format: %.100r, sent %.100r" % (a, b), WORDS["format"])


def _in_words(told, said):
    """The system's words have grown: the schema is asked for in words."""
    count = lambda request: sum(len(m[2]) for m in request.messages
                                if m[0] == "system" and m[1] == "text")
    return count(said) > count(told)


def _wish(params):
    """Whether reasoning is wanted: False, True, or None where nothing is said."""
    budget, effort = params.get("budget"), params.get("effort")
    if budget is not None:
        return budget != 0
    return None if effort is None else effort != "none"


def _reasoning(form, target, told, said):
    """How much an API thinks is said in levels or in tokens; what can be compared is whether it
    is to think, and the number or the level where both sides have the same."""
    a, b = _wish(told.params), _wish(said.params)
    if a != b and not (a is None and b is False):
        yield Loss("reasoning: wanted %r, sent %r" % (a, b), WORDS["effort"])
        return
    for name in ("effort", "budget"):
        ours, theirs = told.params.get(name), said.params.get(name)
        if ours is not None and theirs is not None and ours != theirs and \
                not (name == "budget" and min(ours, theirs) < 0):
            yield Loss("%s: %r, sent %r" % (name, ours, theirs), WORDS[name])
    ours, theirs = told.params.get("summary"), said.params.get("summary")
    if (ours or "none") == "none" != (theirs or "none") and ours is not None:
        yield Loss("reasoning is shown: not wanted, sent %r" % theirs, WORDS["summary"])
    if ours not in (None, "none") and theirs in (None, "none") and target in (RESPONSES, GEMINI):
        yield Loss("reasoning is to be shown: %r, sent %r" % (ours, theirs), WORDS["summary"])


# -- Whatever else was said -------------------------------------------------------------------


def _others(form, target, told, said):
    """Each member without a place of its own arrives, under whatever name, or is named."""
    arrived = list(said.others.values())
    # Where a schema is asked for by a tool that must be called, its description is the tool's.
    ours = {tool[0] for tool in told.tools}
    arrived += [tool[1] for tool in said.tools if tool[0] not in ours]
    for pointer, value in told.others.items():
        if _DEFAULTS.get(pointer.rsplit("/", 1)[1]) == value:
            continue
        if any(value == v or _holds(v, value) for v in arrived):
            continue
        if form == target and said.others.get(pointer) == value:
            continue
        yield Loss("%s: %.80r is not sent" % (pointer, value), _names(form, pointer, value))


# Members that say what is so without them.
_DEFAULTS = {"prefix": False, "safe_prompt": False}


def _holds(tree, value):
    if isinstance(value, (bool, int, float)) or value in ("", {}):
        return False
    if tree == value:
        return True
    if isinstance(tree, dict):
        return any(_holds(v, value) for v in tree.values())
    if isinstance(tree, list):
        return any(_holds(v, value) for v in tree)
    return False


def _names(form, pointer, value):
    """Names that a warning about a member may use: its own, that of the thing it is in if that is
    all of it, and the type of a block or tool."""
    parts = pointer.strip("/").split("/")
    out = [pointer]
    last = [p for p in parts if not p.isdigit()][-1]
    if parts[0] == "tools" and (len(parts) == 2 or value == {} or "gemini" in form and
                                len(parts) == 3):
        # A tool that runs at its vendor: its place names it, as the canonical request has it.
        out += ["/tools/%d:" % n for n in range(32)]
    if parts[0] == "tools" and last == "format":
        out.append("/tools/%s:" % parts[1])     # a tool that is gone needs none
    if last == "title":
        out.append("filename")                  # of a document, as the canonical request has it
    out.append(last)
    out.append(re.sub(r"(?<!^)(?=[A-Z])", "_", last).lower())
    if isinstance(value, dict):
        out += [str(value[key]) for key in ("type", "name") if value.get(key)]
        out += [key for key in value if key not in ("type", "name", "id")]
    if last in ("signature", "thoughtSignature", "encrypted_content", "id") or \
            "reasoning_details" in parts:
        out += ["reasoning", "thinking", "signature", "opaque", "owner", "encrypted_content",
                "redacted_data"]
    return tuple(out)
