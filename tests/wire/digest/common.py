"""What all digests are made of.

An answer's digest is plain data, so that two can be compared and the difference printed:

    {"choices": [{"text", "reasoning", "refusal", "calls": [[name, arguments]], "finish"}],
     "usage": {"input", "cached", "output", "reasoning"}, "error": class or None}

`arguments` are parsed JSON; of a call whose arguments are no JSON, the text. A number that was not
told is None. `finish` is None where the answer ends without saying so.
"""

import json

FINISH = ("stop", "length", "tool_calls", "content_filter", "stop_sequence", "refusal", "pause",
          "unknown")


class Choice:
    def __init__(self):
        self.text, self.reasoning, self.refusal = [], [], []
        self.calls = []           # of [name, text of arguments or parsed value]
        self.finish = None

    def plain(self):
        finish = self.finish
        if finish == "stop" and self.calls:
            # Whoever has to call tools has not come to the end, whatever the vendor says.
            finish = "tool_calls"
        return {"text": "".join(self.text), "reasoning": "".join(self.reasoning),
                "refusal": "".join(self.refusal),
                "calls": [[name, parsed(arguments)] for name, arguments in self.calls],
                "finish": finish}


class Answer:
    def __init__(self):
        self.choices = {}
        self.usage = {"input": None, "cached": None, "output": None, "reasoning": None}
        self.error = None
        self.message = None       # of the error, for people and for rules
        self.ended = False        # the API's own end of an answer was seen

    def choice(self, number=0):
        if number not in self.choices:
            self.choices[number] = Choice()
        return self.choices[number]

    def fail(self, cls, message=""):
        if not self.error:
            self.error, self.message = cls, message
        return self

    def count(self, **numbers):
        """What is told replaces what was told before."""
        for name, n in numbers.items():
            if isinstance(n, (int, float)) and not isinstance(n, bool):
                self.usage[name] = int(n)

    def plain(self):
        return {"choices": [self.choices[n].plain() for n in sorted(self.choices)],
                "usage": self.usage, "error": self.error}


def parsed(arguments):
    if not isinstance(arguments, str):
        return {} if arguments is None else arguments
    if not arguments.strip():
        return {}
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def text_of(value):
    return value if isinstance(value, str) else ""


def number(value):
    """A count; what is less than nothing is none."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    return value if good else None


def loads(body):
    """The JSON of a body; None if it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Checks:
    """Collects what is wrong with a document; `at` says where."""

    def __init__(self):
        self.found = []

    def say(self, what, *args):
        if len(self.found) < 500:
            self.found.append(what % args if args else what)

    def need(self, true, what, *args):
        if not true:
            self.say(what, *args)
        return bool(true)

    def has(self, value, at, **members):
        """`value` is an object whose members are of these types; None in a tuple: may be null; a
        type in a list: may be missing."""
        if not isinstance(value, dict):
            self.say("%s is no object: %r", at, value)
            return False
        good = True
        for name, kinds in members.items():
            optional = isinstance(kinds, list)
            kinds = kinds[0] if optional else kinds
            kinds = kinds if isinstance(kinds, tuple) else (kinds,)
            if name not in value:
                if not optional:
                    self.say("%s has no %s", at, name)
                    good = False
                continue
            if not any(_is(value[name], kind) for kind in kinds):
                self.say("%s.%s is %.80r", at, name, value[name])
                good = False
        return good


def _is(value, kind):
    if kind is None:
        return value is None
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(kind, str):
        return value == kind
    if isinstance(kind, frozenset):
        return isinstance(value, str) and value in kind
    return isinstance(value, kind)
