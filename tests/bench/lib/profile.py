"""Reads callgrind's files: instructions by function, its own and with what it calls.

callgrind_annotate loses its way in a dump of a thread that was inside its functions when the
counters were zeroed, as an event loop always is.
"""

import re

NAME = re.compile(r"\((\d+)\)(?: (.*))?$")


class Names:
    """The names are written once and numbered from then on."""

    def __init__(self):
        self.by_number = {}

    def read(self, text):
        match = NAME.match(text)
        if not match:
            return text
        number, name = match.groups()
        if name is not None:
            self.by_number[number] = name
        return self.by_number.get(number, number)


def read(text):
    """({function: own}, {function: inclusive}); recursion counts twice in the latter."""
    own, inclusive, names, objects = {}, {}, Names(), Names()
    function, called = None, False
    for line in text.splitlines():
        if line.startswith(("ob=", "cob=")):
            objects.read(line.split("=", 1)[1])
        elif line.startswith("fn="):
            function = names.read(line[3:])
        elif line.startswith("cfn="):
            names.read(line[4:])
        elif line.startswith("calls="):
            called = True
        elif function and line[:1] in "0123456789+-*" and line:
            fields = line.split()
            cost = int(fields[1]) if len(fields) > 1 else 0
            inclusive[function] = inclusive.get(function, 0) + cost
            if not called:
                own[function] = own.get(function, 0) + cost
            called = False
        elif not line:
            called = False
    return own, inclusive


def show(text, requests, count=30):
    own, inclusive = read(text)
    total = sum(own.values())
    lines = ["%9.0f instructions a request" % (total / requests)]
    for title, table in (("own", own), ("with what it calls", inclusive)):
        lines.append("  " + title)
        for name, cost in sorted(table.items(), key=lambda pair: -pair[1])[:count]:
            lines.append("%9.0f %5.1f %%  %s" % (cost / requests, 100 * cost / total, name))
    return "\n".join(lines)
