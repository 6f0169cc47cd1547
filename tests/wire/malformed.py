"""Malformed upstream bytes: recorded streams truncated, corrupted, duplicated, dropped, reordered.

The gateway never crashes or hangs, never delivers a call of a tool that was not completely received,
and never ends an answer cleanly, unless the protocol gives no way to notice. That is decided here,
without the product:

* What the mutated bytes say is their digest. If the digest finds no end, or an error, the answer
  must not end cleanly.
* What is wrong with them is what `validate` says of them and did not say of the recording. If it
  says something, and the digest is another than the recording's, the answer must not end cleanly.
* If it says nothing (a text delta of Chat Completions was dropped: nobody can know), the answer is
  what the mutated bytes say; or it is refused, by one who looks closer than we do.
* A connection that breaks off is always noticed, unless the API's own end came before.
"""

import json
import random
import re

import dialects
import records
import rules
from books import Table
from dialects import Incomplete, short_request
from digest.common import Answer
from replay import Play

TITLE = "malformed"
KINDS = ("truncated", "broken off", "not JSON", "wrong type", "duplicated", "dropped", "swapped")

# Tries for each record and kind, unless everything is asked for.
TRIES = 1


def table(all_records):
    rows = [row for own in (False, True) for api in records.ROWS
            for row in [("own " if own else "") + api]
            if any(record.row == row and applies(record) for record in all_records)]
    return Table(TITLE, rows, list(KINDS))


def applies(record):
    return record.kind != "whole" and not record.failed and len(record.pieces()) > 1


def places(kind, count):
    """Numbers of events at which a mutation can be made."""
    if kind == "swapped":
        return range(count - 1)
    return range(count)


def mutate(kind, pieces, at, rng):
    """The pieces of the mutated stream, or None if it cannot be made there."""
    before, piece, after = pieces[:at], pieces[at], pieces[at + 1:]
    if kind in ("truncated", "broken off"):
        return before
    if kind == "dropped":
        return before + after
    if kind == "duplicated":
        return before + [piece, piece] + after
    if kind == "swapped":
        return before + [after[0], piece] + after[1:] if piece != after[0] else None
    broken = _not_json(piece) if kind == "not JSON" else _wrong_type(piece, rng)
    return None if broken is None else before + [broken] + after


def _not_json(piece):
    """The last brace of the event is gone."""
    at = piece.rfind(b"}")
    return None if at < 0 else piece[:at] + piece[at + 1:]


# What validity says and nobody has to notice: vendors do it as they like, or it comes behind the
# API's own end, where nobody looks.
_OPTIONAL = {
    # [DONE] after a finish_reason for every choice; the role, which is always the assistant's;
    # where usage stands.
    records.CHAT: re.compile(r"does not end in \[DONE\]|role|usage is not the last|usage beside|"
                             r"usage # times|more than one \[DONE\]|id changes|has no (id|model)"),
    # Some streams go on with the same candidate after its finishReason, when a tool of the service's
    # own has run; and the last answer may hold usage alone.
    "gemini": re.compile(r"goes on after its finishReason|a candidate has no finishReason|"
                         r"last answer has no candidate"),
    records.MESSAGES: re.compile(r"after the end"),
    records.RESPONSES: re.compile(r"after the end"),
    records.OLLAMA: re.compile(r"has no done_reason|done is (True|False)"),
}

# Members that carry what an event is about.
_CARRIERS = ("choices", "delta", "content", "reasoning_content", "reasoning", "tool_calls",
             "arguments", "text", "thinking", "partial_json", "content_block", "message", "item",
             "response", "candidates", "parts", "functionCall", "finish_reason", "finishReason",
             "stop_reason")


def _wrong_type(piece, rng):
    """One member that carries something is a number. It is none of those that Gemini has for the
    words of its enumerations, which may come as integers (enum-encoding=int): 7 is a finishReason."""
    found = re.search(rb"\{.*\}", piece, re.S)
    if not found:
        return None
    try:
        document = json.loads(found.group())
    except ValueError:
        return None
    spots = list(_spots(document))
    if not spots:
        return None
    holder, name = rng.choice(spots)
    holder[name] = 7.5
    return piece[:found.start()] + json.dumps(document).encode() + piece[found.end():]


def _spots(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _CARRIERS and inner:
                yield value, name
            yield from _spots(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _spots(inner)


def _digest(module, record, body):
    """What bytes say. Members that are not of their types cannot be read at all."""
    try:
        answer = module.digest(record.status, record.content_type, body)
        answer.plain()
        return answer
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        return Answer().fail("protocol", "wrong types: %s" % error)


class Malformed:
    def __init__(self, stage, seed, everything):
        self.stage, self.seed, self.everything = stage, seed, everything
        self.tries = 0

    def cell(self, record, kind):
        """Problems of one record and kind; a problem names the event it was made at."""
        rng = random.Random("%s %s %s" % (self.seed, record.id, kind))
        pieces = record.pieces()
        spots = list(places(kind, len(pieces)))
        if not self.everything and len(spots) > TRIES:
            spots = sorted(rng.sample(spots, TRIES))
        own = next(d for d in dialects.COLUMNS if d.own(record))
        others = [d for d in dialects.COLUMNS if d.form != record.form and self.stage.speaks(d)]
        problems = []
        for at in spots:
            mutated = mutate(kind, pieces, at, rng)
            if mutated is None:
                continue
            for dialect in [own] + ([rng.choice(others)] if others else []):
                problems += ["%s at event %d of %d, through %s: %s" % (
                    kind, at, len(pieces), dialect.name, problem)
                    for problem in self._try(record, kind, mutated, dialect)]
        return problems

    def _try(self, record, kind, mutated, dialect):
        self.tries += 1
        body = b"".join(mutated)
        module = dialects.FORMS[record.form]
        framed = dialects.COLUMNS[3].framed(True) if record.kind == "sse" else record.kind
        original = _digest(module, record, record.body)
        told = _digest(module, record, body)
        wrong = self._wrong(module, record, framed, record.body, body)
        breaks_off = kind == "broken off"
        self.stage.replay.plays[record.id] = Play(
            record.status, record.headers, body, mutated, streamed=True, cut=breaks_off)
        try:
            tools = [call[0] for choice in original.plain()["choices"] for call in choice["calls"]]
            reply = self.stage.ask(dialect, record.form, record.id, True,
                                   short_request(dialect, True, tools))
        except (OSError, Incomplete) as error:
            if self.stage.ended():
                raise SystemExit("a gateway is gone, at %s, %s:\n%s" % (
                    record.id, kind, self.stage.ended())) from None
            return ["no answer: %s: %s" % (type(error).__name__, error)]
        finally:
            del self.stage.replay.plays[record.id]
        try:
            said = dialect.read(reply)
            said.plain()
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            if reply.cut:
                return []
            return ["a clean end, of what nobody can read: %s" % error]
        must_fail = told.error or (breaks_off and not told.ended) or \
            (wrong and told.plain() != original.plain())
        if breaks_off and told.ended and record.kind == "sse" and b"[DONE]" not in body and \
                record.form == records.CHAT:
            must_fail = True              # an end without its marker ends with the body
        if must_fail:
            if not said.error:
                return ["a clean end, of %s" % (told.message or wrong[:1] or "a broken connection")]
            # In its own API a call in pieces says itself that it is not whole.
            return [] if dialect.own(record) else \
                list(self._calls(dialect, said, original, told))
        if said.error:
            return []
        return rules.differences(record.form, dialect.form, told.plain(), said.plain())

    @staticmethod
    def _wrong(module, record, framed, original, body):
        """What validity finds in the mutated bytes that it did not find in the recording."""
        kinds = lambda found: {re.sub(r"\d+", "#", what) for what in found}
        framed = "sse" if framed is True else framed
        before = kinds(module.validate(record.status, record.content_type, original, framed))
        try:
            after = kinds(module.validate(record.status, record.content_type, body, framed))
        except (TypeError, AttributeError, KeyError, ValueError):
            after = {"wrong types"}
        optional = _OPTIONAL.get(record.form)
        return sorted(what for what in after - before if not (optional and optional.search(what)))

    @staticmethod
    def _calls(dialect, said, original, told):
        """In these APIs a call is there or not: what is there must have come whole. Free text has
        become the only member of an object."""
        if dialect.form not in ("gemini", records.OLLAMA):
            return
        whole = [call for digest in (original, told) for choice in digest.plain()["choices"]
                 for call in choice["calls"]]
        for choice in said.plain()["choices"]:
            for call in choice["calls"]:
                if not any(call[0] == one[0] and
                           rules.same_arguments(dialect.form, one[1], call[1]) for one in whole):
                    yield "a call that never came whole: %r" % call


