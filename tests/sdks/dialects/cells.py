"""The cells of an SDK: every case, against every provider part, whole and streamed."""

import base64
import hashlib
import json
import threading
import traceback

from declared import FAILURES, LEAVE, SDKS, left_out
from script import Stage

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
                       "DwADhgGAWjR9awAAAABJRU5ErkJggg==")
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
          "required": ["name", "age"], "additionalProperties": False}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {"name": "Ada", "age": 36}
CALLS = [("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_weather", {"city": "Oslo"})]
RESULTS = [("call_1", "get_weather", "12 degrees"), ("call_2", "get_weather", "3 degrees")]

# What is asked, in no API's terms, the play that answers, and what has to come upstream.
CASES = {
    "text": ("text", {}, [["user", "text", "Hi"]]),
    "system": ("text", {"system": "Be short."}, [["system", "text", "Be short."]]),
    "turns": ("text", {"turns": [("user", "One"), ("assistant", "Two"), ("user", "Three")]},
              [["user", "text", "One"], ["assistant", "text", "Two"], ["user", "text", "Three"]]),
    "calls": ("calls", {"tools": True}, []),
    "results": ("text", {"tools": True, "calls": CALLS, "results": RESULTS},
                [["assistant", "call", "get_weather", {"city": "Oslo"}, 1]]),
    "image": ("text", {"image": PNG},
              [["user", "image", "sha:" + hashlib.sha256(PNG).hexdigest()[:16]]]),
    "thinking": ("thinking", {"think": True}, []),
    "schema": ("person", {"schema": SCHEMA}, []),
    # A tool is called, run by the SDK, and answered.
    "loop": ("loop", {"tools": True, "loop": True}, []),
    # The same schema, asked for as the format of a text.
    "output": ("person", {"schema": SCHEMA, "output": True}, []),
}


class Sdk:
    """`ask(model, streamed, asked)` gives {"text", "reasoning", "calls", "usage"}; `failed(model,
    streamed)` the status an SDK's typed error has; `leave(model)` begins a stream and leaves it.
    `statuses`: which are others in this API. What it is tried on is said of its name in declared.py."""

    name, statuses = None, {}

    def __init__(self, url):
        self.url = url

    def close(self):
        """Ends what it has begun."""


def answer(text="", reasoning="", calls=(), usage=(None, None)):
    return {"text": text, "reasoning": reasoning, "calls": [list(call) for call in calls],
            "usage": list(usage)}


def check(what, got, wanted):
    if got != wanted:
        raise AssertionError("%s: got %r, wanted %r" % (what, got, wanted))


def play_case(stage, sdk, name, part, streamed):
    play, asked, sent = CASES[name]
    got = sdk.ask(stage.model(part, play), streamed, asked)
    if play == "person":
        check("text", json.loads(got["text"]), PERSON)
        check("usage", got["usage"], [5, 3])
        request = stage.asked(play)
        # Models of Anthropic's that nobody knows of are given the schema as a tool.
        form = request.format or (request.tools and request.tools[0][2])
        if not isinstance(form, dict) or "age" not in str(form):
            raise AssertionError("no schema came upstream: %r" % (form,))
        return
    read = stage.expected(part, "text" if play == "loop" else play, streamed)
    choice = read["choices"][0]
    if play == "loop":
        first = stage.expected(part, "calls", streamed)["choices"][0]
        choice = dict(choice, calls=first["calls"],
                      reasoning=first["reasoning"] + choice["reasoning"])
    for member in ("text", "reasoning", "calls"):
        # Parts of a thought are paragraphs where an API has only one text for them.
        plain = got[member].replace("\n\n", "") if member == "reasoning" else got[member]
        check(member, plain, choice[member])
    check("usage", got["usage"], [read["usage"]["input"], read["usage"]["output"]])
    request = stage.asked(play)
    for message in sent:
        if message not in request.messages:
            raise AssertionError("%r did not come upstream: %r" % (message, request.messages))
    results = [[m[2], str(m[3])] for m in request.messages if m[1] == "result"]
    told = [text for _, _, text in asked.get("results", ())]
    if play == "loop":
        told = ["Fair in " + arguments["city"] if name == "weather" else "10:30"
                for name, arguments in choice["calls"]]
    if [n for n, _ in results] != list(range(len(told))) or \
            not all(text in result for text, (_, result) in zip(told, results)):
        raise AssertionError("results upstream: %r, wanted %r" % (results, told))


def play_failure(stage, sdk, name, part, streamed):
    status = int(name[-3:])
    check("status", sdk.failed(stage.model(part, name), streamed), sdk.statuses.get(status, status))


def play_leave(stage, sdk, name, part, streamed):
    stage.gone.clear()
    sdk.leave(stage.model(part, "endless"))
    if not stage.gone.wait(20):
        stage.gone.set()
        raise AssertionError("the provider was not left")


def play_for(name):
    return play_failure if name in FAILURES else play_leave if name == LEAVE else play_case


def bounded(play, *args):
    """What went wrong, else None."""
    told = []

    def work():
        try:
            play(*args)
        except Exception as error:  # an SDK may raise anything
            told.append("%s\n%s" % (error, traceback.format_exc(limit=-3)))
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(45)
    return "it hangs" if thread.is_alive() else told[0] if told else None


def play_all(stage, sdk, only, counts):
    tried = SDKS[sdk.name]
    for name, part, streamed in tried.cells():
        label = "%s %s > %s%s" % (sdk.name, name, part, " streamed" if streamed else "")
        if only not in label:
            continue
        why = left_out(tried.known, name, part, streamed)
        if why:
            print("skipped: %s: %s" % (label, why))
            counts[2] += 1
            continue
        wrong = bounded(play_for(name), stage, sdk, name, part, streamed)
        counts[1 if wrong else 0] += 1
        if wrong:
            print("not ok: %s: %s" % (label, wrong))


def run(suite, kinds, only=""):
    """(passed, failed, skipped). `kinds`: the classes of all SDKs that are declared for the suite."""
    check("the SDKs of " + suite, sorted(kind.name for kind in kinds),
          sorted(name for name, tried in SDKS.items() if tried.suite == suite))
    stage, counts = Stage({"person": lambda request: PERSON}), [0, 0, 0]
    try:
        for kind in kinds:
            sdk = kind(stage.url)
            try:
                play_all(stage, sdk, only, counts)
            finally:
                sdk.close()
    finally:
        stage.stop()
    return counts
