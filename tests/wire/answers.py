"""The table of answers: every record, asked for through every dialect.

Through its own dialect the answer comes byte for byte; through another, and through its own one where
a filter has it translated, it is valid there and its digest is the record's. See `expected_bytes`
for what the gateway has to change.
"""

import json
import re

import dialects
import framing
import records
import rules
from books import Table
from dialects import Incomplete, short_request
from replay import Play

TITLE = "answers"

# The column of records that go through their own dialect, translated.
FILTERED = "own, filtered"

# Bodies that are short enough to be played byte by byte.
BYTES_MAX = 3000


def table(all_records):
    rows = [row for own in (False, True) for api in records.ROWS
            for row in [("own " if own else "") + api]
            if any(record.row == row for record in all_records)]
    return Table(TITLE, rows, [column.name for column in dialects.COLUMNS] + [FILTERED])


def expected_bytes(record, usage_asked):
    """What an application reads of a record in its own dialect.

    The gateway changes nothing but this: it asks for usage in streams of Chat Completions if the
    application did not, and hides the event that holds nothing else.
    """
    if usage_asked or record.form != records.CHAT or record.kind != "sse":
        return record.body
    return b"".join(piece for piece in record.pieces() if not _only_usage(piece))


def _only_usage(piece):
    for event in framing.events(piece):
        document = event.json
        if isinstance(document, dict) and isinstance(document.get("usage"), dict) and \
                not document.get("choices"):
            return True
    return False


def ways(record):
    """How a record is played to its own dialect."""
    if record.kind == "whole":
        return ["whole", "odd"]
    out = ["events", "whole", "odd"] + (["pieces"] if record.chunk_lengths else [])
    return out + (["bytes"] if len(record.body) <= BYTES_MAX else [])


def reframed(record, array):
    """The body of one of Gemini's streams in the framing that was asked for: its own, byte for
    byte, or the other one made of the same documents."""
    if record.kind == ("array" if array else "sse"):
        return record.body
    if array:
        return b"[" + b",\r\n".join(json.dumps(e.json, ensure_ascii=False).encode()
                                    for e in framing.events(record.body)) + b"\n]\n"
    return b"".join(b"data: %s\r\n\r\n" % json.dumps(d, ensure_ascii=False).encode()
                    for d in json.loads(record.body))


def _difference(expected, got):
    at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b),
              min(len(expected), len(got)))
    lo = max(0, at - 30)
    return "bytes: at %d of %d/%d: %r, delivered %r" % (
        at, len(expected), len(got), expected[lo:at + 50], got[lo:at + 50])


class Answers:
    def __init__(self, stage):
        self.stage = stage

    def applies(self, record, dialect):
        """The array is a framing of streams only."""
        return record.streamed or not dialect.array

    def columns(self, record):
        """(name of the column, dialect, filtered) of the cells of a record."""
        for dialect in dialects.COLUMNS:
            if self.applies(record, dialect):
                yield dialect.name, dialect, False
        for dialect in dialects.COLUMNS:
            if dialect.own(record) and not dialect.array:
                yield FILTERED, dialect, True

    def cell(self, record, dialect, filtered):
        """Problems of one cell; empty: it passes."""
        told = dialects.FORMS[record.form].digest(record.status, record.content_type, record.body)
        try:
            if record.broken:
                return self._broken(record, dialect, told, filtered)
            if told.error:
                return self._error(record, dialect, told, filtered)
            if dialect.own(record) and not filtered:
                return self._own(record, dialect)
            return self._foreign(record, dialect, told, filtered)
        except (OSError, Incomplete, ValueError, KeyError, TypeError, AttributeError) as error:
            if self.stage.ended():
                raise SystemExit("the gateway is gone, at %s > %s:\n%s" % (
                    record.id, dialect.name, self.stage.ended())) from None
            return ["%s: %s" % (type(error).__name__, error)]
        finally:
            self.stage.replay.plays.pop(record.id, None)

    def _ask(self, record, dialect, way, body, filtered=False, fresh=False):
        self.stage.replay.plays[record.id] = lambda asked: self._play(record, way, asked)
        model = self.stage.fresh(record) if fresh else record.id
        return self.stage.ask(dialect, record.form, model, record.streamed, body, filtered)

    @staticmethod
    def _play(record, way, asked):
        """Gemini answers in the framing that it was asked for."""
        body, headers = record.body, record.headers
        if ":stream" in asked.path and not record.failed and record.kind != "whole":
            array = "alt=sse" not in asked.path
            try:
                body = reframed(record, array)
            except ValueError:    # an array that is broken can be nothing else
                pass
            if body is not record.body:
                headers = dict(headers, **{
                    "content-type": "application/json" if array else "text/event-stream"})
        return Play(record.status, headers, body, framing.split(headers.get("content-type"), body)
                    if body is not record.body else record.pieces(),
                    record.chunk_lengths if body is record.body else None,
                    record.kind != "whole", way=way)

    def _short(self, record, dialect, told):
        plain = told.plain()
        tools = [call[0] for choice in plain["choices"] for call in choice["calls"]]
        return short_request(dialect, record.streamed, tools, max(1, len(plain["choices"])))

    def _requests(self, record, dialect, told):
        """Bodies to ask with: a short one, and the recorded one where there is one."""
        yield self._short(record, dialect, told), True
        if record.request_recorded and not record.failed:
            body = dict(record.request)
            if dialect.form == records.CHAT:
                # A string is addressed to the gateway; see the config reference.
                body.pop("provider", None)
            asked = not record.streamed or \
                bool((body.get("stream_options") or {}).get("include_usage"))
            # Whether it is a stream is the record's to say: some sources have lost it.
            if bool(body.get("stream", dialect.form == records.OLLAMA)) == record.streamed or \
                    dialect.form == "gemini":
                yield body, asked

    def _own(self, record, dialect):
        told = dialects.FORMS[record.form].digest(record.status, record.content_type, record.body)
        problems = []
        for n, (body, asked) in enumerate(self._requests(record, dialect, told)):
            expected = expected_bytes(record, asked)
            if dialect.form == "gemini" and record.kind != "whole":
                expected = reframed(record, dialect.array)
            for way in ways(record) if n == 0 else ways(record)[:1]:
                reply = self._ask(record, dialect, way, body)
                what = "%s%s: " % (way, "" if n == 0 else ", as recorded")
                if reply.cut or reply.status != record.status:
                    problems.append(what + "status %d%s: %.200r" % (
                        reply.status, ", cut" if reply.cut else "", reply.body))
                elif reply.body != expected:
                    problems.append(what + _difference(expected, reply.body))
        return problems

    def _foreign(self, record, dialect, told, filtered):
        way = "whole" if record.kind == "whole" else \
            ("events", "odd")[int(record.id[-2:], 36) % 2]
        reply = self._ask(record, dialect, way, self._short(record, dialect, told), filtered)
        problems = dialect.validate(reply, record.streamed)
        if filtered:                      # what is not as the SDK has it was so before
            problems = self._new(problems, record, dialect)
        said = dialect.read(reply)
        problems += rules.differences(record.form, dialect.form, told.plain(), said.plain())
        if said.error:
            problems.append("status %d: %.300r" % (reply.status, reply.body))
        return problems

    @staticmethod
    def _new(problems, record, dialect):
        known = {re.sub(r"\d+", "#", what) for what in dialect.module.validate(
            record.status, record.content_type, record.body, dialect.framed(record.streamed))}
        return [what for what in problems if re.sub(r"\d+", "#", what) not in known]

    def _broken(self, record, dialect, told, filtered):
        """Whatever is wrong with it: it does not end well."""
        reply = self._ask(record, dialect, "events", self._short(record, dialect, told), filtered,
                          True)
        return [] if dialect.read(reply).error else ["a clean end: %.300r" % reply.body]

    def _error(self, record, dialect, told, filtered):
        way = "whole" if record.kind == "whole" else "events"
        reply = self._ask(record, dialect, way, self._short(record, dialect, told), filtered, True)
        said = dialect.read(reply)
        problems = []
        if reply.status >= 400:
            problems += dialect.validate(reply, record.streamed)
        elif record.streamed and not reply.cut:
            problems.append("the stream that failed has a clean end")
        problems += rules.differences(record.form, dialect.form, told.plain(), said.plain(),
                                      reply.status < 400)
        # What went wrong is for people to read: the vendor's words arrive.
        words = json.dumps(told.message[:60], ensure_ascii=False)[1:-1] if told.message else ""
        if words and told.error != "protocol" and \
                words not in reply.body.decode("utf-8", "replace"):
            problems.append("the vendor's message is lost: %.200r" % reply.body)
        return problems
