"""What Instructor is tried on, in whatever language: the cases, what answers them, and how they are
played. Only the model's name changes.
"""

from cells import PERSON, bounded, check
from declared import EXTRACTING, EXTRACTING_PARTS, INSTRUCTORS, left_out
from script import Stage

TEAM = {"title": "Engines", "people": [PERSON, {"name": "Bob", "age": 40}]}
LIST = {"content": ["red", "green"]}
# The play that answers, where it has another name than the case.
PLAYS = {"nested": "team", "partial": "team", "tenant": "person", "fallback": "person",
         "failover": "person"}


def corrected(request):
    """Wrong at first; right once it is told what was wrong."""
    words = [str(message).lower() for message in request.messages]
    told = any("many" in one for one in words) and any("valid" in one for one in words)
    return PERSON if told else {"name": "Ada", "age": "many"}


ANSWERS = {"person": lambda request: PERSON, "list": lambda request: LIST,
           "team": lambda request: TEAM, "retry": corrected}
# What a schema of each play has to name.
NAMES = {"person": "age", "retry": "age", "team": "people", "list": "content"}
REQUESTS = {"retry": 2, "tenant": 2}


class Extractor:
    """An SDK. `extract(mode, model, kind, retries, key)` gives plain data, an error if there is
    none; `partial(mode, model, kind)` the last state and how many different ones were seen;
    `fallback(mode, first, second)` asks the second where the first one fails."""

    name = None                   # by which declared.py knows it

    def close(self):
        """Ends what it has begun."""


def play(stage, sdk, mode, name, part, route):
    answers, stage.fenced = PLAYS.get(name, name), mode == "MD_JSON"
    model = stage.model(part, answers)
    before = len(stage.replay.asked.get(answers, []))
    if name == "partial":
        last, different = sdk.partial(mode, model, "team")
        check("last", last, TEAM)
        # Some vendors tell a call whole.
        whole = part in ("gemini", "ollama") and ("TOOLS" in mode or mode == "FUNCTIONS")
        if different < (1 if whole else 3):
            raise AssertionError("%d states were seen" % different)
    elif name == "tenant":
        other = stage.model(EXTRACTING_PARTS[part], answers)
        got = sdk.tenants(mode, {"enterprise": model, "other": other})
        check("persons", got, {"enterprise": PERSON, "other": PERSON})
    elif name == "fallback":
        got = sdk.fallback(mode, stage.model(part, "error-503"), stage.model(EXTRACTING_PARTS[part], answers))
        check("person", got, PERSON)
    elif name == "failover":
        failed = len(stage.replay.asked.get("error-503", []))
        check("person", sdk.extract(mode, route, "person", 0), PERSON)
        check("failures", len(stage.replay.asked["error-503"]) - failed, 1)
    else:
        wanted = {"list": LIST, "nested": TEAM}.get(name, PERSON)
        kind = "team" if name == "nested" else "list" if name == "list" else "person"
        check("data", sdk.extract(mode, model, kind, 2 if name == "retry" else 0), wanted)
    check("requests", len(stage.replay.asked[answers]) - before, REQUESTS.get(name, 1))
    request = stage.asked(answers)
    if NAMES[answers] not in str([request.tools, request.format, request.messages]):
        raise AssertionError("no schema came upstream")


def routes(modes):
    """By (mode, part): a route that fails over from it, with models that nobody else asks for."""
    return {(mode, part): "%s-%s" % (mode.lower().replace("_", "-"), part)
            for mode in modes for part in EXTRACTING_PARTS}


def run(kind, only=""):
    declared = INSTRUCTORS[kind.name]
    named = routes(declared.modes)
    stage, counts = Stage(ANSWERS, {
        route: {"failover": {"try": ["%s/error-503~%s" % (part, route),
                                     "%s/person~%s" % (EXTRACTING_PARTS[part], route)]}}
        for (_, part), route in named.items()}), [0, 0, 0]
    sdk = kind(stage.url)
    try:
        for (mode, part), route in named.items():
            for name in EXTRACTING:
                label = "%s %s %s > %s" % (sdk.name, mode, name, part)
                if only not in label:
                    continue
                why = left_out(declared.known, name, part, mode)
                if why:
                    print("skipped: %s: %s" % (label, why))
                    counts[2] += 1
                    continue
                wrong = bounded(play, stage, sdk, mode, name, part, route)
                counts[1 if wrong else 0] += 1
                if wrong:
                    print("not ok: %s: %s" % (label, wrong))
    finally:
        sdk.close()
        stage.stop()
    print("%d passed, %d failed, %d skipped" % tuple(counts))
    return 1 if counts[1] or not counts[0] else 0
